internal import Glibc

/// Whoever tries what is there: far more different refused paths in ten minutes than the licensee's calls usually have,
/// or paths that are attacks.
struct ProbingTest {
  typealias Day = RefusalsOfDay

  /// Where refusals come from: a device, or anyone of the licensee (0).
  struct Result {
    var device: UInt32
    /// Different paths in the ten minutes that have most.
    var distinctMax = 0
    /// What half of all ten minutes have at most.
    var usual: Double
    /// Stretches that stand out.
    var bursts = 0
    /// Different paths, and those of them that are attacks, of what stands out.
    var paths = 0
    var attacks = 0
    var kinds: UInt16 = 0
    var calls = 0
    var devices: Set<UInt32> = []
    var clients: Set<UInt32> = []
    /// Slots of five minutes.
    var slots: ClosedRange<Int32>
    var sources: [UInt64] = []
    /// Of the most improbable ten minutes, times all that were looked at; `nil`: attacks alone stand out.
    var probability: Double?
  }

  static let devicesMax = 256
  static let attacksMin = 3
  /// Refusals of honest clients come in bunches: at least so much more than by chance do their numbers vary.
  static let dispersionMin = 2.0

  /// Of one licensee, by day: the level of the sample, and its entries, by key.
  let days: [(level: Int, entries: [(key: Day.Key, entry: Day.Entry)])]
  /// Slots of five minutes in which the licensee calls, refused or not.
  let activeSlots: Int

  /// What stands out of one licensee's refusals, that of a device before that of all; `nil`: nothing.
  func result() -> Result? {
    let places = places(of: busiestDevices())
    let series = places.map { device, places in
      Series(days: days, places: places, device: device, activeSlots: activeSlots)
    }
    let all = Series(
      days: days, places: days.map { Array($0.entries.indices) }, device: 0,
      activeSlots: activeSlots)
    let tried = (series + [all]).reduce(0) { $0 + $1.windows.count }
    let found = series.compactMap { $0.result(tried: tried) }
    let best = found.max {
      ($0.attacks, $0.paths, $1.device) < ($1.attacks, $1.paths, $0.device)
    }
    guard let whole = all.result(tried: tried) else { return best }
    // Where devices change with the paths, no single one stands for them.
    guard let best, best.paths * 2 >= whole.paths else { return whole }
    return best
  }

  /// Those with the most entries, as far as they are enough to stand out.
  private func busiestDevices() -> [UInt32] {
    var counts: [UInt32: Int] = [:]
    for day in days {
      for (_, entry) in day.entries {
        for device in entry.devices { counts[device, default: 0] += 1 }
      }
    }
    return counts.filter { $0.value >= Self.attacksMin }
      .sorted { ($1.value, $0.key) < ($0.value, $1.key) }
      .prefix(Self.devicesMax).map(\.key)
  }

  /// Of each device, by day, where its entries stand.
  private func places(of devices: [UInt32]) -> [(device: UInt32, places: [[Int]])] {
    let numbers = Dictionary(uniqueKeysWithValues: devices.enumerated().map { ($1, $0) })
    var places = devices.map {
      (device: $0, places: [[Int]](repeating: [], count: days.count))
    }
    for (day, (_, entries)) in days.enumerated() {
      for index in entries.indices {
        for device in entries[index].entry.devices {
          if let number = numbers[device] { places[number].places[day].append(index) }
        }
      }
    }
    return places
  }

  /// The refusals of a device, or of all.
  struct Series {
    typealias Entries = [(key: Day.Key, entry: Day.Entry)]
    /// Ten minutes that begin with a slot.
    struct Window {
      var day: Int
      var slot: Int32
      var level: Int
      var paths: Int
    }

    let device: UInt32
    private let days: [(level: Int, entries: Entries)]
    /// By day, where the entries stand, ascending.
    private let places: [[Int]]
    private let activeSlots: Int
    private(set) var windows: [Window] = []

    init(
      days: [(level: Int, entries: Entries)], places: [[Int]], device: UInt32, activeSlots: Int
    ) {
      self.device = device
      self.days = days
      self.places = places
      self.activeSlots = activeSlots
      for (day, own) in places.enumerated() {
        let entries = days[day].entries
        // A slot's entries are side by side, each of another path.
        var start = 0
        while start < own.count {
          let slot = entries[own[start]].key.slot
          let end = own[start...].firstIndex { entries[$0].key.slot != slot } ?? own.count
          let last = own[end...].firstIndex { entries[$0].key.slot > slot &+ 1 } ?? own.count
          let paths =
            last == end ? end - start : Set(own[start..<last].map { entries[$0].key.path }).count
          windows.append(Window(day: day, slot: slot, level: days[day].level, paths: paths))
          start = end
        }
      }
    }

    private func entries(of window: Window) -> Entries {
      places[window.day].lazy.map { days[window.day].entries[$0] }
        .filter { $0.key.slot == window.slot || $0.key.slot == window.slot &+ 1 }
    }

    /// A day's refused attacks.
    private func attacks(on day: Int) -> Entries {
      places[day].filter { days[day].entries[$0].entry.isAttack }.map { days[day].entries[$0] }
    }

    private static func scaled(_ count: Int, _ level: Int) -> Double {
      scalbn(Double(count), Int32(clamping: level))
    }

    /// What half of the windows have at most, those in which nothing was refused among them, and how much their numbers
    /// vary beyond chance.
    private var usual: (paths: Double, dispersion: Double) {
      let silent = max(activeSlots - windows.count, 0)
      let counts =
        [Double](repeating: 0, count: silent)
        + windows.map { Self.scaled($0.paths, $0.level) }.sorted()
      guard !counts.isEmpty else { return (1, dispersionMin) }
      let median = max(counts[(counts.count - 1) / 2], 1)
      let deviations = counts.map { ($0 - median).magnitude }.sorted()
      let deviation = 1.4826 * deviations[(deviations.count - 1) / 2]
      return (median, max(deviation * deviation / median, dispersionMin))
    }

    func result(tried: Int) -> Result? {
      let usual = usual
      var least: Double?
      var told: [Window] = []
      for window in windows {
        let mean = max(scalbn(usual.paths, Int32(clamping: -window.level)), 0.5)
        let probability =
          Self.tail(window.paths, mean: mean, dispersion: usual.dispersion) * Double(tried)
        guard probability < 0.001 else { continue }
        told.append(window)
        least = min(least ?? 1, probability)
      }
      var entries = told.flatMap { self.entries(of: $0) }
      for day in days.indices where device != 0 || least != nil {
        let attacks = attacks(on: day)
        let paths = Set(attacks.map(\.key.path)).count
        if Self.scaled(paths, days[day].level) >= Double(attacksMin) { entries += attacks }
      }
      guard let first = entries.map(\.key.slot).min(), let last = entries.map(\.key.slot).max()
      else { return nil }
      var result = Result(device: device, usual: usual.paths, slots: first...last)
      result.probability = least
      tell(entries, &result)
      result.distinctMax =
        windows.filter { first...last ~= $0.slot }
        .map { Int(Self.scaled($0.paths, $0.level)) }.max() ?? 0
      return result
    }

    private func tell(_ entries: Entries, _ result: inout Result) {
      var once: [Day.Key: Day.Entry] = [:]
      for (key, entry) in entries { once[key] = entry }
      let level = windows.map(\.level).max() ?? 0
      result.paths = Int(Self.scaled(Set(once.keys.map(\.path)).count, level))
      let attacks = once.filter(\.value.isAttack)
      result.attacks = Int(Self.scaled(Set(attacks.keys.map(\.path)).count, level))
      for entry in attacks.values { result.kinds |= entry.traits & ~Day.Entry.refused }
      for entry in once.values {
        result.calls += Int(entry.calls)
        result.devices.formUnion(entry.devices)
        result.clients.formUnion(entry.clients)
      }
      let telling = attacks.count >= 3 ? attacks : once
      result.sources = Array(telling.values.map(\.source).sorted().prefix(6))
      var last: Int32?
      for slot in Set(once.keys.map(\.slot)).sorted() {
        if last.map({ Int(slot) > Int($0) + 2 }) ?? true { result.bursts += 1 }
        last = slot
      }
    }

    /// At most the probability of so many where so many are usual (Chernoff's bound of a Poisson number, its exponent
    /// divided by the dispersion).
    static func tail(_ count: Int, mean: Double, dispersion: Double) -> Double {
      let count = Double(count)
      guard count > mean else { return 1 }
      return exp(-(count * log(count / mean) - count + mean) / dispersion)
    }
  }
}
