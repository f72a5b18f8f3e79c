public import CivilTime
public import Detection

/// What those who watch over nightly runs are told of one, however it ended.
public struct RunFacts: Sendable, Hashable {
  /// The pipeline's name.
  public var pipeline: String
  /// The pipeline's file, as it was named.
  public var path: String
  /// The folder of the reports, from the root. After a failure those in it are of the run before.
  public var folder: String
  public var endedAt: Instant
  /// From begin to end, by a clock that nobody sets.
  public var durationSeconds: Double
  /// The exit status.
  public var status: Int32
  /// What needs a person; none where the run failed.
  public var needsPerson: [String]
  /// Why the run failed; none where it was done.
  public var errors: [String]
  /// What the run came to; `nil` where it failed.
  public var figures: Figures?

  public init(
    pipeline: String, path: String, folder: String, endedAt: Instant, durationSeconds: Double,
    status: Int32, needsPerson: [String] = [], errors: [String] = [], figures: Figures? = nil
  ) {
    self.pipeline = pipeline
    self.path = path
    self.folder = folder
    self.endedAt = endedAt
    self.durationSeconds = durationSeconds
    self.status = status
    self.needsPerson = needsPerson
    self.errors = errors
    self.figures = figures
  }
}

extension RunFacts {
  /// What a run came to.
  public struct Figures: Sendable, Hashable {
    // Of all that the reports cover.
    public var lines = 0
    public var records = 0
    public var quarantinedLines = 0
    public var logs = 0
    public var damagedLogs = 0
    /// The time of the last record.
    public var lastRecord: Instant?
    /// What this run took in; `nil` without a workspace.
    public var night: Night?
    /// `nil` where they are as they were told before.
    public var findings: [Finding.Severity: Int]?
    /// One for each contract with a statement; `nil` where they are as they were told before.
    public var differences: [Difference]?

    public init() {}
  }

  /// What one run did with a workspace.
  public struct Night: Sendable, Hashable {
    public var logsTaken: Int
    /// Logs whose text was known.
    public var logsRepeated: Int
    /// Days (UTC) that were counted anew.
    public var daysCounted: Int

    public init(logsTaken: Int, logsRepeated: Int, daysCounted: Int) {
      self.logsTaken = logsTaken
      self.logsRepeated = logsRepeated
      self.daysCounted = daysCounted
    }
  }

  /// What two parties' figures of a contract differ by, over all months that were compared.
  public struct Difference: Sendable, Hashable {
    /// The contract's number.
    public var contract: String
    public var licensorUnits: Int
    public var licenseeUnits: Int
    /// Whether some month's line is beyond the tolerance.
    public var isBeyondTolerance: Bool

    public init(
      contract: String, licensorUnits: Int, licenseeUnits: Int, isBeyondTolerance: Bool
    ) {
      self.contract = contract
      self.licensorUnits = licensorUnits
      self.licenseeUnits = licenseeUnits
      self.isBeyondTolerance = isBeyondTolerance
    }

    public var units: Int { licensorUnits - licenseeUnits }

    /// The difference as a share of the licensor's units; infinite where only the licensee has any.
    public var share: Double { units == 0 ? 0 : Double(units) / Double(licensorUnits) }
  }
}
