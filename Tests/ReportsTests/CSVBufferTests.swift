import CivilTime
import Reports
import TestSupport
import Testing

private func text(_ write: (inout CSVBuffer) -> Void) -> String {
  var buffer = CSVBuffer()
  write(&buffer)
  return String(decoding: buffer.bytes, as: UTF8.self)
}

@Suite("CSV as bytes")
struct CSVBufferTests {
  @Test(
    "text cells",
    arguments: [
      ("plain", "plain"), ("", ""), ("a,b", "\"a,b\""), ("say \"hi\"", "\"say \"\"hi\"\"\""),
      ("two\nlines", "\"two\nlines\""), ("a\rb", "\"a\rb\""), ("会话", "会话"), (" a ", " a "),
      ("=1+1", "'=1+1"), ("+86", "'+86"), ("-3", "'-3"), ("@sum", "'@sum"), ("\tx", "'\tx"),
      ("\rx", "\"'\rx\""), ("\nx", "\"'\nx\""), ("=a,b", "\"'=a,b\""),
      ("＝1", "'＝1"), ("＋1", "'＋1"), ("－1", "'－1"), ("＠a", "'＠a"), ("，a", "，a"),
      ("a=1", "a=1"), ("'quoted'", "'quoted'"), ("\u{FF1D}", "'\u{FF1D}"),
    ])
  func cells(value: String, expected: String) {
    #expect(
      text {
        $0.field(value)
        $0.field("x")
        $0.endRow()
      } == expected + ",x\n")
  }

  @Test(
    "numbers are written as they are and never neutralised",
    arguments: [
      (0, "0"), (7, "7"), (-7, "-7"), (1_234_567, "1234567"), (Int.max, "9223372036854775807"),
      (Int.min, "-9223372036854775808"), (10, "10"), (-100, "-100"),
    ])
  func numbers(value: Int, expected: String) {
    #expect(
      text {
        $0.field(value)
        $0.endRow()
      } == expected + "\n")
  }

  @Test("days, moments, plain and empty cells")
  func others() throws {
    let date = try #require(CivilDate(text: "2025-12-01"))
    let instant = Instant(microseconds: 1_764_547_200_123_999)
    let row = text {
      $0.emptyField()
      $0.field(date)
      $0.field(instant, offsetSeconds: 28_800, isUTC: false)
      $0.plainField("-0.50")
      $0.emptyField()
      $0.endRow()
    }
    #expect(row == ",2025-12-01,2025-12-01T08:00:00.123+08:00,-0.50,\n")
  }

  @Test("a row of one empty cell is no blank line")
  func blank() {
    #expect(
      text {
        $0.emptyField()
        $0.endRow()
      } == "\"\"\n")
    #expect(
      text {
        $0.field("")
        $0.endRow()
      } == "\"\"\n")
    #expect(
      text {
        $0.field("")
        $0.field("")
        $0.endRow()
      } == ",\n")
  }

  @Test("bytes may be taken between rows")
  func drained() {
    var buffer = CSVBuffer()
    var taken: [UInt8] = []
    for number in 0..<3 {
      buffer.field(number)
      buffer.field("")
      buffer.endRow()
      taken += buffer.bytes
      buffer.bytes.removeAll(keepingCapacity: true)
    }
    #expect(taken == Array("0,\n1,\n2,\n".utf8))
  }

  @Test("what is written is what another parser reads", arguments: 1...40 as ClosedRange<UInt64>)
  func roundTrip(seed: UInt64) {
    var random = SeededRandom(seed: seed)
    let pieces = [
      "a", "b1", ",", "\"", "\n", "\r", "\r\n", "会", "=", "+", "-", "@", "\t", "＝", " ", "'", "🙂",
    ]
    let columnCount = Int.random(in: 1...6, using: &random)
    var buffer = CSVBuffer()
    var expected: [[[UInt8]]] = []
    for _ in 0..<50 {
      var row: [[UInt8]] = []
      for _ in 0..<columnCount {
        var cell = ""
        for _ in 0..<Int.random(in: 0...5, using: &random) {
          cell += pieces[Int.random(in: 0..<pieces.count, using: &random)]
        }
        buffer.field(cell)
        let first = cell.unicodeScalars.first.map { String($0) } ?? ""
        let runs = ["=", "+", "-", "@", "\t", "\r", "\n", "＝"].contains(first)
        row.append(Array((runs ? "'" : "").utf8) + Array(cell.utf8))
      }
      buffer.endRow()
      expected.append(row)
    }
    #expect(parseCSV(buffer.bytes) == expected, "seed \(seed)")
  }
}

@Suite("CSV style")
struct CSVStyleTests {
  private static let reports = [
    DailyTotalsReport.columns, FindingsReport.columns, ReconciliationReport.columns,
    // usage-detail.csv, rules, difference-bridge.csv, statement.csv
    [
      "contract", "licensee", "date", "module", "scenario", "app", "unit", "quantity", "user",
      "conversation", "started_at", "ended_at", "ended_by", "messages", "failed_messages",
      "not_billable_because", "source",
    ],
    ["contract", "period", "definition", "quantity", "amount", "difference_from_contract"],
    ["contract", "period", "module", "step", "cause", "quantity", "amount", "explanation"],
    [
      "contract", "period", "line", "item", "module", "scenario", "unit", "quantity",
      "unit_price", "net", "tax", "gross", "clause", "note",
    ],
  ]

  @Test("every column has a Chinese name, and no report has one twice", arguments: reports)
  func names(columns: [String]) {
    let names = columns.compactMap { CSVStyle.chineseNames[$0] }
    #expect(names.count == columns.count)
    #expect(Set(names).count == columns.count)
    #expect(names.allSatisfy { $0.utf8.count > $0.count })
  }

  @Test("headers and byte order mark change the first row only")
  func style() {
    let table = CSVTable(
      columns: ["date", "own", "unit"], rows: [[.empty, .text("数量"), .number(1)]])
    #expect(table.bytes() == Array("date,own,unit\n,数量,1\n".utf8))
    let chinese = CSVStyle(headers: .chinese, bom: true)
    #expect(table.bytes(style: chinese) == [0xEF, 0xBB, 0xBF] + Array("日期,own,单位\n,数量,1\n".utf8))
    #expect(CSVStyle.Headers(rawValue: "zh") == .chinese)
    #expect(CSVStyle.Headers(rawValue: "en") == .english)
  }
}
