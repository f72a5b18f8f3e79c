import Decoding
import Formats
import Foundation
import Parsing
import TestSupport
import Testing

private let samples =
  URL(fileURLWithPath: #filePath).deletingLastPathComponent()
  .deletingLastPathComponent().deletingLastPathComponent().path + "/sample-logs"

/// What a log is told to be by its first block.
private func recognition(
  _ text: [UInt8], _ formats: [LogFormat] = BuiltInFormats.all
) throws -> Recognition {
  let folder = try TemporaryFolder()
  let block = Block()
  _ = try LogStream(path: folder.write(text, as: "log")).next(into: block)
  return FormatRecogniser(formats).recognise(block)
}

private func name(_ text: String) throws -> String {
  let recognition = try recognition(Array(text.utf8))
  return recognition.isUnknown ? "unknown" : recognition.plan.format.name
}

/// A sample's text.
private func sample(_ name: String) throws -> [UInt8] {
  let stream = try LogStream(path: "\(samples)/formats/\(name)")
  let block = Block()
  var text: [UInt8] = []
  while stream.next(into: block) {
    for position in 0..<block.count { text.append(block.bytes[position]) }
  }
  return text
}

private let sampleFormats = [
  ("canonical.ndjson.gz", "ndjson"), ("canonical-seconds.ndjson.gz", "ndjson"),
  ("nginx-combined.log", "nginx-combined"), ("nginx-json.log.gz", "nginx-json"),
  ("apache-common.log.gz", "apache-common"), ("envoy.log.gz", "envoy"),
  // The same text as nginx's: the first of both is named.
  ("apache-combined.log.gz", "nginx-combined"),
  ("envoy-json.log.gz", "envoy-json"), ("kong.log.gz", "kong"), ("apisix.log.gz", "apisix"),
  ("traefik.log.gz", "traefik"), ("caddy.log.gz", "caddy"), ("csv.csv", "csv"),
  ("tsv.tsv.gz", "tsv"),
  ("aws-api-gateway.log.gz", "aws-api-gateway"), ("aws-alb.log.gz", "aws-alb"),
  ("logfmt.log.gz", "logfmt"),
]

@Suite struct FormatRecogniserTests {
  @Test(arguments: sampleFormats)
  func samplesAreNamed(file: String, name: String) throws {
    let text = try sample(file)
    let recognition = try recognition(text)
    #expect(recognition.plan.format.name == name)
    #expect(!recognition.isUnknown)
    // A hundred lines, or 64 KiB of long ones.
    #expect((40...100).contains(recognition.trial.lines))
    #expect(recognition.trial.records == recognition.trial.lines)
    #expect(recognition.trial.firstRejection == nil)
    #expect(recognition.plan.isCanonical == (name == "ndjson"))
  }

  @Test(arguments: sampleFormats)
  func anySingleLineOfASampleIsEnough(file: String, name: String) throws {
    let lines = try sample(file).split(separator: 0x0A)
    let header = name == "csv" || name == "tsv" ? Array(lines[0]) + [0x0A] : []
    for line in lines.dropFirst(header.isEmpty ? 0 : 1).enumerated() where line.offset % 16 == 0 {
      let named = try recognition(header + line.element).plan.format.name
      // Without a referer the line of one is a line of the other.
      #expect(named == name, "\(String(decoding: line.element, as: UTF8.self))")
    }
  }

  @Test(arguments: sampleFormats)
  func whatIsTornOrGarbageAtTheBeginningIsPassed(file: String, name: String) throws {
    let text = try sample(file)
    let garbage = Array(
      "\u{0}\u{0}garbage\nmore of it, \"quoted\n{\"a\":1}\n<134>Dec  1 08:00:00 host\n".utf8)
    // A table's first line has the names of its columns.
    guard name != "csv" && name != "tsv" else { return }
    #expect(try recognition(Array(text.dropFirst(37))).plan.format.name == name)
    #expect(try recognition(garbage + text).plan.format.name == name)
    #expect(try recognition([0xEF, 0xBB, 0xBF] + text).plan.format.name == name)
    #expect(try recognition(Array("\n\n \r\n".utf8) + text).plan.format.name == name)
    let torn = try recognition(Array(text.dropFirst(37)))
    #expect(torn.trial.firstRejection?.line == 1)
    #expect(torn.trial.records == torn.trial.lines - 1)
  }

  @Test(arguments: ["csv.csv", "tsv.tsv.gz"])
  func tablesBehindAMarkAndBlankLines(file: String) throws {
    let text = try sample(file)
    for before in ["\u{FEFF}", "\n", "\u{FEFF}\r\n \n"] {
      let recognition = try recognition(Array(before.utf8) + text)
      #expect(recognition.plan.format.name == file.prefix(3))
      #expect(recognition.trial.firstRejection == nil)
    }
    // One that is a part of another, and so has no header, is none that can be read.
    let lines = text.split(separator: 0x0A)
    let part = try recognition(Array(lines.dropFirst().joined(separator: [0x0A])))
    #expect(part.isUnknown)
  }

  @Test(arguments: [
    ("{\"time\":\"2025-12-01T08:00:00Z\"}", "ndjson"),
    ("{\"time\":1764576000,\"status\":200}", "ndjson"),
    ("{\"time\":1764576000,\"status\":404,\"items\":3}", "ndjson"),
    (
      "{\"time\":1764576000,\"licensee\":\"a\",\"user\":\"u\",\"module\":\"m\",\"method\":\"GET\",\"path\":\"/\"}",
      "ndjson"
    ),
    (
      "{\"time\":\"2025-12-01T08:00:00Z\",\"user\":\"u\",\"request\":{\"method\":\"GET\",\"uri\":\"/\"}}",
      "ndjson"
    ),
    ("time=1764576000", "logfmt"),
    ("level=info time=2025-12-01T08:00:00Z msg=\"a b\" user=u", "logfmt"),
    ("time,user\n1764576000,u", "csv"), ("time\tuser\n1764576000\tu", "tsv"),
    ("198.18.0.1 - - [01/Dec/2025:08:00:00 +0000] \"GET / HTTP/1.1\" 200 12", "apache-common"),
    (
      "198.18.0.1 - - [01/Dec/2025:08:00:00 +0000] \"GET / HTTP/1.1\" 200 12 \"-\" \"-\"",
      "nginx-combined"
    ),
    (
      "::1 - - [01/Dec/2025:08:00:00 +0000] \"\\x16\\x03\\x01\" 400 150 \"-\" \"-\"",
      "nginx-combined"
    ),
    ("", "ndjson"), ("\n \n\r\n", "ndjson"),
  ])
  func fewLines(text: String, expected: String) throws {
    #expect(try name(text) == expected)
    #expect(try name(text + "\n") == expected)
  }

  @Test(arguments: [
    "plain words", "2025-12-01 08:00:00,123 INFO  [main] com.example.App - started in 3.2 s",
    "Dec  1 08:00:00 host sshd[123]: Accepted publickey for u from 198.18.0.1 port 22",
    "{\"level\":\"info\",\"msg\":\"started\"}",
    "{\"timestamp\":\"2025-12-01T08:00:00Z\",\"user\":\"u\"}", "[1,2,3]",
    "# A title\n\nSome words: `time` and \"user\".\n",
    "format: x\nlines: json\nfields: {time: time}",
    "name,user,count\na,b,1", "date,quantity\n2025-12-01,3", "<html><body time=1></body></html>",
    "\u{0}\u{1}\u{2}",
    "198.18.0.1 - - [yesterday] \"GET / HTTP/1.1\" 200 12", "msg=\"no time here\" user=u",
  ])
  func whatIsNoLogIsUnknown(text: String) throws { #expect(try name(text) == "unknown") }

  @Test func aLogThatIsUnknownIsReadAsTheFirstFormatWould() throws {
    let recognition = try recognition(Array("plain words\n".utf8))
    #expect(recognition.isUnknown)
    #expect(recognition.plan.isCanonical)
    #expect(recognition.trial.firstRejection?.rejection == .notAnObject)
  }

  /// Lines of other servers among them do not change what most lines are.
  @Test func mostLinesDecide() throws {
    let nginx = try sample("nginx-combined.log").split(separator: 0x0A)
    let canonical = try sample("canonical.ndjson.gz").split(separator: 0x0A)
    func mixed(_ first: Int, _ second: Int) -> [UInt8] {
      Array((nginx.prefix(first) + canonical.prefix(second)).joined(separator: [0x0A]))
    }
    #expect(try recognition(mixed(90, 10)).plan.format.name == "nginx-combined")
    #expect(try recognition(mixed(10, 90)).plan.format.name == "ndjson")
    // What stands behind the hundredth line is not looked at.
    #expect(try recognition(mixed(100, 300)).plan.format.name == "nginx-combined")
  }

  @Test func aFormatOfOnesOwnStandsBesideTheOthers() throws {
    let own = try LogFormat(
      yaml:
        "format: own\nlines: {text: '{t} {user} {module}'}\nfields: {time: t, user: user, module: module}",
      path: "own.yaml")
    let text = Array("1764576000 u m\n1764576001 v n\n".utf8)
    #expect(try recognition(text).isUnknown)
    #expect(try recognition(text, BuiltInFormats.all + [own]).plan.format == own)
    #expect(try recognition(text, [own] + BuiltInFormats.all).plan.format == own)
    let canonical = try sample("canonical.ndjson.gz")
    #expect(try recognition(canonical, [own] + BuiltInFormats.all).plan.isCanonical)
  }

  @Test func oneLongLineIsLookedAt() throws {
    let long = String(repeating: "x", count: 300_000)
    #expect(try name("{\"time\":1764576000,\"q\":\"\(long)\"}\n") == "ndjson")
    #expect(try name("\(long)\n{\"time\":1764576000}\n") == "unknown")
  }
}
