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
    public var licensee: String
    public var module: String
    public var scenario: String
    public var app: String
    public var event: String
    public var user: [UInt8]
    public var conversation: [UInt8]
    public var requestID: [UInt8]

    public init(
      time: Int64, flags: UInt8, items: Int, log: String, block: Int, line: Int, licensee: String,
      module: String, scenario: String, app: String, event: String, user: [UInt8],
      conversation: [UInt8], requestID: [UInt8]
    ) {
      self.time = time
      self.flags = flags
      self.items = items
      self.log = log
      self.block = block
      self.line = line
      self.licensee = licensee
      self.module = module
      self.scenario = scenario
      self.app = app
      self.event = event
      self.user = user
      self.conversation = conversation
      self.requestID = requestID
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
    file.rows.set(0, record.time)
    file.rows.set(1, Int64(record.flags))
    file.rows.set(2, Int64(record.items))
    file.rows.set(3, Int64(record.block))
    file.rows.set(4, Int64(record.line))
    file.rows.set(5, record.log)
    file.rows.set(6, record.licensee)
    file.rows.set(7, record.module)
    file.rows.set(8, record.scenario)
    file.rows.set(9, record.app)
    file.rows.set(10, record.event)
    file.rows.set(11, record.user)
    file.rows.set(12, record.conversation)
    file.rows.set(13, record.requestID)
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
