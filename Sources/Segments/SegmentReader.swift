public import CivilTime
public import Decoding
internal import Formats
public import Parsing

/// Reads a segment's records back, a block's at a time.
///
/// ```
/// while let number = try reader.next(into: block) {
///   mapper.begin(block, file: file)
///   reader.records { call, line in mapper.receive(call, line: line) }
/// }
/// ```
public final class SegmentReader {
  private let file: ChunkFileReader
  private let table: RowTable
  private let times: ClosedRange<Int64>
  private var lastBlock: Int64 = -1

  /// Blocks that a source number can tell apart.
  private static let blocksMax: Int64 = 1 << 26
  private static let lineWord = Call.wordCount
  private static let stride = Call.wordCount + 1

  /// Opens a segment.
  ///
  /// - Parameters:
  ///   - day: the day in UTC whose records it must have.
  ///   - findsPlaces: whether records need their origins and addresses, which are absent else.
  ///   - findsTraces: whether they need their latency and ``Call/keptTraces``, which are 0 else, and where the
  ///     segment is from before these were kept.
  public init(
    path: String, day: CivilDate, findsPlaces: Bool = true, findsTraces: Bool = true,
    storage: any Storage = SystemStorage()
  ) throws(SegmentError) {
    file = try ChunkFileReader(
      path: path, kind: Segment.kind, or: Segment.kindWithoutTraces,
      label: Int64(day.daysSinceEpoch),
      unread: (findsPlaces ? [] : Segment.placeColumns).union(
        findsTraces ? [] : Segment.traceColumns), storage: storage)
    times = Segment.times(of: day)
    // As the words of a call lie, and its line behind them: nothing is copied to make a call of a row.
    let positions =
      [
        Call.position(of: .time), Call.position(of: .status), Call.position(of: .items),
        Self.lineWord,
      ] + Segment.textFields.map(Call.position(of:)) + [
        Call.questionPosition, Call.pathPosition, Call.pathTraitsPosition, Call.devicePosition,
        Call.position(of: .latency),
      ]
    table = RowTable(
      positions: Array(positions.prefix(file.kind.columns.count)), stride: Self.stride)
  }

  /// Whether the segment has its records' latency and ``Call/keptTraces``.
  public var hasTraces: Bool { file.kind == Segment.kind }

  /// Records of the whole segment.
  public var recordCount: Int { file.rows }

  /// Reads the next block's records. The block then holds their texts, and has the number of the block that
  /// they came from in its log.
  ///
  /// - Returns: that number, greater each time; `nil` at the end.
  public func next(into block: Block) throws(SegmentError) -> Int? {
    guard let number = try file.next(into: block, table) else { return nil }
    do throws(SegmentError) {
      guard number > lastBlock, number < Self.blocksMax else {
        throw malformed("block \(number) comes after block \(lastBlock)")
      }
      let ranges = file.ranges
      try check(ranges[Segment.timeColumn], within: times, "a time of another day")
      try check(ranges[Segment.statusColumn], within: 0...999, "a status that is none")
      try check(ranges[Segment.itemsColumn], within: 0...Int64(UInt32.max), "items that are none")
      try check(
        ranges[Segment.lineColumn], within: 0...Int64(Block.linesMax - 1), "a line that is none")
      if hasTraces {
        try check(
          ranges[Segment.questionColumn], within: 0...(1 << Int64(KeptTraces.questionBits) - 1),
          "a hash that is none")
        try check(
          ranges[Segment.pathTraitsColumn], within: 0...Int64(UInt16.max),
          "a path with what stands in none")
        try check(
          ranges[Segment.deviceColumn], within: 0...Int64(UInt32.max), "a hash that is none")
        try check(
          ranges[Segment.latencyColumn], within: 0...Int64(UInt32.max), "a latency that is none")
      }
    } catch {
      table.count = 0
      throw error
    }
    lastBlock = number
    return Int(number)
  }

  /// Hands on the records of the block that was read last, in their order, each with the number of its line
  /// in its block, from 0. Their texts lie in that block.
  @inline(__always)
  public func records(_ body: (Call, _ line: Int) -> Void) {
    for row in 0..<table.count { body(table.call(row), table.line(row)) }
  }

  private func check(
    _ range: ClosedRange<Int64>, within limits: ClosedRange<Int64>, _ what: String
  ) throws(SegmentError) {
    guard range.lowerBound >= limits.lowerBound && range.upperBound <= limits.upperBound else {
      throw malformed("a record has \(what)")
    }
  }

  private func malformed(_ detail: String) -> SegmentError {
    SegmentError(path: file.path, offset: file.chunkOffset, .malformed(detail))
  }
}

extension RowTable {
  /// A row of a segment as a record.
  @inline(__always)
  func call(_ row: Int) -> Call { unsafe Call(words: words + row &* stride) }

  @inline(__always)
  fileprivate func line(_ row: Int) -> Int {
    unsafe Int(truncatingIfNeeded: words[row &* stride &+ Call.wordCount])
  }
}
