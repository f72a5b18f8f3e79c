/// An array of plain values for the loop over records: without a count of references to check at
/// each change, and without bounds checks in release builds. The fence around its memory.
///
/// A reference: copies of what holds a table share it. One thread changes a table; many may read one
/// that no longer changes.
@safe
final class PlainTable<Element: BitwiseCopyable>: @unchecked Sendable {
  private(set) var count: Int
  private var capacity: Int
  private var base: UnsafeMutablePointer<Element>

  init() {
    count = 0
    capacity = 16
    unsafe base = .allocate(capacity: capacity)
  }

  init(repeating element: Element, count: Int) {
    self.count = count
    capacity = count
    unsafe base = .allocate(capacity: count)
    unsafe base.initialize(repeating: element, count: count)
  }

  init(_ elements: [Element]) {
    count = elements.count
    capacity = max(elements.count, 1)
    unsafe base = .allocate(capacity: capacity)
    for (index, element) in elements.enumerated() {
      unsafe (base + index).initialize(to: element)
    }
  }

  deinit { unsafe base.deallocate() }

  @inline(__always)
  subscript(index: Int) -> Element {
    _read {
      assert(index >= 0 && index < count)
      yield unsafe base[index]
    }
    _modify {
      assert(index >= 0 && index < count)
      yield unsafe &base[index]
    }
  }

  @inline(__always)
  func append(_ element: Element) {
    if count == capacity { grow() }
    unsafe (base + count).initialize(to: element)
    count += 1
  }

  @inline(never)
  private func grow() {
    let larger = UnsafeMutablePointer<Element>.allocate(capacity: capacity * 2)
    unsafe larger.initialize(from: base, count: count)
    unsafe base.deallocate()
    unsafe base = unsafe larger
    capacity *= 2
  }

  /// Empties the table, and makes room.
  func removeAll(reserving capacity: Int) {
    if capacity > self.capacity { clear(capacity: capacity) }
    count = 0
  }

  /// Changes the number of elements; what new ones are is to be set.
  func resize(to count: Int) {
    if count > capacity { clear(capacity: count) }
    self.count = count
  }

  /// Lends all elements.
  func withSpan(_ body: (Span<Element>) -> Void) {
    body(unsafe Span(_unsafeStart: base, count: count))
  }

  func sort(_ range: Range<Int>, by precedes: (Element, Element) -> Bool) {
    precondition(range.lowerBound >= 0 && range.upperBound <= count)
    var part = unsafe UnsafeMutableBufferPointer(
      start: base + range.lowerBound, count: range.count)
    unsafe part.sort(by: precedes)
  }

  private func clear(capacity: Int) {
    unsafe base.deallocate()
    unsafe base = .allocate(capacity: capacity)
    self.capacity = capacity
    count = 0
  }

  /// Replaces all elements.
  func clear(repeating element: Element, count: Int) {
    if count > capacity { clear(capacity: count) }
    unsafe base.initialize(repeating: element, count: count)
    self.count = count
  }
}
