internal import CivilTime
internal import Contracts
internal import Shuffling

/// What all threads of a reconciliation of details go by.
struct DetailComparison: Sendable {
  let contract: Contract
  /// The days that are compared.
  let dates: ClosedRange<CivilDate>?
  let testUsers: Set<String>
  let kinds: [UnitKind]
  let kindRanks: [Int]
  let clock: ClockDifference
  let comparesUsers: Bool
  let hasLog: Bool
  /// Whether it is known when calls failed.
  let hasTraffic: Bool
  /// Whether the licensor's units are the log's own count; then each has a line of its own, and none is listed twice.
  let licensorIsLog: Bool
  let gaps: LogGaps
  /// The months that each side states anything of.
  let licensorMonths: Set<CivilMonth>
  let licenseeMonths: Set<CivilMonth>
  let licenseeDays: DayRuleEvidence.Rule
  let render: @Sendable (Difference) -> [UInt8]

  var order: UnitOrder {
    UnitOrder(clockDifference: clock.difference.microseconds, kindRanks: kindRanks)
  }
}

/// Finds the causes of differences, on one thread.
final class DifferenceFinder {
  struct StepKey: Hashable {
    var month: CivilMonth
    var kind: Int
    var cause: DifferenceCause
  }

  let comparison: DetailComparison
  private let rows: ExternalSorter<DifferenceOrder>
  private(set) var steps: [StepKey: BridgeStep] = [:]
  /// Units that both sides have, and pairs of them whose times differ by more than clocks do.
  private(set) var pairs = 0
  private(set) var pairsOfOtherTimes = 0
  private(set) var pairsOfOtherDays = 0
  private(set) var failure: SpillError?
  private var zone: ZoneCursor
  private var prices: [SideSummary.SumKey: Money?] = [:]
  private var lastMonth: (day: Int32, month: CivilMonth)?

  init(_ comparison: DetailComparison, rows: ExternalSorter<DifferenceOrder>) {
    self.comparison = comparison
    self.rows = rows
    zone = ZoneCursor(comparison.contract.zone)
  }

  // MARK: - Groups

  /// Whether a pair has no difference, but perhaps in its times.
  func isClean(_ pair: UnitGroup, of batch: UnitBatch) -> Bool {
    pair.isPair && isClean(pair.licensor[0], pair.licensee[0], of: batch)
  }

  func isClean(_ licensor: Int, _ licensee: Int, of batch: UnitBatch) -> Bool {
    let (left, right) = (batch[licensor], batch[licensee])
    return left.kind == right.kind && left.quantity == right.quantity
      && haveSameMonths(left, right)
      && (!comparison.comparesUsers || haveSameUsers(licensor, licensee, batch))
  }

  private func haveSameMonths(_ left: UnitRecord, _ right: UnitRecord) -> Bool {
    left.day == right.day || month(left.day) == month(right.day)
  }

  private func haveSameUsers(_ left: Int, _ right: Int, _ batch: UnitBatch) -> Bool {
    batch[left].user(in: batch.chunk).isEmpty || batch[right].user(in: batch.chunk).isEmpty
      || batch.haveEqualUsers(left, right)
  }

  /// Notes a pair, or as many units of each side as of the other, without difference.
  func note(_ pair: UnitGroup, of batch: UnitBatch, fits: Bool) {
    note(
      batch[pair.licensor[0]], batch[pair.licensee[0]], fits: fits, count: pair.licensor.count)
  }

  /// - Parameter count: of units on either side.
  func note(_ licensor: UnitRecord, _ licensee: UnitRecord, fits: Bool, count: Int = 1) {
    guard isCompared(licensor) else { return }
    pairs += count
    if !fits { pairsOfOtherTimes += 1 }
    if licensor.day != licensee.day { pairsOfOtherDays += 1 }
  }

  /// Tells of units that both sides have and see differently.
  func tell(_ group: UnitGroup, of batch: UnitBatch) {
    let licensor = group.licensor.map { batch[$0] }
    let licensee = group.licensee.map { batch[$0] }
    let (cause, reason) = cause(licensor, licensee, group, batch)
    emit(
      cause, reason, group, batch,
      pauses: cause == .split
        ? pauses(licensee) : cause == .merged ? pauses(licensor) : nil)
  }

  private func cause(
    _ licensor: [UnitRecord], _ licensee: [UnitRecord], _ group: UnitGroup, _ batch: UnitBatch
  ) -> (DifferenceCause, DifferenceReason) {
    let quantities = (
      licensor.reduce(0) { $0 + $1.quantity }, licensee.reduce(0) { $0 + $1.quantity }
    )
    let months = (Set(licensor.map { month($0.day) }), Set(licensee.map { month($0.day) }))
    if quantities.0 == quantities.1 && months.0 != months.1 {
      return (.periodBoundary, boundaryReason(licensee[0]))
    }
    if quantities.0 == 0 || quantities.1 == 0, quantities.0 != quantities.1 {
      let isStated = (quantities.0 == 0 ? licensor : licensee).contains { $0.isNotBillable }
      return (.notBillable, isStated ? .notCharged : .takenBack)
    }
    if licensor.count < licensee.count { return (.split, splitReason(group, batch)) }
    if licensor.count > licensee.count { return (.merged, mergeReason(group, batch)) }
    if quantities.0 != quantities.1 {
      return months.0 != months.1 && licensor.count > 1
        ? (.periodBoundary, .otherDay) : (.unexplained, .otherQuantity)
    }
    let modules = (
      Set(licensor.map { comparison.kinds[$0.kind].module }),
      Set(licensee.map { comparison.kinds[$0.kind].module })
    )
    if modules.0 != modules.1 { return (.moduleMismatch, .none) }
    if Set(licensor.map(\.kind)) != Set(licensee.map(\.kind)) {
      return (.moduleMismatch, .scenario)
    }
    return (.userMismatch, .none)
  }

  /// Whether a group of several units on each side has any difference.
  func differs(_ group: UnitGroup, of batch: UnitBatch) -> Bool {
    if group.isPair { return !isClean(group, of: batch) }
    if group.licensor.count != group.licensee.count { return true }
    func keys(_ units: [Int]) -> [[Int]] {
      units.map { [Int(batch[$0].quantity), batch[$0].kind, month(batch[$0].day).first.number] }
        .sorted { $0.lexicographicallyPrecedes($1) }
    }
    return keys(group.licensor) != keys(group.licensee)
  }

  private func boundaryReason(_ licensee: UnitRecord) -> DifferenceReason {
    switch comparison.licenseeDays {
    case .end: .byEnd
    case .startInUTC, .endInUTC: .inUTC
    case .start:
      month(ofStart: licensee) != month(licensee.day) ? dayReason(licensee) : .otherDay
    }
  }

  /// By which rule one unit is on its day.
  private func dayReason(_ unit: UnitRecord) -> DifferenceReason {
    let day = CivilDate(daysSinceEpoch: unit.day)
    if zone.day(of: Instant(microseconds: unit.endedAt)).date == day { return .byEnd }
    if Zone.utc.date(of: Instant(microseconds: unit.startedAt)) == day { return .inUTC }
    return .otherDay
  }

  // MARK: - Pauses

  private func pauses(_ units: [UnitRecord]) -> ClosedRange<Int64>? {
    var range: ClosedRange<Int64>?
    for (unit, next) in zip(units, units.dropFirst()) {
      let pause = max(next.startedAt - unit.endedAt, 0)
      range = range.map { min($0.lowerBound, pause)...max($0.upperBound, pause) } ?? pause...pause
    }
    return range
  }

  private func timeout(_ unit: UnitRecord) -> Int64 {
    comparison.contract.rule(on: CivilDate(daysSinceEpoch: unit.day)).rule.idleTimeout.microseconds
  }

  /// Pauses shorter than this are no timeout that anyone would agree on.
  private static let timeoutMin: Int64 = 60_000_000

  private func splitReason(_ group: UnitGroup, _ batch: UnitBatch) -> DifferenceReason {
    let units = group.licensee.map { batch[$0] }
    guard group.licensor.count == 1, let pauses = pauses(units) else { return .otherCuts }
    if haveModulesApart(units) { return .modulesApart }
    if pauses.lowerBound >= Self.timeoutMin && pauses.upperBound <= timeout(units[0]) {
      return .shorterTimeout
    }
    if haveOtherIDs(group.licensee, batch) { return .otherIDs }
    return pauses.lowerBound < Self.timeoutMin ? .closeEvents : .otherCuts
  }

  private func mergeReason(_ group: UnitGroup, _ batch: UnitBatch) -> DifferenceReason {
    let units = group.licensor.map { batch[$0] }
    guard group.licensee.count == 1, let pauses = pauses(units) else { return .otherCuts }
    if haveModulesApart(units) { return .modulesApart }
    if pauses.lowerBound > timeout(units[0]) { return .longerTimeout }
    return haveOtherIDs(group.licensor, batch) ? .otherIDs : .closeEvents
  }

  private func haveModulesApart(_ units: [UnitRecord]) -> Bool {
    Set(units.map(\.kind)).count > 1
  }

  private func haveOtherIDs(_ indices: [Int], _ batch: UnitBatch) -> Bool {
    zip(indices, indices.dropFirst()).contains { !batch.haveEqualConversations($0, $1) }
  }

  // MARK: - Single units

  /// Whether a side lists a unit of its twice, the other one of which has its counterpart or came before.
  ///
  /// - Parameter hasCounterpart: whether a unit of the batch is joined to one of the other side.
  func isRepetition(
    _ index: Int, of batch: UnitBatch, hasCounterpart: (Int) -> Bool
  ) -> Bool {
    let unit = batch[index]
    let hasID = !unit.conversation(in: batch.chunk).isEmpty
    guard hasID || (unit.side == .licensee || !comparison.licensorIsLog), !unit.isTimeUnknown
    else { return false }
    for other in 0..<batch.count where other != index && batch[other].side == unit.side {
      let twin = batch[other]
      guard twin.startedAt == unit.startedAt, twin.endedAt == unit.endedAt,
        twin.kind == unit.kind, twin.quantity == unit.quantity, twin.messages == unit.messages,
        batch.haveEqualConversations(index, other), batch.haveEqualUsers(index, other)
      else { continue }
      if other < index || hasCounterpart(other) { return true }
    }
    return false
  }

  func tellRepetition(_ group: UnitGroup, of batch: UnitBatch) {
    emit(
      group.licensor.isEmpty ? .duplicateAtLicensee : .duplicateAtLicensor, .none, group, batch)
  }

  /// Tells of a unit that only one side has, where it alone says why.
  ///
  /// - Parameter evidence: a unit of the log that shows it.
  /// - Returns: whether it did.
  func tellSingle(_ group: UnitGroup, of batch: UnitBatch, evidence: Int?) -> Bool {
    let index = group.licensor.first ?? group.licensee[0]
    let unit = batch[index]
    // Listed and not counted: no difference.
    if unit.quantity == 0 { return true }
    if let reason = outsideReason(unit) {
      emit(.outsideContract, reason, group, batch)
      return true
    }
    if let reason = boundaryReason(single: unit) {
      emit(.periodBoundary, reason, group, batch)
      return true
    }
    if !comparison.testUsers.isEmpty, comparison.testUsers.contains(batch.user(index)) {
      emit(.notBillable, .testUser, group, batch)
      return true
    }
    guard unit.side == .licensee else { return false }
    if let evidence, unit.evidence != .billable, unit.evidence != .none {
      emit(
        .notBillable, unit.evidence == .failed ? .allFailed : .onlyOpenedAndClosed, group, batch,
        evidence: batch[evidence].place)
      return true
    }
    let rule = comparison.contract.rule(on: CivilDate(daysSinceEpoch: unit.day)).rule
    if comparison.kinds[unit.kind].meter == .conversation, unit.messages >= 0,
      Int(unit.messages) < rule.minMessages, unit.evidence != .billable
    {
      emit(.notBillable, .onlyOpenedAndClosed, group, batch)
      return true
    }
    return false
  }

  private func outsideReason(_ unit: UnitRecord) -> DifferenceReason? {
    let contract = comparison.contract
    let date = CivilDate(daysSinceEpoch: unit.day)
    if let first = contract.term.firstDay, date < first { return .beforeTerm }
    if let last = contract.term.lastDay, date > last { return .afterTerm }
    guard !contract.prices.isEmpty else { return nil }
    let kind = comparison.kinds[unit.kind]
    let day = contract.pricedDay(for: date)
    if !contract.isListed(module: kind.module, on: day) { return .moduleNotListed }
    if !kind.scenario.isEmpty,
      !contract.isListed(module: kind.module, scenario: kind.scenario, on: day)
    {
      return .scenarioNotListed
    }
    return nil
  }

  /// A unit at the edge of what the other side's statement covers.
  private func boundaryReason(single unit: UnitRecord) -> DifferenceReason? {
    guard !unit.isTimeUnknown else { return nil }
    let stated = month(unit.day)
    if unit.side == .licensee {
      let own = month(ofStart: unit)
      guard own != stated, !comparison.licensorMonths.contains(own) else { return nil }
      return dayReason(unit)
    }
    let start = Instant(microseconds: unit.startedAt)
    let end = Instant(microseconds: unit.endedAt)
    let (day, reason): (CivilDate, DifferenceReason) =
      switch comparison.licenseeDays {
      case .start: (zone.day(of: start).date, .otherDay)
      case .end: (zone.day(of: end).date, .byEnd)
      case .startInUTC: (Zone.utc.date(of: start), .inUTC)
      case .endInUTC: (Zone.utc.date(of: end), .inUTC)
      }
    guard day.month != stated, !comparison.licenseeMonths.contains(day.month) else { return nil }
    return reason
  }

  /// Tells of a unit that only one side has, when all else was tried.
  func tellOrphan(_ group: UnitGroup, of batch: UnitBatch) {
    let unit = batch[group.licensor.first ?? group.licensee[0]]
    if unit.side == .licensor {
      switch (comparison.hasLog, comparison.licensorIsLog ? .billable : unit.evidence) {
      case (true, .billable): emit(.missingAtLicensee, .logShowsIt, group, batch)
      case (false, _): emit(.missingAtLicensee, .noLog, group, batch)
      case (true, _): emit(.unexplained, .logLacksIt, group, batch)
      }
      return
    }
    if unit.evidence == .billable {
      emit(.unexplained, .logShowsItUncounted, group, batch)
      return
    }
    let clock = comparison.clock.difference.microseconds
    switch comparison.gaps.place(
      unit.start(clockDifference: clock), unit.end(clockDifference: clock))
    {
    case .gap(let gap):
      emit(
        .missingAtLicensorLogGap, comparison.hasLog || gap.isGiven ? .inGap : .inSilence, group,
        batch)
    case .beforeFirst:
      emit(
        .missingAtLicensorLogGap, comparison.hasLog ? .beforeLog : .beforeUnits, group, batch)
    case .behindLast:
      emit(
        .missingAtLicensorLogGap, comparison.hasLog ? .behindLog : .behindUnits, group, batch)
    case .silence: emit(.missingAtLicensorLogGap, .silence, group, batch)
    case .complete:
      emit(
        .missingAtLicensorNoTraffic,
        !comparison.hasLog ? .noLog : comparison.hasTraffic ? .noCalls : .failuresUnknown, group,
        batch)
    }
  }

  /// Tells of units that have all in common but the user, and no ids.
  func tellOtherUser(_ pair: UnitGroup, of batch: UnitBatch) {
    let (licensor, licensee) = (pair.licensor[0], pair.licensee[0])
    if !haveSameMonths(batch[licensor], batch[licensee]) {
      tell(pair, of: batch)
    } else if comparison.comparesUsers && !haveSameUsers(licensor, licensee, batch) {
      emit(.userMismatch, .byTimeAlone, pair, batch)
    } else {
      note(pair, of: batch, fits: true)
    }
  }

  // MARK: - Emission

  private func isCompared(_ unit: UnitRecord) -> Bool {
    comparison.dates?.contains(CivilDate(daysSinceEpoch: unit.day)) ?? true
  }

  private func month(_ day: Int32) -> CivilMonth {
    if let lastMonth, lastMonth.day == day { return lastMonth.month }
    let month = CivilDate(daysSinceEpoch: day).month
    lastMonth = (day, month)
    return month
  }

  private func month(ofStart unit: UnitRecord) -> CivilMonth {
    zone.day(of: Instant(microseconds: unit.startedAt)).date.month
  }

  private func emit(
    _ cause: DifferenceCause, _ reason: DifferenceReason, _ group: UnitGroup, _ batch: UnitBatch,
    evidence: UInt64? = nil, pauses: ClosedRange<Int64>? = nil
  ) {
    guard let first = (group.licensor + group.licensee).first(where: { isCompared(batch[$0]) })
    else { return }
    let difference = Difference(
      cause: cause, reason: reason, licensor: group.licensor.map { described($0, batch) },
      licensee: group.licensee.map { described($0, batch) }, evidence: evidence, pauses: pauses)
    for index in group.licensor { add(difference, cause, batch[index], sign: 1) }
    for index in group.licensee { add(difference, cause, batch[index], sign: -1) }
    let key = StepKey(month: month(batch[first].day), kind: batch[first].kind, cause: cause)
    steps[key, default: BridgeStep()].differences += 1
    steps[key]?.reasons[reason, default: 0] += 1
    if let pauses { steps[key]?.widen(pauses) }
    guard failure == nil else { return }
    do throws(SpillError) {
      try rows.append(
        comparison.render(difference),
        rank: UInt64(month(batch[first].day).number) << 32
          | UInt64(comparison.kindRanks[batch[first].kind]),
        time: batch[first].start(clockDifference: comparison.clock.difference.microseconds))
    } catch {
      failure = error
    }
  }

  private func add(
    _ difference: Difference, _ cause: DifferenceCause, _ unit: UnitRecord, sign: Int
  ) {
    guard isCompared(unit) else { return }
    let key = StepKey(month: month(unit.day), kind: unit.kind, cause: cause)
    var step = steps[key] ?? BridgeStep()
    step.quantity += sign * Int(unit.quantity)
    if let amount = amount(unit) {
      step.amount = step.amount + amount * sign
    } else if unit.quantity != 0 {
      step.isUnpriced = true
    }
    steps[key] = step
  }

  private func amount(_ unit: UnitRecord) -> Money? {
    if let charge = unit.charge.value {
      return Money(digits: Int128(charge.digits), scale: charge.scale)
    }
    let key = SideSummary.SumKey(kind: Int32(unit.kind), day: unit.day)
    if let known = prices[key] { return known.map { $0 * Int(unit.quantity) } }
    let kind = comparison.kinds[unit.kind]
    let price = comparison.contract.unitPrice(
      module: kind.module, scenario: kind.scenario.isEmpty ? nil : kind.scenario, meter: kind.meter,
      on: CivilDate(daysSinceEpoch: unit.day))
    prices[key] = .some(price)
    return price.map { $0 * Int(unit.quantity) }
  }

  private func described(_ index: Int, _ batch: UnitBatch) -> Difference.Unit {
    let unit = batch[index]
    return Difference.Unit(
      date: CivilDate(daysSinceEpoch: unit.day), kind: comparison.kinds[unit.kind],
      quantity: Int(unit.quantity), amount: amount(unit), user: batch.user(index),
      conversation: batch.conversation(index),
      startedAt: unit.isTimeUnknown ? nil : Instant(microseconds: unit.startedAt),
      endedAt: unit.isTimeUnknown || unit.isEndUnknown
        ? nil : Instant(microseconds: unit.endedAt),
      place: unit.place)
  }
}

extension CivilMonth {
  /// Months since year 0.
  var number: Int { year * 12 + month - 1 }
}

extension CivilDate {
  fileprivate var number: Int { Int(daysSinceEpoch) }
}
