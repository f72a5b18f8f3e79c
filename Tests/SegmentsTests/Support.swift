import CivilTime
import Decoding
import Formats
import Parsing
import Segments
import TestSupport
import Testing

/// A record as a value of its own, for comparing.
struct Record: Hashable {
  var time: Int64
  var status = 200
  var items = 1
  var line = 0
  var latency = 0
  var traces = KeptTraces.none
  /// The fields of text, by their raw values; those that decide no count are never kept.
  var texts = [[UInt8]](repeating: [], count: Int(Field.textCount))

  var day: CivilDate { Segment.day(of: Instant(microseconds: time)) }
}

/// Hands records to an encoder, as a parser would.
@safe
struct RecordFeeder: ~Copyable {
  private let words = UnsafeMutablePointer<UInt64>.allocate(capacity: Call.wordCount)
  var encoder = SegmentEncoder()

  deinit { unsafe words.deallocate() }

  mutating func chunks(of records: [Record], block: Int) -> [SegmentChunk] {
    var content: [UInt8] = []
    for record in records {
      for text in record.texts { content += text }
    }
    let block = (number: block, block: Block(content))
    let bytes = block.block.bytes
    var start = 0
    for record in records {
      unsafe words.initialize(repeating: 0, count: Call.wordCount)
      unsafe words[Call.position(of: .time)] = UInt64(bitPattern: record.time)
      unsafe words[Call.position(of: .status)] = UInt64(record.status)
      unsafe words[Call.position(of: .items)] = UInt64(record.items)
      unsafe words[Call.position(of: .latency)] = UInt64(record.latency)
      for (field, text) in record.texts.enumerated() {
        unsafe words[field] = text.isEmpty ? 0 : UInt64(text.count) << 32 | UInt64(start)
        start += text.count
      }
      unsafe encoder.append(
        Call(words: words), bytes, line: record.line, traces: record.traces)
    }
    return encoder.finish(block: block.number)
  }
}

/// Reads a whole segment.
func read(
  _ path: String, day: CivilDate, storage: any Storage = SystemStorage(),
  into block: Block = Block()
) throws(SegmentError) -> [(block: Int, records: [Record])] {
  let reader = try SegmentReader(path: path, day: day, storage: storage)
  var blocks: [(Int, [Record])] = []
  while let number = try reader.next(into: block) {
    #expect(block.index == number)
    let bytes = block.wholeBytes
    var records: [Record] = []
    reader.records { call, line in
      var record = Record(
        time: call.time.microseconds, status: call.status, items: call.items, line: line,
        latency: call.latency, traces: call.keptTraces)
      for field in Field.allCases where field.rawValue < Field.textCount {
        let slice = call[field]
        bytes.withSpan(Int(slice.start), Int(slice.count)) { span in
          record.texts[Int(field.rawValue)] = span.indices.map { span[$0] }
        }
      }
      records.append(record)
    }
    blocks.append((number, records))
  }
  return blocks
}

extension SeededRandom {
  private mutating func digits(_ count: Int) -> String {
    let digits = Array("0123456789abcdef".utf8)
    return String(decoding: (0..<count).map { _ in one(of: digits) }, as: UTF8.self)
  }

  private mutating func uuid() -> String {
    [8, 4, 4, 4, 12].map { digits($0) }.joined(separator: "-")
  }

  /// A record of the usual traffic.
  mutating func usualRecord(time: Int64, line: Int, users: [String]) -> Record {
    var record = Record(time: time, line: line)
    record.status = chance(4) ? one(of: [400, 429, 500, 503]) : 200
    let texts: [Field: String] = [
      .licensee: one(of: ["acme", "globex", "initech"]),
      .user: one(of: users),
      .conversation: chance(80) ? "c-" + digits(10) : "",
      .requestID: chance(70) ? digits(32) : uuid(),
      .event: chance(90) ? "message" : one(of: ["open", "close", "ping"]),
      .module: one(of: ["kb-qa", "text-bot", "order-bot", "voice-bot"]),
      .scenario: one(of: ["after-sales", "recruiting", "sales"]),
      .app: one(of: ["app-android", "app-ios", "web", "mini-program"]),
      .origin: one(of: ["https://app.acme.example", "https://www.globex.example", ""]),
      .clientIP: "10.\(number(0...40)).\(number(0...255)).\(number(1...254))",
    ]
    for (field, text) in texts { record.texts[Int(field.rawValue)] = Array(text.utf8) }
    record.latency = chance(1) ? 30_000 : number(18...2_000)
    record.traces = KeptTraces(
      question: chance(90) ? Self.hash(number(1...20_000)) : 0, path: 0, pathTraits: 0,
      device: UInt32(truncatingIfNeeded: Self.hash(number(1...12))))
    if record.status != 200 { record.traces.path = Self.hash(number(1...8)) << 16 }
    return record
  }

  private static func hash(_ number: Int) -> UInt64 {
    var hash = UInt64(number) &* 0x9E37_79B9_7F4A_7C15
    hash ^= hash >> 31
    return (hash &* 0xBF58_476D_1CE4_E5B9) >> 16 | 1
  }

  private mutating func hostileTraces() -> KeptTraces {
    func bits(_ most: Int) -> UInt64 {
      switch number(0...4) {
      case 0...1: 0
      case 2: 1
      case 3: UInt64.max >> UInt64(64 - most)
      default: UInt64.random(in: 0...UInt64.max, using: &self) >> UInt64(64 - number(1...most))
      }
    }
    return KeptTraces(
      question: bits(KeptTraces.questionBits), path: bits(64), pathTraits: UInt16(bits(16)),
      device: UInt32(bits(32)))
  }

  /// A block of the usual traffic.
  mutating func usualBlock(_ count: Int, from start: Int64) -> [Record] {
    var time = start
    let users = (0..<1_000).map { _ in "u-" + digits(8) }
    return (0..<count).map { line in
      time += Int64(number(0...20)) * 1_000
      return usualRecord(time: time, line: line, users: users)
    }
  }

  private mutating func hostileText() -> [UInt8] {
    switch number(0...16) {
    case 13: return Array(uuid().utf8)
    case 14: return Array((0..<4).map { _ in "\(number(0...260))" }.joined(separator: ".").utf8)
    case 15: return Array(("req-" + uuid()).utf8)
    case 0...3: return []
    case 4: return [0]
    case 5: return [0xFF, 0xC0, 0x80]
    case 6: return (0..<number(1...40)).map { _ in UInt8.random(in: 0...255, using: &self) }
    case 7: return Array(digits(number(1...80)).utf8)
    case 8: return Array(("u-" + digits(8)).utf8)
    case 9: return Array(("u-" + digits(8)).utf8).map { $0 ^ (chance(3) ? 0x20 : 0) }
    case 10: return Array(("12345678" + digits(8)).utf8)
    case 11: return [UInt8](repeating: 0x78, count: number(1...3_000))
    case 12: return Array("same".utf8)
    default: return Array("会话".utf8)
    }
  }

  /// A block in which anything may be anything.
  mutating func hostileBlock() -> [Record] {
    let count = chance(10) ? 1 : number(1...200)
    let base: Int64 = one(of: [0, 1_764_547_200_000_000, -5_000_000_000])
    let spread: Int64 = one(of: [1_000, 86_400_000_000, 5 * 86_400_000_000])
    var line = 0
    return (0..<count).map { _ in
      line += number(1...3)
      var time = base + Int64.random(in: -spread...spread, using: &self)
      if chance(2) { time = one(of: [.min, .max, 0, -1, 1]) }
      var record = Record(time: time, line: line)
      record.status = chance(70) ? 200 : number(0...999)
      record.items = chance(70) ? 1 : one(of: [0, 7, Int(UInt32.max)])
      for field in Field.allCases where field.rawValue < Field.textCount && !field.isTrace {
        record.texts[Int(field.rawValue)] = hostileText()
      }
      if chance(60) { record.traces = hostileTraces() }
      if chance(50) { record.latency = one(of: [1, 740, Int(UInt32.max)]) }
      return record
    }
  }
}
