internal import Contracts
internal import Counting
public import Detection
internal import Metering
public import Reconciliation

/// What a nightly run found, as values; its text for people and its JSON for programs say the same.
public struct RunOutcome: Sendable {
  public let pipeline: PipelineFile
  /// Where every line of the input went.
  public let input: MeteringSummary
  public let months: [MonthTotal]
  /// In the order of ``Detection/Finding/precedes(_:_:)``.
  public let findings: [Finding]
  /// One for each contract with a statement.
  public let reconciliations: [TotalsReconciliation]
  /// Rows of the licensees' statements that could not be read.
  public let rowProblems: [RowProblem]
  /// What needs a person; none: the exit status is 0.
  public let concerns: [RunConcern]
  /// The folder of the reports.
  public let folder: String
  let terms: Terms
  /// What a run with a workspace took in; `nil` without one.
  public let night: Night?

  /// What is told of a night, and of no report: these do not depend on when what came.
  public struct Night: Sendable {
    /// Logs that were taken in.
    public var taken: [String]
    /// Logs whose text was known, and the name that it is known by.
    public var repeated: [(path: String, name: String)]
    /// Logs that took the place of a part of them.
    public var extended: [String]
    /// Days that were counted anew.
    public var dayCount: Int
  }

  public var needsPerson: Bool { !concerns.isEmpty }

  init(
    pipeline: PipelineFile, terms: Terms, result: MeteringResult, findings: [Finding],
    reconciliations: [TotalsReconciliation], statements: Statements, night: Night? = nil
  ) {
    self.night = night
    self.pipeline = pipeline
    self.terms = terms
    self.findings = findings
    self.reconciliations = reconciliations
    input = MeteringSummary(result, quarantinedShare: pipeline.quarantinedShare)
    months = MonthTotal.months(result.totals, terms)
    rowProblems = statements.all.flatMap(\.totals.problems)
    folder = Paths.shortened(pipeline.out)
    concerns = Self.concerns(input, findings, reconciliations, rowProblems)
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
      concerns.append(.unreadableRows(path: path, rows: problems.count))
    }
    return concerns
  }
}
