import Configuration
import Formats
import Testing

/// A format file with one mistake, and what the user is told.
struct Mistake: CustomTestStringConvertible {
  var yaml: String
  var told: String
  var testDescription: String { told }

  init(_ yaml: String, _ told: String) {
    self.yaml = yaml
    self.told = told
  }
}

func told(_ yaml: String) -> String {
  do throws(ConfigurationError) {
    _ = try LogFormat(yaml: yaml, path: "f.yaml")
    return ""
  } catch {
    return error.description
  }
}

private let known = "the name of one of the line's values: "

@Suite struct FormatMistakesTests {
  /// What stands on the first three lines where nothing is wrong there.
  private static let json = "format: f\nlines: json\nfields: {time: t}\n"
  private static let pattern =
    "format: f\nlines: {text: '{date} {user} {line}'}\nfields: {time: date}\n"

  static let keys: [Mistake] = [
    Mistake(
      "format: f\nlines: json\nfeilds: {time: t}",
      "f.yaml:1: fields: missing; expected where the record's fields come from\n"
        + "f.yaml:3: feilds: unknown key; did you mean 'fields'? (known keys: format, title, lines, comment, "
        + "absent, time_zone, request, cookies, fields, rules)"),
    Mistake(
      "lines: json\nfields: {time: t}", "f.yaml:1: format: missing; expected the format's name"),
    Mistake(
      "format: f\nfields: {time: t}",
      "f.yaml:1: lines: missing; expected json, logfmt, csv, tsv, or a mapping with nginx, apache, "
        + "envoy, text, csv or tsv"),
    Mistake(
      "format: f\nlines: json\nfields: {user: u}",
      "f.yaml:3: fields.time: missing; expected the value that is the record's time"),
    Mistake(
      "format: f\nlines: json\nfields: {time: }",
      "f.yaml:3: fields.time: missing; expected the value that is the record's time"),
    Mistake(
      "format: f\nlines: json\nfields: {time: []}",
      "f.yaml:3: fields.time: expected the name of a value, found a list"),
    Mistake(
      "format: f\nlines: json\nfields: {time: t, user: []}",
      "f.yaml:3: fields.user: expected the name of a value, found a list"),
    Mistake(
      "format: f\nlines: json\nfields: {time: t, usr: u}",
      "f.yaml:3: fields.usr: unknown key; did you mean 'user'? (known keys: licensee, user, "
        + "conversation, request_id, event, module, scenario, app, origin, client_ip, question, path, "
        + "user_agent, time, status, items, latency_ms)"),
    Mistake(
      "format: f\nlines: json\nfields:\n  time: t\n  user: u\n  user: v",
      "f.yaml:6: fields.user: duplicate key; first on line 5"),
    Mistake(
      "format: f\nlines: json\nformat: g\nfields: {time: t}",
      "f.yaml:3: format: duplicate key; first on line 1"),
    Mistake(
      "format: ''\nlines: json\nfields: {time: t}", "f.yaml:1: format: expected a text, found ''"),
    Mistake("format: [", "f.yaml:2: not valid YAML"),
    Mistake("- a", "f.yaml:1: expected a mapping with the keys format"),
    Mistake(
      Self.json + "absent: ['-', '-']", "f.yaml:4: absent[1]: '-' is listed twice"),
    Mistake(
      Self.json + "time_zone: Asia/Shangai",
      "f.yaml:4: time_zone: expected an IANA time zone such as Asia/Shanghai, found 'Asia/Shangai'; "
        + "did you mean 'Asia/Shanghai'?"),
    Mistake(
      Self.json + "time_zone: +08:00",
      "f.yaml:4: time_zone: expected an IANA time zone such as Asia/Shanghai, found '+08:00'"),
    Mistake(
      Self.json + "rules: {ignore: true}",
      "f.yaml:4: rules: expected a list of rules, found a mapping"),
  ]

  static let lines: [Mistake] = [
    Mistake(
      "format: f\nlines: jsn\nfields: {time: t}",
      "f.yaml:2: lines: expected json, logfmt, csv, tsv, or a"),
    Mistake(
      "format: f\nlines: {ngnix: '$t'}\nfields: {time: t}",
      "f.yaml:2: lines: expected json, logfmt, csv, tsv, or a mapping with nginx, apache, envoy, text, "
        + "csv or tsv, found a mapping\nf.yaml:2: lines.ngnix: unknown key; did you mean 'nginx'?"),
    Mistake(
      "format: f\nlines: {nginx: '$t', text: '{t}'}\nfields: {time: t}",
      "f.yaml:2: lines: expected json, logfmt"),
    Mistake(
      "format: f\nlines: {escape: json}\nfields: {time: t}",
      "f.yaml:2: lines: expected json, logfmt"),
    Mistake(
      "format: f\nlines: {nginx: '$a$b'}\nfields: {time: a}",
      "f.yaml:2: lines.nginx: nothing stands between 'a' and 'b', so that no one can tell where the one "
        + "ends and the other begins"),
    Mistake(
      "format: f\nlines: {apache: '%h %'}\nfields: {time: h}",
      "f.yaml:2: lines.apache: '%' begins no directive of Apache's; '%%' is a percent sign"),
    Mistake(
      "format: f\nlines:\n  nginx: '$t'\n  escape: jsn\nfields: {time: t}",
      "f.yaml:4: lines.escape: expected default or json or none, found 'jsn'; did you mean 'json'?"),
    Mistake(
      "format: f\nlines: {csv: {}, escape: json}\nfields: {time: t}",
      "f.yaml:2: lines.escape: only nginx, apache, envoy, text have 'escape'"),
    Mistake(
      "format: f\nlines: {csv: {delimiter: ';;'}}\nfields: {time: t}",
      "f.yaml:2: lines.csv.delimiter: expected one ASCII character such as \";\", in quotes, found ';;'"
    ),
    Mistake(
      "format: f\nlines: {csv: {delimiter: '，'}}\nfields: {time: t}",
      "f.yaml:2: lines.csv.delimiter: expected one ASCII character"),
    Mistake(
      "format: f\nlines: {csv: {delimiter: '\"'}}\nfields: {time: t}",
      "f.yaml:2: lines.csv.delimiter: expected one ASCII character"),
    Mistake(
      "format: f\nlines: {tsv: {delimiter: '\\'}}\nfields: {time: t}",
      "f.yaml:2: lines.tsv.delimiter: expected one ASCII character"),
    Mistake(
      "format: f\nlines: {csv: {delimiter: \"\\r\"}}\nfields: {time: t}",
      "f.yaml:2: lines.csv.delimiter: expected one ASCII character"),
    Mistake(
      "format: f\nlines: {csv: {header: [t, u, t]}}\nfields: {time: t}",
      "f.yaml:2: lines.csv.header[2]: 't' is listed twice"),
    Mistake(
      "format: f\nlines: {csv: {header: []}}\nfields: {time: t}",
      "f.yaml:2: lines.csv.header: expected at least one column"),
  ]

  static let names: [Mistake] = [
    Mistake(
      "format: f\nlines: {text: '{date} {user}'}\nfields: {time: dat}",
      "f.yaml:3: fields.time: expected \(known)date, user, found 'dat'; did you mean 'date'?"),
    Mistake(
      "format: f\nlines: {csv: {header: [date, user]}}\nfields:\n  time: date\n  user: [user, usr]",
      "f.yaml:5: fields.user[1]: expected \(known)date, user, found 'usr'; did you mean 'user'?"),
    Mistake(
      "format: f\nlines: {text: '{date} {time}'}\nfields: {time: '{date} {tim}'}",
      "f.yaml:3: fields.time: expected \(known)date, time, found '{date} {tim}'; did you mean 'time'?"
    ),
    Mistake(
      "format: f\nlines: {apache: '%t \"%{X-User}i\"'}\nfields: {time: t, user: '{X-Usr}i'}",
      "f.yaml:3: fields.user: expected \(known)t, {X-User}i, found '{X-Usr}i'; did you mean '{X-User}i'?"
    ),
    Mistake(
      "format: f\nlines: {text: '{date} {time}'}\nfields: {time: '{date} {time'}",
      "f.yaml:3: fields.time: '{' has no '}' behind it"),
    Mistake(
      Self.json + "request: {line: r, url: u}",
      "f.yaml:4: request: either 'line', or 'method', 'url' and 'query'"),
    Mistake(
      Self.json + "request: {method: m}",
      "f.yaml:4: request.url: missing; expected the value that has the URL or path"),
    Mistake(
      Self.json + "request: {lin: r}",
      "f.yaml:4: request.url: missing; expected the value that has the URL or path\n"
        + "f.yaml:4: request.lin: unknown key; did you mean 'line'?"),
    Mistake(
      Self.pattern + "request: {line: lin}",
      "f.yaml:4: request.line: expected \(known)date, user, line, found 'lin'; did you mean 'line'?"
    ),
    Mistake(
      Self.pattern + "cookies: cookie",
      "f.yaml:4: cookies: expected \(known)date, user, line, found 'cookie'"),
    Mistake(
      "format: f\nlines: json\nfields: {time: t, user: 'cookie:u'}",
      "f.yaml:3: fields.user: the file has no key 'cookies' that says which value has the cookies"),
    Mistake(
      "format: f\nlines: json\nfields: {time: t, user: 'query:u'}",
      "f.yaml:3: fields.user: the file has no key 'request' that says where method and URL are"),
    Mistake(
      "format: f\nlines: json\nrequest: {line: r}\nfields: {time: t, user: 'query:'}",
      "f.yaml:4: fields.user: expected the name of a parameter behind 'query:', found 'query:'"),
    Mistake(
      "format: f\nlines: json\ncookies: c\nfields: {time: t, user: 'cookie:'}",
      "f.yaml:4: fields.user: expected the name of a cookie behind 'cookie:', found 'cookie:'"),
  ]

  static let rules: [Mistake] = [
    Mistake(
      Self.json + "rules:\n  - when: {a: b}",
      "f.yaml:5: rules[0]: the rule neither sets a field nor ignores the record"),
    Mistake(
      Self.json + "rules: [{ignore: false}]",
      "f.yaml:4: rules[0]: the rule neither sets a field nor ignores the record"),
    Mistake(
      Self.json + "rules: [{ignore: true, set: {event: ping}}]",
      "f.yaml:4: rules[0].set: a record that is ignored needs no fields"),
    Mistake(
      Self.json + "rules: [{ignore: maybe}]",
      "f.yaml:4: rules[0].ignore: expected true or false, found 'maybe'"),
    Mistake(
      Self.json + "rules: [{when: {a: b}, sets: {event: ping}, ignore: true}]",
      "f.yaml:4: rules[0].sets: unknown key; did you mean 'set'? (known keys: when, set, ignore)"),
    Mistake(
      Self.json + "rules: [{when: a, ignore: true}]",
      "f.yaml:4: rules[0].when: expected a mapping of conditions, found 'a'"),
    Mistake(
      Self.json + "rules: [{when: {a: }, ignore: true}]",
      "f.yaml:4: rules[0].when.a: expected a text, found nothing"),
    Mistake(
      Self.json + "rules: [{when: {a: x, a: y}, ignore: true}]",
      "f.yaml:4: rules[0].when.a: duplicate key; first on line 4"),
    Mistake(
      Self.json + "rules: [{when: {status: 2xx}, ignore: true}]",
      "f.yaml:4: rules[0].when.status: expected a status such as 200 or a range such as 200-299, found "
        + "'2xx'"),
    Mistake(
      Self.json + "rules: [{when: {status: [200, 299-200]}, ignore: true}]",
      "f.yaml:4: rules[0].when.status[1]: expected a status such as 200"),
    Mistake(
      Self.json + "rules: [{when: {status: 200-}, ignore: true}]",
      "f.yaml:4: rules[0].when.status: expected a status such as 200"),
    Mistake(
      Self.json + "rules: [{when: {status: 1000}, ignore: true}]",
      "f.yaml:4: rules[0].when.status: expected a status such as 200"),
    Mistake(
      Self.json + "rules: [{when: {path: /a}, ignore: true}]",
      "f.yaml:4: rules[0].when.path: the file has no key 'request' that says where method and URL are"
    ),
    Mistake(
      Self.pattern + "rules: [{when: {path: /a}, ignore: true}]",
      "f.yaml:4: rules[0].when.path: the file has no key 'request' that says where method and URL are"
    ),
    Mistake(
      Self.json + "request: {line: r}\nrules: [{when: {path: a}, ignore: true}]",
      "f.yaml:5: rules[0].when.path: expected a path such as /v1/bots/{module}/messages or /assets/*, "
        + "found 'a'"),
    Mistake(
      Self.json + "request: {line: r}\nrules: [{when: {path: '/{a}/{a}'}, ignore: true}]",
      "f.yaml:5: rules[0].when.path: expected a path such as"),
    Mistake(
      Self.json + "request: {line: r}\nrules: [{when: {path: '/a{b}'}, ignore: true}]",
      "f.yaml:5: rules[0].when.path: expected a path such as"),
    Mistake(
      Self.json
        + "request: {line: r}\nrules: [{when: {path: '/{module}'}, set: {module: '{modul}'}}]",
      "f.yaml:5: rules[0].set.module: expected a text, in which {…} names a segment of the rule's path, "
        + "found '{modul}'; did you mean 'module'?"),
    Mistake(
      Self.json + "rules: [{set: {module: '{module}'}}]",
      "f.yaml:4: rules[0].set.module: expected a text, in which {…} names a segment of the rule's path"
    ),
    Mistake(
      Self.json + "request: {line: r}\nrules: [{when: {path: '/{m}'}, set: {module: '{m'}}]",
      "f.yaml:5: rules[0].set.module: '{' has no '}' behind it"),
    Mistake(
      Self.json + "rules: [{set: {evnt: ping}}]",
      "f.yaml:4: rules[0].set.evnt: unknown key; did you mean 'event'? (known keys: licensee, user, "
        + "conversation, request_id, event, module, scenario, app, origin, client_ip, question, path, "
        + "user_agent, items)"),
    Mistake(
      Self.json + "rules: [{set: {items: many}}]",
      "f.yaml:4: rules[0].set.items: expected a whole number"),
    Mistake(
      Self.json + "rules: [{set: {items: +5}}]",
      "f.yaml:4: rules[0].set.items: expected a whole number"),
    Mistake(
      Self.json + "rules: [{set: {items: 4294967296}}]",
      "f.yaml:4: rules[0].set.items: expected a whole number"),
    Mistake(
      Self.json + "request: {line: r}\nrules: [{when: {path: '/{n}'}, set: {items: '{n}'}}]",
      "f.yaml:5: rules[0].set.items: expected a whole number"),
    Mistake(
      Self.pattern + "rules: [{when: {usr: a}, ignore: true}]",
      "f.yaml:4: rules[0].when.usr: 'usr' is none of the line's values: date, user, line; did you mean "
        + "'user'?"
    ),
  ]

  /// What is wrong is told once; of some only the beginning is compared.
  @Test(arguments: keys + lines + names + rules)
  func oneMistake(mistake: Mistake) {
    let told = told(mistake.yaml)
    #expect(told.hasPrefix(mistake.told), "\(told)")
    #expect(
      told.split(separator: "\n").count == mistake.told.split(separator: "\n").count, "\(told)")
  }

  @Test func allMistakesAtOnce() {
    let told = told(
      """
      format: f
      lines:
        text: '{date} {user}'
        escape: xml
      absent: ['-', '-']
      time_zone: Mars/Olympus
      fields:
        time: dato
        user: 'query:u'
      rules:
        - when: {status: 99-1}
        - set: {event: '{x}'}
      """)
    let places = told.split(separator: "\n").map {
      $0.split(separator: ": ").prefix(2).joined(separator: ": ")
    }
    #expect(
      places == [
        "f.yaml:4: lines.escape", "f.yaml:5: absent[1]", "f.yaml:6: time_zone",
        "f.yaml:8: fields.time", "f.yaml:9: fields.user", "f.yaml:11: rules[0]",
        "f.yaml:11: rules[0].when.status", "f.yaml:12: rules[1].set.event",
      ], "\(told)")
  }

  @Test func aFileThatIsNotThere() {
    #expect(throws: ConfigurationError.self) { try LogFormat.read(path: "/nonexistent/f.yaml") }
  }
}
