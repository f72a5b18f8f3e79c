import Foundation
import Testing

@Suite("Mistakes, and what is said of them")
struct ErrorTests {
  @Test(
    "wrong usage ends with 2 and names what is wrong",
    arguments: [
      (["count", "log", "--contrct", "c.yaml"], "Unknown option '--contrct'"),
      (["count"], "Missing expected argument '<log> ...'"),
      (["count", "log", "--threads", "0"], "--threads: expected 1 to 256, found 0"),
      (["count", "log", "--memory", "1K"], "--memory: expected at least 32M, such as 512M"),
      (
        ["count", "log", "--line-bytes-max", "1023"],
        "--line-bytes-max: expected a size from 1K to 16M, such as 4M, found '1023'"
      ),
      (["usage", "log", "--line-bytes-max", "17M"], "--line-bytes-max: expected a size"),
      (["run", "p.yaml", "--line-bytes-max", "long"], "--line-bytes-max: expected a size"),
      (
        ["count", "log", "--encoding", "latin1"],
        "--encoding: expected utf-8, utf-16, utf-16le, utf-16be, gb18030, gbk or gb2312, found "
          + "'latin1'"
      ),
      (["count", "log", "--headers", "de"], "'de'"),
      (["count", "log", "--idle-timeout", "30"], "idle_timeout: expected a duration"),
      (["count", "log", "--time-zone", "Beijing"], "--time-zone: expected an IANA name"),
      (["count", "log", "--contract", "c.yaml", "--time-zone", "UTC"], "not with --contract"),
      (["run", "p.yaml", "--date", "1.12.2025"], "--date: expected a day such as 2025-12-01"),
      (["run", "p.yaml", "--period", "2025-13"], "--period: expected a month such as 2025-12"),
      (["run", "p.yaml", "--date", "2025-12-01", "--period", "2025-12"], "only one of them"),
      (["run", "p.yaml", "--from", "2025-12-01"], "give both"),
      (["run", "p.yaml", "--from", "2025-12-02", "--to", "2025-12-01"], "not later than --to"),
      (["explode"], "explode"),
    ])
  func usage(arguments: [String], told: String) throws {
    let story = try Story()
    try story.write("log", twoConversations)
    try story.write("c.yaml", "contract: C-1\n")
    try story.write("arguments", arguments.joined(separator: "\n"))
    let outcome = try story.shell("mapfile -t given < arguments; $DUIZHANG \"${given[@]}\"")
    #expect(outcome.status == 2, "\(outcome.errors)")
    #expect(outcome.output.isEmpty)
    #expect(outcome.errors.contains(told), "\(outcome.errors)")
  }

  @Test("all mistakes of all contracts are told at once, each with its place")
  func contracts() throws {
    let story = try Story()
    try story.write("log", twoConversations)
    try story.write(
      "a.yaml",
      """
      contract: A
      time_zone: Asia/Shangai
      conversation: {idle_timout: 30m, min_messages: -1}
      prices: [{service: s, module: bot, price: "0.35"}]
      """)
    try story.write("b.yaml", "licensee: {keys: [acme]}\n")
    let outcome = try story.duizhang(
      "count", "log", "--contract", "a.yaml", "--contract", "b.yaml")
    #expect(outcome.status == 2)
    #expect(outcome.output.isEmpty)
    for told in [
      "a.yaml:2: time_zone: expected an IANA time zone",
      "a.yaml:3: conversation.idle_timout: unknown key; did you mean 'idle_timeout'?",
      "a.yaml:3: conversation.min_messages: expected",
      "a.yaml:4: prices[0].unit: missing",
      "b.yaml:1: contract: missing; expected the contract's number",
    ] {
      #expect(outcome.errors.contains("duizhang: error: \(told)"), "\(outcome.errors)")
    }
  }

  @Test("a folder is no contract, and no pipeline")
  func folderAsFile() throws {
    let story = try Story()
    try story.write("log", twoConversations)
    try story.folder("folder")
    let contract = try story.duizhang("count", "log", "--contract", "folder")
    #expect(contract.status == 2)
    #expect(contract.errors.contains("folder: cannot be read: "))
    let pipeline = try story.duizhang("run", "folder")
    #expect(pipeline.status == 2)
    #expect(pipeline.errors.contains("folder: cannot be read: "))
    #expect(try story.duizhang("run", "missing.yaml").status == 2)
  }

  @Test(
    "input that is not there ends with 3 and its path",
    arguments: [
      ("missing.gz", "missing.gz: no file of this name"),
      ("logs/*.gz", "logs/*.gz: no file of this name, and no file that matches it"),
      ("empty", "empty: is a folder without logs"),
      ("notes", "notes: holds no log: no file in it has a record"),
    ])
  func missing(path: String, told: String) throws {
    let story = try Story()
    try story.folder("empty")
    try story.folder("notes")
    try story.write("notes/README", "Nothing here.\n")
    let outcome = try story.duizhang("count", path)
    #expect(outcome.status == 3)
    #expect(outcome.output.isEmpty)
    #expect(outcome.errors.contains("duizhang: error: \(told)"), "\(outcome.errors)")
  }

  @Test(
    "a log that may not be read ends with 3 and its path",
    .enabled(if: geteuid() != 0, "every file is readable for root"))
  func unreadable() throws {
    let story = try Story()
    try story.write("log", twoConversations)
    #expect(try story.shell("chmod 000 log").status == 0)
    let outcome = try story.duizhang("count", "log")
    #expect(outcome.status == 3)
    #expect(outcome.errors.contains("log: cannot be opened: Permission denied"))
  }

  @Test("a reader that has seen enough is no failure")
  func brokenPipe() throws {
    let story = try Story()
    // More than a pipe holds.
    let log = (0..<5_000).map { call("08:00:00", user: "u\($0)") }
    try story.write("log", log.joined())
    let outcome = try story.shell(
      "$DUIZHANG usage --quiet log | head -1; echo ${PIPESTATUS[0]}")
    #expect(outcome.lines.count == 2)
    #expect(outcome.lines.last == "0")
    #expect(outcome.errors.isEmpty)
  }

  @Test("a full disk ends with 5 and says so", arguments: ["count", "usage"])
  func fullDisk(verb: String) throws {
    let story = try Story()
    try story.write("log", twoConversations)
    let outcome = try story.shell("$DUIZHANG \(verb) log > /dev/full")
    #expect(outcome.status == 5)
    #expect(outcome.errors.contains("standard output: No space left on device"))
  }

  @Test("a report that cannot be written ends with 5 and leaves nothing")
  func blockedReport() throws {
    let story = try Story()
    try story.write("log", twoConversations)
    try story.folder("reports/count.csv")
    let outcome = try story.duizhang("count", "log", "--out", "reports")
    #expect(outcome.status == 5)
    #expect(outcome.errors.contains("reports/count.csv: expected a report file"))
    #expect(story.names("reports") == ["count.csv"])
  }

  @Test("as JSON every message is one object a line")
  func jsonMessages() throws {
    let story = try Story()
    try story.folder("logs")
    try story.write("logs/log", twoConversations)
    try story.write("logs/README", "No log.\n")
    for arguments in ["count logs", "count missing", "run $PACKAGE/pipelines/nightly.yaml --out r"]
    {
      let outcome = try story.shell("$DUIZHANG \(arguments) --log-format json")
      let lines = outcome.errors.split(separator: "\n")
      #expect(!lines.isEmpty)
      for line in lines {
        #expect(throws: Never.self) {
          let value = try JSONSerialization.jsonObject(with: Data(line.utf8))
          #expect(value is [String: Any])
        }
      }
    }
  }
}

@Suite("Help")
struct HelpTests {
  static let run = [
    "--threads", "--memory", "--quiet", "--log-format", "--strict", "--line-bytes-max",
  ]
  static let report = [
    "--out", "--headers", "--bom", "--contract", "--time-zone", "--encoding",
  ]
  static let rule = [
    "--identity", "--idle-timeout", "--max-duration", "--starts-on", "--ends-on", "--ignores",
    "--successful", "--failed-messages", "--min-messages", "--counted-in", "--dedupe-window",
  ]

  @Test(
    "names every option of a verb, on standard output",
    arguments: [
      ("count", run + report + rule), ("usage", run + report + rule + ["--privacy-key"]),
      ("run", run + ["--date", "--from", "--to", "--period", "--out"]),
      (
        "reconcile",
        ["--licensor", "--licensee", "--contract", "--log", "--period", "--out", "--memory"]
      ),
      ("simulate", ["--preset", "--seed", "--records", "--days", "--codec", "--out", "--quiet"]),
    ])
  func verb(verb: String, options: [String]) throws {
    let outcome = try Story().duizhang(verb, "--help")
    #expect(outcome.status == 0)
    for option in options + ["Example: duizhang \(verb) "] {
      #expect(outcome.output.contains(option), "\(option)")
    }
    #expect(try Story().duizhang("--help").output.contains("  \(verb) "))
  }

  @Test("tells the version")
  func version() throws {
    let outcome = try Story().duizhang("--version")
    #expect(outcome.status == 0)
    #expect(outcome.output.contains(/^[0-9]+\.[0-9]+\.[0-9]+\n$/))
  }
}
