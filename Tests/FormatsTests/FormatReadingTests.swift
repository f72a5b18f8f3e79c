import CivilTime
import Configuration
import Formats
import TestSupport
import Testing

private func format(_ yaml: String) throws -> LogFormat {
  try LogFormat(yaml: yaml, path: "f.yaml")
}

@Suite struct FormatReadingTests {
  @Test func everyBuiltInFormatIsValidAndSaysItself() throws {
    #expect(BuiltInFormats.files.count == 16)
    for (name, yaml) in BuiltInFormats.files {
      let format = try LogFormat(yaml: yaml, path: "\(name).yaml")
      #expect(format.name == name)
      #expect(format.title.count > 10, "\(name)")
      #expect(!format.title.contains("\n"), "\(name)")
      #expect(yaml.hasPrefix("# "), "\(name) does not say what it is")
    }
    #expect(BuiltInFormats.all.map(\.name) == BuiltInFormats.files.map(\.name))
  }

  @Test func theCanonicalLogIsTheFirstFormat() throws {
    let yaml = try #require(BuiltInFormats.files.first)
    #expect(yaml.name == "ndjson")
    #expect(try LogFormat(yaml: yaml.yaml, path: "ndjson.yaml") == LogFormat.canonical)
    #expect(BuiltInFormats.all.first == LogFormat.canonical)
    #expect(LogFormat.canonical.fields.count == Field.allCases.count)
    for field in Field.allCases {
      #expect(LogFormat.canonical.fields[field] == [.value(field.name)])
      #expect(Field(name: field.name) == field)
    }
    #expect(Field(name: "Time") == nil)
  }

  @Test func everythingThatAFileCanSay() throws {
    let format = try format(
      """
      format: shop
      title: The shop's own log
      lines:
        nginx: '$date $clock "$request" $status "$http_cookie"'
        escape: json
      absent: ['-', none]
      time_zone: Europe/Berlin
      request: {line: request}
      cookies: http_cookie
      fields:
        time: ['{date} {clock}', date]
        user: ['query:user', 'cookie:uid']
        module: path
        event: method
        status: status
      rules:
        - when: {status: [500-599, 404], method: [GET, 'P*'], 'query:x': '*y*', path: '/a/{m}/*/c/*'}
          set: {module: 'x-{m}', event: message, items: 12}
        - when: {status: 200}
          ignore: yes
      """)
    #expect(format.name == "shop")
    #expect(format.title == "The shop's own log")
    guard case .pattern(let pattern) = format.syntax else {
      Issue.record("\(format.syntax)")
      return
    }
    #expect(pattern.escaping == .json)
    #expect(pattern.names == ["date", "clock", "request", "status", "http_cookie"])
    #expect(format.absent == ["-", "none"])
    #expect(format.zone == Zone(identifier: "Europe/Berlin"))
    #expect(format.request == .line("request"))
    #expect(format.cookies == "http_cookie")
    let joined = ValueSource.joined([
      .source(.value("date")), .text(" "), .source(.value("clock")),
    ])
    #expect(
      format.fields == [
        .time: [joined, .value("date")], .user: [.query("user"), .cookie("uid")],
        .module: [.path], .event: [.method], .status: [.value("status")],
      ])
    #expect(format.rules.count == 2)
    let rule = try #require(format.rules.first)
    #expect(
      rule.conditions == [
        .status([500...599, 404...404]),
        .text(.method, anyOf: [Wildcard("GET"), Wildcard("P*")]),
        .text(.query("x"), anyOf: [Wildcard("*y*")]),
      ])
    #expect(rule.path?.names["m"] == 1)
    #expect(rule.path?.isOpen == true)
    #expect(rule.path?.segments.count == 4)
    #expect(
      rule.sets.map(\.parts) == [[.text("message")], [.text("x-"), .segment(1)], [.text("12")]])
    #expect(rule.sets.map(\.field) == [.event, .module, .items])
    #expect(!rule.ignores)
    #expect(format.rules[1].ignores)
  }

  @Test func whatEachSyntaxIsWrittenAs() throws {
    func syntax(_ lines: String) throws -> LineSyntax {
      try format("format: f\nlines: \(lines)\nfields: {time: t}").syntax
    }
    #expect(try syntax("json") == .json)
    #expect(try syntax("logfmt") == .logfmt)
    let comma = UInt8(ascii: ",")
    let tab = UInt8(ascii: "\t")
    #expect(
      try syntax("csv") == .table(TableSyntax(delimiter: comma, hasBackslashes: false, header: nil))
    )
    #expect(
      try syntax("tsv") == .table(TableSyntax(delimiter: tab, hasBackslashes: true, header: nil)))
    #expect(
      try syntax("{csv: {delimiter: ';', header: [t, u]}}")
        == .table(
          TableSyntax(delimiter: UInt8(ascii: ";"), hasBackslashes: false, header: ["t", "u"])))
    #expect(
      try syntax("{csv: {delimiter: \"\\t\"}}")
        == .table(TableSyntax(delimiter: tab, hasBackslashes: false, header: nil)))
    #expect(
      try syntax("{text: '{t}'}")
        == .pattern(LinePattern(pieces: [.value("t")], escaping: .backslash)))
    #expect(
      try syntax("{envoy: '%t%'}") == .pattern(LinePattern(pieces: [.value("t")], escaping: .none)))
  }

  /// The words of a server's own configuration may have a tab, and take several lines of YAML.
  @Test func aPatternMayHaveTabsAndSeveralLines() throws {
    let tabs = try format("format: f\nlines: {nginx: \"$t\\t$u\"}\nfields: {time: t}")
    #expect(
      tabs.syntax
        == .pattern(
          LinePattern(
            pieces: [.value("t"), .text([0x09]), .value("u")], escaping: .backslash)))
    let lines = try format("format: f\nlines:\n  text: |-\n    {t}\n    -{u}\nfields: {time: t}")
    #expect(
      lines.syntax
        == .pattern(
          LinePattern(
            pieces: [.value("t"), .text([0x2D]), .value("u")], escaping: .backslash)))
  }

  @Test(arguments: [
    ("", "", false, false), ("a", "a", false, false), ("*", "", true, false),
    ("**", "", true, true),
    ("*a", "a", true, false), ("a*", "a", false, true), ("*a*", "a", true, true),
    ("a*b", "a*b", false, false),
  ])
  func wildcards(pattern: String, text: String, start: Bool, end: Bool) {
    let wildcard = Wildcard(pattern)
    #expect(wildcard.text == Array(text.utf8))
    #expect(wildcard.isOpenAtStart == start)
    #expect(wildcard.isOpenAtEnd == end)
  }

  @Test(arguments: [
    ("/", 1, false), ("/a", 1, false), ("/a/", 2, false), ("/*", 0, true), ("/a/*", 1, true),
    ("/*/b", 2, false), ("/{a}/b/{c}", 3, false),
  ])
  func pathPatterns(pattern: String, segments: Int, isOpen: Bool) throws {
    let path = try #require(PathPattern(pattern))
    #expect(path.segments.count == segments)
    #expect(path.isOpen == isOpen)
  }

  @Test(arguments: ["", "a", "*", "/{a", "/a}", "/{}", "/{a}{b}", "/{{a}}", "/{a}/{a}", "/x{a}"])
  func whatIsNoPathPattern(pattern: String) { #expect(PathPattern(pattern) == nil) }

  /// A built-in file with any one line left out, doubled or torn is read or refused, and never more.
  @Test func changedFilesAreReadOrRefused() {
    var random = SeededRandom(seed: 11)
    for (name, yaml) in BuiltInFormats.files {
      for _ in 0..<60 {
        var lines = yaml.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        let place = random.number(0...(lines.count - 1))
        switch random.number(0...3) {
        case 0: lines.remove(at: place)
        case 1: lines.insert(lines[place], at: place)
        case 2: lines[place] = String(lines[place].prefix(random.number(0...lines[place].count)))
        default:
          var characters = Array(lines[place])
          if !characters.isEmpty {
            characters[random.number(0...(characters.count - 1))] = random.one(
              of: ["{", "}", ":", "'", "\"", "%", "$", " ", "-", "x", "[", "*"])
          }
          lines[place] = String(characters)
        }
        let changed = lines.joined(separator: "\n")
        do {
          _ = try LogFormat(yaml: changed, path: "\(name).yaml")
        } catch {
          #expect(!error.problems.isEmpty)
          for problem in error.problems { #expect(problem.line != nil, "\(problem)\n\(changed)") }
        }
      }
    }
  }
}
