import Foundation
import Testing

@Suite("duizhang run")
struct RunTests {
  static let nightly = packageFolder + "/pipelines/nightly.yaml"
  static let reports = [
    "SHA256SUMS", "count.csv", "difference-bridge.csv", "differences.csv", "findings.csv",
    "manifest.json", "quarantine.csv", "reconciliation-daily.csv", "reconciliation.csv",
    "run-summary.json", "usage-detail.csv",
  ]
  /// With the folder of the lines that are quarantined.
  static let names = (reports + ["quarantine"]).sorted()

  @Test("the sample logs: reports, a page, and the status that the differences deserve")
  func sample() throws {
    let story = try Story()
    let outcome = try story.duizhang("run", Self.nightly, "--out", "reports")
    #expect(outcome.status == 1)
    #expect(outcome.output.isEmpty)
    #expect(story.names("reports") == Self.names)
    for told in [
      "34,013 lines = 34,000 records + 5 blank + 8 quarantined",
      "findings: 0 high, 25 medium, 4 low, 4 info", "14 of 17 lines within the tolerance",
      "needs a person:\n  contract DZ-2025-018, 2025-11: 2 lines beyond the tolerance",
      "reports in reports: count.csv, ",
    ] {
      #expect(outcome.errors.contains(told), "\(outcome.errors)")
    }
    // Again, on another number of threads and with little memory: the same bytes.
    let before = try Self.reports.map { try story.bytes("reports/" + $0) }
    let again = try story.duizhang(
      "run", Self.nightly, "--out", "reports", "--threads", "1", "--memory", "32M")
    #expect(again.errors == outcome.errors)
    #expect(try Self.reports.map { try story.bytes("reports/" + $0) } == before)
  }

  @Test("a quiet run says only what needs a person")
  func quiet() throws {
    let outcome = try Story().duizhang(
      "run", Self.nightly, "--out", "reports", "--quiet", "--date", "2025-12-01")
    let lines = outcome.errors.split(separator: "\n")
    #expect(outcome.status == (lines.isEmpty ? 0 : 1))
    #expect(lines.allSatisfy { $0.hasPrefix("duizhang: warning: contract DZ-2025-018, 2025-12: ") })
  }

  @Test("a run that is killed while it writes leaves the old reports, and does not stop the next")
  func killed() throws {
    let story = try Story()
    let day = try story.duizhang("run", Self.nightly, "--out", "reports", "--date", "2025-12-02")
    #expect(day.status < 2)
    let before = try Self.reports.map { try story.bytes("reports/" + $0) }
    // The system ends a process that writes a file beyond 100 KiB; the detail is larger.
    let script =
      "ulimit -c 0 -f 100; exec env --default-signal=XFSZ "
      + "$DUIZHANG run '\(Self.nightly)' --out reports --quiet"
    let killed = try story.shell(script)
    #expect(killed.wasKilled && killed.status == SIGXFSZ, "\(killed)")
    #expect(try Self.reports.map { try story.bytes("reports/" + $0) } == before)
    #expect(story.names("reports").count == Self.names.count + 1)
    // Where the system only refuses the writing, the run ends by itself and leaves nothing.
    let refused = try story.shell(
      script.replacing("--default-signal", with: "--ignore-signal"))
    #expect(refused.status == 5)
    #expect(refused.errors.contains("usage-detail.csv: File too large"))
    #expect(try Self.reports.map { try story.bytes("reports/" + $0) } == before)
    #expect(story.names("reports") == Self.names)
    let whole = try story.duizhang("run", Self.nightly, "--out", "reports")
    #expect(whole.status == 1)
    #expect(try story.bytes("reports/count.csv") != before[0])
    #expect(story.names("reports") == Self.names)
  }

  @Test("a statement of no contract is named with its line, and nothing is written")
  func stranger() throws {
    let story = try Story()
    try story.write("log", twoConversations)
    try story.write("c.yaml", "contract: C-1\nlicensee: {keys: [acme]}\nprivacy: {user: plain}\n")
    try story.write(
      "p.yaml",
      """
      pipeline: p
      logs: [log]
      contracts: [c.yaml]
      statements:
        - {contract: C-2, file: s.csv}
      out: reports
      """)
    let outcome = try story.duizhang("run", "p.yaml")
    #expect(outcome.status == 2)
    #expect(
      outcome.errors == "duizhang: error: p.yaml:5: statements[0].contract: no contract has the "
        + "number 'C-2'; expected 'C-1'\n")
    #expect(story.names("reports").isEmpty)
  }

  @Test("logs that are missing end with 3, statements too")
  func missing() throws {
    let story = try Story()
    try story.write("p.yaml", "pipeline: p\nlogs: ['logs/*']\nout: reports\n")
    let logs = try story.duizhang("run", "p.yaml")
    #expect(logs.status == 3)
    #expect(logs.errors.contains("logs/*: no file of this name"))
    try story.write("log", twoConversations)
    try story.write("c.yaml", "contract: C-1\nlicensee: {keys: [acme]}\nprivacy: {user: plain}\n")
    try story.write(
      "p.yaml",
      "pipeline: p\nlogs: log\nout: r\ncontracts: c.yaml\nstatements: [{contract: C-1, file: s}]\n"
    )
    let statement = try story.duizhang("run", "p.yaml")
    #expect(statement.status == 3)
    #expect(statement.errors.contains("s: cannot be opened: No such file or directory"))
  }
}
