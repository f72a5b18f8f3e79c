/// Why bytes are no JSON document.
public struct JSONReadError: Error, Sendable, Hashable, CustomStringConvertible {
  /// Where, from 0; `nil` where it is about the whole.
  public var byteOffset: Int?
  public var what: String

  public var description: String { byteOffset.map { "at byte \($0): \(what)" } ?? what }
}

extension JSONValue {
  /// Levels of arrays and objects within each other.
  public static let depthMax = 64

  /// Reads a document strictly (RFC 8259): UTF-8 without a byte order mark, each member's name once,
  /// whole numbers within 64 bits, at most ``depthMax`` levels, and nothing behind it but white space.
  public static func read(_ bytes: [UInt8]) throws(JSONReadError) -> JSONValue {
    guard String(validating: bytes, as: UTF8.self) != nil else {
      throw JSONReadError(byteOffset: nil, what: "is not UTF-8")
    }
    var reader = JSONReader(bytes: bytes)
    return try reader.document()
  }
}

/// Reads bytes that are valid UTF-8.
private struct JSONReader {
  let bytes: [UInt8]
  var position = 0

  init(bytes: [UInt8]) { self.bytes = bytes }

  mutating func document() throws(JSONReadError) -> JSONValue {
    let value = try value(level: 0)
    skipBlanks()
    guard position == bytes.count else { throw unexpected("the document's end") }
    return value
  }

  private var next: UInt8? { position < bytes.count ? bytes[position] : nil }

  private func unexpected(_ expected: String) -> JSONReadError {
    JSONReadError(byteOffset: position, what: "expected \(expected)")
  }

  private mutating func skipBlanks() {
    while let byte = next, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 {
      position += 1
    }
  }

  /// Passes over a byte, where it is the next one.
  private mutating func take(_ byte: Unicode.Scalar) -> Bool {
    guard next == UInt8(ascii: byte) else { return false }
    position += 1
    return true
  }

  private mutating func value(level: Int) throws(JSONReadError) -> JSONValue {
    skipBlanks()
    switch next.map({ Unicode.Scalar($0) }) {
    case "{": return try object(level: level + 1)
    case "[": return try array(level: level + 1)
    case "\"": return .string(try string())
    case "-", "0", "1", "2", "3", "4", "5", "6", "7", "8", "9": return try number()
    default:
      for (word, value) in [
        ("true", JSONValue.bool(true)), ("false", .bool(false)), ("null", .null),
      ]
      where bytes[position...].starts(with: word.utf8) {
        position += word.utf8.count
        return value
      }
      throw unexpected("a value")
    }
  }

  private func check(level: Int) throws(JSONReadError) {
    guard level <= JSONValue.depthMax else {
      throw unexpected("at most \(JSONValue.depthMax) levels")
    }
  }

  private mutating func array(level: Int) throws(JSONReadError) -> JSONValue {
    try check(level: level)
    position += 1
    var values: [JSONValue] = []
    skipBlanks()
    if take("]") { return .array(values) }
    while true {
      values.append(try value(level: level))
      skipBlanks()
      if take("]") { return .array(values) }
      guard take(",") else { throw unexpected("',' or ']'") }
    }
  }

  private mutating func object(level: Int) throws(JSONReadError) -> JSONValue {
    try check(level: level)
    position += 1
    var members: [JSONValue.Member] = []
    // By bytes, since texts that are canonically equivalent are different names.
    var names: Set<[UInt8]> = []
    skipBlanks()
    if take("}") { return .object(members) }
    while true {
      skipBlanks()
      guard next == UInt8(ascii: "\"") else { throw unexpected("a member's name") }
      let start = position
      let name = try string()
      guard names.insert(Array(name.utf8)).inserted else {
        throw JSONReadError(byteOffset: start, what: "the member '\(name)' stands there twice")
      }
      skipBlanks()
      guard take(":") else { throw unexpected("':'") }
      members.append(JSONValue.Member(name, try value(level: level)))
      skipBlanks()
      if take("}") { return .object(members) }
      guard take(",") else { throw unexpected("',' or '}'") }
    }
  }

  private mutating func number() throws(JSONReadError) -> JSONValue {
    let start = position
    _ = take("-")
    if !take("0") { try digits() }
    var isWhole = true
    if take(".") {
      isWhole = false
      try digits()
    }
    if take("e") || take("E") {
      isWhole = false
      if !take("-") { _ = take("+") }
      try digits()
    }
    let text = String(decoding: bytes[start..<position], as: UTF8.self)
    if isWhole, let number = Int(text) { return .number(number) }
    if !isWhole, let number = Double(text), number.isFinite { return .real(number) }
    throw JSONReadError(byteOffset: start, what: "a number that is too large")
  }

  private mutating func digits() throws(JSONReadError) {
    let start = position
    while let byte = next, (0x30...0x39).contains(byte) { position += 1 }
    if position == start { throw unexpected("a digit") }
  }

  private mutating func string() throws(JSONReadError) -> String {
    position += 1
    var text: [UInt8] = []
    // Of what goes into the text as it stands.
    var start = position
    while let byte = next {
      switch byte {
      case UInt8(ascii: "\""):
        text += bytes[start..<position]
        position += 1
        return String(decoding: text, as: UTF8.self)
      case UInt8(ascii: "\\"):
        text += bytes[start..<position]
        position += 1
        text += try escape().utf8
        start = position
      case 0..<0x20: throw unexpected("no control character in a text")
      default: position += 1
      }
    }
    throw unexpected("a text's end")
  }

  /// What stands behind a backslash.
  private mutating func escape() throws(JSONReadError) -> String {
    for (letter, text) in [
      ("\"", "\""), ("\\", "\\"), ("/", "/"), ("b", "\u{8}"), ("f", "\u{C}"), ("n", "\n"),
      ("r", "\r"), ("t", "\t"),
    ] as [(Unicode.Scalar, String)] where take(letter) {
      return text
    }
    guard take("u") else { throw unexpected("an escape") }
    let first = try codeUnit()
    if let scalar = Unicode.Scalar(first) { return String(Character(scalar)) }
    guard first < 0xDC00, take("\\"), take("u") else { throw unexpected("a surrogate pair") }
    let second = try codeUnit()
    guard (0xDC00...0xDFFF).contains(second),
      let scalar = Unicode.Scalar(0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00))
    else { throw unexpected("a surrogate pair") }
    return String(Character(scalar))
  }

  private mutating func codeUnit() throws(JSONReadError) -> UInt32 {
    var unit: UInt32 = 0
    for _ in 0..<4 {
      guard let digit = next.flatMap({ Character(Unicode.Scalar($0)).hexDigitValue }) else {
        throw unexpected("four hexadecimal digits")
      }
      unit = unit << 4 + UInt32(digit)
      position += 1
    }
    return unit
  }
}
