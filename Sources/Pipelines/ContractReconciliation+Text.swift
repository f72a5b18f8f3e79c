internal import CivilTime
internal import Contracts
internal import Detection
internal import Reconciliation
public import Reports
internal import Shuffling
internal import Statements

extension ContractReconciliation {
  /// Bridges and problems of rows that the page shows; the reports have all of them.
  private static let shownMax = 20

  /// What needs a person; none: the exit status is 0.
  public var concerns: [String] {
    var concerns: [String] = []
    let beyond = totals.months.count { !$0.isWithinTolerance }
    if beyond > 0 {
      concerns.append(
        "\(beyond) of \(totals.months.count) lines are beyond the tolerance of "
          + "\(contract.settlement.tolerance * 100) %: see difference-bridge.csv")
    }
    if let details {
      concerns += [("licensor", details.licensor), ("licensee", details.licensee)].compactMap {
        Self.otherPeriod($0, $1)
      }
    }
    for (side, statement) in [("licensor", licensor), ("licensee", licensee)] {
      if statement.rowsUnread > 0 {
        concerns.append(
          "rows of the \(side)'s statement that could not be read, missing in its figures: "
            + MeteringSummary.grouped(statement.rowsUnread))
      }
      if statement.rowsKept > 0 {
        concerns.append(
          "rows of the \(side)'s statement with something wrong, compared as they are: "
            + MeteringSummary.grouped(statement.rowsKept))
      }
    }
    return concerns
  }

  /// Probably the wrong period, or the wrong file.
  private static func otherPeriod(_ side: String, _ units: StatedUnits) -> String? {
    guard units.units == 0, units.unitsOfOtherDays > 0, let first = units.months.min(),
      let last = units.months.max()
    else { return nil }
    return "no unit of the \(side)'s statement is of the days that are compared; it has units of "
      + (first == last ? "\(first)" : "\(first) to \(last)") + ": check the period, and the file"
  }

  public var needsPerson: Bool { !concerns.isEmpty }

  /// The page for a person: what was compared, by what, and the way from one figure to the other.
  public var text: String {
    (contract.number.isEmpty ? "" : "contract \(contract.number)\n")
      + sideText("licensor", licensor, details?.licensor)
      + sideText("licensee", licensee, details?.licensee) + detailsText + (definitions?.text ?? "")
      + bridgesText + findingsText + notes.map { "note: \($0)\n" }.joined() + problemsText
      + concernsText
  }

  /// What units that the log has no call of may mean.
  private var findingsText: String {
    findings.map { finding in
      "finding: \(finding.kind.rawValue), \(finding.severity.rawValue) (findings.csv): \(finding.explanation)\n"
    }.joined()
  }

  private func sideText(_ side: String, _ statement: StatedTotals, _ units: StatedUnits?) -> String
  {
    var text = "\(side): \(statement.path): "
    if let units {
      text += "\(MeteringSummary.grouped(units.units)) units"
      if units.units > 0 {
        text +=
          ", with ids \(Self.share(units.unitsWithID, units.units)), with users "
          + Self.share(units.unitsWithUser, units.units)
      }
    } else {
      text += "totals, \(MeteringSummary.grouped(statement.rows.count)) rows"
    }
    return text + "\n"
  }

  private static func share(_ part: Int, _ all: Int) -> String {
    part == all ? "all" : "\(part * 100 / all) %"
  }

  private var detailsText: String {
    guard let details else { return "" }
    var text = "clock: \(details.clock.text)\n"
    if !details.comparesUsers {
      text +=
        "users: the two sides write them differently (units with equal ids have other users); units without "
        + "ids are paired by their times alone\n"
    }
    if !details.gaps.gaps.isEmpty {
      text += log == nil ? "silences of the licensor's statement: " : "gaps of the log: "
      text += details.gaps.gaps.map { gap in
        "\(gap.range.lowerBound.rfc3339(in: contract.zone)) to "
          + gap.range.upperBound.rfc3339(in: contract.zone)
          + (gap.expected.map { " (about \(Int($0)) units would be expected)" } ?? " (given)")
      }.joined(separator: ", ")
      text += "\n"
    }
    text += "units that both sides have: \(MeteringSummary.grouped(details.pairs))"
    if details.pairsOfOtherTimes > 0 {
      text +=
        ", of which \(MeteringSummary.grouped(details.pairsOfOtherTimes)) with other times than the clocks explain"
    }
    if details.pairsOfOtherDays > 0 {
      text += ", \(MeteringSummary.grouped(details.pairsOfOtherDays)) on another day of the month"
    }
    return text + "\n"
  }

  /// The steps of all bridges by cause, on the page of a run.
  var stepsText: String {
    let steps = stepSums
    guard !steps.isEmpty else { return "" }
    var text = ""
    if let details { text += "  clock: \(details.clock.text)\n" }
    text += definitions.map { "  \($0.text)" } ?? ""
    text += "  steps from the licensee's figures to the licensor's (difference-bridge.csv): "
    text += steps.map { cause, quantity in
      "\(cause.rawValue) \(quantity > 0 ? "+" : "")\(MeteringSummary.grouped(quantity))"
    }.joined(separator: ", ")
    return text + "\n"
  }

  /// Units by cause, of all months and modules.
  var stepSums: [(cause: DifferenceCause, quantity: Int)] {
    DifferenceCause.allCases.compactMap { cause in
      let steps = bridges.compactMap { $0.steps[cause] }
      return steps.isEmpty ? nil : (cause, steps.reduce(0) { $0 + $1.quantity })
    }
  }

  private var bridgesText: String {
    guard !bridges.isEmpty else { return "nothing to compare\n" }
    var table = TextTable(["month", "module", "step", "units", "yuan", "what it is"])
    for bridge in bridges.prefix(Self.shownMax) {
      for row in bridge.rows {
        let quantity = MeteringSummary.grouped(row.quantity)
        table.append([
          "\(bridge.month)", bridge.module, row.step.name, quantity,
          row.amount?.text(places: 2) ?? "",
          row.explanation,
        ])
      }
    }
    return table.text
      + (bridges.count > Self.shownMax
        ? "  and \(bridges.count - Self.shownMax) more, in difference-bridge.csv\n" : "")
  }

  private var problemsText: String {
    let problems = rowProblems
    guard !problems.isEmpty else { return "" }
    return "rows of statements with something wrong:\n"
      + problems.prefix(Self.shownMax).map { "  \($0)\n" }.joined()
      + (problems.count > Self.shownMax ? "  and \(problems.count - Self.shownMax) more\n" : "")
  }

  private var concernsText: String {
    concerns.isEmpty
      ? "nothing needs a person\n"
      : "needs a person:\n" + concerns.map { "  \($0)\n" }.joined()
  }

  // MARK: - JSON

  /// The same for programs.
  public var json: JSONValue {
    [
      "contract": .string(contract.number),
      "licensor": .string(licensor.path), "licensee": .string(licensee.path),
      "clock_difference_seconds": details.map {
        .real(Double($0.clock.difference.microseconds) / 1_000_000)
      } ?? .null,
      "clock_pairs": details.map { .number($0.clock.pairs) } ?? .null,
      "pairs": details.map { .number($0.pairs) } ?? .null,
      "bridges": .array(bridges.map(\.json)),
      "findings": .array(
        findings.map { finding in
          [
            "finding": .string(finding.kind.rawValue),
            "severity": .string(finding.severity.rawValue), "module": .string(finding.module),
            "statistic": finding.statistic.map { .string($0) } ?? .null,
            "explanation": .string(finding.explanation),
          ]
        }),
      "notes": .array(notes.map { .string($0) }),
      "row_problems": .array(rowProblems.map { .string("\($0)") }),
      "needs_person": .array(concerns.map { .string($0) }),
    ]
  }
}

extension DifferenceBridge {
  fileprivate var json: JSONValue {
    [
      "period": .string("\(month)"), "module": .string(module),
      "steps": .array(
        rows.map { row in
          [
            "step": .string(row.step.name), "quantity": .number(row.quantity),
            "amount": row.amount.map { .string($0.text(places: 2)) } ?? .null,
            "explanation": .string(row.explanation),
          ]
        }),
    ]
  }
}

extension ClockDifference {
  /// What it says to a person.
  var text: String {
    let seconds = Money(digits: Int128(abs(difference.microseconds)), scale: 6)
    let size = "\(seconds.text(places: 3)) s"
    let words =
      difference.microseconds == 0
      ? "the two sides' agree"
      : "the licensee's is \(size) \(difference.microseconds > 0 ? "ahead" : "behind")"
    switch basis {
    case .none: return "no units tell whether the two sides' differ; taken as equal"
    case .given: return words + " (given)"
    case .ids, .users:
      let spreadSeconds = Money(digits: Int128(spread.microseconds), scale: 6).text(places: 3)
      var text =
        words + " (median of \(MeteringSummary.grouped(pairs)) units with equal "
        + (basis == .ids ? "ids" : "users, lengths and messages")
        + ", nine of ten within \(spreadSeconds) s)"
      if let zonePart {
        let hours = Money(digits: Int128(abs(zonePart.microseconds) / 900_000_000 * 25), scale: 2)
        text +=
          "; \(hours) hours of it are another time zone: its times are written as of one that is \(hours) hours "
          + "\(zonePart.microseconds > 0 ? "ahead" : "behind")"
      }
      return text
    }
  }
}

extension ContractReconciliation {
  /// Writes all reports; they appear together.
  public func write(to folder: String, style: CSVStyle) throws(ReportError) {
    let set = try ReportError.output { () throws(OutputError) in try ReportSet(folder: folder) }
    let report = ReconciliationReport([totals])
    try ReportError.output { () throws(OutputError) in
      try set.write(report.months.bytes(style: style), to: "reconciliation.csv")
      try set.write(report.days.bytes(style: style), to: "reconciliation-daily.csv")
      try set.write(
        BridgeReport([(contract.number, bridges)]).table.bytes(style: style),
        to: "difference-bridge.csv")
    }
    try Self.write([self], to: set, style: style)
    try ReportError.output { () throws(OutputError) in
      if log != nil && details != nil {
        try set.write(FindingsReport(findings).table.bytes(style: style), to: "findings.csv")
      }
      try set.commit()
    }
  }

  /// Writes the differences of several contracts' details.
  static func write(
    _ reconciliations: [ContractReconciliation], to set: ReportSet, style: CSVStyle
  ) throws(ReportError) {
    let output = try ReportError.output { () throws(OutputError) in
      try ReportOutput("differences.csv", in: set)
    }
    var buffer = style.header(DifferencesReport.columns)
    var failure: OutputError?
    let sorted = reconciliations.sorted {
      $0.contract.number.utf8.lexicographicallyPrecedes($1.contract.number.utf8)
    }
    func append(_ row: Span<UInt8>) -> Bool {
      for index in row.indices { buffer.bytes.append(row[index]) }
      guard buffer.bytes.count >= 1 << 20 else { return true }
      do throws(OutputError) {
        try output.write(draining: &buffer)
      } catch {
        failure = error
      }
      return failure == nil
    }
    for reconciliation in sorted {
      do throws(SpillError) {
        try reconciliation.details?.rows.forEach(append)
      } catch {
        throw .records(error.description)
      }
      if let failure { throw .output(failure) }
    }
    try ReportError.output { () throws(OutputError) in
      try output.write(draining: &buffer)
      try output.finish()
    }
  }
}
