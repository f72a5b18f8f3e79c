import CivilTime
import Contracts
import Counting
import Decoding
import Foundation
import Ledger
import Metering
import Segments
import TestSupport
import Testing

@testable import Nights

/// Any division of the same logs into nights comes to the same as all of them at once, and as a count without
/// a workspace (rule 12).
@Suite struct NightsTests {
  private static let seeds = testSeeds(60)

  /// What a count found, every figure and every place of it.
  private struct Found: Equatable {
    var rows: [Counted.Row]
    var totals: [[UInt8]]
    var balance: Balance
    var bytes: ByteBalance
    var uses: [UseKey: Tally]
    var places: [UnlistedPlaceKey: Tally]
    var outside: [String: Tally]
    var unplaced: [UsageOwner: [String]]
    var conflicts: [String]
    var quarantined: [String]

    init(_ result: MeteringResult, _ terms: Terms) throws {
      let counted = try Counted(result, terms)
      rows = counted.rows
      totals = counted.totals
      balance = counted.balance
      bytes = counted.bytes
      uses = result.uses
      places = result.places
      outside = result.outside
      let sources = result.sources
      unplaced = result.unplaced.mapValues {
        ["\($0.total)"] + $0.numbers.map(sources.text(of:))
      }
      conflicts = result.conflicts.numbers.map(sources.text(of:))
      quarantined = result.quarantined.map { "\(sources.text(of: $0.source)) \($0.rejection)" }
    }

    func difference(from other: Found) -> String? {
      if self == other { return nil }
      var texts: [String] = []
      if balance != other.balance { texts.append("\(balance)\nexpected \(other.balance)") }
      if bytes != other.bytes { texts.append("\(bytes)\nexpected \(other.bytes)") }
      for (row, wanted) in zip(rows, other.rows) where row != wanted {
        texts.append("\(row.shown)\nexpected \(wanted.shown)")
        break
      }
      if rows.count != other.rows.count {
        texts.append("\(rows.count) rows, expected \(other.rows.count)")
      }
      if totals != other.totals { texts.append("totals differ") }
      if uses != other.uses { texts.append("\(uses)\nexpected \(other.uses)") }
      if places != other.places { texts.append("places differ") }
      if outside != other.outside { texts.append("\(outside)\nexpected \(other.outside)") }
      if unplaced != other.unplaced { texts.append("\(unplaced)\nexpected \(other.unplaced)") }
      if conflicts != other.conflicts { texts.append("\(conflicts)\nexpected \(other.conflicts)") }
      if quarantined != other.quarantined { texts.append("quarantined differ") }
      return texts.joined(separator: "\n")
    }
  }

  private func options(_ folder: TemporaryFolder, threads: Int) -> MeteringOptions {
    var options = MeteringOptions(
      threads: threads, memoryBytes: 256 << 20, temporaryFolder: folder.path)
    options.wantsRows = true
    options.findsPlaces = true
    return options
  }

  private func night(
    _ paths: [String], workspace: String, _ terms: Terms, _ options: MeteringOptions
  ) throws -> NightlyCount.Outcome {
    let hash = ContentHash.sha256(Array(terms.contracts.map(\.countingText).joined().utf8))
    let count = try NightlyCount(
      workspace: workspace, terms: terms, options: options,
      origin: NightlyCount.Origin(
        command: "test", user: "tester", programVersion: "1", configuration: hash, rule: hash))
    return try count.run(try InputFiles.find(paths))
  }

  @Test func aDaysFolderThatCannotBeMadeIsNamed() throws {
    let folder = try TemporaryFolder()
    let path = folder.path + "/workspace"
    let workspace = try Workspace.open(path, access: .write(holder: "test"), programVersion: "1")
    try FileManager.default.removeItem(atPath: path + "/days")
    try Data().write(to: URL(fileURLWithPath: path + "/days"))
    let builder = DayBuilder(
      workspace, terms: Terms(rule: ConversationRule(), zone: .utc),
      options: options(folder, threads: 1), inputEnd: Instant(seconds: 1_764_547_200))
    #expect {
      _ = try builder.build(
        CivilDate(year: 2025, month: 12, day: 1), inputsHash: .sha256([]), segments: [],
        carryIn: nil
      ) { $0 }
    } throws: { error in
      (error as? SegmentError)?.path == path + "/days/2025-12-01"
    }
  }

  @Test func nightsAreEqualToAllAtOnce() throws {
    var failed = 0
    var repeats = 0
    var halves = 0
    for seed in Self.seeds where failed < 3 {
      var random = SeededRandom(seed: seed)
      var shape = LogShape()
      shape.recordCount = 20...120
      shape.fileCount = 2...7
      let plan = try LogPlan.random(&random, shape)
      let terms = try plan.terms()
      let folder = try TemporaryFolder()
      let paths = try plan.files.enumerated().map { number, lines in
        let codec = random.one(of: StoredCodec.allCases)
        return try folder.write(codec.stored(lines.text), as: "log-\(number)")
      }
      // The same texts under other names, stored alike or otherwise.
      var copies: [String] = []
      for (number, lines) in plan.files.enumerated() where random.chance(30) {
        let codec = random.one(of: StoredCodec.allCases)
        copies.append(try folder.write(codec.stored(lines.text), as: "m-copy-\(number)"))
        repeats += 1
      }
      let whole = try Found(
        Metering(
          files: try InputFiles.find(paths), terms: terms,
          options: options(folder, threads: random.number(1...3))
        ).run(), terms)
      let once = try Found(
        night(
          paths + copies, workspace: folder.path + "/once", terms,
          options(folder, threads: random.number(1...3))
        ).count.range(nil).wholeResult(), terms)
      // In any order, some at a time, those taken in still there or not.
      var rest = (paths + copies).shuffled(using: &random)
      var present: [String] = []
      var last: Found?
      while !rest.isEmpty {
        let some = rest.prefix(random.number(1...3))
        rest.removeFirst(some.count)
        present = (random.chance(70) ? present : []) + some
        // One of them has come in part so far, and comes whole another night.
        var whole: (path: String, bytes: Data)?
        if random.chance(40), let path = some.first {
          let bytes = try Data(contentsOf: URL(fileURLWithPath: path))
          whole = (path, bytes)
          try bytes.prefix(random.number(0...max(bytes.count - 1, 0)))
            .write(to: URL(fileURLWithPath: path))
          rest.insert(path, at: random.number(0...rest.count))
          halves += 1
        }
        last = try Found(
          night(
            present, workspace: folder.path + "/nights", terms,
            options(folder, threads: random.number(1...3))
          ).count.range(nil).wholeResult(), terms)
        if let whole {
          present.removeAll { $0 == whole.path }
          try whole.bytes.write(to: URL(fileURLWithPath: whole.path))
        }
      }
      // A night on which nothing is new.
      let idle = try night(
        present, workspace: folder.path + "/nights", terms, options(folder, threads: 1))
      #expect(idle.taken.isEmpty && idle.days.isEmpty, "seed \(seed)")
      guard let last else { continue }
      // Two texts may be the same by chance.
      guard Set(plan.files.map(\.text)).count == plan.files.count else { continue }
      for (name, found) in [
        ("once", once), ("nights", last),
        ("idle", try Found(idle.count.range(nil).wholeResult(), terms)),
      ] {
        guard let difference = found.difference(from: whole) else { continue }
        failed += 1
        Issue.record("seed \(seed), \(name): \(difference.prefix(3_000))\n\(plan.yaml)")
        break
      }
      // Some of the dates, as a count that is asked for these alone gives them.
      guard let all = idle.count.dates else { continue }
      let first = all.lowerBound + random.number(0...1)
      let range = first...max(first, all.upperBound + -random.number(0...1))
      var dated = terms
      dated.dates = range
      let wanted = try Found(
        Metering(
          files: try InputFiles.find(paths), terms: dated, options: options(folder, threads: 2)
        ).run(), dated)
      let some = try idle.count.range(range).wholeResult()
      var found = try Found(some, dated)
      #expect(found.balance.isBalanced && found.bytes.isBalanced, "seed \(seed)")
      // Of the logs, those that have nothing of these dates are left out.
      found.balance = wanted.balance
      found.bytes = wanted.bytes
      found.quarantined = wanted.quarantined
      found.conflicts = wanted.conflicts
      if let difference = found.difference(from: wanted) {
        failed += 1
        Issue.record("seed \(seed), \(range): \(difference.prefix(3_000))\n\(plan.yaml)")
      }
    }
    #expect(repeats > 0 && halves > 0 || Self.seeds.count < 10)
  }

  /// A log in use: it grows, is rotated under another name, moved, and comes short once.
  @Test(arguments: [StoredCodec.plain, .gzip])
  func aLogThatLivesCountsEachOfItsLinesOnce(codec: StoredCodec) throws {
    func lines(_ range: Range<Int>) -> [UInt8] {
      range.flatMap { number in
        Array(
          "{\"time\":\"2025-12-01T0\(number / 60):\(10 + number % 50):00Z\",\"licensee\":\"a\",\"user\":\"u\(number)\"}\n"
            .utf8)
      }
    }
    let folder = try TemporaryFolder()
    let terms = Terms(rule: ConversationRule(), zone: .utc)
    func bring(_ files: [(String, Range<Int>)], missing: Int = 0) throws -> Int {
      let logs = folder.path + "/logs"
      try? FileManager.default.removeItem(atPath: logs)
      try FileManager.default.createDirectory(
        atPath: logs, withIntermediateDirectories: true)
      for (name, range) in files {
        try Data(codec.stored(lines(range).dropLast(missing)))
          .write(to: URL(fileURLWithPath: "\(logs)/\(name)"))
      }
      return try night(
        [logs], workspace: folder.path + "/ws", terms, options(folder, threads: 2)
      ).count.range(nil).result().balance.messages
    }
    #expect(try bring([("app.log", 0..<10)]) == 10)
    #expect(try bring([("app.log", 0..<15)]) == 15)
    // Rotated with what came since, and a new one.
    #expect(try bring([("app.log.1", 0..<20), ("app.log", 20..<25)]) == 25)
    #expect(try bring([("app.log.2", 0..<20), ("app.log.1", 20..<40), ("app.log", 40..<41)]) == 41)
    // Moved, and in part.
    #expect(try bring([("old-2", 0..<7), ("old-1", 20..<40), ("app.log", 40..<50)]) == 50)
    #expect(try bring([("app.log", 50..<55)]) == 55)
    // Two at once of which one is a part of the other.
    #expect(try bring([("b.log", 60..<70), ("a.log", 60..<90), ("c.log", 60..<61)]) == 85)
    // All but the end of its last line, and then that; and the other way round, under another name.
    #expect(try bring([("d.log", 100..<110)], missing: 5) == 94)
    #expect(try bring([("e.log", 100..<110)]) == 95)
    #expect(try bring([("f.log", 100..<110)], missing: 7) == 95)
  }
}
