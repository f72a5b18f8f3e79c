import CivilTime
import Counting
import Detection
import TestSupport
import Testing

@testable import Contracts

@Suite("Findings of random uses")
struct FindingsPropertyTests {
  private static let modules = ["", "text-bot", "voice-bot", "trial-bot", "new-bot"]
  private static let scenarios = ["", "after-sales", "pre-sales"]
  private static let apps = ["", "ios", "web", "crm"]

  private static func contract() throws -> Contract {
    var contract = try exampleContract()
    contract.prices = [
      try price("text-bot", "after-sales", "0.35"),
      try price("voice-bot", nil, "1", enabled: false),
      try price("trial-bot", nil, "0.333", to: "2025-12-10"),
      try price("trial-bot", nil, "0.5", enabled: false, from: "2025-12-15"),
    ]
    contract.allowed = Allowed(
      scenarios: ["after-sales"], apps: ["ios", "web"],
      networks: [try #require(Network(text: "10.0.0.0/8"))], origins: ["https://shop.example"])
    return contract
  }

  private static func tally(_ random: inout SeededRandom) throws -> Tally {
    var tally = Tally()
    let start = Int64(try date("2025-11-25").daysSinceEpoch) * 86_400
    let first = start + Int64.random(in: 0...(30 * 86_400), using: &random)
    tally.records = Int.random(in: 1...100, using: &random)
    tally.quantity = Int.random(in: 0...50, using: &random)
    tally.first = Instant(seconds: first)
    tally.last = Instant(seconds: first + Int64.random(in: 0...(10 * 86_400), using: &random))
    for _ in 0..<Int.random(in: 0...3, using: &random) {
      tally.evidence.append(
        Tally.Evidence(
          time: Instant(seconds: first), source: "a:\(Int.random(in: 1...9, using: &random))"))
    }
    tally.evidence.sort()
    return tally
  }

  @Test("order decides nothing, records add up", arguments: 1...40 as ClosedRange<UInt64>)
  func random(seed: UInt64) throws {
    var random = SeededRandom(seed: seed)
    let contract = try Self.contract()
    var uses: [UseKey: Tally] = [:]
    var places: [UnlistedPlaceKey: Tally] = [:]
    for _ in 0..<120 {
      let module = try #require(Self.modules.randomElement(using: &random))
      let app = try #require(Self.apps.randomElement(using: &random))
      let key = UseKey(
        contract: "DZ-1", licensee: Bool.random(using: &random) ? "acme" : "acme-mini",
        module: module, scenario: try #require(Self.scenarios.randomElement(using: &random)),
        app: app, term: try #require(TermPosition.allCases.randomElement(using: &random)))
      uses[key] = try Self.tally(&random)
      let place = UnlistedPlaceKey(
        contract: "DZ-1", licensee: key.licensee, module: module, app: app,
        kind: Bool.random(using: &random) ? .network : .origin,
        place: "192.0.\(Int.random(in: 0...120, using: &random)).7")
      places[place] = try Self.tally(&random)
    }
    let findings = contractFindings(contract: contract, uses: uses, places: places)
    for _ in 0..<3 {
      var others: [UseKey: Tally] = Dictionary(
        minimumCapacity: Int.random(in: 1...4_000, using: &random))
      for (key, tally) in uses.shuffled(using: &random) { others[key] = tally }
      var otherPlaces: [UnlistedPlaceKey: Tally] = Dictionary(
        minimumCapacity: Int.random(in: 1...4_000, using: &random))
      for (key, tally) in places.shuffled(using: &random) { otherPlaces[key] = tally }
      let again = contractFindings(contract: contract, uses: others, places: otherPlaces)
      #expect(again == findings, "seed \(seed)")
    }

    func records(_ kind: Finding.Kind) -> Int {
      findings.filter { $0.kind == kind }.reduce(0) { $0 + $1.records }
    }
    func records(_ isIncluded: (UseKey) -> Bool) -> Int {
      uses.filter { isIncluded($0.key) }.values.reduce(0) { $0 + $1.records }
    }
    #expect(records(.unlistedApp) == records { $0.app == "crm" }, "seed \(seed)")
    #expect(records(.unlistedScenario) == records { $0.scenario == "pre-sales" }, "seed \(seed)")
    #expect(records(.outsideTerm) == records { $0.term != .within }, "seed \(seed)")
    #expect(
      records(.unlistedOrigin) + records(.unlistedNetwork)
        == places.values.reduce(0) { $0 + $1.records }, "seed \(seed)")
    for finding in findings {
      #expect((finding.amountLow ?? .zero) <= (finding.amountHigh ?? .zero), "seed \(seed)")
      #expect(finding.severity < .high, "seed \(seed)")
    }
  }
}
