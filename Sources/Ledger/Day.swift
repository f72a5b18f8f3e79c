public import CivilTime

/// A UTC day as it was last built.
public struct Day: Sendable, Hashable {
  public var day: CivilDate
  /// Of all that it was built from: see ``LedgerSnapshot/inputsHash(of:ruleHash:carryIn:)``.
  public var inputsHash: ContentHash
  /// The content of what the day before carried over into it; `nil`: nothing.
  public var carryIn: ContentHash?
  /// What it carries over into the next; `nil`: nothing.
  public var carryOut: StoredFile?
  public var result: StoredFile
  /// Its usage rows; `nil`: none.
  public var rows: StoredFile?
  /// What was seen of its calls; `nil` where nobody looked for misuse.
  public var seen: StoredFile?
  /// The days, in the contracts' zones, of the rows in it; `nil` without any.
  public var dates: ClosedRange<CivilDate>?
  /// Until when it speaks of what happened.
  public var effectiveEnd: Instant
  /// Whether it stays as it is, since its segments were removed.
  public var isSealed = false

  public init(
    day: CivilDate, inputsHash: ContentHash, carryIn: ContentHash?, carryOut: StoredFile?,
    result: StoredFile, rows: StoredFile?, seen: StoredFile? = nil,
    dates: ClosedRange<CivilDate>?, effectiveEnd: Instant
  ) {
    self.day = day
    self.inputsHash = inputsHash
    self.carryIn = carryIn
    self.carryOut = carryOut
    self.result = result
    self.rows = rows
    self.seen = seen
    self.dates = dates
    self.effectiveEnd = effectiveEnd
  }
}

/// A day whose result is not that of its inputs.
public struct StaleDay: Sendable, Hashable {
  public enum Work: Sendable, Hashable {
    /// To be built from its segments and what is carried in.
    case build(inputsHash: ContentHash)
    /// Nothing is left of which it would be built.
    case remove
  }

  public var day: CivilDate
  public var work: Work
  /// What the day before carries over as it stands now.
  public var carryIn: StoredFile?
}
