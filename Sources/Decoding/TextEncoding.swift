/// How a log's characters are written as bytes.
public enum TextEncoding: String, Sendable, Hashable, CaseIterable {
  case utf8 = "utf-8"
  /// In the order of the byte order mark; without one, the lower byte first.
  case utf16 = "utf-16"
  case utf16LittleEndian = "utf-16le"
  case utf16BigEndian = "utf-16be"
  /// GBK and GB 2312 are parts of it.
  case gb18030

  /// Reads a name as users write it, in small or capital letters.
  public init?(name: String) {
    switch name.lowercased() {
    case "gbk", "gb2312": self = .gb18030
    case let name:
      guard let encoding = Self(rawValue: name) else { return nil }
      self = encoding
    }
  }

  /// What users write.
  public var name: String { rawValue }

  /// All names, the other ones of GB18030 included.
  public static let names = allCases.map(\.name) + ["gbk", "gb2312"]

  /// All names in words: what is expected where another one was found.
  public static var namesText: String {
    "\(names.dropLast().joined(separator: ", ")) or \(names[names.count - 1])"
  }
}

extension TextEncoding {
  private static let utf8Mark: [UInt8] = [0xEF, 0xBB, 0xBF]

  /// What the byte order mark that a text begins with says.
  private init?(mark head: [UInt8]) {
    if head.starts(with: Self.utf8Mark) {
      self = .utf8
      return
    }
    switch head.prefix(2) {
    case [0xFF, 0xFE]: self = .utf16LittleEndian
    case [0xFE, 0xFF]: self = .utf16BigEndian
    default: return nil
    }
  }

  /// Recognises the encoding of a log's text, and opens the decoder that gives it as UTF-8.
  ///
  /// A byte order mark stays in the text, in UTF-8: whoever parses passes over it.
  ///
  /// - Parameters:
  ///   - decoder: gives the text as it is encoded.
  ///   - declared: the encoding; `nil`: UTF-16 where the text begins with its mark, else UTF-8. A
  ///     text that begins with UTF-8's mark is UTF-8 whatever is declared: no log in another encoding
  ///     begins with what these bytes are there.
  /// - Returns: the encoding, with the order of its bytes.
  static func open(
    _ decoder: any Decoder, declared: TextEncoding?, path: String
  ) throws(InputError) -> (TextEncoding, any Decoder) {
    let decoder = PeekedDecoder(decoder, count: Archive.headBytes)
    try Archive.refuse(decoder.head, path: path)
    if declared == .utf8 { return (.utf8, decoder) }
    let marked = TextEncoding(mark: decoder.head)
    var encoding = declared ?? .utf8
    if let marked, declared == nil || declared == .utf16 || marked == .utf8 {
      encoding = marked
    } else if declared == .utf16 {
      encoding = .utf16LittleEndian
    }
    if encoding == .utf8 { return (.utf8, decoder) }
    guard let transcoder = Transcoder(decoder, from: encoding) else {
      throw InputError(
        path: path, detail: "cannot be read as \(encoding.name): the C library has no converter",
        remedy: "install its conversion modules (gconv)")
    }
    return (encoding, transcoder)
  }
}

/// What is no log, but holds some: told by its first bytes, decompressed.
private enum Archive {
  /// `ustar`, in the header of an archive's first file (POSIX pax; GNU tar too).
  private static let tarMagic = Array("ustar".utf8)
  private static let tarMagicOffset = 257
  static let headBytes = tarMagicOffset + tarMagic.count

  /// Refuses an archive: its headers would tear the first line of each file in it.
  static func refuse(_ head: [UInt8], path: String) throws(InputError) {
    guard head.count >= headBytes, head[tarMagicOffset..<headBytes].elementsEqual(tarMagic) else {
      return
    }
    throw InputError(
      path: path, detail: "is a tar archive, which is not read",
      remedy: "pass the text of its files: tar -xOf \(path) | duizhang … -")
  }
}

/// A decoder whose first bytes have been looked at.
final class PeekedDecoder: Decoder {
  private let inner: any Decoder
  /// The first bytes; fewer than asked for where the text ends or is damaged before.
  private(set) var head: [UInt8] = []
  /// Whether any of them is of a member that is not to be trusted.
  private var isHeadDistrusted = false
  /// What was damaged behind them.
  private var damage: Damage?
  private(set) var isDistrusted = false

  init(_ inner: any Decoder, count: Int) {
    self.inner = inner
    let room = UnsafeMutableRawBufferPointer.allocate(byteCount: count, alignment: 1)
    defer { unsafe room.deallocate() }
    do throws(Damage) {
      while head.count < count {
        let part = unsafe UnsafeMutableRawBufferPointer(rebasing: room[head.count...])
        let written = unsafe try inner.decode(into: part)
        if written == 0 { break }
        unsafe head.append(contentsOf: part[..<written])
        if inner.isDistrusted { isHeadDistrusted = true }
      }
    } catch {
      damage = error
    }
  }

  func decode(into output: UnsafeMutableRawBufferPointer) throws(Damage) -> Int {
    if !head.isEmpty {
      let count = min(head.count, output.count)
      unsafe output.copyBytes(from: head[..<count])
      head.removeFirst(count)
      isDistrusted = isHeadDistrusted
      return count
    }
    if let damage {
      self.damage = nil
      throw damage
    }
    let count = unsafe try inner.decode(into: output)
    isDistrusted = inner.isDistrusted
    return count
  }
}
