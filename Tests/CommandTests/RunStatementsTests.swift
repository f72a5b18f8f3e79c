import Foundation
import Testing

/// The nightly job over the sample logs with statements of the licensee's.
@Suite("duizhang run, with statements")
struct RunStatementsTests {
  private static let samples = packageFolder + "/sample-logs"

  private func story(_ statement: String, workspace: Bool) throws -> Story {
    let story = try Story()
    try story.write(
      "p.yaml",
      """
      pipeline: statements
      logs: ["\(Self.samples)/gateway-*"]
      contracts: ["\(Self.samples)/contract.yaml"]
      statements: [{contract: DZ-2025-018, file: "\(statement)"}]
      out: reports
      quarantined_share: "1%"
      \(workspace ? "workspace: kept" : "")

      """)
    return story
  }

  /// How many rows of a report each cause has.
  private func causes(_ story: Story, _ name: String) throws -> [String: Int] {
    let lines = try story.text(name).split(separator: "\n").dropFirst()
    return Dictionary(grouping: lines) { line in
      String(line.split(separator: ",", omittingEmptySubsequences: false)[5])
    }.mapValues(\.count)
  }

  /// What the samples' truth says was planted, but that two of the units without calls are before the term.
  private static let planted = [
    "duplicate_at_licensee": 3, "outside_contract": 5, "period_boundary": 3, "split": 3,
    "merged": 3,
    "not_billable": 3, "module_mismatch": 3, "user_mismatch": 3, "missing_at_licensee": 3,
    "missing_at_licensor_log_gap": 3, "missing_at_licensor_no_traffic": 1,
  ]

  @Test("a usage detail is compared unit by unit, on any number of threads and in little memory")
  func detail() throws {
    let story = try story(Self.samples + "/licensee-detail.csv", workspace: false)
    let outcome = try story.duizhang("run", "p.yaml")
    #expect(outcome.status == 1)
    #expect(outcome.errors.contains("the licensee's is 1.500 s ahead"))
    #expect(try causes(story, "reports/differences.csv") == Self.planted)
    let before = try ["differences.csv", "difference-bridge.csv", "reconciliation.csv"].map {
      try story.bytes("reports/" + $0)
    }
    _ = try story.duizhang("run", "p.yaml", "--threads", "1", "--memory", "32M")
    let after = try ["differences.csv", "difference-bridge.csv", "reconciliation.csv"].map {
      try story.bytes("reports/" + $0)
    }
    #expect(after == before)
  }

  @Test(
    "with a workspace each month has its differences, and those of one that is left as it is stay")
  func months() throws {
    let story = try story(Self.samples + "/licensee-detail.csv", workspace: true)
    _ = try story.duizhang("run", "p.yaml")
    let december = try causes(story, "reports/2025-12/differences.csv")
    #expect(december["period_boundary"] == 3)
    #expect(december["missing_at_licensor_log_gap"] == 3)
    #expect(december["unexplained"] == nil)
    let before = try story.bytes("reports/2025-12/differences.csv")
    _ = try story.duizhang("run", "p.yaml")
    #expect(try story.bytes("reports/2025-12/differences.csv") == before)
    // Whether calls failed is only known where the raw logs are read.
    #expect(try story.text("reports/2025-12/differences.csv").contains("was not looked at"))
    _ = try story.duizhang("run", "p.yaml", "--from", "2025-12-01", "--to", "2025-12-03")
    let range = "reports/2025-12-01--2025-12-03/differences.csv"
    #expect(try !story.text(range).contains("was not looked at"))
    #expect(try causes(story, range) == december)
  }

  @Test(
    "the definition behind totals is named, with a workspace where a range is asked for",
    arguments: [false, true])
  func totals(workspace: Bool) throws {
    let story = try story("theirs.csv", workspace: workspace)
    let count = try story.duizhang(
      "count", "--contract", Self.samples + "/contract.yaml", "--idle-timeout", "20m", "--quiet",
      Self.samples)
    try story.write("theirs.csv", count.output)
    let first = try story.duizhang("run", "p.yaml")
    #expect(first.errors.contains("idle_timeout=20m") == !workspace)
    let outcome = try story.duizhang(
      "run", "p.yaml", "--from", "2025-12-01", "--to", "2025-12-03")
    #expect(outcome.errors.contains("are exactly those of idle_timeout=20m"))
    let folder = workspace ? "reports/2025-12-01--2025-12-03" : "reports"
    let bridge = try story.text(folder + "/difference-bridge.csv")
    #expect(bridge.contains("split,-5,,an idle timeout of 20 minutes gives exactly these totals"))
    #expect(!bridge.contains("unexplained"))
  }
}
