internal import Files
internal import Glibc
internal import Ledger
internal import Synchronization

/// Folders in which files are found by what they contain, whatever they are called.
public final class FileSearch: Sendable {
  /// Paths by size in bytes.
  private let paths: [Int: [String]]
  /// What was found out of paths.
  private let hashes = Mutex<[String: ContentHash]>([:])

  /// - Parameter folders: with all in them; links to folders are not followed.
  public init(folders: [String] = []) {
    var paths: [Int: [String]] = [:]
    var rest = folders
    while let folder = rest.popLast() {
      for name in FileDescriptor.names(in: folder) where name != "." && name != ".." {
        let path = "\(folder)/\(name)"
        if FileDescriptor.ownKind(path) == S_IFDIR {
          rest.append(path)
        } else if FileDescriptor.kind(path) == S_IFREG, let bytes = FileDescriptor.sizeBytes(path) {
          paths[bytes, default: []].append(path)
        }
      }
    }
    self.paths = paths
  }

  /// Whether a folder, or a link to one, is at a path.
  public static func isFolder(_ path: String) -> Bool { FileDescriptor.kind(path) == S_IFDIR }

  /// Whether a file of some content is there.
  func finds(_ sha256: ContentHash, bytes: Int) -> Bool {
    (paths[bytes] ?? []).contains { path in
      if let known = hashes.withLock({ $0[path] }) { return known == sha256 }
      switch FileContents.fault(path, bytes: bytes, sha256: sha256) {
      case nil:
        hashes.withLock { $0[path] = sha256 }
        return true
      case .content(_, let found):
        hashes.withLock { $0[path] = found }
        return false
      default: return false
      }
    }
  }
}
