/// The calls that may speak for a cache: of each question each user's first call of all days.
///
/// What a user repeats says nothing about other users, and the idle timeout keeps it apart; what a
/// machine asks at its interval would look like a lifetime. With first calls alone neither is left,
/// and any two calls of a question are of different users. Questions that come at a constant
/// interval whoever asks are left out too.
struct CacheEvidence: Sendable {
  /// Times at which first calls came, by day, in their order; exchanged are the questions on them.
  private(set) var times: [Int64] = []
  /// For each time the question that came, or -1 for one that has no second call.
  private(set) var questions: [Int32] = []
  /// For each time the place of its call in the series.
  private(set) var places: [Int32] = []
  /// For each time who called: a small number for each user.
  private(set) var users: [Int32] = []
  /// The times of each day that is looked at.
  private(set) var days: [Range<Int>] = []
  private(set) var followsOn: [Bool] = []
  /// Of each question how popular it is: 2 for the first that together have an eighth of the calls
  /// that have a second one, 1 for the others of the first half, 0 for the rest.
  private(set) var popularity: [UInt8] = []
  /// First calls of each question.
  private(set) var calls: [Int] = []

  init(_ series: CallSeries) {
    calls = [Int](repeating: 0, count: series.questionCount)
    var chosen: [(question: Int32, place: Int32)] = []
    var seen = [Int32](repeating: -1, count: series.userCount)
    for question in 0..<series.questionCount {
      let range = series.starts[question]..<series.starts[question + 1]
      if Self.isRegular(series.calls[range]) { continue }
      let before = chosen.count
      for place in range where seen[Int(series.users[place])] != Int32(question) {
        seen[Int(series.users[place])] = Int32(question)
        chosen.append((Int32(question), Int32(place)))
      }
      calls[question] = chosen.count - before
      if calls[question] == 1 { chosen[before].question = -1 }
    }
    let order = QuestionOrder.places(
      sortedBy: chosen.map { series.calls[Int($0.place)].time })
    places = order.map { chosen[Int($0)].place }
    questions = order.map { chosen[Int($0)].question }
    times = places.map { series.calls[Int($0)].time }
    users = places.map { series.users[Int($0)] }
    divide(series)
    findPopular()
  }

  /// Whether a question's gaps are a machine's: constant, or spread evenly about their middle, as a
  /// timer's are that is not punctual or draws its pauses. People's gaps, with and without a cache,
  /// have a long tail: their upper quantile is thrice as far from the middle as the lower one.
  private static func isRegular(_ calls: ArraySlice<QuestionSample.Call>) -> Bool {
    guard calls.count > 6 else { return false }
    let times = calls.lazy.filter { !$0.isRepeat }.map(\.time)
    let gaps = zip(times, times.dropFirst()).map { Double($1 - $0) }.sorted()
    guard gaps.count > 5 else { return false }
    func quantile(_ part: Double) -> Double { gaps[Int(part * Double(gaps.count - 1))] }
    let middle = quantile(0.5)
    let tail = (quantile(0.9) - middle) / max(middle - quantile(0.1), 1)
    let spread = (quantile(0.75) - quantile(0.25)) / max(middle, 1)
    return spread < 0.02 || (spread < 0.35 && tail < 1.8) || (gaps.count >= 10 && tail < 1.5)
  }

  private mutating func divide(_ series: CallSeries) {
    var start = 0
    for day in series.days {
      var end = start
      while end < times.count, times[end] < day.start + CallSeries.dayLength { end += 1 }
      days.append(start..<end)
      followsOn.append(day.followsOn)
      start = end
    }
  }

  private mutating func findPopular() {
    let ranked = calls.indices.filter { calls[$0] > 1 }.sorted {
      calls[$0] != calls[$1] ? calls[$0] > calls[$1] : $0 < $1
    }
    let total = ranked.reduce(0) { $0 + calls[$1] }
    popularity = [UInt8](repeating: 0, count: calls.count)
    var sum = 0
    for question in ranked where sum * 2 < total {
      popularity[question] = sum * 8 < total ? 2 : 1
      sum += calls[question]
    }
  }
}
