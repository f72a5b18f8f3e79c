import CivilTime
import Detection
import Foundation
import Operations
import Reports
import Testing

@Suite("Metrics for Prometheus")
struct MetricsTests {
  /// 2025-12-02T02:10:07.250Z.
  private static let end = Instant(microseconds: 1_764_641_407_250_000)

  private func facts(
    pipeline: String = "nightly", status: Int32 = 0, endedAt: Instant = end,
    _ figures: RunFacts.Figures? = nil
  ) -> RunFacts {
    RunFacts(
      pipeline: pipeline, path: "nightly.yaml", folder: "/r", endedAt: endedAt,
      durationSeconds: 7.5, status: status, figures: figures)
  }

  private var figures: RunFacts.Figures {
    var figures = RunFacts.Figures()
    figures.lines = 100
    figures.records = 90
    figures.quarantinedLines = 4
    figures.logs = 3
    figures.damagedLogs = 1
    figures.lastRecord = Self.end + Interval(seconds: -3_600)
    figures.night = RunFacts.Night(logsTaken: 2, logsRepeated: 1, daysCounted: 5)
    figures.findings = [.high: 2, .low: 7]
    figures.differences = [
      RunFacts.Difference(
        contract: "DZ-1", licensorUnits: 200, licenseeUnits: 150, isBeyondTolerance: true),
      RunFacts.Difference(
        contract: "DZ-2", licensorUnits: 0, licenseeUnits: 3, isBeyondTolerance: false),
    ]
    return figures
  }

  /// The samples of a file by name and labels.
  private func samples(_ text: String) -> [String: String] {
    var samples: [String: String] = [:]
    for line in text.split(separator: "\n") where !line.hasPrefix("#") {
      let space = line.lastIndex(of: " ") ?? line.endIndex
      samples[String(line[..<space])] = String(line[space...].dropFirst())
    }
    return samples
  }

  @Test("a run that was done: every metric, with help, type and labels, readable for all")
  func done() throws {
    let scratch = try Scratch()
    try MetricsFile(path: scratch.path + "/d.prom").write(facts(status: 1, figures))
    let text = try scratch.text("d.prom")
    #expect(
      text.hasPrefix(
        """
        # HELP duizhang_last_run_timestamp_seconds When the last run ended.
        # TYPE duizhang_last_run_timestamp_seconds gauge
        duizhang_last_run_timestamp_seconds{pipeline="nightly"} 1764641407.250

        """))
    #expect(text.hasSuffix("\n"))
    let p = #"pipeline="nightly""#
    #expect(
      samples(text) == [
        "duizhang_last_run_timestamp_seconds{\(p)}": "1764641407.250",
        "duizhang_last_success_timestamp_seconds{\(p)}": "1764641407.250",
        "duizhang_last_run_duration_seconds{\(p)}": "7.5",
        "duizhang_last_run_exit_status{\(p)}": "1",
        "duizhang_lines{\(p)}": "100", "duizhang_records{\(p)}": "90",
        "duizhang_quarantined_lines{\(p)}": "4", "duizhang_logs{\(p)}": "3",
        "duizhang_damaged_logs{\(p)}": "1", "duizhang_logs_taken_in{\(p)}": "2",
        "duizhang_logs_repeated{\(p)}": "1", "duizhang_days_counted{\(p)}": "5",
        "duizhang_last_record_timestamp_seconds{\(p)}": "1764637807.250",
        "duizhang_lag_seconds{\(p)}": "3600.000",
        "duizhang_difference_units{\(p),contract=\"DZ-1\"}": "50",
        "duizhang_difference_units{\(p),contract=\"DZ-2\"}": "-3",
        "duizhang_difference_ratio{\(p),contract=\"DZ-1\"}": "0.25",
        "duizhang_difference_ratio{\(p),contract=\"DZ-2\"}": "-Inf",
        "duizhang_beyond_tolerance{\(p),contract=\"DZ-1\"}": "1",
        "duizhang_beyond_tolerance{\(p),contract=\"DZ-2\"}": "0",
        "duizhang_findings{\(p),severity=\"info\"}": "0",
        "duizhang_findings{\(p),severity=\"low\"}": "7",
        "duizhang_findings{\(p),severity=\"medium\"}": "0",
        "duizhang_findings{\(p),severity=\"high\"}": "2",
      ])
    let lines = text.split(separator: "\n")
    let names = Set(samples(text).keys.compactMap { $0.split(separator: "{").first })
    for name in names {
      #expect(lines.count { $0.hasPrefix("# HELP \(name) ") } == 1)
      #expect(lines.count { $0 == "# TYPE \(name) gauge" } == 1)
    }
    #expect(try scratch.mode("d.prom") == 0o644)
    #expect(try FileManager.default.contentsOfDirectory(atPath: scratch.path) == ["d.prom"])
  }

  @Test("a run that failed leaves the figures of the last success, and says itself how it ended")
  func failed() throws {
    let scratch = try Scratch()
    let file = MetricsFile(path: scratch.path + "/d.prom")
    try file.write(facts(figures))
    let before = samples(try scratch.text("d.prom"))
    let night = Self.end + Interval(seconds: 86_400)
    for _ in 1...2 { try file.write(facts(status: 5, endedAt: night)) }
    var expected = before
    expected[#"duizhang_last_run_timestamp_seconds{pipeline="nightly"}"#] = "1764727807.250"
    expected[#"duizhang_last_run_exit_status{pipeline="nightly"}"#] = "5"
    #expect(samples(try scratch.text("d.prom")) == expected)
  }

  @Test("without a success before it, a failure says 0, and has no figures")
  func neverDone() throws {
    let scratch = try Scratch()
    let file = MetricsFile(path: scratch.path + "/d.prom")
    let names = [
      "duizhang_last_run_timestamp_seconds", "duizhang_last_success_timestamp_seconds",
      "duizhang_last_run_duration_seconds", "duizhang_last_run_exit_status",
    ]
    // Nothing before it; a file of something else; one of another pipeline; one that is broken.
    try file.write(facts(pipeline: "other", figures))
    let other = try scratch.text("d.prom")
    let broken = other.replacing("other", with: "nightly").replacing("} ", with: "} x")
    for earlier in [nil, "\u{0}\u{1}", other, broken, String(repeating: "x", count: 3 << 20)] {
      try? FileManager.default.removeItem(atPath: file.path)
      if let earlier { try scratch.write("d.prom", earlier) }
      try file.write(facts(status: 3))
      let found = samples(try scratch.text("d.prom"))
      #expect(found.keys.sorted() == names.map { $0 + #"{pipeline="nightly"}"# }.sorted())
      #expect(found[#"duizhang_last_success_timestamp_seconds{pipeline="nightly"}"#] == "0")
    }
  }

  @Test("labels are escaped, and known again")
  func labels() throws {
    let scratch = try Scratch()
    let file = MetricsFile(path: scratch.path + "/d.prom")
    let name = "a\\b \"c\"\n对账} 1"
    let label = #"{pipeline="a\\b \"c\"\n对账} 1"}"#
    try file.write(facts(pipeline: name, figures))
    try file.write(facts(pipeline: name, status: 5))
    let found = samples(try scratch.text("d.prom"))
    #expect(found["duizhang_last_run_exit_status\(label)"] == "5")
    #expect(found["duizhang_last_success_timestamp_seconds\(label)"] == "1764641407.250")
    #expect(found["duizhang_lines\(label)"] == "100")
  }

  @Test("a folder that is missing is an error that says so, and nothing is left")
  func missing() throws {
    let scratch = try Scratch()
    #expect(throws: OutputError.self) {
      try MetricsFile(path: scratch.path + "/no/d.prom").write(facts(figures))
    }
    try FileManager.default.createDirectory(
      atPath: scratch.path + "/d.prom", withIntermediateDirectories: true)
    #expect(throws: OutputError.notARegularFile(path: scratch.path + "/d.prom")) {
      try MetricsFile(path: scratch.path + "/d.prom").write(facts(figures))
    }
    #expect(try FileManager.default.contentsOfDirectory(atPath: scratch.path) == ["d.prom"])
  }
}
