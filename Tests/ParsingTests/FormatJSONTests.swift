import Formats
import Parsing
import TestSupport
import Testing

private let paths = file(
  "json",
  "absent: ['-']\nfields: {time: t, user: [a.b, c], module: d.e.f, app: 'x.y', status: s, items: n}"
)
private let logfmt = file(
  "logfmt", "fields: {time: time, user: [user, uid], module: a.b, status: s, items: n}")
private let t = "\"t\":\"2025-12-01T08:00:00Z\""
private let pair = "time=2025-12-01T08:00:00Z"

@Suite struct FormatJSONTests {
  @Test(arguments: [
    ("\"a\":{\"b\":\"u\"}", ["user": "u"]), ("\"a.b\":\"u\"", ["user": "u"]),
    ("\"c\":\"u\"", ["user": "u"]),
    ("\"a\":{\"b\":\"u\"},\"c\":\"v\"", ["user": "u"]),
    ("\"a\":{\"b\":\"\"},\"c\":\"v\"", ["user": "v"]),
    ("\"a\":{\"b\":null},\"c\":\"v\"", ["user": "v"]),
    ("\"a\":{\"b\":\"-\"},\"c\":\"v\"", ["user": "v"]),
    ("\"a\":{\"B\":\"u\"},\"b\":\"v\",\"a \":{\"b\":\"w\"}", [:]), ("\"a\":\"u\"", [:]),
    ("\"a\":[\"u\"]", [:]),
    ("\"x\":{\"a\":{\"b\":\"u\"}}", [:]), ("\"b\":{\"a\":\"u\"}", [:]),
    ("\"a\":{\"b\":12.50e1}", ["user": "12.50e1"]),
    ("\"a\":{\"b\":true}", ["user": "true"]), ("\"a\":{\"b\":false}", ["user": "false"]),
    // Of a list the first element counts, as of a header that comes more than once.
    ("\"a\":{\"b\":[\"u\",\"v\"]}", ["user": "u"]), ("\"a\":{\"b\":[]}", [:]),
    ("\"a\":[{\"b\":\"u\"},{\"b\":\"v\"}]", ["user": "u"]),
    ("\"a\":{\"b\":[[\"u\"],\"v\"]}", ["user": "u"]),
    ("\"a\":{\"b\":[1,{\"b\":2}]}", ["user": "1"]), ("\"a\":{\"b\":[null,\"v\"]}", [:]),
    ("\"d\":{\"e\":{\"f\":\"m\",\"g\":[1,{}]},\"f\":1}", ["module": "m"]),
    ("\"d\":{\"e\":{\"f\":\"m\"},\"e\":{\"f\":\"n\"}}", ["module": "n"]),
    ("\"a\":{\"b\":\"u\",\"b\":\"v\"}", ["user": "v"]), ("\"a\":{\"b\":\"u\",\"b\":null}", [:]),
    ("\"\\u0061\":{\"\\u0062\":\"\\u7528\\ud83d\\ude00\"}", ["user": "用😀"]),
    ("\"a\":{\"b\":\"\\\"\\\\\\/\\n\"}", ["user": "\"\\/\n"]),
    ("\"a\":{\"b\":\"a\\\\\"}", ["user": "a\\"]),
    ("\"\\ud800\":1,\"a\":{\"b\":\"u\"}", ["user": "u"]),
    ("\"q\":\"\\ud800\",\"c\":\"v\"", ["user": "v"]),
    ("\"s\":\"404\",\"n\":\"3\"", ["status": "404", "items": "3"]),
    ("\"s\":404,\"n\":0", ["status": "404", "items": "0"]),
    ("\"s\":null,\"n\":\"\"", [:]), ("\"s\":\"-\",\"n\":\"-\"", [:]),
    ("\"x\":{\"y\":1},\"x.y\":2", ["app": "2"]),
  ])
  func whatPathsSay(text: String, expected: [String: String]) throws {
    #expect(try heard("{\(t),\(text)}", as: paths) == fields(expected))
    #expect(try heard("{\(text),\(t)}", as: paths) == fields(expected))
    #expect(try heard(" {\t\(text) , \(t) } \r", as: paths) == fields(expected))
  }

  @Test(arguments: [
    ("\"a\":{\"b\":{}}", Rejection.unreadableField), ("\"c\":{\"x\":1}", .unreadableField),
    ("\"c\":[{}]", .unreadableField), ("\"c\":\"\\ud800\"", .unreadableField),
    ("\"s\":\"OK\"", .unreadableStatus),
    ("\"s\":1000", .unreadableStatus), ("\"s\":-1", .unreadableStatus),
    ("\"s\":true", .unreadableStatus),
    ("\"n\":1.5", .unreadableItems), ("\"n\":4294967296", .unreadableItems),
    ("\"t\":\"x\"", .unreadableTime),
    ("\"t\":null", .noTime), ("\"q\":\"\\x\"", .invalidJSON), ("\"c\":\"\\x\"", .invalidJSON),
    ("\"c\":tru", .invalidJSON),
    ("\"c\":1,", .invalidJSON), ("\"a\":{\"b\":1,}", .invalidJSON), ("\"a\":[1,]", .invalidJSON),
    ("\"c\"", .invalidJSON),
    ("\"c\":\"\u{1}\"", .invalidText), ("\"c\":\"x", .invalidText), ("\"q\":01", .invalidJSON),
  ])
  func whatIsQuarantined(text: String, rejection: Rejection) throws {
    #expect(try heard("{\(t),\(text)}", as: paths) == .rejected(rejection))
  }

  /// A copy of the canonical format with one thing changed is read by another reader: where lines are
  /// records to both, they are the same records.
  @Test func theGeneralReaderAgreesWithTheFastOne() throws {
    var general = LogFormat.canonical
    general.absent = ["never there"]
    var random = SeededRandom(seed: 21)
    let names = Field.allCases.map(\.name) + ["x", "headers"]
    let values = [
      "\"a\"", "\"\\u7528\"", "12", "-0.5e3", "true", "null", "\"2025-12-01T08:00:00.5+08:00\"",
      "\"\"",
      "404", "1764576000123", "\"\\\"\"", "\"\\ud800\"", "{\"a\":[1,{}]}", "[]", "x", "\"\t\"",
    ]
    var lines: [String] = []
    for _ in 0..<3_000 {
      var line = "{\(time)"
      for _ in 0..<random.number(0...5) {
        line += ",\"\(random.one(of: names))\":\(random.one(of: values))"
      }
      lines.append(line + (random.chance(97) ? "}" : ""))
    }
    let text = Array(lines.joined(separator: "\n").utf8)
    let fast = try reading(text)
    let slow = try reading(text, as: general)
    var records = 0
    for (number, line) in lines.enumerated() {
      // Which of several mistakes is told may differ, and objects, lists, empty texts and half surrogate
      // pairs are judged otherwise where a name belongs.
      switch (fast.heard[number], slow.heard[number]) {
      case (.record(let first), .record(let second)):
        records += 1
        #expect(first == second, "\(line) \(random)")
        #expect(fast.times[number] == slow.times[number], "\(line) \(random)")
      case (.rejected, .rejected): break
      default:
        #expect(
          line.contains("[") || line.contains(":\"\"") || line.contains("ud800"),
          "\(line) \(random)")
      }
    }
    #expect(records > 500)
  }

  @Test func depthHasNoLimit() throws {
    let open = String(repeating: "{\"a\":[", count: 50_000)
    let close = String(repeating: "]}", count: 50_000)
    #expect(
      try heard("{\(t),\"a\":\(open)\(close),\"c\":\"u\"}", as: paths) == fields(["user": "u"]))
    #expect(
      try heard("{\(t),\"a\":\(open)\(close.dropLast())}", as: paths) == .rejected(.invalidJSON))
  }

  @Test(arguments: [
    ("user=u", ["user": "u"]), ("user=\"a b\"", ["user": "a b"]),
    ("user=\"a \\\"b\\\" \\\\\"", ["user": "a \"b\" \\"]),
    ("user=", [:]), ("user=\"\"", [:]), ("user", [:]), ("user= uid=v", ["user": "v"]),
    ("flag user=u  x=y", ["user": "u"]),
    ("user=a=b", ["user": "a=b"]), ("user=a\"b", ["user": "a\"b"]),
    ("user=a user=b", ["user": "b"]),
    ("a.b=m", ["module": "m"]), ("user=\"\\n\\t\\x41\"", ["user": "\n\tA"]),
    ("user=\"a=b c=d\"", ["user": "a=b c=d"]),
    ("user=用户 s=404 n=3", ["user": "用户", "status": "404", "items": "3"]),
    ("user=\"\\u7528\\ud83d\\ude00\"", ["user": "用😀"]),
    ("user=\"\\u00e9\\ud800\"", ["user": "é\\ud800"]), ("user=\"\\u00g1\"", ["user": "\\u00g1"]),
    ("xuser=u userx=v", [:]),
    ("user=a\\tb", ["user": "a\\tb"]),
  ])
  func whatPairsSay(text: String, expected: [String: String]) throws {
    #expect(try heard("\(pair) \(text)", as: logfmt) == fields(expected))
    #expect(try heard("\(text) \(pair)", as: logfmt) == fields(expected))
    #expect(try heard("  \(text)  \(pair) \r\n", as: logfmt) == fields(expected))
  }

  @Test(arguments: [
    ("user=\"a", Rejection.unlikeFormat), ("user=\"a\\\"", .unlikeFormat),
    ("user=\"a\\", .unlikeFormat),
    ("user=\"a\"b", .unlikeFormat), ("=u", .unlikeFormat), ("\"user\"=u", .unlikeFormat),
    ("s=OK", .unreadableStatus),
    ("n=-1", .unreadableItems), ("time=x", .unreadableTime), ("time=", .noTime),
    ("user=\u{0}", .invalidText),
  ])
  func whatIsNoPair(text: String, rejection: Rejection) throws {
    let read = try reading("\(pair) \(text)\nb\" user=v\n\(pair) user=w", as: logfmt)
    #expect(read.heard[0] == .rejected(rejection))
    #expect(read.heard[2] == fields(["user": "w"]))
  }
}
