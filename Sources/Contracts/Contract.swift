public import CivilTime

/// A licence contract as its file states it, read and validated: everything that the parties can
/// agree on differently is a value here and nowhere else.
public struct Contract: Sendable {
  /// The contract's number, `DZ-2025-018`.
  public var number: String
  public var licensor: Party
  public var licensee: Party
  /// Days and months are those of this zone.
  public var zone: Zone
  public var term: Term
  /// The definitions of a conversation, by the date each comes into force, ascending; never empty.
  /// The first holds before its own date too.
  public var rules: [DatedRule]
  public var prices: [Price]
  public var fees: Fees
  public var settlement: Settlement
  public var allowed: Allowed
  public var outages: OutageTerms
  public var payments: [Payment]
  public var holidays: WorkingDays
  public var privacy: Privacy
  /// Where the contract was read: the path as given, empty for a default contract.
  public var path: String
  /// Lines of `path` on which top-level keys have their values, for messages about several files.
  var lines: [String: Int]
}

public struct Party: Sendable, Hashable {
  public var name: String
  /// `fees.account`: the account that payments must reach; the licensor's.
  public var account: String?
  /// Values of the record field `licensee` that name this party; the licensee's.
  public var keys: [String]
}

/// `term.dates`, `term.delayed_opening`: both days included.
public struct Term: Sendable, Hashable {
  public var signed: CivilDate?
  public var from: CivilDate?
  public var to: CivilDate?
  public var opened: CivilDate?

  /// The first day of service: `opened` where it is later than `from`.
  public var firstDay: CivilDate? {
    guard let from else { return opened }
    return opened.map { max($0, from) } ?? from
  }

  /// The last day, moved by as many days as the opening was late.
  public var lastDay: CivilDate? {
    guard let to, let from, let opened, opened > from else { return to }
    return to + (opened - from)
  }
}

/// A definition of a conversation with the date from which it holds.
public struct DatedRule: Sendable, Hashable {
  /// `nil` for the first or only rule without a date.
  public var from: CivilDate?
  public var rule: ConversationRule
}

/// A record field that can be part of a conversation's identity.
public enum IdentityField: String, Sendable, Hashable, CaseIterable {
  case user, conversation, module, scenario, app
}

/// `fees.unit.conversation`: what one conversation is. The defaults are the contract's where it
/// says nothing.
public struct ConversationRule: Sendable, Hashable {
  public enum FailedMessages: String, Sendable, Hashable, CaseIterable { case ignore, extend }
  public enum CountedIn: String, Sendable, Hashable, CaseIterable { case start, end }

  /// Fields that together say whose conversation it is; without repetition, never empty.
  public var identity: [IdentityField] = [.user]
  /// A gap strictly longer than this starts a new conversation.
  public var idleTimeout = Interval(seconds: 1_800)
  /// A message later than start + this starts a new one; `nil`: no limit.
  public var maxDuration: Interval?
  public var startsOn: Set<String> = ["open"]
  public var endsOn: Set<String> = ["close"]
  public var ignores: Set<String> = ["ping"]
  /// HTTP statuses of a message that counts.
  public var successful: [ClosedRange<Int>] = [200...299]
  public var failedMessages = FailedMessages.ignore
  /// Successful messages, other than opening and closing events, that make it billable; at least 0.
  public var minMessages = 1
  public var countedIn = CountedIn.start
  public var dedupeWindow = Interval(seconds: 3_600)

  public init() {}

  @inlinable
  public func isSuccess(status: Int) -> Bool {
    for range in successful where range.contains(status) { return true }
    return false
  }
}

/// What a module is charged by.
public enum Meter: String, Sendable, Hashable, CaseIterable, BitwiseCopyable {
  /// `fees.unit.conversation`.
  case conversation
  /// `fees.unit.item`.
  case item
}

/// One line of the price list (附件 服务套餐说明).
public struct Price: Sendable, Hashable {
  public var service: String
  public var module: String
  /// `nil`: every scenario.
  public var scenario: String?
  public var meter: Meter
  /// Yuan per unit, exactly as written.
  public var price: Money
  public var enabled: Bool
  /// First and last day on which the line holds, both included; `nil`: open.
  public var from: CivilDate?
  public var to: CivilDate?
  public var note: String?
  public var description: String?

  public func holds(on date: CivilDate) -> Bool {
    (from.map { $0 <= date } ?? true) && (to.map { $0 >= date } ?? true)
  }
}

/// `fees.base` and the rest of the contract's fixed amounts.
public struct Fees: Sendable, Hashable {
  public enum Issuer: String, Sendable, Hashable, CaseIterable { case licensor, licensee }
  public var base: Money?
  /// As a fraction: 0.06.
  public var taxRate: Money?
  public var invoiceBy: Issuer
  public var accessCompensation: Money?
}

/// `fees.settlement`, `breach.late_payment`, `breach.termination`.
public struct Settlement: Sendable, Hashable {
  /// Day of the following month, 1–28.
  public var dueDay: Int
  /// Fraction of the overdue amount per day.
  public var lateRate: Money
  public var terminationAfterDays: Int
  /// Fraction of the licensor's figure, 0.005 for `0.5%`.
  public var tolerance: Money
}

/// What the licensee may use; `nil` where the contract lists nothing, and then nothing is flagged.
public struct Allowed: Sendable, Hashable {
  public var scenarios: Set<String>?
  public var apps: Set<String>?
  public var networks: [Network]?
  public var origins: Set<String>?
}

/// `service.maintenance`, `breach.outage`.
public struct OutageTerms: Sendable, Hashable {
  public struct Notice: Sendable, Hashable {
    public var announced: Instant
    public var from: Instant
    public var to: Instant
    public var cause: String?
  }
  public var rescindAfterDays: Int?
  public var rescindAfterCount: Int?
  public var notices: [Notice]
}

public struct Payment: Sendable, Hashable {
  public var date: CivilDate
  public var amount: Money
  public var account: String?
}

/// The working-day calendar: weekends are free, except where `working` says otherwise.
///
/// In the contract file, each entry is a day or a stretch of days, both ends included; no day is
/// in both lists:
/// ```yaml
/// holidays:
///   holidays: [2026-01-01, {from: 2026-02-15, to: 2026-02-23}]
///   working: [2026-02-14, 2026-02-28]      # weekend days that are worked
/// ```
public struct WorkingDays: Sendable, Hashable {
  public var holidays: Set<CivilDate>
  public var working: Set<CivilDate>

  public func isWorkingDay(_ date: CivilDate) -> Bool {
    if working.contains(date) { return true }
    if holidays.contains(date) { return false }
    // 1970-01-01 was a Thursday.
    let weekday = ((Int(date.daysSinceEpoch) + 3) % 7 + 7) % 7
    return weekday < 5
  }
}

/// `service.data_security`: how users appear in everything that leaves.
public struct Privacy: Sendable, Hashable {
  public enum Display: String, Sendable, Hashable, CaseIterable { case hmac, plain, omit }
  public var user: Display
  /// The file whose bytes are the HMAC key, resolved against the contract file's folder.
  public var keyFile: String?
}
