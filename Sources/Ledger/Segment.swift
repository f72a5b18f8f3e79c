public import CivilTime

/// The records of one log file on one UTC day.
public struct Segment: Sendable, Hashable {
  public var day: CivilDate
  public var file: StoredFile
  /// How many; at least one.
  public var records: Int
  /// The earliest and latest, both on the day.
  public var firstTime: Instant
  public var lastTime: Instant

  public init(
    day: CivilDate, file: StoredFile, records: Int, firstTime: Instant, lastTime: Instant
  ) {
    self.day = day
    self.file = file
    self.records = records
    self.firstTime = firstTime
    self.lastTime = lastTime
  }
}

/// A segment of a day and the log that it is of.
public struct DaySegment: Sendable, Hashable {
  public var segment: Segment
  public var log: LogFileID
  /// The log's name: the smallest, in the order of bytes, of all paths that its content came under. It
  /// depends on no run's order.
  public var name: String
  public var textDigest: ContentHash
}

/// ``Segment``, where another module's is meant by that name.
public typealias LedgerSegment = Segment
