public import Decoding
internal import Formats
public import Parsing
internal import Shuffling

/// Makes of a call's texts what is kept of them. One for each thread; what it makes depends on the texts alone,
/// is the same on every machine, and never changes, since it is written down.
public struct TraceKeeper {
  /// What tells apart what is hashed.
  enum Kind: UInt64 {
    case question = 1
    case client = 3
    case device
  }

  private var paths = PathMemo()

  public init() {}

  /// What is kept of the fields that decide no count.
  @inline(never)
  public mutating func traces(of call: Call, _ bytes: ByteView) -> KeptTraces {
    var traces = KeptTraces.none
    let question = Self.hash(call[.question], bytes, .question)
    if question != 0 { traces.question = question >> UInt64(64 - KeptTraces.questionBits) | 1 }
    traces.device = UInt32(truncatingIfNeeded: Self.hash(call[.userAgent], bytes, .device))
    traces.pathTraits = paths.traits(of: call[.path], bytes)
    if traces.pathTraits != 0 || Self.isRefused(call) {
      traces.path = PathMemo.hash(call[.path], bytes)
    }
    return traces
  }

  /// Whether the gateway or the server did not want the call.
  @inline(__always)
  static func isRefused(_ call: Call) -> Bool { call.status >= 400 && call.status < 500 }

  /// A hash of a text; 0 for none.
  // Called, not inlined: five copies of it are more than an optimiser bears.
  @inline(never)
  static func hash(_ slice: Slice, _ bytes: ByteView, _ kind: Kind) -> UInt64 {
    guard slice.count > 0 else { return 0 }
    return TraceHash.hash(bytes, Int(slice.start), Int(slice.count), seed: kind.rawValue)
  }
}

/// Hashes of texts that are told apart and never read again.
private enum TraceHash {
  /// - Returns: not 0.
  @inline(__always)
  static func hash(_ bytes: ByteView, _ start: Int, _ count: Int, seed: UInt64) -> UInt64 {
    var hash = UInt64(truncatingIfNeeded: count) &* 0x9E37_79B9_7F4A_7C15 ^ seed
    var position = start
    var left = count
    while left > 16 {
      hash = ChunkText.mix(
        hash ^ bytes.word(at: position), bytes.word(at: position &+ 8) ^ 0xA076_1D64_78BD_642F)
      position &+= 16
      left &-= 16
    }
    let last = bytes.words(at: position, count: left)
    hash = ChunkText.mix(hash ^ last.first, last.second ^ 0xD6E8_FEB8_6659_FD93)
    return ChunkText.mix(hash, 0x8EBC_6AF0_9C88_C6E3) | 1
  }
}

/// What was said of paths that come again and again.
private struct PathMemo {
  private struct Entry {
    var hash: UInt64 = 0
    var traits: UInt16 = 0
  }
  private var entries = [Entry](repeating: Entry(), count: 1_024)

  /// A path of 8 to 32 bytes: four words that cover it, each as early as it can be.
  private struct Short {
    var first: UInt64 = 0
    var second: UInt64 = 0
    var third: UInt64 = 0
    var last: UInt64 = 0
    var traits: UInt16 = 0
    var isSet = false
  }
  private static let shortCounts = 8...32
  /// By length, the one that came last: most calls of a module have the same path.
  private var shorts = [Short](repeating: Short(), count: 33)

  /// The path's ``PathTraits``.
  @inline(__always)
  mutating func traits(of slice: Slice, _ bytes: ByteView) -> UInt16 {
    let (start, count) = (Int(slice.start), Int(slice.count))
    guard Self.shortCounts.contains(count) else { return look(start, count, bytes) }
    let end = count &- 8
    let first = bytes.word(at: start)
    let second = bytes.word(at: start &+ min(8, end))
    let third = bytes.word(at: start &+ min(16, end))
    let last = bytes.word(at: start &+ end)
    let short = shorts[count]
    let differs =
      short.first ^ first | short.second ^ second | short.third ^ third | short.last ^ last
    if differs == 0 && short.isSet { return short.traits }
    let traits = look(start, count, bytes)
    shorts[count] = Short(
      first: first, second: second, third: third, last: last, traits: traits, isSet: true)
    return traits
  }

  /// A path's hash; 0 for none.
  static func hash(_ slice: Slice, _ bytes: ByteView) -> UInt64 {
    guard slice.count > 0 else { return 0 }
    return TraceHash.hash(bytes, Int(slice.start), Int(slice.count), seed: 7)
  }

  @inline(never)
  private mutating func look(_ start: Int, _ count: Int, _ bytes: ByteView) -> UInt16 {
    guard count > 0 else { return 0 }
    let hash = TraceHash.hash(bytes, start, count, seed: 7)
    let place = Int(truncatingIfNeeded: hash >> 54)
    if entries[place].hash != hash { note(hash, at: place, start, count, bytes) }
    return entries[place].traits
  }

  @inline(never)
  private mutating func note(
    _ hash: UInt64, at place: Int, _ start: Int, _ count: Int, _ bytes: ByteView
  ) {
    let traits = bytes.withSpan(start, count) { span in
      var text: [UInt8] = []
      for index in span.indices { text.append(span[index]) }
      return PathTraits(ofPath: text)
    }
    entries[place] = Entry(hash: hash, traits: traits.rawValue)
  }
}
