import CivilTime
import Crypto
import Decoding
import Foundation
import Parsing
import Segments
import TestSupport
import Testing

/// A folder that goes when the test does.
final class TemporaryFolder {
  let path: String

  init() throws {
    path = FileManager.default.temporaryDirectory.path + "/segments-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  /// All files in it, by their paths.
  var files: [String] {
    (FileManager.default.enumerator(atPath: path)?.compactMap { $0 as? String } ?? [])
      .filter { !FileManager.default.isDirectory("\(path)/\($0)") }.sorted()
  }
}

extension FileManager {
  func isDirectory(_ path: String) -> Bool {
    let type = try? attributesOfItem(atPath: path)[.type] as? FileAttributeType
    return type == .typeDirectory
  }
}

func bytes(_ path: String) throws -> [UInt8] {
  [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
}

@Suite struct SegmentTests {
  private func write(
    _ blocks: [[Record]], to folder: String, storage: any Storage = SystemStorage()
  ) throws(SegmentError) -> [SegmentSummary] {
    let writer = SegmentWriter(folder: folder, name: "0a", threads: 1, storage: storage)
    var feeder = RecordFeeder()
    for (index, block) in blocks.enumerated() {
      try writer.put(feeder.chunks(of: block, block: index), block: index)
    }
    return try writer.finish()
  }

  @Test(arguments: 0..<40) func recordsComeBack(seed: UInt64) throws {
    var random = SeededRandom(seed: seed)
    let folder = try TemporaryFolder()
    var blocks = (0..<random.number(1...6)).map { _ in random.hostileBlock() }
    if random.chance(30) { blocks.insert([], at: 0) }
    if random.chance(30) { blocks.append(random.usualBlock(500, from: 1_764_547_200_000_000)) }
    let summaries = try write(blocks, to: folder.path, storage: FaultyStorage())
    let days = Set(blocks.joined().map(\.day)).sorted()
    #expect(summaries.map(\.day) == days)
    #expect(folder.files == days.map { "\($0)/0a.seg" }.sorted())
    for summary in summaries {
      let expected = blocks.map { $0.filter { $0.day == summary.day } }
      let times = expected.joined().map(\.time)
      #expect(summary.records == times.count)
      #expect(summary.first.microseconds == times.min())
      #expect(summary.last.microseconds == times.max())
      let stored = try bytes(summary.file.path)
      #expect(stored.count == summary.file.bytes)
      #expect(Array(SHA256.hash(data: stored)) == summary.file.digest)
      let found = try read(summary.file.path, day: summary.day)
      #expect(found.map(\.block) == expected.indices.filter { !expected[$0].isEmpty })
      #expect(found.map(\.records) == expected.filter { !$0.isEmpty })
    }
  }

  @Test func longTextsAndManyOfOneText() throws {
    var random = SeededRandom(seed: 1)
    var records = random.usualBlock(3_000, from: 0)
    let long = [UInt8](repeating: 0x61, count: 60_000)
    for index in records.indices {
      records[index].texts[8] = long
      records[index].texts[1] = index % 2 == 0 ? long : Array(long.dropLast())
    }
    records[7].texts[3] = (0..<1_048_576).map { _ in UInt8.random(in: 0...255, using: &random) }
    let folder = try TemporaryFolder()
    let summary = try #require(try write([Array(records.prefix(20))], to: folder.path).first)
    #expect(
      try read(summary.file.path, day: summary.day).map(\.records) == [Array(records.prefix(20))])
  }

  @Test func usualRecordsTakeAboutFortyBytes() throws {
    var random = SeededRandom(seed: 2)
    let folder = try TemporaryFolder()
    let blocks = (0..<8).map {
      random.usualBlock(850, from: 1_764_547_200_000_000 + Int64($0) * 10_000_000)
    }
    let summary = try #require(try write(blocks, to: folder.path).first)
    // In larger blocks, with more to each distinct text, fewer.
    #expect(summary.file.bytes <= 42 * summary.records)
    #expect(summary.file.bytes >= 20 * summary.records)
  }

  @Test func whoAsksForNoTracesGetsNone() throws {
    var random = SeededRandom(seed: 9)
    let folder = try TemporaryFolder()
    let block = random.usualBlock(300, from: 1_764_547_200_000_000)
    let summary = try #require(try write([block], to: folder.path).first)
    let reader = try SegmentReader(path: summary.file.path, day: summary.day, findsTraces: false)
    #expect(reader.hasTraces)
    let texts = Block()
    var count = 0
    while try reader.next(into: texts) != nil {
      reader.records { call, _ in
        #expect(call.keptTraces == .none && call.latency == 0)
        count += 1
      }
    }
    #expect(count == block.count)
  }

  @Test(arguments: 1...8) func threadsAndTheOrderOfBlocksChangeNothing(threads: Int) throws {
    var random = SeededRandom(seed: 3)
    let blocks = (0..<60).map { _ in random.hostileBlock() }
    let alone = try TemporaryFolder()
    let expected = try write(blocks, to: alone.path)
    let folder = try TemporaryFolder()
    let writer = SegmentWriter(folder: folder.path, name: "0a", threads: threads)
    let next = NSLock()
    nonisolated(unsafe) var dealt = 0
    let failed = NSLock()
    nonisolated(unsafe) var failures: [any Error] = []
    DispatchQueue.concurrentPerform(iterations: threads) { thread in
      var feeder = RecordFeeder()
      while true {
        let index = next.withLock { () -> Int in
          unsafe dealt += 1
          return unsafe dealt - 1
        }
        guard index < blocks.count else { return }
        if (index + thread) % 3 == 0 { usleep(2_000) }
        do {
          try writer.put(feeder.chunks(of: blocks[index], block: index), block: index)
        } catch {
          failed.withLock { unsafe failures.append(error) }
        }
      }
    }
    #expect(unsafe failures.isEmpty)
    let found = try writer.finish()
    #expect(found.map(\.file.digest) == expected.map(\.file.digest))
    for (one, other) in zip(expected, found) {
      #expect(try bytes(one.file.path) == bytes(other.file.path))
    }
  }

  @Test func everyFlippedByteAndEveryCutIsFound() throws {
    var random = SeededRandom(seed: 4)
    let folder = try TemporaryFolder()
    var blocks = [random.usualBlock(8, from: 1_764_547_200_000_000)]
    blocks.append(random.usualBlock(3, from: 1_764_547_300_000_000))
    let summary = try #require(try write(blocks, to: folder.path).first)
    let good = try bytes(summary.file.path)
    let block = Block()
    func attempt(_ bytes: [UInt8], _ comment: Comment) throws {
      let storage = MemoryStorage(bytes: bytes)
      #expect(throws: SegmentError.self, comment) {
        try read("bad.seg", day: summary.day, storage: storage, into: block)
      }
    }
    for index in good.indices {
      var bad = good
      bad[index] ^= UInt8(random.number(1...255))
      try attempt(bad, "byte \(index)")
      try attempt(Array(good.prefix(index)), "first \(index) bytes")
    }
    try attempt(good + [0], "a byte more")
    try attempt(good + good, "twice")
    #expect(throws: SegmentError.self) { try read(summary.file.path, day: summary.day + 1) }
    #expect(try read(summary.file.path, day: summary.day).map(\.records) == blocks)
  }

  @Test func errorsSayWhere() throws {
    let folder = try TemporaryFolder()
    let path = folder.path + "/a.seg"
    func error(_ bytes: [UInt8]) throws -> SegmentError? {
      try Data(bytes).write(to: URL(fileURLWithPath: path))
      return #expect(throws: SegmentError.self) {
        try read(path, day: CivilDate(daysSinceEpoch: 20_423))
      }
    }
    #expect(try error(Array("a log of something".utf8))?.problem == .foreign)
    #expect(
      throws: SegmentError(
        path: path + "x", offset: 0, .failed(.open, StorageError(number: ENOENT)))
    ) {
      try read(path + "x", day: CivilDate(daysSinceEpoch: 20_423))
    }
    var random = SeededRandom(seed: 5)
    let block = random.usualBlock(30, from: 20_423 * 86_400_000_000)
    let summary = try #require(try write([block, block], to: folder.path).first)
    var bad = try bytes(summary.file.path)
    bad[bad.count / 2] ^= 1
    let found = try #require(try error(bad))
    #expect(found.problem == .checksum("a chunk"))
    #expect(found.offset > 32 && found.offset < bad.count / 2)
    #expect(
      found.description.hasPrefix("\(path): at byte \(found.offset): the checksum of a chunk"))
  }

  @Test func whereAnyCallFailsNoFileRemains() throws {
    var random = SeededRandom(seed: 6)
    // More days than files that are open at a time, and more than what is written at once.
    let start: Int64 = 1_764_547_200_000_000
    var blocks: [[Record]] = []
    for day in 0..<18 {
      blocks.append(random.usualBlock(5, from: start + Int64(day) * 86_400_000_000))
    }
    var noise = random.usualBlock(300, from: start)
    for index in noise.indices {
      noise[index].texts[3] = (0..<1_500).map { _ in UInt8.random(in: 0...255, using: &random) }
    }
    blocks.append(noise)
    let whole = try TemporaryFolder()
    let counting = FaultyStorage()
    let expected = try write(blocks, to: whole.path, storage: counting)
    #expect(expected.count == 18)
    #expect(counting.openCount == 0)
    for call in 0..<counting.callCount {
      let folder = try TemporaryFolder()
      let storage = FaultyStorage(failing: call, number: call % 2 == 0 ? ENOSPC : EIO)
      #expect(throws: SegmentError.self, "call \(call)") {
        try write(blocks, to: folder.path, storage: storage)
      }
      #expect(folder.files == [], "call \(call)")
      #expect(storage.openCount == 0, "call \(call)")
    }
    // A writer that is not done leaves nothing.
    let folder = try TemporaryFolder()
    do {
      let writer = SegmentWriter(folder: folder.path, name: "0a", threads: 1)
      var feeder = RecordFeeder()
      try writer.put(feeder.chunks(of: blocks[0], block: 0), block: 0)
      #expect(folder.files.count == 1)
    }
    #expect(folder.files == [])
  }

  @Test func interruptionsAndShortWritesChangeNothing() throws {
    var random = SeededRandom(seed: 7)
    let blocks = [random.usualBlock(100, from: 0), random.usualBlock(10, from: 0)]
    let fast = try TemporaryFolder()
    let slow = try TemporaryFolder()
    let expected = try #require(try write(blocks, to: fast.path).first)
    let storage = FaultyStorage(isSlow: true)
    let found = try #require(try write(blocks, to: slow.path, storage: storage).first)
    #expect(found.file.digest == expected.file.digest)
    #expect(try bytes(found.file.path) == bytes(expected.file.path))
    #expect(
      try read(found.file.path, day: found.day, storage: storage).map(\.records) == blocks)
    #expect(storage.openCount == 0)
  }

  @Test func cancellingWakesThoseWhoWait() throws {
    let folder = try TemporaryFolder()
    let writer = SegmentWriter(folder: folder.path, name: "0a", threads: 1)
    DispatchQueue.global().asyncAfter(deadline: .now() + 0.05) { writer.cancel() }
    var random = SeededRandom(seed: 8)
    var feeder = RecordFeeder()
    // Block 0 never comes.
    for block in 1...20 {
      try writer.put(feeder.chunks(of: random.usualBlock(3, from: 0), block: block), block: block)
    }
    #expect(folder.files == [])
  }
}
