internal import CLZ4
internal import CZlib
internal import Glibc

/// One log file being written in a codec. Used by one thread at a time; which one does not matter.
@safe
final class LogFile: @unchecked Sendable {
  // Sendable: the pool gives a file to one worker at a time, under its lock.
  private static let outputBytes = 1 << 18

  let path: String
  private let codec: SimulationOptions.Codec
  private let gzipLevel: Int
  private let descriptor: Int32
  private var deflater = unsafe z_stream()
  private var deflates = false
  private var lz4: OpaquePointer?
  private var output: [UInt8]
  /// When the file is to have been written, in milliseconds since 1970; `nil`: now.
  private let writtenAt: Int64?

  init(
    path: String, codec: SimulationOptions.Codec, gzipLevel: Int, writtenAt: Int64? = nil
  ) throws(SimulationError) {
    self.path = path
    self.writtenAt = writtenAt
    self.codec = codec
    self.gzipLevel = gzipLevel
    descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    output = []
    guard descriptor >= 0 else { throw .cannotWrite(path: path, reason: Self.systemReason()) }
  }

  deinit {
    if deflates { unsafe deflateEnd(&deflater) }
    if let lz4 = unsafe lz4 { unsafe LZ4F_freeCompressionContext(lz4) }
    if descriptor >= 0 { close(descriptor) }
  }

  /// The system's words for the last failure.
  static func systemReason() -> String {
    let code = errno
    guard let text = unsafe strerror(code) else { return "error \(code)" }
    return unsafe String(cString: text)
  }

  func write(_ bytes: Span<UInt8>) throws(SimulationError) {
    try begin()
    switch codec {
    case .plain: try put(bytes)
    case .gzip: try deflateBytes(bytes, flush: Z_NO_FLUSH)
    case .lz4: try compressLZ4(bytes)
    }
  }

  /// Ends the compressed stream. Nothing may be written after it.
  func finish() throws(SimulationError) {
    try begin()
    switch codec {
    case .plain: break
    case .gzip: try deflateBytes(Span(), flush: Z_FINISH)
    case .lz4:
      let count = unsafe output.withUnsafeMutableBytes {
        unsafe LZ4F_compressEnd(lz4, $0.baseAddress, $0.count, nil)
      }
      try putLZ4(count)
    }
    if let writtenAt { try date(milliseconds: writtenAt) }
  }

  /// Dates the file as if it had been last written to then.
  private func date(milliseconds: Int64) throws(SimulationError) {
    let time = timespec(
      tv_sec: Int(milliseconds / 1_000), tv_nsec: Int(milliseconds % 1_000) * 1_000_000)
    let isDone = unsafe [time, time].withUnsafeBufferPointer {
      unsafe futimens(descriptor, $0.baseAddress) == 0
    }
    if !isDone { throw .cannotWrite(path: path, reason: Self.systemReason()) }
  }

  private func begin() throws(SimulationError) {
    switch codec {
    case .plain: return
    case .gzip:
      if deflates { return }
      // 15 window bits, and 16 for a gzip header, which zlib writes without time and name.
      let status = unsafe deflateInit2_(
        &deflater, Int32(gzipLevel), Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION,
        Int32(MemoryLayout<z_stream>.size))
      guard status == Z_OK else { throw .cannotCompress(path: path, library: "zlib") }
      deflates = true
      output = [UInt8](repeating: 0, count: Self.outputBytes)
    case .lz4:
      if unsafe lz4 != nil { return }
      guard unsafe LZ4F_isError(LZ4F_createCompressionContext(&lz4, UInt32(LZ4F_VERSION))) == 0
      else { throw .cannotCompress(path: path, library: "liblz4") }
      var preferences = LZ4F_preferences_t()
      preferences.frameInfo.blockSizeID = LZ4F_max256KB
      preferences.frameInfo.contentChecksumFlag = LZ4F_contentChecksumEnabled
      let bound = unsafe max(
        LZ4F_compressBound(Chunk.capacityBytes, &preferences), Int(LZ4F_HEADER_SIZE_MAX))
      output = [UInt8](repeating: 0, count: bound)
      let count = unsafe output.withUnsafeMutableBytes {
        unsafe LZ4F_compressBegin(lz4, $0.baseAddress, $0.count, &preferences)
      }
      try putLZ4(count)
    }
  }

  private func deflateBytes(_ bytes: Span<UInt8>, flush: Int32) throws(SimulationError) {
    let written = unsafe bytes.withUnsafeBufferPointer { input in
      unsafe deflater.next_in = UnsafeMutablePointer(mutating: input.baseAddress)
      unsafe deflater.avail_in = UInt32(input.count)
      return deflateAll(flush: flush)
    }
    switch written {
    case .success: return
    case .failure(let error): throw error
    }
  }

  private func deflateAll(flush: Int32) -> Result<Void, SimulationError> {
    while true {
      let (status, count) = unsafe output.withUnsafeMutableBufferPointer { buffer in
        unsafe deflater.next_out = buffer.baseAddress
        unsafe deflater.avail_out = UInt32(buffer.count)
        let status = unsafe deflate(&deflater, flush)
        return (status, unsafe buffer.count - Int(deflater.avail_out))
      }
      guard status != Z_STREAM_ERROR else {
        return .failure(.cannotCompress(path: path, library: "zlib"))
      }
      do throws(SimulationError) {
        try putOutput(count)
      } catch {
        return .failure(error)
      }
      if flush == Z_FINISH ? status == Z_STREAM_END : unsafe deflater.avail_out > 0 {
        return .success(())
      }
    }
  }

  private func compressLZ4(_ bytes: Span<UInt8>) throws(SimulationError) {
    let count = unsafe bytes.withUnsafeBufferPointer { input in
      unsafe output.withUnsafeMutableBytes {
        unsafe LZ4F_compressUpdate(
          lz4, $0.baseAddress, $0.count, input.baseAddress, input.count, nil)
      }
    }
    try putLZ4(count)
  }

  private func putLZ4(_ count: Int) throws(SimulationError) {
    guard LZ4F_isError(count) == 0 else { throw .cannotCompress(path: path, library: "liblz4") }
    try putOutput(count)
  }

  private func put(_ bytes: Span<UInt8>) throws(SimulationError) {
    let isWritten = unsafe bytes.withUnsafeBytes { unsafe writeAll($0) }
    if !isWritten { throw .cannotWrite(path: path, reason: Self.systemReason()) }
  }

  private func putOutput(_ count: Int) throws(SimulationError) {
    let isWritten = unsafe output.withUnsafeBytes { unsafe writeAll($0.prefix(count)) }
    if !isWritten { throw .cannotWrite(path: path, reason: Self.systemReason()) }
  }

  /// - Returns: false with `errno` set where the system refuses.
  private func writeAll(_ bytes: Slice<UnsafeRawBufferPointer>) -> Bool {
    unsafe writeAll(UnsafeRawBufferPointer(rebasing: bytes))
  }

  private func writeAll(_ bytes: UnsafeRawBufferPointer) -> Bool {
    var position = 0
    while position < bytes.count {
      let rest = unsafe UnsafeRawBufferPointer(rebasing: bytes[position...])
      let count = unsafe Glibc.write(descriptor, rest.baseAddress, rest.count)
      if count >= 0 {
        position += count
      } else if errno != EINTR {
        return false
      }
    }
    return true
  }
}
