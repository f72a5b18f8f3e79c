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
    /// Or of each of several who are told together, of how many at most, and of them together.
    var callsEach = 60
    var usersTogether = 200
    var callsTogether = 300
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
    /// That an honest user repeats as little.
    var probability = 1.0
    /// Bins of the most frequent pause and how many pauses lie there.
    var bin = 0
    var hits = 0
    var pauses = 0
    var isMachine = false
  }

  /// Users who are told.
  struct Told {
    var results: [Result]
    /// How many of them are told because chance would not have so many, and not each for itself.
    var together = 0
    var probability = 1.0
    /// Of questions that were looked at, those that they share, and that chance would let them share.
    var shared: (observed: Int, expected: Double) = (0, 0)
  }

  /// Whether a user's days, before anything is added up, could show a walk.
  ///
  /// - Parameter others: how all users of the licensee repeat, by their calls.
  func mayWalk(_ history: UserHistory<HarvestRow>, others: RepeatLevels) -> Bool {
    var (calls, repeats) = (0, 0)
    for (_, row) in history.days {
      calls += row.calls
      repeats += row.repeats
    }
    guard calls >= min(settings.callsEach, settings.callsMachine) else { return false }
    var own = RepeatLevels()
    for (_, row) in history.days { own.merge(row.tallies) }
    guard let rate = rate(own, others) else { return false }
    return Double(repeats) <= settings.repeatShareMax * rate * Double(calls)
  }

  /// - Parameters:
  ///   - others: how all users of the licensee repeat, by their calls.
  ///   - popularity: what is asked of the licensee.
  func result(
    of history: UserHistory<HarvestRow>, others: RepeatLevels,
    popularity: QuestionPopularity
  ) -> Result? {
    var result = Result(key: history.key)
    for (_, row) in history.days { result.sum.merge(row) }
    result.repeats = repeats(history, result.sum)
    guard let rate = rate(result.sum.tallies, others) else { return nil }
    result.expected = rate * Double(result.sum.calls)
    if let expected = popularity.repeats(ofCalls: result.sum.calls) {
      result.expected = min(result.expected, expected)
    }
    guard result.repeats <= settings.repeatShareMax * result.expected else { return nil }
    result.probability = Tails.poisson(
      atMost: result.repeats / settings.dispersion,
      expected: result.expected / settings.dispersion)
    findCadence(&result, users: others.users)
    return result
  }

  /// Of users who repeat little, those who are told: each whose calls are enough alone, and others
  /// whom chance would not have all at once, if they divide the questions among them.
  ///
  /// - Parameter users: users' days that were looked at.
  func told(_ results: [Result], users: Int, popularity: QuestionPopularity) -> Told? {
    var told = Told(
      results: results.filter {
        Tails.corrected($0.probability, tries: users) <= settings.significance
          && $0.sum.calls >= ($0.isMachine ? settings.callsMachine : settings.callsHuman)
      })
    let probabilities = told.results.map { Tails.corrected($0.probability, tries: users) }
    if let group = together(results, users: users) {
      let alone = Set(told.results.map(\.key))
      let shared = shared(group.results, popularity)
      let others = group.results.filter { !alone.contains($0.key) }
      if !others.isEmpty && divides(shared) {
        told.results += others
        told.together = others.count
        told.probability = max(group.probability, probabilities.max() ?? 0)
        told.shared = self.shared(told.results, popularity)
        return told
      }
    }
    guard let probability = probabilities.max() else { return nil }
    told.probability = probability
    told.shared = shared(told.results, popularity)
    return told
  }

  /// So many of those who repeat least that so many by chance are rarest.
  private func together(
    _ results: [Result], users: Int
  ) -> (results: [Result], probability: Double)? {
    let sorted = results.filter { $0.sum.calls >= settings.callsEach }
      .sorted { ($0.probability, $0.key) < ($1.probability, $1.key) }
    var best = (count: 0, probability: 1.0)
    var calls = sorted.first?.sum.calls ?? 0
    for count in 2...settings.usersTogether where count <= sorted.count {
      let last = sorted[count - 1]
      calls += last.sum.calls
      guard calls >= settings.callsTogether else { continue }
      // The more of them, the less of what may be false is theirs: a half, a quarter, …
      let chance = Tails.users(count, of: max(users, count), share: last.probability)
      let probability = chance * exp2(Double(count))
      if probability < best.probability { best = (count, probability) }
    }
    guard best.probability <= settings.significance else { return nil }
    return (Array(sorted.prefix(best.count)), best.probability)
  }

  /// Whether users share far fewer questions than chance would let them.
  func divides(_ shared: (observed: Int, expected: Double)) -> Bool {
    shared.expected >= settings.sharedMin
      && Double(shared.observed) <= settings.sharedShareMax * shared.expected
      && Tails.poisson(atMost: Double(shared.observed), expected: shared.expected)
        <= settings.significance
  }

  /// Repeats within days, and those between them as far as the questions that are kept tell.
  private func repeats(_ history: UserHistory<HarvestRow>, _ sum: HarvestRow) -> Double {
    let asked = sum.questions.entries.reduce(0) { $0 + $1.count }
    guard asked > 0 else { return Double(sum.repeats) }
    let between =
      Double(asked - sum.questions.count) / Double(asked) * Double(sum.calls - sum.repeats)
    return Double(sum.repeats) + between
  }

  /// The share of repeats of others who ask as much or less: the largest of all amounts, since who asks
  /// more repeats more; but other walkers ask as much, too, and repeat nothing.
  private func rate(_ own: RepeatLevels, _ others: RepeatLevels) -> Double? {
    guard let top = own.entries.last?.level else { return nil }
    var largest: Double?
    for entry in others.entries where entry.level <= top {
      var tally = entry.tally
      if let own = own[entry.level] { tally.subtract(own) }
      guard tally.calls >= settings.othersCallsMin, tally.users >= settings.othersMin else {
        continue
      }
      largest = max(largest ?? 0, Double(tally.repeats) / Double(tally.calls))
    }
    return largest
  }

  private func findCadence(_ result: inout Result, users: Int) {
    // The most pauses in two bins side by side.
    var last = SortedCounts.Entry(key: 0, count: 0)
    for entry in result.sum.pauses.entries {
      result.pauses += entry.count
      let isNext = last.key + 1 == entry.key
      let hits = entry.count + (isNext ? last.count : 0)
      if hits > result.hits {
        result.hits = hits
        result.bin = Int(isNext ? last.key : entry.key)
      }
      last = entry
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
        guard let known = popularity.questions(upTo: limit), known > 0 else { continue }
        let (first, second, both) = Self.common(left.sum, right.sum, upTo: limit)
        observed += both
        expected += Double(first) * Double(second) / Double(known)
      }
    }
    return (observed, expected)
  }

  /// Of two users' questions up to a limit, how many each has, and how many are both's.
  private static func common(
    _ left: HarvestRow, _ right: HarvestRow, upTo limit: UInt64
  ) -> (Int, Int, Int) {
    let first = left.questions.entries.prefix { $0.key <= limit }
    let second = right.questions.entries.prefix { $0.key <= limit }
    var (place, both) = (0, 0)
    for entry in first {
      while place < second.count, second[place].key < entry.key { place += 1 }
      if place < second.count, second[place].key == entry.key { both += 1 }
    }
    return (first.count, second.count, both)
  }
}

/// What is asked of a licensee, as samples of whole questions tell.
struct QuestionPopularity {
  /// By mixed hash: calls, and the one user who asks it, `nil` if several do.
  private var questions: [UInt64: (calls: Int, user: UInt64?)] = [:]
  private var level = 0
  private var calls = 0
  /// All of them, ascending.
  private var hashes: [UInt64] = []
  /// How many questions have so many calls, ascending.
  private var frequencies: [(calls: Int, questions: Int)] = []

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
    hashes = questions.keys.sorted()
    var counts: [Int: Int] = [:]
    for question in questions.values { counts[question.calls, default: 0] += 1 }
    frequencies = counts.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
  }

  private var limit: UInt64 { level == 0 ? .max : UInt64.max >> UInt64(min(63, level)) }

  /// How many questions are known whose mixed hash is not above a limit, as far as all are known
  /// that far; `nil` where none is.
  func questions(upTo limit: UInt64) -> Int? {
    let bound = min(limit, self.limit)
    // By halves.
    var (count, end) = (0, hashes.count)
    while count < end {
      let middle = (count + end) / 2
      if hashes[middle] <= bound { count = middle + 1 } else { end = middle }
    }
    guard count > 0 else { return nil }
    return Int(Double(count) * (Double(limit) / Double(bound)))
  }

  /// Repeats among so many calls that are drawn as all calls are.
  func repeats(ofCalls count: Int) -> Double? {
    guard calls > 0, !questions.isEmpty else { return nil }
    var repeats = 0.0
    for (question, number) in frequencies {
      let mean = Double(count) * Double(question) / Double(calls)
      repeats += Double(number) * (mean - 1 + exp(-mean))
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
