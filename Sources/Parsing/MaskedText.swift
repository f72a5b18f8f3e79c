import Decoding

/// A text of at most sixteen bytes, compared with those of a block at once.
struct MaskedText: BitwiseCopyable {
  static let bytesMax = 16

  /// The first and the second eight bytes, and which of them count.
  private var head: UInt64 = 0
  private var headMask: UInt64 = 0
  private var tail: UInt64 = 0
  private var tailMask: UInt64 = 0
  private(set) var count = 0

  init() {}

  init(_ text: some Collection<UInt8>) {
    precondition(text.count <= Self.bytesMax)
    count = text.count
    for (index, byte) in text.enumerated() {
      let shift = UInt64(index % 8 * 8)
      if index < 8 {
        head |= UInt64(byte) << shift
        headMask |= 0xFF << shift
      } else {
        tail |= UInt64(byte) << shift
        tailMask |= 0xFF << shift
      }
    }
  }

  /// Whether the text stands at a position, from which sixteen bytes can be read.
  @inline(__always)
  func stands(_ bytes: ByteView, at position: Int) -> Bool {
    bytes.word(at: position) & headMask == head && bytes.word(at: position &+ 8) & tailMask == tail
  }
}

/// Values that are looked at for every line, where they lie: reading an array there would count its
/// references each time.
@safe
final class Steps<Element: BitwiseCopyable>: @unchecked Sendable {
  private let elements: UnsafeMutablePointer<Element>
  let count: Int

  init(_ elements: [Element]) {
    count = elements.count
    unsafe self.elements = .allocate(capacity: max(count, 1))
    for (index, element) in elements.enumerated() {
      unsafe (self.elements + index).initialize(to: element)
    }
  }

  deinit { unsafe elements.deallocate() }

  @inline(__always)
  subscript(index: Int) -> Element {
    _read {
      assert(index >= 0 && index < count)
      yield unsafe elements[index]
    }
  }
}
