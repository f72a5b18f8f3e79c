public import Decoding

/// Why nothing of a statement can be read.
public enum StatementError: Error, Sendable, Hashable, CustomStringConvertible {
  /// The file cannot be opened, or is none of text.
  case input(InputError)
  case empty(path: String)
  /// The columns are those of neither kind; `found`: the header that comes nearest.
  case columnsMissing(
    path: String, detail: [StatementColumn], totals: [StatementColumn], found: [String])
  case columnRepeated(path: String, column: StatementColumn, found: [String])
  /// The file has no column of the name that the pipeline file maps.
  case mappedColumnMissing(path: String, column: StatementColumn, name: String, found: [String])
  /// Of dates in one column some begin with the day and others with the month.
  case datesContradict(
    path: String, column: String, dayFirstRow: Int, dayFirst: String, monthFirstRow: Int,
    monthFirst: String)
  /// All dates of a column could begin with the day as well as with the month.
  case datesUndecided(path: String, column: String, row: Int, value: String)
  /// The order of dates needs a second look at the file, which standard input does not allow.
  case datesNeedFile(path: String, column: String)

  public var description: String {
    switch self {
    case .input(let error): error.description
    case .empty(let path):
      "\(path): the file is empty; expected a header row, and a row per unit, or per day or month and "
        + "module"
    case .columnsMissing(let path, let detail, let totals, let found):
      "\(path): a usage detail needs \(Self.list(detail)), which no column is, and totals need "
        + "\(Self.list(totals)); the file has \(Self.quoted(found)); rename the columns, or map them "
        + "in the pipeline file"
    case .columnRepeated(let path, let column, let found):
      "\(path): several columns could be \(column.words); the file has \(Self.quoted(found)); keep "
        + "one of them, or map the one that is meant in the pipeline file"
    case .mappedColumnMissing(let path, let column, let name, let found):
      "\(path): \(column.rawValue) is mapped to \"\(name)\", which no column is called; "
        + "the file has \(Self.quoted(found)); correct the name"
    case .datesContradict(
      let path, let column, let dayFirstRow, let dayFirst, let monthFirstRow, let monthFirst):
      "\(path): column \"\(column)\": row \(dayFirstRow) has the day first (\"\(dayFirst)\") and row "
        + "\(monthFirstRow) the month (\"\(monthFirst)\"); write all dates as 2025-12-01"
    case .datesUndecided(let path, let column, let row, let value):
      "\(path): column \"\(column)\": row \(row), \"\(value)\", could have the day first or the month, "
        + "and no other row decides; write all dates as 2025-12-01"
    case .datesNeedFile(let path, let column):
      "\(path): column \"\(column)\": whether dates have the day first or the month is decided by all "
        + "rows, which takes a second look; save what is piped to a file and name that"
    }
  }

  private static func list(_ columns: [StatementColumn]) -> String {
    columns.map(\.words).joined(separator: " and ")
  }

  private static func quoted(_ names: [String]) -> String {
    names.isEmpty ? "no columns" : names.map { "\"\($0)\"" }.joined(separator: ", ")
  }
}

/// A row of a statement that could not be read, or has something wrong in it, with how to mend it.
public struct RowProblem: Error, Sendable, Hashable, CustomStringConvertible {
  public var path: String
  /// As spreadsheets number rows, the first row of the file is 1.
  public var row: Int
  public var line: Int
  /// The column as the file names it; empty where the row as a whole is at fault.
  public var column: String
  /// The cell as it is.
  public var value: String
  /// What was expected there, and so how to mend it.
  public var remedy: String
  /// Whether the row is compared nevertheless.
  public var isKept: Bool

  public init(
    path: String, row: Int, line: Int, column: String, value: String, remedy: String,
    isKept: Bool = false
  ) {
    self.path = path
    self.row = row
    self.line = line
    self.column = column
    self.value = value
    self.remedy = remedy
    self.isKept = isKept
  }

  public var description: String {
    let place = column.isEmpty ? "" : ", column \"\(column)\""
    return "\(path): row \(row) (line \(line))\(place): "
      + (isKept
        ? "\"\(value)\" is compared as it is; \(remedy)" : "cannot read \"\(value)\"; \(remedy)")
  }
}
