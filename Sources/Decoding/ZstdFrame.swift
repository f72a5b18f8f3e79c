internal import CZstd

/// Zstandard frames by libzstd: windows of any size, and content checksums verified.
@safe
final class ZstdFrame: MemberFormat {
  static let magic: UInt32 = 0xFD2F_B528
  /// The largest window that the library knows: 2 GiB.
  private static let windowLogMax: Int32 = 31
  private static let blockHeaderBytes = 3

  let magic: [UInt8] = [0x28, 0xB5, 0x2F, 0xFD]
  let soughtByte: UInt8? = 0x28
  private let context: OpaquePointer
  /// Bytes that the library asks for next.
  private var wanted = 1
  /// Whether the last call filled the output.
  private var mayHoldText = false
  private var offset = 0

  init() {
    guard let context = unsafe ZSTD_createDCtx() else { preconditionFailure("out of memory") }
    unsafe self.context = unsafe context
    let code = unsafe ZSTD_DCtx_setParameter(context, ZSTD_d_windowLogMax, Self.windowLogMax)
    precondition(ZSTD_isError(code) == 0)
  }

  deinit { unsafe _ = ZSTD_freeDCtx(context) }

  func begins(_ head: UnsafeRawBufferPointer) -> Bool {
    unsafe head.count >= 4 && littleEndian(head, 0) == Self.magic
  }

  /// No bit that is reserved or not used, and no dictionary.
  func plausiblyBegins(_ head: UnsafeRawBufferPointer) -> Bool {
    unsafe begins(head) && head.count >= 6 && head[4] & 0x1B == 0
  }

  func start(_ source: ByteSource) {
    offset = source.offset
    _ = unsafe ZSTD_DCtx_reset(context, ZSTD_reset_session_only)
    wanted = 5
    mayHoldText = false
  }

  func read(
    _ source: ByteSource, into output: UnsafeMutableRawBufferPointer
  ) throws(Damage) -> MemberStep {
    let available = unsafe try source.available()
    // The library keeps what it decoded in a call that fails. It asks for a block and the header of
    // the next one; so it gets the block first, and the header alone when all text is out.
    let limit = wanted > Self.blockHeaderBytes ? wanted - Self.blockHeaderBytes : wanted
    let offered = mayHoldText ? 0 : min(available.count, limit)
    var input = unsafe ZSTD_inBuffer(src: available.baseAddress, size: offered, pos: 0)
    var room = unsafe ZSTD_outBuffer(dst: output.baseAddress, size: output.count, pos: 0)
    let hint = unsafe ZSTD_decompressStream(context, &room, &input)
    if ZSTD_isError(hint) != 0 {
      let damage = damage(hint, source)
      source.take(offered)
      return MemberStep(damage: damage)
    }
    let (taken, written) = unsafe (input.pos, room.pos)
    source.take(taken)
    mayHoldText = written == output.count
    if hint == 0 { return MemberStep(written: written, isAtEnd: true) }
    wanted = hint
    if unsafe available.isEmpty && written == 0 {
      return MemberStep(
        damage: Damage(
          kind: .truncated, byteOffset: source.offset,
          detail: "ends inside the Zstandard frame that begins at byte \(offset)"))
    }
    return MemberStep(written: written)
  }

  private func damage(_ code: Int, _ source: ByteSource) -> Damage {
    let name = unsafe ZSTD_getErrorName(code).map { unsafe String(cString: $0) } ?? "error"
    let frame = "in the Zstandard frame that begins at byte \(offset) (\(name))"
    if ZSTD_getErrorCode(code) == ZSTD_error_checksum_wrong {
      return Damage(
        kind: .checksum, byteOffset: source.offset, detail: "the checksum is wrong \(frame)")
    }
    return Damage(
      kind: .corrupt, byteOffset: source.offset, detail: "the data is not valid \(frame)")
  }
}
