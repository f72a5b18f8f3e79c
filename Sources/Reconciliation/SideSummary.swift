internal import CivilTime
internal import Contracts

/// What was met of a side while it was read.
struct SideSummary {
  /// Units of a kind on a day.
  struct Sum {
    var quantity = 0
    /// Of units without a charge of their own.
    var uncharged = 0
    var hasCharges = false
    /// What the charged ones come to.
    var charges = Money.zero
  }

  private(set) var units = 0
  /// Units of days that are not compared.
  private(set) var unitsOfOtherDays = 0
  private(set) var unitsWithUser = 0
  private(set) var unitsWithID = 0
  private(set) var sums: [SumKey: Sum] = [:]
  /// The months that anything is stated of.
  private(set) var months: Set<CivilMonth> = []
  private var lastDay: Int32?
  var days = DayRuleEvidence()
  var sample = UnitSample()
  var activity = MinuteActivity()

  struct SumKey: Hashable {
    var kind: Int32
    var day: Int32
  }

  /// - Parameter isCompared: whether its day is one of those that are compared.
  mutating func add(_ unit: UnitRecord, _ charge: Money?, isCompared: Bool) {
    if isCompared {
      units += 1
      addFigures(unit, charge)
    } else {
      unitsOfOtherDays += 1
    }
    note(month: unit.day)
    guard !unit.isTimeUnknown else { return }
    activity.add(unit.startedAt)
    if !unit.isEndUnknown { activity.add(unit.endedAt) }
  }

  private mutating func note(month day: Int32) {
    if day == lastDay { return }
    lastDay = day
    months.insert(CivilDate(daysSinceEpoch: day).month)
  }

  private mutating func addFigures(_ unit: UnitRecord, _ charge: Money?) {
    var sum = Sum()
    let key = SumKey(kind: Int32(unit.kind), day: unit.day)
    swap(&sum, &sums[key, default: Sum()])
    sum.quantity += Int(unit.quantity)
    if let charge {
      sum.hasCharges = true
      sum.charges = sum.charges + charge
    } else {
      sum.uncharged += Int(unit.quantity)
    }
    swap(&sum, &sums[key, default: Sum()])
  }

  mutating func noteIdentities(hasUser: Bool, hasID: Bool) {
    if hasUser { unitsWithUser += 1 }
    if hasID { unitsWithID += 1 }
  }
}

/// By which rule a side puts units on days, as far as its rows state both.
struct DayRuleEvidence {
  /// The day of the start or the end, in the contract's zone or in UTC.
  enum Rule: Int, CaseIterable { case start, end, startInUTC, endInUTC }

  private var agreeing = [Int](repeating: 0, count: Rule.allCases.count)
  private var utc = ZoneCursor(.utc)

  mutating func note(_ unit: UnitRecord, _ zone: inout ZoneCursor) {
    let start = Instant(microseconds: unit.startedAt)
    let end = Instant(microseconds: unit.endedAt)
    let day = CivilDate(daysSinceEpoch: unit.day)
    if zone.day(of: start).date == day { agreeing[Rule.start.rawValue] += 1 }
    if zone.day(of: end).date == day { agreeing[Rule.end.rawValue] += 1 }
    if utc.day(of: start).date == day { agreeing[Rule.startInUTC.rawValue] += 1 }
    if utc.day(of: end).date == day { agreeing[Rule.endInUTC.rawValue] += 1 }
  }

  mutating func merge(_ other: DayRuleEvidence) {
    for index in agreeing.indices { agreeing[index] += other.agreeing[index] }
  }

  /// The rule that most rows agree with, the contract's first.
  var rule: Rule {
    Rule.allCases.max {
      (agreeing[$0.rawValue], $1.rawValue) < (agreeing[$1.rawValue], $0.rawValue)
    } ?? .start
  }
}

/// How much goes on in each minute.
struct MinuteActivity: Sendable {
  /// By minutes since 1970.
  private(set) var counts: [Int32: Int32] = [:]

  mutating func add(_ microseconds: Int64) {
    var minute = microseconds / 60_000_000
    if microseconds < 0 { minute -= 1 }
    counts[Int32(clamping: minute), default: 0] += 1
  }

  mutating func merge(_ other: MinuteActivity) {
    counts.merge(other.counts) { $0 + $1 }
  }
}
