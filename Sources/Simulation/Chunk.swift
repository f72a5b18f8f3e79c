internal import Glibc

/// A block of finished lines on its way from the generator to a compressor.
///
/// The only place where lines are written through a pointer: a line costs some forty appends, and
/// a bounds check for each would double that. A line is begun only where ``lineBytesMax`` are
/// free, and names in options are limited so that no line is longer.
@safe
final class Chunk: @unchecked Sendable {
  // Sendable: filled by one thread, then handed over through the pool's lock and only read.
  static let capacityBytes = 1 << 20
  static let lineBytesMax = 8_192

  private let base: UnsafeMutablePointer<UInt8>
  private(set) var byteCount = 0

  init() {
    unsafe base = UnsafeMutablePointer<UInt8>.allocate(capacity: Self.capacityBytes)
  }

  deinit { unsafe base.deallocate() }

  /// Whether another line fits.
  var hasRoom: Bool { byteCount + Self.lineBytesMax <= Self.capacityBytes }

  func withBytes<Failure: Error>(
    _ body: (Span<UInt8>) throws(Failure) -> Void
  ) throws(Failure) {
    let span = unsafe Span(_unsafeStart: base, count: byteCount)
    try body(span)
  }

  @inline(__always)
  func beginLine() -> LineCursor {
    precondition(hasRoom)
    return unsafe LineCursor(next: base + byteCount)
  }

  @inline(__always)
  func endLine(_ cursor: LineCursor) {
    byteCount = unsafe cursor.next - base
    precondition(byteCount <= Self.capacityBytes)
  }
}

/// Byte strings that lines are put together from, side by side in memory.
@safe
final class PieceTable {
  private let base: UnsafeMutablePointer<UInt8>
  private let capacityBytes: Int
  private var byteCount = 0

  init(capacityBytes: Int) {
    self.capacityBytes = capacityBytes
    unsafe base = UnsafeMutablePointer<UInt8>.allocate(capacity: capacityBytes)
  }

  deinit { unsafe base.deallocate() }

  func add(_ text: String) -> Piece {
    let start = byteCount
    for byte in text.utf8 {
      precondition(byteCount < capacityBytes)
      unsafe base[byteCount] = byte
      byteCount += 1
    }
    return unsafe Piece(start: UnsafePointer(base + start), byteCount: byteCount - start)
  }
}

/// A byte string of a ``PieceTable``, which must outlive it.
@safe
struct Piece {
  fileprivate let start: UnsafePointer<UInt8>
  let byteCount: Int
}

/// Where the next byte of a line goes.
@safe
struct LineCursor {
  fileprivate var next: UnsafeMutablePointer<UInt8>

  @inline(__always)
  mutating func append(_ byte: UInt8) {
    unsafe next.pointee = byte
    unsafe next += 1
  }

  @inline(__always)
  mutating func append(_ piece: Piece) {
    unsafe memcpy(next, piece.start, piece.byteCount)
    unsafe next += piece.byteCount
  }

  /// Two, three or four decimal digits, with leading zeros.
  @inline(__always)
  mutating func append(_ number: Int, digits: Int) {
    var rest = UInt32(truncatingIfNeeded: number)
    for position in stride(from: digits - 1, through: 0, by: -1) {
      unsafe next[position] = 0x30 &+ UInt8(truncatingIfNeeded: rest % 10)
      rest /= 10
    }
    unsafe next += digits
  }

  @inline(__always)
  mutating func append(decimal number: Int) {
    var digits = 1
    var bound = 10
    while number >= bound && digits < 18 {
      bound &*= 10
      digits += 1
    }
    var rest = UInt64(truncatingIfNeeded: number)
    for position in stride(from: digits - 1, through: 0, by: -1) {
      unsafe next[position] = 0x30 &+ UInt8(truncatingIfNeeded: rest % 10)
      rest /= 10
    }
    unsafe next += digits
  }

  /// The lowest `digits` hexadecimal digits of a number.
  @inline(__always)
  mutating func append(hexadecimal number: UInt64, digits: Int) {
    for position in 0..<digits {
      let nibble = UInt8(truncatingIfNeeded: number &>> UInt64((digits - 1 - position) * 4)) & 0xF
      unsafe next[position] = nibble < 10 ? 0x30 &+ nibble : 0x57 &+ nibble
    }
    unsafe next += digits
  }
}
