/// Unsigned integers in as few bytes as they need (LEB128): seven bits a byte, the lowest first, the
/// top bit set on all bytes but the last.
enum VarInts {
  static func encode(_ numbers: [Int]) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(numbers.count * 2)
    for number in numbers {
      var rest = UInt64(clamping: number)
      while rest >= 0x80 {
        bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
        rest >>= 7
      }
      bytes.append(UInt8(truncatingIfNeeded: rest))
    }
    return bytes
  }

  /// - Returns: `nil` where the bytes are not what ``encode(_:)`` gives.
  static func decode(_ bytes: [UInt8]) -> [Int]? {
    var numbers: [Int] = []
    var number: UInt64 = 0
    var shift: UInt64 = 0
    for byte in bytes {
      guard shift < 63 else { return nil }
      number |= UInt64(byte & 0x7F) << shift
      if byte & 0x80 != 0 {
        shift += 7
        continue
      }
      guard let value = Int(exactly: number) else { return nil }
      numbers.append(value)
      number = 0
      shift = 0
    }
    return shift == 0 ? numbers : nil
  }
}
