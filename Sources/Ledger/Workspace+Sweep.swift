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
    for file in try unreferencedFiles() {
      let path = "\(path)/\(file)"
      sweep.bytes += FileDescriptor.sizeBytes(path) ?? 0
      FileDescriptor.remove(path)
      sweep.removed.append(file)
    }
    for name in WorkspaceFolder.dataNames {
      for day in Self.entries("\(path)/\(name)") {
        // Where files are left in it, the system refuses.
        FileDescriptor.removeFolder("\(path)/\(name)/\(day)")
      }
    }
    return sweep
  }

  /// Files in the workspace's folders that no run refers to, and that nobody is writing now: relative
  /// paths, in order.
  func unreferencedFiles() throws(WorkspaceError) -> [String] {
    let referenced = Set(
      try ledger.read { state throws(WorkspaceError) in try state.referencedFiles() }.map(\.path))
    let (temporaries, stored) = folder.pending.withLock { ($0.temporaries, $0.stored) }
    var found = Self.entries("\(path)/\(WorkspaceFolder.temporaryName)")
      .filter { !temporaries.contains($0) }
      .map { "\(WorkspaceFolder.temporaryName)/\($0)" }
    for name in WorkspaceFolder.dataNames {
      for day in Self.entries("\(path)/\(name)") {
        let relative = "\(name)/\(day)"
        guard FileDescriptor.kind("\(path)/\(relative)") == S_IFDIR else {
          found.append(relative)
          continue
        }
        found += Self.entries("\(path)/\(relative)").map { "\(relative)/\($0)" }
          .filter { !referenced.contains($0) && !stored.contains($0) }
      }
    }
    return found.sorted()
  }

  private static func entries(_ folder: String) -> [String] {
    FileDescriptor.names(in: folder).filter { $0 != "." && $0 != ".." }.sorted()
  }
}
