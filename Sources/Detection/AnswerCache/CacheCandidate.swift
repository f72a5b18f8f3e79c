internal import CivilTime
internal import Glibc

/// A lifetime that chance does not explain, and what else a cache must show and other reasons do
/// not.
struct CacheCandidate: Sendable {
  /// One gap between first calls of a question, with the place of its later call in the evidence.
  struct Gap: Sendable {
    var length: Int64
    var question: Int32
    var place: Int32
  }

  let hypothesis: CacheHypothesis
  let series: CallSeries
  let evidence: CacheEvidence
  let hypotheses: Int
  let settings: AnswerCacheTest.Settings
  /// All gaps of the hypothesis's order and questions, the shortest first.
  let gaps: [Gap]
  /// The place among the gaps of the first that is no leak.
  let edge: Int
  /// What each question, and each user, has of the repeats that chance gives below the lifetime.
  private(set) var shares = CacheShares()

  /// With more leaks than this share a cache is taken to drop copies before their time.
  static let leakShareLittle = 0.03

  var lifetime: Int64 { gaps[edge].length }
  var expected: Double { hypothesis.expectation.below(Double(lifetime)) }
  var observed: Int { edge }
  var leakShare: Double { Double(observed) / expected }

  /// - Returns: `nil` where what is quickly looked at already speaks against a cache.
  init?(
    _ hypothesis: CacheHypothesis, series: CallSeries, evidence: CacheEvidence, hypotheses: Int,
    settings: AnswerCacheTest.Settings
  ) {
    self.hypothesis = hypothesis
    self.series = series
    self.evidence = evidence
    self.hypotheses = hypotheses
    self.settings = settings
    gaps = Self.gaps(hypothesis, evidence)
    guard let edge = Self.edge(gaps, hypothesis) else { return nil }
    self.edge = edge
    guard isClear else { return nil }
    shares = CacheShares(
      series: series, evidence: evidence, order: hypothesis.order,
      questions: hypothesis.questions, below: lifetime)
  }

  private static func gaps(_ hypothesis: CacheHypothesis, _ evidence: CacheEvidence) -> [Gap] {
    var gaps: [Gap] = []
    var earlier = [[Int64]](repeating: [], count: evidence.calls.count)
    for day in evidence.days.indices {
      if !evidence.followsOn[day] {
        for index in earlier.indices where !earlier[index].isEmpty { earlier[index] = [] }
      }
      for index in evidence.days[day] where evidence.questions[index] >= 0 {
        let question = Int(evidence.questions[index])
        guard evidence.popularity[question] >= hypothesis.questions.popularityMin else { continue }
        let count = earlier[question].count
        if count >= hypothesis.order {
          let length = evidence.times[index] - earlier[question][count - hypothesis.order]
          gaps.append(Gap(length: length, question: Int32(question), place: Int32(index)))
        }
        earlier[question].append(evidence.times[index])
      }
    }
    return gaps.sorted { ($0.length, $0.place) < ($1.length, $1.place) }
  }

  /// Where the rate of gaps, in terms of what chance gives, changes most: the likelihood of one
  /// change between two constant rates, over all gaps as places of the change.
  private static func edge(_ gaps: [Gap], _ hypothesis: CacheHypothesis) -> Int? {
    let end = 2.5 * hypothesis.lifetimeMax
    let count = gaps.firstIndex { Double($0.length) > end } ?? gaps.count
    guard count > 0 else { return nil }
    let total = hypothesis.expectation.below(end)
    func gain(_ number: Int, _ expected: Double) -> Double {
      number > 0 && expected > 0 ? Double(number) * log(Double(number) / expected) : 0
    }
    var best: (gain: Double, index: Int)?
    for index in 0..<count {
      let before = hypothesis.expectation.below(Double(gaps[index].length))
      let after = max(total - before, 1e-9)
      let value = gain(index, before) + gain(count - index, after)
      let rises = Double(index) * after < Double(count - index) * before
      if rises, value > best?.gain ?? -.infinity { best = (value, index) }
    }
    return best?.index
  }
}

extension CacheCandidate {
  /// Gaps in a span of lengths that are multiples of the lifetime, observed and by chance.
  private func counts(
    from low: Double, to high: Double, of isCounted: (Int) -> Bool = { _ in true }
  ) -> Double {
    let span = (low * Double(lifetime))..<(high * Double(lifetime))
    return Double(gaps.count { span.contains(Double($0.length)) && isCounted(Int($0.question)) })
  }

  private func expected(from low: Double, to high: Double) -> Double {
    hypothesis.expectation.below(high * Double(lifetime))
      - hypothesis.expectation.below(low * Double(lifetime))
  }

  var logProbability: Double { logProbability(without: 0, of: 0) }

  private func logProbability(without observed: Double, of expected: Double) -> Double {
    AnswerCacheTest.logProbability(
      observed: Double(self.observed) - observed, expected: self.expected - expected,
      dispersion: hypothesis.dispersion, rounds: hypothesis.rounds, tried: hypotheses)
  }

  /// Few repeats where chance has enough, and a sharp edge.
  private var isClear: Bool {
    expected >= settings.expectedMin
      && lifetime >= settings.lifetimeMin.microseconds
      && Double(lifetime) <= 1.05 * Double(settings.lifetimeMax.microseconds)
      && Double(observed) <= settings.leakShareMax * expected
      && logProbability <= log(settings.significance)
      && isSharp
  }

  /// Everything that a cache must show besides.
  var isCache: Bool { isSpread && isOfManyQuestions && isOfManyUsers && isOfEveryPopularity }

  /// Just beyond the edge gaps come about as often as chance has them, just before it they do not.
  var isSharp: Bool {
    var low = 0.8
    if expected(from: low, to: 1) < 5 { low = 0.5 }
    let before = counts(from: low, to: 1) / max(expected(from: low, to: 1), 1e-9)
    let after = counts(from: 1, to: 1.5) / max(expected(from: 1, to: 1.5), 1e-9)
    return after >= 0.4 && before <= 0.25 * after
  }

  /// The gaps beyond are of many lengths: of the questions that show the lifetime, some come much
  /// later than when they first can.
  var isSpread: Bool {
    var later = 0.0
    var muchLater = 0.0
    var total = 0.0
    var beyond = [Int](repeating: 0, count: series.questionCount)
    for gap in gaps[edge...] { beyond[Int(gap.question)] += 1 }
    for gap in gaps[edge...] {
      let weight = shares.ofQuestion[Int(gap.question)] / Double(beyond[Int(gap.question)])
      total += weight
      if Double(gap.length) > 1.05 * Double(lifetime) { later += weight }
      if Double(gap.length) > 1.5 * Double(lifetime) { muchLater += weight }
    }
    return later >= 0.25 * total && muchLater >= 0.05 * total
  }

  /// No question carries it: without any one of them it is still improbable, and chance would repeat
  /// five at least.
  var isOfManyQuestions: Bool {
    guard shares.ofQuestion.count(where: { $0 >= 1 }) >= 5 else { return false }
    var leaks: [Int32: Double] = [:]
    for gap in gaps[..<edge] { leaks[gap.question, default: 0] += 1 }
    return shares.largestQuestions.allSatisfy { question in
      logProbability(without: leaks[Int32(question)] ?? 0, of: shares.ofQuestion[question])
        <= log(settings.significance)
    }
  }

  var isOfManyUsers: Bool {
    shares.usersEffective >= 8
      && logProbability(without: 0, of: shares.largestUser) <= log(settings.significance)
  }

  /// Both the more and the less popular half have few repeats below the lifetime, and have them
  /// beyond.
  var isOfEveryPopularity: Bool {
    let ranked = evidence.calls.indices.filter { shares.ofQuestion[$0] > 0 }.sorted {
      (evidence.calls[$0], $0) < (evidence.calls[$1], $1)
    }
    var half = [Bool](repeating: false, count: series.questionCount)
    let total = ranked.reduce(0) { $0 + shares.ofQuestion[$1] }
    var sum = 0.0
    for question in ranked where sum < total / 2 {
      half[question] = true
      sum += shares.ofQuestion[question]
    }
    return [true, false].allSatisfy { side in
      let expected = side ? sum : total - sum
      guard expected >= 10 else { return true }
      let isCounted = { half[$0] == side }
      return counts(from: 0, to: 1, of: isCounted) <= 2 * settings.leakShareMax * expected
        && counts(from: 1, to: 2, of: isCounted) >= 0.1 * expected
    }
  }
}

extension CacheCandidate {
  /// The lifetime is at most the edge, and at least what leaves room for four gaps that did not
  /// come, for each node.
  private var lifetimeLow: Int64 {
    let after = min(gaps.count - 1, edge + 20)
    let span =
      hypothesis.expectation.below(Double(gaps[after].length)) - expected
    let rate = max(Double(after - edge) / max(span, 1e-9), 0.2)
    let low = Int64(
      hypothesis.expectation.length(
        expecting: max(0, expected - Double(4 * hypothesis.order) / rate)))
    return min(lifetime, low)
  }

  /// A cache with little room drops copies before their time; those of the most popular questions,
  /// which chance alone would have sooner, live longest.
  private var lifetimeMax: Int64 {
    var shortest: [Int32: Int64] = [:]
    for gap in gaps where shortest[gap.question] == nil { shortest[gap.question] = gap.length }
    let longest = shares.largestQuestions.reduce(lifetime) { longest, question in
      shares.ofQuestion[question] >= settings.expectedMin
        ? max(longest, shortest[Int32(question)] ?? 0) : longest
    }
    let differs =
      hypothesis.questions != .all || leakShare > Self.leakShareLittle
      || longest > lifetime + lifetime / 4
    return differs ? longest : lifetime
  }

  func report() -> AnswerCache {
    let hidden = HiddenCalls(
      series, lifetime: lifetime, lifetimeMax: lifetimeMax, nodes: hypothesis.order,
      popular: hypothesis.questions == .all
        ? nil : evidence.popularity.map { $0 >= hypothesis.questions.popularityMin })
    return AnswerCache(
      lifetime: Interval(microseconds: lifetime), lifetimeLow: Interval(microseconds: lifetimeLow),
      lifetimeHigh: Interval(microseconds: lifetimeMax + 1_000_000), nodes: hypothesis.order,
      questions: hypothesis.questions, renewal: hidden.renewal,
      observed: observed, expected: expected,
      pValue: Probability.probability(log: logProbability), hypotheses: hypotheses,
      hidden: hidden.count, hiddenLow: hidden.low, hiddenHigh: hidden.high,
      clustering: hidden.clustering,
      calls: series.callsSeen, days: series.days.count, level: series.level,
      questionsEffective: shares.questionsEffective, telling: telling())
  }

  /// Of the questions that chance would repeat most often, those calls that came closest together;
  /// at most six lines in all.
  private func telling() -> [TellingQuestion] {
    var shortest: [Int32: Gap] = [:]
    var sooner: [Int32: Int] = [:]
    for (index, gap) in gaps.enumerated() {
      if shortest[gap.question] == nil { shortest[gap.question] = gap }
      if index < edge { sooner[gap.question, default: 0] += 1 }
    }
    let count = max(1, 6 / (hypothesis.order + 1))
    return shares.largestQuestions.compactMap { question in
      shortest[Int32(question)].map { gap in
        TellingQuestion(
          question: series.calls[series.starts[question]].question,
          calls: series.calls(of: question).count, sooner: sooner[Int32(question)] ?? 0,
          soonerExpected: shares.ofQuestion[question],
          shortest: Interval(microseconds: gap.length), sources: sources(gap))
      }
    }.filter { $0.sooner == 0 }.prefix(count).map { $0 }
  }

  /// The lines of the calls of a gap.
  private func sources(_ gap: Gap) -> [UInt64] {
    var sources: [UInt64] = []
    var index = Int(gap.place)
    while index >= 0, sources.count <= hypothesis.order {
      if evidence.questions[index] == gap.question {
        sources.append(series.calls[Int(evidence.places[index])].source)
      }
      index -= 1
    }
    return sources.reversed()
  }
}
