internal import Glibc

/// Tells users who walk the questions from users who ask.
struct HarvestingTest: Sendable {
  struct Settings: Sendable, Hashable {
    /// Users differ: repeats vary so many times more than chance has it.
    var dispersion = 4.0
    /// A walker repeats at most this share of what is expected.
    var repeatShareMax = 0.1
    /// Calls of others that say how often users of equal volume repeat, at least.
    var othersCallsMin = 200
    /// Days of users among them, at least.
    var othersMin = 10
    /// A user's cadence is a machine's where so many pauses lie in two eighths of an octave, more
    /// than the share that honest pauses have there.
    var pauseShare = 0.25
    var pausesMin = 40
    /// A user is reported only if honest use shows it more rarely than this, after correction for
    /// all users: of its repeats, and of its cadence.
    var significance = 0.000_1
    var cadenceSignificance = 0.000_001
    /// Calls that a user must have made: with a machine's cadence, and without.
    var callsMachine = 80
    var callsHuman = 300
    /// Calls of all, and the share of their questions that others ask too, for medium severity.
    var callsMedium = 300
    var knownShareMedium = 0.2
    /// Of questions that two of them would share by chance: so many are enough to tell, and at most
    /// this share of them is shared by those who divide the questions among them.
    var sharedMin = 10.0
    var sharedShareMax = 0.2

    init() {}
  }

  var settings = Settings()

  struct Result {
    var key: UserKey
    var sum = HarvestRow()
    var repeats = 0.0
    var expected = 0.0
    var probability = 1.0
    /// Bins of the most frequent pause and how many pauses lie there.
    var bin = 0
    var hits = 0
    var pauses = 0
    var isMachine = false
    /// Of its questions, the share that others ask too; `nil` where that is not known.
    var knownShare: Double?
  }

  /// - Parameters:
  ///   - others: how all users of the licensee repeat, by their calls.
  ///   - popularity: what is asked of the licensee.
  func result(
    of history: UserHistory<HarvestRow>, others: [Int: RepeatTally],
    popularity: QuestionPopularity
  ) -> Result? {
    var result = Result(key: history.key)
    for (_, row) in history.days { result.sum.merge(row) }
    result.repeats = repeats(history, result.sum)
    guard let rate = rate(result.sum, others) else { return nil }
    result.expected = rate * Double(result.sum.calls)
    if let expected = popularity.repeats(ofCalls: result.sum.calls) {
      result.expected = min(result.expected, expected)
    }
    guard result.repeats <= settings.repeatShareMax * result.expected else { return nil }
    let users = others.values.reduce(0) { $0 + $1.users }
    result.probability = Tails.corrected(
      Tails.poisson(
        atMost: result.repeats / settings.dispersion,
        expected: result.expected / settings.dispersion), tries: users)
    guard result.probability <= settings.significance else { return nil }
    findCadence(&result, users: users)
    guard result.sum.calls >= (result.isMachine ? settings.callsMachine : settings.callsHuman)
    else { return nil }
    result.knownShare = popularity.knownShare(of: result.sum, by: history.key.hash)
    return result
  }

  /// Repeats within days, and those between them as far as the questions that are kept tell.
  private func repeats(_ history: UserHistory<HarvestRow>, _ sum: HarvestRow) -> Double {
    var asked = 0
    var different = 0
    for (question, count) in sum.questions where question <= sum.limit {
      asked += count
      different += 1
    }
    guard asked > 0 else { return Double(sum.repeats) }
    let between = Double(asked - different) / Double(asked) * Double(sum.calls - sum.repeats)
    return Double(sum.repeats) + between
  }

  /// The share of repeats of others who ask as much or less: the largest of all amounts, since who asks
  /// more repeats more; but other walkers ask as much, too, and repeat nothing.
  private func rate(_ sum: HarvestRow, _ others: [Int: RepeatTally]) -> Double? {
    guard let top = sum.tallies.keys.max() else { return nil }
    var largest: Double?
    for (level, tally) in others where level <= top {
      var tally = tally
      if let own = sum.tallies[level] { tally.subtract(own) }
      guard tally.calls >= settings.othersCallsMin, tally.users >= settings.othersMin else {
        continue
      }
      largest = max(largest ?? 0, Double(tally.repeats) / Double(tally.calls))
    }
    return largest
  }

  private func findCadence(_ result: inout Result, users: Int) {
    result.pauses = result.sum.pauses.values.reduce(0, +)
    for bin in 0..<(Cadence.binsMax - 1) {
      let hits = (result.sum.pauses[bin] ?? 0) + (result.sum.pauses[bin + 1] ?? 0)
      if hits > result.hits {
        result.hits = hits
        result.bin = bin
      }
    }
    guard result.pauses >= settings.pausesMin else { return }
    let probability = Tails.corrected(
      Tails.binomial(atLeast: result.hits, of: result.pauses, share: settings.pauseShare),
      tries: Cadence.binsMax * max(1, users))
    result.isMachine = probability <= settings.cadenceSignificance
  }

  /// Of users who ask side by side: the questions that chance would let two of them share, and
  /// those that they share, among the questions that are kept.
  func shared(
    _ results: [Result], _ popularity: QuestionPopularity
  ) -> (observed: Int, expected: Double) {
    var observed = 0
    var expected = 0.0
    for (index, left) in results.enumerated() {
      for right in results[(index + 1)...] {
        let limit = min(left.sum.limit, right.sum.limit)
        let first = left.sum.questions.keys.filter { $0 <= limit }
        let second = Set(right.sum.questions.keys.filter { $0 <= limit })
        guard let known = popularity.questions(upTo: limit), known > 0 else { continue }
        observed += first.count { second.contains($0) }
        expected += Double(first.count) * Double(second.count) / Double(known)
      }
    }
    return (observed, expected)
  }
}

/// What is asked of a licensee, as samples of whole questions tell.
struct QuestionPopularity {
  /// By mixed hash: calls, and the one user who asks it, `nil` if several do.
  private var questions: [UInt64: (calls: Int, user: UInt64?)] = [:]
  private var level = 0
  private var calls = 0

  init(_ samples: [QuestionSample]) {
    level = samples.map(\.level).max() ?? 0
    for sample in samples {
      calls += sample.callsSeen
      for call in sample.calls where QuestionSample.isKept(call.question, level: level) {
        let question = Mixing.mixed(call.question)
        if let known = questions[question] {
          questions[question] = (known.calls + 1, known.user == call.user ? known.user : nil)
        } else {
          questions[question] = (1, call.user)
        }
      }
    }
  }

  private var limit: UInt64 { level == 0 ? .max : UInt64.max >> UInt64(min(63, level)) }

  /// How many questions are known whose mixed hash is not above a limit, as far as all are known
  /// that far; `nil` where none is.
  func questions(upTo limit: UInt64) -> Int? {
    let bound = min(limit, self.limit)
    let count = questions.keys.count { $0 <= bound }
    guard count > 0 else { return nil }
    return Int(Double(count) * (Double(limit) / Double(bound)))
  }

  /// Repeats among so many calls that are drawn as all calls are.
  func repeats(ofCalls count: Int) -> Double? {
    guard calls > 0, !questions.isEmpty else { return nil }
    var repeats = 0.0
    for question in questions.values.map(\.calls).sorted() {
      let mean = Double(count) * Double(question) / Double(calls)
      repeats += mean - 1 + exp(-mean)
    }
    return repeats * exp2(Double(level))
  }

  /// Of a user's questions, the share that others ask too; `nil` where none of them is known.
  func knownShare(of row: HarvestRow, by user: UInt64) -> Double? {
    var (known, all) = (0, 0)
    for question in row.questions.keys where question <= limit {
      all += 1
      if let entry = questions[question], entry.user != user { known += 1 }
    }
    return all > 0 ? Double(known) / Double(all) : nil
  }
}
