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
  /// Complete once the side is read; see ``finish()``.
  private(set) var sums: [SumKey: Sum] = [:]
  /// The months that anything is stated of.
  private(set) var months: Set<CivilMonth> = []
  /// Days of a month that is among them.
  private var lastMonth: ClosedRange<Int32>?
  var days = DayRuleEvidence()
  var sample = UnitSample()
  private(set) var activity = MinuteActivity()
  /// Whether anybody asks how much goes on when.
  private let hasActivity: Bool
  private var open = [OpenSum](repeating: OpenSum(), count: openSums)

  struct SumKey: Hashable {
    var kind: Int32
    var day: Int32
  }

  /// A part of a sum that is not yet in ``sums``.
  private struct OpenSum {
    /// Below 0: none.
    var kind: Int32 = -1
    var day: Int32 = 0
    var quantity = 0
    var uncharged = 0
    /// In units of 10⁻¹⁰ yuan.
    var charges: Int128 = 0
    var hasCharges = false
  }

  private static let openSums = 512
  private static let places = 10
  private static let powers: [Int128] = (0...places).map { power in
    (0..<power).reduce(Int128(1)) { value, _ in value * 10 }
  }

  init(hasActivity: Bool = true) { self.hasActivity = hasActivity }

  /// - Parameter isCompared: whether its day is one of those that are compared.
  @inline(__always)
  mutating func add(_ unit: UnitRecord, _ charge: Money?, isCompared: Bool) {
    if isCompared {
      units += 1
      addFigures(unit, charge)
    } else {
      unitsOfOtherDays += 1
    }
    if !(lastMonth?.contains(unit.day) ?? false) { note(month: unit.day) }
    guard hasActivity && !unit.isTimeUnknown else { return }
    activity.add(unit.startedAt)
    if !unit.isEndUnknown { activity.add(unit.endedAt) }
  }

  private mutating func note(month day: Int32) {
    let month = CivilDate(daysSinceEpoch: day).month
    months.insert(month)
    lastMonth = month.first.daysSinceEpoch...month.last.daysSinceEpoch
  }

  @inline(__always)
  private mutating func addFigures(_ unit: UnitRecord, _ charge: Money?) {
    let (kind, day) = (Int32(truncatingIfNeeded: unit.kind), unit.day)
    let slot = Int(truncatingIfNeeded: kind &* 37 &+ day) & (Self.openSums - 1)
    if open[slot].kind != kind || open[slot].day != day { begin(slot, kind, day) }
    let quantity = Int(unit.quantity)
    open[slot].quantity += quantity
    if let charge {
      add(charge, slot)
    } else {
      open[slot].uncharged += quantity
    }
  }

  private mutating func add(_ charge: Money, _ slot: Int) {
    if charge.scale <= Self.places {
      open[slot].hasCharges = true
      open[slot].charges += charge.digits * Self.powers[Self.places - charge.scale]
      return
    }
    let key = SumKey(kind: open[slot].kind, day: open[slot].day)
    sums[key, default: Sum()].hasCharges = true
    sums[key, default: Sum()].charges = sums[key, default: Sum()].charges + charge
  }

  private mutating func begin(_ slot: Int, _ kind: Int32, _ day: Int32) {
    close(slot)
    open[slot] = OpenSum(kind: kind, day: day)
  }

  private mutating func close(_ slot: Int) {
    let part = open[slot]
    guard part.kind >= 0 else { return }
    let key = SumKey(kind: part.kind, day: part.day)
    var sum = sums[key] ?? Sum()
    sum.quantity += part.quantity
    sum.uncharged += part.uncharged
    if part.hasCharges {
      sum.hasCharges = true
      sum.charges = sum.charges + Money(digits: part.charges, scale: Self.places)
    }
    sums[key] = sum
    open[slot] = OpenSum()
  }

  /// Completes ``sums``; to be called when the side is read.
  mutating func finish() {
    for slot in open.indices { close(slot) }
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
  /// A stretch, in microseconds, of one day in the zone and one in UTC, and these days.
  private var stretch: Range<Int64> = 0..<0
  private var stretchDays: (zone: Int32, utc: Int32) = (0, 0)
  /// Rows within one stretch that have these days: their starts and ends agree alike.
  private var inZone = 0
  private var inUTC = 0

  @inline(__always)
  mutating func note(_ unit: UnitRecord, _ zone: inout ZoneCursor) {
    if !stretch.contains(unit.startedAt) { enter(unit.startedAt, &zone) }
    guard unit.endedAt < stretch.upperBound else { return noteAcross(unit, &zone) }
    // Start and end have the same day.
    if unit.day == stretchDays.zone { inZone += 1 }
    if unit.day == stretchDays.utc { inUTC += 1 }
  }

  private mutating func enter(_ start: Int64, _ zone: inout ZoneCursor) {
    let instant = Instant(microseconds: start)
    let days = (zone.day(of: instant), utc.day(of: instant))
    stretch =
      max(days.0.start, days.1.start).microseconds..<min(days.0.end, days.1.end).microseconds
    stretchDays = (days.0.date.daysSinceEpoch, days.1.date.daysSinceEpoch)
  }

  private mutating func noteAcross(_ unit: UnitRecord, _ zone: inout ZoneCursor) {
    let start = Instant(microseconds: unit.startedAt)
    let end = Instant(microseconds: unit.endedAt)
    let day = CivilDate(daysSinceEpoch: unit.day)
    if zone.day(of: start).date == day { agreeing[Rule.start.rawValue] += 1 }
    if zone.day(of: end).date == day { agreeing[Rule.end.rawValue] += 1 }
    if utc.day(of: start).date == day { agreeing[Rule.startInUTC.rawValue] += 1 }
    if utc.day(of: end).date == day { agreeing[Rule.endInUTC.rawValue] += 1 }
  }

  /// The rule that most rows agree with, the contract's first.
  var rule: Rule {
    Rule.allCases.max { (count($0), $1.rawValue) < (count($1), $0.rawValue) } ?? .start
  }

  private func count(_ rule: Rule) -> Int {
    agreeing[rule.rawValue] + (rule == .start || rule == .end ? inZone : inUTC)
  }
}

/// How much goes on in each minute.
struct MinuteActivity: Sendable {
  /// The minute since 1970 of the first of ``counted``, which is set by what comes first, and the most of these.
  private var first: Int64 = 0
  private var counted: [Int32] = []
  private static let countedMax = 1 << 21
  /// Of all other minutes.
  private var others: [Int32: Int32] = [:]

  /// Counts by minutes since 1970, of those in which anything was.
  var counts: [Int32: Int32] {
    var counts = others
    for (index, count) in counted.enumerated() where count > 0 {
      counts[Int32(clamping: first + Int64(index)), default: 0] += count
    }
    return counts
  }

  @inline(__always)
  mutating func add(_ microseconds: Int64) {
    var minute = microseconds / 60_000_000
    if microseconds < 0 { minute -= 1 }
    let index = minute &- first
    if index >= 0 && index < counted.count {
      counted[Int(index)] += 1
    } else {
      addFar(minute)
    }
  }

  private mutating func addFar(_ minute: Int64) {
    // Some days before what comes first are likely to follow.
    if counted.isEmpty { first = minute - 20_000 }
    let index = minute - first
    guard index >= 0 && index < Self.countedMax else {
      others[Int32(clamping: minute), default: 0] += 1
      return
    }
    let room = min(max(2 * counted.count, Int(index) + 20_000), Self.countedMax)
    counted += repeatElement(0, count: room - counted.count)
    counted[Int(index)] += 1
  }
}
