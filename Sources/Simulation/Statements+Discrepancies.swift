internal import CivilTime

extension Statements {
  /// Fills both sides with the units, and plants differences of every cause.
  ///
  /// - Returns: what was planted, cause by cause; fewer than wanted where the traffic offers fewer.
  func plant() -> [Truth.Discrepancy] {
    let wanted = options.discrepanciesPerCause
    // What becomes of each unit on the licensee's side; `nil`: it is listed as it is.
    var changes: [Int: [StatedRow]] = [:]
    var extra: [StatedRow] = []
    var result: [Truth.Discrepancy] = []

    func rows(_ unit: StatedUnit) -> [StatedRow] { [StatedRow(unit: unit)] }
    func record(_ cause: String, _ effect: Int, _ planted: [Truth.Discrepancy.Unit]) {
      result.append(
        .init(
          cause: cause, count: planted.count, quantityEffect: effect * planted.count,
          units: planted))
    }

    // The causes that only some units allow come first.
    let boundary = take(wanted) { periodBoundaryDate($0) != nil }
    for index in boundary {
      var unit = units[index]
      unit.date = periodBoundaryDate(index) ?? unit.date
      changes[index] = rows(unit)
    }
    let unbilled = take(wanted) { !units[$0].isBillable }
    for index in unbilled { changes[index] = rows(units[index]) }
    let mergeable = take(wanted, neighbours: 1) { canMerge($0) }
    for index in mergeable {
      var unit = units[index]
      unit.ended = units[index + 1].ended
      unit.messages += units[index + 1].messages
      changes[index] = rows(unit)
      changes[index + 1] = []
    }
    let splittable = take(wanted) {
      isPlain($0) && units[$0].messages >= 6 && units[$0].ended - units[$0].started > 240_000
    }
    for index in splittable { changes[index] = halves(units[index]) }
    record("period_boundary", 0, boundary.map { stated(units[$0]) })
    record("not_billable", 1, unbilled.map { stated(units[$0]) })
    record("merged", -1, mergeable.map { stated(units[$0]) })
    record("split", 1, splittable.map { stated(units[$0]) })

    let twice = take(wanted, where: isPlain)
    for index in twice { changes[index] = rows(units[index]) + rows(units[index]) }
    record("duplicate_at_licensee", 1, twice.map { stated(units[$0]) })

    let twiceHere = take(wanted, where: isPlain)
    licensor = units.filter(\.isBillable).map { StatedRow(unit: $0) }
    licensor += twiceHere.map { StatedRow(unit: units[$0]) }
    record("duplicate_at_licensor", -1, twiceHere.map { stated(units[$0]) })

    let omitted = take(wanted, where: isPlain)
    for index in omitted { changes[index] = [] }
    record("missing_at_licensee", -1, omitted.map { stated(units[$0]) })

    let misfiled = take(wanted) { isPlain($0) && otherModule($0) != nil }
    for index in misfiled {
      var unit = units[index]
      unit.module = otherModule(index) ?? unit.module
      changes[index] = rows(unit)
    }
    record("module_mismatch", 0, misfiled.map { stated(units[$0]) })

    let misnamed = take(wanted) { isPlain($0) && units[$0].conversation != 0 }
    for index in misnamed {
      var unit = units[index]
      unit.user = otherUser(index)
      changes[index] = rows(unit)
    }
    record("user_mismatch", 0, misnamed.map { stated(units[$0]) })

    let foreign = take(wanted, where: hasQuietAfter).map { quietUnit(after: $0) }
    extra += foreign.map { StatedRow(unit: $0, moduleName: "trial-bot") }
    record("outside_contract", 1, foreign.map { stated($0, module: "trial-bot") })

    let unserved = take(wanted, where: hasQuietAfter).map { quietUnit(after: $0) }
    extra += unserved.map { StatedRow(unit: $0) }
    record("missing_at_licensor_no_traffic", 1, unserved.map { stated($0) })

    let unlogged = gapUnits(wanted)
    extra += unlogged.map { StatedRow(unit: $0) }
    record("missing_at_licensor_log_gap", 1, unlogged.map { stated($0) })

    for (index, unit) in units.enumerated() {
      licensee += changes[index] ?? (unit.isBillable ? rows(unit) : [])
    }
    licensee += extra
    return result
  }

  /// Takes up to `wanted` units that qualify, spread over the whole.
  private func take(
    _ wanted: Int, neighbours: Int = 0, where qualifies: (Int) -> Bool
  ) -> [Int] {
    guard !units.isEmpty, wanted > 0 else { return [] }
    var taken: [Int] = []
    let start = random.below(units.count)
    // A stride that is prime to the count visits every unit once, in no particular order.
    var stride = max(1, units.count * 5 / 8)
    while Self.greatestCommonDivisor(stride, units.count) != 1 { stride += 1 }
    for step in units.indices where taken.count < wanted {
      let index = (start + step * stride) % units.count
      let reach = max(0, index - 1)...min(units.count - 1, index + neighbours + 1)
      guard !reach.contains(where: { isTaken[$0] }), qualifies(index) else { continue }
      for near in reach { isTaken[near] = true }
      taken.append(index)
    }
    return taken.sorted()
  }

  private static func greatestCommonDivisor(_ left: Int, _ right: Int) -> Int {
    right == 0 ? left : greatestCommonDivisor(right, left % right)
  }

  private func isPlain(_ index: Int) -> Bool {
    units[index].isBillable && !units[index].isItem && isListed(index)
  }

  /// Not of a module or scenario that was planted as misuse.
  private func isListed(_ index: Int) -> Bool {
    let unit = units[index]
    let licensee = catalogue.licensees[catalogue.modules[Int(unit.module)].licensee]
    return Int(unit.module) != licensee.disabledModule
      && Int(unit.scenario) != catalogue.unlistedScenario
  }

  /// The day of another month that the licensee books the unit on: where it counts by the end of a
  /// conversation, or in UTC.
  private func periodBoundaryDate(_ index: Int) -> Int32? {
    guard isPlain(index) else { return nil }
    let unit = units[index]
    let month = CivilDate(daysSinceEpoch: unit.date).month
    let byEnd = options.zone.date(of: Instant(microseconds: unit.ended * 1_000))
    if byEnd.month != month { return byEnd.daysSinceEpoch }
    let inUTC = Zone.utc.date(of: Instant(microseconds: unit.started * 1_000))
    return inUTC.month != month ? inUTC.daysSinceEpoch : nil
  }

  private func canMerge(_ index: Int) -> Bool {
    guard index + 1 < units.count, isPlain(index), isPlain(index + 1) else { return false }
    let first = units[index]
    let second = units[index + 1]
    return first.user == second.user && first.module == second.module
      && first.scenario == second.scenario && first.date == second.date
      && first.conversation != 0
      && options.zone.date(of: Instant(microseconds: second.ended * 1_000)).daysSinceEpoch
        == first.date
  }

  private func halves(_ unit: StatedUnit) -> [StatedRow] {
    var first = unit
    var second = unit
    let middle = (unit.started + unit.ended) / 2
    first.ended = middle - 60_000
    second.started = middle + 60_000
    first.messages = unit.messages / 2
    second.messages = unit.messages - first.messages
    return [StatedRow(unit: first), StatedRow(unit: second)]
  }

  private func otherModule(_ index: Int) -> UInt16? {
    let module = Int(units[index].module)
    let licensee = catalogue.licensees[catalogue.modules[module].licensee]
    return licensee.conversationModules.first {
      $0 != module && catalogue.modules[$0].scenarios.contains(Int(units[index].scenario))
    }.map { UInt16($0) }
  }

  private func otherUser(_ index: Int) -> Int32 {
    let licensee = catalogue.licensees[catalogue.modules[Int(units[index].module)].licensee]
    let next = Int(units[index].user) - licensee.firstUser + 1
    return Int32(licensee.firstUser + next % licensee.userCount)
  }

  private static let quietMilliseconds: Int64 = 6 * 3_600_000

  /// Whether the user calls nothing for six hours after the unit.
  private func hasQuietAfter(_ index: Int) -> Bool {
    guard isPlain(index), index + 1 < units.count, units[index + 1].user == units[index].user
    else { return false }
    return units[index + 1].started - units[index].ended > Self.quietMilliseconds
  }

  /// A conversation that never was, three hours after a real one.
  private func quietUnit(after index: Int) -> StatedUnit {
    var unit = units[index]
    unit.started = unit.ended + Self.quietMilliseconds / 2
    return invented(unit)
  }

  private func invented(_ unit: StatedUnit) -> StatedUnit {
    var unit = unit
    unit.ended = unit.started + 60_000 + Int64(random.below(180_000))
    unit.date =
      options.zone.date(of: Instant(microseconds: unit.started * 1_000)).daysSinceEpoch
    unit.conversation = (random.next() >> 24) | 1
    unit.messages = Int32(2 + random.below(6))
    return unit
  }

  /// Conversations in the windows that the log lost.
  private func gapUnits(_ wanted: Int) -> [StatedUnit] {
    guard let gap = options.logGaps.first else { return [] }
    let from = gap.from.microseconds / 1_000
    let width = Int(gap.to.microseconds / 1_000 - from)
    return take(wanted, where: { isPlain($0) && !isBusy($0, from, from + Int64(width)) }).map {
      var unit = units[$0]
      // Early enough in the gap to end in it.
      unit.started = from + Int64(random.below(max(1, width / 2)))
      return invented(unit)
    }
  }

  /// Whether the user's unit, or the one before or after, comes near a window.
  private func isBusy(_ index: Int, _ from: Int64, _ to: Int64) -> Bool {
    let idle = options.idleTimeout.microseconds / 1_000
    for near in max(0, index - 1)...min(units.count - 1, index + 1)
    where units[near].user == units[index].user && units[near].ended > from - idle
      && units[near].started < to + idle
    {
      return true
    }
    return false
  }
}
