public import CivilTime
internal import Glibc

/// A log to be read: where it is, and the name under which reports speak of it.
public struct InputFile: Sendable, Hashable {
  /// The path as given, or found in a folder or by a pattern; `-` is standard input.
  public var path: String
  /// Bytes as stored; 0 where that is not known.
  public var sizeBytes: Int
  /// Whether it was found in a folder, and not named itself.
  public var isFromFolder: Bool
  /// Whether it is stored; what is not, a pipe or a device, can be read only once.
  public var isStored: Bool
  /// When it was last written to; for standard input and pipes, when it was found.
  public var modifiedAt: Instant

  public init(
    path: String, sizeBytes: Int, isFromFolder: Bool, isStored: Bool, modifiedAt: Instant
  ) {
    self.path = path
    self.sizeBytes = sizeBytes
    self.isFromFolder = isFromFolder
    self.isStored = isStored
    self.modifiedAt = modifiedAt
  }
}

/// Finds the logs that a command line or a pipeline names.
public enum InputFiles {
  /// The logs of files, folders, patterns and `-`, each once, sorted by path.
  ///
  /// A folder gives all files below it whose names do not begin with a dot. A path that exists is
  /// never taken for a pattern.
  ///
  /// - Parameter mayBeNone: whether folders may be empty, and patterns may match nothing.
  /// - Throws: ``InputError`` for a path without a file, or a file that cannot be opened.
  public static func find(
    _ paths: [String], mayBeNone: Bool = false
  ) throws(InputError) -> [InputFile] {
    var found: [InputFile] = []
    var foldersSeen: Set<[UInt64]> = []
    for path in paths {
      if path == "-" {
        found.append(
          InputFile(
            path: path, sizeBytes: 0, isFromFolder: false, isStored: false,
            modifiedAt: Status.now))
      } else if let status = Status(path) {
        try add(path, status, to: &found, &foldersSeen, mayBeNone)
      } else {
        try addMatches(path, to: &found, &foldersSeen, mayBeNone)
      }
    }
    found.sort { Array($0.path.utf8).lexicographicallyPrecedes(Array($1.path.utf8)) }
    var seen: Set<[UInt64]> = []
    return found.filter { file in
      guard let status = Status(file.path) else { return seen.insert([]).inserted }
      return seen.insert([status.device, status.inode]).inserted
    }
  }

  private struct Status {
    var isFolder = false
    var isStored = false
    var size = 0
    var device: UInt64 = 0
    var inode: UInt64 = 0
    var modifiedAt = Instant(microseconds: 0)

    init?(_ path: String) {
      var status = stat()
      guard unsafe stat(path, &status) == 0 else { return nil }
      isFolder = status.st_mode & S_IFMT == S_IFDIR
      isStored = status.st_mode & S_IFMT == S_IFREG
      size = isStored ? Int(status.st_size) : 0
      device = UInt64(status.st_dev)
      inode = UInt64(status.st_ino)
      // What is not stored is written while it is read.
      modifiedAt = isStored ? Self.moment(status.st_mtim) : Self.now
    }

    static var now: Instant {
      var time = timespec()
      unsafe clock_gettime(CLOCK_REALTIME, &time)
      return moment(time)
    }

    /// File systems store moments far beyond those of ``Instant``, which has its bounds instead.
    private static func moment(_ time: timespec) -> Instant {
      let bound = Int64.max / 1_000_000 - 1
      let seconds = min(max(Int64(time.tv_sec), -bound), bound)
      return Instant(microseconds: seconds * 1_000_000 + Int64(time.tv_nsec) / 1_000)
    }
  }

  /// What a file is that was found by its name; `nil` where it has gone since.
  private static func status(of path: String) throws(InputError) -> Status? {
    if let status = Status(path) { return status }
    let code = errno
    var link = stat()
    guard unsafe lstat(path, &link) == 0 else { return nil }
    throw InputError(
      path: path,
      detail: code == ENOENT ? "is a link to nothing" : "cannot be opened: \(errorText(code))",
      remedy: "remove it, or mend where it leads")
  }

  private static func notText(_ path: String) -> InputError {
    InputError(
      path: path, detail: "its name is not valid UTF-8",
      remedy: "rename it (convmv -f gbk -t utf-8), or give its content by standard input")
  }

  private static func add(
    _ path: String, _ status: Status, to found: inout [InputFile],
    _ foldersSeen: inout Set<[UInt64]>, _ mayBeNone: Bool
  ) throws(InputError) {
    guard status.isFolder else {
      found.append(
        InputFile(
          path: path, sizeBytes: status.size, isFromFolder: false, isStored: status.isStored,
          modifiedAt: status.modifiedAt))
      return
    }
    let before = found.count
    let seenBefore = foldersSeen.count
    try addFolder(path, to: &found, &foldersSeen)
    if found.count == before && foldersSeen.count == seenBefore + 1 && !mayBeNone {
      throw InputError(
        path: path, detail: "is a folder without logs", remedy: "check the path")
    }
  }

  private static func addFolder(
    _ path: String, to found: inout [InputFile], _ foldersSeen: inout Set<[UInt64]>
  ) throws(InputError) {
    // A link may lead back to a folder above it.
    if let status = Status(path), !foldersSeen.insert([status.device, status.inode]).inserted {
      return
    }
    guard let folder = unsafe opendir(path) else {
      throw InputError(
        path: path, detail: "cannot be opened: \(errorText(errno))",
        remedy: "make it readable for this user")
    }
    defer { unsafe closedir(folder) }
    var names: [String] = []
    while let entry = unsafe readdir(folder) {
      let name = unsafe withUnsafePointer(to: entry.pointee.d_name) {
        unsafe $0.withMemoryRebound(to: CChar.self, capacity: 256) {
          unsafe String(validatingCString: $0) ?? "\u{FFFD}" + String(cString: $0)
        }
      }
      if !name.hasPrefix(".") { names.append(name) }
    }
    // In one order, since a folder that is there twice is known by its first name.
    names.sort { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    for name in names {
      let child = path.hasSuffix("/") ? path + name : "\(path)/\(name)"
      if name.hasPrefix("\u{FFFD}") { throw notText("\(path)/\(name.dropFirst())") }
      guard let status = try status(of: child) else { continue }
      if status.isFolder {
        try addFolder(child, to: &found, &foldersSeen)
      } else {
        found.append(
          InputFile(
            path: child, sizeBytes: status.size, isFromFolder: true, isStored: status.isStored,
            modifiedAt: status.modifiedAt))
      }
    }
  }

  private static func addMatches(
    _ pattern: String, to found: inout [InputFile], _ foldersSeen: inout Set<[UInt64]>,
    _ mayBeNone: Bool
  ) throws(InputError) {
    var matches = unsafe glob_t()
    defer { unsafe globfree(&matches) }
    let code = unsafe glob(pattern, 0, nil, &matches)
    guard code == 0, unsafe matches.gl_pathc > 0 else {
      if mayBeNone && pattern.contains(where: { "*?[".contains($0) }) { return }
      throw InputError(
        path: pattern, detail: "no file of this name, and no file that matches it as a pattern",
        remedy: "check the path")
    }
    for index in 0..<Int(unsafe matches.gl_pathc) {
      guard let match = unsafe matches.gl_pathv[index] else { continue }
      guard let path = unsafe String(validatingCString: match) else {
        throw notText(unsafe String(cString: match))
      }
      if let status = try status(of: path) {
        try add(path, status, to: &found, &foldersSeen, mayBeNone)
      }
    }
  }
}
