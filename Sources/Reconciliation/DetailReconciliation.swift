public import CivilTime
public import Contracts
public import Counting
public import Shuffling

/// Reconciles two usage details, unit by unit, in bounded memory.
///
/// Units are brought together by their ids first and then, as far as that leaves anything open, by their users and
/// times; both through shuffles that spill to disk. What is left of either side is told in order of time.
@safe
public final class DetailReconciliation {
  public struct Options: Sendable {
    public var threads: Int
    /// Memory that units may take.
    public var bytesMax: Int
    public var temporaryFolder: String
    /// The days that are compared; units of others are only what those of these may be paired with.
    public var dates: ClosedRange<CivilDate>?
    /// Stretches in which the log is known to be incomplete.
    public var gaps: [Range<Instant>] = []
    /// What the licensee's clock is ahead; `nil`: found from the units.
    public var clockDifference: Interval?
    /// Users whose units are not charged, by what either side calls them.
    public var testUsers: Set<String> = []
    /// Whether scenarios are compared: both sides state them.
    public var comparesScenario = true
    /// Whether either side states scenarios.
    public var scenarioIsStated = true
    /// When the log has anything, where there is one.
    public var callTimes: CallTimes?
    /// Whether the licensor's units are the log's own count.
    public var licensorIsLog = false

    public init(threads: Int, bytesMax: Int, temporaryFolder: String) {
      self.threads = max(threads, 1)
      self.bytesMax = bytesMax
      self.temporaryFolder = temporaryFolder
    }
  }

  /// Reads a side: calls `take` with every unit, which returns whether it could be taken.
  public typealias Source =
    @Sendable (_ take: (inout StatedUnit) -> Bool) throws(SpillError) -> Void

  private let contract: Contract
  /// May change as long as nothing is compared.
  public var options: Options
  private let pool: ChunkPool
  private let spill: SpillFile
  private let kinds = UnitKinds()
  private let byID: Shuffle
  private let byUser: Shuffle
  private var summaries: [StatedSide: SideSummary] = [:]

  public init(_ contract: Contract, options: Options) {
    self.contract = contract
    self.options = options
    pool = ChunkPool(bytesMax: options.bytesMax)
    spill = SpillFile(directory: options.temporaryFolder)
    byID = Shuffle(pool: pool, spill: spill)
    byUser = Shuffle(pool: pool, spill: spill)
  }

  /// Bytes that were put aside on disk.
  public var spilledBytes: Int { spill.bytesWritten }

  // MARK: - Reading

  /// Takes sides, as many at once as there are threads.
  public func take(_ sources: [(side: StatedSide, read: Source)]) throws(SpillError) {
    let next = Counter()
    let sum = Sum([StatedSide: SideSummary]())
    let (contract, kinds, byID, byUser) = (contract, kinds, byID, byUser)
    let (comparesScenario, dates) = (options.comparesScenario, options.dates)
    Workers.run(min(options.threads, sources.count)) { _ in
      while sum.hasNoFailure, let index = next.next(below: sources.count) {
        sum.add { () throws(SpillError) in
          let (side, read) = sources[index]
          var intake = UnitIntake(
            side, contract, kinds, comparesScenario: comparesScenario, dates: dates, byID: byID,
            byUser: byUser)
          try read { intake.add($0) }
          try intake.finish()
          return [side: intake.summary]
        } merge: {
          $0.merge($1) { first, _ in first }
        }
      }
    }
    summaries.merge(try sum.value()) { first, _ in first }
  }

  // MARK: - Reconciling

  /// Compares what was taken; to be called once.
  ///
  /// - Parameter render: makes the row of a report of a difference.
  public func run(
    render: @escaping @Sendable (Difference) -> [UInt8]
  ) throws(SpillError) -> DetailOutcome {
    let comparison = comparison(render)
    let workers = (0..<options.threads).map { _ in
      PairingWorker(comparison, pool: pool, spill: spill, byUser: byUser)
    }
    try forEachBucket(of: byID) { index, bucket throws(SpillError) in
      try workers[index].pairByID(bucket)
    } finish: { index throws(SpillError) in
      try workers[index].finishIDs()
    }
    try forEachBucket(of: byUser) { index, bucket throws(SpillError) in
      try workers[index].pairByUser(bucket)
    } finish: { index throws(SpillError) in
      workers[index].orphans.finish()
    }
    try workers[0].tellOrphans(workers.map(\.orphans))
    for worker in workers {
      if let failure = worker.finder.failure { throw failure }
      worker.rows.finish()
    }
    return outcome(comparison, workers)
  }

  private func comparison(
    _ render: @escaping @Sendable (Difference) -> [UInt8]
  ) -> DetailComparison {
    let licensor = summaries[.licensor] ?? SideSummary()
    let licensee = summaries[.licensee] ?? SideSummary()
    var clock = ClockDifference(licensor: licensor.sample, licensee: licensee.sample)
    if let given = options.clockDifference {
      clock = ClockDifference(
        difference: given, basis: .given, pairs: 0, spread: Interval(microseconds: 0),
        usersAgree: clock.usersAgree)
    }
    let log = summaries[.traffic] ?? summaries[.log] ?? licensor
    return DetailComparison(
      contract: contract, dates: options.dates, testUsers: options.testUsers, kinds: kinds.all,
      kindRanks: kinds.ranks, clock: clock,
      comparesUsers: clock.usersAgree ?? true,
      hasLog: summaries[.log] != nil || options.licensorIsLog,
      hasTraffic: summaries[.traffic] != nil, licensorIsLog: options.licensorIsLog,
      gaps: LogGaps(
        given: options.gaps, activity: log.activity, calls: options.callTimes,
        zone: contract.zone),
      licensorMonths: licensor.months, licenseeMonths: licensee.months,
      licenseeDays: licensee.days.rule, render: render)
  }

  /// Deals the buckets of a shuffle out to all threads.
  private func forEachBucket(
    of shuffle: Shuffle,
    _ body: @escaping @Sendable (Int, Shuffle.Bucket) throws(SpillError) -> Void,
    finish: @escaping @Sendable (Int) throws(SpillError) -> Void
  ) throws(SpillError) {
    let next = Counter()
    let sum = Sum(())
    Workers.run(options.threads) { index in
      sum.add { () throws(SpillError) in
        while sum.hasNoFailure, let bucket = next.next(below: shuffle.bucketCount) {
          try body(index, shuffle.take(bucket))
        }
        try finish(index)
      } merge: { _, _ in
      }
    }
    try sum.value()
  }

  private func outcome(
    _ comparison: DetailComparison, _ workers: [PairingWorker]
  ) -> DetailOutcome {
    var steps: [DifferenceFinder.StepKey: BridgeStep] = [:]
    var outcome = DetailOutcome(
      clock: comparison.clock, gaps: comparison.gaps, comparesUsers: comparison.comparesUsers,
      comparesScenario: options.comparesScenario, scenarioIsStated: options.scenarioIsStated,
      rows: DifferenceRows(workers.map(\.rows)))
    for worker in workers {
      outcome.pairs += worker.finder.pairs
      outcome.pairsOfOtherTimes += worker.finder.pairsOfOtherTimes
      outcome.pairsOfOtherDays += worker.finder.pairsOfOtherDays
      for (key, step) in worker.finder.steps { steps[key, default: BridgeStep()].add(step) }
    }
    for (key, step) in steps {
      let kind = comparison.kinds[key.kind]
      let place = DetailOutcome.Place(month: key.month, module: kind.module)
      outcome.steps[place, default: [:]][key.cause, default: BridgeStep()].add(step)
    }
    outcome.licensor = statedUnits(.licensor, comparison.kinds)
    outcome.licensee = statedUnits(.licensee, comparison.kinds)
    return outcome
  }

  private func statedUnits(_ side: StatedSide, _ kinds: [UnitKind]) -> StatedUnits {
    let summary = summaries[side] ?? SideSummary()
    var units = StatedUnits(
      units: summary.units, unitsWithUser: summary.unitsWithUser, unitsWithID: summary.unitsWithID,
      unitsOfOtherDays: summary.unitsOfOtherDays, months: summary.months)
    for (key, sum) in summary.sums {
      let date = CivilDate(daysSinceEpoch: key.day)
      let kind = kinds[Int(key.kind)]
      func add(_ quantity: Int, _ amount: Money?) {
        units.totals.append(
          StatedTotal(
            date: date, module: kind.module,
            scenario: options.comparesScenario ? kind.scenario : nil, meter: kind.meter,
            quantity: quantity, amount: amount))
      }
      let price = contract.unitPrice(
        module: kind.module, scenario: kind.scenario.isEmpty ? nil : kind.scenario,
        meter: kind.meter, on: date)
      if sum.hasCharges { add(sum.quantity - sum.uncharged, sum.charges) }
      if sum.uncharged != 0 || !sum.hasCharges {
        add(sum.uncharged, price.map { $0 * sum.uncharged })
      }
    }
    return units
  }
}

/// What reconciling two details came to.
public struct DetailOutcome: Sendable {
  public struct Place: Sendable, Hashable {
    public var month: CivilMonth
    public var module: String
  }

  public var clock: ClockDifference
  public var gaps: LogGaps
  /// Whether users of both sides are written alike, so that other users are a difference.
  public var comparesUsers: Bool
  public var comparesScenario: Bool
  /// Whether either side states scenarios, so that not comparing them loses something.
  public var scenarioIsStated: Bool
  /// Units that both sides have.
  public var pairs = 0
  /// Of these, those whose times differ by more than the clocks, and those on other days of one month.
  public var pairsOfOtherTimes = 0
  public var pairsOfOtherDays = 0
  public var steps: [Place: [DifferenceCause: BridgeStep]] = [:]
  public var licensor = StatedUnits()
  public var licensee = StatedUnits()
  /// A row of a report for each difference, in order.
  public var rows: DifferenceRows
}

/// What a side states in all.
public struct StatedUnits: Sendable {
  public var units = 0
  public var unitsWithUser = 0
  public var unitsWithID = 0
  /// Units of days that are not compared.
  public var unitsOfOtherDays = 0
  /// The months that it has units of, compared or not.
  public var months: Set<CivilMonth> = []
  /// By day and kind.
  public var totals: [StatedTotal] = []
}

/// Rows of a report by month, module, scenario, time and what they say.
@safe
public struct DifferenceRows: @unchecked Sendable {
  private let sorters: [ExternalSorter<DifferenceOrder>]

  init(_ sorters: [ExternalSorter<DifferenceOrder>]) { self.sorters = sorters }

  /// Calls `body` with each row's bytes.
  ///
  /// - Parameter body: returns whether to go on.
  public func forEach(_ body: (Span<UInt8>) -> Bool) throws(SpillError) {
    try unsafe ExternalSorter.forEach(in: sorters) { record in
      unsafe record.pointee.withRow(in: Chunk(containing: record)) { row in
        unsafe body(row.bindMemory(to: UInt8.self).span)
      }
    }
  }
}
