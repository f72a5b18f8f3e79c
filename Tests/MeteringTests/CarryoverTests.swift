import Counting
import Foundation
import TestSupport
import Testing

/// Days counted one after another, each with what the one before carried over, come to what all of them
/// come to at once.
@Suite struct CarryoverTests {
  private static let seeds = testSeeds(600)

  @Test func stretchesAddUpToTheWhole() throws {
    var failed = 0
    for seed in Self.seeds where failed < 3 {
      var shape = LogShape()
      shape.recordCount = seed % 20 == 0 ? 200...400 : 20...60
      if let difference = try difference(shape, seed: seed, recordBytesMax: nil) {
        failed += 1
        Issue.record("\(difference)")
      }
    }
  }

  /// The records of one user, more than there is memory for.
  @Test(arguments: 1...8)
  func usersOfManyRecordsAddUpToo(seed: UInt64) throws {
    var shape = LogShape()
    shape.recordCount = 9_000...12_000
    shape.userCount = 1
    if let difference = try difference(shape, seed: seed + 10_000, recordBytesMax: 1) {
      Issue.record("\(difference)")
    }
  }

  /// What stretches come to otherwise than the whole; `nil` where they agree.
  private func difference(
    _ shape: LogShape, seed: UInt64, recordBytesMax: Int?
  ) throws -> String? {
    var random = SeededRandom(seed: seed)
    let plan = try LogPlan.random(&random, shape)
    let times = plan.files.joined().compactMap { line -> Int64? in
      if case .record(let record) = line.meaning { record.time } else { nil }
    }
    guard let last = times.max() else { return nil }
    // Moments close to records, where what follows bears on them.
    let near: [Int64] = [0, 1, -1, 10_000_000, 1_800_000_000, 3_600_000_000]
    let ends = (0..<random.number(1...6)).map { _ in
      random.one(of: times) + random.one(of: near)
    }
    let folder = try TemporaryFolder()
    let paths = try plan.files.enumerated().map { number, lines in
      try folder.write(lines.text, as: "log-\(number).ndjson")
    }
    let terms = try plan.terms()
    let threads = random.number(1...3)
    var whole = try Counted.metered(
      paths, terms: terms, threads: threads, temporaryFolder: folder.path)
    whole.balance.lines = 0
    whole.balance.blank = 0
    whole.balance.quarantined = 0
    var parts = try Counted.metered(
      paths, stretchesEnding: Set(ends.filter { $0 <= last }).sorted() + [last + 1], terms: terms,
      threads: threads, in: folder, recordBytesMax: recordBytesMax)
    // Records before the year 2000.
    parts.balance.quarantined = 0
    guard let difference = parts.difference(from: whole, inAnyOrder: true) else { return nil }
    return "seed \(seed), ends \(ends)\n\(difference.prefix(2_000))\n\(plan.yaml)\n"
      + plan.shown.prefix(6_000)
  }
}
