internal import Files
internal import Glibc
internal import Synchronization

extension Workspace {
  /// What ``Workspace/sweep()`` removed.
  public struct Sweep: Sendable, Hashable {
    /// Relative paths, in order.
    public var removed: [String] = []
    /// Their sizes together, in bytes.
    public var bytes = 0
    /// Whether a reader kept all files where they are.
    public var isPutOff = false
  }

  /// Removes files that no run refers to: what killed and failed runs left, and results that others
  /// replaced. While someone reads the workspace, nothing is removed.
  public func sweep() throws(WorkspaceError) -> Sweep {
    guard ledger.isWritable else { throw .readOnly(path: path) }
    let readers = "\(path)/\(WorkspaceFolder.readersName)"
    guard let lock = try LockedFile(readers, exclusive: true) else { return Sweep(isPutOff: true) }
    defer { withExtendedLifetime(lock) {} }
    var sweep = Sweep()
    let (files, folders) = try unreferenced()
    for file in files {
      let path = "\(path)/\(file)"
      sweep.bytes += FileDescriptor.sizeBytes(path) ?? 0
      FileDescriptor.remove(path)
      sweep.removed.append(file)
    }
    // Where files are left in one, the system refuses.
    for folder in folders { FileDescriptor.removeFolder("\(path)/\(folder)") }
    return sweep
  }

  /// Files in the workspace's folders that no run refers to, and that nobody is writing now: relative
  /// paths, in order.
  func unreferencedFiles() throws(WorkspaceError) -> [String] { try unreferenced().files }

  /// Files that no run refers to, and folders of days without any others.
  private func unreferenced() throws(WorkspaceError) -> (files: [String], folders: [String]) {
    let referenced = try ledger.read { state throws(WorkspaceError) in
      try state.referencedPaths()
    }
    let (temporaries, stored) = folder.pending.withLock { ($0.temporaries, $0.stored) }
    var found = Self.entries("\(path)/\(WorkspaceFolder.temporaryName)")
      .filter { !temporaries.contains($0) }
      .map { "\(WorkspaceFolder.temporaryName)/\($0)" }
    var folders: [String] = []
    for name in WorkspaceFolder.dataNames {
      for day in Self.entries("\(path)/\(name)") {
        let relative = "\(name)/\(day)"
        guard let names = FileDescriptor.list("\(path)/\(relative)") else {
          if FileDescriptor.kind("\(path)/\(relative)") != S_IFDIR { found.append(relative) }
          continue
        }
        let files = Self.entries(names).map { "\(relative)/\($0)" }
        let rest = files.filter { !referenced.contains($0) && !stored.contains($0) }
        found += rest
        if rest.count == files.count { folders.append(relative) }
      }
    }
    return (found.sorted(), folders)
  }

  private static func entries(_ folder: String) -> [String] {
    entries(FileDescriptor.names(in: folder))
  }

  private static func entries(_ names: [String]) -> [String] {
    names.filter { $0 != "." && $0 != ".." }
  }
}
