import CivilTime
import Counting
import Detection
import TestSupport
import Testing

@testable import Contracts

/// Noon in Shanghai.
private func noon(_ day: String) throws -> Instant {
  let days = Int64(try date(day).daysSinceEpoch)
  return Instant(seconds: days * 86_400 + 4 * 3_600)
}

private func tally(
  _ records: Int, _ quantity: Int, _ first: String = "2025-12-05", _ last: String? = nil
) throws -> Tally {
  var tally = Tally()
  tally.records = records
  tally.quantity = quantity
  tally.first = try noon(first)
  tally.last = try noon(last ?? first)
  tally.evidence = [Tally.Evidence(time: try noon(first), source: "a.log:\(records)")]
  return tally
}

private func use(
  module: String = "text-bot", scenario: String = "after-sales", app: String = "web",
  term: TermPosition = .within, contract: String = "DZ-1"
) -> UseKey {
  UseKey(
    contract: contract, licensee: "acme", module: module, scenario: scenario, app: app, term: term)
}

private func place(
  _ place: String, _ kind: UnlistedPlaceKey.Kind, module: String = "text-bot", app: String = "web"
) -> UnlistedPlaceKey {
  UnlistedPlaceKey(
    contract: "DZ-1", licensee: "acme", module: module, app: app, kind: kind, place: place)
}

@Suite("Findings from the contract's lists")
struct ContractFindingsTests {
  @Test("a contract without lists flags nothing, whatever was used")
  func noLists() throws {
    var contract = try exampleContract()
    contract.prices = []
    let findings = contractFindings(
      contract: contract, uses: [use(module: "x", scenario: "y", app: "z"): try tally(9, 9)],
      places: [place("1.2.3.4", .network): try tally(1, 0)])
    #expect(findings.isEmpty)
  }

  @Test("empty fields and other contracts are not flagged")
  func emptyFields() throws {
    var contract = try exampleContract()
    contract.allowed = Allowed(scenarios: [], apps: [], networks: [], origins: [])
    let uses = [
      use(module: "", scenario: "", app: ""): try tally(9, 9),
      use(scenario: "", app: ""): try tally(9, 9),
      use(module: "x", scenario: "y", app: "z", contract: "DZ-2"): try tally(9, 9),
    ]
    let places = [
      place("", .network): try tally(1, 0), place("", .origin): try tally(1, 0),
    ]
    #expect(contractFindings(contract: contract, uses: uses, places: places).isEmpty)
  }

  @Test("an unlisted scenario is priced where the list has a price for every scenario")
  func unlistedScenario() throws {
    var contract = try exampleContract()
    contract.prices.append(try price("text-bot", nil, "0.125"))
    contract.allowed.scenarios = ["after-sales"]
    let findings = contractFindings(
      contract: contract,
      uses: [
        use(): try tally(100, 50),
        use(scenario: "marketing"): try tally(12, 5, "2025-12-03", "2025-12-09"),
      ], places: [:])
    let finding = try #require(findings.first)
    #expect(findings.count == 1)
    #expect(finding.kind == .unlistedScenario)
    #expect(finding.severity == .medium)
    #expect(finding.clause == "services.scenario")
    #expect(finding.records == 12)
    #expect(finding.amountLow?.text(places: 2) == "0.63")
    #expect(finding.amountHigh?.text(places: 2) == "0.63")
    #expect(finding.suppressedLow == nil)
    #expect(finding.evidence == ["a.log:12"])
    #expect(finding.explanation.contains("12 records and 5 billable units"))
    #expect(finding.explanation.contains("from 2025-12-03 to 2025-12-09"))
  }

  @Test(
    "a price that changed within the use gives a range",
    arguments: [
      // One line after the other.
      ([(nil, "0.30", nil, "2025-12-05"), (nil, "0.40", "2025-12-06", nil)], "3.00", "4.00"),
      // A line for the scenario begins, and ends, beside one for every scenario.
      ([(nil, "0.30", nil, nil), ("after-sales", "0.40", "2025-12-06", nil)], "3.00", "4.00"),
      ([(nil, "0.30", nil, nil), ("after-sales", "0.40", nil, "2025-12-05")], "3.00", "4.00"),
      // One that holds on the first day, or on the last, only.
      ([(nil, "0.30", nil, nil), ("after-sales", "0.40", nil, "2025-12-03")], "3.00", "4.00"),
      ([(nil, "0.30", nil, nil), ("after-sales", "0.40", "2025-12-09", nil)], "3.00", "4.00"),
      ([(nil, "0.30", nil, nil), ("after-sales", "0.40", "2025-12-10", nil)], "3.00", "3.00"),
      ([(nil, "0.30", nil, nil), ("after-sales", "0.40", nil, "2025-12-02")], "3.00", "3.00"),
      ([(nil, "0.30", nil, nil), ("pre-sales", "0.40", nil, nil)], "3.00", "3.00"),
      // A day without a price.
      ([(nil, "0.30", nil, "2025-12-05"), (nil, "0.40", "2025-12-07", nil)], nil, nil),
    ] as [([(String?, String, String?, String?)], String?, String?)])
  func priceRange(
    lines: [(scenario: String?, price: String, from: String?, to: String?)], low: String?,
    high: String?
  ) throws {
    var contract = try exampleContract()
    contract.prices = try lines.map { line in
      try price("text-bot", line.scenario, line.price, from: line.from, to: line.to)
    }
    contract.allowed.apps = ["ios"]
    let findings = contractFindings(
      contract: contract, uses: [use(): try tally(20, 10, "2025-12-03", "2025-12-09")], places: [:])
    #expect(findings.map(\.kind) == [.unlistedApp])
    #expect(findings.first?.module == "text-bot")
    #expect(findings.first?.app == "web")
    #expect(findings.first?.amountLow?.text(places: 2) == low)
    #expect(findings.first?.amountHigh?.text(places: 2) == high)
  }

  @Test("an app that used several modules is one finding")
  func unlistedApp() throws {
    var contract = try exampleContract()
    contract.prices.append(try price("kb", nil, "0.02", meter: .item))
    contract.allowed.apps = ["ios"]
    let findings = contractFindings(
      contract: contract,
      uses: [
        use(): try tally(20, 10), use(module: "kb"): try tally(30, 30),
        use(app: "ios"): try tally(1, 1),
      ], places: [:])
    #expect(findings.map(\.kind) == [.unlistedApp])
    #expect(findings.first?.module == "")
    #expect(findings.first?.records == 50)
    #expect(findings.first?.amountLow?.text(places: 2) == "4.10")
  }

  @Test(
    "which uses the price list does not enable",
    arguments: [
      // module, scenario, from, to, expected words or none
      ("text-bot", "after-sales", "2025-12-05", "2025-12-05", nil),
      ("text-bot", "", "2025-12-05", "2025-12-05", nil),
      ("text-bot", "pre-sales", "2025-12-05", "2025-12-05", "has no line on these days"),
      ("voice-bot", "after-sales", "2025-12-05", "2025-12-05", "but not enabled"),
      ("new-bot", "after-sales", "2025-12-05", "2025-12-05", "is not in the contract's price list"),
      ("trial-bot", "after-sales", "2025-12-05", "2025-12-10", nil),
      ("trial-bot", "after-sales", "2025-12-05", "2025-12-11", "on a day on which"),
      ("trial-bot", "after-sales", "2025-12-11", "2025-12-12", "has no line on these days"),
      // Use before and after the term is priced as on its nearest day.
      ("text-bot", "after-sales", "2025-11-05", "2025-11-05", nil),
      ("text-bot", "after-sales", "2026-12-05", "2026-12-05", nil),
    ] as [(String, String, String, String, String?)])
  func moduleNotEnabled(
    module: String, scenario: String, first: String, last: String, words: String?
  ) throws {
    var contract = try exampleContract()
    contract.prices = [
      try price("text-bot", "after-sales", "0.35", from: "2025-12-01", to: "2026-11-30"),
      try price("voice-bot", nil, "1.00", enabled: false),
      try price("trial-bot", nil, "1.00", to: "2025-12-10"),
    ]
    let findings = contractFindings(
      contract: contract,
      uses: [use(module: module, scenario: scenario): try tally(4, 2, first, last)], places: [:])
    #expect(findings.map(\.kind) == (words == nil ? [] : [.moduleNotEnabled]))
    if let words {
      #expect(findings.first?.explanation.contains(words) == true)
      #expect(findings.first?.severity == .medium)
      #expect(findings.first?.clause == "fees.packages")
    }
  }

  @Test("a module that is listed but switched off has its amount, an unlisted one has none")
  func amounts() throws {
    var contract = try exampleContract()
    contract.prices = [try price("voice-bot", nil, "1.50", enabled: false)]
    let findings = contractFindings(
      contract: contract,
      uses: [use(module: "voice-bot"): try tally(4, 2), use(module: "new"): try tally(4, 2)],
      places: [:])
    #expect(findings.map(\.module) == ["new", "voice-bot"])
    #expect(findings.map(\.amountLow) == [nil, Money(text: "3")])
    #expect(findings.first?.explanation.contains("no price for 2 units") == true)
  }

  @Test("before the term is medium, after it is holdover and only information")
  func outsideTerm() throws {
    let findings = contractFindings(
      contract: try exampleContract(),
      uses: [
        use(term: .before): try tally(4, 2, "2025-11-29"),
        use(term: .after): try tally(6, 3, "2026-12-01"), use(): try tally(100, 50),
      ], places: [:])
    #expect(findings.map(\.severity) == [.medium, .info])
    #expect(findings.map(\.clause) == ["term.dates", "term.holdover"])
    #expect(findings.map(\.kind) == [.outsideTerm, .outsideTerm])
    #expect(findings.map(\.amountLow) == [Money(text: "0.7"), Money(text: "1.05")])
    #expect(findings.last?.explanation.contains("settles such use on the same terms") == true)
  }

  @Test("nothing an honest licensee can cause is of high severity")
  func neverHigh() throws {
    var contract = try exampleContract()
    contract.allowed = Allowed(scenarios: [], apps: [], networks: [], origins: [])
    let findings = contractFindings(
      contract: contract,
      uses: [use(module: "a", scenario: "b", app: "c", term: .before): try tally(1_000_000, 1)],
      places: [
        place("8.8.8.8", .network): try tally(1_000_000, 0),
        place("https://x", .origin): try tally(1_000_000, 0),
      ])
    #expect(
      Set(findings.map(\.kind))
        == Set(Finding.Kind.allCases).subtracting(DetectionSettings.tested))
    #expect(findings.allSatisfy { $0.severity < .high })
    #expect(findings.allSatisfy { !$0.explanation.isEmpty && !$0.recommendedAction.isEmpty })
  }
}
