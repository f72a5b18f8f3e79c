import Formats
import Parsing
import TestSupport
import Testing

private let t = "2025-12-01T08:00:00Z"

/// Random lines of random formats, against ``PlainFormats``.
@Suite struct FormatReferenceTests {
  private static let names = ["user", "module", "app", "scenario"]
  /// What values are made of. No digits, so that nothing but the time is one.
  private static let pieces = [
    "a", "b", "ab", " ", "  ", "-", "\"", "\"\"", "\\", "\\\\", "\\\"", "\\x41", "\\x",
    "\\xE7\\x94\\xA8",
    "\\xFF", "\\n", "\\t", "\\q", "\\u0041", "\\ud83d\\ude00", "\\u00", "用", "户", "é", "e\u{301}",
    "\u{301}", "😀",
    ",", ";", "|", "=", ":", "{", "}", "[", "'", "\u{A0}", "\u{2028}", "\u{FEFF}", "x",
  ]

  private static func value(
    _ random: inout SeededRandom, _ pieces: [String], atMost count: Int = 4
  ) -> String {
    if random.chance(10) { return "-" }
    return (0..<random.number(0...count)).map { _ in random.one(of: pieces) }.joined()
  }

  /// Sometimes a line with one scalar less, more or another.
  private static func changed(
    _ line: String, _ random: inout SeededRandom, _ pieces: [String]
  ) -> String {
    guard random.chance(15), !line.isEmpty else { return line }
    var scalars = Array(line.unicodeScalars)
    let place = random.number(0...(scalars.count - 1))
    switch random.number(0...2) {
    case 0: scalars.remove(at: place)
    case 1: scalars.insert(contentsOf: random.one(of: pieces).unicodeScalars, at: place)
    default: scalars.replaceSubrange(place...place, with: random.one(of: pieces).unicodeScalars)
    }
    return String(String.UnicodeScalarView(scalars))
  }

  /// What a line is by the plain reading of its values.
  private static func expected(
    _ line: String, _ format: LogFormat, _ read: (String) -> PlainFormats.Values?
  ) -> Heard? {
    var scalars = Array(line.unicodeScalars)
    if scalars.allSatisfy({ " \t\r".unicodeScalars.contains($0) }) { return nil }
    if scalars.last == "\r" { scalars.removeLast() }
    guard var values = read(String(String.UnicodeScalarView(scalars))) else {
      return .rejected(.unlikeFormat)
    }
    values = values.filter { !$1.isEmpty && !format.absent.contains($1) }
    // Digits alone are a time, too.
    let time = values["time"] ?? ""
    let isNumber = !time.isEmpty && time.utf8.allSatisfy { (0x30...0x39).contains($0) }
    guard time == t || isNumber else { return .rejected(.unreadableTime) }
    return fields(values.filter { names.contains($0.key) })
  }

  /// Compares; why a line is rejected is left open.
  private static func compare(
    _ lines: [String], _ format: LogFormat, header: String? = nil, _ random: SeededRandom,
    _ tally: inout Tally, _ read: (String) -> PlainFormats.Values?
  ) throws {
    let first = header == nil ? 0 : 1
    let text = (header.map { [$0] } ?? []) + lines
    let reading = try reading(Array(text.joined(separator: "\n").utf8), as: format)
    // Where the time itself was changed, it may still be one.
    for (number, line) in lines.enumerated() where line.contains(t) {
      let heard = reading.heard[number + first]
      let expected = expected(line, format, read)
      switch (heard, expected) {
      case (.rejected, .rejected): tally.rejected += 1
      default:
        if case .record = heard { tally.records += 1 }
        if heard != expected {
          tally.differences += 1
          guard tally.differences < 6 else { return }
          Issue.record(
            """
            \(random)
            \(format.syntax) \(format.absent)
            \(header.map { $0 + "\n" } ?? "")\(line.debugDescription)
            read \(String(describing: heard))
            expected \(String(describing: expected))
            """)
        }
      }
    }
  }

  private struct Tally {
    var records = 0
    var rejected = 0
    var differences = 0
  }

  private static func format(_ syntax: LineSyntax, _ random: inout SeededRandom) -> LogFormat {
    var format = LogFormat(name: "f", title: "f", syntax: syntax)
    if random.chance(50) { format.absent = ["-"] }
    for field in [Field.time, .user, .module, .app, .scenario] {
      format.fields[field] = [.value(field.name)]
    }
    return format
  }

  @Test(arguments: [1, 2, 3, 4] as [UInt64])
  func patterns(seed: UInt64) throws {
    var random = SeededRandom(seed: seed)
    var tally = Tally()
    let separators = [
      " ", "\" \"", "\"", "|", "||", "::", "aab", "-", " - ", "\t", "用", "é", "\u{301}", "] [",
      "\\", "x\"",
      "\",\"a_long_name_of_a_value\":\"", "aaaaaaaaaaaaaaaab",
      "abababababababababababababababababac", "=", ", ",
    ]
    for _ in 0..<40 {
      var pieces: [LinePattern.Piece] = []
      var used: [String] = []
      if random.chance(50) { pieces.append(.text(Array(random.one(of: separators).utf8))) }
      let all = (["time"] + Self.names + ["unused", "other"]).shuffled(using: &random)
      for name in all.prefix(random.number(2...7)) + ["time"] where !used.contains(name) {
        let separator = random.one(of: separators)
        if !used.isEmpty { pieces.append(.text(Array(separator.utf8))) }
        used.append(name)
        pieces.append(.value(name))
      }
      if random.chance(50) { pieces.append(.text(Array(random.one(of: separators).utf8))) }
      let escaping = random.one(of: LinePattern.Escaping.allCases)
      let pattern = LinePattern(pieces: pieces, escaping: escaping)
      var format = Self.format(.pattern(pattern), &random)
      // A value that no one asks for is not decoded.
      format.fields = format.fields.filter { used.contains($0.key.name) }
      var parts: [String] = Self.pieces
      for case .text(let bytes) in pieces {
        let scalars = String(decoding: bytes, as: UTF8.self).unicodeScalars
        parts.append(String(scalars))
        parts.append(String(String.UnicodeScalarView(scalars.prefix(scalars.count - 1))))
        parts.append(String(String.UnicodeScalarView(scalars.prefix(17))))
      }
      parts = parts.filter { !$0.isEmpty }
      if escaping == .json {
        // Raw control characters and what is no escape are for other tests.
        parts = parts.filter { !["\\", "\\x", "\\q", "\\u00", "\t"].contains($0) }
      }
      let lines = (0..<60).map { _ in
        var line = ""
        for piece in pieces {
          switch piece {
          case .text(let bytes): line += String(decoding: bytes, as: UTF8.self)
          case .value("time"): line += t
          case .value: line += Self.value(&random, parts)
          }
        }
        return Self.changed(line, &random, parts) + (random.chance(10) ? "\r" : "")
      }
      let asked = Set(format.fields.keys.map(\.name))
      // An escape that is none matters in a value that is asked for alone.
      try Self.compare(lines, format, random, &tally) {
        PlainFormats.pattern(pattern, $0, asked: asked)
      }
    }
    #expect(tally.records > 1_000 && tally.rejected > 40, "\(tally)")
  }

  @Test(arguments: [1, 2, 3, 4] as [UInt64])
  func tables(seed: UInt64) throws {
    var random = SeededRandom(seed: seed)
    var tally = Tally()
    for _ in 0..<40 {
      let hasBackslashes = random.chance(50)
      let delimiter = hasBackslashes ? "\t" : random.one(of: [",", ";", "|", "\t", ":", "-"])
      let columns = (["time"] + Self.names + ["a", "b c", "用"]).shuffled(using: &random)
      var header = Array(columns.prefix(random.number(2...8)))
      if !header.contains("time") { header[0] = "time" }
      let ownHeader = random.chance(30)
      let table = TableSyntax(
        delimiter: delimiter.utf8.first ?? 0x2C, hasBackslashes: hasBackslashes,
        header: ownHeader ? header : nil)
      var format = Self.format(.table(table), &random)
      if delimiter == "-" { format.absent = [] }
      let pieces = Self.pieces.filter { !$0.contains(delimiter) || random.chance(50) }
      let lines = (0..<60).map { _ in
        let cells = header.map { name in
          if name == "time" && delimiter != ":" && delimiter != "-" { return t }
          let value = name == "time" ? t : Self.value(&random, pieces)
          if hasBackslashes {
            return random.chance(80)
              ? value.replacing("\\", with: "\\\\").replacing("\t", with: "\\t") : value
          }
          let mustBeQuoted = value.contains(delimiter) || value.hasPrefix("\"") || random.chance(20)
          return mustBeQuoted && random.chance(95) || name == "time"
            ? "\"" + value.replacing("\"", with: "\"\"") + "\"" : value
        }
        return Self.changed(cells.joined(separator: delimiter), &random, pieces + [delimiter])
          + (random.chance(10) ? "\r" : "")
      }
      let headerLine = header.joined(separator: delimiter)
      try Self.compare(lines, format, header: ownHeader ? nil : headerLine, random, &tally) {
        PlainFormats.table(table, header, $0)
      }
    }
    #expect(tally.records > 1_000 && tally.rejected > 40, "\(tally)")
  }

  @Test(arguments: [1, 2, 3, 4] as [UInt64])
  func pairs(seed: UInt64) throws {
    var random = SeededRandom(seed: seed)
    var tally = Tally()
    for _ in 0..<40 {
      let format = Self.format(.logfmt, &random)
      let lines = (0..<60).map { _ in
        var tokens = ["time=\(t)"]
        for _ in 0..<random.number(0...6) {
          let name = random.one(of: Self.names + ["x", "userx", "xuser", "用", "a.b"])
          let value = Self.value(&random, Self.pieces)
          switch random.number(0...9) {
          case 0: tokens.append(name)
          case 1: tokens.append("\(name)=\(value)")
          case 2: tokens.append("\(name)=\"\(value)\"")
          case 3: tokens.append("\(name)=")
          default:
            let quoted = value.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"")
            tokens.append("\(name)=\"\(quoted)\"")
          }
        }
        let line = tokens.shuffled(using: &random).joined(separator: random.chance(90) ? " " : "  ")
        return Self.changed(line, &random, Self.pieces) + (random.chance(10) ? "\r" : "")
      }
      try Self.compare(lines, format, random, &tally) { PlainFormats.pairs($0) }
    }
    #expect(tally.records > 1_000 && tally.rejected > 40, "\(tally)")
  }

  @Test(arguments: [1, 2, 3, 4] as [UInt64])
  func objects(seed: UInt64) throws {
    var random = SeededRandom(seed: seed)
    var tally = Tally()
    let paths = ["user", "a.user", "a.b.user", "a.b.c", "module", "b.module", "d", "b.d", "用.户"]
    for _ in 0..<40 {
      var format = LogFormat(name: "f", title: "f", syntax: .json)
      if random.chance(50) { format.absent = ["-"] }
      format.fields[.time] = [.value("time")]
      var chosen: [Field: String] = [:]
      for field in [Field.user, .module, .app, .scenario] {
        chosen[field] = random.one(of: paths)
        format.fields[field] = [.value(chosen[field] ?? "")]
      }
      let lines = (0..<60).map { _ in
        let order = ["time", "a", "b", "d", "user", "module", "用", "x", "b.d", "a.b.user"]
          .filter { $0 == "time" || random.chance(60) }.shuffled(using: &random)
        // A path that is also one key may stand in one way or the other.
        let keys = order.filter {
          !($0 == "b.d" && order.contains("b")) && !($0 == "a.b.user" && order.contains("a"))
        }
        let members = keys.map { key in
          Self.text(key, &random) + Self.blank(&random) + ":" + Self.blank(&random)
            + (key == "time" ? "\"\(t)\"" : Self.member(&random, depth: 0))
        }
        let line = "{" + members.joined(separator: Self.blank(&random) + ",") + "}"
        return line + (random.chance(10) ? "\r" : "")
      }
      let read: (String) -> PlainFormats.Values? = { line in
        let all = Set(chosen.values).union(["time"])
        guard let values = PlainFormats.json(line, paths: Array(all)) else { return nil }
        var named: PlainFormats.Values = ["time": values["time"] ?? ""]
        for (field, path) in chosen { named[field.name] = values[path] }
        return named
      }
      try Self.compare(lines, format, random, &tally, read)
    }
    #expect(tally.records > 1_000 && tally.rejected > 40, "\(tally)")
  }

  private static func blank(_ random: inout SeededRandom) -> String {
    random.chance(80) ? "" : random.one(of: [" ", "\t", "  ", " \r"])
  }

  /// A JSON text, some of its characters as escapes.
  private static func text(_ text: String, _ random: inout SeededRandom) -> String {
    var written = "\""
    for unit in text.utf16 {
      let isEscaped = random.chance(10) || unit < 0x20 || unit >= 0xD800 && unit < 0xE000
      switch unit {
      case 0x22: written += "\\\""
      case 0x5C: written += "\\\\"
      default:
        if isEscaped {
          let digits = String(unit, radix: 16)
          written += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
        } else if let scalar = Unicode.Scalar(unit) {
          written.unicodeScalars.append(scalar)
        }
      }
    }
    return written + "\""
  }

  private static func member(_ random: inout SeededRandom, depth: Int) -> String {
    switch random.number(0...11) {
    case 0: return random.one(of: ["null", "12", "0", "-7", "4711"])
    case 1,
      2 where depth < 4:
      let elements = (0..<random.number(0...3)).map { _ in member(&random, depth: depth + 1) }
      return "[" + elements.joined(separator: blank(&random) + ",") + "]"
    case 3...7 where depth < 4:
      let keys = ["user", "a", "b", "c", "d", "module", "户", "x"].shuffled(using: &random)
      let members = keys.prefix(random.number(0...5)).map {
        text($0, &random) + ":" + member(&random, depth: depth + 1)
      }
      return "{" + members.joined(separator: ",") + blank(&random) + "}"
    default:
      // Foundation leaves the mark out of texts.
      return text(value(&random, pieces.filter { $0 != "\u{FEFF}" }), &random)
    }
  }
}
