internal import CLZ4

@testable internal import Decoding

/// LZ4 frames and the legacy format beside plain readers of whole files.
struct LZ4Target: FuzzTarget {
  static let name = "lz4"

  private let check = DecodingCheck()

  mutating func check(_ input: [UInt8]) {
    guard let mode = input.first else { return }
    var bytes = Array(input.dropFirst())
    if mode % 2 == 1 { Self.mendHeader(&bytes) }
    guard let read = check.decoded(bytes), read.codec == .lz4, !read.isCut,
      let text = Self.text(of: bytes)
    else { return }
    require(read.damages.isEmpty, "what the library accepts is whole: \(read.damages)")
    require(read.text == text, "the text is that of the library")
  }

  /// Gives a frame's header the checksum that is due.
  private static func mendHeader(_ bytes: inout [UInt8]) {
    guard bytes.count >= 6, bytes.starts(with: [0x04, 0x22, 0x4D, 0x18]) else { return }
    let count = 2 + (bytes[4] & 0x08 != 0 ? 8 : 0) + (bytes[4] & 0x01 != 0 ? 4 : 0)
    guard bytes.count > 4 + count else { return }
    bytes[4 + count] = UInt8(truncatingIfNeeded: xxHash32(bytes[4..<(4 + count)]) >> 8)
  }

  /// xxHash32 of fewer than sixteen bytes.
  private static func xxHash32(_ bytes: ArraySlice<UInt8>) -> UInt32 {
    func rotated(_ value: UInt32, _ count: UInt32) -> UInt32 {
      value << count | value >> (32 - count)
    }
    let (second, third, fourth, fifth): (UInt32, UInt32, UInt32, UInt32) = (
      2_246_822_519, 3_266_489_917, 668_265_263, 374_761_393
    )
    let first: UInt32 = 2_654_435_761
    var hash = fifth &+ UInt32(bytes.count)
    var rest = bytes
    while rest.count >= 4 {
      let word = rest.prefix(4).reversed().reduce(0 as UInt32) { $0 << 8 | UInt32($1) }
      hash = rotated(hash &+ word &* third, 17) &* fourth
      rest = rest.dropFirst(4)
    }
    for byte in rest { hash = rotated(hash &+ UInt32(byte) &* fifth, 11) &* first }
    hash = (hash ^ hash >> 15) &* second
    hash = (hash ^ hash >> 13) &* third
    return hash ^ hash >> 16
  }

  /// The text of a file of frames; `nil` where the library does not read all of it.
  private static func text(of bytes: [UInt8]) -> [UInt8]? {
    var context: OpaquePointer?
    let code = unsafe LZ4F_createDecompressionContext(&context, UInt32(LZ4F_VERSION))
    precondition(LZ4F_isError(code) == 0)
    defer { unsafe _ = LZ4F_freeDecompressionContext(context) }
    var text: [UInt8] = []
    var room = [UInt8](repeating: 0, count: 65_536)
    var position = 0
    // What the library asks for next; 0 between frames.
    var wanted = 0
    while position < bytes.count || wanted != 0 {
      var taken = bytes.count - position
      var written = room.count
      wanted = unsafe bytes.withUnsafeBytes { from in
        unsafe room.withUnsafeMutableBytes { to in
          unsafe LZ4F_decompress(
            context, to.baseAddress, &written, from.baseAddress.map { unsafe $0 + position },
            &taken, nil)
        }
      }
      guard LZ4F_isError(wanted) == 0, wanted == 0 || taken > 0 || written > 0 else { return nil }
      text += room.prefix(written)
      position += taken
    }
    return text
  }
}
