internal import CZstd
internal import Glibc

/// Writes streams: a length, the length as stored, and the bytes, as a Zstandard frame where that is shorter.
@safe
final class StreamWriter {
  /// Found by measurement: higher levels gain little and take twice the time.
  private static let level: Int32 = 1
  /// Frames have some bytes of their own: for a few it is not worth while.
  private static let bytesMin = 24
  /// Bytes that the length of what is stored can take.
  private static let lengthBytes = 5
  private let context: OpaquePointer

  init() {
    guard let context = unsafe ZSTD_createCCtx() else { preconditionFailure("out of memory") }
    unsafe self.context = unsafe context
    let code = unsafe ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, Self.level)
    precondition(ZSTD_isError(code) == 0)
  }

  deinit { unsafe _ = ZSTD_freeCCtx(context) }

  func append(_ stream: borrowing ByteBuffer, to output: inout ByteBuffer) {
    output.appendVarint(UInt64(stream.count))
    guard stream.count >= Self.bytesMin else { return appendPlain(stream, to: &output) }
    // The frame behind room for its length, which is known only then.
    let bound = ZSTD_compressBound(stream.count)
    output.reserve(Self.lengthBytes + bound)
    let start = output.count
    let frame = start + Self.lengthBytes
    let stored = unsafe ZSTD_compress2(
      context, output.base + frame, bound, stream.base, stream.count)
    precondition(ZSTD_isError(stored) == 0, "zstd compresses into its own bound")
    guard stored < stream.count else { return appendPlain(stream, to: &output) }
    output.appendVarint(UInt64(stored))
    unsafe memmove(output.base + output.count, output.base + frame, stored)
    output.count += stored
  }

  private func appendPlain(_ stream: borrowing ByteBuffer, to output: inout ByteBuffer) {
    output.appendVarint(UInt64(stream.count))
    unsafe output.append(UnsafePointer(stream.base), stream.count)
  }
}

/// Reads what a ``StreamWriter`` writes.
@safe
final class StreamReader {
  /// Where a stream lies, and how many bytes it has when it is read.
  struct Stream {
    var start = 0
    var stored = 0
    var count = 0
  }

  /// Memory that a buffer may keep from stream to stream.
  private static let bytesKept = 4 * 1024 * 1024
  private let context: OpaquePointer

  init() {
    guard let context = unsafe ZSTD_createDCtx() else { preconditionFailure("out of memory") }
    unsafe self.context = unsafe context
  }

  deinit { unsafe _ = ZSTD_freeDCtx(context) }

  /// Reads where a stream lies, and goes on behind it.
  static func stream(
    _ base: UnsafePointer<UInt8>, _ position: inout Int, _ end: Int, max bytesMax: Int
  ) throws(ChunkDefect) -> Stream {
    let start = position
    guard let count = unsafe Varint.read(base, &position, end: end),
      let stored = unsafe Varint.read(base, &position, end: end),
      count <= UInt64(bytesMax), stored <= count, stored <= UInt64(end - position)
    else { throw .malformed(start, "a stream is too long") }
    defer { position += Int(stored) }
    return Stream(start: position, stored: Int(stored), count: Int(count))
  }

  /// Reads a stream into memory that has room for it.
  func read(
    _ base: UnsafePointer<UInt8>, _ stream: Stream, to target: UnsafeMutablePointer<UInt8>
  ) throws(ChunkDefect) {
    if stream.stored == stream.count {
      unsafe memcpy(target, base + stream.start, stream.count)
      return
    }
    let count = unsafe ZSTD_decompressDCtx(
      context, target, stream.count, base + stream.start, stream.stored)
    guard count == stream.count else {
      throw .malformed(stream.start, "a stream cannot be decompressed")
    }
  }

  /// Reads a stream into a buffer, in place of what that held.
  func read(
    _ base: UnsafePointer<UInt8>, _ stream: Stream, to buffer: inout ByteBuffer
  ) throws(ChunkDefect) {
    buffer.clear(keepingAtMost: Self.bytesKept)
    buffer.reserve(stream.count)
    unsafe try read(base, stream, to: buffer.base)
    buffer.count = stream.count
  }
}
