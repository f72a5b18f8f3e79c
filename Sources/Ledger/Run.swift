public import CivilTime

/// The number of a run in the ledger.
public struct RunID: Sendable, Hashable {
  public var number: Int64

  public init(number: Int64) { self.number = number }
}

/// What is known of a run when it begins.
public struct RunStart: Sendable, Hashable {
  /// The command line.
  public var command: String
  public var programVersion: String
  /// SHA-256 of all configuration as read.
  public var configurationHash: ContentHash
  /// SHA-256 of what decides a day's result: rules, zones and formats.
  public var ruleHash: ContentHash
  /// Who ran it.
  public var user: String

  public init(
    command: String, programVersion: String, configurationHash: ContentHash, ruleHash: ContentHash,
    user: String
  ) {
    self.command = command
    self.programVersion = programVersion
    self.configurationHash = configurationHash
    self.ruleHash = ruleHash
    self.user = user
  }
}

/// A run as the ledger has it.
public struct Run: Sendable, Hashable {
  public enum Outcome: String, Sendable, Hashable, CaseIterable {
    case running
    /// It was killed, or the machine went down: nothing of it counts.
    case interrupted
    case done
    /// Done, and something needs a person.
    case needsAttention = "needs_attention"
    case failed
  }

  public var id: RunID
  public var start: RunStart
  public var host: String
  public var startedAt: Instant
  /// `nil` while it runs and where it was interrupted.
  public var finishedAt: Instant?
  public var outcome: Outcome
  /// A JSON object.
  public var summary: String
}
