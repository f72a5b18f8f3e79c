internal import CZstd

@testable internal import Decoding

/// Zstandard frames beside the library's reader, which gets the whole file at once.
struct ZstdTarget: FuzzTarget {
  static let name = "zstd"

  private let check = DecodingCheck()

  mutating func check(_ input: [UInt8]) {
    guard let read = check.decoded(input), read.codec == .zstd, !read.isCut,
      let text = Self.text(of: input)
    else { return }
    require(read.damages.isEmpty, "what the library accepts is whole: \(read.damages)")
    require(read.text == text, "the text is that of the library")
  }

  /// The text of a file of frames; `nil` where the library does not read all of it.
  private static func text(of bytes: [UInt8]) -> [UInt8]? {
    guard let context = unsafe ZSTD_createDCtx() else { preconditionFailure("out of memory") }
    defer { unsafe _ = ZSTD_freeDCtx(context) }
    unsafe _ = ZSTD_DCtx_setParameter(context, ZSTD_d_windowLogMax, 31)
    var text: [UInt8] = []
    var room = [UInt8](repeating: 0, count: 65_536)
    var position = 0
    // What the library asks for next; 0 between frames.
    var wanted = 0
    while position < bytes.count || wanted != 0 {
      let (taken, written) = unsafe bytes.withUnsafeBytes { from in
        unsafe room.withUnsafeMutableBytes { to in
          var input = unsafe ZSTD_inBuffer(src: from.baseAddress, size: from.count, pos: position)
          var output = unsafe ZSTD_outBuffer(dst: to.baseAddress, size: to.count, pos: 0)
          wanted = unsafe ZSTD_decompressStream(context, &output, &input)
          return unsafe (input.pos - position, output.pos)
        }
      }
      guard ZSTD_isError(wanted) == 0, wanted == 0 || taken > 0 || written > 0 else { return nil }
      text += room.prefix(written)
      position += taken
    }
    return text
  }
}
