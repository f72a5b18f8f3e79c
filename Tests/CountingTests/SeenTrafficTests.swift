import CivilTime
import Contracts
import Counting
import Decoding
import Parsing
import Shuffling
import TestSupport
import Testing

/// What is remembered of calls that come one after the other decides nothing.
@Suite struct SeenTrafficTests {
  private static let seeds = testSeeds(12)

  /// Paths that have lengths in common, and parts.
  private static let paths = [
    "/v1/bots/text-bot/messages", "/v1/bots/text-bot/message;", "/v1/bots/text-bot/../../..",
    "/v1/bots/text-bot/.env.bak", "/wp-a", "/.git/x", "/wp-login.php", "/v1/messages?",
    "/a?q=union select", "/a?q=union+select", "/v1/bots/order-bot/messages/7",
    "/v1/bots/order-bot/messages/${", "", "/", "/v1/bots/order-bot/messages/of/a/long/path",
    "/.aws/ts/order-bot/messages/of/a/long/path",
  ]

  @Test("a path stands out by what it says, not by the one before", arguments: seeds)
  func pathsStandOut(seed: UInt64) {
    var random = SeededRandom(seed: seed)
    var keeper = TraceKeeper()
    var expected: [UInt16] = []
    var log: [UInt8] = []
    for number in 0..<400 {
      let path = random.one(of: Self.paths)
      expected.append(PathTraits(ofPath: Array(path.utf8)).rawValue)
      log += "{\"time\":\(1_764_547_200 + number),\"user\":\"u\",\"path\":\"\(path)\"}\n".utf8
    }
    var found: [UInt16] = []
    let block = Block(log)
    var parser = JSONLinesParser(findsTraces: true)
    _ = parser.parse(block) { call, _ in
      found.append(keeper.traces(of: call, block.wholeBytes).pathTraits)
    } rejected: { _, _ in
    }
    #expect(found == expected)
    #expect(Set(found).count > 3)
  }

  @Test("calls are counted by five minutes, in any order", arguments: seeds)
  func callsByFiveMinutes(seed: UInt64) throws {
    var random = SeededRandom(seed: seed)
    let folder = try TemporaryFolder()
    let pool = ChunkPool(bytesMax: 64 << 20)
    let spill = SpillFile(directory: folder.path)
    let table = AttributionTable()
    let terms = Terms(rule: ConversationRule(), zone: .utc)
    var mapper = RecordMapper(
      terms: terms, table: table, plan: .byUser,
      writer: ShuffleWriter(Shuffle(pool: pool, spill: spill)), block: Block(), findsPlaces: false,
      latestTime: Instant(microseconds: .max), sightings: Shuffle(pool: pool, spill: spill))
    var calls: [String: Int] = [:]
    var lines: [String: [Int64]] = [:]
    var parser = JSONLinesParser(findsTraces: true)
    for file in 0..<random.number(1...4) {
      var log: [UInt8] = []
      for _ in 0..<random.number(1...300) {
        // Around midnight, and days apart.
        let time = random.one(of: [1_764_547_200, 1_764_547_200, 1_764_979_200])
        let seconds = Int64(time + random.number(-900...900))
        let app = random.one(of: ["web", "ios"])
        log += "{\"time\":\(seconds),\"user\":\"u\",\"app\":\"\(app)\"}\n".utf8
        calls["\(app) \(seconds / 300)", default: 0] += 1
        lines["\(file) \(seconds / 300)", default: []].append(seconds * 1_000_000)
      }
      let block = Block(log)
      mapper.begin(block, file: file)
      _ = parser.parse(block) { call, line in
        mapper.receive(call, line: line)
      } rejected: { _, _ in
      }
    }
    let traffic = try mapper.finish().traffic
    let attributions = table.sealed(terms)
    var counted: [String: Int] = [:]
    traffic.forEachAttribution { attribution, slot, count in
      counted["\(attributions.all[attribution].app) \(slot)", default: 0] += count
    }
    #expect(counted == calls)
    var spans: [String: [Int64]] = [:]
    traffic.forEachLog { log, slot, count, first, last in
      spans["\(log) \(slot)"] = [Int64(count), first.time, last.time]
    }
    #expect(
      spans == lines.mapValues { [Int64($0.count), $0.min() ?? 0, $0.max() ?? 0] })
  }
}
