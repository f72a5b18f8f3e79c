public import CivilTime
public import Contracts

/// One line of `findings.csv`: something that a person should look at, with the facts, what else
/// could explain them, and what to do.
public struct Finding: Sendable, Hashable {
  /// How much it matters. Only what an honest licensee could not have caused is `high`.
  public enum Severity: String, Sendable, Hashable, CaseIterable, Comparable {
    case info, low, medium, high

    public static func < (left: Severity, right: Severity) -> Bool { left.rank < right.rank }

    private var rank: Int {
      switch self {
      case .info: 0
      case .low: 1
      case .medium: 2
      case .high: 3
      }
    }
  }

  /// What was found; raw values are those of the column `finding`.
  public enum Kind: String, Sendable, Hashable, CaseIterable {
    case unlistedScenario = "unlisted_scenario"
    case unlistedApp = "unlisted_app"
    case unlistedOrigin = "unlisted_origin"
    case unlistedNetwork = "unlisted_network"
    case moduleNotEnabled = "module_not_enabled"
    case outsideTerm = "outside_term"
    case answerCache = "answer_cache"
    case permanentCopy = "permanent_copy"
    case servedWithoutCall = "served_without_call"
    case mergedUsers = "merged_users"
    case keptAlive = "kept_alive"
    case harvesting
    case replayedCalls = "replayed_calls"
    case probing
    case volumeShift = "volume_shift"
    case logGap = "log_gap"
  }

  public var kind: Kind
  public var severity: Severity
  /// The key of the clause that it touches, `services.scenario`.
  public var clause: String
  public var contract: String
  public var licensee: String
  /// Empty where the finding is about several.
  public var app = ""
  /// Empty where the finding is about several.
  public var module = ""
  /// What it is about beyond app and module: a scenario, an origin, a block of addresses.
  public var subject = ""
  public var from: Instant?
  public var to: Instant?
  /// The contract's zone, in which `from` and `to` are shown.
  public var zone: Zone
  /// Log records that show it.
  public var records: Int
  /// A test's statistic and p-value as text; `nil` for findings that are plain facts.
  public var statistic: String?
  public var pValue: String?
  /// Units that were kept from the count, from–to; `nil` where every unit was counted.
  public var suppressedLow: Int?
  public var suppressedHigh: Int?
  /// Yuan net, from–to; `nil` where the contract has no price for it.
  public var amountLow: Money?
  public var amountHigh: Money?
  public var explanation: String
  public var recommendedAction: String
  /// The first lines that show it, `file:line`.
  public var evidence: [String]

  public init(
    kind: Kind, severity: Severity, clause: String, contract: String, licensee: String, zone: Zone,
    records: Int, explanation: String, recommendedAction: String, evidence: [String]
  ) {
    self.kind = kind
    self.severity = severity
    self.clause = clause
    self.contract = contract
    self.licensee = licensee
    self.zone = zone
    self.records = records
    self.explanation = explanation
    self.recommendedAction = recommendedAction
    self.evidence = evidence
  }
}

extension Finding {
  /// The order of `findings.csv`: contract, then the most severe first, then finding, licensee,
  /// module, app and subject. No two findings of one run have all of them equal.
  public static func precedes(_ left: Finding, _ right: Finding) -> Bool {
    if left.contract != right.contract { return left.contract < right.contract }
    if left.severity != right.severity { return left.severity > right.severity }
    if left.kind != right.kind { return left.kind.rawValue < right.kind.rawValue }
    return (left.licensee, left.module, left.app, left.subject)
      < (right.licensee, right.module, right.app, right.subject)
  }
}
