internal import CLZ4

/// LZ4 frames by liblz4: any number of them, linked and independent blocks, block and content
/// checksums verified, skippable frames passed over.
@safe
final class LZ4Decoder: Decoder {
  private let source: ByteSource
  private let context: OpaquePointer
  /// The shortest header of a frame.
  private static let headerBytesMin = 7
  /// Bytes that the library asks for next.
  private var wanted = headerBytesMin
  private var frameOffset = 0
  private var isInFrame = false
  private var isFinished = false

  init(_ source: ByteSource) {
    self.source = source
    var created: OpaquePointer?
    let code = unsafe LZ4F_createDecompressionContext(&created, UInt32(LZ4F_VERSION))
    guard LZ4F_isError(code) == 0, let context = unsafe created else {
      preconditionFailure("out of memory")
    }
    unsafe self.context = unsafe context
  }

  deinit { unsafe _ = LZ4F_freeDecompressionContext(context) }

  func decode(into output: UnsafeMutableRawBufferPointer) throws(Damage) -> Int {
    while !isFinished {
      let input = unsafe try source.available()
      if unsafe input.isEmpty && !isInFrame {
        isFinished = true
        return 0
      }
      if !isInFrame {
        frameOffset = source.offset
        isInFrame = true
      }
      // The library keeps what it decoded in a call that fails. So it gets no more than it asked
      // for: a block at a time, and the checksum of all of them alone.
      var taken = min(input.count, wanted)
      var written = output.count
      let hint = unsafe LZ4F_decompress(
        context, output.baseAddress, &written, input.baseAddress, &taken, nil)
      if LZ4F_isError(hint) != 0 {
        isFinished = true
        throw damage(hint)
      }
      source.take(taken)
      if hint == 0 { isInFrame = false }
      wanted = hint == 0 ? Self.headerBytesMin : hint
      if written > 0 { return written }
      if unsafe input.isEmpty {
        isFinished = true
        throw Damage(
          kind: .truncated, byteOffset: source.offset,
          detail: "ends inside the LZ4 frame that begins at byte \(frameOffset)")
      }
    }
    return 0
  }

  private func damage(_ code: Int) -> Damage {
    let name = unsafe LZ4F_getErrorName(code).map { unsafe String(cString: $0) } ?? "error"
    let frame = "in the LZ4 frame that begins at byte \(frameOffset) (\(name))"
    if name.contains("hecksum_invalid") {
      return Damage(
        kind: .checksum, byteOffset: source.offset, detail: "a checksum is wrong \(frame)")
    }
    if name.contains("frameType_unknown") && frameOffset > 0 {
      return Damage(
        kind: .garbage, byteOffset: frameOffset,
        detail: "something that is no LZ4 frame follows the frame before it")
    }
    return Damage(
      kind: .corrupt, byteOffset: source.offset, detail: "the data is not valid \(frame)")
  }
}
