import Decoding

/// Tells which known field a key names.
///
/// The lines of a log have the same keys in the same order: each key is first compared with the one
/// that stood at its place in the line before.
struct KeySequence {
  private struct Key {
    /// The first eight bytes, zeros behind a shorter key.
    var head: UInt64 = 0
    /// The last eight bytes of a longer key.
    var tail: UInt64 = 0
    var count = -1
    var field: Field?
  }

  /// Keys longer than this name no known field.
  private static let bytesMax = 16
  private static let known: [Key] = Field.allCases.map { field in
    let bytes = Array(field.name.utf8)
    func word(_ bytes: ArraySlice<UInt8>) -> UInt64 {
      bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }
    return Key(
      head: word(bytes.prefix(8)), tail: bytes.count > 8 ? word(bytes.suffix(8)) : 0,
      count: bytes.count, field: field)
  }

  private var expected = [Key](repeating: Key(), count: 48)

  /// The field that a key names, `nil` for an unknown one.
  @inline(__always)
  mutating func field(at ordinal: Int, _ bytes: ByteView, _ start: Int, _ count: Int) -> Field? {
    guard count <= Self.bytesMax else { return nil }
    let word = bytes.word(at: start)
    let head = count >= 8 ? word : word & (1 << (UInt64(count) * 8) &- 1)
    let tail = count > 8 ? bytes.word(at: start + count - 8) : 0
    if ordinal < expected.count {
      let guess = expected[ordinal]
      if guess.count == count && guess.head == head && guess.tail == tail { return guess.field }
    }
    return lookUp(ordinal, head, tail, count)
  }

  private mutating func lookUp(
    _ ordinal: Int, _ head: UInt64, _ tail: UInt64, _ count: Int
  ) -> Field? {
    let key =
      Self.known.first { $0.count == count && $0.head == head && $0.tail == tail }
      ?? Key(head: head, tail: tail, count: count, field: nil)
    if ordinal < expected.count { expected[ordinal] = key }
    return key.field
  }

  /// The field of a key that was written with escapes.
  static func field(named name: [UInt8]?) -> Field? {
    guard let name else { return nil }
    return Field.allCases.first { Array($0.name.utf8) == name }
  }
}
