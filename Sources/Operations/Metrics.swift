internal import CivilTime
internal import Detection
internal import Foundation

/// The metrics of a run in Prometheus' text format 0.0.4, as node_exporter's textfile collector takes it.
///
/// All are gauges with the label `pipeline`; further labels are contracts of the pipeline and the four
/// severities, so that there are no more samples tomorrow than today.
struct Metrics {
  /// One metric, with a line for each sample.
  private struct Metric {
    var name: String
    var help: String
    /// Whether a run that failed leaves the samples of the last success.
    var isKept: Bool
    /// Whether also a run that was done does not say what they are.
    var isUntold = false
    var samples: [String]
  }

  private static let lastRun = "duizhang_last_run_timestamp_seconds"
  private static let lastSuccess = "duizhang_last_success_timestamp_seconds"

  private var metrics: [Metric] = []
  private let pipeline: String

  /// - Parameter earlier: what was written of the run before; empty where there is none.
  init(_ facts: RunFacts, earlier: String) {
    pipeline = Self.label("pipeline", facts.pipeline)
    let isSuccess = facts.figures != nil
    add(
      Self.lastRun, "When the last run ended.",
      Self.number(facts.endedAt))
    add(
      Self.lastSuccess, "When the last run ended that wrote reports (status 0 or 1); 0: none yet.",
      isSuccess ? Self.number(facts.endedAt) : "0", isKept: true)
    add(
      "duizhang_last_run_duration_seconds", "How long the last run took.",
      Self.number(facts.durationSeconds))
    add("duizhang_last_run_exit_status", "The exit status of the last run.", "\(facts.status)")
    addFigures(facts.figures ?? RunFacts.Figures(), endedAt: facts.endedAt)
    for index in metrics.indices
    where metrics[index].isKept && (!isSuccess || metrics[index].isUntold) {
      let kept = samples(of: metrics[index].name, in: earlier)
      if metrics[index].name != Self.lastSuccess || !kept.isEmpty { metrics[index].samples = kept }
    }
  }

  private mutating func addFigures(_ figures: RunFacts.Figures, endedAt: Instant) {
    func figure(_ name: String, _ help: String, _ value: Int?) {
      add(name, help, value.map { "\($0)" }, isKept: true)
    }
    figure("duizhang_lines", "Lines of all logs that the reports cover.", figures.lines)
    figure("duizhang_records", "Records among these lines.", figures.records)
    figure(
      "duizhang_quarantined_lines", "Lines that are quarantined.", figures.quarantinedLines)
    figure("duizhang_logs", "Logs that the reports cover.", figures.logs)
    figure(
      "duizhang_damaged_logs", "Logs that could not be read as a whole.", figures.damagedLogs)
    figure(
      "duizhang_logs_taken_in", "Logs that the run took into the workspace.",
      figures.night?.logsTaken)
    figure(
      "duizhang_logs_repeated", "Logs of the run whose text was known.",
      figures.night?.logsRepeated)
    figure(
      "duizhang_days_counted", "Days (UTC) that the run counted anew.",
      figures.night?.daysCounted)
    add(
      "duizhang_last_record_timestamp_seconds", "The time of the last record.",
      figures.lastRecord.map(Self.number), isKept: true)
    add(
      "duizhang_lag_seconds", "From the last record to the end of the run.",
      figures.lastRecord.map { Self.number(seconds: (endedAt - $0).microseconds) }, isKept: true)
    let contracts = figures.differences.map { differences in
      differences.map { (Self.label("contract", $0.contract), $0) }
    }
    add(
      "duizhang_difference_units",
      "Units by which the licensor's count is above the licensee's statement.",
      contracts?.map { ($0.0, "\($0.1.units)") })
    add(
      "duizhang_difference_ratio", "The same as a share of the licensor's units.",
      contracts?.map { ($0.0, Self.number($0.1.share)) })
    add(
      "duizhang_beyond_tolerance", "1 where a month's line is beyond the contract's tolerance.",
      contracts?.map { ($0.0, $0.1.isBeyondTolerance ? "1" : "0") })
    add(
      "duizhang_findings", "Findings of the contracts' lists, by severity.",
      figures.findings.map { findings in
        Finding.Severity.allCases.map {
          (Self.label("severity", $0.rawValue), "\(findings[$0] ?? 0)")
        }
      })
  }

  /// Adds a metric of one sample, or none where there is no value.
  private mutating func add(
    _ name: String, _ help: String, _ value: String?, isKept: Bool = false
  ) {
    let samples = value.map { ["\(name){\(pipeline)} \($0)"] } ?? []
    metrics.append(Metric(name: name, help: help, isKept: isKept, samples: samples))
  }

  /// Adds a metric of several samples; `nil`: those of before are kept.
  private mutating func add(_ name: String, _ help: String, _ values: [(String, String)]?) {
    let samples = (values ?? []).map { "\(name){\(pipeline),\($0.0)} \($0.1)" }
    metrics.append(
      Metric(
        name: name, help: help, isKept: true, isUntold: values == nil, samples: samples))
  }

  /// The file's text. A metric without samples is left out.
  var text: String {
    metrics.filter { !$0.samples.isEmpty }.map { metric in
      """
      # HELP \(metric.name) \(metric.help)
      # TYPE \(metric.name) gauge
      \(metric.samples.joined(separator: "\n"))

      """
    }.joined()
  }

  /// This pipeline's samples of a metric in a file that was written before; what is none is left out.
  private func samples(of name: String, in text: String) -> [String] {
    text.split(separator: "\n").filter { line in
      let isOurs = ["}", ","].contains { line.hasPrefix("\(name){\(pipeline)\($0)") }
      guard isOurs, let space = line.lastIndex(of: " ") else { return false }
      return line[..<space].hasSuffix("}") && Double(line[line.index(after: space)...]) != nil
    }.map(String.init)
  }

  /// The pipeline, escaped, of which a file has metrics.
  static func pipeline(of text: String) -> String? {
    let begin = "\(lastRun){pipeline=\""
    let line = text.split(separator: "\n").first { $0.hasPrefix(begin) }
    guard let line, let end = line.range(of: "\"} ", options: .backwards) else { return nil }
    return String(line[..<end.lowerBound].dropFirst(begin.count))
  }

  private static func label(_ name: String, _ value: String) -> String {
    "\(name)=\"\(escaped(value))\""
  }

  /// A label's value.
  static func escaped(_ value: String) -> String {
    var text = ""
    for scalar in value.unicodeScalars {
      switch scalar {
      case "\\": text += "\\\\"
      case "\"": text += "\\\""
      case "\n": text += "\\n"
      default: text.unicodeScalars.append(scalar)
      }
    }
    return text
  }

  /// Seconds since 1970.
  private static func number(_ instant: Instant) -> String { number(seconds: instant.microseconds) }

  /// Microseconds as seconds, to the millisecond.
  private static func number(seconds microseconds: Int64) -> String {
    let milliseconds = microseconds / 1_000
    let fraction = String(milliseconds.magnitude % 1_000)
    let zeros = String(repeating: "0", count: 3 - fraction.utf8.count)
    return "\(milliseconds < 0 ? "-" : "")\(milliseconds.magnitude / 1_000).\(zeros)\(fraction)"
  }

  /// As Go reads it.
  private static func number(_ value: Double) -> String {
    if value.isNaN { return "NaN" }
    if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
    return "\(value)"
  }
}
