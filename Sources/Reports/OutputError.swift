internal import Glibc

/// A report that could not be written; nothing half-written stays behind.
public enum OutputError: Error, Sendable, Hashable {
  /// What was being done to the path.
  public enum Step: String, Sendable, Hashable {
    case createFolder = "create the folder"
    case create = "create"
    case write = "write to"
    case sync = "bring to the disk"
    case rename = "move the finished report to"
  }

  /// The reader of standard output went away: a reason to stop quietly, not a failure.
  case brokenPipe
  /// Something other than a regular file stands where the report belongs.
  case notARegularFile(path: String)
  /// The system's error number.
  case failed(Step, path: String, errno: Int32)
}

extension OutputError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .brokenPipe: "standard output was closed by its reader"
    case .notARegularFile(let path):
      "\(path): expected a report file or nothing here, found something else (a folder, a device "
        + "or a pipe); name another path, or write to standard output"
    case .failed(let step, let path, let number):
      "cannot \(step.rawValue) \(path): \(Self.text(of: number)); \(Self.remedy(for: number))"
    }
  }

  private static func text(of number: Int32) -> String {
    guard let text = unsafe strerror(number) else { return "error \(number)" }
    return unsafe String(cString: text)
  }

  private static func remedy(for number: Int32) -> String {
    switch number {
    case ENOSPC, EDQUOT: "free some space and run again, nothing half-written was left"
    case EACCES, EPERM, EROFS: "choose a folder that you may write to"
    case ENOENT, ENOTDIR: "check that the folder of this path exists"
    case EIO: "check the disk and run again"
    default: "mend that and run again, the report was not written"
    }
  }
}
