import Decoding

/// Tells which known field a key names.
///
/// The lines of a log have the same keys in the same order. The template holds them in that order,
/// each with its quotation marks and colon (`"user":`), so that one comparison of sixteen bytes checks
/// all of that at once. Where a line leaves a key out or brings another, the template is entered
/// again at the key that is there.
struct KeyTemplate {
  /// What a key names: a ``Field``'s raw value, or `unknown`, whose text has a place too and is
  /// never read.
  typealias Code = UInt8
  static let unknown: Code = 15

  private struct Entry {
    /// The first and the second eight bytes, and which of them belong to the key.
    var head: UInt64 = 0
    var headMask: UInt64 = 0
    var tail: UInt64 = 0
    var tailMask: UInt64 = 0
    /// Bytes with both quotation marks and the colon.
    var count = -1
    var code = KeyTemplate.unknown

    @inline(__always)
    func matches(_ head: UInt64, _ tail: UInt64, _ count: Int) -> Bool {
      (head & headMask) ^ self.head | (tail & tailMask) ^ self.tail
        | UInt64(bitPattern: Int64(count ^ self.count)) == 0
    }
  }

  /// Keys that the template holds, a power of two.
  private static let entriesMax = 32
  /// The longest key, punctuation included, that the template holds; known names are all shorter.
  private static let bytesMax = 16

  private var entries: InlineArray<32, Entry> = InlineArray(repeating: Entry())
  private var entryCount = 0
  /// The entry at which the next key is expected.
  private var next = 0

  /// Prepares for the keys of another line.
  @inline(__always)
  mutating func beginLine() { next = 0 }

  /// Whether the key at `start` is the one expected there, and the colon follows it at once.
  ///
  /// - Parameter code: set to what it names.
  @inline(__always)
  mutating func expects(
    _ bytes: ByteView, _ start: Int, colon: Int, _ code: inout Code
  ) -> Bool {
    let place = next & (Self.entriesMax - 1)
    guard
      entries[place].matches(
        bytes.word(at: start), bytes.word(at: start &+ 8), colon &- start &+ 1)
    else { return false }
    next = place &+ 1
    code = entries[place].code
    return true
  }

  /// What the key at `start` names, which is not the expected one; the template is entered behind
  /// it, or gets it as a new entry.
  ///
  /// - Parameter count: bytes of the key with both quotation marks and the colon, which stand
  ///   without white space between them.
  mutating func code(_ bytes: ByteView, _ start: Int, count: Int) -> Code {
    guard count <= Self.bytesMax else { return Self.unknown }
    func mask(_ count: Int) -> UInt64 { ~(UInt64.max << UInt64(max(count, 0) * 8)) }
    let headMask = mask(count)
    let tailMask = mask(count - 8)
    let head = bytes.word(at: start) & headMask
    let tail = bytes.word(at: start + 8) & tailMask
    // A line that leaves out a key or two goes on a little further down.
    var index = next < entryCount ? next : 0
    for _ in 0..<entryCount {
      if entries[index].head == head && entries[index].tail == tail
        && entries[index].count == count
      {
        next = index + 1
        return entries[index].code
      }
      index = index + 1 < entryCount ? index + 1 : 0
    }
    var name: [UInt8] = []
    for position in (start + 1)..<(start + count - 2) { name.append(bytes[position]) }
    let code = Self.code(ofKey: name)
    if entryCount < Self.entriesMax {
      // Where it was met, so that lines with it and lines without it both find the next key.
      let place = min(next, entryCount)
      for index in stride(from: entryCount, to: place, by: -1) {
        entries[index] = entries[index - 1]
      }
      entries[place] = Entry(
        head: head, headMask: headMask, tail: tail, tailMask: tailMask, count: count, code: code)
      entryCount += 1
      next = place + 1
    }
    return code
  }

  /// What a key of any length names.
  static func code(ofKey name: [UInt8]?) -> Code {
    guard let name else { return unknown }
    return Field.allCases.first { Array($0.name.utf8) == name }?.rawValue ?? unknown
  }
}
