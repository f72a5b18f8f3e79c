import Decoding
import Formats

/// Cuts lines along a pattern: a literal text, a value up to the next literal text, and so on.
struct PatternReader {
  /// A piece of literal text of at most 16 bytes, and whether a value follows it.
  struct Step: BitwiseCopyable {
    var text = MaskedText()
    /// Whether the text goes on in the next step.
    var isContinued = false
    /// The slot of the value behind the text; −1 for one that nobody asks for.
    var slot = FormatPlan.none
    /// Whether a value follows, or else more text or the line's end.
    var hasValue = false
    /// The byte that the value's end begins with: the first of the next text, or a line end.
    var terminator: UInt8 = 0x0A
    /// Whether a backslash before the terminator makes it part of the value.
    var canEscape = false
  }

  private let steps: Steps<Step>
  /// Whether the last value may hold a blank; where a format is only guessed, it may not, since a
  /// longer line would pass for a shorter one.
  private let lastIsOpen: Bool
  /// Whether plain lines can be read as such, and their values that are hyphens are none.
  private let hasPlainLines: Bool
  private let dropsHyphens: Bool
  private let readsPlainRequests: Bool
  private let plainSteps: Steps<PlainLineReader.Step>

  init(_ pattern: LinePattern, _ plan: FormatPlan, isGuess: Bool) {
    let hyphen = [PlainLineReader.hyphen]
    hasPlainLines =
      !isGuess && (plan.absent.isEmpty || plan.absent == [hyphen]) && plan.comment.isEmpty
    dropsHyphens = !plan.absent.isEmpty
    lastIsOpen = !isGuess || pattern.pieces.last == .value("rest")
    var steps: [Step] = []
    func add(_ text: ArraySlice<UInt8>) {
      var step = Step()
      step.text = MaskedText(text)
      steps.append(step)
    }
    for piece in pattern.pieces {
      switch piece {
      case .text(let bytes):
        for start in stride(from: 0, to: bytes.count, by: MaskedText.bytesMax) {
          add(bytes[start..<min(start + MaskedText.bytesMax, bytes.count)])
          steps[steps.count - 1].isContinued = start + MaskedText.bytesMax < bytes.count
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
        let slot = plan.valueNames.firstIndex(of: name) ?? FormatPlan.none
        steps[steps.count - 1].slot = slot
      }
    }
    let plainSteps = steps.map { PlainLineReader.Step($0, plan) }
    self.plainSteps = Steps(plainSteps)
    readsPlainRequests = plan.request == nil || plainSteps.contains { $0.end == .request }
    // One behind the last, which is compared with and never reached.
    self.steps = Steps(steps + [Step()])
  }

  /// What reads a block's plain lines; `nil` where none are to be taken for such.
  func plainReader(quoted: TextStops.View, spaced: TextStops.View) -> PlainLineReader? {
    guard hasPlainLines else { return nil }
    return PlainLineReader(
      steps: plainSteps.view, readsRequests: readsPlainRequests, dropsHyphens: dropsHyphens,
      quoted: quoted, spaced: spaced)
  }

  /// Reads the line that begins at `start`.
  ///
  /// - Parameter bytes: the block's content, behind which stands a line end.
  /// - Returns: the position of the line's end; −1 where the line does not fit.
  @inline(__always)
  func read(_ bytes: ByteView, from start: Int, into slots: Slots) -> Int {
    let steps = self.steps
    var position = start
    for index in 0..<(steps.count &- 1) {
      guard steps[index].text.stands(bytes, at: position) else { return -1 }
      position &+= steps[index].text.count
      guard steps[index].hasValue else { continue }
      let value = position
      let terminator = steps[index].terminator
      var end = bytes.position(ofLineEndOr: terminator, from: value)
      if terminator == 0x0A {
        position = end
        if end > value && bytes[end &- 1] == 0x0D { end &-= 1 }
        if !lastIsOpen && bytes.position(ofEither: 0x20, 0x20, from: value, to: end) < end {
          return -1
        }
      } else {
        // Most ends are the first one that it could be.
        while true {
          guard bytes[end] == terminator else { return -1 }
          let isEscaped = steps[index].canEscape && Self.isEscaped(bytes, end, from: value)
          if !isEscaped && steps[index &+ 1].text.stands(bytes, at: end)
            && (!steps[index &+ 1].isContinued || goesOn(behind: index &+ 1, bytes, end))
          {
            break
          }
          end = bytes.position(ofLineEndOr: terminator, from: end &+ 1)
        }
        position = end
      }
      let slot = steps[index].slot
      if slot >= 0 { slots[slot] = Slice(start: value, count: end &- value) }
    }
    if position < bytes.count && bytes[position] == 0x0D { position &+= 1 }
    return position <= bytes.count && bytes[position] == 0x0A ? position : -1
  }

  /// Whether the rest of a text that begins with a step stands behind that.
  private func goesOn(behind first: Int, _ bytes: ByteView, _ start: Int) -> Bool {
    var index = first
    var position = start
    while steps[index].isContinued {
      position += steps[index].text.count
      index += 1
      guard position < bytes.count, steps[index].text.stands(bytes, at: position) else {
        return false
      }
    }
    return true
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
