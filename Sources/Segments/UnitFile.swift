public import Decoding
public import Parsing

/// Files of units of the usage detail: conversations, and records of modules priced by item.
///
/// Columns: start and end (µs since 1970), day (since 1970), quantity, messages, failed messages, the codes of
/// ending, of why it is not billable, of the meter, of the event's role and of the rule, whether it is
/// provisional (0 or 1), block and line (in the block, from 0) of the log of its first record; then the words
/// log, contract, licensee, module, scenario, app, event and the texts user and conversation.
public enum UnitFile {
  static let kind = ChunkFileKind(
    "UNIT",
    [.series, .series, .series] + Array(repeating: .numbers, count: 9) + [.numbers, .numbers]
      + Array(repeating: .words, count: 7) + [.texts, .texts])
  public static let numberCount = 14
  public static let wordCount = 7
  static let textCount = 2
}

/// Writes one.
public final class UnitWriter {
  private let file: RowFileWriter

  /// - Parameter day: the day that was counted, in days since 1970.
  public init(
    path: String, day: Int32, storage: any Storage = SystemStorage()
  ) throws(SegmentError) {
    file = try RowFileWriter(path: path, kind: UnitFile.kind, day: day, storage: storage)
  }

  /// Appends a unit: its numbers, words and texts in the order of ``UnitFile``'s columns.
  public func append(
    numbers: [Int64], words: [String], texts: [[UInt8]]
  ) throws(SegmentError) {
    precondition(numbers.count == UnitFile.numberCount && words.count == UnitFile.wordCount)
    file.rows.add()
    for (column, number) in numbers.enumerated() { file.rows.set(column, number) }
    for (index, word) in words.enumerated() { file.rows.set(UnitFile.numberCount + index, word) }
    for (index, text) in texts.enumerated() {
      file.rows.set(UnitFile.numberCount + UnitFile.wordCount + index, text)
    }
    try file.endRow()
  }

  public func finish() throws(SegmentError) -> ChunkFileSummary { try file.finish() }
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

  /// Reads the next units, whose texts then lie in the block.
  ///
  /// - Returns: how many; `nil` at the end.
  public func next(into block: Block) throws(SegmentError) -> Int? {
    try file.next(into: block, table) == nil ? nil : table.count
  }

  public func number(_ row: Int, _ column: Int) -> Int64 { table.number(row, column) }

  public func word(_ row: Int, _ index: Int) -> Slice {
    table.text(row, UnitFile.numberCount + index)
  }

  public func text(_ row: Int, _ index: Int) -> Slice {
    table.text(row, UnitFile.numberCount + UnitFile.wordCount + index)
  }
}
