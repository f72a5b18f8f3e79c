import CBytes
import Decoding

/// Reads lines along a pattern that have nothing out of the ordinary, in one pass with their requests: plain
/// ASCII without backslashes and control characters, each value ending where it first could, and a request
/// line as ``RequestReader/readPlain(_:_:from:into:)`` reads it. What it reads, it reads as
/// ``PatternReader`` does, which is for all other lines.
struct PlainLineReader {
  /// A piece of literal text and what is behind it.
  struct Step: BitwiseCopyable {
    var text = MaskedText()
    var end = End.none
    /// What the value ends with, where that is to be sought.
    var terminator: UInt8 = 0x0A
    /// Where the value goes.
    var slot = FormatPlan.none
    /// Has the step take a power of two of bytes.
    private let padding = 0
  }

  /// How the end of a value is found.
  enum End: UInt8, BitwiseCopyable {
    /// At a stop of the block.
    case quoted, spaced
    /// A request line, which a ``RequestReader`` takes apart.
    case request
    /// By its terminator, of which no stops are kept.
    case sought
    /// There is no value; more text follows, or the line's end.
    case none
  }

  static let hyphen: UInt8 = 0x2D

  let steps: Steps<Step>.View
  /// Whether requests are taken apart on the way, or are none of a line's values.
  let readsRequests: Bool
  /// Whether a hyphen, and nothing else, stands for no value.
  let dropsHyphens: Bool
  let quoted: TextStops.View
  let spaced: TextStops.View

  /// Reads the line that begins at `start`.
  ///
  /// - Returns: the position of the line's end; −1 where the line is not plain.
  @inline(__always)
  func read(
    _ bytes: ByteView, from start: Int, into slots: Slots, _ request: inout RequestReader
  ) -> Int {
    var position = start
    for index in 0..<steps.count {
      // That the value before ends with its terminator, which this text begins with, is seen here too.
      guard steps[index].text.stands(bytes, at: position) else { return -1 }
      let value = position &+ steps[index].text.count
      let end = steps[index].end
      if end.rawValue <= End.spaced.rawValue {
        position = (end == .quoted ? quoted : spaced).position(from: value)
      } else if end == .request {
        position = request.readPlain(bytes, spaced, from: value, into: slots)
        guard position >= 0 else { return -1 }
      } else if end == .sought {
        let ends = duizhang_stops(first: steps[index].terminator, second: 0x5C, below: 0x20)
        position = bytes.position(of: ends, from: value)
      } else {
        position = value
        continue
      }
      let slot = steps[index].slot
      slots[slot] = Slice(start: value, count: position &- value)
      if position &- value == 1 && dropsHyphens && bytes[value] == Self.hyphen {
        slots[slot] = .absent
      }
    }
    if bytes[position] == 0x0D { position &+= 1 }
    return position <= bytes.count && bytes[position] == 0x0A ? position : -1
  }
}

extension PlainLineReader.Step {
  init(_ step: PatternReader.Step, _ plan: FormatPlan) {
    text = step.text
    guard step.hasValue else { return }
    terminator = step.terminator
    slot = step.slot >= 0 ? step.slot : Call.spareSlot
    if case .line(let line) = plan.request, line == step.slot,
      plan.queryKeys.plainKeys != nil
    {
      end = .request
    } else {
      switch step.terminator {
      case 0x22: end = .quoted
      case 0x20: end = .spaced
      default: end = .sought
      }
    }
  }
}
