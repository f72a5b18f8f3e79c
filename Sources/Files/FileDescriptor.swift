internal import CFiles
package import Glibc

/// The system calls that writing needs, each with its error as a value. The unsafe calls that take
/// paths and pointers are here and nowhere else.
package enum FileDescriptor {
  /// Mode of files that we write, private to their owner (`service.data_security`).
  package static let fileMode: mode_t = 0o600
  /// Mode of files with nothing private in them, for programs that run as another user.
  package static let publicFileMode: mode_t = 0o644
  /// Mode of folders that we create.
  package static let folderMode: mode_t = 0o700

  /// Creates a file that must not exist.
  ///
  /// - Returns: the descriptor, or the error number.
  package static func create(_ path: String) -> Result<Int32, SystemError> {
    retrying { unsafe open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, fileMode) }
  }

  /// Creates a file without a name, to be written and read, gone when it is closed.
  package static func createUnnamed(in folder: String) -> Result<Int32, SystemError> {
    var template = Array("\(folder)/duizhang-XXXXXX".utf8CString)
    return unsafe template.withUnsafeMutableBufferPointer { buffer in
      guard let path = buffer.baseAddress else { return .failure(SystemError(number: EINVAL)) }
      let descriptor = unsafe mkstemp(path)
      guard descriptor >= 0 else { return .failure(SystemError(number: errno)) }
      _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
      unsafe _ = unlink(path)
      return .success(descriptor)
    }
  }

  package static func openToRead(_ path: String) -> Result<Int32, SystemError> {
    retrying { unsafe open(path, O_RDONLY | O_CLOEXEC) }
  }

  /// Writes everything, however many calls that takes.
  package static func write(_ bytes: Span<UInt8>, to descriptor: Int32) -> SystemError? {
    unsafe bytes.withUnsafeBytes { (buffer: UnsafeRawBufferPointer) -> SystemError? in
      var rest = unsafe buffer[...]
      while unsafe !rest.isEmpty {
        let count = unsafe Glibc.write(
          descriptor, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
        if count < 0 {
          if errno == EINTR { continue }
          return SystemError(number: errno)
        }
        unsafe rest = rest.dropFirst(count)
      }
      return nil
    }
  }

  /// Has what was written to a file on its way to the disk, so that ``sync(_:)`` has less to wait for.
  package static func startWriting(_ descriptor: Int32) {
    duizhang_start_writing(descriptor, 0, 0)
  }

  /// Reads to the end, at most `bytesMax` bytes.
  package static func read(_ descriptor: Int32, bytesMax: Int) -> Result<[UInt8], SystemError> {
    var bytes = [UInt8](repeating: 0, count: bytesMax)
    var filled = 0
    while filled < bytesMax {
      let count = unsafe bytes.withUnsafeMutableBytes { buffer in
        unsafe Glibc.read(
          descriptor, UnsafeMutableRawBufferPointer(rebasing: buffer[filled...]).baseAddress,
          bytesMax - filled)
      }
      if count < 0 {
        if errno == EINTR { continue }
        return .failure(SystemError(number: errno))
      }
      if count == 0 { break }
      filled += count
    }
    return .success(Array(bytes.prefix(filled)))
  }

  /// Sets a file's mode, whatever the umask is.
  package static func setMode(_ descriptor: Int32, _ mode: mode_t) -> SystemError? {
    failure { fchmod(descriptor, mode) }
  }

  package static func sync(_ descriptor: Int32) -> SystemError? { failure { fsync(descriptor) } }

  /// Close is not tried again: on Linux the descriptor is gone even where it fails.
  package static func close(_ descriptor: Int32) -> SystemError? {
    Glibc.close(descriptor) == 0 ? nil : SystemError(number: errno)
  }

  package static func rename(_ path: String, to target: String) -> SystemError? {
    failure { unsafe Glibc.rename(path, target) }
  }

  /// Lets two paths change places at one moment.
  package static func exchange(_ path: String, with other: String) -> SystemError? {
    failure { unsafe duizhang_exchange(path, other) }
  }

  /// Gives a file a second name, which must not be taken.
  package static func link(_ path: String, to target: String) -> SystemError? {
    failure { unsafe Glibc.link(path, target) }
  }

  package static func remove(_ path: String) { _ = unsafe unlink(path) }

  package static func createFolder(_ path: String) -> SystemError? {
    failure { unsafe mkdir(path, folderMode) }
  }

  /// Brings a folder's entries to the disk, so that a rename outlives a power cut.
  package static func syncFolder(_ path: String) -> SystemError? {
    switch openToRead(path) {
    case .failure(let error): return error
    case .success(let descriptor):
      let error = sync(descriptor)
      _ = close(descriptor)
      // Some file systems have no fsync for folders and say so with EINVAL.
      return error?.number == EINVAL ? nil : error
    }
  }

  /// The kind of what is at a path, links followed; `nil` where nothing is.
  package static func kind(_ path: String) -> mode_t? {
    var status = stat()
    guard unsafe stat(path, &status) == 0 else { return nil }
    return status.st_mode & S_IFMT
  }

  /// What the system says of a path, links followed; `nil` where nothing is, or it may not be seen.
  package static func status(_ path: String) -> FileStatus? {
    var status = stat()
    guard unsafe stat(path, &status) == 0 else { return nil }
    return FileStatus(
      mode: status.st_mode & ~S_IFMT, owner: status.st_uid, device: UInt64(status.st_dev))
  }

  /// A path without links; `nil` where nothing is.
  package static func real(_ path: String) -> String? {
    guard let real = unsafe realpath(path, nil) else { return nil }
    defer { unsafe free(real) }
    return unsafe String(cString: real)
  }

  /// What a user may still write to the file system of a path, in bytes; `nil` where nothing is.
  package static func freeBytes(_ path: String) -> Int? {
    var status = statvfs()
    guard unsafe statvfs(path, &status) == 0 else { return nil }
    return Int(clamping: status.f_bavail.multipliedReportingOverflow(by: status.f_frsize).0)
  }

  /// Whether this process may execute, read or write (`X_OK`, `R_OK`, `W_OK`) what is at a path.
  package static func allows(_ access: Int32, _ path: String) -> Bool {
    unsafe Glibc.access(path, access) == 0
  }

  /// The names in a folder; none where it cannot be read.
  package static func names(in folder: String) -> [String] { list(folder) ?? [] }

  /// As ``names(in:)``, but `nil` where nothing can be listed: of what is no folder, too.
  package static func list(_ folder: String) -> [String]? {
    guard let stream = unsafe opendir(folder) else { return nil }
    defer { unsafe closedir(stream) }
    var names: [String] = []
    while let entry = unsafe readdir(stream) {
      let name = unsafe withUnsafePointer(to: entry.pointee.d_name) {
        unsafe $0.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
      }
      names.append(name)
    }
    return names
  }

  /// Whether a process of this number runs on this machine.
  package static func isRunning(process: pid_t) -> Bool { kill(process, 0) == 0 || errno == EPERM }

  /// Opens a lock file to read and write it, and makes it where it is missing.
  ///
  /// - Parameter mayBeReadOnly: whether one that cannot be written will do.
  package static func openLock(
    _ path: String, mayBeReadOnly: Bool
  ) -> Result<Int32, SystemError> {
    let opened = retrying { unsafe open(path, O_RDWR | O_CREAT | O_CLOEXEC, fileMode) }
    guard mayBeReadOnly, case .failure = opened, case .success(let lock) = openToRead(path) else {
      return opened
    }
    return .success(lock)
  }

  /// Takes a lock on an open file, which the kernel lets go with the last descriptor of this opening,
  /// however the process ends; fails with `EWOULDBLOCK` where another opening holds it.
  package static func lock(_ descriptor: Int32, exclusive: Bool) -> SystemError? {
    failure { flock(descriptor, (exclusive ? LOCK_EX : LOCK_SH) | LOCK_NB) }
  }

  /// Replaces what an open file holds.
  package static func replaceContent(_ descriptor: Int32, with bytes: [UInt8]) -> SystemError? {
    if let error = failure({ ftruncate(descriptor, 0) }) { return error }
    if lseek(descriptor, 0, SEEK_SET) < 0 { return SystemError(number: errno) }
    return write(bytes.span, to: descriptor)
  }

  /// The size of what is at a path in bytes, links followed; `nil` where nothing is.
  package static func sizeBytes(_ path: String) -> Int? {
    var status = stat()
    return unsafe stat(path, &status) == 0 ? Int(status.st_size) : nil
  }

  /// Removes a folder where it is empty.
  package static func removeFolder(_ path: String) { _ = unsafe rmdir(path) }

  private static func failure(_ call: () -> Int32) -> SystemError? {
    if case .failure(let error) = retrying(call) { return error }
    return nil
  }

  private static func retrying(_ call: () -> Int32) -> Result<Int32, SystemError> {
    while true {
      let result = call()
      if result >= 0 { return .success(result) }
      if errno != EINTR { return .failure(SystemError(number: errno)) }
    }
  }
}

/// Who may do what with a file or folder, and where it lies.
package struct FileStatus: Hashable {
  /// The permissions: `0o600`.
  package var mode: mode_t
  package var owner: uid_t
  /// The same for all that lies on one file system.
  package var device: UInt64
}

/// An error number of the system.
package struct SystemError: Error, Hashable {
  package var number: Int32

  package init(number: Int32) { self.number = number }
}
