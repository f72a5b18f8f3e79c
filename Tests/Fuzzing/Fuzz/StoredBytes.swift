internal import CFuzzing
internal import Glibc

/// Bytes where readers expect a path.
final class StoredBytes {
  private let descriptor: Int32

  init() {
    descriptor = duizhang_memory_file()
    precondition(descriptor >= 0, "no file in memory")
  }

  deinit { close(descriptor) }

  /// The path of a file with these bytes, until the next call.
  func path(_ bytes: [UInt8]) -> String {
    let isStored =
      unsafe ftruncate(descriptor, 0) == 0
      && pwrite(descriptor, bytes, bytes.count, 0) == bytes.count
    precondition(isStored, "the file in memory cannot be written")
    return "/proc/self/fd/\(descriptor)"
  }

  /// Calls `body` with the path of a pipe whose reader gets the bytes piece by piece.
  static func withPipe<Result>(_ bytes: [UInt8], piece: Int, _ body: (String) -> Result) -> Result {
    var ends: [Int32] = [0, 0]
    precondition(unsafe duizhang_packet_pipe(&ends) == 0, "no pipe")
    defer { close(ends[0]) }
    for start in stride(from: 0, to: bytes.count, by: piece) {
      let part = Array(bytes[start..<min(start + piece, bytes.count)])
      precondition(unsafe write(ends[1], part, part.count) == part.count, "the pipe is full")
    }
    close(ends[1])
    return body("/proc/self/fd/\(ends[0])")
  }

  /// The largest piece of a packet pipe, and how many pieces it holds.
  static let pieceMax = 4_096
  static let pieceCountMax = 250
}
