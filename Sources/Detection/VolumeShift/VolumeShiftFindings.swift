internal import CivilTime
internal import Contracts

/// Findings `volume_shift`: places of which the traffic is another from a day on.
enum VolumeShiftFindings: DetectionTest {
  /// A fall to so little or less is a matter for a question, where the licensee's others do not fall with it.
  private static let factorOfMedium = 0.4
  private static let daysOfMedium = 7
  /// Changes of one cause are found so many days apart at most, since days vary.
  private static let daysApartMax = 5
  /// Days that are looked at, the last ones: half a year.
  private static let daysMax: Int32 = 182

  /// Calls that are looked at together: of a licensee, of one of its apps, or of a module of that.
  private struct Series {
    /// App and module are empty where it is of several.
    var place: PlaceKey
    var parts: [PlaceKey]
    var isTested = false
    var days = 0
    var calls = 0
    var shift: VolumeShift?
    /// Calls of each day.
    private let daily: [(date: CivilDate, calls: Int)]

    init(_ place: PlaceKey, _ parts: [PlaceKey], _ dates: [CivilDate], _ context: DetectionContext)
    {
      self.place = place
      self.parts = parts
      daily = dates.map { date in
        let traffic = context.days[date]?.traffic.places ?? [:]
        return (date, parts.reduce(0) { $0 + (traffic[$1]?.total ?? 0) })
      }
      switch VolumeShiftTest(days: daily).result() {
      case .insufficient(let days, let calls): (self.days, self.calls) = (days, calls)
      case .none: isTested = true
      case .found(let shift): (isTested, self.shift) = (true, shift)
      }
    }

    /// Whether another one's change is the same: at about the same time, in the same direction.
    func changes(with other: Series) -> Bool {
      guard let shift, let also = other.shift else { return false }
      return (also.factor < 1) == (shift.factor < 1)
        && (also.from.daysSinceEpoch - shift.from.daysSinceEpoch).magnitude
          <= VolumeShiftFindings.daysApartMax
    }

    private func isPart(of whole: Series) -> Bool {
      whole.parts.count > parts.count && parts.allSatisfy(whole.parts.contains)
    }

    /// Whether the change of what it is a part of, or of a part of it, says all.
    func isToldBy(_ other: Series) -> Bool {
      guard changes(with: other) else { return false }
      return isPart(of: other) && other.restChanges(without: self)
        || other.isPart(of: self) && !restChanges(without: other)
    }

    /// Whether all but a part of it changes by half as much, or is too little to tell.
    private func restChanges(without part: Series) -> Bool {
      guard let shift else { return false }
      let rest = zip(daily, part.daily).map { (date: $0.date, calls: Double($0.calls - $1.calls)) }
      let before = VolumeShiftTest.median(rest.filter { $0.date < shift.from }.map(\.calls))
      let after = VolumeShiftTest.median(rest.filter { $0.date >= shift.from }.map(\.calls))
      guard before >= Double(VolumeShiftTest.callsOfDayMin) else { return true }
      let ratio = (after + 0.5) / (before + 0.5)
      // The square root, so that it is half of the change.
      return shift.factor < 1 ? ratio * ratio <= shift.factor : ratio * ratio >= shift.factor
    }
  }

  static func suspicions(in context: DetectionContext) -> [Suspicion] {
    let dates = fullDays(context)
    var places: Set<PlaceKey> = []
    for day in context.days.values { places.formUnion(day.traffic.places.keys) }
    return Set(places.map(\.licensee)).sorted().flatMap { licensee in
      suspicions(licensee, places.filter { $0.licensee == licensee }.sorted(), dates, context)
    }
  }

  private static func suspicions(
    _ licensee: String, _ places: [PlaceKey], _ dates: [CivilDate], _ context: DetectionContext
  ) -> [Suspicion] {
    // From all to each, so that what holds of all is told of all.
    let whole = PlaceKey(licensee: licensee, app: "", module: "")
    var groups = [whole: places]
    for place in places {
      var app = place
      app.module = ""
      if app != whole { groups[app] = places.filter { $0.app == place.app } }
      if groups[place] == nil { groups[place] = [place] }
    }
    var seen: Set<[PlaceKey]> = []
    let series = groups.keys.sorted().compactMap { key -> Series? in
      guard let parts = groups[key], seen.insert(parts).inserted else { return nil }
      return Series(key, parts, dates, context)
    }
    guard series.contains(where: \.isTested) else {
      let best = (series.map(\.days).max() ?? 0, series.map(\.calls).max() ?? 0)
      return [insufficient(licensee, best, context)]
    }
    return series.compactMap { own in
      guard let shift = own.shift, !series.contains(where: own.isToldBy) else { return nil }
      let others = series.filter { other in !other.parts.contains(where: own.parts.contains) }
      let isAlone = others.contains(where: \.isTested) && !others.contains(where: own.changes)
      return Suspicion(
        finding: finding(own, shift, isAlone: isAlone, context), probability: shift.probability)
    }
  }

  /// All days from the first to the last, but for those at either end of which the logs have a part.
  private static func fullDays(_ context: DetectionContext) -> [CivilDate] {
    var hours: [CivilDate: Set<Int32>] = [:]
    for (date, day) in context.days {
      for counts in day.traffic.places.values {
        hours[date, default: []].formUnion(counts.counts.keys)
      }
    }
    guard var first = hours.keys.min(), var last = hours.keys.max(), first < last else { return [] }
    // Hours that most days have calls in; where one of the first or last is missing at an end, the logs begin or
    // end there.
    var counts: [Int32: Int] = [:]
    for hours in hours.values {
      for hour in hours { counts[hour, default: 0] += 1 }
    }
    let usual = counts.filter { $0.value * 4 >= hours.count * 3 }.keys.sorted()
    guard let start = usual.first, let end = usual.last else { return [] }
    if let begin = hours[first]?.min(), begin > start + 1 { first = first + 1 }
    if let stop = hours[last]?.max(), stop < end - 1 {
      last = CivilDate(daysSinceEpoch: last.daysSinceEpoch - 1)
    }
    guard first <= last else { return [] }
    let begin = max(first.daysSinceEpoch, last.daysSinceEpoch - daysMax + 1)
    return (begin...last.daysSinceEpoch).map { CivilDate(daysSinceEpoch: $0) }
  }

  private static func insufficient(
    _ licensee: String, _ best: (days: Int, calls: Int), _ context: DetectionContext
  ) -> Suspicion {
    var finding = context.finding(
      .volumeShift, .info, clause: "access.inspection", licensee: licensee, records: 0,
      explanation: "Insufficient data: \(Words.count(best.days, "full day")) and "
        + "\(Words.count(best.calls, "call")) a day at most; "
        + "\(VolumeShiftTest.daysBeforeMin + VolumeShiftTest.daysAfterMin) days and "
        + "\(VolumeShiftTest.callsOfDayMin) calls a day are needed to tell another volume from chance.",
      action: "None. A longer range of days may tell.", evidence: [])
    finding.statistic = "days=\(best.days)"
    return Suspicion(finding: finding, probability: nil)
  }

  private static func finding(
    _ series: Series, _ shift: VolumeShift, isAlone: Bool, _ context: DetectionContext
  ) -> Finding {
    let place = series.place
    let falls = shift.factor < 1
    let isMedium =
      falls && isAlone && shift.factorHigh <= 1 / VolumeShiftTest.factorMin
      && shift.factor <= factorOfMedium && shift.daysAfter >= daysOfMedium
    let severity: Finding.Severity = isMedium ? .medium : falls ? .low : .info
    let factor = Words.decimal(shift.factor, places: 2)
    var text =
      "From \(shift.from) on a day has \(factor) times the calls of a like day before "
      + "(\(Words.decimal(shift.factorLow, places: 2)) to \(Words.decimal(shift.factorHigh, places: 2))): "
      + "\(shift.callsAfter) on a middling day, where it was \(shift.callsBefore); "
      + "\(Words.count(shift.daysBefore, "day")) before are compared with \(shift.daysAfter) from then on. "
    if falls {
      text += isAlone ? "The licensee's other apps and modules did not fall with it. " : ""
      text += "Fewer calls may be fewer users, or calls that are answered elsewhere. "
    }
    text +=
      "Other explanations: the season or a holiday, another version of the app, an app that was "
      + "\(falls ? "withdrawn or replaced" : "introduced or advertised"), or logs that are lacking."
    var finding = context.finding(
      .volumeShift, severity, clause: "access.inspection", licensee: place.licensee,
      records: series.parts.reduce(0) { $0 + context.use(of: $1).records }, explanation: text,
      action: falls
        ? "Ask the licensee what changed on that day, and look at what else is found of the app."
        : "None, unless the licensee does not know of it.",
      evidence: [])
    finding.app = place.app
    finding.module = place.module
    finding.from = context.contract.zone.start(of: shift.from)
    finding.statistic =
      "factor=\(factor) spread=\(Words.decimal(shift.spread, places: 2))"
    return finding
  }
}
