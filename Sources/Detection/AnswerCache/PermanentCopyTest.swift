public import CivilTime
internal import Glibc

/// What a test for a permanent copy says about one segment.
public enum PermanentCopyResult: Sendable, Hashable {
  /// Too few repeats would be expected; the greatest expectation is told.
  case insufficient(expected: Double)
  /// There is enough data, and questions repeat.
  case none
  case found(PermanentCopy)
}

/// A copy of the answers that is kept for good: from some day on questions stop repeating.
public struct PermanentCopy: Sendable, Hashable {
  /// What the expectation rests on.
  public enum Reference: String, Sendable, Hashable, CaseIterable {
    /// The segment's own earlier days.
    case earlierDays = "earlier_days"
    /// The same days of the licensee's other apps; the copy was there from the first day.
    case otherApps = "other_apps"
  }

  /// The first day on which nothing repeats.
  public var from: CivilDate
  public var to: CivilDate
  public var reference: Reference
  /// Independent copies: a question comes at most so often.
  public var nodes: Int
  /// Calls of a question beyond what the copies let through.
  public var observed: Int
  /// What the reference would give at as many calls.
  public var expected: Double
  /// The probability of so few, corrected for the days and numbers of copies tried.
  public var pValue: Double
  public var hypotheses: Int
  /// The other apps' repeats from that day on, observed over expected by their own earlier days;
  /// `nil` where they have too few. Near 1 it says that the change is this app's alone; near 0 it
  /// happened to all of them, by one copy or by another reason that they share.
  public var otherApps: Double?
  /// Calls that the copies answered.
  public var hiddenLow: Int
  public var hiddenHigh: Int
  /// The questions that had been most popular, for the evidence and in words.
  public var telling: [CopiedQuestion]
}

/// One question that stopped repeating.
public struct CopiedQuestion: Sendable, Hashable {
  /// The question's hash.
  public var question: UInt64
  /// Users who asked it in the reference.
  public var before: Int
  /// Users who asked it since.
  public var after: Int
  /// How many would have, at as many calls.
  public var afterExpected: Double
  /// The lines of its last call before and of its first ones since.
  public var sources: [UInt64]
}

/// Finds a permanent copy.
///
/// Once a question is in the copy it never arrives again; so repeats by further users end, while
/// first calls go on. Everything is at equal numbers of calls, so that less volume alone changes
/// nothing, and new questions count with their own repeats. `docs/detectors/permanent-copy.md` says
/// what is tested and why.
public struct PermanentCopyTest: Sendable {
  public struct Settings: Sendable, Hashable {
    /// Fewer repeats expected are too few to say anything.
    public var expectedMin = 20.0
    public var significance = 0.001
    /// Independent copies that are looked for.
    public var nodesMax = 3
    /// Of the repeats that are expected, a copy lets through at most this share.
    public var leakShareMax = 0.05
    /// Days that must lie on each side of the change.
    public var daysMin = 3
    /// Users of an app that is held against others: a few ask what they care for.
    public var usersMin = 20

    public init() {}
  }

  public var settings: Settings

  public init(settings: Settings = Settings()) { self.settings = settings }

  /// The result for one segment.
  ///
  /// - Parameters:
  ///   - days: the segment's UTC days.
  ///   - otherApps: the same days of the licensee's other apps of the same module, merged.
  public func result(
    of days: [CivilDate: QuestionSample], otherApps: [CivilDate: QuestionSample] = [:]
  ) -> PermanentCopyResult {
    let group = RepeatGroup([days, otherApps].map { RepeatSeries(CallSeries($0)) })
    return result(of: 0, in: group)
  }

  /// The result for one of a licensee's segments of a module.
  func result(of place: Int, in group: RepeatGroup) -> PermanentCopyResult {
    let own = group.series[place]
    var expectedMost = 0.0
    let changes = changes(own)
    for change in changes { expectedMost = max(expectedMost, change.expected) }
    if let best = changes.filter({ isImprobable($0, tried: changes.count) }).min(by: isMoreTelling),
      isCopy(best, own)
    {
      return .found(report(best, of: place, in: group, tried: changes.count))
    }
    if let copy = copyFromTheFirstDay(place, group, expectedMost: &expectedMost) {
      return .found(copy)
    }
    return expectedMost < settings.expectedMin ? .insufficient(expected: expectedMost) : .none
  }
}

/// Repeats from a day on, for a number of copies.
struct RepeatChange: Sendable {
  /// The index of the first day after the change.
  var day: Int
  var nodes: Int
  var observed: Int
  var expected: Double
  /// Questions of the days before that came again, and as many as should have.
  var known: Int
  var knownExpected: Double
  /// Users' questions a day, after over before.
  var volume: Double
}

extension PermanentCopyTest {
  private func changes(_ series: RepeatSeries) -> [RepeatChange] {
    let last = series.dayCount - settings.daysMin
    guard settings.daysMin > 0, settings.daysMin <= last else { return [] }
    return (settings.daysMin...last).flatMap { day in
      series.changes(at: day, nodesMax: max(1, settings.nodesMax))
    }
  }

  private func logProbability(_ observed: Int, _ expected: Double, tried: Int) -> Double {
    min(
      0,
      Probability.logPoisson(atMost: Double(observed), mean: expected) + log(Double(max(1, tried))))
  }

  /// Repeats are as good as gone.
  private func isImprobable(_ change: RepeatChange, tried: Int) -> Bool {
    change.expected >= settings.expectedMin
      && Double(change.observed) <= settings.leakShareMax * change.expected
      && logProbability(change.observed, change.expected, tried: tried)
        <= log(
          settings.significance)
  }

  /// It is not that questions are only written otherwise: then none of the old ones would come, and
  /// as many calls as before. And until then questions did repeat within as many days: else the days
  /// are too few to tell a copy for good from one with a lifetime, or from a daily job. Several copies
  /// of one question are made soon after each other; a long lifetime keeps them days apart.
  private func isCopy(_ change: RepeatChange, _ series: RepeatSeries) -> Bool {
    let isKnown = change.known >= 10 && Double(change.known) >= 0.2 * change.knownExpected
    return (isKnown || change.volume <= 0.6)
      && series.repeatShareBefore(change) >= Self.repeatShareBeforeMin
      && (change.nodes == 1 || series.closeShare(since: change.day) >= Self.closeShareMin)
  }

  private static let closeShareMin = 0.02

  private static let repeatShareBeforeMin = 0.5

  /// The day and the number of copies that leave the most to explain.
  private func isMoreTelling(_ left: RepeatChange, _ right: RepeatChange) -> Bool {
    let gains = [left, right].map { logProbability($0.observed, $0.expected, tried: 1) }
    if gains[0] != gains[1] { return gains[0] < gains[1] }
    return (left.nodes, left.day) < (right.nodes, right.day)
  }

  private func report(
    _ change: RepeatChange, of place: Int, in group: RepeatGroup, tried: Int
  ) -> PermanentCopy {
    let own = group.series[place]
    let from = own.firstDay + change.day
    let hidden = own.missing(since: change.day)
    return PermanentCopy(
      from: from, to: own.firstDay + (own.dayCount - 1), reference: .earlierDays,
      nodes: change.nodes, observed: change.observed, expected: change.expected,
      pValue: Probability.probability(
        log: logProbability(change.observed, change.expected, tried: tried)),
      hypotheses: tried, otherApps: group.repeatShare(since: from, without: place, settings),
      hiddenLow: hidden.low, hiddenHigh: hidden.high, telling: own.telling(since: change.day))
  }

  /// A copy that was there before the first day shows against the other apps alone: what both ask
  /// comes once here and many times there.
  private func copyFromTheFirstDay(
    _ place: Int, _ group: RepeatGroup, expectedMost: inout Double
  ) -> PermanentCopy? {
    let own = group.series[place]
    guard own.series.userCount >= settings.usersMin, let shared = SharedQuestions(place, group)
    else { return nil }
    let tried = max(1, settings.nodesMax)
    for nodes in 1...tried {
      let expected = shared.expected(beyond: nodes)
      let observed = shared.observed(beyond: nodes)
      expectedMost = max(expectedMost, expected)
      let probability = logProbability(observed, expected, tried: tried)
      guard expected >= settings.expectedMin, shared.count >= 20,
        Double(observed) <= settings.leakShareMax * expected,
        probability <= log(settings.significance)
      else { continue }
      let hidden = shared.hidden(nodes: nodes)
      return PermanentCopy(
        from: own.firstDay, to: own.firstDay + (own.dayCount - 1), reference: .otherApps,
        nodes: nodes, observed: observed, expected: expected,
        pValue: Probability.probability(log: probability), hypotheses: tried, otherApps: nil,
        hiddenLow: hidden.low, hiddenHigh: hidden.high, telling: shared.telling())
    }
    return nil
  }
}
