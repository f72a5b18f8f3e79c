import Decoding
import Formats

extension JSONWalk {
  /// Reads a line whose keys are those of the template, and that has no escapes and no nested value,
  /// as nearly all lines of a log are: key by key, and of each value only as much as its kind asks.
  ///
  /// - Parameter start: where the line begins; behind the block's content stands a line end.
  /// - Returns: the position of the line's end; `nil` where the line is not of this kind, and the
  ///   general walk must decide.
  @inline(never)
  mutating func templateRecord(
    _ bytes: ByteView, _ stops: TextStops.View, from start: Int
  ) -> Int? {
    guard bytes[start] == 0x7B else { return nil }
    call.clear()
    timeState = .missing
    unreadable = 0
    isASCII = true
    var step = template.first
    var key = start &+ 1
    while true {
      let head = bytes.word(at: key)
      let tail = bytes.word(at: key &+ 8)
      while !step.matches(head, tail) { step.advance() }
      let value = key &+ step.valueOffset
      // The position of what separates the value from the next field.
      var separator: Int
      if step.kind == .text {
        let end = stops.position(from: value)
        call[step.code] = Slice(start: value, count: end &- value)
        separator = end &+ 1
        if bytes[end] != 0x22 {
          separator = otherTextEnd(bytes, stops, step.code, from: value, end)
          if separator < 0 { return nil }
        }
      } else {
        let kind = step.kind
        separator =
          kind == .bare || kind == .latency ? Self.shortIntegerEnd(bytes, from: value) : -1
        if separator < 0 || (bytes[separator] != 0x2C && bytes[separator] != 0x7D) {
          separator = readOther(step, bytes, stops, from: key)
          if separator < 0 { return nil }
        } else if kind == .latency {
          call.latency = Self.shortInteger(bytes, value..<separator)
        }
      }
      step.advance()
      key = separator &+ 1
      let mark = bytes[separator]
      if mark == 0x2C { continue }
      guard mark == 0x7D, timeState == .read, unreadable == 0 else { return nil }
      if bytes[key] == 0x0D { key &+= 1 }
      guard key < bytes.count, bytes[key] == 0x0A,
        isASCII || bytes.isUTF8(start, key &- start)
      else { return nil }
      return key
    }
  }

  /// Reads on a text that is not ASCII, or that has escapes and is not asked for.
  ///
  /// - Returns: the position behind its closing quotation mark; −1 where it is not closed, or the
  ///   general walk must decode its escapes.
  @inline(never)
  mutating func otherTextEnd(
    _ bytes: ByteView, _ stops: TextStops.View, _ code: FieldName.Code, from start: Int,
    _ first: Int
  ) -> Int {
    var end = first
    while true {
      if bytes[end] >= 0x80 {
        isASCII = false
        end += 1
      } else if bytes[end] == 0x5C && code == FieldName.unknown {
        // A backslash and what it escapes: one byte, or `u` and four digits.
        let next = end + (bytes[end + 1] == 0x75 ? 6 : 2)
        guard next <= bytes.count, Escapes.areValid(bytes, end, next) else { return -1 }
        end = next
      } else {
        break
      }
      end = stops.position(from: end)
    }
    guard bytes[end] == 0x22 else { return -1 }
    call[code] = Slice(start: start, count: end - start)
    return end + 1
  }

  /// Reads a value that is neither a text nor a short number that is a latency or nobody asks for, or
  /// one whose key is long.
  ///
  /// - Returns: the position behind the value; −1 where the line does not keep to the template.
  @inline(never)
  mutating func readOther(
    _ step: LineTemplate.StepReference, _ bytes: ByteView, _ stops: TextStops.View, from key: Int
  ) -> Int {
    let value = key + step.valueOffset
    var kind = step.kind
    if kind == .long {
      guard template.isLong(step, bytes, at: key) else { return -1 }
      kind = step.longKind
    }
    switch kind {
    case .timeText:
      let end = stops.position(from: value)
      guard bytes[end] == 0x22 else { return -1 }
      readTime(bytes, Slice(start: value, count: end - value))
      return timeState == .read ? end + 1 : -1
    case .text:
      let end = stops.position(from: value)
      call[step.code] = Slice(start: value, count: end - value)
      return bytes[end] == 0x22 ? end + 1 : otherTextEnd(bytes, stops, step.code, from: value, end)
    case .status:
      let end = value + 3
      guard let status = Self.threeDigits(bytes, value, before: end) else { return -1 }
      call.status = status
      return end
    case .latency, .bare, .knownBare:
      var end = value
      // A number or literal is over where one of these comes; behind the block is a line end.
      while bytes[end] > 0x20 && bytes[end] != 0x2C && bytes[end] != 0x7D { end += 1 }
      guard end > value, let read = Self.bare(bytes, from: value, before: end) else { return -1 }
      if kind != .bare { assign(read, to: step.code, bytes) }
      return end
    case .long, .end: return -1
    }
  }

  /// The position behind one to seven digits without a leading zero; −1 where there is anything else.
  @inline(__always)
  static func shortIntegerEnd(_ bytes: ByteView, from start: Int) -> Int {
    // Per byte the upper bit says that it is no digit.
    let word = bytes.word(at: start)
    let difference = word ^ 0x3030_3030_3030_3030
    let others =
      (difference &+ 0x7676_7676_7676_7676 | difference) & 0x8080_8080_8080_8080
    let count = others.trailingZeroBitCount / 8
    guard UInt(bitPattern: count &- 1) < 7, word & 0xFF != 0x30 || count == 1 else { return -1 }
    return start &+ count
  }

  /// The number that one to seven digits are.
  @inline(__always)
  static func shortInteger(_ bytes: ByteView, _ range: Range<Int>) -> Int {
    // Eight digits, the missing ones before them zero; then pairs of digits, of pairs, and of those.
    let missing = UInt64(truncatingIfNeeded: 8 &- range.count) &* 8
    let digits = (bytes.word(at: range.lowerBound) & 0x0F0F_0F0F_0F0F_0F0F) &<< missing
    let pairs = ((digits &* 10) &+ (digits &>> 8)) & 0x00FF_00FF_00FF_00FF
    let fours = ((pairs &* 100) &+ (pairs &>> 16)) & 0x0000_FFFF_0000_FFFF
    let eight = (fours &* 10_000) &+ (fours &>> 32)
    return Int(truncatingIfNeeded: eight & 0xFFFF_FFFF)
  }

  /// Lets the template learn from a line that did not keep to it and yet is a record.
  @inline(never)
  mutating func learn(_ bytes: ByteView, _ tokens: Tokens, offset: Int, end: Int) {
    guard lessonsLeft > 0 else { return }
    lessonsLeft -= 1
    template.learn(bytes, tokens, offset: offset, end: end, findsTraces: findsTraces)
  }
}
