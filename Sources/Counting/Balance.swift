/// Where every line of the input went; the two sums of rule 1 hold to the last line.
///
/// Balances add up: `Balance()` is empty, ``merge(_:)`` associative and commutative.
public struct Balance: Sendable, Hashable {
  public var lines = 0
  public var blank = 0
  public var quarantined = 0

  /// Successful records in conversations, opening and closing events included.
  public var messages = 0
  /// Successful records of modules priced by item.
  public var items = 0
  /// Events that the rule ignores, and closing events with nothing to close.
  public var ignored = 0
  public var failed = 0
  public var duplicates = 0
  /// Records of no contract.
  public var outsideContract = 0
  /// Records without the fields of the identity.
  public var unplaced = 0
  /// Records of the same logs that count on other days than those that are reported.
  public var otherDays = 0

  /// Duplicates that differ from the record kept in what is counted.
  public var conflicts = 0

  public init() {}

  /// Lines that were read as records.
  public var records: Int { lines - blank - quarantined }

  /// Records by what became of them.
  public var recordsAccountedFor: Int {
    messages + items + ignored + failed + duplicates + outsideContract + unplaced
      + otherDays
  }

  public var isBalanced: Bool { records == recordsAccountedFor }

  public mutating func merge(_ other: Balance) {
    lines += other.lines
    blank += other.blank
    quarantined += other.quarantined
    messages += other.messages
    items += other.items
    ignored += other.ignored
    failed += other.failed
    duplicates += other.duplicates
    outsideContract += other.outsideContract
    unplaced += other.unplaced
    otherDays += other.otherDays
    conflicts += other.conflicts
  }
}

/// Where every byte of the text went. Like ``Balance``, these add up.
///
/// The text is what is read: decoded, as UTF-8, and with a line end where damage tears a line. A line's
/// bytes are those of its line end too.
public struct ByteBalance: Sendable, Hashable {
  /// As the decoders gave it, line ends added at tears included.
  public var text = 0
  /// As it was parsed.
  public var records = 0
  /// Blank lines, headers, and byte order marks.
  public var blank = 0
  public var quarantined = 0
  /// Line ends that stand in no log.
  public var addedLineEnds = 0

  public init() {}

  public var isBalanced: Bool { text == records + blank + quarantined }

  public mutating func merge(_ other: ByteBalance) {
    text += other.text
    records += other.records
    blank += other.blank
    quarantined += other.quarantined
    addedLineEnds += other.addedLineEnds
  }
}
