internal import Files
internal import Glibc

extension Workspace {
  /// Who writes to a workspace at this moment, as words; `nil` where nobody does, or that cannot be told.
  public static func writer(of path: String) -> String? {
    let lockPath = "\(path)/\(WorkspaceFolder.lockName)"
    guard case .success(let descriptor) = FileDescriptor.openToRead(lockPath) else { return nil }
    defer { _ = FileDescriptor.close(descriptor) }
    guard FileDescriptor.lock(descriptor, exclusive: false)?.number == EWOULDBLOCK else {
      return nil
    }
    let holder = FileContent.text(lockPath).flatMap { LockHolder(fileText: $0) }
    return holder?.description ?? "another process"
  }
}
