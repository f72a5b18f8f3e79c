import Foundation
import Testing

@Suite("The quarantine is a log that can be mended and counted")
struct QuarantineTests {
  private static let header =
    "file,line,byte_offset,length,reason,quarantine_file,quarantine_line\n"

  /// Good lines of a format, each of which can be broken and mended.
  struct Format: CustomTestStringConvertible, Sendable {
    var name: String
    var header = ""
    /// One line of a user and a minute.
    var line: @Sendable (String, String) -> String
    var testDescription: String { name }
  }

  static let formats = [
    Format(name: "ndjson") { user, minute in
      "{\"time\":\"2025-12-01T08:\(minute):00Z\",\"licensee\":\"acme\",\"user\":\"\(user)\\t\"}"
    },
    Format(name: "csv", header: "time,licensee,user,module\n") { user, minute in
      "2025-12-01T08:\(minute):00Z,acme,\"\(user)\"\"x\",bot"
    },
    Format(name: "tsv", header: "time\tlicensee\tuser\tmodule\r\n") { user, minute in
      "2025-12-01T08:\(minute):00Z\tacme\t\(user)\\\\\tbot\r"
    },
    Format(name: "logfmt") { user, minute in
      "time=2025-12-01T08:\(minute):00Z licensee=acme user=\"\(user)\\\"\" module=bot"
    },
    Format(name: "nginx") { user, minute in
      "10.0.0.1 - \(user) [01/Dec/2025:08:\(minute):00 +0000] \"POST /v1/chat HTTP/1.1\" 200 12 "
        + "\"-\" \"curl\""
    },
  ]

  @Test("what is mended counts as if it had been right", arguments: formats)
  func mended(format: Format) throws {
    let story = try Story()
    try story.folder("logs")
    var right = format.header
    var wrong = format.header
    for number in 0..<60 {
      let minute = String(format: "%02d", number)
      let line = format.line("user-\(number % 7)", minute)
      right += line + "\n"
      // Another hour that is none; the mended line is this one with the hour put right.
      let isWrong = [0, 17, 18, 59].contains(number)
      let hour = line.replacing("T08:", with: "T77:").replacing("2025:08:", with: "2025:77:")
      wrong += (isWrong && number > 0 ? hour : line) + "\n"
    }
    try story.write("logs/log", wrong)
    try story.write("right", right)
    let found = try story.duizhang("count", "logs/log", "--quarantine", "q")
    #expect(found.status == 1)
    #expect(!found.errors.contains("these sums do not agree"))
    let headerLines = format.header.isEmpty ? 0 : 1
    let rows = try story.text("q/index.csv")
    #expect(rows.hasPrefix(Self.header), "\(rows)")
    let kept = Self.lines(try story.bytes("q/log.quarantine"))
    #expect(kept.count == 3 + headerLines)
    // Each row says where the line is, in the log and in the file of the quarantine.
    let bytes = Array(wrong.utf8)
    for row in rows.split(separator: "\n").dropFirst() {
      let cells = row.split(separator: ",", omittingEmptySubsequences: false)
      let offset = Int(cells[2]) ?? 0
      let length = Int(cells[3]) ?? 0
      #expect(Array(bytes[offset..<(offset + length)]) == kept[(Int(cells[6]) ?? 1) - 1])
      #expect(bytes[..<offset].count { $0 == 0x0A } == (Int(cells[1]) ?? 0) - 1)
      #expect(cells[5] == "log.quarantine")
    }
    let text = try story.text("q/log.quarantine")
    func mend(_ text: String) -> String {
      text.replacing("T77:", with: "T08:").replacing("2025:77:", with: "2025:08:")
    }
    try story.write("mended", mend(text))
    let mended = try story.duizhang("count", "logs/log", "mended")
    let expected = try story.duizhang("count", "right")
    #expect(expected.status == 0, "\(expected.errors)")
    #expect(mended.output == expected.output)
    // What is mended in part is quarantined in part, as it was.
    // (Without a carriage return, which is one character with a line feed.)
    let last = String(decoding: kept[kept.count - 1].filter { $0 != 0x0D }, as: UTF8.self)
    try story.write("partly", mend(text).replacing(mend(last), with: last))
    let partly = try story.duizhang("count", "partly", "--quarantine", "q2")
    #expect(partly.errors.contains("= 2 records + \(headerLines) blank + 1 quarantined"))
    let again = Self.lines(try story.bytes("q2/partly.quarantine"))
    #expect(again == kept.prefix(headerLines) + kept.suffix(1))
  }

  private static func lines(_ bytes: Data) -> [[UInt8]] {
    bytes.split(separator: 0x0A, omittingEmptySubsequences: false).dropLast().map { Array($0) }
  }

  @Test("files of equal name are numbered, and the bytes depend on neither threads nor memory")
  func names() throws {
    let story = try Story()
    for name in ["a", "b", "c"] {
      try story.folder(name)
      try story.write("\(name)/log", twoConversations + "x \(name)\n" + call("10:00:00"))
    }
    #expect(try story.shell("gzip -n b/log && cp a/log a/log-2 && gzip -n c/log").status == 0)
    for (folder, options) in [("q1", ["--threads", "1"]), ("q8", ["--threads", "8"])] {
      let arguments = ["usage", "a", "b", "c", "--quarantine", folder] + options
      #expect(try story.shell("$DUIZHANG \(arguments.joined(separator: " "))").status == 1)
      #expect(
        story.names(folder) == [
          "index.csv", "log-2.quarantine", "log-3.quarantine", "log-4.quarantine",
          "log.quarantine",
        ])
    }
    #expect(try story.shell("diff -r q1 q8").status == 0)
    #expect(
      try story.text("q1/index.csv").hasSuffix(
        "c/log.gz,4,\(twoConversations.utf8.count),3,is not a JSON object,log-4.quarantine,1\n"))
  }

  @Test("lines that are too long are located, without their text")
  func tooLong() throws {
    let story = try Story()
    let long = call("10:00:00", user: String(repeating: "u", count: 3_000_000))
    try story.write("log", call("08:00:00") + long + call("11:00:00"))
    #expect(try story.duizhang("count", "log", "--quarantine", "q").status == 1)
    #expect(story.names("q") == ["index.csv"])
    #expect(
      try story.text("q/index.csv") == Self.header
        + "log,2,\(call("08:00:00").utf8.count),\(long.utf8.count - 1),"
        + "\"is longer than a line may be: 1 MiB, or --line-bytes-max\",,\n")
  }

  @Test("a run with nothing quarantined empties the folder of the one before, and makes none")
  func emptied() throws {
    let story = try Story()
    try story.write("log", twoConversations + "x\n")
    #expect(try story.duizhang("count", "log", "--quarantine", "q").status == 1)
    #expect(story.names("q") == ["index.csv", "log.quarantine"])
    try story.write("log", twoConversations)
    #expect(try story.duizhang("count", "log", "--quarantine", "q").status == 0)
    #expect(story.names("q") == ["index.csv"])
    #expect(try story.text("q/index.csv") == Self.header)
    #expect(try story.duizhang("count", "log", "--quarantine", "other").status == 0)
    #expect(story.names("other").isEmpty)
    // A strict run writes nothing.
    try story.write("log", twoConversations + "x\n")
    #expect(try story.duizhang("count", "log", "--quarantine", "q", "--strict").status == 1)
    #expect(story.names("q") == ["index.csv"])
  }

  @Test("a folder that holds logs of the run is refused")
  func ownFolder() throws {
    let story = try Story()
    try story.write("log", twoConversations + "x\n")
    #expect(try story.duizhang("count", "log", "--quarantine", "q").status == 1)
    let refused = try story.duizhang("count", "log", "q/log.quarantine", "--quarantine", "./q")
    #expect(refused.status == 3)
    #expect(refused.errors.contains("q/log.quarantine: lies in the folder that quarantined lines"))
    #expect(try story.text("q/log.quarantine") == "x\n")
  }

  @Test("a text that looks compressed, and one that was converted, are read again as they are")
  func disguised() throws {
    let story = try Story()
    try story.write("log", twoConversations + "PK\u{3}\u{4}\n")
    #expect(try story.duizhang("count", "log", "--quarantine", "q").status == 1)
    #expect(try story.text("q/log.quarantine") == "\nPK\u{3}\u{4}\n")
    #expect(try story.text("q/index.csv").hasSuffix("is not a JSON object,log.quarantine,2\n"))
    let again = try story.duizhang("count", "q/log.quarantine")
    #expect(again.errors.contains("2 lines = 0 records + 1 blank + 1 quarantined"))

    try story.write("utf8", call("08:00:00", user: "用户") + "{\"user\":\"用户\"}\n")
    #expect(try story.shell("iconv -t GB18030 utf8 > gb").status == 0)
    let found = try story.duizhang("count", "gb", "--encoding", "gb18030", "--quarantine", "q")
    #expect(found.status == 1)
    #expect(try story.text("q/gb.quarantine") == "\u{FEFF}{\"user\":\"用户\"}\n")
    try story.write(
      "mended",
      try story.text("q/gb.quarantine").replacing("{", with: "{\"time\":\"2025-12-01T08:10:00Z\","))
    let mended = try story.duizhang("usage", "gb", "mended", "--encoding", "gb18030")
    #expect(mended.output.contains(",用户,"))
    #expect(mended.errors.contains("3 lines = 2 records"))
  }

  @Test("the nightly run keeps it beside its reports")
  func nightly() throws {
    let story = try Story()
    try story.folder("logs")
    try story.write("p.yaml", "pipeline: p\nlogs: [logs]\nout: reports\n")
    try story.write("logs/log", twoConversations + "x\n")
    let outcome = try story.duizhang("run", "p.yaml")
    #expect(outcome.errors.contains("as they are, to be mended: reports/quarantine\n"))
    #expect(story.names("reports/quarantine") == ["index.csv", "log.quarantine"])
    #expect(try story.text("reports/quarantine/log.quarantine") == "x\n")
    let summary = try story.text("reports/run-summary.json")
    #expect(summary.contains("\"quarantined_bytes\": 2"), "\(summary)")
    try story.write("logs/log", twoConversations)
    #expect(try story.duizhang("run", "p.yaml").status == 0)
    #expect(story.names("reports/quarantine") == ["index.csv"])
  }
}
