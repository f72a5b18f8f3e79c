public import CivilTime
internal import Files
internal import Foundation
internal import GRDB
internal import Glibc

/// A folder that keeps what every night took in: immutable files, and the ledger that says which of
/// them are valid. docs/workspace.md has its layout.
///
/// One process writes at a time; any number read, and see what the last finished run left.
public final class Workspace: Sendable {
  public enum Access: Sendable, Hashable {
    case read
    /// - Parameter holder: what others are told who find the workspace in use, such as the command
    ///   line.
    case write(holder: String)
  }

  /// As it was named.
  public let path: String
  public let ledger: Ledger
  let folder: WorkspaceFolder

  private init(_ folder: WorkspaceFolder, _ ledger: Ledger) {
    path = folder.path
    self.folder = folder
    self.ledger = ledger
  }

  /// Opens a workspace. To write, it is made where nothing or an empty folder is (mode 0700), and a
  /// ledger of an older version is brought up to date.
  ///
  /// - Parameters:
  ///   - programVersion: for the ledger, where it is made.
  ///   - clock: what the time is; by default the system's clock.
  /// - Throws: ``WorkspaceError``; ``WorkspaceError/inUse(path:by:)`` where another one writes, in
  ///   another process or in this one.
  public static func open(
    _ path: String, access: Access, programVersion: String,
    clock: (@Sendable () -> Instant)? = nil
  ) throws(WorkspaceError) -> Workspace {
    let clock = clock ?? { Instant.systemNow() }
    switch access {
    case .read: return try openToRead(path, clock)
    case .write(let holder): return try openToWrite(path, holder, programVersion, clock)
    }
  }

  /// Begins a file of the workspace.
  public func newFile() throws(WorkspaceError) -> NewFile {
    guard ledger.isWritable else { throw .readOnly(path: path) }
    return try NewFile(in: folder)
  }

  /// A file's content, held against its hash.
  public func content(of file: StoredFile) throws(WorkspaceError) -> [UInt8] {
    let path = path(of: file)
    let descriptor: Int32
    switch FileDescriptor.openToRead(path) {
    case .success(let opened): descriptor = opened
    case .failure(let error): throw .failed(.open, path, error.number)
    }
    defer { _ = FileDescriptor.close(descriptor) }
    var bytes: [UInt8] = []
    while true {
      switch FileDescriptor.read(descriptor, bytesMax: 1 << 20) {
      case .failure(let error): throw .failed(.read, path, error.number)
      case .success(let piece):
        bytes += piece
        if !piece.isEmpty && bytes.count <= file.bytes { continue }
      }
      break
    }
    guard bytes.count == file.bytes, ContentHash.sha256(bytes) == file.sha256 else {
      throw .corrupt(path: path, detail: "it is not what was written")
    }
    return bytes
  }

  /// Where a file of the workspace lies.
  public func path(of file: StoredFile) -> String { "\(path)/\(file.path)" }
}

// MARK: - Opening

extension Workspace {
  private static func openToRead(
    _ path: String, _ clock: @escaping @Sendable () -> Instant
  ) throws(WorkspaceError) -> Workspace {
    guard FileDescriptor.kind(path) != nil else { throw .missing(path: path) }
    guard FileDescriptor.kind("\(path)/\(WorkspaceFolder.ledgerName)") == S_IFREG else {
      throw .notAWorkspace(path: path, detail: "it has no \(WorkspaceFolder.ledgerName)")
    }
    // SQLite's first change, before the ledger is what it stays; a reader could not roll it back.
    if has("\(WorkspaceFolder.ledgerName)-journal", path), !has(WorkspaceFolder.digestName, path) {
      throw .unfinished(path: path)
    }
    let folder = WorkspaceFolder(path: path, lock: try lockToRead(path))
    do {
      var configuration = Self.configuration
      configuration.readonly = true
      let queue = try DatabaseQueue(path: try nameToRead(folder), configuration: configuration)
      try queue.read { database in
        _ = try checkIdentity(database, folder)
        if try !database.tableExists("workspace") {
          throw WorkspaceError.unfinished(path: path)
        }
        if try !LedgerSchema.migrator.hasCompletedMigrations(database) {
          throw WorkspaceError.olderSchema(path: path)
        }
      }
      let ledger = Ledger(queue: queue, folder: folder, isWritable: false, clock: clock)
      return Workspace(folder, ledger)
    } catch {
      throw folder.error(error)
    }
  }

  private static func has(_ name: String, _ path: String) -> Bool {
    FileDescriptor.kind("\(path)/\(name)") != nil
  }

  /// - Returns: `nil` where the folder can only be read, and no one may lock what is there.
  private static func lockToRead(_ path: String) throws(WorkspaceError) -> LockedFile? {
    let readers = "\(path)/\(WorkspaceFolder.readersName)"
    do throws(WorkspaceError) {
      if let lock = try LockedFile(readers, exclusive: false) { return lock }
    } catch {
      guard !FileDescriptor.isWritable(path) else { throw error }
      return nil
    }
    // A sweep is at work, which takes moments.
    throw .inUse(path: path, by: nil)
  }

  /// What SQLite calls the ledger. It makes files beside it even to read, and where it may not, must be told
  /// that there is nothing to read but the ledger itself.
  private static func nameToRead(_ folder: WorkspaceFolder) throws(WorkspaceError) -> String {
    let log = "\(WorkspaceFolder.ledgerName)-wal"
    if FileDescriptor.isWritable(folder.path) { return folder.ledgerPath }
    if FileDescriptor.sizeBytes("\(folder.path)/\(log)") ?? 0 > 0 {
      // The last commits may stand there alone.
      guard has("\(WorkspaceFolder.ledgerName)-shm", folder.path) else {
        throw .readOnly(path: folder.path)
      }
      return folder.ledgerPath
    }
    var url = URLComponents()
    url.scheme = "file"
    url.path = URL(fileURLWithPath: folder.ledgerPath).path
    url.queryItems = [URLQueryItem(name: "immutable", value: "1")]
    return url.string ?? folder.ledgerPath
  }

  private static func openToWrite(
    _ path: String, _ holder: String, _ programVersion: String,
    _ clock: @escaping @Sendable () -> Instant
  ) throws(WorkspaceError) -> Workspace {
    try prepareFolder(path)
    let lockPath = "\(path)/\(WorkspaceFolder.lockName)"
    guard let lock = try LockedFile(lockPath, exclusive: true) else {
      throw .inUse(path: path, by: FileContent.text(lockPath).flatMap { LockHolder(fileText: $0) })
    }
    let host = systemHostName()
    lock.write(
      LockHolder(command: holder, process: getpid(), host: host, since: clock()).fileText)
    let names = WorkspaceFolder.dataNames + [WorkspaceFolder.temporaryName]
    var changed: Set<String> = []
    for name in names { changed.formUnion(try WorkspaceFolder.create("\(path)/\(name)")) }
    // So that readers, who may not write here, find a file to lock.
    _ = try LockedFile("\(path)/\(WorkspaceFolder.readersName)", exclusive: false)
    for folder in changed.sorted() { try WorkspaceFolder.sync(folder) }
    let folder = WorkspaceFolder(path: path, lock: lock)
    do {
      let ledger = try openLedger(folder, programVersion, clock)
      return Workspace(folder, ledger)
    } catch {
      throw folder.error(error)
    }
  }

  private static func openLedger(
    _ folder: WorkspaceFolder, _ programVersion: String,
    _ clock: @escaping @Sendable () -> Instant
  ) throws -> Ledger {
    let queue = try DatabaseQueue(path: folder.ledgerPath, configuration: configuration)
    let isCurrent = try queue.writeWithoutTransaction { database in
      let isOurs = try checkIdentity(database, folder)
      // Not by GRDB, which makes and drops a table then: who only opens a ledger leaves its bytes as they are.
      guard try String.fetchOne(database, sql: "PRAGMA journal_mode = WAL") == "wal" else {
        throw WorkspaceError.database(
          path: folder.ledgerPath, detail: "SQLite cannot keep its log here",
          code: ResultCode.SQLITE_CANTOPEN.rawValue)
      }
      // A commit must outlive a power cut, as NORMAL does not promise.
      try database.execute(sql: "PRAGMA synchronous = FULL; PRAGMA cell_size_check = ON")
      if !isOurs {
        // Before any table, so that one whose making was cut short is known as ours.
        try database.execute(sql: "PRAGMA application_id = \(LedgerSchema.applicationID)")
      }
      return try LedgerSchema.migrator.hasCompletedMigrations(database)
    }
    let ledger = Ledger(queue: queue, folder: folder, isWritable: true, clock: clock)
    try checkSeal(ledger)
    try checkDigestFile(ledger)
    guard !isCurrent else {
      // Before a run's first commit, so that a killed run leaves none without the file.
      if FileDescriptor.kind("\(folder.path)/\(WorkspaceFolder.digestName)") == nil {
        LedgerDigestFile.update(ledger)
      }
      return ledger
    }
    let now = clock()
    let migrator = LedgerSchema.migrator { database, action in
      try database.execute(
        sql: """
          INSERT INTO workspace (id, created_at, program_version) SELECT ?, ?, ?
          WHERE NOT EXISTS (SELECT 1 FROM workspace)
          """,
        arguments: [UUID().uuidString.lowercased(), now.microseconds, programVersion])
      let state = LedgerSnapshot(database: database, folder: folder)
      try LedgerTransaction(state, run: RunID(number: 0), now: now)
        .seal(actor: "duizhang \(programVersion)", action: action, run: nil)
    }
    try migrator.migrate(queue)
    try WorkspaceFolder.sync(folder.path)
    LedgerDigestFile.update(ledger)
    return ledger
  }

  /// A ledger that is older than what stands beside it, such as a copy that was put back alone, must not be
  /// gone on with: it would forget what was taken in since. A crash leaves it newer at most.
  private static func checkDigestFile(_ ledger: Ledger) throws(WorkspaceError) {
    let path = "\(ledger.folder.path)/\(WorkspaceFolder.digestName)"
    guard let digest = FileContent.text(path).flatMap({ LedgerDigestFile(text: $0) }) else {
      return
    }
    let entry = try ledger.read { state throws(WorkspaceError) -> AuditEntry? in
      guard try state.query({ try $0.tableExists("audit") }) else { return nil }
      return try state.auditEntry(digest.auditID)
    }
    guard entry?.hash.hexadecimal == digest.auditHash else {
      throw .corrupt(
        path: ledger.folder.ledgerPath,
        detail: "it is not the ledger of which \(WorkspaceFolder.digestName) speaks, "
          + "but an older or another one")
    }
  }

  /// A ledger whose rows are not what the last commit left must not be sealed again.
  private static func checkSeal(_ ledger: Ledger) throws(WorkspaceError) {
    let changed = try ledger.read { state throws(WorkspaceError) in
      let isNew = try state.query { try !$0.tableExists("audit") }
      return isNew ? [] : try LedgerSeal.changedTables(state)
    }
    guard let table = changed.first else { return }
    throw .corrupt(
      path: ledger.folder.ledgerPath, detail: "table \(table) is not what the last commit left")
  }

  private static var configuration: GRDB.Configuration {
    var configuration = GRDB.Configuration()
    configuration.foreignKeysEnabled = true
    // Readers and the writer's checkpoints meet for moments only.
    configuration.busyMode = .timeout(10)
    configuration.label = "ledger"
    return configuration
  }

  /// Refuses what another program or a newer version made.
  ///
  /// - Returns: whether it is ours; else it is empty.
  private static func checkIdentity(
    _ database: Database, _ folder: WorkspaceFolder
  ) throws -> Bool {
    let identity = try Int.fetchOne(database, sql: "PRAGMA application_id")
    if identity == LedgerSchema.applicationID {
      if try LedgerSchema.migrator.hasBeenSuperseded(database) {
        throw WorkspaceError.newerSchema(path: folder.path)
      }
      return true
    }
    let isEmpty = try Int.fetchOne(database, sql: "SELECT count(*) FROM sqlite_schema") == 0
    if isEmpty { return false }
    throw WorkspaceError.notAWorkspace(
      path: folder.path, detail: "\(WorkspaceFolder.ledgerName) is another program's database")
  }

  /// Makes the folder where it is missing, and refuses one that holds other things. As long as there is no
  /// ledger in it, it may be one that a killed run has made.
  private static func prepareFolder(_ path: String) throws(WorkspaceError) {
    switch FileDescriptor.kind(path) {
    case nil: break
    case S_IFDIR:
      let names = FileDescriptor.names(in: path).filter { $0 != "." && $0 != ".." }
      guard !names.contains(WorkspaceFolder.ledgerName) else { return }
      if names.contains(WorkspaceFolder.digestName) {
        throw .corrupt(
          path: "\(path)/\(WorkspaceFolder.ledgerName)",
          detail: "it is missing, and all else of the workspace is there")
      }
      if let other = names.filter({ !WorkspaceFolder.names.contains($0) }).min() {
        throw .notAWorkspace(
          path: path, detail: "it has no \(WorkspaceFolder.ledgerName), but '\(other)'")
      }
    default: throw .notAWorkspace(path: path, detail: "it is not a folder")
    }
    do throws(FolderError) {
      try FileDescriptor.createFolders(path)
    } catch {
      throw .failed(error.step == .create ? .createFolder : .sync, error.path, error.number)
    }
  }
}
