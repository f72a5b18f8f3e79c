/// Hidden calls, from–to.
struct HiddenSum: Sendable {
  var count = 0.0
  var low = 0.0
  var high = 0.0
  /// What each question hides; empty where that is not known.
  private(set) var ofQuestion: [Double] = []

  /// Standard deviations on each side.
  private static let deviations = 2.5
  /// What the model may be wrong by beyond chance.
  private static let modelError = 0.05

  init(count: Double, low: Double, high: Double) {
    self.count = count
    self.low = low
    self.high = high
  }

  /// What each question's copies answered, from the popularity that its other calls show: a question
  /// that came once would otherwise hide calls behind itself. Where the questions mostly wait behind
  /// copies, one call more only begins the first wait.
  init(
    _ series: CallSeries, _ spans: CopySpans, _ traffic: TrafficShape, of chosen: [Bool]? = nil
  ) {
    var variance = 0.0
    for question in 0..<series.questionCount where chosen?[question] ?? true {
      let range = series.starts[question]..<series.starts[question + 1]
      let covered = traffic.coveredTraffic(
        range, spans, popularity: traffic.popularity[question])
      let before = count
      add(range.count, covered: covered, of: traffic.total, &variance)
      ofQuestion.append(count - before)
    }
    close(variance)
  }

  /// The same with a popularity for each block of days.
  init?(
    _ series: CallSeries, _ spans: CopySpans, _ traffic: TrafficShape, blockLength: Int?
  ) {
    guard let blockLength else { return nil }
    let length = Double(blockLength * TrafficShape.binsOfDay)
    let blocks = max(1, Int(Double(traffic.rates.count) / length))
    let bounds = (0...blocks).map {
      $0 == blocks ? Double(traffic.rates.count) : Double($0) * length
    }
    var variance = 0.0
    for question in 0..<series.questionCount {
      let range = series.starts[question]..<series.starts[question + 1]
      var index = range.lowerBound
      for block in 0..<blocks where index < range.upperBound {
        let from = bounds[block]
        let to = block == blocks - 1 ? .infinity : bounds[block + 1]
        let first = index
        while index < range.upperBound, spans.starts[index] < to { index += 1 }
        // Copies of the block before answer in this one too.
        let covered = (max(range.lowerBound, first - spans.nodes)..<index).reduce(0.0) {
          $0 + traffic.until(min(to, max(from, spans.ends[$1])))
            - traffic.until(max(from, spans.starts[$1]))
        }
        let calls = index - first
        let total = traffic.until(bounds[block + 1]) - traffic.until(bounds[block])
        let share = min(covered / Double(spans.nodes), (1 - 1e-4) * total)
        add(calls, covered: share, of: total, &variance)
      }
    }
    close(variance)
  }

  private mutating func add(
    _ calls: Int, covered: Double, of total: Double, _ variance: inout Double
  ) {
    guard calls > 0, total > 0 else { return }
    let ratio = covered / (total - covered)
    let hidden = max(0, Double(calls) - 1 - covered / total) * ratio
    count += hidden
    variance += Double(calls) * ratio * ratio + hidden
  }

  private mutating func close(_ variance: Double) {
    let margin = Self.deviations * variance.squareRoot() + Self.modelError * count
    low = max(0, count - margin)
    high = count + margin
  }

  /// What may be wrong because whole questions were left out, and they do not all hide the same part of their calls:
  /// for each that is looked at there are others like it that may be many or none.
  func samplingMargin(_ series: CallSeries) -> Double {
    guard series.level > 0, ofQuestion.count == series.questionCount, !series.calls.isEmpty else {
      return 0
    }
    let ratio = ofQuestion.reduce(0, +) / Double(series.calls.count)
    let squares = ofQuestion.indices.reduce(0.0) { sum, question in
      let calls = series.starts[question + 1] - series.starts[question]
      let rest = ofQuestion[question] - ratio * Double(calls)
      return sum + rest * rest
    }
    let left = 1 - 1 / Double(1 << min(series.level, 60))
    return Self.deviations * (left * squares).squareRoot()
  }

  /// Takes in what else may be.
  mutating func widen(_ other: HiddenSum?) {
    guard let other else { return }
    low = min(low, other.low)
    high = max(high, other.high)
    count = (count + other.count) / 2
  }
}
