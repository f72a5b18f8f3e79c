import CivilTime
import Contracts
import TestSupport
import Testing

@testable import Reconciliation

private func read(
  _ text: String, columns: [LicenseeColumn: String] = [:]
) throws -> LicenseeTotals {
  try LicenseeTotals.read(Array(text.utf8), path: "acme.csv", columns: columns)
}

@Suite("The licensee's totals")
struct LicenseeTotalsTests {
  @Test(
    "one row, however it is written",
    arguments: [
      "date,module,scenario,unit,quantity\n2025-12-01,text-bot,after-sales,conversation,1234\n",
      "\u{FEFF}date,module,scenario,unit,quantity\r\n2025/12/1,text-bot,after-sales,会话,1234\r\n",
      "日期;模块;场景;计量单位;数量\n20251201;text-bot;after-sales;次;1,234\n",
      "日期\t模块\t场景\t单位\t次数\n2025年12月1日\ttext-bot\tafter-sales\t会话\t１，２３４\n",
      "数量,单位,场景,模块,日期\n\"1,234.00\",会话, after-sales ,text-bot,45992\n",
      "十二月对账单,,,,\n\n日期,模块,场景,单位,数量（次）\n2025-12-01 00:00:00,text-bot,after-sales,会话,1234",
      "Date,MODULE,Scenario,Unit,Quantity\n２０２５－１２－０１,text-bot,after-sales,Conversation,1234",
    ])
  func spellings(text: String) throws {
    let totals = try read(text)
    #expect(totals.problems.isEmpty)
    #expect(
      totals.rows == [
        LicenseeTotal(
          date: try date("2025-12-01"), module: "text-bot", scenario: "after-sales",
          meter: .conversation, quantity: 1_234)
      ])
  }

  @Test(
    "days",
    arguments: [
      ("2025-12-01", "2025-12-01"), ("2025/12/1", "2025-12-01"), ("2025.1.2", "2025-01-02"),
      ("20251231", "2025-12-31"), ("2025年1月2日", "2025-01-02"), ("45992", "2025-12-01"),
      ("36526", "2000-01-01"), ("2024-02-29", "2024-02-29"), ("2025-02-29", nil),
      ("2025-13-01", nil), ("12/1/2025", nil), ("1/12/25", nil), ("2025-12", nil), ("", nil),
      ("2025-12-01 08:30", nil), ("2025-12-01T00:00:00", "2025-12-01"), ("5年1月2日", nil),
      ("2025-+1-02", nil), ("12345678901", nil), ("99999", nil), ("2025日", nil),
    ] as [(String, String?)])
  func days(text: String, expected: String?) {
    #expect(LicenseeText.date(text)?.description == expected)
  }

  @Test(
    "quantities",
    arguments: [
      ("0", 0), ("1234", 1_234), ("1,234,567", 1_234_567), ("１２", 12), (" 12 ", 12),
      ("12.00", 12), ("-3", -3), ("12.5", nil), ("1,23", nil), ("1234,567", nil), ("", nil),
      ("abc", nil), ("1e3", nil), ("--1", nil), ("1,000,000,000,000", 1_000_000_000_000),
      ("1,000,000,000,001", nil), ("99999999999999999999", nil), ("1.", nil), (".5", nil),
    ] as [(String, Int?)])
  func quantities(text: String, expected: Int?) {
    #expect(LicenseeText.quantity(text) == expected)
  }

  @Test(
    "amounts",
    arguments: [
      ("1234.5", "1234.5"), ("¥1,234.50", "1234.5"), ("￥１２．３４", "12.34"), ("12元", "12"),
      ("-0.35", "-0.35"), ("1.234,50", nil), ("twelve", nil),
    ] as [(String, String?)])
  func amounts(text: String, expected: String?) {
    #expect(LicenseeText.amount(text)?.description == expected)
  }

  @Test("the amount is the row's own, else its unit price's, else left open")
  func rowAmount() throws {
    let totals = try read(
      """
      date,module,quantity,unit_price,amount
      2025-12-01,a,10,0.35,9.99
      2025-12-01,b,10,0.35,
      2025-12-01,c,10,,

      """)
    #expect(totals.rows.map { $0.amount?.description } == ["9.99", "3.5", nil])
  }

  @Test("rows that add up others are skipped and listed")
  func totalRows() throws {
    let totals = try read(
      """
      日期,模块,数量
      2025-12-01,text-bot,10
      2025-12-01,小计,10
      合计：,,10
      ,总 计,10
      Total,,"1,0"

      """)
    #expect(totals.rows.map(\.quantity) == [10])
    #expect(totals.problems.isEmpty)
    #expect(totals.skippedTotals.map(\.row) == [3, 4, 5, 6])
    #expect(totals.skippedTotals.first?.cells == ["2025-12-01", "小计", "10"])
  }

  @Test("rows that cannot be read are problems with place, value and remedy; the others count")
  func problems() throws {
    let totals = try read(
      """
      日期,模块,单位,数量,金额
      2025-12-01,a,会话,10,1
      12/1/2025,a,会话,10,1
      2025-12-01,,会话,10,1
      2025-12-01,a,杯,10,1
      2025-12-01,a,会话,ten,1
      2025-12-01,a,会话,10,x
      2025-12-01,a

      2025-12-02,"a
      b",条,7,
      2025-12-03,"open,会话,1,1
      """)
    #expect(totals.rows.map(\.quantity) == [10, 7])
    #expect(totals.rows.map(\.module) == ["a", "a\nb"])
    #expect(totals.problems.map(\.row) == [3, 4, 5, 6, 7, 8, 11])
    #expect(totals.problems.map(\.line) == [3, 4, 5, 6, 7, 8, 12])
    #expect(totals.problems.map(\.column) == ["日期", "模块", "单位", "数量", "金额", "数量", ""])
    #expect(
      totals.problems.map(\.value) == ["12/1/2025", "", "杯", "ten", "x", "", "open,会话,1,1"])
    #expect(
      totals.problems.first?.description
        == "acme.csv: row 3 (line 3), column \"日期\": cannot read \"12/1/2025\"; expected a day "
        + "such as 2025-12-01, 2025/12/1, 20251201 or 2025年12月1日")
  }

  @Test("a mapping names columns that are not known")
  func mapping() throws {
    let totals = try read(
      "Tag,Produkt,Menge,Stück\n2025-12-01,a,5,6\n",
      columns: [.date: "tag", .module: "Produkt", .quantity: "Stück"])
    #expect(totals.rows.map(\.quantity) == [6])
    #expect(totals.columns == [.date, .module, .quantity])
  }

  @Test("files that cannot be read at all say why and what to do")
  func errors() {
    #expect(throws: LicenseeTotalsError.empty(path: "acme.csv")) { try read("\n \n") }
    #expect(
      throws: LicenseeTotalsError.columnsMissing(
        path: "acme.csv", missing: [.module, .quantity], found: ["日期", "Modul"])
    ) { try read("日期,Modul\n2025-12-01,a\n") }
    #expect(
      throws: LicenseeTotalsError.columnRepeated(
        path: "acme.csv", column: .quantity, found: ["日期", "模块", "次数", "条数"])
    ) { try read("日期,模块,次数,条数\n2025-12-01,a,1,2\n") }
    #expect(throws: LicenseeTotalsError.notUTF8(path: "acme.csv", byteOffset: 2)) {
      try LicenseeTotals.read([0x61, 0x2C, 0xFF, 0x0A], path: "acme.csv")
    }
    let text = "\(LicenseeTotalsError.columnsMissing(path: "f", missing: [.date], found: ["x"]))"
    #expect(text.contains("日期") && text.contains("\"x\"") && text.contains("rename"))
  }

  @Test("a name that was kept from running in a spreadsheet is read as it was")
  func neutralised() throws {
    let totals = try read("date,module,quantity\n2025-12-01,'=bot,1\n2025-12-01,'bot,1\n")
    #expect(totals.rows.map(\.module) == ["=bot", "'bot"])
  }
}
