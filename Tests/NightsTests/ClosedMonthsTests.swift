import CivilTime
import Contracts
import Counting
import Decoding
import Foundation
import Ledger
import Metering
import TestSupport
import Testing

@testable import Nights

/// What is closed stays, and what is booked for it adds up to an open count.
@Suite struct ClosedMonthsTests {
  private struct Key: Hashable {
    var licensee: String
    var date: CivilDate
    var module: String
    var meter: String
  }

  private let november = CivilMonth(year: 2025, month: 11)

  private func contract(_ folder: TemporaryFolder, _ rule: String) throws -> Terms {
    let yaml = """
      contract: C-1
      licensor: {name: B}
      licensee: {name: A, keys: [a, b]}
      time_zone: Asia/Shanghai
      conversation: \(rule)
      prices:
        - {service: s, module: kb, unit: item, price: "0.02"}
      """
    let path = try folder.write(Array(yaml.utf8), as: "contract.yaml")
    return Terms(try ContractBook([try Contract.read(path: path)]))
  }

  private func count(
    _ folder: TemporaryFolder, _ terms: Terms
  ) throws -> NightlyCount {
    var options = MeteringOptions(
      threads: 2, memoryBytes: 256 << 20, temporaryFolder: folder.path)
    options.wantsRows = true
    let rule = terms.contracts.map(\.countingText).joined()
    let hash = ContentHash.sha256(Array(rule.utf8))
    return try NightlyCount(
      workspace: folder.path + "/ws", terms: terms, options: options,
      origin: NightlyCount.Origin(
        command: "test", user: "tester", programVersion: "1", configuration: hash, rule: hash))
  }

  /// Logs around the end of November in the contract's zone, with long conversations and repeated calls.
  private func logs(_ random: inout SeededRandom, _ folder: TemporaryFolder) throws -> [String] {
    let start = 1_764_518_400 - 30 * 3_600  // 2025-11-30T16:00:00Z begins December in Shanghai.
    return try (0..<8).map { number in
      var text = ""
      for _ in 0..<random.number(1...30) {
        let time = start + random.number(0...60 * 3_600)
        let module = random.chance(25) ? "kb" : "bot"
        text +=
          "{\"time\":\(time),\"licensee\":\"\(random.chance(50) ? "a" : "b")\","
          + "\"user\":\"u\(random.number(0...3))\",\"module\":\"\(module)\","
          + "\"request_id\":\"r\(random.number(0...60))\",\"items\":\(random.number(1...4)),"
          + "\"status\":\(random.chance(10) ? 500 : 200)}\n"
      }
      return try folder.write(Array(text.utf8), as: "log-\(number)")
    }
  }

  private func totals(_ totals: [DailyTotal]) -> [Key: [Int]] {
    var sums: [Key: [Int]] = [:]
    for total in totals {
      let key = Key(
        licensee: total.licensee, date: total.date, module: total.module,
        meter: total.meter.rawValue)
      sums[key] = [total.quantity, total.messages, total.failedMessages, total.duplicates]
    }
    return sums.filter { $0.value != [0, 0, 0, 0] }
  }

  private func sum(_ frozen: String, _ adjustments: [Adjustment]) throws -> [Key: [Int]] {
    var sums: [Key: [Int]] = [:]
    for (key, counts) in try FrozenTotals(json: frozen).counts {
      sums[
        Key(
          licensee: key.licensee, date: CivilDate(daysSinceEpoch: key.date), module: key.module,
          meter: key.unit)] = [
          counts.quantity, counts.messages, counts.failedMessages, counts.duplicates,
        ]
    }
    for adjustment in adjustments {
      let key = Key(
        licensee: adjustment.licensee, date: adjustment.date, module: adjustment.module,
        meter: adjustment.unit)
      let change = [
        adjustment.quantity, adjustment.messages, adjustment.failedMessages, adjustment.duplicates,
      ]
      sums[key] = zip(sums[key] ?? [0, 0, 0, 0], change).map { $0 + $1 }
    }
    return sums.filter { $0.value != [0, 0, 0, 0] }
  }

  @Test(arguments: [
    "{idle_timeout: 30m}", "{idle_timeout: 9h, failed_messages: extend}",
    "{idle_timeout: 2h, identity: [user, module], counted_in: end}",
  ])
  func frozenFiguresAndAdjustmentsAreTheOpenCount(rule: String) throws {
    var adjusted = 0
    var named = 0
    for seed in 1...8 as ClosedRange<UInt64> {
      var random = SeededRandom(seed: seed)
      let folder = try TemporaryFolder()
      let terms = try contract(folder, rule)
      var rest = try logs(&random, folder).shuffled(using: &random)
      var present = Array(rest.prefix(random.number(1...4)))
      rest.removeFirst(present.count)
      do {
        let count = try count(folder, terms)
        let night = try count.run(try InputFiles.find(present))
        try count.checkClosing(november, night, isIncomplete: true)
        try count.close(november, night, reports: ["count.csv": "00"])
      }
      var frozen: ClosedPeriod?
      while !rest.isEmpty {
        let some = rest.prefix(random.number(1...3))
        rest.removeFirst(some.count)
        present += some
        let night = try count(folder, terms).run(try InputFiles.find(present))
        let closed = try #require(night.closed.first)
        if let frozen { #expect(closed == frozen, "seed \(seed)") }
        frozen = closed
        let open = totals(
          try night.count.range(november.first...november.last).result().totals)
        let booked = try sum(closed.totals, night.adjustments)
        #expect(open == booked, "seed \(seed)")
        #expect(night.adjustments.allSatisfy { $0.booked == november.next })
        for adjustment in night.late where adjustment.cause == "late_log" {
          #expect(some.contains { $0 == adjustment.log?.name }, "seed \(seed)")
          named += 1
        }
        adjusted += night.late.count
        // What was frozen can be shown again.
        let shown = totals(
          try night.count.frozen(closed).range(november.first...november.last).result().totals)
        #expect(shown == (try sum(closed.totals, [])), "seed \(seed)")
      }
      // Opened again, it is what all logs come to.
      let count = try count(folder, terms)
      try count.reopen(november, reason: "test")
      let night = try count.run(try InputFiles.find(present))
      #expect(night.closed.isEmpty && night.adjustments.isEmpty && night.late.isEmpty)
    }
    #expect(adjusted > 50 && named > 50)
  }

  @Test func monthsAreClosedInOrderAndByTheSameTerms() throws {
    let folder = try TemporaryFolder()
    let terms = try contract(folder, "{idle_timeout: 30m}")
    var random = SeededRandom(seed: 1)
    let paths = try logs(&random, folder)
    do {
      let count = try count(folder, terms)
      let night = try count.run(try InputFiles.find(paths))
      #expect(throws: ClosingError.self) {
        try count.checkClosing(november.next, night, isIncomplete: true)
      }
      // The logs go on until the second of December.
      try count.checkClosing(november, night, isIncomplete: false)
      try count.close(november, night, reports: [:])
      let next = try count.run(try InputFiles.find(paths))
      #expect(throws: ClosingError.self) {
        try count.checkClosing(november, next, isIncomplete: true)
      }
      #expect(throws: ClosingError.self) {
        try count.checkClosing(november.next, next, isIncomplete: false)
      }
      try count.checkClosing(november.next, next, isIncomplete: true)
      #expect(throws: ClosingError.self) { try count.reopen(november.next, reason: "no") }
    }
    // What comes for a month before, of which there was nothing, is booked as a whole.
    do {
      let early = try folder.write(
        Array("{\"time\":\"2025-09-10T00:00:00Z\",\"licensee\":\"a\",\"user\":\"x\"}\n".utf8),
        as: "early")
      let night = try count(folder, terms).run(try InputFiles.find(paths + [early]))
      #expect(night.closed.map { "\($0.month)" } == ["2025-09", "2025-11"])
      #expect(
        night.late.map { "\($0.closed) \($0.quantity) \($0.cause)" } == ["2025-09 1 late_log"])
      let september = CivilMonth(year: 2025, month: 9)
      let frozen = try night.count.frozen(night.closed[0])
        .range(september.first...september.last).result()
      #expect(frozen.totals.isEmpty)
    }
    // What begins later is no other rule for what is closed.
    let later = try contract(
      folder, "[{idle_timeout: 30m}, {from: 2025-12-01, idle_timeout: 1h}]")
    do {
      let night = try count(folder, later).run(try InputFiles.find(paths))
      #expect(night.late.isEmpty && !night.days.isEmpty)
    }
    let other = try contract(folder, "{idle_timeout: 31m}")
    #expect(throws: ClosedTermsError.self) {
      try count(folder, other).run(try InputFiles.find(paths))
    }
  }
}
