import CivilTime
import Contracts
import Counting
import Decoding
import Detection
import Foundation
import Ledger
import Metering
import Parsing
import Segments
import Shuffling
import TestSupport
import Testing

@testable import Nights

/// What is seen of calls is the same from a log, from its segments, and from any nights.
@Suite struct SeenCallsTests {
  private static let seeds = testSeeds(16)

  private static let contracts = [
    """
    contract: C1
    licensee: {keys: [acme, acme-mini]}
    time_zone: Asia/Shanghai
    conversation: {idle_timeout: 10m, dedupe_window: 1m}
    """,
    """
    contract: C2
    licensee: {keys: [beta]}
    time_zone: America/New_York
    prices:
      - {module: kb, unit: item, price: 1}
    """,
  ]

  /// - Parameter count: of the contracts; of one alone, calls of no contract are of its zone's days.
  private static func terms(_ count: Int) throws -> Terms {
    Terms(
      try ContractBook(
        try contracts.prefix(count).enumerated().map {
          try Contract(yaml: $0.element, path: "c\($0.offset).yaml")
        }))
  }

  // MARK: - Logs

  private static let paths = [
    "/v1/bots/a/messages", "/v1/bots/b/messages", "/wp-login.php", "/.env", "/a/%2e%2e/etc/passwd",
    "/v1/search?q=' or 1=1 --", "", "/v1/bots/用户/messages", "/x/\\u002e\\u002e/y",
    "/long/"
      + String(repeating: "x", count: 90),
  ]

  private static func line(_ random: inout SeededRandom) -> [UInt8] {
    // Around midnights in all zones, and days apart.
    let midnight = 1_764_547_200 + 3_600 * random.number(-30...80)
    let milliseconds = 1_000 * midnight + random.number(-400_000...400_000)
    var fields = ["\"time\":\(milliseconds)"]
    func add(_ name: String, _ value: String) { fields.append("\"\(name)\":\(value)") }
    func text(_ name: String, _ texts: [String]) { add(name, "\"\(random.one(of: texts))\"") }
    text("licensee", ["acme", "acme", "acme", "acme-mini", "beta", "nobody"])
    text("user", ["u1", "u2", "u3", "a user with a name of more than fifteen bytes", ""])
    text("module", ["text-bot", "kb"])
    text("app", ["web", "ios"])
    if random.chance(70) {
      text("request_id", ["r1", "r2", "3f2504e0-4f89-11d3-9a0c-0305e82c3301"])
    }
    if random.chance(30) { text("conversation", ["c1", "c2"]) }
    if random.chance(80) { text("client_ip", ["10.0.0.1", "10.0.0.2", "2001:db8::1"]) }
    switch random.number(0...9) {
    case 0: break
    case 1:
      add("question", random.one(of: ["null", "[1]", "{\"a\":2}", "true", "17", "\"\\ud800\""]))
    case 2: add("question", "\"" + String(repeating: "为什么", count: random.number(1...50)) + "\"")
    default:
      add("question", "\"q\(random.number(1...6))\(random.one(of: ["", " \\u00e9", "\\n?"]))\"")
    }
    if random.chance(80) { text("path", paths) }
    if random.chance(80) { text("user_agent", ["Mozilla/5.0 (X11; Linux x86_64)", "curl/8", "甲"]) }
    if random.chance(80) {
      add(
        "latency_ms",
        random.one(of: ["0", "17", "812.75", "\"44\"", "-3", "null", "999999999", "{}"]))
    }
    if random.chance(40) {
      add("status", random.one(of: ["200", "400", "403", "404", "429", "499", "500"]))
    }
    if random.chance(30) { add("items", random.one(of: ["0", "3", "4294967295"])) }
    if random.chance(20) { fields.shuffle(using: &random) }
    return Array("{\(fields.joined(separator: ","))}\n".utf8)
  }

  private static func logs(_ random: inout SeededRandom) -> [[UInt8]] {
    var logs = [[UInt8]](repeating: [], count: random.number(1...6))
    for _ in 0..<random.number(20...600) {
      logs[random.number(0...(logs.count - 1))] += line(&random)
    }
    // A log of other calls beside them has nothing that is compared.
    if random.chance(20) { logs.append(Array("no record\n".utf8)) }
    return logs.filter { !$0.isEmpty }
  }

  private func options(_ folder: TemporaryFolder, threads: Int) -> MeteringOptions {
    var options = MeteringOptions(
      threads: threads, memoryBytes: 256 << 20, temporaryFolder: folder.path)
    options.detects = true
    return options
  }

  // MARK: - Sightings

  private struct InOrder: RecordOrder {
    static var firstKeyIsHash: Bool { false }

    func keys(_ record: UnsafePointer<Sighting>) -> (UInt64, Int64) {
      unsafe (record.pointee.source, record.pointee.isRefusal ? 1 : 0)
    }

    func precedes(_ left: UnsafePointer<Sighting>, _ right: UnsafePointer<Sighting>) -> Bool {
      false
    }
  }

  /// All that stands in sightings, as texts.
  private func texts(
    _ folder: TemporaryFolder, _ terms: Terms, _ map: (inout RecordMapper) throws -> Void
  ) throws -> [String] {
    let pool = ChunkPool(bytesMax: 64 << 20)
    let spill = SpillFile(directory: folder.path)
    let sightings = Shuffle(pool: pool, spill: spill)
    var mapper = RecordMapper(
      terms: terms, table: AttributionTable(), plan: .byRequest,
      writer: ShuffleWriter(Shuffle(pool: pool, spill: spill)), block: Block(), findsPlaces: false,
      latestTime: Instant(microseconds: .max), sightings: sightings)
    try map(&mapper)
    _ = try mapper.finish()
    let sorter = ExternalSorter(order: InOrder(), pool: pool, spill: spill)
    for bucket in 0..<sightings.bucketCount {
      try sorter.append(contentsOf: sightings.take(bucket))
    }
    sorter.finish()
    var texts: [String] = []
    try unsafe ExternalSorter.forEach(in: [sorter]) { record in
      let sighting = unsafe record.pointee
      var user: [UInt8] = []
      unsafe sighting.user(in: Chunk(containing: record)).append(to: &user)
      // The numbers of attributions are given in the order in which they come.
      texts.append(
        "\(sighting.time) \(sighting.source) \(sighting.question) \(sighting.request) \(user) "
          + "\(sighting.client) \(sighting.device) \(sighting.conversation) \(sighting.latency) "
          + "\(sighting.items) \(sighting.tag & 0xFF) \(sighting.attribution == nil) "
          + "\(sighting.result)")
      return true
    }
    return texts
  }

  @Test(arguments: seeds) func aLogAndItsSegmentsGiveTheSameSightings(seed: UInt64) throws {
    var random = SeededRandom(seed: seed)
    let terms = try Self.terms(2)
    let folder = try TemporaryFolder()
    for log in Self.logs(&random) {
      let block = Block(log)
      var parser = JSONLinesParser(findsTraces: true)
      let fromLog = try texts(folder, terms) { mapper in
        mapper.begin(block, file: 3)
        _ = parser.parse(block) { call, line in
          mapper.receive(call, line: line)
        } rejected: { _, _ in
        }
      }
      try FileManager.default.createDirectory(
        atPath: folder.path + "/segments", withIntermediateDirectories: true)
      let writer = SegmentWriter(folder: folder.path + "/segments", name: "0a", threads: 1)
      var encoder = SegmentEncoder()
      var keeper = TraceKeeper()
      let again = Block(log)
      _ = parser.parse(again) { call, line in
        encoder.append(
          call, again.wholeBytes, line: line, traces: keeper.traces(of: call, again.wholeBytes))
      } rejected: { _, _ in
      }
      try writer.put(encoder.finish(block: 0), block: 0)
      let segments = try writer.finish()
      let fromSegments = try texts(folder, terms) { mapper in
        for segment in segments {
          try SegmentPiece(path: segment.file.path, day: segment.day, log: 3).map(into: &mapper)
        }
      }
      #expect(fromLog == fromSegments)
      #expect(log.count < 4_000 || fromLog.count > 5)
    }
  }

  // MARK: - Nights

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

  /// What was seen, with lines told by their logs' names.
  private func bytes(_ result: MeteringResult) throws -> [UInt8] {
    let summary = try #require(result.detection)
    return try Self.renumbered(summary, result).encoded()
  }

  @Test(arguments: seeds) func nightsSeeWhatOneRunSees(seed: UInt64) throws {
    var random = SeededRandom(seed: 1_000 + seed)
    let terms = try Self.terms(random.number(1...2))
    let folder = try TemporaryFolder()
    let paths = try Self.logs(&random).enumerated().map {
      try folder.write($0.element, as: "log-\($0.offset)")
    }
    let once = try Metering(
      files: try InputFiles.find(paths), terms: terms,
      options: options(folder, threads: random.number(1...3))
    ).run()
    let wanted = try bytes(once)
    #expect(once.detection?.days.isEmpty == false)
    var rest = paths.shuffled(using: &random)
    // Some were counted before anyone looked for misuse.
    var looks = random.chance(50)
    while !rest.isEmpty {
      let some = rest.prefix(random.number(1...2))
      rest.removeFirst(some.count)
      var options = options(folder, threads: random.number(1...3))
      options.detects = looks
      let result = try night(Array(some), workspace: folder.path + "/ws", terms, options)
        .count.range(nil).result()
      #expect((result.detection == nil) == !looks)
      looks = looks || random.chance(50)
    }
    _ = try night(paths, workspace: folder.path + "/ws", terms, options(folder, threads: 2))
    // Again, with nothing new: nothing is counted anew.
    let last = try night(
      paths, workspace: folder.path + "/ws", terms, options(folder, threads: 1))
    #expect(last.days.isEmpty)
    let count = last.count
    let whole = try count.range(nil).result()
    #expect(whole.unseenDays == [])
    #expect(try bytes(whole) == wanted)
    // Some of the dates.
    guard let all = count.dates else { return }
    let first = all.lowerBound + random.number(0...1)
    let range = first...max(first, all.upperBound + -random.number(0...1))
    var dated = terms
    dated.dates = range
    let some = try Metering(
      files: try InputFiles.find(paths), terms: dated, options: options(folder, threads: 2)
    ).run()
    let found = try count.range(range).result()
    var (left, right) = (try #require(some.detection), try #require(found.detection))
    #expect(left.days.keys.sorted() == right.days.keys.sorted())
    #expect(
      left.days.keys.allSatisfy { range.contains(CivilDate(daysSinceEpoch: $0.day)) })
    left = try Self.renumbered(left, some)
    right = try Self.renumbered(right, found)
    #expect(left.encoded() == right.encoded())
  }

  /// What is seen of calls comes with the messages that are counted, apart where users are not brought together,
  /// and sorted on disk where a user's calls are more than fit into memory.
  @Test(arguments: seeds.prefix(4)) func allWaysToTheDetectorsAreOne(seed: UInt64) throws {
    var random = SeededRandom(seed: 2_000 + seed)
    let folder = try TemporaryFolder()
    var lines: [UInt8] = []
    for _ in 0..<6_000 {
      var line = Self.line(&random)
      // Every call has a user and a conversation, so that it is counted whichever of them is asked for.
      let named = String(decoding: line, as: UTF8.self).replacing(
        "\"user\":\"\"", with: "\"user\":\"u9\"")
      line = Array(named.utf8)
      if !line.contains(Array("\"conversation\"".utf8)) {
        line.replaceSubrange(
          0..<1, with: Array("{\"conversation\":\"c\(random.number(1...40))\",".utf8))
      }
      lines += line
    }
    let paths = [try folder.write(lines, as: "log-0")]
    var isSpilled: [Bool] = []
    func seen(
      _ identity: String, recordBytesMax: Int?, lent: Int = 0, threads: Int
    ) throws -> [UInt8] {
      let contract = try Contract(
        yaml: Self.contracts[0].replacing(
          "conversation: {", with: "conversation: {identity: [\(identity)], "), path: "c.yaml")
      var options = options(folder, threads: threads)
      options.recordBytesMax = recordBytesMax
      options.recordBytesLent = lent
      let result = try Metering(
        files: try InputFiles.find(paths), terms: Terms(try ContractBook([contract])),
        options: options
      ).run()
      isSpilled.append(result.spilledBytes > 0)
      return try #require(result.detection).encoded()
    }
    let wanted = try seen("user", recordBytesMax: nil, threads: 1)
    #expect(wanted.count > 1_000)
    for identity in ["user", "conversation", "conversation, module"] {
      for (bytes, threads) in [(nil, 3), (1 << 20, 1), (1 << 20, 4)] as [(Int?, Int)] {
        let found = try seen(identity, recordBytesMax: bytes, threads: threads)
        #expect(found == wanted, "\(identity), \(bytes ?? 0) bytes, \(threads) threads")
      }
      // All that is lent, and called in, with and without a part that must be spilled.
      for (lent, threads) in [(64 << 20, 2), (256 << 10, 1), (256 << 10, 3)] {
        let found = try seen(identity, recordBytesMax: 1 << 20, lent: lent, threads: threads)
        #expect(found == wanted, "\(identity), \(lent) bytes lent, \(threads) threads")
      }
    }
    #expect(isSpilled.contains(true) && isSpilled.contains(false))
  }

  /// Lines are told by the ends of their logs' names, which have the logs' numbers.
  private static func renumbered(
    _ summary: DetectionSummary, _ result: MeteringResult
  ) throws -> DetectionSummary {
    try DetectionSummary(decoding: summary.encoded()) { number in
      let place = result.sources.location(of: number)
      return result.files[place.file].path.split(separator: "-").last.flatMap { UInt64($0) }
        .map { $0 << 32 | UInt64(place.line) }
    }
  }
}
