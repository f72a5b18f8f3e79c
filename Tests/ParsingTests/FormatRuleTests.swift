import CivilTime
import Formats
import Parsing
import TestSupport
import Testing

private let t = "2025-12-01T08:00:00Z"

/// A format with a request and these rules.
private func ruled(_ rules: String) -> String {
  file(
    "{text: '{t}|{m}|{u}|{s}|{x}'}",
    "absent: ['-']\nrequest: {method: m, url: u}\nfields: {time: t, status: s, user: x, items: 'query:items'}\n"
      + "rules:\n" + rules)
}

@Suite struct FormatRuleTests {
  private static let first = ruled(
    """
      - when: {method: [POST, PUT], path: '/v1/{module}/messages'}
        set: {event: message, module: '{module}'}
      - when: {path: '/v1/{module}/{kind}'}
        set: {event: '{kind}', module: 'm-{module}-{kind}', items: 5}
      - when: {status: [404, 500-599]}
        ignore: true
      - when: {x: ['bot*', '*crawler', '*spider*', exact]}
        set: {scenario: bot}
      - when: {path: '/assets/*'}
        ignore: true
      - when: {'query:k': 'v'}
        set: {scenario: k, app: 'a b'}
    """)

  private static let calls: [(String, [String: String]?)] = [
    ("POST|/v1/a/messages|200|u", ["event": "message", "module": "a", "user": "u"]),
    ("PUT|/v1/a/messages|200|u", ["event": "message", "module": "a", "user": "u"]),
    (
      "GET|/v1/a/messages|200|u",
      ["event": "messages", "module": "m-a-messages", "user": "u", "items": "5"]
    ),
    ("POST|/v1/%E7%94%A8/messages?x=1|200|-", ["event": "message", "module": "用"]),
    ("POST|/v1/a%2Fb/messages|200|-", ["event": "message", "module": "a%2Fb"]),
    ("POST|https://h/v1/a/messages|500|-", ["event": "message", "module": "a", "status": "500"]),
    (
      "POST|/v1/a/open|500|-",
      ["event": "open", "module": "m-a-open", "status": "500", "items": "5"]
    ),
    ("post|/v1/a/b/c|200|-", [:]), ("POST|/v1//messages|200|-", [:]),
    ("POST|/v1/a/messages/|200|-", [:]),
    ("POST|/v1/a|200|-", [:]), ("POST|v1/a/messages|200|-", [:]),
    ("GET|/|200|bot", ["user": "bot", "scenario": "bot"]),
    ("GET|/|200|bot1", ["user": "bot1", "scenario": "bot"]),
    ("GET|/|200|a crawler", ["user": "a crawler", "scenario": "bot"]),
    ("GET|/|200|crawler", ["user": "crawler", "scenario": "bot"]),
    ("GET|/|200|a spider b", ["user": "a spider b", "scenario": "bot"]),
    ("GET|/|200|exact", ["user": "exact", "scenario": "bot"]),
    ("GET|/|200|exact1", ["user": "exact1"]), ("GET|/|200|Bot", ["user": "Bot"]),
    ("GET|/|200|crawlers", ["user": "crawlers"]),
    ("GET|/assets|200|-", nil), ("GET|/assets/|200|-", nil), ("GET|/assets/a/b.png|200|-", nil),
    ("GET|/assetsx|200|-", [:]),
    ("GET|/x|404|u", nil), ("GET|/x|500|u", nil), ("GET|/x|599|u", nil),
    ("GET|/x|403|u", ["user": "u", "status": "403"]),
    ("GET|/?k=v|200|-", ["scenario": "k", "app": "a b"]), ("GET|/?k=v1|200|-", [:]),
    ("GET|/?items=7|200|-", ["items": "7"]),
    // The rule's items stand above the query's.
    ("GET|/v1/a/b?items=7|200|-", ["event": "b", "module": "m-a-b", "items": "5"]),
  ]

  @Test(arguments: calls)
  func theFirstRuleThatFits(call: String, expected: [String: String]?) throws {
    let read = try reading("\(t)|\(call)", as: Self.first)
    #expect(read.heard[0] == expected.map { fields($0) })
    #expect(read.ignored == (expected == nil ? 1 : 0))
  }

  @Test func withoutAStatusItIsTwoHundred() throws {
    let yaml = ruled("  - when: {status: 200}\n    set: {scenario: good}")
    #expect(try heard("\(t)|-|-|-|-", as: yaml) == fields(["scenario": "good"]))
    #expect(try heard("\(t)|-|-|0|-", as: yaml) == fields(["status": "0"]))
  }

  @Test func aRuleWithoutConditionsFitsAlways() throws {
    let yaml = ruled("  - set: {event: ping}\n  - ignore: true")
    #expect(try heard("\(t)|-|-|-|-", as: yaml) == fields(["event": "ping"]))
  }

  @Test func anyPathIsAPath() throws {
    let yaml = ruled("  - when: {path: '/*'}\n    set: {event: page}")
    #expect(try heard("\(t)|-|/|200|-", as: yaml) == fields(["event": "page"]))
    #expect(try heard("\(t)|-|/a/b|200|-", as: yaml) == fields(["event": "page"]))
    // Where there is none, there is nothing to fit.
    #expect(try heard("\(t)|-|-|200|-", as: yaml) == fields())
  }

  /// What another page of the server calls `items` is no mistake of a record.
  @Test func aRecordThatIsIgnoredNeedsNoReadableItems() throws {
    let yaml = ruled("  - when: {path: '/search'}\n    ignore: true\n  - set: {event: message}")
    let read = try reading(
      "\(t)|GET|/search?items=all|200|-\n\(t)|GET|/v1?items=all|200|-\nx|GET|/search|200|-",
      as: yaml)
    #expect(read.ignored == 1)
    #expect(read.heard == [1: .rejected(.unreadableItems), 2: .rejected(.unreadableTime)])
  }

  @Test func constantsAreThereInEveryBlock() throws {
    let yaml = ruled(
      "  - when: {method: POST}\n    set: {event: message, app: '用户的应用'}\n  - set: {event: ping}")
    let filler = String(repeating: "x", count: 300)
    let text = (0..<4_000).map { "\(t)|\($0 % 2 == 0 ? "POST" : "GET")|/a|200|\($0)\(filler)" }
    let read = try reading(text.joined(separator: "\n"), as: yaml)
    #expect(read.blocks > 3)
    for line in 0..<4_000 {
      let user = "\(line)\(filler)"
      let expected =
        line % 2 == 0
        ? fields(["event": "message", "app": "用户的应用", "user": user])
        : fields(["event": "ping", "user": user])
      if read.heard[line] != expected { Issue.record("line \(line)") }
    }
  }

  // MARK: - Times

  @Test(arguments: [
    ("2025-12-01 08:00:00", "Asia/Shanghai", "2025-12-01T00:00:00Z"),
    ("2025-12-01 08:00:00.25", "Asia/Shanghai", "2025-12-01T00:00:00.25Z"),
    ("2025-12-01T08:00:00", "Asia/Shanghai", "2025-12-01T00:00:00Z"),
    ("2025/12/01 08:00:00", "Asia/Shanghai", "2025-12-01T00:00:00Z"),
    ("2025/12/01 08:00:00+09:00", "Asia/Shanghai", "2025-11-30T23:00:00Z"),
    ("20251201T080000", "Asia/Shanghai", "2025-12-01T00:00:00Z"),
    ("01/Dec/2025:08:00:00", "Asia/Shanghai", "2025-12-01T00:00:00Z"),
    // One that states its zone keeps it.
    ("2025-12-01T08:00:00Z", "Asia/Shanghai", "2025-12-01T08:00:00Z"),
    ("01/Dec/2025:08:00:00 +0100", "Asia/Shanghai", "2025-12-01T07:00:00Z"),
    ("1764576000", "Asia/Shanghai", "2025-12-01T08:00:00Z"),
    // Berlin's clocks are set forward at 02:00 and back at 03:00.
    ("2025-03-30 01:59:59", "Europe/Berlin", "2025-03-30T00:59:59Z"),
    ("2025-03-30 02:30:00", "Europe/Berlin", "2025-03-30T01:30:00Z"),
    ("2025-03-30 03:00:00", "Europe/Berlin", "2025-03-30T01:00:00Z"),
    ("2025-10-26 01:59:59", "Europe/Berlin", "2025-10-25T23:59:59Z"),
    ("2025-10-26 02:30:00", "Europe/Berlin", "2025-10-26T00:30:00Z"),
    ("2025-10-26 03:00:00", "Europe/Berlin", "2025-10-26T02:00:00Z"),
    // New York's at 02:00, behind UTC.
    ("2025-03-09 01:59:59", "America/New_York", "2025-03-09T06:59:59Z"),
    ("2025-03-09 03:00:00", "America/New_York", "2025-03-09T07:00:00Z"),
    ("2025-11-02 01:30:00", "America/New_York", "2025-11-02T05:30:00Z"),
    ("2025-11-02 02:00:00", "America/New_York", "2025-11-02T07:00:00Z"),
  ])
  func timesWithoutAZone(written: String, zone: String, moment: String) throws {
    let yaml = file("{text: '{t}|{x}'}", "time_zone: \(zone)\nfields: {time: t}")
    var reader = TimestampReader()
    let instant = reader.instant(text: Array(moment.utf8).span)
    let expected = try #require(instant)
    #expect(try reading("\(written)|x", as: yaml).times == [0: expected.microseconds])
  }

  @Test(arguments: [
    "2025-12-01", "2025-12-01 8:00:00", "2025-13-01 08:00:00", "08:00:00", "2025-12-01 08:00", "x",
    "2025-12-01 08:00:00 ", "2025-12-01 25:00:00", "2025-12-01 08:00:00.",
  ])
  func whatIsNoTimeInAnyZone(written: String) throws {
    let yaml = file("{text: '{t}|{x}'}", "time_zone: Asia/Shanghai\nfields: {time: t}")
    #expect(try heard("\(written)|x", as: yaml) == .rejected(.unreadableTime))
  }

  @Test func withoutATimeZoneATimeNeedsOne() throws {
    let yaml = file("{text: '{t}|{x}'}", "fields: {time: t}")
    #expect(try heard("2025-12-01 08:00:00|x", as: yaml) == .rejected(.unreadableTime))
  }

  private static let columns: [(String, [Int: Heard])] = [
    (
      "2025-12-01\t08:00:00\tu",
      [0: Heard.record(["status": "200", "items": "1", "user": "u-2025-12-01"])]
    ),
    ("2025-12-01\t\tu", [0: .rejected(.noTime)]), ("-\t08:00:00\tu", [0: .rejected(.noTime)]),
    ("2025-12-01\t08:00\tu", [0: .rejected(.unreadableTime)]),
  ]

  @Test(arguments: columns)
  func dateAndTimeInTwoColumns(line: String, expected: [Int: Heard]) throws {
    let yaml = file(
      "{tsv: {header: [date, clock, user]}}",
      "absent: ['-']\ntime_zone: Asia/Shanghai\nfields: {time: '{date} {clock}', user: '{user}-{date}'}"
    )
    let read = try reading(line, as: yaml)
    #expect(read.heard == expected)
    if case .record = read.heard[0] { #expect(read.times == [0: eight - 28_800_000_000]) }
  }

  @Test func partsOfARequestAreJoinedToo() throws {
    let yaml = file(
      "{text: '{t}|{r}|{x}'}",
      "request: {line: r}\nfields: {time: t, user: ['{query:shop}/{query:user}', 'query:user'], module: '{method} {path}'}"
    )
    #expect(
      try heard("\(t)|GET /a?shop=s&user=u%20v HTTP/1.1|", as: yaml)
        == fields(["user": "s/u v", "module": "GET /a"]))
    #expect(
      try heard("\(t)|GET /a?user=u HTTP/1.1|", as: yaml)
        == fields(["user": "u", "module": "GET /a"]))
  }

  @Test func theFirstSourceThatIsThere() throws {
    let yaml = file(
      "{text: '{a}|{b}|{c}'}", "absent: ['-', '(none)']\nfields: {time: [a, b], user: [c, b]}")
    #expect(try heard("-|\(t)|u", as: yaml) == fields(["user": "u"]))
    #expect(try heard("(none)|\(t)|-", as: yaml) == fields(["user": t]))
    #expect(try heard("|\(t)|--", as: yaml) == fields(["user": "--"]))
    #expect(try heard("-|-|u", as: yaml) == .rejected(.noTime))
    // A value that is there and wrong is not passed over.
    #expect(try heard("x|\(t)|u", as: yaml) == .rejected(.unreadableTime))
  }
}
