import CivilTime
import Glibc
import TestSupport

@testable import Detection

/// One call of a user's, before any cache.
struct Arrival {
  var question: Int
  /// Seconds since the first day began.
  var time: Double
  var user: Int
}

/// Traffic as users have it, for tests of what a cache leaves of it.
struct QuestionTraffic {
  var days = 14
  var callsPerDay = 500.0
  var questions = 5_000
  /// Days before the first, which only fill the cache.
  var warmDays = 0
  /// How much more popular the first questions are (Zipf).
  var exponent = 1.0
  var users = 3_000
  /// Calls a day by hour of UTC; two peaks of a Chinese day.
  var rhythm: [Double] = [
    3.0, 6.5, 9.5, 9.0, 6.0, 5.5, 7.0, 8.0, 7.5, 6.5, 6.0, 7.0, 9.5, 11.0, 10.0, 7.0, 4.0, 2.0, 1.0,
    0.6, 0.4, 0.4, 0.7, 1.5,
  ]
  /// The standard deviation of each question's daily change, in logarithms.
  var drift = 0.0
  /// What each call draws after it within some minutes, on average.
  var bursts = 0.0
  /// The volume of each day in terms of the first's; days beyond have 1.
  var volume: [Double] = []
  var random: SeededRandom

  init(seed: UInt64) { random = SeededRandom(seed: Mixing.mixed(seed)) }

  private func hash(_ number: Int, _ kind: UInt64) -> UInt64 {
    Mixing.mixed(UInt64(bitPattern: Int64(number)) &* 64 &+ kind)
  }

  /// Cumulative weights, and a place by weight.
  private struct Weights {
    var sums: [Double] = []
    init(_ weights: some Sequence<Double>) {
      var sum = 0.0
      for weight in weights {
        sum += weight
        sums.append(sum)
      }
    }
    func one(_ random: inout SeededRandom) -> Int {
      let value = Double.random(in: 0..<sums[sums.count - 1], using: &random)
      var low = 0
      var high = sums.count - 1
      while low < high {
        let middle = (low + high) / 2
        if sums[middle] <= value { low = middle + 1 } else { high = middle }
      }
      return low
    }
  }

  private mutating func normal() -> Double {
    (0..<12).reduce(-6) { sum, _ in sum + Double.random(in: 0..<1, using: &random) }
  }

  mutating func exponential() -> Double { -log(1 - Double.random(in: 0..<1, using: &random)) }

  mutating func poisson(_ mean: Double) -> Int {
    if mean > 50 { return max(0, Int((mean + normal() * mean.squareRoot()).rounded())) }
    var count = 0
    var time = exponential()
    while time < mean {
      count += 1
      time += exponential()
    }
    return count
  }

  /// A second of a day, as the rhythm has it.
  mutating func second() -> Double {
    let hour = Weights(rhythm).one(&random)
    return (Double(hour) + Double.random(in: 0..<1, using: &random)) * 3_600
  }

  /// All calls in the order of time.
  mutating func arrivals() -> [Arrival] {
    var arrivals: [Arrival] = []
    var weights = (1...questions).map { pow(Double($0), -exponent) }
    let hours = Weights(rhythm)
    for day in -warmDays..<days {
      if drift > 0 {
        for index in weights.indices { weights[index] *= exp(drift * normal()) }
      }
      let popularity = Weights(weights)
      let scale = volume.indices.contains(day) ? volume[day] : 1
      for _ in 0..<poisson(callsPerDay * scale / (1 + bursts)) {
        let hour = Double(hours.one(&random)) + Double.random(in: 0..<1, using: &random)
        let first = Arrival(
          question: popularity.one(&random), time: Double(day) * 86_400 + hour * 3_600,
          user: Int.random(in: 0..<users, using: &random))
        arrivals.append(first)
        guard bursts > 0 else { continue }
        for _ in 0..<poisson(bursts) {
          arrivals.append(
            Arrival(
              question: first.question,
              time: first.time + 300 * exponential(),
              user: Int.random(in: 0..<users, using: &random)))
        }
      }
    }
    return arrivals.sorted { $0.time < $1.time }
  }

  /// Without what a user repeats within half an hour.
  func firsts(_ arrivals: [Arrival]) -> [Arrival] {
    struct Pair: Hashable {
      var question: Int
      var user: Int
    }
    var last: [Pair: Double] = [:]
    return arrivals.filter { arrival in
      let pair = Pair(question: arrival.question, user: arrival.user)
      let before = last.updateValue(arrival.time, forKey: pair)
      return before.map { arrival.time - $0 >= 1_800 } ?? true
    }
  }

  /// Calls that are asked on the days themselves.
  func counted(_ arrivals: [Arrival]) -> Int { firsts(arrivals).count { $0.time >= 0 } }

  static let firstDay = CivilDate(year: 2025, month: 12, day: 1)

  /// The samples of calls that arrive; what a user repeats within half an hour is left out.
  func samples(_ arrivals: [Arrival]) -> [CivilDate: QuestionSample] {
    var samples: [CivilDate: QuestionSample] = [:]
    let start = Double(Self.firstDay.daysSinceEpoch) * 86_400
    for (index, arrival) in firsts(arrivals).enumerated() where arrival.time >= 0 {
      let time = Int64((start + arrival.time) * 1_000) * 1_000
      let date = CivilDate(daysSinceEpoch: Int32(time / 86_400_000_000))
      samples[date, default: QuestionSample()].add(
        question: hash(arrival.question, 1), time: time, user: hash(arrival.user, 2),
        source: UInt64(index))
    }
    return samples
  }
}

/// A cache before the API.
struct AnswerCacheModel {
  var lifetime: Double
  var nodes = 1
  /// Copies that a node has room for; the one that was used least recently goes first.
  var room = Int.max
  var isProlonged = false
  /// Of the calls that it could answer, the cache lets so many through nevertheless.
  var leaks = 0.0
  /// The log's times differ by up to so many seconds.
  var jitter = 0.0

  /// What gets through, and how many calls do not.
  func passing(
    _ arrivals: [Arrival], _ random: inout SeededRandom
  ) -> (calls: [Arrival], hidden: Int) {
    var expiry = [[Int: Double]](repeating: [:], count: nodes)
    var used = [[Int: Int]](repeating: [:], count: nodes)
    var order = [[(place: Int, question: Int)]](repeating: [], count: nodes)
    var head = [Int](repeating: 0, count: nodes)
    var passing: [Arrival] = []
    var hidden = 0
    for (place, arrival) in arrivals.enumerated() {
      let node = Int.random(in: 0..<nodes, using: &random)
      let isFresh = (expiry[node][arrival.question] ?? -1) > arrival.time
      let isLeak = leaks > 0 && Double.random(in: 0..<1, using: &random) < leaks
      if isFresh, !isLeak {
        hidden += 1
        if isProlonged { expiry[node][arrival.question] = arrival.time + lifetime }
      } else {
        expiry[node][arrival.question] = arrival.time + lifetime
        var logged = arrival
        if jitter > 0 { logged.time += Double.random(in: -jitter...jitter, using: &random) }
        passing.append(logged)
      }
      guard room < Int.max else { continue }
      used[node][arrival.question] = place
      order[node].append((place, arrival.question))
      while expiry[node].count > room, head[node] < order[node].count {
        let oldest = order[node][head[node]]
        head[node] += 1
        guard used[node][oldest.question] == oldest.place else { continue }
        used[node][oldest.question] = nil
        expiry[node][oldest.question] = nil
      }
    }
    return (passing.sorted { $0.time < $1.time }, hidden)
  }
}
