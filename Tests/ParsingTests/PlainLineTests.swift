import Formats
import TestSupport
import Testing

/// Lines that have nothing out of the ordinary are read in one pass, all others the general way. A format
/// with comments is always read the general way: what both say must be the same for every line.
@Suite struct PlainLineTests {
  private static let rules = """
    rules:
      - when: {method: POST, path: '/v1/bots/{module}/messages'}
        set: {event: message, module: '{module}'}
      - when: {method: [GET, HEAD], path: '/v1/*'}
        set: {event: ping}
      - when: {path: '/ignored'}
        ignore: true
    """
  private static let query =
    "user: query:user\n  conversation: query:conversation\n  request_id: query:id\n  items: query:n"

  private static let formats = [
    // As nginx has it, with what is dropped and what is not.
    file(
      "{nginx: '$a - $u [$t] \"$r\" $st $b \"$ref\" \"$ua\"'}",
      "absent: ['-']\nrequest: {line: r}\nfields:\n  time: t\n  status: st\n  client_ip: a\n"
        + "  origin: ref\n  \(query)\n\(rules)"),
    file(
      "{nginx: '$a - $u [$t] \"$r\" $st $b \"$ref\" \"$ua\"'}",
      "request: {line: r}\nfields: {time: t, status: st, user: [query:user, u], app: ua}"),
    // The request first and last, no parameters, and a parameter that two fields ask for.
    file("{apache: '%r [%t] %u'}", "request: {line: r}\nfields: {time: t, user: u}\n\(rules)"),
    file(
      "{text: '{t}|{u}|{r}'}",
      "request: {line: r}\nfields: {time: t, user: query:user, app: query:user, module: u}"),
    // A request in parts, and none.
    file(
      "{nginx: '[$t] $m $uri \"$u\"'}",
      "request: {method: m, url: uri}\nfields:\n  time: t\n  \(query)\n\(rules)"),
    file(
      "{nginx: '{\"time\":\"$t\",\"a long name of a value\":\"$u\",\"b\":\"$b\"}', escape: json}",
      "fields: {time: t, user: u, app: b}"),
    // Names that end parameters, and long ones.
    file(
      "{nginx: '$t \"$r\"'}",
      "request: {line: r}\nfields: {time: t, user: 'query:a&b', app: query:a_name_of_sixteen}"),
  ]
  private static let pieces = [
    " ", "\"", "&", "?", "#", "%", "%20", "+", "\\", "\\x22", "\r", "\t", "\u{0}", "\u{7F}", "é",
    "-",
    "=", "[", "]", "|", "/", ",", "!", ";", "\u{1}", "HTTP/1.1", "  ", "\"\"",
  ]

  private func request(_ random: inout SeededRandom) -> String {
    let method = random.one(of: ["POST", "POST", "POST", "GET", "HEAD", "DELETE", "", "CONNECT!"])
    let path = random.one(of: [
      "/v1/bots/a/messages", "/v1/bots/order-bot-with-a-long-name/messages", "/v1/ping", "/ignored",
      "/", "*", "http://h/v1/x", "/v1/bots/%E7%94%A8/messages", "",
      "/a/path/that/is/longer/than/forty-eight/bytes/in/all/its/parts",
    ])
    let names = [
      "user", "conversation", "id", "n", "x", "a&b", "a_name_of_sixteen", "use", "users",
    ]
    let parameters = (0..<random.number(0...5)).map { _ in
      random.one(of: names)
        + random.one(of: ["=u-1", "=", "", "=a%20b", "=a+b", "=7", "=a?b", "=用", "=a=b"])
    }
    let version = random.one(of: ["HTTP/1.1", "HTTP/1.1", "HTTP/2.0", "HTTP/1.0", "HTTP/3", ""])
    return method + " " + path + (parameters.isEmpty ? "" : "?" + parameters.joined(separator: "&"))
      + random.one(of: ["", "", "", "#f"]) + " " + version
  }

  private func line(_ number: Int, _ random: inout SeededRandom) -> [UInt8] {
    let time = random.one(of: [
      "2025-12-01T08:00:0\(random.number(0...9))Z",
      "01/Dec/2025:08:00:1\(random.number(0...9)) +0800",
    ])
    let user = random.one(of: ["-", "u-1", "", "用户"])
    let status = random.one(of: ["200", "404", "-", "99", "1000", "2x0"])
    let agent = random.one(of: ["-", "okhttp/4.12.0 (a; b)", "a \\x22b\\x22", ""])
    let address = random.one(of: ["198.18.0.1", "2001:db8::1", "-"])
    let request = request(&random)
    let origin = random.one(of: ["-", "https://shop.example/a?b", "#://x"])
    let text =
      switch number {
      case 0, 1:
        "\(address) - \(user) [\(time)] \"\(request)\" \(status) 17 \"\(origin)\" \"\(agent)\""
      case 2: "\(request) [\(time)] \(user)"
      case 3: "\(time)|\(user)|\(request)"
      case 4:
        "[\(time)] \(request.split(separator: " ").prefix(2).joined(separator: " ")) \"\(user)\""
      case 5: "{\"time\":\"\(time)\",\"a long name of a value\":\"\(user)\",\"b\":\"\(agent)\"}"
      default: "\(time) \"\(request)\""
      }
    var bytes = Array(text.utf8)
    while random.chance(35) {
      let place = random.number(0...bytes.count)
      switch random.number(0...3) {
      case 0 where place < bytes.count: bytes.remove(at: place)
      case 1 where place < bytes.count: bytes[place] = UInt8(truncatingIfNeeded: random.next())
      case 2: bytes = Array(bytes.prefix(place))
      default: bytes.insert(contentsOf: Array(random.one(of: Self.pieces).utf8), at: place)
      }
    }
    return bytes.filter { $0 != 0x0A } + (random.chance(10) ? [0x0D, 0x0A] : [0x0A])
  }

  @Test(arguments: formats.indices)
  func areReadAsTheyAreTheGeneralWay(number: Int) throws {
    let yaml = Self.formats[number]
    let format = try LogFormat(yaml: yaml, path: "f.yaml")
    var general = format
    general.comment = "\u{2}\u{3}"
    var random = SeededRandom(seed: UInt64(500 + number))
    var records = 0
    for _ in 0..<60 {
      let lines = (0..<random.number(1...60)).map { _ in line(number, &random) }
      let text = Array(lines.joined())
      let plain = try reading(text, as: format)
      let other = try reading(text, as: general)
      #expect(plain.blank == other.blank && plain.ignored == other.ignored, "\(random)")
      for index in lines.indices where plain.heard[index] != other.heard[index] {
        let said = plain.heard[index].map { "\($0)" } ?? "nothing"
        let wanted = other.heard[index].map { "\($0)" } ?? "nothing"
        Issue.record(
          "\(random): \(String(decoding: lines[index], as: UTF8.self)): \(said), not \(wanted)")
      }
      #expect(plain.times == other.times, "\(random)")
      records += plain.times.count
    }
    #expect(records > 200, "\(random)")
  }
}
