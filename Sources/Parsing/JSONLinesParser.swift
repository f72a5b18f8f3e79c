// NDJSON, line by line.
//
// Nearly all lines of a log keep to a template that its first lines teach: their keys, and what stands
// between a value and the next, are compared and not parsed, and values are only looked at for their
// end. Any other line is first indexed by simdjson's first stage, which finds the first byte of every
// token and refuses what is no UTF-8 or has raw control characters in strings; the walk over the tokens
// then checks the whole grammar of RFC 8259, of fields that nobody asked for too.
//
// Both ways keep where the values of the known fields are, and never convert what is not needed: a
// number of a thousand digits in an unknown field is valid and passed over.

internal import CSimdJSON
public import Decoding
import Formats

/// Parses the lines of blocks as canonical NDJSON records.
@safe
public struct JSONLinesParser: ~Copyable {
  private let indexer = JSONIndexer()
  private let words: UnsafeMutablePointer<UInt64>
  private let stops = TextStops(TextStops.quoted)
  private var walk: JSONWalk
  /// Lines since the last one that kept to the template. Where many did not, as in a log whose lines
  /// all have nested values, only now and then a line is held against it.
  private var misses = 0
  private static let missesMax = 16
  private let lineBytesMax: Int

  /// - Parameters:
  ///   - findsTraces: whether records need the fields that decide no count.
  ///   - lineBytesMax: the longest line that is parsed, as its stream has it.
  public init(findsTraces: Bool = false, lineBytesMax: Int = LogStream.lineBytesMaxDefault) {
    self.lineBytesMax = lineBytesMax
    unsafe words = .allocate(capacity: Call.wordCount)
    unsafe words.initialize(repeating: 0, count: Call.wordCount)
    walk = JSONWalk(call: unsafe Call(words: words), findsTraces: findsTraces)
  }

  deinit {
    unsafe words.deallocate()
  }

  /// Hands on every line of a block, in order.
  ///
  /// - Parameters:
  ///   - record: takes a record, whose slices lie in the block's bytes, and the number of its line
  ///     in the block, from 0.
  ///   - rejected: takes the number of a line that is no record, and why; the block tells where it
  ///     begins.
  public mutating func parse(
    _ block: Block, record: (Call, Int) -> Void, rejected: (Rejection, Int) -> Void
  ) -> LineCounts {
    let bytes = block.bytes
    var cursor = LineCursor(bytes: bytes, skipsByteOrderMark: block.index == 0)
    var lines = 0
    var blank = 0
    // A byte order mark stands in no record.
    var blankBytes = cursor.start
    walk.begin()
    let stops = self.stops.find(in: bytes)
    while cursor.start < bytes.count {
      if misses < Self.missesMax || lines % Self.missesMax == 0,
        let end = walk.templateRecord(bytes, stops, from: cursor.start),
        end - cursor.start <= lineBytesMax
      {
        misses = 0
        walk.call.lineStart = cursor.start
        cursor.start = end + 1
        record(walk.call, lines)
      } else if let line = cursor.next() {
        misses += 1
        switch general(block, bytes, line) {
        case .record:
          walk.call.lineStart = line.lowerBound
          record(walk.call, lines)
        case .blank:
          blank += 1
          blankBytes += min(cursor.start, bytes.count) - line.lowerBound
        case .rejected(let rejection):
          block.rejectedLineStart = line.lowerBound
          rejected(rejection, lines)
        }
      }
      lines += 1
    }
    return LineCounts(lines: lines, blank: blank, blankBytes: blankBytes)
  }

  /// Reads a line of any kind.
  @inline(never)
  private mutating func general(
    _ block: Block, _ bytes: ByteView, _ line: Range<Int>
  ) -> JSONWalk.Outcome {
    let isCutOff = block.endsInOverlongLine && line.upperBound == bytes.count
    if isCutOff || line.count > lineBytesMax { return .rejected(.tooLong) }
    guard let tokens = indexer.tokens(bytes, line.lowerBound, line.count) else {
      return .rejected(.invalidText)
    }
    let outcome = walk.record(block, bytes, tokens, offset: line.lowerBound, end: line.upperBound)
    if case .record = outcome {
      walk.learn(bytes, tokens, offset: line.lowerBound, end: line.upperBound)
    }
    return outcome
  }

  /// The name of simdjson's code path on this processor.
  public static var implementation: String {
    guard let name = unsafe duizhang_json_implementation() else { return "unknown" }
    return unsafe String(cString: name)
  }
}

/// The lines of a block: ranges without their line end.
struct LineCursor {
  let bytes: ByteView
  var start: Int

  init(bytes: ByteView, skipsByteOrderMark: Bool) {
    self.bytes = bytes
    let hasMark =
      skipsByteOrderMark && bytes.count >= 3 && bytes[0] == 0xEF && bytes[1] == 0xBB
      && bytes[2] == 0xBF
    start = hasMark ? 3 : 0
  }

  mutating func next() -> Range<Int>? {
    guard start < bytes.count else { return nil }
    let end = bytes.firstPosition(of: 0x0A, from: start)
    defer { start = end + 1 }
    return start..<end
  }
}
