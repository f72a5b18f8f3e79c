import Formats
import Foundation
import Parsing
import TestSupport
import Testing

private let t = "2025-12-01T08:00:00Z"

/// Requests, queries, cookies and rules, against the same done plainly with texts split and compared.
@Suite struct RequestReferenceTests {
  private struct Rule {
    var methods: [String] = []
    var path: String?
    /// Literal texts and `{name}`, joined.
    var module: String?
    var event: String?
    var scenario: String?

    var yaml: String {
      var when: [String] = []
      if !methods.isEmpty {
        when.append("method: [\(methods.map { "'\($0)'" }.joined(separator: ", "))]")
      }
      if let path { when.append("path: '\(path)'") }
      var set: [String] = []
      if let module { set.append("module: '\(module)'") }
      if let event { set.append("event: '\(event)'") }
      if let scenario { set.append("scenario: '\(scenario)'") }
      return "  - when: {\(when.joined(separator: ", "))}\n"
        + (set.isEmpty ? "    ignore: true" : "    set: {\(set.joined(separator: ", "))}")
    }

    /// What is set, `nil` where the rule does not fit; nothing where it ignores.
    func settings(_ method: String, _ path: String) -> [String: String]? {
      if !methods.isEmpty && !methods.contains(where: { fits(method, $0) }) { return nil }
      var names: [String: String] = [:]
      if let pattern = self.path {
        var wanted = pattern.components(separatedBy: "/")
        var found = path.components(separatedBy: "/")
        if wanted.last == "*" {
          wanted.removeLast()
          guard found.count >= wanted.count else { return nil }
          found = Array(found.prefix(wanted.count))
        }
        guard wanted.count == found.count, !path.isEmpty else { return nil }
        for (want, find) in zip(wanted, found) {
          if want.hasPrefix("{") {
            if find.isEmpty { return nil }
            names[want] = find
          } else if want != find {
            return nil
          }
        }
      }
      var set: [String: String] = [:]
      for (field, text) in [("module", module), ("event", event), ("scenario", scenario)] {
        guard var text else { continue }
        for (name, value) in names { text = text.replacingOccurrences(of: name, with: value) }
        set[field] = text
      }
      return set
    }

    private func fits(_ text: String, _ pattern: String) -> Bool {
      if pattern.hasSuffix("*") { return text.hasPrefix(pattern.dropLast()) }
      return text == pattern
    }
  }

  private static let keys = [
    "u", "user", "user_id", "a_name_of_sixteen", "a_name_of_sixtee", "a_name_longer_than_sixteen",
    "a_name_longer_than_sixteem", "用",
  ]

  /// Path and parameters of a target, decoded.
  private static func parts(_ target: String) -> (path: String, query: [String: String]) {
    let whole = target.components(separatedBy: "#")[0]
    let path = whole.components(separatedBy: "?")[0]
    var query: [String: String] = [:]
    if whole.count > path.count {
      for pair in whole.dropFirst(path.count + 1).components(separatedBy: "&") {
        let key = pair.components(separatedBy: "=")[0]
        guard pair.count > key.count else { continue }
        let value = String(pair.dropFirst(key.count + 1))
        query[key] = value.replacingOccurrences(of: "+", with: " ").removingPercentEncoding ?? value
      }
    }
    // A slash stays as it is written, and so does what is no escape.
    let kept = path.replacingOccurrences(of: "%2F", with: "%252F")
      .replacingOccurrences(of: "%zz", with: "%25zz")
    return (kept.removingPercentEncoding ?? path, query)
  }

  private static func rules(_ random: inout SeededRandom, onlySimple: Bool) -> [Rule] {
    (0..<random.number(1...6)).map { number in
      var rule = Rule()
      if random.chance(70) {
        rule.methods = Array(
          ["GET", "POST", "DELETE", "P*", "PROPFINDX", "G"].shuffled(using: &random)
            .prefix(random.number(1...3)))
      }
      var segments: [String] = []
      if random.chance(80) || rule.methods.isEmpty {
        for index in 0..<random.number(1...(onlySimple ? 5 : 10)) {
          segments.append(
            random.chance(40)
              ? "{n\(index)}" : random.one(of: ["v1", "a", "bots", "a-segment-of-some-length"]))
        }
        if random.chance(20) { segments.append("*") }
        rule.path = "/" + segments.joined(separator: "/")
      }
      guard random.chance(75) else { return rule }
      rule.event = "e\(number)"
      let named = segments.filter { $0.hasPrefix("{") }
      if let name = named.last { rule.module = name }
      if let name = named.first, !onlySimple { rule.scenario = "\(name)-\(name)" }
      return rule
    }
  }

  private static func path(_ random: inout SeededRandom, like rules: [Rule]) -> String {
    let words = [
      "v1", "a", "bots", "a-segment-of-some-length", "x", "用", "%41", "a%2Fb", "%zz", "",
    ]
    var segments = random.one(of: rules).path?.components(separatedBy: "/").dropFirst() ?? []
    if random.chance(20) { segments = ArraySlice((0..<random.number(0...9)).map { _ in "{" }) }
    let filled = segments.map { segment in
      if segment.hasPrefix("{") || segment == "*" || random.chance(5) {
        return random.chance(60) ? random.one(of: words) : "m\(random.number(0...400))"
      }
      return segment
    }
    return "/" + filled.joined(separator: "/")
  }

  private static func query(_ random: inout SeededRandom) -> String {
    let values = [
      "", "a", "a+b", "%E7%94%A8", "%2B%26", "a=b", "a?b/c", "%zz", "用", "-", "a%20b+c",
    ]
    let pairs = (0..<random.number(0...6)).map { _ in
      let key = random.chance(85) ? random.one(of: keys) : random.one(of: ["x", "", "us", "users"])
      return random.chance(92) ? "\(key)=\(random.one(of: values))" : key
    }
    let query = pairs.joined(separator: "&")
    return (query.isEmpty ? "" : "?\(query)") + (random.chance(5) ? "#f&user=z" : "")
  }

  @Test(arguments: [1, 2, 3, 4] as [UInt64])
  func requestsAndRules(seed: UInt64) throws {
    var random = SeededRandom(seed: seed)
    var records = 0
    var ignored = 0
    for number in 0..<20 {
      let rules = Self.rules(&random, onlySimple: number % 2 == 0)
      let chosen = Array(Self.keys.shuffled(using: &random).prefix(3))
      let yaml = file(
        "{text: '{t}|{r}|{c}', escape: none}",
        "request: {line: r}\ncookies: c\n"
          + "fields: {time: t, user: 'query:\(chosen[0])', app: 'query:\(chosen[1])', "
          + "conversation: 'query:\(chosen[2])', licensee: 'cookie:\(chosen[0])'}\nrules:\n"
          + rules.map(\.yaml).joined(separator: "\n"))
      var lines: [String] = []
      var expected: [Int: Heard] = [:]
      for line in 0..<600 {
        let method = random.one(of: ["GET", "POST", "DELETE", "PUT", "PROPFINDX", "PROPFINDY", "G"])
        let target = Self.path(&random, like: rules) + Self.query(&random)
        let cookies = Self.keys.shuffled(using: &random).prefix(random.number(0...3))
        lines.append(
          "\(t)|\(method) \(target) HTTP/1.1|"
            + cookies.map { "\($0)=\($0)!" }.joined(separator: "; "))
        let (path, query) = Self.parts(target)
        let rule = rules.lazy.compactMap { $0.settings(method, path) }.first
        if let rule, rule.isEmpty { continue }
        var said = rule ?? [:]
        said["user"] = query[chosen[0]]
        said["app"] = query[chosen[1]]
        said["conversation"] = query[chosen[2]]
        if cookies.contains(chosen[0]) { said["licensee"] = "\(chosen[0])!" }
        expected[line] = fields(said.filter { !$0.value.isEmpty })
      }
      let read = try reading(lines.joined(separator: "\n"), as: yaml)
      records += read.heard.count
      ignored += read.ignored
      let differing = lines.indices.first { read.heard[$0] != expected[$0] }
      if let line = differing {
        Issue.record(
          """
          \(random)
          \(yaml)
          \(lines[line])
          read \(String(describing: read.heard[line]))
          expected \(String(describing: expected[line]))
          """)
      }
    }
    #expect(records > 2_000 && ignored > 200, "\(records), \(ignored)")
  }

  /// More paths than a memory of them holds, again and again, of all lengths around its words.
  @Test func manyPathsAgainAndAgain() throws {
    let yaml = file(
      "{text: '{t}|{m}|{u}'}",
      "request: {method: m, url: u}\nfields: {time: t}\nrules:\n"
        + "  - when: {method: GET, path: '/{module}/{event}'}\n"
        + "    set: {module: '{module}', event: '{event}', app: one}\n"
        + "  - when: {path: '/x/*'}\n    ignore: true\n"
        + "  - set: {app: other}")
    var random = SeededRandom(seed: 51)
    var lines: [String] = []
    var expected: [Int: Heard] = [:]
    for line in 0..<20_000 {
      let module = String(repeating: "m", count: random.number(1...60))
      let event = "e\(random.number(0...9))"
      let method = random.one(of: ["GET", "POST", "GETGETGE", "GETGETGET"])
      lines.append("\(t)|\(method)|/\(module)/\(event)")
      expected[line] =
        method == "GET"
        ? fields(["module": module, "event": event, "app": "one"]) : fields(["app": "other"])
    }
    let read = try reading(lines.joined(separator: "\n"), as: yaml)
    #expect(read.blocks > 2)
    let differing = lines.indices.first { read.heard[$0] != expected[$0] }
    #expect(differing == nil, "\(differing.map { lines[$0] } ?? "")")
  }
}
