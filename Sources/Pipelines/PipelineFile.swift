public import CivilTime
public import Contracts
public import Decoding
public import Detection
public import Formats

/// A nightly job as its file describes it, read and validated.
///
/// Every path is resolved against the folder of the file, so that a job runs the same from
/// anywhere.
public struct PipelineFile: Sendable, Hashable {
  /// The language of CSV headers.
  public enum Headers: String, Sendable, Hashable, CaseIterable { case en, zh }

  /// The job's name, for summaries.
  public var name: String
  /// Files, directories and globs.
  public var logs: [String]
  /// What the logs may be; `nil`: any built-in format.
  public var formats: [LogFormat]?
  /// Of these, those that are no built-in ones: their files.
  public var formatFiles: [String]
  /// How the logs' texts are encoded; `nil`: as each one's byte order mark says, else UTF-8.
  public var encoding: TextEncoding?
  public var contracts: [String]
  /// The zone of days and times where there are no contracts, UTC where it is `nil`; a contract's
  /// zone is its own.
  public var zone: Zone?
  /// The licensee's own daily totals.
  public var statements: [StatementFile]
  /// The folder that keeps what every night took in; `nil`: all logs are read each time.
  public var workspace: String?
  /// The days for which the workspace keeps records of closed months; `nil`: for good.
  public var keepSegmentsDays: Int?
  /// The directory that reports are written to.
  public var out: String
  public var headers: Headers
  /// Whether CSV files begin with a byte order mark, for Excel.
  public var bom: Bool
  /// The share of lines that may be quarantined before the run needs a person, 0 to 1.
  public var quarantinedShare: Money
  /// The file whose bytes are the key of user pseudonyms, for contracts that name none.
  public var privacyKey: String?
  /// What is looked for beside the contracts' lists, all of it where the file does not say; `nil`: nothing.
  public var detection: DetectionSettings?
  public var threads: Int?
  public var memory: ByteCount?
  /// The file that each run's figures are written to, for Prometheus; it ends with `.prom`.
  public var metrics: String?
  /// Who is told of a run that failed or needs a person.
  public var hook: Hook?
  /// Where the pipeline was read: the path as given.
  public var path: String

  /// The directory of the reports from the root, whatever the working folder is.
  public var absoluteOut: String { Paths.absolute(out) }
}

/// A program that is started when a run failed or needs a person.
public struct Hook: Sendable, Hashable {
  /// The program and its arguments; never empty. A program with a slash is a path, any other name
  /// is sought in `PATH`.
  public var command: [String]
  /// Then it is ended.
  public var timeLimit: Interval
  /// The line of the pipeline file that names the program.
  public var line: Int

  public static let timeLimitDefault = Interval(seconds: 60)
  static let timeLimitMax = Interval(seconds: 3_600)

  public init(command: [String], timeLimit: Interval = timeLimitDefault, line: Int = 1) {
    precondition(!command.isEmpty, "a hook without a program")
    self.command = command
    self.timeLimit = timeLimit
    self.line = line
  }
}

/// A licensee's statement and how its columns are called.
public struct StatementFile: Sendable, Hashable {
  /// What a column of a statement can hold.
  public enum Column: String, Sendable, Hashable, CaseIterable {
    case contract, licensee, date, month, module, scenario, app, unit, quantity, price, amount
    case user, conversation, messages
    case startedAt = "started_at"
    case endedAt = "ended_at"
  }

  /// The number of the contract that it states the use of.
  public var contract: String
  public var file: String
  /// Headers of the file by what they hold, where they are not the usual ones.
  public var columns: [Column: String]
  /// The line of the pipeline file that names the contract.
  public var line: Int
}
