import CivilTime
import Foundation
import Testing

@testable import Simulation

/// Months with discrepancies by cause and number, and the forms of their files.
struct MonthTests {
  /// A detail's rows by the names of its columns.
  private static func rows(_ path: String) throws -> [[String: String]] {
    let lines = try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n")
    let names = lines[0].split(separator: ",").map(String.init)
    return lines.dropFirst().map { line in
      let cells = line.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
      return Dictionary(uniqueKeysWithValues: zip(names, cells))
    }
  }

  private static func counted(_ rows: [[String: String]]) -> [[String]: Int] {
    Dictionary(
      rows.map { row in
        (
          [
            "user", "conversation", "date", "module", "scenario", "started_at", "ended_at",
            "quantity",
          ]
          .map { row[$0] ?? "" }, 1
        )
      }, uniquingKeysWith: +)
  }

  private static func key(_ row: Truth.Discrepancy.Row) -> [String] {
    [
      row.user, row.conversation, row.date.description, row.module, row.scenario, row.startedAt,
      row.endedAt, "\(row.quantity)",
    ]
  }

  private static func month(seed: UInt64) throws -> SimulationOptions {
    var options = try SimulationOptions.month()
    options.seed = seed
    options.records = 30_000
    options.minMessages = 2
    options.licenseeClockSkew = 0
    options.termFrom = CivilDate(year: 2025, month: 12, day: 9)
    options.drawnLogGaps = 3
    options.discrepancies = options.discrepancies?.mapValues { _ in 9 }
    return options
  }

  @Test(arguments: [1, 2, 3] as [UInt64])
  func bothSidesAreEqualButForWhatIsPlanted(seed: UInt64) throws {
    let scratch = Scratch()
    let truth = try simulate(try Self.month(seed: seed), into: scratch.path)
    var licensor = Self.counted(try Self.rows(scratch.path + "/licensor-detail.csv"))
    var licensee = Self.counted(try Self.rows(scratch.path + "/licensee-detail.csv"))
    for unit in truth.discrepancies.flatMap(\.units) {
      for row in unit.licensor { licensor[Self.key(row), default: 0] -= 1 }
      for row in unit.licensee { licensee[Self.key(row), default: 0] -= 1 }
      let effect =
        unit.licensee.reduce(0) { $0 + $1.quantity } - unit.licensor.reduce(0) { $0 + $1.quantity }
      #expect(effect == unit.quantityEffect)
    }
    // None is missing from its file, and the rest is the same.
    #expect(licensor.values.allSatisfy { $0 >= 0 })
    #expect(licensor.filter { $0.value > 0 } == licensee.filter { $0.value != 0 })
  }

  @Test func causesArePlantedInAllTheirWaysAndAsManyAsAreWanted() throws {
    var found: [String: Int] = [:]
    var ways: Set<String> = []
    for seed: UInt64 in 1...3 {
      let scratch = Scratch()
      for group in try simulate(try Self.month(seed: seed), into: scratch.path).discrepancies {
        #expect(group.count == group.units.count && group.count > 0)
        #expect(group.quantityEffect == group.units.reduce(0) { $0 + $1.quantityEffect })
        found[group.cause, default: 0] += group.count
        ways.insert("\(group.cause) \(group.detail)")
      }
    }
    let wanted = DiscrepancyCause.allCases.flatMap { cause in
      cause.kinds.map { "\(cause.rawValue) \($0.detail)" }
    }
    #expect(ways == Set(wanted))
    for cause in DiscrepancyCause.allCases where cause != .periodBoundary && cause != .merged {
      #expect(found[cause.rawValue] == 27, "\(cause.rawValue)")
    }
    #expect(found["merged"] ?? 0 > 20)
    #expect(found["period_boundary"] ?? 0 > 10)
  }

  @Test func onlyTheCausesThatAreNamedArePlanted() throws {
    let scratch = Scratch()
    var options = try Self.month(seed: 5)
    options.discrepancies = [.split: 4, .logGap: 0]
    let truth = try simulate(options, into: scratch.path)
    #expect(Set(truth.discrepancies.map(\.cause)) == ["split"])
    #expect(truth.discrepancies.reduce(0) { $0 + $1.count } == 4)
  }

  @Test func unitsAreWhatTheirWaySays() throws {
    let scratch = Scratch()
    let options = try Self.month(seed: 6).withDrawnLogGaps()
    let truth = try simulate(options, into: scratch.path)
    #expect(options.logGaps.count == 3)
    let recount = try Recount(directory: scratch.path, truth: truth, options: options)
    let calls = Dictionary(
      recount.calls.map { ($0.key[1], $0.value) }, uniquingKeysWith: +)
    func instant(_ text: String) -> Int64 {
      var reader = TimestampReader()
      return reader.instant(text: text.utf8.span)?.microseconds ?? 0
    }
    func near(_ row: Truth.Discrepancy.Row, _ minutes: Int64) -> [Recount.Call] {
      let room = minutes * 60_000_000
      return calls[row.user]?.filter {
        $0.time >= instant(row.startedAt) - room && $0.time <= instant(row.endedAt) + room
      } ?? []
    }
    for group in truth.discrepancies {
      for unit in group.units {
        guard let row = unit.licensee.first ?? unit.licensor.first else { continue }
        switch (group.cause, group.detail) {
        case ("missing_at_licensor_log_gap", _):
          let lies = options.logGaps.contains {
            $0.from.microseconds <= instant(row.startedAt)
              && instant(row.endedAt) < $0.to.microseconds
          }
          #expect(lies && near(row, 60).isEmpty)
        case ("missing_at_licensor_no_traffic", _): #expect(near(row, 120).isEmpty)
        case ("not_billable", "failed_calls"):
          #expect(!near(row, 0).isEmpty)
          #expect(near(row, 5).allSatisfy { $0.status >= 400 || $0.event == "ping" })
        case ("not_billable", "opened_only"):
          #expect(near(row, 0).contains { $0.event == "open" })
          #expect(near(row, 0).allSatisfy { $0.event != "message" })
        case ("split", _):
          #expect((2...3).contains(unit.licensee.count))
          for (first, second) in zip(unit.licensee, unit.licensee.dropFirst()) {
            #expect(instant(second.startedAt) - instant(first.endedAt) >= 120_000_000)
          }
        case ("merged", _): #expect((2...3).contains(unit.licensor.count))
        default: break
        }
      }
    }
  }

  // MARK: - Forms

  private static func cells(_ change: (inout StatementForm) -> Void) throws -> [UInt8] {
    var form = StatementForm()
    change(&form)
    var writer = StatementWriter(form, zone: try SimulationOptions.shanghai())
    writer.header([.date, .startedAt])
    writer.cell(day: 20_423)
    // 2025-12-01 08:05:03.250 in Shanghai.
    writer.cell(moment: 1_764_547_503_250)
    writer.cell(number: 1_234_567)
    writer.cell("王芳;a")
    writer.endRow()
    return try writer.encoded()
  }

  private static func text(_ change: (inout StatementForm) -> Void) throws -> String {
    String(decoding: try cells(change), as: UTF8.self)
  }

  @Test func formsAreWrittenAsPeopleAndSpreadsheetsDo() throws {
    #expect(
      try Self.text { _ in }
        == "date,started_at\n2025-12-01,2025-12-01T08:05:03.250+08:00,1234567,王芳;a\n")
    let chinese = try Self.text {
      $0.language = .chinese
      $0.delimiter = .semicolon
      $0.dates = .slashes
      $0.numbers = .fullWidth
    }
    #expect(chinese == "日期;开始时间\n2025/12/1;2025/12/1 8:05:03;１２３４５６７;\"王芳;a\"\n")
    let serial = try Self.text {
      $0.dates = .serial
      $0.numbers = .thousands
    }
    // 8 h 5 min 3.25 s are 0.33684317… of a day.
    #expect(serial == "date,started_at\n45992,45992.3368431713,\"1,234,567\",王芳;a\n")
    let elsewhere = try Self.text {
      $0.delimiter = .tab
      $0.zone = .utc
    }
    #expect(
      elsewhere == "date\tstarted_at\n2025-12-01\t2025-12-01 00:05:03.250\t1234567\t王芳;a\n")
  }

  @Test func encodingsHoldTheSameText() throws {
    let text = try Self.text { _ in }
    #expect(
      try Self.cells { $0.encoding = .utf8WithMark } == [0xEF, 0xBB, 0xBF] + Array(text.utf8))
    let little = try Self.cells { $0.encoding = .utf16LittleEndian }
    let big = try Self.cells { $0.encoding = .utf16BigEndian }
    #expect(little.prefix(2) == [0xFF, 0xFE] && big.prefix(2) == [0xFE, 0xFF])
    #expect(String(data: Data(little), encoding: .utf16) == text)
    #expect(String(data: Data(big), encoding: .utf16) == text)
    let gb18030 = try Self.cells { $0.encoding = .gb18030 }
    // 王芳 is CD F5 B7 BC.
    #expect(
      gb18030 == Array(text.utf8.prefix { $0 < 0x80 }) + [0xCD, 0xF5, 0xB7, 0xBC, 0x3B, 0x61, 0x0A])
  }
}
