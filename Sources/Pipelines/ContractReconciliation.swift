internal import CivilTime
public import Contracts
internal import Counting
public import Reconciliation
internal import Reports
public import Statements

/// What comparing a contract's two sides came to.
public struct ContractReconciliation: Sendable {
  public let contract: Contract
  public let totals: TotalsReconciliation
  /// By month and module.
  public let bridges: [DifferenceBridge]
  /// Where both sides state units one by one.
  public let details: DetailOutcome?
  public let licensor: StatedTotals
  public let licensee: StatedTotals
  /// What was read of the log that was the evidence.
  public let log: MeteringSummary?

  /// Of details.
  ///
  /// - Parameters:
  ///   - licensor, licensee: what was met beside units; without rows.
  ///   - range: the days that are compared; `nil`: all that either side has.
  init(
    _ contract: Contract, details: DetailOutcome, licensor: StatedTotals, licensee: StatedTotals,
    range: ClosedRange<CivilDate>?, log: MeteringSummary?
  ) {
    self.log = log
    self.contract = contract
    self.details = details
    var (first, second) = (licensor, licensee)
    first.rows = details.licensor.totals
    second.rows = details.licensee.totals
    if !details.comparesScenario {
      first.columns.remove(.scenario)
      second.columns.remove(.scenario)
    }
    self.licensor = first
    self.licensee = second
    totals = reconcileTotals(
      contract: contract,
      licensor: first.rows.map {
        DailyTotal(
          contract: contract.number, licensee: "", date: $0.date, module: $0.module,
          scenario: $0.scenario ?? "", meter: $0.meter ?? .conversation, quantity: $0.quantity,
          messages: 0, failedMessages: 0, duplicates: 0)
      }, licensee: second,
      range: range ?? Self.span(first, second))
    bridges = DifferenceBridge.bridges(details)
  }

  /// The days that either side has something of.
  static func span(_ licensor: StatedTotals, _ licensee: StatedTotals) -> ClosedRange<CivilDate> {
    let rows = licensor.rows + licensee.rows
    let ends = rows.map { $0.isMonth ? $0.date.month.last : $0.date }
    guard let first = rows.map(\.date).min(), let last = ends.max() else {
      let none = CivilDate(daysSinceEpoch: 0)
      return none...none
    }
    return first...last
  }

  /// What is wrong in rows of either side.
  public var rowProblems: [RowProblem] { licensor.problems + licensee.problems }
}
