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

  /// Holds the reports of a month, taken in night by night, against those of a run over all logs at once.
  private func expectEqual(_ month: String, in story: Story) throws {
    #expect(
      try story.duizhang("run", "without.yaml", "--period", month, "--quiet").status < 2)
    for report in ["count.csv", "findings.csv", "reconciliation.csv"] {
      #expect(
        try story.bytes("with/\(month)/" + report) == story.bytes("without/" + report),
        "\(month) \(report)")
    }
    let details = story.names("with/\(month)").filter { $0.hasPrefix("usage-detail-") }
    #expect(details.count >= 2)
    let rows = try details.flatMap { name in
      try story.text("with/\(month)/" + name).split(separator: "\n").dropFirst()
    }
    let whole = try story.text("without/usage-detail.csv").split(separator: "\n").dropFirst()
    #expect(rows == Array(whole), "\(month)")
  }

  private func bring(_ pattern: String, to story: Story) throws {
    let copied = try story.shell("cp \"$PACKAGE\"/sample-logs/gateway-\(pattern) logs")
    #expect(copied.status == 0, "\(copied.errors)")
  }

  @Test("a night that is refused leaves a workspace that verifies")
  func refusedNight() throws {
    let story = try story()
    try bring("*-2025-11-29.*", to: story)
    #expect(try story.duizhang("run", "with.yaml", "--quiet").status < 2)
    try story.write("logs/bad.ndjson", "no record\n")
    #expect(try story.duizhang("run", "with.yaml", "--strict").status == 1)
    let outcome = try story.duizhang("workspace", "verify", "ws")
    #expect(outcome.status == 0, "\(outcome.output)")
  }

  @Test("a night without anything to write takes away what a killed one left among the months")
  func leftOvers() throws {
    let story = try story()
    try bring("*-2025-11-29.*", to: story)
    #expect(try story.duizhang("run", "with.yaml", "--quiet").status < 2)
    let months = story.names("with")
    try story.folder("with/.2025-11.99999999-0.part")
    try story.write("with/.2025-11.99999999-0.part/count.csv", "old")
    #expect(try story.duizhang("run", "with.yaml", "--quiet").status < 2)
    #expect(story.names("with") == months)
  }

  @Test("nights give the same reports as all logs at once, and read only what is new")
  func nights() throws {
    let story = try story()
    for pattern in ["*-2025-11-30.*", "0[12]-2025-12-01.*", "*-2025-11-29.*", "*-2025-12-0?.*"] {
      try bring(pattern, to: story)
      let outcome = try story.duizhang("run", "with.yaml", "--quiet")
      #expect(outcome.status < 2, "\(outcome.errors)")
    }
    for month in ["2025-11", "2025-12"] { try expectEqual(month, in: story) }
    #expect(try story.duizhang("verify", "with").status == 0)
    let before = try story.shell("find with -type f -printf '%i %p\n' | sort").output
    // Again, from elsewhere, and recompressed under another name.
    let again = try story.shell(
      """
      zcat logs/gateway-01-2025-12-01.ndjson.gz > logs/gateway-01-2025-12-01.zz
      cd / && "$DUIZHANG" run "$OLDPWD/with.yaml"
      """)
    #expect(again.status < 2)
    for told in [
      "taken in: 0 logs; counted anew: 0 days; ", "known already, under another name",
      "/logs/gateway-01-2025-12-01.zz as \(story.path)/logs/gateway-01-2025-12-01.ndjson.gz\n",
      "reports written: none, since nothing changed",
    ] {
      #expect(again.errors.contains(told), "\(again.errors)")
    }
    #expect(try story.shell("find with -type f -printf '%i %p\n' | sort").output == before)
    // Logs that were taken in may be deleted.
    #expect(try story.shell("rm logs/*").status == 0)
    let empty = try story.duizhang("run", "with.yaml", "--quiet")
    #expect(empty.status < 2 && empty.errors.contains("no log is there"))
    #expect(try story.shell("find with -type f -printf '%i %p\n' | sort").output == before)
    let status = try story.duizhang("status", "ws")
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

  @Test("the raw logs prove a workspace; what they do not prove is named")
  func proof() throws {
    let story = try story()
    for pattern in ["0[12]-2025-11-30.*", "0[13]-2025-12-0[12].*"] {
      try bring(pattern, to: story)
      #expect(try story.duizhang("run", "with.yaml", "--quiet").status < 2)
    }
    #expect(try story.duizhang("close", "with.yaml", "--period", "2025-11", "--quiet").status < 2)
    try story.folder("scratch")
    func prove(_ scratch: String) throws -> Outcome {
      try story.duizhang(
        "workspace", "verify", "ws", "--pipeline", "with.yaml", "--scratch", scratch)
    }
    let whole = try prove("scratch")
    #expect(whole.status == 0 && whole.output.isEmpty, "\(whole.output)\(whole.errors)")
    #expect(whole.errors.contains("the workspace is as its last finished run left it\n"))
    #expect(
      whole.errors.contains("counted anew from the raw logs, and equal: 6 logs with "),
      "\(whole.errors)")
    #expect(whole.errors.contains("4 days, 1 closed month\n"), "\(whole.errors)")
    #expect(story.names("scratch").isEmpty)
    // Of one that is gone, and one in which something else stands.
    let log = try story.shell("ls \"$PWD\"/logs/*03-2025-12-01*").lines[0]
    #expect(try story.shell("mv \(log) kept && zcat -f kept | tail -n +2 > \(log)").status == 0)
    let changed = try prove("scratch")
    #expect(changed.status == 1)
    #expect(
      changed.output.contains("error: \(log): is gone, or another file is in its place; expected "),
      "\(changed.output)")
    #expect(changed.output.contains("put it back from an archive, under \(log)\n"))
    #expect(try story.shell("mv kept \(log)").status == 0)
    // By a contract that counts otherwise.
    let other = try story.shell(
      """
      sed 's/idle_timeout: [0-9a-z]*/idle_timeout: 5m/' "$PACKAGE"/sample-logs/contract.yaml > c.yaml
      sed 's/contracts: .*/contracts: [c.yaml]/' with.yaml > other.yaml
      "$DUIZHANG" workspace verify ws --pipeline other.yaml
      """)
    #expect(other.status == 1 && other.output.contains("were counted by the rule "))
    #expect(other.errors.contains("6 logs with "))
    // A new folder, taken in from the raw logs, is the same workspace.
    let again = try story.shell(
      """
      sed 's/workspace: ws/workspace: new/; s/out: with/out: anew/' with.yaml > new.yaml
      "$DUIZHANG" run new.yaml --quiet; "$DUIZHANG" close new.yaml --period 2025-11 --quiet
      "$DUIZHANG" workspace verify new --pipeline new.yaml --quiet &&
      diff -r ws/segments new/segments && diff -r ws/days new/days &&
      diff with/2025-11/count.csv anew/2025-11/count.csv
      """)
    #expect(again.status == 0, "\(again.output)\(again.errors)")
    #expect(try story.duizhang("workspace", "verify", "ws", "--scratch", "scratch").status == 2)
    let nested = try prove("logs")
    #expect(
      nested.status == 2 && nested.errors.contains("name a folder for the count that is apart"))
    let absent = try prove("nowhere")
    #expect(absent.status == 2 && absent.errors.contains("no folder can be made in it"))
  }

  @Test("old days are sealed: their segments go, and what comes for them is told and not counted")
  func retention() throws {
    let story = try Story()
    try story.folder("logs")
    try story.write("key", String(repeating: "k", count: 32))
    try story.write(
      "c.yaml",
      """
      contract: C-1
      licensor: {name: B}
      licensee: {name: A, keys: [a]}
      time_zone: Asia/Shanghai
      """)
    try story.write(
      "p.yaml",
      """
      {pipeline: p, logs: [logs], contracts: [c.yaml], privacy_key: key, out: out, workspace: ws,
       keep_segments: 40d}
      """)
    func log(_ name: String, _ times: String...) throws {
      let lines = times.map { "{\"time\":\"\($0)Z\",\"licensee\":\"a\",\"user\":\"u\"}\n" }
      try story.write("logs/" + name, lines.joined())
    }
    try log("1", "2025-10-05T12:00:00", "2025-10-06T12:00:00")
    try log("2", "2025-12-20T12:00:00")
    #expect(try story.duizhang("close", "p.yaml", "--period", "2025-10", "--quiet").status == 0)
    let sealed = try story.duizhang("close", "p.yaml", "--period", "2025-11")
    #expect(sealed.status == 0)
    #expect(
      sealed.errors.contains(
        "sealed, since they are older than 'keep_segments': 2 days up to 2025-10-06 (UTC)\n"),
      "\(sealed.errors)")
    #expect(try story.duizhang("run", "p.yaml", "--quiet").status == 0)
    #expect(try story.shell("ls ws/segments").output == "2025-12-20\n")
    let proof = try story.duizhang("workspace", "verify", "ws", "--pipeline", "p.yaml")
    #expect(proof.status == 0)
    #expect(proof.output.hasPrefix("note: segments: those of days up to 2025-10-06 were removed"))
    #expect(proof.errors.contains("2 logs with 3 records, 3 days, 2 closed months\n"))
    try log("3", "2025-10-06T13:00:00", "2025-12-20T13:00:00")
    let late = try story.duizhang("run", "p.yaml", "--quiet")
    #expect(late.status == 1)
    #expect(late.errors.contains("/logs/3 has 1 record of days that are sealed ('keep_segments')"))
    #expect(try story.text("out/2025-12/count.csv").contains(",conversation,2,2,"))
    #expect(try story.duizhang("run", "p.yaml", "--quiet").status == 0)
    #expect(
      try story.duizhang("workspace", "verify", "ws", "--pipeline", "p.yaml", "--quiet").status == 0
    )
    let reopened = try story.duizhang(
      "close", "p.yaml", "--period", "2025-11", "--reopen", "a log was missing")
    #expect(reopened.status < 2)
    let refused = try story.duizhang(
      "close", "p.yaml", "--period", "2025-10", "--reopen", "a log was missing")
    #expect(refused.status == 2)
    #expect(refused.errors.contains("the segments of its days up to 2025-10-06 were removed"))
  }

  @Test(
    "a strict run takes nothing in of logs with mistakes; what cannot be a log is refused")
  func strict() throws {
    let story = try story()
    try bring("04-2025-12-01.*", to: story)
    try story.write("logs/bad", "no record\n")
    let strict = try story.duizhang("run", "with.yaml", "--quiet", "--strict")
    #expect(strict.status == 1)
    #expect(strict.errors.contains("logs/bad:1: is not a JSON object; mend the line"))
    #expect(try story.duizhang("status", "ws").output.hasPrefix("0 logs: 0 records"))
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
    for month in ["2025-11", "2025-12"] { try expectEqual(month, in: story) }
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

  @Test("any range of days has its reports, and a night writes only what it changes")
  func ranges() throws {
    let story = try story()
    try bring("*-2025-12-0[12].*", to: story)
    #expect(try story.duizhang("run", "with.yaml", "--quiet").status < 2)
    for (options, name) in [
      (["--date", "2025-12-02"], "2025-12-02"),
      (["--from", "2025-12-01", "--to", "2025-12-02"], "2025-12-01--2025-12-02"),
    ] {
      for pipeline in ["with", "without"] {
        let arguments = options.joined(separator: " ")
        let outcome = try story.shell("\"$DUIZHANG\" run \(pipeline).yaml \(arguments) --quiet")
        #expect(outcome.status < 2, "\(outcome.errors)")
      }
      for report in ["count.csv", "findings.csv", "usage-detail.csv"] {
        #expect(
          try story.bytes("with/\(name)/" + report) == story.bytes("without/" + report), "\(name)")
      }
    }
    // The detail of a day that nothing came for is the same file still.
    let first = try story.shell("stat -c %i with/2025-12/usage-detail-2025-12-01.csv").output
    let second = try story.shell("stat -c %i with/2025-12/usage-detail-2025-12-02.csv").output
    try bring("*-2025-12-03.*", to: story)
    #expect(try story.duizhang("run", "with.yaml", "--quiet").status < 2)
    #expect(
      try story.shell("stat -c %i with/2025-12/usage-detail-2025-12-01.csv").output == first)
    #expect(
      try story.shell("stat -c %i with/2025-12/usage-detail-2025-12-02.csv").output != second)
    // Without its folder a month is written anew; with a changed key all of it is.
    #expect(try story.shell("rm -r with/2025-12").status == 0)
    let again = try story.duizhang("run", "with.yaml")
    #expect(again.errors.contains("reports written: 2025-12\n"))
    let part = try story.shell("rm with/2025-12/count.csv; \"$DUIZHANG\" run with.yaml")
    #expect(part.errors.contains("reports written: 2025-12\n"))
    #expect(try story.duizhang("verify", "with").status == 0)
  }

  @Test("a closed month stays, whatever comes, and adjustments add up to an open count")
  func closing() throws {
    let story = try story()
    for pattern in ["0[12]-*", "04-2025-12-0?.*"] { try bring(pattern, to: story) }
    let early = try story.duizhang("close", "with.yaml", "--period", "2025-12")
    #expect(early.status == 2)
    #expect(early.errors.contains("2025-12 cannot be closed while 2025-11 is open"))
    let closed = try story.duizhang("close", "with.yaml", "--period", "2025-11")
    #expect(closed.status < 2 && closed.errors.contains("2025-11 is closed: it stays as it is"))
    let twice = try story.duizhang("close", "with.yaml", "--period", "2025-11")
    #expect(twice.status == 2 && twice.errors.contains("2025-11 is closed since "))
    #expect(try story.shell("cp -r with/2025-11 kept").status == 0)
    for pattern in ["03-2025-11-30.*", "04-2025-11-29.*", "0[34]-*"] {
      try bring(pattern, to: story)
      let night = try story.duizhang("run", "with.yaml", "--quiet")
      #expect(night.status == 1 && night.errors.contains("2025-11 is closed, and logs came that"))
      #expect(try story.shell("diff -r with/2025-11 kept").status == 0)
    }
    let open = try story.duizhang(
      "run", "with.yaml", "--from", "2025-11-01", "--to", "2025-11-30", "--quiet")
    #expect(open.status < 2)
    // count.csv and adjustments.csv by what they have in common.
    let sums = try story.shell(
      """
      sum() { awk -F, 'NR > 1 || FILENAME != last { last = FILENAME } FNR > 1 {
        if (FILENAME ~ /adjust/) { key = $1 "," $2 "," $5 "," $6 "," $7 "," $8; at = 9 }
        else { key = $1 "," $2 "," $3 "," $4 "," $5 "," $6; at = 7 }
        for (i = 0; i < 4; i++) t[key "," i] += $(at + i) }
        END { for (k in t) if (t[k] != 0) print k, t[k] }' "$@" | sort; }
      diff <(sum with/2025-11/count.csv with/2025-12/adjustments.csv) \
        <(sum with/2025-11-01--2025-11-30/count.csv) && sum with/2025-12/adjustments.csv | wc -l
      """)
    #expect(sums.status == 0, "\(sums.output)")
    #expect((Int(sums.output.split(separator: "\n").last ?? "") ?? 0) > 10)
    let month = try story.duizhang("run", "with.yaml", "--period", "2025-11")
    #expect(month.status == 2 && month.errors.contains("2025-11 is closed, and stays as it is in"))
    // Lost, it is written as it was; opened again, as it is now.
    #expect(try story.shell("rm -r with/2025-11").status == 0)
    #expect(try story.duizhang("run", "with.yaml", "--quiet").status < 2)
    #expect(try story.shell("diff -r with/2025-11 kept").status == 0)
    let reopened = try story.duizhang(
      "close", "with.yaml", "--period", "2025-11", "--reopen", "a log was missing")
    #expect(reopened.status < 2)
    #expect(
      try story.bytes("with/2025-11/count.csv")
        == story.bytes("with/2025-11-01--2025-11-30/count.csv"))
    #expect(try story.text("with/2025-12/adjustments.csv").split(separator: "\n").count == 1)
    let audit = try story.duizhang("workspace", "audit", "ws")
    #expect(audit.status == 0 && audit.output.hasPrefix("entry,time,actor,action,run,command,"))
    for told in [
      "period.close,", "a log was missing", "gateway-03-2025-11-30.ndjson.lz4",
      "run with.yaml --quiet",
    ] {
      #expect(audit.output.contains(told), "\(audit.output.prefix(2_000))")
    }
    #expect(try story.duizhang("workspace", "verify", "ws").status == 0)
    #expect(try story.duizhang("verify", "with").status == 0)
  }

  @Test("the pipelines for closing a month and for disputes do as they say")
  func pipelines() throws {
    let story = try Story()
    let copied = try story.shell(
      """
      mkdir pipelines && cp "$PACKAGE"/pipelines/*.yaml pipelines
      sed -i "s#\\.\\./sample-logs#$PACKAGE/sample-logs#" pipelines/*.yaml
      """)
    #expect(copied.status == 0)
    let closed = try story.duizhang(
      "close", "pipelines/month-close.yaml", "--period", "2025-11", "--quiet")
    #expect(closed.status == 1, "\(closed.errors)")
    #expect(try story.text("statements/2025-11/count.csv").hasPrefix("\u{FEFF}合同,"))
    let range = ["--from", "2025-11-30", "--to", "2025-12-01"]
    let looked = try story.shell(
      "\"$DUIZHANG\" run pipelines/dispute.yaml \(range.joined(separator: " ")) --quiet")
    #expect(looked.status == 1 && story.names("dispute").contains("usage-detail.csv"))
    let status = try story.duizhang("status", "pipelines/month-close.yaml")
    #expect(status.status == 0)
    for told in ["2025-11  closed", "2025-12  open", "next: the next night"] {
      #expect(status.output.contains(told), "\(status.output)")
    }
    let json = try story.duizhang("status", "workspace", "--log-format", "json")
    #expect(
      json.output.contains("{\"month\": \"2025-11\", \"state\": \"closed\""), "\(json.output)")
  }
}
