public import CivilTime
public import Contracts
public import Counting
public import Statements

/// A side's own figures: a row per day or month and module, and per scenario and unit where it
/// has them.
public struct StatedTotals: Sendable, Hashable {
  /// The file, as it was named.
  public var path: String
  public var rows: [StatedTotal]
  /// What is wrong in rows, at most ``problemsMax``.
  public var problems: [RowProblem]
  /// Rows that could not be read; their figures are in no total.
  public var rowsUnread: Int
  /// Rows that have something wrong in them and are compared nevertheless.
  public var rowsKept: Int
  /// Rows that add up others (合计, total); their figures are in no total either.
  public var skippedTotals: [PassedOverRow]
  /// Rows of sums that do not add up.
  public var contradictions: [TotalContradiction]
  /// Notes below the table, and titles above it, as they are passed over.
  public var notes: [PassedOverRow]
  /// Rows of other contracts that are not in ``rows``, and some of the names.
  public var rowsOfOthers = 0
  public var others: Set<String> = []
  /// The columns that the file has.
  public var columns: Set<StatementColumn>
  /// Whether it is our own count of a log, and no file.
  public var isCount = false

  /// Problems that are kept; a file of nothing else cannot use up memory.
  public static let problemsMax = 10_000

  public init(
    path: String, rows: [StatedTotal], problems: [RowProblem] = [], rowsUnread: Int? = nil,
    rowsKept: Int = 0, skippedTotals: [PassedOverRow] = [],
    contradictions: [TotalContradiction] = [], notes: [PassedOverRow] = [],
    columns: Set<StatementColumn>
  ) {
    self.path = path
    self.rows = rows
    self.problems = problems
    self.rowsUnread = rowsUnread ?? problems.count { !$0.isKept }
    self.rowsKept = rowsKept
    self.skippedTotals = skippedTotals
    self.contradictions = contradictions
    self.notes = notes
    self.columns = columns
  }

  /// Notes a row of another contract that is not kept.
  mutating func note(stranger: String) {
    rowsOfOthers += 1
    if others.count < Self.othersMax { others.insert(stranger) }
  }

  /// Names of other contracts that are kept.
  static let othersMax = 5

  /// Our own count, as a side's figures.
  public init(counted totals: [DailyTotal]) {
    self.init(
      path: "",
      rows: totals.map {
        StatedTotal(
          contract: $0.contract, licensee: $0.licensee, date: $0.date, module: $0.module,
          scenario: $0.scenario, meter: $0.meter, quantity: $0.quantity)
      }, columns: [.contract, .licensee, .date, .module, .scenario, .unit, .quantity])
    isCount = true
  }

  /// Reads a statement of either kind; the units of a usage detail are added up by day.
  ///
  /// - Parameters:
  ///   - mapping: header names of columns, which prevail over the known ones.
  ///   - zone: the contract's, of times without an offset.
  /// - Throws: where the file as a whole cannot be read; what is wrong in a row is a ``RowProblem``.
  public static func read(
    _ source: StatementReader.Source, columns mapping: [StatementColumn: String] = [:], zone: Zone
  ) throws(StatementError) -> StatedTotals {
    read(try StatementReader(source, columns: mapping, zone: zone))
  }

  /// Reads what a reader has been opened on.
  public static func read(_ reader: consuming StatementReader) -> StatedTotals {
    var totals = StatedTotals(
      path: reader.path, rows: [], columns: Set(reader.layout.columns.keys))
    // A detail's day may be that of its start, and its units are one each.
    if reader.layout.kind == .detail { totals.columns.formUnion([.date, .quantity]) }
    var sums = UnitSums()
    var problems: [RowProblem] = []
    var undated = 0
    let kind = reader.layout.kind
    reader.readAll { row in
      guard let date = row.date else {
        // Such a unit can be paired by its id, but not added to a day.
        undated += 1
        for index in problems.indices.reversed() where problems[index].row == row.row {
          problems[index].isKept = false
        }
        return
      }
      let total = StatedTotal(
        contract: row.contract, licensee: row.licensee, date: date, isMonth: row.isMonth,
        module: row.module, scenario: row.scenario, meter: row.meter, quantity: row.quantity,
        amount: row.charge)
      if kind == .totals { totals.rows.append(total) } else { sums.add(total) }
    } problem: {
      if problems.count < problemsMax { problems.append($0) }
    }
    totals.rows += sums.rows
    totals.problems = problems
    totals.rowsUnread = reader.summary.rowsUnread + undated
    totals.rowsKept = reader.summary.rowsKept - undated
    totals.skippedTotals = reader.summary.totalRows
    totals.contradictions = reader.summary.contradictions
    totals.notes = reader.summary.notes
    return totals
  }
}

/// Units of a detail added up by all that is compared; memory grows with days and modules only.
private struct UnitSums {
  private struct Sum {
    var quantity = 0
    var amount = Money.zero
  }

  /// By a row without its figures, those with a charge apart.
  private var sums: [StatedTotal: Sum] = [:]

  mutating func add(_ total: StatedTotal) {
    var key = total
    key.quantity = 0
    key.amount = total.amount == nil ? nil : .zero
    sums[key, default: Sum()].quantity += total.quantity
    if let amount = total.amount {
      sums[key, default: Sum()].amount = sums[key, default: Sum()].amount + amount
    }
  }

  var rows: [StatedTotal] {
    sums.map { key, sum in
      var row = key
      row.quantity = sum.quantity
      if row.amount != nil { row.amount = sum.amount }
      return row
    }
    .sorted { left, right in
      left.date != right.date
        ? left.date < right.date : Self.order(left).lexicographicallyPrecedes(Self.order(right))
    }
  }

  /// All that tells rows of a day apart.
  private static func order(_ row: StatedTotal) -> [String] {
    [
      row.module, row.scenario ?? "", row.meter?.rawValue ?? "", row.contract ?? "",
      row.licensee ?? "", row.amount == nil ? "" : "amount",
    ]
  }
}

/// One row of a side's totals.
public struct StatedTotal: Sendable, Hashable {
  /// `nil` where the file has no such column.
  public var contract: String?
  public var licensee: String?
  public var date: CivilDate
  /// Whether the row is for the month that ``date`` is the first day of.
  public var isMonth: Bool
  public var module: String
  public var scenario: String?
  public var meter: Meter?
  public var quantity: Int
  /// Yuan; the amount that the row states, else its quantity × its unit price; `nil` where the
  /// row states neither.
  public var amount: Money?

  public init(
    contract: String? = nil, licensee: String? = nil, date: CivilDate, isMonth: Bool = false,
    module: String, scenario: String? = nil, meter: Meter? = nil, quantity: Int,
    amount: Money? = nil
  ) {
    self.contract = contract
    self.licensee = licensee
    self.date = date
    self.isMonth = isMonth
    self.module = module
    self.scenario = scenario
    self.meter = meter
    self.quantity = quantity
    self.amount = amount
  }
}
