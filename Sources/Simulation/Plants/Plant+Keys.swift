internal import CivilTime

extension Plant {
  /// What a plant can be told.
  struct Key: Sendable {
    enum Kind: Sendable, Equatable {
      case count(ClosedRange<Int>)
      case number(ClosedRange<Double>)
      /// In seconds.
      case time(ClosedRange<Int64>)
      case choice([String])
      /// Two hours of the day, such as `8-22`.
      case hours
      /// From 1.
      case day
      case app
      case appOrAll
      case licensee
    }

    static let all = "all"
    static let middle = "middle"
    static let justInsideTimeout = "idle timeout less 1m"

    let name: String
    /// What holds where nothing is given; empty: the first of the options'.
    let standard: String
    let kind: Kind
  }
}

extension Plant.Key.Kind {
  /// What is expected, in words.
  var expectation: String {
    switch self {
    case .count(let range): "\(range.lowerBound) to \(range.upperBound)"
    case .number(let range): "a number from \(range.lowerBound) to \(range.upperBound)"
    case .time(let range):
      "a time from \(Interval(seconds: range.lowerBound).text) "
        + "to \(Interval(seconds: range.upperBound).text)"
    case .choice(let names): "one of \(names.joined(separator: ", "))"
    case .hours: "two hours of the day such as 8-22"
    case .day: "a day, from 1"
    case .app, .appOrAll: "an app's name"
    case .licensee: "a licensee's name"
    }
  }

  /// Whether a value can be one of this kind, as far as that is known without the other options.
  func reads(_ text: String) -> Bool {
    switch self {
    case .count(let range): return Int(text).map(range.contains) ?? false
    case .number(let range): return Double(text).map(range.contains) ?? false
    case .time(let range):
      guard let time = Interval(text: text), time.microseconds % 1_000 == 0 else { return false }
      return (range.lowerBound * 1_000_000...range.upperBound * 1_000_000)
        .contains(time.microseconds)
    case .choice(let names): return names.contains(text)
    case .hours:
      let ends = text.split(separator: "-", omittingEmptySubsequences: false).map { Int($0) }
      guard ends.count == 2, let from = ends[0], let to = ends[1] else { return false }
      return 0 <= from && from < to && to <= 24
    case .day: return Int(text).map { $0 >= 1 } ?? false
    case .app, .appOrAll, .licensee: return !text.isEmpty
    }
  }
}

extension Plant.Name {
  private static let day: Int64 = 86_400
  private static let truths = Plant.Key.Kind.choice(["false", "true"])

  /// All that this can be told, in the order of the truth.
  var keys: [Plant.Key] {
    func key(_ name: String, _ standard: String, _ kind: Plant.Key.Kind) -> Plant.Key {
      Plant.Key(name: name, standard: standard, kind: kind)
    }
    let from = key("from", "1", .day)
    let fromMiddle = key("from", Plant.Key.middle, .day)
    let anyApp = key("app", "", .appOrAll)
    let users = { (standard: String) in key("users", standard, .count(1...1_000)) }
    let own: [Plant.Key] =
      switch self {
      case .answerCache:
        [
          key("ttl", "1h", .time(10...7 * Self.day)),
          key("kind", "fixed", .choice(["fixed", "sliding", "lru"])),
          key("capacity", "200", .count(1...1_000_000)), key("nodes", "1", .count(1...64)), anyApp,
          from,
        ]
      case .permanentCopy: [anyApp, fromMiddle, key("history", "false", Self.truths)]
      case .mergedUsers: [key("people", "10", .count(2...1_000)), users("1"), from]
      case .keepAlive:
        [
          users("3"), key("period", Plant.Key.justInsideTimeout, .time(10...Self.day)),
          key("jitter", "2s", .time(0...600)), key("hours", "0-24", .hours), from,
        ]
      case .harvesting:
        [
          key("accounts", "3", .count(1...1_000)), key("rate", "60", .number(0.1...3_600)),
          key("pace", "machine", .choice(["machine", "human"])),
          key("questions", "2000", .count(1...1_000_000)),
          key("session", "walk", .choice(["walk", "call"])), key("items", "false", Self.truths),
          from,
        ]
      case .probing:
        [
          key("paths", "60", .count(1...10_000)), key("bursts", "3", .count(1...1_000)),
          key("minutes", "10", .count(1...1_440)), key("addresses", "5", .count(1...1_000)),
          key("attacks", "0.3", .number(0...1)), from,
        ]
      case .replay:
        [
          key("calls", "50", .count(1...10_000)), key("after", "2h", .time(3_660...30 * Self.day)),
        ]
      case .volumeShift:
        [
          key("factor", "2", .number(0.05...20)), key("app", Plant.Key.all, .appOrAll), fromMiddle,
        ]
      case .lostHost:
        [key("gateway", "1", .count(1...64)), key("day", Plant.Key.middle, .day)]
      case .pollers:
        [
          users("3"), key("every", "5m", .time(5...Self.day)), key("jitter", "0s", .time(0...600)),
          key("hours", "0-24", .hours), key("app", "", .app), from,
        ]
      case .office: [users("30"), key("app", "", .app)]
      case .retries:
        [
          key("bursts", "6", .count(1...1_000)), key("minutes", "15", .count(1...1_440)),
          key("failures", "0.5", .number(0...1)),
        ]
      case .faqButtons:
        [key("share", "0.3", .number(0.001...0.6)), key("questions", "8", .count(1...100))]
      case .campaign:
        [
          key("day", Plant.Key.middle, .day), key("hour", "19", .count(0...23)),
          key("hours", "2", .count(1...24)), key("factor", "10", .number(1.1...100)),
          key("questions", "5", .count(1...1_000)), key("share", "0.8", .number(0...1)),
        ]
      case .outages:
        [key("count", "3", .count(1...1_000)), key("minutes", "20", .count(1...1_440))]
      case .popularityDrift: [key("rate", "0.2", .number(0...1))]
      case .licensorCache:
        [key("ttl", "1h", .time(10...7 * Self.day)), key("latency", "5", .count(0...60_000))]
      case .roaming: [users("5")]
      case .nightShift: [key("flat", "1", .number(0...1))]
      case .small: [key("questions", "20", .count(1...100_000))]
      }
    return concernsALicensee ? own + [key("licensee", "", .licensee)] : own
  }

  /// Whether it stands in one licensee's traffic, and not in that of all.
  private var concernsALicensee: Bool {
    switch self {
    case .lostHost, .retries, .faqButtons, .outages, .popularityDrift, .licensorCache, .nightShift,
      .small:
      false
    default: true
    }
  }
}
