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

/// A workspace is what its raw logs give, or the difference is named.
@Suite struct RawProofTests {
  private struct Case {
    let folder: TemporaryFolder
    let terms: Terms
    /// The logs that are there.
    var paths: [String]

    init(_ seed: UInt64, rule: String = "{idle_timeout: 9h}") throws {
      var random = SeededRandom(seed: seed)
      folder = try TemporaryFolder()
      let yaml = """
        contract: C-1
        licensor: {name: B}
        licensee: {name: A, keys: [a, b]}
        time_zone: Asia/Shanghai
        conversation: \(rule)
        """
      let contract = try folder.write(Array(yaml.utf8), as: "contract.yaml")
      terms = Terms(try ContractBook([try Contract.read(path: contract)]))
      paths = []
      let start = 1_764_518_400 - 30 * 3_600
      for number in 0..<6 {
        var text = random.chance(30) ? "no record\n\n" : ""
        for _ in 0..<random.number(1...30) {
          let time = start + random.number(0...60 * 3_600)
          text +=
            "{\"time\":\(time),\"licensee\":\"\(random.chance(50) ? "a" : "b")\","
            + "\"user\":\"u\(random.number(0...3))\",\"module\":\"bot\","
            + "\"request_id\":\"r\(random.number(0...60))\"}\n"
        }
        let codec = random.one(of: StoredCodec.allCases)
        paths.append(try folder.write(codec.stored(Array(text.utf8)), as: "log-\(number)"))
      }
    }

    var options: MeteringOptions {
      var options = MeteringOptions(
        threads: 2, memoryBytes: 256 << 20, temporaryFolder: folder.path)
      options.wantsRows = true
      options.findsPlaces = true
      return options
    }

    func count(_ workspace: String = "ws") throws -> NightlyCount {
      let hash = ContentHash.sha256(Array(terms.contracts.map(\.countingText).joined().utf8))
      return try NightlyCount(
        workspace: "\(folder.path)/\(workspace)", terms: terms, options: options,
        origin: NightlyCount.Origin(
          command: "test", user: "tester", programVersion: "1", configuration: hash, rule: hash))
    }

    @discardableResult
    func night(_ paths: [String], _ workspace: String = "ws") throws -> NightlyCount.Outcome {
      try count(workspace).run(try InputFiles.find(paths))
    }

    func prove(rule: String? = nil) throws -> RawProof.Outcome {
      let scratch = "\(folder.path)/scratch-\(UUID().uuidString)"
      try FileManager.default.createDirectory(
        atPath: scratch, withIntermediateDirectories: false)
      let rule = rule ?? terms.contracts.map(\.countingText).joined()
      let hash = ContentHash.sha256(Array(rule.utf8))
      let workspace = try Workspace.open(
        folder.path + "/ws", access: .read, programVersion: "1")
      return try RawProof(
        workspace, scratch: scratch, terms: terms, options: options,
        origin: NightlyCount.Origin(
          command: "test", user: "tester", programVersion: "1", configuration: hash, rule: hash)
      ).run()
    }
  }

  @Test func whatNightsTookInIsWhatTheLogsGive() throws {
    for seed in 1...12 as ClosedRange<UInt64> {
      var random = SeededRandom(seed: seed &+ 1_000)
      let story = try Case(seed)
      var rest = story.paths.shuffled(using: &random)
      var present: [String] = []
      var isClosed = false
      while !rest.isEmpty {
        present.append(contentsOf: rest.prefix(random.number(1...3)))
        rest.removeAll { present.contains($0) }
        let count = try story.count()
        let night = try count.run(try InputFiles.find(present))
        if !isClosed && random.chance(50) {
          try count.close(CivilMonth(year: 2025, month: 11), night, reports: [:])
          isClosed = true
        }
      }
      // A copy under a smaller name, by which the log is then known.
      let copy = story.folder.path + "/a-copy"
      try FileManager.default.copyItem(atPath: present[0], toPath: copy)
      try story.night(present + [copy])
      let proof = try story.prove()
      #expect(proof.problems.isEmpty, "seed \(seed): \(proof.problems)")
      #expect(proof.logs == 6 && proof.days > 1 && proof.records > 6, "seed \(seed)")
      #expect(proof.months == (isClosed ? 1 : 0), "seed \(seed)")
      // Under any of its names.
      try FileManager.default.removeItem(atPath: random.chance(50) ? copy : present[0])
      #expect(try story.prove().problems.isEmpty, "seed \(seed)")
    }
  }

  @Test func aRebuiltWorkspaceHasTheSameDaysAndSegments() throws {
    for seed in 1...6 as ClosedRange<UInt64> {
      var random = SeededRandom(seed: seed)
      let story = try Case(seed)
      for count in 1...story.paths.count {
        try story.night(story.paths.suffix(count).shuffled(using: &random))
      }
      try story.night(story.paths, "again")
      func files(_ workspace: String) throws -> [StoredFile] {
        try Workspace.open(
          "\(story.folder.path)/\(workspace)", access: .read, programVersion: "1"
        ).ledger.read { state throws(WorkspaceError) in try state.referencedFiles() }
      }
      #expect(try files("ws") == files("again"), "seed \(seed)")
      let again = try files("again")
      #expect(again.count > 10)
    }
  }

  /// What came when the newest log was older is read again as it was then.
  @Test func timesThatWereTooLateStaySo() throws {
    let story = try Case(1)
    let log = story.paths[0]
    let early = Date(timeIntervalSince1970: 1_764_518_400 - 70 * 3_600)
    try FileManager.default.setAttributes([.modificationDate: early], ofItemAtPath: log)
    let quarantined = try story.night([log]).count.inputs[0].file.quarantined
    #expect(quarantined > 0)
    try story.night(story.paths)
    #expect(try story.prove().problems.isEmpty)
  }

  @Test func aLogThatIsGoneOrAnotherIsNamed() throws {
    let story = try Case(2)
    try story.night(story.paths)
    let bytes = try Data(contentsOf: URL(fileURLWithPath: story.paths[3]))
    func expectMissing() throws {
      let proof = try story.prove()
      #expect(proof.logs == 5)
      let problems = proof.problems.map { "\($0)" }
      #expect(problems.count == 2, "\(problems)")
      #expect(problems[0].hasPrefix("\(story.paths[3]): is gone, or another file is in its place"))
      #expect(problems[0].contains("without which 2025-11-30 cannot be proven"))
      #expect(problems[1].hasPrefix("days: 2025-11-30 to 2025-12-01 cannot be proven"))
    }
    try FileManager.default.removeItem(atPath: story.paths[3])
    try expectMissing()
    try (bytes + Data([0])).write(to: URL(fileURLWithPath: story.paths[3]))
    try expectMissing()
    try bytes.write(to: URL(fileURLWithPath: story.paths[3]))
    #expect(try story.prove().problems.isEmpty)
  }

  @Test func anotherRuleIsSaidOnce() throws {
    let story = try Case(3)
    try story.night(story.paths)
    let proof = try story.prove(rule: "another")
    #expect(proof.problems.count == 1 && proof.logs == 6 && proof.days == 0)
    #expect("\(proof.problems)".contains("were counted by the rule"))
  }

  /// Everything that the ledger seals fits, and yet it is not what the log gives.
  @Test func aForgedWorkspaceIsFound() throws {
    let story = try Case(4)
    let other = try Case(5)
    try story.night(story.paths)
    // In place of a log, one with fewer records, taken in as that.
    let workspace = try Workspace.open(
      story.folder.path + "/ws", access: .write(holder: "test"), programVersion: "1")
    let intake = Intake(
      try InputFiles.find([other.paths[0]]), digests: [.sha256([1])],
      latestTimes: [Instant(microseconds: .max)], folder: workspace.path + "/segments",
      options: story.options)
    let forged = try #require(try intake.run().first)
    let run = try workspace.ledger.begin(
      RunStart(
        command: "forge", programVersion: "1", configurationHash: .zero,
        ruleHash: .sha256(Array(story.terms.contracts.map(\.countingText).joined().utf8)),
        user: "forger"))
    try workspace.ledger.commit(run) { transaction throws(WorkspaceError) in
      let (name, file) = try transaction.state.logs()[0]
      guard let id = try transaction.state.file(textDigest: file.textDigest)?.id else { return }
      try transaction.remove(id)
      try transaction.insert(
        file,
        segments: forged.segments.map { segment in
          LedgerSegment(
            day: segment.day,
            file: StoredFile(
              segment.file, path: String(segment.file.path.dropFirst(workspace.path.count + 1))),
            records: segment.records, firstTime: segment.first, lastTime: segment.last)
        }, name: name)
    }
    #expect(try workspace.verify().filter(\.isError).isEmpty)
    let problems = try story.prove().problems
    #expect(!problems.isEmpty)
    #expect(problems.allSatisfy { $0.path == story.paths[0] })
    #expect("\(problems)".contains("its records of 2025-11-30: expected "))
  }

  @Test func forgedTotalsOfAClosedMonthAreFound() throws {
    let story = try Case(6)
    let november = CivilMonth(year: 2025, month: 11)
    do {
      let count = try story.count()
      let night = try count.run(try InputFiles.find(story.paths))
      try count.close(november, night, reports: [:])
    }
    #expect(try story.prove().problems.isEmpty)
    do {
      let workspace = try Workspace.open(
        story.folder.path + "/ws", access: .write(holder: "test"), programVersion: "1")
      let run = try workspace.ledger.begin(
        RunStart(
          command: "forge", programVersion: "1", configurationHash: .zero, ruleHash: .zero,
          user: "forger"))
      try workspace.ledger.commit(run) { transaction throws(WorkspaceError) in
        try transaction.book(
          Adjustment(
            contract: "C-1", licensee: "a", closed: november, booked: november.next,
            date: november.last, module: "bot", scenario: "", unit: "conversation", quantity: -1,
            messages: 0, failedMessages: 0, duplicates: 0, cause: "late_log", log: nil))
      }
    }
    let problems = try story.prove().problems
    #expect(problems.count == 1)
    #expect(
      "\(problems)".contains(
        "period 2025-11: frozen and booked for contract C-1, licensee a, 2025-11-30, module bot, "))
  }
}
