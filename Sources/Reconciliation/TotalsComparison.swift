internal import CivilTime
internal import Contracts
internal import Statements

/// What of a side's totals is compared, and what is not.
struct ComparedRows {
  private(set) var rows: [StatedTotal] = []
  private(set) var rowsOutsideRange = 0
  private(set) var rowsOfOthers = 0
  private(set) var rowsOfPartMonths = 0
  /// Some of those that rows of others name.
  private(set) var others: Set<String> = []
  /// Of the side's own rows, within the range or not.
  private(set) var dates: ClosedRange<CivilDate>?
  /// The same of conversations and items each.
  private(set) var datesByMeter: [Meter: ClosedRange<CivilDate>] = [:]
  /// The days that rows to be compared are of.
  private(set) var days: Set<CivilDate> = []

  init(_ totals: StatedTotals, contract: Contract, range: ClosedRange<CivilDate>) {
    let owner = ContractOwner(contract)
    rowsOfOthers = totals.rowsOfOthers
    others = totals.others
    for row in totals.rows {
      // Our count says itself whose a record is.
      let licensee = totals.isCount ? nil : row.licensee
      guard owner.owns(contract: row.contract, licensee: licensee) else {
        rowsOfOthers += 1
        if others.count < StatedTotals.othersMax {
          others.insert(owner.stranger(contract: row.contract, licensee: licensee))
        }
        continue
      }
      let last = row.lastDay
      dates = dates?.widened(by: row.date...last) ?? row.date...last
      let meter = contract.meter(module: row.module, stated: row.meter, on: row.date)
      datesByMeter[meter] =
        datesByMeter[meter]?.widened(by: row.date...last) ?? row.date...last
      if range.contains(row.date) && range.contains(last) {
        for day in row.date.daysSinceEpoch...last.daysSinceEpoch {
          days.insert(CivilDate(daysSinceEpoch: day))
        }
        rows.append(row)
      } else if last < range.lowerBound || row.date > range.upperBound {
        rowsOutsideRange += 1
      } else {
        rowsOfPartMonths += 1
      }
    }
  }

  var hasMonths: Bool { rows.contains(where: \.isMonth) }
}

extension StatedTotal {
  /// The last day that it is of.
  var lastDay: CivilDate { isMonth ? date.month.last : date }
}

extension ClosedRange<CivilDate> {
  func widened(by other: ClosedRange) -> ClosedRange {
    Swift.min(lowerBound, other.lowerBound)...Swift.max(upperBound, other.upperBound)
  }
}

/// A full outer join of two sides' totals by day, kept exact until rows are made.
struct TotalsComparison {
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
    /// What the contract's own count of the log has, where it is no side itself.
    var count = Side()

    mutating func add(_ other: Pair) {
      licensor.add(other.licensor)
      licensee.add(other.licensee)
      count.add(other.count)
    }
  }

  private struct RowKey: Hashable {
    var period: String
    var module: String
    var scenario: String
    var meter: Meter?
  }

  let prices: PriceList
  let comparesScenario: Bool
  let comparesUnit: Bool
  private let contract: Contract
  private(set) var pairs: [Key: Pair] = [:]
  /// Whether some figures of either side are for whole months.
  private(set) var hasMonths = false

  /// - Parameters:
  ///   - licensor: the columns of its totals.
  ///   - licensee: the columns of its totals.
  init(contract: Contract, licensor: Set<StatementColumn>, licensee: Set<StatementColumn>) {
    self.contract = contract
    prices = PriceList(contract: contract)
    comparesScenario = licensor.contains(.scenario) && licensee.contains(.scenario)
    comparesUnit = licensor.contains(.unit) && licensee.contains(.unit)
  }

  /// Adds a side's rows.
  ///
  /// - Parameter columns: those of its totals.
  mutating func add(
    _ rows: [StatedTotal], columns: Set<StatementColumn>, to side: WritableKeyPath<Pair, Side>
  ) {
    let (hasScenario, hasUnit) = (columns.contains(.scenario), columns.contains(.unit))
    for row in rows {
      if row.isMonth { hasMonths = true }
      // Prices follow all that a side says, compared or not.
      let scenario = hasScenario ? row.scenario ?? "" : nil
      let meter = hasUnit ? row.meter : nil
      let key = Key(
        date: row.date, module: row.module, scenario: comparesScenario ? scenario ?? "" : "",
        meter: comparesUnit ? meter : nil)
      let amount =
        row.amount
        ?? prices.price(
          module: row.module, scenario: scenario, meter: meter, from: row.date, to: row.lastDay
        ).map { $0 * row.quantity }
      pairs[key, default: Pair()][keyPath: side].add(row.quantity, amount)
    }
  }

  /// The figures by month where some are for whole months, else by day.
  var cells: [Key: Pair] {
    guard hasMonths else { return pairs }
    var cells: [Key: Pair] = [:]
    for (key, pair) in pairs {
      var month = key
      month.date = key.date.month.first
      cells[month, default: Pair()].add(pair)
    }
    return cells
  }

  /// A row per period, module, scenario and unit, in this order.
  func rows(period: (CivilDate) -> String) -> [ReconciliationRow] {
    var sums: [RowKey: Pair] = [:]
    for (key, pair) in pairs {
      let row = RowKey(
        period: period(key.date), module: key.module, scenario: key.scenario, meter: key.meter)
      sums[row, default: Pair()].add(pair)
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
