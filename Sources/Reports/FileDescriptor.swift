internal import Glibc

/// The system calls that writing needs, each with its error as a value. The unsafe calls of this
/// module that take paths and pointers are here and nowhere else.
enum FileDescriptor {
  /// Mode of files that we write, private to their owner (`service.data_security`).
  static let fileMode: mode_t = 0o600
  /// Mode of folders that we create.
  static let folderMode: mode_t = 0o700

  /// Creates a file that must not exist.
  ///
  /// - Returns: the descriptor, or the error number.
  static func create(_ path: String) -> Result<Int32, SystemError> {
    retrying { unsafe open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, fileMode) }
  }

  static func openToRead(_ path: String) -> Result<Int32, SystemError> {
    retrying { unsafe open(path, O_RDONLY | O_CLOEXEC) }
  }

  /// Writes everything, however many calls that takes.
  static func write(_ bytes: Span<UInt8>, to descriptor: Int32) -> SystemError? {
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

  /// Reads to the end, at most `bytesMax` bytes.
  static func read(_ descriptor: Int32, bytesMax: Int) -> Result<[UInt8], SystemError> {
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

  static func sync(_ descriptor: Int32) -> SystemError? { failure { fsync(descriptor) } }

  /// Close is not tried again: on Linux the descriptor is gone even where it fails.
  static func close(_ descriptor: Int32) -> SystemError? {
    Glibc.close(descriptor) == 0 ? nil : SystemError(number: errno)
  }

  static func rename(_ path: String, to target: String) -> SystemError? {
    failure { unsafe Glibc.rename(path, target) }
  }

  /// Gives a file a second name, which must not be taken.
  static func link(_ path: String, to target: String) -> SystemError? {
    failure { unsafe Glibc.link(path, target) }
  }

  static func remove(_ path: String) { _ = unsafe unlink(path) }

  static func createFolder(_ path: String) -> SystemError? {
    failure { unsafe mkdir(path, folderMode) }
  }

  /// Brings a folder's entries to the disk, so that a rename outlives a power cut.
  static func syncFolder(_ path: String) -> SystemError? {
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
  static func kind(_ path: String) -> mode_t? {
    var status = stat()
    guard unsafe stat(path, &status) == 0 else { return nil }
    return status.st_mode & S_IFMT
  }

  /// The names in a folder; none where it cannot be read.
  static func names(in folder: String) -> [String] {
    guard let stream = unsafe opendir(folder) else { return [] }
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
  static func isRunning(process: pid_t) -> Bool { kill(process, 0) == 0 || errno == EPERM }

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

/// An error number of the system.
struct SystemError: Error, Hashable {
  var number: Int32
}
