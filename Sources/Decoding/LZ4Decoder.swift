internal import CLZ4

/// LZ4 frames by liblz4: any number of them, linked and independent blocks, block and content
/// checksums verified, skippable frames passed over.
@safe
final class LZ4Decoder: Decoder {
  private let source: ByteSource
  private let context: OpaquePointer
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
      if unsafe input.isEmpty {
        isFinished = true
        guard isInFrame else { return 0 }
        throw Damage(
          kind: .truncated, byteOffset: source.offset,
          detail: "ends inside the LZ4 frame that begins at byte \(frameOffset)")
      }
      if !isInFrame {
        frameOffset = source.offset
        isInFrame = true
      }
      var taken = input.count
      var written = output.count
      let hint = unsafe LZ4F_decompress(
        context, output.baseAddress, &written, input.baseAddress, &taken, nil)
      if LZ4F_isError(hint) != 0 {
        isFinished = true
        throw damage(hint)
      }
      source.take(taken)
      if hint == 0 { isInFrame = false }
      if written > 0 { return written }
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
