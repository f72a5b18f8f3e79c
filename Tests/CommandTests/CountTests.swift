import Foundation
import Testing

@Suite("duizhang count and usage")
struct CountTests {
  @Test("counts standard input, and says where every line went")
  func standardInput() throws {
    let outcome = try Story().duizhang("count", "-", input: twoConversations + "\n")
    #expect(outcome.status == 0)
    #expect(outcome.output == countHeader + ",acme,2025-12-01,bot,,conversation,2,3,0,0\n")
    #expect(
      outcome.errors == """
        4 lines = 3 records + 1 blank + 0 quarantined
        3 records = 3 messages + 0 items + 0 ignored + 0 failed + 0 duplicates + 0 outside the \
        contract + 0 unplaced

        """)
  }

  @Test("gzip, whatever it is called, gives what plain text gives")
  func gzip() throws {
    let story = try Story()
    try story.write("log", twoConversations)
    let plain = try story.duizhang("count", "log")
    #expect(try story.shell("gzip -n log && mv log.gz log.txt").status == 0)
    let packed = try story.duizhang("count", "log.txt")
    #expect(packed.output == plain.output)
    #expect(packed.output.contains(",2,3,0,0\n"))
    #expect(try story.shell("$DUIZHANG count - < log.txt").output == plain.output)
  }

  @Test("a file that is named twice counts once")
  func namedTwice() throws {
    let story = try Story()
    try story.folder("logs")
    try story.write("logs/a", twoConversations)
    let once = try story.duizhang("count", "logs/a")
    #expect(once.output.contains(",2,3,0,0\n"))
    #expect(
      try story.duizhang("count", "logs/a", "./logs/a", "logs", "logs/*").output == once.output)
  }

  @Test("pipes are read once and whole, named ones and a shell's, in whatever order they are fed")
  func pipes() throws {
    let story = try Story()
    try story.write("a", twoConversations)
    try story.write("b", call("08:00:00", user: "u2"))
    let files = try story.duizhang("count", "a", "b")
    let outcome = try story.shell("timeout 60 $DUIZHANG count <(cat a) <(gzip -c b)")
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(outcome.output == files.output)
    for order in ["first second", "second first"] {
      // The second is opened for writing only when the first is done.
      let outcome = try story.shell(
        """
        rm -f first second; mkfifo first second
        set -- \(order)
        (cat a > $1; cat b > $2) &
        timeout 60 $DUIZHANG count --threads 2 first second
        """)
      #expect(outcome.status == 0, "\(outcome.errors)")
      #expect(outcome.output == files.output)
    }
  }

  @Test("a pipe in a folder is passed over, not waited for")
  func pipeInFolder() throws {
    let story = try Story()
    try story.folder("logs")
    try story.write("logs/a", twoConversations)
    let outcome = try story.shell("mkfifo logs/pipe && timeout 60 $DUIZHANG count logs")
    #expect(outcome.status == 0)
    #expect(outcome.output.contains(",2,3,0,0\n"))
    #expect(outcome.errors.contains("logs/pipe: passed over"))
  }

  @Test("a log without a record has no totals", arguments: ["", "\n\n  \n"])
  func nothing(log: String) throws {
    let story = try Story()
    try story.write("log", log)
    let outcome = try story.duizhang("count", "log")
    #expect(outcome.status == 0)
    #expect(outcome.output == countHeader)
    #expect(outcome.errors.contains("= 0 records + \(log.count { $0 == "\n" }) blank"))
  }

  @Test("simulated logs of another time are dated at its end, and count whole")
  func simulatedLater() throws {
    let story = try Story()
    let simulated = try story.duizhang(
      "simulate", "--from", "2031-05-01", "--days", "2", "--records", "2000", "--out", "logs")
    #expect(simulated.status == 0, "\(simulated.errors)")
    #expect(try story.shell("date -u -r logs/gateway-01*.gz +%F").output.hasPrefix("2031-05-02"))
    let outcome = try story.shell("$DUIZHANG count logs/gateway-*")
    #expect(outcome.status == 0)
    #expect(outcome.errors.contains(" + 0 quarantined"), "\(outcome.errors)")
    // Dated before their traffic, they are a clock that is ahead.
    #expect(try story.shell("touch -d 2031-04-01 logs/*").status == 0)
    let late = try story.shell("$DUIZHANG count logs/gateway-*")
    #expect(late.status == 1)
    #expect(late.errors.contains("has a time more than one day after the newest log's last change"))
    let early = try story.duizhang("simulate", "--from", "1999-12-31", "--out", "early")
    #expect(early.status == 2)
    #expect(early.errors.contains("expected 2000-01-02 to 2399-12-31"), "\(early.errors)")
  }

  @Test("a line that cannot be read is named, and the status asks for a person")
  func quarantine() throws {
    let story = try Story()
    try story.write("log", twoConversations + "{\"time\":\n")
    let outcome = try story.duizhang("count", "log", "--quiet")
    #expect(outcome.status == 1)
    #expect(outcome.output.contains(",2,3,0,0\n"))
    #expect(try story.duizhang("count", "log").errors.contains("log:4: is not valid JSON"))
  }

  @Test("a log that breaks off counts as far as it goes, with the byte where it breaks")
  func truncated() throws {
    let story = try Story()
    // Users that do not repeat, so that the packed log has many blocks.
    let log = (0..<20_000).map { call("08:00:00", user: "u\(($0 &* 2_654_435_761) % 999_983)") }
    try story.write("log", log.joined())
    let whole = try story.duizhang("count", "log")
    let script = "gzip -n log && head -c $(($(stat -c %s log.gz) / 2)) log.gz > cut.gz"
    #expect(try story.shell(script).status == 0)
    let cut = try story.duizhang("count", "cut.gz")
    #expect(cut.status == 1)
    #expect(cut.errors.contains(#/cut\.gz: at byte [0-9]+: /#))
    let messages = cut.lines.last.flatMap { Int($0.split(separator: ",").dropLast(2).last ?? "") }
    #expect(whole.lines.last?.hasSuffix(",20000,0,0") == true)
    #expect((1..<20_000).contains(messages ?? 0), "\(cut.output)")
  }

  @Test("a corrupt log is no reason to leave out the others, and its own lines do not count")
  func corrupt() throws {
    let story = try Story()
    try story.write("good", twoConversations)
    try story.write("log", call("10:00:00", user: "u2"))
    // The checksum, four bytes before the length at the end.
    let script =
      "gzip -n log && printf '\\x00\\x00\\x00\\x00' | dd of=log.gz bs=1 conv=notrunc "
      + "seek=$(($(stat -c %s log.gz) - 8)) 2>&1"
    #expect(try story.shell(script).status == 0)
    let outcome = try story.duizhang("count", "good", "log.gz", "--quiet")
    #expect(outcome.status == 1)
    #expect(
      outcome.errors.contains(
        #/warning: log\.gz: at byte [0-9]+: .*; the lines read of it are quarantined/#),
      "\(outcome.errors)")
    #expect(outcome.output.contains(",2,3,0,0\n"))
    let kept = try story.duizhang("count", "good", "log.gz", "--quarantine", "q")
    #expect(kept.errors.contains("log.gz:1: stands in a part of its log whose checksum"))
    #expect(kept.errors.contains("(--quarantine DIR keeps them"))
    #expect(try story.text("q/log.quarantine") == call("10:00:00", user: "u2"))
    let mended = try story.duizhang("count", "good", "q/log.quarantine")
    #expect(mended.status == 0)
    #expect(mended.output.contains(",3,4,0,0\n"))
    let check = try story.duizhang("check", "log.gz")
    #expect(check.output.contains("; the lines read of it are quarantined"))
    #expect(check.output.contains("log.gz:1: stands in a part of its log"))
  }

  @Test("what a pipe gives is read once, and the notice says so")
  func pipe() throws {
    let story = try Story()
    try story.write("log", (0..<6_000).map { call("08:00:00", user: "user-\($0)") }.joined())
    let script =
      "gzip -n log && printf '\\x00' | dd of=log.gz bs=1 conv=notrunc "
      + "seek=$(($(stat -c %s log.gz) - 8)) 2>&1"
    #expect(try story.shell(script).status == 0)
    let pipe = try story.shell("cat log.gz | $DUIZHANG count -")
    #expect(pipe.status == 1)
    #expect(pipe.output.contains(",6000,6000,0,0\n"))
    #expect(pipe.errors.contains("; the lines read of it pass for right, though nothing vouches"))
    #expect(pipe.errors.contains("give all logs as files"))
    let file = try story.duizhang("count", "log.gz")
    #expect(file.status == 1)
    #expect(file.output == countHeader)
    #expect(file.errors.contains("6,000 lines = 0 records + 0 blank + 6,000 quarantined"))
  }

  @Test("headers in Chinese and the byte order mark are for spreadsheets")
  func chinese() throws {
    let outcome = try Story().duizhang(
      "count", "-", "--headers", "zh", "--bom", input: twoConversations)
    #expect(
      outcome.output
        == "\u{FEFF}合同,被许可方,日期,模块,场景,单位,数量,消息数,失败消息数,重复数\n"
        + ",acme,2025-12-01,bot,,conversation,2,3,0,0\n")
  }

  @Test("another rule can be tried out")
  func otherRule() throws {
    let outcome = try Story().duizhang(
      "count", "-", "--idle-timeout", "29m", "--time-zone", "Asia/Tokyo",
      input: twoConversations + call("16:00:00"))
    #expect(
      outcome.output == countHeader + ",acme,2025-12-01,bot,,conversation,3,3,0,0\n"
        + ",acme,2025-12-02,bot,,conversation,1,1,0,0\n")
  }

  @Test("the detail names each unit, its times and its source")
  func usage() throws {
    let story = try Story()
    try story.write("log", twoConversations)
    let outcome = try story.duizhang("usage", "log", "--out", "reports")
    #expect(outcome.status == 0 && outcome.output.isEmpty)
    #expect(story.names("reports") == ["usage-detail.csv"])
    #expect(
      try story.text("reports/usage-detail.csv") == """
        contract,licensee,date,module,scenario,app,unit,quantity,user,conversation,started_at,\
        ended_at,ended_by,messages,failed_messages,not_billable_because,source
        ,acme,2025-12-01,bot,,,conversation,1,u1,,2025-12-01T08:00:00.000Z,\
        2025-12-01T08:30:00.000Z,idle,2,0,,log:1
        ,acme,2025-12-01,bot,,,conversation,1,u1,,2025-12-01T09:00:00.001Z,\
        2025-12-01T09:00:00.001Z,still_open,1,0,,log:3

        """)
  }

  @Test("under one key equal users have equal pseudonyms, and no user is shown")
  func privacy() throws {
    let story = try Story()
    try story.write("key", String(repeating: "k", count: 32))
    try story.write(
      "c.yaml",
      "contract: C-1\nlicensee: {keys: [acme]}\nprivacy: {user: hmac, key_file: key}\n")
    func users(_ log: String) throws -> [Substring] {
      let outcome = try story.duizhang("usage", "-", "--contract", "c.yaml", input: log)
      #expect(outcome.status == 0)
      #expect(!outcome.output.contains("alice") && !outcome.output.contains("bob"))
      return outcome.lines.dropFirst().map {
        $0.split(separator: ",", omittingEmptySubsequences: false)[8]
      }
    }
    let first = try users(call("08:00:00", user: "alice") + call("09:00:00", user: "bob"))
    let second = try users(call("10:00:00", user: "bob") + call("12:00:00", user: "alice"))
    #expect(first.count == 2 && first[0] != first[1])
    #expect(first == second.reversed())
    #expect(first.allSatisfy { $0.hasPrefix("u-") })
  }

  @Test("a key that has to be made is told of, and used again")
  func defaultKey() throws {
    let story = try Story()
    try story.write("c.yaml", "contract: C-1\nlicensee: {keys: [acme]}\nprivacy: {user: hmac}\n")
    let first = try story.duizhang("usage", "-", "--contract", "c.yaml", input: twoConversations)
    let again = try story.duizhang("usage", "-", "--contract", "c.yaml", input: twoConversations)
    #expect(first.errors.contains("home/.config/duizhang/privacy.key: made as the key"))
    #expect(!again.errors.contains("made as the key"))
    #expect(first.output == again.output)
  }
}
