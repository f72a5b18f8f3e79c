public import CivilTime
internal import Counting

/// Stretches in which the gateway's log is incomplete.
public struct LogGaps: Sendable {
  /// Given ones and those that silence tells, in order, apart from each other.
  public private(set) var gaps: [LogGap] = []
  /// The first and the last thing that is known to have happened; `nil` without anything.
  private let span: ClosedRange<Int64>?
  /// Seconds in which the log has anything, in order; empty without a log.
  private let seconds: [Int64]

  /// Conversations that should have begun in a silence for it to be taken for a gap: by chance it is then shorter in
  /// all but one of 10⁷ cases.
  static let expectedMin = 16.0

  /// - Parameters:
  ///   - given: gaps that are known.
  ///   - activity: begins and ends of units, two for each.
  ///   - calls: when the log has anything, where there is one.
  ///   - zone: whose hours of the day have their own traffic.
  init(
    given: [Range<Instant>], activity: MinuteActivity, calls: CallTimes?, zone: Zone
  ) {
    seconds = calls?.seconds ?? []
    let minutes = activity.counts.keys.sorted()
    if let first = seconds.first, let last = seconds.last {
      span = first * Self.second...(last + 1) * Self.second - 1
    } else if let first = minutes.first, let last = minutes.last {
      span = Int64(first) * Self.minute...(Int64(last) + 1) * Self.minute - 1
    } else {
      span = nil
    }
    let rates = TrafficRates(activity, zone)
    var found = given.map { LogGap(range: $0, expected: nil) }
    for (before, after) in zip(minutes, minutes.dropFirst()) where after - before > 1 {
      let silence = before + 1..<after
      let expected = rates.expected(silence)
      guard expected >= Self.expectedMin else { continue }
      guard
        let range = silent(
          Int64(silence.lowerBound) * Self.minute..<Int64(silence.upperBound) * Self.minute),
        !found.contains(where: { $0.range.overlaps(range) })
      else { continue }
      found.append(LogGap(range: range, expected: expected))
    }
    gaps = found.sorted { $0.range.lowerBound < $1.range.lowerBound }
  }

  static let minute: Int64 = 60_000_000
  private static let second: Int64 = 1_000_000

  /// A stretch without begins and ends of units, if the log has nothing else in it either.
  private func silent(_ range: Range<Int64>) -> Range<Instant>? {
    let whole = Instant(microseconds: range.lowerBound)..<Instant(microseconds: range.upperBound)
    guard !seconds.isEmpty else { return whole }
    let middle = (range.lowerBound + range.upperBound) / 2
    let (before, after) = neighbours(of: middle)
    guard let before, let after, after - before > (range.upperBound - range.lowerBound) / 2 else {
      return nil
    }
    return Instant(microseconds: before)..<Instant(microseconds: after)
  }

  /// The last second with a call before a moment, from its end, and the first behind it.
  private func neighbours(of time: Int64) -> (before: Int64?, after: Int64?) {
    var (low, high) = (0, seconds.count)
    while low < high {
      let middle = (low + high) / 2
      if seconds[middle] * Self.second <= time { low = middle + 1 } else { high = middle }
    }
    return (
      low > 0 ? (seconds[low - 1] + 1) * Self.second : nil,
      low < seconds.count ? seconds[low] * Self.second : nil
    )
  }

  /// Where a unit lies as far as the log's completeness goes.
  enum Place {
    case complete
    case gap(LogGap)
    case beforeFirst(Instant)
    case behindLast(Instant)
    /// Nothing was logged of anyone: where little is called, that may be chance or a gap.
    case silence
  }

  /// How near a call must be for the log to be known to be complete.
  private static let nearBefore: Int64 = 60_000_000

  /// - Parameters: a unit's start and end in microseconds of the licensor's clock.
  func place(_ start: Int64, _ end: Int64) -> Place {
    let range = Instant(microseconds: start)...Instant(microseconds: end)
    if let gap = gaps.first(where: { $0.range.overlaps(range) }) { return .gap(gap) }
    guard let span else { return .complete }
    if end < span.lowerBound { return .beforeFirst(Instant(microseconds: span.lowerBound)) }
    if start > span.upperBound { return .behindLast(Instant(microseconds: span.upperBound)) }
    if !seconds.isEmpty, let before = neighbours(of: end).before, before < start - Self.nearBefore {
      return .silence
    }
    return .complete
  }
}

/// A stretch in which the gateway's log is incomplete.
public struct LogGap: Sendable, Hashable {
  public var range: Range<Instant>
  /// The conversations that would be expected in it; `nil` of one that was given.
  public var expected: Double?

  /// Whether it is known, not told by silence.
  public var isGiven: Bool { expected == nil }
}

/// The usual traffic of each hour of the day.
private struct TrafficRates {
  private static let minutesOfDay = 1_440

  private let offsetMinutes: Int32
  /// Conversations a minute, by hour of the day.
  private var hourly = [Double](repeating: 0, count: 24)
  /// Of each day, its share of a usual day's.
  private var shares: [Int32: Double] = [:]

  init(_ activity: MinuteActivity, _ zone: Zone) {
    let first = activity.counts.keys.min() ?? 0
    offsetMinutes = Int32(
      zone.offsetSeconds(at: Instant(microseconds: Int64(first) * LogGaps.minute)) / 60)
    var days: [Int32: Double] = [:]
    for (minute, count) in activity.counts {
      // Each unit has a begin and an end.
      let units = Double(count) / 2
      hourly[hour(minute)] += units
      days[day(minute), default: 0] += units
    }
    guard !days.isEmpty else { return }
    for index in hourly.indices { hourly[index] /= 60 * Double(days.count) }
    let usual = days.values.reduce(0, +) / Double(days.count)
    shares = days.mapValues { min(max($0 / usual, 0.25), 1) }
  }

  // Years up to 9999 need more than 32 bits where a zone's offset is added.
  private func local(_ minute: Int32) -> Int { Int(minute) + Int(offsetMinutes) }
  private func day(_ minute: Int32) -> Int32 {
    let local = local(minute)
    return Int32(local >= 0 ? local / Self.minutesOfDay : (local + 1) / Self.minutesOfDay - 1)
  }
  private func hour(_ minute: Int32) -> Int {
    (local(minute) - Int(day(minute)) * Self.minutesOfDay) / 60
  }

  /// The conversations that would usually begin in a stretch.
  func expected(_ stretch: Range<Int32>) -> Double {
    var sum = 0.0
    var minute = stretch.lowerBound
    while minute < stretch.upperBound {
      let rest = Int(stretch.upperBound) - Int(minute)
      if rest > 2 * Self.minutesOfDay {
        // Whole days, which have nothing, are usual ones; years of them are passed at once.
        let toMidnight = Self.minutesOfDay - (local(minute) - Int(day(minute)) * Self.minutesOfDay)
        if toMidnight == Self.minutesOfDay {
          let days = rest / Self.minutesOfDay
          sum += 60 * hourly.reduce(0, +) * Double(days)
          minute += Int32(days * Self.minutesOfDay)
          continue
        }
      }
      sum += hourly[hour(minute)] * (shares[day(minute)] ?? 1)
      minute += 1
    }
    return sum
  }
}
