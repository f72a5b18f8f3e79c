/// A JSON document (RFC 8259) as a value. Members keep the order they are given in, so that equal
/// content is equal bytes.
public enum JSONValue: Sendable, Hashable {
  public struct Member: Sendable, Hashable {
    public var name: String
    public var value: JSONValue

    public init(_ name: String, _ value: JSONValue) {
      self.name = name
      self.value = value
    }
  }

  case null
  case bool(Bool)
  case number(Int)
  /// A measured number, such as seconds; written as `null` where it is not finite.
  case real(Double)
  case string(String)
  case array([JSONValue])
  case object([Member])
}

extension JSONValue: ExpressibleByDictionaryLiteral, ExpressibleByArrayLiteral,
  ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByBooleanLiteral
{
  public init(dictionaryLiteral elements: (String, JSONValue)...) {
    self = .object(elements.map { Member($0.0, $0.1) })
  }

  public init(arrayLiteral elements: JSONValue...) { self = .array(elements) }
  public init(stringLiteral value: String) { self = .string(value) }
  public init(integerLiteral value: Int) { self = .number(value) }
  public init(booleanLiteral value: Bool) { self = .bool(value) }
}

extension JSONValue {
  /// The document as UTF-8, two spaces a level, with a line end at its end.
  public func render() -> [UInt8] {
    var text = ""
    write(to: &text, level: 0)
    text += "\n"
    return Array(text.utf8)
  }

  /// The document on one line, without a line end.
  public func renderLine() -> String {
    var text = ""
    write(to: &text, level: nil)
    return text
  }

  /// - Parameter level: the depth, `nil` for a document on one line.
  private func write(to text: inout String, level: Int?) {
    switch self {
    case .null: text += "null"
    case .bool(let value): text += value ? "true" : "false"
    case .number(let value): text += String(value)
    case .real(let value): text += value.isFinite ? String(value) : "null"
    case .string(let value): Self.write(value, to: &text)
    case .array(let values):
      Self.write(values.count, between: "[", "]", to: &text, level: level) { index, text in
        values[index].write(to: &text, level: level.map { $0 + 1 })
      }
    case .object(let members):
      Self.write(members.count, between: "{", "}", to: &text, level: level) { index, text in
        Self.write(members[index].name, to: &text)
        text += ": "
        members[index].value.write(to: &text, level: level.map { $0 + 1 })
      }
    }
  }

  private static func write(
    _ count: Int, between open: String, _ close: String, to text: inout String, level: Int?,
    element: (Int, inout String) -> Void
  ) {
    text += open
    for index in 0..<count {
      text += index == 0 ? "" : ","
      if let level {
        text += "\n" + String(repeating: "  ", count: level + 1)
      } else if index > 0 {
        text += " "
      }
      element(index, &text)
    }
    if let level, count > 0 { text += "\n" + String(repeating: "  ", count: level) }
    text += close
  }

  private static func write(_ value: String, to text: inout String) {
    text += "\""
    for scalar in value.unicodeScalars {
      switch scalar {
      case "\"": text += "\\\""
      case "\\": text += "\\\\"
      case "\n": text += "\\n"
      case "\r": text += "\\r"
      case "\t": text += "\\t"
      case "\u{8}": text += "\\b"
      case "\u{C}": text += "\\f"
      case "\u{0}"..<" ":
        let digits = String(scalar.value, radix: 16)
        text += "\\u" + String(repeating: "0", count: 4 - digits.utf8.count) + digits
      default: text.unicodeScalars.append(scalar)
      }
    }
    text += "\""
  }
}
