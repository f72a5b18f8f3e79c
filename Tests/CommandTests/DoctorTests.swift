import Foundation
import Testing

@Suite("duizhang doctor")
struct DoctorTests {
  /// A pipeline that has everything, and nothing wrong with it.
  private func story() throws -> Story {
    let story = try Story()
    try story.folder("logs")
    try story.folder("metrics")
    try story.write("logs/a.ndjson", twoConversations)
    try story.write("key", String(repeating: "k", count: 32))
    try story.write("hook", "#!/bin/sh\n")
    try story.write(
      "c.yaml",
      """
      contract: C-1
      licensee: {keys: [acme]}
      privacy: {user: hmac}
      prices: [{module: bot, unit: conversation, price: "1.00", enabled: true}]

      """)
    try story.write("s.csv", "date,module,quantity\n2025-12-01,bot,2\n")
    try story.write(
      "p.yaml",
      """
      pipeline: p
      logs: [logs]
      contracts: [c.yaml]
      statements: [{contract: C-1, file: s.csv}]
      workspace: ws
      out: reports
      privacy_key: key
      metrics: metrics/p.prom
      hook: ./hook

      """)
    _ = try story.shell("chmod 600 key && chmod +x hook")
    return story
  }

  /// What is no ok. Root and the machine's TMPDIR are as they are.
  private func problems(_ outcome: Outcome) -> [String] {
    outcome.lines.map(String.init).filter {
      !$0.hasPrefix("ok: ") && !$0.hasPrefix("warning: user: ")
        && !$0.hasPrefix("warning: TMPDIR: ") && !$0.contains(" is in memory (tmpfs)")
    }
  }

  @Test("where nothing is wrong, all is ok, and nothing is made; a night later too")
  func good() throws {
    let story = try story()
    let before = story.names("")
    let outcome = try story.duizhang("doctor", "p.yaml")
    #expect(outcome.status == 0 && outcome.errors.isEmpty)
    #expect(problems(outcome).isEmpty, "\(outcome.output)")
    #expect(story.names("") == before && story.names("metrics").isEmpty)
    for subject in [
      "pipeline", "contracts", "logs", "statements", "contract C-1", "privacy key", "out",
      "workspace", "metrics", "hook", "memory", "clock", "time zones", "open files",
    ] {
      #expect(outcome.output.contains("ok: \(subject): "), "\(outcome.output)")
    }
    let run = try story.duizhang("run", "p.yaml", "--quiet")
    #expect(run.status == 0, "\(run)")
    let files = try story.shell("find ws | sort").output
    let again = try story.duizhang("doctor", "p.yaml")
    #expect(again.status == 0 && problems(again).isEmpty, "\(again.output)")
    #expect(try story.shell("find ws | grep -v sqlite- | sort").output == files)
    #expect(try story.duizhang("run", "p.yaml", "--quiet").status == 0)
  }

  @Test("as JSON, and without what is in order")
  func forms() throws {
    let story = try story()
    _ = try story.shell("rm key")
    let json = try story.duizhang("doctor", "p.yaml", "--log-format", "json", "--quiet")
    #expect(json.status == 1)
    let values = try json.lines.map {
      try JSONDecoder().decode([String: String].self, from: Data($0.utf8))
    }
    #expect(!values.contains { $0["level"] == "ok" })
    let key = try #require(values.first { $0["check"] == "privacy key" })
    #expect(key["level"] == "error" && key["message"]?.contains("No such file") == true)
    #expect(try story.duizhang("doctor").status == 2)
  }

  /// What is done to a good pipeline, and what must be told of it.
  private static let mistakes: [(script: String, told: [String])] = [
    ("rm p.yaml", ["error: pipeline: p.yaml: cannot be read: No such file"]),
    (
      "printf 'metrics: m.txt\\nthreds: 2\\nhook_time_limit: 2h\\n' > q; sed -i '/^metrics/d' p.yaml; cat q >> p.yaml",
      [
        "error: pipeline: p.yaml:9: metrics: expected a file whose name ends with .prom",
        "error: pipeline: p.yaml:10: threds: unknown key; did you mean 'threads'?",
        "error: pipeline: p.yaml:11: hook_time_limit: expected at most 1h",
      ]
    ),
    (
      "sed -i 's/unit: conversation/unit: hour/; s/^privacy.*/privacy: {user: all}/' c.yaml",
      ["/c.yaml:3: privacy.user", "/c.yaml:4: prices[0].unit"]
    ),
    (
      "sed -i 's/contract: C-1, file/contract: C-2, file/' p.yaml",
      [
        "error: contracts: p.yaml:4: statements[0].contract: no contract has the number 'C-2'"
      ]
    ),
    (
      "sed -i 's/^logs.*/logs: [logs, none.log, nothing.log]/' p.yaml",
      [
        "error: logs: none.log: no file of this name", "error: logs: nothing.log: no file of this",
      ]
    ),
    ("rm logs/*", ["warning: logs: none is there yet"]),
    ("rm logs/*; sed -i '/^workspace/d' p.yaml", ["error: logs: logs: is a folder without logs"]),
    ("ln -s nowhere logs/b", ["error: logs: logs/b: is a link to nothing"]),
    ("echo no record > logs/b.ndjson", ["error: logs: logs/b.ndjson: no format reads its first"]),
    ("echo a,b > logs/b.csv", ["warning: logs: logs/b.csv: passed over: no format reads"]),
    ("touch -d '3 days ago' logs/a.ndjson", ["more than 2 days ago; check that logs still come"]),
    ("touch -d '3 days' logs/a.ndjson", ["which is yet to come; check the clocks"]),
    ("echo > reports", ["error: out: $PWD/reports is no folder; name another path"]),
    (
      "mkdir -m 755 reports",
      [
        "warning: out: $PWD/reports may be entered or read by other users (mode 0755); chmod 700"
      ]
    ),
    (
      "sed -i 's/^workspace.*/workspace: logs\\/ws/' p.yaml",
      [
        "error: folders: $PWD/logs: is a folder of logs, and the workspace lies in it"
      ]
    ),
    ("sed -i 's/^out.*/out: ws\\/reports/' p.yaml", ["error: folders: ws/reports: is the folder"]),
    ("mkdir -m 700 ws; echo > ws/other", ["error: workspace: $PWD/ws: it has no ledger.sqlite"]),
    ("$DUIZHANG run p.yaml --quiet; chmod 750 ws", ["warning: workspace: $PWD/ws may be entered"]),
    (
      "$DUIZHANG run p.yaml --quiet; echo x > ws/ledger.sqlite",
      [
        "error: workspace: $PWD/ws"
      ]
    ),
    (
      "$DUIZHANG run p.yaml --quiet; exec 9< ws/lock; flock 9",
      [
        "warning: workspace: $PWD/ws is in use by '", "run p.yaml --quiet' (process ",
      ]
    ),
    ("rm key", ["error: privacy key: cannot read the privacy key key: No such file"]),
    ("chmod 644 key", ["error: privacy key: key: every user of the machine may use it"]),
    ("echo short > key", ["error: privacy key: key: a privacy key needs at least 16 bytes"]),
    (
      "sed -i '/^privacy_key/d' p.yaml",
      [
        "warning: privacy key: none is named, and $PWD/home/.config/duizhang/privacy.key is taken"
      ]
    ),
    (
      "sed -i '/^privacy_key/d' p.yaml; unset HOME",
      [
        "error: privacy key: there is no place for the privacy key"
      ]
    ),
    (
      "echo \"term: {from: 2025-01-01, to: $(date -d '2 days ago' +%F)}\" >> c.yaml",
      [
        "warning: contract C-1: its term ended on "
      ]
    ),
    (
      "echo \"term: {from: 2025-01-01, to: $(date -d '20 days' +%F)}\" >> c.yaml",
      [
        "warning: contract C-1: its term ends on "
      ]
    ),
    (
      "echo \"term: {from: $(date -d '2 days' +%F)}\" >> c.yaml",
      [
        "warning: contract C-1: its term begins on "
      ]
    ),
    ("sed -i '/^prices/d' c.yaml", ["warning: contract C-1: it has no prices"]),
    (
      "sed -i 's/module: bot/module: other/' c.yaml",
      [
        "warning: contract C-1: no price is there for 'bot', which logs or statements name"
      ]
    ),
    ("sed -i 's/,bot,/,voice,/' s.csv", ["warning: contract C-1: no price is there for 'voice'"]),
    (
      "sed -i 's/acme/shop/' c.yaml",
      [
        "warning: contracts: the newest logs have calls of 'acme', of no contract"
      ]
    ),
    ("rm s.csv", ["error: statements: s.csv: cannot be opened: No such file"]),
    ("echo '2025-12-02,bot,many' >> s.csv", ["error: statements: s.csv: 1 rows cannot be read"]),
    ("echo no table > s.csv", ["error: statements: s.csv"]),
    (
      "export TMPDIR=$PWD/none", ["error: TMPDIR: $PWD/none is not there; make it, or name another"]
    ),
    ("echo > file; export TMPDIR=$PWD/file", ["error: TMPDIR: $PWD/file is no folder"]),
    ("echo 'memory: 900T' >> p.yaml", ["error: memory: a run takes 900 TiB of the "]),
    ("ulimit -n 100", ["warning: open files: 100 may be open at a time"]),
    ("rmdir metrics", ["error: metrics: metrics is not there; make it"]),
    ("mkdir metrics/p.prom", ["error: metrics: metrics/p.prom: expected a report file or nothing"]),
    (
      "$DUIZHANG run p.yaml --quiet; sed -i 's/^pipeline: p/pipeline: other/' p.yaml",
      [
        "warning: metrics: metrics/p.prom has those of the pipeline p, and would be overwritten"
      ]
    ),
    ("rm hook", ["error: hook: p.yaml:9: hook: there is no program './hook'; check the path"]),
    ("chmod -x hook", ["error: hook: p.yaml:9: hook: './hook' may not be executed"]),
    (
      "sed -i 's/^hook.*/hook: no-such-program/' p.yaml",
      [
        "error: hook: p.yaml:9: hook: 'no-such-program' is in no folder of PATH"
      ]
    ),
  ]

  @Test("each mistake is found, with its remedy", arguments: mistakes.indices)
  func found(index: Int) throws {
    let mistake = Self.mistakes[index]
    let story = try story()
    let outcome = try story.shell("\(mistake.script)\n$DUIZHANG doctor p.yaml")
    let isError = outcome.lines.contains { $0.hasPrefix("error: ") }
    #expect(outcome.status == (isError ? 1 : 0), "\(mistake.script): \(outcome.errors)")
    for told in mistake.told {
      let told = told.replacing("$PWD", with: story.path)
      #expect(outcome.output.contains(told), "\(mistake.script): \(outcome.output)")
    }
    #expect(!problems(outcome).isEmpty)
  }

  @Test(
    "a part of the workspace on another file system",
    .enabled(if: FileManager.default.isWritableFile(atPath: "/dev/shm")))
  func otherFileSystem() throws {
    let story = try story()
    #expect(try story.duizhang("run", "p.yaml", "--quiet").status == 0)
    let outcome = try story.shell(
      """
      other=$(mktemp -d -p /dev/shm)
      [ "$(stat -c %d "$other")" != "$(stat -c %d ws)" ] || exit 77
      rmdir ws/tmp && ln -s "$other" ws/tmp
      $DUIZHANG doctor p.yaml
      status=$?
      rmdir "$other"
      exit $status
      """)
    if outcome.status == 77 { return }
    #expect(outcome.status == 1)
    #expect(outcome.output.contains("ws/tmp is on another file system than "))
  }

  @Test(
    "folders that the user may not write to",
    .disabled(if: getuid() == 0, "root may write to every folder"))
  func notWritable() throws {
    let story = try story()
    let outcome = try story.shell(
      "mkdir reports; chmod 500 reports metrics; $DUIZHANG doctor p.yaml; status=$?; "
        + "chmod 700 reports metrics; exit $status")
    #expect(outcome.status == 1)
    #expect(outcome.output.contains("error: out: \(story.path)/reports may not be written to"))
    #expect(outcome.output.contains("error: metrics: metrics may not be written to"))
  }
}
