internal import CivilTime

/// The calls of a segment's days at one level of sampling, by question and time.
struct CallSeries: Sendable {
  /// One day that is looked at.
  struct Day: Sendable {
    var date: CivilDate
    /// The day before is looked at too, so that gaps over midnight are known.
    var followsOn: Bool

    /// In microseconds since 1970.
    var start: Int64 { Int64(date.daysSinceEpoch) * CallSeries.dayLength }
  }

  static let dayLength: Int64 = 86_400_000_000

  private(set) var level = 0
  /// The first and last day and all between; a day without calls is one of them.
  private(set) var days: [Day] = []
  /// By question and time.
  private(set) var calls: [QuestionSample.Call] = []
  /// Of question `q` the calls `starts[q]..<starts[q + 1]`.
  private(set) var starts: [Int] = [0]
  /// Of each call a small number for its user.
  private(set) var users: [Int32] = []
  private(set) var userCount = 0
  /// All calls of the days that are looked at.
  private(set) var callsSeen = 0

  var questionCount: Int { starts.count - 1 }

  func calls(of question: Int) -> ArraySlice<QuestionSample.Call> {
    calls[starts[question]..<starts[question + 1]]
  }

  /// The days at the level that leaves the most calls. A day that was sampled more sparsely is left
  /// out, like a gap in the log: one day of ten times the calls must not thin out all others.
  ///
  /// - Parameter ahead: by how much a day's times are moved.
  init(_ samples: [CivilDate: QuestionSample], ahead: (CivilDate) -> Int64 = { _ in 0 }) {
    let samples = samples.mapValues { $0.settled() }
    guard let first = samples.keys.min(), let last = samples.keys.max() else { return }
    level = Self.bestLevel(Array(samples.values))
    var gathered = Gathered(capacity: samples.values.reduce(0) { max($0, $1.kept.count) })
    let length = min(last - first, 400)
    for offset in 0...length {
      let date = first + offset
      let sample = samples[date]
      guard (sample?.levelMin ?? 0) <= level else { continue }
      let day = Day(date: date, followsOn: days.last.map { $0.date + 1 == date } ?? false)
      days.append(day)
      guard let sample else { continue }
      callsSeen += sample.callsSeen
      gathered.add(sample, on: day, level: level, ahead: ahead(date))
    }
    (calls, starts) = gathered.sorted()
    numberUsers()
  }

  private mutating func numberUsers() {
    var numbers = HashNumbers(capacity: calls.count / 4)
    users = calls.map { numbers.number(of: $0.user) }
    userCount = numbers.count
  }

  private static func bestLevel(_ samples: [QuestionSample]) -> Int {
    let levels = Set(samples.map(\.levelMin)).sorted()
    guard levels.count > 1 else { return levels.first ?? 0 }
    var best = (level: 0, calls: -1)
    for level in levels {
      var calls = 0
      for sample in samples where sample.levelMin <= level {
        calls += sample.kept.count { QuestionSample.isKept($0.question, level: level) }
      }
      if calls > best.calls { best = (level, calls) }
    }
    return best.level
  }

  /// The calls of all days, brought together by question.
  private struct Gathered {
    private var calls: [QuestionSample.Call] = []
    private var numbers: [Int32] = []
    private var questions: HashNumbers
    /// Questions of which a day did not keep all calls: when they came is not known.
    private var isBounded: [Bool] = []

    init(capacity: Int) { questions = HashNumbers(capacity: capacity / 4) }

    mutating func add(_ sample: QuestionSample, on day: Day, level: Int, ahead: Int64) {
      let span = day.start..<(day.start + CallSeries.dayLength)
      let kept = sample.kept
      var start = 0
      while start < kept.count {
        let question = kept[start].question
        var end = start + 1
        while end < kept.count, kept[end].question == question { end += 1 }
        defer { start = end }
        guard QuestionSample.isKept(question, level: level) else { continue }
        let number = questions.number(of: question)
        if questions.count > isBounded.count { isBounded.append(false) }
        if sample.isBounded(end - start) { isBounded[Int(number)] = true }
        for index in start..<end {
          var call = kept[index]
          call.time += ahead
          guard span.contains(call.time) else { continue }
          calls.append(call)
          numbers.append(number)
        }
      }
    }

    /// By question and time, and where each question's begin; days come in order, and so do a day's calls.
    func sorted() -> (calls: [QuestionSample.Call], starts: [Int]) {
      guard let any = calls.first else { return ([], [0]) }
      var counts = [Int](repeating: 0, count: questions.count)
      for number in numbers { counts[Int(number)] += 1 }
      var next = counts
      var starts: [Int] = [0]
      for number in questions.ranked {
        next[number] = starts[starts.count - 1]
        if !isBounded[number], counts[number] > 0 {
          starts.append(starts[starts.count - 1] + counts[number])
        }
      }
      var sorted = [QuestionSample.Call](repeating: any, count: starts[starts.count - 1])
      for (call, number) in zip(calls, numbers) where !isBounded[Int(number)] {
        sorted[next[Int(number)]] = call
        next[Int(number)] += 1
      }
      return (sorted, starts)
    }
  }
}

extension CallSeries {
  /// A seed that the calls determine.
  var seed: UInt64 {
    calls.reduce(into: UInt64(level)) { seed, call in
      seed = Mixing.mixed(
        seed ^ Mixing.mixed(call.question &+ UInt64(bitPattern: call.time)) ^ call.user)
    }
  }

  /// The same without what users repeat within the idle timeout.
  func withoutRepeats() -> CallSeries {
    var series = self
    series.calls = []
    series.users = []
    series.starts = [0]
    for question in 0..<questionCount {
      for place in starts[question]..<starts[question + 1] where !calls[place].isRepeat {
        series.calls.append(calls[place])
        series.users.append(users[place])
      }
      if series.calls.count > series.starts[series.starts.count - 1] {
        series.starts.append(series.calls.count)
      }
    }
    return series
  }

  /// The index in `days` of the day that a time lies on.
  func dayIndex(of time: Int64) -> Int {
    var low = 0
    var high = days.count - 1
    while low < high {
      let middle = (low + high + 1) / 2
      if days[middle].start <= time { low = middle } else { high = middle - 1 }
    }
    return low
  }
}
