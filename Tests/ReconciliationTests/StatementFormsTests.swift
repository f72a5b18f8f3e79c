import CivilTime
import Contracts
import Decoding
import Foundation
import TestSupport
import Testing

@testable import Statements

/// The ways in which one statement can be written.
private struct Form {
  enum Encoding: CaseIterable {
    case utf8, utf8Mark, utf16Little, utf16LittleMark, utf16Big, utf16BigMark, gb18030
  }

  var encoding: Encoding
  var isChinese: Bool
  var delimiter: String
  var numbers: Int
  var dates: Int
  var lineEnd: String
  var declaresDelimiter: Bool

  func bytes(_ text: String) throws -> [UInt8] {
    let units = Array(text.utf16)
    switch encoding {
    case .utf8: return Array(text.utf8)
    case .utf8Mark: return [0xEF, 0xBB, 0xBF] + Array(text.utf8)
    case .utf16Little: return units.flatMap { [UInt8($0 & 0xFF), UInt8($0 >> 8)] }
    case .utf16LittleMark:
      return [0xFF, 0xFE] + units.flatMap { [UInt8($0 & 0xFF), UInt8($0 >> 8)] }
    case .utf16Big: return units.flatMap { [UInt8($0 >> 8), UInt8($0 & 0xFF)] }
    case .utf16BigMark: return [0xFE, 0xFF] + units.flatMap { [UInt8($0 >> 8), UInt8($0 & 0xFF)] }
    case .gb18030:
      return try #require(Converter(from: "UTF-8", to: "GB18030").converted(Array(text.utf8)))
    }
  }

  func cell(_ text: String) -> String {
    text.contains(delimiter) || text.contains("\"") || text.contains("\n")
      ? "\"" + text.replacingOccurrences(of: "\"", with: "\"\"") + "\"" : text
  }

  func count(_ number: Int) -> String {
    switch numbers {
    case 1: return grouped(number)
    case 2:
      return String(
        String(number).unicodeScalars.map {
          Character(Unicode.Scalar($0.value - 0x30 + 0xFF10) ?? "0")
        })
    case 3: return "\(number).0"
    case 4: return grouped(number).replacingOccurrences(of: ",", with: "，")
    default: return "\(number)"
    }
  }

  private func grouped(_ number: Int) -> String {
    var text = String(number)
    var place = text.count - 3
    while place > 0 {
      text.insert(",", at: text.index(text.startIndex, offsetBy: place))
      place -= 3
    }
    return text
  }

  func amount(_ fen: Int) -> String {
    let places = String(fen % 100 + 100).dropFirst()
    switch numbers {
    case 1: return "¥\(grouped(fen / 100)).\(places)"
    case 2: return "\(fen / 100).\(places)元"
    case 3: return "￥\(fen / 100).\(places)00"
    default: return "\(fen / 100).\(places)"
    }
  }

  func day(_ date: CivilDate) -> String {
    let (year, month, day) = date.components
    switch dates {
    case 1: return "\(year)/\(month)/\(day)"
    case 2: return date.description.replacingOccurrences(of: "-", with: "")
    case 3: return "\(year)年\(month)月\(day)日"
    case 4: return "\(year).\(month).\(day)"
    case 5: return "\(day)/\(month)/\(year)"
    case 6: return "\(month)/\(day)/\(year)"
    case 7: return "\(date.daysSinceEpoch + 25_569)"
    default: return date.description
    }
  }

  func time(_ date: CivilDate, _ second: Int) -> String {
    let (hour, minute, rest) = (second / 3_600, second / 60 % 60, second % 60)
    func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
    let clock = "\(two(hour)):\(two(minute)):\(two(rest))"
    let twelve = hour % 12 == 0 ? 12 : hour % 12
    let half = "\(twelve):\(two(minute)):\(two(rest))"
    switch dates {
    case 0: return "\(date)T\(clock)+08:00"
    case 1: return "\(day(date)) \(hour >= 12 ? "下午" : "上午")\(half)"
    case 2: return "\(day(date))\(clock.replacingOccurrences(of: ":", with: ""))"
    case 3: return "\(day(date)) \(hour)时\(minute)分\(rest)秒"
    case 6: return "\(day(date)) \(half) \(hour >= 12 ? "PM" : "AM")"
    case 7:
      let micro = (second * 1_000_000_000_000 + 43_200) / 86_400
      let digits = String(micro)
      return "\(day(date)).\(String(repeating: "0", count: 12 - digits.count))\(digits)"
    case 8: return "\((Int(date.daysSinceEpoch) * 86_400 + second - 28_800) * 1_000)"
    default: return "\(day(date)) \(clock)"
    }
  }
}

@Suite("The same statement in all its forms")
struct StatementFormsTests {
  private static let names: [(StatementColumn, String, String)] = [
    (.date, "Date", "日期"), (.module, "module", "模块"), (.scenario, "Scenario", "场景"),
    (.unit, "unit", "单位"), (.quantity, "Quantity", "数量（次）"), (.user, "user", "用户"),
    (.conversation, "conversation", "会话编号"), (.startedAt, "started_at", "开始时间"),
    (.endedAt, "Ended At", "结束时间"), (.messages, "messages", "消息数"),
    (.unitPrice, "unit price", "单价"),
    (.amount, "amount", "金额(元)"), (.contract, "contract", "合同编号"),
  ]

  private struct Unit {
    var row: StatementRow
    var day: CivilDate
    var start: Int
    var end: Int
    var fen: Int
    var meterName: String
  }

  private static func units(_ random: inout SeededRandom) throws -> [Unit] {
    let zone = try #require(Zone(identifier: "Asia/Shanghai"))
    let first = try date("2025-12-01")
    return (0..<random.number(1...30)).map { index in
      // The 31st decides which of day and month comes first.
      let day = index == 0 ? first + 30 : first + random.number(0...60)
      let start = random.number(0...86_000)
      var row = StatementRow()
      row.date = day
      row.module = random.one(of: ["text-bot", "知识库", "a\"b", "语音, 机器人"])
      row.scenario = random.one(of: ["", "售后", "pre-sales"])
      row.meter = random.one(of: [.conversation, .item])
      row.quantity = random.one(of: [0, 1, 12, 1_234, 1_234_567])
      row.user = random.one(of: ["u1", "用户二", "=u3", ""])
      row.conversation = "c-\(index)-0123456789abcdef"
      let startAt = zone.start(of: day)
      let end = start + random.number(0...399)
      row.startedAt = startAt + Interval(seconds: Int64(start))
      row.endedAt = startAt + Interval(seconds: Int64(end))
      row.messages = random.number(1...50)
      let fen = random.number(0...1_000_000)
      row.unitPrice = Money(digits: 35, scale: 2)
      row.amount = Money(digits: Int128(fen), scale: 2)
      row.contract = "DZ-1"
      let names = row.meter == .conversation ? ["conversation", "会话", "次"] : ["item", "条"]
      return Unit(
        row: row, day: day, start: start, end: end, fen: fen, meterName: random.one(of: names))
    }
  }

  private static func text(_ units: [Unit], _ columns: [StatementColumn], _ form: Form) -> String {
    var lines: [[String]] = [
      columns.map { column in
        names.first { $0.0 == column }.map { form.isChinese ? $0.2 : $0.1 } ?? column.rawValue
      }
    ]
    for unit in units {
      let row = unit.row
      lines.append(
        columns.map { column in
          switch column {
          case .date: form.day(unit.day)
          case .module: row.module
          case .scenario: row.scenario ?? ""
          case .unit: unit.meterName
          case .quantity: form.count(row.quantity)
          case .user: row.user?.hasPrefix("=") ?? false ? "'\(row.user ?? "")" : row.user ?? ""
          case .conversation: row.conversation ?? ""
          case .startedAt: form.time(unit.day, unit.start)
          case .endedAt: form.time(unit.day, unit.end)
          case .messages: form.count(row.messages ?? 0)
          case .unitPrice: form.amount(35)
          case .amount: form.amount(unit.fen)
          case .contract: row.contract ?? ""
          case .licensee, .month, .app: ""
          }
        })
    }
    let declaration = form.declaresDelimiter ? "sep=\(form.delimiter)\(form.lineEnd)" : ""
    return declaration
      + lines.map { $0.map(form.cell).joined(separator: form.delimiter) + form.lineEnd }.joined()
  }

  @Test(
    "encodings, languages, delimiters, numbers and dates", arguments: 1...420 as ClosedRange<UInt64>
  )
  func forms(seed: UInt64) throws {
    var random = SeededRandom(seed: seed)
    let encodings = Form.Encoding.allCases
    let form = Form(
      encoding: encodings[Int(seed) % encodings.count], isChinese: random.chance(50),
      delimiter: random.one(of: [",", "\t", ";"]), numbers: random.number(0...4),
      dates: random.number(0...8), lineEnd: random.one(of: ["\n", "\r\n", "\r"]),
      declaresDelimiter: random.chance(20))
    let units = try Self.units(&random)
    var columns = Self.names.map(\.0)
    let isDetail = random.chance(60)
    if !isDetail {
      columns.removeAll { [.startedAt, .endedAt, .messages, .user, .conversation].contains($0) }
    }
    columns.shuffle(using: &random)
    let read = try readStatement(try form.bytes(Self.text(units, columns, form)))
    #expect(read.problems.isEmpty, "seed \(seed)")
    #expect(read.layout.kind == (isDetail ? .detail : .totals), "seed \(seed)")
    let expected = units.map { unit in
      var row = unit.row
      if !isDetail {
        (row.startedAt, row.endedAt, row.messages, row.user, row.conversation) = (
          nil, nil, nil, nil, nil
        )
      }
      return row
    }
    #expect(read.values == expected, "seed \(seed)")
  }

  @Test(
    "a text in UTF-8 stays one where some bytes are not, also where all its words could be GB18030")
  func strayBytes() throws {
    let bytes =
      Array("日期,模块,次数\n2025-12-01,文本,1\n2025-12-01,".utf8) + [0xFF] + Array(",2\n".utf8)
    let read = try readStatement(bytes)
    #expect(read.rows.map(\.module) == ["文本"])
    #expect(read.problems.map(\.row) == [3])
  }

  @Test("an encoding that shows only far into the file")
  func lateEncoding() throws {
    let ascii = "date,module,quantity\n" + String(repeating: "2025-12-01,bot,1\n", count: 50_000)
    var reader = try StatementReader(
      .bytes(
        Array(ascii.utf8) + Array("2025-12-01,".utf8) + [0xC4, 0xA3, 0xBF, 0xE9]
          + Array(",2\n".utf8),
        path: "f"), zone: .utc)
    var last = StatementRow()
    var rows = 0
    reader.readAll { row in
      last = copy row
      rows += 1
    } problem: {
      Issue.record("\($0)")
    }
    let encoding = reader.encoding
    #expect(rows == 50_001 && last.module == "模块" && encoding == .gb18030)
  }
}
