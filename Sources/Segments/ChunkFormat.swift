/// Where things lie in a chunk; `docs/workspace.md` has all of it.
enum ChunkFormat {
  /// `DZCK`
  static let magic: UInt32 = 0x4B43_5A44
  static let version: UInt16 = 2
  static let headerBytes = 24
  static let columnBytes = 8
  static let checksumBytes = 8
  static let columnsMax = 256
  /// Bytes of all of a chunk's texts when read.
  static let textBytesMax = 256 * 1024 * 1024
  /// Bytes of a chunk; more is no chunk.
  static let bytesMax = 512 * 1024 * 1024

  enum NumberForm: UInt8 {
    /// All rows have the same.
    case constant, varints
    /// What each is above the least, in as few bits as the greatest needs.
    case packed
    /// Few distinct numbers, and for each row which.
    case few
  }

  enum HashForm: UInt8 {
    /// All rows have the same.
    case constant
    /// Each row's own.
    case plain
    /// Distinct ones, and for each row which.
    case distinct
  }

  enum TextForm: UInt8 {
    /// All rows have the same.
    case constant
    /// Distinct texts, and for each row which.
    case words
    /// Each row's own.
    case texts
  }

  /// What a text is, in a column of each row's own: absent, one of the column's patterns, from
  /// ``firstPattern`` on, or any other.
  enum TextClass {
    static let absent = 0
    static let other = 1
    static let firstPattern = 2
    /// No class: rows differ.
    static let varied: UInt8 = 255
  }

  /// Distinct numbers up to which a column has the form ``NumberForm/few``.
  static let fewMax = 16
  /// Patterns that a column can have.
  static let patternsMax = 3
  /// The longest prefix: what can be compared as one word.
  static let prefixMax = 8
  static let digitsMax = 64
}

/// Numbers from 0 on, each in as few bits as the largest one needs, one behind the other, the first in the
/// lowest bits.
enum PackedNumbers {
  /// Bits that tell so many numbers apart.
  static func width(count: Int) -> Int {
    count <= 1 ? 0 : Int.bitWidth - (count - 1).leadingZeroBitCount
  }

  static func bytes(rows: Int, width: Int) -> Int { (rows * width + 7) / 8 }

  /// Writes numbers of at most 32 bits; some bytes behind the last one are written too.
  static func write(
    _ numbers: UnsafePointer<UInt32>, count: Int, width: Int,
    to target: UnsafeMutablePointer<UInt8>
  ) {
    let raw = UnsafeMutableRawPointer(target)
    let bits = UInt64(width)
    var word: UInt64 = 0
    var filled: UInt64 = 0
    var offset = 0
    for index in 0..<count {
      word |= unsafe UInt64(numbers[index]) &<< filled
      filled &+= bits
      if filled >= 32 {
        unsafe raw.storeBytes(
          of: UInt32(truncatingIfNeeded: word).littleEndian, toByteOffset: offset, as: UInt32.self)
        offset &+= 4
        word &>>= 32
        filled &-= 32
      }
    }
    unsafe raw.storeBytes(
      of: UInt32(truncatingIfNeeded: word).littleEndian, toByteOffset: offset, as: UInt32.self)
  }

  /// A number of at most 32 bits; up to eight bytes from where it begins are read.
  @inline(__always)
  static func read(_ base: UnsafePointer<UInt8>, _ index: Int, width: Int) -> Int {
    let bit = index &* width
    let word = unsafe UInt64(
      littleEndian: UnsafeRawPointer(base).loadUnaligned(
        fromByteOffset: bit &>> 3, as: UInt64.self))
    let mask: UInt64 = (1 &<< UInt64(width)) &- 1
    return Int(truncatingIfNeeded: (word &>> UInt64(bit & 7)) & mask)
  }
}

/// Eight hexadecimal digits at a time.
enum Hexadecimal {
  private static let ones: UInt64 = 0x0101_0101_0101_0101
  private static let high: UInt64 = 0x8080_8080_8080_8080

  @inline(__always)
  static func isDigit(_ byte: UInt8) -> Bool {
    (byte >= 0x30 && byte <= 0x39) || (byte >= 0x61 && byte <= 0x66)
  }

  /// The number that eight lower-case digits are, the first in the lowest byte of the text and in the
  /// uppermost bits of the number's first byte, which is its lowest; `nil` where one is no digit.
  @inline(__always)
  static func parse(_ text: UInt64) -> UInt32? {
    // In each byte: the uppermost bit tells at least '0', and so on; no byte carries into the next, since
    // those with that bit set are no digits anyway.
    let low = text & ~high
    let fromZero = low &+ (0x80 &- 0x30) &* ones
    let aboveNine = low &+ (0x80 &- 0x3A) &* ones
    let fromA = low &+ (0x80 &- 0x61) &* ones
    let aboveF = low &+ (0x80 &- 0x67) &* ones
    let isDigit = (fromZero & ~aboveNine) | (fromA & ~aboveF)
    guard isDigit & ~text & high == high else { return nil }
    // A letter has bit 6 set, and is worth nine more than its lower bits.
    var nibbles = (low & (0x0F &* ones)) &+ ((low &>> 6) & ones) &* 9
    nibbles = (nibbles &<< 4 | nibbles &>> 8) & 0x00FF_00FF_00FF_00FF
    nibbles = (nibbles | nibbles &>> 8) & 0x0000_FFFF_0000_FFFF
    return UInt32(truncatingIfNeeded: nibbles | nibbles &>> 16)
  }

  /// The eight digits of a number, as ``parse(_:)`` takes them.
  @inline(__always)
  static func text(_ number: UInt32) -> UInt64 {
    var nibbles = UInt64(number)
    nibbles = (nibbles | nibbles &<< 16) & 0x0000_FFFF_0000_FFFF
    nibbles = (nibbles | nibbles &<< 8) & 0x00FF_00FF_00FF_00FF
    nibbles = ((nibbles &>> 4) | (nibbles &<< 8)) & 0x0F0F_0F0F_0F0F_0F0F
    let letters = ((nibbles &+ 6 &* ones) &>> 4) & ones
    return nibbles &+ 0x30 &* ones &+ letters &* 39
  }
}
