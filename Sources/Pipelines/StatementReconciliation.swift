public import CivilTime
public import Contracts
public import Counting
internal import Definitions
internal import Glibc
public import Metering
internal import Reconciliation
public import Reports
internal import Shuffling
public import Statements

/// Reconciles the statements of a contract's two sides, of whichever kind each is.
public struct StatementReconciliation: ~Copyable {
  /// A side's file.
  public struct Side: Sendable {
    public var path: String
    /// Header names of columns, which prevail over the known ones.
    public var columns: [StatementColumn: String]

    public init(path: String, columns: [StatementColumn: String] = [:]) {
      self.path = path
      self.columns = columns
    }
  }

  public struct Options: Sendable {
    public var threads: Int
    public var memoryBytes: Int
    public var temporaryFolder: String
    public var dates: ClosedRange<CivilDate>?
    public var gaps: [Range<Instant>] = []
    public var clockDifference: Interval?
    public var testUsers: Set<String> = []
    /// Makes pseudonyms of users, where one side writes these and the other does not.
    public var pseudonym: UserPseudonym?

    public init(_ metering: MeteringOptions) {
      threads = metering.threads
      memoryBytes = metering.poolBytes
      temporaryFolder = metering.temporaryFolder
    }
  }

  /// What is to be counted of the log.
  public struct LogPass {
    public var terms: Terms
    public var rivals: RivalCounting?
    public var leftOut: LeftOut?
    /// Whether units are wanted one by one, and when anything was called.
    public var wantsUnits = false
  }

  /// Counts the log.
  public typealias LogCount = (LogPass) throws(RunError) -> MeteringResult

  private let contract: Contract
  private let options: Options
  private let licensor: StatementReader
  private let licensee: StatementReader
  /// Where each side's units stand.
  private let paths: [StatedSide: String]
  /// Which side alone writes pseudonyms.
  private let usersAreMade: (licensor: Bool, licensee: Bool)

  /// Opens both files and reads their headers.
  public init(
    _ contract: Contract, licensor: Side, licensee: Side, options: Options
  ) throws(RunError) {
    try Self.refuseSameFile(licensor.path, licensee.path)
    var contract = contract
    if contract.path.isEmpty, let number = try Self.firstContract([licensor, licensee], contract) {
      contract.number = number
    }
    var made = (false, false)
    if options.pseudonym != nil {
      made = (
        try Self.hasPseudonyms(licensor, contract), try Self.hasPseudonyms(licensee, contract)
      )
    }
    let first = try Self.open(licensor, contract)
    let second = try Self.open(licensee, contract)
    self.options = options
    self.contract = contract
    paths = [.licensor: licensor.path, .licensee: licensee.path]
    usersAreMade = (made.0 && !made.1, made.1 && !made.0)
    self.licensor = first
    self.licensee = second
  }

  /// Whether both sides state units one by one.
  public var areDetails: Bool {
    licensor.layout.kind == .detail && licensee.layout.kind == .detail
  }

  private static func open(
    _ side: Side, _ contract: Contract
  ) throws(RunError) -> StatementReader {
    do throws(StatementError) {
      return try StatementReader(.file(side.path), columns: side.columns, zone: contract.zone)
    } catch {
      throw RunError(error)
    }
  }

  /// A file agrees with itself whatever is in it.
  private static func refuseSameFile(_ licensor: String, _ licensee: String) throws(RunError) {
    var first = stat()
    var second = stat()
    guard unsafe stat(licensor, &first) == 0, unsafe stat(licensee, &second) == 0,
      first.st_mode & S_IFMT == S_IFREG, first.st_dev == second.st_dev,
      first.st_ino == second.st_ino
    else { return }
    throw .usage(
      "\(licensor) and \(licensee) are the same file; name the licensor's statement and the "
        + "licensee's")
  }

  /// Rows at the top of a file that are looked at beforehand.
  private static let rowsLookedAt = 200

  private static func forFirstRows(
    _ side: Side, _ contract: Contract, _ body: (borrowing StatementRow) -> Void
  ) throws(RunError) {
    guard StatementReader.Source.file(side.path).canBeReadAgain else { return }
    var reader = try open(side, contract)
    var row = StatementRow()
    var count = 0
    while count < rowsLookedAt, reader.next(into: &row, problem: { _ in }) {
      body(row)
      count += 1
    }
  }

  /// The contract that a file names first.
  private static func firstContract(
    _ sides: [Side], _ contract: Contract
  ) throws(RunError) -> String? {
    for side in sides {
      var number: String?
      try forFirstRows(side, contract) { row in
        if number == nil, let stated = row.contract, !stated.isEmpty { number = stated }
      }
      if let number { return number }
    }
    return nil
  }

  /// Whether users are written as ``UserPseudonym`` does.
  private static func hasPseudonyms(_ side: Side, _ contract: Contract) throws(RunError) -> Bool {
    var (made, others) = (0, 0)
    try forFirstRows(side, contract) { row in
      guard let user = row.user, !user.isEmpty else { return }
      if UserPseudonym.isPseudonym(user) { made += 1 } else { others += 1 }
    }
    return made > 0 && others == 0
  }

  // MARK: - Comparing

  /// Compares both sides.
  ///
  /// - Parameter log: by what terms the log is counted, and what counts it; `nil` without one.
  public consuming func run(
    log: (terms: Terms, count: LogCount)?
  ) throws(RunError) -> ContractReconciliation {
    areDetails ? try details(log) : try totals(log)
  }

  private consuming func totals(
    _ log: (terms: Terms, count: LogCount)?
  ) throws(RunError) -> ContractReconciliation {
    let (contract, dates) = (contract, options.dates)
    let first = StatedTotals.read(licensor)
    let second = StatedTotals.read(licensee)
    var inference: TotalsInference?
    var summary: MeteringSummary?
    var found: LicenseeDefinitions.Found?
    if let log {
      let own = try log.count(LogPass(terms: log.terms, rivals: .timeoutsAndQuarters))
      let definitions = LicenseeDefinitions(second, terms: log.terms, passes: [:])
      let inferred = try definitions.run(own) { terms, countsRivals, leftOut throws(RunError) in
        try log.count(
          LogPass(terms: terms, rivals: countsRivals ? .timeouts : nil, leftOut: leftOut))
      }
      found = inferred
      inference = TotalsInference(
        inferred.definitions(ofContract: contract.number) ?? [],
        count: StatedTotals(counted: own.totals.filter { $0.contract == contract.number }))
      summary = MeteringSummary(own, quarantinedShare: .zero)
    }
    return ContractReconciliation(
      contract, totals: (first, second), range: dates, inference: inference, definitions: found,
      log: summary)
  }

  private consuming func details(
    _ log: (terms: Terms, count: LogCount)?
  ) throws(RunError) -> ContractReconciliation {
    let pseudonym = options.pseudonym
    let made: @Sendable (String) -> String = { pseudonym?.text($0) ?? $0 }
    var engineOptions = DetailReconciliation.Options(
      threads: options.threads,
      bytesMax: log == nil ? options.memoryBytes : options.memoryBytes / 2,
      temporaryFolder: options.temporaryFolder)
    engineOptions.dates = options.dates
    engineOptions.gaps = options.gaps
    engineOptions.clockDifference = options.clockDifference
    engineOptions.testUsers = options.testUsers
    engineOptions.comparesScenario =
      licensor.layout.columns[.scenario] != nil && licensee.layout.columns[.scenario] != nil
    engineOptions.scenarioIsStated =
      licensor.layout.columns[.scenario] != nil || licensee.layout.columns[.scenario] != nil
    let (contract, paths) = (contract, paths)
    let usersAreMade = usersAreMade
    let first = StatementDetail(
      licensor, contract, users: usersAreMade.licensee ? made : nil)
    let second = StatementDetail(
      licensee, contract, users: usersAreMade.licensor ? made : nil)
    let engine = DetailReconciliation(contract, options: engineOptions)
    var evidence: LogEvidence?
    if let log {
      evidence = try Self.take(log, contract, engine, users: usersAreMade.licensor ? made : nil)
      engine.options.callTimes = evidence?.callTimes
    }
    let logSources = evidence?.sources
    let withoutCall = evidence == nil ? nil : UnitsWithoutCall()
    let outcome = try RunError.spill { () throws(SpillError) in
      try engine.take([
        (.licensor, { take throws(SpillError) in first.read(take) }),
        (.licensee, { take throws(SpillError) in second.read(take) }),
      ])
      let report = DifferencesReport(contract) { side, place in
        guard let path = paths[side] else {
          return logSources?.text(of: place) ?? ""
        }
        return "\(path):\(place)"
      } user: {
        $1
      }
      return try engine.run {
        withoutCall?.take($0)
        return report.row($0)
      }
    }
    var comparison = ContractReconciliation(
      contract, details: outcome, licensor: first.totals, licensee: second.totals,
      range: options.dates, log: evidence?.summary)
    if let withoutCall {
      comparison.findings = withoutCall.findings(contract, outcome.licensee) {
        "\(paths[.licensee] ?? ""):\($0)"
      }
    }
    return comparison
  }

  /// What is left of a log when its units are taken.
  private struct LogEvidence {
    var sources: SourceTable
    var callTimes: CallTimes?
    var summary: MeteringSummary
  }

  /// Takes a log's units as evidence; what they were counted with is let go one after the other.
  private static func take(
    _ log: (terms: Terms, count: LogCount), _ contract: Contract, _ engine: DetailReconciliation,
    users: (@Sendable (String) -> String)?
  ) throws(RunError) -> LogEvidence {
    func take(_ result: MeteringResult, as side: StatedSide) throws(RunError) {
      guard let rows = result.rows else { return }
      try RunError.spill { () throws(SpillError) in
        try engine.take([(side, source(rows, contract, users: users))])
      }
    }
    var pass = LogPass(terms: log.terms, wantsUnits: true)
    let result = try log.count(pass)
    try take(result, as: .log)
    let evidence = LogEvidence(
      sources: result.sources, callTimes: result.callTimes,
      summary: MeteringSummary(result, quarantinedShare: .zero))
    pass.terms = log.terms.changingRules { Definition.failedCalls.change(&$0) }
    try take(try log.count(pass), as: .traffic)
    return evidence
  }

  private static func source(
    _ rows: UsageRows, _ contract: Contract, users: (@Sendable (String) -> String)?
  ) -> DetailReconciliation.Source {
    { take throws(SpillError) in
      try rows.forEachUnit(of: contract.number) { unit in
        if let users, !unit.user.isEmpty { unit.user = users(unit.user) }
        return take(&unit)
      }
    }
  }
}

extension UsageRows {
  /// Calls `body` with the units of a contract.
  func forEachUnit(
    of contract: String, _ body: (inout StatedUnit) -> Bool
  ) throws(SpillError) {
    let isOwn = terms.contracts.map { $0.number == contract }
    let names = attributions.all.enumerated().map { number, attribution in
      StatedNames(
        module: attribution.module, scenario: attribution.scenario, meter: attribution.meter,
        number: number)
    }
    var bytes: [UInt8] = []
    func text(_ text: ChunkText) -> String {
      if text.isEmpty { return "" }
      bytes.removeAll(keepingCapacity: true)
      text.append(to: &bytes)
      return String(decoding: bytes, as: UTF8.self)
    }
    try forEachRow { row, chunk in
      guard isOwn[attributions.all[row.attribution].contract] else { return true }
      var unit = StatedUnit(
        date: row.date, names: names[row.attribution], quantity: Int(row.quantity),
        user: text(row.user(in: chunk)), conversation: text(row.conversation(in: chunk)),
        startedAt: Instant(microseconds: row.startedAt),
        endedAt: Instant(microseconds: row.endedAt), messages: Int(row.messages),
        isNotBillable: row.notBillable != .no, place: row.source)
      // All that is counted can be taken.
      _ = body(&unit)
      return true
    }
  }
}
