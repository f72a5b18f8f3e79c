public import CivilTime
public import Contracts

/// The licensee's own figures: a row per day and module, and per scenario and unit where it has
/// them.
public struct LicenseeTotals: Sendable, Hashable {
  /// The file, as it was named.
  public var path: String
  public var rows: [LicenseeTotal]
  /// Rows that could not be read; their figures are in no total.
  public var problems: [RowProblem]
  /// Rows that add up others (合计, total); their figures are in no total either.
  public var skippedTotals: [SkippedRow]
  /// The columns that the file has.
  public var columns: Set<LicenseeColumn>

  public init(
    path: String, rows: [LicenseeTotal], problems: [RowProblem] = [],
    skippedTotals: [SkippedRow] = [], columns: Set<LicenseeColumn>
  ) {
    self.path = path
    self.rows = rows
    self.problems = problems
    self.skippedTotals = skippedTotals
    self.columns = columns
  }

  /// A row that adds up others.
  public struct SkippedRow: Sendable, Hashable {
    /// As spreadsheets number rows, the first row of the file is 1.
    public var row: Int
    /// The row's cells that are not empty.
    public var cells: [String]
  }
}

/// One row of the licensee's totals.
public struct LicenseeTotal: Sendable, Hashable {
  /// `nil` where the file has no such column.
  public var contract: String?
  public var licensee: String?
  public var date: CivilDate
  public var module: String
  public var scenario: String?
  public var meter: Meter?
  public var quantity: Int
  /// Yuan; the amount that the row states, else its quantity × its unit price; `nil` where the
  /// row states neither.
  public var amount: Money?

  public init(
    contract: String? = nil, licensee: String? = nil, date: CivilDate, module: String,
    scenario: String? = nil, meter: Meter? = nil, quantity: Int, amount: Money? = nil
  ) {
    self.contract = contract
    self.licensee = licensee
    self.date = date
    self.module = module
    self.scenario = scenario
    self.meter = meter
    self.quantity = quantity
    self.amount = amount
  }
}

/// A row of the licensee's file that could not be read, with how to mend it.
public struct RowProblem: Error, Sendable, Hashable, CustomStringConvertible {
  public var path: String
  /// As spreadsheets number rows, the first row of the file is 1.
  public var row: Int
  /// The line of the file on which the row begins.
  public var line: Int
  /// The column as the file names it; empty where the row as a whole is at fault.
  public var column: String
  /// The cell as it is.
  public var value: String
  /// What was expected there, and so how to mend it.
  public var remedy: String

  public var description: String {
    let place = column.isEmpty ? "" : ", column \"\(column)\""
    return "\(path): row \(row) (line \(line))\(place): cannot read \"\(value)\"; \(remedy)"
  }
}

/// Why nothing of a licensee's file can be read.
public enum LicenseeTotalsError: Error, Sendable, Hashable, CustomStringConvertible {
  case empty(path: String)
  case notUTF8(path: String, byteOffset: Int)
  case columnsMissing(path: String, missing: [LicenseeColumn], found: [String])
  case columnRepeated(path: String, column: LicenseeColumn, found: [String])

  public var description: String {
    switch self {
    case .empty(let path):
      "\(path): the file is empty; expected a header row and a row per day and module"
    case .notUTF8(let path, let offset):
      "\(path): byte \(offset) is not UTF-8; save the file as \"CSV UTF-8\" and try again"
    case .columnsMissing(let path, let missing, let found):
      "\(path): no column for \(missing.map(Self.names).joined(separator: "; for ")); the file has "
        + "\(Self.quoted(found)); rename the columns, or map them in the pipeline file"
    case .columnRepeated(let path, let column, let found):
      "\(path): several columns could be \(Self.names(column)); the file has \(Self.quoted(found)); "
        + "keep one of them, or map the one that is meant in the pipeline file"
    }
  }

  private static func names(_ column: LicenseeColumn) -> String {
    "\(column.rawValue) (known as \(column.knownNames.joined(separator: ", ")))"
  }

  private static func quoted(_ names: [String]) -> String {
    names.isEmpty ? "no columns" : names.map { "\"\($0)\"" }.joined(separator: ", ")
  }
}
