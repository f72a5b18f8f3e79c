import Formats
import Foundation

/// Lines read as slowly and plainly as can be, apart from the product: with scalars in arrays, splits,
/// regular expressions and Foundation's JSON.
enum PlainFormats {
  /// The values of a line by their names; `nil` where it does not have the form.
  typealias Values = [String: String]

  /// Two scalars that make one character are two here, as in a log.
  private static func scalars(_ text: String) -> [Unicode.Scalar] { Array(text.unicodeScalars) }

  private static func text(_ scalars: some Sequence<Unicode.Scalar>) -> String {
    String(String.UnicodeScalarView(scalars))
  }

  // MARK: - Patterns

  /// - Parameter asked: the values that are decoded; the others are left out.
  static func pattern(_ pattern: LinePattern, _ line: String, asked: Set<String>) -> Values? {
    var rest = scalars(line)[...]
    var values: Values = [:]
    for (index, piece) in pattern.pieces.enumerated() {
      switch piece {
      case .text(let bytes):
        let literal = scalars(String(decoding: bytes, as: UTF8.self))
        guard rest.starts(with: literal) else { return nil }
        rest = rest.dropFirst(literal.count)
      case .value(let name):
        guard index + 1 < pattern.pieces.count else {
          values[name] = text(rest)
          rest = []
          continue
        }
        guard case .text(let bytes) = pattern.pieces[index + 1] else { return nil }
        let literal = scalars(String(decoding: bytes, as: UTF8.self))
        var value: [Unicode.Scalar] = []
        while !rest.starts(with: literal) || isEscaped(value, literal, pattern.escaping) {
          guard let next = rest.popFirst() else { return nil }
          value.append(next)
        }
        values[name] = text(value)
      }
    }
    guard rest.isEmpty else { return nil }
    var decoded: Values = [:]
    for (name, value) in values where asked.contains(name) {
      switch pattern.escaping {
      case .none: decoded[name] = value
      case .backslash: decoded[name] = backslashes(value)
      case .json:
        guard let value = json(value) else { return nil }
        decoded[name] = value
      }
    }
    return decoded
  }

  /// Whether a quotation mark behind a value is one of the value's.
  private static func isEscaped(
    _ value: [Unicode.Scalar], _ literal: [Unicode.Scalar], _ escaping: LinePattern.Escaping
  ) -> Bool {
    guard escaping != .none, literal.first == "\"" else { return false }
    return value.reversed().prefix { $0 == "\\" }.count % 2 == 1
  }

  /// Each row of escapes is Foundation's to read; what stands between them is as it is.
  private static func json(_ value: String) -> String? {
    let escapes = try? NSRegularExpression(
      pattern: #"(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))+|\\"#)
    guard let escapes else { return nil }
    let whole = value as NSString
    var text = ""
    var end = 0
    for match in escapes.matches(in: value, range: NSRange(location: 0, length: whole.length)) {
      text += whole.substring(with: NSRange(location: end, length: match.range.location - end))
      let row = whole.substring(with: match.range)
      let read = try? JSONSerialization.jsonObject(
        with: Data("\"\(row)\"".utf8), options: .fragmentsAllowed)
      guard let read = read as? String else { return nil }
      text += read
      end = match.range.upperBound
    }
    return text + whole.substring(from: end)
  }

  // MARK: - Escapes

  static func backslashes(_ value: String) -> String {
    let names: [Unicode.Scalar: UInt8] = [
      "n": 10, "r": 13, "t": 9, "b": 8, "f": 12, "v": 11, "\"": 34, "\\": 92, "'": 39, "/": 47,
    ]
    var rest = scalars(value)[...]
    var bytes: [UInt8] = []
    func hexadecimal(_ from: Int, _ count: Int) -> UInt32? {
      let digits = rest.dropFirst(from).prefix(count)
      guard digits.count == count, digits.allSatisfy({ $0.properties.isASCIIHexDigit }) else {
        return nil
      }
      return UInt32(text(digits), radix: 16)
    }
    while let first = rest.first {
      let kind = rest.dropFirst().first
      if first == "\\", let kind, let byte = names[kind] {
        bytes.append(byte)
        rest = rest.dropFirst(2)
      } else if first == "\\", kind == "x", let byte = hexadecimal(2, 2) {
        bytes.append(UInt8(byte))
        rest = rest.dropFirst(4)
      } else if first == "\\", kind == "u", let code = hexadecimal(2, 4),
        let scalar = Unicode.Scalar(code)
      {
        bytes += Array(String(scalar).utf8)
        rest = rest.dropFirst(6)
      } else if first == "\\", kind == "u", let high = hexadecimal(2, 4),
        text(rest.dropFirst(6).prefix(2)) == "\\u", let low = hexadecimal(8, 4),
        let both = String(
          validating: [UInt16(high), UInt16(low)] as [UInt16], as: UTF16.self)
      {
        bytes += Array(both.utf8)
        rest = rest.dropFirst(12)
      } else if first == "\\", let kind {
        bytes += Array((String(first) + String(kind)).utf8)
        rest = rest.dropFirst(2)
      } else {
        bytes += Array(String(first).utf8)
        rest = rest.dropFirst()
      }
    }
    return String(validating: bytes, as: UTF8.self) ?? value
  }

  // MARK: - Tables

  static func table(_ table: TableSyntax, _ header: [String], _ line: String) -> Values? {
    let delimiter = Unicode.Scalar(table.delimiter)
    let parts = line.unicodeScalars.split(separator: delimiter, omittingEmptySubsequences: false)
      .map { text($0) }
    var cells: [String] = []
    if table.hasBackslashes {
      cells = parts.map(backslashes)
    } else {
      // What stands between quotes may have delimiters: parts are put together until quotes pair up.
      var open: String?
      for part in parts {
        let cell = open.map { $0 + String(delimiter) + part } ?? part
        let isQuoted = cell.unicodeScalars.first == "\""
        if isQuoted && cell.unicodeScalars.count(where: { $0 == "\"" }) % 2 == 1 {
          open = cell
          continue
        }
        open = nil
        guard let value = isQuoted ? unquoted(cell) : cell else { return nil }
        cells.append(value)
      }
      if open != nil { return nil }
    }
    guard cells.count == header.count else { return nil }
    return Values(zip(header, cells)) { $1 }
  }

  private static func unquoted(_ cell: String) -> String? {
    let inner = text(cell.unicodeScalars.dropFirst().dropLast())
    guard cell.unicodeScalars.last == "\"", cell.unicodeScalars.count >= 2 else { return nil }
    let mark = "\u{F0000}"
    let marked = inner.replacing("\"\"", with: mark)
    return marked.unicodeScalars.contains("\"") ? nil : marked.replacing(mark, with: "\"")
  }

  // MARK: - Pairs

  static func pairs(_ line: String) -> Values? {
    let token = try? NSRegularExpression(
      pattern: #"\G *([^ ="]+)(=(?:"((?:\\[\s\S]|[^"\\])*)"|([^ "][^ ]*)?))?(?= |\z)"#)
    guard let token else { return nil }
    var values: Values = [:]
    var end = 0
    let text = line as NSString
    while let match = token.firstMatch(
      in: line, range: NSRange(location: end, length: text.length - end))
    {
      end = match.range.upperBound
      guard match.range(at: 2).location != NSNotFound else { continue }
      let name = text.substring(with: match.range(at: 1))
      if match.range(at: 3).location != NSNotFound {
        values[name] = backslashes(text.substring(with: match.range(at: 3)))
      } else if match.range(at: 4).location != NSNotFound {
        values[name] = text.substring(with: match.range(at: 4))
      } else {
        values[name] = ""
      }
    }
    let isWhole = text.substring(from: end).unicodeScalars.allSatisfy { $0 == " " }
    return isWhole ? values : nil
  }

  // MARK: - JSON

  /// The values of paths; `nil` where the line is no object, or one of them is an object.
  static func json(_ line: String, paths: [String]) -> Values? {
    guard
      let object = try? JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
    else { return nil }
    var values: Values = [:]
    for path in paths {
      var value: Any? = object
      for key in path.split(separator: ".").map(String.init) {
        while let list = value as? [Any] { value = list.first }
        value = (value as? [String: Any])?[key]
      }
      if let whole = object[path] { value = whole }
      while let list = value as? [Any] { value = list.first }
      switch value {
      case let text as String: values[path] = text
      case let number as NSNumber:
        values[path] = number.stringValue
      case is [String: Any]: return nil
      default: break
      }
    }
    return values
  }
}
