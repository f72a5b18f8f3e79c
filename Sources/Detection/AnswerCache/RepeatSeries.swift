internal import CivilTime

/// Who asked what on which days. What is expected rests on users, each of whom counts once for each
/// question, before a day and since; what is observed are all calls, since a copy answers the same
/// user too.
struct RepeatSeries: Sendable {
  /// One user's calls of one question.
  struct Asking: Sendable {
    var firstDay: Int
    var lastDay: Int
  }

  let series: CallSeries
  let firstDay: CivilDate
  let dayCount: Int
  /// By question; of question `q` those in `starts[q]..<starts[q + 1]`.
  private(set) var askings: [Asking] = []
  private(set) var starts: [Int] = [0]
  /// The day of each call of the series.
  private var callDays: [Int] = []
  /// Calls of each day.
  private(set) var volumes: [Double]

  init(_ series: CallSeries) {
    let series = series.withoutRepeats()
    self.series = series
    let first = series.days.first?.date ?? CivilDate(daysSinceEpoch: 0)
    firstDay = first
    dayCount = series.days.last.map { $0.date - first + 1 } ?? 0
    volumes = [Double](repeating: 0, count: dayCount)
    var day = 0
    var dates = series.days.map { Int($0.date - first) }
    if dates.isEmpty { dates = [0] }
    var asking = [Int32](repeating: -1, count: series.userCount)
    for question in 0..<series.questionCount {
      for place in series.starts[question]..<series.starts[question + 1] {
        let time = series.calls[place].time
        if place == series.starts[question] || time >= series.days[day].start + CallSeries.dayLength
        {
          day = series.dayIndex(of: time)
        }
        volumes[dates[day]] += 1
        callDays.append(dates[day])
        note(user: Int(series.users[place]), on: dates[day], &asking)
      }
      starts.append(askings.count)
    }
  }

  private mutating func note(user: Int, on day: Int, _ asking: inout [Int32]) {
    let place = Int(asking[user])
    if place >= starts[starts.count - 1] {
      askings[place].lastDay = day
    } else {
      asking[user] = Int32(askings.count)
      askings.append(Asking(firstDay: day, lastDay: day))
    }
  }

  /// Users of a question.
  func userCount(of question: Int) -> Int { starts[question + 1] - starts[question] }

  /// Users of each question before a day and since.
  func users(of question: Int, at day: Int) -> (before: Int, since: Int) {
    var before = 0
    var since = 0
    for place in starts[question]..<starts[question + 1] {
      if askings[place].firstDay < day { before += 1 }
      if askings[place].lastDay >= day { since += 1 }
    }
    return (before, since)
  }

  /// Calls of each question on days.
  private func calls(on days: Range<Int>) -> [Int] {
    (0..<series.questionCount).map { question in
      (series.starts[question]..<series.starts[question + 1]).count { days.contains(callDays[$0]) }
    }
  }

  /// Repeats since a day, beyond one call, two calls, and so on.
  ///
  /// A question's expectation rests on its users before but one: that one may be all that it has.
  func changes(at day: Int, nodesMax: Int) -> [RepeatChange] {
    let users = (0..<series.questionCount).map { self.users(of: $0, at: day) }
    let before = users.reduce(0) { $0 + $1.before }
    let since = users.reduce(0) { $0 + $1.since }
    guard before > 0, since > 0 else { return [] }
    let scale = Double(since) / Double(before)
    var observed = [Int](repeating: 0, count: nodesMax)
    var expected = [Double](repeating: 0, count: nodesMax)
    var known = 0
    var knownExpected = 0.0
    for (user, calls) in zip(users, calls(on: day..<dayCount)) {
      for nodes in 1...nodesMax { observed[nodes - 1] += max(0, calls - nodes) }
      guard user.before >= 2 else { continue }
      let mean = Double(user.before - 1) * scale
      let excess = PoissonExcess(mean: mean, orders: nodesMax)
      for nodes in 1...nodesMax { expected[nodes - 1] += excess.beyond[nodes] }
      known += user.since > 0 ? 1 : 0
      knownExpected += excess.some
    }
    let volume = Double(since) / Double(dayCount - day) / (Double(before) / Double(day))
    return (1...nodesMax).map { nodes in
      RepeatChange(
        day: day, nodes: nodes, observed: observed[nodes - 1], expected: expected[nodes - 1],
        known: known, knownExpected: knownExpected, volume: volume)
    }
  }

  /// The same in as many days before a change, over what is expected in them.
  func repeatShareBefore(_ change: RepeatChange) -> Double {
    let days = max(0, 2 * change.day - dayCount)..<change.day
    let calls = calls(on: days)
    let users = (0..<series.questionCount).map { self.users(of: $0, at: change.day).before }
    let scale = Double(calls.reduce(0, +)) / Double(max(1, users.reduce(0, +)))
    var observed = 0
    var expected = 0.0
    for (calls, users) in zip(calls, users) {
      observed += max(0, calls - change.nodes)
      if users >= 2 {
        let excess = PoissonExcess(mean: Double(users - 1) * scale, orders: change.nodes)
        expected += excess.beyond[change.nodes]
      }
    }
    return expected > 0 ? Double(observed) / expected : 0
  }

  /// Of the repeats since a day, the share that came within a day of the last call.
  func closeShare(since day: Int) -> Double {
    var repeats = 0
    var close = 0
    for question in 0..<series.questionCount {
      let range = series.starts[question]..<series.starts[question + 1]
      for index in range.dropFirst() where callDays[index - 1] >= day {
        repeats += 1
        let gap = series.calls[index].time - series.calls[index - 1].time
        close += gap < CallSeries.dayLength ? 1 : 0
      }
    }
    return repeats > 0 ? Double(close) / Double(repeats) : 0
  }

  /// The calls that are fewer than before, as far as days differ by chance.
  func missing(since day: Int) -> (low: Int, high: Int) {
    let before = volumes[..<day]
    let mean = before.reduce(0, +) / Double(day)
    let since = volumes[day...].reduce(0, +)
    let squares = before.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
    let deviation = (squares / Double(max(1, day - 1))).squareRoot() / max(mean, 1e-9)
    let length = Double(dayCount - day)
    let error = max(0.1, 2.5 * deviation * (1 / Double(day) + 1 / length).squareRoot())
    let scale = Double(series.callsSeen) / Double(max(1, series.calls.count))
    let low = max(0, mean * length * (1 - error) - since) * scale
    let high = max(0, mean * length * (1 + error) - since) * scale
    return (Int(low.rounded(.down)), Int(high.rounded(.up)))
  }

  /// The three questions with the most users before a day.
  func telling(since day: Int) -> [CopiedQuestion] {
    let users = (0..<series.questionCount).map { self.users(of: $0, at: day) }
    let before = users.reduce(0) { $0 + $1.before }
    let since = users.reduce(0) { $0 + $1.since }
    let ranked = users.indices.sorted { (-users[$0].before, $0) < (-users[$1].before, $1) }
    let start = (Int64(firstDay.daysSinceEpoch) + Int64(day)) * CallSeries.dayLength
    return ranked.prefix(3).map { question in
      let calls = series.calls(of: question)
      let last = calls.last { $0.time < start }
      let next = calls.first { $0.time >= start }
      return CopiedQuestion(
        question: calls[calls.startIndex].question, before: users[question].before,
        after: users[question].since,
        afterExpected: Double(users[question].before) * Double(since) / Double(max(1, before)),
        sources: [last, next].compactMap { $0?.source })
    }
  }
}

/// The segments of a licensee and a module: what the others ask says what one should.
struct RepeatGroup: Sendable {
  let series: [RepeatSeries]
  /// The level at which all have what they ask of the same questions.
  fileprivate let level: Int
  /// Of each segment's questions a number that they have in all segments; negative for one that others do not keep.
  fileprivate private(set) var numbers: [[Int32]] = []
  /// By number the users, of all segments.
  fileprivate private(set) var users: [Int] = []

  init(_ series: [RepeatSeries]) {
    self.series = series
    level = series.map(\.series.level).max() ?? 0
    var hashes = HashNumbers(capacity: 1_000)
    for segment in series {
      var numbers: [Int32] = []
      for question in 0..<segment.series.questionCount {
        let hash = segment.series.calls[segment.series.starts[question]].question
        guard QuestionSample.isKept(hash, level: level) else {
          numbers.append(-1)
          continue
        }
        let number = hashes.number(of: hash)
        if hashes.count > users.count { users.append(0) }
        users[Int(number)] += segment.userCount(of: question)
        numbers.append(number)
      }
      self.numbers.append(numbers)
    }
  }

  /// The other segments' repeats since a day over what the days before it give.
  func repeatShare(
    since date: CivilDate, without place: Int, _ settings: PermanentCopyTest.Settings
  ) -> Double? {
    var observed = 0
    var expected = 0.0
    for (other, segment) in series.enumerated() where other != place {
      let day = date - segment.firstDay
      guard day > 0, day < segment.dayCount else { continue }
      guard let change = segment.changes(at: day, nodesMax: 1).first else { continue }
      observed += change.observed
      expected += change.expected
    }
    return expected >= settings.expectedMin ? Double(observed) / expected : nil
  }
}

/// What the other apps ask too.
struct SharedQuestions: Sendable {
  /// Calls and users here of each question that both ask, and its share of those calls there.
  private var here: [(calls: Int, users: Int, share: Double, question: Int, there: Int)] = []
  /// By number the users there.
  private var there: [Int]
  private let sum: Int
  /// Users here of the questions that both ask.
  private var total = 0
  private let own: RepeatSeries

  var count: Int { here.count }

  init?(_ place: Int, _ group: RepeatGroup) {
    own = group.series[place]
    there = group.users
    for question in 0..<own.series.questionCount where group.numbers[place][question] >= 0 {
      there[Int(group.numbers[place][question])] -= own.userCount(of: question)
    }
    sum = there.reduce(0, +)
    guard own.dayCount > 0, sum > 0 else { return nil }
    for question in 0..<own.series.questionCount where group.numbers[place][question] >= 0 {
      let other = there[Int(group.numbers[place][question])]
      guard other >= 2 else { continue }
      let users = own.userCount(of: question)
      total += users
      here.append(
        (
          own.series.calls(of: question).count, users, Double(other - 1) / Double(sum), question,
          other
        ))
    }
    // Among all that the others ask, whether it came here or not: if only what came were taken, each of
    // it would look as if it had to come more often than it did. What this app asks besides makes none of
    // it more likely.
    let common = there.reduce(0) { $0 + Double(max(0, $1 - 1)) / Double(sum) }
    guard common > 0 else { return nil }
    for index in here.indices { here[index].share /= common }
  }

  func observed(beyond nodes: Int) -> Int { here.reduce(0) { $0 + max(0, $1.calls - nodes) } }

  /// Repeats of questions that came, if they are as popular as in the other apps.
  func expected(beyond nodes: Int) -> Double {
    here.reduce(0) { sum, shared in
      let excess = PoissonExcess(mean: shared.share * Double(total), orders: nodes)
      return sum + (excess.some > 0 ? excess.beyond[nodes] / excess.some : 0)
    }
  }

  /// As many calls as it takes for as many different questions to come at all.
  func hidden(nodes: Int) -> (low: Int, high: Int) {
    let seen = Double(here.count)
    // All shares of the other apps, of questions that are asked here or not.
    let shares = there.filter { $0 > 0 }.map { Double($0 - 1) / Double(sum) }
    var low = Double(total)
    var high = Double(total) * 100
    for _ in 0..<40 {
      let middle = (low + high) / 2
      let different = shares.reduce(0) { $0 + PoissonExcess(mean: $1 * middle, orders: 1).some }
      if different < seen { low = middle } else { high = middle }
    }
    let scale = Double(own.series.callsSeen) / Double(max(1, own.series.calls.count))
    let least = max(0, expected(beyond: nodes) - Double(observed(beyond: nodes))) * scale
    let most = max(least, (high - Double(total)) * 1.6 * scale)
    return (Int(least.rounded(.down)), Int(most.rounded(.up)))
  }

  func telling() -> [CopiedQuestion] {
    let ranked = here.sorted { ($1.share, $0.question) < ($0.share, $1.question) }
    return ranked.prefix(3).map { shared in
      let calls = own.series.calls(of: shared.question)
      return CopiedQuestion(
        question: calls[calls.startIndex].question,
        before: shared.there, after: shared.users,
        afterExpected: shared.share * Double(total),
        sources: calls.prefix(2).map(\.source))
    }
  }
}
