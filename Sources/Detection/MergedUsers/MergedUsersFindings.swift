internal import CivilTime
internal import Contracts

/// Findings `merged_users`: one for each licensee of whom users look like several people.
struct MergedUsersTest: Sendable {
  /// What is granted to one person, and what is enough.
  struct Settings: Sendable, Hashable {
    /// How often, on a day, one person is at three, four, and five places with as many devices.
    var dayShares = [0.04, 0.008, 0.002]
    /// How often a call of one person comes while one from another place and device is in flight.
    var overlapShare = 0.01
    /// Days on which a user must show one or the other.
    var daysMin = 4
    var daysOverlappingMin = 4
    /// Or disjoint faces on one of the days at least.
    var facesMin = 4
    /// Users are reported only if one person shows it more rarely than this, after correction for all
    /// users.
    var significance = 0.001
    /// Users who are told together because chance would not have so many, at most.
    var usersTogether = 10
    /// What several people must show to be told with more than low severity: so many at once, on so
    /// many days, with so many calls that overlap.
    var peopleMedium = 3
    var peopleHigh = 4
    var overlapsMedium = 10
    var overlapsHigh = 30
    var daysHigh = 5
    /// Or so many disjoint faces a day, on so many days: medium.
    var facesMedium = 5
    var daysMedium = 5

    init() {}
  }

  var settings = Settings()

  /// A user, as all its days show it.
  struct Result {
    var key: UserKey
    var days = 0
    var daysOverlapping = 0
    var daysManyFaces = 0
    var sum = MergedUserRow()
    /// Of the days, what score they have and the most disjoint faces.
    var score = 0
    var disjointFacesMax = 0
    var probability = 1.0
    var severity = Finding.Severity.low

    /// So many people, at least: as many as held conversations side by side or called at once.
    var people: Int { max(2, sum.sessionsMax, sum.inFlightMax) }
  }

  /// What a user's days show, and how rarely one person shows it; `nil` where that is too little to
  /// ask.
  ///
  /// - Parameter dayCount: days of the range; what a user did on those that are not kept counts as
  ///   nothing.
  func result(of history: UserHistory<MergedUserRow>, dayCount: Int) -> Result? {
    var result = Result(key: history.key)
    for (_, row) in history.days {
      let disjoint = row.disjointFaces
      let score = score(row, disjoint)
      if score > 0 { result.days += 1 }
      if disjoint >= settings.facesMedium { result.daysManyFaces += 1 }
      if row.overlaps > 0 { result.daysOverlapping += 1 }
      result.score += score
      result.disjointFacesMax = max(result.disjointFacesMax, disjoint)
      result.sum.merge(row)
    }
    guard
      result.days >= settings.daysMin || result.daysOverlapping >= settings.daysOverlappingMin
    else { return nil }
    // Three places with as many devices, every day, are a habit that one person may have.
    guard
      result.disjointFacesMax >= settings.facesMin || result.people > 2
        || result.daysOverlapping >= settings.daysOverlappingMin
    else { return nil }
    let byDays = Tails.sum(
      atLeast: result.score, of: max(dayCount, history.days.count),
      probabilities: [1 - settings.dayShares.reduce(0, +)] + settings.dayShares)
    // The days that are not kept had calls as well: as many, let us say.
    let calls = result.sum.calls * max(dayCount, history.days.count) / history.days.count
    let byOverlap =
      result.daysOverlapping >= settings.daysOverlappingMin
      ? Tails.binomial(
        atLeast: result.sum.overlaps, of: calls, share: settings.overlapShare) : 1
    // Two tests of each user; the first is given the greater part of what may be false.
    result.probability = min(1, byDays / 0.9, byOverlap / 0.1)
    result.severity = severity(result)
    return result
  }

  /// The users who are told: so many of them that so many would have the like by chance most rarely.
  /// Several users who each show it less clearly are told together, unless many others show it too.
  ///
  /// - Parameters:
  ///   - results: of all users that show something.
  ///   - days: users' days that were looked at, and those that show something.
  func accepted(
    _ results: [Result], days: (looked: Int, shown: Int)
  ) -> (results: [Result], probability: Double)? {
    let sorted = results.sorted { ($0.probability, $0.key) < ($1.probability, $1.key) }
    let users = max(sorted.count, days.looked / settings.daysOverlappingMin)
    let countMax = min(sorted.count, settings.usersTogether)
    var best = (count: 0, probability: 1.0)
    var shown = days.shown
    for count in 1...max(1, countMax) where count <= countMax {
      let last = sorted[count - 1]
      shown -= last.days
      // What many have is usual here.
      if count > 1, Double(shown) > settings.dayShares.reduce(0, +) * Double(days.looked) {
        continue
      }
      // The more of them, the less of what may be false is theirs: a half, a quarter, …
      let chance = Tails.users(count, of: users, share: last.probability)
      let probability = min(1, chance * Double(1 << count))
      if probability < best.probability { best = (count, probability) }
    }
    // Those who would be told alone are told with them.
    let alone = sorted.prefix {
      $0.probability * Double(2 * users) <= settings.significance
    }.count
    guard best.probability <= settings.significance else { return nil }
    return (Array(sorted.prefix(max(best.count, alone))), best.probability)
  }

  /// What a day adds: 1 to 3 as its faces, or the people at once, are more than one person has.
  private func score(_ row: MergedUserRow, _ disjoint: Int) -> Int {
    if row.sessionsMax >= 3 || row.inFlightMax >= 3 || disjoint >= 5 { return 3 }
    return max(0, disjoint - 2)
  }

  private func severity(_ result: Result) -> Finding.Severity {
    let isAtOnce =
      result.sum.overlaps >= settings.overlapsMedium
      && result.daysOverlapping >= settings.daysOverlappingMin
    if isAtOnce && result.people >= settings.peopleHigh
      && result.sum.overlaps >= settings.overlapsHigh
      && result.daysOverlapping >= settings.daysHigh
    {
      return .high
    }
    return isAtOnce || result.people >= settings.peopleMedium
      || result.daysManyFaces >= settings.daysMedium ? .medium : .low
  }
}

enum MergedUsersFindings: DetectionTest {
  static func suspicions(in context: DetectionContext) -> [Suspicion] {
    let days = context.days.sorted { $0.key < $1.key }
    let histories = UserHistory.all(
      days.map { (day: Int($0.key.daysSinceEpoch), rows: $0.value.mergedUsers.rows) })
    let test = MergedUsersTest()
    return histories.compactMap { licensee, users in
      let looked = days.reduce(0) { $0 + ($1.value.mergedUsers.users[licensee] ?? 0) }
      let shown = users.reduce(0) { sum, user in
        sum + user.days.count { $0.row.disjointFaces >= 3 }
      }
      let results = users.compactMap { test.result(of: $0, dayCount: days.count) }
      guard let told = test.accepted(results, days: (looked, shown)) else { return nil }
      let sorted = told.results.sorted {
        ($1.severity, $0.probability, $0.key) < ($0.severity, $1.probability, $1.key)
      }
      guard let first = sorted.first else { return nil }
      return Suspicion(
        finding: finding(licensee, sorted, first, context), probability: told.probability)
    }
  }

  private static func finding(
    _ licensee: String, _ results: [MergedUsersTest.Result], _ first: MergedUsersTest.Result,
    _ context: DetectionContext
  ) -> Finding {
    let low = results.reduce(0) { $0 + $1.sum.heldWithin }
    let high = results.reduce(0) { $0 + $1.sum.begunWithin }
    var lines = first.sum.overlapping
    if first.sum.overlaps == 0 { lines = first.sum.showing }
    var finding = context.finding(
      .mergedUsers, first.severity, licensee: licensee,
      records: results.reduce(0) { $0 + $1.sum.calls },
      explanation: explanation(results, first, low...max(low, high), context),
      action:
        "Ask the licensee who calls under \(results.count == 1 ? "this user" : "these users"), "
        + "and that each person has an id of its own (access.no_caching). An id for visitors who are "
        + "not logged in must tell them apart.",
      evidence: lines.sources)
    finding.subject = results.count == 1 ? context.user(first.key.user) : ""
    finding.statistic =
      "users=\(results.count) overlaps=\(first.sum.overlaps) people>=\(first.people) "
      + "days=\(first.days) places=\(first.disjointFacesMax)"
    if context.contract.rules.allSatisfy({ $0.rule.identity == [.user] }) {
      finding.suppressedLow = low
      finding.suppressedHigh = max(low, high)
    }
    return finding
  }

  private static func explanation(
    _ results: [MergedUsersTest.Result], _ first: MergedUsersTest.Result,
    _ units: ClosedRange<Int>, _ context: DetectionContext
  ) -> String {
    let names = results.map { context.user($0.key.user) }
    var text =
      results.count == 1
      ? "One billed user, \(Words.list(names)), looks like several people. "
      : "\(results.count) billed users look like several people each: \(Words.list(names)). "
    text +=
      "\(results.count == 1 ? "It" : "The clearest, \"\(names[0])\",") was on "
      + "\(Words.count(first.days, "day")) at three or more addresses with as many devices (up to "
      + "\(first.disjointFacesMax) on one day), of which no two share either. "
    if first.sum.overlaps > 0 {
      text +=
        "\(Words.count(first.sum.overlaps, "call")) came from another address and device while a "
        + "call was still being answered. "
    }
    if first.sum.returns > 0 {
      text +=
        "\(Words.count(first.sum.returns, "time")) a device went on with its conversation after "
        + "another, at another address, had spoken. "
    }
    if first.people > 2 {
      text += "At one moment \(first.people) of them were active, so there are that many at least. "
    }
    text +=
      "Conversations that different users hold at the same time are counted apart, those of one "
      + "user as one: \(units.lowerBound) to \(units.upperBound) more would have been counted. "
      + "Other explanations: one busy person with several devices and networks, an id that "
      + "visitors who are not logged in share, or tests from many machines."
    return text
  }
}
