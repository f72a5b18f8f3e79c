import Foundation
import Testing

@testable import Reconciliation

private func cells(_ text: String, delimiter: Character = ",") throws -> [[String]] {
  let byte = try #require(delimiter.asciiValue)
  return CSVRows(Array(text.utf8), delimiter: byte).map(\.cells)
}

@Suite("CSV rows")
struct CSVRowsTests {
  @Test(
    "rows and cells",
    arguments: [
      ("", []),
      ("a", [["a"]]),
      ("a,b\n", [["a", "b"]]),
      ("a,b\r\nc,d\r\n", [["a", "b"], ["c", "d"]]),
      ("a,b\rc,d", [["a", "b"], ["c", "d"]]),
      (",\n", [["", ""]]),
      ("a,\n\nb,", [["a", ""], [""], ["b", ""]]),
      ("\"a,\"\"b\"\"\nc\",d\n", [["a,\"b\"\nc", "d"]]),
      ("\"\",\"\"\n", [["", ""]]),
      ("37°36'37.8\"N,x", [["37°36'37.8\"N", "x"]]),
      ("\"a\"b,c", [["ab", "c"]]),
      ("\u{FEFF}a,b", [["a", "b"]]),
    ] as [(String, [[String]])])
  func rows(text: String, expected: [[String]]) throws {
    #expect(try cells(text) == expected)
  }

  @Test("other delimiters")
  func delimiters() throws {
    #expect(try cells("a;b,c\n", delimiter: ";") == [["a", "b,c"]])
    #expect(try cells("a\t\"b\tc\"\n", delimiter: "\t") == [["a", "b\tc"]])
  }

  @Test("row numbers are a spreadsheet's, lines are the file's")
  func positions() {
    let rows = Array(CSVRows(Array("h\n\n\"a\nb\"\nc\n\"open".utf8), delimiter: 0x2C))
    #expect(rows.map(\.number) == [1, 2, 3, 4, 5])
    #expect(rows.map(\.line) == [1, 2, 3, 5, 6])
    #expect(rows.map(\.isUnterminated) == [false, false, false, false, true])
    #expect(rows[1].isBlank)
  }
}

/// The csv-spectrum collection, which lies beside the project and not in it.
@Suite("csv-spectrum")
struct CSVSpectrumTests {
  static let folder = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().appendingPathComponent("shared/fixtures/csv-spectrum")

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
    let rows = Array(CSVRows(Array(csv), delimiter: 0x2C))
    let header = try #require(rows.first).cells
    let records = rows.dropFirst().map { row in
      Dictionary(uniqueKeysWithValues: zip(header, row.cells))
    }
    #expect(records == expected)
  }

  @Test(
    "the collection is whole", .enabled(if: !names.isEmpty, "needs ../shared/fixtures/csv-spectrum")
  )
  func whole() { #expect(Self.names.count == 11) }
}
