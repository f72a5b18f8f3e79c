internal import CivilTime
internal import Contracts

/// Invents records around the boundaries that the contracts draw, and writes them as lines.
struct RecordWriter {
  var random: SeededRandom
  private let shape: LogShape
  private let zone: Zone
  private let base: Instant
  /// Gaps between records that decide something.
  private var gaps: [Int64] = [0, 0, 1]
  private var users: [[UInt8]]
  private var time: Int64

  private static let userTexts: [String] = [
    "u1", "u2", "12345", "123456789012345678", "user-with-a-long-name-1", "user-with-a-long-name-2",
    "用户一", "nul\u{0}", "nul\u{0}\u{0}", "quote\"back\\slash", "tab\tline\u{1F600}",
    "0123456789abcdef0123456789abcdef", "0123456789ABCDEF0123456789ABCDEF",
    "3f2504e0-4f89-11d3-9a0c-0305e82c3301", "", "fifteen-bytes-x", "sixteen-bytes-xy",
    "caf\u{E9}", "cafe\u{301}", "0123456789abcdef0123456789abcdeg",
  ]
  private static let requestTexts: [String] = [
    "", "", "r1", "r2", "r3", "request-sharing-15-a", "request-sharing-15-b",
    "00000000000000000000000000000000", "ffffffffffffffffffffffffffffffff",
    "FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF", "3f2504e0-4f89-11d3-9a0c-0305e82c3301",
    "请求一", "r\u{0}", "eight888", "eight888\u{0}", "nine99999",
  ]
  private static let conversationTexts: [String] = [
    "", "c1", "c2", "c3", "conversation-number-one", "conversation-number-two",
    "0123456789abcdef0123456789abcdef",
  ]
  private static let licensees: [String] = [
    "acme", "acme", "acme", "acme-mini", "beta", "gamma", "a very long licensee's name", "中文",
    "nobody", "",
  ]
  private static let modules: [String] = [
    "text-bot", "text-bot", "text-bot", "kb", "mixed", "caf\u{E9}", "cafe\u{301}", "",
    "a module with a name beyond fifteen bytes", "a modul\u{E8} with a name beyond fifteen bytes",
    "a module\u{300} with a name beyond fifteen bytes",
  ]
  private static let scenarios: [String] = ["s1", "s1", "s2", ""]
  private static let apps: [String] = ["a1", "a1", "web", ""]
  private static let events: [String] = [
    "", "", "", "message", "message", "open", "close", "ping", "hello", "bye",
  ]

  init(
    random: SeededRandom, contracts: [Contract], zone: Zone, base: Instant, _ shape: LogShape
  ) {
    self.random = random
    self.shape = shape
    self.zone = zone
    self.base = base
    for rule in contracts.flatMap(\.rules).map(\.rule) {
      for length in [rule.idleTimeout, rule.dedupeWindow, rule.maxDuration ?? rule.idleTimeout] {
        gaps += [-1, 0, 1].map { length.microseconds + $0 }
      }
    }
    users = []
    time = base.microseconds
    let all = Self.userTexts.map { Array($0.utf8) }
    users = (0..<shape.userCount).map { index in
      index < all.count ? self.random.one(of: all) : Array("user-\(index)".utf8)
    }
  }

  mutating func files() -> [[LogLine]] {
    var files = [[LogLine]](repeating: [], count: random.number(shape.fileCount))
    let count = random.number(shape.recordCount)
    time = base.microseconds - 40_000_000
    var last: LogRecord?
    for _ in 0..<count {
      var record = record()
      // A record that comes twice, as it is or with another outcome.
      if var repeated = last, random.chance(15) {
        repeated.time = time
        if random.chance(40) { repeated.status = random.one(of: [200, 500]) }
        if random.chance(10) { repeated.items = repeated.items == 1 ? 2 : 1 }
        if random.chance(10) { repeated.module = record.module }
        record = repeated
      }
      last = record
      let file = random.number(0...(files.count - 1))
      files[file].append(LogLine(line(record), .record(record)))
      if random.chance(shape.badPercent) { files[file].append(otherLine()) }
    }
    if random.chance(70) {
      for file in files.indices { files[file].shuffle(using: &random) }
    }
    return files
  }

  private mutating func record() -> LogRecord {
    if random.chance(75) {
      time += Int64(random.one(of: gaps))
    } else if random.chance(40) {
      time += Int64(random.number(0...20_000_000))
    } else if random.chance(10) {
      let midnight = zone.start(of: zone.date(of: Instant(microseconds: time)) + 1)
      time = midnight.microseconds + Int64(random.number(-1...1))
    } else if random.chance(20) {
      time = base.microseconds + Int64(random.number(-100_000_000...100_000_000))
    }
    var record = LogRecord(time: time)
    func bytes(_ texts: [String]) -> [UInt8] { Array(random.one(of: texts).utf8) }
    record.licensee = random.chance(60) ? Array("acme".utf8) : bytes(Self.licensees)
    record.user = random.one(of: users)
    record.conversation = bytes(Self.conversationTexts)
    record.request = bytes(Self.requestTexts)
    record.event = bytes(Self.events)
    record.module = bytes(Self.modules)
    record.scenario = bytes(Self.scenarios)
    record.app = bytes(Self.apps)
    record.status = random.one(of: [200, 200, 200, 200, 204, 250, 299, 304, 404, 500])
    record.items = random.chance(70) ? 1 : random.one(of: [0, 2, 7, 4_294_967_295])
    return record
  }

  // MARK: - Lines

  private mutating func line(_ record: LogRecord) -> [UInt8] {
    var fields: [[UInt8]] = []
    var isDoubled = false
    func add(_ name: String, _ value: [UInt8]) {
      var key = Array("\"\(name)\":".utf8)
      if random.chance(3) { key = escaped(Array(name.utf8), always: true) + [0x3A] }
      if random.chance(5) { key.insert(0x20, at: key.count) }
      fields.append(key + value)
    }
    func addText(_ name: String, _ text: [UInt8]) {
      if text.isEmpty && random.chance(60) { return }
      if text.isEmpty && random.chance(30) {
        add(name, Array("null".utf8))
        return
      }
      // A key that comes twice: the last one holds.
      if random.chance(2) {
        fields.append(Array("\"\(name)\":\"first\\u0041\"".utf8))
        isDoubled = true
      }
      let isNumber =
        !text.isEmpty && text.allSatisfy { $0 >= 0x30 && $0 <= 0x39 } && text[0] != 0x30
      add(name, isNumber && random.chance(50) ? text : escaped(text, always: false))
    }
    add("time", timeText(record.time))
    addText("licensee", record.licensee)
    addText("user", record.user)
    addText("conversation", record.conversation)
    addText("request_id", record.request)
    addText("event", record.event)
    addText("module", record.module)
    addText("scenario", record.scenario)
    addText("app", record.app)
    if record.status != 200 || random.chance(50) { add("status", Array("\(record.status)".utf8)) }
    if record.items != 1 || random.chance(20) { add("items", Array("\(record.items)".utf8)) }
    if random.chance(20) {
      add("extra", Array("{\"user\":\"x\",\"a\":[1,-2.5e3,{}],\"b\":[]}".utf8))
    }
    if random.chance(10) { add("question", Array("\"哪里 \\u00e9\\ud83d\\ude00\"".utf8)) }
    // Doubled keys must keep their order.
    if random.chance(20) && !isDoubled { fields.shuffle(using: &random) }
    let separator: [UInt8] = random.chance(10) ? [0x20, 0x2C, 0x09] : [0x2C]
    var line: [UInt8] = [0x7B] + Array(fields.joined(separator: separator)) + [0x7D]
    if random.chance(5) { line.append(0x0D) }
    if random.chance(5) { line.insert(0x20, at: 0) }
    return line
  }

  private mutating func escaped(_ text: [UInt8], always: Bool) -> [UInt8] {
    var bytes: [UInt8] = [0x22]
    let percent = always ? 100 : random.chance(10) ? 30 : 0
    for scalar in String(decoding: text, as: UTF8.self).unicodeScalars {
      let value = scalar.value
      if value == 0x22 || value == 0x5C {
        bytes += [0x5C, UInt8(value)]
      } else if value < 0x20 || random.chance(percent) {
        for unit in String(scalar).utf16 {
          let digits = String(unit, radix: 16, uppercase: random.chance(50))
          bytes += Array("\\u\(String(repeating: "0", count: 4 - digits.count))\(digits)".utf8)
        }
      } else {
        bytes += Array(String(scalar).utf8)
      }
    }
    return bytes + [0x22]
  }

  private mutating func timeText(_ time: Int64) -> [UInt8] {
    if time >= 100_000_000_000_000 && random.chance(30) { return Array("\(time)".utf8) }
    let isEast = random.chance(50)
    let seconds = Instant(microseconds: time).secondsRoundedDown
    let fraction = time - seconds * 1_000_000
    let moment = Instant(seconds: seconds).rfc3339(in: .utc)
    let digits = String(fraction)
    let padded = String(repeating: "0", count: 6 - digits.count) + digits
    if isEast {
      let east = Instant(seconds: seconds + 8 * 3_600).rfc3339(in: .utc)
      return Array("\"\(east.prefix(19)).\(padded)+08:00\"".utf8)
    }
    return Array("\"\(moment.prefix(19)).\(padded)Z\"".utf8)
  }

  private mutating func otherLine() -> LogLine {
    if random.chance(40) {
      return LogLine(random.one(of: [[], [0x20, 0x09], [0x0D]]), .blank)
    }
    let time = "\"time\":\"2025-12-01T00:00:00Z\""
    let texts = [
      "{", "[]", "x", "{\(time)", "{\(time),}", "{\"user\":\"u\"}", "{\"time\":\"yesterday\"}",
      "{\(time),\"status\":\"OK\"}", "{\(time),\"items\":-1}", "{\(time),\"user\":[]}",
      "{\(time),\"user\":\"\\ud800\"}", "{\(time)} {", "{\(time),\"a\":01}", "\"open",
      "{\(time),\"a\":\"\\x\"}", "{\(time),\"user\":\"u}",
    ]
    let bytes = random.chance(10) ? [0x7B, 0x22, 0xFF, 0x22] : Array(random.one(of: texts).utf8)
    return LogLine(bytes, .bad)
  }
}
