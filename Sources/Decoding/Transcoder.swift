internal import Glibc

/// Gives as UTF-8 the text that another decoder gives in another encoding, by the C library's iconv.
///
/// What cannot be converted gives a byte 0xFF, which stands in no UTF-8 text: its line will be
/// quarantined, and not read as another. Conversion goes on behind one code unit of UTF-16, or behind
/// one byte of GB18030. No line end is lost with what is bad: its code unit is no half of a pair, and
/// its byte no part of a longer code.
@safe
final class Transcoder: Decoder {
  /// What stands behind the input.
  private enum Stop {
    case end
    case damage(Damage)
  }

  private static let inputBytes = 64 * 1024
  /// Room to convert into; smaller outputs are filled from what is held.
  private static let roomBytesMin = 64
  /// Bytes of output for which a byte of input is offered, so that there always is room: GB18030 has
  /// codes of two bytes for characters that take four.
  private static let growthMax = 2
  /// Bytes behind a damage that tell where code units begin.
  private static let alignmentBytes = 1024

  private let inner: any Decoder
  private let converter: iconv_t
  private let unitBytes: Int
  /// The place of a code unit's lower byte in it.
  private let lowByte: Int
  private let input: UnsafeMutableRawBufferPointer
  private var start = 0
  private var end = 0
  private var stop: Stop?
  /// Whether the input is only the beginning of a code.
  private var isCutOff = false
  private var isAlignmentUnknown = false
  private let held: UnsafeMutableRawBufferPointer
  private var heldStart = 0
  private var heldEnd = 0

  /// - Parameter encoding: GB18030, or UTF-16 in a known order of bytes.
  /// - Returns: `nil` where the C library has no converter for it.
  init?(_ inner: any Decoder, from encoding: TextEncoding) {
    guard let opened = unsafe iconv_open("UTF-8", encoding.name),
      Int(bitPattern: opened) != -1
    else { return nil }
    unsafe converter = unsafe opened
    self.inner = inner
    unitBytes = encoding == .gb18030 ? 1 : 2
    lowByte = encoding == .utf16BigEndian ? 1 : 0
    unsafe input = .allocate(byteCount: Self.inputBytes, alignment: 16)
    unsafe held = .allocate(byteCount: Self.roomBytesMin, alignment: 16)
  }

  deinit {
    unsafe _ = iconv_close(converter)
    unsafe input.deallocate()
    unsafe held.deallocate()
  }

  func decode(into output: UnsafeMutableRawBufferPointer) throws(Damage) -> Int {
    if heldStart == heldEnd {
      if output.count >= Self.roomBytesMin { return unsafe try fill(output) }
      heldEnd = unsafe try fill(held)
      heldStart = 0
    }
    let count = min(output.count, heldEnd - heldStart)
    unsafe output.copyMemory(
      from: UnsafeRawBufferPointer(rebasing: held[heldStart..<(heldStart + count)]))
    heldStart += count
    return count
  }

  /// Writes the next text into an output that has room.
  private func fill(_ output: UnsafeMutableRawBufferPointer) throws(Damage) -> Int {
    while true {
      if isAlignmentUnknown && passedOverHalf() {
        unsafe output[0] = 0xFF
        return 1
      }
      if start < end && !isCutOff {
        let written = unsafe convert(into: output)
        if written > 0 { return written }
      } else if start < end && stop != nil {
        passOver()
        unsafe output[0] = 0xFF
        return 1
      } else {
        switch stop {
        case nil: load()
        case .end: return 0
        case .damage(let damage):
          stop = nil
          isAlignmentUnknown = unitBytes == 2
          throw damage
        }
      }
    }
  }

  /// Converts up to the first bytes that cannot be, these included.
  private func convert(into output: UnsafeMutableRawBufferPointer) -> Int {
    let offered = min(end - start, output.count / Self.growthMax)
    var from = unsafe input.baseAddress.map {
      unsafe ($0 + start).assumingMemoryBound(to: CChar.self)
    }
    var fromCount = offered
    var to = unsafe output.baseAddress?.assumingMemoryBound(to: CChar.self)
    var toCount = output.count
    let result = unsafe iconv(converter, &from, &fromCount, &to, &toCount)
    let code = errno
    start += offered - fromCount
    let written = output.count - toCount
    if result != -1 { return written }
    switch code {
    case EILSEQ:
      passOver()
      unsafe output[written] = 0xFF
      return written + 1
    case EINVAL:
      isCutOff = start + fromCount == end
      return written
    case E2BIG: return written
    default: preconditionFailure("iconv: \(errorText(code))")
    }
  }

  /// Goes behind what cannot be converted: a code unit, or a byte.
  private func passOver() {
    start += min(unitBytes, end - start)
    isCutOff = false
  }

  /// Reads on behind what is not yet converted.
  private func load() {
    unsafe input.copyMemory(from: UnsafeRawBufferPointer(rebasing: input[start..<end]))
    end -= start
    start = 0
    isCutOff = false
    do throws(Damage) {
      let count = unsafe try inner.decode(
        into: UnsafeMutableRawBufferPointer(rebasing: input[end...]))
      end += count
      if count == 0 { stop = .end }
    } catch {
      stop = .damage(error)
    }
  }

  /// Finds where code units begin behind a damage, which may have taken any number of bytes.
  ///
  /// Logs have much ASCII, and the pair of bytes across two ASCII characters is none. So units begin
  /// with the second byte where that gives more of ASCII, line ends included; else with the first,
  /// as where a member begins with a character.
  ///
  /// - Returns: whether the second half of a unit was passed over.
  private func passedOverHalf() -> Bool {
    while end - start < Self.alignmentBytes && stop == nil { load() }
    isAlignmentUnknown = false
    guard end > start, asciiUnits(from: start + 1) > asciiUnits(from: start) else { return false }
    start += 1
    return true
  }

  private func asciiUnits(from first: Int) -> Int {
    let last = min(end, first + Self.alignmentBytes) - 2
    guard first <= last else { return 0 }
    return stride(from: first, through: last, by: 2).count { place in
      let low = unsafe input[place + lowByte]
      let high = unsafe input[place + 1 - lowByte]
      return high == 0 && (0x20...0x7E ~= low || 0x09...0x0D ~= low)
    }
  }
}
