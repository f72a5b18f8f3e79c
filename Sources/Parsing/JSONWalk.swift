import CivilTime
import Decoding

/// Walks the tokens of one line, checks its grammar and finds the known fields' values.
struct JSONWalk {
  enum Outcome {
    case record, blank
    case rejected(Rejection)
  }

  /// The record last read.
  private(set) var call = Call()
  /// The number of the first token that the last walk did not take.
  private(set) var position = 0
  private var keys = KeyTemplate()
  private var timestamps = TimestampReader()
  /// The first backslash of the block at or after the string last looked at.
  private var backslash = 0
  /// For each open container whether it is an object.
  private var nesting: [Bool] = []
  /// Known fields whose text holds escapes, a bit each.
  private var escaped: UInt32 = 0
  private var timeState = TimeState.missing
  /// Known fields whose last value cannot be read, a bit each.
  private var unreadable: UInt32 = 0

  private enum TimeState { case missing, read, unreadable }

  private enum Value {
    case text(Slice, hasEscapes: Bool)
    case number(Slice)
    case null
    case boolean(Slice)
    case container
  }

  /// Prepares for the lines of another block.
  mutating func begin(_ bytes: ByteView) {
    backslash = bytes.firstPosition(of: 0x5C, from: 0)
  }

  /// Reads one line.
  ///
  /// - Parameters:
  ///   - offset: what to add to a token's position to get its position in `bytes`.
  ///   - first: the number of the first token at or after the line's begin.
  ///   - end: the position behind the line's last byte.
  mutating func record(
    _ block: Block, _ bytes: ByteView, _ tokens: Tokens, offset: Int, from first: Int, end: Int
  ) -> Outcome {
    var cursor = first
    // A position at or behind `end` belongs to another line or to none.
    @inline(__always) func token(_ number: Int) -> Int { tokens[number] &+ offset }
    defer { position = cursor }
    let open = token(cursor)
    guard open < end else { return .blank }
    guard bytes[open] == 0x7B else { return .rejected(.notAnObject) }
    call.clear()
    keys.beginLine()
    escaped = 0
    timeState = .missing
    unreadable = 0
    cursor += 1
    let firstKey = token(cursor)
    guard firstKey < end else { return .rejected(.invalidJSON) }
    if bytes[firstKey] == 0x7D {
      cursor += 1
    } else {
      // Positions in this loop are those of the piece, as its tokens are.
      let piece = bytes.dropping(offset)
      let pieceEnd = end &- offset
      while true {
        // A field is its key, a colon, a value and what separates it from the next: four tokens,
        // all of this line if the last is. (Tokens behind a piece's last one lie at or behind its
        // end, up to two of them; hence the colon.)
        let key = tokens[cursor]
        let colon = tokens[cursor &+ 1]
        let start = tokens[cursor &+ 2]
        let separator = tokens[cursor &+ 3]
        guard colon < pieceEnd, separator < pieceEnd else { return .rejected(.invalidJSON) }
        var code = KeyTemplate.unknown
        if !keys.expects(piece, key, colon: colon, &code) {
          guard let other = otherKey(bytes, key &+ offset, colon: colon &+ offset) else {
            return .rejected(.invalidJSON)
          }
          code = other
        }
        let close = separator &- 1
        if piece[start] == 0x22 && piece[close] == 0x22 && close > start
          && backslash >= close &+ offset && (code < Field.textCount || code == KeyTemplate.unknown)
        {
          // A text without escapes, as most values are.
          call.texts[Int(code & 15)] = Slice(
            start: start &+ offset &+ 1, count: close &- start &- 1)
          if escaped | unreadable != 0 { note(code, hasEscapes: false) }
          cursor &+= 3
        } else {
          guard
            let after = otherValue(
              bytes, tokens, offset, code, from: cursor &+ 2, separator: separator &+ offset,
              end: end)
          else { return .rejected(.invalidJSON) }
          cursor = after
        }
        let position = tokens[cursor]
        guard position < pieceEnd else { return .rejected(.invalidJSON) }
        cursor &+= 1
        let mark = piece[position]
        if mark == 0x2C { continue }
        if mark == 0x7D { break }
        return .rejected(.invalidJSON)
      }
    }
    guard token(cursor) >= end else { return .rejected(.invalidJSON) }
    if escaped != 0 { decodeEscapes(block, bytes) }
    if unreadable != 0 { return .rejected(rejection) }
    switch timeState {
    case .missing: return .rejected(.noTime)
    case .unreadable: return .rejected(.unreadableTime)
    case .read: return .record
    }
  }

  // MARK: - Values

  /// Reads a value that is not simply the text of a field of text.
  ///
  /// - Parameter first: the number of its first token.
  /// - Returns: the number of the token behind it; `nil` where it is not valid.
  @inline(never)
  private mutating func otherValue(
    _ bytes: ByteView, _ tokens: Tokens, _ offset: Int, _ code: KeyTemplate.Code,
    from first: Int, separator: Int, end: Int
  ) -> Int? {
    let start = tokens[first] &+ offset
    let firstByte = bytes[start]
    if firstByte == 0x22 {
      guard let close = Self.closingQuote(bytes, from: start, before: separator) else {
        return nil
      }
      var hasEscapes = false
      if backslash < close {
        guard let found = checkEscapes(bytes, start + 1, close) else { return nil }
        hasEscapes = found
      }
      if code == KeyTemplate.unknown { return first &+ 1 }
      let text = Slice(start: start &+ 1, count: close &- start &- 1)
      if code == Field.time.rawValue && !hasEscapes {
        readTime(bytes, text)
      } else if code < Field.textCount {
        call.texts[Int(code)] = text
        note(code, hasEscapes: hasEscapes)
      } else {
        assign(.text(text, hasEscapes: hasEscapes), to: code, bytes)
      }
      return first &+ 1
    }
    if firstByte == 0x7B || firstByte == 0x5B {
      guard let after = skipContainer(bytes, tokens, offset, from: first, end: end) else {
        return nil
      }
      if code != KeyTemplate.unknown { assign(.container, to: code, bytes) }
      return after
    }
    if code == KeyTemplate.unknown {
      if Self.isShortInteger(bytes, start, separator &- start) { return first &+ 1 }
    } else if code == Field.status.rawValue,
      let status = Self.threeDigits(bytes, start, before: separator)
    {
      call.status = status
      unreadable &= ~(1 << UInt32(code))
      return first &+ 1
    }
    guard let value = Self.bare(bytes, from: start, before: separator) else { return nil }
    if code != KeyTemplate.unknown { assign(value, to: code, bytes) }
    return first &+ 1
  }

  /// Notes whether the text of a field holds escapes; of a key that comes twice, the last value
  /// holds.
  @inline(never)
  private mutating func note(_ code: KeyTemplate.Code, hasEscapes: Bool) {
    let bit = UInt32(1) << UInt32(code)
    escaped = hasEscapes ? escaped | bit : escaped & ~bit
    unreadable &= ~bit
  }

  @inline(__always)
  private mutating func readTime(_ bytes: ByteView, _ text: Slice) {
    let time = bytes.withSpan(Int(text.start), Int(text.count)) {
      timestamps.instant(text: $0)
    }
    if let time { call.time = time }
    timeState = time == nil ? .unreadable : .read
  }

  /// What a key names that is not the one expected, or is not written as expected; `nil` where it
  /// is no key.
  @inline(never)
  private mutating func otherKey(
    _ bytes: ByteView, _ key: Int, colon: Int
  ) -> KeyTemplate.Code? {
    guard bytes[key] == 0x22, bytes[colon] == 0x3A,
      let keyEnd = Self.closingQuote(bytes, from: key, before: colon)
    else { return nil }
    if backslash < keyEnd {
      guard let hasEscapes = checkEscapes(bytes, key + 1, keyEnd) else { return nil }
      if hasEscapes { return KeyTemplate.code(ofKey: Escapes.decoded(bytes, key + 1, keyEnd)) }
    }
    if keyEnd + 1 == colon { return keys.code(bytes, key, count: colon + 1 - key) }
    var name: [UInt8] = []
    for position in (key + 1)..<keyEnd { name.append(bytes[position]) }
    return KeyTemplate.code(ofKey: name)
  }

  /// Whether a string, number or literal begins at `start`, and nothing but it and white space
  /// stands before `next`.
  private mutating func isScalar(_ bytes: ByteView, from start: Int, before next: Int) -> Bool {
    guard bytes[start] == 0x22 else {
      return Self.bare(bytes, from: start, before: next) != nil
    }
    guard let end = Self.closingQuote(bytes, from: start, before: next) else { return false }
    return backslash >= end || checkEscapes(bytes, start + 1, end) != nil
  }

  /// The number or literal that begins at `start`.
  @inline(__always)
  private static func bare(_ bytes: ByteView, from start: Int, before next: Int) -> Value? {
    var end = next
    while isWhiteSpace(bytes[end &- 1]) { end &-= 1 }
    let count = end &- start
    let slice = Slice(start: start, count: count)
    if isShortInteger(bytes, start, count) { return .number(slice) }
    switch bytes[start] {
    case 0x6E:
      return count == 4 && bytes.word(at: start) & 0xFFFF_FFFF == 0x6C6C_756E ? .null : nil
    case 0x74:
      return count == 4 && bytes.word(at: start) & 0xFFFF_FFFF == 0x6575_7274
        ? .boolean(slice) : nil
    case 0x66:
      return count == 5 && bytes.word(at: start) & 0xFF_FFFF_FFFF == 0x65_736C_6166
        ? .boolean(slice) : nil
    default:
      return isNumber(bytes, start, end) ? .number(slice) : nil
    }
  }

  /// Whether the bytes are one to eight digits without a leading zero, as nearly all numbers of a
  /// log are: eight bytes at once, without a branch for each digit.
  @inline(__always)
  private static func isShortInteger(_ bytes: ByteView, _ start: Int, _ count: Int) -> Bool {
    guard count <= 8, bytes[start] != 0x30 || count == 1 else { return false }
    // Bytes behind the number become "0".
    let mask = UInt64.max << UInt64(truncatingIfNeeded: count &* 8)
    let word = bytes.word(at: start) & ~mask | 0x3030_3030_3030_3030 & mask
    return (word & 0xF0F0_F0F0_F0F0_F0F0) == 0x3030_3030_3030_3030
      && ((word &+ 0x0606_0606_0606_0606) & 0xF0F0_F0F0_F0F0_F0F0) == 0x3030_3030_3030_3030
  }

  @inline(__always)
  private static func isWhiteSpace(_ byte: UInt8) -> Bool {
    byte == 0x20 || byte == 0x09 || byte == 0x0D || byte == 0x0A
  }

  /// Where the string that begins at `start` ends: the last byte before `next` that is not white
  /// space, which must be a quotation mark.
  @inline(__always)
  private static func closingQuote(_ bytes: ByteView, from start: Int, before next: Int) -> Int? {
    var end = next &- 1
    if bytes[end] != 0x22 {
      while isWhiteSpace(bytes[end]) { end &-= 1 }
      guard bytes[end] == 0x22 else { return nil }
    }
    return end > start ? end : nil
  }

  /// The number of three digits, the first not 0, that is all that stands before `next`.
  @inline(__always)
  private static func threeDigits(_ bytes: ByteView, _ start: Int, before next: Int) -> Int? {
    guard next &- start == 3 else { return nil }
    let first = Int(bytes[start]) &- 0x30
    let second = Int(bytes[start &+ 1]) &- 0x30
    let third = Int(bytes[start &+ 2]) &- 0x30
    guard first > 0, first < 10, second >= 0, second < 10, third >= 0, third < 10 else {
      return nil
    }
    return first &* 100 &+ second &* 10 &+ third
  }

  /// RFC 8259, section 6.
  private static func isNumber(_ bytes: ByteView, _ start: Int, _ end: Int) -> Bool {
    var position = start
    func digits() -> Bool {
      let first = position
      while position < end && bytes[position] &- 0x30 < 10 { position += 1 }
      return position > first
    }
    if bytes[position] == 0x2D { position += 1 }
    guard position < end else { return false }
    if bytes[position] == 0x30 {
      position += 1
    } else {
      guard digits() else { return false }
    }
    if position < end && bytes[position] == 0x2E {
      position += 1
      guard digits() else { return false }
    }
    if position < end && bytes[position] | 0x20 == 0x65 {
      position += 1
      if position < end && (bytes[position] == 0x2B || bytes[position] == 0x2D) { position += 1 }
      guard digits() else { return false }
    }
    return position == end
  }

  /// Whether a string holds escapes; `nil` where one of them is not valid.
  private mutating func checkEscapes(_ bytes: ByteView, _ start: Int, _ end: Int) -> Bool? {
    if backslash < start { backslash = bytes.firstPosition(of: 0x5C, from: start) }
    guard backslash < end else { return false }
    let isValid = Escapes.areValid(bytes, backslash, end)
    backslash = bytes.firstPosition(of: 0x5C, from: end)
    return isValid ? true : nil
  }

  /// Checks an object or array that nobody asked for, however deep, and passes over it.
  ///
  /// - Parameter first: the number of its opening token.
  /// - Returns: the number of the token behind it; `nil` where it is not valid.
  private mutating func skipContainer(
    _ bytes: ByteView, _ tokens: Tokens, _ offset: Int, from first: Int, end: Int
  ) -> Int? {
    @inline(__always) func token(_ number: Int) -> Int { tokens[number] &+ offset }
    nesting.removeAll(keepingCapacity: true)
    var isObject = bytes[token(first)] == 0x7B
    nesting.append(isObject)
    var cursor = first + 1
    var isFresh = true
    scan: while true {
      guard token(cursor) < end else { return nil }
      if isFresh && bytes[token(cursor)] == (isObject ? 0x7D : 0x5D) {
        isFresh = false
      } else {
        if isObject {
          let key = token(cursor)
          let colon = token(cursor + 1)
          guard bytes[key] == 0x22, colon < end, bytes[colon] == 0x3A,
            isScalar(bytes, from: key, before: colon)
          else { return nil }
          cursor += 2
          guard token(cursor) < end else { return nil }
        }
        let start = token(cursor)
        if bytes[start] == 0x7B || bytes[start] == 0x5B {
          isObject = bytes[start] == 0x7B
          nesting.append(isObject)
          cursor += 1
          isFresh = true
          continue scan
        }
        guard isScalar(bytes, from: start, before: min(token(cursor + 1), end)) else {
          return nil
        }
        cursor += 1
        isFresh = false
      }
      while true {
        let separator = token(cursor)
        guard separator < end else { return nil }
        cursor += 1
        if bytes[separator] == 0x2C { continue scan }
        guard bytes[separator] == (isObject ? 0x7D : 0x5D) else { return nil }
        nesting.removeLast()
        guard let outer = nesting.last else { return cursor }
        isObject = outer
      }
    }
  }
}

extension JSONWalk {
  // MARK: - Known fields

  private mutating func assign(_ value: Value, to code: KeyTemplate.Code, _ bytes: ByteView) {
    let bit = UInt32(1) << UInt32(code)
    // Of a key that comes twice, the last value holds.
    unreadable &= ~bit
    switch Field(rawValue: code) {
    case .time: assignTime(value, bytes)
    case .status:
      switch Self.number(value, bytes, atMost: 999) {
      case .some(let status): call.status = status ?? 200
      case .none: unreadable |= bit
      }
    case .items:
      switch Self.number(value, bytes, atMost: Int(UInt32.max)) {
      case .some(let items): call.items = items ?? 1
      case .none: unreadable |= bit
      }
    default:
      // A text that is given as a number is its digits.
      escaped &= ~bit
      switch value {
      case .text(let slice, _), .number(let slice), .boolean(let slice):
        call.texts[Int(code)] = slice
      case .null: call.texts[Int(code)] = .absent
      case .container: unreadable |= bit
      }
    }
  }

  /// Why a line with unreadable fields is quarantined.
  private var rejection: Rejection {
    func has(_ field: Field) -> Bool { unreadable & 1 << UInt32(field.rawValue) != 0 }
    return has(.status) ? .unreadableStatus : has(.items) ? .unreadableItems : .unreadableField
  }

  private mutating func assignTime(_ value: Value, _ bytes: ByteView) {
    let instant: Instant?
    switch value {
    case .text(let slice, false):
      instant = bytes.withSpan(Int(slice.start), Int(slice.count)) { timestamps.instant(text: $0) }
    case .text(let slice, true):
      let start = Int(slice.start)
      let decoded = Escapes.decoded(bytes, start, start + Int(slice.count)) ?? []
      instant = timestamps.instant(text: decoded.span)
    case .number(let slice):
      instant = bytes.withSpan(Int(slice.start), Int(slice.count)) {
        TimestampReader.instant(number: $0)
      }
    case .null:
      timeState = .missing
      return
    case .boolean, .container:
      instant = nil
    }
    guard let instant else {
      timeState = .unreadable
      return
    }
    call.time = instant
    timeState = .read
  }

  /// A whole number, given as a number or as text.
  ///
  /// - Returns: `.some(nil)` for null, `nil` where the value is anything else.
  @inline(__always)
  private static func number(_ value: Value, _ bytes: ByteView, atMost limit: Int) -> Int?? {
    let slice: Slice
    switch value {
    case .number(let number): slice = number
    case .text(let text, false): slice = text
    case .null: return .some(nil)
    default: return nil
    }
    guard slice.count > 0, slice.count <= 10 else { return nil }
    var number = 0
    for position in Int(slice.start)..<(Int(slice.start) + Int(slice.count)) {
      let digit = bytes[position] &- 0x30
      guard digit < 10 else { return nil }
      number = number * 10 + Int(digit)
    }
    // In a conditional expression, `nil` would be that of the inner optional: the default.
    guard number <= limit else { return nil }
    return .some(number)
  }

  private mutating func decodeEscapes(_ block: Block, _ bytes: ByteView) {
    for code in 0..<Int(Field.textCount) where escaped & (1 << UInt32(code)) != 0 {
      let slice = call.texts[code]
      let start = Int(slice.start)
      guard let decoded = Escapes.decoded(bytes, start, start + Int(slice.count)) else {
        unreadable |= 1 << UInt32(code)
        continue
      }
      for (offset, byte) in decoded.enumerated() {
        block.replaceByte(at: start + offset, with: byte)
      }
      call.texts[code] = Slice(start: start, count: decoded.count)
    }
  }
}
