import Decoding

/// Where the values of the line that is read lie: a slice for each number of a ``FormatPlan``.
///
/// The fence around a piece of memory: it belongs to its parser and stays as long as that.
@safe
struct Slots {
  private let words: UnsafeMutablePointer<UInt64>
  let count: Int

  /// - Parameter words: room for `count` words.
  init(words: UnsafeMutablePointer<UInt64>, count: Int) {
    unsafe self.words = unsafe words
    self.count = count
  }

  subscript(slot: Int) -> Slice {
    @inline(__always) get {
      assert(slot >= 0 && slot < count)
      return unsafe Slice(word: words[slot])
    }
    @inline(__always) nonmutating set {
      assert(slot >= 0 && slot < count)
      unsafe words[slot] = newValue.word
    }
  }

  @inline(__always)
  func clear() {
    for index in 0..<count { unsafe words[index] = 0 }
  }
}
