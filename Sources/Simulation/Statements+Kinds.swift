internal import CivilTime

// The ways in which differences are planted.
extension Statements {
  /// What a kind makes of a unit; `nil` where the unit does not allow it.
  func plan(_ kind: DiscrepancyKind, _ index: Int) -> Plan? {
    switch kind {
    case .bookedElsewhere, .bookedByEnd, .bookedInUTC: booked(kind, index)
    case .openedOnly, .failedCalls, .tooFewMessages: unbillable(kind, index)
    case .mergedSameID, .mergedOtherID, .mergedNoID: merged(kind, index)
    case .halved: halved(index)
    case .splitSameID, .splitOtherIDs, .splitNoIDs: split(kind, index)
    case .twiceAtLicensee, .twiceAtLicensor, .omitted: repeated(kind, isPlain(index), index)
    case .itemTwiceAtLicensee, .itemTwiceAtLicensor, .itemOmitted:
      repeated(kind, isPlainItem(index), index)
    case .misfiled, .misfiledNoID: misfiled(kind, index)
    case .misnamed, .misnamedNoID: misnamed(kind, index)
    case .unlistedModule, .unlistedScenario, .outsideTerm, .unserved, .itemUnserved:
      unserved(kind, index)
    case .unlogged, .itemUnlogged: unlogged(kind, index)
    }
  }

  // MARK: - Which units

  /// A billable conversation that is charged.
  private func isPlain(_ index: Int) -> Bool {
    units[index].isBillable && !units[index].isItem && isCharged(index)
  }

  private func isPlainItem(_ index: Int) -> Bool { units[index].isItem && isCharged(index) }

  private func isCharged(_ index: Int) -> Bool {
    isListed(index) && (!plantsAllWays || isInTerm(units[index].date))
  }

  /// Not of a module or scenario that was planted as misuse.
  private func isListed(_ index: Int) -> Bool {
    let unit = units[index]
    let licensee = catalogue.licensees[catalogue.modules[Int(unit.module)].licensee]
    return Int(unit.module) != licensee.disabledModule
      && Int(unit.scenario) != catalogue.unlistedScenario
  }

  private func isInTerm(_ date: Int32) -> Bool {
    date >= options.termFrom?.daysSinceEpoch ?? .min
      && date <= options.termTo?.daysSinceEpoch ?? .max
  }

  private func date(_ time: Int64, in zone: Zone) -> CivilDate {
    zone.date(of: Instant(microseconds: time * 1_000))
  }

  /// Whether a unit is a while from the user's others, so that nobody can take one for another.
  private func isApart(_ index: Int) -> Bool {
    let minutes: Int64 = 5 * 60_000
    let unit = units[index]
    if index > 0, units[index - 1].user == unit.user,
      unit.started - units[index - 1].ended < minutes
    {
      return false
    }
    return index + 1 == units.count || units[index + 1].user != unit.user
      || units[index + 1].started - unit.ended >= minutes
  }

  // MARK: - Units of the licensor

  /// The licensee books the unit on a day of another month: that of its end, or in UTC.
  private func booked(_ kind: DiscrepancyKind, _ index: Int) -> Plan? {
    guard isPlain(index) || kind == .bookedInUTC && isPlainItem(index) else { return nil }
    var unit = units[index]
    let month = CivilDate(daysSinceEpoch: unit.date).month
    let byEnd = date(unit.ended, in: options.zone)
    let inUTC = date(unit.started, in: .utc)
    let other: CivilDate
    if kind != .bookedInUTC, byEnd.month != month {
      other = byEnd
    } else if kind != .bookedByEnd, inUTC.month != month {
      other = inUTC
    } else {
      return nil
    }
    guard !plantsAllWays || isInTerm(other.daysSinceEpoch) else { return nil }
    unit.date = other.daysSinceEpoch
    return Plan(indices: [index], licensee: [StatedRow(unit: unit)])
  }

  private func unbillable(_ kind: DiscrepancyKind, _ index: Int) -> Plan? {
    let unit = units[index]
    guard !unit.isBillable else { return nil }
    if plantsAllWays {
      guard isCharged(index), isApart(index) else { return nil }
      switch kind {
      case .failedCalls: guard unit.isFailed else { return nil }
      case .tooFewMessages: guard unit.talk > 0 else { return nil }
      default: guard !unit.isFailed, unit.talk == 0, unit.failures == 0 else { return nil }
      }
    }
    return Plan(indices: [index], licensee: [StatedRow(unit: unit)])
  }

  /// Two or three units of a user, with the pauses between, as one.
  private func merged(_ kind: DiscrepancyKind, _ index: Int) -> Plan? {
    let count = plantsAllWays ? 2 + Int(Random.mix(UInt64(index)) % 2) : 2
    guard index + count <= units.count, isPlain(index),
      kind == .mergedNoID || units[index].conversation != 0
    else { return nil }
    var unit = units[index]
    for next in (index + 1)..<(index + count) {
      let other = units[next]
      guard isPlain(next), other.user == unit.user, other.module == unit.module,
        other.scenario == unit.scenario, other.date == unit.date,
        date(other.ended, in: options.zone).daysSinceEpoch == unit.date,
        !plantsAllWays || other.started - unit.ended <= Self.apart
      else { return nil }
      unit.ended = other.ended
      unit.messages += other.messages
    }
    if kind == .mergedNoID { unit.conversation = 0 }
    if kind == .mergedOtherID { unit.conversation = newConversation() }
    return Plan(
      indices: Array(index..<(index + count)), licensee: [StatedRow(unit: unit)])
  }

  /// Two halves with two minutes between.
  private func halved(_ index: Int) -> Plan? {
    let unit = units[index]
    guard isPlain(index), unit.messages >= 6, unit.ended - unit.started > 240_000 else {
      return nil
    }
    var first = unit
    var second = unit
    let middle = (unit.started + unit.ended) / 2
    first.ended = middle - 60_000
    second.started = middle + 60_000
    first.messages = unit.messages / 2
    second.messages = unit.messages - first.messages
    return Plan(
      indices: [index], licensee: [StatedRow(unit: first), StatedRow(unit: second)])
  }

  /// Two or three parts, divided where the user made the longest pauses.
  private func split(_ kind: DiscrepancyKind, _ index: Int) -> Plan? {
    let unit = units[index]
    guard isPlain(index), isApart(index), kind == .splitNoIDs || unit.conversation != 0 else {
      return nil
    }
    let minutes: Int32 = 2 * 60_000
    let pauses =
      (Random.mix(UInt64(index)) % 2 == 0 ? [unit.longest] : [unit.longest, unit.second])
      .sorted { $0.from < $1.from }
    guard pauses.allSatisfy({ $0.length >= minutes }) else { return nil }
    var parts: [StatedUnit] = []
    var rest = unit
    for pause in pauses {
      var part = rest
      part.ended = pause.from
      part.messages = pause.messagesBefore - (unit.messages - rest.messages)
      parts.append(part)
      rest.started = pause.to
      rest.messages -= part.messages
    }
    parts.append(rest)
    for place in parts.indices {
      if kind == .splitNoIDs { parts[place].conversation = 0 }
      // The first keeps the one that the conversation began with.
      if kind == .splitOtherIDs, place > 0 { parts[place].conversation = newConversation() }
      let day = date(parts[place].started, in: options.zone)
      guard day.daysSinceEpoch == unit.date else { return nil }
    }
    return Plan(indices: [index], licensee: parts.map { StatedRow(unit: $0) })
  }

  /// Listed twice by one side, or not at all by the licensee.
  private func repeated(_ kind: DiscrepancyKind, _ qualifies: Bool, _ index: Int) -> Plan? {
    guard qualifies else { return nil }
    let row = StatedRow(unit: units[index])
    switch kind {
    case .twiceAtLicensee, .itemTwiceAtLicensee:
      return Plan(indices: [index], licensee: [row, row])
    case .twiceAtLicensor, .itemTwiceAtLicensor:
      return Plan(indices: [index], licensee: [row], licensorToo: [row])
    default:
      guard !plantsAllWays || units[index].isItem || isApart(index) else { return nil }
      return Plan(indices: [index])
    }
  }

  private func misfiled(_ kind: DiscrepancyKind, _ index: Int) -> Plan? {
    var unit = units[index]
    let licensee = catalogue.licensees[catalogue.modules[Int(unit.module)].licensee]
    let other = licensee.conversationModules.first {
      $0 != Int(unit.module) && catalogue.modules[$0].scenarios.contains(Int(unit.scenario))
    }
    guard isPlain(index), let other else { return nil }
    if plantsAllWays, kind == .misfiled, unit.conversation == 0 { return nil }
    unit.module = UInt16(other)
    if kind == .misfiledNoID { unit.conversation = 0 }
    return Plan(indices: [index], licensee: [StatedRow(unit: unit)])
  }

  private func misnamed(_ kind: DiscrepancyKind, _ index: Int) -> Plan? {
    var unit = units[index]
    guard isPlain(index), kind == .misnamedNoID || unit.conversation != 0 else { return nil }
    let licensee = catalogue.licensees[catalogue.modules[Int(unit.module)].licensee]
    let next = Int(unit.user) - licensee.firstUser + 1
    unit.user = Int32(licensee.firstUser + next % licensee.userCount)
    if plantsAllWays {
      let near = (unit.started - Self.apart)...(unit.ended + Self.apart)
      guard !isBusy(unit.user, near) else { return nil }
    }
    if kind == .misnamedNoID { unit.conversation = 0 }
    return Plan(indices: [index], licensee: [StatedRow(unit: unit)])
  }

  // MARK: - Units that never were

  private func newConversation() -> UInt64 { (random.next() >> 24) | 1 }

  /// A conversation while the log is complete, of a user who calls nothing for hours.
  private func unserved(_ kind: DiscrepancyKind, _ index: Int) -> Plan? {
    guard var unit = plantsAllWays ? quiet(kind, index) : quietAfter(index) else { return nil }
    if kind == .unlistedScenario { unit.scenario = UInt16(catalogue.unlistedScenario) }
    return Plan(
      licensee: [StatedRow(unit: unit, moduleName: kind == .unlistedModule ? "trial-bot" : nil)])
  }

  private static let quietMilliseconds: Int64 = 6 * 3_600_000

  /// Three hours after a unit whose user calls nothing for six.
  private func quietAfter(_ index: Int) -> StatedUnit? {
    guard isPlain(index), index + 1 < units.count, units[index + 1].user == units[index].user,
      units[index + 1].started - units[index].ended > Self.quietMilliseconds
    else { return nil }
    var unit = units[index]
    unit.started = unit.ended + Self.quietMilliseconds / 2
    return invented(unit)
  }

  /// Within a minute of another user's call, so that the log is not silent.
  private func quiet(_ kind: DiscrepancyKind, _ index: Int) -> StatedUnit? {
    guard units[index].isBillable, isListed(index), !units[index].isItem,
      isInTerm(units[index].date) != (kind == .outsideTerm)
    else { return nil }
    var unit = units[index]
    unit.isItem = kind == .itemUnserved
    unit.started += 1_000 + Int64(random.below(59_000))
    unit = invented(unit)
    guard !isInGap(unit), isInTerm(unit.date) != (kind == .outsideTerm) else { return nil }
    return givenToQuietUser(unit)
  }

  private func isInGap(_ unit: StatedUnit) -> Bool {
    let minutes = Interval(seconds: 5 * 60)
    let start = Instant(microseconds: unit.started * 1_000)
    let end = Instant(microseconds: unit.ended * 1_000)
    return options.logGaps.contains { start < $0.to + minutes && $0.from < end + minutes }
  }

  /// Under the name of a user who calls nothing for hours before and after.
  private func givenToQuietUser(_ unit: StatedUnit) -> StatedUnit? {
    let licensee = catalogue.licensees[catalogue.modules[Int(unit.module)].licensee]
    let near = (unit.started - Self.apart)...(unit.ended + Self.apart)
    for _ in 0..<16 {
      var unit = unit
      unit.user = Int32(licensee.firstUser + random.below(licensee.userCount))
      if isBusy(unit.user, near) || hasPlanted(unit.user, near: unit.started...unit.ended) {
        continue
      }
      guard unit.isItem else { return unit }
      guard let module = licensee.itemModules.first else { return nil }
      unit.module = UInt16(module)
      unit.scenario = UInt16(catalogue.modules[module].scenarios[0])
      return unit
    }
    return nil
  }

  private func invented(_ unit: StatedUnit) -> StatedUnit {
    var unit = unit
    unit.ended = unit.started + 60_000 + Int64(random.below(180_000))
    unit.date = date(unit.started, in: options.zone).daysSinceEpoch
    unit.conversation = newConversation()
    unit.messages = max(Int32(2 + random.below(6)), Int32(options.minMessages))
    guard plantsAllWays else { return unit }
    // Some apps name no conversation.
    if random.below(4) == 0 { unit.conversation = 0 }
    if unit.isItem {
      unit.ended = unit.started
      unit.messages = 1
      unit.quantity = Int32(1 + random.below(20))
    }
    return unit
  }

  /// A conversation in a window that the log lost.
  private func unlogged(_ kind: DiscrepancyKind, _ index: Int) -> Plan? {
    guard isPlain(index) else { return nil }
    var unit = units[index]
    guard plantsAllWays else {
      guard let gap = options.logGaps.first else { return nil }
      let from = gap.from.microseconds / 1_000
      let width = Int(gap.to.microseconds / 1_000 - from)
      guard !comesNear(index, from, from + Int64(width)) else { return nil }
      // Early enough in the gap to end in it.
      unit.started = from + Int64(random.below(max(1, width / 2)))
      return Plan(licensee: [StatedRow(unit: invented(unit))])
    }
    guard !options.logGaps.isEmpty else { return nil }
    let gap = options.logGaps[random.below(options.logGaps.count)]
    let from = gap.from.microseconds / 1_000
    let to = gap.to.microseconds / 1_000
    let room = to - from - 2 * 60_000 - 240_000
    guard room > 0 else { return nil }
    unit.started = from + 60_000 + Int64(random.unit() * Double(room))
    unit.isItem = kind == .itemUnlogged
    unit = invented(unit)
    guard isInTerm(unit.date), let unit = givenToQuietUser(unit) else { return nil }
    return Plan(licensee: [StatedRow(unit: unit)])
  }

  /// Whether the user's unit, or the one before or after, comes near a window.
  private func comesNear(_ index: Int, _ from: Int64, _ to: Int64) -> Bool {
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
