internal import CivilTime
internal import Contracts

/// Findings `answer_cache`: one for each place behind a cache, and one row for those of which too little is known.
enum AnswerCacheFindings {
  /// What the results of all places say.
  static func suspicions(
    _ results: [PlaceKey: AnswerCacheResult], in context: DetectionContext
  ) -> [Suspicion] {
    var suspicions: [Suspicion] = []
    var insufficient: [String: [(place: PlaceKey, expected: Double)]] = [:]
    for (place, result) in results.sorted(by: { $0.key < $1.key }) {
      switch result {
      case .none: break
      case .insufficient(let expected):
        insufficient[place.licensee, default: []].append((place, expected))
      case .found(let cache):
        suspicions.append(
          Suspicion(finding: finding(place, cache, context), probability: cache.pValue))
      }
    }
    for (licensee, places) in insufficient.sorted(by: { $0.key < $1.key }) {
      suspicions.append(Self.insufficient(licensee, places, context))
    }
    return suspicions
  }

  private static func insufficient(
    _ licensee: String, _ places: [(place: PlaceKey, expected: Double)],
    _ context: DetectionContext
  ) -> Suspicion {
    let names = places.map { place, expected in
      "\(place.module) by \(place.app.isEmpty ? "no app" : place.app) "
        + "(\(Words.decimal(expected, places: 1)))"
    }
    let most = places.map(\.expected).max() ?? 0
    var finding = context.finding(
      .answerCache, .info, licensee: licensee,
      records: places.reduce(0) { $0 + context.use(of: $1.place).records },
      explanation:
        "Insufficient data on caches for \(names.joined(separator: ", ")): in brackets is how "
        + "many repeats of a question chance would give within any lifetime, and 20 are needed to tell "
        + "a cache from chance. Nothing is said against these calls, and nothing for them.",
      action: "None. A longer range of days may tell.", evidence: [])
    if places.count == 1 {
      finding.app = places[0].place.app
      finding.module = places[0].place.module
    }
    finding.statistic = "E=\(Words.decimal(most, places: 1))"
    return Suspicion(finding: finding, probability: nil)
  }

  private static func finding(
    _ place: PlaceKey, _ cache: AnswerCache, _ context: DetectionContext
  ) -> Finding {
    let units = context.hiddenUnits(cache.hiddenLow...cache.hiddenHigh, of: place)
    var finding = context.finding(
      .answerCache, severity(cache), licensee: place.licensee, records: cache.calls,
      explanation: explanation(cache, units),
      action: "Ask the licensee what answers repeated questions of this app, and for its cache's "
        + "settings; have it switched off (access.no_caching) and the hidden use settled within the "
        + "range. Compare with the same figures a week later.",
      evidence: cache.telling.flatMap(\.sources))
    finding.app = place.app
    finding.module = place.module
    finding.statistic =
      "O=\(cache.observed) E=\(Words.decimal(cache.expected, places: 1)) "
      + "T=\(Words.duration(cache.lifetime)) hidden=\(cache.hiddenLow)-\(cache.hiddenHigh)"
    context.suppress(units, of: place, in: &finding)
    return finding
  }

  /// High only where all questions show it and the lifetime is known; not where prolonging is inferred, or where copies
  /// seem to live differently long.
  private static func severity(_ cache: AnswerCache) -> Finding.Severity {
    let isWide = cache.lifetimeHigh.microseconds > 3 * cache.lifetime.microseconds / 2
    return cache.questions == .all && !isWide && cache.renewal == .fixed ? .high : .medium
  }

  private static func worth(_ units: ClosedRange<Int>) -> String {
    units.lowerBound > 0
      ? "which are \(units.lowerBound) to \(units.upperBound) units"
      : "at most \(Words.count(units.upperBound, "unit")): a conversation is lost only where all of its "
        + "calls were hidden"
  }

  /// What the range does not know.
  private static func uncertainty(_ cache: AnswerCache) -> String {
    if cache.clustering > 1 {
      return
        "Just after that time questions come \(Words.decimal(cache.clustering, places: 1)) times as "
        + "often as later, so demand comes in bursts; what of them was hidden is a guess, and the "
        + "range wide. "
    }
    return
      "Bursts of demand that end within that time would leave no trace here and are not in the "
      + "range. "
  }

  private static func explanation(_ cache: AnswerCache, _ units: ClosedRange<Int>) -> String {
    var text =
      "No question comes sooner than \(Words.duration(cache.lifetime)) "
      + "(\(Words.duration(cache.lifetimeLow)) to \(Words.duration(cache.lifetimeHigh))) after it came "
      + "last, however popular it is: of different users' repeats within that time "
      + "\(Words.decimal(cache.expected, places: 0)) would be expected on these days by chance, and "
      + "\(cache.observed) came. "
    if let question = cache.telling.first {
      text +=
        "One question alone came \(Words.count(question.calls, "time")), never sooner than "
        + "\(Words.duration(question.shortest)) after the last time, where chance would give "
        + "\(Words.decimal(question.soonerExpected, places: 1)) such repeats. "
    }
    if cache.nodes > 1 { text += "It looks like \(cache.nodes) caches side by side. " }
    if cache.questions != .all {
      text +=
        "It shows in the popular questions only, as where a cache has room for few; of the others "
        + "nothing is said. "
    }
    if cache.renewal == .prolonged {
      text += "Each use seems to prolong a copy's life, so that more may be hidden than arrives. "
    }
    text +=
      "This is what answers kept for that long in front of the service look like. They hid about "
      + "\(cache.hidden) calls (\(cache.hiddenLow) to \(cache.hiddenHigh)), \(worth(units)). "
      + uncertainty(cache)
      + "Other explanations: a program that asks at "
      + "fixed times, a gateway of the licensee's own that holds questions back, or a log that lacks "
      + "repeated calls."
    return text
  }
}
