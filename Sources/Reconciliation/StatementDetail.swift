internal import CivilTime
public import Contracts
public import Statements

/// A usage detail on its way into a reconciliation.
public final class StatementDetail: @unchecked Sendable {
  /// What was met beside units, once it is read; its rows are what ``DetailOutcome`` has of the side.
  public private(set) var totals: StatedTotals
  public let layout: StatementLayout
  private let contract: Contract
  private let users: (@Sendable (String) -> String)?
  private var reader: StatementReader?

  /// - Parameters:
  ///   - reader: of a statement that is a detail.
  ///   - contract: rows of others are passed over.
  ///   - users: how the other side writes users.
  public init(
    _ reader: consuming StatementReader, _ contract: Contract,
    users: (@Sendable (String) -> String)? = nil
  ) {
    totals = StatedTotals(
      path: reader.path, rows: [], columns: Set(reader.layout.columns.keys))
    // What a detail leaves out is known nevertheless.
    totals.columns.formUnion([.date, .quantity, .unit])
    layout = reader.layout
    self.contract = contract
    self.users = users
    self.reader = consume reader
  }

  /// Reads it; to be called once.
  public func read(_ take: (StatedUnit) -> Bool) {
    guard var reader = reader.take() else { return }
    var problems: [RowProblem] = []
    var undated = 0
    var refused = 0
    var reversed = 0
    let endColumn = layout.columns[.endedAt] ?? StatementColumn.endedAt.rawValue
    let owner = ContractOwner(contract)
    let path = reader.path
    reader.readAll { row in
      guard owner.owns(contract: row.contract, licensee: row.licensee) else {
        totals.note(stranger: owner.stranger(contract: row.contract, licensee: row.licensee))
        return
      }
      guard let date = row.date else {
        undated += 1
        for index in problems.indices.reversed() where problems[index].row == row.row {
          problems[index].isKept = false
        }
        return
      }
      let unit = unit(row, date)
      if unit.endedAt == nil && row.endedAt != nil {
        if problems.last?.row != row.row { reversed += 1 }
        if problems.count < StatedTotals.problemsMax {
          problems.append(reversal(row, path: path, column: endColumn))
        }
      }
      if take(unit) { return }
      refused += 1
      if problems.count < StatedTotals.problemsMax {
        problems.append(Self.refusal(row, path: path))
      }
    } problem: {
      if problems.count < StatedTotals.problemsMax { problems.append($0) }
    }
    totals.problems = problems
    totals.rowsUnread = reader.summary.rowsUnread + undated + refused
    totals.rowsKept = reader.summary.rowsKept - undated + reversed
    totals.skippedTotals = reader.summary.totalRows
    totals.contradictions = reader.summary.contradictions
    totals.notes = reader.summary.notes
  }

  private func unit(_ row: borrowing StatementRow, _ date: CivilDate) -> StatedUnit {
    let user = row.user ?? ""
    // An end before the start is left open; see ``reversal(_:path:column:)``.
    let end = row.endedAt.flatMap { end in row.startedAt.map { end < $0 } == true ? nil : end }
    return StatedUnit(
      date: date, module: row.module, scenario: row.scenario ?? "", meter: row.meter,
      quantity: row.quantity, user: user.isEmpty ? user : users?(user) ?? user,
      conversation: row.conversation ?? "", startedAt: row.startedAt, endedAt: end,
      messages: row.messages, charge: row.charge, isNotBillable: row.quantity == 0,
      place: UInt64(row.row))
  }

  private static func refusal(_ row: borrowing StatementRow, path: String) -> RowProblem {
    if let charge = row.charge, PackedCharge(digits: charge.digits, scale: charge.scale) == nil {
      return RowProblem(
        path: path, row: row.row, line: row.line, column: StatementColumn.amount.rawValue,
        value: "\(charge)", remedy: "an amount has at most 17 digits; correct it")
    }
    return RowProblem(
      path: path, row: row.row, line: row.line, column: StatementColumn.module.rawValue,
      value: row.module,
      remedy: "the file has more than \(UnitKinds.countMax) modules and scenarios; correct them")
  }

  private func reversal(
    _ row: borrowing StatementRow, path: String, column: String
  ) -> RowProblem {
    RowProblem(
      path: path, row: row.row, line: row.line, column: column,
      value: row.endedAt?.rfc3339(in: contract.zone) ?? "",
      remedy:
        "it is before the start, and the end is left open; correct it, or see which column is which",
      isKept: true)
  }
}

/// Whose a statement's rows are.
struct ContractOwner {
  private let contract: Contract
  private let keys: Set<String>

  init(_ contract: Contract) {
    self.contract = contract
    keys = Set(contract.licensee.keys)
  }

  /// Whether a row is of the contract, by what it names.
  func owns(contract number: String?, licensee: String?) -> Bool {
    if let number, number != contract.number { return false }
    guard let licensee, !keys.isEmpty else { return true }
    return keys.contains(licensee) || licensee == contract.licensee.name
  }

  /// What names another contract or licensee in a row.
  func stranger(contract number: String?, licensee: String?) -> String {
    if let number, number != contract.number { return number }
    return licensee ?? ""
  }
}
