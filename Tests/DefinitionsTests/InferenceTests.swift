import CivilTime
import Contracts
import Counting
import Decoding
import Definitions
import Foundation
import Metering
import TestSupport
import Testing

/// Totals made by other definitions, and whether these are named.
@Suite struct InferenceTests {
  /// Cases of each kind; `DUIZHANG_INFERENCES` for more.
  private static let seeds: Range<UInt64> = {
    let count = ProcessInfo.processInfo.environment["DUIZHANG_INFERENCES"].flatMap { UInt64($0) }
    return 0..<(count ?? 1)
  }()

  enum Kind: String, CaseIterable {
    case timeout, utc, end, failed, hour, duplicates, own, slices, calls, twofold, lostLog
    case failedAndTimeout, duplicatesAndTimeout, utcAndEnd
  }

  private static let cases = seeds.flatMap { seed in Kind.allCases.map { (seed, $0) } }

  private let folder: TemporaryFolder
  private let zone = Zone(identifier: "Asia/Shanghai")!

  init() throws { folder = try TemporaryFolder() }

  /// 2025-11-30T16:00:00Z, when December begins in Shanghai.
  private static let start: Int64 = 1_764_518_400_000

  /// At least 2,000 conversations of five days, in one log or several: of gateways that serve users or calls, each
  /// begun anew at moments of no clock.
  private func logs(_ random: inout SeededRandom, isSplit: Bool) throws -> [String] {
    var lines: [(time: Int64, log: String, text: String)] = []
    let gateways = isSplit ? random.number(1...3) : 1
    let isByUser = random.chance(50)
    let hours = isSplit ? random.number(7...40) : 1_000
    func add(_ time: Int64, _ user: String, _ module: String, _ id: String, _ status: Int) {
      let gateway = (isByUser ? Int(user.dropFirst()) ?? 0 : random.number(0...99)) % gateways
      let piece = (time - Self.start + 1_234_567) / (Int64(hours) * 3_600_000)
      lines.append(
        (
          time, "gateway-\(gateway)-\(piece)",
          "{\"time\":\(time),\"licensee\":\"acme\",\"user\":\"\(user)\",\"module\":\"\(module)\","
            + "\"request_id\":\"\(id)\",\"status\":\(status)}\n"
        ))
    }
    var number = 0
    for user in 0..<900 {
      var time = Self.start + Int64(random.number(0...(5 * 86_400_000 - 1)))
      for _ in 0..<random.number(2...7) {
        let module = random.one(of: ["text-bot", "order-bot"])
        for _ in 0..<random.number(1...4) {
          number += 1
          let isFailed = random.chance(6)
          add(time, "u\(user)", module, "r\(number)", isFailed ? 503 : 200)
          if random.chance(4) {
            // Sent again with the same id, much later than a pause may be.
            add(
              time + Int64(random.number(31...55)) * 60_000, "u\(user)", module, "r\(number)", 200)
          }
          time += Int64(random.number(1...600)) * 1_000
        }
        time +=
          Int64(random.one(of: [12, 17, 24, 28, 31, 44, 70, 200, 900])) * 60_000
          + Int64(random.number(0...59_999))
      }
    }
    let end = Self.start + 5 * 86_400_000
    let written = lines.filter { $0.time < end }.sorted { $0.time < $1.time }
    return try Dictionary(grouping: written, by: \.log).sorted { $0.key < $1.key }.map {
      let text = $1.map(\.text).joined()
      return try folder.write(Array(text.utf8), as: $0, writtenAt: (end + 1_000) * 1_000)
    }
  }

  private func contract() throws -> Contract {
    try Contract(
      yaml: """
        contract: C
        licensee: {name: A, keys: [acme]}
        time_zone: Asia/Shanghai
        """, path: "c.yaml")
  }

  /// All modules by item.
  private var itemPrices: [Price] {
    get throws {
      try Contract(
        yaml: """
          contract: C
          licensee: {name: A, keys: [acme]}
          time_zone: Asia/Shanghai
          prices:
            - {service: s, module: text-bot, unit: item, price: 1}
            - {service: s, module: order-bot, unit: item, price: 1}
          """, path: "c.yaml"
      ).prices
    }
  }

  @Test(arguments: cases) func definitionsAreNamed(seed: UInt64, kind: Kind) throws {
    var random = SeededRandom(seed: seed * 100 + UInt64(Kind.allCases.firstIndex(of: kind) ?? 0))
    let paths = try logs(&random, isSplit: kind == .lostLog || random.chance(30))
    let terms = Terms(try ContractBook([try contract()]))
    var passes = 0
    func counted(
      _ terms: Terms, rivals: Bool = false, leftOut: LeftOut? = nil
    ) throws -> MeteringResult {
      var options = MeteringOptions(
        threads: 2, memoryBytes: 512 << 20, temporaryFolder: folder.path)
      options.rivals = rivals ? .timeoutsAndQuarters : nil
      options.leftOut = leftOut
      passes += 1
      return try Metering(files: try InputFiles.find(paths), terms: terms, options: options).run()
    }
    let minutes = random.one(of: [10, 15, 20, 25, 45, 60])
    let hour = Instant(
      microseconds: (Self.start + Int64(random.number(26...90)) * 3_600_000) * 1_000)
    var expected: String
    var totals: [DailyTotal]
    switch kind {
    case .timeout:
      expected = "idle_timeout=\(minutes)m"
      totals = try counted(
        terms.changingRules { $0.idleTimeout = Interval(seconds: Int64(60 * minutes)) }
      ).totals
    case .utc:
      expected = "time_zone=+00:00"
      totals = try counted(terms.changing { $0.zone = .utc }).totals
    case .end:
      expected = "counted_in=end"
      totals = try counted(terms.changingRules { $0.countedIn = .end }).totals
    case .failed:
      expected = "failed_calls_counted"
      totals = try counted(terms.changingRules { Definition.failedCalls.change(&$0) }).totals
    case .duplicates:
      expected = "duplicates_counted"
      totals = try counted(terms.changingRules { Definition.duplicates.change(&$0) }).totals
    case .hour:
      expected = "without \(hour.rfc3339(in: zone)) to +1h"
      totals = try counted(
        terms, leftOut: .time(hour..<Instant(microseconds: hour.microseconds + 3_600_000_000))
      ).totals
    case .own:
      expected = "contract"
      totals = try counted(terms).totals
    case .slices:
      expected = "clock_15m"
      totals = try counted(terms, rivals: true).rivals.map {
        DailyTotal(
          contract: "C", licensee: $0.licensee, date: $0.date, module: $0.module,
          scenario: $0.scenario, meter: .conversation, quantity: $0.slices, messages: 0,
          failedMessages: 0, duplicates: 0)
      }
    case .calls:
      // Who charges by item states each call.
      expected = "call"
      let items = try itemPrices
      totals = try counted(terms.changing { $0.prices = items }).totals.map {
        var total = $0
        total.meter = .conversation
        return total
      }
    case .lostLog:
      let log = random.number(0...paths.count - 1)
      expected = "without \(paths[log])"
      totals = try counted(terms, leftOut: .log(log)).totals
    case .failedAndTimeout, .duplicatesAndTimeout:
      let definition: Definition = kind == .failedAndTimeout ? .failedCalls : .duplicates
      expected = "\(definition.name), idle_timeout=\(minutes)m"
      totals = try counted(
        terms.changingRules {
          definition.change(&$0)
          $0.idleTimeout = Interval(seconds: Int64(60 * minutes))
        }
      ).totals
    case .utcAndEnd:
      expected = "time_zone=+00:00, counted_in=end"
      totals = try counted(
        terms.changing {
          $0.zone = .utc
          $0.rules[0].rule.countedIn = .end
        }
      ).totals
    case .twofold:
      expected = "time_zone=+00:00, idle_timeout=\(minutes)m"
      totals = try counted(
        terms.changing {
          $0.zone = .utc
          $0.rules[0].rule.idleTimeout = Interval(seconds: Int64(60 * minutes))
        }
      ).totals
    }
    var claim = ClaimedTotals(comparesScenario: random.chance(50))
    for total in totals {
      claim.add(total.quantity, on: total.date, module: total.module, scenario: total.scenario)
    }
    let own = try counted(terms, rivals: true)
    #expect(own.totals.reduce(0) { $0 + $1.quantity } >= 2_000)
    typealias Inference = DefinitionInference<any Error>
    func pass(_ result: MeteringResult) -> Inference.Pass {
      Inference.Pass(
        totals: result.totals, rivals: result.rivals, quarters: result.quarters, logs: result.logs)
    }
    var inference = Inference(terms: terms, contract: 0, claim: claim) { terms, rivals, leftOut in
      pass(try counted(terms, rivals: rivals, leftOut: leftOut))
    }
    passes = 0
    let found = try inference.run(pass(own))
    if kind == .lostLog { #expect(passes <= 5 + 48 + 24) }
    // Totals of a day and two modules cannot always tell its hours apart: then all are named.
    let isOne = kind != .hour && kind != .lostLog
    #expect(
      found.map(\.name).contains(expected) && found.allSatisfy(\.isExact)
        && found.count <= (isOne ? 1 : 3),
      "\(expected): \(found.map { "\($0.name) leaves \($0.unexplained)" })")
    // And totals of no definition are said to be.
    if kind == .own {
      claim.add(1, on: Zone.utc.date(of: hour), module: "text-bot", scenario: "")
      var inference = Inference(terms: terms, contract: 0, claim: claim) { terms, rivals, leftOut in
        pass(try counted(terms, rivals: rivals, leftOut: leftOut))
      }
      let nearest = try inference.run(pass(own))
      #expect(nearest.count == 3 && nearest[0].name == "contract" && nearest[0].unexplained == 1)
      #expect(nearest.allSatisfy { !$0.isExact })
    }
  }
}
