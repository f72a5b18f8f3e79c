internal import CivilTime
internal import Configuration

extension DatedRule {
  init() { self.init(from: nil, rule: ConversationRule()) }

  /// The definitions that `conversation` gives: one mapping, or a list of them with `from`.
  static func rules(_ value: ConfigurationValue) -> [DatedRule] {
    guard value.isList else {
      return value.mapping(keys: ConversationRule.keys)
        .map { [DatedRule(from: nil, rule: ConversationRule($0))] } ?? [DatedRule()]
    }
    var rules: [DatedRule] = []
    for (position, element) in (value.elements(expected: "a list") ?? []).enumerated() {
      guard let mapping = element.mapping(keys: ["from"] + ConversationRule.keys) else { continue }
      let from =
        position == 0
        ? mapping["from"]?.date()
        : mapping.required("from", expected: "the date from which this definition holds")?.date()
      if let from, let before = rules.last?.from, from <= before {
        mapping["from"]?.contradict("\(from) is not after \(before), the date before it")
      }
      rules.append(DatedRule(from: from, rule: ConversationRule(mapping)))
    }
    if rules.isEmpty {
      value.reject(expected: "at least one definition; leave the key out for the default")
      return [DatedRule()]
    }
    return rules
  }
}

extension ConversationRule {
  static let keys = [
    "identity", "idle_timeout", "max_duration", "starts_on", "ends_on", "ignores", "successful",
    "failed_messages", "min_messages", "counted_in", "dedupe_window",
  ]

  init(_ mapping: ConfigurationMapping) {
    self.init()
    if let value = mapping["identity"] { identity = Self.identity(value) }
    idleTimeout = mapping["idle_timeout"]?.interval(positive: true) ?? idleTimeout
    if let value = mapping["max_duration"], value.scalarText != "none" {
      maxDuration = value.interval(positive: true, orNone: true)
    }
    readEvents(mapping)
    if let value = mapping["successful"] { successful = Self.statuses(value) ?? successful }
    failedMessages = mapping["failed_messages"]?.choice(of: FailedMessages.self) ?? failedMessages
    minMessages = mapping["min_messages"]?.integer(0...1_000_000_000) ?? minMessages
    countedIn = mapping["counted_in"]?.choice(of: CountedIn.self) ?? countedIn
    dedupeWindow = mapping["dedupe_window"]?.interval(positive: false) ?? dedupeWindow
  }

  private static func identity(_ value: ConfigurationValue) -> [IdentityField] {
    var fields: [IdentityField] = []
    let elements = value.elementsOrOne()
    if elements.isEmpty { value.reject(expected: "at least one field") }
    for element in elements {
      guard let field = element.choice(of: IdentityField.self) else { continue }
      if fields.contains(field) {
        element.contradict("'\(field.rawValue)' is listed twice")
      } else {
        fields.append(field)
      }
    }
    return fields
  }

  /// An event in two of the three lists has no meaning; the defaults give way to what is written.
  private mutating func readEvents(_ mapping: ConfigurationMapping) {
    let paths: [(key: String, path: WritableKeyPath<ConversationRule, Set<String>>)] = [
      ("starts_on", \.startsOn), ("ends_on", \.endsOn), ("ignores", \.ignores),
    ]
    var writtenIn: [String: String] = [:]
    for (key, path) in paths {
      guard let value = mapping[key] else { continue }
      let events = value.texts(of: "name of an event", emptyAllowed: true) ?? []
      for event in events {
        if let other = writtenIn[event] {
          value.contradict("event '\(event)' is also in '\(other)'")
        }
        writtenIn[event] = key
      }
      self[keyPath: path] = Set(events)
    }
    for (key, path) in paths where mapping[key] == nil {
      self[keyPath: path].subtract(writtenIn.keys)
    }
  }

  private static let statusesExpected =
    "HTTP statuses from 100 to 599, such as 200-299 or 200,204"

  private static func statuses(_ value: ConfigurationValue) -> [ClosedRange<Int>]? {
    let elements = value.elementsOrOne()
    if elements.isEmpty { value.reject(expected: "at least one HTTP status") }
    var ranges: [ClosedRange<Int>] = []
    for element in elements {
      guard let part = element.scalarText.flatMap({ statuses(text: $0) }) else {
        element.reject(expected: statusesExpected)
        continue
      }
      ranges += part
    }
    return joined(ranges)
  }

  /// Reads the statuses of messages that count: `200-299`, `200,204`.
  ///
  /// - Returns: ascending ranges within 100–599 that do not touch; `nil` for any other text.
  public static func statuses(text: String) -> [ClosedRange<Int>]? {
    var ranges: [ClosedRange<Int>] = []
    for part in text.split(separator: ",", omittingEmptySubsequences: false) {
      guard let range = statusRange(part) else { return nil }
      ranges.append(range)
    }
    return joined(ranges)
  }

  private static func joined(_ ranges: [ClosedRange<Int>]) -> [ClosedRange<Int>] {
    var joined: [ClosedRange<Int>] = []
    for range in ranges.sorted(by: { $0.lowerBound < $1.lowerBound }) {
      if let last = joined.last, range.lowerBound <= last.upperBound + 1 {
        joined[joined.count - 1] = last.lowerBound...max(last.upperBound, range.upperBound)
      } else {
        joined.append(range)
      }
    }
    return joined
  }

  private static func statusRange(_ text: Substring) -> ClosedRange<Int>? {
    let bounds = text.split(separator: "-", omittingEmptySubsequences: false).map { bound in
      let digits = bound.filter { $0 != " " }
      return digits.count == 3 && digits.allSatisfy { $0.isASCII && $0.isNumber }
        ? Int(digits) : nil
    }
    guard (1...2).contains(bounds.count), let low = bounds[0], let high = bounds[bounds.count - 1],
      low <= high, (100...599).contains(low), (100...599).contains(high)
    else { return nil }
    return low...high
  }
}
