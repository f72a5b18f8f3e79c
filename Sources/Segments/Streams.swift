internal import CZstd
internal import Glibc

/// Writes streams: a length, the length as stored, and the bytes, as a Zstandard frame where that is shorter.
@safe
final class StreamWriter {
  /// Found by measurement: higher levels gain little and take twice the time.
  private static let level: Int32 = 1
  /// For fewer a frame is not worth its time: most of them do not get shorter.
  private static let bytesMin = 128
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
    unsafe append(UnsafePointer(stream.base), stream.count, to: &output)
  }

  /// Appends what may be noise, of which no compression makes less: then it stands as it is.
  ///
  /// - Parameter unit: bytes of each value.
  func append(
    values base: UnsafePointer<UInt8>, _ count: Int, unit: Int, to output: inout ByteBuffer
  ) {
    // Matches of fewer than five bytes are not looked for.
    if unsafe count < Self.bytesMin || unit < 5 || Noise.isNoise(base, count, unit: unit) {
      unsafe appendPlain(base, count, to: &output)
    } else {
      unsafe append(base, count, to: &output)
    }
  }

  private func append(
    _ base: UnsafePointer<UInt8>, _ count: Int, to output: inout ByteBuffer
  ) {
    guard count >= Self.bytesMin else { return unsafe appendPlain(base, count, to: &output) }
    let rollback = output.count
    output.appendVarint(UInt64(count))
    // The frame behind room for its length, which is known only then.
    let bound = ZSTD_compressBound(count)
    output.reserve(Self.lengthBytes + bound)
    let start = output.count
    let frame = start + Self.lengthBytes
    let stored = unsafe ZSTD_compress2(context, output.base + frame, bound, base, count)
    precondition(ZSTD_isError(stored) == 0, "zstd compresses into its own bound")
    guard stored < count else {
      output.count = rollback
      return unsafe appendPlain(base, count, to: &output)
    }
    output.appendVarint(UInt64(stored))
    unsafe memmove(output.base + output.count, output.base + frame, stored)
    output.count += stored
  }

  private func appendPlain(
    _ base: UnsafePointer<UInt8>, _ count: Int, to output: inout ByteBuffer
  ) {
    output.appendVarint(UInt64(count))
    output.appendVarint(UInt64(count))
    unsafe output.append(base, count)
  }
}

/// Tells random values, such as digits of ids, from those that compression makes less of, by a sample from
/// their beginning.
enum Noise {
  private static let sampleBytes = 2048
  private static let sampleValues = 1024
  private static let places = 16 * sampleValues

  static func isNoise(_ base: UnsafePointer<UInt8>, _ count: Int, unit: Int) -> Bool {
    unsafe bytesAreEven(base, min(count, sampleBytes))
      && !repeats(base, min(count / unit, sampleValues), unit: unit)
  }

  /// Whether each byte comes about as often as any other.
  private static func bytesAreEven(_ base: UnsafePointer<UInt8>, _ count: Int) -> Bool {
    unsafe withUnsafeTemporaryAllocation(of: UInt32.self, capacity: 256) { counts in
      unsafe counts.initialize(repeating: 0)
      for index in 0..<count { unsafe counts[Int(base[index])] &+= 1 }
      var sum = 0
      for byte in 0..<256 {
        let number = unsafe Int(counts[byte])
        sum &+= number &* number
      }
      // That of even ones is n + n(n − 1)/256. Half as much more is an eighth of a byte to gain at most, which frames
      // of random bytes do not.
      return sum <= count + 3 * count * (count - 1) / 512
    }
  }

  /// Whether more than one value in eight is one that came before, or looks like it.
  private static func repeats(_ base: UnsafePointer<UInt8>, _ values: Int, unit: Int) -> Bool {
    unsafe withUnsafeTemporaryAllocation(of: UInt64.self, capacity: places / 64) { bits in
      unsafe bits.initialize(repeating: 0)
      var repeated = 0
      for index in 0..<values {
        let word = unsafe UInt64(
          littleEndian: UnsafeRawPointer(base).loadUnaligned(
            fromByteOffset: index &* unit, as: UInt64.self))
        let value = unit < 8 ? word & ((1 &<< UInt64(8 &* unit)) &- 1) : word
        let place = Int(truncatingIfNeeded: (value &* 0x9E37_79B9_7F4A_7C15) &>> 50)
        let bit: UInt64 = 1 &<< UInt64(place & 63)
        if unsafe bits[place &>> 6] & bit != 0 { repeated &+= 1 }
        unsafe bits[place &>> 6] |= bit
      }
      return repeated > values / 8
    }
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

  /// A stream's bytes: where they stand, or in a buffer, in place of what that held. Behind them eight more can be
  /// read.
  func bytes(
    _ base: UnsafePointer<UInt8>, _ stream: Stream, _ buffer: inout ByteBuffer
  ) throws(ChunkDefect) -> UnsafePointer<UInt8> {
    // Behind a chunk's columns stands its checksum.
    if stream.stored == stream.count { return unsafe base + stream.start }
    buffer.clear(keepingAtMost: Self.bytesKept)
    buffer.reserve(stream.count)
    unsafe try read(base, stream, to: buffer.base)
    buffer.count = stream.count
    return unsafe UnsafePointer(buffer.base)
  }
}
