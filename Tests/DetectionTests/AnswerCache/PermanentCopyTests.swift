import CivilTime
import TestSupport
import Testing

@testable import Detection

@Suite("Permanent copies")
struct PermanentCopyTests {
  private static let days = 20
  private static let from = 9

  private static func traffic(_ seed: UInt64) -> QuestionTraffic {
    var traffic = QuestionTraffic(seed: seed)
    traffic.days = days
    traffic.callsPerDay = 300
    return traffic
  }

  /// From a day on each question is let through once by each node, or not at all if it came before.
  private static func copied(
    _ arrivals: [Arrival], from day: Int, nodes: Int = 1, isFilled: Bool = false,
    _ random: inout SeededRandom
  ) -> [Arrival] {
    var copies = [Set<Int>](repeating: [], count: nodes)
    return arrivals.filter { arrival in
      if arrival.time < Double(day) * 86_400 {
        if isFilled { for node in 0..<nodes { copies[node].insert(arrival.question) } }
        return true
      }
      let node = Int.random(in: 0..<nodes, using: &random)
      return copies[node].insert(arrival.question).inserted
    }
  }

  private static func found(_ result: PermanentCopyResult) -> PermanentCopy? {
    if case .found(let copy) = result { return copy }
    return nil
  }

  @Test("a copy from some day on", arguments: AnswerCacheTests.seeds, [false, true])
  func copy(seed: UInt64, isFilled: Bool) throws {
    var traffic = Self.traffic(seed)
    let all = traffic.arrivals()
    let passing = Self.copied(all, from: Self.from, isFilled: isFilled, &traffic.random)
    var other = Self.traffic(seed + 1_000)
    let result = PermanentCopyTest().result(
      of: traffic.samples(passing), otherApps: other.samples(other.arrivals()))
    let copy = try #require(Self.found(result))
    #expect(copy.from == QuestionTraffic.firstDay + Self.from)
    #expect(copy.to == QuestionTraffic.firstDay + (Self.days - 1))
    #expect(copy.reference == .earlierDays && copy.nodes == 1 && copy.observed == 0)
    #expect(copy.pValue < 1e-20)
    #expect(try #require(copy.otherApps) > 0.8)
    #expect(copy.hiddenLow...copy.hiddenHigh ~= traffic.counted(all) - traffic.counted(passing))
    #expect(copy.telling.count == 3)
    for question in copy.telling {
      #expect(question.after <= (isFilled ? 0 : 1) && question.before > 20)
      #expect(question.sources.count == 1 + question.after)
    }
  }

  @Test("copies on two nodes, and of all apps alike")
  func nodes() throws {
    var traffic = Self.traffic(5)
    let all = traffic.arrivals()
    let passing = traffic.samples(
      Self.copied(all, from: Self.from, nodes: 2, &traffic.random))
    let copy = try #require(
      Self.found(PermanentCopyTest().result(of: passing, otherApps: passing)))
    #expect(copy.nodes == 2 && copy.from == QuestionTraffic.firstDay + Self.from)
    #expect(try #require(copy.otherApps) < 0.5)
  }

  @Test("a copy from the first day on, against the other apps")
  func fromTheFirstDay() throws {
    var traffic = Self.traffic(7)
    let all = traffic.arrivals()
    let arrived = Self.copied(all, from: 0, &traffic.random)
    let passing = traffic.samples(arrived)
    #expect(Self.found(PermanentCopyTest().result(of: passing)) == nil)
    var other = Self.traffic(1_007)
    let copy = try #require(
      Self.found(
        PermanentCopyTest().result(of: passing, otherApps: other.samples(other.arrivals()))))
    #expect(copy.reference == .otherApps && copy.from == QuestionTraffic.firstDay)
    #expect(copy.hiddenLow...copy.hiddenHigh ~= traffic.counted(all) - traffic.counted(arrived))
  }

  @Test(
    "what an app of little use repeats is what the others' shares give",
    arguments: [0.01, 0.03, 0.1])
  func littleUse(share: Double) throws {
    var observed = 0
    var expected = 0.0
    for seed in 1...12 as ClosedRange<UInt64> {
      var traffic = Self.traffic(2_000 + seed)
      var random = SeededRandom(seed: seed)
      let arrivals = traffic.arrivals().filter { _ in
        Double.random(in: 0..<1, using: &random) < share
      }
      var other = Self.traffic(3_000 + seed)
      let samples = [traffic.samples(arrivals), other.samples(other.arrivals())]
      #expect(Self.found(PermanentCopyTest().result(of: samples[0], otherApps: samples[1])) == nil)
      let group = RepeatGroup(samples.map { RepeatSeries(CallSeries($0)) })
      let shared = try #require(SharedQuestions(0, group))
      observed += shared.observed(beyond: 1)
      expected += shared.expected(beyond: 1)
    }
    #expect((0.6...1.6).contains(Double(observed) / expected), "\(observed) of \(expected)")
  }

  /// Changes that are none.
  enum Change: CaseIterable {
    case none, lessVolume, newProducts, newProductsAndLessVolume, otherWriting, drift
    case cacheOfAnHour, cacheOfADay, cacheOfThreeDays, cacheOfAWeek
  }

  @Test("other changes are no copy", arguments: Change.allCases, AnswerCacheTests.seeds)
  func others(change: Change, seed: UInt64) {
    var traffic = Self.traffic(seed + 50)
    if change == .lessVolume || change == .newProductsAndLessVolume {
      traffic.volume = (0..<Self.days).map { $0 < Self.from ? 1 : 0.3 }
    }
    if change == .drift { traffic.drift = 0.5 }
    let all = traffic.arrivals()
    let start = Double(Self.from) * 86_400
    let since = all.filter { $0.time >= start }
    var passing = since
    switch change {
    case .newProducts, .newProductsAndLessVolume:
      for index in passing.indices { passing[index].question += 50_000 }
    case .otherWriting:
      for index in passing.indices { passing[index].question = 100_000 + index }
    case .cacheOfAnHour, .cacheOfADay, .cacheOfThreeDays, .cacheOfAWeek:
      let hours: [Change: Double] = [
        .cacheOfAnHour: 1, .cacheOfADay: 24, .cacheOfThreeDays: 72, .cacheOfAWeek: 168,
      ]
      passing =
        AnswerCacheModel(lifetime: 3_600 * (hours[change] ?? 1)).passing(since, &traffic.random)
        .calls
    case .none, .lessVolume, .drift: break
    }
    let samples = traffic.samples(all.filter { $0.time < start } + passing)
    let result = PermanentCopyTest().result(of: samples)
    #expect(result == .none, "\(change) \(seed)")
  }

  @Test("machines and users that ask the same again are no copy")
  func lookAlikes() {
    for kind: LookAlike in [.ownQuestions, .batchShuffled, .machinesAlone, .weekdays, .clerks] {
      let (traffic, arrivals) = kind.traffic(seed: 4)
      let (other, others) = LookAlike.plain.traffic(seed: 4)
      let result = PermanentCopyTest().result(
        of: traffic.samples(arrivals), otherApps: other.samples(others))
      #expect(Self.found(result) == nil, "\(kind)")
    }
  }

  @Test("little data is said to be little")
  func insufficient() {
    #expect(PermanentCopyTest().result(of: [:]) == .insufficient(expected: 0))
    var traffic = Self.traffic(3)
    traffic.callsPerDay = 5
    let all = traffic.arrivals()
    guard case .insufficient = PermanentCopyTest().result(of: traffic.samples(all)) else {
      Issue.record("found or none")
      return
    }
  }
}
