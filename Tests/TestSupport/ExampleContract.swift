public import CivilTime
internal import Testing

@testable public import Contracts

/// A contract with a little of everything, for tests to change.
public func exampleContract() throws -> Contract {
  Contract(
    number: "DZ-1",
    licensor: Party(name: "Licensor", account: nil, keys: []),
    licensee: Party(name: "Acme", account: nil, keys: ["acme", "acme-mini"]),
    zone: try #require(Zone(identifier: "Asia/Shanghai")),
    term: Term(
      signed: nil, from: try date("2025-12-01"), to: try date("2026-11-30"),
      opened: nil),
    rules: [DatedRule(from: nil, rule: ConversationRule())],
    prices: [try price("text-bot", "after-sales", "0.35")],
    fees: Fees(base: nil, taxRate: nil, invoiceBy: .licensor, accessCompensation: nil),
    settlement: Settlement(
      dueDay: 5, lateRate: .zero, terminationAfterDays: 15,
      tolerance: try #require(Money(text: "0.005"))),
    allowed: Allowed(scenarios: nil, apps: nil, networks: nil, origins: nil),
    outages: OutageTerms(rescindAfterDays: nil, rescindAfterCount: nil, notices: []),
    payments: [],
    holidays: WorkingDays(holidays: [], working: []),
    privacy: Privacy(user: .hmac, keyFile: nil),
    path: "", lines: [:])
}

public func price(
  _ module: String, _ scenario: String?, _ price: String, meter: Meter = .conversation,
  enabled: Bool = true, from: String? = nil, to: String? = nil
) throws -> Price {
  Price(
    service: module, module: module, scenario: scenario, meter: meter,
    price: try #require(Money(text: price)), enabled: enabled, from: try from.map(date),
    to: try to.map(date), note: nil, description: nil)
}

public func date(_ text: String) throws -> CivilDate { try #require(CivilDate(text: text)) }
