public import CivilTime
internal import Contracts
internal import Decoding
public import Reconciliation
internal import Statements

/// The licensees' own figures as totals, by contract.
struct ContractStatements {
  struct Entry {
    var contract: String
    /// Of all files; units of details are added up by day.
    var totals: StatedTotals
    var files: [StatementReconciliation.Side]
    /// Whether all files state units one by one.
    var areDetails: Bool
  }

  /// In the order of the contracts' first statements.
  private(set) var all: [Entry] = []

  var hasDetails: Bool { all.contains(where: \.areDetails) }

  /// Reads the statements of a pipeline. Several of one contract, such as one a month, are taken
  /// together.
  ///
  /// - Parameter contracts: whose zones are those of times without an offset.
  init(_ files: [StatementFile], contracts: [Contract]) throws(RunError) {
    for file in files {
      let totals = try Self.read(file, contracts: contracts)
      let isDetail = totals.columns.contains(.startedAt)
      let side = StatementReconciliation.Side(
        path: Paths.shortened(file.file), columns: file.statementColumns)
      if let index = all.firstIndex(where: { $0.contract == file.contract }) {
        all[index].totals.join(totals)
        all[index].files.append(side)
        all[index].areDetails = all[index].areDetails && isDetail
      } else {
        all.append(
          Entry(contract: file.contract, totals: totals, files: [side], areDetails: isDetail))
      }
    }
  }

  static func read(
    _ file: StatementFile, contracts: [Contract]
  ) throws(RunError) -> StatedTotals {
    try StatedTotals.read(
      path: Paths.shortened(file.file), columns: file.statementColumns,
      zone: contracts.first { $0.number == file.contract }?.zone ?? .utc)
  }
}

extension StatedTotals {
  /// Adds another file's rows. Only what both files tell apart is compared.
  mutating func join(_ other: StatedTotals) {
    rows += other.rows
    problems += other.problems
    rowsUnread += other.rowsUnread
    rowsKept += other.rowsKept
    skippedTotals += other.skippedTotals
    contradictions += other.contradictions
    notes += other.notes
    columns.formIntersection(other.columns)
  }
}

extension StatementFile {
  /// The mapped names by what statements hold.
  fileprivate var statementColumns: [StatementColumn: String] {
    var names: [StatementColumn: String] = [:]
    for (column, name) in columns {
      let held: StatementColumn =
        switch column {
        case .contract: .contract
        case .licensee: .licensee
        case .date: .date
        case .month: .month
        case .module: .module
        case .scenario: .scenario
        case .app: .app
        case .unit: .unit
        case .quantity: .quantity
        case .price: .unitPrice
        case .amount: .amount
        case .user: .user
        case .conversation: .conversation
        case .startedAt: .startedAt
        case .endedAt: .endedAt
        case .messages: .messages
        }
      names[held] = name
    }
    return names
  }
}

extension StatedTotals {
  /// Reads a file that no pipeline file names.
  ///
  /// - Parameter zone: of times without an offset.
  public static func read(path: String, zone: Zone) throws(RunError) -> StatedTotals {
    try read(path: path, columns: [:], zone: zone)
  }

  fileprivate static func read(
    path: String, columns: [StatementColumn: String], zone: Zone
  ) throws(RunError) -> StatedTotals {
    do throws(StatementError) {
      return try read(.file(path), columns: columns, zone: zone)
    } catch {
      throw RunError(error)
    }
  }
}
