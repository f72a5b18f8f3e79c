internal import Glibc

/// Whether other users ask a question again just beyond a copy's life more often than its popularity gives: then they
/// do so within it, too, and more of it.
struct Bursts: Sendable {
  /// Questions asked by another user just beyond the lifetime, over what popularity gives.
  private(set) var ratio = 1.0
  /// As much as it may be.
  private(set) var ratioHigh = 1.0

  /// How far beyond it is looked, in lifetimes.
  private static let reach = 0.5
  private static let deviations = 2.5
  /// What the model of rates may be wrong by.
  private static let modelError = 0.1

  init(_ series: CallSeries, _ spans: CopySpans, _ traffic: TrafficShape) {
    guard spans.nodes == 1 else { return }
    var expected = 0.0
    var observed = 0.0
    for question in 0..<series.questionCount {
      let range = series.starts[question]..<series.starts[question + 1]
      for index in range.dropLast() {
        let start = spans.starts[index] + spans.lifetime
        let end = start + Self.reach * spans.lifetime
        let due = traffic.popularity[question] * (traffic.until(end) - traffic.until(start))
        expected += 1 - exp(-due)
        let next = spans.starts[index + 1]
        if next >= start, next < end, series.calls[index].user != series.calls[index + 1].user {
          observed += 1
        }
      }
    }
    guard expected >= 20 else { return }
    let found = observed / expected
    let error = Self.deviations * max(observed, 1).squareRoot() / expected
    guard found - error > 1 + Self.modelError else { return }
    ratio = found
    ratioHigh = found + error
  }
}
