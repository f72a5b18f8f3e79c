import Foundation
import TestSupport
import Testing

@testable import Decoding

/// All of a text, taken in pieces of a size.
private func text(_ stream: TextStream, pieceBytes: Int = 64) throws -> String {
  var bytes: [UInt8] = []
  let room = UnsafeMutableRawBufferPointer.allocate(byteCount: pieceBytes, alignment: 16)
  defer { unsafe room.deallocate() }
  while true {
    let count = unsafe try stream.read(into: room)
    if count == 0 { return String(decoding: bytes, as: UTF8.self) }
    unsafe bytes.append(contentsOf: room[..<count])
  }
}

@Suite("Text streams")
struct TextStreamTests {
  @Test(
    "the encoding is told by the content, the mark stays in the text",
    arguments: [64, 1_000, 200_000])
  func encodings(pieceBytes: Int) throws {
    let table = String(repeating: "2025-12-01,模块,1\n", count: 5_000)
    let late = String(repeating: "2025-12-01,bot,1\n", count: 9_000) + table
    for text in [table, late] {
      let marked = "\u{FEFF}" + text
      let forms: [(bytes: [UInt8], encoding: TextEncoding, text: String)] = [
        (Array(text.utf8), .utf8, text), (Array(marked.utf8), .utf8, marked),
        (Encoded.bytes(text, .gb18030), .gb18030, text),
        (Encoded.bytes(text, .utf16LittleEndian), .utf16LittleEndian, text),
        (Encoded.bytes(text, .utf16BigEndian), .utf16BigEndian, text),
        (Encoded.bytes(marked, .utf16LittleEndian), .utf16LittleEndian, marked),
        (Encoded.bytes(marked, .utf16BigEndian), .utf16BigEndian, marked),
      ]
      for form in forms {
        let stream = try TextStream(form.bytes, path: "f")
        #expect(try DecodingTests.text(stream, pieceBytes: pieceBytes) == form.text)
        #expect(stream.encoding == form.encoding)
      }
    }
    let ascii = try TextStream(Array("a,b\n".utf8), path: "f")
    #expect(try text(ascii) == "a,b\n")
    #expect(ascii.encoding == nil)
  }

  @Test(
    "characters of two and four bytes",
    .enabled(if: SharedFixtures.folder != nil, "../shared/fixtures is absent"))
  func fixture() throws {
    let folder = URL(fileURLWithPath: try #require(SharedFixtures.folder))
    let stored = try Data(contentsOf: folder.appendingPathComponent("gb18030.txt"))
    let expected = try Data(contentsOf: folder.appendingPathComponent("gb18030-utf8.txt"))
    let stream = try TextStream(Array(stored), path: "gb18030.txt")
    #expect(try text(stream) == String(decoding: expected, as: UTF8.self))
    #expect(stream.encoding == .gb18030)
  }

  @Test(
    "what is no text is refused",
    arguments: [
      ([0x50, 0x4B, 0x03, 0x04, 0], "an Excel workbook or another ZIP archive"),
      ([0xD0, 0xCF, 0x11, 0xE0, 0], "an old Excel workbook"),
      (Array("%PDF-1.7".utf8), "a PDF document"),
    ] as [([UInt8], String)])
  func foreign(bytes: [UInt8], name: String) {
    let error = #expect(throws: InputError.self) { _ = try TextStream(bytes, path: "f") }
    #expect(
      error?.description
        == "f: is \(name), which is not read; save it as \"CSV UTF-8\" and name that file")
  }
}
