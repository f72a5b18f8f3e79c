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
  /// All calls of the days that are looked at.
  private(set) var callsSeen = 0

  var questionCount: Int { starts.count - 1 }

  func calls(of question: Int) -> ArraySlice<QuestionSample.Call> {
    calls[starts[question]..<starts[question + 1]]
  }

  /// The days at the level that leaves the most calls. A day that was sampled more sparsely is left
  /// out, like a gap in the log: one day of ten times the calls must not thin out all others.
  init(_ samples: [CivilDate: QuestionSample]) {
    let samples = samples.mapValues { $0.settled() }
    guard let first = samples.keys.min(), let last = samples.keys.max() else { return }
    level = Self.bestLevel(Array(samples.values))
    let length = min(last - first, 400)
    for offset in 0...length {
      let date = first + offset
      let sample = samples[date]
      guard (sample?.level ?? 0) <= level else { continue }
      days.append(Day(date: date, followsOn: days.last.map { $0.date + 1 == date } ?? false))
      if let sample { add(sample, on: days[days.count - 1]) }
    }
    calls.sort()
    leaveOutBounded()
    for index in calls.indices
    where index > 0 && calls[index].question != calls[index - 1].question {
      starts.append(index)
    }
    if !calls.isEmpty { starts.append(calls.count) }
  }

  private static func bestLevel(_ samples: [QuestionSample]) -> Int {
    let levels = Set(samples.map(\.level)).sorted()
    guard levels.count > 1 else { return levels.first ?? 0 }
    var best = (level: 0, calls: -1)
    for level in levels {
      var calls = 0
      for sample in samples where sample.level <= level {
        for call in sample.calls where QuestionSample.isKept(call.question, level: level) {
          calls += 1
        }
      }
      if calls > best.calls { best = (level, calls) }
    }
    return best.level
  }

  private mutating func add(_ sample: QuestionSample, on day: Day) {
    callsSeen += sample.callsSeen
    let span = day.start..<(day.start + Self.dayLength)
    for call in sample.calls
    where QuestionSample.isKept(call.question, level: level) && span.contains(call.time) {
      calls.append(call)
    }
  }

  /// Leaves out questions of which a day did not keep all calls: when they came is not known.
  private mutating func leaveOutBounded() {
    var bounded: Set<UInt64> = []
    var run = 0
    for index in calls.indices {
      let starts =
        index == 0 || calls[index].question != calls[index - 1].question
        || calls[index].time / Self.dayLength != calls[index - 1].time / Self.dayLength
      run = starts ? 1 : run + 1
      if run >= QuestionSample.callsOfQuestionMax { bounded.insert(calls[index].question) }
    }
    guard !bounded.isEmpty else { return }
    calls.removeAll { bounded.contains($0.question) }
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
