public import CivilTime

/// Everything that decides simulated traffic: equal options give equal bytes, whatever the number
/// of threads.
public struct SimulationOptions: Sendable {
  public enum Codec: String, Sendable, Hashable, CaseIterable { case gzip, lz4, plain }
  public enum Meter: String, Sendable, Hashable, CaseIterable { case conversation, item }

  /// A service that is called, and how its use is charged.
  public struct Module: Sendable, Hashable {
    public var name: String
    public var meter: Meter
    /// At least one; the first is the most used.
    public var scenarios: [String]
    /// Weight among the licensee's modules of the same meter.
    public var share: Double

    public init(name: String, meter: Meter, scenarios: [String], share: Double = 1) {
      self.name = name
      self.meter = meter
      self.scenarios = scenarios
      self.share = share
    }
  }

  /// A client of a licensee, with its habits.
  public struct App: Sendable, Hashable {
    public var name: String
    /// Empty: its calls name no origin.
    public var origin: String
    public var share: Double
    /// Whether it sends `open` and `close` events.
    public var sendsEvents: Bool
    public var sendsPings: Bool
    /// Whether its calls name the gateway's conversation.
    public var namesConversation: Bool
    /// Whether its request ids are UUIDs with dashes rather than 32 hexadecimal digits.
    public var dashedRequestIDs: Bool

    public init(
      name: String, origin: String, share: Double = 1, sendsEvents: Bool = false,
      sendsPings: Bool = false, namesConversation: Bool = true, dashedRequestIDs: Bool = false
    ) {
      self.name = name
      self.origin = origin
      self.share = share
      self.sendsEvents = sendsEvents
      self.sendsPings = sendsPings
      self.namesConversation = namesConversation
      self.dashedRequestIDs = dashedRequestIDs
    }
  }

  /// A value of the record field `licensee`, and whose calls those are.
  public struct Licensee: Sendable, Hashable {
    public var name: String
    /// The contract's number; `nil`: of no contract. Empty where none is used in counting.
    public var contract: String?
    /// Weight among the licensees.
    public var share: Double
    public var modules: [Module]
    public var apps: [App]
    /// `nil`: as many as make three conversations a user and day.
    public var userCount: Int?

    public init(
      name: String, contract: String?, share: Double = 1, modules: [Module], apps: [App],
      userCount: Int? = nil
    ) {
      self.name = name
      self.contract = contract
      self.share = share
      self.modules = modules
      self.apps = apps
      self.userCount = userCount
    }
  }

  /// A stretch of time: `from` inside, `to` not.
  public struct Window: Sendable, Hashable {
    public var from: Instant
    public var to: Instant

    public init(from: Instant, to: Instant) {
      self.from = from
      self.to = to
    }
  }

  /// Shares of conversations that a contract forbids, each of one kind only.
  public struct Misuse: Sendable, Hashable {
    public var unlistedApp = 0.0
    public var unlistedScenario = 0.0
    public var unlistedOrigin = 0.0
    public var unlistedNetwork = 0.0
    public var moduleNotEnabled = 0.0

    public init() {}
  }

  public var seed: UInt64 = 1
  /// Calls to log; what comes out lies within 1 % of it or 50 records.
  public var records = 100_000
  public var from = CivilDate(year: 2025, month: 12, day: 1)
  public var days = 7
  /// The end of the traffic, at which all logs are dated: a record much later than its log is
  /// taken for a mistake.
  var end: Instant { zone.start(of: from + days) }
  /// Days and the rhythm of a day are those of this zone, and so are the times as written.
  public var zone: Zone
  public var licensees: [Licensee]
  /// 1 to 64; each writes its own file, or one a day with ``rotatesDaily``.
  public var gateways = 4
  public var rotatesDaily = false
  /// Of the gateways in turn.
  public var codecs: [Codec] = [.gzip]
  /// 1 to 9.
  public var gzipLevel = 6
  /// Of the gateways in turn: how much of the traffic each takes.
  public var gatewayShares: [Double] = [1]
  /// Of the gateways in turn: what each clock is fast, in milliseconds, −400 to 400, so that a
  /// user's calls, which are 1.5 s apart at least, keep their order.
  public var clockSkews: [Int] = [0, 120, -80, 400, -250, 30, -400, 210]
  /// Share of lines that are written up to 20 s late.
  public var outOfOrder = 0.01
  /// The rule's `idle_timeout`: at least 1 minute, whole milliseconds.
  public var idleTimeout = Interval(seconds: 1_800)
  /// The rule's `min_messages`.
  public var minMessages = 1
  /// Mean number of calls that a conversation is planned with.
  public var messagesPerConversation = 6.6
  /// Share of calls that fail.
  public var failures = 0.02
  /// Shares of failed calls that are tried again with the same request id, and with a new one.
  public var retriesWithSameID = 0.45
  public var retriesWithNewID = 0.3
  /// Share of successful calls that are sent again with the same request id: the answer got lost.
  public var repeatedAnswers = 0.004
  /// When every call fails with status 503.
  public var outages: [Window] = []
  /// Probability that a day has an outage of 4 to 12 minutes, beside those of ``outages``.
  public var outagesPerDay = 0.1
  /// When calls were answered and not logged.
  public var logGaps: [Window] = []
  /// How many more to draw, of 20 to 120 minutes, between 9 and 22 o'clock.
  public var drawnLogGaps = 0
  /// Probability that an app which sends pings sends one before a message.
  public var pings = 0.05
  /// Share of sessions that use modules charged by item.
  public var itemShare = 0.1
  /// Calls without a user, beside each ordinary one.
  public var unplaced = 0.001
  /// Share of users behind a few common addresses.
  public var sharedAddresses = 0.3
  /// Share of users whose ids are numbers, Chinese names or mail addresses.
  public var otherUserShapes = 0.18
  /// Share of conversations after which the user comes back when the idle timeout is just over:
  /// exactly, or a millisecond later.
  public var boundaryCases = 0.002
  /// Share of conversations of which every call fails.
  public var failedConversations = 0.0
  /// Conversations that begin in the four minutes before each month's end, beside the others.
  public var monthEndConversations = 0
  /// Distinct questions of a module, and the exponent of their popularity.
  public var questionCount = 20_000
  public var questionExponent = 1.0
  /// Whether a call's line has the fingerprint of its answer beside that of its question.
  public var writesAnswers = true
  public var misuse = Misuse()
  /// The term of the first contract: use outside it is counted and listed. `nil`: open.
  public var termFrom: CivilDate?
  public var termTo: CivilDate?
  /// Lines that are no record: not JSON, or without a readable time.
  public var unreadableLines = 0
  public var blankLines = 0
  /// Whether to write both sides' statements of the first contract; at most 10,000,000 records.
  public var writesStatements = false
  /// Whether to write the first contract as `contract.yaml`.
  public var writesContract = false
  /// How the licensee writes its totals, and its usage detail.
  public var totalsForm = StatementForm()
  public var detailForm = StatementForm()
  /// How many discrepancies to plant of each cause, in the plainest way.
  public var discrepanciesPerCause = 3
  /// How many to plant of the causes named and of no other, in all of their ways in turn, and told
  /// with the rows of both sides; `nil`: ``discrepanciesPerCause``.
  public var discrepancies: [DiscrepancyCause: Int]?
  /// What the licensee's clock is fast, in milliseconds.
  public var licenseeClockSkew = 1_500
  /// What is planted in the traffic, at most 64.
  public var plants: [Plant] = []
  /// Questions of a day, on average, instead of ``records``: what users ask, whether it is answered
  /// or not, and without what is planted.
  public var questionsPerDay: Int?
  /// Conversations of a user and day, where the number of users is not given.
  public var conversationsPerUserAndDay = 3.0
  /// Threads that compress; 1 or more. Decides no byte of the output.
  public var threads = 2

  public init(zone: Zone = .utc) {
    self.zone = zone
    licensees = [Self.licensee(name: "acme", contract: "DZ-2025-018")]
  }
}
