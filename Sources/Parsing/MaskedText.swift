import CBytes
import Decoding

/// A text of at most sixteen bytes, compared with those of a block at once.
struct MaskedText: BitwiseCopyable {
  static let bytesMax = 16

  private var text = duizhang_words()
  /// Which bytes count.
  private var mask = duizhang_words()
  private(set) var count = 0

  init() {}

  /// A text that stands nowhere.
  static var never: MaskedText {
    var text = MaskedText()
    text.text.first = 1
    return text
  }

  init(_ text: some Collection<UInt8>) {
    precondition(text.count <= Self.bytesMax)
    count = text.count
    for (index, byte) in text.enumerated() {
      let shift = UInt64(index % 8 * 8)
      if index < 8 {
        self.text.first |= UInt64(byte) << shift
        mask.first |= 0xFF << shift
      } else {
        self.text.second |= UInt64(byte) << shift
        mask.second |= 0xFF << shift
      }
    }
  }

  /// The first bytes of those from a position on, at most as many as it holds.
  init(_ bytes: ByteView, at start: Int, count: Int) {
    self.count = max(min(count, Self.bytesMax), 0)
    let words = bytes.words(at: start, count: self.count)
    text = duizhang_words(first: words.first, second: words.second)
    mask = duizhang_words(first: Self.ones(self.count), second: Self.ones(self.count - 8))
  }

  /// So many bytes of ones, at most eight, from the lowest on.
  private static func ones(_ count: Int) -> UInt64 {
    count <= 0 ? 0 : UInt64.max >> UInt64(64 - 8 * min(count, 8))
  }

  /// Whether the text stands at a position, from which sixteen bytes can be read.
  @inline(__always)
  func stands(_ bytes: ByteView, at position: Int) -> Bool {
    bytes.stands(text, mask, at: position)
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

  var view: View { unsafe View(elements: elements, count: count) }

  /// The same to hand around without counting references; valid as long as they are.
  @safe
  struct View {
    private let elements: UnsafeMutablePointer<Element>
    let count: Int

    init(elements: UnsafeMutablePointer<Element>, count: Int) {
      unsafe self.elements = unsafe elements
      self.count = count
    }

    @inline(__always)
    subscript(index: Int) -> Element {
      _read {
        assert(index >= 0 && index < count)
        yield unsafe elements[index]
      }
    }
  }
}
