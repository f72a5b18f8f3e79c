import Foundation
import TestSupport
import Testing

/// One log counted in many ways: the count does not depend on how records are spread over files, on
/// codecs, threads or memory.
@Suite struct EqualWaysTests {
  private struct Way: CustomStringConvertible {
    var fileCount: Int
    var codec: StoredCodec
    var threads: Int
    var recordBytesMax: Int?

    var description: String {
      "\(fileCount) files, \(codec), \(threads) threads, memory \(recordBytesMax ?? 0)"
    }
  }

  private static let ways = [
    Way(fileCount: 1, codec: .plain, threads: 1), Way(fileCount: 3, codec: .gzip, threads: 2),
    Way(fileCount: 50, codec: .lz4, threads: 8),
    Way(fileCount: 1, codec: .gzip, threads: 1, recordBytesMax: 1 << 20),
    Way(fileCount: 50, codec: .plain, threads: 8, recordBytesMax: 1 << 20),
    Way(fileCount: 3, codec: .lz4, threads: 2, recordBytesMax: 1 << 20),
    Way(fileCount: 2, codec: .zstd, threads: 2), Way(fileCount: 2, codec: .zlib, threads: 2),
    Way(fileCount: 2, codec: .lz4Legacy, threads: 2), Way(fileCount: 2, codec: .bgzf, threads: 2),
  ]

  @Test(arguments: [
    (seed: 1 as UInt64, users: 300, hasUser: true), (seed: 2, users: 1, hasUser: true),
    (seed: 3, users: 400, hasUser: false), (seed: 4, users: 1, hasUser: false),
    (seed: 5, users: 5_000, hasUser: true),
  ])
  func everyWayCountsAlike(seed: UInt64, users: Int, hasUser: Bool) throws {
    var random = SeededRandom(seed: seed)
    var shape = LogShape()
    // Enough that chunks fill up: records of few users lie in few buckets.
    let count = users <= 300 ? 36_000 : 8_000
    shape.recordCount = count...count
    shape.fileCount = 1...1
    shape.userCount = users
    shape.identityHasUser = hasUser
    shape.badPercent = 1
    let plan = try LogPlan.random(&random, shape)
    let terms = try plan.terms()
    let folder = try TemporaryFolder()
    let name = "\(folder.path)/all"
    let expected = plan.reference(fileNames: [name])
    var first: Counted?
    for way in Self.ways {
      var lines = plan.files[0]
      lines.shuffle(using: &random)
      var paths: [String] = []
      for file in 0..<way.fileCount {
        let own = lines.indices.filter { $0 % way.fileCount == file }.map { lines[$0] }
        paths.append(try folder.write(way.codec.stored(own.text), as: "part-\(100 + file)"))
      }
      let counted = try Counted.metered(
        paths, terms: terms, threads: way.threads, temporaryFolder: folder.path,
        recordBytesMax: way.recordBytesMax)
      if way.recordBytesMax != nil {
        #expect(counted.spilledBytes > 0, "seed \(seed), \(way): nothing was put aside")
      } else {
        #expect(counted.spilledBytes == 0)
      }
      if let first {
        let difference = counted.difference(from: first, inAnyOrder: false)
        #expect(difference == nil, "seed \(seed), \(way)")
      } else {
        #expect(counted.totals == expected.totals, "seed \(seed), \(way)")
        #expect(counted.balance == expected.balance, "seed \(seed), \(way)")
        #expect(Self.sorted(counted.rowTexts) == Self.sorted(expected.rowTexts), "seed \(seed)")
        first = counted
      }
      for path in paths { try FileManager.default.removeItem(atPath: path) }
    }
  }

  private static func sorted(_ rows: [[UInt8]]) -> [[UInt8]] {
    rows.sorted { $0.lexicographicallyPrecedes($1) }
  }
}
