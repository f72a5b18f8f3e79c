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

/// Parses the lines of blocks as canonical NDJSON records.
@safe
public struct JSONLinesParser: ~Copyable {
  private let indexer: OpaquePointer
  private let words: UnsafeMutablePointer<UInt64>
  private let stops = TextStops()
  private var walk: JSONWalk
  /// Lines since the last one that kept to the template. Where many did not, as in a log whose lines
  /// all have nested values, only now and then a line is held against it.
  private var misses = 0
  private static let missesMax = 16
  private let lineBytesMax: Int

  /// - Parameter lineBytesMax: the longest line that is parsed, as its stream has it.
  public init(lineBytesMax: Int = LogStream.lineBytesMaxDefault) {
    self.lineBytesMax = lineBytesMax
    guard let created = unsafe duizhang_json_indexer_create() else {
      preconditionFailure("out of memory")
    }
    unsafe indexer = unsafe created
    unsafe words = .allocate(capacity: Call.wordCount)
    unsafe words.initialize(repeating: 0, count: Call.wordCount)
    walk = JSONWalk(call: unsafe Call(words: words))
  }

  deinit {
    unsafe words.deallocate()
    unsafe duizhang_json_indexer_destroy(indexer)
  }

  /// Hands on every line of a block, in order.
  ///
  /// - Parameters:
  ///   - record: takes a record, whose slices lie in the block's bytes, and the number of its line
  ///     in the block, from 0.
  ///   - rejected: takes the number of a line that is no record, and why.
  /// - Returns: lines in the block and how many of them are blank.
  public mutating func parse(
    _ block: Block, record: (Call, Int) -> Void, rejected: (Rejection, Int) -> Void
  ) -> (lines: Int, blank: Int) {
    let bytes = block.bytes
    var cursor = LineCursor(bytes: bytes, skipsByteOrderMark: block.index == 0)
    var lines = 0
    var blank = 0
    walk.begin()
    let stops = self.stops.find(in: bytes)
    while cursor.start < bytes.count {
      if misses < Self.missesMax || lines % Self.missesMax == 0,
        let end = walk.templateRecord(bytes, stops, from: cursor.start),
        end - cursor.start <= lineBytesMax
      {
        misses = 0
        cursor.start = end + 1
        record(walk.call, lines)
      } else if let line = cursor.next() {
        misses += 1
        switch general(block, bytes, line) {
        case .record: record(walk.call, lines)
        case .blank: blank += 1
        case .rejected(let rejection): rejected(rejection, lines)
        }
      }
      lines += 1
    }
    return (lines, blank)
  }

  /// Reads a line of any kind.
  @inline(never)
  private mutating func general(
    _ block: Block, _ bytes: ByteView, _ line: Range<Int>
  ) -> JSONWalk.Outcome {
    let isCutOff = block.endsInOverlongLine && line.upperBound == bytes.count
    if isCutOff || line.count > lineBytesMax { return .rejected(.tooLong) }
    guard let tokens = index(bytes, line.lowerBound, line.count) else {
      return .rejected(.invalidText)
    }
    let outcome = walk.record(block, bytes, tokens, offset: line.lowerBound, end: line.upperBound)
    if case .record = outcome {
      walk.learn(bytes, tokens, offset: line.lowerBound, end: line.upperBound)
    }
    return outcome
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

/// The positions of a line's tokens as simdjson keeps them; valid until its next run.
@safe
struct Tokens {
  private let base: UnsafePointer<UInt32>
  let count: Int

  init(base: UnsafePointer<UInt32>, count: Int) {
    unsafe self.base = unsafe base
    self.count = count
  }

  /// One past the last token stands the length of the text, and once more; the two positions behind
  /// that can be read, and mean nothing.
  @inline(__always)
  subscript(index: Int) -> Int {
    assert(index >= 0 && index <= count + 3)
    return unsafe Int(base[index])
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
