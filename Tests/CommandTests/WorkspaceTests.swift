import Foundation
import Testing

@Suite("duizhang run with a workspace")
struct WorkspaceTests {
  /// A pipeline over some of the sample logs, with and without a workspace.
  private func story(_ keys: String = "") throws -> Story {
    let story = try Story()
    try story.folder("logs")
    try story.write("key", String(repeating: "k", count: 32))
    for (name, workspace) in [("with", "workspace: ws\n"), ("without", "")] {
      try story.write(
        "\(name).yaml",
        """
        pipeline: p
        logs: [\(story.path)/logs]
        contracts: [\(packageFolder)/sample-logs/contract.yaml]
        privacy_key: key
        out: \(name)
        \(workspace)\(keys)
        """)
    }
    return story
  }

  private static let reports = [
    "count.csv", "findings.csv", "quarantine.csv", "reconciliation.csv", "run-summary.json",
    "usage-detail.csv",
  ]

  private func bring(_ pattern: String, to story: Story) throws {
    let copied = try story.shell("cp \"$PACKAGE\"/sample-logs/gateway-\(pattern) logs")
    #expect(copied.status == 0, "\(copied.errors)")
  }

  @Test("nights give the same reports as all logs at once, and read only what is new")
  func nights() throws {
    let story = try story()
    for pattern in ["*-2025-11-30.*", "0[12]-2025-12-01.*", "*-2025-11-29.*", "*-2025-12-0?.*"] {
      try bring(pattern, to: story)
      let outcome = try story.duizhang("run", "with.yaml", "--quiet")
      #expect(outcome.status < 2, "\(outcome.errors)")
    }
    #expect(try story.duizhang("run", "without.yaml", "--quiet").status < 2)
    for report in Self.reports {
      #expect(try story.bytes("with/" + report) == story.bytes("without/" + report), "\(report)")
    }
    // Again, from elsewhere, and recompressed under another name.
    let again = try story.shell(
      """
      zcat logs/gateway-01-2025-12-01.ndjson.gz > logs/gateway-01-2025-12-01.zz
      cd / && "$DUIZHANG" run "$OLDPWD/with.yaml"
      """)
    #expect(again.status < 2)
    for told in [
      "taken in: 0 logs; counted anew: 0 days\n", "known already, under another name",
      "/logs/gateway-01-2025-12-01.zz as \(story.path)/logs/gateway-01-2025-12-01.ndjson.gz\n",
      "34,013 lines = 34,000 records",
    ] {
      #expect(again.errors.contains(told), "\(again.errors)")
    }
    #expect(try story.bytes("with/usage-detail.csv") == story.bytes("without/usage-detail.csv"))
    // Logs that were taken in may be deleted.
    #expect(try story.shell("rm logs/*").status == 0)
    let empty = try story.duizhang("run", "with.yaml", "--quiet")
    #expect(empty.status < 2 && empty.errors.contains("no log is there"))
    #expect(try story.bytes("with/usage-detail.csv") == story.bytes("without/usage-detail.csv"))
    let status = try story.duizhang("workspace", "status", "ws")
    #expect(status.status == 0)
    #expect(status.output.hasPrefix("20 logs: 34,000 records, 8 lines quarantined, 0 damaged\n"))
    #expect(status.output.contains("run 5: "))
  }

  @Test("who holds the workspace is told, with status 4")
  func inUse() throws {
    let story = try story()
    try bring("01-2025-12-01.*", to: story)
    #expect(try story.duizhang("run", "with.yaml", "--quiet").status < 2)
    let outcome = try story.shell("flock ws/lock \"$DUIZHANG\" run with.yaml --quiet")
    #expect(outcome.status == 4)
    #expect(outcome.errors.contains("ws: in use by "))
    #expect(outcome.errors.contains("run with.yaml"))
    #expect(try story.duizhang("run", "with.yaml", "--quiet").status < 2)
  }

  @Test("one changed byte is found and named")
  func verify() throws {
    let story = try story()
    try bring("04-*", to: story)
    #expect(try story.duizhang("run", "with.yaml", "--quiet").status < 2)
    let whole = try story.duizhang("workspace", "verify", "ws")
    #expect(whole.status == 0 && whole.output.isEmpty)
    #expect(whole.errors == "the workspace is as its last finished run left it\n")
    let files = try story.shell("cd ws && find segments days -type f | sort").lines
    #expect(files.count > 10)
    for file in files {
      let path = "ws/" + file
      let bytes = try story.bytes(path)
      var changed = bytes
      changed[changed.count / 2] ^= 1
      try changed.write(to: URL(fileURLWithPath: story.path + "/" + path))
      let found = try story.duizhang("workspace", "verify", "ws")
      #expect(found.status == 1)
      #expect(found.output.contains("error: \(file): "))
      try bytes.write(to: URL(fileURLWithPath: story.path + "/" + path))
    }
    #expect(try story.duizhang("workspace", "verify", "nothing").status == 3)
    #expect(try story.duizhang("workspace", "verify", "logs").status == 3)
  }

  @Test(
    "a strict run takes nothing in of logs with mistakes; a range of days is refused")
  func strict() throws {
    let story = try story()
    try bring("04-2025-12-01.*", to: story)
    try story.write("logs/bad", "no record\n")
    let strict = try story.duizhang("run", "with.yaml", "--quiet", "--strict")
    #expect(strict.status == 1)
    #expect(strict.errors.contains("logs/bad:1: is not a JSON object; mend the line"))
    #expect(try story.duizhang("workspace", "status", "ws").output.hasPrefix("0 logs: 0 records"))
    let days = try story.duizhang("run", "with.yaml", "--date", "2025-12-01")
    #expect(days.status == 2)
    #expect(days.errors.contains("with a workspace, reports are of all that it holds"))
    #expect(try story.duizhang("workspace", "status", "ws").output.hasPrefix("0 logs: 0 records"))
    let pipe = try story.shell(
      "mkfifo p && sed -i 's/logs: .*/logs: [p]/' with.yaml && "
        + "\"$DUIZHANG\" run with.yaml")
    #expect(pipe.status == 3)
    #expect(pipe.errors.contains("p: can be read only once"))
    for (change, told) in [
      ("workspace: logs\\/ws", "is a folder of logs, and the workspace lies in it"),
      ("workspace: .", "lies in the workspace"),
      ("workspace: with", "is the folder for reports, and lies in the workspace"),
    ] {
      let nested = try story.shell(
        "sed 's/workspace: .*/\(change)/; s/logs: .*/logs: [logs]/' with.yaml > nested.yaml && "
          + "\"$DUIZHANG\" run nested.yaml")
      #expect(nested.status == 3, "\(change)")
      #expect(nested.errors.contains(told), "\(nested.errors)")
    }
  }

  @Test("a rule that changes counts all days anew; a contract's other figures do not")
  func rules() throws {
    let story = try story()
    try bring("04-*", to: story)
    #expect(try story.shell("cp \"$PACKAGE\"/sample-logs/contract.yaml c.yaml").status == 0)
    for name in ["with", "without"] {
      #expect(
        try story.shell("sed -i 's/contracts: .*/contracts: [c.yaml]/' \(name).yaml").status == 0)
    }
    #expect(try story.duizhang("run", "with.yaml", "--quiet").status < 2)
    let before = try story.shell("ls ws/days/*").output
    #expect(try story.shell("sed -i 's/price: \"0.35\"/price: \"0.45\"/' c.yaml").status == 0)
    #expect(try story.duizhang("run", "with.yaml", "--quiet").status < 2)
    #expect(try story.shell("ls ws/days/*").output == before)
    #expect(
      try story.shell(
        "grep -q idle_timeout c.yaml && sed -i 's/idle_timeout: [0-9a-z]*/idle_timeout: 5m/' c.yaml"
      )
      .status == 0)
    #expect(try story.duizhang("run", "with.yaml", "--quiet").status < 2)
    #expect(try story.shell("ls ws/days/*").output != before)
    #expect(try story.duizhang("run", "without.yaml", "--quiet").status < 2)
    #expect(try story.bytes("with/count.csv") == story.bytes("without/count.csv"))
  }

  @Test("a ledger that is missing, or older than the workspace, is not gone on with")
  func oldLedger() throws {
    let story = try story()
    try bring("04-2025-12-01.*", to: story)
    #expect(try story.duizhang("run", "with.yaml", "--quiet").status < 2)
    #expect(try story.shell("cp ws/ledger.sqlite old").status == 0)
    try bring("04-2025-12-02.*", to: story)
    #expect(try story.duizhang("run", "with.yaml", "--quiet").status < 2)
    #expect(try story.shell("cp -p ws/ledger.sqlite new && cp old ws/ledger.sqlite").status == 0)
    let older = try story.duizhang("run", "with.yaml", "--quiet")
    #expect(older.status == 5)
    #expect(older.errors.contains("it is not the ledger of which ledger.digest speaks"))
    #expect(try story.shell("rm ws/ledger.sqlite").status == 0)
    let missing = try story.duizhang("run", "with.yaml", "--quiet")
    #expect(missing.status == 5)
    #expect(missing.errors.contains("it is missing, and all else of the workspace is there"))
    #expect(try story.shell("cp new ws/ledger.sqlite").status == 0)
    #expect(try story.duizhang("run", "with.yaml", "--quiet").status < 2)
    #expect(try story.duizhang("workspace", "verify", "ws").status == 0)
  }
}
