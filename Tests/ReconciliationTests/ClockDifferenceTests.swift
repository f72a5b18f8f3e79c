import CivilTime
import Contracts
import Reconciliation
import TestSupport
import Testing

@Suite("Differences of clocks")
struct ClockDifferenceTests {
  /// Milliseconds that the licensee's clock is ahead.
  static let differences = [
    -28_800_000, -28_800_000 + 2_345, -3_600_000, -90_017, -1_001, -1, 0, 999, 1_000, 61_234,
    299_999,
    1_800_000, 5_400_500, 19_800_000, 28_800_000, 28_801_777,
  ]

  @Test("are found to the second with ids, whatever else differs", arguments: differences)
  func byID(milliseconds: Int) throws {
    let clock = try clock(milliseconds, seed: 1, units: 400)
    #expect(clock.basis == .ids)
    #expect(clock.pairs > 200)
    #expect(isClose(clock, milliseconds), "\(clock)")
  }

  @Test("are found to the second from users alone", arguments: differences)
  func byUser(milliseconds: Int) throws {
    let clock = try clock(milliseconds, seed: 2, units: 400, hasIDs: false)
    #expect(clock.basis == .users)
    #expect(isClose(clock, milliseconds), "\(clock)")
  }

  @Test("are found from few units", arguments: [1, 2, 3, 7])
  func few(units: Int) throws {
    let clock = try clock(28_803_000, seed: 3, units: units, isDisturbed: false)
    #expect(clock.basis == .ids)
    #expect(clock.pairs == units)
    #expect(isClose(clock, 28_803_000), "\(clock)")
  }

  @Test("are not made up where nothing tells")
  func none() throws {
    for clock in [
      try clock(5_000, seed: 4, units: 0), try clock(5_000, seed: 4, units: 3, hasIDs: false),
      try clock(5_000, seed: 4, units: 300, hasIDs: false, hasUsers: false),
    ] {
      #expect(clock.basis == .none)
      #expect(clock.difference == Interval(microseconds: 0))
      #expect(clock.pairs == 0)
      #expect(clock.zonePart == nil)
    }
  }

  @Test("of whole hours are told to be time zones")
  func zones() throws {
    for (milliseconds, hours) in [
      (28_800_000, 8.0), (-28_800_000, -8), (28_803_400, 8), (-28_807_000, -8), (19_800_000, 5.5),
      (3_630_000, 1),
    ] {
      let clock = try clock(milliseconds, seed: 5, units: 200)
      #expect(
        clock.zonePart == Interval(microseconds: Int64(hours * 3_600_000_000)), "\(milliseconds)")
    }
    for milliseconds in [0, 4_000, 900_000, -600_000, 2_500_000] {
      let clock = try clock(milliseconds, seed: 5, units: 200)
      #expect(clock.zonePart == nil, "\(milliseconds)")
    }
  }

  @Test("do not keep units apart that both sides have", arguments: differences)
  func pairs(milliseconds: Int) throws {
    let outcome = try outcome(milliseconds, seed: 6, units: 300, isDisturbed: false)
    #expect(outcome.pairs == 300)
    #expect(outcome.pairsOfOtherTimes == 0)
    #expect(outcome.steps.isEmpty)
    let byUser = try self.outcome(
      milliseconds, seed: 7, units: 300, hasIDs: false, isDisturbed: false)
    #expect(byUser.pairs == 300)
    #expect(byUser.steps.isEmpty)
  }

  // MARK: - Details

  private func isClose(_ clock: ClockDifference, _ milliseconds: Int) -> Bool {
    abs(clock.difference.microseconds - Int64(milliseconds) * 1_000) <= 1_000_000
  }

  private func clock(
    _ milliseconds: Int, seed: UInt64, units: Int, hasIDs: Bool = true, hasUsers: Bool = true,
    isDisturbed: Bool = true
  ) throws -> ClockDifference {
    try outcome(
      milliseconds, seed: seed, units: units, hasIDs: hasIDs, hasUsers: hasUsers,
      isDisturbed: isDisturbed
    ).clock
  }

  /// - Parameter isDisturbed: of ten units, one is missing on either side, one is cut in two, and the times of the
  ///   others differ by up to 0.4 s.
  private func outcome(
    _ milliseconds: Int, seed: UInt64, units: Int, hasIDs: Bool = true, hasUsers: Bool = true,
    isDisturbed: Bool = true
  ) throws -> DetailOutcome {
    var random = SeededRandom(seed: seed)
    var licensor: [StatedUnit] = []
    var licensee: [StatedUnit] = []
    let ahead = Interval(microseconds: Int64(milliseconds) * 1_000)
    for number in 0..<units {
      let start =
        try instant("2025-12-10T00:00:00+08:00")
        + Interval(
          microseconds: Int64(number * 1_200_000 + random.number(0...900_000)) * 1_000)
      var unit = StatedUnit(
        date: try date("2025-12-10"), module: "text-bot",
        user: hasUsers ? "u\(random.number(0...60))" : "", conversation: hasIDs ? "c\(number)" : "",
        startedAt: start,
        endedAt: start + Interval(microseconds: Int64(random.number(30...1_000_000)) * 1_000),
        messages: random.number(2...9), place: UInt64(number + 1))
      let fate = isDisturbed ? random.number(0...9) : 9
      if fate != 0 { licensor.append(unit) }
      unit.startedAt = unit.startedAt.map { $0 + ahead }
      unit.endedAt = unit.endedAt.map { $0 + ahead }
      if isDisturbed {
        let jitter = Interval(microseconds: Int64(random.number(-400_000...400_000)))
        unit.startedAt = unit.startedAt.map { $0 + jitter }
      }
      guard fate != 1 else { continue }
      if fate == 2, let start = unit.startedAt {
        var second = unit
        unit.endedAt = start
        second.conversation += hasIDs ? "-2" : ""
        second.startedAt = second.endedAt
        licensee.append(second)
      }
      licensee.append(unit)
    }
    let engine = DetailReconciliation(
      try exampleContract(), options: .init(threads: 1, bytesMax: 1 << 24, temporaryFolder: "/tmp"))
    let sides = BothSides(licensor: licensor, licensee: licensee)
    try engine.take([
      (.licensor, { take in for var unit in sides.licensor { _ = take(&unit) } }),
      (.licensee, { take in for var unit in sides.licensee { _ = take(&unit) } }),
    ])
    return try engine.run { _ in [] }
  }
}
