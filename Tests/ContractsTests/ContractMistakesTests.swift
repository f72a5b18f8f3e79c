import Configuration
import Testing

@testable import Contracts

/// One wrong line in a contract file, and what the user is told.
struct Mistake: CustomTestStringConvertible {
  var yaml: String
  var told: String
  var testDescription: String { told }

  init(_ yaml: String, _ told: String) {
    self.yaml = yaml
    self.told = told
  }
}

@Suite struct ContractMistakesTests {
  static let single: [Mistake] = [
    // Keys.
    Mistake(
      "prices:\n  - {module: m, unit: item, price: 1}\n  - {module: n, untt: item, unit: item, price: 1}",
      "c.yaml:4: prices[1].untt: unknown key; did you mean 'unit'? (known keys: service, module, "
        + "scenario, unit, price, enabled, from, to, note, description)"),
    Mistake(
      "terms: {}",
      "c.yaml:2: terms: unknown key; did you mean 'term'? (known keys: contract, licensor, licensee, "
        + "time_zone, term, conversation, prices, fees, settlement, allowed, outages, payments, "
        + "holidays, privacy)"),
    Mistake(
      "privacy: {colour: red}",
      "c.yaml:2: privacy.colour: unknown key (known keys: user, key_file)"),
    Mistake(
      "privacy:\n  user: omit\n  \"user\": plain",
      "c.yaml:4: privacy.user: duplicate key; first on line 3"),
    Mistake(
      "licensee: {keys: [a], name: x, keys: [b]}",
      "c.yaml:2: licensee.keys: duplicate key; first on line 2"),
    Mistake(
      "licensor: 许可方",
      "c.yaml:2: licensor: expected a mapping with the keys name, account, found '许可方'"),
    Mistake(
      "licensee: [a]",
      "c.yaml:2: licensee: expected a mapping with the keys name, keys, found a list"),
    Mistake("licensee: {keys: [acme, acme]}", "c.yaml:2: licensee.keys[1]: 'acme' is listed twice"),
    Mistake(
      "licensee: {keys: ['']}",
      "c.yaml:2: licensee.keys[0]: expected a value of the record field 'licensee', found ''"),
    Mistake("licensee: {name: \"a\\tb\"}", "c.yaml:2: licensee.name: expected a text, found 'a b'"),
    // Zone and term.
    Mistake(
      "time_zone: Asia/Shangai",
      "c.yaml:2: time_zone: expected an IANA time zone such as Asia/Shanghai, found 'Asia/Shangai'; "
        + "did you mean 'Asia/Shanghai'?"),
    Mistake(
      "time_zone: CST",
      "c.yaml:2: time_zone: expected an IANA time zone such as Asia/Shanghai, found 'CST'"),
    Mistake(
      "term:\n  from: 2025-02-29",
      "c.yaml:3: term.from: expected a date such as 2025-12-01, found '2025-02-29'"),
    Mistake(
      "term:\n  from: 2025-12-01\n  to: 2025-11-30",
      "c.yaml:4: term.to: 2025-11-30 is before 'from', 2025-12-01"),
    // Conversation.
    Mistake(
      "conversation: {identity: [user, usr]}",
      "c.yaml:2: conversation.identity[1]: expected user or conversation or module or scenario or app, "
        + "found 'usr'; did you mean 'user'?"),
    Mistake(
      "conversation: {identity: [user, user]}",
      "c.yaml:2: conversation.identity[1]: 'user' is listed twice"),
    Mistake(
      "conversation: {identity: []}",
      "c.yaml:2: conversation.identity: expected at least one field, found a list"),
    Mistake(
      "conversation:\n  idle_timeout: 30",
      "c.yaml:3: conversation.idle_timeout: expected a duration above 0 with its unit, such as 30m or "
        + "1h30m, found '30'"),
    Mistake(
      "conversation: {idle_timeout: 0s}",
      "c.yaml:2: conversation.idle_timeout: expected a duration above 0 with its unit, such as 30m or "
        + "1h30m, found '0s'"),
    Mistake(
      "conversation: {max_duration: never}",
      "c.yaml:2: conversation.max_duration: expected a duration above 0 with its unit, such as 30m or "
        + "1h30m, or none, found 'never'"),
    Mistake(
      "conversation: {dedupe_window: -1h}",
      "c.yaml:2: conversation.dedupe_window: expected a duration with its unit, such as 30m or 1h30m, "
        + "found '-1h'"),
    Mistake(
      "conversation:\n  starts_on: [open]\n  ignores: [open]",
      "c.yaml:4: conversation.ignores: event 'open' is also in 'starts_on'"),
    Mistake(
      "conversation: {successful: 200-99}",
      "c.yaml:2: conversation.successful: expected HTTP statuses from 100 to 599, such as 200-299 or "
        + "200,204, found '200-99'"),
    Mistake(
      "conversation: {successful: [200, 600]}",
      "c.yaml:2: conversation.successful[1]: expected HTTP statuses from 100 to 599, such as 200-299 "
        + "or 200,204, found '600'"),
    Mistake(
      "conversation: {successful: \"200,\"}",
      "c.yaml:2: conversation.successful: expected HTTP statuses from 100 to 599, such as 200-299 or "
        + "200,204, found '200,'"),
    Mistake(
      "conversation: {successful: []}",
      "c.yaml:2: conversation.successful: expected at least one HTTP status, found a list"),
    Mistake(
      "conversation: {failed_messages: ingore}",
      "c.yaml:2: conversation.failed_messages: expected ignore or extend, found 'ingore'; did you mean "
        + "'ignore'?"),
    Mistake(
      "conversation: {min_messages: -1}",
      "c.yaml:2: conversation.min_messages: expected a whole number, 0 to 1000000000, found '-1'"),
    Mistake(
      "conversation: {min_messages: 1.0}",
      "c.yaml:2: conversation.min_messages: expected a whole number, 0 to 1000000000, found '1.0'"),
    Mistake(
      "conversation: {counted_in: middle}",
      "c.yaml:2: conversation.counted_in: expected start or end, found 'middle'"),
    Mistake(
      "conversation:\n  - {}\n  - {idle_timeout: 20m}",
      "c.yaml:4: conversation[1].from: missing; expected the date from which this definition holds"),
    Mistake(
      "conversation:\n  - {from: 2026-01-01}\n  - {from: 2026-01-01}",
      "c.yaml:4: conversation[1].from: 2026-01-01 is not after 2026-01-01, the date before it"),
    Mistake(
      "conversation: []",
      "c.yaml:2: conversation: expected at least one definition; leave the key out for the default, "
        + "found a list"),
    // Prices.
    Mistake(
      "prices: [{module: m, price: 1}]",
      "c.yaml:2: prices[0].unit: missing; expected conversation or item"),
    Mistake(
      "prices: [{unit: item, price: 1}]",
      "c.yaml:2: prices[0].module: missing; expected the module that is priced"),
    Mistake(
      "prices: [{module: m, unit: item}]",
      "c.yaml:2: prices[0].price: missing; expected yuan per unit, such as \"0.35\""),
    Mistake(
      "prices:\n  - module: m\n    unit: item\n    price:",
      "c.yaml:5: prices[0].price: missing; expected yuan per unit, such as \"0.35\""),
    Mistake(
      "prices: [{module: m, unit: items, price: 1}]",
      "c.yaml:2: prices[0].unit: expected conversation or item, found 'items'; did you mean 'item'?"
    ),
    Mistake(
      "prices: [{module: m, unit: item, price: -1}]",
      "c.yaml:2: prices[0].price: expected an amount of at least 0, such as \"0.35\", found '-1'"),
    Mistake(
      "prices: [{module: m, unit: item, price: 1e-2}]",
      "c.yaml:2: prices[0].price: expected an amount of at least 0, such as \"0.35\", found '1e-2'"),
    Mistake(
      "prices: [{module: m, unit: item, price: 1000000000000}]",
      "c.yaml:2: prices[0].price: expected an amount of at least 0, such as \"0.35\", found "
        + "'1000000000000'"),
    Mistake(
      "prices: [{module: m, unit: item, price: 1, enabled: maybe}]",
      "c.yaml:2: prices[0].enabled: expected true or false, found 'maybe'"),
    Mistake(
      "prices: [{module: m, unit: item, price: 1, from: 2026-02-01, to: 2026-01-31}]",
      "c.yaml:2: prices[0].to: 2026-01-31 is before 'from', 2026-02-01"),
    Mistake(
      "prices: {module: m}", "c.yaml:2: prices: expected a list of prices, found a mapping"),
    Mistake(
      """
      prices:
        - {module: m, unit: item, price: 1, to: 2026-01-31}
        - {module: m, unit: item, price: 2, from: 2026-01-31}
      """,
      "c.yaml:4: prices[1]: the price of module 'm' in every scenario overlaps with that on line 3, "
        + "which holds to 2026-01-31; give each its 'from' and 'to'"),
    Mistake(
      """
      prices:
        - {module: m, scenario: s, unit: item, price: 1}
        - {module: m, scenario: t, unit: conversation, price: 1}
      """,
      "c.yaml:4: prices[1]: module 'm' is priced by conversation here and by item on line 3 on the "
        + "same days; one module has one unit at a time"),
    // The rest.
    Mistake(
      "fees: {tax_rate: 6}",
      "c.yaml:2: fees.tax_rate: expected a share between 0 and 1, such as \"0.5%\" or \"0.005\", found '6'"
    ),
    Mistake(
      "fees: {invoice_by: us}",
      "c.yaml:2: fees.invoice_by: expected licensor or licensee, found 'us'"),
    Mistake(
      "fees: {base: '50,000.00'}",
      "c.yaml:2: fees.base: expected an amount of at least 0, such as \"0.35\", found '50,000.00'"),
    Mistake(
      "settlement: {due_day: 29}",
      "c.yaml:2: settlement.due_day: expected a day of the month, 1 to 28, found '29'"),
    Mistake(
      "settlement: {due_day: 05}",
      "c.yaml:2: settlement.due_day: expected a day of the month, 1 to 28, found '05'"),
    Mistake(
      "settlement: {tolerance: 0.5 %}",
      "c.yaml:2: settlement.tolerance: expected a share between 0 and 1, such as \"0.5%\" or \"0.005\", found '0.5 %'"
    ),
    Mistake(
      "allowed: {networks: [10.0.0.1/8]}",
      "c.yaml:2: allowed.networks[0]: expected a network such as 10.0.0.0/8 or 2001:db8::/32, its host "
        + "bits zero, found '10.0.0.1/8'"),
    Mistake(
      "allowed: {origins: [https://shop.example/]}",
      "c.yaml:2: allowed.origins: 'https://shop.example/' is no origin such as https://shop.example, "
        + "without a path"),
    Mistake(
      "allowed: {apps: []}",
      "c.yaml:2: allowed.apps: expected at least one app; leave the key out to list none, found a list"
    ),
    Mistake(
      "outages: {notices: [{announced: 2026-01-05, from: 2026-01-06T01:00:00Z, to: 2026-01-06T02:00:00Z}]}",
      "c.yaml:2: outages.notices[0].announced: expected a time with its zone, such as "
        + "2026-01-05T02:00:00+08:00, found '2026-01-05'"),
    Mistake(
      """
      outages:
        notices:
          - announced: 2026-01-05T01:00:00Z
            from: 2026-01-06T02:00:00Z
            to: 2026-01-06T02:00:00Z
      """, "c.yaml:6: outages.notices[0].to: is not after 'from'"),
    Mistake(
      "payments: [{date: 2026-01-05, amount: 0}]",
      "c.yaml:2: payments[0].amount: expected an amount above 0, such as \"12345.60\", found '0'"),
    Mistake(
      "payments: [{amount: 1}]",
      "c.yaml:2: payments[0].date: missing; expected the day of the payment"),
    Mistake(
      "holidays: {holidays: [2026-01-01], working: [2026-01-01]}",
      "c.yaml:2: holidays.working: 2026-01-01 is also in 'holidays'"),
    Mistake(
      "holidays: {holidays: [{from: 2026-01-02, to: 2026-01-01}]}",
      "c.yaml:2: holidays.holidays[0].to: 2026-01-01 is not within a year after 'from', 2026-01-02"),
    Mistake(
      "privacy: {user: hash}",
      "c.yaml:2: privacy.user: expected hmac or plain or omit, found 'hash'"),
  ]

  @Test(arguments: single)
  func oneMistake(_ mistake: Mistake) {
    #expect(mistakes("contract: X\n" + mistake.yaml) == [mistake.told])
  }

  static let broken: [Mistake] = [
    Mistake("", "c.yaml:1: is empty; expected a mapping of keys to values"),
    Mistake("# nothing\n", "c.yaml:1: is empty; expected a mapping of keys to values"),
    Mistake("---\n~\n", "c.yaml:1: is empty; expected a mapping of keys to values"),
    Mistake("licensor: {name: a}", "c.yaml:1: contract: missing; expected the contract's number"),
    Mistake("contract:\n", "c.yaml:1: contract: missing; expected the contract's number"),
    Mistake("contract: ''", "c.yaml:1: contract: expected a text, found ''"),
    Mistake("contract: [X]", "c.yaml:1: contract: expected a text, found a list"),
    Mistake(
      "contract: X\nprices: [{module: m\nfees: {}\n",
      "c.yaml:3: not valid YAML: while parsing a flow mapping, did not find expected ',' or '}'"),
    Mistake(
      "contract: X\n\tfees: {}\n",
      "c.yaml:2: not valid YAML: while scanning a plain scalar, found a tab character that violates "
        + "indentation"),
    Mistake(
      "contract: X\nlicensor: *nobody\n", "c.yaml:2: not valid YAML: found undefined alias"),
    Mistake(
      "contract: X\n---\ncontract: Y\n",
      "c.yaml:2: not valid YAML: expected a single document in the stream, but found another document"
    ),
    Mistake(
      "contract: X\nfees: \u{1}\n", "c.yaml:2: not valid YAML: control characters are not allowed"),
  ]

  @Test(arguments: broken)
  func aFileThatIsNoContract(_ mistake: Mistake) {
    #expect(mistakes(mistake.yaml) == [mistake.told])
  }

  @Test(arguments: ["[a, b]", "just text", "5"])
  func aTopLevelThatIsNoMapping(yaml: String) {
    let told = mistakes(yaml)
    #expect(told.count == 1)
    #expect(told.first?.hasPrefix("c.yaml:1: expected a mapping with the keys contract, ") == true)
  }

  @Test func tenMistakesAreTenReportsByLine() {
    let told = mistakes(
      """
      contract: ''
      licensee: {keys: [a, a]}
      time_zone: Mars/Base
      term: {from: 2026-01-02, to: 2026-01-01}
      conversation:
        idle_timeout: soon
        idle_timeout: 30m
        min_messages: -1
      prices:
        - {module: m, unit: hour, price: free}
      settlement: {due_day: 31}
      """)
    #expect(
      told.map { String($0.prefix { $0 != ";" && $0 != "(" }.split(separator: ",")[0]) } == [
        "c.yaml:1: contract: expected a text",
        "c.yaml:2: licensee.keys[1]: 'a' is listed twice",
        "c.yaml:3: time_zone: expected an IANA time zone such as Asia/Shanghai",
        "c.yaml:4: term.to: 2026-01-01 is before 'from'",
        "c.yaml:6: conversation.idle_timeout: expected a duration above 0 with its unit",
        "c.yaml:7: conversation.idle_timeout: duplicate key",
        "c.yaml:8: conversation.min_messages: expected a whole number",
        "c.yaml:10: prices[0].unit: expected conversation or item",
        "c.yaml:10: prices[0].price: expected an amount of at least 0",
        "c.yaml:11: settlement.due_day: expected a day of the month",
      ])
  }

  @Test func aProblemKeepsItsParts() throws {
    let error = try #require(throws: ConfigurationError.self) {
      try Contract(yaml: "contract: X\nprivacy: {usr: plain, user: hash}", path: "dir/c.yaml")
    }
    #expect(error.problems.count == 2)
    let unknown = try #require(error.problems.first)
    #expect(unknown.kind == .unknownKey && unknown.key == "privacy.usr")
    #expect(unknown.file == "dir/c.yaml" && unknown.line == 2 && unknown.column == 11)
    #expect(unknown.nearestKey == "user")
    let wrong = try #require(error.problems.last)
    #expect(wrong.kind == .wrongValue && wrong.column == 29)
    #expect(wrong.found == "'hash'" && wrong.expected == "hmac or plain or omit")
    #expect(error.description.split(separator: "\n").count == 2)
  }

  /// Keys repeated many times over, in every style, each told with its own line and column.
  @Test func everyRepeatedKeyIsTold() throws {
    let error = try #require(throws: ConfigurationError.self) {
      try Contract(
        yaml: "contract: X\nfees: {base: 1, base: 2, 'base': 3}\ncontract: Y\n\"contract\": Z\n",
        path: "c.yaml")
    }
    #expect(
      error.problems.map { "\($0.line ?? 0):\($0.column ?? 0) \($0.key)" }
        == ["2:17 fees.base", "2:26 fees.base", "3:1 contract", "4:1 contract"])
  }
}
