import CivilTime
import Contracts
import Decoding
import Foundation
import TestSupport
import Testing

@testable import Statements

private let totalsHeader = "date,module,scenario,unit,quantity\n"

@Suite("Statements")
struct StatementReaderTests {
  @Test("a usage detail as we write it, in both languages")
  func detail() throws {
    let english =
      "contract,licensee,date,module,scenario,app,unit,quantity,user,conversation,started_at,ended_at,"
      + "ended_by,messages,failed_messages,not_billable_because,source\n"
    let chinese = "合同,被许可方,日期,模块,场景,应用,单位,数量,用户,会话编号,开始时间,结束时间,结束方式,消息数,失败消息数,不计费原因,来源\n"
    let row =
      "DZ-1,acme,2025-12-01,text-bot,after-sales,web,conversation,1,'=u1,c-1,"
      + "2025-12-01T08:00:05.250+08:00,2025-12-01T08:10:00.000+08:00,timeout,5,0,,a.log:1\n"
    var expected = StatementRow()
    expected.contract = "DZ-1"
    expected.licensee = "acme"
    expected.date = try date("2025-12-01")
    expected.module = "text-bot"
    expected.scenario = "after-sales"
    expected.app = "web"
    expected.meter = .conversation
    expected.user = "=u1"
    expected.conversation = "c-1"
    expected.startedAt = try instant("2025-12-01T00:00:05.25Z")
    expected.endedAt = try instant("2025-12-01T00:10:00Z")
    expected.messages = 5
    for header in [english, chinese, "\u{FEFF}" + chinese] {
      let read = try readStatement(header + row)
      #expect(read.layout.kind == .detail)
      #expect(read.values == [expected])
      #expect(read.problems.isEmpty)
      let day = try date("2025-12-01")
      #expect(read.summary.dates == day...day)
      #expect(read.summary.contracts == ["DZ-1"])
    }
  }

  @Test(
    "the least of a detail: a module and a start, one unit each, its day in the contract's zone")
  func leastDetail() throws {
    let read = try readStatement("Module\tStart Time\ntext-bot\t2025-12-01 00:30\n")
    #expect(read.layout.kind == .detail)
    #expect(read.layout.delimiter == "\t")
    #expect(read.rows.map(\.quantity) == [1])
    #expect(read.rows.map { $0.date?.description } == ["2025-12-01"])
    let start = try instant("2025-11-30T16:30:00Z")
    #expect(read.rows.map(\.startedAt) == [start])
    #expect(read.rows.map(\.user) == [nil])
  }

  @Test("totals by month")
  func months() throws {
    let read = try readStatement("月份,模块,次数\n2025年12月,a,5\n202601,a,6\n2025-12-02,a,1\n")
    #expect(read.rows.map { $0.date?.description } == ["2025-12-01", "2026-01-01"])
    #expect(read.rows.allSatisfy { $0.isMonth })
    #expect(
      read.problems.map(\.description) == [
        "acme.csv: row 4 (line 4), column \"月份\": cannot read \"2025-12-02\"; expected a month such as "
          + "2025-12, 202512 or 2025年12月"
      ])
    let mixed = try readStatement("日期,模块,次数\n2025-12-01,a,5\n2026年1月,a,6\n")
    #expect(mixed.rows.map(\.isMonth) == [false, true])
  }

  @Test(
    "one row of totals, however it is written",
    arguments: [
      "date,module,scenario,unit,quantity\n2025-12-01,text-bot,after-sales,conversation,1234\n",
      "\u{FEFF}date,module,scenario,unit,quantity\r\n2025/12/1,text-bot,after-sales,会话,1234\r\n",
      "日期;模块;场景;计量单位;数量\n20251201;text-bot;after-sales;次;1,234\n",
      "sep=;\n日期;模块;场景;计量单位;数量\n20251201;text-bot;after-sales;次;1,234\n",
      "日期\t模块\t场景\t单位\t次数\n2025年12月1日\ttext-bot\tafter-sales\t会话\t１，２３４\n",
      "数量,单位,场景,模块,日期\n\"1,234.00\",会话, after-sales ,text-bot,45992\n",
      "十二月对账单,,,,\n客户：Acme,,\n\n日期,模块,场景,单位,数量（次）\n2025-12-01 00:00:00,text-bot,after-sales,会话,1234",
      "Date,MODULE,Scenario,Unit,Quantity\n２０２５－１２－０１,text-bot,after-sales,Conversation,1234",
      "ＤＡＴＥ,模 块,\"场景\n\",\"单位\",\"次数\n(次)\"\n31/12/2024,text-bot,x,会话,1\n1/12/2025,text-bot,after-sales,会话,1234",
    ])
  func spellings(text: String) throws {
    let read = try readStatement(text)
    #expect(read.problems.isEmpty)
    #expect(read.layout.kind == .totals)
    var expected = StatementRow()
    expected.date = try date("2025-12-01")
    expected.module = "text-bot"
    expected.scenario = "after-sales"
    expected.meter = .conversation
    expected.quantity = 1_234
    #expect(read.values.last == expected)
  }

  @Test("the stated amount prevails over the unit price")
  func charges() throws {
    let read = try readStatement(
      "date,module,quantity,unit_price,amount\n2025-12-01,a,10,0.35,9.99\n2025-12-01,b,10,0.35,\n"
        + "2025-12-01,c,10,,\n")
    #expect(read.rows.map { $0.charge?.description } == ["9.99", "3.5", nil])
  }

  @Test("mapped columns prevail over known names")
  func mapping() throws {
    let read = try readStatement(
      "Tag,Produkt,date,quantity,Stück\n2025-12-01,a,x,5,6\n",
      columns: [.date: "tag", .module: "Produkt", .quantity: "Stück", .scenario: "quantity"])
    #expect(read.rows.map(\.quantity) == [6])
    #expect(read.rows.map(\.scenario) == ["5"])
    #expect(
      read.layout.columns == [
        .date: "Tag", .module: "Produkt", .quantity: "Stück", .scenario: "quantity",
      ])
  }

  // MARK: - Whole files

  @Test("files that cannot be read at all say why and what to do")
  func errors() throws {
    #expect(
      try statementError("\n \n")
        == "acme.csv: the file is empty; expected a header row, and a row per unit, or per day or month "
        + "and module")
    #expect(
      try statementError("日期,Modul\n2025-12-01,a\n")
        == "acme.csv: a usage detail needs module (known as module, 模块, 功能模块, 模块名称) and started_at "
        + "(known as started_at, start_time, start, 开始时间, 会话开始时间, 起始时间), which no column is, and "
        + "totals need module (known as module, 模块, 功能模块, 模块名称) and quantity (known as quantity, "
        + "count, qty, 数量, 次数, 条数, 使用量, 用量, 使用次数); the file has \"日期\", \"Modul\"; rename the "
        + "columns, or map them in the pipeline file")
    #expect(
      try statementError("日期,模块,次数,条数\n2025-12-01,a,1,2\n")
        == "acme.csv: several columns could be quantity (known as quantity, count, qty, 数量, 次数, 条数, "
        + "使用量, 用量, 使用次数); the file has \"日期\", \"模块\", \"次数\", \"条数\"; keep one of them, or map "
        + "the one that is meant in the pipeline file")
    #expect(
      try statementError("日期,模块,次数\n", columns: [.amount: "Betrag"])
        == "acme.csv: amount is mapped to \"Betrag\", which no column is called; the file "
        + "has \"日期\", \"模块\", \"次数\"; correct the name")
    #expect(
      try statementError("PK\u{3}\u{4}xyz")
        == "acme.csv: is an Excel workbook or another ZIP archive, which is not read; save it as \"CSV "
        + "UTF-8\" and name that file")
    #expect(throws: StatementError.self) {
      _ = try StatementReader(.file("/nonexistent/acme.csv"), zone: .utc)
    }
  }

  @Test("whether the day or the month comes first is decided by the whole column")
  func dateOrders() throws {
    let header = "日期,模块,次数\n"
    let far = String(repeating: "1/2/2025,a,1\n", count: 20_000)
    let dayFirst = try readStatement(header + far + "13/2/2025,a,1\n")
    #expect(dayFirst.rows.first?.date?.description == "2025-02-01")
    #expect(dayFirst.problems.isEmpty && dayFirst.rows.count == 20_001)
    let monthFirst = try readStatement(header + "1/2/2025,a,1\n12/31/2025,a,1\n")
    #expect(monthFirst.rows.map { $0.date?.description } == ["2025-01-02", "2025-12-31"])
    #expect(
      try statementError(header + "13/2/2025,a,1\n" + far + "2/13/2025,a,1\n")
        == "acme.csv: column \"日期\": row 2 has the day first (\"13/2/2025\") and row 20003 the month "
        + "(\"2/13/2025\"); write all dates as 2025-12-01")
    #expect(
      try statementError(header + "2/2/2025,a,1\n1/2/2025,a,1\n")
        == "acme.csv: column \"日期\": row 3, \"1/2/2025\", could have the day first or the month, and no "
        + "other row decides; write all dates as 2025-12-01")
    // A column that leaves it open is written like the other.
    let both = try readStatement(
      "模块,开始时间,结束时间\na,13/2/2025 8:00,1/3/2025 9:00\n")
    let end = try instant("2025-03-01T01:00:00Z")
    #expect(both.rows.map(\.endedAt) == [end])
    #expect(
      StatementError.datesNeedFile(path: "-", column: "日期").description
        == "-: column \"日期\": whether dates have the day first or the month is decided by all rows, which "
        + "takes a second look; save what is piped to a file and name that")
  }

  @Test("dates in another form than the rows at the top are told row by row")
  func lateDates() throws {
    let far = String(repeating: "2025-12-01,a,1\n", count: 20_000)
    let read = try readStatement("日期,模块,次数\n" + far + "1/2/2025,a,1\n")
    #expect(
      read.problems.map(\.description) == [
        "acme.csv: row 20002 (line 20002), column \"日期\": cannot read \"1/2/2025\"; it may have the day "
          + "or the month first, and the rows at the top have dates in another form; write it as "
          + "2025-12-01"
      ])
  }

  // MARK: - Rows

  @Test("rows that cannot be read are problems with place, value and remedy; the others count")
  func problems() throws {
    let read = try readStatement(
      """
      日期,模块,单位,数量,金额
      2025-12-01,a,会话,10,1
      12月1日,a,会话,10,1
      2025-12-01,,会话,10,1
      2025-12-01,a,杯,10,1
      2025-12-01,a,会话,ten,1
      2025-12-01,a,会话,10,x
      2025-12-01,a,会话

      2025-12-02,"a
      b",条,7,
      2025-12-03,#REF!,会话,1,1
      ,a,会话,1,1
      2025-12-03,a,会话,-5,1
      2025-12-03,"open,会话,1,1
      2025-12-04,a,会话,3,1
      """)
    #expect(read.rows.map(\.quantity) == [10, 10, 7, -5, 3])
    #expect(read.rows.map(\.module) == ["a", "", "a\nb", "a", "a"])
    #expect(read.summary.rows == 5 && read.summary.rowsKept == 2 && read.summary.rowsUnread == 8)
    #expect(
      read.problems.map(\.description) == [
        "acme.csv: row 3 (line 3), column \"日期\": cannot read \"12月1日\"; expected a day such as "
          + "2025-12-01, 2025/12/1, 20251201 or 2025年12月1日",
        "acme.csv: row 4 (line 4), column \"模块\": \"\" is compared as it is; fill in the module in every "
          + "row (of merged cells only the first is exported)",
        "acme.csv: row 5 (line 5), column \"单位\": cannot read \"杯\"; expected conversation (会话, 次) or "
          + "item (条)",
        "acme.csv: row 6 (line 6), column \"数量\": cannot read \"ten\"; expected a whole number such as "
          + "1234 or 1,234, at most 1,000,000,000,000",
        "acme.csv: row 7 (line 7), column \"金额\": cannot read \"x\"; expected yuan such as 1234.50, "
          + "1,234.50 or ¥1,234.50",
        "acme.csv: row 8 (line 8), column \"数量\": cannot read \"\"; fill in the quantity in every row (of "
          + "merged cells only the first is exported)",
        "acme.csv: row 11 (line 12), column \"模块\": cannot read \"#REF!\"; the cell is the error of a "
          + "formula; mend it in the spreadsheet and save the file again",
        "acme.csv: row 12 (line 13), column \"日期\": cannot read \"\"; fill in the date in every row (of "
          + "merged cells only the first is exported)",
        "acme.csv: row 13 (line 14), column \"数量\": \"-5\" is compared as it is; a negative quantity "
          + "takes back what other rows state; check that it is meant",
        "acme.csv: row 14 (line 15): cannot read \"2025-12-03,\"open,会话,1,1\"; a quote is opened here "
          + "and never closed; close it",
      ])
  }

  @Test("a unit without its start is kept where its id or end tells what it is")
  func incompleteUnits() throws {
    let read = try readStatement(
      """
      module,conversation,started_at,ended_at,messages
      a,c1,,,
      a,,,2025-12-01 08:00,
      a,,,,3
      a,c2,later,,
      a,c3,2025-12-01 08:00,soon,many
      """)
    #expect(read.rows.map(\.conversation) == ["c1", "", "c3"])
    #expect(read.rows.map { $0.date?.description } == [nil, "2025-12-01", "2025-12-01"])
    #expect(read.problems.map(\.row) == [2, 3, 4, 5, 6, 6])
    #expect(read.problems.map(\.isKept) == [true, true, false, false, true, true])
    #expect(
      read.problems.last?.description
        == "acme.csv: row 6 (line 6), column \"messages\": \"many\" is compared as it is; expected a "
        + "whole number such as 1234 or 1,234, at most 1,000,000,000,000")
  }

  @Test("rows in another encoding or too long, and damages, are told and stop nothing")
  func badBytes() throws {
    let header = Array("date,module,quantity\n2025-12-01,块,1\n".utf8)
    let read = try readStatement(
      header + [0xFF, 0xFE, 0x2C, 0x0A] + Array("2025-12-02,b,2\n".utf8))
    #expect(read.rows.map(\.module) == ["块", "b"])
    #expect(
      read.problems.map(\.description) == [
        "acme.csv: row 3 (line 3): cannot read \"\u{FFFD}\u{FFFD},\"; the row is neither UTF-8 nor in the "
          + "encoding of the rows before it; save the file as \"CSV UTF-8\""
      ])
    let long = try readStatement(
      header + [UInt8](repeating: 0x78, count: 300_000) + Array("\n2025-12-02,b,2\n".utf8))
    #expect(long.rows.map(\.module) == ["块", "b"])
    #expect(long.problems.map(\.row) == [3])
    #expect(
      long.problems.first?.remedy == "the row is longer than 256 KiB; check its line ends")
  }

  @Test("repeated headers, blank rows and notes are passed over and counted")
  func passedOver() throws {
    let read = try readStatement(
      """
      对账单
      日期,模块,次数
      2025-12-01,a,1

      日期,模块,次数
      2025-12-02,a,2
      ,,
      备注：以上数据由系统导出,,
      制表人：张三,审核人：李四,
      """)
    #expect(read.rows.map(\.quantity) == [1, 2])
    #expect(read.problems.isEmpty)
    #expect(read.summary.repeatedHeaders == 1)
    #expect(
      read.summary.notes.map { "\($0.row) \($0.cells.joined(separator: "|"))" } == [
        "1 对账单", "8 备注：以上数据由系统导出", "9 制表人：张三|审核人：李四",
      ])
  }

  @Test("rows that add up others are held against them")
  func totalRows() throws {
    let read = try readStatement(
      """
      日期,模块,次数,金额
      2025-12-01,a,10,1.00
      2025-12-01,b,5,0.50
      2025-12-01,小计,15,1.50
      2025-12-02,a,7,0.704
      小计：,,8,0.70
      合计,,22,2.3
      Total,,"1,0",¥2.20

      """)
    #expect(read.rows.map(\.quantity) == [10, 5, 7])
    #expect(read.problems.isEmpty)
    #expect(read.summary.totalRows.map(\.row) == [4, 6, 7, 8])
    #expect(read.summary.totalRows.first?.cells == ["2025-12-01", "小计", "15", "1.50"])
    #expect(
      read.summary.contradictions.map(\.description) == [
        "acme.csv: row 6: \"小计：\" states 8 as 次数, but the rows since the last such row add up to 7, "
          + "and all rows above to 22",
        "acme.csv: row 7: \"合计\" states 2.3 as 金额, but the rows above add up to 2.204",
      ])
  }

  @Test("a sum may be that of a module")
  func moduleTotals() throws {
    let read = try readStatement(
      "日期,模块,次数\n2025-12-01,a,10\n2025-12-01,b,5\n2025-12-02,a,1\n合计,a,11\n合计,b,6\n")
    #expect(read.summary.totalRows.map(\.row) == [5, 6])
    #expect(
      read.summary.contradictions.map(\.description) == [
        "acme.csv: row 6: \"合计\" states 6 as 次数, but the rows since the last such row add up to 0, and "
          + "all rows above to 16"
      ])
  }

  @Test("a unit without a start is no note, whatever its first cell says")
  func noNote() throws {
    let read = try readStatement("contract,module,conversation,started_at\nDZ:1,注册,c1,\n")
    #expect(read.summary.notes.isEmpty && read.rows.map(\.module) == ["注册"])
  }

  @Test("a damaged file is told with the place, and what can be read of it is")
  func damage() throws {
    let text = "date,module,quantity\n" + String(repeating: "2025-12-01,bot,1\n", count: 100)
    let stored = Compression.gzip(Array(text.utf8))
    let path = FileManager.default.temporaryDirectory.appendingPathComponent(
      "statement-\(UUID().uuidString).csv.gz"
    ).path
    defer { try? FileManager.default.removeItem(atPath: path) }
    try Data(stored.dropLast(4)).write(to: URL(fileURLWithPath: path))
    var reader = try StatementReader(.file(path), zone: .utc)
    var rows = 0
    var problems: [String] = []
    reader.readAll { _ in
      rows += 1
    } problem: {
      problems.append($0.description.replacing(path, with: "acme.csv.gz"))
    }
    #expect(rows == 100)
    #expect(problems.count == 1)
    #expect(
      problems.first?.hasPrefix("acme.csv.gz: row 102 (line 102): cannot read \"byte ") ?? false)
    #expect(problems.first?.hasSuffix("; the file is damaged here; ask for it again") ?? false)
  }

  @Test("a header without rows is a statement of none")
  func noRows() throws {
    let read = try readStatement(totalsHeader)
    #expect(read.rows.isEmpty && read.problems.isEmpty && read.summary.dates == nil)
  }

  @Test(
    "random bytes are read or told, and never more than that",
    arguments: 1...400 as ClosedRange<UInt64>)
  func randomBytes(seed: UInt64) throws {
    var random = SeededRandom(seed: seed)
    let headers = ["", totalsHeader, "模块,开始时间,结束时间,金额\n", "sep=;\nmonth;module;quantity\n"]
    var bytes = Array(random.one(of: headers).utf8)
    let pieces: [[UInt8]] =
      ["2025-12-01", "1/2/2025", ",", ";", "\t", "\n", "\r\n", "\"", "a", "合计", "1,234"]
      .map { Array($0.utf8) } + [[0xFF], [0xFE], [0], [0x81, 0x30], [0xC4, 0xA3]]
    for _ in 0..<random.number(0...120) {
      bytes += random.chance(20) ? [UInt8(random.number(0...255))] : random.one(of: pieces)
    }
    guard let read = try? readStatement(bytes) else { return }
    let lines = 1 + bytes.count { $0 == 0x0A || $0 == 0x0D }
    for problem in read.problems {
      #expect((1...lines + 1).contains(problem.line), "seed \(seed)")
    }
    #expect(read.rows.count == read.summary.rows, "seed \(seed)")
  }
}
