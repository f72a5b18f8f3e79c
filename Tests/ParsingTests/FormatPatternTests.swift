import Formats
import Parsing
import TestSupport
import Testing

private let nginx = file(
  "{nginx: '$addr [$time] \"$req\" $st \"$ua\"'}",
  "absent: ['-']\nfields: {time: time, user: ua, status: st, client_ip: addr, module: req}")
private let apache = file(
  "{apache: '%h [%t] \"%r\" \"%{U}i\"'}",
  "absent: ['-']\nfields: {time: t, user: '{U}i', module: r}")
private let escapedJSON = file(
  "{nginx: '{\"t\":\"$time\",\"u\":\"$u\"}', escape: json}", "fields: {time: time, user: u}")
private let plain = file(
  "{text: '{time}|{user}|{module}'}", "fields: {time: time, user: user, module: module}")
private let t = "2025-12-01T08:00:00Z"

@Suite struct FormatPatternTests {
  @Test(arguments: [
    ("plain", "plain"), ("用户", "用户"), ("\\x22a\\x22", "\"a\""), ("a\\x5Cb", "a\\b"),
    ("\\xE7\\x94\\xA8", "用"), ("\\xe7\\x94\\xa8", "用"), ("a\\x5C", "a\\"),
    ("\\x0A\\x00", "\n\u{0}"),
    // No text: it stays as it is written.
    ("\\xE7\\x94", "\\xE7\\x94"), ("\\xFF\\x22", "\\xFF\\x22"),
    ("\\x4", "\\x4"), ("\\xZZ", "\\xZZ"), ("\\x", "\\x"), ("\\q", "\\q"),
    ("\\x5Cx41", "\\x41"), ("-a-", "-a-"), ("a b  c", "a b  c"), (" a ", " a "),
  ])
  func whatNginxEscapes(written: String, user: String) throws {
    let line = "198.18.0.1 [\(t)] \"GET / HTTP/1.1\" 404 \"\(written)\""
    #expect(
      try heard(line, as: nginx)
        == fields([
          "client_ip": "198.18.0.1", "user": user, "status": "404", "module": "GET / HTTP/1.1",
        ]))
  }

  @Test(arguments: [
    ("a\\\"b", "a\"b"), ("\\\"", "\""), ("a\\\\", "a\\"), ("a\\\\\\\"", "a\\\""),
    ("\\\\\\\\", "\\\\"),
    ("\\t\\n\\r\\b\\f\\v", "\t\n\r\u{8}\u{C}\u{B}"), ("\\xc3\\xa9", "é"), ("\\\\x41", "\\x41"),
    ("a\\\" \\\"b", "a\" \"b"), ("\\x16\\x03\\x01", "\u{16}\u{3}\u{1}"),
  ])
  func whatApacheEscapes(written: String, user: String) throws {
    let line = "h [\(t)] \"GET /\" \"\(written)\""
    #expect(try heard(line, as: apache) == fields(["user": user, "module": "GET /"]))
    // The same where it is not the last value.
    let other = "h [\(t)] \"\(written)\" \"u\""
    #expect(try heard(other, as: apache) == fields(["user": "u", "module": user]))
  }

  @Test(arguments: [
    ("a\\\"b", "a\"b"), ("\\u7528\\n", "用\n"), ("\\ud83d\\ude00", "😀"), ("a\\\\", "a\\"),
    ("\\/", "/"),
  ])
  func whatNginxEscapesAsJSON(written: String, user: String) throws {
    let line = "{\"t\":\"\(t)\",\"u\":\"\(written)\"}"
    #expect(try heard(line, as: escapedJSON) == fields(["user": user]))
  }

  @Test(arguments: ["\\x41", "\\ud800", "\\u12g4", "\\"])
  func whatIsNoJSONEscape(written: String) throws {
    let line = "{\"t\":\"\(t)\",\"u\":\"\(written) \"}"
    #expect(try heard(line, as: escapedJSON) == .rejected(.unreadableField))
  }

  @Test(arguments: [
    "", "x", "h [\(t)] \"GET /\" \"u", "h [\(t)] \"GET /\" \"u\" ", "h [\(t)] \"GET /\" \"u\"x",
    "h [\(t) \"GET /\" \"u\"", "h [\(t)] \"GET /\"  \"u\"", "h [\(t)] \"GET /\" \"u\\\"",
    "h", "h [", "h [\(t)] \"", "h [\(t)] \"GET /\" \"",
  ])
  func whatDoesNotFit(line: String) throws {
    // Something behind, so that no line is read beyond its end.
    let read = try reading("\(line)\nu\" \"u\"\nh [\(t)] \"a\" \"b\"", as: apache)
    #expect(read.heard[0] == (line.isEmpty ? nil : .rejected(.unlikeFormat)))
    #expect(read.heard[1] == .rejected(.unlikeFormat))
    #expect(read.heard[2] == fields(["user": "b", "module": "a"]))
  }

  @Test(arguments: [
    ("\(t)|u|m", ["user": "u", "module": "m"]), ("\(t)||m", ["module": "m"]),
    ("\(t)|u|", ["user": "u"]),
    ("\(t)||", [:]), ("\(t)|u|m|n|", ["user": "u", "module": "m|n|"]),
    ("\(t)|u| m ", ["user": "u", "module": " m "]),
  ])
  func emptyValuesAndSeparatorsInTheLastOne(line: String, expected: [String: String]) throws {
    #expect(try heard(line, as: plain) == fields(expected))
    #expect(try heard(line + "\r", as: plain) == fields(expected))
    #expect(try heard(line + "\r\n", as: plain) == fields(expected))
  }

  /// The first byte of a separator, and more of it, may stand within a value.
  @Test(arguments: [
    "::=", " - ", "\" \"", "--->", "\t", "用", "0123456789abcdef", "0123456789abcdefg",
    "0123456789abcdef0123456789abcdef", "\",\"http_x_conversation_id\":\"",
  ])
  func beginningsOfASeparator(separator: String) throws {
    let pattern = LinePattern(
      pieces: [
        .value("time"), .text(Array(separator.utf8)), .value("user"),
        .text(Array(separator.utf8)), .value("module"), .text(Array(separator.utf8)),
      ], escaping: .none)
    var format = LogFormat(name: "f", title: "f", syntax: .pattern(pattern))
    format.fields = [.time: [.value("time")], .user: [.value("user")], .module: [.value("module")]]
    let scalars = separator.unicodeScalars
    for count in 0..<scalars.count {
      let part = String(String.UnicodeScalarView(scalars.prefix(count)))
      let line = "\(t)\(separator)\(part)x\(part)y\(separator)\(part)z\(separator)"
      let read = try reading(Array(line.utf8), as: format)
      #expect(
        read.heard[0] == fields(["user": "\(part)x\(part)y", "module": "\(part)z"]), "\(line)")
    }
  }

  @Test func aValueOfTheSameNameTwice() throws {
    let twice = file("{text: '{time} {user} {user}'}", "fields: {time: time, user: user}")
    #expect(try heard("\(t) a b", as: twice) == fields(["user": "b"]))
  }

  @Test func aSingleValueIsALine() throws {
    let one = file("{text: '{time}'}", "fields: {time: time}")
    let read = try reading("\(t)\n\n  \n\r\n\(t)\r\nx", as: one)
    #expect(read.heard == [0: fields(), 4: fields(), 5: .rejected(.unreadableTime)])
    #expect(read.blank == 3)
  }

  @Test func timesOfServersInTheirForms() throws {
    for (written, time) in [
      ("01/Dec/2025:16:00:00 +0800", eight), ("2025-12-01T08:00:00.123Z", eight + 123_000),
      ("1764576000.123", eight + 123_000), ("1764576000123", eight + 123_000),
      ("1764576000", eight), ("2025-12-01T16:00:00+08:00", eight),
    ] {
      let read = try reading("h [\(written)] \"r\" \"u\"", as: apache)
      #expect(read.times == [0: time], "\(written)")
    }
  }
}
