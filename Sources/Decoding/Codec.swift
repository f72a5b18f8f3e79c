/// How a log's bytes are stored, told from its first bytes.
public enum Codec: String, Sendable, Hashable, CaseIterable {
  case plain, gzip, lz4
}

/// Turns stored bytes into the log's text, piece by piece.
protocol Decoder: AnyObject {
  /// Writes the next bytes of text.
  ///
  /// - Parameter output: room for them, not empty.
  /// - Returns: the bytes written; 0 only at the end.
  /// - Throws: ``Damage``, after everything readable before it was returned; then the end.
  func decode(into output: UnsafeMutableRawBufferPointer) throws(Damage) -> Int
}

extension Codec {
  /// Formats that are recognised so that the message can name them and the way out.
  private static let foreign: [(magic: [UInt8], name: String, command: String)] = [
    ([0x28, 0xB5, 0x2F, 0xFD], "Zstandard", "zstd -dc"),
    ([0xFD, 0x37, 0x7A, 0x58, 0x5A, 0x00], "xz", "xz -dc"),
    ([0x42, 0x5A, 0x68], "bzip2", "bzip2 -dc"),
    ([0x50, 0x4B, 0x03, 0x04], "a ZIP archive", "unzip -p"),
    ([0x02, 0x21, 0x4C, 0x18], "LZ4's legacy format", "lz4 -dc"),
  ]

  /// Recognises the codec of a source and opens its decoder.
  static func open(_ source: ByteSource, path: String) throws(InputError) -> (Codec, any Decoder) {
    let head: UnsafeRawBufferPointer
    do throws(Damage) {
      unsafe head = try source.peek(8)
    } catch {
      throw InputError(path: path, detail: error.detail, remedy: "check the file and its disk")
    }
    func starts(with magic: [UInt8]) -> Bool {
      unsafe head.count >= magic.count && head.starts(with: magic)
    }
    if starts(with: [0x1F, 0x8B]) { return (.gzip, GzipDecoder(source)) }
    if unsafe starts(with: [0x04, 0x22, 0x4D, 0x18]) || isSkippableLZ4(head) {
      return (.lz4, LZ4Decoder(source))
    }
    for format in foreign where starts(with: format.magic) {
      throw InputError(
        path: path, detail: "is compressed as \(format.name), which is not read",
        remedy: "pass its text: \(format.command) \(path) | duizhang … -")
    }
    return (.plain, PlainDecoder(source))
  }

  /// A skippable frame (0x184D2A50 to 0x184D2A5F) may come first.
  private static func isSkippableLZ4(_ head: UnsafeRawBufferPointer) -> Bool {
    unsafe head.count >= 4 && head[0] & 0xF0 == 0x50 && head[1] == 0x2A && head[2] == 0x4D
      && head[3] == 0x18
  }
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
