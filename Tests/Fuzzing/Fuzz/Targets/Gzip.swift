internal import CZlib

@testable internal import Decoding

/// gzip and zlib beside the zlib library: files as they are, and deflate data in a wrapper that is
/// right, which a fuzzer would not find.
struct GzipTarget: FuzzTarget {
  static let name = "gzip"

  private let check = DecodingCheck()

  mutating func check(_ input: [UInt8]) {
    guard let mode = input.first else { return }
    let rest = Array(input.dropFirst())
    switch mode % 4 {
    case 0, 1: file(rest)
    case 2: member(rest)
    default: stream(rest)
    }
  }

  /// What zlib reads whole, we do, and the same.
  private func file(_ bytes: [UInt8]) {
    guard let read = check.decoded(bytes), read.codec == .gzip || read.codec == .zlib else {
      return
    }
    guard let text = Self.text(of: bytes, isGzip: read.codec == .gzip), !read.isCut else { return }
    require(read.damages.isEmpty, "what zlib accepts is whole: \(read.damages)")
    require(read.text == text, "the text is that of zlib")
  }

  /// Deflate data as a gzip member with the trailer that is due.
  private func member(_ data: [UInt8]) {
    let inflated = Inflated(data, windowBits: -15)
    var bytes: [UInt8] = [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 3] + data.prefix(inflated.taken)
    if inflated.isWhole {
      let sum = unsafe crc32(0, inflated.text, UInt32(inflated.text.count))
      bytes += (0..<4).map { UInt8(truncatingIfNeeded: sum >> ($0 * 8)) }
      bytes += (0..<4).map { UInt8(truncatingIfNeeded: inflated.text.count >> ($0 * 8)) }
    }
    compare(bytes, inflated)
  }

  /// Deflate data as a zlib stream with the checksum that is due.
  private func stream(_ data: [UInt8]) {
    let inflated = Inflated(data, windowBits: -15)
    var bytes: [UInt8] = [0x78, 0x9C] + data.prefix(inflated.taken)
    if inflated.isWhole {
      let sum = unsafe adler32(1, inflated.text, UInt32(inflated.text.count))
      bytes += (0..<4).map { UInt8(truncatingIfNeeded: sum >> (24 - $0 * 8)) }
    }
    compare(bytes, inflated)
  }

  private func compare(_ bytes: [UInt8], _ inflated: Inflated) {
    guard let read = check.decoded(bytes), !read.isCut else { return }
    if inflated.isWhole {
      require(read.damages.isEmpty, "what zlib inflates is whole: \(read.damages)")
      require(read.text == inflated.text, "the text is that of zlib")
    } else if !inflated.isCut {
      require(!read.damages.isEmpty, "what zlib does not inflate is damaged")
      // Behind a damaged stream nothing is sought. Of codes that are not complete, ISA-L uses those
      // that there are.
      guard read.codec == .zlib, inflated.failure.contains("too far") else { return }
      require(inflated.text.starts(with: read.text), "the text before a damage is that of zlib")
      require(
        read.text.count >= inflated.text.count - 258, "the text before a damage is given")
    }
  }

  /// The text of a file; `nil` where zlib does not read all of it.
  private static func text(of bytes: [UInt8], isGzip: Bool) -> [UInt8]? {
    var rest = bytes[...]
    var text: [UInt8] = []
    while !rest.isEmpty {
      let inflated = Inflated(Array(rest), windowBits: isGzip ? 31 : 15)
      guard inflated.isWhole else { return nil }
      text += inflated.text
      rest = rest.dropFirst(inflated.taken).drop { $0 == 0 }
      // Streams of other levels than the common ones are not taken for any.
      if !isGzip, !rest.isEmpty, unsafe !rest.withUnsafeBytes({ unsafe Inflater.isZlib($0) }) {
        return nil
      }
    }
    return text
  }
}

/// What zlib makes of one stream.
struct Inflated {
  var text: [UInt8] = []
  /// Bytes of the stream.
  var taken = 0
  var isWhole = false
  /// Whether there is more text than is compared.
  var isCut = false
  /// What is wrong with the stream, in zlib's words.
  var failure = ""

  init(_ bytes: [UInt8], windowBits: Int32) {
    var stream = unsafe z_stream()
    let code = unsafe inflateInit2_(
      &stream, windowBits, zlibVersion(), Int32(MemoryLayout<z_stream>.size))
    precondition(code == Z_OK)
    defer { unsafe inflateEnd(&stream) }
    var input = bytes
    var room = [UInt8](repeating: 0, count: 65_536)
    unsafe input.withUnsafeMutableBufferPointer { from in
      unsafe stream.next_in = from.baseAddress
      unsafe stream.avail_in = UInt32(from.count)
      var code = Z_OK
      while code == Z_OK && !isCut {
        let written = unsafe room.withUnsafeMutableBufferPointer { to in
          unsafe stream.next_out = to.baseAddress
          unsafe stream.avail_out = UInt32(to.count)
          code = unsafe inflate(&stream, Z_NO_FLUSH)
          return unsafe to.count - Int(stream.avail_out)
        }
        text += room.prefix(written)
        isCut = text.count > DecodingCheck.textBytesMax
      }
      isWhole = code == Z_STREAM_END
      failure = unsafe stream.msg.map { unsafe String(cString: $0) } ?? ""
      taken = unsafe isWhole ? from.count - Int(stream.avail_in) : from.count
    }
  }
}
