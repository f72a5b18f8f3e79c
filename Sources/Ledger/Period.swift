public import CivilTime

/// A month that was closed: what it came to, by which terms, and what it was counted from.
public struct ClosedPeriod: Sendable, Hashable {
  public var month: CivilMonth
  public var closedAt: Instant
  public var closedBy: String
  /// For the number of each contract, a text that says what its figures depend on.
  public var terms: [String: String]
  /// JSON; the ledger does not look into it.
  public var totals: String
  /// SHA-256 of the reports, by name.
  public var reports: [String: String]
  /// What it was counted from.
  public var days: [PeriodDay]
  /// The digests of the texts, in hexadecimal, of logs without records that belonged to it.
  public var recordless: [String]
  /// The dates that the workspace spoke of when it was closed.
  public var covered: ClosedRange<CivilDate>?

  public init(
    month: CivilMonth, closedAt: Instant, closedBy: String, terms: [String: String],
    totals: String, reports: [String: String], days: [PeriodDay], recordless: [String] = [],
    covered: ClosedRange<CivilDate>? = nil
  ) {
    self.month = month
    self.closedAt = closedAt
    self.closedBy = closedBy
    self.terms = terms
    self.totals = totals
    self.reports = reports
    self.days = days
    self.recordless = recordless
    self.covered = covered
  }
}

/// A UTC day as it was when a month was closed.
public struct PeriodDay: Sendable, Hashable {
  public var day: CivilDate
  public var result: StoredFile
  public var rows: StoredFile?
  /// What was seen of its calls; `nil` where nobody looked for misuse.
  public var seen: StoredFile?
  /// Whether it was the last one of all, so that what it carried over counted as if nothing followed.
  public var isLast: Bool

  public init(
    day: CivilDate, result: StoredFile, rows: StoredFile?, seen: StoredFile? = nil, isLast: Bool
  ) {
    self.day = day
    self.result = result
    self.rows = rows
    self.seen = seen
    self.isLast = isLast
  }
}

/// What a log changes in a closed month, booked in the first month that is open.
public struct Adjustment: Sendable, Hashable {
  public var contract: String
  public var licensee: String
  public var closed: CivilMonth
  public var booked: CivilMonth
  public var date: CivilDate
  public var module: String
  public var scenario: String
  /// `conversation` or `item`.
  public var unit: String
  public var quantity: Int
  public var messages: Int
  public var failedMessages: Int
  public var duplicates: Int
  public var cause: String
  /// The log's name and its text's digest, at that time.
  public var log: (name: String, textDigest: ContentHash)? {
    get { logName.flatMap { name in logDigest.map { (name, $0) } } }
    set {
      logName = newValue?.name
      logDigest = newValue?.textDigest
    }
  }
  var logName: String?
  var logDigest: ContentHash?

  public init(
    contract: String, licensee: String, closed: CivilMonth, booked: CivilMonth, date: CivilDate,
    module: String, scenario: String, unit: String, quantity: Int, messages: Int,
    failedMessages: Int, duplicates: Int, cause: String,
    log: (name: String, textDigest: ContentHash)?
  ) {
    self.contract = contract
    self.licensee = licensee
    self.closed = closed
    self.booked = booked
    self.date = date
    self.module = module
    self.scenario = scenario
    self.unit = unit
    self.quantity = quantity
    self.messages = messages
    self.failedMessages = failedMessages
    self.duplicates = duplicates
    self.cause = cause
    logName = log?.name
    logDigest = log?.textDigest
  }
}
