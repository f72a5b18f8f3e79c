internal import CLZ4
internal import Glibc

/// Why records could not be put aside on disk.
public struct SpillError: Error, Sendable, Hashable, CustomStringConvertible {
  public var directory: String
  public var detail: String

  public var description: String {
    "\(directory): temporary records cannot be kept here: \(detail); "
      + "free space there, or name another folder with TMPDIR, or allow more --memory"
  }
}

/// Where one chunk stands in a spill file.
public struct Extent: Sendable {
  var offset: Int
  private let stored: UInt32
  private let chunkSize: UInt32
  private let chunkRecordEnd: UInt32
  private let chunkTextStart: UInt32

  init(offset: Int, storedBytes: Int, size: Int, recordEnd: Int, textStart: Int) {
    self.offset = offset
    stored = UInt32(storedBytes)
    chunkSize = UInt32(size)
    chunkRecordEnd = UInt32(recordEnd)
    chunkTextStart = UInt32(textStart)
  }

  var storedBytes: Int { Int(stored) }
  /// The chunk's size, and how much of it are records and texts.
  var size: Int { Int(chunkSize) }
  var recordEnd: Int { Int(chunkRecordEnd) }
  var textStart: Int { Int(chunkTextStart) }

  /// Bytes of memory that the chunk takes when read back.
  public var memoryBytes: Int { size }

  /// Bytes that keeping the extent takes, in an array that may have grown to twice its need.
  @usableFromInline static let ownBytes = 2 * MemoryLayout<Extent>.stride
}

/// A temporary file without a name, gone with the process however that ends; chunks in it are
/// compressed with LZ4.
///
/// Extents may be written and read by any thread.
public final class SpillFile: @unchecked Sendable {
  static let regionBytes = 512 * 1024

  public let directory: String
  private let lock = Lock()
  private var descriptor: Int32 = -1
  private var end = 0

  /// - Parameter directory: where the file is made when it is first needed.
  public init(directory: String) { self.directory = directory }

  deinit { if descriptor >= 0 { _ = close(descriptor) } }

  /// Bytes written so far.
  public var bytesWritten: Int { lock.withLock { end } }

  /// Sets a stretch of the file aside for one writer.
  func reserve(_ count: Int) throws(SpillError) -> (descriptor: Int32, offset: Int) {
    try lock.withLock { () throws(SpillError) in
      if descriptor < 0 { try create() }
      defer { end += count }
      return (descriptor, end)
    }
  }

  private func create() throws(SpillError) {
    var template = Array("\(directory)/duizhang-XXXXXX".utf8CString)
    descriptor = unsafe template.withUnsafeMutableBufferPointer {
      unsafe mkstemp($0.baseAddress!)
    }
    guard descriptor >= 0 else { throw failure() }
    _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
    unsafe template.withUnsafeBufferPointer { unsafe _ = unlink($0.baseAddress!) }
  }

  private func failure() -> SpillError {
    let text = unsafe strerror(errno).map { unsafe String(cString: $0) }
    return SpillError(directory: directory, detail: text ?? "it failed")
  }

  func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(SpillError) {
    var written = 0
    while written < bytes.count {
      let count = unsafe pwrite(
        descriptor, bytes.baseAddress! + written, bytes.count - written, off_t(offset + written))
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else { throw failure() }
      written += count
    }
  }

  /// Reads bytes back.
  func bytes(at offset: Int, count: Int) throws(SpillError) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    let isRead = unsafe bytes.withUnsafeMutableBytes { buffer in
      unsafe fill(buffer, from: offset)
    }
    guard isRead else {
      throw SpillError(directory: directory, detail: "what was put aside cannot be read back")
    }
    return bytes
  }

  private func fill(_ buffer: UnsafeMutableRawBufferPointer, from offset: Int) -> Bool {
    var filled = 0
    while filled < buffer.count {
      let count = unsafe pread(
        descriptor, buffer.baseAddress! + filled, buffer.count - filled, off_t(offset + filled))
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else { return false }
      filled += count
    }
    return true
  }

  /// Reads a chunk back.
  ///
  /// - Parameter scratch: a buffer that is kept from call to call.
  public func read(
    _ extent: Extent, from pool: ChunkPool, scratch: inout [UInt8]
  ) throws(SpillError) -> Chunk {
    let recordBytes = extent.recordEnd - Chunk.headerBytes
    let textBytes = extent.size - extent.textStart
    let plainBytes = recordBytes + textBytes
    let needed = extent.storedBytes + plainBytes
    if scratch.count < needed { scratch = [UInt8](repeating: 0, count: needed) }
    let chunk = pool.take(size: extent.size)
    let decoded = unsafe scratch.withUnsafeMutableBytes { buffer -> Int32 in
      guard let base = buffer.baseAddress else { return -1 }
      let stored = unsafe UnsafeMutableRawBufferPointer(start: base, count: extent.storedBytes)
      guard unsafe fill(stored, from: extent.offset) else { return -1 }
      // Records alone go where they belong at once.
      let records = unsafe chunk.base + Chunk.headerBytes
      let plain = unsafe textBytes == 0 ? records : base + extent.storedBytes
      let count = unsafe LZ4_decompress_safe(
        base.assumingMemoryBound(to: CChar.self), plain.assumingMemoryBound(to: CChar.self),
        Int32(extent.storedBytes), Int32(plainBytes))
      guard Int(count) == plainBytes else { return -1 }
      if textBytes == 0 { return count }
      unsafe records.copyMemory(from: plain, byteCount: recordBytes)
      unsafe (chunk.base + extent.textStart).copyMemory(
        from: plain + recordBytes, byteCount: textBytes)
      return count
    }
    guard decoded >= 0 else {
      pool.give(back: chunk)
      throw SpillError(directory: directory, detail: "what was put aside cannot be read back")
    }
    chunk.recordEnd = extent.recordEnd
    chunk.textStart = extent.textStart
    return chunk
  }
}

/// Compresses chunks of one thread and writes them in large pieces.
public final class SpillWriter {
  /// What is put aside is soon read again: a faster pass over it is worth more than a smaller file.
  private static let acceleration: Int32 = 16

  private let file: SpillFile
  private var buffer: [UInt8] = []
  private var plain: [UInt8] = []
  private var used = 0
  private var regionOffset = 0

  public init(_ file: SpillFile) { self.file = file }

  /// Puts a chunk aside; its memory may be reused afterwards.
  ///
  /// - Returns: where it will stand; it can be read after ``flush()``.
  public func write(_ chunk: Chunk) throws(SpillError) -> Extent {
    let recordBytes = chunk.recordEnd - Chunk.headerBytes
    let textBytes = chunk.size - chunk.textStart
    let plainBytes = recordBytes + textBytes
    let bound = Int(LZ4_compressBound(Int32(plainBytes)))
    if used + bound > buffer.count {
      try writeBuffer()
      let region = max(SpillFile.regionBytes, bound)
      if buffer.count < region { buffer = [UInt8](repeating: 0, count: region) }
      regionOffset = try file.reserve(buffer.count).offset
    }
    // Records alone are compressed where they lie.
    let stored =
      unsafe textBytes == 0
      ? compress(
        UnsafeRawBufferPointer(start: chunk.base + Chunk.headerBytes, count: recordBytes), bound)
      : compressCopy(of: chunk, recordBytes, textBytes, bound)
    precondition(stored > 0 || plainBytes == 0, "LZ4 compresses into its own bound")
    defer { used += Int(stored) }
    return Extent(
      offset: regionOffset + used, storedBytes: Int(stored), size: chunk.size,
      recordEnd: chunk.recordEnd, textStart: chunk.textStart)
  }

  private func compressCopy(
    of chunk: Chunk, _ recordBytes: Int, _ textBytes: Int, _ bound: Int
  ) -> Int32 {
    let plainBytes = recordBytes + textBytes
    if plain.count < plainBytes { plain = [UInt8](repeating: 0, count: plainBytes) }
    unsafe plain.withUnsafeMutableBytes { target in
      guard let base = target.baseAddress else { return }
      unsafe base.copyMemory(from: chunk.base + Chunk.headerBytes, byteCount: recordBytes)
      unsafe (base + recordBytes).copyMemory(
        from: chunk.base + chunk.textStart, byteCount: textBytes)
    }
    return unsafe plain.withUnsafeBytes {
      unsafe compress(UnsafeRawBufferPointer(rebasing: $0[..<plainBytes]), bound)
    }
  }

  /// Compresses bytes behind what is in the buffer.
  private func compress(_ source: UnsafeRawBufferPointer, _ bound: Int) -> Int32 {
    unsafe buffer.withUnsafeMutableBytes { target in
      guard let from = source.baseAddress, let to = target.baseAddress else { return Int32(0) }
      return unsafe LZ4_compress_fast(
        from.assumingMemoryBound(to: CChar.self),
        (to + used).assumingMemoryBound(to: CChar.self), Int32(source.count), Int32(bound),
        Self.acceleration)
    }
  }

  /// Writes what is still in memory.
  public func flush() throws(SpillError) {
    try writeBuffer()
    buffer.removeAll(keepingCapacity: false)
  }

  private func writeBuffer() throws(SpillError) {
    guard used > 0 else { return }
    let count = used
    let failure: SpillError? = unsafe buffer.withUnsafeBytes { bytes in
      do throws(SpillError) {
        try unsafe file.write(UnsafeRawBufferPointer(rebasing: bytes[0..<count]), at: regionOffset)
        return nil
      } catch {
        return error
      }
    }
    if let failure { throw failure }
    used = 0
  }
}
