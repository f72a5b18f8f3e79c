internal import CivilTime

/// The hours of a day in which a planted user is awake.
struct DailyHours {
  private let hours: Range<Int>
  private let zone: Zone

  init(_ hours: Range<Int>, zone: Zone) {
    self.hours = hours
    self.zone = zone
  }

  func contain(_ time: Int64) -> Bool {
    if hours == 0..<24 { return true }
    let instant = Instant(microseconds: time * 1_000)
    let start = zone.start(of: zone.date(of: instant)).microseconds / 1_000
    return hours.contains(Int((time - start) / 3_600_000))
  }
}

/// A user's machine that calls at a fixed interval: the same question again and again, or, to keep
/// a conversation alive, with nothing in it.
struct Poller: Actor {
  private(set) var nextTime: Int64
  var random: Random
  /// Whose state the calls have.
  let slot: Int
  let acting: Acting
  /// In milliseconds.
  let period: Int64
  let jitter: Int
  let hours: DailyHours

  init(
    slot: Int, acting: Acting, from: Int64, period: Int64, jitter: Int64, hours: DailyHours,
    random: Random
  ) {
    self.slot = slot
    self.acting = acting
    self.period = period
    self.jitter = Int(jitter)
    self.hours = hours
    self.random = random
    nextTime = from
    nextTime += Int64(self.random.below(Int(min(period, 86_400_000))))
  }

  mutating func act(_ traffic: inout Traffic) {
    if hours.contain(nextTime) { traffic.call(slot, at: nextTime, as: acting) }
    let swing = jitter == 0 ? 0 : Int64(traffic.random.below(2 * jitter + 1) - jitter)
    nextTime += max(Traffic.callSpacingMin, period + swing)
  }
}
