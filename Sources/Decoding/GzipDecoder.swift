internal import CISAL

/// gzip (RFC 1952) by ISA-L: any number of members, header fields of every kind, CRC-32 and length
/// of each member verified.
@safe
final class GzipDecoder: Decoder {
  private let source: ByteSource
  private let state: UnsafeMutablePointer<inflate_state>
  /// Where the present member begins.
  private var memberOffset = 0
  private var isInMember = false
  private var isFinished = false
  private var pending: Damage?

  init(_ source: ByteSource) {
    self.source = source
    unsafe state = .allocate(capacity: 1)
    unsafe isal_inflate_init(state)
  }

  deinit { unsafe state.deallocate() }

  func decode(into output: UnsafeMutableRawBufferPointer) throws(Damage) -> Int {
    if let damage = pending {
      pending = nil
      throw damage
    }
    var written = 0
    while written < output.count && !isFinished {
      do throws(Damage) {
        if !isInMember {
          guard try startMember() else { break }
        }
        written += unsafe try inflate(
          into: UnsafeMutableRawBufferPointer(rebasing: output[written...]))
      } catch {
        isFinished = true
        guard written > 0 else { throw error }
        pending = error
      }
    }
    return written
  }

  /// Goes to the next member, over zero padding.
  ///
  /// - Returns: whether there is one.
  private func startMember() throws(Damage) -> Bool {
    var padding = 0
    while true {
      let input = unsafe try source.peek(2)
      guard unsafe !input.isEmpty else {
        isFinished = true
        return false
      }
      if unsafe input[0] == 0x1F && (input.count == 1 || input[1] == 0x8B) { break }
      guard unsafe input[0] == 0, source.offset > 0 else {
        throw Damage(
          kind: .garbage, byteOffset: source.offset,
          detail: "something that is no gzip member follows the member before it")
      }
      source.take(1)
      padding += 1
    }
    memberOffset = source.offset
    isInMember = true
    unsafe isal_inflate_reset(state)
    unsafe state.pointee.crc_flag = UInt32(ISAL_GZIP)
    return true
  }

  private func inflate(into output: UnsafeMutableRawBufferPointer) throws(Damage) -> Int {
    let input = unsafe try source.available()
    unsafe state.pointee.next_out = output.baseAddress?.assumingMemoryBound(to: UInt8.self)
    unsafe state.pointee.avail_out = UInt32(output.count)
    unsafe state.pointee.next_in = UnsafeMutablePointer(
      mutating: input.baseAddress?.assumingMemoryBound(to: UInt8.self))
    unsafe state.pointee.avail_in = UInt32(input.count)
    let result = unsafe isal_inflate(state)
    let taken = unsafe input.count - Int(state.pointee.avail_in)
    let written = unsafe output.count - Int(state.pointee.avail_out)
    source.take(taken)
    if unsafe result == ISAL_DECOMP_OK && state.pointee.block_state == ISAL_BLOCK_FINISH {
      isInMember = false
      return written
    }
    if result != ISAL_DECOMP_OK { pending = damage(result) }
    // No input, and nothing came of it: the file ends inside the member.
    if unsafe result == ISAL_DECOMP_OK && input.isEmpty && written == 0 {
      pending = Damage(
        kind: .truncated, byteOffset: source.offset,
        detail: "ends inside the gzip member that begins at byte \(memberOffset)")
    }
    if let damage = pending {
      isFinished = true
      guard written > 0 else {
        pending = nil
        throw damage
      }
    }
    return written
  }

  private func damage(_ result: Int32) -> Damage {
    let member = "in the gzip member that begins at byte \(memberOffset)"
    switch result {
    case ISAL_INCORRECT_CHECKSUM:
      return Damage(
        kind: .checksum, byteOffset: source.offset, detail: "CRC-32 or length is wrong \(member)")
    case ISAL_INVALID_WRAPPER, ISAL_UNSUPPORTED_METHOD:
      return Damage(
        kind: .corrupt, byteOffset: memberOffset, detail: "the header is not valid \(member)")
    default:
      return Damage(
        kind: .corrupt, byteOffset: source.offset,
        detail: "the compressed data is not valid \(member)")
    }
  }
}
