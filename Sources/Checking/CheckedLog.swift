public import CivilTime
public import Decoding
public import Formats
public import Parsing

/// What one log is, and how much of it can be read.
public struct CheckedLog: Sendable {
  public var file: InputFile
  /// `nil` where the file could not be opened.
  public var codec: Codec?
  public var encoding: TextEncoding?
  /// `nil` where the log has no line.
  public var recognition: Recognition?
  public var counts = LineCounts()
  public var quarantined = 0
  /// The first quarantined lines, from 1.
  public var rejections: [(line: Int, rejection: Rejection)] = []
  /// The times of the first and the last record, by their times.
  public var first: Instant?
  public var last: Instant?
  /// Records by the hour since 1970 that they are in.
  public var hours: [Int64: Int] = [:]
  public var textBytes = 0
  public var damages: [Damage] = []
  /// The first records, as they were understood.
  public var samples: [SampleRecord] = []
  /// Equal for logs of equal text, however they are stored: a number for each block.
  public var digests: [UInt64] = []

  init(file: InputFile) { self.file = file }

  /// Lines that are records, those that the format ignores too.
  public var records: Int { counts.lines - counts.blank - quarantined }
  public var lostBytes: Int { damages.reduce(0) { $0 + ($1.byteCount ?? 0) } }
  /// Whether it has records, of which the rules of its format let none count.
  public var isIgnored: Bool { records > 0 && records == counts.ignored }
  public var isUnknown: Bool { recognition?.isUnknown ?? false }
  public var formatName: String? {
    guard let recognition, recognition.trial.lines > 0 else { return nil }
    return recognition.isUnknown ? nil : recognition.plan.format.name
  }
}

/// A record in the words of its fields.
public struct SampleRecord: Sendable, Hashable {
  /// From 1.
  public var line: Int
  public var time: Instant
  public var status: Int
  public var items: Int
  public var texts: [Field: String]
}
