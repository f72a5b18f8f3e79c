import Counting
import Foundation
import TestSupport
import Testing

/// The product's count against the reference, on many small logs.
@Suite struct DifferentialTests {
  /// Logs in one run; a single one is run again with `DUIZHANG_SEED`.
  private static let seeds = testSeeds(2_000)

  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  @Test func twoThousandLogsCountAsTheReferenceCountsThem() throws {
    var failed = 0
    var seen: Set<String> = []
    for seed in Self.seeds where failed < 3 {
      var random = SeededRandom(seed: seed)
      var shape = LogShape()
      shape.recordCount = random.chance(4) ? 200...400 : 20...50
      shape.earlyFilePercent = 15
      let plan = try LogPlan.random(&random, shape)
      if seed % 10 == 0 {
        let counted = plan.reference(fileNames: plan.files.indices.map { "\($0)" })
        seen.formUnion(Self.kinds(counted))
      }
      guard let difference = try difference(plan, seed: seed) else { continue }
      failed += 1
      let least = try minimal(plan, seed: seed)
      let leastDifference = try self.difference(least, seed: seed) ?? ""
      Issue.record(
        """
        seed \(seed)
        \(difference.prefix(2_000))
        the least log that shows it:
        \(least.yaml)
        \(least.shown)
        \(leastDifference)
        """)
    }
    if Self.seeds.count > 100 {
      #expect(
        seen == [
          "close", "idle", "max_duration", "open", "still_open", "only_opened_and_closed",
          "fewer_than_min_messages", "blank", "quarantined", "items", "ignored", "failed",
          "duplicates", "outside", "unplaced", "conflicts",
        ])
    }
  }

  /// What a log was good for, so that the logs together are known to reach everything.
  private static func kinds(_ counted: Counted) -> Set<String> {
    var kinds: Set<String> = []
    for text in counted.rowTexts {
      let columns = String(decoding: text, as: UTF8.self).split(
        separator: "\t", omittingEmptySubsequences: false)
      kinds.formUnion(columns.suffix(5).map(String.init).filter { !$0.isEmpty && Int($0) == nil })
    }
    let balance = counted.balance
    for (name, count) in [
      ("blank", balance.blank), ("quarantined", balance.quarantined), ("items", balance.items),
      ("ignored", balance.ignored), ("failed", balance.failed), ("duplicates", balance.duplicates),
      ("outside", balance.outsideContract), ("unplaced", balance.unplaced),
      ("conflicts", balance.conflicts),
    ] where count > 0 { kinds.insert(name) }
    return kinds
  }

  /// What the product says otherwise than the reference; `nil` where they agree.
  private func difference(_ plan: LogPlan, seed: UInt64) throws -> String? {
    var random = SeededRandom(seed: seed &+ 1_000_000)
    var paths: [String] = []
    for (file, lines) in plan.files.enumerated() {
      // The newest file alone decides, whichever it is.
      let age = file == plan.files.count - 1 ? 0 : Int64(random.number(0...3)) * 86_400_000_000
      paths.append(
        try folder.write(
          stored(lines, &random), as: "log-\(file)", writtenAt: plan.writtenAt.map { $0 - age }))
    }
    let measured = try Counted.metered(
      paths, terms: plan.terms(), threads: random.number(1...2), temporaryFolder: folder.path)
    return measured.difference(from: plan.reference(fileNames: paths), inAnyOrder: true)
  }

  /// The file's bytes in one codec or another; gzip in several members, sometimes without the last
  /// line end.
  private func stored(_ lines: [LogLine], _ random: inout SeededRandom) -> [UInt8] {
    var text = lines.text
    if random.chance(30), let last = lines.last, !last.bytes.isEmpty { text.removeLast() }
    if random.chance(10) { text = [0xEF, 0xBB, 0xBF] + text }
    let codec = random.one(of: StoredCodec.allCases)
    guard codec == .gzip && random.chance(50) else { return codec.stored(text) }
    let cut = random.number(0...text.count)
    return codec.stored(Array(text[..<cut])) + codec.stored(Array(text[cut...]))
  }

  /// Takes lines away for as long as the difference stays.
  private func minimal(_ plan: LogPlan, seed: UInt64) throws -> LogPlan {
    var least = plan
    var isSmaller = true
    while isSmaller {
      isSmaller = false
      for file in least.files.indices {
        for index in least.files[file].indices.reversed() {
          var smaller = least
          smaller.files[file].remove(at: index)
          if try difference(smaller, seed: seed) != nil {
            least = smaller
            isSmaller = true
          }
        }
      }
    }
    return least
  }
}
