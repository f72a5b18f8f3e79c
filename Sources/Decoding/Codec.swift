/// How a log's bytes are stored, told from its first bytes.
public enum Codec: String, Sendable, Hashable, CaseIterable {
  case plain, gzip, zlib
  /// Frames, or the legacy format.
  case lz4
  case zstd
}

/// Turns stored bytes into the log's text, piece by piece.
protocol Decoder: AnyObject {
  /// Whether the text last written is of a member that is not to be trusted.
  var isDistrusted: Bool { get }

  /// Writes the next bytes of text.
  ///
  /// - Parameter output: room for them, not empty.
  /// - Returns: the bytes written, which are all to be trusted or all not; 0 only at the end.
  /// - Throws: ``Damage``, after everything readable before it was returned; the next calls go on
  ///   with what is readable behind it.
  func decode(into output: UnsafeMutableRawBufferPointer) throws(Damage) -> Int
}

extension Decoder {
  var isDistrusted: Bool { false }
}

extension Codec {
  /// Formats that are recognised so that the message can name them and the way out.
  private static let foreign: [(magic: [UInt8], name: String, command: String)] = [
    ([0xFD, 0x37, 0x7A, 0x58, 0x5A, 0x00], "xz", "xz -dc"),
    ([0x42, 0x5A, 0x68], "bzip2", "bzip2 -dc"),
    ([0x50, 0x4B, 0x03, 0x04], "a ZIP archive", "unzip -p"),
  ]

  /// Recognises the codec of a source and opens its decoder.
  ///
  /// - Parameter distrusted: members that an earlier reading has found to be wrong.
  static func open(
    _ source: ByteSource, path: String, distrusted: DistrustedMembers = DistrustedMembers()
  ) throws(InputError) -> (Codec, any Decoder) {
    let head: UnsafeRawBufferPointer
    do throws(Damage) {
      // Skippable frames may stand before the first that tells the codec.
      let first = unsafe try source.peek(8)
      unsafe head = SkippableFrame.isFirst(first) ? try source.peek(ByteSource.bufferBytes) : first
    } catch {
      throw InputError(path: path, detail: error.detail, remedy: "check the file and its disk")
    }
    func starts(with magic: [UInt8]) -> Bool {
      unsafe head.count >= magic.count && head.starts(with: magic)
    }
    if starts(with: Inflater.gzipMagic) {
      return (.gzip, MemberDecoder(source, [Inflater(.gzip)], distrusted, allowsPadding: true))
    }
    if unsafe Inflater.isZlib(head) {
      return (.zlib, MemberDecoder(source, [Inflater(.zlib)], distrusted, allowsPadding: true))
    }
    if let codec = unsafe framed(head) {
      // Frames of all these formats may follow each other, and all know the same skippable ones.
      let formats: [any MemberFormat] = [ZstdFrame(), LZ4Frame(), LZ4LegacyFrame()]
      let skippable = SkippableFrame(beside: formats)
      return (codec, MemberDecoder(source, formats + [skippable], distrusted))
    }
    for format in foreign where starts(with: format.magic) {
      throw InputError(
        path: path, detail: "is compressed as \(format.name), which is not read",
        remedy: "pass its text: \(format.command) \(path) | duizhang … -")
    }
    return (.plain, PlainDecoder(source))
  }

  /// Whether a text in UTF-8 that begins with these bytes, stored as it is, would be taken for
  /// something else.
  public static func mistakes(_ head: ArraySlice<UInt8>) -> Bool {
    let magics = [Inflater.gzipMagic, [0xFF, 0xFE], [0xFE, 0xFF]] + foreign.map(\.magic)
    if magics.contains(where: { head.starts(with: $0) }) { return true }
    return unsafe head.withUnsafeBytes {
      unsafe Inflater.isZlib($0) || framed($0) != nil
    }
  }

  /// The codec of the first frame that holds text; LZ4 where none is in sight.
  private static func framed(_ head: UnsafeRawBufferPointer) -> Codec? {
    var position = 0
    while head.count - position >= 4 {
      let magic = unsafe littleEndian(head, position)
      if magic == ZstdFrame.magic { return .zstd }
      if magic == LZ4Frame.magic || magic == LZ4LegacyFrame.magic { return .lz4 }
      guard SkippableFrame.isMagic(magic) else { break }
      guard head.count - position >= 8 else { return .lz4 }
      position += 8 + Int(unsafe littleEndian(head, position + 4))
    }
    return position > 0 ? .lz4 : nil
  }
}

/// Four bytes as a number, the lowest first.
func littleEndian(_ bytes: UnsafeRawBufferPointer, _ position: Int) -> UInt32 {
  unsafe UInt32(
    littleEndian: bytes.loadUnaligned(fromByteOffset: position, as: UInt32.self))
}

/// Text stored as it is.
final class PlainDecoder: Decoder {
  private let source: ByteSource

  init(_ source: ByteSource) { self.source = source }

  func decode(into output: UnsafeMutableRawBufferPointer) throws(Damage) -> Int {
    let input = unsafe try source.available()
    let count = min(input.count, output.count)
    unsafe output.copyMemory(from: UnsafeRawBufferPointer(rebasing: input[0..<count]))
    source.take(count)
    return count
  }
}
