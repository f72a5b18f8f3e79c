internal import CLZ4

/// LZ4's legacy format: a magic number, then blocks of at most 8 MiB of text, each behind its stored
/// size, until another frame begins or the file ends. There are no checksums.
@safe
final class LZ4LegacyFrame: MemberFormat {
  static let magic: UInt32 = 0x184C_2102
  private static let blockBytesMax = 8 << 20
  /// What `blockBytesMax` bytes may take as stored.
  private static let storedBytesMax = blockBytesMax + blockBytesMax / 255 + 16

  let magic: [UInt8] = [0x02, 0x21, 0x4C, 0x18]
  let soughtByte: UInt8? = 0x02
  let hasOpenEnd = true
  let hasBlocksAlone = true
  private var stored = unsafe UnsafeMutableRawBufferPointer(start: nil, count: 0)
  private var text = unsafe UnsafeMutableRawBufferPointer(start: nil, count: 0)
  /// The part of the text that is still to be given.
  private var rest = 0..<0
  private var offset = 0

  deinit {
    unsafe stored.deallocate()
    unsafe text.deallocate()
  }

  func begins(_ head: UnsafeRawBufferPointer) -> Bool {
    unsafe head.count >= 4 && littleEndian(head, 0) == Self.magic
  }

  func plausiblyBegins(_ head: UnsafeRawBufferPointer) -> Bool {
    unsafe begins(head) && head.count >= 8 && isSize(littleEndian(head, 4))
  }

  private func isSize(_ size: UInt32) -> Bool { size > 0 && size <= UInt32(Self.storedBytesMax) }

  func start(_ source: ByteSource) {
    offset = source.offset
    source.take(4)
    rest = 0..<0
  }

  func read(
    _ source: ByteSource, into output: UnsafeMutableRawBufferPointer
  ) throws(Damage) -> MemberStep {
    if rest.isEmpty {
      let step = try readBlock(source)
      if step.isAtEnd || step.damage != nil { return step }
    }
    let count = min(rest.count, output.count)
    unsafe output.copyMemory(
      from: UnsafeRawBufferPointer(rebasing: text[rest.lowerBound..<(rest.lowerBound + count)]))
    rest.removeFirst(count)
    return MemberStep(written: count)
  }

  private func readBlock(_ source: ByteSource) throws(Damage) -> MemberStep {
    let head = unsafe try source.peek(4)
    let begin = source.offset
    if unsafe head.isEmpty { return MemberStep(isAtEnd: true) }
    guard head.count >= 4 else {
      source.take(head.count)
      return MemberStep(damage: truncated(source))
    }
    let size = unsafe littleEndian(head, 0)
    // Whatever else is no size begins another frame, or is none.
    guard isSize(size) else { return MemberStep(isAtEnd: true) }
    source.take(4)
    allocate()
    var filled = 0
    while filled < Int(size) {
      let input = unsafe try source.available()
      if unsafe input.isEmpty { return MemberStep(damage: truncated(source)) }
      let count = min(input.count, Int(size) - filled)
      unsafe UnsafeMutableRawBufferPointer(rebasing: stored[filled...])
        .copyMemory(from: UnsafeRawBufferPointer(rebasing: input[0..<count]))
      source.take(count)
      filled += count
    }
    let written = unsafe LZ4_decompress_safe(
      stored.baseAddress?.assumingMemoryBound(to: CChar.self),
      text.baseAddress?.assumingMemoryBound(to: CChar.self), Int32(size),
      Int32(Self.blockBytesMax))
    if written >= 0 {
      rest = 0..<Int(written)
      return MemberStep()
    }
    let damage = Damage(
      kind: .corrupt, byteOffset: begin, byteCount: source.offset - begin,
      detail: "a block is not valid in the legacy LZ4 frame that begins at byte \(offset)")
    // If its size was right the next block is where it should be.
    let next = unsafe try source.peek(8)
    let goesOn = unsafe next.count >= 4 && isSize(littleEndian(next, 0))
    return MemberStep(damage: damage, goesOn: goesOn)
  }

  private func allocate() {
    guard unsafe stored.baseAddress == nil else { return }
    unsafe stored = .allocate(byteCount: Self.storedBytesMax, alignment: 64)
    unsafe text = .allocate(byteCount: Self.blockBytesMax, alignment: 64)
  }

  private func truncated(_ source: ByteSource) -> Damage {
    Damage(
      kind: .truncated, byteOffset: source.offset,
      detail: "ends inside the legacy LZ4 frame that begins at byte \(offset)")
  }
}
