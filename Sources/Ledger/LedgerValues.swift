internal import CivilTime
internal import Foundation
internal import GRDB

/// A value in the ledger that none of its programs writes.
struct LedgerValueError: Error {
  var what: String
}

/// Lists as JSON texts, each with one form only.
enum LedgerJSON {
  static func encode(_ value: some Encodable) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return String(decoding: try encoder.encode(value), as: UTF8.self)
  }

  static func decode<T: Decodable>(_ text: String) throws -> T {
    try JSONDecoder().decode(T.self, from: Data(text.utf8))
  }
}

extension WorkspaceFolder {
  /// An error of SQLite, or of a value in the ledger, as one of the workspace.
  func error(_ error: any Error) -> WorkspaceError {
    switch error {
    case let error as WorkspaceError: return error
    case let error as DatabaseError:
      let detail = error.message ?? error.description
      switch error.resultCode {
      case .SQLITE_FULL: return .diskFull(path: ledgerPath)
      case .SQLITE_READONLY: return .readOnly(path: ledgerPath)
      case .SQLITE_CORRUPT, .SQLITE_FORMAT: return .corrupt(path: ledgerPath, detail: detail)
      case .SQLITE_NOTADB:
        return .corrupt(path: ledgerPath, detail: "its first page is not that of a database")
      case .SQLITE_CONSTRAINT, .SQLITE_MISMATCH:
        return .constraint(path: ledgerPath, detail: detail)
      default:
        return .database(
          path: ledgerPath, detail: detail, code: error.extendedResultCode.rawValue)
      }
    case let error as LedgerValueError:
      return .corrupt(path: ledgerPath, detail: "\(error.what) is not what was written")
    case is DecodingError:
      return .corrupt(path: ledgerPath, detail: "a JSON text is not what was written")
    default:
      return .database(path: ledgerPath, detail: "\(error)", code: 0)
    }
  }
}

extension Row {
  /// A value that must be there and of its type. GRDB's subscript traps on anything else, and what
  /// stands in a damaged database may be anything.
  func required<T: DatabaseValueConvertible>(_ column: String) throws -> T {
    guard let value: T = try optional(column) else {
      throw LedgerValueError(what: "column \(column) of a row")
    }
    return value
  }

  /// A value of its type, or NULL.
  func optional<T: DatabaseValueConvertible>(_ column: String) throws -> T? {
    // Nil for NULL, and for a column that another version's ledger does not have.
    guard let stored = self[column] as DatabaseValue?, !stored.isNull else { return nil }
    guard let value = T.fromDatabaseValue(stored) else {
      throw LedgerValueError(what: "column \(column) of a row")
    }
    return value
  }

  func hash(_ column: String) throws -> ContentHash { ContentHash(try required(column) as Data) }

  func optionalHash(_ column: String) throws -> ContentHash? {
    try (optional(column) as Data?).map { ContentHash($0) }
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
