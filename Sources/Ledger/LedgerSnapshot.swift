public import CivilTime
internal import Foundation
internal import GRDB

/// What the ledger says at one moment; inside a commit, with what that has changed so far. It is valid
/// only within the closure that got it.
public struct LedgerSnapshot {
  let database: Database
  let folder: WorkspaceFolder

  /// Runs a query; its errors become those of the workspace.
  func query<T>(_ body: (Database) throws -> T) throws(WorkspaceError) -> T {
    do { return try body(database) } catch { throw folder.error(error) }
  }
}

// MARK: - Runs

extension LedgerSnapshot {
  /// A run by its number.
  public func run(_ id: RunID) throws(WorkspaceError) -> Run? {
    try query { database in
      try database.row("SELECT * FROM run WHERE id = ?", [id.number], Run.init)
    }
  }

  /// The last run that was done, whether or not something needs a person.
  public func lastFinishedRun() throws(WorkspaceError) -> Run? {
    try query { database in
      try database.row(
        "SELECT * FROM run WHERE outcome IN ('done', 'needs_attention') ORDER BY id DESC LIMIT 1",
        [], Run.init)
    }
  }

  /// All runs, the first one first.
  public func runs() throws(WorkspaceError) -> [Run] {
    try query { database in
      try database.rows("SELECT * FROM run ORDER BY id", [], Run.init)
    }
  }
}

extension Run {
  init(_ row: LedgerRow) throws {
    guard let outcome = Outcome(rawValue: try row.required("outcome")) else {
      throw LedgerValueError(what: "a run's outcome")
    }
    id = RunID(number: try row.required("id"))
    start = try RunStart(
      command: row.required("command"), programVersion: row.required("program_version"),
      configurationHash: row.hash("configuration_hash"), ruleHash: row.hash("rule_hash"),
      user: row.required("user"))
    host = try row.required("host")
    startedAt = try row.instant("started_at")
    finishedAt = try row.optionalInstant("finished_at")
    self.outcome = outcome
    summary = try row.required("summary")
  }
}

// MARK: - Logs

extension LedgerSnapshot {
  /// Every name that a log came under, by its bytes, with the content that it had last. As texts, names would be
  /// equal that differ in how their accents are composed.
  public func knownNames() throws(WorkspaceError) -> [[UInt8]: KnownName] {
    try query { database in
      // SQLite takes the other columns from the row that has the maximum.
      let rows = try LedgerRows(
        database.cachedStatement(
          sql: """
            SELECT path, file_id, stored_sha256, stored_bytes, modified_at, MAX(run_id) AS run_id
            FROM log_name GROUP BY path
            """))
      var names: [[UInt8]: KnownName] = [:]
      while let row = try rows.next() {
        let path: String = try row.required("path")
        names[Array(path.utf8)] = try KnownName(
          name: LogName(
            path: path, storedSHA256: row.hash("stored_sha256"),
            storedBytes: row.required("stored_bytes"), modifiedAt: row.instant("modified_at")),
          file: LogFileID(number: row.required("file_id")),
          run: RunID(number: row.required("run_id")))
      }
      return names
    }
  }

  /// The log whose text has a digest.
  public func file(
    textDigest: ContentHash
  ) throws(WorkspaceError) -> (id: LogFileID, file: LogFile)? {
    try file(where: "text_digest", textDigest.data)
  }

  /// The logs whose text begins with a line.
  public func files(
    headDigest: ContentHash
  ) throws(WorkspaceError) -> [(id: LogFileID, file: LogFile)] {
    try query { database in
      try database.rows(
        "SELECT * FROM log_file WHERE head_digest = ? ORDER BY id", [headDigest.data]
      ) { (LogFileID(number: try $0.required("id")), try LogFile($0)) }
    }
  }

  /// A log by its number.
  public func file(_ id: LogFileID) throws(WorkspaceError) -> LogFile? {
    try file(where: "id", id.number)?.file
  }

  private func file(
    where column: String, _ value: any DatabaseValueConvertible
  ) throws(WorkspaceError) -> (id: LogFileID, file: LogFile)? {
    try query { database in
      try database.row("SELECT * FROM log_file WHERE \(column) = ?", [value]) {
        (LogFileID(number: try $0.required("id")), try LogFile($0))
      }
    }
  }

  /// The time of the last record of all logs; `nil` where there is none.
  public func lastTime() throws(WorkspaceError) -> Instant? {
    try query { database in
      try Int64.fetchOne(database, sql: "SELECT MAX(last_time) FROM log_file")
        .map { Instant(microseconds: $0) }
    }
  }

  /// All logs, in the order of their names, which is by bytes; of logs with equal names in that of their
  /// digests.
  public func logs() throws(WorkspaceError) -> [(name: LogName, file: LogFile)] {
    try query { database in
      try database.rows(
        """
        SELECT log_file.*, name.path AS name_path, name.stored_sha256 AS name_sha256,
          name.stored_bytes AS name_bytes, name.modified_at AS name_modified_at
        FROM log_file JOIN log_name AS name ON name.file_id = log_file.id
        WHERE name.path = (SELECT MIN(path) FROM log_name WHERE file_id = log_file.id)
        ORDER BY name.path, log_file.text_digest
        """
      ) { row in
        (
          try LogName(
            path: row.required("name_path"), storedSHA256: row.hash("name_sha256"),
            storedBytes: row.required("name_bytes"), modifiedAt: row.instant("name_modified_at")),
          try LogFile(row)
        )
      }
    }
  }

  /// The smallest, in the order of bytes, of all paths that a log's content came under.
  public func name(of id: LogFileID) throws(WorkspaceError) -> String? {
    try query { database in
      try String.fetchOne(
        database, sql: "SELECT MIN(path) FROM log_name WHERE file_id = ?", arguments: [id.number])
    }
  }

  /// All paths that a log's content came under, in the order of bytes.
  public func names(of id: LogFileID) throws(WorkspaceError) -> [LogName] {
    try query { database in
      try database.rows(
        "SELECT * FROM log_name WHERE file_id = ? ORDER BY path", [id.number]
      ) { row in
        try LogName(
          path: row.required("path"), storedSHA256: row.hash("stored_sha256"),
          storedBytes: row.required("stored_bytes"), modifiedAt: row.instant("modified_at"))
      }
    }
  }

  /// All contents that came under a path.
  public func contents(under path: String) throws(WorkspaceError) -> [KnownName] {
    try query { database in
      try database.rows(
        "SELECT * FROM log_name WHERE path = ? ORDER BY run_id, file_id", [path]
      ) { row in
        try KnownName(
          name: LogName(
            path: path, storedSHA256: row.hash("stored_sha256"),
            storedBytes: row.required("stored_bytes"), modifiedAt: row.instant("modified_at")),
          file: LogFileID(number: row.required("file_id")),
          run: RunID(number: row.required("run_id")))
      }
    }
  }

  /// How many paths a log's content came under.
  public func nameCount(of id: LogFileID) throws(WorkspaceError) -> Int {
    try query { database in
      try Int.fetchOne(
        database, sql: "SELECT COUNT(*) FROM log_name WHERE file_id = ?", arguments: [id.number])
        ?? 0
    }
  }

  /// The segments of a log, day by day.
  public func segments(of id: LogFileID) throws(WorkspaceError) -> [Segment] {
    try query { database in
      try database.rows(
        "SELECT * FROM segment WHERE file_id = ? ORDER BY day", [id.number], Segment.init)
    }
  }
}

extension LogFile {
  init(_ row: LedgerRow) throws {
    guard let blocks = VarInts.decode(try row.required("block_lines")) else {
      throw LedgerValueError(what: "the lines of a log's blocks")
    }
    try self.init(
      textDigest: row.hash("text_digest"), storedSHA256: row.hash("stored_sha256"),
      storedBytes: row.required("stored_bytes"), textBytes: row.required("text_bytes"),
      codec: row.required("codec"), encoding: row.required("encoding"),
      format: row.required("format"), lines: row.required("lines"),
      records: row.required("records"), blockLines: blocks)
    headDigest = try row.optionalHash("head_digest")
    lostBytes = try row.optional("lost_bytes")
    addedLineEnds = try row.required("added_line_ends")
    blank = try row.required("blank")
    ignored = try row.required("ignored")
    quarantined = try row.required("quarantined")
    blankBytes = try row.required("blank_bytes")
    quarantinedBytes = try row.required("quarantined_bytes")
    firstTime = try row.optionalInstant("first_time")
    lastTime = try row.optionalInstant("last_time")
    latestTime = try row.instant("latest_time")
    uncountedRecords = try row.required("uncounted_records")
    sealedUntil = try (row.optional("sealed_until") as Int32?).map {
      CivilDate(daysSinceEpoch: $0)
    }
    damages = try LedgerJSON.decodeList(row.required("damages"))
    rejections = try LedgerJSON.decodeList(row.required("rejections"))
  }
}

extension Segment {
  init(_ row: LedgerRow) throws {
    try self.init(
      day: row.date("day"), file: row.file(path: "path"), records: row.required("records"),
      firstTime: row.instant("first_time"), lastTime: row.instant("last_time"))
  }
}

// MARK: - Files

extension LedgerSnapshot {
  /// All files that the ledger refers to, each path once, in the order of paths: whatever else lies in
  /// the workspace's folders is of no run.
  public func referencedFiles() throws(WorkspaceError) -> [StoredFile] {
    try query { database in
      try database.rows(
        """
        SELECT path, sha256, bytes FROM segment
        UNION SELECT carry_path, carry_out, carry_bytes FROM day WHERE carry_path IS NOT NULL
        UNION SELECT result_path, result_sha256, result_bytes FROM day
        UNION SELECT rows_path, rows_sha256, rows_bytes FROM day WHERE rows_path IS NOT NULL
        UNION SELECT seen_path, seen_sha256, seen_bytes FROM day WHERE seen_path IS NOT NULL
        UNION SELECT result_path, result_sha256, result_bytes FROM period_day
        UNION SELECT rows_path, rows_sha256, rows_bytes FROM period_day
          WHERE rows_path IS NOT NULL
        UNION SELECT seen_path, seen_sha256, seen_bytes FROM period_day
          WHERE seen_path IS NOT NULL
        ORDER BY path
        """
      ) { try $0.file(path: "path") }
    }
  }

  /// The paths of ``referencedFiles()``, as a sweep asks for them.
  func referencedPaths() throws(WorkspaceError) -> Set<String> {
    try query { database in
      let rows = try LedgerRows(
        database.cachedStatement(
          sql: """
            SELECT path FROM segment
            UNION ALL SELECT carry_path FROM day WHERE carry_path IS NOT NULL
            UNION ALL SELECT result_path FROM day
            UNION ALL SELECT rows_path FROM day WHERE rows_path IS NOT NULL
            UNION ALL SELECT seen_path FROM day WHERE seen_path IS NOT NULL
            UNION ALL SELECT result_path FROM period_day
            UNION ALL SELECT rows_path FROM period_day WHERE rows_path IS NOT NULL
            UNION ALL SELECT seen_path FROM period_day WHERE seen_path IS NOT NULL
            """))
      var paths: Set<String> = []
      while let row = try rows.next() { paths.insert(try row.required("path")) }
      return paths
    }
  }
}

// MARK: - Audit

extension LedgerSnapshot {
  /// The audit log, the first entry first.
  public func auditEntries() throws(WorkspaceError) -> [AuditEntry] {
    try query { database in
      try database.rows("SELECT * FROM audit ORDER BY id", [], AuditEntry.init)
    }
  }

  /// Checks the audit log's chain from its first entry.
  ///
  /// - Returns: the first entry at which it does not hold; `nil` where all of it does.
  public func verifyAudit() throws(WorkspaceError) -> AuditBreak? {
    try query { database in
      let rows = try LedgerRows(database.cachedStatement(sql: "SELECT * FROM audit ORDER BY id"))
      var previous = (id: Int64(0), hash: ContentHash.zero)
      while let entry = try rows.next().map(AuditEntry.init) {
        if entry.id != previous.id + 1 {
          return AuditBreak(id: previous.id + 1, what: "is missing")
        }
        if entry.previousHash != previous.hash {
          return AuditBreak(id: entry.id, what: "does not follow the entry before it")
        }
        if entry.hash != entry.expectedHash {
          return AuditBreak(id: entry.id, what: "was changed after it was written")
        }
        previous = (entry.id, entry.hash)
      }
      return nil
    }
  }

  /// The audit log's last entry.
  func lastAuditEntry() throws(WorkspaceError) -> AuditEntry? {
    try query { database in
      try database.row("SELECT * FROM audit ORDER BY id DESC LIMIT 1", [], AuditEntry.init)
    }
  }

  /// An entry of the audit log by its number.
  func auditEntry(_ id: Int64) throws(WorkspaceError) -> AuditEntry? {
    try query { database in
      try database.row("SELECT * FROM audit WHERE id = ?", [id], AuditEntry.init)
    }
  }
}

extension AuditEntry {
  init(_ row: LedgerRow) throws {
    id = try row.required("id")
    at = try row.instant("at")
    actor = try row.required("actor")
    action = try row.required("action")
    detail = try row.required("detail")
    previousHash = try row.hash("previous_hash")
    hash = try row.hash("hash")
  }
}
