/// Room behind a block's content for texts that stand in no line of it. A slice may lie there as well.
@safe
public struct Annex {
  private let base: UnsafeMutablePointer<UInt8>
  private let limit: Int
  /// The position of the next byte.
  public private(set) var end: Int
  /// Whether something did not fit.
  public private(set) var isFull = false

  init(base: UnsafeMutablePointer<UInt8>, start: Int, limit: Int) {
    unsafe self.base = unsafe base
    self.limit = limit
    end = start
  }

  @inline(__always)
  public mutating func append(_ byte: UInt8) {
    guard end < limit else {
      isFull = true
      return
    }
    unsafe base[end] = byte
    end &+= 1
  }

  public mutating func append(_ bytes: [UInt8]) {
    for byte in bytes { append(byte) }
  }

  /// Forgets what lies from a position on.
  public mutating func reset(to position: Int) {
    assert(position <= limit)
    end = position
    isFull = false
  }
}
