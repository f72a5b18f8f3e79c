public import CivilTime
internal import Contracts
internal import Counting
public import Detection
internal import Metering
public import Reconciliation
public import Statements

/// What a set of reports says, as values; its text for people and its JSON for programs say the same.
public struct RangeOutcome: Sendable {
  public let pipeline: PipelineFile
  /// The month that the reports are of, where they are one of several.
  public let month: CivilMonth?
  /// Where every line of the input went.
  public let input: MeteringSummary
  public let months: [MonthTotal]
  /// In the order of ``Detection/Finding/precedes(_:_:)``.
  public let findings: [Finding]
  /// One for each contract with a statement.
  public let comparisons: [ContractReconciliation]
  /// The same as figures by month and day.
  public var reconciliations: [TotalsReconciliation] { comparisons.map(\.totals) }
  /// From each licensee's figures to the count.
  var bridges: [(contract: String, bridges: [DifferenceBridge])] {
    comparisons.map { ($0.contract.number, $0.bridges) }
  }
  /// Rows of the licensees' statements that could not be read.
  public let rowProblems: [RowProblem]
  /// What came for closed months, and is booked in this one.
  public let adjustments: [BookedAdjustment]
  /// What needs a person; none: the exit status is 0.
  public let concerns: [RunConcern]
  /// The folder of the reports.
  public let folder: String
  /// Their names.
  public internal(set) var reportNames: [String]
  let terms: Terms
  /// What of its days nobody has looked at.
  let unseenCalls: UnseenCalls

  public var needsPerson: Bool { !concerns.isEmpty }

  init(
    pipeline: PipelineFile, month: CivilMonth?, terms: Terms, result: MeteringResult,
    findings: [Finding], comparisons: [ContractReconciliation], rowProblems: [RowProblem],
    adjustments: [BookedAdjustment], folder: String
  ) {
    self.pipeline = pipeline
    self.month = month
    self.terms = terms
    self.findings = findings
    self.comparisons = comparisons
    self.rowProblems = rowProblems
    self.adjustments = adjustments
    self.folder = folder
    unseenCalls = UnseenCalls(result)
    input = MeteringSummary(result, quarantinedShare: pipeline.quarantinedShare)
    months = MonthTotal.months(result.totals, terms)
    concerns = Self.concerns(input, findings, comparisons.map(\.totals), rowProblems)
    reportNames = []
  }

  private static func concerns(
    _ input: MeteringSummary, _ findings: [Finding], _ reconciliations: [TotalsReconciliation],
    _ rowProblems: [RowProblem]
  ) -> [RunConcern] {
    var concerns = input.concerns
    let high = findings.count { $0.severity == .high }
    if high > 0 { concerns.append(.highFindings(high)) }
    for reconciliation in reconciliations {
      let beyond = Dictionary(
        grouping: reconciliation.months.filter { !$0.isWithinTolerance }, by: \.period)
      for (period, rows) in beyond.sorted(by: { $0.key < $1.key }) {
        concerns.append(
          .beyondTolerance(
            contract: reconciliation.contract, period: period, lines: rows.count))
      }
    }
    let byPath = Dictionary(grouping: rowProblems, by: \.path)
    for (path, problems) in byPath.sorted(by: { $0.key < $1.key }) {
      let unread = Set(problems.filter { !$0.isKept }.map(\.row)).count
      let kept = Set(problems.filter(\.isKept).map(\.row)).count
      if unread > 0 { concerns.append(.unreadableRows(path: path, rows: unread)) }
      if kept > 0 { concerns.append(.doubtfulRows(path: path, rows: kept)) }
    }
    return concerns
  }
}
