/// Writes JSON with one member or element a line where a value is an object of the top levels.
struct JSONWriter {
  private(set) var text = ""
  private var isFirst = true
  private var depth = 0
  private static let depthMax = 2

  mutating func object(_ members: (inout JSONWriter) -> Void) { nest("{", "}", members) }

  mutating func array<Element>(
    _ elements: [Element], _ write: (inout JSONWriter, Element) -> Void
  ) {
    nest("[", "]") { writer in
      for element in elements {
        writer.separate()
        write(&writer, element)
      }
    }
  }

  mutating func member(_ name: String, _ value: (inout JSONWriter) -> Void) {
    separate()
    string(name)
    text += ": "
    value(&self)
  }

  mutating func number(_ name: String, _ value: Int) { member(name) { $0.text += "\(value)" } }
  mutating func text(_ name: String, _ value: String) { member(name) { $0.string(value) } }

  mutating func string(_ value: String) {
    text += "\""
    for scalar in value.unicodeScalars {
      switch scalar {
      case "\"", "\\": text += "\\" + String(scalar)
      case "\u{0}"..<" ":
        let digits = String(scalar.value, radix: 16)
        text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: text.unicodeScalars.append(scalar)
      }
    }
    text += "\""
  }

  private mutating func nest(
    _ open: String, _ close: String, _ body: (inout JSONWriter) -> Void
  ) {
    text += open
    depth += 1
    isFirst = true
    body(&self)
    depth -= 1
    if !isFirst { breakLine() }
    text += close
    isFirst = false
  }

  private mutating func separate() {
    if !isFirst { text += "," }
    breakLine(afterComma: !isFirst)
    isFirst = false
  }

  private mutating func breakLine(afterComma: Bool = false) {
    if depth <= Self.depthMax {
      text += "\n" + String(repeating: "  ", count: depth)
    } else if afterComma {
      text += " "
    }
  }
}
