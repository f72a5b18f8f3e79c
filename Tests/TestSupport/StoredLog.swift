internal import CLZ4
internal import CZlib
internal import CZstd
internal import Foundation

/// How a test stores a log's text.
public enum StoredCodec: String, Sendable, CaseIterable {
  case plain, gzip, bgzf, zlib, lz4, lz4Legacy, zstd

  public func stored(_ text: [UInt8]) -> [UInt8] {
    switch self {
    case .plain: text
    case .gzip: Compression.gzip(text)
    case .bgzf: Compression.bgzf(text)
    case .zlib: Compression.zlib(text)
    case .lz4: Compression.lz4(text)
    case .lz4Legacy: Compression.lz4Legacy(text)
    case .zstd: Compression.zstd(text)
    }
  }
}

/// Writers of the formats that the decoders read.
public enum Compression {
  /// One gzip member, written by zlib.
  ///
  /// - Parameter hasFixedCodes: whether the codes are those that need no table.
  public static func gzip(
    _ text: [UInt8], level: Int = 6, hasFixedCodes: Bool = false
  ) -> [UInt8] {
    deflate(
      text, level: level, windowBits: 31, strategy: hasFixedCodes ? Z_FIXED : Z_DEFAULT_STRATEGY)
  }

  /// One zlib stream.
  public static func zlib(_ text: [UInt8], level: Int = 6) -> [UInt8] {
    deflate(text, level: level, windowBits: 15)
  }

  /// gzip members of a part of the text each, with their sizes in an extra field, and an empty one.
  public static func bgzf(_ text: [UInt8], partBytes: Int = 65_280) -> [UInt8] {
    var bytes: [UInt8] = []
    for start in stride(from: 0, to: text.count, by: partBytes) {
      bytes += bgzfMember(Array(text[start..<min(start + partBytes, text.count)]))
    }
    return bytes + bgzfMember([])
  }

  private static func bgzfMember(_ text: [UInt8]) -> [UInt8] {
    var header = GzipHeader()
    header.extra = [0x42, 0x43, 2, 0, 0, 0]
    let size = gzipMember(text, header: header).count - 1
    header.extra = [0x42, 0x43, 2, 0, UInt8(size & 0xFF), UInt8(size >> 8)]
    return gzipMember(text, header: header)
  }

  /// Deflate data without any wrapper.
  public static func rawDeflate(_ text: [UInt8], level: Int = 6) -> [UInt8] {
    deflate(text, level: level, windowBits: -15)
  }

  private static func deflate(
    _ text: [UInt8], level: Int, windowBits: Int, strategy: Int32 = Z_DEFAULT_STRATEGY
  ) -> [UInt8] {
    var stream = unsafe z_stream()
    let code = unsafe deflateInit2_(
      &stream, Int32(level), Z_DEFLATED, Int32(windowBits), 8, strategy, zlibVersion(),
      Int32(MemoryLayout<z_stream>.size))
    precondition(code == Z_OK)
    defer { unsafe deflateEnd(&stream) }
    let bound = Int(unsafe deflateBound(&stream, UInt(text.count))) + 64
    var input = text
    var output = [UInt8](repeating: 0, count: bound)
    let written = unsafe input.withUnsafeMutableBufferPointer { from in
      unsafe output.withUnsafeMutableBufferPointer { to in
        unsafe stream.next_in = from.baseAddress
        unsafe stream.avail_in = UInt32(from.count)
        unsafe stream.next_out = to.baseAddress
        unsafe stream.avail_out = UInt32(to.count)
        let result = unsafe CZlib.deflate(&stream, Z_FINISH)
        precondition(result == Z_STREAM_END)
        return unsafe to.count - Int(stream.avail_out)
      }
    }
    return Array(output[..<written])
  }

  /// One gzip member around deflate data, with any header fields.
  public static func gzipMember(_ text: [UInt8], level: Int = 6, header: GzipHeader) -> [UInt8] {
    var bytes = header.bytes
    bytes += rawDeflate(text, level: level)
    bytes += littleEndian(crc(text))
    bytes += littleEndian(UInt32(truncatingIfNeeded: text.count))
    return bytes
  }

  static func crc(_ bytes: [UInt8]) -> UInt32 {
    UInt32(
      truncatingIfNeeded: unsafe bytes.withUnsafeBufferPointer {
        unsafe crc32(0, $0.baseAddress, UInt32($0.count))
      })
  }

  static func littleEndian(_ number: UInt32) -> [UInt8] {
    (0..<4).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) }
  }

  /// One LZ4 frame with all checksums.
  public static func lz4(
    _ text: [UInt8], isLinked: Bool = true, blockChecksums: Bool = true,
    contentChecksum: Bool = true, blockSizeID: UInt32 = 4
  ) -> [UInt8] {
    var preferences = LZ4F_preferences_t()
    preferences.frameInfo.blockSizeID = LZ4F_blockSizeID_t(blockSizeID)
    preferences.frameInfo.blockMode = isLinked ? LZ4F_blockLinked : LZ4F_blockIndependent
    preferences.frameInfo.blockChecksumFlag =
      blockChecksums ? LZ4F_blockChecksumEnabled : LZ4F_noBlockChecksum
    preferences.frameInfo.contentChecksumFlag =
      contentChecksum ? LZ4F_contentChecksumEnabled : LZ4F_noContentChecksum
    var output = [UInt8](
      repeating: 0, count: Int(unsafe LZ4F_compressFrameBound(text.count, &preferences)))
    let written = unsafe text.withUnsafeBytes { from in
      unsafe output.withUnsafeMutableBytes { to in
        unsafe LZ4F_compressFrame(
          to.baseAddress, to.count, from.baseAddress, from.count, &preferences)
      }
    }
    precondition(LZ4F_isError(written) == 0)
    return Array(output[..<written])
  }

  /// One frame of LZ4's legacy format.
  public static func lz4Legacy(_ text: [UInt8]) -> [UInt8] {
    var bytes = littleEndian(0x184C_2102)
    let blockBytes = 8 << 20
    for start in stride(from: 0, to: text.count, by: blockBytes) {
      let block = Array(text[start..<min(start + blockBytes, text.count)])
      var output = [UInt8](repeating: 0, count: Int(LZ4_compressBound(Int32(block.count))))
      let count = unsafe block.withUnsafeBytes { from in
        unsafe output.withUnsafeMutableBytes { to in
          unsafe LZ4_compress_default(
            from.bindMemory(to: CChar.self).baseAddress, to.bindMemory(to: CChar.self).baseAddress,
            Int32(from.count), Int32(to.count))
        }
      }
      precondition(count > 0)
      bytes += littleEndian(UInt32(count)) + output[..<Int(count)]
    }
    return bytes
  }

  /// One Zstandard frame.
  ///
  /// - Parameter windowLog: of a writer that does not know how much is to come; 0: one that does.
  public static func zstd(
    _ text: [UInt8], level: Int32 = 3, hasChecksum: Bool = true, windowLog: Int32 = 0
  ) -> [UInt8] {
    guard let context = unsafe ZSTD_createCCtx() else { preconditionFailure("out of memory") }
    defer { unsafe _ = ZSTD_freeCCtx(context) }
    unsafe _ = ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, level)
    unsafe _ = ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, hasChecksum ? 1 : 0)
    if windowLog > 0 {
      unsafe _ = ZSTD_CCtx_setParameter(context, ZSTD_c_windowLog, windowLog)
      unsafe _ = ZSTD_CCtx_setParameter(context, ZSTD_c_enableLongDistanceMatching, 1)
    }
    var output = [UInt8](repeating: 0, count: ZSTD_compressBound(text.count) + 64)
    let written = unsafe text.withUnsafeBytes { from in
      unsafe output.withUnsafeMutableBytes { to in
        var input = unsafe ZSTD_inBuffer(src: from.baseAddress, size: from.count, pos: 0)
        var room = unsafe ZSTD_outBuffer(dst: to.baseAddress, size: to.count, pos: 0)
        if windowLog > 0 {
          let code = unsafe ZSTD_compressStream2(context, &room, &input, ZSTD_e_continue)
          precondition(ZSTD_isError(code) == 0)
        }
        let code = unsafe ZSTD_compressStream2(context, &room, &input, ZSTD_e_end)
        precondition(code == 0)
        return unsafe room.pos
      }
    }
    return Array(output[..<written])
  }

  /// A frame that readers pass over.
  public static func skippableLZ4(_ content: [UInt8], magic: UInt8 = 0x50) -> [UInt8] {
    [magic, 0x2A, 0x4D, 0x18] + littleEndian(UInt32(content.count)) + content
  }
}

/// The optional fields of a gzip header (RFC 1952, section 2.3).
public struct GzipHeader: Sendable {
  public var extra: [UInt8]?
  public var name: [UInt8]?
  public var comment: [UInt8]?
  public var hasChecksum = false

  public init() {}

  public var bytes: [UInt8] {
    let flags: UInt8 =
      (hasChecksum ? 2 : 0) | (extra == nil ? 0 : 4) | (name == nil ? 0 : 8)
      | (comment == nil ? 0 : 16)
    var bytes: [UInt8] = [0x1F, 0x8B, 8, flags, 1, 2, 3, 4, 0, 3]
    if let extra {
      bytes += [UInt8(extra.count & 0xFF), UInt8(extra.count >> 8)] + extra
    }
    if let name { bytes += name + [0] }
    if let comment { bytes += comment + [0] }
    if hasChecksum {
      let checksum = Compression.crc(bytes)
      bytes += [UInt8(checksum & 0xFF), UInt8(checksum >> 8 & 0xFF)]
    }
    return bytes
  }
}

/// A folder that goes with the test.
public final class TemporaryFolder: Sendable {
  public let path: String

  public init() throws {
    let url = FileManager.default.temporaryDirectory
      .appendingPathComponent("duizhang-tests-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    path = url.path
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  /// Writes a file and gives its path.
  ///
  /// - Parameter writtenAt: microseconds since 1970 at which it is dated; `nil`: now.
  @discardableResult
  public func write(
    _ bytes: [UInt8], as name: String, writtenAt: Int64? = nil
  ) throws -> String {
    let path = "\(path)/\(name)"
    try Data(bytes).write(to: URL(fileURLWithPath: path))
    guard let writtenAt else { return path }
    let seconds = Int(writtenAt / 1_000_000)
    let time = timespec(tv_sec: seconds, tv_nsec: Int(writtenAt % 1_000_000) * 1_000)
    let code = unsafe [time, time].withUnsafeBufferPointer {
      unsafe utimensat(AT_FDCWD, path, $0.baseAddress, 0)
    }
    guard code == 0 else { throw CocoaError(.fileWriteUnknown) }
    return path
  }
}

/// Test data beside the project, which is not part of it.
public enum SharedFixtures {
  /// The folder, `nil` where it is absent: `DUIZHANG_SHARED`, or `../shared`.
  public static var folder: String? {
    let path = ProcessInfo.processInfo.environment["DUIZHANG_SHARED"] ?? "../shared"
    return FileManager.default.fileExists(atPath: "\(path)/fixtures") ? "\(path)/fixtures" : nil
  }
}
