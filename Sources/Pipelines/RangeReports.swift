internal import CivilTime
internal import Contracts
internal import Counting
internal import Decoding
internal import Definitions
internal import Detection
internal import Ledger
internal import Manifests
internal import Metering
internal import Reconciliation
internal import Reports

/// Makes the reports of a range of dates.
struct RangeReports {
  let pipeline: PipelineFile
  let terms: Terms
  let users: UserDisplays
  let statements: ContractStatements
  /// Files that decide figures, as they were when they were read.
  let configuration: [Manifest.ConfigurationFile]
  let programVersion: String
  /// What comparing details may take of threads and memory.
  let metering: MeteringOptions

  var style: CSVStyle {
    CSVStyle(headers: pipeline.headers == .zh ? .chinese : .english, bom: pipeline.bom)
  }

  // MARK: - What they say

  typealias Recount = (StatementReconciliation.LogPass) throws(RunError) -> MeteringResult

  /// The units of a range, one by one.
  struct Units {
    var counted: () throws -> UsageRows
    /// Counts the same logs again, where they can be read again.
    var recount: Recount?
  }

  /// What the reports of all dates that were asked for say.
  func outcome(
    _ result: MeteringResult, folder: String, units: Units
  ) throws(ReportError) -> RangeOutcome {
    var comparisons: [ContractReconciliation] = []
    for entry in statements.all {
      let found = try compare(entry, entry.totals, result, units) { terms.dates ?? $0 }
      if let found { comparisons.append(found) }
    }
    return RangeOutcome(
      pipeline: pipeline, month: nil, terms: terms, result: result,
      findings: findings(result, comparisons),
      comparisons: comparisons, rowProblems: statements.all.flatMap(\.totals.problems),
      adjustments: [], folder: folder)
  }

  /// What the reports of a month say.
  ///
  /// - Parameter covered: the days of the month that the workspace speaks of; `nil`: as far as totals go.
  func outcome(
    _ result: MeteringResult, month: CivilMonth, covered: CoveredDays,
    adjustments: [BookedAdjustment], folder: String, units: Units
  ) throws(ReportError) -> RangeOutcome {
    var terms = terms
    terms.dates = month.first...month.last
    var comparisons: [ContractReconciliation] = []
    for entry in statements.all {
      var statement = entry.totals
      statement.rows = statement.rows.filter { $0.date.month == month }
      // What the licensee has yet to send is no difference.
      if statement.rows.isEmpty { continue }
      let found = try compare(entry, statement, result, units) {
        covered.range(of: month, from: $0)
      }
      if let found { comparisons.append(found) }
    }
    return RangeOutcome(
      pipeline: pipeline, month: month, terms: terms, result: result,
      findings: findings(result, comparisons),
      comparisons: comparisons, rowProblems: statements.all.flatMap(\.totals.problems),
      adjustments: adjustments, folder: folder)
  }

  /// What breaks the contracts, by calls, lists and comparisons; nothing without contracts.
  private func findings(
    _ result: MeteringResult, _ comparisons: [ContractReconciliation]
  ) -> [Finding] {
    guard terms.hasContracts else { return [] }
    var settings = pipeline.detection ?? DetectionSettings()
    settings.threads = metering.threads
    let found = FoundMisuse(terms: terms, users: users.all, settings: settings).findings(result)
    let compared = comparisons.flatMap(\.findings)
      .filter { !(pipeline.detection?.without.contains($0.kind) ?? true) }
    return (found + compared).sorted(by: Finding.precedes)
  }

  /// Compares a contract's count with its licensee's statement.
  ///
  /// - Parameters:
  ///   - statement: the licensee's totals of the range.
  ///   - range: of the dates that there are totals of, the licensor's or else the licensee's, those that
  ///   are compared.
  private func compare(
    _ entry: ContractStatements.Entry, _ statement: StatedTotals, _ result: MeteringResult,
    _ units: Units, _ range: (ClosedRange<CivilDate>) -> ClosedRange<CivilDate>
  ) throws(ReportError) -> ContractReconciliation? {
    let totals = result.totals.filter { $0.contract == entry.contract }
    guard let index = terms.contracts.firstIndex(where: { $0.number == entry.contract }),
      let span = Self.span(totals.map(\.date)) ?? terms.dates
        ?? Self.span(statement.rows.map(\.date))
    else { return nil }
    let contract = terms.contracts[index]
    do {
      return try entry.areDetails
        ? compareDetails(entry, index, range(span), result, units)
        : compareTotals(contract, totals, statement, range(span), units.recount)
    } catch let error as RunError {
      throw .records(error.messages.joined(separator: "\n"))
    } catch {
      throw .records("\(error)")
    }
  }

  private func compareDetails(
    _ entry: ContractStatements.Entry, _ index: Int, _ dates: ClosedRange<CivilDate>,
    _ result: MeteringResult, _ units: Units
  ) throws -> ContractReconciliation {
    let comparison = CountedReconciliation(
      contract: terms.contracts[index], users: users.all[index], files: entry.files, dates: dates,
      options: StatementReconciliation.Options(metering))
    var pass = StatementReconciliation.LogPass(terms: terms, wantsUnits: true)
    pass.terms = terms.changingRules { Definition.failedCalls.change(&$0) }
    return try comparison.run(
      try units.counted(), callTimes: result.callTimes, traffic: try units.recount?(pass).rows)
  }

  /// The definition behind the licensee's totals is sought where they differ, and the logs can be read again.
  private func compareTotals(
    _ contract: Contract, _ totals: [DailyTotal], _ statement: StatedTotals,
    _ dates: ClosedRange<CivilDate>, _ recount: Recount?
  ) throws(RunError) -> ContractReconciliation {
    let sides = (StatedTotals(counted: totals), statement)
    let plain = ContractReconciliation(
      contract, totals: sides, range: dates, inference: nil, definitions: nil, log: nil)
    guard let recount, plain.totals.months.contains(where: { $0.difference != 0 }) else {
      return plain
    }
    var rival = StatementReconciliation.LogPass(terms: terms)
    rival.rivals = .timeoutsAndQuarters
    let own = try recount(rival)
    // A workspace may hold what its logs no longer have.
    guard Self.quantities(own.totals, contract) == Self.quantities(totals, contract) else {
      return plain
    }
    var claim = statement
    claim.rows = claim.rows.filter {
      dates.contains($0.date) && dates.contains($0.isMonth ? $0.date.month.last : $0.date)
    }
    let found = try LicenseeDefinitions(claim, terms: terms, passes: [:]).run(own) {
      terms, countsRivals, leftOut throws(RunError) in
      try recount(
        .init(terms: terms, rivals: countsRivals ? .timeouts : nil, leftOut: leftOut))
    }
    return ContractReconciliation(
      contract, totals: sides, range: dates,
      inference: TotalsInference(found.definitions(ofContract: contract.number) ?? []),
      definitions: found, log: nil)
  }

  /// What a count comes to, by all that tells its rows apart.
  private static func quantities(
    _ totals: [DailyTotal], _ contract: Contract
  ) -> [[String]: Int] {
    var sums: [[String]: Int] = [:]
    for total in totals where total.contract == contract.number && total.quantity != 0 {
      let key = ["\(total.date)", total.module, total.scenario, total.meter.rawValue]
      sums[key, default: 0] += total.quantity
    }
    return sums
  }

  private static func span(_ dates: [CivilDate]) -> ClosedRange<CivilDate>? {
    guard let first = dates.min(), let last = dates.max() else { return nil }
    return first...last
  }

  // MARK: - Writing

  static let totals = "count.csv"
  static let usageDetail = "usage-detail.csv"
  static let summary = "run-summary.json"

  /// Writes all reports but the usage detail and the summary.
  ///
  /// - Returns: their names.
  func write(
    _ outcome: RangeOutcome, _ result: MeteringResult, to reports: ReportSet
  ) throws(ReportError) -> [String] {
    let reconciliation = ReconciliationReport(outcome.reconciliations)
    var names = try ReportError.output { () throws(OutputError) in
      try reports.write(DailyTotalsReport(result.totals).bytes(style: style), to: Self.totals)
      var names = [Self.totals]
      var tables = [
        ("findings.csv", FindingsReport(outcome.findings).table),
        ("reconciliation.csv", reconciliation.months),
        ("reconciliation-daily.csv", reconciliation.days),
        ("difference-bridge.csv", BridgeReport(outcome.bridges).table),
        ("quarantine.csv", outcome.input.quarantineTable),
      ]
      if outcome.month != nil {
        tables.append(("adjustments.csv", BookedAdjustment.table(outcome.adjustments)))
      }
      for (name, table) in tables {
        try reports.write(table.bytes(style: style), to: name)
        names.append(name)
      }
      return names
    }
    try ContractReconciliation.write(outcome.comparisons, to: reports, style: style)
    names.insert("differences.csv", at: (names.firstIndex(of: "difference-bridge.csv") ?? 0) + 1)
    return names
  }

  /// Writes the summary, which is the last of the reports: whoever waits for it has all of them.
  func writeSummary(
    _ outcome: inout RangeOutcome, _ names: [String], to reports: ReportSet
  ) throws(ReportError) {
    outcome.reportNames = names + [Self.summary, Manifest.sumsName, Manifest.name]
    let bytes = outcome.json.render()
    try ReportError.output { () throws(OutputError) in
      try reports.write(bytes, to: Self.summary)
    }
  }

  /// Writes all reports of a result with its units into a folder.
  ///
  /// - Parameters:
  ///   - inputs: the logs as a workspace knows them; `nil` without one.
  ///   - recount: as that of ``Units``.
  func write(
    _ result: MeteringResult, to folder: String, inputs: [Manifest.Input]? = nil,
    recount: Recount? = nil
  ) throws(ReportError) -> RangeOutcome {
    guard let rows = result.rows else { preconditionFailure("rows were asked for") }
    var outcome = try outcome(
      result, folder: folder, units: Units(counted: { rows }, recount: recount))
    let reports = try ReportError.output { () throws(OutputError) in
      try ReportSet(folder: folder)
    }
    let quarantine =
      result.quarantine == nil
      ? nil
      : try QuarantineReport(result).prepared(in: NightlyRun.quarantineFolder(pipeline))
    try UsageWriter(rows, users: users.all, style: style).write(Self.usageDetail, in: reports)
    var names = try write(outcome, result, to: reports)
    names.insert(Self.usageDetail, at: 1)
    try writeSummary(&outcome, names, to: reports)
    var manifest = Manifest(
      outcome, self,
      inputs: inputs
        ?? zip(result.files, result.fileBytes).map { .init(name: $0.path, bytes: $1.stored) })
    manifest.add(reports)
    if let quarantine { manifest.add(quarantine, in: "quarantine") }
    try ReportError.output { () throws(OutputError) in
      try reports.write(manifest)
      try quarantine?.commit()
      try reports.commit()
    }
    return outcome
  }
}

/// The dates that a workspace speaks of.
struct CoveredDays {
  /// From its first to its last.
  var all: ClosedRange<CivilDate>

  /// The days of a month that are compared with the licensee's: all of those that it speaks of, and where it has
  /// nothing of the months before or behind, those that there are totals of.
  ///
  /// - Parameter span: the dates that there are totals of.
  func range(
    of month: CivilMonth, from span: ClosedRange<CivilDate>
  ) -> ClosedRange<CivilDate> {
    let first = all.lowerBound < month.first ? month.first : max(span.lowerBound, month.first)
    let last = all.upperBound > month.last ? month.last : min(span.upperBound, month.last)
    return first <= last ? first...last : month.first...month.last
  }
}
