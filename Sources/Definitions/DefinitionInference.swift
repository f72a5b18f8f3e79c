internal import CivilTime
internal import Contracts
public import Counting

/// Finds the definition behind totals that are not ours: applies one after another to the log, the simplest first, and
/// holds each against the totals day by day.
public struct DefinitionInference<Failure: Error> {
  /// What one pass over the logs comes to.
  public struct Pass {
    public var totals: [DailyTotal]
    /// By the contract's own rule alone; empty unless asked for.
    public var rivals: [DailyRivals]
    public var quarters: [QuarterTotals]
    /// Of the logs that have records; empty where none is to be left out.
    public var logs: [LogSpan]

    public init(
      totals: [DailyTotal], rivals: [DailyRivals], quarters: [QuarterTotals], logs: [LogSpan] = []
    ) {
      self.totals = totals
      self.rivals = rivals
      self.quarters = quarters
      self.logs = logs
    }
  }

  /// Counts the logs.
  ///
  /// - Parameters:
  ///   - terms: by which.
  ///   - countsRivals: whether idle timeouts are counted too.
  ///   - leftOut: records that are passed over.
  public typealias Count = (
    _ terms: Terms, _ countsRivals: Bool, _ leftOut: LeftOut?
  ) throws(Failure) -> Pass

  private let terms: Terms
  /// The contract's place among those of the terms.
  private let contract: Int
  private let claim: ClaimedTotals
  private let known: [Definition: [DailyTotal]]
  private let count: Count
  private var found: [InferredDefinition] = []

  /// Definitions that are told of where none is exact.
  private static var nearestMax: Int { 3 }
  /// Days with differences up to which an hour is sought that the other party lacks.
  private static var lostDaysMax: Int { 2 }
  /// Logs that are left out, one after another, to see whether the other party lacks it.
  private static var lostLogsMax: Int { 24 }

  /// - Parameter known: totals by definitions of ``Definition/countedAnew`` that were counted already.
  public init(
    terms: Terms, contract: Int, claim: ClaimedTotals, known: [Definition: [DailyTotal]] = [:],
    count: @escaping Count
  ) {
    self.known = known
    self.terms = terms
    self.contract = contract
    self.claim = claim
    self.count = count
  }

  /// The simplest definition that gives exactly the totals, or the few of them that cannot be told apart by these, such
  /// as hours in which as much happened; else the nearest ones, the nearest first.
  ///
  /// - Parameter own: the contract's own count, with rivals and quarters.
  public mutating func run(_ own: Pass) throws(Failure) -> [InferredDefinition] {
    found = []
    var isFound = try findSimple(own)
    if !isFound { isFound = try findLostHour(own) }
    if !isFound { isFound = try findLostLog(own) }
    if !isFound { isFound = try findTwofold() }
    if isFound { return found.filter(\.isExact) }
    let nearest = found.enumerated().sorted {
      ($0.element.unexplained, $0.offset) < ($1.element.unexplained, $1.offset)
    }
    // Of those that leave as much, the simplest one is enough.
    var told: [InferredDefinition] = []
    for (_, definition) in nearest where told.last?.unexplained != definition.unexplained {
      told.append(definition)
      if told.count == Self.nearestMax { break }
    }
    return told
  }

  // MARK: - Candidates

  /// One change of the contract's own definition.
  private mutating func findSimple(_ own: Pass) throws(Failure) -> Bool {
    if holds([.definition(.contract)], cells(own.totals)) { return true }
    if findZone(own.quarters) { return true }
    if findRivals(own.rivals, beside: []) { return true }
    for definition in Definition.countedAnew {
      var totals = known[definition]
      if totals == nil {
        totals = try count(terms.changingRules { definition.change(&$0) }, false, nil).totals
      }
      if holds([.definition(definition)], cells(totals ?? [])) { return true }
    }
    for definition in [Definition.quarterHour, .call] {
      if holds([.definition(definition)], cells(own.rivals, definition)) { return true }
    }
    return false
  }

  /// Days of another zone, a quarter of an hour at a time, whole hours first.
  private mutating func findZone(_ quarters: [QuarterTotals]) -> Bool {
    guard let first = claim.dates?.lowerBound else { return false }
    let isByStart = terms.contracts[contract].rule(on: first).rule.countedIn == .start
    let offsets = (-48...56).sorted { left, right in
      (left % 4 != 0 ? 1 : 0, abs(left), left) < (right % 4 != 0 ? 1 : 0, abs(right), right)
    }
    for offset in offsets {
      var counted: [ClaimedTotals.Cell: Int] = [:]
      for total in quarters where total.contract == contract {
        let quarter = total.quarter + offset
        let day = quarter / 96 - (quarter % 96 < 0 ? 1 : 0)
        let cell = claim.cell(
          CivilDate(daysSinceEpoch: Int32(clamping: day)), total.module, total.scenario)
        counted[cell, default: 0] += isByStart ? total.starts : total.ends
      }
      if holds([.zone(aheadMinutes: offset * 15)], counted) { return true }
    }
    return false
  }

  /// The other day, and every idle timeout, round ones first.
  private mutating func findRivals(
    _ rivals: [DailyRivals], beside changes: [InferredDefinition.Change]
  ) -> Bool {
    let day = Definition.countedOtherwise(DefinitionFigures.otherDay(terms.contracts[contract]))
    if holds(changes + [.definition(day)], cells(rivals, day)) { return true }
    let roundest = [1_440, 60, 30, 15, 10, 5, 1]
    func rank(_ minutes: Int) -> Int { roundest.firstIndex { minutes % $0 == 0 } ?? roundest.count }
    let minutes = (1...DailyRivals.minutesMax).sorted { (rank($0), $0) < (rank($1), $1) }
    for minutes in minutes {
      let definition = Definition.idleTimeout(minutes: minutes)
      if holds(changes + [.definition(definition)], cells(rivals, definition)) { return true }
    }
    return false
  }

  /// An hour of the contract's clock of which the other party has no records, where only days that it touches differ:
  /// first those in which about as many conversations begin as are missing.
  private mutating func findLostHour(_ own: Pass) throws(Failure) -> Bool {
    let differences = claim.differences(from: cells(own.totals))
    let missing = differences.values.reduce(0, +)
    let days = Set(differences.keys.map(\.date))
    guard !claim.isMonthly, days.count <= Self.lostDaysMax else { return false }
    let zone = terms.contracts[contract].zone
    var starts: [Int64: Int] = [:]
    for total in own.quarters where total.contract == contract {
      let time = Instant(seconds: Int64(total.quarter) * QuarterTotals.seconds)
      guard days.contains(zone.date(of: time)) else { continue }
      let local = time.microseconds / 1_000_000 + zone.offsetSeconds(at: time)
      let hour = time.microseconds / 1_000_000 - ((local % 3_600) + 3_600) % 3_600
      starts[hour, default: 0] += total.starts
    }
    // What is missing with an hour begins in it, but for the few that were cut or held together by its records.
    let hours = starts.filter { Self.mayHold(missing, $0.value) }.sorted {
      (abs($0.value - missing), $0.key) < (abs($1.value - missing), $1.key)
    }
    return try findAll(hours.map { ($0.key, abs($0.value - missing)) }) { hour in
      let time = Instant(seconds: hour)..<Instant(seconds: hour + 3_600)
      return (.time(time), .lostTime(time, zone))
    }
  }

  /// Leaves out one thing after another, and when one is found, also what may be missing as well: totals do not tell
  /// hours apart in which as much happened.
  ///
  /// - Parameters:
  ///   - candidates: with how far each is from what is expected, the likeliest first.
  ///   - names: what is left out, and how it is told.
  private mutating func findAll<Candidate>(
    _ candidates: [(Candidate, distance: Int)],
    names: (Candidate) -> (LeftOut, InferredDefinition.Change)
  ) throws(Failure) -> Bool {
    var distanceMax: Int?
    for (candidate, distance) in candidates where distance <= distanceMax ?? .max {
      let (leftOut, change) = names(candidate)
      let pass = try count(terms, false, leftOut)
      if holds([change], cells(pass.totals)) { distanceMax = distanceMax ?? 2 * distance + 10 }
    }
    return distanceMax != nil
  }

  /// Whether so many conversations may be missing with records that so many begin with, or that are so many.
  private static func mayHold(_ missing: Int, _ count: Int) -> Bool { missing <= 2 * count + 10 }

  /// A log of which the other party has no records: of those that reach over all days that differ, first those that
  /// reach over the fewest others, and hold about as many records as are missing with them.
  private mutating func findLostLog(_ own: Pass) throws(Failure) -> Bool {
    guard own.logs.count > 1 else { return false }
    let differences = claim.differences(from: cells(own.totals))
    let missing = differences.values.reduce(0, +)
    let number = terms.contracts[contract].number
    let units = own.totals.reduce(0) { sum, total in
      total.meter == .conversation && total.contract == number ? sum + total.quantity : sum
    }
    let records = max(own.logs.reduce(0) { $0 + $1.records }, 1)
    let days = Set(differences.keys.map(\.date)).sorted()
    let candidates = own.logs.compactMap { log -> (log: LogSpan, others: Int, distance: Int)? in
      guard Self.mayHold(missing, log.records), let others = otherDays(log, beside: days) else {
        return nil
      }
      let expected = Int(Double(log.records) / Double(records) * Double(units))
      return (log, others, abs(expected - missing))
    }.sorted { left, right in
      (left.others, left.distance, -left.log.records, left.log.log)
        < (right.others, right.distance, -right.log.records, right.log.log)
    }
    return try findAll(candidates.prefix(Self.lostLogsMax).map { ($0.log, $0.distance) }) { log in
      (.log(log.log), .lostLog(log.name))
    }
  }

  /// How many of the days, or months, that a log reaches over do not differ; `nil` where it is too far from one that
  /// does.
  ///
  /// - Parameter days: those that differ, ascending; the first of each month where months are compared.
  private func otherDays(_ log: LogSpan, beside days: [CivilDate]) -> Int? {
    let zone = terms.contracts[contract].zone
    let (first, last) = (zone.date(of: log.first), zone.date(of: log.last))
    // Conversations reach over midnight.
    guard let dates = claim.dates, let lowest = days.first, let highest = days.last,
      claim.period(of: first + -1) <= lowest, highest <= claim.period(of: last + 1)
    else { return nil }
    let (from, to) = (
      max(claim.period(of: first), dates.lowerBound), min(claim.period(of: last), dates.upperBound)
    )
    let differing = days.count { from <= $0 && $0 <= to }
    guard differing > 0 else { return nil }
    return claim.periods(from: from, to: to) - differing
  }

  /// Another idle timeout, or day, together with another change.
  private mutating func findTwofold() throws(Failure) -> Bool {
    for definition in [Definition.failedCalls, .duplicates] {
      let pass = try count(terms.changingRules { definition.change(&$0) }, true, nil)
      if findRivals(pass.rivals, beside: [.definition(definition)]) { return true }
    }
    let utc = try count(terms.changing { $0.zone = .utc }, true, nil)
    return findRivals(utc.rivals, beside: [.zone(aheadMinutes: 0)])
  }

  /// Takes a candidate down.
  ///
  /// - Returns: whether it is exact.
  private mutating func holds(
    _ changes: [InferredDefinition.Change], _ counted: [ClaimedTotals.Cell: Int]
  ) -> Bool {
    let unexplained = claim.differences(from: counted).values.reduce(0) { $0 + abs($1) }
    found.append(InferredDefinition(changes, unexplained: unexplained))
    return unexplained == 0
  }

  // MARK: - Cells

  private func cells(_ totals: [DailyTotal]) -> [ClaimedTotals.Cell: Int] {
    var cells: [ClaimedTotals.Cell: Int] = [:]
    let number = terms.contracts[contract].number
    for total in totals where total.meter == .conversation && total.contract == number {
      cells[claim.cell(total.date, total.module, total.scenario), default: 0] += total.quantity
    }
    return cells
  }

  private func cells(
    _ rivals: [DailyRivals], _ definition: Definition
  ) -> [ClaimedTotals.Cell: Int] {
    var cells: [ClaimedTotals.Cell: Int] = [:]
    for total in rivals where total.contract == contract {
      cells[claim.cell(total.date, total.module, total.scenario), default: 0] +=
        total.quantity(of: definition)
    }
    return cells
  }
}

extension DailyRivals {
  /// Units by a definition that is counted beside the contract's own.
  func quantity(of definition: Definition) -> Int {
    switch definition {
    case .idleTimeout(let minutes): atTimeout[minutes - 1]
    case .countedOtherwise: countedOtherwise
    case .quarterHour: slices
    case .call: calls
    default: preconditionFailure("\(definition.name) is counted by itself")
    }
  }
}
