public import CBytes
internal import Glibc

/// Bytes of a block, read without bounds checks in release builds.
///
/// The fence around the reading loops' only unsafe access: a view is valid while its ``Block``
/// holds the same content; debug builds check every index. `padding` bytes after the end are
/// readable too (and mean nothing), so that words can be loaded at any position.
@frozen
@safe
public struct ByteView {
  /// Readable bytes behind the last one.
  public static let padding = 64

  @usableFromInline let base: UnsafePointer<UInt8>
  /// Bytes in the view, the padding not counted.
  public let count: Int

  /// - Parameter base: the first byte, followed by `count` − 1 more and by the padding.
  @inlinable
  public init(base: UnsafePointer<UInt8>, count: Int) {
    unsafe self.base = unsafe base
    self.count = count
  }

  /// The view without its first bytes.
  @inlinable
  @inline(__always)
  public func dropping(_ first: Int) -> ByteView {
    assert(first >= 0 && first <= count)
    return unsafe ByteView(base: base + first, count: count &- first)
  }

  @inlinable
  public subscript(index: Int) -> UInt8 {
    @inline(__always) get {
      assert(index >= 0 && index < count + Self.padding)
      return unsafe base[index]
    }
  }

  /// Two bytes from a position, the first in the lower bits.
  @inlinable
  @inline(__always)
  public func pair(at index: Int) -> UInt16 {
    assert(index >= 0 && index + 2 <= count + Self.padding)
    return unsafe UInt16(
      littleEndian: UnsafeRawPointer(base).loadUnaligned(fromByteOffset: index, as: UInt16.self))
  }

  /// Eight bytes from a position, the first in the lowest bits.
  @inlinable
  @inline(__always)
  public func word(at index: Int) -> UInt64 {
    assert(index >= 0 && index + 8 <= count + Self.padding)
    return unsafe UInt64(
      littleEndian: UnsafeRawPointer(base).loadUnaligned(fromByteOffset: index, as: UInt64.self))
  }

  /// Whether the sixteen bytes from a position, as far as they count, are a text.
  ///
  /// - Parameters:
  ///   - text: the first byte in the lowest bits; zeros where bytes do not count.
  ///   - mask: ones where they do.
  @inlinable
  @inline(__always)
  public func stands(_ text: duizhang_words, _ mask: duizhang_words, at index: Int) -> Bool {
    assert(index >= 0 && index + 16 <= count + Self.padding)
    return unsafe duizhang_stands(base + index, text, mask)
  }

  /// At most sixteen bytes from a position, the first in the lowest bits, with zeros behind them.
  @inlinable
  @inline(__always)
  public func words(at index: Int, count: Int) -> (first: UInt64, second: UInt64) {
    assert(index >= 0 && index + 16 <= self.count + Self.padding && count <= 16)
    let words = unsafe duizhang_load(base + index, count)
    return (words.first, words.second)
  }

  /// Calls `body` with the bytes of a range as a checked span.
  @inlinable
  @inline(__always)
  public func withSpan<Result>(
    _ start: Int, _ count: Int, _ body: (Span<UInt8>) -> Result
  ) -> Result {
    assert(start >= 0 && count >= 0 && start + count <= self.count)
    return unsafe body(
      Span(_unsafeElements: UnsafeBufferPointer(start: base + start, count: count)))
  }

  /// The position of the first `byte` at or after `start`; `count` where there is none.
  public func firstPosition(of byte: UInt8, from start: Int) -> Int {
    assert(start >= 0 && start <= count)
    guard let found = unsafe memchr(base + start, Int32(byte), count - start) else { return count }
    return unsafe UnsafeRawPointer(found) - UnsafeRawPointer(base)
  }

  /// The first position from `start` on of a byte or of a line end, which stands behind the content at
  /// the latest.
  @inlinable
  @inline(__always)
  public func position(ofLineEndOr byte: UInt8, from start: Int) -> Int {
    assert(start >= 0 && start <= count)
    return unsafe duizhang_find_either(base, start, byte, 0x0A)
  }

  /// The first position from `start` on of either byte; `end` where neither comes before that.
  @inlinable
  @inline(__always)
  public func position(ofEither first: UInt8, _ second: UInt8, from start: Int, to end: Int) -> Int
  {
    assert(start >= 0 && start <= end && end <= count)
    return unsafe duizhang_find_either_before(base, start, end, first, second)
  }

  /// A bit for each of the 64 bytes from a position, the first in the lowest: whether it ends a cell, as a
  /// delimiter, CR and LF do. The padding is marked too, and means nothing.
  @inlinable
  @inline(__always)
  public func cellEnds(_ delimiter: UInt8, at start: Int) -> UInt64 {
    assert(start >= 0 && start <= count)
    return unsafe duizhang_mark_cell_ends(base + start, delimiter)
  }

  /// The first position from `start` on of a stop, which line ends must be.
  @inlinable
  @inline(__always)
  public func position(of stops: duizhang_stops, from start: Int) -> Int {
    assert(start >= 0 && start <= count && stops.below > 0x0A)
    return unsafe duizhang_find_stop(base, start, stops)
  }

  /// The position behind the last `byte` within `start..<end`; `nil` where there is none.
  public func position(behindLast byte: UInt8, from start: Int, to end: Int) -> Int? {
    let pattern = UInt64(byte) &* 0x0101_0101_0101_0101
    let low: UInt64 = 0x7F7F_7F7F_7F7F_7F7F
    var end = end
    while end - start >= 8 {
      // The upper bit of each byte that is `byte`, eight at once.
      let difference = word(at: end - 8) ^ pattern
      let found = ~((difference & low) &+ low | difference | low)
      if found != 0 { return end - found.leadingZeroBitCount / 8 }
      end -= 8
    }
    while end > start {
      if self[end - 1] == byte { return end }
      end -= 1
    }
    return nil
  }

  /// The text of a range; what is not UTF-8 is shown as U+FFFD.
  public func text(_ start: Int, _ count: Int) -> String {
    withSpan(start, count) { span in
      var bytes: [UInt8] = []
      bytes.reserveCapacity(span.count)
      for index in span.indices { bytes.append(span[index]) }
      return String(decoding: bytes, as: UTF8.self)
    }
  }

  /// Calls `body` with the address of the first byte, for C functions.
  @inlinable
  public func withAddress<Result>(_ body: (UnsafePointer<UInt8>) -> Result) -> Result {
    unsafe body(base)
  }
}
