internal import CFiles
internal import Glibc

/// An error number of the system.
public struct StorageError: Error, Sendable, Hashable, CustomStringConvertible {
  /// As in `errno.h`.
  public var number: Int32

  public init(number: Int32) { self.number = number }

  public var description: String {
    unsafe strerror(number).map { unsafe String(cString: $0) } ?? "error \(number)"
  }

  /// The call was interrupted by a signal and can be made again.
  var isInterruption: Bool { number == EINTR }
}

/// The calls of a file system that chunk files need, one for one, so that tests can let each of them fail.
///
/// Writes and reads may take fewer bytes than they are given, and any call may be interrupted
/// (`EINTR`); those who call deal with both.
public protocol Storage: Sendable {
  /// Creates a folder with mode 0700.
  ///
  /// - Returns: false where it is there already.
  func createFolder(_ path: String) throws(StorageError) -> Bool
  /// Creates a file with mode 0600, or empties one that is there, for writing.
  func create(_ path: String) throws(StorageError) -> Int32
  /// Opens a file that is there for more writing.
  func reopen(_ path: String) throws(StorageError) -> Int32
  func openToRead(_ path: String) throws(StorageError) -> Int32
  /// - Returns: how many bytes were written from `offset` on.
  func write(_ bytes: Span<UInt8>, to descriptor: Int32, at offset: Int) throws(StorageError) -> Int
  /// - Parameter range: which bytes of `bytes` are to be filled.
  /// - Returns: how many bytes were read from `offset` on; 0 at the end.
  func read(
    _ descriptor: Int32, at offset: Int, into bytes: inout [UInt8], _ range: Range<Int>
  ) throws(StorageError) -> Int
  /// Bytes that a file has.
  func size(_ descriptor: Int32) throws(StorageError) -> Int
  /// Brings a file to the disk.
  func sync(_ descriptor: Int32) throws(StorageError)
  /// Lets go of a descriptor, even where it fails.
  func close(_ descriptor: Int32) throws(StorageError)
  /// Brings a folder's entries to the disk.
  func syncFolder(_ path: String) throws(StorageError)
  func rename(_ path: String, to target: String) throws(StorageError)
  func remove(_ path: String) throws(StorageError)
}

extension Storage {
  /// Calls again as long as signals interrupt.
  func retrying<Result>(
    _ call: () throws(StorageError) -> Result
  ) throws(StorageError) -> Result {
    while true {
      do throws(StorageError) {
        return try call()
      } catch  where error.isInterruption {
        continue
      }
    }
  }

  /// Writes all bytes, however many calls that takes.
  func writeAll(
    _ bytes: [UInt8], to descriptor: Int32, at offset: Int
  ) throws(StorageError) {
    var written = 0
    while written < bytes.count {
      let count = try retrying { () throws(StorageError) in
        try write(
          bytes.span.extracting(droppingFirst: written), to: descriptor, at: offset + written)
      }
      // No device that is well says this.
      guard count > 0 else { throw StorageError(number: EIO) }
      written += count
    }
  }

  /// Reads until `range` is full or the file ends.
  ///
  /// - Returns: how many bytes were read.
  func readAll(
    _ descriptor: Int32, at offset: Int, into bytes: inout [UInt8], _ range: Range<Int>
  ) throws(StorageError) -> Int {
    var filled = 0
    while filled < range.count {
      do throws(StorageError) {
        let count = try read(
          descriptor, at: offset + filled, into: &bytes, range.dropFirst(filled))
        if count == 0 { break }
        filled += count
      } catch  where error.isInterruption {
        continue
      }
    }
    return filled
  }
}

/// The file system of the machine.
public struct SystemStorage: Storage {
  /// Writes that the disk is to begin with at once.
  private static let largeBytes = 128 * 1024
  private static let fileMode: mode_t = 0o600
  private static let folderMode: mode_t = 0o700

  public init() {}

  public func createFolder(_ path: String) throws(StorageError) -> Bool {
    if unsafe mkdir(path, Self.folderMode) == 0 { return true }
    guard errno == EEXIST else { throw StorageError(number: errno) }
    var status = stat()
    guard unsafe stat(path, &status) == 0 else { throw StorageError(number: errno) }
    guard status.st_mode & S_IFMT == S_IFDIR else { throw StorageError(number: ENOTDIR) }
    return false
  }

  public func create(_ path: String) throws(StorageError) -> Int32 {
    try checked(unsafe open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, Self.fileMode))
  }

  public func reopen(_ path: String) throws(StorageError) -> Int32 {
    try checked(unsafe open(path, O_WRONLY | O_CLOEXEC))
  }

  public func openToRead(_ path: String) throws(StorageError) -> Int32 {
    try checked(unsafe open(path, O_RDONLY | O_CLOEXEC))
  }

  public func write(
    _ bytes: Span<UInt8>, to descriptor: Int32, at offset: Int
  ) throws(StorageError) -> Int {
    let count = try checked(
      unsafe bytes.withUnsafeBytes {
        unsafe pwrite(descriptor, $0.baseAddress, $0.count, off_t(offset))
      })
    if count >= Self.largeBytes { duizhang_start_writing(descriptor, Int64(offset), Int64(count)) }
    return count
  }

  public func read(
    _ descriptor: Int32, at offset: Int, into bytes: inout [UInt8], _ range: Range<Int>
  ) throws(StorageError) -> Int {
    try checked(
      unsafe bytes.withUnsafeMutableBytes {
        let part = unsafe UnsafeMutableRawBufferPointer(rebasing: $0[range])
        return unsafe pread(descriptor, part.baseAddress, part.count, off_t(offset))
      })
  }

  public func size(_ descriptor: Int32) throws(StorageError) -> Int {
    var status = stat()
    _ = try checked(unsafe fstat(descriptor, &status))
    guard status.st_mode & S_IFMT == S_IFREG else {
      throw StorageError(number: status.st_mode & S_IFMT == S_IFDIR ? EISDIR : ESPIPE)
    }
    return Int(status.st_size)
  }

  public func sync(_ descriptor: Int32) throws(StorageError) {
    _ = try checked(fsync(descriptor))
  }

  public func close(_ descriptor: Int32) throws(StorageError) {
    // Linux lets go of the descriptor even where a signal interrupts.
    if Glibc.close(descriptor) != 0 && errno != EINTR { throw StorageError(number: errno) }
  }

  public func syncFolder(_ path: String) throws(StorageError) {
    let descriptor = try checked(unsafe open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC))
    defer { _ = Glibc.close(descriptor) }
    _ = try checked(fsync(descriptor))
  }

  public func rename(_ path: String, to target: String) throws(StorageError) {
    _ = try checked(unsafe Glibc.rename(path, target))
  }

  public func remove(_ path: String) throws(StorageError) {
    _ = try checked(unsafe unlink(path))
  }

  private func checked<Number: SignedInteger>(
    _ result: Number
  ) throws(StorageError) -> Number {
    guard result >= 0 else { throw StorageError(number: errno) }
    return result
  }
}
