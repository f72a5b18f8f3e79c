internal import Foundation
internal import GRDB

/// Digests of all that stands in the ledger. SQLite's pages have no checksums, so every commit ends
/// with an audit entry that holds the digest of every table as the commit leaves it.
enum LedgerSeal {
  /// What an audit entry of a commit says: the table digests, in hexadecimal.
  struct Detail: Codable {
    var run: Int64?
    var tables: [String: String]
  }

  /// The key of the digest over the schema, beside those of the tables.
  static let schema = "(schema)"

  /// The digest of each table: SHA-256 over its rows in the order of the primary key, a line each, its
  /// values as the first letter of the type (n, i, r, t or b) and the bytes in hexadecimal, with commas
  /// between them. The audit log has its own chain and is left out,
  /// as is the list of migrations, to which each is added behind its seal.
  ///
  /// - Parameter known: digests that are known to be what they would be.
  static func digests(
    _ database: Database, keeping known: [String: String] = [:]
  ) throws -> [String: String] {
    var digests: [String: String] = [:]
    let tables = try String.fetchAll(
      database,
      sql: """
        SELECT name FROM sqlite_schema
        WHERE type = 'table' AND name NOT LIKE 'sqlite!_%' ESCAPE '!'
          AND name NOT IN ('audit', 'grdb_migrations')
        """)
    for table in tables { digests[table] = try known[table] ?? digest(of: table, database) }
    let definitions = try String.fetchAll(
      database, sql: "SELECT coalesce(sql, '') FROM sqlite_schema ORDER BY type, name")
    var hasher = ContentHasher()
    for definition in definitions { hasher.updateCounted(definition) }
    digests[schema] = hasher.finish().hexadecimal
    return digests
  }

  private static func digest(of table: String, _ database: Database) throws -> String {
    let columns = try database.columns(in: table).map(\.name.quotedDatabaseIdentifier)
    let keys = try database.primaryKey(table).columns.map(\.quotedDatabaseIdentifier)
    let rows = try LedgerRows(
      database.makeStatement(
        sql: """
          SELECT \(columns.joined(separator: ", ")) FROM \(table.quotedDatabaseIdentifier)
          ORDER BY \(keys.joined(separator: ", "))
          """))
    var hasher = ContentHasher()
    var pending: [UInt8] = []
    pending.reserveCapacity(1 << 17)
    while let row = try rows.next() {
      for column in columns.indices {
        if column > 0 { pending.append(UInt8(ascii: ",")) }
        row.appendDigits(ofColumn: Int32(column), to: &pending)
      }
      pending.append(UInt8(ascii: "\n"))
      if pending.count >= 1 << 16 {
        hasher.update(pending)
        pending.removeAll(keepingCapacity: true)
      }
    }
    hasher.update(pending)
    return hasher.finish().hexadecimal
  }

  /// The tables that are not what the last commit left, by name; all is well where there are none.
  static func changedTables(_ state: LedgerSnapshot) throws(WorkspaceError) -> [String] {
    let last = try state.lastAuditEntry()
    return try state.query { database in
      guard let last, let sealed: Detail = try? LedgerJSON.decode(last.detail) else {
        return ["audit"]
      }
      let now = try digests(database)
      return Set(now.keys).union(sealed.tables.keys)
        .filter { now[$0] != sealed.tables[$0] }.sorted()
    }
  }
}
