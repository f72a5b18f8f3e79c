public import CivilTime
public import Contracts

/// Units that the two sides see differently, with the one cause of that.
public struct Difference: Sendable {
  /// A unit as its side has it.
  public struct Unit: Sendable {
    /// The day that the side counts it on.
    public var date: CivilDate
    public var kind: UnitKind
    public var quantity: Int
    /// Yuan; `nil` where it has no price.
    public var amount: Money?
    public var user: String
    public var conversation: String
    /// By the side's own clock; `nil` where it is not stated.
    public var startedAt: Instant?
    public var endedAt: Instant?
    /// See ``StatedUnit/place``.
    public var place: UInt64
  }

  public var cause: DifferenceCause
  public var reason: DifferenceReason
  /// In order of time.
  public var licensor: [Unit]
  public var licensee: [Unit]
  /// What of the log shows it; see ``StatedUnit/place``.
  public var evidence: UInt64?
  /// Microseconds: pauses between the units of the side that has several.
  public var pauses: ClosedRange<Int64>?
}

/// What more is known of a cause.
public enum DifferenceReason: String, Sendable, Hashable, CaseIterable, Comparable {
  case none
  // Of an outside unit.
  case beforeTerm, afterTerm, moduleNotListed, scenarioNotListed
  // Of a month.
  case byEnd, inUTC, otherDay
  // Of splits and merges.
  case shorterTimeout, longerTimeout, otherIDs, closeEvents, modulesApart, otherCuts
  // Of what is not charged.
  case notCharged, onlyOpenedAndClosed, allFailed, testUser, takenBack
  case scenario
  case byTimeAlone
  // Of what one side lacks.
  case logShowsIt, noLog, noCalls, failuresUnknown, inGap, beforeLog, behindLog, silence
  // Likewise, without a log to hold it against.
  case inSilence, beforeUnits, behindUnits
  case otherQuantity, logShowsItUncounted, logLacksIt

  public static func < (left: DifferenceReason, right: DifferenceReason) -> Bool {
    left.rawValue < right.rawValue
  }
}

/// What differences of a cause come to in a month and module.
public struct BridgeStep: Sendable, Hashable {
  /// Units of the licensor's less the licensee's.
  public var quantity = 0
  public var amount = Money.zero
  /// Whether a part of the quantity has no price.
  public var isUnpriced = false
  /// How many differences there are, and for what reasons.
  public var differences = 0
  public var reasons: [DifferenceReason: Int] = [:]
  /// Microseconds.
  public var pauses: ClosedRange<Int64>?

  public init() {}

  mutating func add(_ other: BridgeStep) {
    quantity += other.quantity
    amount = amount + other.amount
    isUnpriced = isUnpriced || other.isUnpriced
    differences += other.differences
    reasons.merge(other.reasons) { $0 + $1 }
    if let range = other.pauses { widen(range) }
  }

  mutating func widen(_ range: ClosedRange<Int64>) {
    pauses =
      pauses.map { min($0.lowerBound, range.lowerBound)...max($0.upperBound, range.upperBound) }
      ?? range
  }
}
