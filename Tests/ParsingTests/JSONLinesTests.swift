import Decoding
import Parsing
import TestSupport
import Testing

@Suite struct JSONLinesTests {
  @Test(arguments: [
    ("[1]", Rejection.notAnObject), ("x", .notAnObject), ("\"a\"", .notAnObject),
    ("1", .notAnObject), ("\u{0}", .notAnObject), ("null", .notAnObject),
    ("{", .invalidJSON), ("{\(time)", .invalidJSON), ("{\(time),}", .invalidJSON),
    ("{\(time)}}", .invalidJSON), ("{\(time)} 1", .invalidJSON),
    ("{\(time)}{\(time)}", .invalidJSON),
    ("{\(time),\"a\"}", .invalidJSON), ("{\(time),\"a\":}", .invalidJSON),
    ("{\(time),a:1}", .invalidJSON), ("{\(time),\"a\":1 2}", .invalidJSON),
    ("{\(time) \"a\":1}", .invalidJSON), ("{\(time),,\"a\":1}", .invalidJSON),
    ("{\(time),\"a\":\"\\x\"}", .invalidJSON), ("{\(time),\"a\":\"\\u12g4\"}", .invalidJSON),
    ("{\(time),\"\\u00\":1}", .invalidJSON), ("{\(time),\"a\":tru}", .invalidJSON),
    ("{\(time),\"a\":truee}", .invalidJSON), ("{\(time),\"a\":NaN}", .invalidJSON),
    ("{\(time),\"a\":1\"b\"}", .invalidJSON), ("{\(time),\"a\":\"b\"1}", .invalidJSON),
    ("{\(time),\"a\":[1,]}", .invalidJSON), ("{\(time),\"a\":[1}}", .invalidJSON),
    ("{\(time),\"a\":{\"b\"}}", .invalidJSON), ("{\(time),\"a\":{\"b\":1,}}", .invalidJSON),
    ("{\(time),\"a\":[}", .invalidJSON), ("{\(time),\"a\":\u{FEFF}1}", .invalidJSON),
    ("{\(time)}\\", .invalidJSON), ("{\(time)}\\\"", .invalidJSON),
    ("{\(time)}\u{0}", .invalidJSON),
    ("\u{FEFF}x{\(time)}", .notAnObject), ("\u{FEFF}\"x\"{\(time)}", .notAnObject),
    ("{\(time),\"a\":\"b", .invalidText), ("{\(time),\"a\":\"\u{1}\"}", .invalidText),
    ("{\(time),\"a\":\"\u{0}\"}", .invalidText), ("{\(time),\"a\":\"\t\"}", .invalidText),
    ("{}", .noTime), ("{\"user\":\"u\"}", .noTime), ("{\"time\":null}", .noTime),
    ("{\"time\":\"2025-12-01\"}", .unreadableTime), ("{\"time\":true}", .unreadableTime),
    ("{\"time\":\"2025-12-01T08:00:00\"}", .unreadableTime), ("{\"time\":{}}", .unreadableTime),
    ("{\"time\":\"\"}", .unreadableTime), ("{\"time\":1e400}", .unreadableTime),
    ("{\(time),\"status\":\"OK\"}", .unreadableStatus),
    ("{\(time),\"status\":-1}", .unreadableStatus),
    ("{\(time),\"status\":1000}", .unreadableStatus),
    ("{\(time),\"status\":\"\"}", .unreadableStatus),
    ("{\(time),\"status\":99999999999999999999}", .unreadableStatus),
    ("{\(time),\"status\":true}", .unreadableStatus),
    ("{\(time),\"status\":[200]}", .unreadableStatus),
    ("{\(time),\"items\":1.5}", .unreadableItems),
    ("{\(time),\"items\":4294967296}", .unreadableItems),
    ("{\(time),\"items\":-1}", .unreadableItems), ("{\(time),\"items\":{}}", .unreadableItems),
    ("{\(time),\"user\":{}}", .unreadableField), ("{\(time),\"module\":[]}", .unreadableField),
    ("{\(time),\"user\":\"\\ud800\"}", .unreadableField),
    ("{\(time),\"user\":\"\\udc00\\ud800\"}", .unreadableField),
    ("{\(time),\"app\":\"\\ud800\\u0041\"}", .unreadableField),
  ])
  func whatIsQuarantinedAndWhy(line: String, rejection: Rejection) throws {
    #expect(try heard(line) == .rejected(rejection))
  }

  @Test(
    arguments: [
      [0xFF], [0xC0, 0x80], [0xED, 0xA0, 0x80], [0xF5, 0x80, 0x80, 0x80], [0xE4, 0xB8], [0x80],
    ] as [[UInt8]])
  func whatIsNoUTF8(bytes: [UInt8]) throws {
    let line = Array("{\(time),\"a\":\"".utf8) + bytes + Array("\"}".utf8)
    #expect(try heard(line) == .rejected(.invalidText))
  }

  @Test(arguments: [
    ("\"user\":\"用户\\u0031\"", ["user": "用户1"]),
    ("\"user\":\"\\ud83d\\ude00\\uD83D\\uDE00\"", ["user": "😀😀"]),
    ("\"user\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", ["user": "\"\\/\u{8}\u{C}\n\r\t"]),
    ("\"user\":\"\\\\u0041\"", ["user": "\\u0041"]), ("\"user\":\"a\\\\\"", ["user": "a\\"]),
    ("\"user\":\"\\u0000\"", ["user": "\u{0}"]), ("\"\\u0075ser\":\"a\"", ["user": "a"]),
    ("\"us\\u0065r\":\"\\u00e9\"", ["user": "é"]), ("\"\\ud800\":1", [:]),
    ("\"user\":\"a\",\"user\":\"b\"", ["user": "b"]),
    ("\"user\":\"\\u0061\",\"user\":\"b\"", ["user": "b"]),
    ("\"user\":\"a\",\"user\":null", [:]), ("\"user\":{},\"user\":\"b\"", ["user": "b"]),
    ("\"user\":\"\\ud800\",\"user\":\"b\"", ["user": "b"]),
    ("\"status\":\"x\",\"status\":404", ["status": "404"]),
    ("\"status\":500,\"status\":null", ["status": "200"]),
    ("\"status\":\"204\",\"items\":\"007\"", ["status": "204", "items": "7"]),
    ("\"items\":4294967295,\"status\":999", ["status": "999", "items": "4294967295"]),
    ("\"items\":0,\"status\":0", ["status": "0", "items": "0"]),
    ("\"user\":12345678901234567890123", ["user": "12345678901234567890123"]),
    ("\"user\":-1.50E+3", ["user": "-1.50E+3"]), ("\"user\":true", ["user": "true"]),
    ("\"user\":false,\"app\":null", ["user": "false"]), ("\"user\":\"\"", [:]),
    ("\"User\":\"a\",\"user \":\"b\",\"use\":\"c\",\"users\":\"d\",\"\":\"e\"", [:]),
    ("\"time\":1,\"time\":\"2025-12-01T08:00:00Z\"", [:]),
    (
      "\"request_id\":\"r\",\"client_ip\":\"::1\",\"origin\":\"o\"",
      ["request_id": "r", "client_ip": "::1", "origin": "o"]
    ),
    ("\"a\":123456789012345678901234567890e999,\"b\":-0,\"c\":0.0,\"d\":1E-2", [:]),
    ("\"a\":{\"user\":\"x\",\"time\":1,\"b\":[[[]],{},{\"c\":[]}]},\"app\":\"y\"", ["app": "y"]),
  ])
  func whatFieldsSay(text: String, expected: [String: String]) throws {
    #expect(try heard("{\(time),\(text)}") == fields(expected))
    #expect(try heard("{\(text),\(time)}") == fields(expected))
  }

  @Test(arguments: [
    ("\"2025-12-01T08:00:00.123456Z\"", 1_764_576_000_123_456),
    ("\"2025-12-01\\u005408:00:00+08:00\"", 1_764_547_200_000_000),
    ("1764547200", 1_764_547_200_000_000), ("\"1764547200.5\"", 1_764_547_200_500_000),
    ("1764547200123", 1_764_547_200_123_000), ("-1", -1_000_000),
    ("1764547200123456789", 1_764_547_200_123_456),
  ])
  func whenARecordIs(text: String, microseconds: Int64) throws {
    #expect(try reading("{\"time\":\(text)}").times == [0: microseconds])
    #expect(try reading("{\"time\":null,\"time\":\(text) }").times == [0: microseconds])
  }

  @Test func whiteSpaceMayStandEverywhere() throws {
    let line = " \t{ \t\"user\" \t: \"a\" \t, \t\"b\" : [ 1 , { \"c\" : null } ] , \(time) \t} \t\r"
    #expect(try heard(line) == fields(["user": "a"]))
  }

  @Test func linesOfWindowsAndBlankLinesAndAMark() throws {
    let read = try reading("\u{FEFF}{\(time)}\r\n\r\n \t\n\n{\(time),\"user\":\"b\"}")
    #expect(read.lines == 5)
    #expect(read.blank == 3)
    #expect(read.heard == [0: fields(), 4: fields(["user": "b"])])
    #expect(try heard("\u{FEFF}") == nil)
    // A mark elsewhere is no white space.
    #expect(try reading("{\(time)}\n\u{FEFF}{\(time)}").heard[1] == .rejected(.notAnObject))
  }

  @Test func keysInChangingPlacesAreFound() throws {
    var random = SeededRandom(seed: 7)
    let names = [
      "licensee", "user", "conversation", "request_id", "event", "module", "scenario", "app",
      "origin", "client_ip", "question", "latency_ms", "a_key_longer_than_sixteen",
    ]
    var text = ""
    var expected: [Int: Heard] = [:]
    for line in 0..<2_000 {
      let chosen = names.shuffled(using: &random).prefix(random.number(0...names.count))
      text +=
        "{"
        + ([time] + chosen.map { "\"\($0)\":\"\($0)-\(line)\"" })
        .shuffled(using: &random).joined(separator: ",") + "}\n"
      let known = chosen.filter { !["question", "latency_ms", names[12]].contains($0) }
      expected[line] = fields(
        Dictionary(uniqueKeysWithValues: known.map { ($0, "\($0)-\(line)") }))
    }
    #expect(try reading(text).heard == expected, "\(random)")
  }

  @Test func depthHasNoLimit() throws {
    let depth = 100_000
    let open = String(repeating: "[", count: depth)
    let close = String(repeating: "]", count: depth)
    #expect(try heard("{\(time),\"a\":\(open)\(close)}") == fields())
    #expect(try heard("{\(time),\"a\":\(open)\(close.dropLast())}") == .rejected(.invalidJSON))
    let objects = String(repeating: "{\"a\":", count: depth)
    let ends = String(repeating: "}", count: depth)
    #expect(try heard("{\(time),\"a\":\(objects)1\(ends)}") == fields())
  }

  @Test(arguments: [
    "{", "\"", "x", "{\"a\":\"", "\\\"", "{\"a\":\"\\", "]", "{\"a\":1}}\"", "\u{1}",
  ])
  func aBadLineDoesNotHurtItsNeighbours(bad: String) throws {
    var lines = (0..<200).map { "{\(time),\"user\":\"u\($0)\\u0041\"}" }
    for place in [0, 1, 63, 64, 100, 199] { lines[place] = bad }
    let read = try reading(lines.joined(separator: "\n"))
    #expect(read.lines == 200)
    for (place, line) in lines.enumerated() {
      if line == bad {
        guard case .rejected = read.heard[place] else {
          Issue.record("line \(place) was read: \(String(describing: read.heard[place]))")
          continue
        }
      } else {
        #expect(read.heard[place] == fields(["user": "u\(place)A"]), "line \(place)")
      }
    }
  }

  @Test func badUTF8DoesNotHurtItsNeighbours() throws {
    let good = Array("{\(time),\"user\":\"用\"}\n".utf8)
    let read = try reading(good + [0x22, 0xE7, 0x94, 0x0A] + good + [0xFF, 0x0A] + good)
    #expect(
      read.heard == [
        0: fields(["user": "用"]), 1: .rejected(.invalidText), 2: fields(["user": "用"]),
        3: .rejected(.invalidText), 4: fields(["user": "用"]),
      ])
  }
}
