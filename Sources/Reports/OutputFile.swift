internal import Files
internal import Glibc
internal import Synchronization

/// A report on its way to a file: written beside its target under another name, brought to the
/// disk, and renamed when whole. Until ``commit()`` the target is untouched; without it the
/// temporary file is removed.
///
/// Files are created with mode 0600: they are private to their owner (`service.data_security`). What has
/// nothing private in it may be made readable for others when it is whole.
public struct OutputFile: ~Copyable, ByteSink {
  /// The target.
  public let path: String
  private let temporaryPath: String
  private var descriptor: Int32?

  /// Temporary names' numbers begin anywhere, since in a container each night's process may have the same number.
  private static let firstSerial = Int.random(in: 0..<1 << 40)
  private static let serialCount = Atomic<Int>(0)
  private static let temporarySuffix = "part"
  /// Writes that the disk is to begin with at once.
  private static let largeBytes = 128 * 1024

  /// Opens the temporary file beside `path`, whose folder must exist.
  public init(path: String) throws(OutputError) {
    if let kind = FileDescriptor.kind(path), kind != S_IFREG {
      throw .notARegularFile(path: path)
    }
    let temporaryPath = Self.temporaryPath(for: path)
    switch FileDescriptor.create(temporaryPath) {
    case .success(let descriptor):
      self.path = path
      self.temporaryPath = temporaryPath
      self.descriptor = descriptor
    case .failure(let error): throw .failed(.create, path: path, errno: error.number)
    }
  }

  public mutating func write(_ bytes: Span<UInt8>) throws(OutputError) {
    guard let descriptor else { preconditionFailure("the report was committed before") }
    if let error = FileDescriptor.write(bytes, to: descriptor) {
      throw .failed(.write, path: path, errno: error.number)
    }
    if bytes.count >= Self.largeBytes { FileDescriptor.startWriting(descriptor) }
  }

  /// Makes the report appear at its path, whole and on the disk.
  ///
  /// - Parameter isPublic: whether every user of the machine may read it (0644).
  public consuming func commit(isPublic: Bool = false) throws(OutputError) {
    let path = path
    if isPublic, let descriptor,
      let error = FileDescriptor.setMode(descriptor, FileDescriptor.publicFileMode)
    {
      throw .failed(.create, path: path, errno: error.number)
    }
    try finish().appear()
    try OutputFolder.sync(FileDescriptor.folder(of: path))
  }

  /// Ends the writing: the report is whole and on the disk, still under its temporary name.
  consuming func finish() throws(OutputError) -> FinishedOutput {
    guard let descriptor else { preconditionFailure("a report is committed once") }
    if let error = FileDescriptor.sync(descriptor) {
      throw .failed(.sync, path: path, errno: error.number)
    }
    self.descriptor = nil
    if let error = FileDescriptor.close(descriptor) {
      FileDescriptor.remove(temporaryPath)
      throw .failed(.write, path: path, errno: error.number)
    }
    return FinishedOutput(path: path, temporaryPath: temporaryPath)
  }

  deinit {
    if let descriptor {
      _ = FileDescriptor.close(descriptor)
      FileDescriptor.remove(temporaryPath)
    }
  }

  /// Writes a whole report at once.
  ///
  /// - Parameter isPublic: whether every user of the machine may read it (0644).
  public static func write(
    _ bytes: [UInt8], to path: String, isPublic: Bool = false
  ) throws(OutputError) {
    var file = try OutputFile(path: path)
    try file.write(bytes.span)
    try file.commit(isPublic: isPublic)
  }

  /// What is on its way to a path, a file or a folder, is called so, beside it.
  static func temporaryPath(for path: String) -> String {
    let (count, _) = serialCount.add(1, ordering: .relaxed)
    let name = ".\(name(of: path)).\(getpid())-\(firstSerial + count).\(temporarySuffix)"
    return "\(FileDescriptor.folder(of: path))/\(name)"
  }

  /// Whether a name is a temporary one of a process that was killed.
  static func isLeftOver(_ name: String) -> Bool {
    let parts = name.split(separator: ".")
    guard name.hasPrefix("."), parts.count >= 3, let suffix = parts.last,
      suffix == temporarySuffix
    else { return false }
    let numbers = parts[parts.count - 2].split(separator: "-")
    guard numbers.count == 2, let process = Int32(numbers[0]), process > 0,
      let serial = Int(numbers[1])
    else { return false }
    if process == getpid() {
      let count = serialCount.load(ordering: .relaxed)
      return !(firstSerial..<firstSerial + count).contains(serial)
    }
    return !FileDescriptor.isRunning(process: process)
  }

  static func name(of path: String) -> String {
    guard let slash = path.utf8.lastIndex(of: 0x2F) else { return path }
    return String(path[path.index(after: slash)...])
  }
}

/// A report that is whole and on the disk, but not yet at its path.
struct FinishedOutput {
  var path: String
  var temporaryPath: String

  /// Moves the report to its path; where that fails, nothing of it is left.
  func appear() throws(OutputError) {
    guard let error = FileDescriptor.rename(temporaryPath, to: path) else { return }
    remove()
    throw .failed(.rename, path: path, errno: error.number)
  }

  func remove() { FileDescriptor.remove(temporaryPath) }
}

/// Folders for reports.
public enum OutputFolder {
  /// Brings a folder's entries to the disk, so that what appeared in it outlives a power cut.
  static func sync(_ path: String) throws(OutputError) {
    guard let error = FileDescriptor.syncFolder(path) else { return }
    throw .failed(.sync, path: path, errno: error.number)
  }

  /// Removes what killed runs left in a folder on its way to another name.
  public static func sweep(_ folder: String) {
    for name in FileDescriptor.names(in: folder) where OutputFile.isLeftOver(name) {
      let path = "\(folder)/\(name)"
      // A file is no folder, and nothing in it is removed.
      FileDescriptor.remove(path)
      remove(path)
    }
  }

  /// Removes a folder and the files in it, but no folder within it.
  static func remove(_ path: String) {
    for name in FileDescriptor.names(in: path) where name != "." && name != ".." {
      FileDescriptor.remove("\(path)/\(name)")
    }
    FileDescriptor.removeFolder(path)
  }

  /// The names of the folders in a folder; none where it cannot be read.
  public static func folders(in path: String) -> [String] {
    FileDescriptor.names(in: path).filter { FileDescriptor.kind("\(path)/\($0)") == S_IFDIR }
  }

  /// Whether a folder is there.
  public static func exists(_ path: String) -> Bool { FileDescriptor.kind(path) == S_IFDIR }

  /// The size of a report in bytes; `nil` where there is no file of that name.
  public static func sizeBytes(of name: String, in folder: String) -> Int? {
    has(name, in: folder) ? FileDescriptor.sizeBytes("\(folder)/\(name)") : nil
  }

  /// Whether a report of this name is in a folder.
  public static func has(_ name: String, in folder: String) -> Bool {
    FileDescriptor.kind("\(folder)/\(name)") == S_IFREG
  }

  /// Creates a folder and those above it where they are missing, with mode 0700; folders that are
  /// there keep their mode. Their names outlive a power cut.
  public static func create(_ path: String) throws(OutputError) {
    do throws(FolderError) {
      try FileDescriptor.createFolders(path)
    } catch {
      throw .failed(
        error.step == .create ? .createFolder : .sync, path: error.path, errno: error.number)
    }
  }
}
