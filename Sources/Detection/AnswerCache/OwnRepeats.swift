/// What a user who asks much at a time repeats within a copy's life.
///
/// Rates say nothing of it: they are of all users together, and one who has just asked is more likely to ask than any
/// other. What a user repeats just after a copy's life arrives, and tells how often people say the same again, compared
/// with chance; where a life is longer than a conversation that is not known, and anything between never and twice
/// what chance makes it widens the range.
struct OwnRepeats: Sendable {
  private(set) var count = 0.0
  private(set) var low = 0.0
  private(set) var high = 0.0

  /// Repeats by chance beyond a lifetime that are enough to compare with.
  private static let expectedMin = 10.0
  /// How far beyond it is looked, in lifetimes.
  private static let reach: Int64 = 4
  private static let deviations = 2.5
  /// Users who have not gone by then have paused, and what they say then is no measure.
  private static let pauseMax: Int64 = 1_800_000_000

  private struct Asked {
    var user: UInt64
    var time: Int64
    var question: Int
  }

  /// - Parameter hidden: the share of calls that is hidden.
  init(_ series: CallSeries, _ traffic: TrafficShape, lifetime: Int64, hidden: Double) {
    let sum = traffic.popularity.reduce(0, +)
    guard sum > 0 else { return }
    let calls = Self.byUser(series)
    var chance = 0.0
    var later = 0.0
    var observed = 0.0
    let most = min(Self.reach * lifetime, Self.pauseMax)
    for index in calls.indices {
      let call = calls[index]
      let share = traffic.popularity[call.question] / sum
      // Of what is asked later, others' copies answer a part.
      let open =
        Double(series.starts[call.question + 1] - series.starts[call.question])
        / max(traffic.popularity[call.question] * traffic.total, 1e-9)
      var next = index + 1
      while next < calls.count, calls[next].user == call.user {
        let gap = calls[next].time - call.time
        if gap <= lifetime {
          chance += share
        } else if gap <= most {
          later += share * min(1, open)
          if calls[next].question == call.question { observed += 1 }
        } else {
          break
        }
        next += 1
      }
    }
    chance /= max(0.1, 1 - hidden)
    guard later >= Self.expectedMin else {
      count = chance / 2
      high = 2 * chance
      return
    }
    let error = Self.deviations * (max(observed, 1)).squareRoot() / later
    let ratio = observed / later
    count = ratio * chance
    low = max(0, 0.7 * ratio - error) * chance
    high = (1.5 * ratio + error) * chance
  }

  private static func byUser(_ series: CallSeries) -> [Asked] {
    var calls: [Asked] = []
    for question in 0..<series.questionCount {
      for call in series.calls(of: question) {
        calls.append(Asked(user: call.user, time: call.time, question: question))
      }
    }
    return calls.sorted { ($0.user, $0.time, $0.question) < ($1.user, $1.time, $1.question) }
  }
}
