public import CivilTime

/// Where a use stands to the contract's term.
public enum TermPosition: UInt8, Sendable, Hashable, Codable, CaseIterable {
  case within, before, after
}

/// What was used, in the terms in which a contract allows or forbids it.
public struct UseKey: Sendable, Hashable, Codable {
  public var contract: String
  public var licensee: String
  public var module: String
  public var scenario: String
  public var app: String
  public var term: TermPosition

  public init(
    contract: String, licensee: String, module: String, scenario: String, app: String,
    term: TermPosition
  ) {
    self.contract = contract
    self.licensee = licensee
    self.module = module
    self.scenario = scenario
    self.app = app
    self.term = term
  }
}

/// Something of a day in a contract's zone.
public struct Dated<Key: Sendable & Hashable>: Sendable, Hashable {
  public var key: Key
  /// In days since 1970; 0 where days are not told apart.
  public var day: Int32

  public init(_ key: Key, day: Int32) {
    self.key = key
    self.day = day
  }
}

/// Whence a record came, where that is not on the contract's list.
public struct UnlistedPlaceKey: Sendable, Hashable, Codable {
  public enum Kind: UInt8, Sendable, Hashable, Codable { case origin, network }
  public var contract: String
  public var licensee: String
  public var module: String
  public var app: String
  public var kind: Kind
  /// The origin, or the client's address.
  public var place: String

  public init(
    contract: String, licensee: String, module: String, app: String, kind: Kind, place: String
  ) {
    self.contract = contract
    self.licensee = licensee
    self.module = module
    self.app = app
    self.kind = kind
    self.place = place
  }
}

/// How much of something was used, from when to when, with the first lines that show it.
/// Tallies add up: ``merge(_:)`` is associative and commutative, `Tally()` its empty value.
public struct Tally: Sendable, Hashable {
  /// One line of evidence: its time and where it stands, `file:line`.
  public struct Evidence: Sendable, Hashable, Comparable {
    public var time: Instant
    public var source: String

    public init(time: Instant, source: String) {
      self.time = time
      self.source = source
    }

    public static func < (left: Evidence, right: Evidence) -> Bool {
      (left.time, left.source) < (right.time, right.source)
    }
  }

  public static let evidenceCountMax = 3

  public var records = 0
  /// Billable units, where known.
  public var quantity = 0
  public var first: Instant?
  public var last: Instant?
  /// The earliest lines, ascending, at most ``evidenceCountMax``.
  public var evidence: [Evidence] = []

  public init() {}

  public mutating func merge(_ other: Tally) {
    records += other.records
    quantity += other.quantity
    if let time = other.first { first = first.map { min($0, time) } ?? time }
    if let time = other.last { last = last.map { max($0, time) } ?? time }
    evidence = Array((evidence + other.evidence).sorted().prefix(Self.evidenceCountMax))
  }
}
