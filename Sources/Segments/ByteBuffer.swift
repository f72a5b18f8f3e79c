internal import Decoding
internal import Glibc

/// Bytes that grow, with room for words to be read and written behind the last one.
///
/// The fence around a piece of memory: those who write to `base` have reserved room before.
@safe
struct ByteBuffer: ~Copyable {
  private(set) var base: UnsafeMutablePointer<UInt8>
  private var capacity: Int
  var count = 0

  init(capacity: Int = 4096) {
    unsafe base = .allocate(capacity: capacity + ByteView.padding)
    unsafe base.initialize(repeating: 0, count: capacity + ByteView.padding)
    self.capacity = capacity
  }

  deinit { unsafe base.deallocate() }

  /// The bytes, valid until more are reserved.
  var view: ByteView { unsafe ByteView(base: UnsafePointer(base), count: count) }

  /// Makes room for more bytes.
  @inline(__always)
  mutating func reserve(_ more: Int) {
    if count &+ more > capacity { grow(more) }
  }

  @inline(never)
  private mutating func grow(_ more: Int) {
    let larger = max(2 * capacity, count + more)
    let memory = UnsafeMutablePointer<UInt8>.allocate(capacity: larger + ByteView.padding)
    unsafe memory.initialize(from: base, count: count)
    unsafe (memory + count).initialize(repeating: 0, count: larger + ByteView.padding - count)
    unsafe base.deallocate()
    unsafe base = unsafe memory
    capacity = larger
  }

  /// Gives memory back that was needed once.
  mutating func clear(keepingAtMost bytesMax: Int) {
    count = 0
    guard capacity > bytesMax else { return }
    self = ByteBuffer()
  }

  @inline(__always)
  mutating func append(_ byte: UInt8) {
    reserve(1)
    unsafe base[count] = byte
    count &+= 1
  }

  mutating func append(_ bytes: UnsafePointer<UInt8>, _ byteCount: Int) {
    reserve(byteCount)
    unsafe memcpy(base + count, bytes, byteCount)
    count += byteCount
  }

  mutating func appendVarint(_ number: UInt64) {
    reserve(10)
    count = unsafe Varint.write(number, to: base, at: count)
  }

  mutating func append16(_ number: UInt16) {
    for shift in stride(from: 0, to: 16, by: 8) {
      append(UInt8(truncatingIfNeeded: number >> shift))
    }
  }

  mutating func append32(_ number: UInt32) {
    for shift in stride(from: 0, to: 32, by: 8) {
      append(UInt8(truncatingIfNeeded: number >> shift))
    }
  }

  mutating func append64(_ number: UInt64) {
    for shift in stride(from: 0, to: 64, by: 8) {
      append(UInt8(truncatingIfNeeded: number >> shift))
    }
  }

  mutating func put32(_ number: UInt32, at offset: Int) {
    precondition(offset >= 0 && offset + 4 <= count)
    for index in 0..<4 {
      unsafe base[offset + index] = UInt8(truncatingIfNeeded: number >> (8 * UInt32(index)))
    }
  }

  var array: [UInt8] { unsafe Array(UnsafeBufferPointer(start: base, count: count)) }

  var raw: UnsafeRawBufferPointer { unsafe UnsafeRawBufferPointer(start: base, count: count) }
}

/// Numbers in as many bytes as they need: seven bits each, the lowest first, the eighth set where another
/// byte follows (LEB128).
enum Varint {
  static let bytesMax = 10

  /// Bytes that a number takes.
  @inline(__always)
  static func bytes(_ number: UInt64) -> Int { (70 &- (number | 1).leadingZeroBitCount) / 7 }

  /// - Returns: the position behind the number.
  @inline(__always)
  static func write(_ number: UInt64, to base: UnsafeMutablePointer<UInt8>, at position: Int) -> Int
  {
    var rest = number
    var position = position
    while rest >= 0x80 {
      unsafe base[position] = UInt8(truncatingIfNeeded: rest) | 0x80
      rest >>= 7
      position &+= 1
    }
    unsafe base[position] = UInt8(truncatingIfNeeded: rest)
    return position &+ 1
  }

  /// Small numbers for small numbers of either sign.
  @inline(__always)
  static func zigzag(_ number: Int64) -> UInt64 {
    UInt64(bitPattern: (number &<< 1) ^ (number &>> 63))
  }

  @inline(__always)
  static func unzigzag(_ number: UInt64) -> Int64 {
    Int64(bitPattern: number &>> 1) ^ (0 &- Int64(bitPattern: number & 1))
  }

  /// Reads a number and goes on behind it; `nil` where it does not end before `end` or in ten bytes.
  @inline(__always)
  static func read(
    _ base: UnsafePointer<UInt8>, _ position: inout Int, end: Int
  ) -> UInt64? {
    guard position < end else { return nil }
    let first = unsafe base[position]
    if first < 0x80 {
      position &+= 1
      return UInt64(first)
    }
    return unsafe readLong(base, &position, end: end)
  }

  private static func readLong(
    _ base: UnsafePointer<UInt8>, _ position: inout Int, end: Int
  ) -> UInt64? {
    var number: UInt64 = 0
    var shift: UInt64 = 0
    while position < end && shift < 64 {
      let byte = unsafe base[position]
      position &+= 1
      number |= UInt64(byte & 0x7F) &<< shift
      if byte < 0x80 { return shift == 63 && byte > 1 ? nil : number }
      shift &+= 7
    }
    return nil
  }
}
