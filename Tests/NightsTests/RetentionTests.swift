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

/// Days whose segments were removed stay as they are, and nothing that comes later is counted twice or lost.
@Suite struct RetentionTests {
  /// What a night says, without the workspace that it holds open.
  private struct Told {
    var totals: [String]
    var messages: Int
    var inputEnd: Instant?
    var until: CivilDate?
    var uncounted: [String: Int]
    var taken: [String]
    var extended: [String]
    var repeated: [String]
    var days: [CivilDate]
    var late: [Adjustment]

    init(_ night: NightlyCount.Outcome) throws {
      let result = try night.count.range(nil).wholeResult()
      #expect(result.balance.isBalanced)
      totals = result.totals.map { "\($0)" }.sorted()
      messages = result.balance.messages
      inputEnd = night.count.inputEnd
      until = night.sealed.until
      uncounted = Dictionary(uniqueKeysWithValues: night.uncounted.map { ($0.path, $0.records) })
      taken = night.taken
      extended = night.extended
      repeated = night.repeated.map(\.path)
      days = night.days
      late = night.late
    }
  }

  /// Two workspaces over the same logs, one of which removes segments.
  private struct Case {
    let folder: TemporaryFolder
    var terms: Terms

    init() throws {
      folder = try TemporaryFolder()
      terms = try Self.terms(folder, "{idle_timeout: 9h}")
    }

    static func terms(_ folder: TemporaryFolder, _ rule: String) throws -> Terms {
      let yaml = """
        contract: C-1
        licensor: {name: B}
        licensee: {name: A, keys: [a]}
        time_zone: Asia/Shanghai
        conversation: \(rule)
        """
      let path = try folder.write(Array(yaml.utf8), as: "contract.yaml")
      return Terms(try ContractBook([try Contract.read(path: path)]))
    }

    /// - Parameter day: since 2025-09-01.
    func line(_ random: inout SeededRandom, day: ClosedRange<Int>) -> String {
      let time = 1_756_684_800 + random.number(day) * 86_400 + random.number(0...86_399)
      return "{\"time\":\(time),\"licensee\":\"a\",\"user\":\"u\(random.number(0...2))\","
        + "\"request_id\":\"r\(random.number(0...3_000))\"}\n"
    }

    func log(
      _ random: inout SeededRandom, _ name: String, days: ClosedRange<Int>, records: Int
    ) throws -> String {
      let text = (0..<records).map { _ in line(&random, day: days) }.joined()
      return try folder.write(Array(text.utf8), as: name)
    }

    func count(_ workspace: String, keepDays: Int?) throws -> NightlyCount {
      var options = MeteringOptions(
        threads: 2, memoryBytes: 256 << 20, temporaryFolder: folder.path)
      options.wantsRows = true
      let hash = ContentHash.sha256(Array(terms.contracts.map(\.countingText).joined().utf8))
      return try NightlyCount(
        workspace: "\(folder.path)/\(workspace)", terms: terms, options: options,
        origin: NightlyCount.Origin(
          command: "test", user: "tester", programVersion: "1", configuration: hash, rule: hash),
        keepDays: keepDays)
    }

    func night(_ paths: [String], _ workspace: String = "kept") throws -> Told {
      try Told(
        count(workspace, keepDays: workspace == "kept" ? 40 : nil)
          .run(try InputFiles.find(paths)))
    }

    /// Both, which must come to the same.
    func nights(_ paths: [String]) throws -> Told {
      let all = try night(paths, "all")
      let kept = try night(paths)
      #expect(kept.totals == all.totals)
      #expect(kept.late == all.late)
      return kept
    }

    func close(_ months: ClosedRange<Int>, _ paths: [String]) throws {
      for number in months { try close(CivilMonth(year: 2025, month: number), paths) }
    }

    func close(_ month: CivilMonth, _ paths: [String]) throws {
      for (workspace, keepDays) in [("all", nil), ("kept", 40)] {
        do {
          let count = try count(workspace, keepDays: keepDays)
          let night = try count.run(try InputFiles.find(paths))
          try count.checkClosing(month, night, isIncomplete: false)
          try count.close(month, night, reports: [:])
        }
      }
    }

    func segmentDays() throws -> [String] {
      try FileManager.default.contentsOfDirectory(atPath: folder.path + "/kept/segments").sorted()
    }

    func prove() throws -> [WorkspaceProblem] {
      let scratch = "\(folder.path)/scratch-\(UUID().uuidString)"
      try FileManager.default.createDirectory(
        atPath: scratch, withIntermediateDirectories: false)
      let count = try count("unused", keepDays: nil)
      let workspace = try Workspace.open(
        folder.path + "/kept", access: .read, programVersion: "1")
      var options = MeteringOptions(
        threads: 2, memoryBytes: 256 << 20, temporaryFolder: folder.path)
      options.wantsRows = true
      return try workspace.verify().filter(\.isError)
        + RawProof(
          workspace, scratch: scratch, terms: terms, options: options, origin: count.origin
        ).run().problems
    }
  }

  @Test func sealedDaysStayAndTheOthersGoOn() throws {
    for seed in 1...6 as ClosedRange<UInt64> {
      var random = SeededRandom(seed: seed)
      var story = try Case()
      var paths: [String] = []
      for first in stride(from: 0, through: 100, by: 6) {
        paths.append(
          try story.log(
            &random, "log-\(1_000 + first)", days: first...first + 7, records: 12))
      }
      _ = try story.nights(Array(paths.shuffled(using: &random).prefix(5)))
      let open = try story.nights(paths)
      #expect(open.until == nil)
      try story.close(9...11, paths)
      let night = try story.nights(paths)
      let until = try #require(night.until)
      let last = try #require(night.inputEnd)
      #expect(until < Zone.utc.date(of: last) + -40, "seed \(seed)")
      #expect(until > CivilDate(year: 2025, month: 10, day: 25), "seed \(seed) \(until)")
      // What is new is counted, on days behind the sealed ones, too.
      paths.append(try story.log(&random, "new-1", days: 80...112, records: 40))
      let more = try story.nights(paths)
      #expect(more.uncounted.isEmpty && more.taken.count == 1 && !more.late.isEmpty)
      // What one run seals, the next one sweeps.
      #expect(try story.segmentDays().allSatisfy { $0 > "\(until)" }, "seed \(seed)")
      // A copy of what is sealed is known, compressed otherwise, too.
      let bytes = try Data(contentsOf: URL(fileURLWithPath: paths[2]))
      let copy = try story.folder.write(StoredCodec.gzip.stored(Array(bytes)), as: "z-copy")
      let repeated = try story.nights(paths + [copy])
      #expect(repeated.repeated == [copy] && repeated.taken.isEmpty && repeated.uncounted.isEmpty)
      // A rule that begins later counts what is not sealed, and changes nothing of what is.
      story.terms = try Case.terms(
        story.folder, "[{idle_timeout: 9h}, {from: 2025-12-01, idle_timeout: 1h}]")
      let ruled = try story.nights(paths)
      #expect(ruled.days.allSatisfy { $0 > until } && !ruled.days.isEmpty)
      // Records of sealed days are told once, and not counted; those of others are.
      let late = try story.log(&random, "late", days: 3...9, records: 7)
      let told = try story.night(paths + [late])
      #expect(told.uncounted == [late: 7])
      #expect(told.late.isEmpty && told.days.isEmpty && told.totals == ruled.totals)
      let again = try story.night(paths + [late])
      #expect(again.uncounted.isEmpty && again.taken.isEmpty && again.repeated.isEmpty)
      // A month with sealed days stays closed.
      let count = try story.count("kept", keepDays: 40)
      let error = #expect(throws: ClosingError.self) {
        try count.reopen(CivilMonth(year: 2025, month: 11), reason: "test")
      }
      #expect(error?.description.contains("were removed ('keep_segments')") ?? false)
    }
  }

  @Test func theRawLogsStillProveSealedDays() throws {
    var random = SeededRandom(seed: 1)
    let story = try Case()
    var paths = try stride(from: 0, through: 100, by: 6).map { first in
      try story.log(&random, "log-\(1_000 + first)", days: first...first + 7, records: 12)
    }
    try story.close(9...11, paths)
    _ = try story.nights(paths)
    #expect(try story.prove().map(\.isError) == [false])
    paths.append(try story.log(&random, "late", days: 30...110, records: 40))
    let night = try story.night(paths)
    #expect(night.uncounted.count == 1 && night.uncounted.values.allSatisfy { $0 > 3 })
    #expect(try story.prove().filter(\.isError).isEmpty)
    try FileManager.default.removeItem(atPath: paths[1])
    let problems = try story.prove().filter(\.isError)
    #expect("\(problems)".contains("log-1006: is gone"))
    #expect("\(problems)".contains("period 2025-09: cannot be proven"))
  }

  /// A log that grows keeps its days; one that comes whole when its days are sealed counts its other days once.
  @Test func aLogThatGrewIsCountedOnce() throws {
    let story = try Case()
    func write(_ lines: [String], _ name: String) throws -> String {
      try story.folder.write(Array(lines.joined().utf8), as: name)
    }
    func line(_ day: Int, _ number: Int) -> String {
      "{\"time\":\(1_756_684_800 + day * 86_400 + 40_000 + number),\"licensee\":\"a\",\"user\":\"u\"}\n"
    }
    // One from the first day to the last.
    let growing = (0...107).map { line($0, 0) }
    let app = try write(Array(growing.prefix(100)), "app.log")
    // One of some weeks, of which a part is there.
    let old = (20...60).map { line($0, 1) }
    let short = try write(Array(old.prefix(35)), "old.log")
    let new = try write((90...107).map { line($0, 2) }, "new.log")
    var paths = [app, short, new]
    try story.close(9...11, paths)
    #expect(try story.nights(paths).until == nil)
    // It is rotated away, and others follow.
    let rest = try write((108...138).map { line($0, 3) }, "rest.log")
    let last = try write((139...175).map { line($0, 4) }, "last.log")
    paths = [rest, app, short, new, last]
    try story.close(12...12, paths)
    try story.close(CivilMonth(year: 2026, month: 1), paths)
    let sealed = try story.nights(paths)
    let until = try #require(sealed.until)
    #expect(until == CivilDate(year: 2025, month: 9, day: 1) + 134, "\(until)")
    #expect(sealed.messages == 100 + 35 + 18 + 31 + 37)
    // Whole now, its days are sealed: what is more is told.
    _ = try write(old, "old.log")
    let whole = try story.night(paths)
    #expect(Array(whole.uncounted.values) == [6])
    #expect(whole.messages == 100 + 35 + 18 + 31 + 37)
    // Some days of this one are sealed, and others are not: these count once.
    let longer = (108...143).map { line($0, 3) }
    _ = try write(longer, "rest.log")
    let grown = try story.night(paths)
    #expect(grown.uncounted.isEmpty && grown.extended == [rest])
    #expect(grown.messages == 100 + 35 + 18 + 36 + 37)
    // Under another name, and by records alone.
    let renamed = try story.folder.write(
      StoredCodec.gzip.stored(Array((longer + [line(144, 3)]).joined().utf8)), as: "rest.gz")
    let found = try story.night(paths.dropFirst() + [renamed])
    #expect(found.uncounted.isEmpty)
    #expect(found.messages == 100 + 35 + 18 + 37 + 37)
    let idle = try story.night(paths.dropFirst() + [renamed])
    #expect(idle.taken.isEmpty && idle.days.isEmpty && idle.uncounted.isEmpty)
  }
}
