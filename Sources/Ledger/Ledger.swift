internal import CivilTime
internal import Files
internal import Foundation
internal import GRDB
internal import Synchronization

/// The catalogue of a workspace: which files are valid, and what is known of them. Only this module
/// speaks SQL.
///
/// Every change is a transaction that is on the disk when the call returns (WAL, `synchronous=FULL`),
/// and that other processes see as a whole or not at all.
public final class Ledger: Sendable {
  let queue: DatabaseQueue
  let folder: WorkspaceFolder
  let isWritable: Bool
  private let clock: @Sendable () -> Instant

  init(
    queue: DatabaseQueue, folder: WorkspaceFolder, isWritable: Bool,
    clock: @escaping @Sendable () -> Instant
  ) {
    self.queue = queue
    self.folder = folder
    self.isWritable = isWritable
    self.clock = clock
  }

  // Before the folder lets go of its lock.
  deinit { try? queue.close() }

  /// Reads the ledger as it stands at this moment; what is committed meanwhile is not seen.
  public func read<T>(
    _ body: (LedgerSnapshot) throws(WorkspaceError) -> T
  ) throws(WorkspaceError) -> T {
    do {
      return try queue.read { database in
        try body(LedgerSnapshot(database: database, folder: folder))
      }
    } catch {
      throw folder.error(error)
    }
  }

  /// Notes that a run begins. Earlier ones that have no end were killed, and become `interrupted`.
  public func begin(_ start: RunStart) throws(WorkspaceError) -> RunID {
    let now = clock()
    return try write(actor: start.user, action: "run.begin", changing: ["run"]) {
      transaction throws(WorkspaceError) in
      try transaction.execute(
        "UPDATE run SET outcome = 'interrupted' WHERE outcome = 'running'", [])
      let id = RunID(
        number: try transaction.insert(
          into: "run",
          [
            ("command", start.command), ("started_at", now.microseconds),
            ("program_version", start.programVersion),
            ("configuration_hash", start.configurationHash.data),
            ("rule_hash", start.ruleHash.data), ("host", systemHostName()), ("user", start.user),
            ("outcome", Run.Outcome.running.rawValue), ("summary", "{}"),
          ]))
      return (id, id)
    }
  }

  /// Does all that a run changes, in one transaction, and ends the run. All files that it refers to must
  /// be finished (``NewFile/finish(as:)``).
  ///
  /// - Parameters:
  ///   - failure: the caller's own error for one of the workspace.
  ///   - body: may take its time and write files: readers are not kept waiting.
  /// - Throws: what the body throws, and its errors of the workspace; then nothing is changed.
  public func commit<T, Failure: Error>(
    _ run: RunID, orThrow failure: (WorkspaceError) -> Failure,
    _ body: (LedgerTransaction) throws(Failure) -> T
  ) throws(Failure) -> T {
    do {
      return try write(run: run, action: "run.commit") { transaction in
        let value = try body(transaction)
        try end(run, transaction.outcome, summary: transaction.summary, transaction)
        return (value, run)
      }
    } catch let error as DatabaseError {
      // Of the transaction itself; first, since the caller's own errors may be any.
      throw failure(folder.error(error))
    } catch let error as Failure {
      throw error
    } catch {
      throw failure(folder.error(error))
    }
  }

  /// ``commit(_:orThrow:_:)`` with no other errors than those of the workspace.
  public func commit<T>(
    _ run: RunID, _ body: (LedgerTransaction) throws(WorkspaceError) -> T
  ) throws(WorkspaceError) -> T {
    try commit(run, orThrow: { $0 }, body)
  }

  /// Notes that a run failed; nothing else of it is kept.
  ///
  /// - Parameter summary: a JSON object that says why.
  public func abandon(_ run: RunID, summary: String) throws(WorkspaceError) {
    do {
      try write(run: run, action: "run.abandon") { transaction in
        try end(run, .failed, summary: summary, transaction)
        return ((), run)
      }
    } catch {
      throw folder.error(error)
    }
  }

  private func end(
    _ run: RunID, _ outcome: Run.Outcome, summary: String, _ transaction: LedgerTransaction
  ) throws(WorkspaceError) {
    try transaction.execute(
      """
      UPDATE run SET finished_at = max(started_at, ?), outcome = ?, summary = ?
      WHERE id = ? AND outcome = 'running'
      """, [clock().microseconds, outcome.rawValue, summary, run.number])
    guard transaction.state.database.changesCount == 1 else {
      throw .constraint(path: folder.ledgerPath, detail: "run \(run.number) has ended already")
    }
  }

  private func write<T>(
    actor: String, action: String, changing tables: Set<String>,
    _ body: (LedgerTransaction) throws(WorkspaceError) -> (T, RunID?)
  ) throws(WorkspaceError) -> T {
    do {
      return try write(
        run: RunID(number: 0), actor: actor, action: action, changing: tables
      ) { try body($0) }
    } catch {
      throw folder.error(error)
    }
  }

  /// Writes in one transaction that ends with the audit entry that seals it.
  ///
  /// - Parameter tables: those that the body changes; `nil`: any.
  private func write<T>(
    run: RunID, actor: String? = nil, action: String, changing tables: Set<String>? = nil,
    _ body: (LedgerTransaction) throws -> (T, RunID?)
  ) throws -> T {
    guard isWritable else { throw WorkspaceError.readOnly(path: folder.path) }
    let value = try queue.writeWithoutTransaction { database in
      var value: T?
      try database.inTransaction(.immediate) {
        let state = LedgerSnapshot(database: database, folder: folder)
        let transaction = LedgerTransaction(state, run: run, now: clock())
        let (result, run) = try body(transaction)
        try folder.syncFolders()
        let user = try run.flatMap { try state.run($0)?.start.user }
        try transaction.seal(
          actor: actor ?? user ?? "unknown", action: action, run: run, changing: tables)
        value = result
        return .commit
      }
      return value
    }
    guard let value else { preconditionFailure("a transaction that commits has its value") }
    folder.pending.withLock { $0.stored.removeAll() }
    LedgerDigestFile.update(self)
    return value
  }
}
