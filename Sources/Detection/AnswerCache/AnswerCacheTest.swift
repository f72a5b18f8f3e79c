public import CivilTime
internal import Glibc

/// Finds an answer cache from the calls that it let through.
///
/// A cache lets a question through only when its copy has expired, so what arrives shows a dead
/// time: however popular a question is, it never comes sooner than the lifetime after the last time.
/// Honest users are independent of each other and ask a popular question at short intervals all day.
/// `docs/detectors/answer-cache.md` says what is tested and why.
public struct AnswerCacheTest: Sendable {
  /// What is looked for and what is enough.
  public struct Settings: Sendable, Hashable {
    /// The shortest lifetime that is looked for.
    public var lifetimeMin = Interval(seconds: 10)
    /// The longest.
    public var lifetimeMax = Interval(seconds: 7 * 86_400)
    /// Fewer repeats expected by chance are too few to say anything.
    public var expectedMin = 20.0
    /// A result is a finding only if honest use has it more rarely than this, after correction.
    public var significance = 0.001
    /// Independent caches that are looked for, at most 4.
    public var nodesMax = 4
    /// Of the repeats that chance would give, a cache lets through at most this share: by restarts,
    /// failures or eviction. Honest use gives 1 to 1.2.
    public var leakShareMax = 0.1

    public init() {}
  }

  public var settings: Settings

  public init(settings: Settings = Settings()) { self.settings = settings }

  /// The result for one segment, from the samples of its UTC days. Days between the first and the
  /// last that have no sample had no call.
  public func result(of days: [CivilDate: QuestionSample]) -> AnswerCacheResult {
    result(of: CallSeries(days))
  }

  func result(of series: CallSeries) -> AnswerCacheResult {
    let evidence = CacheEvidence(series)
    let grid = GapGrid(
      shortest: settings.lifetimeMin.microseconds,
      longest: Self.reach * settings.lifetimeMax.microseconds)
    let orders = min(max(1, settings.nodesMax), GapCounts.ordersMax)
    var observed = GapCounts(grid: grid, orders: orders, questions: series.questionCount)
    observed.count(evidence.questions, on: evidence)
    let means = means(
      evidence, grid: grid, orders: orders, series: series, observed: observed)
    let tried = hypotheses(observed: observed, means: means)
    let best = best(tried.promising) { hypothesis in
      CacheCandidate(
        hypothesis, series: series, evidence: evidence, hypotheses: tried.count,
        settings: settings)
    }
    if let best { return .found(best.report()) }
    guard let from = tried.from, from.microseconds <= CallSeries.dayLength else {
      return .insufficient(expected: tried.expectedWithinDay)
    }
    return .none(from: from)
  }

  /// Gaps are counted up to so many of the longest lifetime, to see what comes behind its edge.
  private static let reach: Int64 = 3

  /// The fewest nodes that explain what is seen. If all questions show hardly a leak, they speak;
  /// else the questions do that show the fewest: what leaks has left a cache with little room.
  private func best(
    _ hypotheses: [CacheHypothesis], candidate: (CacheHypothesis) -> CacheCandidate?
  ) -> CacheCandidate? {
    var best: CacheCandidate?
    for hypothesis in hypotheses {
      if let best, hypothesis.order > best.hypothesis.order { return best }
      guard let next = candidate(hypothesis), next.isCache else { continue }
      if hypothesis.questions == .all, next.leakShare <= CacheCandidate.leakShareLittle {
        return next
      }
      if next.leakShare < best?.leakShare ?? .infinity { best = next }
    }
    return best
  }

  /// Rounds are as many as make a small expectation precise, fewer where there are many calls, and the first few alone
  /// where these show that there is no cache.
  private func means(
    _ evidence: CacheEvidence, grid: GapGrid, orders: Int, series: CallSeries, observed: GapCounts
  ) -> GapMeans {
    var means = GapMeans(grid: grid, orders: orders)
    guard !evidence.times.isEmpty else { return means }
    var exchange = QuestionExchange(evidence, seed: series.seed)
    var counts = GapCounts(grid: grid, orders: orders, questions: series.questionCount)
    for round in 1...Self.rounds(evidence.times.count) {
      counts.count(exchange.next(evidence), on: evidence)
      means.add(counts)
      if round <= Self.roundsOfDoubt, isPlain(observed, means) { return means }
    }
    return means
  }

  /// So many rounds are asked each whether they are enough.
  private static let roundsOfDoubt = 4
  /// By so many standard deviations the first rounds may err.
  private static let doubt = 5.0

  /// Whether it is plain after some rounds that nothing can be found and that there is enough data: whatever the other
  /// rounds give, no lifetime has so few repeats.
  private func isPlain(_ observed: GapCounts, _ means: GapMeans) -> Bool {
    let within = means.expectation(order: 1, of: .all).below(Double(CallSeries.dayLength))
    guard within >= 2 * settings.expectedMin + Self.doubt * within.squareRoot() else {
      return false
    }
    let rounds = Double(means.rounds)
    for order in 1...means.orders {
      for questions in AnswerCache.Questions.allCases {
        let expected = means.expectation(order: order, of: questions).cumulative
        let seen = GapMeans.cumulative(observed, order: order, of: questions)
        for bin in expected.indices {
          let most =
            expected[bin] + Self.doubt * (expected[bin] / rounds).squareRoot()
            + Self.doubt / rounds
          if most >= settings.expectedMin, seen[bin] <= settings.leakShareMax * most {
            return false
          }
        }
      }
    }
    return true
  }

  static func rounds(_ calls: Int) -> Int { min(100, max(8, 1_000_000 / max(1, calls))) }
}

/// A number of nodes and a set of questions for which some lifetime is improbable by chance.
struct CacheHypothesis: Sendable {
  var order: Int
  var questions: AnswerCache.Questions
  var expectation: GapExpectation
  /// The longest lifetime with few repeats, in microseconds.
  var lifetimeMax: Double
  /// How much more than Poisson's the counts vary by chance.
  var dispersion: Double
  var rounds: Int
}

extension AnswerCacheTest {
  struct Tried {
    /// Lifetimes, orders and sets with enough expected.
    var count = 0
    /// The shortest lifetime with enough expected for one cache.
    var from: Interval?
    /// For lifetimes up to a day.
    var expectedWithinDay = 0.0
    var promising: [CacheHypothesis] = []
  }

  private func hypotheses(observed: GapCounts, means: GapMeans) -> Tried {
    var tried = Tried()
    let kinds = (1...means.orders).flatMap { order in
      AnswerCache.Questions.allCases.map { (order: order, questions: $0) }
    }
    for (order, questions) in kinds {
      tried.count += enough(means.expectation(order: order, of: questions)).count
    }
    let one = means.expectation(order: 1, of: .all)
    tried.expectedWithinDay = one.below(Double(CallSeries.dayLength))
    if !enough(one).isEmpty {
      tried.from = Interval(microseconds: Int64(one.length(expecting: settings.expectedMin)))
    }
    for (order, questions) in kinds {
      let found = promising(
        observed: observed, means: means, order: order, questions: questions, tried: tried.count)
      if let found { tried.promising.append(found) }
    }
    return tried
  }

  /// The bins at whose ends enough repeats are expected, up to the longest lifetime.
  private func enough(_ expectation: GapExpectation) -> Range<Int> {
    let longest = Double(settings.lifetimeMax.microseconds)
    let end = (0..<expectation.grid.count).first { expectation.grid.end($0) > longest }
    let start = expectation.cumulative.firstIndex { $0 >= settings.expectedMin }
    let bound = end ?? expectation.grid.count
    return min(start ?? bound, bound)..<bound
  }

  private func promising(
    observed: GapCounts, means: GapMeans, order: Int, questions: AnswerCache.Questions, tried: Int
  ) -> CacheHypothesis? {
    let expectation = means.expectation(order: order, of: questions)
    let counts = GapMeans.cumulative(observed, order: order, of: questions)
    for bin in enough(expectation).reversed()
    where counts[bin] <= settings.leakShareMax * expectation.cumulative[bin] {
      let dispersion = means.dispersion(order: order, of: questions, bin: bin)
      let probability = Self.logProbability(
        observed: counts[bin], expected: expectation.cumulative[bin], dispersion: dispersion,
        rounds: means.rounds, tried: tried)
      guard probability <= log(settings.significance) else { continue }
      return CacheHypothesis(
        order: order, questions: questions, expectation: expectation,
        lifetimeMax: means.grid.end(bin), dispersion: dispersion, rounds: means.rounds)
    }
    return nil
  }

  /// The probability of so few, for all that was tried. What the rounds leave uncertain of the
  /// expectation, two standard errors, is taken from it, and counts that vary more than Poisson's
  /// are taken as fewer of more weight each.
  static func logProbability(
    observed: Double, expected: Double, dispersion: Double, rounds: Int, tried: Int
  ) -> Double {
    let error = 2 * (expected * dispersion / Double(max(1, rounds))).squareRoot()
    let mean = max(0, expected - error) / dispersion
    return min(
      0,
      Probability.logPoisson(atMost: observed / dispersion, mean: mean) + log(Double(max(1, tried)))
    )
  }
}
