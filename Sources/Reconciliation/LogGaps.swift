public import CivilTime

/// Stretches in which the gateway's log is incomplete.
public struct LogGaps: Sendable {
  /// Given ones and those that silence tells, in order, apart from each other.
  public private(set) var gaps: [LogGap] = []
  /// The first and the last thing that is known to have happened; `nil` without anything.
  private let span: ClosedRange<Int64>?

  /// Conversations that should have begun in a silence for it to be taken for a gap: by chance it is then shorter in
  /// all but one of 10⁷ cases.
  static let expectedMin = 16.0

  /// - Parameters:
  ///   - given: gaps that are known.
  ///   - activity: begins and ends of units, two for each.
  ///   - zone: whose hours of the day have their own traffic.
  init(given: [Range<Instant>], activity: MinuteActivity, zone: Zone) {
    let minutes = activity.counts.keys.sorted()
    if let first = minutes.first, let last = minutes.last {
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
      let from = Instant(microseconds: Int64(silence.lowerBound) * Self.minute)
      let to = Instant(microseconds: Int64(silence.upperBound) * Self.minute)
      if found.contains(where: { $0.range.overlaps(from..<to) }) { continue }
      found.append(LogGap(range: from..<to, expected: expected))
    }
    gaps = found.sorted { $0.range.lowerBound < $1.range.lowerBound }
  }

  static let minute: Int64 = 60_000_000

  /// Where a unit lies as far as the log's completeness goes.
  enum Place {
    case complete
    case gap(LogGap)
    case beforeFirst(Instant)
    case behindLast(Instant)
  }

  /// - Parameters: a unit's start and end in microseconds of the licensor's clock.
  func place(_ start: Int64, _ end: Int64) -> Place {
    let range = Instant(microseconds: start)...Instant(microseconds: end)
    if let gap = gaps.first(where: { $0.range.overlaps(range) }) { return .gap(gap) }
    guard let span else { return .complete }
    if end < span.lowerBound { return .beforeFirst(Instant(microseconds: span.lowerBound)) }
    if start > span.upperBound { return .behindLast(Instant(microseconds: span.upperBound)) }
    return .complete
  }
}

/// A stretch in which the gateway's log is incomplete.
public struct LogGap: Sendable, Hashable {
  public var range: Range<Instant>
  /// The conversations that would be expected in it; `nil` of one that was given.
  public var expected: Double?
}

/// The usual traffic of each hour of the day.
private struct TrafficRates {
  private static let minutesOfDay: Int32 = 1_440

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

  private func local(_ minute: Int32) -> Int32 { minute + offsetMinutes }
  private func day(_ minute: Int32) -> Int32 {
    let local = local(minute)
    return local >= 0 ? local / Self.minutesOfDay : (local + 1) / Self.minutesOfDay - 1
  }
  private func hour(_ minute: Int32) -> Int {
    Int(local(minute) - day(minute) * Self.minutesOfDay) / 60
  }

  /// The conversations that would usually begin in a stretch.
  func expected(_ stretch: Range<Int32>) -> Double {
    var sum = 0.0
    for minute in stretch {
      sum += hourly[hour(minute)] * (shares[day(minute)] ?? 1)
      // Enough for any purpose, however long the silence.
      if sum > 1_000_000 { break }
    }
    return sum
  }
}
