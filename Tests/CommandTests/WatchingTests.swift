import Foundation
import Testing

@Suite("duizhang run, watched over")
struct WatchingTests {
  /// A pipeline over two conversations, with a workspace, metrics and a hook that keeps what it is told.
  private func story(_ keys: String = "") throws -> Story {
    let story = try Story()
    try story.folder("logs")
    try story.write("logs/a.ndjson", twoConversations)
    try story.write(
      "hook",
      """
      #!/bin/sh
      echo "told of $DUIZHANG_STATUS"
      cat > told
      ls -l /proc/self/fd > fds
      flock -n ws/lock true && echo free > lock
      """)
    _ = try story.shell("chmod +x hook && mkdir metrics")
    try story.write(
      "p.yaml",
      "pipeline: p\nlogs: [logs]\nworkspace: ws\nout: reports\nmetrics: metrics/p.prom\n"
        + "hook: ./hook\n\(keys)\n")
    return story
  }

  private func sample(_ story: Story, _ name: String) throws -> String? {
    try story.text("metrics/p.prom").split(separator: "\n")
      .first { $0.hasPrefix("\(name){pipeline=\"p\"} ") }?
      .split(separator: " ").last.map(String.init)
  }

  private func told(_ story: Story) throws -> [String: Any]? {
    defer { _ = try? story.shell("rm told fds lock") }
    return try JSONSerialization.jsonObject(with: story.bytes("told")) as? [String: Any]
  }

  @Test("a good night, one that needs a person, and one that fails")
  func nights() throws {
    let story = try story()
    let good = try story.duizhang("run", "p.yaml", "--quiet")
    #expect(good.status == 0 && good.errors.isEmpty, "\(good)")
    #expect(try sample(story, "duizhang_last_run_exit_status") == "0")
    #expect(try sample(story, "duizhang_lines") == "3")
    #expect(try sample(story, "duizhang_logs_taken_in") == "1")
    #expect(story.names("metrics") == ["p.prom"])
    #expect(!story.names("").contains("told"))
    let mode = try story.shell("umask 077; $DUIZHANG run p.yaml --quiet; stat -c %a metrics/p.prom")
    #expect(mode.output == "644\n")
    #expect(try sample(story, "duizhang_logs_taken_in") == "0")
    let success = try sample(story, "duizhang_last_success_timestamp_seconds")

    try story.write("logs/b.ndjson", "no record\n")
    let doubtful = try story.duizhang("run", "p.yaml", "--quiet")
    #expect(doubtful.status == 1)
    #expect(doubtful.errors.contains("told of 1\n") && doubtful.output.isEmpty)
    let files = try story.text("fds")
    #expect(files.contains("0 -> pipe:") && !files.contains("/ws/"))
    #expect(try story.text("lock") == "free\n")
    let first = try told(story)
    #expect(first?["pipeline"] as? String == "p" && first?["status"] as? Int == 1)
    #expect(first?["reports"] as? String == "\(story.path)/reports")
    #expect((first?["needs_person"] as? [String])?.count == 1)
    #expect(try sample(story, "duizhang_quarantined_lines") == "1")

    // A workspace that is none any more.
    try story.write("ws/ledger.sqlite", "x")
    let failed = try story.duizhang("run", "p.yaml", "--quiet")
    #expect(failed.status == 5)
    #expect(failed.errors.contains("told of 5\n"))
    let second = try told(story)
    #expect(second?["status"] as? Int == 5)
    #expect((second?["errors"] as? [String])?.count == 1)
    #expect(try sample(story, "duizhang_last_run_exit_status") == "5")
    #expect(try sample(story, "duizhang_quarantined_lines") == "1")
    #expect(try sample(story, "duizhang_last_success_timestamp_seconds") != success)
  }

  @Test("a mistake in a contract, logs that are missing, a workspace in use")
  func failures() throws {
    let story = try story("contracts: [c.yaml]")
    let contract = try story.duizhang("run", "p.yaml", "--quiet")
    #expect(contract.status == 2 && contract.errors.contains("told of 2"))
    #expect(try sample(story, "duizhang_last_run_exit_status") == "2")
    #expect(try sample(story, "duizhang_last_success_timestamp_seconds") == "0")
    #expect(try sample(story, "duizhang_lines") == nil)
    try story.write("c.yaml", "contract: C\nlicensee: {keys: [acme]}\nprivacy: {user: plain}\n")
    #expect(try story.duizhang("run", "p.yaml", "--quiet").status == 0)
    let busy = try story.shell("rm told; flock ws/lock $DUIZHANG run p.yaml --quiet")
    #expect(busy.status == 4 && !busy.errors.contains("told of"))
    #expect(!story.names("").contains("told"))
    #expect(try sample(story, "duizhang_last_run_exit_status") == "4")
    // What cannot be asked for is for whoever has asked alone.
    let usage = try story.duizhang("close", "p.yaml", "--quiet", "--period", "2026-12")
    #expect(usage.status == 2 && !usage.errors.contains("told of"))
    #expect(try sample(story, "duizhang_last_run_exit_status") == "4")
    _ = try story.shell("rm -r logs")
    let missing = try story.duizhang("run", "p.yaml", "--quiet")
    #expect(missing.status == 3 && missing.errors.contains("told of 3"))
  }

  @Test("what goes wrong in telling is a warning, and not the run's status")
  func warnings() throws {
    let story = try story("hook_time_limit: 1s")
    try story.write("hook", "#!/bin/sh\nexit 9\n")
    try story.write("logs/b.ndjson", "no record\n")
    _ = try story.shell("rmdir metrics")
    let outcome = try story.duizhang("run", "p.yaml", "--quiet")
    #expect(outcome.status == 1)
    for told in [
      "duizhang: warning: metrics: cannot create metrics/p.prom: No such file or directory; check",
      "duizhang: warning: p.yaml:6: hook: './hook' ended with status 9",
    ] {
      #expect(outcome.errors.contains(told), "\(outcome.errors)")
    }
    try story.write("hook", "#!/bin/sh\nsleep 30\n")
    #expect(
      try story.duizhang("run", "p.yaml", "--quiet").errors.contains("took more than 1s"))
    // That it will not start is told in good nights, too.
    _ = try story.shell("rm hook logs/b.ndjson; rm -r ws; mkdir metrics")
    let good = try story.duizhang("run", "p.yaml", "--quiet")
    #expect(good.status == 0)
    #expect(
      good.errors
        == "duizhang: warning: p.yaml:6: hook: there is no program './hook'; check the path\n")
  }
}
