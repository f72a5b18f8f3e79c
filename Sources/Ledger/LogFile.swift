public import CivilTime

/// The number of a log file's content in the ledger.
public struct LogFileID: Sendable, Hashable {
  public var number: Int64

  public init(number: Int64) { self.number = number }
}

/// A log file's content as it was taken in, whatever names it came under. Sizes are bytes.
public struct LogFile: Sendable, Hashable {
  /// A place that could not be read.
  public struct Damage: Sendable, Hashable, Codable {
    public var kind: String
    /// In the file as stored.
    public var byteOffset: Int
    /// How many stored bytes were lost, where that is known.
    public var byteCount: Int?
    public var detail: String
    /// Of a member whose text nothing vouches for: where it begins, as stored.
    public var memberOffset: Int?
    /// And the text that it had given.
    public var untrustedTextBytes: Int?
    /// And whether the lines of that were quarantined.
    public var untrustedIsQuarantined: Bool?

    public init(kind: String, byteOffset: Int, byteCount: Int?, detail: String) {
      self.kind = kind
      self.byteOffset = byteOffset
      self.byteCount = byteCount
      self.detail = detail
    }
  }

  /// Lines that were quarantined for one reason.
  public struct Rejection: Sendable, Hashable, Codable {
    public var reason: String
    public var count: Int
    /// The numbers of the first ones, from 1.
    public var firstLines: [Int]

    public init(reason: String, count: Int, firstLines: [Int]) {
      self.reason = reason
      self.count = count
      self.firstLines = firstLines
    }
  }

  /// Of the text, decoded: 16 or 32 bytes. Equal digests are the same log.
  public var textDigest: ContentHash
  /// Of the text's first line; `nil` where that has no end.
  public var headDigest: ContentHash?
  /// Of the bytes as stored, under the first name.
  public var storedSHA256: ContentHash
  public var storedBytes: Int
  /// Stored bytes that damages lost; `nil` where that is not known.
  public var lostBytes: Int?
  public var textBytes: Int
  /// Line ends that stand in no log, set where damage tears a line.
  public var addedLineEnds = 0
  public var codec: String
  public var encoding: String
  public var format: String
  public var lines: Int
  public var blank = 0
  /// Lines that the format passes over: part of the blank ones, or beside them.
  public var ignored = 0
  public var records: Int
  public var quarantined = 0
  public var blankBytes = 0
  public var quarantinedBytes = 0
  /// Of its records; `nil` without any.
  public var firstTime: Instant?
  public var lastTime: Instant?
  /// The latest time that a record may have had when it was taken in; those of later ones are quarantined.
  public var latestTime = Instant(microseconds: .max)
  /// Records that are on no day: of days that were sealed when it was taken in, or in a longer log by now.
  public var uncountedRecords = 0
  /// The last day that was sealed when it was taken in, where it had records of sealed days.
  public var sealedUntil: CivilDate?
  /// Lines of each block, in order, by which a record's place becomes a line number.
  public var blockLines: [Int]
  public var damages: [Damage] = []
  public var rejections: [Rejection] = []

  public init(
    textDigest: ContentHash, storedSHA256: ContentHash, storedBytes: Int, textBytes: Int,
    codec: String, encoding: String, format: String, lines: Int, records: Int, blockLines: [Int]
  ) {
    self.textDigest = textDigest
    self.storedSHA256 = storedSHA256
    self.storedBytes = storedBytes
    self.textBytes = textBytes
    self.codec = codec
    self.encoding = encoding
    self.format = format
    self.lines = lines
    self.records = records
    self.blockLines = blockLines
  }
}

/// A name under which a content came, and the file as it then was.
public struct LogName: Sendable, Hashable {
  public var path: String
  public var storedSHA256: ContentHash
  /// In bytes.
  public var storedBytes: Int
  public var modifiedAt: Instant

  public init(path: String, storedSHA256: ContentHash, storedBytes: Int, modifiedAt: Instant) {
    self.path = path
    self.storedSHA256 = storedSHA256
    self.storedBytes = storedBytes
    self.modifiedAt = modifiedAt
  }
}

/// A name and the content that it had last.
public struct KnownName: Sendable, Hashable {
  public var name: LogName
  public var file: LogFileID
  /// The run that last saw it.
  public var run: RunID
}
