import CivilTime
import TestSupport
import Testing

@testable import Detection

@Suite("Log gaps")
struct LogGapTests {
  private static func found(
    _ seed: UInt64, _ change: (inout SimulatedTraffic) -> Void
  ) throws -> [Finding] {
    var random = SeededRandom(seed: seed)
    var traffic = SimulatedTraffic()
    change(&traffic)
    return try traffic.findings(&random).filter { $0.kind == .logGap }
  }

  @Test("a silence of all is told, with what it lacks", arguments: 1...10)
  func all(seed: UInt64) throws {
    let found = try Self.found(seed) {
      $0.isLost = { _, day, slot in day == 6 && (150..<162).contains(slot) }
    }
    #expect(found.map(\.severity) == [.medium])
    let finding = try #require(found.first)
    // On a Sunday an hour has about 110 calls, of which three make a unit.
    let lost = try #require(finding.suppressedLow)...(try #require(finding.suppressedHigh))
    #expect(lost.contains(38))
    #expect(finding.clause == "access.count_authority")
    // The last line before and the first after.
    let slots = finding.evidence.compactMap { UInt64($0).map { $0 / 10 % 288 } }
    #expect(slots.count == 2 && slots[0] < 150 && slots[1] >= 162)
    #expect(finding.from?.microseconds == (Int64(20_429) * 288 + 150) * 300_000_000)
  }

  @Test("a host whose lines of a day are lost is told", arguments: 1...10)
  func host(seed: UInt64) throws {
    let found = try Self.found(seed) {
      $0.isLost = { host, day, _ in host == "gateway-02" && day == 8 }
    }
    #expect(found.count == 1)
    #expect(found.first?.explanation.contains("gateway-02") == true)
    #expect(found.first.map { $0.severity >= .low } == true)
    #expect(found.first?.evidence.count == 2)
    #expect(found.first?.evidence.allSatisfy { $0.hasSuffix("1") } == true)
  }

  @Test("a night in which few conversations are held is none", arguments: 1...12)
  func quietNight(seed: UInt64) throws {
    // Of ten calls each, so that some twenty calls of a night are two conversations.
    let found = try Self.found(seed) {
      $0.callsOfDay = 600
      $0.clusterMax = 19
    }
    #expect(found.isEmpty)
  }

  @Test("what is no gap is none", arguments: 1...12)
  func honest(seed: UInt64) throws {
    #expect(try Self.found(seed) { _ in }.isEmpty)
    #expect(try Self.found(seed) { $0.callsOfDay = 40 }.isEmpty)
    #expect(try Self.found(seed) { $0.days = 2 }.isEmpty)
    // Nobody calls on weekends.
    #expect(try Self.found(seed) { $0.weekend = 0 }.isEmpty)
    // A campaign, and less traffic for some days.
    #expect(
      try Self.found(seed) {
        $0.factor = { day, slot, _ in day == 4 && slot > 200 && slot < 224 ? 10 : 1 }
      }.isEmpty)
    #expect(
      try Self.found(seed) { $0.factor = { day, _, _ in (4...6).contains(day) ? 0.2 : 1 } }
        .isEmpty)
    // A host that comes and goes as it is needed.
    #expect(
      try Self.found(seed) {
        $0.isDrained = { host, day, slot in
          host == "gateway-03" && (slot + day * 37) % 90 < 45
        }
      }.allSatisfy { $0.severity <= .low })
  }

  @Test("a host that the others stand in for is none", arguments: 1...6)
  func drained(seed: UInt64) throws {
    let found = try Self.found(seed) {
      $0.callsOfDay = 20_000
      $0.spread = 0.03
      $0.hosts = ["gateway-01": 0.5, "gateway-02": 0.5]
      $0.isDrained = { host, day, slot in
        host == "gateway-01" && day == 8 && (120..<144).contains(slot)
      }
    }
    #expect(found.allSatisfy { $0.severity <= .low })
  }

  @Test("a host that joins or leaves for good is an information")
  func changes() throws {
    let joins = try Self.found(2) {
      $0.isDrained = { host, day, _ in host == "gateway-02" && day < 6 }
    }
    #expect(joins.map(\.severity) == [.info])
    #expect(joins.first?.subject == "gateway-02 joins")
    let leaves = try Self.found(3) {
      $0.isDrained = { host, day, _ in host == "gateway-02" && day > 6 }
    }
    #expect(leaves.map(\.subject) == ["gateway-02 leaves"])
  }
}
