internal import Glibc

/// A silence that the usual rate makes improbable.
struct Silence {
  /// `nil`: of all hosts.
  var host: String?
  /// In five minutes since 1970.
  var slots: Range<Int32>
  /// Calls that would be expected in it.
  var expected: Double
  /// Calls that it probably lacks.
  var lacking: ClosedRange<Double>
  /// How much more numbers vary than by chance.
  var dispersion: Double
  /// What the others had meanwhile.
  var others: Int
  /// Whether the others had so little more that the host's calls are lost; `false`: that cannot be told.
  var isLost: Bool
  /// Of such a silence under the usual traffic, times all moments at which one could begin.
  var probability: Double
}

/// A host from which on, or up to which, there are logs.
struct HostChange {
  var host: String
  var slot: Int32
  var joins: Bool
}

/// Looks for silences in a stretch of days without longer ones.
struct SilenceTest {
  static let day = 288
  /// Windows are compared within so many days.
  private static let daysMax = 14
  /// A silence that lacks fewer calls is not looked at.
  private static let expectedMin = 8.0
  /// Of tiles that tell how much numbers vary.
  private static let tileMin = 3
  private static let tileMax = 96
  private static let nearby = 72
  /// Calls belong together with fewer silent slots between them, and to no others where so many are around them.
  private static let silentMin = 3
  private static let silentAround = 6
  private static let burstsMin = 10
  /// Numbers of a window at other days that are needed.
  private static let valuesMin = 3
  private static let hostsMax = 64
  private static let changesMax = 8

  private let first: Int32
  private let all: Sums
  private let hosts: [(name: String, sums: Sums)]

  /// Sums of the slots before each.
  private struct Sums {
    private let sums: [Int]

    init(_ counts: [Int32: UInt32], _ range: Range<Int32>) {
      var sums = [0]
      sums.reserveCapacity(range.count + 1)
      var sum = 0
      for slot in range {
        sum += Int(counts[slot] ?? 0)
        sums.append(sum)
      }
      self.sums = sums
    }

    var count: Int { sums.count - 1 }
    subscript(_ range: Range<Int>) -> Int { sums[range.upperBound] - sums[range.lowerBound] }
    /// Of the part that is there.
    func part(_ range: Range<Int>) -> Int { self[range.clamped(to: 0..<count)] }

    /// The silences between calls.
    var silences: [Range<Int>] {
      var silences: [Range<Int>] = []
      var last: Int?
      for slot in 0..<count where sums[slot + 1] > sums[slot] {
        if let last, slot > last + 1 { silences.append(last + 1..<slot) }
        last = slot
      }
      return silences
    }

    /// How many calls come together: a conversation's, where half an hour before it and behind nobody calls. Not told
    /// where that is rare.
    var callsOfBurst: Double? {
      var (bursts, calls) = (0, 0)
      var burst: Range<Int>?
      var isAfterSilence = false
      for slot in 0..<count where sums[slot + 1] > sums[slot] {
        guard let last = burst else {
          burst = slot..<slot + 1
          continue
        }
        let silent = slot - last.upperBound
        if silent < SilenceTest.silentMin {
          burst = last.lowerBound..<slot + 1
          continue
        }
        let isBeforeSilence = silent >= SilenceTest.silentAround
        if isAfterSilence, isBeforeSilence, last.count <= SilenceTest.silentAround {
          bursts += 1
          calls += self[last]
        }
        isAfterSilence = isBeforeSilence
        burst = slot..<slot + 1
      }
      return bursts >= SilenceTest.burstsMin ? Double(calls) / Double(bursts) : nil
    }

    /// From the first to the last call.
    var span: Range<Int>? {
      guard let total = sums.last, total > 0,
        let start = sums.firstIndex(where: { $0 > 0 }),
        let end = sums.firstIndex(where: { $0 == total })
      else { return nil }
      return start - 1..<end
    }
  }

  /// The stretches of all days of which there is anything, between silences of three days and more.
  static func stretches(_ hosts: [String: SlotCounts]) -> [SilenceTest] {
    var days: Set<Int32> = []
    for counts in hosts.values {
      for slot in counts.counts.keys { days.insert(slot / Int32(day)) }
    }
    var stretches: [SilenceTest] = []
    var start: Int32?
    let sorted = days.sorted()
    for (index, date) in sorted.enumerated() {
      if start == nil { start = date }
      guard let from = start, index + 1 == sorted.count || sorted[index + 1] > date + 3 else {
        continue
      }
      stretches.append(SilenceTest(hosts, from * Int32(day)..<(date + 1) * Int32(day)))
      start = nil
    }
    return stretches
  }

  private init(_ hosts: [String: SlotCounts], _ range: Range<Int32>) {
    var all: [Int32: UInt32] = [:]
    var totals: [(name: String, total: Int)] = []
    for (name, counts) in hosts {
      var total = 0
      for (slot, calls) in counts.counts where range.contains(slot) {
        total += Int(calls)
        all[slot, default: 0] = all[slot, default: 0] &+ calls
      }
      if total > 0 { totals.append((name, total)) }
    }
    // Before its first and behind its last call nothing is known.
    let range = (all.keys.min() ?? 0)..<(all.keys.max() ?? 0) + 1
    first = range.lowerBound
    self.all = Sums(all, range)
    // Names by thousands are no hosts; the largest are looked at.
    self.hosts = totals.sorted { ($1.total, $0.name) < ($0.total, $1.name) }.prefix(Self.hostsMax)
      .map { ($0.name, Sums(hosts[$0.name]?.counts ?? [:], range)) }
  }

  /// One of a few lengths, so that numbers in tiles are told once for many silences.
  private static func tileLength(_ silence: Range<Int>) -> Int {
    var length = tileMin
    while length * 2 <= min(silence.count, tileMax) { length *= 2 }
    return length
  }

  private var tried: Double { Double(all.count * (hosts.count + 1)) }

  private func slots(_ range: Range<Int>) -> Range<Int32> {
    first + Int32(range.lowerBound)..<first + Int32(range.upperBound)
  }

  // MARK: - All

  func silencesOfAll() -> [Silence] {
    var dispersions: [Int: Tiles] = [:]
    let burst = all.callsOfBurst
    let silences = all.silences.map { ($0, expected($0) ?? 0) }
    let tail = SilenceTail(silences.map(\.1))
    return silences.compactMap { silence, usual in
      guard usual >= Self.expectedMin else { return nil }
      let length = Self.tileLength(silence)
      let tiles = dispersions[length] ?? tiles(length: length)
      dispersions[length] = tiles
      let dispersion = max(
        tiles.dispersion(without: silence), tail.dispersion(without: usual),
        Self.leastDispersion(burst, expected: usual, in: silence))
      let spread = (dispersion * usual).squareRoot()
      // What is usual is itself known from few days.
      let sure = max(usual - spread, 0)
      let probability = tried * exp(-2 * sure / (dispersion + 1))
      return Silence(
        host: nil, slots: slots(silence), expected: usual,
        lacking: max(usual - 2 * spread, 0)...(usual + 2 * spread), dispersion: dispersion,
        others: 0, isLost: true, probability: min(probability, 1))
    }
  }

  /// The dispersion that few conversations have, where less than one of them is usual in five minutes: a quiet night's
  /// numbers can vary less, where as many are held in every.
  private static func leastDispersion(
    _ burst: Double?, expected: Double, in silence: Range<Int>
  ) -> Double {
    guard let burst, expected < burst * Double(silence.count) else { return 1 }
    return 2 * burst - 1
  }

  private func tiles(length: Int) -> Tiles {
    Tiles(length: length, count: all.count) { tile in
      guard let usual = median(tile) else { return nil }
      let mean = usual * level(tile)
      guard mean >= 1 else { return nil }
      // A silence is a fall; a rise, such as a campaign, says nothing of it.
      let fall = max(mean - Double(all[tile]), 0)
      return (2 * fall * fall, mean)
    }
  }

  /// A silence with an hour around it at least, so that a few calls more or less decide nothing.
  private func window(_ silence: Range<Int>) -> Range<Int> {
    let margin = max(0, (13 - silence.count) / 2)
    return silence.lowerBound - margin..<silence.upperBound + margin
  }

  private func shifted(_ window: Range<Int>, days: Int) -> Range<Int>? {
    let start = window.lowerBound + days * Self.day
    guard start >= 0, start + window.count <= all.count else { return nil }
    return start..<start + window.count
  }

  /// The other days on which a window is wholly there and no part of itself.
  private func otherDays(_ window: Range<Int>) -> [(days: Int, range: Range<Int>)] {
    (-Self.daysMax...Self.daysMax).compactMap { days in
      guard days.magnitude * UInt(Self.day) >= UInt(window.count),
        let range = shifted(window, days: days)
      else { return nil }
      return (days, range)
    }
  }

  /// The number of calls of other days in a window; `nil` with too few days.
  private func median(_ window: Range<Int>) -> Double? {
    let values = otherDays(window).map { all[$0.range] }.sorted()
    guard values.count >= Self.valuesMin else { return nil }
    return Double(values[(values.count - 1) / 2])
  }

  /// What is usual in a silence: by the same hours of other days, at most what the same days of the weeks before and
  /// after had, and as the hours around it are less than usual.
  private func expected(_ silence: Range<Int>) -> Double? {
    let window = window(silence)
    let others = otherDays(window)
    let values = others.map { all[$0.range] }.sorted()
    guard values.count >= Self.valuesMin else { return nil }
    var usual = Double(values[(values.count - 1) / 2])
    let weekly = others.filter { $0.days.magnitude == 7 }.map { all[$0.range] }
    // A day of rest is told from a lost one by that of another week alone.
    if weekly.isEmpty, silence.count > Self.day / 2 { return nil }
    usual *= level(silence)
    if let least = weekly.min() { usual = min(usual, Double(least)) }
    return usual * Double(silence.count) / Double(window.count)
  }

  /// How much of what is usual the hours around a silence have; at most 1.
  private func level(_ silence: Range<Int>) -> Double {
    let before = silence.lowerBound - Self.nearby..<silence.lowerBound
    let after = silence.upperBound..<silence.upperBound + Self.nearby
    let own = Double(all.part(before) + all.part(after))
    let values = otherDays(silence).map { days, _ in
      let shift = days * Self.day
      return all.part(before.lowerBound + shift..<before.upperBound + shift)
        + all.part(after.lowerBound + shift..<after.upperBound + shift)
    }.sorted()
    guard !values.isEmpty else { return 1 }
    return min(1, (own + 1) / (Double(values[(values.count - 1) / 2]) + 1))
  }

  /// How much numbers vary in tiles of a length beyond what chance alone gives.
  private struct Tiles {
    private let length: Int
    private var terms: [(deviation: Double, mean: Double)?] = []
    private var sum = (deviation: 0.0, mean: 0.0)

    /// - Parameter term: of a tile the square of its deviation, and the variance that chance gives it.
    init(length: Int, count: Int, _ term: (Range<Int>) -> (deviation: Double, mean: Double)?) {
      self.length = length
      for start in stride(from: 0, through: count - length, by: length) {
        let found = term(start..<start + length)
        terms.append(found)
        sum.deviation += found?.deviation ?? 0
        sum.mean += found?.mean ?? 0
      }
    }

    func dispersion(without range: Range<Int>) -> Double {
      var (deviation, mean) = sum
      let first = max(range.lowerBound / length, 0)
      for tile in first...max((range.upperBound - 1) / length, first) where tile < terms.count {
        deviation -= terms[tile]?.deviation ?? 0
        mean -= terms[tile]?.mean ?? 0
      }
      return mean > 1 ? max(deviation / mean, 1) : .infinity
    }
  }

  // MARK: - A host

  func silencesOfHosts() -> [Silence] {
    hosts.count < 2 ? [] : hosts.flatMap { silences(of: $0.name, $0.sums) }
  }

  private func silences(of name: String, _ host: Sums) -> [Silence] {
    guard let span = host.span else { return [] }
    let total = all[span]
    guard total > 0 else { return [] }
    let mean = Double(host[span]) / Double(total)
    guard mean < 1 else { return [] }
    let burst = host.callsOfBurst
    var dispersions: [Int: Tiles] = [:]
    let silences = host.silences.map {
      silence -> (range: Range<Int>, share: Double, expected: Double) in
      let others = all[silence]
      guard others > 0, let share = share(of: host, in: silence), share < 1 else {
        return (silence, 0, 0)
      }
      return (silence, share, -Double(others) * log1p(-share))
    }
    let tail = SilenceTail(silences.map(\.expected))
    return silences.compactMap { silence, share, expected in
      guard expected >= Self.expectedMin else { return nil }
      let others = all[silence]
      let length = Self.tileLength(silence)
      let tiles =
        dispersions[length]
        ?? Tiles(length: length, count: all.count) { tile in
          guard span.contains(tile.lowerBound), span.contains(tile.upperBound - 1) else {
            return nil
          }
          let calls = Double(all[tile])
          let deviation = Double(host[tile]) - calls * mean
          let variance = calls * mean * (1 - mean)
          return variance >= 1 ? (deviation * deviation, variance) : nil
        }
      dispersions[length] = tiles
      return self.silence(
        name, silence, others: others, share: share, expected: expected,
        dispersion: max(
          tiles.dispersion(without: silence), tail.dispersion(without: expected),
          Self.leastDispersion(burst, expected: expected, in: silence)))
    }
  }

  private func silence(
    _ name: String, _ silence: Range<Int>, others: Int, share: Double, expected: Double,
    dispersion: Double
  ) -> Silence? {
    let probability = tried * exp(-2 * expected / (dispersion + 1))
    let lacking = Double(others) * share / (1 - share)
    let spread = 2 * (dispersion * lacking / (1 - share)).squareRoot()
    let (fill, certainty) = filled(silence, share: share)
    // The others had all of the traffic: the host was out of use, and nothing is lost.
    if certainty > 2, fill > 0.75 { return nil }
    let isSure = certainty > 1 && fill < 0.5
    return Silence(
      host: name, slots: slots(silence), expected: lacking,
      lacking: (isSure ? max(lacking - spread, 0) : 0)...(lacking + spread),
      dispersion: dispersion, others: others, isLost: isSure, probability: min(probability, 1))
  }

  /// A host's share of all calls around a silence and at its hours on other days, whichever is less.
  private func share(of host: Sums, in silence: Range<Int>) -> Double? {
    let window = window(silence)
    var shares: [Double] = []
    for (_, range) in otherDays(window) {
      let calls = all[range]
      if calls >= 10 { shares.append(Double(host[range]) / Double(calls)) }
    }
    guard shares.count >= Self.valuesMin else { return nil }
    shares.sort()
    let before = silence.lowerBound - Self.nearby..<silence.lowerBound
    let after = silence.upperBound..<silence.upperBound + Self.nearby
    let near = all.part(before) + all.part(after)
    let usual = shares[(shares.count - 1) / 2]
    guard near >= 10 else { return usual }
    return min(usual, Double(host.part(before) + host.part(after)) / Double(near))
  }

  /// How much of a silent host's share the others had besides their own, and how certain that is: half of the share,
  /// as a multiple of one and a half times the usual difference between days.
  private func filled(
    _ silence: Range<Int>, share: Double
  ) -> (fill: Double, certainty: Double) {
    let isLong = silence.count > Self.day / 2
    // Hours are held against those around them, days against the same day of other weeks.
    func ratio(_ days: Int) -> Double? {
      guard let range = shifted(silence, days: days) else { return nil }
      if isLong {
        let weeks = [-7, 7].filter { days + $0 != 0 }
          .compactMap { shifted(silence, days: days + $0) }.map { all[$0] }
        let usual = Double(weeks.reduce(0, +)) / Double(max(weeks.count, 1))
        return usual >= 10 ? Double(all[range]) / usual : nil
      }
      let shift = days * Self.day
      let near = all.part(nearby(silence, shift).0) + all.part(nearby(silence, shift).1)
      return near >= 10 ? Double(all[range]) / Double(near) : nil
    }
    let usual = otherDays(silence).compactMap { ratio($0.days) }.sorted()
    guard usual.count >= Self.valuesMin, let own = ratio(0) else { return (0, 0) }
    let median = isLong ? 1 : usual[(usual.count - 1) / 2]
    guard median > 0 else { return (0, 0) }
    let deviations = usual.map { ($0 / median - 1).magnitude }.sorted()
    let spread = max(
      1.4826 * deviations[(deviations.count - 1) / 2],
      1 / Double(max(all[silence], 1)).squareRoot())
    return (1 - (1 - own / median) / share, share / 2 / (1.5 * spread))
  }

  private func nearby(_ silence: Range<Int>, _ shift: Int) -> (Range<Int>, Range<Int>) {
    let (start, end) = (silence.lowerBound + shift, silence.upperBound + shift)
    return (start - Self.nearby..<start, end..<end + Self.nearby)
  }

  /// Hosts that join or leave for good, within the stretch.
  func changes() -> [HostChange] {
    guard let whole = all.span, hosts.count > 1 else { return [] }
    var changes: [HostChange] = []
    for (name, sums) in hosts {
      guard let span = sums.span, span.count >= 2 * Self.day, sums[span] >= 100 else { continue }
      let margin = Self.day * 3 / 2
      if span.lowerBound > whole.lowerBound + margin {
        changes.append(
          HostChange(host: name, slot: first + Int32(span.lowerBound), joins: true))
      }
      if span.upperBound < whole.upperBound - margin {
        changes.append(
          HostChange(host: name, slot: first + Int32(span.upperBound), joins: false))
      }
    }
    return changes.count > Self.changesMax ? [] : changes.sorted { $0.host < $1.host }
  }
}

/// How long silences usually are, in calls that would be expected in them: beyond those that most have, an exponential
/// distribution (peaks over a threshold).
private struct SilenceTail {
  private static let countMin = 20

  /// The longest ones, descending, and how many are looked at.
  private let longest: [Double]
  private let count: Int

  init(_ expected: [Double]) {
    let sorted = expected.filter { $0 > 0 }.sorted(by: >)
    count = max(Self.countMin, sorted.count / 20)
    longest = Array(sorted.prefix(count + 2))
  }

  /// The dispersion of conversations whose silences are as long as the others: their mean is half of that and one.
  func dispersion(without expected: Double) -> Double {
    var others = longest
    if let own = others.firstIndex(of: expected) { others.remove(at: own) }
    guard !others.isEmpty else { return 1 }
    let threshold = others.count > count ? others[count] : 0
    let excess = others.prefix(count).reduce(0) { $0 + $1 - threshold }
    return 2 * excess / Double(min(others.count, count)) - 1
  }
}
