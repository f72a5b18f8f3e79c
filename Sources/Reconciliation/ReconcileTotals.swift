public import CivilTime
public import Contracts
public import Counting
internal import Statements

/// Compares the two parties' daily totals (`access.count_authority`: the licensor's count is what
/// is billed, the licensee's figure is the claim).
///
/// Every figure of either side is in exactly one row, so that the differences add up to the
/// difference of the sums. Columns that the licensee's file lacks are not compared; several
/// licensee keys of the contract are summed.
///
/// - Parameters:
///   - licensor: totals; those of other contracts are passed over.
///   - licensee: the licensee's file.
///   - range: the days compared, both included.
public func reconcileTotals(
  contract: Contract, licensor: [DailyTotal], licensee: StatedTotals,
  range: ClosedRange<CivilDate>
) -> TotalsReconciliation {
  var comparison = TotalsComparison(contract: contract, columns: licensee.columns)
  for total in licensor where total.contract == contract.number && range.contains(total.date) {
    comparison.add(licensor: total)
  }
  return reconciled(comparison, contract: contract, licensee: licensee, range: range)
}

/// Compares the daily totals of two statements' units.
///
/// - Parameters:
///   - licensor: a row for each day and kind, of this contract; with the amounts that the statement has.
///   - licensee: the licensee's file.
///   - range: the days compared, both included.
public func reconcileTotals(
  contract: Contract, licensor: StatedTotals, licensee: StatedTotals,
  range: ClosedRange<CivilDate>
) -> TotalsReconciliation {
  var comparison = TotalsComparison(contract: contract, columns: licensee.columns)
  for row in licensor.rows where range.contains(row.date) { comparison.add(row, to: \.licensor) }
  return reconciled(comparison, contract: contract, licensee: licensee, range: range)
}

/// Adds the licensee's figures, and what a reader of the result must know.
private func reconciled(
  _ licensor: TotalsComparison, contract: Contract, licensee: StatedTotals,
  range: ClosedRange<CivilDate>
) -> TotalsReconciliation {
  var comparison = licensor
  var rowsOutsideRange = 0
  var rowsOfOthers = licensee.rowsOfOthers
  var daysSeen: Set<CivilDate> = []
  var rowsOfPartMonths = 0
  var others = licensee.others
  var datesSeen: ClosedRange<CivilDate>?
  for row in licensee.rows {
    if !comparison.isOwn(row) {
      rowsOfOthers += 1
      if others.count < StatedTotals.othersMax { others.insert(comparison.stranger(row)) }
      continue
    }
    let last = row.isMonth ? row.date.month.last : row.date
    datesSeen =
      min(
        datesSeen?.lowerBound ?? row.date, row.date)...max(
        datesSeen?.upperBound ?? last, last)
    if range.contains(row.date) && range.contains(last) {
      for day in row.date.daysSinceEpoch...last.daysSinceEpoch {
        daysSeen.insert(CivilDate(daysSinceEpoch: day))
      }
      comparison.add(row, to: \.licensee)
    } else if last < range.lowerBound || row.date > range.upperBound {
      rowsOutsideRange += 1
    } else {
      rowsOfPartMonths += 1
    }
  }

  var notes: [ReconciliationNote] = []
  let isEmpty = licensee.rows.isEmpty && licensee.rowsUnread + licensee.rowsOfOthers == 0
  if isEmpty { notes.append(.noRows) }
  if rowsOfOthers > 0 && rowsOfOthers == licensee.rows.count + licensee.rowsOfOthers {
    notes.append(.onlyOthers(others.sorted()))
  }
  if let datesSeen, daysSeen.isEmpty, rowsOutsideRange > 0, rowsOfPartMonths == 0 {
    notes.append(.allRowsOutsideRange(datesSeen, range: range))
  }
  let dayCount = range.upperBound - range.lowerBound + 1
  let missing = (0..<dayCount).map { range.lowerBound + $0 }.filter { !daysSeen.contains($0) }
  if !missing.isEmpty {
    notes.append(.daysWithoutLicenseeFigures(missing, dayCount: dayCount))
  }
  if rowsOutsideRange > 0 { notes.append(.rowsOutsideRange(rowsOutsideRange)) }
  if rowsOfPartMonths > 0 { notes.append(.rowsOfPartMonths(rowsOfPartMonths)) }
  if rowsOfOthers > 0 { notes.append(.rowsOfOthers(rowsOfOthers)) }
  if licensee.rowsUnread > 0 { notes.append(.rowsUnreadable(licensee.rowsUnread)) }
  if licensee.rowsKept > 0 { notes.append(.rowsKept(licensee.rowsKept)) }
  if !licensee.skippedTotals.isEmpty {
    notes.append(.totalRows(licensee.skippedTotals.map(\.row)))
  }
  notes += licensee.contradictions.map { .totalContradicts($0) }
  if comparison.hasMonths { notes.append(.monthsNotComparedByDay) }
  for column in [StatementColumn.scenario, .unit] where !licensee.columns.contains(column) {
    notes.append(.columnNotCompared(column))
  }
  return TotalsReconciliation(
    contract: contract.number, months: comparison.rows { "\($0.month)" },
    days: comparison.hasMonths ? [] : comparison.rows { "\($0)" }, notes: notes)
}

/// A full outer join of two sides' totals by day, kept exact until rows are made.
private struct TotalsComparison {
  struct Key: Hashable {
    var date: CivilDate
    var module: String
    var scenario: String
    var meter: Meter?
  }

  struct Side {
    var quantity = 0
    var amount = Money.zero
    /// Whether a part of the quantity has no price; no units need none.
    var isUnpriced = false

    mutating func add(_ quantity: Int, _ amount: Money?) {
      self.quantity += quantity
      if let amount {
        self.amount = self.amount + amount
      } else if quantity != 0 {
        isUnpriced = true
      }
    }

    mutating func add(_ other: Side) {
      quantity += other.quantity
      amount = amount + other.amount
      isUnpriced = isUnpriced || other.isUnpriced
    }
  }

  struct Pair {
    var licensor = Side()
    var licensee = Side()
  }

  private struct RowKey: Hashable {
    var period: String
    var module: String
    var scenario: String
    var meter: Meter?
  }

  private let contract: Contract
  private let prices: PriceList
  private let comparesScenario: Bool
  private let comparesUnit: Bool
  private let licenseeKeys: Set<String>
  private var pairs: [Key: Pair] = [:]
  /// Whether some figures of the licensee are for whole months.
  private(set) var hasMonths = false

  init(contract: Contract, columns: Set<StatementColumn>) {
    self.contract = contract
    prices = PriceList(contract: contract)
    comparesScenario = columns.contains(.scenario)
    comparesUnit = columns.contains(.unit)
    licenseeKeys = Set(contract.licensee.keys)
  }

  /// Whether a row of the licensee's file is of this contract, by what it names.
  func isOwn(_ row: StatedTotal) -> Bool {
    if let number = row.contract, number != contract.number { return false }
    guard let licensee = row.licensee, !licenseeKeys.isEmpty else { return true }
    return licenseeKeys.contains(licensee) || licensee == contract.licensee.name
  }

  /// What names another contract or licensee in a row that is not own.
  func stranger(_ row: StatedTotal) -> String {
    if let number = row.contract, number != contract.number { return number }
    return row.licensee ?? ""
  }

  mutating func add(licensor total: DailyTotal) {
    let key = Key(
      date: total.date, module: total.module, scenario: comparesScenario ? total.scenario : "",
      meter: comparesUnit ? total.meter : nil)
    let price = prices.price(
      module: total.module, scenario: total.scenario, meter: total.meter, on: total.date)
    pairs[key, default: Pair()].licensor.add(total.quantity, price.map { $0 * total.quantity })
  }

  mutating func add(_ row: StatedTotal, to side: WritableKeyPath<Pair, Side>) {
    if row.isMonth { hasMonths = true }
    let scenario = comparesScenario ? row.scenario ?? "" : nil
    let meter = comparesUnit ? row.meter : nil
    let key = Key(date: row.date, module: row.module, scenario: scenario ?? "", meter: meter)
    let amount =
      row.amount
      ?? prices.price(module: row.module, scenario: scenario, meter: meter, on: row.date)
      .map { $0 * row.quantity }
    pairs[key, default: Pair()][keyPath: side].add(row.quantity, amount)
  }

  /// A row per period, module, scenario and unit, in this order.
  func rows(period: (CivilDate) -> String) -> [ReconciliationRow] {
    var sums: [RowKey: Pair] = [:]
    for (key, pair) in pairs {
      let row = RowKey(
        period: period(key.date), module: key.module, scenario: key.scenario, meter: key.meter)
      sums[row, default: Pair()].licensor.add(pair.licensor)
      sums[row, default: Pair()].licensee.add(pair.licensee)
    }
    return sums.map { row($0.key, $0.value) }.sorted { left, right in
      (left.period, left.module, left.scenario, left.meter?.rawValue ?? "")
        < (right.period, right.module, right.scenario, right.meter?.rawValue ?? "")
    }
  }

  private func row(_ key: RowKey, _ pair: Pair) -> ReconciliationRow {
    let (licensor, licensee) = (pair.licensor, pair.licensee)
    var row = ReconciliationRow(
      period: key.period, module: key.module, scenario: key.scenario, meter: key.meter,
      licensorQuantity: licensor.quantity, licenseeQuantity: licensee.quantity,
      tolerance: contract.settlement.tolerance, isWithinTolerance: false)
    if !licensor.isUnpriced { row.licensorAmount = licensor.amount.rounded(toScale: 2) }
    if !licensee.isUnpriced { row.licenseeAmount = licensee.amount.rounded(toScale: 2) }
    row.isWithinTolerance = isWithinTolerance(row, licensor, licensee)
    return row
  }

  private func isWithinTolerance(
    _ row: ReconciliationRow, _ licensor: Side, _ licensee: Side
  ) -> Bool {
    guard isClose(Money(licensor.quantity), Money(licensee.quantity)) else { return false }
    // What rounds to the same fen does not differ.
    guard let difference = row.amountDifference, difference != .zero else { return true }
    return isClose(licensor.amount, licensee.amount)
  }

  /// Whether two figures differ by at most the tolerance's share of the first.
  private func isClose(_ licensor: Money, _ licensee: Money) -> Bool {
    let tolerance = contract.settlement.tolerance
    let allowed = Money(
      digits: abs(licensor.digits) * tolerance.digits, scale: licensor.scale + tolerance.scale)
    let difference = licensor - licensee
    return Money(digits: abs(difference.digits), scale: difference.scale) <= allowed
  }
}
