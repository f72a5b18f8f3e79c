internal import Decoding
internal import Glibc

extension PipelineFile {
  /// A path as reports name it. With a workspace, it is the same from any working folder, so that equal
  /// logs make equal reports.
  func named(_ path: String) -> String {
    workspace == nil ? Paths.shortened(path) : Paths.absolute(path)
  }
}

/// Files and their names as a pipeline needs them; the unsafe calls of this module are here.
enum Paths {
  /// `pipelines/../logs` as `logs`, so that reports name files as a person would. Only a real
  /// folder is left out before `..`; past a link, `..` leads elsewhere.
  static func shortened(_ path: String) -> String {
    let root = path.hasPrefix("/") ? "/" : ""
    var parts: [Substring] = []
    for part in path.split(separator: "/") where part != "." {
      if part == "..", let last = parts.last, last != "..",
        isFolder(root + parts.joined(separator: "/"))
      {
        parts.removeLast()
      } else {
        parts.append(part)
      }
    }
    let shortened = root + parts.joined(separator: "/")
    return shortened.isEmpty ? "." : shortened
  }

  /// The same from the root, whatever the working folder is.
  static func absolute(_ path: String) -> String {
    guard !path.hasPrefix("/"), let folder = unsafe getcwd(nil, 0) else { return shortened(path) }
    defer { unsafe free(folder) }
    return shortened(unsafe String(cString: folder) + "/" + path)
  }

  /// Whether a folder, and no link to one, is at a path.
  private static func isFolder(_ path: String) -> Bool {
    var status = stat()
    return unsafe lstat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
  }

  /// Whether a regular file is at a path, links followed.
  static func isFile(_ path: String) -> Bool {
    var status = stat()
    return unsafe stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
  }

  /// The first of some files that lies in a folder itself; `nil` where none does.
  static func first(of files: [InputFile], in folder: String) -> InputFile? {
    guard let folder = real(folder) else { return nil }
    return files.first { file in
      guard file.isStored, let path = real(file.path), let slash = path.lastIndex(of: "/") else {
        return false
      }
      return path[..<slash] == folder
    }
  }

  /// A path without links; `nil` where nothing is.
  private static func real(_ path: String) -> String? {
    guard let real = unsafe realpath(path, nil) else { return nil }
    defer { unsafe free(real) }
    return unsafe String(cString: real)
  }

  /// The bytes of a whole file.
  ///
  /// - Parameter remedy: what to do about a file that is larger than `bytesMax`.
  static func contents(
    _ path: String, bytesMax: Int, remedy: String
  ) throws(InputError) -> [UInt8] {
    let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw unreadable(path, errno) }
    defer { _ = close(descriptor) }
    var bytes: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let count = unsafe piece.withUnsafeMutableBytes {
        unsafe read(descriptor, $0.baseAddress, $0.count)
      }
      if count < 0 && errno == EINTR { continue }
      guard count >= 0 else { throw unreadable(path, errno) }
      if count == 0 { return bytes }
      bytes += piece[..<count]
      guard bytes.count <= bytesMax else {
        throw InputError(
          path: path, detail: "is larger than \(bytesMax >> 20) MiB", remedy: remedy)
      }
    }
  }

  private static func unreadable(_ path: String, _ number: Int32) -> InputError {
    let reason = unsafe strerror(number).map { unsafe String(cString: $0) } ?? "error \(number)"
    return InputError(
      path: path, detail: "cannot be read: \(reason)",
      remedy: "check the path and that it may be read")
  }
}
