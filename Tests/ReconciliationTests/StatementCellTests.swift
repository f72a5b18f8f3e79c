import CivilTime
import Contracts
import TestSupport
import Testing

@testable import Statements

private func told<Value>(_ body: () throws -> Value) -> String {
  do {
    return "\(try body())"
  } catch let fault as CellFault {
    return fault.remedy
  } catch {
    return "\(error)"
  }
}

private let dayRemedy = "expected a day such as 2025-12-01, 2025/12/1, 20251201 or 2025年12月1日"
private let countRemedy = "expected a whole number such as 1234 or 1,234, at most 1,000,000,000,000"
private let amountRemedy = "expected yuan such as 1234.50, 1,234.50 or ¥1,234.50"
private let momentRemedy =
  "expected a time such as 2025-12-01 08:00:05 or 2025-12-01T08:00:05+08:00"
private let noTimeRemedy = "it has no time of day; expected a time such as 2025-12-01 08:00:05"
private let errorRemedy =
  "the cell is the error of a formula; mend it in the spreadsheet and save the file again"
private let pointRemedy =
  "the point may set off thousands or decimals; write 1234 or 1,234 in place of 1.234"

@Suite("Cells of statements")
struct StatementCellTests {
  @Test(
    "days",
    arguments: [
      ("2025-12-01", "2025-12-01"), ("2025/12/1", "2025-12-01"), ("2025.1.2", "2025-01-02"),
      ("20251231", "2025-12-31"), ("2025年1月2日", "2025-01-02"), ("45992", "2025-12-01"),
      ("36526", "2000-01-01"), ("2024-02-29", "2024-02-29"), ("'2025-12-01", "2025-12-01"),
      ("２０２５－１２－０１", "2025-12-01"), ("2025-12-01T00:00:00", "2025-12-01"),
      ("2025年12月1日 星期一", "2025-12-01"), ("2025 年 12 月 1 日", dayRemedy),
      ("2025-02-29", dayRemedy), ("2025-13-01", dayRemedy), ("1/12/25", dayRemedy),
      ("2025-12", dayRemedy), ("", dayRemedy), ("2025-12-01 08:30", dayRemedy),
      ("5年1月2日", dayRemedy), ("2025-+1-02", dayRemedy), ("12345678901", dayRemedy),
      ("99999", dayRemedy), ("12", dayRemedy), ("2025日", dayRemedy), ("#REF!", errorRemedy),
      ("13/1/2025", CellTime.orderFault.remedy), ("5/5/2025", "2025-05-05"),
    ])
  func days(text: String, expected: String) {
    #expect(told { try CellTime.day(text, nil) } == expected)
  }

  @Test("days and months in either order")
  func orders() {
    #expect(told { try CellTime.day("1/12/2025", .dayFirst) } == "2025-12-01")
    #expect(told { try CellTime.day("12/1/2025", .monthFirst) } == "2025-12-01")
    #expect(told { try CellTime.day("01.12.2025", .dayFirst) } == "2025-12-01")
    #expect(told { try CellTime.day("13/1/2025", .monthFirst) } == dayRemedy)
  }

  @Test("Excel's day numbers, with the day that never was")
  func excel() {
    let days = [0, 1, 59, 60, 61, 45_992, 2_958_465, 2_958_466]
    #expect(
      days.map { CellTime.excelDay($0)?.description } == [
        nil, "1900-01-01", "1900-02-28", nil, "1900-03-01", "2025-12-01", "9999-12-31", nil,
      ])
  }

  @Test(
    "months",
    arguments: [
      ("2025-12", "2025-12-01"), ("2025/1", "2025-01-01"), ("202512", "2025-12-01"),
      ("2025年12月", "2025-12-01"), ("2025年12月份", "2025-12-01"), ("2025-12-01", "2025-12-01"),
      ("45992", "2025-12-01"), ("2025-12-02", nil), ("45993", nil), ("12月", nil), ("202513", nil),
    ] as [(String, String?)])
  func months(text: String, expected: String?) throws {
    #expect(try CellTime.month(text)?.description == expected)
  }

  @Test(
    "moments",
    arguments: [
      ("2025-12-01 08:00", "2025-12-01T00:00:00Z"), ("2025-12-01 08:00:05", "2025-12-01T00:00:05Z"),
      ("2025/12/1 8:00:05.25", "2025-12-01T00:00:05.25Z"),
      ("2025-12-01T08:00:05,250", "2025-12-01T00:00:05.25Z"),
      ("2025-12-01T08:00:05+09:00", "2025-11-30T23:00:05Z"),
      ("2025-12-01 08:00 +0900", "2025-11-30T23:00:00Z"),
      ("2025-12-01T08:00Z", "2025-12-01T08:00:00Z"),
      ("2025年12月1日 8时5分3秒", "2025-12-01T00:05:03Z"), ("2025年12月1日 8点5分", "2025-12-01T00:05:00Z"),
      ("2025年12月1日 20时", "2025-12-01T12:00:00Z"),
      ("2025/12/1 下午8:05:03", "2025-12-01T12:05:03Z"),
      ("2025/12/1 上午 12:05", "2025-11-30T16:05:00Z"),
      ("2025-12-01 8:05:03 PM", "2025-12-01T12:05:03Z"),
      ("2025-12-01 12:05 pm", "2025-12-01T04:05:00Z"),
      ("20251201 08:00", "2025-12-01T00:00:00Z"), ("202512010800", "2025-12-01T00:00:00Z"),
      ("20251201080005", "2025-12-01T00:00:05Z"), ("1764547205", "2025-12-01T00:00:05Z"),
      ("1764547205.5", "2025-12-01T00:00:05.5Z"), ("1764547205250", "2025-12-01T00:00:05.25Z"),
      ("45992.33333", "2025-12-01T00:00:00Z"), ("45992.3333912037", "2025-12-01T00:00:05Z"),
      ("45992", "2025-11-30T16:00:00Z"), ("２０２５－１２－０１　０８：００", "2025-12-01T00:00:00Z"),
      ("2025-12-01", noTimeRemedy), ("2025-12-01 25:00", momentRemedy),
      ("2025-12-01 08:60", momentRemedy), ("2025-12-01 13:00 AM", momentRemedy),
      ("2025-12-01 8", momentRemedy), ("08:00", momentRemedy), ("17645472051", momentRemedy),
      ("2025-12", momentRemedy), ("2025-02-30 08:00", momentRemedy), ("#N/A", errorRemedy),
      ("1/12/2025 08:00", CellTime.orderFault.remedy),
    ])
  func moments(text: String, expected: String) throws {
    let zone = try #require(Zone(identifier: "Asia/Shanghai"))
    let read = told { try CellTime.moment(text, nil, zone).microseconds }
    var reader = TimestampReader()
    let moment = reader.instant(text: expected.utf8.span)
    #expect(read == moment.map { "\($0.microseconds)" } ?? expected)
  }

  @Test("a local time that is skipped or comes twice is taken as in logs")
  func clockChanges() throws {
    let zone = try #require(Zone(identifier: "Europe/Berlin"))
    #expect(
      try CellTime.moment("2025-03-30 02:30", nil, zone) == instant("2025-03-30T01:30:00Z"))
    #expect(
      try CellTime.moment("2025-10-26 02:30", nil, zone) == instant("2025-10-26T00:30:00Z"))
  }

  @Test(
    "counts",
    arguments: [
      ("0", "0"), ("1234", "1234"), ("1,234,567", "1234567"), ("1，234", "1234"), ("１２", "12"),
      (" 12 ", "12"), ("12.00", "12"), ("1234.0", "1234"), ("-3", "-3"), ("(3)", "-3"),
      ("'-3", "-3"),
      ("−3", "-3"), ("+3", "3"), ("1,234.000", "1234"), ("1.234", pointRemedy),
      ("1.000", pointRemedy),
      ("12.5", countRemedy), ("1,23", countRemedy), ("1234,567", countRemedy), ("", countRemedy),
      ("abc", countRemedy), ("1e3", countRemedy), ("--1", countRemedy),
      ("1,000,000,000,000", "1000000000000"), ("1,000,000,000,001", countRemedy),
      ("99999999999999999999", countRemedy), ("1.", countRemedy), (".5", countRemedy),
      ("1.2万", "write the number in full, without 万"),
      ("3千", "write the number in full, without 千"),
      ("#VALUE!", errorRemedy), ("####", errorRemedy),
    ])
  func counts(text: String, expected: String) {
    #expect(told { try CellNumber.count(text) } == expected)
  }

  @Test(
    "amounts",
    arguments: [
      ("1234.5", "1234.5"), ("¥1,234.50", "1234.5"), ("￥１２．３４", "12.34"), ("12元", "12"),
      ("-0.35", "-0.35"), ("(1,234.50)", "-1234.5"), ("（12.00元）", "-12"), ("-¥12", "-12"),
      ("¥-12", "-12"), ("CNY 0.0035", "0.0035"), ("12 RMB", "12"), ("--1", amountRemedy),
      ("1.234,50", amountRemedy), ("twelve", amountRemedy),
      ("3万元", "write the number in full, without 万"),
      ("#DIV/0!", errorRemedy),
    ])
  func amounts(text: String, expected: String) {
    #expect(told { try CellNumber.amount(text) } == expected)
  }

  @Test(
    "rows of sums",
    arguments: [
      ("合计", true), ("小 计：", true), ("总计（元）", true), ("Total", true), ("Sub-total:", true),
      ("ＴＯＴＡＬ", true), ("Grand Total", true), ("本页小计", true), ("totally", false), ("小程序", false),
      ("", false),
    ])
  func totals(text: String, isTotal: Bool) {
    #expect((CellText.totalLabel(text) != nil) == isTotal)
  }
}
