import CivilTime
import Contracts
import Counting
import TestSupport
import Testing

@testable import Detection

/// Traffic of some days, as detectors keep it.
struct SimulatedTraffic {
  /// Calls that come at once: a conversation's.
  var clusterMax = 6
  /// Calls of a weekday.
  var callsOfDay = 3_000.0
  var weekend = 0.6
  /// By how much days vary.
  var spread = 0.08
  var days = 14
  /// 2025-12-01, a Monday.
  static let first: Int32 = 20_423
  var hosts = ["gateway-01": 0.5, "gateway-02": 0.3, "gateway-03": 0.2]
  var factor: (_ day: Int, _ slot: Int, _ app: String) -> Double = { _, _, _ in 1 }
  /// Calls of a host that are neither there nor elsewhere.
  var isLost: (_ host: String, _ day: Int, _ slot: Int) -> Bool = { _, _, _ in false }
  /// A host that gets nothing, so that others get it.
  var isDrained: (_ host: String, _ day: Int, _ slot: Int) -> Bool = { _, _, _ in false }
  var apps = ["web": 0.6, "app-ios": 0.4]

  /// Of a usual day, a slot's share; quiet at night.
  private static let shape: [Double] = {
    let raw = (0..<288).map { slot -> Double in
      let hour = Double(slot) / 12
      return hour < 7 ? 0.03 : hour < 9 ? 0.5 : hour < 22 ? 1 : 0.3
    }
    let sum = raw.reduce(0, +)
    return raw.map { $0 / sum }
  }()

  func summary(_ random: inout SeededRandom) -> DetectionSummary {
    var summary = DetectionSummary()
    for day in 0..<days {
      let level =
        callsOfDay * (day % 7 >= 5 ? weekend : 1)
        * (1 + spread * Double.random(in: -1.7...1.7, using: &random))
      for slot in 0..<288 {
        for (app, share) in apps.sorted(by: { $0.key < $1.key }) {
          let mean =
            level * share * Self.shape[slot] * factor(day, slot, app)
            / (Double(1 + clusterMax) / 2)
          for _ in 0..<poisson(mean, &random) {
            let calls = Int.random(in: 1...clusterMax, using: &random)
            add(calls, day, slot, app, &summary, &random)
          }
        }
      }
    }
    for key in summary.days.keys { summary.days[key]?.traffic.bound() }
    return summary
  }

  private func add(
    _ calls: Int, _ day: Int, _ slot: Int, _ app: String, _ summary: inout DetectionSummary,
    _ random: inout SeededRandom
  ) {
    var place = Double.random(in: 0..<1, using: &random)
    let names = hosts.keys.sorted().filter { !isDrained($0, day, slot) }
    place *= names.reduce(0) { $0 + (hosts[$1] ?? 0) }
    var host = names.first ?? ""
    for name in names {
      host = name
      place -= hosts[name] ?? 0
      if place < 0 { break }
    }
    if names.isEmpty || isLost(host, day, slot) { return }
    let date = Self.first + Int32(day)
    summary.days[ContractDay(contract: "DZ-1", day: date), default: DetectionDay()].traffic.places[
      PlaceKey(licensee: "acme", app: app, module: "text-bot"), default: SlotCounts()
    ].add(UInt32(calls), slot: Int32(slot / 12))
    let number = date * 288 + Int32(slot)
    let line = EvidenceLine(
      time: Int64(number) * 300_000_000,
      source: UInt64(number) * 10 + UInt64(hosts.keys.sorted().firstIndex(of: host) ?? 0))
    summary.days[ContractDay(contract: "", day: date), default: DetectionDay()].traffic.add(
      UInt32(calls), slot: number, host: host, SlotLines.Lines(first: line, last: line))
  }

  private func poisson(_ mean: Double, _ random: inout SeededRandom) -> Int {
    var sum = 0.0
    var count = -1
    repeat {
      sum -= logarithm(1 - Double.random(in: 0..<1, using: &random))
      count += 1
    } while sum < mean
    return count
  }

  private func logarithm(_ value: Double) -> Double {
    // By halves and a series: without a C library.
    var (value, halves) = (value, 0.0)
    while value < 0.5 {
      value *= 2
      halves += 1
    }
    let y = (value - 1) / (value + 1)
    var (power, sum) = (y, 0.0)
    for term in 0..<20 {
      sum += power / Double(2 * term + 1)
      power *= y * y
    }
    return 2 * sum - halves * 0.693_147_180_559_945_3
  }

  func findings(_ random: inout SeededRandom) throws -> [Finding] {
    let summary = summary(&random)
    var tally = Tally()
    for day in summary.days.values {
      for counts in day.traffic.places.values { tally.records += counts.total }
    }
    tally.quantity = tally.records / 3
    let use = UseKey(
      contract: "DZ-1", licensee: "acme", module: "text-bot", scenario: "after-sales", app: "web",
      term: .within)
    return detectedFindings(
      DetectionContext(
        contract: try exampleContract(), summary: summary, uses: [use: tally],
        source: { "\($0)" })
    ).filter { $0.kind == .logGap || $0.kind == .volumeShift }
  }
}

@Suite("Traffic of days")
struct TrafficTests {
  @Test(
    "a log's name without what changes is its host",
    arguments: [
      ("gateway-02-2025-12-01.ndjson.gz", "gateway-02"),
      ("a/b/gateway-01.ndjson.lz4", "gateway-01"),
      ("access.log", "access"), ("access.log.1", "access"), ("access.log-20251201.gz", "access"),
      ("/var/log/gw1/2025-12-01.log", "gw1"), ("gw1/2025/20251201.json", "gw1"),
      ("gateway-02-2025-12-01T13.ndjson", "gateway-02"), ("stdin", "stdin"), ("", "log"),
      ("gw-20251201-130500.log.zst", "gw"), ("2025-12-01-gw7.log", "gw7"),
      ("10.0.0.7.log", "10.0.0.7"),
      ("gateway-2025-12-01T13:05:00Z.log", "gateway"), ("gw-99999999.log", "gw-99999999"),
    ])
  func hosts(log: String, host: String) {
    #expect(HostName.of(log: log) == host)
  }

  @Test("merges add up in any order; what is stored is read again, and wrong bytes are an error")
  func stored() throws {
    var random = SeededRandom(seed: 2)
    var traffic = SimulatedTraffic()
    traffic.days = 2
    let first = traffic.summary(&random)
    let second = traffic.summary(&random)
    var sum = first
    sum.merge(second)
    var other = second
    other.merge(first)
    #expect(sum.encoded() == other.encoded())
    let read = try DetectionSummary(decoding: sum.encoded(), source: { $0 })
    for (key, day) in sum.days { #expect(read.days[key]?.traffic == day.traffic) }
    let bytes = first.encoded()
    for count in stride(from: 0, to: bytes.count, by: 7) {
      #expect(throws: SummaryError.self) {
        try DetectionSummary(decoding: Array(bytes.prefix(count)), source: { $0 })
      }
    }
    for _ in 0..<500 {
      var damaged = bytes
      damaged[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(
        in: 0...255, using: &random)
      guard let read = try? DetectionSummary(decoding: damaged, source: { $0 }) else { continue }
      // What can be read can be asked, however odd its slots.
      _ = detectedFindings(
        DetectionContext(
          contract: try exampleContract(), summary: read, uses: [:], source: { "\($0)" }))
    }
  }
}

@Suite("Volume shifts")
struct VolumeShiftTests {
  private static func found(
    _ seed: UInt64, _ change: (inout SimulatedTraffic) -> Void
  ) throws -> [Finding] {
    var random = SeededRandom(seed: seed)
    var traffic = SimulatedTraffic()
    traffic.days = 28
    change(&traffic)
    return try traffic.findings(&random).filter { $0.kind == .volumeShift }
  }

  @Test(
    "a fall of one app for good is told, and so is a rise, each once; none is of high severity",
    arguments: 1...6 as ClosedRange<UInt64>)
  func shifts(seed: UInt64) throws {
    let fall = try Self.found(seed) {
      $0.factor = { day, _, app in day >= 14 && app == "web" ? 0.3 : 1 }
    }
    #expect(fall.map(\.severity) == [.medium])
    #expect(fall.map(\.app) == ["web"])
    let rise = try Self.found(seed) { $0.factor = { day, _, _ in day >= 14 ? 2.5 : 1 } }
    #expect(rise.map(\.severity) == [.info])
    #expect(rise.map(\.app) == [""])
  }

  @Test("a fall is told of few calls, which vary much", arguments: 1...6 as ClosedRange<UInt64>)
  func fewCalls(seed: UInt64) throws {
    let fall = try Self.found(seed) {
      $0.callsOfDay = 800
      $0.clusterMax = 12
      $0.factor = { day, _, app in day >= 14 && app == "web" ? 0.25 : 1 }
    }
    #expect(fall.contains { $0.app == "web" && $0.severity >= .low })
  }

  @Test("what passes is none", arguments: 1...8)
  func honest(seed: UInt64) throws {
    #expect(try Self.found(seed) { _ in }.isEmpty)
    // A campaign, a day's outage, three holidays, slow growth, a quiet weekend.
    #expect(
      try Self.found(seed) {
        $0.factor = { day, slot, _ in day == 20 && slot > 200 && slot < 240 ? 10 : 1 }
      }.isEmpty)
    #expect(try Self.found(seed) { $0.factor = { day, _, _ in day == 20 ? 0 : 1 } }.isEmpty)
    #expect(
      try Self.found(seed) { $0.factor = { day, _, _ in (20...22).contains(day) ? 0.3 : 1 } }
        .isEmpty)
    #expect(
      try Self.found(seed) { $0.factor = { day, _, _ in 1 + 0.03 * Double(day) } }
        .allSatisfy { $0.severity == .info })
    #expect(try Self.found(seed) { $0.weekend = 0.05 }.isEmpty)
  }

  @Test("too few days or calls are told, once")
  func insufficient() throws {
    let few = try Self.found(1) { $0.days = 5 }
    #expect(few.map(\.severity) == [.info])
    #expect(few.first?.explanation.hasPrefix("Insufficient data") == true)
    #expect(try Self.found(1) { $0.callsOfDay = 10 }.map(\.severity) == [.info])
  }

  @Test("Student's distribution has its known values")
  func student() {
    func isNear(_ value: Double, _ expected: Double) -> Bool {
      (value - expected).magnitude < 1e-6 * max(expected, 1)
    }
    #expect(isNear(Student.tail(2.228138852, freedom: 10), 0.025))
    #expect(isNear(Student.tail(63.65674116, freedom: 1), 0.005))
    #expect(isNear(Student.tail(0, freedom: 5), 0.5))
    #expect(isNear(Student.quantile(0.975, freedom: 10), 2.228138852))
  }
}
