public import CivilTime
internal import Configuration
internal import Contracts
internal import Counting
internal import Decoding
internal import Detection
internal import Ledger
internal import Manifests
public import Metering
internal import Nights
internal import Reports

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
    /// The month that the days are, where one was asked for.
    public var month: CivilMonth?
    public var metering: MeteringOptions
    /// Who runs what, for a workspace's records.
    public var command: String
    public var user: String
    public var programVersion: String

    public init(
      dates: ClosedRange<CivilDate>? = nil, month: CivilMonth? = nil, metering: MeteringOptions,
      command: String = "run", user: String = "", programVersion: String = ""
    ) {
      self.dates = month.map { $0.first...$0.last } ?? dates
      self.month = month
      self.metering = metering
      self.command = command
      self.user = user
      self.programVersion = programVersion
    }
  }

  /// Where the count comes from.
  private enum Source: Sendable {
    /// All logs, read each time.
    case logs(Metering)
    /// A workspace, which takes in what is new among the logs.
    case workspace(NightlyCount, [InputFile])
  }

  private let reports: RangeReports
  private let source: Source
  private let options: Options
  /// What all reports depend on beside what was counted.
  private let setup: String
  /// What the user should know before the run: files that were passed over.
  public let notices: [String]
  /// What may be a mistake: files that were passed over and may be logs, a key that was made.
  public let warnings: [String]
  /// Bytes of all logs as stored; 0 where that is not known.
  public let storedBytes: Int

  /// Reads the contracts and statements that a pipeline names, and finds its logs.
  public init(_ pipeline: PipelineFile, options: Options) throws(RunError) {
    var terms = try Self.terms(pipeline)
    terms.dates = options.dates
    let users = try Self.users(pipeline, terms.contracts)
    let statements = try ContractStatements(
      pipeline.statements, contracts: terms.contracts)
    var metering = options.metering
    metering.encoding = metering.encoding ?? pipeline.encoding
    metering.formats = pipeline.formats
    let usesWorkspace = pipeline.workspace != nil
    let logs = try Self.logs(pipeline, metering, hasWorkspace: usesWorkspace)
    metering.wantsRows = true
    metering.wantsCallTimes = statements.hasDetails
    // What counts and what compares units share the memory.
    if statements.hasDetails { metering.memoryBytes /= 3 }
    metering.findsPlaces = true
    metering.detects = terms.hasContracts && pipeline.detection?.isOn ?? false
    metering.wantsQuarantine = !usesWorkspace
    do throws(InputError) {
      try QuarantineReport.check(logs.files, Self.quarantineFolder(pipeline))
    } catch {
      throw .input(error)
    }
    source = try Self.source(pipeline, logs.files, terms, metering, options)
    self.options = options
    reports = RangeReports(
      pipeline: pipeline, terms: terms, users: users, statements: statements,
      configuration: try Manifest.ConfigurationFile.all(of: pipeline),
      programVersion: options.programVersion, metering: metering)
    setup = Self.setup(reports)
    storedBytes = logs.files.reduce(0) { $0 + $1.sizeBytes }
    warnings =
      logs.warnings
      + (logs.files.isEmpty ? ["no log is there: what the workspace holds is reported"] : [])
      // At night and under another HOME than by day, it would be another key than by day.
      + (users.createdKeyPath.map { [PrivacyKey.createdNotice(path: $0)] } ?? [])
    notices = logs.notices
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
    switch source {
    case .logs(let metering):
      let result: MeteringResult
      do throws(MeteringError) {
        result = try metering.run()
      } catch {
        throw .metering(error)
      }
      return RunOutcome(
        pipeline: reports.pipeline,
        parts: [try write(result, to: out, recount: recount(result.files))], night: nil)
    case .workspace(let count, let files):
      let night = try RunError.stored { () throws in
        if let month = options.month, let last = try count.lastClosed(), month <= last {
          throw RunError.usage(
            "\(month) is closed, and stays as it is in \(out)/\(month); for what the logs say of it now, "
              + "name its days with --from \(month.first) --to \(month.last)")
        }
        return try count.run(files)
      }
      return try report(night)
    }
  }

  /// Closes a month, after a run that takes in what is there: its reports stay as they are, and what comes
  /// later for it is booked in the next open month.
  ///
  /// - Parameter isIncomplete: whether logs may end before the month does.
  /// - Throws: ``RunError``; then the month is open, and as the run left it.
  public func close(_ month: CivilMonth, isIncomplete: Bool) throws(RunError) -> RunOutcome {
    let (count, files) = try workspaceSource()
    guard reports.terms.hasContracts else {
      throw .usage(
        "\(reports.pipeline.path): only months of contracts can be closed; name 'contracts'")
    }
    return try RunError.stored { () throws in
      let night = try count.run(files)
      try count.checkClosing(month, night, isIncomplete: isIncomplete)
      var outcome = try report(night)
      let folder = "\(out)/\(month)"
      if !night.count.months.contains(month) {
        // A month without any use can be closed too.
        outcome = RunOutcome(
          pipeline: outcome.pipeline,
          parts: outcome.parts + [try monthly(night).writeAnew(month)], night: outcome.night)
      }
      try count.close(month, night, reports: try LastReport.digests(folder))
      outcome.night?.closed = month
      return outcome
    }
  }

  /// Opens the last closed month again, and reports what it comes to now.
  ///
  /// - Parameter reason: for the audit log.
  public func reopen(_ month: CivilMonth, reason: String) throws(RunError) -> RunOutcome {
    let (count, files) = try workspaceSource()
    return try RunError.stored { () throws in
      try count.reopen(month, reason: reason)
      return try report(try count.run(files))
    }
  }

  private func workspaceSource() throws(RunError) -> (NightlyCount, [InputFile]) {
    if case .workspace(let count, let files) = source { return (count, files) }
    throw .usage(
      "\(reports.pipeline.path): months are closed in a workspace; name one with 'workspace'")
  }

  private var out: String { Paths.shortened(reports.pipeline.out) }

  /// Counts the raw logs of a workspace's range again; `nil` where they are not all there.
  private func recount(logsOf names: [String]) -> RangeReports.Recount? {
    guard case .workspace(_, let files) = source,
      Set(names).isSubset(of: Set(files.map(\.path)))
    else { return nil }
    return recount(files)
  }

  /// Counts logs again; `nil` where they can be read only once.
  private func recount(_ files: [InputFile]) -> RangeReports.Recount? {
    guard files.allSatisfy(\.isStored) else { return nil }
    return { [metering = reports.metering] pass throws(RunError) in
      var options = metering
      options.wantsQuarantine = false
      options.wantsCallTimes = false
      options.detects = false
      options.wantsRows = pass.wantsUnits
      options.rivals = pass.rivals
      options.leftOut = pass.leftOut
      do throws(MeteringError) {
        return try Metering(files: files, terms: pass.terms, options: options).run()
      } catch {
        throw .metering(error)
      }
    }
  }

  private func write(
    _ result: MeteringResult, to folder: String, inputs: [Manifest.Input]? = nil,
    recount: RangeReports.Recount? = nil
  ) throws(RunError) -> RangeOutcome {
    do throws(ReportError) {
      return try reports.write(result, to: folder, inputs: inputs, recount: recount)
    } catch {
      throw .report(error)
    }
  }

  /// Writes what a night changed, or what was asked for.
  private func report(_ night: NightlyCount.Outcome) throws(RunError) -> RunOutcome {
    let monthly = monthly(night)
    var told = RunOutcome.Night(
      taken: night.taken, repeated: night.repeated, extended: night.extended,
      dayCount: night.days.count)
    told.closed = night.closed.last?.month
    told.held = RunOutcome.Night.Held(night.count)
    told.late = monthly.booked(night.late)
    told.uncounted = night.uncounted
    told.sealedUntil = night.sealed.until
    told.sealedDayCount = night.sealed.days
    var months = monthly.months
    if let month = options.month {
      months = [month]
    } else if let dates = options.dates {
      let (result, inputs, names) = try RunError.stored { () throws in
        let range = try night.count.range(dates)
        return (
          try range.wholeResult(), range.inputs.map(Manifest.Input.init),
          range.inputs.map(\.name.path)
        )
      }
      let name =
        dates.lowerBound == dates.upperBound
        ? "\(dates.lowerBound)" : "\(dates.lowerBound)--\(dates.upperBound)"
      return RunOutcome(
        pipeline: reports.pipeline,
        parts: [
          try write(
            result, to: "\(out)/\(name)", inputs: inputs, recount: recount(logsOf: names))
        ],
        night: told)
    }
    let (written, unchanged) = try monthly.write(months)
    told.unchanged = unchanged
    return RunOutcome(pipeline: reports.pipeline, parts: written, night: told)
  }

  private func monthly(_ night: NightlyCount.Outcome) -> MonthlyReports {
    MonthlyReports(
      reports: reports, count: night.count, closed: night.closed, adjustments: night.adjustments,
      setup: setup)
  }
}

// MARK: - What the pipeline names

extension NightlyRun {
  static func terms(_ pipeline: PipelineFile) throws(RunError) -> Terms {
    do throws(ConfigurationError) {
      let contracts = try Contract.readAll(pipeline.contracts.map(pipeline.named))
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
  static func refuseNesting(
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
    do throws(WorkspaceError) {
      let count = try NightlyCount(
        workspace: Paths.shortened(path), terms: terms, options: metering,
        origin: NightlyCount.Origin(pipeline, terms, options), keepDays: pipeline.keepSegmentsDays)
      return .workspace(count, files)
    } catch {
      throw .workspace(error)
    }
  }

  /// A text that says what reports depend on beside what was counted.
  private static func setup(_ reports: RangeReports) -> String {
    let pipeline = reports.pipeline
    let lines =
      [
        "program \(reports.programVersion)", "name \(pipeline.name)",
        "headers \(pipeline.headers) bom \(pipeline.bom)",
        "quarantined \(pipeline.quarantinedShare)", "users \(reports.users.fingerprint)",
      ]
      // Of statements, a month's rows count.
      + reports.configuration.filter { $0.role != .statement }
      .map { "\($0.role) \($0.path) \($0.sha256.hexadecimal)" }
    return lines.joined(separator: "\n")
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
      return try LogSelection(
        pipeline.logs.map(pipeline.named),
        formats: metering.formats,
        lineBytesMax: metering.lineBytesMax, encoding: metering.encoding,
        mayBeNone: hasWorkspace)
    } catch {
      throw .input(error)
    }
  }
}

extension NightlyCount.Origin {
  init(_ pipeline: PipelineFile, _ terms: Terms, _ options: NightlyRun.Options) {
    let rule = terms.contracts.map(\.countingText).joined(separator: "\n")
    self.init(
      command: options.command, user: options.user, programVersion: options.programVersion,
      configuration: .sha256(Array("\(pipeline.path)\n\(rule)".utf8)),
      rule: .sha256(Array("counting 1\n\(rule)".utf8)))
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

extension RunOutcome.Night.Held {
  init(_ count: StoredCount) {
    self.init()
    for (_, file) in count.inputs {
      lines += file.lines
      records += file.records - file.uncountedRecords
      quarantined += file.quarantined
      logs += 1
      damagedLogs += file.damages.isEmpty ? 0 : 1
    }
    lastRecord = count.inputEnd
    lastMonth = count.months.last
  }
}
