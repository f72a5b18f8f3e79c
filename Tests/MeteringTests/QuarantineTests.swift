import CivilTime
import Contracts
import Counting
import Decoding
import Foundation
import Metering
import Parsing
import TestSupport
import Testing

/// Quarantined lines are kept as they are, and every byte is accounted for.
@Suite struct QuarantineTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  /// A quarantined line with its text.
  private struct Kept: Equatable {
    var file: Int
    var line: Int
    var offset: Int
    var count: Int
    var rejection: Rejection
    var text: [UInt8]
  }

  private struct Read {
    var result: MeteringResult
    var kept: [Kept] = []
  }

  private func read(
    _ paths: [String], threads: Int = 2, recordBytesMax: Int? = nil, lineBytesMax: Int? = nil
  ) throws -> Read {
    var options = MeteringOptions(
      threads: threads, memoryBytes: 256 << 20, temporaryFolder: folder.path)
    options.wantsQuarantine = true
    options.recordBytesMax = recordBytesMax
    if let lineBytesMax { options.lineBytesMax = lineBytesMax }
    let terms = Terms(rule: ConversationRule(), zone: .utc)
    var read = Read(
      result: try Metering(files: InputFiles.find(paths), terms: terms, options: options).run())
    guard let lines = read.result.quarantine else { return read }
    // Not a sequence: a text is read back when its line comes.
    // swift-format-ignore: ReplaceForEachWithForLoop
    try lines.forEach { line, text in
      let (file, number) = lines.sources.location(of: line.source)
      read.kept.append(
        Kept(
          file: file, line: number, offset: line.byteOffset, count: line.byteCount,
          rejection: line.rejection, text: Array(text)))
      return true
    }
    return read
  }

  private static let time = "\"time\":\"2025-12-01T08:00:00Z\""
  private static let goodLines = [
    "{\(time),\"user\":\"u1\"}", "{\(time),\"user\":\"a\\tb\\n\\u4e2d\"}\r", "", "  \r",
    "{ \"user\" : \"\\n\\n\" , \(time) }",
  ]
  private static let badLines = [
    "no record", "{\(time)", "{\"user\":\"\\n\\u7528\"}", "{\(time),\"user\":\"\\ud800\\n\"}",
    "{\"time\":\"1999-12-31T00:00:00Z\",\"user\":\"\\u7528\\n\\u6237\",\"module\":\"\\t\"}",
    "{\"time\":\"2999-12-31T00:00:00Z\",\"user\":\"x\\ny\"}\r", "{\"time\":\"soon\"}\r",
    "{\"time\":\"1999-12-31T00:00:00Z\",\"user\":\"plain\"}",
  ]

  /// The lines of a text with what is known of them: whether they are bad, and where they begin.
  private func text(
    _ random: inout SeededRandom, count: Int, badPercent: Int
  ) -> (bytes: [UInt8], bad: [(line: Int, offset: Int, text: [UInt8])], blankBytes: Int) {
    var bytes: [UInt8] = random.chance(30) ? [0xEF, 0xBB, 0xBF] : []
    var blankBytes = bytes.count
    var bad: [(line: Int, offset: Int, text: [UInt8])] = []
    for number in 0..<count {
      let isBad = random.chance(badPercent)
      var line = Array((random.one(of: isBad ? Self.badLines : Self.goodLines)).utf8)
      if isBad && random.chance(5) { line = [0x7B, 0xFF, 0x00, 0x0D] }
      if isBad { bad.append((number + 1, bytes.count, line)) }
      let isLast = number == count - 1
      let end: [UInt8] = isLast && !line.isEmpty && random.chance(50) ? [] : [0x0A]
      if line.allSatisfy({ $0 == 0x20 || $0 == 0x0D }) { blankBytes += line.count + end.count }
      bytes += line + end
    }
    return (bytes, bad, blankBytes)
  }

  @Test(arguments: [0, 1, 30, 100])
  func linesAreKeptAsTheyAre(badPercent: Int) throws {
    for (index, codec) in StoredCodec.allCases.enumerated() {
      var random = SeededRandom(seed: UInt64(100 + badPercent + index))
      let texts = (0..<3).map { file in
        text(&random, count: file == 0 ? 12_000 : 40, badPercent: badPercent)
      }
      let paths = try texts.enumerated().map {
        try folder.write(codec.stored($1.bytes), as: "log-\($0)")
      }
      let expected = texts.enumerated().flatMap { file, text in
        text.bad.map { (file, $0) }
      }
      for (threads, recordBytesMax) in [(1, nil), (3, nil), (2, 1 << 20)] {
        let read = try read(paths, threads: threads, recordBytesMax: recordBytesMax)
        let name: Comment = "\(codec), \(badPercent) %, \(threads) threads"
        #expect(read.kept.map(\.file) == expected.map(\.0), name)
        #expect(read.kept.map(\.line) == expected.map(\.1.line), name)
        #expect(read.kept.map(\.offset) == expected.map(\.1.offset), name)
        #expect(read.kept.map(\.text) == expected.map(\.1.text), name)
        #expect(read.kept.allSatisfy { $0.count == $0.text.count }, name)
        let bytes = read.result.bytes
        #expect(bytes.isBalanced, name)
        #expect(bytes.text == texts.reduce(0) { $0 + $1.bytes.count }, name)
        #expect(bytes.blank == texts.reduce(0) { $0 + $1.blankBytes }, name)
        let ends = expected.count {
          texts[$0].bytes.count > $1.offset + $1.text.count
        }
        #expect(
          bytes.quarantined == expected.reduce(0) { $0 + $1.1.text.count } + ends, name)
        #expect(read.result.fileBytes.map(\.text) == texts.map(\.bytes.count), name)
        #expect(read.result.fileBytes.map(\.lost) == [0, 0, 0], name)
      }
    }
  }

  @Test func linesThatAreTooLongAreLocated() throws {
    let long = [UInt8](repeating: 0x20, count: 3_000_000)
    for (text, end) in [(long, [0x0A] as [UInt8]), (long + [0x0D], [0x0A]), (long, [])] {
      let good = Array("{\(Self.time)}\n".utf8)
      let bytes = good + Array("x\n".utf8) + text + end + (end.isEmpty ? [] : good)
      let path = try folder.write(bytes, as: "long")
      for lineBytesMax in [1 << 10, 1 << 20, 2 << 20] {
        let read = try read([path], lineBytesMax: lineBytesMax)
        #expect(read.kept.map(\.rejection) == [.notAnObject, .tooLong])
        #expect(read.kept.map(\.line) == [2, 3])
        #expect(read.kept.map(\.offset) == [good.count, good.count + 2])
        #expect(read.kept.map(\.count) == [1, text.count])
        #expect(read.kept.map(\.text) == [[0x78], []])
        #expect(read.result.bytes.isBalanced)
        #expect(read.result.bytes.text == bytes.count)
        #expect(read.result.bytes.quarantined == 2 + text.count + end.count)
      }
      let whole = try self.read([path], lineBytesMax: 4 << 20)
      #expect(whole.kept.map(\.rejection) == [.notAnObject])
      #expect(whole.result.bytes.isBalanced)
    }
  }

  @Test func whatIsQuarantinedGoesToTheDisk() throws {
    var random = SeededRandom(seed: 7)
    // Text that hardly shrinks.
    var bytes: [UInt8] = []
    for _ in 0..<60_000 {
      bytes += (0..<100).map { _ in UInt8(random.number(0x20...0x7E)) } + [0x0A]
    }
    let path = try folder.write(bytes, as: "noise")
    let read = try read([path], threads: 2)
    #expect(read.result.spilledBytes > 4 << 20)
    #expect(read.kept.flatMap { $0.text + [0x0A] } == bytes)
    #expect(read.kept.map(\.line) == Array(1...60_000))
  }

  // MARK: - Damage

  /// Every stored byte was read or is in a place that is lost, and every byte of text is in a line of
  /// some kind.
  private func check(_ read: Read, _ path: String, _ name: Comment) throws {
    let stored = try Data(contentsOf: URL(fileURLWithPath: path))
    let stream = try LogStream(path: path)
    let block = Block()
    var text: [UInt8] = []
    while stream.next(into: block) { block.append(0..<block.count, to: &text) }
    #expect(read.result.bytes.text == text.count, name)
    #expect(
      read.kept.allSatisfy { Array(text[$0.offset..<($0.offset + $0.count)]) == $0.text }, name)
    let bytes = read.result.fileBytes[0]
    #expect(read.result.bytes.isBalanced, name)
    #expect(bytes.stored == stored.count, name)
    let places = read.result.damages.map(\.damage).filter { ($0.byteCount ?? 0) > 0 }
    var end = 0
    for place in places.sorted(by: { $0.byteOffset < $1.byteOffset }) {
      #expect(place.byteOffset >= end, "\(name): \(places)")
      end = place.byteOffset + (place.byteCount ?? 0)
    }
    #expect(end <= stored.count, name)
    #expect(bytes.lost == places.reduce(0) { $0 + ($1.byteCount ?? 0) }, name)
    let lines = read.result.balance
    #expect(lines.isBalanced, name)
  }

  @Test(arguments: StoredCodec.allCases)
  func everyByteIsAccountedForUnderDamage(codec: StoredCodec) throws {
    for seed in 0..<60 as Range<UInt64> {
      var random = SeededRandom(seed: 1_000 + seed)
      let parts = (0..<random.number(1...4)).map { _ in
        text(&random, count: random.number(1...200), badPercent: 10).bytes
      }
      var stored = Array(parts.map(codec.stored).joined())
      for _ in 0..<random.number(1...4) {
        let place = random.number(0...(stored.count - 1))
        switch random.number(0...3) {
        case 0: stored[place] ^= UInt8(1 << random.number(0...7))
        case 1: stored.removeSubrange(place..<min(place + random.number(1...50), stored.count))
        case 2:
          stored.insert(
            contentsOf: (0..<random.number(1...50)).map { _ in UInt8(random.number(0...255)) },
            at: place)
        default: stored.removeLast(stored.count - place)
        }
        if stored.isEmpty { stored = [0x0A] }
      }
      // What damage has made a file of another kind of cannot be opened.
      let path = try folder.write(stored, as: "damaged")
      guard let read = try? read([path]) else { continue }
      try check(read, path, "\(codec), \(random)")
    }
  }

  /// Where damage is noticed before what it spoils is given away: LZ4's blocks have checksums of their
  /// own; of others, where the file ends too early, or has something between its members.
  @Test(arguments: [StoredCodec.lz4, .gzip, .bgzf, .zstd, .plain])
  func noRecordAppearsThatWasNotThere(codec: StoredCodec) throws {
    for seed in 0..<40 as Range<UInt64> {
      var random = SeededRandom(seed: 2_000 + seed)
      let lines = (0..<600).map { "{\(Self.time),\"user\":\"user-\($0 * 7_919)\"}\n" }
      var stored: [UInt8] = []
      var between: [Int] = []
      for start in stride(from: 0, to: lines.count, by: 100) {
        between.append(stored.count)
        stored += codec.stored(Array(lines[start..<(start + 100)].joined().utf8))
      }
      let place = random.number(20...(stored.count - 60))
      let noise = (0..<random.number(4...60)).map { _ in UInt8(random.number(0xA0...0xAF)) }
      switch random.number(0...2) {
      case 0 where codec == .lz4: stored.removeSubrange(place..<(place + random.number(1...40)))
      case 1 where codec == .lz4: stored[place] ^= 1 << UInt8(random.number(0...7))
      case 0: stored.removeLast(stored.count - (between.contains(place) ? place + 1 : place))
      default: stored.insert(contentsOf: noise, at: random.one(of: Array(between.dropFirst())))
      }
      let path = try folder.write(stored, as: "cut")
      let read = try read([path])
      try check(read, path, "\(codec), \(random)")
      #expect(codec == .plain || !read.result.damages.isEmpty, "\(random)")
      let stream = try LogStream(path: path)
      let block = Block()
      var text = ""
      while stream.next(into: block) { text += block.bytes.text(0, block.count) }
      let records = text.split(separator: "\n").filter { $0.hasPrefix("{") && $0.hasSuffix("}") }
      #expect(records.count == read.result.balance.records, "\(random)")
      #expect(Set(records.map { "\($0)\n" }).isSubset(of: lines), "\(random)")
      #expect(Set(records).count == records.count, "\(random)")
    }
  }
}
