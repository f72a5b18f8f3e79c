internal import CISAL

/// gzip members (RFC 1952) and zlib streams (RFC 1950) by ISA-L: header fields of every kind, and
/// checksum and length of each member verified.
@safe
final class Inflater: MemberFormat {
  enum Wrapper {
    case gzip, zlib
  }

  static let gzipMagic: [UInt8] = [0x1F, 0x8B]

  private let wrapper: Wrapper
  private let state: UnsafeMutablePointer<inflate_state>
  /// Where the present member begins.
  private var offset = 0
  /// A gzip member's header as far as it is read, which may be in several pieces; the library by
  /// itself forgets in the second what the first said.
  private var header = unsafe isal_gzip_header()
  private var isHeaderRead = false
  /// The longest copy in deflate data.
  private static let copyBytesMax = 258
  /// The bytes of the present member as its header states them.
  private var statedBytes: Int?
  /// The beginning of a header that states them.
  private static let sizedHeaderBytes = 18
  /// What was noticed when the library had text that there was no room for; told behind that.
  private var damageAhead: Damage?
  /// The part of that text, in the library's buffer, that is still to be given.
  private var textAhead = 0..<0
  /// Of a zlib stream's text so far.
  private var adler: UInt32 = 1
  /// Whether a zlib stream's data is read, and its checksum is due.
  private var isAtTrailer = false

  init(_ wrapper: Wrapper) {
    self.wrapper = wrapper
    unsafe state = .allocate(capacity: 1)
    unsafe isal_inflate_init(state)
  }

  deinit { unsafe state.deallocate() }

  var magic: [UInt8] { wrapper == .gzip ? Self.gzipMagic : [0x78] }

  /// The two bytes of a zlib header are too common to be sought.
  var soughtByte: UInt8? { wrapper == .gzip ? 0x1F : nil }

  private var name: String { wrapper == .gzip ? "gzip member" : "zlib stream" }

  /// A window of 32 KiB, no dictionary, and the header's own check.
  static func isZlib(_ head: UnsafeRawBufferPointer) -> Bool {
    guard unsafe head.count >= 2 && head[0] == 0x78 else { return false }
    let flags = unsafe head[1]
    return (flags == 0x01 || flags == 0x9C || flags == 0xDA) && (0x7800 + Int(flags)) % 31 == 0
  }

  func begins(_ head: UnsafeRawBufferPointer) -> Bool {
    switch wrapper {
    case .gzip: unsafe head.count >= 2 && head[0] == 0x1F && head[1] == 0x8B
    case .zlib: unsafe Self.isZlib(head)
    }
  }

  /// Deflate, no reserved flags, and a level and a system that RFC 1952 knows.
  func plausiblyBegins(_ head: UnsafeRawBufferPointer) -> Bool {
    guard unsafe wrapper == .gzip && head.count >= 10 && begins(head) else { return false }
    let (method, flags, level, system) = unsafe (head[2], head[3], head[8], head[9])
    return method == 8 && flags & 0xE0 == 0 && (level == 0 || level == 2 || level == 4)
      && (system <= 13 || system == 255)
  }

  func start(_ source: ByteSource) {
    offset = source.offset
    damageAhead = nil
    unsafe isal_inflate_reset(state)
    switch wrapper {
    case .gzip:
      unsafe state.pointee.crc_flag = UInt32(ISAL_GZIP_NO_HDR_VER)
      unsafe isal_gzip_header_init(&header)
      isHeaderRead = false
    case .zlib:
      // With a zlib wrapper the library may take more than there is. So it gets the deflate data
      // alone.
      unsafe state.pointee.crc_flag = UInt32(ISAL_DEFLATE)
      source.take(2)
      adler = 1
      isAtTrailer = false
    }
  }

  /// By how much the length of a text that is wrong may differ from the one that it had: what the last
  /// blocks of deflate data give, since bad data is hardly read on for longer.
  private static let lengthErrorMax: UInt32 = 2 << 20

  /// A gzip member has its text's length in its last bytes, where data that is cut off has any bytes; it
  /// passes for a length once in a thousand times. A zlib stream has no length; what its last bytes are,
  /// nothing tells.
  func mayHaveOverrun(_ source: ByteSource, textBytes: Int) -> Bool {
    guard wrapper == .gzip else { return true }
    guard let last = unsafe source.lastTaken(4) else { return false }
    let length = unsafe littleEndian(last, 0)
    // Zeros are what a file system leaves of what a crash kept it from writing.
    if length == 0 { return true }
    let text = UInt32(truncatingIfNeeded: textBytes)
    return min(length &- text, text &- length) <= Self.lengthErrorMax
  }

  func read(
    _ source: ByteSource, into output: UnsafeMutableRawBufferPointer
  ) throws(Damage) -> MemberStep {
    if let damageAhead { return unsafe giveTextAhead(of: damageAhead, into: output) }
    if isAtTrailer { return try readTrailer(source) }
    if source.offset == offset {
      statedBytes = unsafe Self.statedBytes(try source.peek(Self.sizedHeaderBytes))
    }
    let input = unsafe try source.available()
    unsafe state.pointee.next_out = output.baseAddress?.assumingMemoryBound(to: UInt8.self)
    unsafe state.pointee.avail_out = UInt32(output.count)
    unsafe state.pointee.next_in = UnsafeMutablePointer(
      mutating: input.baseAddress?.assumingMemoryBound(to: UInt8.self))
    unsafe state.pointee.avail_in = UInt32(input.count)
    let result = unsafe wrapper == .zlib || isHeaderRead ? isal_inflate(state) : readHeader()
    let left = unsafe Int(state.pointee.avail_in)
    source.take(left <= input.count ? input.count - left : input.count)
    var step = MemberStep(written: unsafe output.count - Int(state.pointee.avail_out))
    if wrapper == .zlib {
      adler = unsafe isal_adler32(
        adler, output.baseAddress?.assumingMemoryBound(to: UInt8.self), UInt64(step.written))
    }
    if result != ISAL_DECOMP_OK {
      fail(&step, result, damage(result, source))
    } else if unsafe state.pointee.block_state == ISAL_BLOCK_FINISH {
      if wrapper == .zlib {
        // What it loaded and did not need is the checksum, and what follows.
        source.rewind(to: source.offset - Int(unsafe state.pointee.read_in_length) / 8)
        isAtTrailer = true
      } else if let statedBytes, statedBytes < source.offset - offset {
        step.damage = Damage(
          kind: .corrupt, byteOffset: source.offset,
          detail: "\(statedBytes) bytes are stated and \(source.offset - offset) were read "
            + "in the \(name) that begins at byte \(offset)")
      } else {
        step.isAtEnd = true
      }
    } else if unsafe input.isEmpty && step.written == 0 {
      // No input, and nothing came of it: the file ends inside the member.
      step.damage = truncated(source)
    }
    return step
  }

  /// What BGZF states, in the first extra field. No checksum covers the header: where the length of these
  /// fields is wrong, the member's text may be passed over with them, and another one be read as its own.
  private static func statedBytes(_ head: UnsafeRawBufferPointer) -> Int? {
    guard unsafe head.count >= sizedHeaderBytes && head[3] & 4 != 0,
      unsafe head[12] == 0x42 && head[13] == 0x43 && head[14] == 2 && head[15] == 0
    else { return nil }
    return unsafe Int(head[16]) + Int(head[17]) << 8 + 1
  }

  /// Reads on in a gzip member's header.
  private func readHeader() -> Int32 {
    let result = unsafe isal_read_gzip_header(state, &header)
    isHeaderRead = result == ISAL_DECOMP_OK
    return result == ISAL_END_INPUT ? ISAL_DECOMP_OK : result
  }

  /// Ends a member by a damage, behind the text that the library had decoded ahead of the output.
  private func fail(_ step: inout MemberStep, _ result: Int32, _ damage: Damage) {
    textAhead =
      unsafe Int(state.pointee.tmp_out_processed)..<Int(state.pointee.tmp_out_valid)
    if result == ISAL_INVALID_LOOKBACK || result == ISAL_INVALID_SYMBOL {
      // The library counts the copy that it could not make, and does not say how long that was. In
      // its place stands what was in memory before.
      let ahead = min(textAhead.count, Self.copyBytesMax)
      textAhead.removeLast(ahead)
      step.written -= min(step.written, Self.copyBytesMax - ahead)
    }
    if textAhead.isEmpty { step.damage = damage } else { damageAhead = damage }
  }

  private func giveTextAhead(
    of damage: Damage, into output: UnsafeMutableRawBufferPointer
  ) -> MemberStep {
    let count = min(textAhead.count, output.count)
    let text = unsafe duizhang_isal_text_ahead(state)
    let start = unsafe text.map { unsafe $0 + textAhead.lowerBound }
    unsafe output.copyMemory(from: UnsafeRawBufferPointer(start: start, count: count))
    textAhead.removeFirst(count)
    return MemberStep(written: count, damage: textAhead.isEmpty ? damage : nil)
  }

  /// Adler-32, the highest byte first.
  private func readTrailer(_ source: ByteSource) throws(Damage) -> MemberStep {
    let input = unsafe try source.peek(4)
    let bytes = unsafe Array(input.prefix(4))
    source.take(bytes.count)
    guard bytes.count == 4 else { return MemberStep(damage: truncated(source)) }
    let expected = bytes.reduce(0 as UInt32) { $0 << 8 | UInt32($1) }
    guard expected == adler else {
      return MemberStep(damage: damage(ISAL_INCORRECT_CHECKSUM, source))
    }
    return MemberStep(isAtEnd: true)
  }

  private func truncated(_ source: ByteSource) -> Damage {
    Damage(
      kind: .truncated, byteOffset: source.offset,
      detail: "ends inside the \(name) that begins at byte \(offset)")
  }

  private func damage(_ result: Int32, _ source: ByteSource) -> Damage {
    let member = "in the \(name) that begins at byte \(offset)"
    switch result {
    case ISAL_INCORRECT_CHECKSUM:
      let sums = wrapper == .gzip ? "CRC-32 or length" : "Adler-32"
      return Damage(
        kind: .checksum, byteOffset: source.offset, detail: "\(sums) is wrong \(member)")
    case ISAL_INVALID_WRAPPER, ISAL_UNSUPPORTED_METHOD:
      return Damage(
        kind: .corrupt, byteOffset: offset, detail: "the header is not valid \(member)")
    default:
      return Damage(
        kind: .corrupt, byteOffset: source.offset,
        detail: "the compressed data is not valid \(member)")
    }
  }
}
