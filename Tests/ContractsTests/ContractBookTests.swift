import CivilTime
import Configuration
import Testing

@testable import Contracts

@Suite struct ContractBookTests {
  private func contract(_ yaml: String, _ path: String = "c.yaml") throws -> Contract {
    try Contract(yaml: yaml, path: path)
  }

  private func told(_ contracts: [Contract]) -> [String] {
    do {
      _ = try ContractBook(contracts)
      return []
    } catch {
      return error.problems.map(\.description)
    }
  }

  /// Two contracts of one licensee with a gap between them, given in the wrong order, and another's.
  private func book() throws -> ContractBook {
    try ContractBook([
      contract(
        """
        contract: B
        licensee: {keys: [acme]}
        term: {from: 2026-02-01, to: 2026-12-31}
        """),
      contract(
        """
        contract: A
        licensee: {keys: [acme, acme-mini]}
        term: {from: 2025-01-01, to: 2025-12-31}
        """),
      contract("{contract: C, licensee: {name: other}}"),
    ])
  }

  @Test(arguments: [
    ("acme", "2024-06-01", 1), ("acme", "2025-01-01", 1), ("acme", "2025-12-31", 1),
    // In the gap and after the end the contract that began last goes on.
    ("acme", "2026-01-15", 1), ("acme", "2026-02-01", 0), ("acme", "2030-01-01", 0),
    ("acme-mini", "2030-01-01", 1), ("other", "2025-01-01", 2),
  ])
  func theContractInForce(licensee: String, date: String, index: Int) throws {
    #expect(try book().index(forLicensee: licensee, on: day(date)) == index)
  }

  @Test(arguments: ["", "nobody", "ACME"])
  func recordsOfNoContract(licensee: String) throws {
    let book = try book()
    #expect(try book.index(forLicensee: licensee, on: day("2026-01-01")) == nil)
    #expect(book.contracts(forLicensee: licensee).isEmpty)
  }

  @Test func contractsOfALicenseeStandByTheirStart() throws {
    #expect(try book().contracts(forLicensee: "acme") == [1, 0])
    #expect(try book().contracts(forLicensee: "acme-mini") == [1])
  }

  @Test func eachContractHasTheDaysOfItsOwnZone() throws {
    let book = try ContractBook([
      contract("{contract: A, licensee: {keys: [a]}, term: {from: 2025-01-01, to: 2025-12-31}}"),
      contract(
        "{contract: B, time_zone: America/New_York, licensee: {keys: [a]}, term: {from: 2026-01-01}}"
      ),
    ])
    // 2026-01-01 in Shanghai, still 2025-12-31 in New York.
    let before = Instant(seconds: 1_767_243_599)
    #expect(book.index(forLicensee: "a", at: before) == 0)
    #expect(book.index(forLicensee: "a", at: Instant(seconds: 1_767_243_600)) == 1)
  }

  @Test func theOnlyContractWithoutKeysTakesRecordsWithoutALicensee() throws {
    let date = try day("2026-01-01")
    let without = try contract("{contract: A, licensee: {name: 被许可方}}")
    let alone = try ContractBook([without])
    #expect(alone.index(forLicensee: "", on: date) == 0)
    #expect(alone.index(forLicensee: "被许可方", on: date) == 0)
    #expect(alone.index(forLicensee: "acme", on: date) == nil)
    let withKeys = try ContractBook([contract("{contract: A, licensee: {name: n, keys: [acme]}}")])
    #expect(withKeys.index(forLicensee: "", on: date) == nil)
    #expect(withKeys.index(forLicensee: "n", on: date) == nil)
    let two = try ContractBook([without, contract("contract: B")])
    #expect(two.index(forLicensee: "", on: date) == nil)
    #expect(try ContractBook([]).index(forLicensee: "", on: date) == nil)
  }

  @Test func oneNumberForTwoContractsIsAMistake() throws {
    let first = try contract("# first\ncontract: A", "a.yaml")
    let second = try contract("contract: A", "b.yaml")
    #expect(told([first, second]) == ["b.yaml:1: contract: number 'A' is also that of a.yaml:2"])
  }

  @Test func oneLicenseeOnTheSameDaysIsAMistake() throws {
    let first = try contract(
      "contract: A\nlicensee: {keys: [x, y]}\nterm: {from: 2025-01-01, to: 2025-12-31}", "a.yaml")
    let second = try contract(
      "contract: B\nlicensee:\n  keys: [y, x]\nterm: {from: 2025-12-31}", "b.yaml")
    let expected =
      "b.yaml:3: licensee: licensee 'x' also has contract A (a.yaml:2) on the same days: "
      + "from 2025-01-01 to 2025-12-31, and from 2025-12-31 without end here"
    #expect(told([first, second]) == [expected])
    #expect(told([second, first]) == [expected])
  }

  @Test func aLateOpeningMovesTheTermAgainstTheNext() throws {
    let first = try contract(
      "{contract: A, licensee: {keys: [x]}, "
        + "term: {from: 2025-01-01, opened: 2025-01-02, to: 2025-12-31}}")
    let adjacent = try contract("{contract: B, licensee: {keys: [x]}, term: {from: 2026-01-02}}")
    let early = try contract("{contract: C, licensee: {keys: [x]}, term: {from: 2026-01-01}}")
    #expect(told([first, adjacent]).isEmpty)
    #expect(told([first, early]).count == 1)
  }
}

@Suite struct PriceLookupTests {
  private func contract() throws -> Contract {
    try Contract(
      yaml: """
        contract: X
        prices:
          - {module: chat, unit: conversation, price: 0.50}
          - {module: chat, scenario: vip, unit: conversation, price: 0.90, to: 2026-01-31}
          - {module: chat, scenario: vip, unit: conversation, price: 0.80, from: 2026-02-01}
          - {module: chat, scenario: beta, unit: conversation, price: 0, enabled: no}
          - {module: kb, scenario: faq, unit: item, price: 0.02, from: 2026-01-01, to: 2026-06-30}
        """, path: "c.yaml")
  }

  @Test(arguments: [
    ("chat", "web", "2026-01-31", "0.5"), ("chat", "", "2026-01-31", "0.5"),
    ("chat", "vip", "2026-01-31", "0.9"), ("chat", "vip", "2026-02-01", "0.8"),
    ("chat", "beta", "2026-01-01", "0"), ("kb", "faq", "2026-01-01", "0.02"),
    ("kb", "faq", "2026-06-30", "0.02"), ("kb", "faq", "2026-07-01", nil),
    ("kb", "web", "2026-01-01", nil), ("other", "web", "2026-01-01", nil),
  ])
  func price(module: String, scenario: String, date: String, expected: String?) throws {
    let found = try contract().price(module: module, scenario: scenario, on: day(date))?.price
    #expect(found?.description == expected)
    #expect(
      try contract().isListed(module: module, scenario: scenario, on: day(date))
        == (expected != nil))
  }

  @Test func useOutOfTheTermIsSettledAsOnItsNearestDay() throws {
    let contract = try Contract(
      yaml: """
        contract: X
        term: {from: 2026-01-01, to: 2026-06-30}
        prices:
          - {module: kb, unit: item, price: 0.02, from: 2026-01-01, to: 2026-06-30}
        """, path: "c.yaml")
    for date in ["2025-12-31", "2026-01-01", "2026-06-30", "2026-07-01", "2027-01-01"] {
      let lines = contract.priceLines(module: "kb", scenario: "any", for: try day(date))
      #expect(lines.count == 1, "\(date)")
      #expect(contract.meter(module: "kb", on: try day(date)) == .item, "\(date)")
    }
  }

  @Test func metersAndPermissions() throws {
    let contract = try contract()
    let date = try day("2026-03-01")
    let outside = try day("2025-12-31")
    #expect(contract.meter(module: "kb", on: date) == .item)
    #expect(contract.meter(module: "kb", on: outside) == .conversation)
    #expect(contract.meter(module: "other", on: date) == .conversation)
    #expect(contract.isListed(module: "kb", on: date))
    #expect(!contract.isListed(module: "kb", on: outside))
    #expect(contract.isEnabled(module: "chat", scenario: "web", on: date))
    #expect(!contract.isEnabled(module: "chat", scenario: "beta", on: date))
    #expect(!contract.isEnabled(module: "other", scenario: "web", on: date))
  }
}
