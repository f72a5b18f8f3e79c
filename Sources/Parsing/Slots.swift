import Decoding
import Formats

/// Where the values of the line that is read lie: a slice for each number of a ``FormatPlan``. Before them
/// lies the line's ``Call``, whose fields can be spoken of as slots with numbers below zero.
///
/// The fence around a piece of memory: it belongs to its parser and stays as long as that.
@safe
struct Slots {
  private let words: UnsafeMutablePointer<UInt64>
  let count: Int

  /// - Parameter words: room for `count` words, behind those of a call.
  init(words: UnsafeMutablePointer<UInt64>, count: Int) {
    unsafe self.words = unsafe words
    self.count = count
  }

  subscript(slot: Int) -> Slice {
    @inline(__always) get {
      assert(slot >= -Call.wordCount && slot < count)
      return unsafe Slice(word: words[slot])
    }
    @inline(__always) nonmutating set {
      assert(slot >= -Call.wordCount && slot < count)
      unsafe words[slot] = newValue.word
    }
  }

  /// Forgets the values from a number on, and those of the call.
  @inline(__always)
  func clear(from first: Int) {
    for index in 0..<Int(Field.textCount) { unsafe words[index &- Call.wordCount] = 0 }
    // Most often two, for which setting memory is no work for a function.
    var index = first
    while index < count {
      self[index] = .absent
      index &+= 1
    }
  }
}
