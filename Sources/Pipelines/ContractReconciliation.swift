internal import CivilTime
public import Contracts
public import Detection
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
  /// The definitions that the licensee's totals may come from, where a log was given.
  public let definitions: LicenseeDefinitions.Found?
  /// What a comparison with the count's own units shows of misuse.
  public internal(set) var findings: [Finding] = []
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
    definitions = nil
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
    var totals = reconcileTotals(
      contract: contract, licensor: first, licensee: second,
      range: range ?? Self.span(first, second))
    totals.notes = Self.notes(totals.notes, details, first, second)
    self.totals = totals
    bridges = DifferenceBridge.bridges(details)
  }

  /// Of totals, or of totals and a detail added up.
  ///
  /// - Parameter inference: what the log says of the licensee's; `nil` without one.
  init(
    _ contract: Contract, totals sides: (licensor: StatedTotals, licensee: StatedTotals),
    range: ClosedRange<CivilDate>?, inference: TotalsInference?,
    definitions: LicenseeDefinitions.Found?, log: MeteringSummary?
  ) {
    self.contract = contract
    self.log = log
    self.definitions = definitions
    details = nil
    licensor = sides.licensor
    licensee = sides.licensee
    let range = range ?? Self.span(sides.licensor, sides.licensee)
    totals = reconcileTotals(
      contract: contract, licensor: sides.licensor, licensee: sides.licensee, range: range)
    bridges = DifferenceBridge.bridges(
      contract: contract, licensor: sides.licensor, licensee: sides.licensee, range: range,
      inference: inference)
  }

  /// Those of the notes that hold of two details.
  private static func notes(
    _ notes: [ReconciliationNote], _ details: DetailOutcome, _ licensor: StatedTotals,
    _ licensee: StatedTotals
  ) -> [ReconciliationNote] {
    let hasRows = !licensor.rows.isEmpty || !licensee.rows.isEmpty
    func holds(_ note: ReconciliationNote, _ side: StatedUnits) -> Bool {
      switch note {
      case .ofLicensor(let note): holds(note, details.licensor)
      case .noRows: side.unitsOfOtherDays == 0
      case .daysWithoutLicenseeFigures: hasRows
      case .columnNotCompared(.scenario): details.scenarioIsStated
      default: true
      }
    }
    return notes.filter { holds($0, details.licensee) }
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

  /// What a reader of the figures must know, of both sides' statements.
  var notes: [String] {
    totals.notes.map { "\($0)" } + licensorNotes
  }

  private var licensorNotes: [String] {
    var notes: [String] = []
    let name = "the licensor's statement"
    if licensor.rowsOfOthers > 0 {
      notes.append(
        "rows of \(name) for another contract or licensee (\(licensor.others.sorted().joined(separator: ", "))), "
          + "left out: \(licensor.rowsOfOthers)")
    }
    if !licensor.skippedTotals.isEmpty {
      notes.append(
        "rows of \(name) that add up others, left out: "
          + licensor.skippedTotals.map { "\($0.row)" }.joined(separator: ", "))
    }
    return notes + licensor.contradictions.map(\.description)
  }

  /// What is wrong in rows of either side.
  public var rowProblems: [RowProblem] { licensor.problems + licensee.problems }
}
