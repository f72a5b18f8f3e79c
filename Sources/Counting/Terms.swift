public import CivilTime
public import Contracts

/// The contracts by which a log is counted.
public struct Terms: Sendable {
  public let contracts: [Contract]
  /// `nil` without a contract file: then each licensee is its own contract under the one rule.
  private let book: ContractBook?
  /// The first rule of each contract in a numbering over all contracts.
  private let firstRule: [Int]
  /// All contracts' rules, in that numbering.
  public let rules: [ConversationRule]
  /// The days that are reported, in each contract's zone; `nil`: all. Records of other days are
  /// read and balanced all the same, since a conversation may reach over midnight.
  public var dates: ClosedRange<CivilDate>?
  /// Days in each contract's zone that uses are told apart by; `nil`: by none. What is before the first one
  /// is one stretch, and so is what is behind the last.
  public var toldApart: ClosedRange<CivilDate>?
  /// The zone of records of no contract: the contracts' own where they have one in common, else UTC.
  public let strangersZone: Zone

  /// Counts by contract files.
  public init(_ book: ContractBook) { self.init(book.contracts, book) }

  /// Counts every licensee by one rule, days being those of a zone.
  public init(rule: ConversationRule, zone: Zone) {
    self.init([Contract.withoutFile(zone: zone, rule: rule)], nil)
  }

  private init(_ contracts: [Contract], _ book: ContractBook?) {
    self.contracts = contracts
    self.book = book
    let zones = Set(contracts.map(\.zone))
    strangersZone = zones.count == 1 ? zones.first ?? .utc : .utc
    var firstRule: [Int] = []
    var rules: [ConversationRule] = []
    for contract in contracts {
      firstRule.append(rules.count)
      rules += contract.rules.map(\.rule)
    }
    self.firstRule = firstRule
    self.rules = rules
  }

  /// ``dates`` as days since 1970; a unit of another day is in no total and no row.
  var reportedDays: ClosedRange<Int32> {
    dates.map { $0.lowerBound.daysSinceEpoch...$0.upperBound.daysSinceEpoch } ?? .min ... .max
  }

  /// The same contracts with other rules.
  public func changingRules(_ change: (inout ConversationRule) -> Void) -> Terms {
    changing { contract in
      for rule in contract.rules.indices { change(&contract.rules[rule].rule) }
    }
  }

  /// The same contracts, changed in what does not say whose records they are.
  public func changing(_ change: (inout Contract) -> Void) -> Terms {
    var changed = contracts
    for contract in changed.indices { change(&changed[contract]) }
    // Numbers, licensees and terms are the same, and so no less compatible.
    var terms = Terms(changed, book == nil ? nil : try? ContractBook(changed))
    terms.dates = dates
    terms.toldApart = toldApart
    return terms
  }

  /// Whether contract files decide what belongs to whom.
  public var hasContracts: Bool { book != nil }

  /// Whether every rule makes the user part of a conversation's identity.
  public var allIdentitiesHaveUser: Bool { rules.allSatisfy { $0.identity.contains(.user) } }

  /// The contract of a licensee's record, as an index; `nil` where it is of none.
  func contract(ofLicensee licensee: String, at instant: Instant) -> Int? {
    guard let book else { return 0 }
    return book.index(forLicensee: licensee, at: instant)
  }

  /// The rule of a contract on a day, in the numbering over all contracts.
  func rule(ofContract contract: Int, on date: CivilDate) -> Int {
    firstRule[contract] + contracts[contract].rule(on: date).index
  }

  /// The moments at which anything that a contract says of a licensee's records changes, ascending.
  func changes(forLicensee licensee: String) -> [Instant] {
    let indices = book?.contracts(forLicensee: licensee) ?? [0]
    var moments: Set<Instant> = []
    let edges = self.edges
    for edge in edges { moments.formUnion(Self.changes(to: edge, in: strangersZone)) }
    for contract in indices.map({ contracts[$0] }) {
      let firsts =
        [contract.term.from, contract.term.firstDay] + contract.rules.map(\.from)
        + contract.prices.map(\.from)
      let lasts = [contract.term.lastDay] + contract.prices.map(\.to)
      for date in firsts.compactMap({ $0 }) + lasts.compactMap({ $0.map { $0 + 1 } }) + edges {
        moments.formUnion(Self.changes(to: date, in: contract.zone))
      }
    }
    return moments.sorted()
  }

  /// The days at whose starts it changes what is reported, or told apart.
  private var edges: [CivilDate] {
    (dates.map { [$0.lowerBound, $0.upperBound + 1] } ?? [])
      + (toldApart.map { range in
        (range.lowerBound.daysSinceEpoch...range.upperBound.daysSinceEpoch + 1)
          .map { CivilDate(daysSinceEpoch: $0) }
      } ?? [])
  }

  /// The moments at which the date may change to a day, or from the day before that.
  private static func changes(to date: CivilDate, in zone: Zone) -> [Instant] {
    let start = zone.start(of: date)
    // Clocks that go back over midnight, as in `America/St_Johns` until 2011, give the day before once
    // more: the two stretches that follow end where the date changes again.
    let stretch = zone.day(of: start)
    return [start, stretch.end, zone.day(of: stretch.end).end]
  }

  /// Where a moment stands to a contract's term (`term.dates`).
  func position(of instant: Instant, inContract contract: Int) -> TermPosition {
    let contract = contracts[contract]
    let date = contract.zone.date(of: instant)
    if let first = contract.term.firstDay, date < first { return .before }
    if let last = contract.term.lastDay, date > last { return .after }
    return .within
  }
}
