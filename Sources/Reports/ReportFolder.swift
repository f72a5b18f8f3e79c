internal import Files
internal import Glibc

/// A folder of reports that appears as a whole, in place of the one that was there: whoever looks sees all old
/// files or all new ones.
public final class ReportFolder {
  /// Where it appears.
  public let path: String
  /// The reports that it is made of.
  public let set: ReportSet
  private let temporaryPath: String

  /// - Parameter path: those above it are created where they are missing. What killed runs left there is
  ///   removed.
  public init(path: String) throws(OutputError) {
    let parent = FileDescriptor.folder(of: path)
    try OutputFolder.create(parent)
    OutputFolder.sweep(parent)
    self.path = path
    temporaryPath = OutputFile.temporaryPath(for: path)
    set = ReportSet(newFolder: temporaryPath)
    if let error = FileDescriptor.createFolder(temporaryPath) {
      throw .failed(.createFolder, path: temporaryPath, errno: error.number)
    }
  }

  /// Takes over a file of the folder that is there, as it is.
  ///
  /// - Returns: whether that could be done.
  public func keep(_ content: ReportContent) -> Bool {
    let name = content.name
    if FileDescriptor.link("\(path)/\(name)", to: "\(temporaryPath)/\(name)") != nil {
      return false
    }
    set.add(content)
    return true
  }

  /// Lets the folder appear; to be called once.
  public func commit() throws(OutputError) {
    try set.commit()
    if FileDescriptor.kind(path) == S_IFDIR {
      if let error = FileDescriptor.exchange(temporaryPath, with: path) {
        // Some file systems cannot; then the reports are away for a moment.
        guard error.number == EINVAL || error.number == ENOSYS else {
          throw .failed(.rename, path: path, errno: error.number)
        }
        OutputFolder.remove(path)
        try appear()
      }
    } else {
      try appear()
    }
    try OutputFolder.sync(FileDescriptor.folder(of: path))
    removeTemporary()
  }

  /// What did not appear, or the reports in whose place it did.
  private func removeTemporary() { OutputFolder.remove(temporaryPath) }

  private func appear() throws(OutputError) {
    guard let error = FileDescriptor.rename(temporaryPath, to: path) else { return }
    throw .failed(.rename, path: path, errno: error.number)
  }

  deinit {
    removeTemporary()
  }
}
