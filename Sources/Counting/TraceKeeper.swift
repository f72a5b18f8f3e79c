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
    let (path, traits) = paths.look(call[.path], bytes)
    traces.pathTraits = traits
    if traits != 0 || Self.isRefused(call) { traces.path = path }
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

  /// - Returns: the path's hash, and its ``PathTraits``.
  @inline(never)
  mutating func look(_ slice: Slice, _ bytes: ByteView) -> (UInt64, UInt16) {
    guard slice.count > 0 else { return (0, 0) }
    let (start, count) = (Int(slice.start), Int(slice.count))
    let hash = TraceHash.hash(bytes, start, count, seed: 7)
    let place = Int(truncatingIfNeeded: hash >> 54)
    if entries[place].hash != hash { note(hash, at: place, start, count, bytes) }
    return (hash, entries[place].traits)
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
