internal import CivilTime

/// How likely a person is awake and at it, by the hour: 1 at the day's peak.
struct DayCurve {
  private let weights: [Double]
  private let zone: Zone
  /// Of a whole day.
  let mean: Double

  init(zone: Zone) {
    self.zone = zone
    let hours = (0..<24).map { Rhythm.hourWeight(Double($0) + 0.5) }
    let most = hours.reduce(0, max)
    weights = hours.map { $0 / most }
    mean = weights.reduce(0, +) / 24
  }

  func weight(at time: Int64) -> Double {
    let instant = Instant(microseconds: time * 1_000)
    let start = zone.start(of: zone.date(of: instant)).microseconds / 1_000
    return weights[min(23, Int((time - start) / 3_600_000))]
  }
}
