import Foundation
import Testing

@Suite("duizhang verify")
struct VerifyTests {
  /// A night's reports in `reports`, with a workspace where that is wanted.
  private func night(hasWorkspace: Bool = false) throws -> Story {
    let story = try Story()
    try story.write("log", twoConversations + "{broken\n")
    try story.write("c.yaml", "contract: C-1\nlicensee: {keys: [acme]}\nprivacy: {user: plain}\n")
    try story.write("s.csv", "date,module,quantity\n2025-12-01,bot,2\n")
    try story.write(
      "p.yaml",
      "pipeline: p\nlogs: log\nout: reports\ncontracts: c.yaml\nquarantined_share: 100%\n"
        + "statements: [{contract: C-1, file: s.csv}]\n"
        + (hasWorkspace ? "workspace: kept\n" : ""))
    let outcome = try story.duizhang("run", "p.yaml", "--quiet")
    #expect(outcome.status < 2, "\(outcome.errors)")
    return story
  }

  @Test("a night's reports are right, and a line says what to compare")
  func right() throws {
    let story = try night()
    let outcome = try story.duizhang("verify", "reports/")
    #expect(outcome.status == 0, "\(outcome.output)\(outcome.errors)")
    #expect(outcome.errors.isEmpty)
    let names = RunTests.reports.count + story.names("reports/quarantine").count
    #expect(outcome.lines.count == 1)
    #expect(outcome.output.hasPrefix("reports: \(names) files, "), "\(outcome.output)")
    #expect(try story.duizhang("verify", "--quiet", "reports").output == "")
    // Again from the same input: the same bytes.
    let before = try story.bytes("reports/manifest.json")
    _ = try story.duizhang("run", "p.yaml", "--quiet", "--threads", "1")
    #expect(try story.bytes("reports/manifest.json") == before)
  }

  @Test(
    "the system's own tool says the same",
    .enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/sha256sum")))
  func tool() throws {
    let story = try night()
    let sum = try story.shell(
      "cd reports && sha256sum --strict --quiet -c SHA256SUMS && sha256sum manifest.json")
    #expect(sum.status == 0, "\(sum.output)\(sum.errors)")
    #expect(
      try story.duizhang("verify", "reports").output
        .hasSuffix("; manifest.json is \(sum.output.prefix(64))\n"))
  }

  @Test("what is wrong is named with what was expected and what to do")
  func wrong() throws {
    let story = try night()
    let outcome = try story.shell(
      """
      sed -i s/2/3/ reports/count.csv; echo >> reports/findings.csv; rm reports/run-summary.json
      touch reports/strange
      $DUIZHANG verify reports
      """)
    #expect(outcome.status == 1)
    #expect(outcome.lines.count == 4)
    for told in [
      "error: reports/count.csv: expected SHA-256 ", "error: reports/findings.csv: expected ",
      "error: reports/run-summary.json: is missing; restore it from a copy, or run again",
      "note: reports/strange: is named by no manifest",
    ] {
      #expect(outcome.output.contains(told), "\(outcome.output)")
    }
    #expect(try story.duizhang("verify", "--quiet", "reports").lines.count == 3)
    // The next run mends it.
    #expect(try story.duizhang("run", "p.yaml", "--quiet").status < 2)
    #expect(try story.duizhang("verify", "reports").status == 0)
  }

  @Test("a name cannot make lines of its own")
  func names() throws {
    let story = try night()
    let outcome = try story.shell(
      #"touch reports/$'x\nerror: all\e[1m'; $DUIZHANG verify reports"#)
    #expect(outcome.lines.count == 2)
    #expect(outcome.output.contains("note: reports/x\\nerror: all\u{FFFD}[1m: is named by no"))
  }

  @Test("folders in folders, and folders without a manifest")
  func folders() throws {
    let story = try night()
    let outcome = try story.shell(
      """
      mkdir all empty; cp -r reports all/2025-11; cp -r reports all/2025-12
      $DUIZHANG verify all && $DUIZHANG verify all empty
      """)
    #expect(outcome.status == 3)
    #expect(
      outcome.lines.map { $0.prefix(12) } == [
        "all/2025-11:", "all/2025-12:", "all/2025-11:", "all/2025-12:",
      ])
    #expect(outcome.errors.contains("empty: has no manifest.json, in no folder in it either"))
    let json = try story.duizhang("verify", "--log-format", "json", "empty")
    #expect(json.errors.hasPrefix("{\"level\": \"error\", \"message\": \"empty: has no"))
    #expect(try story.duizhang("verify", "nothing").status == 3)
    #expect(try story.duizhang("verify", "p.yaml").status == 3)
    #expect(try story.duizhang("verify").status == 2)
    // What disagrees outweighs what is not there.
    let both = try story.shell("rm all/2025-12/manifest.json; $DUIZHANG verify empty all")
    #expect(both.status == 1)
    #expect(both.output.contains("error: all/2025-12/manifest.json: is missing"))
  }

  @Test("logs and configuration with a workspace: where they were, changed, gone and found again")
  func inputs() throws {
    let story = try night(hasWorkspace: true)
    let right = try story.duizhang("verify", "--inputs", "reports")
    #expect(right.status == 0, "\(right.output)")
    #expect(right.lines.count == 1)
    let moved = try story.shell(
      "mkdir archive; mv log archive/renamed; $DUIZHANG verify --inputs reports")
    #expect(moved.status == 1)
    #expect(moved.output.contains("/log: is missing; say with --logs in which folder"))
    #expect(try story.duizhang("verify", "reports").status == 0)
    #expect(try story.duizhang("verify", "--logs", "archive", "reports").status == 0)
    let changed = try story.shell("echo >> c.yaml; $DUIZHANG verify --logs archive reports")
    #expect(changed.status == 1)
    #expect(changed.output.contains("c.yaml: expected "), "\(changed.output)")
    #expect(try story.duizhang("verify", "--logs", "nowhere", "reports").status == 3)
  }

  @Test("without a workspace logs have no SHA-256, which is said")
  func withoutWorkspace() throws {
    let story = try night()
    let outcome = try story.duizhang("verify", "--inputs", "reports")
    #expect(outcome.status == 0)
    #expect(outcome.output.contains("note: reports/manifest.json: has no SHA-256 of 1 logs"))
  }

  @Test("format files are among what decides figures")
  func formats() throws {
    let story = try Story()
    try story.write("log", twoConversations)
    let outcome = try story.shell(
      """
      $DUIZHANG formats ndjson > ours.yaml && sed -i 's/^format: .*/format: ours/' ours.yaml
      printf 'pipeline: p\\nlogs: log\\nformats: [kong, ours.yaml]\\nout: reports\\n' > p.yaml
      $DUIZHANG run p.yaml --quiet && grep role reports/manifest.json
      """)
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(outcome.output.contains("{\"role\": \"format\", \"path\": \"ours.yaml\", \"sha256\""))
    #expect(outcome.lines.count == 1)
  }

  @Test("a pipeline that comes through a pipe is not in the manifest")
  func pipe() throws {
    let story = try night()
    let outcome = try story.shell(
      "$DUIZHANG run <(sed \"s|: |: $PWD/|2;s|out: |out: $PWD/|;s|logs: |logs: $PWD/|\" p.yaml | head -3) --quiet; grep -c role reports/manifest.json"
    )
    #expect(outcome.output == "0\n", "\(outcome.errors)")
    #expect(try story.duizhang("verify", "reports").status == 0)
  }
}
