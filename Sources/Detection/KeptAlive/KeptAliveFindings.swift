internal import CivilTime
internal import Contracts
internal import Glibc

/// Findings `kept_alive`: users whose calls without content come at a machine's cadence.
struct KeptAliveTest: Sendable {
  /// What is granted to honest use, and what is enough.
  struct Settings: Sendable, Hashable {
    /// Honest pauses are spread like their logarithm (a log-normal distribution is flatter than
    /// this within a factor of four); no stretch has more than so many times its share of them.
    var concentration = 1.5
    /// Stretches of pauses that are tried, in 64 parts of the idle timeout.
    var widths = [1, 2, 4, 8, 16]
    /// A user is reported only if honest use shows it more rarely than this.
    var significance = 0.000_001
    /// Pauses that must lie in the stretch, and their share of all.
    var pausesMin = 12
    var shareMin = 0.5
    /// From this share of the idle timeout on a pause is just inside it: for medium and for high.
    var pauseMedium = 0.5
    var pauseHigh = 0.9
    /// Conversations that must have been saved: to be told at all, for medium and for high.
    var savedMin = 2
    var savedMedium = 5
    var savedHigh = 20
    /// Days on which it must be seen for high.
    var daysHigh = 5

    init() {}
  }

  var settings = Settings()

  struct Result {
    var key: UserKey
    var sum = KeptAliveRow()
    var days = 0
    var saved = 0
    /// Conversations that were counted and had nothing in them.
    var empty = 0
    /// The stretch in which pauses lie most densely: parts of the idle timeout, and how many do.
    var stretch = 0..<1
    var hits = 0
    var pauses = 0
    var probability = 1.0
    var severity = Finding.Severity.info

    /// Of the pauses in the stretch, as a share of the idle timeout: their mean, and what they
    /// spread about it as a share of the mean.
    var mean = 0.0
    var variation = 0.0
  }

  /// `nil` where nothing is to be told.
  ///
  /// - Parameter users: users that were looked at.
  func result(of history: UserHistory<KeptAliveRow>, users: Int) -> Result? {
    var result = Result(key: history.key)
    for (_, row) in history.days { result.sum.merge(row) }
    result.days = history.days.count
    result.saved =
      result.sum.saved
      + KeptAliveRow.saved(between: result.sum.pieces, idleTimeout: result.sum.idleTimeout)
    result.empty =
      result.sum.empty
      + KeptAliveRow.empty(between: result.sum.pieces, idleTimeout: result.sum.idleTimeout)
    result.pauses = result.sum.pauses.values.reduce(0, +)
    findStretch(&result)
    guard result.hits >= settings.pausesMin,
      Double(result.hits) >= settings.shareMin * Double(result.pauses)
    else { return nil }
    result.probability = Tails.corrected(result.probability, tries: users)
    guard result.probability <= settings.significance else { return nil }
    measure(&result)
    result.severity = severity(result)
    if result.sum.content > 0, result.saved < settings.savedMin { return nil }
    return result
  }

  /// Seeks the stretch that honest pauses would fill most rarely.
  private func findStretch(_ result: inout Result) {
    let first = KeptAliveRow.binsMax / 4
    var tries = 0
    for width in settings.widths {
      for start in first...(KeptAliveRow.binsMax - width) {
        tries += 1
        let stretch = start..<(start + width)
        let hits = stretch.reduce(0) { $0 + (result.sum.pauses[$1] ?? 0) }
        let share =
          settings.concentration * log(Double(stretch.upperBound) / Double(stretch.lowerBound))
          / log(Double(KeptAliveRow.binsMax) / Double(first))
        let probability = Tails.binomial(
          atLeast: hits, of: result.pauses, share: min(1, share))
        guard probability < result.probability || (probability == 0 && hits > result.hits) else {
          continue
        }
        result.probability = probability
        result.stretch = stretch
        result.hits = hits
      }
    }
    result.probability = Tails.corrected(result.probability, tries: tries)
  }

  private func measure(_ result: inout Result) {
    var (sum, squares) = (0.0, 0.0)
    for bin in result.stretch {
      let middle = (Double(bin) + 0.5) / Double(KeptAliveRow.binsMax)
      let count = Double(result.sum.pauses[bin] ?? 0)
      sum += count * middle
      squares += count * middle * middle
    }
    let count = Double(result.hits)
    result.mean = sum / count
    result.variation =
      max(0, squares / count - result.mean * result.mean).squareRoot() / result.mean
  }

  private func severity(_ result: Result) -> Finding.Severity {
    guard result.sum.content > 0 else { return .info }
    let saved = result.saved - result.empty
    if result.mean >= settings.pauseHigh && saved >= settings.savedHigh
      && result.days >= settings.daysHigh
    {
      return .high
    }
    return result.mean >= settings.pauseMedium && saved >= settings.savedMedium
      ? .medium : .low
  }
}

enum KeptAliveFindings: DetectionTest {
  static func suspicions(in context: DetectionContext) -> [Suspicion] {
    let days = context.days.sorted { $0.key < $1.key }
    let histories = UserHistory.all(
      days.map { (day: Int($0.key.daysSinceEpoch), rows: $0.value.keptAlive.rows) })
    let test = KeptAliveTest()
    return histories.flatMap { licensee, users -> [Suspicion] in
      // Where no call has a question, that none is there says nothing.
      guard days.contains(where: { asks(licensee, $0.value) }) else { return [] }
      let looked = days.reduce(0) { $0 + ($1.value.mergedUsers.users[licensee] ?? 0) }
      let results = users.compactMap { test.result(of: $0, users: max(looked, users.count)) }
        .sorted { ($1.severity, $1.saved, $0.key) < ($0.severity, $0.saved, $1.key) }
      let keeping = results.filter { $0.severity > .info }
      let monitors = results.filter { $0.severity == .info }
      return [kept(licensee, keeping, context), monitoring(licensee, monitors, context)]
        .compactMap { $0 }
    }
  }

  private static func asks(_ licensee: String, _ day: DetectionDay) -> Bool {
    day.questions.samples.contains { $0.key.licensee == licensee && $0.value.callsSeen > 0 }
  }

  private static func kept(
    _ licensee: String, _ results: [KeptAliveTest.Result], _ context: DetectionContext
  ) -> Suspicion? {
    guard let first = results.first else { return nil }
    let saved = results.reduce(0) { $0 + $1.saved }
    let empty = results.reduce(0) { $0 + $1.empty }
    let names = results.map { context.user($0.key.user) }
    let pause = pause(of: first)
    var text =
      "Calls without a question of \(Words.count(results.count, "user")) (\(Words.list(names))) come "
      + "at a machine's cadence and bridge pauses in which a conversation would have ended. "
    text +=
      "\(results.count == 1 ? "They come" : "Of \"\(names[0])\", they come") "
      + "\(Words.duration(pause)) after the call before, where the idle timeout is "
      + "\(Words.duration(Interval(microseconds: first.sum.idleTimeout))): \(first.hits) of "
      + "\(first.pauses) such pauses lie within "
      + "\(Words.decimal(100 * Double(first.stretch.count) / 64, places: 1)) % of the timeout. "
      + "\(Words.count(saved, "time")) a question came later than the idle timeout after the last "
      + "one, and was counted as the same conversation because of them. "
    if empty > 0 {
      text +=
        "On the other hand \(Words.count(empty, "conversation")) had nothing but such calls, and "
        + "\(empty == 1 ? "was" : "were") counted. "
    }
    text +=
      "Other explanations: an app "
      + "that reports itself at fixed times while its window is open, without meaning to prolong "
      + "anything; then it should use an event that the contract ignores."
    var finding = context.finding(
      .keptAlive, first.severity, licensee: licensee,
      records: results.reduce(0) { $0 + $1.sum.free }, explanation: text,
      action:
        "Ask the licensee what these calls are for, and have them stopped or sent as an event "
        + "that the contract ignores; settle the conversations that they saved "
        + "(access.no_caching).",
      evidence: first.sum.showing.sources)
    finding.subject = results.count == 1 ? names[0] : ""
    finding.statistic =
      "users=\(results.count) pauses=\(first.hits)/\(first.pauses) "
      + "at=\(Words.decimal(first.mean, places: 2)) CV=\(Words.decimal(first.variation, places: 3)) "
      + "saved=\(saved)"
    finding.suppressedLow = max(0, saved - empty)
    finding.suppressedHigh = saved
    return Suspicion(finding: finding, probability: results.map(\.probability).max())
  }

  private static func monitoring(
    _ licensee: String, _ results: [KeptAliveTest.Result], _ context: DetectionContext
  ) -> Suspicion? {
    guard let first = results.first else { return nil }
    let names = results.map { context.user($0.key.user) }
    var finding = context.finding(
      .keptAlive, .info, licensee: licensee,
      records: results.reduce(0) { $0 + $1.sum.free },
      explanation:
        "\(Words.count(results.count, "user")) (\(Words.list(names))) call at a machine's "
        + "cadence, every \(Words.duration(pause(of: first))), without ever asking a question, as "
        + "monitoring does. No conversation is saved by it. Nothing is said against these calls.",
      action: "None. An event that the contract ignores would keep them out of the count.",
      evidence: first.sum.showing.sources)
    finding.subject = "without questions"
    finding.statistic = "users=\(results.count) pauses=\(first.hits)/\(first.pauses) saved=0"
    return Suspicion(finding: finding, probability: nil)
  }

  private static func pause(of result: KeptAliveTest.Result) -> Interval {
    let seconds = result.mean * Double(result.sum.idleTimeout) / 1_000_000
    return Interval(seconds: Int64(seconds.rounded()))
  }
}
