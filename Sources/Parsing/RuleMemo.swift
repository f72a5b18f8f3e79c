import Decoding

/// What the rules said of the requests lately seen. A server has few methods and paths, or at least few
/// that come often, and rules that look at nothing else need not look again.
@safe
final class RuleMemo {
  static let pathBytesMax = 48
  private static let places = 256
  static let segmentsMax = 8

  private struct Entry: BitwiseCopyable {
    var path: (UInt64, UInt64, UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0, 0, 0)
    /// The method's bytes, and the lengths of both; 0 where the entry is free.
    var method: UInt64 = 0
    var counts: UInt64 = 0
    var rule = -1

    @inline(__always)
    static func == (left: Entry, right: Entry) -> Bool {
      // All at once, without a branch for each.
      let first = left.path.0 ^ right.path.0 | left.path.1 ^ right.path.1
      let second = left.path.2 ^ right.path.2 | left.path.3 ^ right.path.3
      let third = left.path.4 ^ right.path.4 | left.path.5 ^ right.path.5
      let rest = left.method ^ right.method | left.counts ^ right.counts
      return first | second | third | rest == 0
    }
  }

  private let entries: UnsafeMutablePointer<Entry>
  /// For each entry where the path's segments begin and how long they are.
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

  /// The place of a request in the memo, and whether it is the one that was noted there; −1 where it is
  /// too long to be.
  @inline(__always)
  func find(_ bytes: ByteView, method: Slice, path: Slice) -> (place: Int, isKnown: Bool) {
    let count = Int(path.count)
    guard count <= Self.pathBytesMax && method.count <= 8 else { return (-1, false) }
    var sought = Entry()
    let start = Int(path.start)
    let first = bytes.words(at: start, count: min(count, 16))
    sought.path.0 = first.first
    sought.path.1 = first.second
    if count > 16 {
      let next = bytes.words(at: start &+ 16, count: min(count &- 16, 16))
      sought.path.2 = next.first
      sought.path.3 = next.second
      if count > 32 {
        let last = bytes.words(at: start &+ 32, count: count &- 32)
        sought.path.4 = last.first
        sought.path.5 = last.second
      }
    }
    sought.method = bytes.words(at: Int(method.start), count: Int(method.count)).first
    sought.counts = UInt64(count) << 8 | UInt64(method.count) << 16 | 1
    var sum = sought.path.0 &* 3 &+ sought.path.1 &* 5 &+ sought.path.2 &* 7
    sum = sum &+ sought.path.3 &* 11 &+ sought.path.4 &* 13 &+ sought.path.5 &* 17
    sum = (sum &+ sought.method &* 19 &+ sought.counts) &* 0x9E37_79B9_7F4A_7C15
    let place = Int(truncatingIfNeeded: sum >> 56)
    let known = unsafe entries + place
    let isKnown = unsafe known.pointee == sought
    if !isKnown { unsafe known.pointee = sought }
    return (place, isKnown)
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
    while position < end && number < Self.segmentsMax {
      let first = position + 1
      let next = bytes.position(ofEither: 0x2F, 0x2F, from: min(first, end), to: end)
      unsafe segments[place * Self.segmentsMax + number] =
        Slice(start: first - start, count: next - first).word
      number += 1
      position = next
    }
  }

  /// A segment of a known request's path.
  @inline(__always)
  func segment(_ number: Int, at place: Int, path: Slice) -> Slice {
    let noted = unsafe Slice(word: segments[place * Self.segmentsMax + number])
    return Slice(start: Int(path.start) &+ Int(noted.start), count: Int(noted.count))
  }
}
