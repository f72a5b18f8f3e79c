public import CivilTime
internal import Configuration
internal import Contracts
internal import Counting
internal import Decoding
internal import Detection
internal import Ledger
public import Metering
internal import Nights
internal import Reconciliation
internal import Reports
internal import Segments
internal import Shuffling

/// The nightly job: read and count, findings of the contracts' lists, reconciliation with the
/// licensees' statements, reports.
///
/// Making one reads and checks everything but the logs, so that a mistake in a file of
/// configuration is told before hours of counting, not after.
public struct NightlyRun: Sendable {
  /// What the command line says beside the pipeline file.
  public struct Options: Sendable {
    /// The days that are reported, in each contract's zone; `nil`: all.
    public var dates: ClosedRange<CivilDate>?
    public var metering: MeteringOptions
    /// Who runs what, for a workspace's records.
    public var command: String
    public var user: String
    public var programVersion: String

    public init(
      dates: ClosedRange<CivilDate>? = nil, metering: MeteringOptions,
      command: String = "run", user: String = "", programVersion: String = ""
    ) {
      self.dates = dates
      self.metering = metering
      self.command = command
      self.user = user
      self.programVersion = programVersion
    }
  }

  /// The reports in the order in which they appear: whoever waits for the last has all of them.
  public static let reportNames = [
    "count.csv", "usage-detail.csv", "findings.csv", "reconciliation.csv",
    "reconciliation-daily.csv", "quarantine.csv", "run-summary.json",
  ]

  /// Where the count comes from.
  private enum Source: Sendable {
    /// All logs, read each time.
    case logs(Metering)
    /// A workspace, which takes in what is new among the logs.
    case workspace(NightlyCount, [InputFile])
  }

  private let pipeline: PipelineFile
  private let terms: Terms
  private let users: UserDisplays
  private let statements: Statements
  private let source: Source
  /// What the user should know before the run: files that were passed over, a key that was made.
  public let notices: [String]
  /// What may be a mistake: files that were passed over and may be logs.
  public let warnings: [String]
  /// Bytes of all logs as stored; 0 where that is not known.
  public let storedBytes: Int

  /// Reads the contracts and statements that a pipeline names, and finds its logs.
  public init(_ pipeline: PipelineFile, options: Options) throws(RunError) {
    var terms = try Self.terms(pipeline)
    terms.dates = options.dates
    let users = try Self.users(pipeline, terms.contracts)
    statements = try Statements(pipeline.statements)
    var metering = options.metering
    metering.encoding = metering.encoding ?? pipeline.encoding
    metering.formats = pipeline.formats
    let usesWorkspace = pipeline.workspace != nil
    if usesWorkspace && options.dates != nil {
      throw .usage(
        "\(pipeline.path): with a workspace, reports are of all that it holds, and not of a range of days; "
          + "for that, use a pipeline without 'workspace' and with all logs of these days")
    }
    let logs = try Self.logs(pipeline, metering, hasWorkspace: usesWorkspace)
    metering.wantsRows = true
    metering.findsPlaces = true
    metering.wantsQuarantine = !usesWorkspace
    do throws(InputError) {
      try QuarantineReport.check(logs.files, Self.quarantineFolder(pipeline))
    } catch {
      throw .input(error)
    }
    source = try Self.source(pipeline, logs.files, terms, metering, options)
    self.pipeline = pipeline
    self.terms = terms
    self.users = users
    storedBytes = logs.files.reduce(0) { $0 + $1.sizeBytes }
    warnings =
      logs.warnings
      + (logs.files.isEmpty ? ["no log is there: what the workspace holds is reported"] : [])
    notices =
      logs.notices
      + (users.createdKeyPath.map { [PrivacyKey.createdNotice(path: $0)] } ?? [])
  }

  static func quarantineFolder(_ pipeline: PipelineFile) -> String {
    Paths.shortened(pipeline.out) + "/quarantine"
  }

  /// How far the reading has come: bytes as stored.
  public var storedBytesTaken: Int {
    switch source {
    case .logs(let metering): metering.storedBytesTaken
    case .workspace(let count, _): count.storedBytesTaken
    }
  }

  /// Does the job; to be called once.
  ///
  /// - Throws: ``RunError``; then the reports of the run before are still there.
  public func run() throws(RunError) -> RunOutcome {
    let (result, night) = try count()
    let outcome = RunOutcome(
      pipeline: pipeline, terms: terms, result: result, findings: findings(result),
      reconciliations: reconcile(result), statements: statements,
      night: night)
    try write(outcome, result)
    return outcome
  }
}

// MARK: - What the pipeline names

extension NightlyRun {
  private static func terms(_ pipeline: PipelineFile) throws(RunError) -> Terms {
    do throws(ConfigurationError) {
      let contracts = try Contract.readAll(pipeline.contracts.map(Paths.shortened))
      let strangers = pipeline.statementsOfNoContract(contracts)
      guard !contracts.isEmpty else {
        guard strangers.isEmpty else { throw ConfigurationError(problems: strangers) }
        return Terms(rule: ConversationRule(), zone: pipeline.zone ?? .utc)
      }
      do throws(ConfigurationError) {
        let book = try ContractBook(contracts)
        guard strangers.isEmpty else { throw ConfigurationError(problems: []) }
        return Terms(book)
      } catch {
        throw ConfigurationError(problems: error.problems + strangers)
      }
    } catch {
      throw .configuration(error)
    }
  }

  /// Refuses a workspace whose files would be taken for logs, and reports among its files.
  private static func refuseNesting(
    _ pipeline: PipelineFile, _ workspace: String, _ files: [InputFile]
  ) throws(RunError) {
    let folder = Paths.absolute(workspace) + "/"
    // On the first night nothing is in it yet.
    let logs = pipeline.logs.map { Paths.absolute($0) + "/" }
    if let log = logs.first(where: { folder.hasPrefix($0) }) {
      throw .input(
        InputError(
          path: String(log.dropLast()), detail: "is a folder of logs, and the workspace lies in it",
          remedy: "name a workspace that is apart"))
    }
    if let file = files.first(where: { Paths.absolute($0.path).hasPrefix(folder) }) {
      throw .input(
        InputError(
          path: file.path, detail: "lies in the workspace \(workspace)",
          remedy: "name logs and a workspace that are apart"))
    }
    if (Paths.absolute(pipeline.out) + "/").hasPrefix(folder) {
      throw .input(
        InputError(
          path: pipeline.out,
          detail: "is the folder for reports, and lies in the workspace \(workspace)",
          remedy: "name folders that are apart"))
    }
  }

  private static func source(
    _ pipeline: PipelineFile, _ files: [InputFile], _ terms: Terms, _ metering: MeteringOptions,
    _ options: Options
  ) throws(RunError) -> Source {
    guard let path = pipeline.workspace else {
      return .logs(Metering(files: files, terms: terms, options: metering))
    }
    if let file = files.first(where: { !$0.isStored }) {
      throw .input(
        InputError(
          path: file.path,
          detail: "can be read only once, and a workspace must know its logs again",
          remedy: "give it as a file"))
    }
    try refuseNesting(pipeline, path, files)
    let rule = terms.contracts.map(\.countingText).joined(separator: "\n")
    do throws(WorkspaceError) {
      let count = try NightlyCount(
        workspace: Paths.shortened(path), terms: terms, options: metering,
        origin: NightlyCount.Origin(
          command: options.command, user: options.user, programVersion: options.programVersion,
          configuration: .sha256(Array("\(pipeline.path)\n\(rule)".utf8)),
          rule: .sha256(Array("counting 1\n\(rule)".utf8))))
      return .workspace(count, files)
    } catch {
      throw .workspace(error)
    }
  }

  private static func users(
    _ pipeline: PipelineFile, _ contracts: [Contract]
  ) throws(RunError) -> UserDisplays {
    do throws(PrivacyKeyError) {
      return try UserDisplays(contracts) { $0.privacy.keyFile ?? pipeline.privacyKey }
    } catch {
      throw .privacyKey(error)
    }
  }

  private static func logs(
    _ pipeline: PipelineFile, _ metering: MeteringOptions, hasWorkspace: Bool
  ) throws(RunError) -> LogSelection {
    do throws(InputError) {
      // What a workspace keeps must be known again from any working folder.
      return try LogSelection(
        pipeline.logs.map { hasWorkspace ? Paths.absolute($0) : Paths.shortened($0) },
        formats: metering.formats,
        lineBytesMax: metering.lineBytesMax, encoding: metering.encoding,
        mayBeNone: hasWorkspace)
    } catch {
      throw .input(error)
    }
  }
}

extension PipelineFile {
  /// Statements that name a contract which the pipeline does not have.
  fileprivate func statementsOfNoContract(_ contracts: [Contract]) -> [ConfigurationProblem] {
    let numbers = contracts.map { "'\($0.number)'" }
    return statements.enumerated().compactMap { index, statement in
      guard !contracts.contains(where: { $0.number == statement.contract }) else { return nil }
      let known =
        numbers.isEmpty
        ? "the pipeline names no contracts" : "expected \(numbers.joined(separator: " or "))"
      return .contradiction(
        file: path, line: statement.line, key: "statements[\(index)].contract",
        detail: "no contract has the number '\(statement.contract)'; \(known)")
    }
  }
}

// MARK: - Stages

extension NightlyRun {
  private func count() throws(RunError) -> (MeteringResult, RunOutcome.Night?) {
    switch source {
    case .logs(let metering):
      do throws(MeteringError) {
        return (try metering.run(), nil)
      } catch {
        throw .metering(error)
      }
    case .workspace(let count, let files):
      do {
        let outcome = try count.run(files)
        let night = RunOutcome.Night(
          taken: outcome.taken, repeated: outcome.repeated, extended: outcome.extended,
          dayCount: outcome.days.count)
        return (outcome.result, night)
      } catch let error as IntakeError {
        throw RunError(error)
      } catch let error as WorkspaceError {
        throw .workspace(error)
      } catch let error as SegmentError {
        throw RunError(error)
      } catch let error as SpillError {
        throw .metering(.spill(error.description))
      } catch {
        throw .stored("\(error)")
      }
    }
  }

  /// The findings that need only the contracts' lists; none without contracts.
  private func findings(_ result: MeteringResult) -> [Finding] {
    guard terms.hasContracts else { return [] }
    return terms.contracts
      .flatMap { contractFindings(contract: $0, uses: result.uses, places: result.places) }
      .sorted(by: Finding.precedes)
  }

  /// Compares each contract's totals with its licensee's, over the days asked for, else over those
  /// of which the logs have something, else over the statement's own.
  private func reconcile(_ result: MeteringResult) -> [TotalsReconciliation] {
    statements.all.compactMap { number, statement in
      let totals = result.totals.filter { $0.contract == number }
      guard let contract = terms.contracts.first(where: { $0.number == number }),
        let range = terms.dates ?? Self.span(totals.map(\.date))
          ?? Self.span(statement.rows.map(\.date))
      else {
        return nil
      }
      return reconcileTotals(
        contract: contract, licensor: totals, licensee: statement, range: range)
    }
  }

  private static func span(_ dates: [CivilDate]) -> ClosedRange<CivilDate>? {
    guard let first = dates.min(), let last = dates.max() else { return nil }
    return first...last
  }

  private func write(_ outcome: RunOutcome, _ result: MeteringResult) throws(RunError) {
    guard let rows = result.rows else { preconditionFailure("rows were asked for") }
    let style = CSVStyle(headers: pipeline.headers == .zh ? .chinese : .english, bom: pipeline.bom)
    let reconciliation = ReconciliationReport(outcome.reconciliations)
    do throws(ReportError) {
      let reports = try ReportError.output { () throws(OutputError) in
        try ReportSet(folder: outcome.folder)
      }
      let quarantine =
        result.quarantine == nil
        ? nil
        : try QuarantineReport(result).prepared(in: Self.quarantineFolder(pipeline))
      try UsageWriter(rows, users: users.all, style: style).write("usage-detail.csv", in: reports)
      try ReportError.output { () throws(OutputError) in
        try reports.write(DailyTotalsReport(result.totals).bytes(style: style), to: "count.csv")
        for (name, table) in [
          ("findings.csv", FindingsReport(outcome.findings).table),
          ("reconciliation.csv", reconciliation.months),
          ("reconciliation-daily.csv", reconciliation.days),
          ("quarantine.csv", outcome.input.quarantineTable),
        ] {
          try reports.write(table.bytes(style: style), to: name)
        }
        try reports.write(outcome.json.render(), to: "run-summary.json")
        try quarantine?.commit()
        try reports.commit()
      }
    } catch {
      throw .report(error)
    }
  }
}
