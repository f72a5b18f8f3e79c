public import CivilTime
internal import Foundation
internal import GRDB

/// What one run changes in the ledger: all of it at once, or nothing. It is valid only within the
/// closure that got it.
public final class LedgerTransaction {
  /// What the ledger says, with what this transaction has changed so far.
  public let state: LedgerSnapshot
  let run: RunID
  /// When the transaction began.
  public let now: Instant
  private(set) var outcome = Run.Outcome.done
  private(set) var summary = "{}"

  init(_ state: LedgerSnapshot, run: RunID, now: Instant) {
    self.state = state
    self.run = run
    self.now = now
  }

  /// How the run ends, for its row.
  ///
  /// - Parameters:
  ///   - outcome: `done` or `needsAttention`.
  ///   - summary: a JSON object.
  public func finish(_ outcome: Run.Outcome, summary: String) {
    self.outcome = outcome
    self.summary = summary
  }

  /// Adds a log with its segments, under the name that it was found by.
  ///
  /// - Throws: ``WorkspaceError/constraint(path:detail:)`` where a log of this text is there already,
  ///   or its sums do not agree.
  @discardableResult
  public func insert(
    _ file: LogFile, segments: [Segment], name: LogName
  ) throws(WorkspaceError) -> LogFileID {
    let id = LogFileID(
      number: try insert(
        into: "log_file",
        [
          ("text_digest", file.textDigest.data), ("head_digest", file.headDigest?.data),
          ("stored_sha256", file.storedSHA256.data),
          ("stored_bytes", file.storedBytes), ("lost_bytes", file.lostBytes),
          ("text_bytes", file.textBytes), ("added_line_ends", file.addedLineEnds),
          ("codec", file.codec), ("encoding", file.encoding), ("format", file.format),
          ("lines", file.lines), ("blank", file.blank), ("ignored", file.ignored),
          ("records", file.records), ("quarantined", file.quarantined),
          ("blank_bytes", file.blankBytes), ("quarantined_bytes", file.quarantinedBytes),
          ("first_time", file.firstTime?.microseconds), ("last_time", file.lastTime?.microseconds),
          ("latest_time", file.latestTime.microseconds),
          ("uncounted_records", file.uncountedRecords),
          ("sealed_until", file.sealedUntil?.daysSinceEpoch),
          ("block_lines", Data(VarInts.encode(file.blockLines))),
          ("damages", try state.query { _ in try LedgerJSON.encode(file.damages) }),
          ("rejections", try state.query { _ in try LedgerJSON.encode(file.rejections) }),
          ("run_id", run.number),
        ]))
    for segment in segments {
      try insert(
        into: "segment",
        [
          ("file_id", id.number), ("day", segment.day.daysSinceEpoch), ("path", segment.file.path),
          ("sha256", segment.file.sha256.data), ("bytes", segment.file.bytes),
          ("records", segment.records), ("first_time", segment.firstTime.microseconds),
          ("last_time", segment.lastTime.microseconds),
        ])
    }
    try add(name, to: id)
    return id
  }

  /// Notes that a log's content was found under a name in this run, a new one or one that is known.
  public func add(_ name: LogName, to file: LogFileID) throws(WorkspaceError) {
    try execute(
      """
      INSERT INTO log_name (path, file_id, stored_sha256, stored_bytes, modified_at, run_id)
      VALUES (?, ?, ?, ?, ?, ?)
      ON CONFLICT (path, file_id) DO UPDATE SET stored_sha256 = excluded.stored_sha256,
        stored_bytes = excluded.stored_bytes, modified_at = excluded.modified_at,
        run_id = excluded.run_id
      """,
      [
        name.path, file.number, name.storedSHA256.data, name.storedBytes,
        name.modifiedAt.microseconds, run.number,
      ])
  }

  /// Has the names of a log stand for another one, of which it is a part.
  public func moveNames(of part: LogFileID, to whole: LogFileID) throws(WorkspaceError) {
    // Where the whole has the name already, that stays.
    try execute(
      "UPDATE OR IGNORE log_name SET file_id = ? WHERE file_id = ?", [whole.number, part.number])
    try execute("DELETE FROM log_name WHERE file_id = ?", [part.number])
  }

  /// Takes a log out with its names and segments, such as one that a longer one replaces.
  public func remove(_ file: LogFileID) throws(WorkspaceError) {
    for table in ["segment", "log_name"] {
      try execute("DELETE FROM \(table) WHERE file_id = ?", [file.number])
    }
    try execute("DELETE FROM log_file WHERE id = ?", [file.number])
  }

  /// Takes the segments of a log that has sealed days, and therefore stays, out for those of a longer one.
  public func removeSegments(of file: LogFileID) throws(WorkspaceError) {
    try execute(
      """
      UPDATE log_file SET uncounted_records = uncounted_records
        + (SELECT coalesce(sum(records), 0) FROM segment WHERE file_id = ?1) WHERE id = ?1
      """, [file.number])
    try execute("DELETE FROM segment WHERE file_id = ?", [file.number])
  }

  /// Seals all days up to one: they stay as they are, and the segments from which they were built go.
  public func seal(upTo day: CivilDate) throws(WorkspaceError) {
    try execute("UPDATE day SET is_sealed = 1 WHERE day <= ?", [day.daysSinceEpoch])
    try execute("DELETE FROM segment WHERE day <= ?", [day.daysSinceEpoch])
  }

  /// Puts a day as it was built, in place of what was there.
  public func put(_ day: Day) throws(WorkspaceError) {
    try remove(day.day)
    try insert(
      into: "day",
      [
        ("day", day.day.daysSinceEpoch), ("inputs_hash", day.inputsHash.data),
        ("carry_in", day.carryIn?.data), ("carry_out", day.carryOut?.sha256.data),
        ("carry_path", day.carryOut?.path), ("carry_bytes", day.carryOut?.bytes),
        ("result_path", day.result.path), ("result_sha256", day.result.sha256.data),
        ("result_bytes", day.result.bytes), ("rows_path", day.rows?.path),
        ("rows_sha256", day.rows?.sha256.data), ("rows_bytes", day.rows?.bytes),
        ("seen_path", day.seen?.path), ("seen_sha256", day.seen?.sha256.data),
        ("seen_bytes", day.seen?.bytes),
        ("first_date", day.dates?.lowerBound.daysSinceEpoch),
        ("last_date", day.dates?.upperBound.daysSinceEpoch),
        ("effective_end", day.effectiveEnd.microseconds), ("run_id", run.number),
      ])
  }

  /// Takes a day out.
  public func remove(_ day: CivilDate) throws(WorkspaceError) {
    try execute("DELETE FROM day WHERE day = ?", [day.daysSinceEpoch])
  }

  /// Appends an entry to the audit log.
  ///
  /// - Parameter detail: a JSON text.
  @discardableResult
  public func audit(
    actor: String, action: String, detail: String
  ) throws(WorkspaceError) -> AuditEntry {
    let previous = try state.lastAuditEntry()
    var entry = AuditEntry(
      id: (previous?.id ?? 0) + 1, at: now, actor: actor, action: action, detail: detail,
      previousHash: previous?.hash ?? .zero, hash: .zero)
    entry.hash = entry.expectedHash
    try insert(
      into: "audit",
      [
        ("id", entry.id), ("at", entry.at.microseconds), ("actor", actor), ("action", action),
        ("detail", detail), ("previous_hash", entry.previousHash.data), ("hash", entry.hash.data),
      ])
    return entry
  }

  /// Ends the transaction: appends the audit entry that says what every table is now.
  ///
  /// - Parameter tables: those that the transaction has changed, the digests of all others being what they were;
  ///   `nil`: any.
  func seal(
    actor: String, action: String, run: RunID?, changing tables: Set<String>? = nil
  ) throws(WorkspaceError) {
    var known: [String: String] = [:]
    if let tables, let last = try state.lastAuditEntry(),
      let sealed: LedgerSeal.Detail = try? LedgerJSON.decode(last.detail)
    {
      known = sealed.tables.filter { !tables.contains($0.key) }
    }
    let detail = try state.query { database in
      try LedgerJSON.encode(
        LedgerSeal.Detail(
          run: run?.number, tables: LedgerSeal.digests(database, keeping: known)))
    }
    try audit(actor: actor, action: action, detail: detail)
  }

  @discardableResult
  func insert(
    into table: String, _ values: [(column: String, value: (any DatabaseValueConvertible)?)]
  ) throws(WorkspaceError) -> Int64 {
    let columns = values.map(\.column).joined(separator: ", ")
    let marks = values.map { _ in "?" }.joined(separator: ", ")
    try execute("INSERT INTO \(table) (\(columns)) VALUES (\(marks))", values.map(\.value))
    return state.database.lastInsertedRowID
  }

  func execute(
    _ sql: String, _ values: [(any DatabaseValueConvertible)?]
  ) throws(WorkspaceError) {
    try state.query { database in
      try database.cachedStatement(sql: sql).execute(arguments: StatementArguments(values))
    }
  }
}
