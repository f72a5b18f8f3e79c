internal import CBytes
import Decoding

/// Where the texts of a block may end: at a quotation mark, a backslash, a control character or what is
/// no ASCII. Found for all of a block at once, since that is many bytes at a time.
@safe
final class TextStops {
  private var marks: UnsafeMutablePointer<UInt64>
  private var capacity = Block.bytesMax / 64 + 2

  init() {
    unsafe marks = .allocate(capacity: capacity)
    unsafe marks.initialize(repeating: 0, count: capacity)
  }

  deinit { unsafe marks.deallocate() }

  /// Finds the stops of a block, behind whose content stands a line end.
  func find(in bytes: ByteView) -> View {
    // One word more than is found, since two are looked at together.
    let count = bytes.count / 64 + 2
    if count > capacity {
      unsafe marks.deallocate()
      unsafe marks = .allocate(capacity: count)
      unsafe marks.initialize(repeating: 0, count: count)
      capacity = count
    }
    unsafe bytes.withAddress { unsafe duizhang_mark_stops($0, bytes.count, marks) }
    return unsafe View(marks: marks, count: bytes.count)
  }

  /// The stops of one block, valid until the next are looked for.
  @safe
  struct View {
    private let marks: UnsafePointer<UInt64>
    private let count: Int

    init(marks: UnsafePointer<UInt64>, count: Int) {
      unsafe self.marks = unsafe marks
      self.count = count
    }

    /// The position of the first stop at or after another position; at the latest that of the line end
    /// behind the content.
    @inline(__always)
    func position(from start: Int) -> Int {
      assert(start >= 0 && start <= count)
      var word = start &>> 6
      let shift = UInt64(truncatingIfNeeded: start) & 63
      // The marks of 64 bytes, from two words without a branch: whether a text lies in one word or in
      // two cannot be foretold.
      let mark = unsafe marks[word] &>> shift | (marks[word &+ 1] &<< 1) &<< (63 &- shift)
      if mark != 0 { return start &+ mark.trailingZeroBitCount }
      word &+= 1
      while unsafe marks[word] == 0 { word &+= 1 }
      return unsafe word &<< 6 &+ marks[word].trailingZeroBitCount
    }
  }
}
