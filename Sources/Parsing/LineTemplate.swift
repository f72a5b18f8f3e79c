import Decoding
import Formats

/// The keys of a log's lines in the order in which they come, learned from its first lines.
///
/// The lines of a log have the same keys in the same order, and the same white space around them. So a
/// key need not be looked for: from the comma before it to its value, the bytes are compared with those
/// that are due, 16 at once, and with them the colon and the quotation mark that opens a text. A line
/// that leaves a key out goes on further down.
@safe
struct LineTemplate {
  /// What stands before a value, and the kind of the value.
  struct Step: BitwiseCopyable {
    enum Kind: UInt8, BitwiseCopyable {
      /// The text of a field of text, or of one that nobody asks for.
      case text
      /// A number or literal of a field that nobody asks for.
      case bare
      case timeText
      case status
      /// Milliseconds.
      case latency
      /// A number or literal of another known field.
      case knownBare
      /// Any of these behind more bytes than are compared at once.
      case long
      /// Of the step behind the last one, which matches everything.
      case end
    }

    /// The first and the second eight bytes, and which of them count.
    var head: UInt64 = 0
    var headMask: UInt64 = 0
    var tail: UInt64 = 0
    var tailMask: UInt64 = 0
    /// Bytes before the value.
    var count = 0
    var code = FieldName.unknown
    var kind = Kind.end
    /// The value's kind where `kind` is `long`.
    var longKind = Kind.end
    /// The place of the whole of the bytes, where they are `long`.
    var longPlace: Int32 = 0
  }

  static let stepsMax = 64
  /// Bytes that are compared at once.
  private static let bytesMax = 16

  /// Memory of its own: an inline array in a structure is copied whole when one of it is read.
  @safe
  private final class Storage {
    let steps: UnsafeMutablePointer<Step>

    init() {
      unsafe steps = .allocate(capacity: LineTemplate.stepsMax + 1)
      unsafe steps.initialize(repeating: Step(), count: LineTemplate.stepsMax + 1)
    }

    deinit { unsafe steps.deallocate() }
  }

  private let storage: Storage
  private let steps: UnsafeMutablePointer<Step>
  private var stepCount = 0
  private var longTexts: [[UInt8]] = []

  init() {
    storage = Storage()
    unsafe steps = unsafe storage.steps
  }

  /// A step where it lies: the fence around the walk's pointer, which never passes the step behind
  /// the last one, since that one matches everything.
  @safe
  struct StepReference {
    private var pointer: UnsafePointer<Step>

    init(_ pointer: UnsafePointer<Step>) { unsafe self.pointer = unsafe pointer }

    // One by one, since a step copied whole goes by way of memory.
    @inline(__always) var kind: Step.Kind { unsafe pointer.pointee.kind }
    @inline(__always) var longKind: Step.Kind { unsafe pointer.pointee.longKind }
    @inline(__always) var longPlace: Int { unsafe Int(pointer.pointee.longPlace) }
    @inline(__always) var code: FieldName.Code { unsafe pointer.pointee.code }
    @inline(__always) var valueOffset: Int { unsafe pointer.pointee.count }

    @inline(__always)
    func matches(_ head: UInt64, _ tail: UInt64) -> Bool {
      unsafe (head & pointer.pointee.headMask) == pointer.pointee.head
        && (tail & pointer.pointee.tailMask) == pointer.pointee.tail
    }

    @inline(__always)
    mutating func advance() { unsafe pointer += 1 }
  }

  @inline(__always)
  var first: StepReference { unsafe StepReference(steps) }

  /// Whether all bytes of a long step stand at a position, of which the first are known to.
  func isLong(_ step: StepReference, _ bytes: ByteView, at position: Int) -> Bool {
    let text = longTexts[step.longPlace]
    for index in Self.bytesMax..<text.count where bytes[position + index] != text[index] {
      // Behind the block's content stands a line end, which is in no text.
      return false
    }
    return true
  }

  private subscript(place: Int) -> Step {
    get {
      precondition(place >= 0 && place <= Self.stepsMax)
      return unsafe steps[place]
    }
    nonmutating set {
      precondition(place >= 0 && place < Self.stepsMax)
      unsafe steps[place] = newValue
    }
  }

  /// Adds the keys of a line that is a record, each behind the one before it.
  ///
  /// - Parameters:
  ///   - tokens: those of the line alone.
  ///   - end: the position behind the line's last byte.
  mutating func learn(
    _ bytes: ByteView, _ tokens: Tokens, offset: Int, end: Int, findsTraces: Bool
  ) {
    func token(_ number: Int) -> Int { tokens[number] + offset }
    var cursor = 1
    var place = 0
    while cursor + 3 < tokens.count {
      let separator = token(cursor + 3)
      let start = token(cursor - 1) + 1
      guard
        let (step, text) = Self.step(
          bytes, from: start, key: token(cursor), colon: token(cursor + 1),
          value: token(cursor + 2), findsTraces: findsTraces),
        bytes[separator] == 0x2C || bytes[separator] == 0x7D
      else { return }
      if let known = (0..<stepCount).first(where: { isSame(self[$0], step, text) }) {
        place = max(place, known + 1)
      } else {
        guard stepCount < Self.stepsMax else { return }
        for index in stride(from: stepCount, to: place, by: -1) { self[index] = self[index - 1] }
        self[place] = step
        if step.kind == .long {
          self[place].longPlace = Int32(longTexts.count)
          longTexts.append(text)
        }
        stepCount += 1
        place += 1
      }
      cursor += 4
    }
  }

  private func isSame(_ known: Step, _ step: Step, _ text: [UInt8]) -> Bool {
    known.head == step.head && known.tail == step.tail && known.headMask == step.headMask
      && known.tailMask == step.tailMask && known.kind == step.kind
      && known.longKind == step.longKind
      && (known.kind != .long || longTexts[Int(known.longPlace)] == text)
  }

  /// The step for what stands from behind a separator up to a value, and those bytes; `nil` where
  /// the template cannot expect it.
  private static func step(
    _ bytes: ByteView, from start: Int, key: Int, colon: Int, value: Int, findsTraces: Bool
  ) -> (Step, [UInt8])? {
    guard bytes[key] == 0x22, bytes[colon] == 0x3A, bytes[colon - 1] == 0x22, value - start <= 255
    else { return nil }
    let first = bytes[value]
    guard first != 0x7B, first != 0x5B else { return nil }
    let isText = first == 0x22
    let text = (start..<(value + (isText ? 1 : 0))).map { bytes[$0] }
    // An escape may stand for another name, and what is not ASCII is checked elsewhere.
    guard !text.contains(where: { $0 == 0x5C || $0 >= 0x80 || $0 == 0x0A }) else { return nil }
    var step = Step()
    step.count = text.count
    step.code = FieldName.code(
      FieldName.code(bytes, key, count: colon + 1 - key), findsTraces: findsTraces)
    switch (Field(rawValue: step.code), isText) {
    case (nil, true): step.kind = .text
    case (nil, false): step.kind = .bare
    case (.time, true): step.kind = .timeText
    case (.status, false): step.kind = .status
    case (.latency, false): step.kind = .latency
    case (_, false): step.kind = .knownBare
    case (_, true):
      guard step.code < Field.textCount else { return nil }
      step.kind = .text
    }
    if step.count > bytesMax {
      step.longKind = step.kind
      step.kind = .long
    }
    func mask(_ count: Int) -> UInt64 {
      count >= 8 ? .max : ~(UInt64.max << UInt64(max(count, 0) * 8))
    }
    step.headMask = mask(step.count)
    step.tailMask = mask(step.count - 8)
    step.head = bytes.word(at: start) & step.headMask
    step.tail = bytes.word(at: start + 8) & step.tailMask
    return (step, text)
  }
}
