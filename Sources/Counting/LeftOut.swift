public import CivilTime

/// Records that are passed over, to see what is counted without them.
public enum LeftOut: Sendable, Hashable {
  /// Those of a stretch of time.
  case time(Range<Instant>)
  /// Those of a log, by its place among all logs.
  case log(Int)
}

/// From when to when a log has records.
public struct LogSpan: Sendable, Hashable {
  /// The log's place among all logs.
  public var log: Int
  /// The log as it was named.
  public var name: String
  public var first: Instant
  public var last: Instant
  public var records: Int

  public init(log: Int, name: String, first: Instant, last: Instant, records: Int) {
    self.log = log
    self.name = name
    self.first = first
    self.last = last
    self.records = records
  }
}
