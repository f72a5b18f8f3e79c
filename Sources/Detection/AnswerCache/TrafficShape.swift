internal import CivilTime

/// Rates in time: what each half hour has of the traffic before any cache.
struct TrafficShape: Sendable {
  static let binsOfDay = 48
  private static let binLength = Double(CallSeries.dayLength) / Double(binsOfDay)
  private static let roundsMax = 25
  /// A change of all rates together that ends the rounds.
  private static let changeMin = 2e-3

  /// Of each half hour; days that were left out have none.
  private(set) var rates: [Double]
  /// Before each half hour, and in the end.
  private(set) var sums: [Double]
  /// Of each question.
  private(set) var popularity: [Double]

  static func bins(_ time: Int64) -> Double { Double(time) / binLength }

  var total: Double { sums[sums.count - 1] }

  /// Traffic until a time.
  func until(_ bins: Double) -> Double { Self.interpolated(sums, bins) }

  /// A sum over half hours until a time between their bounds.
  static func interpolated(_ sums: [Double], _ bins: Double) -> Double {
    guard bins > 0 else { return 0 }
    let bin = Int(bins)
    guard bin < sums.count - 1 else { return sums[sums.count - 1] }
    return sums[bin] + (bins - Double(bin)) * (sums[bin + 1] - sums[bin])
  }

  static func sums(_ values: [Double]) -> [Double] {
    var sums = [0.0]
    sums.reserveCapacity(values.count + 1)
    for value in values { sums.append(sums[sums.count - 1] + value) }
    return sums
  }

  init(_ series: CallSeries, _ spans: CopySpans) {
    let first = series.days.first?.date ?? CivilDate(daysSinceEpoch: 0)
    let dayCount = (series.days.last?.date).map { $0 - first + 1 } ?? 0
    let count = dayCount * Self.binsOfDay
    var isSeen = [Bool](repeating: false, count: dayCount)
    for day in series.days { isSeen[day.date - first] = true }
    var arrived = [Double](repeating: 0, count: count)
    for start in spans.starts { arrived[min(count - 1, max(0, Int(start)))] += 1 }
    rates = (0..<count).map { isSeen[$0 / Self.binsOfDay] ? 1 : 0 }
    sums = Self.sums(rates)
    popularity = []
    fit(series, spans, arrived: arrived, isSeen: isSeen)
  }

  /// Popularity, volumes and hours in turn, each from the other two.
  private mutating func fit(
    _ series: CallSeries, _ spans: CopySpans, arrived: [Double], isSeen: [Bool]
  ) {
    var volume = isSeen.map { $0 ? 1.0 : 0.0 }
    var hours = [Double](repeating: 1, count: Self.binsOfDay)
    for _ in 0..<Self.roundsMax {
      popularity = popularities(series, spans)
      let open = openShares(series, spans)
      for day in volume.indices where isSeen[day] {
        let range = day * Self.binsOfDay..<(day + 1) * Self.binsOfDay
        let due = range.reduce(0) { $0 + hours[$1 % Self.binsOfDay] * open[$1] }
        let came = range.reduce(0) { $0 + arrived[$1] }
        volume[day] = due > 0 ? came / due : 0
      }
      for hour in hours.indices {
        let due = volume.indices.reduce(0) { $0 + volume[$1] * open[$1 * Self.binsOfDay + hour] }
        let came = volume.indices.reduce(0) { $0 + arrived[$1 * Self.binsOfDay + hour] }
        hours[hour] = due > 0 ? came / due : 0
      }
      let next = rates.indices.map { volume[$0 / Self.binsOfDay] * hours[$0 % Self.binsOfDay] }
      let total = max(next.reduce(0, +), 1e-300)
      let change = zip(rates, next).reduce(0) { $0 + abs($1.0 - $1.1 / total) }
      rates = next.map { $0 / total }
      volume = volume.map { $0 / total }
      sums = Self.sums(rates)
      if change < Self.changeMin { break }
    }
    popularity = popularities(series, spans)
  }

  private func popularities(_ series: CallSeries, _ spans: CopySpans) -> [Double] {
    (0..<series.questionCount).map { question in
      let range = series.starts[question]..<series.starts[question + 1]
      let last = popularity.isEmpty ? Double(range.count) / total : popularity[question]
      return Double(range.count) / (total - coveredTraffic(range, spans, popularity: last))
    }
  }

  /// The traffic at which copies answered a question, given as the range of its calls.
  func coveredTraffic(_ range: Range<Int>, _ spans: CopySpans, popularity: Double) -> Double {
    let first = spans.starts[range.lowerBound]
    let before = until(min(spans.lifetime, first)) * coveredBefore(spans, popularity: popularity)
    return min(
      (1 - 1e-4) * total,
      range.reduce(0) { $0 + until(spans.ends[$1]) - until(spans.starts[$1]) }
        / Double(spans.nodes) + before)
  }

  /// The part of the time before a question's first call, up to a lifetime, in which a copy from
  /// before the first day answered: that of all times.
  private func coveredBefore(_ spans: CopySpans, popularity: Double) -> Double {
    let calls =
      popularity / Double(spans.nodes) * min(total, total * spans.lifetime / Double(rates.count))
    return calls / (1 + calls)
  }

  /// Of each half hour the popularity of the questions that could arrive.
  private func openShares(_ series: CallSeries, _ spans: CopySpans) -> [Double] {
    var partial = [Double](repeating: 0, count: rates.count + 1)
    var changes = [Double](repeating: 0, count: rates.count + 1)
    func cover(_ start: Double, _ end: Double, _ weight: Double) {
      let end = min(end, Double(rates.count))
      guard end > start else { return }
      let first = Int(start)
      let last = Int(end)
      if first == last {
        partial[first] += weight * (end - start)
      } else {
        partial[first] += weight * (Double(first + 1) - start)
        partial[last] += weight * (end - Double(last))
        changes[first + 1] += weight
        changes[last] -= weight
      }
    }
    for question in 0..<series.questionCount {
      let range = series.starts[question]..<series.starts[question + 1]
      cover(
        0, min(spans.lifetime, spans.starts[range.lowerBound]),
        popularity[question] * coveredBefore(spans, popularity: popularity[question]))
      let weight = popularity[question] / Double(spans.nodes)
      for index in range { cover(spans.starts[index], spans.ends[index], weight) }
    }
    let whole = popularity.reduce(0, +)
    var covered = 0.0
    return rates.indices.map { bin in
      covered += changes[bin]
      return max(1e-3 * whole, whole - covered - partial[bin])
    }
  }
}
