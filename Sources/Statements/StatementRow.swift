public import CivilTime
public import Contracts

/// What a statement lists.
public enum StatementKind: String, Sendable, Hashable {
  /// A row for each unit.
  case detail
  /// A row for each day or month, module and what else the file tells apart.
  case totals
}

/// One row of a statement, of either kind.
public struct StatementRow: Sendable, Hashable {
  /// As spreadsheets number rows, the first row of the file is 1.
  public var row = 0
  /// The line of the file on which the row begins.
  public var line = 0
  /// `nil` where the file has no such column.
  public var contract: String?
  public var licensee: String?
  /// The stated day; of a detail without that column, the day of its start (its end, where only that is
  /// known) in the contract's zone. The first of the month where ``isMonth``. `nil` of a detail whose
  /// times are all missing.
  public var date: CivilDate?
  /// Whether a row of totals is for a whole month.
  public var isMonth = false
  /// Empty where the row does not state it, which is a problem.
  public var module = ""
  /// `nil` where the file has no such column.
  public var scenario: String?
  public var app: String?
  /// `nil` where the file has no such column, or a row of detail leaves it open.
  public var meter: Meter?
  /// 1 where a detail does not state it.
  public var quantity = 1
  /// `nil` where the file has no such column; empty where the row leaves it open.
  public var user: String?
  public var conversation: String?
  public var startedAt: Instant?
  public var endedAt: Instant?
  public var messages: Int?
  /// Yuan, as the row states them.
  public var amount: Money?
  public var unitPrice: Money?

  public init() {}

  /// Yuan: the stated amount, else quantity × unit price.
  public var charge: Money? { amount ?? unitPrice.map { $0 * quantity } }
}

/// How a statement is written.
public struct StatementLayout: Sendable, Hashable {
  public var kind: StatementKind
  /// The columns that are read, and their names in the file.
  public var columns: [StatementColumn: String]
  /// The row and the line on which the header stands, each from 1.
  public var headerRow: Int
  public var headerLine: Int
  /// Comma, tab or semicolon, or what a first line `sep=` says.
  public var delimiter: Character
}

/// A row that is neither read nor wrong, such as a title, a repeated header or a note.
public struct PassedOverRow: Sendable, Hashable {
  public var row: Int
  /// The row's cells that are not empty.
  public var cells: [String]
}

/// A row that adds up others does not say what they add up to.
public struct TotalContradiction: Sendable, Hashable, CustomStringConvertible {
  public var path: String
  public var row: Int
  /// 合计, total and the like, as the row has it.
  public var label: String
  /// The figure's name in the file.
  public var column: String
  public var stated: String
  /// What the rows since the last such row add up to, and all rows.
  public var since: String
  public var all: String
  /// Rows before it that could not be read.
  public var unreadRows: Int

  public var description: String {
    "\(path): row \(row): \"\(label)\" states \(stated) as \(column), but "
      + (since == all
        ? "the rows above add up to \(all)"
        : "the rows since the last such row add up to \(since), and all rows above to \(all)")
      + (unreadRows > 0 ? "; rows above that could not be read: \(unreadRows)" : "")
  }
}

/// What a reader has met in a statement so far.
public struct StatementSummary: Sendable, Hashable {
  /// Rows that were given.
  public var rows = 0
  /// Rows with problems that were given nevertheless.
  public var rowsKept = 0
  /// Rows that could not be read.
  public var rowsUnread = 0
  /// Rows that add up others, which are in no figure.
  public var totalRows: [PassedOverRow] = []
  /// How many there were.
  public var totalRowCount = 0
  public var contradictions: [TotalContradiction] = []
  /// Titles above the header, and notes among and below the rows.
  public var notes: [PassedOverRow] = []
  public var noteCount = 0
  public var repeatedHeaders = 0
  /// The first and last day of the rows that were given.
  public var dates: ClosedRange<CivilDate>?
  /// The first contracts that rows name, at most five.
  public var contracts: [String] = []

  /// Listed of each kind; more are only counted, so that a file cannot use up memory.
  public static let listedMax = 1_000
}
