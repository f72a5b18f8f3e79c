public import CBytes
public import Decoding

/// A text of any length in 16 bytes and a kind: short ones and hexadecimal ids are held whole,
/// longer ones by their first bytes and where the rest is in the record's chunk.
///
/// Each text has exactly one packed form, so that equal words of equal kind mean equal texts, and
/// unequal kinds unequal texts.
@frozen
public struct PackedText: Sendable {
  public enum Kind: UInt8, Sendable {
    /// Up to 15 bytes in order of significance, their number in the lowest byte; or, with 0x80
    /// there, the first 8 bytes, and the offset (32 bits) and length (24 bits) in the chunk.
    case text
    /// 32 hexadecimal digits, lower case: nginx's `$request_id`, a trace id.
    case hexadecimal
    /// A UUID in lower case (RFC 9562).
    case uuid
  }

  public var high: UInt64
  public var low: UInt64

  public static let empty = PackedText(high: 0, low: 0)
  public static let inlineBytesMax = 15
  /// The longest text that can be held, a little more than the longest line.
  public static let bytesMax = 1 << 24 - 1

  @inlinable
  @inline(__always)
  public init(high: UInt64, low: UInt64) {
    self.high = high
    self.low = low
  }

  @inlinable
  public var isEmpty: Bool { high == 0 && low == 0 }

  /// Whether the text lies in the chunk.
  @inlinable
  public var isExternal: Bool { low & 0x80 != 0 }

  @usableFromInline var externalOffset: Int { Int(low >> 32) }
  @usableFromInline var externalCount: Int { Int(low >> 8 & 0xFF_FFFF) }

  /// The packed form of bytes in a block, or how many bytes of a chunk it needs.
  @inlinable
  @inline(__always)
  public static func pack(
    _ bytes: ByteView, start: Int, count: Int
  ) -> (text: PackedText, kind: Kind, externalBytes: Int) {
    if count <= inlineBytesMax {
      return (inline(bytes, start: start, count: count), .text, 0)
    }
    if count == 32,
      let digits = hexadecimal(
        bytes.word(at: start), bytes.word(at: start &+ 8), bytes.word(at: start &+ 16),
        bytes.word(at: start &+ 24))
    {
      return (digits, .hexadecimal, 0)
    }
    if count == 36, let uuid = uuid(bytes, start) { return (uuid, .uuid, 0) }
    let text = PackedText(
      high: bytes.word(at: start).byteSwapped, low: UInt64(count) << 8 | 0x80)
    return (text, .text, count)
  }

  /// The packed form of at most ``inlineBytesMax`` bytes.
  @inlinable
  @inline(__always)
  public static func inline(_ bytes: ByteView, start: Int, count: Int) -> PackedText {
    // Without a branch on the length, which is different from text to text.
    let words = bytes.words(at: start, count: count)
    return PackedText(
      high: words.first.byteSwapped, low: words.second.byteSwapped | UInt64(count))
  }

  /// Thirty-two hexadecimal digits, the first in the lowest byte of the first word; `nil` where one
  /// is no lower-case hexadecimal digit.
  @inlinable
  @inline(__always)
  static func hexadecimal(
    _ first: UInt64, _ second: UInt64, _ third: UInt64, _ fourth: UInt64
  ) -> PackedText? {
    var number = duizhang_words()
    guard unsafe duizhang_hexadecimal(first, second, third, fourth, &number) else { return nil }
    return PackedText(high: number.first, low: number.second)
  }

  @inlinable
  @inline(__always)
  static func uuid(_ bytes: ByteView, _ start: Int) -> PackedText? {
    guard bytes[start + 8] == 0x2D, bytes[start + 13] == 0x2D, bytes[start + 18] == 0x2D,
      bytes[start + 23] == 0x2D
    else { return nil }
    // Groups of 8-4-4-4-12 digits: the two short ones beside each dash make one word.
    let second = bytes.word(at: start + 9) & 0xFFFF_FFFF | bytes.word(at: start + 14) << 32
    let third =
      bytes.word(at: start + 19) & 0xFFFF_FFFF
      | (bytes.word(at: start + 24) & 0xFFFF_FFFF) << 32
    return hexadecimal(bytes.word(at: start), second, third, bytes.word(at: start + 28))
  }
}

/// A packed text with its kind and the chunk that its rest lies in.
@frozen
public struct ChunkText {
  public let text: PackedText
  public let kind: PackedText.Kind
  @usableFromInline let chunk: Chunk

  @inlinable
  public init(_ text: PackedText, kind: PackedText.Kind, chunk: Chunk) {
    self.text = text
    self.kind = kind
    self.chunk = chunk
  }

  @inlinable
  public var isEmpty: Bool { text.isEmpty && kind == .text }

  /// Bytes that the text takes in its chunk.
  @inlinable
  public var externalBytes: Int {
    kind == .text && text.isExternal ? text.externalCount : 0
  }

  /// Whether both are the same text.
  @inlinable
  @inline(__always)
  public static func areEqual(_ left: ChunkText, _ right: ChunkText) -> Bool {
    guard left.kind == right.kind else { return false }
    if left.kind != .text || !left.text.isExternal {
      return left.text.high == right.text.high && left.text.low == right.text.low
    }
    return left.text.high == right.text.high && right.text.isExternal
      && externalOrder(left, right) == 0
  }

  /// Negative, zero or positive as `left` comes before, with or after `right` in byte order.
  @inlinable
  public static func order(_ left: ChunkText, _ right: ChunkText) -> Int {
    if left.kind == right.kind
      && (left.kind != .text || (!left.text.isExternal && !right.text.isExternal))
    {
      if left.text.high != right.text.high { return left.text.high < right.text.high ? -1 : 1 }
      if left.text.low != right.text.low { return left.text.low < right.text.low ? -1 : 1 }
      return 0
    }
    return externalOrder(left, right)
  }

  @usableFromInline
  static func externalOrder(_ left: ChunkText, _ right: ChunkText) -> Int {
    var first: [UInt8] = []
    var second: [UInt8] = []
    left.append(to: &first)
    right.append(to: &second)
    if first == second { return 0 }
    return first.lexicographicallyPrecedes(second) ? -1 : 1
  }

  /// Appends the text's bytes.
  public func append(to bytes: inout [UInt8]) {
    switch kind {
    case .text where text.isExternal:
      let start = unsafe chunk.base + text.externalOffset
      unsafe bytes.append(
        contentsOf: UnsafeRawBufferPointer(start: start, count: text.externalCount))
    case .text:
      let count = Int(text.low & 0xFF)
      for position in 0..<count {
        bytes.append(
          position < 8
            ? UInt8(truncatingIfNeeded: text.high >> UInt64(56 - position * 8))
            : UInt8(truncatingIfNeeded: text.low >> UInt64(120 - position * 8)))
      }
    case .hexadecimal:
      Self.appendDigits(text.high, 0..<16, to: &bytes)
      Self.appendDigits(text.low, 0..<16, to: &bytes)
    case .uuid:
      Self.appendDigits(text.high, 0..<8, to: &bytes)
      bytes.append(0x2D)
      Self.appendDigits(text.high, 8..<12, to: &bytes)
      bytes.append(0x2D)
      Self.appendDigits(text.high, 12..<16, to: &bytes)
      bytes.append(0x2D)
      Self.appendDigits(text.low, 0..<4, to: &bytes)
      bytes.append(0x2D)
      Self.appendDigits(text.low, 4..<16, to: &bytes)
    }
  }

  private static func appendDigits(_ word: UInt64, _ range: Range<Int>, to bytes: inout [UInt8]) {
    for position in range {
      let nibble = UInt8(truncatingIfNeeded: word >> UInt64(60 - position * 4)) & 0xF
      bytes.append(nibble < 10 ? 0x30 + nibble : 0x57 + nibble)
    }
  }

  /// A number that spreads texts evenly; equal for equal texts, in any chunk.
  @inlinable
  @inline(__always)
  public func hash(seed: UInt64) -> UInt64 {
    let low = externalBytes > 0 ? externalHash() : text.low
    return Self.hash(high: text.high, low: low, kind: kind, seed: seed)
  }

  /// The same number for a text that still lies in a block.
  ///
  /// - Parameter external: the block, where the text is too long to be held whole.
  @inlinable
  @inline(__always)
  public static func hash(
    _ text: PackedText, kind: PackedText.Kind, external: ByteView?, start: Int, count: Int,
    seed: UInt64
  ) -> UInt64 {
    var low = text.low
    if let external {
      low = external.withSpan(start, count) { span in
        unsafe span.withUnsafeBytes { unsafe hash($0.baseAddress!, count) }
      }
    }
    return hash(high: text.high, low: low, kind: kind, seed: seed)
  }

  @inlinable
  @inline(__always)
  static func hash(high: UInt64, low: UInt64, kind: PackedText.Kind, seed: UInt64) -> UInt64 {
    mix(high ^ seed, low ^ 0x9E37_79B9_7F4A_7C15 ^ UInt64(kind.rawValue) << 40)
  }

  @usableFromInline
  func externalHash() -> UInt64 {
    unsafe Self.hash(UnsafeRawPointer(chunk.base + text.externalOffset), text.externalCount)
  }

  @usableFromInline
  static func hash(_ start: UnsafeRawPointer, _ count: Int) -> UInt64 {
    var hash = UInt64(count)
    var position = 0
    while position + 8 <= count {
      let word = unsafe start.loadUnaligned(fromByteOffset: position, as: UInt64.self)
      hash = mix(hash ^ word, 0xD6E8_FEB8_6659_FD93)
      position += 8
    }
    while position < count {
      let byte = unsafe start.load(fromByteOffset: position, as: UInt8.self)
      hash = mix(
        hash ^ UInt64(byte),
        0xA076_1D64_78BD_642F)
      position += 1
    }
    return hash
  }

  /// Both halves of a 128-bit product, folded (as in wyhash).
  @inlinable
  @inline(__always)
  public static func mix(_ left: UInt64, _ right: UInt64) -> UInt64 {
    let product = left.multipliedFullWidth(by: right)
    return product.high ^ product.low
  }
}

extension PackedText {
  /// Copies a long text from a block into a chunk.
  ///
  /// - Returns: the packed form that points there.
  @inlinable
  public func stored(
    _ bytes: ByteView, start: Int, count: Int, in chunk: Chunk, at offset: Int
  ) -> PackedText {
    bytes.withSpan(start, count) { span in
      unsafe span.withUnsafeBytes {
        unsafe (chunk.base + offset).copyMemory(from: $0.baseAddress!, byteCount: count)
      }
    }
    return PackedText(high: high, low: low & 0xFFFF_FFFF | UInt64(offset) << 32)
  }
}

extension ChunkText {
  /// Copies the part of the text that lies in a chunk into another one.
  ///
  /// - Returns: the packed form that points there.
  public func copy(to target: Chunk, at offset: Int) -> PackedText {
    unsafe (target.base + offset).copyMemory(
      from: chunk.base + text.externalOffset, byteCount: text.externalCount)
    return PackedText(high: text.high, low: text.low & 0xFFFF_FFFF | UInt64(offset) << 32)
  }
}
