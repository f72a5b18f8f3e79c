internal import CBytes
import Decoding

/// Where the texts of a block may end: at one of two bytes, a byte below a limit or what is no ASCII. Found
/// for all of a block at once, since that is many bytes at a time.
@safe
final class TextStops {
  /// What ends a quoted text: a quotation mark, a backslash, a control character.
  static let quoted = duizhang_stops(first: 0x22, second: 0x5C, below: 0x20)

  /// What ends a value that stands between blanks, a path, or a query's parameter: blanks, `"`, `#`, `%`,
  /// `&`, `+` and more, which few of them have.
  static let spaced = duizhang_stops(first: 0x3F, second: 0x5C, below: 0x2C)

  private let stops: duizhang_stops
  private var marks: UnsafeMutablePointer<UInt64>
  private var capacity = Block.bytesMax / 64 + 2

  /// - Parameter stops: line ends among them.
  init(_ stops: duizhang_stops) {
    self.stops = stops
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
    unsafe bytes.withAddress { unsafe duizhang_mark_stops($0, bytes.count, stops, marks) }
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
      // The marks from the byte on that has the first one: 57 to 64 of them, without a branch. Whether a
      // text lies in one word or in two cannot be foretold.
      let mark = unsafe Self.word(marks, start &>> 3) &>> (UInt64(truncatingIfNeeded: start) & 7)
      if mark != 0 { return start &+ mark.trailingZeroBitCount }
      var byte = start &>> 3 &+ 8
      while unsafe Self.word(marks, byte) == 0 { byte &+= 8 }
      return unsafe byte &<< 3 &+ Self.word(marks, byte).trailingZeroBitCount
    }

    @inline(__always)
    private static func word(_ marks: UnsafePointer<UInt64>, _ byte: Int) -> UInt64 {
      unsafe UInt64(
        littleEndian: UnsafeRawPointer(marks).loadUnaligned(fromByteOffset: byte, as: UInt64.self))
    }
  }
}

extension duizhang_stops {
  func contains(_ byte: UInt8) -> Bool {
    byte == first || byte == second || byte < below || byte >= 0x80
  }
}
