import Foundation
import Testing

@Suite("--strict and --line-bytes-max")
struct StrictTests {
  private static let pipeline = "pipeline: p\nlogs: [logs]\nout: reports\n"

  private func story() throws -> Story {
    let story = try Story()
    try story.folder("logs")
    try story.write("p.yaml", Self.pipeline)
    return story
  }

  private static let verbs = ["count logs --out reports", "usage logs --out reports", "run p.yaml"]

  @Test("a log without mistakes counts as ever", arguments: verbs)
  func clean(verb: String) throws {
    let story = try story()
    try story.write("logs/log", twoConversations + "\n")
    let strict = try story.shell("$DUIZHANG \(verb) --strict")
    #expect(strict.status == 0, "\(strict.errors)")
    let name = verb.hasPrefix("usage") ? "usage-detail.csv" : "count.csv"
    let report = try story.bytes("reports/" + name)
    #expect(try story.shell("$DUIZHANG \(verb)").status == 0)
    #expect(try story.bytes("reports/" + name) == report)
  }

  @Test("the first quarantined line ends the run with 1 and no results", arguments: verbs)
  func quarantined(verb: String) throws {
    let story = try story()
    try story.write(
      "logs/log", twoConversations + "{\"time\":\n" + call("10:00:00") + "{\"user\":\"u\"}\n")
    for threads in [1, 3] {
      let outcome = try story.shell("$DUIZHANG \(verb) --strict --threads \(threads)")
      #expect(outcome.status == 1)
      #expect(outcome.output.isEmpty)
      #expect(
        outcome.errors == "duizhang: error: logs/log:4: is not valid JSON; mend the line, or run "
          + "without --strict, which counts the others\n")
      #expect(story.names("reports").isEmpty)
    }
  }

  @Test("a damaged log ends the run with 1 and no results", arguments: verbs)
  func damaged(verb: String) throws {
    let story = try story()
    try story.write("log", twoConversations)
    #expect(try story.shell("gzip -n < log | head -c -4 > logs/log.gz").status == 0)
    let outcome = try story.shell("$DUIZHANG \(verb) --strict")
    #expect(outcome.status == 1)
    #expect(outcome.output.isEmpty)
    #expect(outcome.errors.contains("duizhang: error: logs/log.gz: at byte "))
    #expect(outcome.errors.contains("; get a whole copy, or run without --strict"))
    #expect(story.names("reports").isEmpty)
  }

  @Test("lines that nothing vouches for are told by the damage alone", arguments: [1, 9_000])
  func wrongChecksum(count: Int) throws {
    let story = try story()
    try story.write("log", (0..<count).map { call("08:00:00", user: "user-\($0)") }.joined())
    let script =
      "gzip -n < log > logs/log.gz && printf '\\x00\\x00' | dd of=logs/log.gz bs=1 conv=notrunc "
      + "seek=$(($(stat -c %s logs/log.gz) - 7)) 2>&1"
    #expect(try story.shell(script).status == 0)
    let outcome = try story.duizhang("count", "logs", "--strict")
    #expect(outcome.status == 1)
    #expect(outcome.output.isEmpty)
    #expect(outcome.errors.hasPrefix("duizhang: error: logs/log.gz: at byte "), "\(outcome.errors)")
    #expect(outcome.lines.isEmpty && outcome.errors.split(separator: "\n").count == 1)
  }

  @Test("a line that damage has cut is told with the damage")
  func cutLine() throws {
    let story = try story()
    try story.write("log", (0..<500).map { call("08:00:00", user: "user-\($0 &* 7_919)") }.joined())
    #expect(try story.shell("gzip -n < log | head -c -90 > logs/log.gz").status == 0)
    let outcome = try story.duizhang("count", "logs", "--strict")
    #expect(outcome.status == 1)
    #expect(outcome.output.isEmpty)
    #expect(outcome.errors.contains("duizhang: error: logs/log.gz:"))
    #expect(outcome.errors.contains("duizhang: error: logs/log.gz: at byte "), "\(outcome.errors)")
  }

  @Test("the line is the file's first, in whichever block it stands")
  func laterBlock() throws {
    let story = try story()
    let good = (0..<20_000).map { call("08:00:00", user: "user-\($0)") }.joined()
    try story.write("logs/log", good + "no record\n" + good + "no record\n" + good)
    for threads in [1, 2, 4] {
      let outcome = try story.shell("$DUIZHANG count logs --strict --threads \(threads)")
      #expect(outcome.status == 1)
      #expect(outcome.errors.contains("logs/log:20001: is not a JSON object; "))
      #expect(outcome.output.isEmpty)
    }
  }

  @Test("a line of a year that cannot be is named, from standard input too")
  func absurdTime() throws {
    let log = twoConversations + "{\"time\":\"1999-12-31T23:59:59Z\",\"user\":\"u\"}\n"
    let outcome = try Story().duizhang("count", "-", "--strict", input: log)
    #expect(outcome.status == 1)
    #expect(outcome.errors.contains("stdin:4: has a time before the year 2000; mend the line"))
  }

  @Test("--line-bytes-max says which lines are too long")
  func lineBytesMax() throws {
    let story = try story()
    // Mostly a user, since a text that is kept has to find room wherever it goes.
    let long = call("10:00:00", user: String(repeating: "u", count: 5_000_000))
    try story.write("logs/log", twoConversations + long + call("11:00:00"))
    let refused = try story.duizhang("count", "logs")
    #expect(refused.status == 1)
    #expect(refused.errors.contains("logs/log:4: is longer than a line may be: 1 MiB, or "))
    for size in ["5m", "16M"] {
      let read = try story.duizhang("count", "logs", "--line-bytes-max", size)
      #expect(read.status == 0, "\(read.errors)")
      #expect(read.output.contains(",acme,2025-12-01,bot,,conversation,4,5,0,0\n"))
    }
    try story.write(
      "logs/log",
      call("08:00:00") + call("09:00:00", user: "\(String(repeating: "u", count: 1_000))"))
    let short = try story.duizhang("count", "logs", "--line-bytes-max", "1K", "--strict")
    #expect(short.status == 1)
    #expect(short.errors.contains("logs/log:2: is longer than a line may be"))
    #expect(try story.duizhang("count", "logs", "--strict").status == 0)
  }

  @Test("after a refusal the reports of the run before are still there")
  func reportsOfTheRunBefore() throws {
    let story = try story()
    try story.write("logs/log", twoConversations)
    #expect(try story.duizhang("run", "p.yaml").status == 0)
    let before = try story.bytes("reports/count.csv")
    try story.write("logs/log", call("08:00:00") + "x\n")
    #expect(try story.duizhang("run", "p.yaml", "--strict").status == 1)
    #expect(try story.bytes("reports/count.csv") == before)
  }
}
