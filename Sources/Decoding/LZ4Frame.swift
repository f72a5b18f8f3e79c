internal import CLZ4

/// LZ4 frames by liblz4: linked and independent blocks, block and content checksums verified.
@safe
final class LZ4Frame: MemberFormat {
  static let magic: UInt32 = 0x184D_2204
  /// The shortest header of a frame.
  private static let headerBytesMin = 7
  private static let blockHeaderBytes = 4

  let magic: [UInt8] = [0x04, 0x22, 0x4D, 0x18]
  let soughtByte: UInt8? = 0x04
  private let context: OpaquePointer
  /// Bytes that the library asks for next.
  private var wanted = headerBytesMin
  /// Whether the last call filled the output.
  private var mayHoldText = false
  private var offset = 0

  init() {
    var created: OpaquePointer?
    let code = unsafe LZ4F_createDecompressionContext(&created, UInt32(LZ4F_VERSION))
    guard LZ4F_isError(code) == 0, let context = unsafe created else {
      preconditionFailure("out of memory")
    }
    unsafe self.context = unsafe context
  }

  deinit { unsafe _ = LZ4F_freeDecompressionContext(context) }

  func begins(_ head: UnsafeRawBufferPointer) -> Bool {
    unsafe head.count >= 4 && littleEndian(head, 0) == Self.magic
  }

  /// The version, no reserved bits, and a size of blocks that the format knows.
  func plausiblyBegins(_ head: UnsafeRawBufferPointer) -> Bool {
    unsafe begins(head) && head.count >= Self.headerBytesMin && head[4] & 0xC2 == 0x40
      && head[5] & 0x8F == 0 && head[5] >= 0x40
  }

  func start(_ source: ByteSource) {
    offset = source.offset
    wanted = Self.headerBytesMin
    mayHoldText = false
    unsafe LZ4F_resetDecompressionContext(context)
  }

  /// A whole frame ends with an empty block, and a checksum where its header says so. A block's size that
  /// is wrong makes the library wait for more.
  func mayHaveOverrun(_ source: ByteSource, textBytes: Int) -> Bool {
    var info = LZ4F_frameInfo_t()
    var count = 0
    guard unsafe LZ4F_isError(LZ4F_getFrameInfo(context, &info, nil, &count)) == 0 else {
      return false
    }
    let checksumBytes = info.contentChecksumFlag == LZ4F_contentChecksumEnabled ? 4 : 0
    guard let last = unsafe source.lastTaken(Self.blockHeaderBytes + checksumBytes) else {
      return false
    }
    return unsafe littleEndian(last, 0) == 0
  }

  func read(
    _ source: ByteSource, into output: UnsafeMutableRawBufferPointer
  ) throws(Damage) -> MemberStep {
    let input = unsafe try source.available()
    // The library keeps what it decoded in a call that fails. It asks for a block and the header of
    // the next one; so it gets the block first, and the header alone when all text is out.
    let limit = wanted > Self.blockHeaderBytes ? wanted - Self.blockHeaderBytes : wanted
    var taken = mayHoldText ? 0 : min(input.count, limit)
    var written = output.count
    let offered = taken
    let hint = unsafe LZ4F_decompress(
      context, output.baseAddress, &written, input.baseAddress, &taken, nil)
    if LZ4F_isError(hint) != 0 {
      let damage = damage(hint, source)
      source.take(offered)
      return MemberStep(damage: damage)
    }
    source.take(taken)
    if hint == 0 { return MemberStep(written: written, isAtEnd: true) }
    wanted = hint
    mayHoldText = written == output.count
    if unsafe input.isEmpty && written == 0 {
      return MemberStep(
        damage: Damage(
          kind: .truncated, byteOffset: source.offset,
          detail: "ends inside the LZ4 frame that begins at byte \(offset)"))
    }
    return MemberStep(written: written)
  }

  private func damage(_ code: Int, _ source: ByteSource) -> Damage {
    let name = unsafe LZ4F_getErrorName(code).map { unsafe String(cString: $0) } ?? "error"
    let frame = "in the LZ4 frame that begins at byte \(offset) (\(name))"
    if name.contains("hecksum_invalid") {
      return Damage(
        kind: .checksum, byteOffset: source.offset, detail: "a checksum is wrong \(frame)")
    }
    return Damage(
      kind: .corrupt, byteOffset: source.offset, detail: "the data is not valid \(frame)")
  }
}
