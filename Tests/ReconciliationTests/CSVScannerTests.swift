import Decoding
import Foundation
import TestSupport
import Testing

@testable import Statements

/// A scanner that expectations can move on.
private final class Scanner {
  private var scanner: CSVScanner

  init(_ bytes: [UInt8], delimiter: UInt8) throws {
    scanner = CSVScanner(try TextStream(bytes, path: "f"), delimiter: delimiter)
  }

  var number: Int { scanner.number }
  var line: Int { scanner.line }
  var texts: [String] { scanner.texts }
  var beginning: String { scanner.beginning }
  func next() -> CSVScanner.Found { scanner.next() }
  func text(_ index: Int) -> String { scanner.text(index) }
}

private func scanner(_ bytes: [UInt8], delimiter: Character = ",") throws -> Scanner {
  try Scanner(bytes, delimiter: try #require(delimiter.asciiValue))
}

private func cells(_ text: String, delimiter: Character = ",") throws -> [[String]] {
  let scanner = try scanner(Array(text.utf8), delimiter: delimiter)
  var rows: [[String]] = []
  while scanner.next() == .row { rows.append(scanner.texts) }
  return rows
}

@Suite("CSV rows")
struct CSVScannerTests {
  @Test(
    "rows and cells",
    arguments: [
      ("", []),
      ("a", [["a"]]),
      ("a,b\n", [["a", "b"]]),
      ("a,b\r\nc,d\r\n", [["a", "b"], ["c", "d"]]),
      ("a,b\rc,d", [["a", "b"], ["c", "d"]]),
      ("a\r", [["a"]]),
      (",\n", [["", ""]]),
      ("a,\n\nb,", [["a", ""], [""], ["b", ""]]),
      ("\"a,\"\"b\"\"\nc\",d\n", [["a,\"b\"\nc", "d"]]),
      ("\"\",\"\"\n", [["", ""]]),
      ("\"a\"", [["a"]]),
      ("37°36'37.8\"N,x", [["37°36'37.8\"N", "x"]]),
      ("\"a\"b,c", [["ab", "c"]]),
      ("\"a\"\"b\"c,d", [["a\"bc", "d"]]),
      ("\u{FEFF}a,b", [["a", "b"]]),
    ] as [(String, [[String]])])
  func rows(text: String, expected: [[String]]) throws {
    #expect(try cells(text) == expected)
  }

  @Test("other delimiters, and what a first line says")
  func delimiters() throws {
    #expect(try cells("a;b,c\n", delimiter: ";") == [["a", "b,c"]])
    #expect(try cells("a\t\"b\tc\"\n", delimiter: "\t") == [["a", "b\tc"]])
    #expect(try cells("sep=;\r\na;b\n") == [["a", "b"]])
    #expect(try cells("\u{FEFF}\"sep=|\"\na|b\n") == [["a", "b"]])
  }

  @Test("row numbers are a spreadsheet's, lines are the file's; an open quote costs one line")
  func positions() throws {
    let scanner = try scanner(Array("h\n\n\"a\nb\"\nc\n\"open\nd\n".utf8))
    var found: [String] = []
    while true {
      let next = scanner.next()
      if next == .end { break }
      let text = next == .row ? scanner.text(0) : "\(next) \(scanner.beginning)"
      found.append("\(scanner.number) \(scanner.line) \(text)")
    }
    #expect(
      found == ["1 1 h", "2 2 ", "3 3 a\nb", "4 5 c", "5 6 unterminated \"open", "6 7 d"])
  }

  @Test("rows cross the buffer's ends, and one that is too long is passed over")
  func buffers() throws {
    var random = SeededRandom(seed: 7)
    var text = ""
    var expected: [[String]] = []
    for row in 0..<9_000 {
      let long = String(repeating: "x", count: random.number(0...200))
      text += "\(row),\"\(long)\"\"\n\",模块\r\n"
      expected.append(["\(row)", long + "\"\n", "模块"])
    }
    #expect(try cells(text) == expected)
    let long = String(repeating: "y", count: 3 * CSVScanner.rowBytesMax)
    let lines = String(repeating: "y\n", count: CSVScanner.rowBytesMax)
    for text in ["a\n\(long),1\nb\n", "a\n\"\(long)\r\nb\n", "a\r\(long)\rb\r"] {
      let scanner = try scanner(Array(text.utf8))
      #expect(scanner.next() == .row)
      #expect(scanner.next() == .overlong)
      #expect(scanner.beginning.utf8.count == 80)
      #expect(scanner.next() == .row)
      #expect(scanner.text(0) == "b" && scanner.line == 3 && scanner.number == 3)
      #expect(scanner.next() == .end)
    }
    for end in ["", "\"\n"] {
      let scanner = try scanner(Array("a\n\"b\n\(lines)\(end)".utf8))
      #expect(scanner.next() == .row && scanner.next() == .unterminated)
      #expect(scanner.beginning == "\"b")
      #expect(scanner.next() == .row)
      #expect(scanner.text(0) == "y" && scanner.line == 3 && scanner.number == 3)
    }
  }

  @Test(
    "random texts are read as a plain reader reads them", arguments: 1...300 as ClosedRange<UInt64>)
  func plain(seed: UInt64) throws {
    var random = SeededRandom(seed: seed)
    let text = (0..<random.number(0...60)).map { _ in
      random.one(of: ["a", ",", "\"", "\n", "\r", "块"])
    }
    .joined()
    let rows = try cells(text)
    // What is written with all cells quoted reads as the same rows.
    let written = rows.map { row in
      row.map { "\"" + $0.replacingOccurrences(of: "\"", with: "\"\"") + "\"" }.joined(
        separator: ",")
    }
    #expect(try cells(written.map { $0 + "\n" }.joined()) == rows, "seed \(seed)")
  }
}

/// The csv-spectrum collection, which lies beside the project and not in it.
@Suite("csv-spectrum")
struct CSVSpectrumTests {
  static let folder = URL(
    fileURLWithPath: SharedFixtures.folder ?? "", isDirectory: true
  ).appendingPathComponent("csv-spectrum")

  static var names: [String] {
    let files = try? FileManager.default.contentsOfDirectory(atPath: folder.path + "/csvs")
    // The JSON of this one describes another file: it has other values, in another shape.
    return (files ?? []).map { String($0.dropLast(4)) }.filter { $0 != "location_coordinates" }
      .sorted()
  }

  @Test(
    "every file reads as its JSON says",
    .enabled(if: !names.isEmpty, "needs ../shared/fixtures/csv-spectrum"), arguments: names)
  func file(name: String) throws {
    let csv = try Data(contentsOf: Self.folder.appendingPathComponent("csvs/\(name).csv"))
    let json = try Data(contentsOf: Self.folder.appendingPathComponent("json/\(name).json"))
    let expected = try #require(
      try JSONSerialization.jsonObject(with: json) as? [[String: String]])
    let rows = try cells(String(decoding: csv, as: UTF8.self))
    let header = try #require(rows.first)
    let records = rows.dropFirst().map { row in
      Dictionary(uniqueKeysWithValues: zip(header, row))
    }
    #expect(records == expected)
  }

  @Test(
    "the collection is whole", .enabled(if: !names.isEmpty, "needs ../shared/fixtures/csv-spectrum")
  )
  func whole() { #expect(Self.names.count == 11) }
}
