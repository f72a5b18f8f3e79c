package import Glibc

/// The system calls with which files are looked at that others have written.
extension FileDescriptor {
  /// Opens a regular file to read it, without waiting for a pipe's other end, and says how many bytes
  /// it has; `nil` for what is no regular file.
  package static func openRegularFile(
    _ path: String
  ) -> Result<(descriptor: Int32, bytes: Int)?, SystemError> {
    let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
    // A socket cannot be opened.
    if descriptor < 0 {
      return errno == ENXIO ? .success(nil) : .failure(SystemError(number: errno))
    }
    var status = stat()
    guard unsafe fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
      _ = close(descriptor)
      return .success(nil)
    }
    return .success((descriptor, Int(status.st_size)))
  }

  /// Reads at most as many bytes as a buffer has; 0 at the end.
  package static func read(
    _ descriptor: Int32, into buffer: inout [UInt8]
  ) -> Result<Int, SystemError> {
    while true {
      let count = unsafe buffer.withUnsafeMutableBytes {
        unsafe Glibc.read(descriptor, $0.baseAddress, $0.count)
      }
      if count >= 0 { return .success(count) }
      if errno != EINTR { return .failure(SystemError(number: errno)) }
    }
  }

  /// A path from the root without links.
  package static func realPath(_ path: String) -> Result<String, SystemError> {
    guard let real = unsafe realpath(path, nil) else {
      return .failure(SystemError(number: errno))
    }
    defer { unsafe free(real) }
    return .success(unsafe String(cString: real))
  }

  /// The kind of what is at a path, links not followed; `nil` where nothing is.
  package static func ownKind(_ path: String) -> mode_t? {
    var status = stat()
    guard unsafe lstat(path, &status) == 0 else { return nil }
    return status.st_mode & S_IFMT
  }
}

extension SystemError {
  /// In the system's words.
  package var text: String {
    guard let text = unsafe strerror(number) else { return "error \(number)" }
    return unsafe String(cString: text)
  }
}
