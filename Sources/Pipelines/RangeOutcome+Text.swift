internal import CivilTime
internal import Contracts
internal import Counting
internal import Detection
internal import Metering
internal import Reconciliation

extension RangeOutcome {
  /// Rows of a list that the page shows; the reports have all of them.
  private static let shownMax = 20

  /// The page that a person reads in the morning: what was read, what it comes to, and last what
  /// needs them.
  public var text: String {
    "\(pipeline.name): \(datesText)\n" + input.text + quarantineText + totalsText + adjustmentsText
      + findingsText + reconciliationText + rowProblemsText + concernsText
      + "reports in \(folder): \(namesText)\n"
  }

  /// The names of the reports, those of single days as one.
  private var namesText: String {
    let days = reportNames.filter { $0.hasPrefix(Self.dayDetailPrefix) }
    let others = reportNames.filter { !$0.hasPrefix(Self.dayDetailPrefix) }
    let detail = days.isEmpty ? [] : ["\(Self.dayDetailPrefix)DATE.csv (\(days.count))"]
    return (detail + others).joined(separator: ", ")
  }

  /// What the usage detail of a single day is called, up to its date.
  static let dayDetailPrefix = "usage-detail-"

  private var adjustmentsText: String {
    guard !adjustments.isEmpty else { return "" }
    var table = TextTable(["closed month", "contract", "rows", "units"])
    let groups = Dictionary(grouping: adjustments) { "\($0.closed) \($0.contract)" }
    for (_, rows) in groups.sorted(by: { $0.key < $1.key }) {
      guard let first = rows.first else { continue }
      table.append([
        "\(first.closed)", first.contract, MeteringSummary.grouped(rows.count),
        MeteringSummary.grouped(rows.reduce(0) { $0 + $1.quantity }),
      ])
    }
    return "adjustments for closed months, booked in this one (adjustments.csv):\n" + table.text
  }

  private var datesText: String {
    if let month { return "\(month)" }
    guard let dates = terms.dates else { return "all days" }
    return dates.lowerBound == dates.upperBound
      ? "\(dates.lowerBound)" : "\(dates.lowerBound) to \(dates.upperBound)"
  }

  private var quarantineText: String {
    // A workspace does not keep them.
    guard input.hasQuarantined && pipeline.workspace == nil else { return "" }
    let beyond = input.quarantinedBeyondTable
    let folder = NightlyRun.quarantineFolder(pipeline)
    return "quarantined lines as they are, to be mended: \(folder)"
      + (beyond > 0 ? "; quarantine.csv has the first of them" : "") + "\n"
  }

  private var totalsText: String {
    guard !months.isEmpty else { return "totals: nothing was used\n" }
    let owner = terms.hasContracts ? "contract" : "licensee"
    var table = TextTable([owner, "month", "conversations", "items", "net yuan"])
    var unpriced: [String] = []
    for month in months {
      table.append([
        month.owner, "\(month.month)", MeteringSummary.grouped(month.conversations),
        MeteringSummary.grouped(month.items), month.net?.text(places: 2) ?? "",
      ])
      if month.unpricedUnits > 0 {
        unpriced.append(
          "  \(month.owner), \(month.month): the price list has no price for "
            + "\(MeteringSummary.grouped(month.unpricedUnits)) of these units\n")
      }
    }
    return "totals:\n" + table.text + unpriced.joined()
  }

  private var findingsText: String {
    guard terms.hasContracts else { return "" }
    let notes = unseenCalls.notes.map { "  note: \($0)\n" }.joined()
    guard !findings.isEmpty else { return "findings: none\n" + notes }
    let severities = Finding.Severity.allCases.reversed().map { severity in
      "\(findings.count { $0.severity == severity }) \(severity.rawValue)"
    }
    var table = TextTable(["finding", "severity", "licensee", "about", "records", "net yuan"])
    for finding in findings.prefix(Self.shownMax) {
      let about = [finding.module, finding.app, finding.subject].filter { !$0.isEmpty }
      table.append([
        finding.kind.rawValue, finding.severity.rawValue, finding.licensee,
        about.joined(separator: ", "), MeteringSummary.grouped(finding.records),
        finding.amountHigh?.text(places: 2) ?? "",
      ])
    }
    return "findings: \(severities.joined(separator: ", "))\n" + table.text
      + Self.rest(findings.count, "findings.csv") + notes
  }

  private var reconciliationText: String {
    var text = ""
    for comparison in comparisons {
      let reconciliation = comparison.totals
      let rows = reconciliation.months
      let beyond = rows.count { !$0.isWithinTolerance }
      text += "reconciliation with the licensee of \(reconciliation.contract): "
      text += beyond == 0 ? "all" : "\(rows.count - beyond) of \(rows.count)"
      text += " lines within the tolerance\n"
      var table = TextTable([
        "month", "module", "scenario", "licensor", "licensee", "difference", "percent", "verdict",
      ])
      // What is beyond the tolerance is shown first where not all can be.
      let shown =
        rows.count <= Self.shownMax
        ? rows : rows.filter { !$0.isWithinTolerance } + rows.filter(\.isWithinTolerance)
      for row in shown.prefix(Self.shownMax) {
        table.append([
          row.period, row.module, row.scenario, MeteringSummary.grouped(row.licensorQuantity),
          MeteringSummary.grouped(row.licenseeQuantity), MeteringSummary.grouped(row.difference),
          row.differencePercent?.text(places: 2) ?? "",
          (row.isWithinTolerance ? "within " : "beyond ") + "\(row.tolerance * 100) %",
        ])
      }
      text += table.text + Self.rest(rows.count, "reconciliation.csv")
      text += comparison.stepsText
      text += reconciliation.notes.map { "  note: \($0)\n" }.joined()
    }
    return text
  }

  private var rowProblemsText: String {
    guard !rowProblems.isEmpty else { return "" }
    return "rows of statements with something wrong:\n"
      + rowProblems.prefix(Self.shownMax).map { "  \($0)\n" }.joined()
      + (rowProblems.count > Self.shownMax
        ? "  and \(rowProblems.count - Self.shownMax) more, in run-summary.json\n" : "")
  }

  private var concernsText: String {
    guard needsPerson else { return "nothing needs a person\n" }
    return "needs a person:\n" + concerns.map { "  \($0)\n" }.joined()
  }

  private static func rest(_ count: Int, _ report: String) -> String {
    count > shownMax ? "  and \(count - shownMax) more, in \(report)\n" : ""
  }
}

/// Columns of text for a terminal: words to the left, numbers to the right.
struct TextTable {
  private var rows: [[String]]

  init(_ header: [String]) { rows = [header] }

  mutating func append(_ row: [String]) { rows.append(row) }

  /// Each row on a line of its own, indented.
  var text: String {
    let columns = rows[0].indices
    let widths = columns.map { column in rows.map { Self.width($0[column]) }.max() ?? 0 }
    let areNumbers = columns.map { column in
      rows.dropFirst().allSatisfy { Self.isNumber($0[column]) }
    }
    return rows.map { row in
      let cells = columns.map { column in
        let space = String(repeating: " ", count: widths[column] - Self.width(row[column]))
        return areNumbers[column] ? space + row[column] : row[column] + space
      }
      var line = "  " + cells.joined(separator: "  ")
      while line.last == " " { line.removeLast() }
      return line + "\n"
    }.joined()
  }

  private static func isNumber(_ cell: String) -> Bool {
    cell.utf8.allSatisfy { byte in
      (0x30...0x39).contains(byte) || byte == 0x2C || byte == 0x2D || byte == 0x2E
    } && cell.utf8.count { $0 == 0x2D } < 2
  }

  /// Columns on a terminal: characters from U+1100 on, which are nearly all wide, take two.
  private static func width(_ text: String) -> Int {
    text.reduce(0) { sum, character in
      sum + ((character.unicodeScalars.first?.value ?? 0) >= 0x1100 ? 2 : 1)
    }
  }
}
