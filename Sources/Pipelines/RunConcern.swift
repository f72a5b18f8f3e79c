public import CivilTime

/// Something in a run's outcome that needs a person, and what they open to see it.
public enum RunConcern: Sendable, Hashable, CustomStringConvertible {
  case damagedFiles(Int)
  /// More lines than the pipeline allows.
  case quarantined(lines: Int, of: Int, allowedPercent: String)
  case highFindings(Int)
  /// Lines of a contract's month that differ by more than the tolerance.
  case beyondTolerance(contract: String, period: String, lines: Int)
  /// Rows of a licensee's statement.
  case unreadableRows(path: String, rows: Int)
  /// Rows of a statement with something wrong in them, which are compared nevertheless.
  case doubtfulRows(path: String, rows: Int)
  /// Something in the reports of a month.
  case ofMonth(CivilMonth, String)
  /// Records of a closed month came tonight.
  case lateRecords(CivilMonth, rows: Int)
  /// Records of days whose segments were removed came tonight.
  case sealedRecords(path: String, records: Int)

  public var description: String {
    switch self {
    case .damagedFiles(let count):
      "\(Self.count(count, "log")) could not be read as a whole, and the count lacks what is broken: "
        + "get whole copies and run again"
    case .quarantined(let lines, let all, let allowed):
      "\(lines) of \(all) lines are quarantined, more than the \(allowed) % that are allowed: see "
        + "quarantine.csv"
    case .highFindings(let count):
      "\(Self.count(count, "finding")) of high severity: see findings.csv"
    case .beyondTolerance(let contract, let period, let lines):
      "contract \(contract), \(period): \(Self.count(lines, "line")) beyond the tolerance: see "
        + "reconciliation.csv, and reconciliation-daily.csv for the days"
    case .unreadableRows(let path, let rows):
      "\(Self.count(rows, "row")) of \(path) could not be read and are missing in the licensee's "
        + "figures: mend the rows named above"
    case .doubtfulRows(let path, let rows):
      "\(Self.count(rows, "row")) of \(path) with something wrong, compared as they are: mend the rows "
        + "named above"
    case .ofMonth(let month, let text): "\(month): \(text)"
    case .lateRecords(let month, let rows):
      "\(month) is closed, and logs came that change it: \(Self.count(rows, "adjustment")) in the next "
        + "open month, see adjustments.csv"
    case .sealedRecords(let path, let records):
      "\(path) has \(Self.count(records, "record")) of days that are sealed ('keep_segments'), which are not "
        + "counted: where they may matter, count all raw logs in a new workspace"
    }
  }

  private static func count(_ number: Int, _ noun: String) -> String {
    "\(number) \(noun)\(number == 1 ? "" : "s")"
  }
}
