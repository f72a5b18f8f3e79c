internal import CivilTime
internal import Foundation
internal import GRDB
internal import GRDBSQLite

/// A row of a query, read from SQLite itself, and valid until the next one is asked for.
///
/// GRDB's rows look for a column's name in all of them and wrap each value, which took most of the time of reading
/// the ledger of some years.
struct LedgerRow {
  private let statement: Statement
  /// Ends the query when nothing holds it any more.
  private let cursor: RowCursor
  private let columns: [String: Int32]

  fileprivate init(_ statement: Statement, _ cursor: RowCursor) {
    self.statement = statement
    self.cursor = cursor
    columns = Dictionary(
      zip(statement.columnNames, 0...), uniquingKeysWith: { first, _ in first })
  }

  /// The type that a value has, whatever its column is declared as.
  private func type(_ column: Int32) -> Int32 {
    unsafe sqlite3_column_type(statement.sqliteStatement, column)
  }

  fileprivate func integer(_ column: Int32) -> Int64? {
    guard type(column) == SQLITE_INTEGER else { return nil }
    return unsafe sqlite3_column_int64(statement.sqliteStatement, column)
  }

  fileprivate func text(_ column: Int32) -> String? {
    guard type(column) == SQLITE_TEXT else { return nil }
    return unsafe withBytes(column) { unsafe String(decoding: $0, as: UTF8.self) }
  }

  fileprivate func blob(_ column: Int32) -> [UInt8]? {
    guard type(column) == SQLITE_BLOB else { return nil }
    return unsafe withBytes(column) { unsafe Array($0) }
  }

  /// A value's bytes; those of a number are its text.
  private func withBytes<T>(_ column: Int32, _ body: (UnsafeRawBufferPointer) -> T) -> T {
    // In this order, since a number becomes its text by the first call.
    let start = unsafe sqlite3_column_blob(statement.sqliteStatement, column)
    let count = unsafe sqlite3_column_bytes(statement.sqliteStatement, column)
    return unsafe body(UnsafeRawBufferPointer(start: start, count: Int(count)))
  }

  /// Appends a value as the first letter of its type (n, i, r, t or b) and its bytes in hexadecimal digits, upper
  /// case; those of a number are its text.
  func appendDigits(ofColumn column: Int32, to line: inout [UInt8]) {
    switch type(column) {
    case SQLITE_INTEGER:
      line.append(UInt8(ascii: "i"))
      let number = unsafe sqlite3_column_int64(statement.sqliteStatement, column)
      return Self.appendDigits(ofTextOf: number, to: &line)
    case SQLITE_FLOAT: line.append(UInt8(ascii: "r"))
    case SQLITE_TEXT: line.append(UInt8(ascii: "t"))
    case SQLITE_BLOB: line.append(UInt8(ascii: "b"))
    default: line.append(UInt8(ascii: "n"))
    }
    unsafe withBytes(column) { bytes in
      line.append(addingCapacity: bytes.count * 2) { digits in
        // Through pointers, so that many bytes go at a time.
        unsafe digits.withUnsafeMutableBufferPointer { digits, count in
          for index in 0..<bytes.count {
            let byte = unsafe bytes[index]
            unsafe digits[2 &* index] = Self.digit(byte >> 4)
            unsafe digits[2 &* index &+ 1] = Self.digit(byte & 15)
          }
          count = bytes.count * 2
        }
      }
    }
  }

  /// In ASCII, the digit 7 is 37.
  private static func appendDigits(ofTextOf number: Int64, to line: inout [UInt8]) {
    if number < 0 { line += "2D".utf8 }
    var rest = number.magnitude
    var count = 1
    while rest >= 10 {
      rest /= 10
      count += 1
    }
    line.append(contentsOf: repeatElement(UInt8(ascii: "3"), count: count * 2))
    rest = number.magnitude
    var index = line.count - 1
    for _ in 0..<count {
      line[index] = UInt8(ascii: "0") + UInt8(rest % 10)
      rest /= 10
      index -= 2
    }
  }

  private static func digit(_ value: UInt8) -> UInt8 {
    value &+ (value < 10 ? UInt8(ascii: "0") : UInt8(ascii: "A") - 10)
  }
}

// MARK: - Values

/// What stands in a column as one type of SQLite.
protocol LedgerValue {
  /// `nil` where the value is of another type.
  init?(_ row: LedgerRow, _ column: Int32)
}

extension Int64: LedgerValue {
  init?(_ row: LedgerRow, _ column: Int32) {
    guard let value = row.integer(column) else { return nil }
    self = value
  }
}

extension Int: LedgerValue {
  init?(_ row: LedgerRow, _ column: Int32) {
    guard let value = row.integer(column) else { return nil }
    self.init(exactly: value)
  }
}

extension Int32: LedgerValue {
  init?(_ row: LedgerRow, _ column: Int32) {
    guard let value = row.integer(column) else { return nil }
    self.init(exactly: value)
  }
}

extension String: LedgerValue {
  init?(_ row: LedgerRow, _ column: Int32) {
    guard let value = row.text(column) else { return nil }
    self = value
  }
}

extension [UInt8]: LedgerValue {
  init?(_ row: LedgerRow, _ column: Int32) {
    guard let value = row.blob(column) else { return nil }
    self = value
  }
}

extension LedgerRow {
  /// A value that must be there and of its type: what stands in a damaged database may be anything.
  func required<T: LedgerValue>(_ column: String) throws -> T {
    guard let value: T = try optional(column) else {
      throw LedgerValueError(what: "column \(column) of a row")
    }
    return value
  }

  /// A value of its type, or NULL.
  func optional<T: LedgerValue>(_ column: String) throws -> T? {
    // Nil for a column that another version's ledger does not have, too.
    guard let index = columns[column], type(index) != SQLITE_NULL else { return nil }
    guard let value = T(self, index) else {
      throw LedgerValueError(what: "column \(column) of a row")
    }
    return value
  }

  func hash(_ column: String) throws -> ContentHash { ContentHash(bytes: try required(column)) }

  func optionalHash(_ column: String) throws -> ContentHash? {
    try (optional(column) as [UInt8]?).map { ContentHash(bytes: $0) }
  }

  func instant(_ column: String) throws -> Instant {
    Instant(microseconds: try required(column))
  }

  func optionalInstant(_ column: String) throws -> Instant? {
    try (optional(column) as Int64?).map { Instant(microseconds: $0) }
  }

  func date(_ column: String) throws -> CivilDate {
    CivilDate(daysSinceEpoch: try required(column))
  }

  /// The columns `first_date` and `last_date`; `nil` where they are NULL.
  func dates() throws -> ClosedRange<CivilDate>? {
    guard let first: Int32 = try optional("first_date") else { return nil }
    let (lower, upper) = (CivilDate(daysSinceEpoch: first), try date("last_date"))
    guard lower <= upper else { throw LedgerValueError(what: "a range of dates") }
    return lower...upper
  }

  /// A file by its three columns.
  func file(
    path: String, sha256: String = "sha256", bytes: String = "bytes"
  ) throws -> StoredFile {
    try StoredFile(path: required(path), sha256: hash(sha256), bytes: required(bytes))
  }
}

// MARK: - Queries

/// The rows of a query, one after another.
struct LedgerRows {
  private let cursor: RowCursor
  private let row: LedgerRow

  /// - Parameter statement: none that is being read.
  init(_ statement: Statement, _ arguments: StatementArguments = []) throws {
    cursor = try Row.fetchCursor(statement, arguments: arguments)
    row = LedgerRow(statement, cursor)
  }

  /// The next row, which is valid until this is called again.
  func next() throws -> LedgerRow? { try cursor.next().map { _ in row } }
}

extension Database {
  /// What a query's rows are read as, in their order.
  ///
  /// - Parameter read: may ask for other queries, but not for the same one.
  func rows<T>(
    _ sql: String, _ arguments: StatementArguments = [], _ read: (LedgerRow) throws -> T
  ) throws -> [T] {
    let rows = try LedgerRows(cachedStatement(sql: sql), arguments)
    var values: [T] = []
    while let row = try rows.next() { values.append(try read(row)) }
    return values
  }

  /// What a query's first row is read as; `nil` where there is none.
  func row<T>(
    _ sql: String, _ arguments: StatementArguments = [], _ read: (LedgerRow) throws -> T
  ) throws -> T? {
    try LedgerRows(cachedStatement(sql: sql), arguments).next().map(read)
  }
}
