public import Decoding
public import Parsing

/// Files of units of the usage detail: conversations, and records of modules priced by item.
///
/// The numbers are start and end (µs since 1970), day (since 1970), quantity, messages, failed messages, the
/// codes of ending and of why it is not billable, whether it is provisional (0 or 1), log, block and line (in
/// the block, from 0) of its first record, and its attribution, log and attribution being places in the lists
/// of the day's result; behind them come the texts user and conversation. Chunks are numbered from 0.
public enum UnitFile {
  static let kind = ChunkFileKind(
    "UNIT",
    [.series, .series, .series] + Array(repeating: .numbers, count: numberCount - 3)
      + [.texts, .texts])
  public static let numberCount = 13
  /// Units of a chunk, but for the last final and the last provisional one.
  public static let chunkRows = 16_384

  public typealias Numbers = InlineArray<13, Int64>
}

/// Makes chunks of units, for a ``ChunkFileWriter`` that takes them in order.
public final class UnitChunkEncoder {
  private var rows = RowBuffer(UnitFile.kind.columns)
  private var encoder = ChunkEncoder()

  public init() {}

  /// Appends a unit to the chunk.
  public func append(_ numbers: UnitFile.Numbers, user: [UInt8], conversation: [UInt8]) {
    // One access to a property that is checked, and not one for each column.
    Self.append(numbers, user, conversation, to: &rows)
  }

  private static func append(
    _ numbers: UnitFile.Numbers, _ user: [UInt8], _ conversation: [UInt8],
    to rows: inout RowBuffer
  ) {
    rows.add()
    for column in numbers.indices { rows.set(column, numbers[column]) }
    rows.set(UnitFile.numberCount, user)
    rows.set(UnitFile.numberCount + 1, conversation)
  }

  /// The chunk of all that was appended since the one before; `nil` of nothing.
  public func finish(number: Int) -> [UInt8]? {
    guard rows.count > 0 else { return nil }
    defer { rows.removeAll() }
    return encoder.encode(rows, number: Int64(number))
  }
}

extension ChunkFileWriter {
  /// A file of units.
  ///
  /// - Parameter day: the day that was counted, in days since 1970.
  public static func units(
    path: String, day: Int32, storage: any Storage = SystemStorage()
  ) throws(SegmentError) -> ChunkFileWriter {
    try ChunkFileWriter(path: path, kind: UnitFile.kind, label: Int64(day), storage: storage)
  }
}

/// Reads one, chunk by chunk.
public final class UnitReader {
  private let file: ChunkFileReader
  private let table = RowTable(UnitFile.kind.columns)

  public init(
    path: String, day: Int32, storage: any Storage = SystemStorage()
  ) throws(SegmentError) {
    file = try ChunkFileReader(
      path: path, kind: UnitFile.kind, label: Int64(day), storage: storage)
  }

  public var path: String { file.path }
  public var chunkCount: Int { file.chunkCount }

  /// Reads the units of a chunk, whose texts then lie in the block.
  ///
  /// - Returns: how many.
  public func read(chunk index: Int, into block: Block) throws(SegmentError) -> Int {
    file.move(toChunk: index)
    guard try file.next(into: block, table) != nil else { return 0 }
    return table.count
  }

  public func numbers(_ row: Int) -> UnitFile.Numbers {
    var numbers = UnitFile.Numbers(repeating: 0)
    for column in numbers.indices { numbers[column] = table.number(row, column) }
    return numbers
  }

  /// - Parameter index: 0 is the user, 1 the conversation.
  public func text(_ row: Int, _ index: Int) -> Slice {
    table.text(row, UnitFile.numberCount + index)
  }
}
