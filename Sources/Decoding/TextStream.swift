/// The text of a file of any codec as UTF-8, in pieces, its encoding told by its content.
///
/// A byte order mark prevails. Without one, text with many zero bytes is UTF-16, its order told by
/// where they stand. What begins as ASCII stays undecided until other bytes come: then UTF-8 or GB18030,
/// whichever the text from there on fits better, and UTF-8 where both do. What cannot be converted gives
/// a byte 0xFF, which stands in no UTF-8 text.
public final class TextStream {
  /// What the text is encoded in; `nil` as long as all of it is ASCII.
  public private(set) var encoding: TextEncoding?
  public let codec: Codec
  /// Whether the text begins with a byte order mark.
  public let hasMark: Bool
  private let path: String
  private var decoder: any Decoder

  /// Bytes behind the first that is no ASCII by which UTF-8 and GB18030 are told apart.
  static let decidingBytes = 64 * 1024
  private static let headBytes = 4 * 1024

  /// Opens a file.
  ///
  /// - Parameter path: a file, or `-` for standard input.
  public convenience init(path: String) throws(InputError) {
    let (codec, stored) = try Codec.open(try ByteSource(path: path), path: path)
    try self.init(stored, codec: codec, path: path)
  }

  /// Opens bytes, which are not compressed.
  ///
  /// - Parameter path: for messages.
  public convenience init(_ bytes: [UInt8], path: String) throws(InputError) {
    try self.init(BytesDecoder(bytes), codec: .plain, path: path)
  }

  private init(_ stored: any Decoder, codec: Codec, path: String) throws(InputError) {
    self.codec = codec
    self.path = path
    let peeked = PeekedDecoder(stored, count: Self.headBytes)
    let head = peeked.head
    for foreign in Self.foreign where head.starts(with: foreign.magic) {
      throw InputError(
        path: path, detail: "is \(foreign.name), which is not read",
        remedy: "save it as \"CSV UTF-8\" and name that file")
    }
    let marked = TextEncoding.byMark(head)
    hasMark = marked != nil
    let encoding = marked ?? TextEncoding.utf16(byZerosIn: head)
    self.encoding = encoding
    if let encoding, encoding != .utf8 {
      decoder = try Self.transcoder(peeked, encoding, path)
    } else {
      decoder = peeked
    }
  }

  private static let foreign: [(magic: [UInt8], name: String)] = [
    ([0x50, 0x4B, 0x03, 0x04], "an Excel workbook or another ZIP archive"),
    ([0xD0, 0xCF, 0x11, 0xE0], "an old Excel workbook"),
    (Array("%PDF-".utf8), "a PDF document"),
  ]

  private static func transcoder(
    _ decoder: any Decoder, _ encoding: TextEncoding, _ path: String
  ) throws(InputError) -> any Decoder {
    guard let transcoder = Transcoder(decoder, from: encoding) else {
      throw InputError(
        path: path, detail: "cannot be read as \(encoding.name): the C library has no converter",
        remedy: "install its conversion modules (gconv)")
    }
    return transcoder
  }

  /// Writes the next bytes of the text; a byte order mark is among them.
  ///
  /// - Parameter output: room for at least 64 bytes.
  /// - Returns: the bytes written; 0 only at the end.
  /// - Throws: ``Damage``, after everything readable before it; the next calls go on behind it.
  public func read(into output: UnsafeMutableRawBufferPointer) throws(Damage) -> Int {
    let count = unsafe try decoder.decode(into: output)
    guard encoding == nil, let first = unsafe Self.firstBeyondASCII(output, count) else {
      return count
    }
    // What is no ASCII is held back until its encoding is known; the ASCII before it is the same in both.
    let pushed = PushedBackDecoder(
      unsafe Array(output[first..<count]), before: decoder)
    let peeked = PeekedDecoder(pushed, count: Self.decidingBytes)
    let fits = TextEncoding.utf8OrGB18030(peeked.head)
    encoding = fits
    decoder = peeked
    if fits == .gb18030, let transcoder = Transcoder(peeked, from: .gb18030) {
      decoder = transcoder
    }
    return first > 0 ? first : unsafe try decoder.decode(into: output)
  }
}

extension TextStream {
  private static func firstBeyondASCII(_ bytes: UnsafeMutableRawBufferPointer, _ count: Int) -> Int?
  {
    var position = 0
    while position + 64 <= count {
      var bits: UInt64 = 0
      for offset in stride(from: position, to: position + 64, by: 8) {
        bits |= unsafe bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
      }
      if bits & 0x8080_8080_8080_8080 != 0 { break }
      position += 64
    }
    return unsafe bytes[position..<count].firstIndex { $0 >= 0x80 }
  }
}

extension TextEncoding {
  fileprivate static func byMark(_ head: [UInt8]) -> TextEncoding? {
    if head.starts(with: [0xEF, 0xBB, 0xBF]) { return .utf8 }
    if head.starts(with: [0xFF, 0xFE]) { return .utf16LittleEndian }
    if head.starts(with: [0xFE, 0xFF]) { return .utf16BigEndian }
    return nil
  }

  /// UTF-16 in the order that zero bytes show: delimiters, digits and line ends have one each.
  ///
  /// - Returns: `nil` where fewer than one of 20 units has one.
  static func utf16(byZerosIn head: [UInt8]) -> TextEncoding? {
    var even = 0
    var odd = 0
    for (index, byte) in head.enumerated() where byte == 0 {
      if index % 2 == 0 { even += 1 } else { odd += 1 }
    }
    guard max(even, odd) * 40 > head.count, head.count >= 2 else { return nil }
    return even > odd ? .utf16BigEndian : .utf16LittleEndian
  }

  /// What a text that is not all ASCII is rather encoded in.
  ///
  /// Text in GB18030 has few sequences that are UTF-8 by chance; words of UTF-8 may well be GB18030. So a
  /// text is UTF-8 where more than two thirds of its sequences are, or else where it is no better GB18030.
  static func utf8OrGB18030(_ text: [UInt8]) -> TextEncoding {
    let (sequences, faults) = sequencesAsUTF8(text)
    return faults == 0 || sequences > 2 * faults || faults <= faultsAsGB18030(text)
      ? .utf8 : .gb18030
  }

  /// Sequences beyond ASCII that are UTF-8, and those that are not; one that the end cuts off is
  /// neither.
  private static func sequencesAsUTF8(_ text: [UInt8]) -> (right: Int, wrong: Int) {
    var right = 0
    var wrong = 0
    var position = 0
    while position < text.count {
      let byte = text[position]
      let length: Int
      switch byte {
      case ..<0x80: length = 1
      case 0xC2...0xDF: length = 2
      case 0xE0...0xEF: length = 3
      case 0xF0...0xF4: length = 4
      default: length = 0
      }
      var read = 1
      while read < length, position + read < text.count, text[position + read] & 0xC0 == 0x80 {
        read += 1
      }
      if length > 1 && read == length { right += 1 }
      if length == 0 || read < length && position + read < text.count { wrong += 1 }
      position += read
    }
    return (right, wrong)
  }

  /// Bytes that are no GB18030; a code that the end cuts off is none.
  private static func faultsAsGB18030(_ text: [UInt8]) -> Int {
    var faults = 0
    var position = 0
    while position < text.count {
      let byte = text[position]
      if byte < 0x80 {
        position += 1
      } else if !(0x81...0xFE).contains(byte) {
        faults += 1
        position += 1
      } else if position + 1 == text.count {
        position += 1
      } else if (0x40...0x7E).contains(text[position + 1])
        || (0x80...0xFE).contains(text[position + 1])
      {
        position += 2
      } else if (0x30...0x39).contains(text[position + 1]),
        position + 3 >= text.count
          || (0x81...0xFE).contains(text[position + 2])
            && (0x30...0x39).contains(text[position + 3])
      {
        position += 4
      } else {
        faults += 1
        position += 1
      }
    }
    return faults
  }
}

/// Bytes in memory.
private final class BytesDecoder: Decoder {
  private let bytes: [UInt8]
  private var position = 0

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  func decode(into output: UnsafeMutableRawBufferPointer) throws(Damage) -> Int {
    let count = min(output.count, bytes.count - position)
    unsafe output.copyBytes(from: bytes[position..<(position + count)])
    position += count
    return count
  }
}

/// Bytes that were read already, and then what follows them.
private final class PushedBackDecoder: Decoder {
  private var bytes: [UInt8]
  private let inner: any Decoder

  init(_ bytes: [UInt8], before inner: any Decoder) {
    self.bytes = bytes
    self.inner = inner
  }

  func decode(into output: UnsafeMutableRawBufferPointer) throws(Damage) -> Int {
    if bytes.isEmpty { return unsafe try inner.decode(into: output) }
    let count = min(output.count, bytes.count)
    unsafe output.copyBytes(from: bytes[..<count])
    bytes.removeFirst(count)
    return count
  }
}
