/// An array of plain values for the loop over records: without a count of references or exclusive access
/// to check at each change, and without bounds checks in release builds. The fence around its memory.
///
/// A reference: copies of what holds a table share it. One thread changes a table; many may read one
/// that no longer changes.
@safe
public final class PlainTable<Element: BitwiseCopyable>: @unchecked Sendable {
  @usableFromInline
  @safe
  struct Storage {
    @usableFromInline var count: Int
    @usableFromInline var capacity: Int
    @usableFromInline var base: UnsafeMutablePointer<Element>

    @inlinable
    init(count: Int, capacity: Int) {
      self.count = count
      self.capacity = capacity
      unsafe base = .allocate(capacity: capacity)
    }
  }

  // Behind a pointer: each access to a class's own variables would be checked.
  @usableFromInline let storage: UnsafeMutablePointer<Storage>

  @inlinable
  @inline(__always)
  public var count: Int { unsafe storage.pointee.count }

  @inlinable
  public init() {
    unsafe storage = .allocate(capacity: 1)
    unsafe storage.initialize(to: Storage(count: 0, capacity: 16))
  }

  @inlinable
  public init(repeating element: Element, count: Int) {
    unsafe storage = .allocate(capacity: 1)
    unsafe storage.initialize(to: Storage(count: count, capacity: count))
    unsafe storage.pointee.base.initialize(repeating: element, count: count)
  }

  @inlinable
  public init(_ elements: [Element]) {
    unsafe storage = .allocate(capacity: 1)
    unsafe storage.initialize(
      to: Storage(count: elements.count, capacity: Swift.max(elements.count, 1)))
    for (index, element) in elements.enumerated() {
      unsafe (storage.pointee.base + index).initialize(to: element)
    }
  }

  deinit {
    unsafe storage.pointee.base.deallocate()
    unsafe storage.deallocate()
  }

  @inlinable
  @inline(__always)
  public subscript(index: Int) -> Element {
    _read {
      assert(index >= 0 && index < count)
      yield unsafe storage.pointee.base[index]
    }
    _modify {
      assert(index >= 0 && index < count)
      yield unsafe &storage.pointee.base[index]
    }
  }

  @inlinable
  @inline(__always)
  public func append(_ element: Element) {
    let count = count
    if unsafe count == storage.pointee.capacity { grow() }
    unsafe (storage.pointee.base + count).initialize(to: element)
    unsafe storage.pointee.count = count + 1
  }

  @inlinable
  @inline(never)
  func grow() {
    let capacity = unsafe storage.pointee.capacity * 2
    let larger = UnsafeMutablePointer<Element>.allocate(capacity: capacity)
    unsafe larger.initialize(from: storage.pointee.base, count: count)
    unsafe storage.pointee.base.deallocate()
    unsafe storage.pointee.base = unsafe larger
    unsafe storage.pointee.capacity = capacity
  }

  /// Empties the table, and makes room.
  @inlinable
  public func removeAll(reserving capacity: Int) {
    if unsafe capacity > storage.pointee.capacity { clear(capacity: capacity) }
    unsafe storage.pointee.count = 0
  }

  /// Changes the number of elements; what new ones are is to be set.
  @inlinable
  public func resize(to count: Int) {
    if unsafe count > storage.pointee.capacity { clear(capacity: count) }
    unsafe storage.pointee.count = count
  }

  /// Lends all elements.
  @inlinable
  public func withSpan(_ body: (Span<Element>) -> Void) {
    body(unsafe Span(_unsafeStart: storage.pointee.base, count: count))
  }

  @inlinable
  public func sort(_ range: Range<Int>, by precedes: (Element, Element) -> Bool) {
    precondition(range.lowerBound >= 0 && range.upperBound <= count)
    var part = unsafe UnsafeMutableBufferPointer(
      start: storage.pointee.base + range.lowerBound, count: range.count)
    unsafe part.sort(by: precedes)
  }

  @inlinable
  func clear(capacity: Int) {
    unsafe storage.pointee.base.deallocate()
    unsafe storage.pointee = Storage(count: 0, capacity: capacity)
  }

  /// Replaces all elements.
  @inlinable
  public func clear(repeating element: Element, count: Int) {
    if unsafe count > storage.pointee.capacity { clear(capacity: count) }
    unsafe storage.pointee.base.initialize(repeating: element, count: count)
    unsafe storage.pointee.count = count
  }
}

extension PlainTable: RandomAccessCollection {
  @inlinable public var startIndex: Int { 0 }
  @inlinable public var endIndex: Int { count }
}
