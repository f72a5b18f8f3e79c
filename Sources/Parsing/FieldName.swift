import Decoding

/// Tells which known field a key names.
enum FieldName {
  /// What a key names: a ``Field``'s raw value, or `unknown`, whose text has a place too and is
  /// never read.
  typealias Code = UInt8
  static let unknown: Code = 15

  /// The known names with their quotation marks and colon: two words each, zeros behind a shorter
  /// one.
  private static let names: [(head: UInt64, tail: UInt64, count: Int)] = Field.allCases.map {
    let bytes = Array("\"\($0.name)\":".utf8)
    precondition(bytes.count <= 16)
    func word(_ range: Range<Int>) -> UInt64 {
      range.reversed().reduce(0) { $0 << 8 | UInt64($1 < bytes.count ? bytes[$1] : 0) }
    }
    return (word(0..<8), word(8..<16), bytes.count)
  }

  /// What the key at `start` names.
  ///
  /// - Parameter count: bytes of the key with both quotation marks and the colon, which stand
  ///   without white space between them.
  static func code(_ bytes: ByteView, _ start: Int, count: Int) -> Code {
    guard count <= 16 else { return unknown }
    let head = bytes.word(at: start) & ~(UInt64.max << UInt64(count * 8))
    let tail = bytes.word(at: start + 8) & ~(UInt64.max << UInt64(max(count - 8, 0) * 8))
    let place = names.firstIndex { $0.head == head && $0.tail == tail && $0.count == count }
    return place.map { Code($0) } ?? unknown
  }

  /// What a key written otherwise names; `nil` stands for one that is no text.
  static func code(ofKey name: [UInt8]?) -> Code {
    guard let name else { return unknown }
    return Field.allCases.first { Array($0.name.utf8) == name }?.rawValue ?? unknown
  }
}
