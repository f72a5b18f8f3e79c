internal import CivilTime

/// A planted stretch of time in which calls fail: all of them, or some, which are tried again.
struct Disturbance {
  let plant: Int
  let window: SimulationOptions.Window
  /// `nil`: all of them, with status 503.
  let failure: Chance?

  /// In milliseconds.
  var span: Range<Int64> { (window.from.microseconds / 1_000)..<(window.to.microseconds / 1_000) }
}

extension Traffic {
  /// Draws stretches of time between 8 and 22 o'clock.
  mutating func disturb(_ plant: Plant, _ number: Int, count: Int, failure: Chance?) {
    var random = Random(seed: options.seed, stream: 100 + UInt64(number))
    let length = Int64(plant.count("minutes")) * 60
    for _ in 0..<count {
      let from =
        options.zone.start(of: options.from + random.below(options.days))
        + Interval(seconds: 8 * 3_600 + Int64(random.below(14 * 3_600)))
      let window = SimulationOptions.Window(from: from, to: from + Interval(seconds: length))
      disturbances.append(Disturbance(plant: number, window: window, failure: failure))
      conduct.tallies[number].windows.append(window)
      if failure == nil { outages.append(window) }
    }
    outages.sort { ($0.from, $0.to) < ($1.from, $1.to) }
  }

  /// The chance of failure where it is not the usual one.
  @inline(__always)
  func disturbedFailure(at time: Int64) -> Chance? {
    if disturbancesNear.isEmpty { return nil }
    return disturbancesNear.first { $0.span.contains(time) && $0.failure != nil }?.failure
  }

  /// Notes what is planted and shows in a line without a step of its own.
  func markPlanted(_ event: inout LogEvent, at time: Int64) {
    for disturbance in disturbancesNear where disturbance.span.contains(time) {
      event.plants |= 1 << UInt64(disturbance.plant)
    }
    for part in conduct.shift?.parts ?? [] where time >= part.from {
      if part.apps.contains(Int(event.app)) { event.plants |= 1 << UInt64(part.plant) }
    }
  }
}
