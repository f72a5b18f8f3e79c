internal import CivilTime
public import Decoding
internal import Formats
public import Parsing

/// Files of records that a day carries over to the next.
///
/// Columns: time (µs since 1970), flags, items, block and line (in the block, from 0) of the log that the
/// record stands in, that log's number among the file's words, then the words licensee, module, scenario, app
/// and event and the texts user, conversation and request id. A chunk's number is its place.
public enum CarryFile {
  static let kind = ChunkFileKind(
    "CARR",
    [.series, .numbers, .numbers, .series, .series, .words]
      + wordFields.map { _ in .words } + textFields.map { _ in .texts })
  static let wordFields: [Field] = [.licensee, .module, .scenario, .app, .event]
  static let textFields: [Field] = [.user, .conversation, .requestID]
  /// A record that is carried over, as the file has it.
  public struct Record: Sendable, Hashable {
    public var time: Int64
    public var flags: UInt8
    public var items: Int
    /// What tells the log's content.
    public var log: String
    public var block: Int
    public var line: Int
    /// In the order licensee, module, scenario, app, event.
    public var words: [String]
    /// In the order user, conversation, request id.
    public var texts: [[UInt8]]

    public init(
      time: Int64, flags: UInt8, items: Int, log: String, block: Int, line: Int, words: [String],
      texts: [[UInt8]]
    ) {
      self.time = time
      self.flags = flags
      self.items = items
      self.log = log
      self.block = block
      self.line = line
      self.words = words
      self.texts = texts
    }
  }
}

/// Writes one.
public final class CarryWriter {
  private let file: RowFileWriter

  /// - Parameter day: the day that carries over, in days since 1970.
  public init(
    path: String, day: Int32, storage: any Storage = SystemStorage()
  ) throws(SegmentError) {
    file = try RowFileWriter(path: path, kind: CarryFile.kind, day: day, storage: storage)
  }

  public func append(_ record: CarryFile.Record) throws(SegmentError) {
    file.rows.add()
    for (column, number) in [
      record.time, Int64(record.flags), Int64(record.items), Int64(record.block),
      Int64(record.line),
    ].enumerated() { file.rows.set(column, number) }
    file.rows.set(5, record.log)
    for (index, word) in record.words.enumerated() { file.rows.set(6 + index, word) }
    for (index, text) in record.texts.enumerated() {
      file.rows.set(11 + index, text)
    }
    try file.endRow()
  }

  public func finish() throws(SegmentError) -> ChunkFileSummary { try file.finish() }
}

/// Reads one, chunk by chunk.
public final class CarryReader {
  private let file: ChunkFileReader
  private let table: RowTable
  private static let extra = ["flags", "block", "line", "log"]

  public init(
    path: String, day: Int32, storage: any Storage = SystemStorage()
  ) throws(SegmentError) {
    file = try ChunkFileReader(
      path: path, kind: CarryFile.kind, label: Int64(day), storage: storage)
    let base = Call.wordCount
    let fields = CarryFile.wordFields + CarryFile.textFields
    table = RowTable(
      positions: [
        Call.position(of: .time), base, Call.position(of: .items), base + 1, base + 2, base + 3,
      ]
        + fields.map(Call.position(of:)),
      stride: base + Self.extra.count)
  }

  /// Reads the next records, whose texts then lie in the block.
  ///
  /// - Returns: whether there were any.
  public func next(into block: Block) throws(SegmentError) -> Bool {
    try file.next(into: block, table) != nil
  }

  /// Hands on the records read last.
  ///
  /// - Parameter body: takes the record, its flags, what tells its log, and its block and line there.
  public func records(
    _ body: (Call, _ flags: UInt8, _ log: Slice, _ block: Int, _ line: Int) -> Void
  ) {
    for row in 0..<table.count {
      body(
        table.call(row), UInt8(truncatingIfNeeded: table.number(row, 1)), table.text(row, 5),
        Int(table.number(row, 3)), Int(table.number(row, 4)))
    }
  }
}
