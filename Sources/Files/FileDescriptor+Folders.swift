internal import Glibc

extension FileDescriptor {
  /// The folder that a path's last name stands in.
  package static func folder(of path: String) -> String {
    guard let slash = path.utf8.lastIndex(of: 0x2F) else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
  }

  /// Creates a folder with mode 0700, and those above it, where they are missing; folders that are there keep
  /// their mode.
  ///
  /// Each name is on the disk before the next folder is made in it. So is that of the folder which was there,
  /// since a process that made it may have been killed before.
  package static func createFolders(_ path: String) throws(FolderError) {
    if kind(path) != S_IFDIR {
      let parent = folder(of: path)
      if parent != path, [nil, S_IFDIR].contains(kind(parent)) { try createFolders(parent) }
      // Another process may have made it since.
      if let error = createFolder(path), error.number != EEXIST || kind(path) != S_IFDIR {
        throw FolderError(step: .create, path: path, number: error.number)
      }
    }
    try syncName(of: path)
  }

  /// Brings the name of a path to the disk, where the folder above is one that we may read and change.
  private static func syncName(of path: String) throws(FolderError) {
    let folder = folder(of: path)
    guard let error = syncFolder(folder), error.number != EACCES, error.number != EROFS else {
      return
    }
    throw FolderError(step: .sync, path: folder, number: error.number)
  }

  /// Whether names can be put into a folder.
  package static func isWritable(_ folder: String) -> Bool { unsafe access(folder, W_OK) == 0 }
}

/// A folder that could not be made, or whose names could not be brought to the disk.
package struct FolderError: Error {
  package enum Step { case create, sync }

  package var step: Step
  package var path: String
  /// The system's error number.
  package var number: Int32
}
