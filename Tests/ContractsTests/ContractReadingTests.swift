import CivilTime
import Configuration
import Testing

@testable import Contracts

func day(_ text: String) throws -> CivilDate { try #require(CivilDate(text: text)) }
func money(_ text: String) throws -> Money { try #require(Money(text: text)) }

/// The mistakes of a contract's text, as a user reads them.
func mistakes(_ yaml: String) -> [String] {
  do {
    _ = try Contract(yaml: yaml, path: "c.yaml")
    return []
  } catch {
    return error.problems.map(\.description)
  }
}

@Suite struct ContractReadingTests {
  /// The example of the interface page, its ellipses filled in.
  static let whole = """
    contract: DZ-2025-018
    licensor: {name: 许可方, account: "6222 0000"}
    licensee: {name: 被许可方, keys: [acme, acme-mini]}      # values of the record field `licensee`
    time_zone: Asia/Shanghai
    term: {signed: 2025-11-20, from: 2025-12-01, to: 2026-11-30, opened: 2025-12-03}
    conversation:
      identity: [user]          # fields that together say whose conversation it is
      idle_timeout: 30m
      max_duration: none
      starts_on: [open]
      ends_on: [close]
      ignores: [ping]
      successful: 200-299
      failed_messages: ignore   # ignore | extend
      min_messages: 1
      counted_in: start
      dedupe_window: 1h
    prices:                                            # 附件 服务套餐说明
      - {service: 在线客服, module: text-bot, scenario: after-sales, unit: conversation, price: "0.35", enabled: true, from: 2025-12-01}
      - {service: 知识库, module: kb-qa, unit: item, price: "0.02", enabled: true}
    fees: {base: "50000.00", tax_rate: "0.06", invoice_by: licensor, access_compensation: "20000.00"}
    settlement: {due_day: 5, late_rate: "0.0005", termination_after_days: 15, tolerance: "0.5%"}
    allowed: {scenarios: [after-sales], apps: [app-ios, web], networks: [10.0.0.0/8], origins: [https://shop.example]}
    outages:
      rescind_after_days: 5
      rescind_after_count: 3
      notices:
        - {announced: 2026-01-04T10:00:00+08:00, from: 2026-01-06T01:00:00+08:00, to: 2026-01-06T03:00:00+08:00, cause: maintenance}
    payments: [{date: 2026-01-05, amount: "12345.60", account: "6222 0000"}]
    holidays:
      holidays: [2026-01-01, {from: 2026-02-15, to: 2026-02-17}]
      working: [2026-02-14]
    privacy: {user: hmac, key_file: secrets/user.key}

    """

  @Test func theInterfaceExampleReadsWhole() throws {
    let contract = try Contract(yaml: Self.whole, path: "contracts/acme.yaml")
    #expect(contract.number == "DZ-2025-018")
    #expect(contract.licensor == Party(name: "许可方", account: "6222 0000", keys: []))
    #expect(contract.licensee == Party(name: "被许可方", account: nil, keys: ["acme", "acme-mini"]))
    #expect(contract.zone.identifier == "Asia/Shanghai")
    #expect(try contract.term.signed == day("2025-11-20"))
    #expect(try contract.term.firstDay == day("2025-12-03"))
    #expect(try contract.term.lastDay == day("2026-12-02"))
    #expect(contract.rules == [DatedRule(from: nil, rule: ConversationRule())])
    #expect(
      try contract.prices == [
        Price(
          service: "在线客服", module: "text-bot", scenario: "after-sales", meter: .conversation,
          price: money("0.35"), enabled: true, from: day("2025-12-01")),
        Price(
          service: "知识库", module: "kb-qa", scenario: nil, meter: .item, price: money("0.02"),
          enabled: true),
      ])
    #expect(
      try contract.fees
        == Fees(
          base: money("50000"), taxRate: money("0.06"), invoiceBy: .licensor,
          accessCompensation: money("20000")))
    #expect(
      try contract.settlement
        == Settlement(
          dueDay: 5, lateRate: money("0.0005"), terminationAfterDays: 15, tolerance: money("0.005"))
    )
    #expect(contract.allowed.scenarios == ["after-sales"])
    #expect(contract.allowed.apps == ["app-ios", "web"])
    #expect(contract.allowed.networks?.map(\.text) == ["10.0.0.0/8"])
    #expect(contract.allowed.origins == ["https://shop.example"])
    #expect(contract.outages.rescindAfterDays == 5)
    #expect(contract.outages.rescindAfterCount == 3)
    #expect(
      contract.outages.notices == [
        OutageTerms.Notice(
          announced: Instant(seconds: 1_767_492_000), from: Instant(seconds: 1_767_632_400),
          to: Instant(seconds: 1_767_639_600), cause: "maintenance")
      ])
    #expect(
      try contract.payments
        == [Payment(date: day("2026-01-05"), amount: money("12345.6"), account: "6222 0000")])
    #expect(
      try contract.holidays.holidays
        == [day("2026-01-01"), day("2026-02-15"), day("2026-02-16"), day("2026-02-17")])
    #expect(try contract.holidays.working == [day("2026-02-14")])
    #expect(contract.privacy == Privacy(user: .hmac, keyFile: "contracts/secrets/user.key"))
    #expect(contract.path == "contracts/acme.yaml")
  }

  @Test func aNumberIsEnough() throws {
    let contract = try Contract(yaml: "contract: 2025018", path: "c.yaml")
    #expect(contract.number == "2025018")
    #expect(contract.zone.identifier == "Asia/Shanghai")
    #expect(contract.rules == [DatedRule(from: nil, rule: ConversationRule())])
    #expect(contract.prices.isEmpty && contract.payments.isEmpty)
    #expect(contract.term == Term())
    #expect(contract.settlement.dueDay == 5)
    #expect(try contract.settlement.lateRate == money("0.0005"))
    #expect(contract.settlement.tolerance == .zero)
    #expect(contract.allowed == Allowed())
    #expect(contract.privacy == Privacy(user: .hmac))
  }

  @Test func theContractWithoutAFileShowsUsersAndHasNoPrices() {
    var rule = ConversationRule()
    rule.identity = [.user, .module]
    let contract = Contract.withoutFile(zone: .utc, rule: rule)
    #expect(contract.number.isEmpty && contract.prices.isEmpty && contract.path.isEmpty)
    #expect(contract.privacy.user == .plain)
    #expect(contract.rules == [DatedRule(from: nil, rule: rule)])
    #expect(contract.zone == .utc)
  }

  @Test func aRuleThatChangedInWritingIsAList() throws {
    let contract = try Contract(
      yaml: """
        contract: X
        conversation:
          - {idle_timeout: 30m}
          - {from: 2026-03-01, idle_timeout: 20m, identity: [user, module], max_duration: 2h,
             successful: "200-204, 304", starts_on: [], ends_on: [bye, close], ignores: ping,
             failed_messages: extend, min_messages: 0, counted_in: end, dedupe_window: 0s}
        """, path: "c.yaml")
    try #require(contract.rules.count == 2)
    #expect(contract.rules[0].rule == ConversationRule())
    let rule = contract.rules[1].rule
    #expect(try contract.rules[1].from == day("2026-03-01"))
    #expect(rule.identity == [.user, .module])
    #expect(rule.idleTimeout == Interval(seconds: 1_200))
    #expect(rule.maxDuration == Interval(seconds: 7_200))
    #expect(rule.successful == [200...204, 304...304])
    #expect(rule.startsOn.isEmpty && rule.endsOn == ["bye", "close"] && rule.ignores == ["ping"])
    #expect(rule.failedMessages == .extend && rule.minMessages == 0 && rule.countedIn == .end)
    #expect(rule.dedupeWindow == Interval(seconds: 0))
    #expect(try contract.rule(on: day("2026-02-28")).index == 0)
    #expect(try contract.rule(on: day("2026-03-01")).index == 1)
  }

  @Test(arguments: [
    ("200-299", [200...299]), ("200,204", [200...200, 204...204]), ("304", [304...304]),
    ("[200-299, 304]", [200...299, 304...304]), ("[304, 200-299]", [200...299, 304...304]),
    ("200-250, 251-299", [200...299]), ("[200-299, 250-260]", [200...299]),
  ])
  func statuses(text: String, expected: [ClosedRange<Int>]) throws {
    let contract = try Contract(
      yaml: "contract: X\nconversation:\n  successful: \(text)", path: "c.yaml")
    #expect(contract.rules[0].rule.successful == expected)
  }

  @Test func aDefaultEventGivesWayToTheListThatNamesIt() throws {
    let contract = try Contract(
      yaml: "contract: X\nconversation: {ends_on: [open, bye], ignores: [close]}", path: "c.yaml")
    let rule = contract.rules[0].rule
    #expect(rule.startsOn.isEmpty && rule.endsOn == ["open", "bye"] && rule.ignores == ["close"])
  }

  @Test(arguments: [("0.5%", "0.005"), ("\"0.005\"", "0.005"), ("5‰", "0.005"), ("50‱", "0.005")])
  func tolerances(text: String, expected: String) throws {
    let contract = try Contract(
      yaml: "contract: X\nsettlement: {tolerance: \(text)}", path: "c.yaml")
    #expect(try contract.settlement.tolerance == money(expected))
  }

  @Test(arguments: [
    ("yes", true), ("No", false), ("on", true), ("OFF", false), ("true", true), ("False", false),
  ])
  func enabledIsReadAsYAMLMeansIt(text: String, expected: Bool) throws {
    let contract = try Contract(
      yaml: "contract: X\nprices: [{module: m, unit: item, price: 0.10, enabled: \(text)}]",
      path: "c.yaml")
    #expect(contract.prices.first?.enabled == expected)
  }

  @Test(arguments: ["0.35", "0.1", "123456789012.12345678", "0", "1.10"])
  func anUnquotedPriceIsExact(text: String) throws {
    let contract = try Contract(
      yaml: "contract: X\nprices: [{module: m, unit: item, price: \(text)}]", path: "c.yaml")
    #expect(try contract.prices.first?.price == money(text))
  }

  @Test func anchorsAliasesAndMergedKeysAreReadInPlace() throws {
    let contract = try Contract(
      yaml: """
        contract: X
        prices:
          - &line {module: a, unit: item, price: 0.10}
          - {<<: *line, module: b}
          - <<: [*line]
            module: c
            price: 0.20
        """, path: "c.yaml")
    #expect(contract.prices.map(\.module) == ["a", "b", "c"])
    #expect(try contract.prices.map(\.price) == [money("0.1"), money("0.1"), money("0.2")])
  }

  @Test(arguments: ["\u{FEFF}contract: X", "contract: X\r\nterm:\r\n  from: 2025-12-01\r\n"])
  func filesOfWindowsEditorsRead(text: String) throws {
    #expect(try Contract(yaml: text, path: "c.yaml").number == "X")
  }
}
