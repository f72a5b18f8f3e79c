import TestSupport
import Testing

@testable import Decoding

/// Logs in UTF-16 and GB18030.
@Suite struct TextEncodingTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func lines(_ bytes: [UInt8], _ encoding: TextEncoding? = nil) throws -> DecodedLines {
    try DecodedLines(folder.write(bytes, as: "log"), encoding: encoding)
  }

  private static let text = "{\"user\":\"用户\"}\r\n{\"user\":\"🀄️é\"}\n\n{\"n\":1}\n"
  private static let lines = ["{\"user\":\"用户\"}\r", "{\"user\":\"🀄️é\"}", "", "{\"n\":1}"]
  private static let mark = "\u{FEFF}"

  @Test func namesAreThoseThatUsersWrite() {
    for encoding in TextEncoding.allCases {
      #expect(TextEncoding(name: encoding.name) == encoding)
      #expect(TextEncoding(name: encoding.name.uppercased()) == encoding)
      #expect(TextEncoding.namesText.contains(encoding.name))
    }
    #expect(TextEncoding(name: "gbk") == .gb18030 && TextEncoding(name: "GB2312") == .gb18030)
    #expect(TextEncoding(name: "latin1") == nil && TextEncoding(name: "") == nil)
    #expect(
      TextEncoding.namesText
        == "utf-8, utf-16, utf-16le, utf-16be, gb18030, gbk or gb2312")
  }

  @Test(arguments: [TextEncoding.utf16LittleEndian, .utf16BigEndian], StoredCodec.allCases)
  func aByteOrderMarkMakesALogUTF16(encoding: TextEncoding, codec: StoredCodec) throws {
    let stored = codec.stored(Encoded.bytes(Self.mark + Self.text, encoding))
    for declared in [nil, .utf16, encoding] {
      let read = try lines(stored, declared)
      #expect(read.encoding == encoding)
      // The parser passes over the mark.
      #expect(read.lines == [Self.mark + Self.lines[0]] + Self.lines[1...])
      #expect(read.damages.isEmpty)
    }
  }

  @Test(arguments: [TextEncoding.utf16LittleEndian, .utf16BigEndian, .gb18030])
  func whatIsDeclaredNeedsNoMark(encoding: TextEncoding) throws {
    let bytes = Encoded.bytes(Self.text, encoding)
    for codec in StoredCodec.allCases {
      let read = try lines(codec.stored(bytes), encoding)
      #expect(read.lines == Self.lines, "\(codec)")
      #expect(read.encoding == encoding)
    }
    #expect(try lines(bytes).encoding == .utf8)
    let declared = try lines(bytes, .utf16)
    #expect(declared.encoding == .utf16LittleEndian)
    #expect((declared.lines == Self.lines) == (encoding == .utf16LittleEndian))
    #expect(try lines(Array(Self.text.utf8), .utf8).lines == Self.lines)
  }

  @Test(arguments: StoredCodec.allCases)
  func aTextInUTF8StaysAsItIs(codec: StoredCodec) throws {
    for text in ["", "{", "\n", "{}", Self.text, Self.mark + Self.text, "\u{FE}\u{FF}\n"] {
      let bytes = Array(text.utf8)
      for declared in [nil, TextEncoding.utf8] {
        let read = try lines(codec.stored(bytes), declared)
        #expect(Array(read.lines.text.prefix(bytes.count)) == bytes)
        #expect(read.encoding == .utf8)
      }
    }
    // Half a mark is none, and one that is declared to be none is a wrong byte.
    #expect(try lines([0xFF]).encoding == .utf8)
    #expect(try lines([0xFF, 0xFE, 0x41, 0x00], .utf8).encoding == .utf8)
    #expect(try lines([0xFF, 0xFE, 0x0A, 0x41], .gb18030).lines == ["\u{FFFD}\u{FFFD}", "A"])
  }

  @Test func longLogsAreConvertedWhole() throws {
    var random = SeededRandom(seed: 61)
    let expected = someLines(0..<8_000, &random).map { line in
      line
        + Encoded.someText(20, &random).unicodeScalars.filter { $0 != "\n" }.map(String.init)
        .joined()
    }
    let text = expected.map { $0 + "\n" }.joined()
    for encoding in Encoded.encodings {
      let read = try lines(StoredCodec.gzip.stored(Encoded.bytes(text, encoding)), encoding)
      #expect(read.lines == expected, "\(encoding)")
    }
  }

  @Test func aDamageKeepsItsPlace() throws {
    for encoding in Encoded.encodings {
      let members = Self.lines.map { StoredCodec.gzip.stored(Encoded.bytes($0 + "\n", encoding)) }
      let garbage: [UInt8] = [9, 9, 9]
      let read = try lines(members[0] + garbage + members[1] + members[3], encoding)
      #expect(read.lines == [Self.lines[0], Self.lines[1], Self.lines[3]], "\(encoding)")
      #expect(read.damages.map(\.byteOffset) == [members[0].count])
      #expect(read.damages.map(\.byteCount) == [garbage.count])
    }
  }

  @Test(arguments: Encoded.encodings)
  func aDamageTearsOneLineAlone(encoding: TextEncoding) throws {
    var random = SeededRandom(seed: 62)
    let expected = someLines(0..<12, &random)
    let bytes = Encoded.bytes(expected.map { $0 + "\n" }.joined(), encoding)
    for place in stride(from: 1, to: bytes.count, by: 7) {
      let members = [bytes[..<place], bytes[place...]].map { StoredCodec.gzip.stored(Array($0)) }
      let read = try lines(members[0] + [9, 9, 9] + members[1], encoding)
      let whole = Set(expected).intersection(read.lines)
      // Of a line end that is torn itself, a half belongs to either line.
      let isLineEndTorn = place % 2 == 1 && bytes[place - 1] | bytes[place] == 0x0A
      #expect(whole.count >= expected.count - (isLineEndTorn ? 2 : 1), "\(place)")
      #expect(read.lines.filter { !whole.contains($0) }.count <= 3, "\(place)")
      #expect(read.damages.count == 1)
    }
  }
}
