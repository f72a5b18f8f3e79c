internal import Glibc

/// Whether hits prolong a copy's life, and what is hidden then.
///
/// Then a question arrives only when nobody asked for a lifetime: the more traffic there was in the
/// last lifetime, the fewer calls arrive, and popular questions come when there is little.
struct Prolonging: Sendable {
  /// How the calls of popular questions depend on the traffic in the lifetime before them: 0 if a
  /// copy's age alone ends it, −1 or less if hits prolong it.
  private(set) var slope = 0.0
  /// By how many standard deviations it is not 0.
  private(set) var deviations = 0.0

  var isLikely: Bool { deviations < -3 && slope < -0.5 }

  /// Whether it cannot be told from what is not.
  var isPossible: Bool {
    guard deviations != 0 else { return true }
    return slope - 2 * abs(slope / deviations) < -0.7
  }

  private let traffic: TrafficShape
  /// The traffic in the lifetime before the middle of each half hour.
  private var before: [Double] = []
  private let lifetime: Double

  init(_ series: CallSeries, _ spans: CopySpans, _ traffic: TrafficShape) {
    self.traffic = traffic
    lifetime = spans.lifetime
    before = traffic.rates.indices.map { bin in
      let middle = Double(bin) + 0.5
      return traffic.until(middle) - traffic.until(middle - spans.lifetime)
    }
    let first = TrafficShape.sums(zip(traffic.rates, before).map { $0 * $1 })
    let second = TrafficShape.sums(zip(traffic.rates, before).map { $0 * $1 * $1 })
    var score = 0.0
    var information = 0.0
    for question in 0..<series.questionCount {
      let range = series.starts[question]..<series.starts[question + 1]
      guard range.count >= 5 else { continue }
      let weight = traffic.popularity[question]
      func open(_ sums: [Double]) -> Double {
        let covered = range.reduce(0) {
          $0 + TrafficShape.interpolated(sums, spans.ends[$1])
            - TrafficShape.interpolated(sums, spans.starts[$1])
        }
        return sums[sums.count - 1] - covered / Double(spans.nodes)
      }
      let exposure = max(open(traffic.sums), 1e-9)
      let mean = open(first) / exposure
      let variance = max(0, open(second) / exposure - mean * mean)
      let seen = range.reduce(0) { $0 + at(spans.starts[$1]) - mean }
      score += weight * seen
      information += weight * weight * variance * Double(range.count)
    }
    guard information > 0 else { return }
    slope = score / information
    deviations = score / information.squareRoot()
  }

  private func at(_ bins: Double) -> Double {
    traffic.until(bins) - traffic.until(bins - lifetime)
  }

  private static let steps = 120

  /// Each question's popularity is the one at which its calls, at their times, are most likely if it
  /// arrives at its rate times the probability that nobody asked for a lifetime.
  func hidden(_ series: CallSeries, atLeast fixed: HiddenSum) -> HiddenSum {
    let origin = series.days.first?.start ?? 0
    let candidates = (0..<Self.steps).map { exp(Double($0) * 0.12) * 0.5 / traffic.total }
    let expected = candidates.map { weight in
      zip(traffic.rates, before).reduce(0) { $0 + weight * $1.0 * exp(-weight * $1.1) }
    }
    var sum = HiddenSum(count: 0, low: 0, high: 0)
    for question in 0..<series.questionCount {
      let calls = series.calls(of: question)
      guard calls.count >= 3 else { continue }
      let last = calls.reduce(0) { $0 + at(TrafficShape.bins($1.time - origin)) }
      var best = (value: -Double.infinity, weight: 0.0)
      for (weight, due) in zip(candidates, expected) {
        let value = Double(calls.count) * log(weight) - weight * last - due
        if value > best.value { best = (value, weight) }
      }
      sum.count += max(0, best.weight * traffic.total - Double(calls.count))
    }
    sum.low = fixed.low
    sum.high = max(fixed.high, 2.5 * sum.count)
    return sum
  }
}
