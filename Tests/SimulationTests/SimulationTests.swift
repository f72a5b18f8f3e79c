import CivilTime
import Foundation
import Testing

@testable import Simulation

/// A directory of its own, removed at the end.
final class Scratch {
  let path: String
  init() { path = NSTemporaryDirectory() + "simulation-\(UUID().uuidString)" }
  deinit { try? FileManager.default.removeItem(atPath: path) }

  func contents() throws -> [String: Data] {
    var result: [String: Data] = [:]
    for name in try FileManager.default.contentsOfDirectory(atPath: path) {
      result[name] = try Data(contentsOf: URL(fileURLWithPath: path + "/" + name))
    }
    return result
  }
}

func sample(seed: UInt64, records: Int) throws -> SimulationOptions {
  var options = try SimulationOptions.sample(seed: seed)
  options.records = records
  return options
}

struct SimulationTests {
  @Test(arguments: [1, 7, 2_025, 99_991] as [UInt64])
  func theTruthIsWhatASlowCountOfTheLinesFinds(seed: UInt64) throws {
    let scratch = Scratch()
    var options = try sample(seed: seed, records: 12_000)
    options.outagesPerDay = 0.5
    options.repeatedAnswers = 0.02
    options.failures = 0.05
    if seed == 2_025, let berlin = Zone(identifier: "Europe/Berlin") {
      options.zone = berlin
      options.from = CivilDate(year: 2026, month: 3, day: 27)
    }
    if seed == 99_991 {
      options.idleTimeout = Interval(seconds: 420)
      options.zone = .utc
      options.pings = 0.3
      options.gateways = 9
      options.minMessages = 3
      options.failedConversations = 0.03
      options.monthEndConversations = 9
    }
    let truth = try simulate(options, into: scratch.path)
    let count = try Recount(directory: scratch.path, truth: truth, options: options)
    #expect(truth.lines == count.lines)
    #expect(truth.blank == count.blank)
    #expect(truth.quarantined == count.quarantined)
    #expect(truth.records == count.records)
    #expect(truth.messages == count.messages)
    #expect(truth.items == count.items)
    #expect(truth.ignored == count.ignored)
    #expect(truth.failed == count.failed)
    #expect(truth.duplicates == count.duplicates)
    #expect(truth.outsideContract == count.outside)
    #expect(truth.unplaced == count.unplaced)
    var sums: [Recount.Key: Recount.Sum] = [:]
    for row in truth.rows {
      sums[
        .init(licensee: row.licensee, date: row.date, module: row.module, scenario: row.scenario)] =
        .init(quantity: row.quantity, messages: row.messages)
    }
    #expect(sums == count.sums)
    let counted =
      truth.messages + truth.items + truth.ignored + truth.failed + truth.duplicates
      + truth.outsideContract + truth.unplaced
    #expect(counted == truth.records)
    for kind in [truth.ignored, truth.failed, truth.duplicates, truth.unplaced, truth.items] {
      #expect(kind > 0)
    }
    for (finding, found) in [
      ("unlisted_app", count.appRecords["partner-mini"]),
      ("unlisted_scenario", count.scenarioRecords["recruiting"]),
      ("unlisted_origin", count.originRecords["https://partner.example"]),
    ] {
      let planted = truth.findings.filter { $0.finding == finding }
      #expect(planted.reduce(0) { $0 + $1.use.records } == found ?? 0, "\(finding)")
    }
    #expect(truth.gapsEqualToTimeout > 0)
    #expect(truth.gapsJustLonger > 0)
    #expect(count.disorder > 0)
  }

  @Test func equalOptionsGiveEqualBytesOnAnyNumberOfThreads() throws {
    var all: [[String: Data]] = []
    for threads in [1, 1, 2, 5] {
      let scratch = Scratch()
      var options = try sample(seed: 3, records: 9_000)
      options.threads = threads
      try simulate(options, into: scratch.path)
      all.append(try scratch.contents())
    }
    #expect(all[0].count == 24)
    #expect(all.allSatisfy { $0 == all[0] })
    let other = Scratch()
    try simulate(try sample(seed: 4, records: 9_000), into: other.path)
    #expect(try other.contents()["truth.json"] != all[0]["truth.json"])
  }

  @Test func everyCodecHoldsTheSameText() throws {
    var texts: [[Data]] = []
    for codec in SimulationOptions.Codec.allCases {
      let scratch = Scratch()
      var options = try SimulationOptions.benchmark(records: 20_000, codec: codec)
      options.threads = 2
      let truth = try simulate(options, into: scratch.path)
      #expect(truth.files.count == 8)
      texts.append(try truth.files.map { try logText(scratch.path + "/" + $0) })
    }
    #expect(texts[0].allSatisfy { $0.count > 100_000 })
    #expect(texts[0] == texts[1])
    #expect(texts[0] == texts[2])
  }

  @Test(arguments: [1_000, 20_000, 60_000])
  func asManyRecordsComeAsWereAskedFor(records: Int) throws {
    let scratch = Scratch()
    let truth = try simulate(try .benchmark(records: records), into: scratch.path)
    #expect(abs(truth.records - records) <= max(50, records / 100))
    let perConversation = Double(truth.records) / Double(truth.conversations)
    if records > 10_000 { #expect((6.8...7.5).contains(perConversation), "\(perConversation)") }
  }

  @Test func linesAreOfAGatewaysLengthAndCompressAsTheyDo() throws {
    let scratch = Scratch()
    var options = try SimulationOptions.benchmark(records: 40_000)
    // As dense as five million records in eight files.
    options.gateways = 1
    options.days = 1
    let truth = try simulate(options, into: scratch.path)
    let contents = try scratch.contents()
    var text = 0
    var packed = 0
    for file in truth.files {
      text += try logText(scratch.path + "/" + file).count
      packed += contents[file]?.count ?? 0
    }
    let lineBytes = Double(text) / Double(truth.lines)
    let ratio = Double(text) / Double(packed)
    #expect((420...480).contains(lineBytes), "\(lineBytes) bytes a line")
    #expect((5.5...7.8).contains(ratio), "packed \(ratio) to 1")
  }

  @Test func theDayHasPeaksAndQuestionsHaveFavourites() throws {
    let scratch = Scratch()
    var options = SimulationOptions()
    options.records = 15_000
    options.days = 5
    options.questionCount = 500
    options.questionExponent = 1.1
    let truth = try simulate(options, into: scratch.path)
    let count = try Recount(directory: scratch.path, truth: truth, options: options)
    var hours = [Int](repeating: 0, count: 24)
    for second in count.secondsOfDay { hours[second / 3_600] += 1 }
    #expect(hours[10] > hours[3] * 6)
    #expect(hours[20] > hours[3] * 6)
    #expect(hours[10] > hours[13])
    #expect(hours[20] > hours[16])
    let ranked = count.questions.values.sorted(by: >)
    #expect(ranked[0] > ranked[9] * 4)
    #expect(ranked.count > 400)
  }

  @Test func drawsFollowTheirWeights() {
    var random = Random(seed: 11, stream: 1)
    let table = AliasTable.zipf(count: 4, exponent: 1)
    var drawn = [0, 0, 0, 0]
    for _ in 0..<100_000 { drawn[table.draw(&random)] += 1 }
    for (rank, count) in drawn.enumerated() {
      let expected = 100_000 * 12.0 / 25 / Double(rank + 1)
      #expect(abs(Double(count) - expected) < 1_200, "rank \(rank + 1)")
    }
    #expect((0..<1_000).allSatisfy { _ in (0..<7).contains(random.below(7)) })
  }

  @Test func everyCauseIsPlantedAndTheSumsAgree() throws {
    let scratch = Scratch()
    let options = try SimulationOptions.sample()
    let truth = try simulate(options, into: scratch.path)
    let bytes = try scratch.contents().values.reduce(0) { $0 + $1.count }
    #expect(bytes <= 5_000_000)
    let causes = [
      "duplicate_at_licensor", "duplicate_at_licensee", "outside_contract", "period_boundary",
      "split", "merged", "not_billable", "module_mismatch", "user_mismatch",
      "missing_at_licensee", "missing_at_licensor_log_gap", "missing_at_licensor_no_traffic",
    ]
    #expect(Set(truth.discrepancies.map(\.cause)) == Set(causes))
    for discrepancy in truth.discrepancies {
      #expect(discrepancy.count == options.discrepanciesPerCause, "\(discrepancy.cause)")
      #expect(discrepancy.units.count == discrepancy.count)
    }
    func total(_ name: String, column: Int) throws -> Int {
      let text = try String(contentsOfFile: scratch.path + "/" + name, encoding: .utf8)
      return text.split(separator: "\n").dropFirst().reduce(0) { sum, row in
        sum + (Int(row.split(separator: ",", omittingEmptySubsequences: false)[column]) ?? 0)
      }
    }
    let counted = truth.rows.reduce(0) { $0 + $1.quantity }
    let licensee = try total("licensee-detail.csv", column: 4)
    let licensor = try total("licensor-detail.csv", column: 4)
    #expect(licensor == counted + options.discrepanciesPerCause)
    #expect(try total("licensee-statement.csv", column: 3) == licensee)
    let effect = truth.discrepancies.reduce(0) { $0 + $1.quantityEffect }
    #expect(licensee - licensor == effect)
  }

  @Test func optionsThatCannotBeAreRefusedByName() throws {
    func refusal(_ change: (inout SimulationOptions) -> Void) -> String? {
      var options = SimulationOptions()
      change(&options)
      do throws(SimulationError) {
        try options.validate()
        return nil
      } catch {
        guard case .option(let name, _) = error else { return "another error" }
        return name
      }
    }
    #expect(refusal { _ in } == nil)
    #expect(refusal { $0.records = 0 } == "records")
    #expect(refusal { $0.gateways = 65 } == "files")
    #expect(refusal { $0.failures = 1.5 } == "failures")
    #expect(refusal { $0.failures = .nan } == "failures")
    #expect(refusal { $0.clockSkews = [401] } == "clock-skew")
    #expect(refusal { $0.minMessages = 0 } == "min-messages")
    #expect(refusal { $0.drawnLogGaps = 8 } == "log-gaps")
    #expect(refusal { $0.discrepancies = [.split: -1] } == "discrepancies")
    #expect(refusal { $0.licenseeClockSkew = -28_800_000 } == nil)
    #expect(refusal { $0.licenseeClockSkew = 28_800_001 } == "licensee-clock-skew")
    #expect(
      refusal {
        $0.writesContract = true
        $0.licensees[0].contract = nil
      } == "contract")
    #expect(refusal { $0.licensees = [] } == "licensees")
    #expect(refusal { $0.licensees[0].name = "a\"b" } == "licensees")
    #expect(refusal { $0.licensees[0].userCount = 1 } == "users")
  }

  @Test func aDirectoryThatCannotBeIsNamed() {
    #expect(throws: SimulationError.self) {
      try simulate(SimulationOptions(), into: "/dev/null/logs")
    }
  }
}
