/// A record as a test means it; its texts are bytes, since texts are told apart by bytes.
public struct LogRecord: Sendable {
  /// Microseconds since 1970.
  public var time: Int64
  public var licensee: [UInt8] = []
  public var user: [UInt8] = []
  public var conversation: [UInt8] = []
  public var request: [UInt8] = []
  /// Empty means `message`.
  public var event: [UInt8] = []
  public var module: [UInt8] = []
  public var scenario: [UInt8] = []
  public var app: [UInt8] = []
  public var status = 200
  public var items = 1

  public init(time: Int64) { self.time = time }
}

/// One line of a test's log with what it means.
public struct LogLine: Sendable {
  public enum Meaning: Sendable {
    case record(LogRecord)
    case blank, bad
  }
  /// Without its line end.
  public var bytes: [UInt8]
  public var meaning: Meaning

  public init(_ bytes: [UInt8], _ meaning: Meaning) {
    self.bytes = bytes
    self.meaning = meaning
  }
}

/// A line and where it stands.
public struct PlacedLine: Sendable {
  public var line: LogLine
  public var file: Int
  /// From 1.
  public var number: Int
}

extension [LogLine] {
  /// The text of a file.
  public var text: [UInt8] { flatMap { $0.bytes + [0x0A] } }
}
