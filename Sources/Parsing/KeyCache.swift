import Decoding

/// Tells which known field a key names.
///
/// The keys of a log are few and come again on every line in the same order: each has a place of its
/// own in a small table, by its bytes and length, and remembers the place of the key that followed
/// it last time. Nearly every key is found there with one comparison.
struct KeyCache {
  /// What a key names: a ``Field``'s raw value, or `unknown`.
  typealias Code = UInt8
  static let unknown: Code = 255

  private struct Key {
    /// The first eight bytes, zeros behind a shorter key.
    var head: UInt64 = 0
    /// The last eight bytes of a longer key.
    var tail: UInt64 = 0
    var count: Int32 = -1
    var code = KeyCache.unknown
    /// The place of the key that followed.
    var next: UInt8 = 0

    @inline(__always)
    func isEqual(_ head: UInt64, _ tail: UInt64, _ count: Int) -> Bool {
      self.head == head && self.tail == tail && Int(self.count) == count
    }
  }

  private static let placesCount = 64
  /// Keys longer than this name no known field.
  private static let bytesMax = 16
  private static let known: [Key] = Field.allCases.map { field in
    let bytes = Array(field.name.utf8)
    func word(_ bytes: ArraySlice<UInt8>) -> UInt64 {
      bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }
    return Key(
      head: word(bytes.prefix(8)), tail: bytes.count > 8 ? word(bytes.suffix(8)) : 0,
      count: Int32(bytes.count), code: field.rawValue)
  }

  private var places: InlineArray<64, Key> = InlineArray(repeating: Key())
  /// The place of the key last looked up.
  private var last = 0

  /// What a key names.
  @inline(__always)
  mutating func code(_ bytes: ByteView, _ start: Int, _ count: Int) -> Code {
    guard count <= Self.bytesMax else { return Self.unknown }
    let word = bytes.word(at: start)
    // A shift by 64 or more gives 0, so that keys of eight bytes and more keep all of the word.
    let head = word & ~(UInt64.max << UInt64(truncatingIfNeeded: count &* 8))
    let tail = count > 8 ? bytes.word(at: start &+ count &- 8) : 0
    let guess = Int(places[last].next) & (Self.placesCount - 1)
    if places[guess].isEqual(head, tail, count) {
      last = guess
      return places[guess].code
    }
    return lookUp(head, tail, count)
  }

  private mutating func lookUp(_ head: UInt64, _ tail: UInt64, _ count: Int) -> Code {
    let hash = (head ^ tail &+ UInt64(truncatingIfNeeded: count)) &* 0x9E37_79B9_7F4A_7C15
    let place = Int(truncatingIfNeeded: hash >> 58)
    if !places[place].isEqual(head, tail, count) {
      places[place] =
        Self.known.first { $0.isEqual(head, tail, count) }
        ?? Key(head: head, tail: tail, count: Int32(count))
    }
    places[last].next = UInt8(place)
    last = place
    return places[place].code
  }

  /// What a key that was written with escapes names.
  static func code(ofKey name: [UInt8]?) -> Code {
    guard let name else { return unknown }
    return Field.allCases.first { Array($0.name.utf8) == name }?.rawValue ?? unknown
  }
}
