// NDJSON, a block at a time.
//
// simdjson's first stage runs once over a whole block and finds the first byte of every token. If it
// accepts the block, no string crosses a line end (a raw line feed in a string is an error), so the
// tokens of each line are its own and can be walked line by line. If it does not, some line is bad:
// then each line is indexed alone, so that exactly the bad ones are quarantined.
//
// The walk checks the whole grammar of RFC 8259, of fields that nobody asked for too, and keeps where
// the values of the known fields are. It never converts what is not needed: a number of a thousand
// digits in an unknown field is valid and passed over.

internal import CSimdJSON
public import Decoding

/// Parses the lines of blocks as canonical NDJSON records.
@safe
public final class JSONLinesParser {
  private let indexer: OpaquePointer
  private var walk = JSONWalk()

  public init() {
    guard let created = unsafe duizhang_json_indexer_create() else {
      preconditionFailure("out of memory")
    }
    unsafe indexer = unsafe created
  }

  deinit { unsafe duizhang_json_indexer_destroy(indexer) }

  /// Hands on every line of a block, in order.
  ///
  /// - Parameters:
  ///   - record: takes a record, whose slices lie in the block's bytes, and the number of its line
  ///     in the block, from 0.
  ///   - rejected: takes the number of a line that is no record, and why.
  /// - Returns: lines in the block and how many of them are blank.
  public func parse(
    _ block: Block, record: (Call, Int) -> Void, rejected: (Rejection, Int) -> Void
  ) -> (lines: Int, blank: Int) {
    // A local copy, so that the walk's state need not be guarded against access from elsewhere.
    var walk = self.walk
    defer { self.walk = walk }
    let bytes = block.bytes
    var cursor = LineCursor(bytes: bytes, skipsByteOrderMark: block.index == 0)
    var lines = 0
    var blank = 0
    // Behind a byte order mark, the first token would begin with the mark.
    let whole = cursor.start == 0 ? index(bytes, 0, bytes.count) : nil
    var position = whole?.position(after: cursor.start, from: 0) ?? 0
    walk.begin(bytes)
    while let line = cursor.next() {
      let isCutOff = block.endsInOverlongLine && line.upperBound == bytes.count
      let outcome: JSONWalk.Outcome
      if isCutOff || line.count > LogStream.lineBytesMax {
        outcome = .rejected(.tooLong)
      } else if let whole {
        outcome = walk.record(
          block, bytes, whole, offset: 0, from: position, end: line.upperBound)
        position = walk.position
      } else if let tokens = index(bytes, line.lowerBound, line.count) {
        outcome = walk.record(
          block, bytes, tokens, offset: line.lowerBound, from: 0, end: line.upperBound)
      } else {
        outcome = .rejected(.invalidText)
      }
      switch outcome {
      case .record: record(walk.call, lines)
      case .blank: blank += 1
      case .rejected(let rejection):
        rejected(rejection, lines)
        if let whole { position = whole.position(after: line.upperBound, from: position) }
      }
      lines += 1
    }
    return (lines, blank)
  }

  /// The tokens of a range of bytes; `nil` where simdjson does not accept them.
  private func index(_ bytes: ByteView, _ start: Int, _ count: Int) -> Tokens? {
    var tokens: UnsafePointer<UInt32>?
    var tokenCount = 0
    let code = unsafe bytes.withAddress { base in
      unsafe duizhang_json_index(indexer, base + start, count, &tokens, &tokenCount)
    }
    guard code == 0, let tokens = unsafe tokens else { return nil }
    return unsafe Tokens(base: tokens, count: tokenCount)
  }

  /// The name of simdjson's code path on this processor.
  public static var implementation: String {
    guard let name = unsafe duizhang_json_implementation() else { return "unknown" }
    return unsafe String(cString: name)
  }
}

/// The positions of tokens as simdjson keeps them; valid until its next run.
@safe
struct Tokens {
  private let base: UnsafePointer<UInt32>
  let count: Int

  init(base: UnsafePointer<UInt32>, count: Int) {
    unsafe self.base = unsafe base
    self.count = count
  }

  /// One past the last token stands the length of the text.
  @inline(__always)
  subscript(index: Int) -> Int {
    assert(index >= 0 && index <= count)
    return unsafe Int(base[index])
  }

  /// The number of the first token at or after a byte position.
  func position(after byte: Int, from start: Int) -> Int {
    var position = start
    while position < count && self[position] < byte { position += 1 }
    return position
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
