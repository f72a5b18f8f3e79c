public import CivilTime
internal import Crypto
internal import Files
internal import Glibc
internal import Synchronization

/// A file on its way into the workspace: written in `tmp`, brought to the disk, and moved to a path
/// that its content names. Without ``finish(as:)`` nothing of it is left.
public struct NewFile: ~Copyable {
  /// Where a finished file belongs.
  public enum Place: Sendable, Hashable {
    /// Records of one log file on one UTC day.
    case segment(CivilDate)
    /// Something of a day: its records carried over, its result, its rows. The name is the path's
    /// extension.
    case day(CivilDate, name: String)

    func path(_ sha256: ContentHash) -> String {
      switch self {
      case .segment(let day): "segments/\(day)/\(sha256.hexadecimal).seg"
      case .day(let day, let name): "days/\(day)/\(sha256.hexadecimal).\(name)"
      }
    }
  }

  private let folder: WorkspaceFolder
  private let name: String
  private var descriptor: Int32?
  private var hasher = SHA256()
  /// Bytes written so far.
  public private(set) var bytes = 0

  private var temporaryPath: String { "\(folder.path)/\(WorkspaceFolder.temporaryName)/\(name)" }

  init(in folder: WorkspaceFolder) throws(WorkspaceError) {
    let name = folder.nextTemporaryName()
    let path = "\(folder.path)/\(WorkspaceFolder.temporaryName)/\(name)"
    folder.pending.withLock { _ = $0.temporaries.insert(name) }
    switch FileDescriptor.create(path) {
    case .success(let descriptor):
      self.folder = folder
      self.name = name
      self.descriptor = descriptor
    case .failure(let error):
      folder.pending.withLock { _ = $0.temporaries.remove(name) }
      throw .failed(.create, path, error.number)
    }
  }

  /// - Throws: ``WorkspaceError``, of the path in `tmp`.
  public mutating func write(_ content: Span<UInt8>) throws(WorkspaceError) {
    guard let descriptor else { preconditionFailure("the file was finished before") }
    if let error = FileDescriptor.write(content, to: descriptor) {
      throw .failed(.write, temporaryPath, error.number)
    }
    unsafe content.withUnsafeBytes { (buffer: UnsafeRawBufferPointer) in
      unsafe hasher.update(bufferPointer: buffer)
    }
    bytes += content.count
  }

  /// Brings the content to the disk and moves the file to its place, where a file of the same content
  /// may already be. A commit may refer to it from now on.
  public consuming func finish(as place: Place) throws(WorkspaceError) -> StoredFile {
    guard let descriptor else { preconditionFailure("a file is finished once") }
    if let error = FileDescriptor.sync(descriptor) {
      throw .failed(.sync, temporaryPath, error.number)
    }
    self.descriptor = nil
    let closing = FileDescriptor.close(descriptor)
    let sha256 = ContentHash(bytes: Array(hasher.finalize()))
    let file = StoredFile(path: place.path(sha256), sha256: sha256, bytes: bytes)
    do throws(WorkspaceError) {
      if let closing { throw .failed(.write, temporaryPath, closing.number) }
      let target = "\(folder.path)/\(file.path)"
      var changed = try WorkspaceFolder.create(FileDescriptor.folder(of: target))
      // Also the folder above, since a killed run may have made the day's without syncing it.
      let dayFolder = FileDescriptor.folder(of: target)
      changed.formUnion([dayFolder, FileDescriptor.folder(of: dayFolder)])
      // Before the move, so that no sweep takes a file that this run is about to refer to.
      folder.pending.withLock {
        $0.stored.insert(file.path)
        $0.folders.formUnion(changed)
      }
      if let error = FileDescriptor.rename(temporaryPath, to: target) {
        throw .failed(.rename, target, error.number)
      }
    } catch {
      FileDescriptor.remove(temporaryPath)
      forget()
      throw error
    }
    forget()
    return file
  }

  private func forget() { folder.pending.withLock { _ = $0.temporaries.remove(name) } }

  deinit {
    if let descriptor {
      _ = FileDescriptor.close(descriptor)
      FileDescriptor.remove("\(folder.path)/\(WorkspaceFolder.temporaryName)/\(name)")
      folder.pending.withLock { _ = $0.temporaries.remove(name) }
    }
  }
}
