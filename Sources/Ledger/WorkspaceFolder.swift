internal import CivilTime
internal import Files
internal import Glibc
internal import Synchronization

/// A workspace's folder: its paths, its locks, and the files that no commit refers to yet. The
/// ``Workspace`` and its ``Ledger`` share it, so that the locks last as long as either.
final class WorkspaceFolder: Sendable {
  /// What happened since the last commit.
  struct Pending {
    /// Names in `tmp` that are being written.
    var temporaries: Set<String> = []
    /// Relative paths of finished files.
    var stored: Set<String> = []
    /// Folders with new entries, which must be on the disk before a commit refers to these.
    var folders: Set<String> = []
  }

  static let ledgerName = "ledger.sqlite"
  static let digestName = "ledger.digest"
  static let lockName = "lock"
  static let readersName = "readers"
  static let temporaryName = "tmp"
  static let dataNames = ["segments", "days"]
  /// All that a workspace has at its top, SQLite's companions of the ledger included.
  static let names: Set<String> = Set(dataNames).union([
    ledgerName, "\(ledgerName)-wal", "\(ledgerName)-shm", "\(ledgerName)-journal", digestName,
    lockName, readersName, temporaryName,
  ])

  let path: String
  let pending = Mutex(Pending())
  private let lock: LockedFile?
  /// Begins anywhere, since in a container each night's process may have the same number.
  private let serial = Atomic<Int>(.random(in: 0..<1 << 40))

  var ledgerPath: String { "\(path)/\(Self.ledgerName)" }
  /// Whether a lock keeps others from changing what is read.
  var isLocked: Bool { lock != nil }

  /// - Parameter lock: what is held as long as the folder is in use; `nil`: nothing can be held.
  init(path: String, lock: LockedFile?) {
    self.path = path
    self.lock = lock
  }

  /// A name in `tmp` that nobody has: with the process, since what a killed one left may still lie there.
  func nextTemporaryName() -> String {
    let (_, number) = serial.add(1, ordering: .relaxed)
    return "\(getpid())-\(number)"
  }

  /// Brings the entries of all folders to the disk in which files have appeared.
  func syncFolders() throws(WorkspaceError) {
    let folders = pending.withLock { $0.folders }
    for folder in folders.sorted() { try Self.sync(folder) }
    pending.withLock { $0.folders.subtract(folders) }
  }

  static func sync(_ path: String) throws(WorkspaceError) {
    guard let error = FileDescriptor.syncFolder(path) else { return }
    throw .failed(.sync, path, error.number)
  }

  /// Creates a folder with mode 0700 where it is missing, and those above it.
  ///
  /// - Returns: the folders that got new entries, to be synced.
  static func create(_ path: String) throws(WorkspaceError) -> Set<String> {
    if FileDescriptor.kind(path) == S_IFDIR { return [] }
    let parent = FileDescriptor.folder(of: path)
    var changed: Set<String> = []
    if parent != path, FileDescriptor.kind(parent) == nil { changed = try create(parent) }
    if let error = FileDescriptor.createFolder(path) {
      // Another thread may have made it since.
      if error.number == EEXIST, FileDescriptor.kind(path) == S_IFDIR { return [parent] }
      throw .failed(.createFolder, path, error.number)
    }
    changed.insert(parent)
    return changed
  }
}

/// An open file with a lock of the kernel on it.
final class LockedFile: Sendable {
  private let descriptor: Int32
  /// Times that a lock is tried for again, 10 ms apart.
  private static let triesMax = 20

  /// - Parameter exclusive: whether nobody else may hold one; else the file need not be one that can be written.
  /// - Returns: `nil` where another opening holds a lock that excludes this one.
  init?(_ path: String, exclusive: Bool) throws(WorkspaceError) {
    switch FileDescriptor.openLock(path, mayBeReadOnly: !exclusive) {
    case .failure(let error): throw .failed(.lock, path, error.number)
    case .success(let descriptor):
      self.descriptor = descriptor
      var failure = FileDescriptor.lock(descriptor, exclusive: exclusive)
      // A program that its holder starts has the lock, too, until it is another program; that takes moments.
      for _ in 0..<Self.triesMax where failure?.number == EWOULDBLOCK {
        usleep(10_000)
        failure = FileDescriptor.lock(descriptor, exclusive: exclusive)
      }
      guard let error = failure else { return }
      // The descriptor is closed by `deinit`, which runs as all properties are set.
      if error.number == EWOULDBLOCK { return nil }
      throw .failed(.lock, path, error.number)
    }
  }

  /// Says who holds the lock; that it cannot be said is no reason not to hold it.
  func write(_ text: String) {
    _ = FileDescriptor.replaceContent(descriptor, with: Array(text.utf8))
  }

  deinit { _ = FileDescriptor.close(descriptor) }
}
