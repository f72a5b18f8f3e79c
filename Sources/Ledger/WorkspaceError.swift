internal import GRDB
internal import Glibc

/// Why a workspace could not be opened, read or changed. Each says where and how to mend it; what the
/// last finished run left is still there.
public enum WorkspaceError: Error, Sendable, Hashable {
  /// What was being done to a path.
  public enum Step: String, Sendable, Hashable {
    case createFolder = "create the folder"
    case create = "create"
    case open = "open"
    case lock = "lock"
    case read = "read"
    case write = "write to"
    case sync = "bring to the disk"
    case rename = "move the finished file to"
  }

  /// Nothing is at the path.
  case missing(path: String)
  /// A run that was killed has only begun to make it.
  case unfinished(path: String)
  /// Something else is at the path.
  case notAWorkspace(path: String, detail: String)
  /// Another process writes; `nil` where it has not yet said who it is.
  case inUse(path: String, by: LockHolder?)
  /// A newer version of the program has changed the ledger's tables.
  case newerSchema(path: String)
  /// The ledger's tables are of an older version, and were opened to read.
  case olderSchema(path: String)
  /// Bytes are not what was written.
  case corrupt(path: String, detail: String)
  case diskFull(path: String)
  /// The workspace or its file system can only be read.
  case readOnly(path: String)
  /// A row does not fit the ledger's rules: a mistake of the program.
  case constraint(path: String, detail: String)
  /// The system's error number.
  case system(Step, path: String, errno: Int32)
  /// Any other error of SQLite, with its extended result code.
  case database(path: String, detail: String, code: Int32)
}

extension WorkspaceError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .missing(let path):
      "\(path): no workspace is here; check the path, or let a nightly run make it"
    case .unfinished(let path):
      "\(path): the run that was to make this workspace was cut short; a nightly run goes on with it"
    case .notAWorkspace(let path, let detail):
      "\(path): \(detail), so this is no workspace; name a new or empty folder, or the right one"
    case .inUse(let path, let holder):
      "\(path): in use by \(holder?.description ?? "another process"); wait until it ends, or end it"
    case .newerSchema(let path):
      "\(path): this ledger is of another version of duizhang, a newer one or one before the first "
        + "release; use that version, or begin a new workspace from the logs"
    case .olderSchema(let path):
      "\(path): this ledger is of an older version of duizhang; a nightly run brings it up to date"
    case .corrupt(let path, let detail):
      "\(path): \(detail); restore the workspace from a copy, or begin a new one from the logs"
    case .diskFull(let path):
      "\(path): the disk is full; free some space and run again, what was there before still holds"
    case .readOnly(let path):
      "\(path): can only be read; mount it writable, check who owns the folder and its mode, or copy the "
        + "workspace to where you may write"
    case .constraint(let path, let detail):
      "\(path): \(detail); nothing was changed; please report this as a bug"
    case .system(let step, let path, let number):
      "cannot \(step.rawValue) \(path): \(Self.text(of: number)); \(Self.remedy(for: number))"
    case .database(let path, let detail, let code):
      "\(path): \(detail) (SQLite \(code)); \(Self.remedy(forSQLite: code))"
    }
  }

  private static func text(of number: Int32) -> String {
    guard let text = unsafe strerror(number) else { return "error \(number)" }
    return unsafe String(cString: text)
  }

  private static func remedy(for number: Int32) -> String {
    switch number {
    case ENOSPC, EDQUOT: "free some space and run again, what was there before still holds"
    case EACCES, EPERM, EROFS: "check who owns the folder, its mode and how it is mounted"
    case ENOENT, ENOTDIR: "check that the folder of this path exists"
    case EIO:
      "check the disk and run again, what was there before still holds; if it can no longer be read, "
        + "restore the workspace from a copy"
    default: "mend that and run again, nothing was changed"
    }
  }

  /// - Parameter code: extended; its lowest byte is what SQLite calls the primary one.
  private static func remedy(forSQLite code: Int32) -> String {
    switch ResultCode(rawValue: code & 0xFF) {
    // Where SQLite's files beside the ledger cannot be made, it does not say that the disk is full.
    case .SQLITE_IOERR, .SQLITE_CANTOPEN:
      "if the disk is full, free some space; else check the disk, who owns the folder and its mode; "
        + "run again, what was there before still holds"
    case .SQLITE_BUSY, .SQLITE_LOCKED:
      "another program has the ledger open; wait until it ends, and run again"
    default: "check that the folder can be read and written, and verify the workspace"
    }
  }

  /// The error of a step on a path, by what it means where that is plain.
  static func failed(_ step: Step, _ path: String, _ number: Int32) -> WorkspaceError {
    switch number {
    case ENOSPC, EDQUOT: .diskFull(path: path)
    case EROFS: .readOnly(path: path)
    default: .system(step, path: path, errno: number)
    }
  }
}
