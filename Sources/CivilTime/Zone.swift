internal import Foundation

/// An IANA time zone as a table of its offset changes, so that the day of a record is a search
/// in a small array and not a call into a calendar.
///
/// The table covers 1970 to 2100; before and after, the first and last offsets hold. It comes from
/// the time-zone data that is linked with the program, not from the machine's, so that one release
/// gives one figure everywhere.
public struct Zone: Hashable, Sendable {
  /// The IANA name, `Asia/Shanghai`, or `UTC`.
  public let identifier: String
  /// Seconds since the epoch at which `offsets[index + 1]` comes into force, ascending.
  let changes: [Int64]
  /// Seconds east of UTC; one more than `changes`.
  let offsets: [Int64]

  public static let utc = Zone(identifier: "UTC", changes: [], offsets: [0])

  init(identifier: String, changes: [Int64], offsets: [Int64]) {
    self.identifier = identifier
    self.changes = changes
    self.offsets = offsets
  }

  /// The zone of an IANA name.
  ///
  /// - Returns: `nil` where the time-zone data does not know the name, and for abbreviations and
  ///   offsets (`CST`, `GMT+8`), which mean different things to different people.
  public init?(identifier: String) {
    if identifier == "UTC" {
      self = .utc
      return
    }
    // The library takes `CST` for Chicago's time, which is not what Shanghai means by it.
    guard !identifier.isEmpty, TimeZone.abbreviationDictionary[identifier] == nil,
      !identifier.hasPrefix("GMT"), !identifier.hasPrefix("UTC"),
      let zone = TimeZone(identifier: identifier)
    else { return nil }
    var changes: [Int64] = []
    var moment = Date(timeIntervalSince1970: 0)
    var offsets = [Int64(zone.secondsFromGMT(for: moment))]
    let end = Date(timeIntervalSince1970: 4_102_444_800)  // 2100-01-01T00:00:00Z
    while let next = zone.nextDaylightSavingTimeTransition(after: moment), next > moment, next < end
    {
      let offset = Int64(zone.secondsFromGMT(for: next.addingTimeInterval(1)))
      if offset != offsets[offsets.count - 1] {
        changes.append(Int64(next.timeIntervalSince1970.rounded()))
        offsets.append(offset)
      }
      moment = next
    }
    self.init(identifier: identifier, changes: changes, offsets: offsets)
  }

  /// The names that the time-zone data knows, ascending.
  public static var knownIdentifiers: [String] { TimeZone.knownTimeZoneIdentifiers.sorted() }

  /// Seconds east of UTC at a moment.
  public func offsetSeconds(at instant: Instant) -> Int64 {
    let seconds = instant.secondsRoundedDown
    var low = 0
    var high = changes.count
    while low < high {
      let middle = (low + high) / 2
      if changes[middle] <= seconds { low = middle + 1 } else { high = middle }
    }
    return offsets[low]
  }

  /// The calendar day of a moment in this zone.
  public func date(of instant: Instant) -> CivilDate {
    Self.date(localSeconds: instant.secondsRoundedDown + offsetSeconds(at: instant))
  }

  static func date(localSeconds: Int64) -> CivilDate {
    let days = localSeconds / 86_400 - (localSeconds % 86_400 < 0 ? 1 : 0)
    return CivilDate(daysSinceEpoch: Int32(clamping: days))
  }

  /// The first moment of a calendar day: 00:00, or where a change of clocks skips that, the first
  /// moment that exists; of a day that was skipped whole, as 2011-12-30 was in `Pacific/Apia`, the
  /// first moment after it.
  public func start(of date: CivilDate) -> Instant {
    let local = Int64(date.daysSinceEpoch) * 86_400
    // The stretches of one offset follow each other in time, so the first that reaches the day
    // has its first moment.
    for (index, change) in changes.enumerated() where local - offsets[index] < change {
      let begins = index == 0 ? Int64.min : changes[index - 1]
      return Instant(seconds: max(begins, local - offsets[index]))
    }
    return Instant(seconds: max(changes.last ?? Int64.min, local - offsets[changes.count]))
  }

  /// The day of a moment together with the moments between which every moment has that day and
  /// that offset: what a loop over records keeps to look days up once a day.
  public func day(of instant: Instant) -> ZoneDay {
    let offset = offsetSeconds(at: instant)
    let date = Self.date(localSeconds: instant.secondsRoundedDown + offset)
    var start = Int64(date.daysSinceEpoch) * 86_400 - offset
    var end = start + 86_400
    for change in changes {
      if change <= instant.secondsRoundedDown { start = max(start, change) }
      if change > instant.secondsRoundedDown { end = min(end, change) }
    }
    return ZoneDay(
      date: date, offsetSeconds: offset, start: Instant(seconds: start),
      end: Instant(seconds: end))
  }
}

/// A stretch of time within one calendar day and one offset from UTC: `start` inside, `end` not.
public struct ZoneDay: Sendable {
  public let date: CivilDate
  public let offsetSeconds: Int64
  public let start: Instant
  public let end: Instant

  @inlinable
  public func contains(_ instant: Instant) -> Bool { instant >= start && instant < end }
}

/// A zone with the last day looked up: nearly every look-up in a sorted scan hits it.
public struct ZoneCursor: Sendable {
  public let zone: Zone
  @usableFromInline var last: ZoneDay

  public init(_ zone: Zone) {
    self.zone = zone
    last = zone.day(of: Instant(microseconds: 0))
  }

  /// The day that a moment lies in.
  @inlinable
  public mutating func day(of instant: Instant) -> ZoneDay {
    if !last.contains(instant) { last = zone.day(of: instant) }
    return last
  }
}
