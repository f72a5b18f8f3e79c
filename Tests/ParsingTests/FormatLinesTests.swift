import Decoding
import Formats
import Parsing
import TestSupport
import Testing

private let t = "2025-12-01T08:00:00Z"
private let named = "fields: {time: time, user: user}"
private let request = "request: {method: m, url: u}\nrules: [{when: {path: '/x'}, ignore: true}]"

/// A format of each syntax, a line that it reads as the record of a user, and its first line.
private struct Sort: CustomTestStringConvertible, Sendable {
  var testDescription: String
  var yaml: String
  var header = ""
  var line: @Sendable (String) -> String
}

private let sorts: [Sort] = [
  Sort(testDescription: "json", yaml: file("json", named)) {
    "{\"time\":\"\(t)\",\"q\":[1,{}],\"user\":\"\($0)\"}"
  },
  Sort(testDescription: "logfmt", yaml: file("logfmt", named)) { "time=\(t) q user=\"\($0)\"" },
  Sort(testDescription: "csv", yaml: file("csv", named), header: "time,q,user\n") {
    "\(t),\"a\"\"b\",\"\($0)\""
  },
  Sort(testDescription: "tsv", yaml: file("tsv", named), header: "time\tq\tuser\n") {
    "\(t)\ta\\tb\t\($0)"
  },
  Sort(
    testDescription: "columns", yaml: file("{csv: {header: [user, time], delimiter: ';'}}", named)
  ) { "\($0);\(t)" },
  Sort(testDescription: "nginx", yaml: file("{nginx: '[$time] \"$user\" $x'}", named)) {
    "[\(t)] \"\($0)\" x"
  },
  Sort(testDescription: "text", yaml: file("{text: '{x}|{user}|{time}'}", named)) {
    "x|\($0)|\(t)"
  },
  Sort(testDescription: "envoy", yaml: file("{envoy: '%time% %user%;'}", named)) { "\(t) \($0);" },
]

@Suite struct FormatLinesTests {
  @Test(arguments: sorts)
  private func endsOfLines(sort: Sort) throws {
    let headerLines = sort.header.isEmpty ? 0 : 1
    for end in ["\n", "\r\n"] {
      let text =
        "\u{FEFF}\(sort.header)\(sort.line("a"))\(end)\(end)   \(end)\(sort.line("用"))\(end)\t\(end)"
        + sort.line("c")
      let read = try reading(text, as: sort.yaml)
      #expect(read.lines == 6 + headerLines)
      #expect(read.blank == 3 + headerLines)
      let expected = [
        headerLines: fields(["user": "a"]), headerLines + 3: fields(["user": "用"]),
        headerLines + 5: fields(["user": "c"]),
      ]
      #expect(read.heard == expected)
      #expect(try reading(text + end, as: sort.yaml).heard == expected)
    }
  }

  @Test(arguments: sorts)
  private func whatIsNoText(sort: Sort) throws {
    let good = Array("\(sort.line("good"))\n".utf8)
    let headerLines = sort.header.isEmpty ? 0 : 1
    for bad in [[0xFF], [0xC0, 0x80], [0xED, 0xA0, 0x80], [0xE7, 0x94], [0x00]] as [[UInt8]] {
      var line: [UInt8] = []
      for byte in Array(sort.line("@").utf8) { line += byte == 0x40 ? bad : [byte] }
      let read = try reading(
        Array(sort.header.utf8) + good + line + [0x0A] + good, as: sort.yaml)
      #expect(
        read.heard == [
          headerLines: fields(["user": "good"]), headerLines + 1: .rejected(.invalidText),
          headerLines + 2: fields(["user": "good"]),
        ], "\(bad)")
    }
  }

  @Test(arguments: sorts)
  private func linesThatAreTooLong(sort: Sort) throws {
    let format = try LogFormat(yaml: sort.yaml, path: "f.yaml")
    let headerLines = sort.header.isEmpty ? 0 : 1
    let fixed = sort.line("").utf8.count
    for (count, isTooLong) in [
      (3_000 - fixed, false), (3_001 - fixed, true), (600_000 - fixed, true),
    ] {
      let long = String(repeating: "x", count: count)
      let text = "\(sort.header)\(sort.line("a"))\n\(sort.line(long))\n\(sort.line("b"))"
      let read = try reading(Array(text.utf8), as: format, lineBytesMax: 3_000)
      let middle: Heard = isTooLong ? .rejected(.tooLong) : fields(["user": long])
      #expect(
        read.heard == [
          headerLines: fields(["user": "a"]), headerLines + 1: middle,
          headerLines + 2: fields(["user": "b"]),
        ], "\(count)")
    }
    // A line as long as can be makes the block grow.
    let long = String(repeating: "y", count: 900_000)
    let text = "\(sort.header)\(sort.line("a"))\n\(sort.line(long))\n\(sort.line("b"))"
    let read = try reading(Array(text.utf8), as: format)
    #expect(read.heard[headerLines + 1] == fields(["user": long]))
    #expect(read.heard.count == 3)
  }

  /// What is decoded has its room; beyond it a line is told, and no memory but the block's is read.
  @Test func moreEscapesThanThereIsRoomFor() throws {
    let json = file(
      "json", "request: {method: m, url: user}\nfields: {time: time, user: user, app: path}")
    let many = String(repeating: "\\u0061", count: 90_000)
    let some = String(repeating: "\\u0061", count: 20_000)
    let plain = String(repeating: "a", count: 20_000)
    func line(_ user: String) -> String { "{\"time\":\"\(t)\",\"user\":\"/\(user)\"}" }
    let read = try reading(
      [line(many), line(some), line(many), line("b")].joined(separator: "\n"), as: json)
    #expect(
      read.heard == [
        0: .rejected(.unreadableField), 1: fields(["user": "/\(plain)", "app": "/\(plain)"]),
        2: .rejected(.unreadableField), 3: fields(["user": "/b", "app": "/b"]),
      ])
    let query = file(
      "{text: '{time}|{r}'}", "request: {line: r}\nfields: {time: time, user: 'query:u', app: path}"
    )
    let encoded = String(repeating: "%61", count: 90_000)
    let two = try reading("\(t)|GET /?u=\(encoded)\n\(t)|GET /\(encoded)\n\(t)|GET /%61", as: query)
    #expect(
      two.heard == [
        0: .rejected(.unreadableField), 1: .rejected(.unreadableField), 2: fields(["app": "/a"]),
      ])
  }

  /// Lines = records + quarantined + blank + ignored, whatever the lines are; ``reading(_:as:)`` adds up.
  @Test(arguments: sorts)
  private func theBalanceOfRandomInput(sort: Sort) throws {
    let pieces: [String] = [
      "{", "}", "\"", "\\", ",", ";", "|", " ", "\t", "\n", "\r\n", "\n\n", "[", "]", "=", "time",
      "user", t, "用", "\\x41",
      "\\u0061", "\\\"", "\"\"", "\u{0}", "x", "\u{FEFF}", "-", "/x?a=%41", "time,q,user", ":",
      "null",
    ]
    var random = SeededRandom(seed: 41)
    let format = try LogFormat(yaml: sort.yaml, path: "f.yaml")
    for _ in 0..<150 {
      var text = random.chance(80) ? Array(sort.header.utf8) : []
      for _ in 0..<random.number(0...40) {
        switch random.number(0...9) {
        case 0...3: text += Array(sort.line("u\(random.number(0...9))").utf8) + [0x0A]
        case 4: text.append(UInt8(truncatingIfNeeded: random.next()))
        case 5:
          var line = Array(sort.line("v").utf8)
          line.remove(at: random.number(0...(line.count - 1)))
          text += line + [0x0A]
        default: text += Array(random.one(of: pieces).utf8)
        }
      }
      let read = try reading(text, as: format)
      let ends = text.count { $0 == 0x0A }
      var count = ends + (text.isEmpty || text.last == 0x0A ? 0 : 1)
      // A mark alone is no line.
      if text == [0xEF, 0xBB, 0xBF] { count = 0 }
      #expect(read.lines == count, "\(random) \(String(decoding: text, as: UTF8.self))")
    }
  }

  /// Wherever a log is cut, what remains of it is read, and the lines before as ever.
  @Test(arguments: sorts)
  private func logsThatBreakOff(sort: Sort) throws {
    let text = Array((sort.header + sort.line("a") + "\n" + sort.line("b")).utf8)
    let headerLines = sort.header.isEmpty ? 0 : 1
    let second = sort.header.utf8.count + sort.line("a").utf8.count + 1
    for count in 0..<text.count {
      let read = try reading(Array(text[..<count]), as: sort.yaml)
      if count >= second - 1 { #expect(read.heard[headerLines] == fields(["user": "a"])) }
    }
  }

  @Test func ignoredLinesAreCounted() throws {
    let yaml = file("{text: '{t}|{m}|{u}'}", "fields: {time: t}\n" + request)
    let read = try reading("\(t)|GET|/x\n\(t)|GET|/y\n\nz\n\(t)|GET|/x?a=b\nx|GET|/x", as: yaml)
    #expect(read.ignored == 2)
    #expect(read.blank == 1)
    #expect(
      read.heard == [1: fields(), 3: .rejected(.unlikeFormat), 5: .rejected(.unreadableTime)])
  }
}
