internal import CivilTime

/// How many calls a cache answered itself.
///
/// The model: a question is asked at a rate that is its popularity, times the day's volume, times
/// the hour's share. A call that arrives makes a node's copy, which then answers the node's part of
/// the calls for a lifetime. So popularity is calls over the time, in terms of traffic, in which they
/// could arrive; volume and hours are found likewise, from all questions at their own such times,
/// since what arrives has no honest shape of day. Hidden is popularity times the time in which
/// copies answered, and beyond it what users repeat themselves (``OwnRepeats``).
struct HiddenCalls: Sendable {
  private(set) var count = 0
  private(set) var low = 0
  private(set) var high = 0
  private(set) var renewal = AnswerCache.Renewal.fixed
  /// How much more often than later a question is asked again just beyond the lifetime.
  private(set) var clustering = 1.0

  /// - Parameters:
  ///   - lifetimeMax: of copies, where it is not the same for all since the cache has little room.
  ///   - popular: the questions that are surely answered from copies.
  init(
    _ series: CallSeries, lifetime: Int64, lifetimeMax: Int64, nodes: Int, popular: [Bool]?
  ) {
    let spans = CopySpans(series, lifetime: lifetime, nodes: nodes)
    let traffic = TrafficShape(series, spans)
    var sum = HiddenSum(series, spans, traffic)
    sum.widen(HiddenSum(series, spans, traffic, blockLength: Self.blockLength(lifetime)))
    let prolonging = Prolonging(series, spans, traffic)
    if prolonging.isLikely {
      renewal = .prolonged
      sum = prolonging.hidden(series, atLeast: sum)
    } else if prolonging.isPossible {
      let longer = prolonging.hidden(series, atLeast: sum)
      sum.high = max(sum.high, Self.prolongedWidening * longer.count)
    }
    if let popular {
      let some = HiddenSum(series, spans, traffic, of: popular)
      sum.low = min(sum.low, some.low)
    }
    if lifetimeMax > lifetime {
      let longer = CopySpans(series, lifetime: lifetimeMax, nodes: nodes)
      let most = HiddenSum(series, longer, TrafficShape(series, longer))
      sum.high = max(sum.high, most.high)
      sum.count = (sum.low + sum.high) / 2
    }
    let bursts = Bursts(series, spans, traffic)
    clustering = bursts.ratio
    sum.high += Self.burstWidening * max(0, bursts.ratioHigh - 1) * sum.count
    sum.count *= max(1, bursts.ratio)
    let share = sum.count / max(1, sum.count + Double(series.calls.count))
    let own = OwnRepeats(series, traffic, lifetime: lifetime, hidden: share)
    sum.low += own.low
    sum.high += own.high
    sum.count += own.count
    // The days' calls over those of the questions that were looked at.
    let scale = Double(series.callsSeen) / Double(max(1, series.calls.count))
    let margin = sum.samplingMargin(series)
    count = Int((sum.count * scale).rounded())
    // At least what the questions that were looked at hide themselves.
    low = min(count, Int(max(sum.low, (sum.low - margin) * scale).rounded(.down)))
    high = max(count, Int(((sum.high + margin) * scale).rounded(.up)))
  }

  /// What prolonging hides is estimated too low by up to so much.
  private static let prolongedWidening = 1.6

  /// Calls that draw others are closer together within a lifetime than just beyond it.
  private static let burstWidening = 2.0

  /// Days in which popularity is taken as constant where it drifts; `nil` where a lifetime is too
  /// long for that.
  private static func blockLength(_ lifetime: Int64) -> Int? {
    let days = Int((Double(36 * lifetime) / Double(CallSeries.dayLength)).rounded(.up))
    return days <= 7 ? max(3, days) : nil
  }
}

/// The times in which copies answered, in half hours from the first day on.
struct CopySpans: Sendable {
  /// Of each call, where its copy's time ends: by age, by so many later calls, or with the days.
  private(set) var ends: [Double] = []
  private(set) var starts: [Double] = []
  let nodes: Int
  let lifetime: Double

  init(_ series: CallSeries, lifetime: Int64, nodes: Int) {
    self.nodes = nodes
    self.lifetime = TrafficShape.bins(lifetime)
    let origin = series.days.first?.start ?? 0
    for question in 0..<series.questionCount {
      let range = series.starts[question]..<series.starts[question + 1]
      for index in range {
        let time = series.calls[index].time
        let later = index + nodes < range.upperBound ? series.calls[index + nodes].time : .max
        starts.append(TrafficShape.bins(time - origin))
        ends.append(TrafficShape.bins(min(time + lifetime, later) - origin))
      }
    }
  }
}
