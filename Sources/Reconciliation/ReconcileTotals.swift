public import CivilTime
public import Contracts
public import Counting
internal import Statements

/// Compares a count with the licensee's totals (`access.count_authority`: the licensor's count is what is billed, the
/// licensee's figure is the claim).
///
/// - Parameter licensor: totals; those of other contracts are passed over.
public func reconcileTotals(
  contract: Contract, licensor: [DailyTotal], licensee: StatedTotals,
  range: ClosedRange<CivilDate>
) -> TotalsReconciliation {
  reconcileTotals(
    contract: contract,
    licensor: StatedTotals(counted: licensor.filter { $0.contract == contract.number }),
    licensee: licensee, range: range)
}

/// Compares the two parties' totals.
///
/// Every figure of either side is in exactly one row, so that the differences add up to the
/// difference of the sums. Scenarios and units are compared where both sides have the column, days where neither has
/// figures of whole months; several licensee keys of the contract are summed.
///
/// - Parameter range: the days compared, both included.
public func reconcileTotals(
  contract: Contract, licensor: StatedTotals, licensee: StatedTotals,
  range: ClosedRange<CivilDate>
) -> TotalsReconciliation {
  let left = ComparedRows(licensor, contract: contract, range: range)
  let right = ComparedRows(licensee, contract: contract, range: range)
  var comparison = TotalsComparison(
    contract: contract, licensor: licensor.columns, licensee: licensee.columns)
  comparison.add(left.rows, columns: licensor.columns, to: \.licensor)
  comparison.add(right.rows, columns: licensee.columns, to: \.licensee)
  let months = comparison.rows { "\($0.month)" }
  var notes = ReconciliationNote.notes(licensee, right, range, other: nil)
  notes += ReconciliationNote.notes(licensor, left, range, other: licensee).map { .ofLicensor($0) }
  if !licensor.isCount, !licensee.isCount {
    notes += ReconciliationNote.periodNotes(licensor: left.days, licensee: right.days)
  }
  return TotalsReconciliation(
    contract: contract.number, months: months,
    days: comparison.hasMonths ? [] : comparison.rows { "\($0)" }, notes: notes)
}

extension ReconciliationNote {
  /// What a reader must know of a side's file; nothing of a count.
  ///
  /// - Parameter other: the other side's totals, of which all this was said already.
  fileprivate static func notes(
    _ totals: StatedTotals, _ compared: ComparedRows, _ range: ClosedRange<CivilDate>,
    other: StatedTotals?
  ) -> [ReconciliationNote] {
    guard !totals.isCount else { return [] }
    var notes: [ReconciliationNote] = []
    if totals.rows.isEmpty && totals.rowsUnread + totals.rowsOfOthers == 0 { notes.append(.noRows) }
    if compared.rowsOfOthers > 0, compared.rowsOfOthers == totals.rows.count + totals.rowsOfOthers {
      notes.append(.onlyOthers(compared.others.sorted()))
    }
    if let dates = compared.dates, compared.days.isEmpty, compared.rowsOutsideRange > 0,
      compared.rowsOfPartMonths == 0
    {
      notes.append(.allRowsOutsideRange(dates, range: range))
    }
    let dayCount = range.upperBound - range.lowerBound + 1
    let missing = (0..<dayCount).map { range.lowerBound + $0 }
      .filter { !compared.days.contains($0) }
    if !missing.isEmpty {
      notes.append(.daysWithoutLicenseeFigures(missing, dayCount: dayCount))
    }
    return notes + rowNotes(totals, compared) + formNotes(totals, compared, other)
  }

  private static func rowNotes(
    _ totals: StatedTotals, _ compared: ComparedRows
  ) -> [ReconciliationNote] {
    var notes: [ReconciliationNote] = []
    if compared.rowsOutsideRange > 0 { notes.append(.rowsOutsideRange(compared.rowsOutsideRange)) }
    if compared.rowsOfPartMonths > 0 { notes.append(.rowsOfPartMonths(compared.rowsOfPartMonths)) }
    if compared.rowsOfOthers > 0 { notes.append(.rowsOfOthers(compared.rowsOfOthers)) }
    if totals.rowsUnread > 0 { notes.append(.rowsUnreadable(totals.rowsUnread)) }
    if totals.rowsKept > 0 { notes.append(.rowsKept(totals.rowsKept)) }
    if !totals.skippedTotals.isEmpty { notes.append(.totalRows(totals.skippedTotals.map(\.row))) }
    return notes + totals.contradictions.map { .totalContradicts($0) }
  }

  /// What cannot be compared for the form that the file has.
  private static func formNotes(
    _ totals: StatedTotals, _ compared: ComparedRows, _ other: StatedTotals?
  ) -> [ReconciliationNote] {
    var notes: [ReconciliationNote] = []
    if compared.hasMonths { notes.append(.monthsNotComparedByDay) }
    for column in [StatementColumn.scenario, .unit]
    where !totals.columns.contains(column) && other?.columns.contains(column) ?? true {
      notes.append(.columnNotCompared(column))
    }
    return notes
  }

  /// Whether two files are of the same months.
  ///
  /// - Parameters:
  ///   - licensor: the days that it has figures of.
  ///   - licensee: the days that it has figures of.
  fileprivate static func periodNotes(
    licensor: Set<CivilDate>, licensee: Set<CivilDate>
  ) -> [ReconciliationNote] {
    guard let first = licensor.min(), let last = licensor.max(), let otherFirst = licensee.min(),
      let otherLast = licensee.max(),
      first.month != otherFirst.month || last.month != otherLast.month
    else { return [] }
    return [
      .periodsDiffer(
        licensor: first...last, licensee: otherFirst...otherLast,
        common: Set(licensor.map(\.month)).intersection(licensee.map(\.month)).min())
    ]
  }
}
