internal import CivilTime

/// Something planted in the traffic: misuse of a certain strength, or honest use that looks guilty.
///
/// Written `name` or `name:key=value,key=value`.
public struct Plant: Sendable, Hashable {
  public enum Name: String, Sendable, CaseIterable {
    case answerCache = "answer-cache"
    case permanentCopy = "permanent-copy"
    case mergedUsers = "merged-users"
    case keepAlive = "keep-alive"
    case harvesting
    case probing
    case replay
    case volumeShift = "volume-shift"
    case lostHost = "lost-host"
    case pollers
    case office
    case retries
    case faqButtons = "faq-buttons"
    case campaign
    case outages
    case popularityDrift = "popularity-drift"
    case licensorCache = "licensor-cache"
    case roaming
    case nightShift = "night-shift"
    case small

    /// `misuse`, or use that is to be looked into; `honest`; `licensor` where the licensor's own
    /// logs are at fault.
    public var conduct: String {
      switch self {
      case .answerCache, .permanentCopy, .mergedUsers, .keepAlive, .harvesting, .probing, .replay,
        .volumeShift:
        "misuse"
      case .pollers, .office, .retries, .faqButtons, .campaign, .outages, .popularityDrift,
        .licensorCache, .roaming, .nightShift, .small:
        "honest"
      case .lostHost: "licensor"
      }
    }
  }

  public let name: Name
  /// As they were given.
  private(set) var values: [String: String] = [:]

  /// Reads `name:key=value,key=value`.
  ///
  /// - Throws: ``SimulationError/option(name:problem:)``, with what is allowed instead.
  public init(text: String) throws(SimulationError) {
    let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
    guard let name = Name(rawValue: String(parts[0])) else {
      throw Self.refusal(
        "expected one of \(Name.allCases.map(\.rawValue).joined(separator: ", ")), "
          + "found '\(parts[0])'")
    }
    self.name = name
    guard parts.count == 2 else { return }
    for pair in parts[1].split(separator: ",", omittingEmptySubsequences: false) {
      let sides = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      let names = name.keys.map(\.name)
      guard sides.count == 2, let key = name.keys.first(where: { $0.name == sides[0] }) else {
        throw Self.refusal(
          "expected key=value of \(name.rawValue) with a key of \(names.joined(separator: ", ")), "
            + "found '\(pair)'")
      }
      guard values.updateValue(String(sides[1]), forKey: key.name) == nil else {
        throw Self.refusal("\(name.rawValue) has \(key.name) twice")
      }
      guard key.kind.reads(values[key.name] ?? "") else {
        throw Self.refusal(
          "expected of \(name.rawValue) as \(key.name) \(key.kind.expectation), found '\(sides[1])'"
        )
      }
    }
    if values["capacity"] != nil && values["kind"] != "lru" {
      throw Self.refusal("answer-cache has a capacity with kind=lru only")
    }
    if values["session"] != nil && values["items"] == "true" {
      throw Self.refusal("harvesting of items has no sessions")
    }
  }

  static func refusal(_ problem: String) -> SimulationError {
    .option(name: "plant", problem: problem)
  }
}

// MARK: - Values

extension Plant {
  private func text(_ key: String) -> String {
    values[key] ?? name.keys.first { $0.name == key }?.standard ?? ""
  }

  func count(_ key: String) -> Int { Int(text(key)) ?? 0 }
  func number(_ key: String) -> Double { Double(text(key)) ?? 0 }
  func choice(_ key: String) -> String { text(key) }
  func isTrue(_ key: String) -> Bool { text(key) == "true" }

  func milliseconds(_ key: String, _ options: SimulationOptions) -> Int64 {
    if text(key) == Key.justInsideTimeout {
      return options.idleTimeout.microseconds / 1_000 - 60_000
    }
    return (Interval(text: text(key))?.microseconds ?? 0) / 1_000
  }

  /// A day of the traffic, from 0.
  func day(_ key: String, _ options: SimulationOptions) -> Int {
    text(key) == Key.middle ? options.days / 2 : count(key) - 1
  }

  /// When a day of the traffic begins, in milliseconds since the epoch.
  func dayStart(_ key: String, _ options: SimulationOptions) -> Int64 {
    options.zone.start(of: options.from + day(key, options)).microseconds / 1_000
  }

  func hours(_ key: String) -> Range<Int> {
    let ends = text(key).split(separator: "-").compactMap { Int($0) }
    return ends.count == 2 && ends[0] < ends[1] ? ends[0]..<ends[1] : 0..<24
  }

  /// The number of the licensee whose traffic is planted in.
  func licensee(_ options: SimulationOptions) -> Int {
    options.licensees.firstIndex { $0.name == text("licensee") } ?? 0
  }

  /// The number of the app among the licensee's; `nil`: all.
  func app(_ options: SimulationOptions) -> Int? {
    let wanted = text("app")
    if wanted == Key.all { return nil }
    return options.licensees[licensee(options)].apps.firstIndex { $0.name == wanted } ?? 0
  }

  /// All keys that mean something, with the values that hold.
  func parameters(_ options: SimulationOptions) -> [(name: String, value: String)] {
    name.keys.compactMap { key in
      if key.name == "capacity" && text("kind") != "lru" { return nil }
      if key.name == "session" && text("items") == "true" { return nil }
      return (key.name, value(of: key, options))
    }
  }

  private func value(of key: Key, _ options: SimulationOptions) -> String {
    let licensee = options.licensees[licensee(options)]
    switch key.kind {
    case .day: return "\(day(key.name, options) + 1)"
    case .time: return Interval(microseconds: milliseconds(key.name, options) * 1_000).text
    case .licensee: return licensee.name
    case .app, .appOrAll: return app(options).map { licensee.apps[$0].name } ?? Key.all
    default: return text(key.name)
    }
  }

  /// Ordinary users on whom it is planted.
  var wantedUsers: Int {
    switch name {
    case .mergedUsers: count("people") * count("users")
    case .keepAlive, .office, .roaming: count("users")
    default: 0
    }
  }

  /// Checks what depends on the rest of the options.
  func validate(_ options: SimulationOptions) throws(SimulationError) {
    let licensee = options.licensees[licensee(options)]
    for key in name.keys {
      guard let value = values[key.name] else { continue }
      switch key.kind {
      case .day where day(key.name, options) >= options.days:
        throw Self.refusal(
          "expected of \(name.rawValue) as \(key.name) a day from 1 to \(options.days), found \(value)"
        )
      case .app, .appOrAll:
        let names = licensee.apps.map(\.name)
        guard names.contains(value) || key.kind == .appOrAll && value == Key.all else {
          throw Self.refusal(
            "expected of \(name.rawValue) as app one of "
              + (names + (key.kind == .appOrAll ? [Key.all] : [])).joined(separator: ", ")
              + ", found '\(value)'")
        }
      case .licensee where licensee.name != value:
        throw Self.refusal(
          "expected of \(name.rawValue) as licensee one of "
            + options.licensees.map(\.name).joined(separator: ", ") + ", found '\(value)'")
      default: break
      }
    }
    if name == .lostHost && count("gateway") > options.gateways {
      throw Self.refusal(
        "expected of lost-host as gateway 1 to \(options.gateways), found \(count("gateway"))")
    }
    if name == .keepAlive && milliseconds("period", options) < 10_000 {
      throw Self.refusal(
        "expected of keep-alive a period, the idle timeout of \(options.idleTimeout.text) leaves none"
      )
    }
    if isTrue("items") && !licensee.modules.contains(where: { $0.meter == .item }) {
      throw Self.refusal("\(licensee.name) has no module by item to be harvested")
    }
  }
}
