import Decoding

/// What the rules said of the requests lately seen. A server has few methods and paths, or at least few
/// that come often, and rules that look at nothing else need not look again.
@safe
final class RuleMemo {
  static let pathBytesMax = 48
  private static let placeBits: UInt64 = 7
  private static let places = 1 << placeBits
  static let segmentsMax = 8

  fileprivate struct Entry: BitwiseCopyable {
    /// The lengths of path and method; 0 where the entry is free.
    var counts = 0
    var rule = -1
    var method = MaskedText()
    var path = (MaskedText(), MaskedText(), MaskedText())
  }

  private let entries: UnsafeMutablePointer<Entry>
  private let segments: UnsafeMutablePointer<UInt64>

  init() {
    unsafe entries = .allocate(capacity: Self.places)
    unsafe entries.initialize(repeating: Entry(), count: Self.places)
    unsafe segments = .allocate(capacity: Self.places * Self.segmentsMax)
    unsafe segments.initialize(repeating: 0, count: Self.places * Self.segmentsMax)
  }

  deinit {
    unsafe entries.deallocate()
    unsafe segments.deallocate()
  }

  var table: Table { unsafe Table(entries: entries, segments: segments) }
}

extension RuleMemo {
  /// What the memo holds, to be used without counting references; valid as long as it is.
  @safe
  struct Table {
    private let entries: UnsafeMutablePointer<Entry>
    /// For each entry where the path's segments begin and how long they are.
    private let segments: UnsafeMutablePointer<UInt64>

    fileprivate init(entries: UnsafeMutablePointer<Entry>, segments: UnsafeMutablePointer<UInt64>) {
      unsafe self.entries = unsafe entries
      unsafe self.segments = unsafe segments
    }

    /// The place of a request in the memo, and whether it is the one that was noted there; −1 where it is
    /// too long to be.
    @inline(__always)
    func find(_ bytes: ByteView, method: Slice, path: Slice) -> (place: Int, isKnown: Bool) {
      let count = Int(path.count)
      guard count <= RuleMemo.pathBytesMax && method.count <= 8 else { return (-1, false) }
      let start = Int(path.start)
      let methodStart = Int(method.start)
      let counts = count << 8 | Int(method.count) | 1 << 16
      let place = Self.place(bytes, start, count, UInt64(truncatingIfNeeded: counts))
      let known = unsafe entries + place
      let isKnown =
        unsafe known.pointee.counts == counts
        && known.pointee.method.stands(bytes, at: methodStart)
        && known.pointee.path.0.stands(bytes, at: start)
        && known.pointee.path.1.stands(bytes, at: start &+ 16)
        && known.pointee.path.2.stands(bytes, at: start &+ 32)
      if !isKnown {
        unsafe known.pointee = Self.entry(counts, bytes, method: method, path: path)
      }
      return (place, isKnown)
    }

    /// By the bytes in which paths are likely to differ.
    @inline(__always)
    private static func place(_ bytes: ByteView, _ start: Int, _ count: Int, _ counts: UInt64)
      -> Int
    {
      var sum = counts
      if count >= 16 {
        let end = start &+ count
        sum = sum &+ bytes.word(at: start &+ 8) &* 3
        sum = sum &+ bytes.word(at: end &- 16) &* 5 &+ bytes.word(at: end &- 8) &* 9
      } else {
        let words = bytes.words(at: start, count: count)
        sum = sum &+ words.first &* 3 &+ words.second &* 5
      }
      return Int(truncatingIfNeeded: (sum &* 0x9E37_79B9_7F4A_7C15) >> (64 - RuleMemo.placeBits))
    }

    private static func entry(_ counts: Int, _ bytes: ByteView, method: Slice, path: Slice) -> Entry
    {
      let start = Int(path.start)
      let count = Int(path.count)
      return Entry(
        counts: counts,
        method: MaskedText(bytes, at: Int(method.start), count: Int(method.count)),
        path: (
          MaskedText(bytes, at: start, count: count),
          MaskedText(bytes, at: start + 16, count: count - 16),
          MaskedText(bytes, at: start + 32, count: count - 32)
        ))
    }

    /// The number of the rule that a known request fits; −1 for none.
    @inline(__always)
    func rule(at place: Int) -> Int { unsafe entries[place].rule }

    /// Notes the rule of a request that was just put into its place, and where its path's segments are.
    func note(_ rule: Int, at place: Int, _ bytes: ByteView, path: Slice) {
      unsafe entries[place].rule = rule
      let start = Int(path.start)
      let end = start + Int(path.count)
      var number = 0
      var position = start
      while position < end && number < RuleMemo.segmentsMax {
        let first = position + 1
        let next = bytes.position(ofEither: 0x2F, 0x2F, from: min(first, end), to: end)
        unsafe segments[place * RuleMemo.segmentsMax + number] =
          Slice(start: first - start, count: next - first).word
        number += 1
        position = next
      }
    }

    /// A segment of a known request's path.
    @inline(__always)
    func segment(_ number: Int, at place: Int, path: Slice) -> Slice {
      let noted = unsafe Slice(word: segments[place * RuleMemo.segmentsMax + number])
      return Slice(start: Int(path.start) &+ Int(noted.start), count: Int(noted.count))
    }
  }
}
