internal import CivilTime

/// What came of a plant, as the calls pass.
struct PlantTally {
  struct Hidden {
    var calls = 0
    var lines = 0
  }

  let plant: Plant
  /// Lines of the log that are it.
  private(set) var lines = 0
  private(set) var first: Int64?
  private(set) var last: Int64?
  /// By day since 1970-01-01.
  private(set) var hidden: [Int32: Hidden] = [:]
  /// Ids under which it appears, and people whose addresses are its.
  var users: [Int32] = []
  var sources: [Int32] = []
  var windows: [SimulationOptions.Window] = []
  private var cursor: ZoneCursor

  init(_ plant: Plant, zone: Zone) {
    self.plant = plant
    cursor = ZoneCursor(zone)
  }

  mutating func logged(_ event: LogEvent) {
    lines += 1
    saw(event.time)
  }

  /// - Parameter isAgain: whether it is another attempt of a call that was hidden.
  mutating func hid(_ call: StagedCall, isAgain: Bool) {
    let date = cursor.day(of: Instant(microseconds: call.start * 1_000)).date.daysSinceEpoch
    hidden[date, default: Hidden()].lines += call.attempts.count
    // In a gap of the logs it would not have been there either.
    if !isAgain, !call.attempts.isEmpty { hidden[date, default: Hidden()].calls += 1 }
    saw(call.start)
  }

  private mutating func saw(_ time: Int64) {
    first = min(first ?? time, time)
    last = max(last ?? time, time)
  }
}

extension Conduct {
  /// The truth about each plant, in the order in which they were given.
  func truth(options: SimulationOptions, population: Population) -> [Truth.Planted] {
    tallies.enumerated().map { number, tally in
      var planted = Truth.Planted(
        name: tally.plant.name.rawValue, conduct: tally.plant.name.conduct,
        parameters: tally.plant.parameters(options), lines: tally.lines)
      planted.from = tally.first.map { text($0, options) } ?? ""
      planted.to = tally.last.map { text($0, options) } ?? ""
      planted.users = tally.users.map(population.text)
      var seen: Set<String> = []
      planted.addresses = tally.sources.map(population.addressText).filter {
        seen.insert($0).inserted
      }
      planted.windows = tally.windows.sorted { ($0.from, $0.to) < ($1.from, $1.to) }
      if let step = steps.firstIndex(where: { $0.plant == number }) {
        planted.days = days(of: tally, before: counters[step], after: counters[step + 1])
      }
      return planted
    }
  }

  private func text(_ time: Int64, _ options: SimulationOptions) -> String {
    Instant(microseconds: time * 1_000).rfc3339(in: options.zone)
  }

  private func days(
    of tally: PlantTally, before: TruthCounter, after: TruthCounter
  ) -> [Truth.Planted.Day] {
    zip(before.dayTotals(), after.dayTotals()).compactMap { before, after in
      let hidden = tally.hidden[before.date.daysSinceEpoch] ?? .init()
      let day = Truth.Planted.Day(
        date: before.date, hiddenCalls: hidden.calls, hiddenLines: hidden.lines,
        conversationsWithout: before.conversations, conversationsWith: after.conversations,
        itemsWithout: before.items, itemsWith: after.items)
      return day.isEmpty ? nil : day
    }
  }
}
