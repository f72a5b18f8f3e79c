import CivilTime
import Contracts
import TestSupport
import Testing

@testable import Reconciliation

@Suite("What is added up of a side")
struct SideSummaryTests {
  private static let start = CivilDate(year: 2025, month: 10, day: 25)

  private func unit(_ random: inout SeededRandom, _ zone: Zone, isLate: Bool) -> UnitRecord {
    var unit = UnitRecord(side: .licensor, kind: Int.random(in: 0..<700, using: &random))
    let days = Int.random(in: 0..<(isLate ? 4_000 : 12), using: &random)
    unit.startedAt =
      zone.start(of: Self.start + days).microseconds
      + Int64.random(in: 0..<90_000_000_000, using: &random)
    unit.endedAt = unit.startedAt + Int64.random(in: 0..<9_000_000_000, using: &random)
    let shown = Instant(
      microseconds: Bool.random(using: &random) ? unit.startedAt : unit.endedAt)
    unit.day =
      (Int.random(in: 0..<3, using: &random) > 0 ? zone : .utc).date(of: shown)
      .daysSinceEpoch
    unit.quantity = Int64.random(in: 0...3, using: &random)
    return unit
  }

  @Test("days, charges and minutes in any order", arguments: [false, true])
  func sums(isLate: Bool) {
    var random = SeededRandom(seed: isLate ? 2 : 1)
    var summary = SideSummary()
    var expected: [SideSummary.SumKey: SideSummary.Sum] = [:]
    var minutes: [Int32: Int32] = [:]
    var months: Set<CivilMonth> = []
    for _ in 0..<20_000 {
      let unit = unit(&random, .utc, isLate: isLate)
      let charge: Money? =
        Bool.random(using: &random)
        ? nil
        : Money(
          digits: Int128(Int.random(in: -9...999, using: &random)),
          scale: Int.random(in: 0...12, using: &random))
      summary.add(unit, charge, isCompared: true)
      let key = SideSummary.SumKey(kind: Int32(unit.kind), day: unit.day)
      var sum = expected[key] ?? SideSummary.Sum()
      sum.quantity += Int(unit.quantity)
      if let charge {
        sum.hasCharges = true
        sum.charges = sum.charges + charge
      } else {
        sum.uncharged += Int(unit.quantity)
      }
      expected[key] = sum
      for time in [unit.startedAt, unit.endedAt] {
        minutes[Int32(time / 60_000_000), default: 0] += 1
      }
      months.insert(CivilDate(daysSinceEpoch: unit.day).month)
    }
    summary.finish()
    #expect(summary.units == 20_000 && summary.months == months)
    #expect(summary.activity.counts == minutes)
    #expect(summary.sums.count == expected.count)
    for (key, sum) in expected {
      let found = summary.sums[key]
      #expect(
        found?.quantity == sum.quantity && found?.uncharged == sum.uncharged
          && found?.hasCharges == sum.hasCharges && found?.charges == sum.charges)
    }
  }

  @Test(
    "the rule of days is the one that most rows agree with",
    arguments: ["Asia/Shanghai", "America/New_York", "UTC"], DayRuleEvidence.Rule.allCases)
  func rule(identifier: String, rule: DayRuleEvidence.Rule) throws {
    let zone = try #require(Zone(identifier: identifier))
    var random = SeededRandom(seed: 3)
    var evidence = DayRuleEvidence()
    var cursor = ZoneCursor(zone)
    var agreeing = [Int](repeating: 0, count: 4)
    for _ in 0..<5_000 {
      var unit = unit(&random, zone, isLate: false)
      let (start, end) = (
        Instant(microseconds: unit.startedAt), Instant(microseconds: unit.endedAt)
      )
      let days = [
        zone.date(of: start), zone.date(of: end), Zone.utc.date(of: start), Zone.utc.date(of: end),
      ]
      if Int.random(in: 0..<3, using: &random) > 0 {
        unit.day = days[rule.rawValue].daysSinceEpoch
      }
      evidence.note(unit, &cursor)
      for (index, day) in days.enumerated() where day.daysSinceEpoch == unit.day {
        agreeing[index] += 1
      }
    }
    // Where the zone is UTC, its rules say the same, and the contract's comes first.
    let best = agreeing.firstIndex(of: agreeing.max() ?? 0)
    #expect(evidence.rule.rawValue == best)
  }
}
