import Decoding
import Formats

/// Numbers, literals and the ends of strings (RFC 8259, sections 3, 6 and 7).
extension JSONWalk {
  /// The number or literal that begins at `start`.
  @inline(__always)
  static func bare(_ bytes: ByteView, from start: Int, before next: Int) -> Value? {
    var end = next
    while isWhiteSpace(bytes[end &- 1]) { end &-= 1 }
    let count = end &- start
    let slice = Slice(start: start, count: count)
    if isShortInteger(bytes, start, count) { return .number(slice) }
    switch bytes[start] {
    case 0x6E:
      return count == 4 && bytes.word(at: start) & 0xFFFF_FFFF == 0x6C6C_756E ? .null : nil
    case 0x74:
      return count == 4 && bytes.word(at: start) & 0xFFFF_FFFF == 0x6575_7274
        ? .boolean(slice) : nil
    case 0x66:
      return count == 5 && bytes.word(at: start) & 0xFF_FFFF_FFFF == 0x65_736C_6166
        ? .boolean(slice) : nil
    default:
      return isNumber(bytes, start, end) ? .number(slice) : nil
    }
  }

  /// Whether the bytes are one to eight digits without a leading zero, as nearly all numbers of a
  /// log are: eight bytes at once, without a branch for each digit.
  @inline(__always)
  static func isShortInteger(_ bytes: ByteView, _ start: Int, _ count: Int) -> Bool {
    guard UInt(bitPattern: count &- 1) < 8, bytes[start] != 0x30 || count == 1 else { return false }
    // Of a digit both the byte and the byte plus 6 have 3 for their upper half, of nothing else.
    // What stands behind the number is shifted out.
    let shift = UInt64(truncatingIfNeeded: 64 &- count &* 8)
    let word = bytes.word(at: start) &<< shift
    return word & (word &+ 0x0606_0606_0606_0606) & 0xF0F0_F0F0_F0F0_F0F0
      == 0x3030_3030_3030_3030 &<< shift
  }

  @inline(__always)
  static func isWhiteSpace(_ byte: UInt8) -> Bool {
    byte == 0x20 || byte == 0x09 || byte == 0x0D || byte == 0x0A
  }

  /// Where the string that begins at `start` ends: the last byte before `next` that is not white
  /// space, which must be a quotation mark.
  @inline(__always)
  static func closingQuote(_ bytes: ByteView, from start: Int, before next: Int) -> Int? {
    var end = next &- 1
    if bytes[end] != 0x22 {
      while isWhiteSpace(bytes[end]) { end &-= 1 }
      guard bytes[end] == 0x22 else { return nil }
    }
    return end > start ? end : nil
  }

  /// The number of three digits, the first not 0, that is all that stands before `next`.
  @inline(__always)
  static func threeDigits(_ bytes: ByteView, _ start: Int, before next: Int) -> Int? {
    guard next &- start == 3 else { return nil }
    let first = Int(bytes[start]) &- 0x30
    let second = Int(bytes[start &+ 1]) &- 0x30
    let third = Int(bytes[start &+ 2]) &- 0x30
    guard first > 0, first < 10, second >= 0, second < 10, third >= 0, third < 10 else {
      return nil
    }
    return first &* 100 &+ second &* 10 &+ third
  }

  /// RFC 8259, section 6.
  static func isNumber(_ bytes: ByteView, _ start: Int, _ end: Int) -> Bool {
    var position = start
    func digits() -> Bool {
      let first = position
      while position < end && bytes[position] &- 0x30 < 10 { position += 1 }
      return position > first
    }
    if bytes[position] == 0x2D { position += 1 }
    guard position < end else { return false }
    if bytes[position] == 0x30 {
      position += 1
    } else {
      guard digits() else { return false }
    }
    if position < end && bytes[position] == 0x2E {
      position += 1
      guard digits() else { return false }
    }
    if position < end && bytes[position] | 0x20 == 0x65 {
      position += 1
      if position < end && (bytes[position] == 0x2B || bytes[position] == 0x2D) { position += 1 }
      guard digits() else { return false }
    }
    return position == end
  }
}
