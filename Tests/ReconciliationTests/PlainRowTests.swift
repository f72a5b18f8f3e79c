import CivilTime
import Contracts
import TestSupport
import Testing

@testable import Statements

/// Forms that cells of a column have, the plain ones first and often.
private let forms: [StatementColumn: [String]] = [
  .contract: ["C-1", "C-2", "Group 7", "", "'=C", "#REF!"],
  .licensee: ["acme", "杭州某某网络科技有限公司", "total shop", "", " acme "],
  .date: [
    "2025-12-01", "2025/12/01", "2025.12.31", "2025-12-1", "20251201", "2025-13-01", "2025-12/01",
    "46000", "", "2025-11-31", "2025年12月1日", " 2025-12-01", "2025-12-01 00:00", "合计", "x",
  ],
  .module: [
    "text-bot", "support-bot", "智能客服机器人（线上）", "小程序客服", "a module with a name of some length", "",
    " text-bot", "'=bot", "#N/A", "total", "小计", "su", "总机", "Note:",
  ],
  .scenario: ["pre-sales", "售前", "", "grand total", "Tomorrow", "#REF!", "共计"],
  .app: ["web", "", "#VALUE!", "#1", "小红书", "本地"],
  .unit: ["conversation", "条", "次", "", "Items", "kg", "#N/A"],
  .quantity: [
    "1", "2", "", "0", "12", "1,000", "-1", "(2)", "1.0", "x", "999999999999", "1234567890123",
  ],
  .user: ["u-1", "", "a user with a name that is long", "用户", "'+u", " u ", "#REF!", "0", "u:"],
  .conversation: [
    "c-1", "", "0123456789abcdef0123456789abcdef", "会话", "'-c", "c ", "\u{3000}c", "(c)",
  ],
  .startedAt: [
    "2025-12-01T00:00:03.595+08:00", "2025-12-01T00:00:03Z", "2025-12-01 00:00:03",
    "2025-12-01 23:59:59.999", "2025-11-30T16:00:03.595Z", "2025-12-01T24:00:00+08:00",
    "2025-12-01T00:60:03.595+08:00", "2025-12-01T00:00:60.595+08:00",
    "2025-12-01T00:00:03,595+08:00",
    "2025-12-01T00:00:03.595-03:30", "2025-12-01T00:00:03.595+24:00",
    "2025-12-01T00:00:03.595+08:60",
    "2025-12-01T00:00:03.595*08:00", "2025-12-01t00:00:03z", "2025-12-01T00:00:03.59+08:00",
    "2025-12-01T00:00:03.123456+08:00", "2025/12/01 00:00:03", "2025-02-29 00:00:03", "",
    "1764547203",
    "2025年12月1日 8时5分", "x", "2025-12-01", "2025-12-01T0a:00:03.595+08:00", "46000.5",
    "2025-12-01 00:00:03+0800", "2025-12-01T00:00:03.595 08:00", "2025-12-01T00.00.03Z",
    // In New York the first comes twice, and the second never.
    "2025-11-02 01:30:00", "2026-03-08 02:30:00", "2025-11-02 12:00:00.250", "2025-11-03 00:00:00",
    "2025-11-01 00:00:00", "2026-03-07 23:59:59", "2026-03-09 00:00:00",
  ],
  .messages: ["2", "", "1,000", "x", "-2", "13"],
  .amount: ["0.35", "", "12", "1,000.00", "¥3", "0.00000000001", "x", "1.", ".5", "00.10"],
  .unitPrice: ["0.35", "", "0.8000", "元", "0.4"],
]

/// A detail of random columns and cells, more of them plain than not.
private func detail(_ random: inout SeededRandom) -> String {
  var columns: [StatementColumn] = [.module, .startedAt]
  for column in forms.keys.sorted(by: { $0.rawValue < $1.rawValue })
  where !columns.contains(column) && Int.random(in: 0..<3, using: &random) > 0 {
    columns.append(column)
  }
  columns.append(contentsOf: Bool.random(using: &random) ? [.endedAt] : [])
  columns.shuffle(using: &random)
  let delimiter = [",", ";", "\t"].randomElement(using: &random) ?? ","
  let lineEnd = ["\n", "\r\n", "\r"].randomElement(using: &random) ?? "\n"
  let oddity = Int.random(in: 2...40, using: &random)
  var rows = [columns.map(\.rawValue)]
  for _ in 0..<Int.random(in: 0...60, using: &random) {
    rows.append(
      columns.map { column in
        let cells = forms[column == .endedAt ? .startedAt : column] ?? []
        guard Int.random(in: 0..<oddity, using: &random) == 0 else {
          return cells.prefix(2).randomElement(using: &random) ?? ""
        }
        return cells.randomElement(using: &random) ?? ""
      })
    if Int.random(in: 0..<30, using: &random) == 0 { rows.append(rows[0]) }
    if Int.random(in: 0..<30, using: &random) == 0 { rows[rows.count - 1].removeLast() }
  }
  let lines = rows.map { cells in
    cells.map { cell in
      let isQuoted = cell.contains(delimiter) || Int.random(in: 0..<20, using: &random) == 0
      return isQuoted ? "\"\(cell)\"" : cell
    }.joined(separator: delimiter)
  }
  return lines.joined(separator: lineEnd) + (Bool.random(using: &random) ? lineEnd : "")
}

@Suite("Plain rows")
struct PlainRowTests {
  @Test("are what the same cells say as texts", arguments: ["Asia/Shanghai", "America/New_York"])
  func random(zone: String) throws {
    var plain = 0
    var all = 0
    for seed in UInt64(1)...300 {
      var random = SeededRandom(seed: seed)
      let text = detail(&random)
      // Reads it both ways.
      do {
        all += try readStatement(text, zone: zone).rows.count
        plain += try UnitsOfStatement(Array(text.utf8), zone: zone).plain
      } catch is StatementError {
        continue
      }
    }
    #expect(plain > 1_000 && all - plain > 1_000, "\(plain) of \(all)")
  }

  @Test(
    "are all that programs write",
    arguments: [
      """
      date,module,scenario,unit,quantity,user,conversation,started_at,ended_at,messages
      2025-12-01,text-bot,pre-sales,conversation,1,u-1,c-1,2025-12-01T00:00:03.595+08:00,2025-12-01T00:00:22.567+08:00,2
      2025-12-01,support-bot,,conversation,1,u-1,,2025-11-30T16:00:03Z,2025-12-01T00:00:22+08:00,2
      2025-12-01,小程序客服,,conversation,1,u-1,,2025-11-30T16:00:03Z,2025-12-01T00:00:22+08:00,2
      """,
      """
      合同编号,客户名称,模块,用户,开始时间,单价,金额
      C-1,杭州某某网络科技有限公司,智能客服机器人（线上）,u-1,2025-12-01 00:00:03,0.35,0.35
      C-1,杭州某某网络科技有限公司,智能客服机器人（线上）,,2025/12/01 00:00:03.250,0.35,
      C-1,杭州某某网络科技有限公司,文本,u-2,2025-12-01 00:00:03.250123,,0.35
      """,
    ])
  func programs(text: String) throws {
    let units = try UnitsOfStatement(Array(text.utf8))
    #expect(units.plain == 3 && units.units.count == 3 && units.problems.isEmpty)
  }

  @Test("with more names than are kept are read nevertheless")
  func manyNames() throws {
    var text = "module,scenario,started_at\n"
    for index in 0..<3_000 {
      text += "m-\(index % 700),s-\(index % 1_300),2025-12-01T00:00:03Z\n"
    }
    let units = try UnitsOfStatement(Array(text.utf8))
    #expect(units.units.count == 3_000 && units.plain > 0)
    for (index, unit) in units.units.enumerated() {
      #expect(
        unit.names.module == "m-\(index % 700)" && unit.names.scenario == "s-\(index % 1_300)")
    }
  }
}
