internal import CivilTime
internal import Formats
internal import Parsing

@testable internal import Decoding

/// NDJSON lines, among others and alone, beside a plain reader of JSON.
struct LinesTarget: FuzzTarget {
  static let name = "lines"

  /// What a parser says of a line.
  enum Heard: Equatable {
    case record(fields: [[UInt8]], time: Instant, status: Int, items: Int)
    case rejected(Rejection)
    case blank
  }

  private let block = Block()
  private let single = Block()

  mutating func check(_ input: [UInt8]) {
    // A byte order mark alone is no line.
    guard input.count <= Block.bytesMax, input != [0xEF, 0xBB, 0xBF] else { return }
    var parser = JSONLinesParser()
    let lines = input.split(separator: 0x0A, omittingEmptySubsequences: false)
      .dropLast(input.last ?? 0x0A == 0x0A ? 1 : 0)
    let together = heard(&parser, block, input, index: 0)
    require(together.count == lines.count, "every line is heard")
    // Now all lines that can keep to a template do.
    let again = heard(&parser, block, input, index: 0)
    require(again == together, "lines say the same to a parser that knows them")
    for (number, line) in lines.enumerated() {
      var fresh = JSONLinesParser()
      let alone = heard(&fresh, single, Array(line) + [0x0A], index: number == 0 ? 0 : 1)
      let text = "'\(String(decoding: line, as: UTF8.self))'"
      let heard = together[number]
      require(alone == [heard], "\(text) says \(alone), among others \(heard)")
      let plain = PlainRecord.heard(Array(line), isFirst: number == 0)
      let isSame: Bool
      if case (.rejected(let rejection), .rejected(let other)) = (heard, plain) {
        isSame = Self.grammar(rejection) == Self.grammar(other)
      } else {
        isSame = heard == plain
      }
      require(isSame, "\(text) says \(heard), to a plain reader \(plain)")
    }
  }

  /// A line that is no JSON object is refused for one of three reasons.
  private static func grammar(_ rejection: Rejection) -> Rejection {
    rejection == .notAnObject || rejection == .invalidText ? .invalidJSON : rejection
  }

  /// Has a block parsed.
  private func heard(
    _ parser: inout JSONLinesParser, _ block: Block, _ text: [UInt8], index: Int
  ) -> [Heard] {
    unsafe text.withUnsafeBytes { unsafe block.storage.copyMemory(from: $0) }
    block.count = text.count
    block.index = index
    block.terminate()
    var heard: [Int: Heard] = [:]
    var last = -1
    func note(_ said: Heard, _ line: Int) {
      require(line > last, "lines come in order, each once")
      last = line
      heard[line] = said
    }
    let counts = parser.parse(block) { call, line in
      let fields = Field.allCases.filter { $0.rawValue < Field.time.rawValue }.map { field in
        let slice = call[field]
        let (start, count) = (Int(slice.start), Int(slice.count))
        require(start + count <= text.count, "a slice lies in the block")
        return block.bytes.withSpan(start, count) { span in span.indices.map { span[$0] } }
      }
      note(.record(fields: fields, time: call.time, status: call.status, items: call.items), line)
    } rejected: { rejection, line in
      note(.rejected(rejection), line)
    }
    require(
      counts.lines == heard.count + counts.blank, "lines are records, rejected or blank")
    require(last < counts.lines, "a line lies in the block")
    return (0..<counts.lines).map { heard[$0] ?? .blank }
  }
}

/// A record's line as a plain reader of RFC 8259 understands it, byte by byte.
private struct PlainRecord {
  private enum Value {
    case text([UInt8]?, hasEscapes: Bool)
    case literal([UInt8])
    case null
    case boolean([UInt8])
    case container
  }

  private let bytes: [UInt8]
  private var position = 0

  static func heard(_ line: [UInt8], isFirst: Bool) -> LinesTarget.Heard {
    let hasMark = isFirst && line.starts(with: [0xEF, 0xBB, 0xBF])
    var reader = PlainRecord(bytes: hasMark ? Array(line.dropFirst(3)) : line)
    reader.skipSpace()
    if reader.position == reader.bytes.count { return .blank }
    guard String(validating: reader.bytes, as: UTF8.self) != nil, let members = reader.object(),
      reader.isAtEnd()
    else { return .rejected(.invalidJSON) }
    return said(members)
  }

  private init(bytes: [UInt8]) { self.bytes = bytes }

  // MARK: - Meaning

  private static func said(_ members: [(key: [UInt8]?, value: Value)]) -> LinesTarget.Heard {
    func last(_ field: Field) -> Value? {
      members.last { $0.key == Array(field.name.utf8) }?.value
    }
    var fields: [[UInt8]] = []
    var isUnreadable = false
    for field in Field.allCases where field.rawValue < Field.time.rawValue {
      switch last(field) {
      case .text(let text?, _): fields.append(text)
      case .literal(let text), .boolean(let text): fields.append(text)
      case nil, .null: fields.append([])
      case .text(nil, _), .container:
        isUnreadable = true
      }
    }
    guard let status = number(last(.status), 999, absent: 200) else {
      return .rejected(.unreadableStatus)
    }
    guard let items = number(last(.items), Int(UInt32.max), absent: 1) else {
      return .rejected(.unreadableItems)
    }
    if isUnreadable { return .rejected(.unreadableField) }
    let time: Instant?
    var reader = TimestampReader()
    switch last(.time) {
    case nil, .null: return .rejected(.noTime)
    case .text(let text, _):
      let text = text ?? []
      time = reader.instant(text: text.span)
    case .literal(let text): time = TimestampReader.instant(number: text.span)
    case .boolean, .container: time = nil
    }
    guard let time else { return .rejected(.unreadableTime) }
    return .record(fields: fields, time: time, status: status, items: items)
  }

  private static func number(_ value: Value?, _ limit: Int, absent: Int) -> Int? {
    switch value {
    case nil, .null: return absent
    case .text(let text?, hasEscapes: false), .literal(let text):
      guard text.count <= 10, !text.isEmpty, text.allSatisfy({ (0x30...0x39).contains($0) }) else {
        return nil
      }
      let number = text.reduce(0) { $0 * 10 + Int($1 - 0x30) }
      return number <= limit ? number : nil
    default: return nil
    }
  }

  // MARK: - Grammar

  private var next: UInt8? { position < bytes.count ? bytes[position] : nil }

  private mutating func takes(_ byte: UInt8) -> Bool {
    guard next == byte else { return false }
    position += 1
    return true
  }

  private mutating func skipSpace() {
    while let next, next == 0x20 || next == 0x09 || next == 0x0D { position += 1 }
  }

  private mutating func isAtEnd() -> Bool {
    skipSpace()
    return position == bytes.count
  }

  private mutating func object() -> [(key: [UInt8]?, value: Value)]? {
    guard takes(0x7B) else { return nil }
    var members: [(key: [UInt8]?, value: Value)] = []
    skipSpace()
    if takes(0x7D) { return members }
    while true {
      skipSpace()
      guard let key = string() else { return nil }
      skipSpace()
      guard takes(0x3A), let value = value() else { return nil }
      members.append((key.text, value))
      skipSpace()
      if takes(0x7D) { return members }
      guard takes(0x2C) else { return nil }
    }
  }

  private mutating func array() -> Bool {
    guard takes(0x5B) else { return false }
    skipSpace()
    if takes(0x5D) { return true }
    while true {
      guard value() != nil else { return false }
      skipSpace()
      if takes(0x5D) { return true }
      guard takes(0x2C) else { return false }
    }
  }

  private mutating func value() -> Value? {
    skipSpace()
    switch next {
    case 0x22: return string().map { .text($0.text, hasEscapes: $0.hasEscapes) }
    case 0x7B: return object() == nil ? nil : .container
    case 0x5B: return array() ? .container : nil
    default: break
    }
    let start = position
    while let next, next > 0x20, ![0x2C, 0x3A, 0x5B, 0x5D, 0x7B, 0x7D, 0x22].contains(next) {
      position += 1
    }
    let text = Array(bytes[start..<position])
    switch String(decoding: text, as: UTF8.self) {
    case "null": return .null
    case "true", "false": return .boolean(text)
    default: return Self.isNumber(text) ? .literal(text) : nil
    }
  }

  private static func isNumber(_ text: [UInt8]) -> Bool {
    var rest = text[...]
    func digits() -> Int {
      let count = rest.prefix { (0x30...0x39).contains($0) }.count
      rest = rest.dropFirst(count)
      return count
    }
    if rest.first == 0x2D { rest = rest.dropFirst() }
    let isZero = rest.first == 0x30
    let whole = digits()
    guard whole == 1 || whole > 1 && !isZero else { return false }
    if rest.first == 0x2E {
      rest = rest.dropFirst()
      guard digits() > 0 else { return false }
    }
    if rest.first == 0x65 || rest.first == 0x45 {
      rest = rest.dropFirst()
      if rest.first == 0x2B || rest.first == 0x2D { rest = rest.dropFirst() }
      guard digits() > 0 else { return false }
    }
    return rest.isEmpty
  }

  /// A string; its text is `nil` where it holds half a surrogate pair.
  private mutating func string() -> (text: [UInt8]?, hasEscapes: Bool)? {
    guard takes(0x22) else { return nil }
    // UTF-8, and of escapes the code units that they stand for.
    var text: [UInt8] = []
    var hasEscapes = false
    var isText = true
    var high: UInt32?
    while let byte = next, byte >= 0x20 {
      position += 1
      if byte == 0x22 { return (isText && high == nil ? text : nil, hasEscapes) }
      guard byte == 0x5C else {
        if high != nil { isText = false }
        text.append(byte)
        continue
      }
      hasEscapes = true
      guard let kind = next else { return nil }
      position += 1
      guard kind == 0x75 else {
        let kinds = Array("\"\\/bfnrt".utf8)
        guard let index = kinds.firstIndex(of: kind) else { return nil }
        if high != nil { isText = false }
        text.append([0x22, 0x5C, 0x2F, 0x08, 0x0C, 0x0A, 0x0D, 0x09][index])
        continue
      }
      let digits = bytes[position..<min(position + 4, bytes.count)]
      guard digits.count == 4, digits.allSatisfy({ Character(Unicode.Scalar($0)).isHexDigit }),
        let unit = UInt32(String(decoding: digits, as: UTF8.self), radix: 16)
      else { return nil }
      position += 4
      switch (high, unit) {
      case (nil, 0xD800...0xDBFF): high = unit
      case (let first?, 0xDC00...0xDFFF):
        high = nil
        let scalar = Unicode.Scalar(0x10000 + (first - 0xD800) << 10 + (unit - 0xDC00))
        text += scalar.map { Array(String($0).utf8) } ?? []
      case (nil, let unit):
        if let scalar = Unicode.Scalar(unit) {
          text += Array(String(scalar).utf8)
        } else {
          isText = false
        }
      case (_?, _): isText = false
      }
    }
    return nil
  }
}
