import CivilTime
import Decoding
import Formats

/// Walks the tokens of one line, checks its grammar and finds the known fields' values.
struct JSONWalk: ~Copyable {
  enum Outcome {
    case record, blank
    case rejected(Rejection)
  }

  /// The record last read.
  let call: Call
  var template = LineTemplate()
  /// How many more lines the template learns from.
  var lessonsLeft = 256
  var timestamps = TimestampReader()
  /// The first backslash of the block at or after the string last looked at.
  var backslash = -1
  var isASCII = true
  /// For each open container whether it is an object.
  var nesting: [Bool] = []
  /// Known fields whose text holds escapes, a bit each.
  var escaped: UInt32 = 0
  let findsTraces: Bool
  var timeState = TimeState.missing
  /// Known fields whose last value cannot be read, a bit each.
  var unreadable: UInt32 = 0

  enum TimeState { case missing, read, unreadable }

  enum Value {
    case text(Slice, hasEscapes: Bool)
    case number(Slice)
    case null
    case boolean(Slice)
    case container
  }

  /// - Parameter call: where records are read into.
  init(call: Call, findsTraces: Bool) {
    self.call = call
    self.findsTraces = findsTraces
  }

  /// Prepares for the lines of another block.
  mutating func begin() { backslash = -1 }

  /// Reads one line.
  ///
  /// - Parameters:
  ///   - offset: what to add to a token's position to get its position in `bytes`.
  ///   - end: the position behind the line's last byte.
  mutating func record(
    _ block: Block, _ bytes: ByteView, _ tokens: Tokens, offset: Int, end: Int
  ) -> Outcome {
    var cursor = 0
    // A position at or behind `end` belongs to no token.
    @inline(__always) func token(_ number: Int) -> Int { tokens[number] &+ offset }
    if backslash < offset { backslash = bytes.firstPosition(of: 0x5C, from: offset) }
    let open = token(cursor)
    guard open < end else { return .blank }
    guard bytes[open] == 0x7B else { return .rejected(.notAnObject) }
    call.clear()
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
        guard let code = fieldCode(bytes, key &+ offset, colon: colon &+ offset) else {
          return .rejected(.invalidJSON)
        }
        let close = separator &- 1
        if piece[start] == 0x22 && piece[close] == 0x22 && close > start
          && backslash >= close &+ offset && (code < Field.textCount || code == FieldName.unknown)
        {
          // A text without escapes, as most values are.
          call[code] = Slice(
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
    if escaped != 0 {
      // The line may yet be quarantined, as it is.
      block.keepLine(offset..<end)
      decodeEscapes(block, bytes)
    }
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
  mutating func otherValue(
    _ bytes: ByteView, _ tokens: Tokens, _ offset: Int, _ code: FieldName.Code,
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
      if code == FieldName.unknown { return first &+ 1 }
      let text = Slice(start: start &+ 1, count: close &- start &- 1)
      if code == Field.time.rawValue && !hasEscapes {
        readTime(bytes, text)
      } else if code < Field.textCount {
        call[code] = text
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
      if code != FieldName.unknown { assign(.container, to: code, bytes) }
      return after
    }
    if code == FieldName.unknown {
      if Self.isShortInteger(bytes, start, separator &- start) { return first &+ 1 }
    } else if code == Field.status.rawValue,
      let status = Self.threeDigits(bytes, start, before: separator)
    {
      call.status = status
      unreadable &= ~(1 << UInt32(code))
      return first &+ 1
    }
    guard let value = Self.bare(bytes, from: start, before: separator) else { return nil }
    if code != FieldName.unknown { assign(value, to: code, bytes) }
    return first &+ 1
  }

  /// Notes whether the text of a field holds escapes; of a key that comes twice, the last value
  /// holds.
  @inline(never)
  mutating func note(_ code: FieldName.Code, hasEscapes: Bool) {
    let bit = UInt32(1) << UInt32(code)
    escaped = hasEscapes ? escaped | bit : escaped & ~bit
    unreadable &= ~bit
  }

  @inline(__always)
  mutating func readTime(_ bytes: ByteView, _ text: Slice) {
    let time = bytes.withSpan(Int(text.start), Int(text.count)) {
      timestamps.instant(text: $0)
    }
    if let time { call.time = time }
    timeState = time == nil ? .unreadable : .read
  }

  /// What a key names; `nil` where it is no key.
  @inline(never)
  mutating func fieldCode(
    _ bytes: ByteView, _ key: Int, colon: Int
  ) -> FieldName.Code? {
    anyFieldCode(bytes, key, colon: colon).map { FieldName.code($0, findsTraces: findsTraces) }
  }

  @inline(__always)
  private mutating func anyFieldCode(
    _ bytes: ByteView, _ key: Int, colon: Int
  ) -> FieldName.Code? {
    guard bytes[key] == 0x22, bytes[colon] == 0x3A,
      let keyEnd = Self.closingQuote(bytes, from: key, before: colon)
    else { return nil }
    if backslash < keyEnd {
      guard let hasEscapes = checkEscapes(bytes, key + 1, keyEnd) else { return nil }
      if hasEscapes { return FieldName.code(ofKey: Escapes.decoded(bytes, key + 1, keyEnd)) }
    }
    if keyEnd + 1 == colon { return FieldName.code(bytes, key, count: colon + 1 - key) }
    var name: [UInt8] = []
    for position in (key + 1)..<keyEnd { name.append(bytes[position]) }
    return FieldName.code(ofKey: name)
  }

  /// Whether a string, number or literal begins at `start`, and nothing but it and white space
  /// stands before `next`.
  mutating func isScalar(_ bytes: ByteView, from start: Int, before next: Int) -> Bool {
    guard bytes[start] == 0x22 else {
      return Self.bare(bytes, from: start, before: next) != nil
    }
    guard let end = Self.closingQuote(bytes, from: start, before: next) else { return false }
    return backslash >= end || checkEscapes(bytes, start + 1, end) != nil
  }

  /// Whether a string holds escapes; `nil` where one of them is not valid.
  mutating func checkEscapes(_ bytes: ByteView, _ start: Int, _ end: Int) -> Bool? {
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
  mutating func skipContainer(
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
