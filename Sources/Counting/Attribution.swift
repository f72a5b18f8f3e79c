internal import CivilTime
public import Contracts
internal import Shuffling

/// What many records have in common: to whom and what they are charged, and by which rule.
public struct Attribution: Sendable, Hashable {
  /// The part that a message's event plays in a conversation.
  @frozen
  public enum Role: UInt8, Sendable, Hashable { case message, open, close }

  /// An index into the contracts of ``Terms``.
  public var contract: Int
  /// An index into the rules of ``Terms``.
  public var rule: Int
  public var meter: Meter
  public var role: Role
  public var licensee: String
  public var module: String
  public var scenario: String
  public var app: String
  public var event: String

  public init(
    contract: Int, rule: Int, meter: Meter, role: Role, licensee: String, module: String,
    scenario: String, app: String, event: String
  ) {
    self.contract = contract
    self.rule = rule
    self.meter = meter
    self.role = role
    self.licensee = licensee
    self.module = module
    self.scenario = scenario
    self.app = app
    self.event = event
  }
}

/// All attributions of a run, numbered in the order in which they were met.
///
/// The numbers depend on threads; ``sealed(_:)`` adds ranks that depend on content alone.
public final class AttributionTable: @unchecked Sendable {
  /// A message's tag has 23 bits for the number.
  static let countMax = 1 << 23

  private let lock = Lock()
  private var numbers: [Attribution: Int] = [:]
  private var all: [Attribution] = []
  private var licensees: [String: Int] = [:]

  public init() {}

  /// The number of an attribution.
  public func number(of attribution: Attribution) -> Int {
    lock.withLock {
      if let number = numbers[attribution] { return number }
      precondition(
        all.count < Self.countMax,
        "more than 8 million different combinations of module, scenario, app and event")
      numbers[attribution] = all.count
      all.append(attribution)
      return all.count - 1
    }
  }

  func number(ofLicensee licensee: String) -> Int {
    lock.withLock {
      if let number = licensees[licensee] { return number }
      licensees[licensee] = licensees.count
      return licensees.count - 1
    }
  }

  /// The table as the reduce reads it, once all records are mapped.
  public func sealed(_ terms: Terms) -> Attributions {
    lock.withLock { Attributions(all, terms: terms) }
  }
}

/// One line of the count: whose use of what, on any day.
public struct UsageLine: Sendable, Hashable {
  public var contract: Int
  public var licensee: String
  public var module: String
  public var scenario: String
  public var meter: Meter
}

/// The attributions of a run with all that a reduce needs of them as small integers.
public struct Attributions: Sendable {
  /// What the hot loops see of an attribution.
  struct Entry: Sendable, BitwiseCopyable {
    var contract: Int32
    var rule: Int32
    /// The number of the ``UsageLine``.
    var line: Int32
    /// The order of all attributions by content, not by when they were met.
    var rank: UInt32
    var licensee: Int32
    var module: Int32
    var scenario: Int32
    var app: Int32
    var meter: Meter
    var role: Attribution.Role
    /// The fields of the conversation's identity, a bit each in the order of `IdentityField`.
    var identity: UInt8
  }

  /// A rule's times in microseconds, as the scan compares them.
  struct Timing: Sendable, BitwiseCopyable {
    var idleTimeout: Int64
    var maxDuration: Int64
    var dedupeWindow: Int64
    var failuresExtend: Bool
  }

  public let all: [Attribution]
  public let lines: [UsageLine]
  /// The hot loops' part of each attribution, by its number.
  private let entries: PlainTable<Entry>
  let rules: [ConversationRule]
  private let timings: PlainTable<Timing>

  init(_ all: [Attribution], terms: Terms) {
    self.all = all
    rules = terms.rules
    timings = PlainTable(
      terms.rules.map {
        Timing(
          idleTimeout: $0.idleTimeout.microseconds,
          maxDuration: $0.maxDuration?.microseconds ?? .max,
          dedupeWindow: $0.dedupeWindow.microseconds, failuresExtend: $0.failedMessages == .extend)
      })
    var lines: [UsageLine] = []
    var lineNumbers: [UsageLine: Int] = [:]
    var textNumbers: [String: Int32] = [:]
    func number(_ text: String) -> Int32 {
      if let number = textNumbers[text] { return number }
      let number = Int32(textNumbers.count)
      textNumbers[text] = number
      return number
    }
    let masks = terms.rules.map(Self.identityMask)
    var entries = all.map { attribution -> Entry in
      let line = UsageLine(
        contract: attribution.contract, licensee: attribution.licensee,
        module: attribution.module, scenario: attribution.scenario, meter: attribution.meter)
      let lineNumber = lineNumbers[line] ?? lines.count
      if lineNumber == lines.count {
        lineNumbers[line] = lineNumber
        lines.append(line)
      }
      return Entry(
        contract: Int32(attribution.contract), rule: Int32(attribution.rule),
        line: Int32(lineNumber), rank: 0, licensee: number(attribution.licensee),
        module: number(attribution.module), scenario: number(attribution.scenario),
        app: number(attribution.app), meter: attribution.meter, role: attribution.role,
        identity: masks[attribution.rule])
    }
    let order = all.indices.sorted {
      Self.key(all[$0]).lexicographicallyPrecedes(Self.key(all[$1]))
    }
    for (rank, index) in order.enumerated() { entries[index].rank = UInt32(rank) }
    self.lines = lines
    self.entries = PlainTable(entries)
  }

  /// All attributions in an order that depends on content alone.
  public var ranked: [Attribution] {
    var ranked = all
    for index in all.indices { ranked[rank(of: index)] = all[index] }
    return ranked
  }

  /// The place of an attribution in ``ranked``.
  public func rank(of number: Int) -> Int { Int(entries[number].rank) }

  @inline(__always)
  func entry(_ number: Int) -> Entry { entries[number] }

  @inline(__always)
  func timing(_ entry: Entry) -> Timing { timings[Int(entry.rule)] }

  /// The number of an attribution's licensee.
  package func licensee(of number: Int) -> Int32 { entries[number].licensee }

  /// Idle timeout and dedupe window of an attribution's rule, in microseconds.
  package func times(of number: Int) -> (idleTimeout: Int64, dedupeWindow: Int64) {
    let timing = timing(entries[number])
    return (timing.idleTimeout, timing.dedupeWindow)
  }

  private static func key(_ attribution: Attribution) -> [String] {
    [
      attribution.licensee, attribution.module, attribution.scenario, attribution.app,
      attribution.event, attribution.meter.rawValue,
      // Two contracts or rules of equal names differ in time; fixed width sorts them as numbers.
      String(1_000_000 + attribution.contract), String(1_000_000 + attribution.rule),
    ]
  }

  static func identityMask(_ rule: ConversationRule) -> UInt8 {
    var mask: UInt8 = 0
    for (bit, field) in IdentityField.allCases.enumerated() where rule.identity.contains(field) {
      mask |= 1 << UInt8(bit)
    }
    return mask
  }
}
