import Decoding

/// The escapes of a JSON string (RFC 8259, section 7).
enum Escapes {
  /// Whether every backslash of a string begins an escape that the grammar allows.
  static func areValid(_ bytes: ByteView, _ start: Int, _ end: Int) -> Bool {
    var position = start
    while position < end {
      guard bytes[position] == 0x5C else {
        position += 1
        continue
      }
      guard position + 1 < end else { return false }
      switch bytes[position + 1] {
      case 0x22, 0x5C, 0x2F, 0x62, 0x66, 0x6E, 0x72, 0x74:
        position += 2
      case 0x75:
        guard position + 6 <= end, hexadecimal(bytes, position + 2) != nil else { return false }
        position += 6
      default:
        return false
      }
    }
    return true
  }

  /// The text of a string with valid escapes, as UTF-8; never longer than with them.
  ///
  /// - Returns: `nil` where it holds half a surrogate pair, which no text can.
  static func decoded(_ bytes: ByteView, _ start: Int, _ end: Int) -> [UInt8]? {
    var text: [UInt8] = []
    text.reserveCapacity(end - start)
    var position = start
    while position < end {
      let byte = bytes[position]
      guard byte == 0x5C else {
        text.append(byte)
        position += 1
        continue
      }
      let kind = bytes[position + 1]
      position += 2
      switch kind {
      case 0x62: text.append(0x08)
      case 0x66: text.append(0x0C)
      case 0x6E: text.append(0x0A)
      case 0x72: text.append(0x0D)
      case 0x74: text.append(0x09)
      case 0x75:
        guard var code = hexadecimal(bytes, position) else { return nil }
        position += 4
        if code & 0xFC00 == 0xD800 {
          guard position + 6 <= end, bytes[position] == 0x5C, bytes[position + 1] == 0x75,
            let low = hexadecimal(bytes, position + 2), low & 0xFC00 == 0xDC00
          else { return nil }
          code = 0x10000 + (code & 0x3FF) << 10 + low & 0x3FF
          position += 6
        }
        guard let scalar = Unicode.Scalar(code) else { return nil }
        text.append(contentsOf: UTF8.encode(scalar)!)
      default: text.append(kind)
      }
    }
    return text
  }

  private static func hexadecimal(_ bytes: ByteView, _ start: Int) -> UInt32? {
    var value: UInt32 = 0
    for position in start..<(start + 4) {
      let digit: UInt8
      switch bytes[position] {
      case 0x30...0x39: digit = bytes[position] - 0x30
      case 0x41...0x46: digit = bytes[position] - 0x37
      case 0x61...0x66: digit = bytes[position] - 0x57
      default: return nil
      }
      value = value << 4 | UInt32(digit)
    }
    return value
  }
}
