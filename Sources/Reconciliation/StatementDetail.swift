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
  public func read(_ take: (StatedUnit) -> Bool) {
    guard var reader = reader.take() else { return }
    var reading = DetailReading(totals: totals, owner: ContractOwner(contract))
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
        if !take(unit) { reading.refuse(plain.row, plain.line, names.module, path) }
      case .other:
        guard let date = reading.date(of: other) else { continue }
        if !take(unit(other, date)) { reading.refuse(other.row, other.line, other.module, path) }
      case .end: break reading
      }
    }
    totals = reading.totals
    totals.rowsUnread = reader.summary.rowsUnread + reading.undated + reading.refused
    totals.rowsKept = reader.summary.rowsKept - reading.undated
    totals.skippedTotals = reader.summary.totalRows
    totals.contradictions = reader.summary.contradictions
    totals.notes = reader.summary.notes
  }

  private func unit(_ row: borrowing StatementRow, _ date: CivilDate) -> StatedUnit {
    let user = row.user ?? ""
    return StatedUnit(
      date: date, module: row.module, scenario: row.scenario ?? "", meter: row.meter,
      quantity: row.quantity, user: user.isEmpty ? user : users?(user) ?? user,
      conversation: row.conversation ?? "", startedAt: row.startedAt, endedAt: row.endedAt,
      messages: row.messages, charge: row.charge, isNotBillable: row.quantity == 0,
      place: UInt64(row.row))
  }
}

/// What is met while a detail is read.
private struct DetailReading {
  var totals: StatedTotals
  let owner: ContractOwner
  var undated = 0
  var refused = 0
  /// By the reader's numbers; whether the contract is the reconciled one.
  private var names: [(names: StatedNames, isOwn: Bool)] = []

  init(totals: StatedTotals, owner: ContractOwner) {
    self.totals = totals
    self.owner = owner
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
  mutating func refuse(_ row: Int, _ line: Int, _ module: String, _ path: String) {
    refused += 1
    keep(
      RowProblem(
        path: path, row: row, line: line, column: "", value: module,
        remedy:
          "its amount has too many digits, its quantity is above \(UnitRecord.quantityMax), or the file has "
          + "more than \(UnitKinds.countMax) modules and scenarios; correct them"))
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
