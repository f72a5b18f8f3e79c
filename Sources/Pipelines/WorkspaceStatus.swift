public import CivilTime
public import Ledger
public import Reports

/// What a workspace holds: logs, days, months that are open and closed, what came late, the last runs, and what
/// comes next.
public struct WorkspaceStatus: Sendable {
  /// A month that there is something of.
  public struct Month: Sendable, Hashable {
    public enum State: String, Sendable, Hashable {
      case closed
      /// The logs go beyond its end.
      case over
      case open
    }
    public var month: CivilMonth
    public var state: State
    public var closedAt: Instant?
    public var closedBy: String?
    /// UTC days that have something of it.
    public var days = 0
    /// Adjustments that came for it since it was closed, and those that are booked in it.
    public var late = 0
    public var booked = 0
  }

  public let path: String
  /// Who writes to it at this moment.
  public let writer: String?
  public private(set) var logs = 0
  public private(set) var records = 0
  public private(set) var quarantined = 0
  public private(set) var damagedLogs = 0
  /// The times of the first and the last record.
  public private(set) var times: ClosedRange<Instant>?
  public let days: Int
  public let files: Int
  public let bytes: Int
  public let months: [Month]
  /// The last ones, the last one last.
  public let runs: [Run]

  private static let runsMax = 5

  /// Reads a workspace.
  public init(_ workspace: Workspace) throws(WorkspaceError) {
    path = workspace.path
    writer = Workspace.writer(of: workspace.path)
    let (logs, days, files, runs) = try workspace.ledger.read { state throws(WorkspaceError) in
      (try state.logs(), try state.days(), try state.referencedFiles(), try state.runs())
    }
    let (closed, adjustments) = try workspace.ledger.read { state throws(WorkspaceError) in
      (try state.closedPeriods(), try state.adjustments())
    }
    self.days = days.count
    self.files = files.count
    bytes = files.reduce(0) { $0 + $1.bytes }
    self.runs = Array(runs.suffix(Self.runsMax))
    months = Self.months(days, closed, adjustments)
    for (_, log) in logs {
      self.logs += 1
      records += log.records - log.uncountedRecords
      quarantined += log.quarantined
      damagedLogs += log.damages.isEmpty ? 0 : 1
    }
    if let first = logs.compactMap(\.file.firstTime).min(),
      let last = logs.compactMap(\.file.lastTime).max()
    {
      times = first...last
    }
  }

  private static func months(
    _ days: [Day], _ closed: [ClosedPeriod], _ adjustments: [Adjustment]
  ) -> [Month] {
    var months: [CivilMonth: Month] = [:]
    let end = days.compactMap(\.dates?.upperBound).max()
    for dates in days.compactMap(\.dates) {
      var month = dates.lowerBound.month
      while month.first <= dates.upperBound {
        let isOver = end.map { $0 > month.last } ?? false
        months[month, default: Month(month: month, state: isOver ? .over : .open)].days += 1
        month = month.next
      }
    }
    for period in closed {
      months[period.month, default: Month(month: period.month, state: .closed)].state = .closed
      months[period.month]?.closedAt = period.closedAt
      months[period.month]?.closedBy = period.closedBy
    }
    for adjustment in adjustments {
      months[adjustment.closed]?.late += 1
      let booked = adjustment.booked
      months[booked, default: Month(month: booked, state: .open)].booked += 1
    }
    return months.values.sorted { $0.month < $1.month }
  }

  /// The first month that is not closed, and can be.
  public var closable: CivilMonth? {
    months.first { $0.state != .closed && $0.state == .over }?.month
  }

  // MARK: - Text

  public var text: String {
    func grouped(_ number: Int) -> String { MeteringSummary.grouped(number) }
    var text =
      "\(grouped(logs)) logs: \(grouped(records)) records, \(grouped(quarantined)) lines quarantined, "
      + "\(grouped(damagedLogs)) damaged\n"
    if let times {
      text +=
        "from \(times.lowerBound.rfc3339(in: .utc)) to \(times.upperBound.rfc3339(in: .utc))\n"
    }
    text +=
      "\(grouped(days)) days counted (UTC); \(grouped(bytes)) bytes in \(grouped(files)) files\n"
    if !months.isEmpty {
      var table = TextTable(["month", "state", "days", "late", "booked"])
      for month in months {
        table.append([
          "\(month.month)", Self.text(of: month), grouped(month.days), grouped(month.late),
          grouped(month.booked),
        ])
      }
      text += table.text
    }
    for run in runs {
      text += "run \(run.id.number): \(run.startedAt.rfc3339(in: .utc)) \(run.outcome.rawValue): "
      text += "\(run.start.command)\n"
    }
    text += writer.map { "in use by \($0)\n" } ?? ""
    return text + "next: \(next)\n"
  }

  private static func text(of month: Month) -> String {
    switch month.state {
    case .closed: "closed" + (month.closedAt.map { " \($0.rfc3339(in: .utc).prefix(10))" } ?? "")
    case .over: "open, over"
    case .open: "open"
    }
  }

  private var next: String {
    if runs.last?.outcome == .interrupted || runs.last?.outcome == .failed {
      return "the last run did not end well: see what it said, and run again"
    }
    if let month = closable {
      return
        "\(month) is over in the logs: 'duizhang close PIPELINE --period \(month)' when all of it is there"
    }
    return months.isEmpty ? "the first run with logs" : "the next night"
  }

  // MARK: - JSON

  public var json: JSONValue {
    [
      "workspace": .string(path), "in_use_by": writer.map { .string($0) } ?? .null,
      "logs": .number(logs), "records": .number(records), "quarantined": .number(quarantined),
      "damaged_logs": .number(damagedLogs),
      "first_record": times.map { .string($0.lowerBound.rfc3339(in: .utc)) } ?? .null,
      "last_record": times.map { .string($0.upperBound.rfc3339(in: .utc)) } ?? .null,
      "days": .number(days), "bytes": .number(bytes), "files": .number(files),
      "months": .array(
        months.map { month in
          [
            "month": .string("\(month.month)"), "state": .string(month.state.rawValue),
            "closed_at": month.closedAt.map { .string($0.rfc3339(in: .utc)) } ?? .null,
            "closed_by": month.closedBy.map { .string($0) } ?? .null,
            "days": .number(month.days), "late_adjustments": .number(month.late),
            "booked_adjustments": .number(month.booked),
          ]
        }),
      "runs": .array(
        runs.map { run in
          [
            "run": .number(Int(run.id.number)),
            "started_at": .string(run.startedAt.rfc3339(in: .utc)),
            "outcome": .string(run.outcome.rawValue), "command": .string(run.start.command),
          ]
        }), "next": .string(next),
    ]
  }
}
