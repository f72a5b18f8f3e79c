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

  /// A list, which mostly has nothing in it: a decoder takes longer for that than SQLite for the row.
  static func decodeList<T: Decodable>(_ text: String) throws -> [T] {
    text == "[]" ? [] : try decode(text)
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
