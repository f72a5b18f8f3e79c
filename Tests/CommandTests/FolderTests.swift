import Foundation
import Testing

/// What is in folders, and under names, that logs are looked for in: nothing is left out in silence.
@Suite("folders and names of logs")
struct FolderTests {
  private func story() throws -> Story {
    let story = try Story()
    try story.folder("logs")
    try story.write("logs/a.log", twoConversations)
    return story
  }

  @Test("a log that no format reads is quarantined, however it was found")
  func unknownLog() throws {
    let story = try story()
    try story.write("logs/b.log", "some other words\n")
    let outcome = try story.duizhang("count", "--quiet", "logs")
    #expect(outcome.status == 1)
    #expect(outcome.output.contains(",2,3,0,0\n"))
    #expect(outcome.errors.contains("1 of 4 lines were quarantined"))
    #expect(try story.duizhang("check", "logs").output.contains("1 log is of no known format"))
    #expect(try story.duizhang("count", "--strict", "logs").status == 1)
  }

  @Test("what may be a log is passed over with a warning, what is none with a word")
  func passedOver() throws {
    let story = try story()
    try story.write("logs/statement.csv", "日期,次数\n2025-12-01,3\n")
    try story.write("logs/README.md", "# Logs\n")
    let outcome = try story.duizhang("count", "logs")
    #expect(outcome.status == 0)
    #expect(outcome.errors.contains("warning: logs/statement.csv: passed over"))
    #expect(
      outcome.errors.contains("\nlogs/README.md: passed over")
        || outcome.errors.hasPrefix("logs/README"))
    let quiet = try story.duizhang("count", "--quiet", "logs")
    #expect(quiet.errors.contains("logs/statement.csv: passed over"))
    #expect(!quiet.errors.contains("README"))
    try story.write("p.yaml", "pipeline: p\nlogs: [logs]\nout: out\n")
    #expect(try story.duizhang("run", "--quiet", "p.yaml").errors.contains("logs/statement.csv"))
  }

  @Test("links to nothing and names that are no UTF-8 are errors", arguments: ["logs", "'logs/*'"])
  func unreadableNames(paths: String) throws {
    let story = try story()
    let link = try story.shell("ln -s gone logs/b.log; $DUIZHANG count \(paths) logs/b.log")
    #expect(link.status == 3)
    #expect(link.errors.contains("logs/b.log: is a link to nothing"))
    let name = try story.shell(
      "rm logs/b.log; cp logs/a.log logs/$(printf '\\xcd\\xf8').log; $DUIZHANG count \(paths)")
    #expect(name.status == 3)
    #expect(name.errors.contains("its name is not valid UTF-8"))
  }

  @Test("folders that links lead back to are read once", .timeLimit(.minutes(1)))
  func loops() throws {
    let story = try story()
    let outcome = try story.shell(
      "ln -s . logs/l1; ln -s .. logs/l2; mkdir logs/sub; cp logs/a.log logs/sub; $DUIZHANG count logs"
    )
    #expect(outcome.status == 0)
    #expect(outcome.errors.hasPrefix("6 lines = 6 records"), "\(outcome.errors)")
  }

  @Test(
    "a log that begins with the zeros of a truncated file is read", arguments: [70_000, 700_000])
  func zeros(count: Int) throws {
    let story = try story()
    let outcome = try story.shell(
      "(head -c \(count) /dev/zero; echo; cat logs/a.log) > z.log; $DUIZHANG count z.log")
    #expect(outcome.status == 1)
    #expect(outcome.errors.contains("4 lines = 3 records + 0 blank + 1 quarantined"))
    let nginx = try story.shell(
      """
      echo '192.0.2.1 - - [01/Dec/2025:08:00:00 +0800] "POST /v1/bots/a/messages?user=u HTTP/1.1" 200 1 \
      "-" "-"' > n
      (head -c \(count) /dev/zero; echo; cat n) > z.log; $DUIZHANG count z.log
      """)
    #expect(nginx.output.hasSuffix(",a,,conversation,1,1,0,0\n"), "\(nginx.errors)")
  }

  @Test("a header without rows, comments, and a text that is UTF-16 without saying so")
  func otherTexts() throws {
    let story = try story()
    try story.write("day.csv", "time,user\n")
    #expect(try story.duizhang("check", "day.csv").status == 0)
    #expect(try story.duizhang("count", "day.csv").status == 0)
    try story.write(
      "w3c.log", "#Software: x\n#Fields: date time cs-username\n2025-12-01 08:00:00 u1\n")
    try story.write(
      "w3c.yaml",
      """
      format: w3c
      lines: {csv: {delimiter: " ", header: [date, time, cs-username]}}
      comment: "#"
      time_zone: UTC
      fields: {time: '{date} {time}', user: cs-username}
      """)
    let outcome = try story.duizhang("count", "--format", "w3c.yaml", "w3c.log")
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(outcome.errors.hasPrefix("3 lines = 1 records + 2 blank"))
    let wide = try story.shell("iconv -t utf-16le logs/a.log > u.log; $DUIZHANG check u.log")
    #expect(wide.output.contains("duizhang check --encoding utf-16le u.log"))
  }

  @Test("times that no calendar has, and what a caller sends to a terminal, do not end a check")
  func oddRecords() throws {
    let story = try Story()
    try story.write(
      "a.log",
      #"{"time":-62167219201,"user":"a"}"# + "\n"
        + #"{"time":"9999-12-31T23:59:60Z","user":"a\u001b[2J\nb"}"# + "\n")
    let outcome = try story.duizhang("check", "a.log")
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(outcome.output.contains("time=-000001-12-31T23:59:59.000Z"))
    #expect(outcome.output.contains("time=+010000-01-01T00:00:00.000Z user=a\u{FFFD}[2J\u{FFFD}b"))
  }
}
