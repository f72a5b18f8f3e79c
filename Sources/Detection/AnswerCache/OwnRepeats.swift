/// What a user who asks much at a time repeats within a copy's life.
///
/// Rates say nothing of it: they are of all users together, and one who has just asked is more likely to ask than any
/// other. How often a person says the same again is not known where a cache hides it, anything between never and as
/// often as chance makes it; so it widens a range to one side.
struct OwnRepeats: Sendable {
  /// As chance makes it, of the questions that are looked at.
  private(set) var count = 0.0

  /// - Parameter hidden: the share of calls that is hidden.
  init(_ series: CallSeries, _ traffic: TrafficShape, lifetime: Int64, hidden: Double) {
    let sum = traffic.popularity.reduce(0, +)
    guard sum > 0 else { return }
    var calls: [(user: UInt64, time: Int64, question: Int)] = []
    for question in 0..<series.questionCount {
      for call in series.calls(of: question) { calls.append((call.user, call.time, question)) }
    }
    calls.sort { ($0.user, $0.time, $0.question) < ($1.user, $1.time, $1.question) }
    var end = 0
    for index in calls.indices {
      end = max(end, index + 1)
      while end < calls.count, calls[end].user == calls[index].user,
        calls[end].time <= calls[index].time + lifetime
      { end += 1 }
      count += traffic.popularity[calls[index].question] / sum * Double(end - index - 1)
    }
    count /= max(0.1, 1 - hidden)
  }
}
