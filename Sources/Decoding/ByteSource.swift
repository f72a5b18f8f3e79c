internal import Glibc

/// The stored bytes of a file or of standard input, read in pieces.
@safe
final class ByteSource {
  static let bufferBytes = 128 * 1024
  /// Bytes before the offset that are always kept, so that a decoder can give back what it loaded.
  static let returnableBytes = 16

  private let descriptor: Int32
  private let closesDescriptor: Bool
  private let buffer: UnsafeMutableRawBufferPointer
  private var start = 0
  private var end = 0
  private var atEnd = false
  /// Bytes taken so far: the offset of the next one.
  private(set) var offset = 0
  /// The largest offset so far.
  private(set) var offsetMax = 0

  /// - Parameter path: a file, or `-` for standard input.
  init(path: String) throws(InputError) {
    if path == "-" {
      descriptor = STDIN_FILENO
      closesDescriptor = false
    } else {
      let opened = unsafe open(path, O_RDONLY | O_CLOEXEC)
      guard opened >= 0 else {
        let code = errno
        throw InputError(
          path: path, detail: "cannot be opened: \(errorText(code))",
          remedy: code == EACCES
            ? "make it readable for this user" : "check the path")
      }
      descriptor = opened
      closesDescriptor = true
      _ = posix_fadvise(opened, 0, 0, POSIX_FADV_SEQUENTIAL)
    }
    unsafe buffer = .allocate(
      byteCount: Self.bufferBytes + Self.returnableBytes, alignment: 64)
  }

  deinit {
    if closesDescriptor { _ = close(descriptor) }
    unsafe buffer.deallocate()
  }

  /// The bytes read but not yet taken; empty only at the end of the file.
  func available() throws(Damage) -> UnsafeRawBufferPointer {
    if start == end && !atEnd { try fill() }
    return unsafe UnsafeRawBufferPointer(rebasing: buffer[start..<end])
  }

  /// At least `count` bytes (at most `bufferBytes`), or fewer where the file ends.
  func peek(_ count: Int) throws(Damage) -> UnsafeRawBufferPointer {
    while end - start < count && !atEnd { try fill() }
    return unsafe UnsafeRawBufferPointer(rebasing: buffer[start..<end])
  }

  func take(_ count: Int) {
    precondition(count <= end - start)
    start += count
    offset += count
    offsetMax = max(offsetMax, offset)
  }

  /// The last bytes that were taken; `nil` where so many are no longer in memory.
  ///
  /// - Parameter count: at most ``returnableBytes``.
  func lastTaken(_ count: Int) -> UnsafeRawBufferPointer? {
    guard start >= count else { return nil }
    return unsafe UnsafeRawBufferPointer(rebasing: buffer[(start - count)..<start])
  }

  /// Goes back to an offset; in a pipe only as far as the bytes are still in the buffer.
  func rewind(to target: Int) {
    precondition(target <= offset)
    let bufferOffset = offset - start
    if target < bufferOffset {
      let back = offset + (end - start) - target
      if lseek(descriptor, -off_t(back), SEEK_CUR) >= 0 {
        start = 0
        end = 0
        offset = target
        atEnd = false
        return
      }
    }
    offset = max(target, bufferOffset)
    start = offset - bufferOffset
  }

  private func fill() throws(Damage) {
    if unsafe start == end || end == buffer.count {
      let kept = max(start - Self.returnableBytes, 0)
      unsafe buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: buffer[kept..<end]))
      end -= kept
      start -= kept
    }
    while true {
      let count = unsafe read(descriptor, buffer.baseAddress! + end, buffer.count - end)
      if count > 0 {
        end += count
        return
      }
      if count == 0 {
        atEnd = true
        return
      }
      guard errno == EINTR else {
        atEnd = true
        throw Damage(
          kind: .unreadable, byteOffset: offset + end - start,
          detail: "cannot be read on: \(errorText(errno))")
      }
    }
  }
}

/// The operating system's words for an error number.
func errorText(_ code: Int32) -> String {
  guard let text = unsafe strerror(code) else { return "error \(code)" }
  return unsafe String(cString: text)
}
