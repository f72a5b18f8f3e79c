internal import CivilTime
public import Contracts
internal import Decoding
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
  public func read(_ take: (inout StatedUnit) -> Bool) {
    guard var reader = reader.take() else { return }
    var reading = DetailReading(
      totals: totals, owner: ContractOwner(contract), zone: contract.zone,
      endColumn: layout.columns[.endedAt] ?? StatementColumn.endedAt.rawValue)
    let path = reader.path
    var plain = reader.plainRow
    var other = StatementRow()
    reading: while true {
      let next = reader.next(plain: &plain, other: &other) { reading.keep($0) }
      switch next {
      case .plain:
        let (names, isOwn) = reading.names(plain.names, reader)
        guard isOwn else {
          reading.noteStranger(reader.names[plain.names])
          continue
        }
        var unit = StatedUnit(plain, names)
        if let users, plain.user.count > 0 { unit.user = users(unit.user) }
        if let end = plain.endedAt, end < plain.startedAt {
          unit.endedAt = nil
          reading.noteReversal(plain.row, plain.line, end, path)
        }
        if !take(&unit) {
          reading.refuse(plain.row, plain.line, names.module, plain.charge, path)
        }
      case .other:
        guard let date = reading.date(of: other) else { continue }
        var unit = unit(other, date)
        if unit.endedAt == nil, let end = other.endedAt {
          reading.noteReversal(other.row, other.line, end, path)
        }
        if !take(&unit) { reading.refuse(other.row, other.line, other.module, other.charge, path) }
      case .end: break reading
      }
    }
    totals = reading.totals
    totals.rowsUnread = reader.summary.rowsUnread + reading.undated + reading.refused
    totals.rowsKept = reader.summary.rowsKept - reading.undated + reading.reversed
    totals.skippedTotals = reader.summary.totalRows
    totals.contradictions = reader.summary.contradictions
    totals.notes = reader.summary.notes
  }

  private func unit(_ row: borrowing StatementRow, _ date: CivilDate) -> StatedUnit {
    let user = row.user ?? ""
    // An end before the start is left open; it is told as a problem of the row.
    let end = row.endedAt.flatMap { end in row.startedAt.map { end < $0 } == true ? nil : end }
    return StatedUnit(
      date: date, module: row.module, scenario: row.scenario ?? "", meter: row.meter,
      quantity: row.quantity, user: user.isEmpty ? user : users?(user) ?? user,
      conversation: row.conversation ?? "", startedAt: row.startedAt, endedAt: end,
      messages: row.messages, charge: row.charge, isNotBillable: row.quantity == 0,
      place: UInt64(row.row))
  }
}

/// What is met while a detail is read.
private struct DetailReading {
  var totals: StatedTotals
  let owner: ContractOwner
  private let zone: Zone
  private let endColumn: String
  var undated = 0
  var refused = 0
  var reversed = 0
  /// By the reader's numbers; whether the contract is the reconciled one.
  private var names: [(names: StatedNames, isOwn: Bool)] = []

  init(totals: StatedTotals, owner: ContractOwner, zone: Zone, endColumn: String) {
    self.totals = totals
    self.owner = owner
    self.zone = zone
    self.endColumn = endColumn
  }

  mutating func keep(_ problem: RowProblem) {
    if totals.problems.count < StatedTotals.problemsMax { totals.problems.append(problem) }
  }

  /// What a plain row names.
  @inline(__always)
  mutating func names(
    _ number: Int, _ reader: borrowing StatementReader
  ) -> (names: StatedNames, isOwn: Bool) {
    if number >= names.count { addNames(reader) }
    return names[number]
  }

  private mutating func addNames(_ reader: borrowing StatementReader) {
    for number in names.count..<reader.names.count {
      let stated = reader.names[number]
      names.append(
        (
          StatedNames(
            module: stated.module, scenario: stated.scenario ?? "", meter: stated.meter,
            number: number),
          owner.owns(contract: stated.contract, licensee: stated.licensee)
        ))
    }
  }

  mutating func noteStranger(_ names: StatementNames) {
    totals.note(stranger: owner.stranger(contract: names.contract, licensee: names.licensee))
  }

  /// The day of a row that is to be taken.
  mutating func date(of row: borrowing StatementRow) -> CivilDate? {
    guard owner.owns(contract: row.contract, licensee: row.licensee) else {
      totals.note(stranger: owner.stranger(contract: row.contract, licensee: row.licensee))
      return nil
    }
    if let date = row.date { return date }
    undated += 1
    for index in totals.problems.indices.reversed() where totals.problems[index].row == row.row {
      totals.problems[index].isKept = false
    }
    return nil
  }

  /// Notes a row that was not taken.
  mutating func refuse(
    _ row: Int, _ line: Int, _ module: String, _ charge: Money?, _ path: String
  ) {
    refused += 1
    var problem = RowProblem(
      path: path, row: row, line: line, column: StatementColumn.module.rawValue, value: module,
      remedy:
        "a unit's quantity is at most \(UnitRecord.quantityMax), and a file has at most "
        + "\(UnitKinds.countMax) modules and scenarios; correct them")
    if let charge, PackedCharge(digits: charge.digits, scale: charge.scale) == nil {
      problem.column = StatementColumn.amount.rawValue
      problem.value = "\(charge)"
      problem.remedy = "an amount has at most 17 digits; correct it"
    }
    keep(problem)
  }

  /// Notes a row whose end is before its start, which is left open.
  mutating func noteReversal(_ row: Int, _ line: Int, _ end: Instant, _ path: String) {
    if totals.problems.last?.row != row { reversed += 1 }
    keep(
      RowProblem(
        path: path, row: row, line: line, column: endColumn, value: end.rfc3339(in: zone),
        remedy:
          "it is before the start, and the end is left open; correct it, or see which column is which",
        isKept: true))
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
