import Decoding
import Formats
import Foundation
import Parsing
import TestSupport
import Testing

/// The fields that decide no count: they are read as the formats say, and nothing in them makes a line unreadable.
@Suite struct TraceFieldsTests {
  /// What a call says of them.
  private struct Traces: Hashable {
    var question = ""
    var path = ""
    var agent = ""
    var latency = 0

    init(_ call: Call, _ bytes: ByteView) {
      func text(_ field: Field) -> String {
        bytes.text(Int(call[field].start), Int(call[field].count))
      }
      (question, path, agent) = (text(.question), text(.path), text(.userAgent))
      latency = call.latency
    }
  }

  /// Of each record, by its line from 0.
  private func traces(_ path: String, as format: LogFormat) throws -> [Int: Traces] {
    let stream = try LogStream(path: path)
    let block = Block()
    var found: [Int: Traces] = [:]
    guard stream.next(into: block) else { return [:] }
    let plan = FormatRecogniser([format]).recognise(block).plan
    var parser = FormatParser(plan, block, findsTraces: true)
    var canonical = JSONLinesParser(findsTraces: true)
    var lines = 0
    repeat {
      func record(_ call: Call, _ line: Int) {
        found[lines + line] = Traces(call, block.wholeBytes)
      }
      let counts =
        plan.isCanonical
        ? canonical.parse(block, record: record) { _, _ in }
        : parser.parse(block, record: record) { _, _ in }
      lines += counts.lines
    } while stream.next(into: block)
    return found
  }

  @Test func latenciesOfAllLengthsAreRead() throws {
    var random = SeededRandom(seed: 61)
    let latencies = (0..<2_000).map { _ in
      random.number(0...9_999_999)
        / [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000][
          random.number(0...6)]
    }
    let folder = try TemporaryFolder()
    let path = folder.path + "/calls.ndjson"
    let lines = latencies.map {
      #"{"time":"2025-12-01T00:00:00Z","licensee":"acme","user":"u","latency_ms":\#($0),"app":"a"}"#
    }
    try Data(lines.joined(separator: "\n").utf8).write(to: URL(fileURLWithPath: path))
    let found = try traces(path, as: .canonical)
    #expect(latencies.indices.map { found[$0]?.latency } == latencies)
  }

  /// Of the sample logs, which are all of the same calls.
  @Test(arguments: BuiltInFormats.all) func builtInFormatsHaveThem(format: LogFormat) throws {
    let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent()
      .appendingPathComponent("sample-logs/formats").path
    let name = format.name == "ndjson" ? "canonical" : format.name
    let file = try #require(
      FileManager.default.contentsOfDirectory(atPath: folder).sorted().first {
        $0.hasPrefix("\(name).")
      })
    let wanted = try traces("\(folder)/canonical.ndjson.gz", as: .canonical)
    let found = try traces("\(folder)/\(file)", as: format)
    let all = wanted.sorted { $0.key < $1.key }.map(\.value)
    let own = found.sorted { $0.key < $1.key }.map(\.value)
    #expect(all.count == own.count && all.count > 100)
    let hasLatency = !["nginx-combined", "apache-combined", "apache-common"].contains(format.name)
    for (wanted, found) in zip(all, own) {
      #expect(found.path == wanted.path)
      #expect(found.agent == (format.name == "apache-common" ? "" : wanted.agent))
      // Some gateways tell apart how long they took themselves, a millisecond.
      #expect(hasLatency ? abs(found.latency - wanted.latency) <= 1 : found.latency == 0)
    }
    #expect(all.contains { $0.latency > 500 && !$0.agent.isEmpty })
  }

  @Test(arguments: [
    ("seconds", "0.123", 123), ("seconds", "12", 12_000), ("seconds", "1.5", 1_500),
    ("seconds", "0.0009", 0), ("seconds", "0.1239999999999999999999", 123),
    ("seconds", "3.", 3_000),
    ("seconds", "-1", 0), ("seconds", ".5", 0), ("seconds", "1.2.3", 0), ("seconds", "1e3", 0),
    ("seconds", "1.5e-05", 0), ("seconds", "x", 0), ("seconds", "0.1, 0.2", 0),
    ("seconds", "999999999999999999", 0), ("seconds", "9999999999999999999", 0),
    ("seconds", "2147483.647", 2_147_483_647), ("seconds", "2147483.648", 0),
    ("microseconds", "1999", 1), ("microseconds", "12345678.9", 12_345), ("microseconds", "0", 0),
    ("nanoseconds", "38000000", 38), ("nanoseconds", "999999", 0),
    ("nanoseconds", "123456789012345678", 0), ("nanoseconds", "2147483647000000", 2_147_483_647),
  ])
  func latenciesInOtherUnits(unit: String, text: String, milliseconds: Int) throws {
    let format = try LogFormat(
      yaml: file(
        "json", "fields: {time: t, user: u, latency_ms: [a, '\(unit):b', '\(unit):c']}"),
      path: "f.yaml")
    let folder = try TemporaryFolder()
    let time = "\"t\":\"2025-12-01T08:00:00Z\",\"u\":\"1\""
    let lines = [
      "{\(time),\"b\":\"\(text)\"}", "{\(time),\"b\":\"\",\"c\":\"\(text)\"}",
      "{\(time),\"a\":7,\"b\":\"\(text)\"}",
    ]
    let path = try folder.write(Array(lines.joined(separator: "\n").utf8), as: "log")
    let found = try traces(path, as: format)
    #expect((0..<3).map { found[$0]?.latency } == [milliseconds, milliseconds, 7])
  }

  @Test func unitsAreOfLatenciesOfKnownValues() throws {
    func mistakes(_ rest: String) -> String {
      do {
        _ = try LogFormat(yaml: file("{text: '{t} {took}'}", rest), path: "f.yaml")
        return ""
      } catch {
        return "\(error)"
      }
    }
    #expect(mistakes("fields: {time: t, latency_ms: 'seconds:took'}") == "")
    #expect(mistakes("fields: {time: t, latency_ms: 'seconds:tok'}").contains("took"))
    #expect(mistakes("fields: {time: t, latency_ms: 'seconds:'}").contains("behind 'seconds:'"))
    #expect(mistakes("fields: {time: t, user: 'seconds:took'}") != "")
  }

  /// With and without them, a line is the same record, or none for the same reason.
  @Test(arguments: 0..<6) func theyMakeNoLineUnreadable(kind: Int) throws {
    var random = SeededRandom(seed: UInt64(kind))
    let rest =
      "absent: ['-']\nfields: {time: t, user: [u, v], status: s, question: q, user_agent: h.a, "
      + "latency_ms: ['seconds:l', m]}"
    let lines = [
      "json", "logfmt", "csv", "tsv", "{nginx: '$t [$u] [$v] [$s] [$q] [$l] [$m]', escape: json}",
      "{nginx: '$t [$u] [$v] [$s] [$q] [$l] [$m]', escape: default}",
    ][kind]
    let format = try LogFormat(
      yaml: file(lines, kind < 4 ? rest : rest.replacingOccurrences(of: "h.a", with: "q")),
      path: "f.yaml")
    let values = [
      "a", "", "-", "12", "0.5", "\\u7528", "\\ud800", "\\x", "\\", "用户", "\\xff", "\\\"", "x\\ty",
      String(repeating: "\\u7528", count: 15_000),
    ]
    func text() -> String {
      let names = ["u", "v", "s", "q", "l", "m", "h.a"]
      func value() -> String { random.one(of: values) }
      switch kind {
      case 0:
        let others = ["{}", "{\"a\":{}}", "[]", "[{}]", "[[1]]", "null", "true", "7"]
        return "{\"t\":1764576000,"
          + names.filter { _ in random.chance(70) }.map { name in
            "\"\(name)\":" + (random.chance(30) ? random.one(of: others) : "\"\(value())\"")
          }.joined(separator: ",") + (random.chance(50) ? "}" : ",\"h\":{\"a\":\"\(value())\"}}")
      case 1:
        return "t=1764576000 " + names.map { "\($0)=\"\(value())\"" }.joined(separator: " ")
      case 2...3:
        return (["1764576000"] + names.map { _ in value() }).joined(
          separator: kind == 2 ? "," : "\t")
      default:
        return "1764576000 " + names.dropLast().map { _ in "[\(value())]" }.joined(separator: " ")
      }
    }
    var log = kind == 2 ? "t,u,v,s,q,l,m,h.a\n" : kind == 3 ? "t\tu\tv\ts\tq\tl\tm\th.a\n" : ""
    for _ in 0..<400 { log += text() + "\n" }
    func heard(_ findsTraces: Bool) throws -> [Int: Heard] {
      let folder = try TemporaryFolder()
      let stream = try LogStream(path: try folder.write(Array(log.utf8), as: "log"))
      let block = Block()
      var heard: [Int: Heard] = [:]
      guard stream.next(into: block) else { return [:] }
      var parser = FormatParser(
        FormatRecogniser([format]).recognise(block).plan, block, findsTraces: findsTraces)
      var lines = 0
      repeat {
        let counts = parser.parse(block) { call, line in
          guard case .record(var fields) = said(call, block.wholeBytes) else { return }
          for field in Field.allCases where field.isTrace { fields[field.name] = nil }
          heard[lines + line] = .record(fields)
        } rejected: { rejection, line in
          heard[lines + line] = .rejected(rejection)
        }
        lines += counts.lines
      } while stream.next(into: block)
      return heard
    }
    let (without, with) = (try heard(false), try heard(true))
    for (line, heard) in without.sorted(by: { $0.key < $1.key }) where with[line] != heard {
      Issue.record("line \(line + 1): \(heard) \(String(describing: with[line]))")
    }
    #expect(
      without.count == with.count
        && with.values.contains { if case .rejected = $0 { false } else { true } })
  }
}
