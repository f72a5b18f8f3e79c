import Formats
import Parsing
import TestSupport
import Testing

private let said =
  "fields: {time: t, user: ['query:user', 'cookie:uid'], module: path, event: method, "
  + "conversation: 'query:conversation', app: 'query:a b', scenario: 'cookie:s'}"
private let line = file(
  "{text: '{t}|{r}|{c}', escape: none}", "absent: ['-']\nrequest: {line: r}\ncookies: c\n" + said)
private let parts = file(
  "{text: '{t}|{m}|{u}|{q}|{c}', escape: none}",
  "absent: ['-']\nrequest: {method: m, url: u, query: q}\ncookies: c\n" + said)
private let nginx = file(
  "{nginx: '$t \"$r\" $s'}",
  "absent: ['-']\nrequest: {line: r}\nfields: {time: t, status: s, module: path, event: method}\n"
    + "rules:\n  - when: {method: GET}\n    set: {scenario: get}\n  - ignore: true")
private let t = "2025-12-01T08:00:00Z"

@Suite struct FormatRequestTests {
  @Test(arguments: [
    ("GET /a HTTP/1.1", ["event": "GET", "module": "/a"]),
    ("GET /a HTTP/2.0", ["event": "GET", "module": "/a"]),
    ("GET /a HTTP/2", ["event": "GET", "module": "/a"]),
    ("GET /a", ["event": "GET", "module": "/a"]),
    ("GET / HTTP/1.0", ["event": "GET", "module": "/"]),
    ("GET /a b HTTP/1.1", ["event": "GET", "module": "/a b"]),
    ("POST /a?user=u HTTP/1.1", ["event": "POST", "module": "/a", "user": "u"]),
    (
      "GET /a?user=u&conversation=c HTTP/1.1",
      ["event": "GET", "module": "/a", "user": "u", "conversation": "c"]
    ),
    (
      "GET /a?conversation=c&x=1&user=u HTTP/1.1",
      ["event": "GET", "module": "/a", "user": "u", "conversation": "c"]
    ),
    (
      "GET /a?user=u+v%2B%E7%94%A8%3d HTTP/1.1", ["event": "GET", "module": "/a", "user": "u v+用="]
    ),
    ("GET /%E7%94%A8+%41%2Fb%2fc%3F HTTP/1.1", ["event": "GET", "module": "/用+A%2Fb%2fc?"]),
    // What is no text when decoded stays as it is written.
    ("GET /%FF?user=%E7+x HTTP/1.1", ["event": "GET", "module": "/%FF", "user": "%E7+x"]),
    ("GET /%4?user=%zz%4 HTTP/1.1", ["event": "GET", "module": "/%4", "user": "%zz%4"]),
    ("GET /a?user=1&user=2 HTTP/1.1", ["event": "GET", "module": "/a", "user": "2"]),
    ("GET /a?user=1&user= HTTP/1.1", ["event": "GET", "module": "/a"]),
    ("GET /a?user&conversation=c HTTP/1.1", ["event": "GET", "module": "/a", "conversation": "c"]),
    ("GET /a?&&user=u& HTTP/1.1", ["event": "GET", "module": "/a", "user": "u"]),
    ("GET /a?xuser=1&userx=2&USER=3&=4 HTTP/1.1", ["event": "GET", "module": "/a"]),
    ("GET /a?user=b=c?d/e HTTP/1.1", ["event": "GET", "module": "/a", "user": "b=c?d/e"]),
    ("GET /a?user=u#f&conversation=c HTTP/1.1", ["event": "GET", "module": "/a", "user": "u"]),
    ("GET /a?x=1#f&user=u HTTP/1.1", ["event": "GET", "module": "/a"]),
    ("GET /a#f?user=u HTTP/1.1", ["event": "GET", "module": "/a"]),
    ("GET https://h:443/a?user=u HTTP/1.1", ["event": "GET", "module": "/a", "user": "u"]),
    ("GET http://h HTTP/1.1", ["event": "GET"]),
    ("GET http://h?user=a/b HTTP/1.1", ["event": "GET", "user": "a/b"]),
    ("GET a?next=http://h/b&user=u HTTP/1.1", ["event": "GET", "module": "a", "user": "u"]),
    ("GET //h/a HTTP/1.1", ["event": "GET", "module": "//h/a"]),
    ("OPTIONS * HTTP/1.1", ["event": "OPTIONS", "module": "*"]),
    ("CONNECT h:443 HTTP/1.1", ["event": "CONNECT", "module": "h:443"]), ("-", [:]), ("", [:]),
    ("quit", [:]), ("GET", [:]),
  ])
  func whatARequestLineSays(request: String, expected: [String: String]) throws {
    #expect(try heard("\(t)|\(request)|-", as: line) == fields(expected))
  }

  @Test(arguments: [
    ("GET|/a|user=u", ["event": "GET", "module": "/a", "user": "u"]),
    ("GET|/a|?user=u", ["event": "GET", "module": "/a", "user": "u"]),
    ("GET|/a?user=u|-", ["event": "GET", "module": "/a", "user": "u"]),
    (
      "GET|/a?user=u|conversation=c",
      ["event": "GET", "module": "/a", "user": "u", "conversation": "c"]
    ),
    ("-|http://h/a%20b|", ["module": "/a b"]), ("GET|-|user=u", ["event": "GET", "user": "u"]),
    ("-|-|-", [:]),
  ])
  func whatPartsSay(request: String, expected: [String: String]) throws {
    #expect(try heard("\(t)|\(request)|-", as: parts) == fields(expected))
  }

  @Test(arguments: [
    ("uid=u", ["user": "u"]), ("a=b; uid=u; s=x", ["user": "u", "scenario": "x"]),
    ("uid=\"u\"", ["user": "u"]),
    ("uid=", [:]), ("uid", [:]), ("uid;s=x", ["scenario": "x"]),
    ("  uid=u ;s=x  ", ["user": "u", "scenario": "x"]),
    ("xuid=1; uidx=2; UID=3", [:]), ("uid=a=b", ["user": "a=b"]), (";;uid=u;", ["user": "u"]),
    ("uid=\"", ["user": "\""]),
    ("-", [:]), ("", [:]), ("=x; uid=u", ["user": "u"]),
  ])
  func whatCookiesSay(cookies: String, expected: [String: String]) throws {
    #expect(try heard("\(t)|-|\(cookies)", as: line) == fields(expected))
  }

  @Test(arguments: [
    "\\x16\\x03\\x01\\x02\\x00\\x01\\x00\\x01\\xFC\\x03\\x03\\xB8 \\x20", "\\x16\\x03\\x01",
    "\\x00\\x00 \\x00?user=u",
    "\\x03\\x00\\x00/*\\xE0\\x00\\x00\\x00\\x00\\x00Cookie: mstshash=Administr", "", "-", "?", "%",
    "% %%% %", "GET",
    "\\x05\\x01\\x00 /a", "SSH-2.0-Go", " ", "  ", " / HTTP/1.1", "\\x22 \\x22",
  ])
  func whatIsNoRequestIsIgnoredByTheLastRule(request: String) throws {
    let read = try reading("\(t) \"\(request)\" 400\n\(t) \"GET /a HTTP/1.1\" 200", as: nginx)
    #expect(read.ignored == 1)
    #expect(read.heard == [1: fields(["event": "GET", "module": "/a", "scenario": "get"])])
  }

  @Test func randomBytesAsARequest() throws {
    var random = SeededRandom(seed: 31)
    let bytes: [UInt8] = [
      0x20, 0x2F, 0x3F, 0x23, 0x25, 0x26, 0x3D, 0x2B, 0x3A, 0x41, 0x75, 0x3B, 0x5C, 0x22,
    ]
    var text: [UInt8] = []
    for _ in 0..<3_000 {
      let request = (0..<random.number(0...14)).map { _ in random.one(of: bytes) }
      text += Array("\(t)|".utf8) + request + Array("|".utf8) + request + [0x0A]
    }
    let read = try reading(text, as: line)
    #expect(read.lines == 3_000)
    for (number, heard) in read.heard {
      if case .rejected = heard { Issue.record("line \(number), \(random)") }
    }
  }

  @Test(arguments: [
    ("198.18.0.1", "198.18.0.1"), ("198.18.0.1:443", "198.18.0.1"), ("2001:db8::1", "2001:db8::1"),
    ("::1", "::1"),
    ("[2001:db8::1]:443", "2001:db8::1"), ("[2001:db8::1]", "2001:db8::1"),
    ("198.18.0.1, 10.0.0.1", "198.18.0.1"),
    ("198.18.0.1,10.0.0.1", "198.18.0.1"), ("198.18.0.1:80, 10.0.0.1:81", "198.18.0.1"),
    ("2001:db8::1, ::2", "2001:db8::1"),
    ("[::1]:80, 10.0.0.1", "::1"), ("unix:", "unix"), ("[::1", "::1"), ("[", ""),
    (" 198.18.0.1", "198.18.0.1"),
    ("unknown", "unknown"), ("::ffff:198.18.0.1", "::ffff:198.18.0.1"),
  ])
  func clientAddresses(written: String, address: String) throws {
    let yaml = file("{text: '{t}|{a}'}", "fields: {time: t, client_ip: a}")
    #expect(
      try heard("\(t)|\(written)", as: yaml)
        == fields(address.isEmpty ? [:] : ["client_ip": address]))
  }

  @Test(arguments: [
    ("https://shop.example/a?b", "https://shop.example"),
    ("https://shop.example", "https://shop.example"),
    ("https://shop.example?b", "https://shop.example"),
    ("https://shop.example:8443/", "https://shop.example:8443"),
    ("https://shop.example#b", "https://shop.example"), ("null", "null"),
    ("shop.example/a", "shop.example/a"),
    ("https://", "https://"), ("http", "http"),
    ("android-app://com.example/x", "android-app://com.example"),
  ])
  func originsOfReferers(written: String, origin: String) throws {
    let yaml = file("{text: '{t}|{a}'}", "fields: {time: t, origin: a}")
    #expect(try heard("\(t)|\(written)", as: yaml) == fields(["origin": origin]))
  }
}
