public import CivilTime
public import Decoding
internal import Formats
public import Parsing

/// A segment: a chunk file of the records of one log file on one day in UTC.
public enum Segment {
  static let timeColumn = 0
  static let statusColumn = 1
  static let itemsColumn = 2
  /// The number of the record's line in its block, from 0.
  static let lineColumn = 3
  /// Behind it come the fields of text, by their raw values.
  static let textColumn = 4

  /// What nearly each record has of its own is a text, what many share is a word; but any of them may be
  /// anything.
  private static func column(of field: Field) -> Column {
    switch field {
    case .user, .conversation, .requestID, .clientIP: .texts
    default: .words
    }
  }

  static let textFields = Field.allCases.filter { $0.rawValue < Field.textCount && !$0.isTrace }

  static let placeColumns = Set(
    textFields.filter(\.isPlace).map { textColumn + Int($0.rawValue) })

  /// Behind the texts comes what is kept of the fields that decide no count.
  static let questionColumn = textColumn + textFields.count
  static let pathColumn = questionColumn + 1
  static let pathTraitsColumn = questionColumn + 2
  static let deviceColumn = questionColumn + 3
  static let latencyColumn = questionColumn + 4

  static let traceColumns = Set(questionColumn...latencyColumn)

  /// Segments as they were before anything of these was kept.
  static let kindWithoutTraces = ChunkFileKind(
    "SEGM", [.series, .numbers, .numbers, .series] + textFields.map(column(of:)))

  /// Segments as chunk files: the chunk's number is that of its block, the file's label the day.
  static let kind = ChunkFileKind(
    "SEG2", kindWithoutTraces.columns + [.hashes, .hashes, .numbers, .hashes, .numbers])

  private static let dayMicroseconds: Int64 = 86_400_000_000

  /// The day in UTC that a time lies in.
  public static func day(of time: Instant) -> CivilDate {
    let quotient = time.microseconds / dayMicroseconds
    let isBelow = time.microseconds % dayMicroseconds < 0
    return CivilDate(daysSinceEpoch: Int32(quotient) - (isBelow ? 1 : 0))
  }

  /// The first and the last time of a day, as far as times reach.
  static func times(of day: CivilDate) -> ClosedRange<Int64> {
    let first = start(ofDay: Int64(day.daysSinceEpoch))
    let next = start(ofDay: Int64(day.daysSinceEpoch) + 1)
    // Of the last day that there is, the end lies beyond all times.
    return first...max(first, next == .max ? next : next - (next == .min ? 0 : 1))
  }

  /// The first time of a day, or what is nearest to it among times.
  private static func start(ofDay day: Int64) -> Int64 {
    let (start, isBeyond) = day.multipliedReportingOverflow(by: dayMicroseconds)
    return isBeyond ? (day < 0 ? .min : .max) : start
  }

  /// Where the segment of a day lies: `<folder>/<YYYY-MM-DD>/<name>.seg`.
  public static func path(folder: String, day: CivilDate, name: String) -> String {
    "\(folder)/\(day)/\(name).seg"
  }
}

/// The records of one block on one day, ready to be written.
public struct SegmentChunk: Sendable {
  /// The day in UTC.
  public var day: CivilDate
  public var bytes: [UInt8]
  public var records: Int
  /// The earliest and the latest time.
  public var first: Instant
  public var last: Instant
}

/// Makes chunks of a block's records. One for each thread; what it makes depends on the block alone.
///
/// ```
/// parsers.parse(block, plan) { call, line in
///   encoder.append(call, bytes, line: line, traces: keeper.traces(of: call, bytes))
/// } …
/// try writer.put(encoder.finish(block: block.index), block: block.index)
/// ```
public struct SegmentEncoder: ~Copyable {
  private var rows = RowBuffer(Segment.kind.columns)
  private var encoder = ChunkEncoder()
  /// The first record's day, while there is no other.
  private var day = CivilDate(daysSinceEpoch: 0)
  private var dayTimes: ClosedRange<Int64> = 0...0
  private var hasSeveralDays = false
  private var first = Int64.max
  private var last = Int64.min

  public init() {}

  /// Takes a record of the present block.
  ///
  /// - Parameters:
  ///   - bytes: what the call's slices lie in, such as the block's whole bytes; they are copied.
  ///   - line: the number of its line in its block, from 0.
  ///   - traces: what is kept in place of the texts that decide no count.
  @inline(__always)
  public mutating func append(_ call: Call, _ bytes: ByteView, line: Int, traces: KeptTraces) {
    let time = call.time.microseconds
    if rows.count == 0 {
      day = Segment.day(of: call.time)
      dayTimes = Segment.times(of: day)
    }
    if time < dayTimes.lowerBound || time > dayTimes.upperBound { hasSeveralDays = true }
    first = min(first, time)
    last = max(last, time)
    rows.add()
    rows.set(Segment.timeColumn, time)
    rows.set(Segment.statusColumn, Int64(call.status))
    rows.set(Segment.itemsColumn, Int64(call.items))
    rows.set(Segment.lineColumn, Int64(line))
    rows.setTexts(from: Segment.textColumn, call, bytes)
    rows.set(Segment.questionColumn, Int64(bitPattern: traces.question))
    rows.set(Segment.pathColumn, Int64(bitPattern: traces.path))
    rows.set(Segment.pathTraitsColumn, Int64(traces.pathTraits))
    rows.set(Segment.deviceColumn, Int64(traces.device))
    rows.set(Segment.latencyColumn, Int64(call.latency))
  }

  /// Makes chunks of the records since the last call, one for each day, in the order of days; records keep
  /// their order.
  public mutating func finish(block: Int) -> [SegmentChunk] {
    defer {
      rows.removeAll()
      hasSeveralDays = false
      first = .max
      last = .min
    }
    guard rows.count > 0 else { return [] }
    if !hasSeveralDays {
      return [
        SegmentChunk(
          day: day, bytes: encoder.encode(rows, number: Int64(block)), records: rows.count,
          first: Instant(microseconds: first), last: Instant(microseconds: last))
      ]
    }
    var days: [Int32: [Int32]] = [:]
    for row in 0..<rows.count {
      let time = Instant(microseconds: rows.number(row, Segment.timeColumn))
      days[Segment.day(of: time).daysSinceEpoch, default: []].append(Int32(row))
    }
    var chunks: [SegmentChunk] = []
    for day in days.keys.sorted() {
      let selection = days[day] ?? []
      var first = Int64.max
      var last = Int64.min
      for row in selection {
        let time = rows.number(Int(row), Segment.timeColumn)
        first = min(first, time)
        last = max(last, time)
      }
      chunks.append(
        SegmentChunk(
          day: CivilDate(daysSinceEpoch: day),
          bytes: encoder.encode(rows, selection: selection, number: Int64(block)),
          records: selection.count, first: Instant(microseconds: first),
          last: Instant(microseconds: last)))
    }
    return chunks
  }
}

extension RowBuffer {
  /// Sets the texts of the last row to those of a call.
  @inline(__always)
  fileprivate mutating func setTexts(from column: Int, _ call: Call, _ bytes: ByteView) {
    for field in Segment.textFields { set(column + Int(field.rawValue), bytes, call[field]) }
  }
}
