import Decoding
import Formats

/// Cuts lines along a pattern: a literal text, a value up to the next literal text, and so on.
struct PatternReader {
  /// A piece of literal text of at most 16 bytes, and whether a value follows it.
  private struct Step {
    var head: UInt64 = 0
    var headMask: UInt64 = 0
    var tail: UInt64 = 0
    var tailMask: UInt64 = 0
    var count = 0
    /// The slot of the value behind the text; −1 for one that nobody asks for.
    var slot = FormatPlan.none
    /// Whether a value follows, or else more text or the line's end.
    var hasValue = false
    /// The byte that the value's end begins with: the first of the next text, or a line end.
    var terminator: UInt8 = 0x0A
    /// Whether a backslash before the terminator makes it part of the value.
    var canEscape = false
  }

  private let steps: [Step]
  private let hasEscapes: Bool

  init(_ pattern: LinePattern, _ plan: FormatPlan) {
    hasEscapes = pattern.escaping != .none
    var steps: [Step] = []
    func add(_ text: ArraySlice<UInt8>) {
      var step = Step()
      step.count = text.count
      func word(_ bytes: ArraySlice<UInt8>) -> (UInt64, UInt64) {
        var value: UInt64 = 0
        var mask: UInt64 = 0
        for (index, byte) in bytes.enumerated() {
          value |= UInt64(byte) << UInt64(index * 8)
          mask |= 0xFF << UInt64(index * 8)
        }
        return (value, mask)
      }
      (step.head, step.headMask) = word(text.prefix(8))
      (step.tail, step.tailMask) = word(text.dropFirst(8))
      steps.append(step)
    }
    for piece in pattern.pieces {
      switch piece {
      case .text(let bytes):
        for start in stride(from: 0, to: bytes.count, by: 16) {
          add(bytes[start..<min(start + 16, bytes.count)])
        }
        if let before = steps.lastIndex(where: \.hasValue), let first = bytes.first {
          if steps[before].terminator == 0x0A {
            steps[before].terminator = first
            steps[before].canEscape = first == 0x22 && pattern.escaping != .none
          }
        }
      case .value(let name):
        if steps.isEmpty || steps[steps.count - 1].hasValue { add([]) }
        steps[steps.count - 1].hasValue = true
        steps[steps.count - 1].slot = plan.valueNames.firstIndex(of: name) ?? FormatPlan.none
      }
    }
    self.steps = steps
  }

  /// Reads the line that begins at `start`.
  ///
  /// - Parameter bytes: the block's content, behind which stands a line end.
  /// - Returns: the position of the line's end; −1 where the line does not fit.
  @inline(__always)
  func read(_ bytes: ByteView, from start: Int, into slots: Slots) -> Int {
    unsafe steps.withUnsafeBufferPointer { buffer in
      var position = start
      let count = buffer.count
      var index = 0
      while index < count {
        let step = unsafe buffer.baseAddress! + index
        index &+= 1
        guard unsafe Self.fits(step, bytes, position) else { return -1 }
        unsafe position &+= step.pointee.count
        guard unsafe step.pointee.hasValue else { continue }
        let value = position
        let terminator = unsafe step.pointee.terminator
        var end = bytes.position(ofLineEndOr: terminator, from: value)
        if terminator == 0x0A {
          position = end
          if end > value && bytes[end &- 1] == 0x0D { end &-= 1 }
        } else {
          // Most ends are the first one that it could be.
          while true {
            guard bytes[end] == terminator else { return -1 }
            let isEscaped = unsafe step.pointee.canEscape && Self.isEscaped(bytes, end, from: value)
            if unsafe !isEscaped && Self.fits(step + 1, bytes, end) { break }
            end = bytes.position(ofLineEndOr: terminator, from: end &+ 1)
          }
          position = end
        }
        let slot = unsafe step.pointee.slot
        if slot >= 0 { slots[slot] = Slice(start: value, count: end &- value) }
      }
      if position < bytes.count && bytes[position] == 0x0D { position &+= 1 }
      return position <= bytes.count && bytes[position] == 0x0A ? position : -1
    }
  }

  @inline(__always)
  private static func fits(_ step: UnsafePointer<Step>, _ bytes: ByteView, _ position: Int) -> Bool
  {
    // Words may reach beyond the content into its padding, which is no part of a text: a line end
    // stands before it.
    let head = bytes.word(at: position)
    let tail = bytes.word(at: position &+ 8)
    return unsafe head & step.pointee.headMask == step.pointee.head
      && tail & step.pointee.tailMask == step.pointee.tail
  }

  /// Whether an odd number of backslashes stands before a position.
  @inline(__always)
  private static func isEscaped(_ bytes: ByteView, _ position: Int, from start: Int) -> Bool {
    guard position > start && bytes[position &- 1] == 0x5C else { return false }
    var first = position
    while first > start && bytes[first &- 1] == 0x5C { first &-= 1 }
    return (position &- first) & 1 == 1
  }
}
