import CivilTime
import Foundation
import TestSupport
import Testing

@testable import Detection

@Suite("Answer caches")
struct AnswerCacheTests {
  /// Random traffic of each kind; more with `DUIZHANG_SEEDS`, one again with `DUIZHANG_SEED`.
  static let seeds = testSeeds(1)

  private struct Cached {
    var samples: [CivilDate: QuestionSample]
    var hidden: Int
    var arrivals: [Arrival]
  }

  private static func cached(
    _ cache: AnswerCacheModel, seed: UInt64, change: (inout QuestionTraffic) -> Void = { _ in }
  ) -> Cached {
    var traffic = QuestionTraffic(seed: seed)
    change(&traffic)
    traffic.warmDays = Int((cache.lifetime / 86_400).rounded(.up)) + (cache.isProlonged ? 2 : 0)
    let all = traffic.arrivals()
    let passing = cache.passing(all, &traffic.random).calls
    return Cached(
      samples: traffic.samples(passing),
      hidden: traffic.counted(all) - traffic.counted(passing),
      arrivals: traffic.firsts(passing))
  }

  private static func found(_ result: AnswerCacheResult) -> AnswerCache? {
    if case .found(let cache) = result { return cache }
    return nil
  }

  private static func isFound(_ result: AnswerCacheResult) -> Bool { found(result) != nil }

  private static func seconds(_ interval: Interval) -> Double {
    Double(interval.microseconds) / 1_000_000
  }

  @Test("an hour's cache: lifetime to 5 %, hidden calls within the range", arguments: seeds)
  func hour(seed: UInt64) throws {
    let cached = Self.cached(AnswerCacheModel(lifetime: 3_600), seed: seed) {
      $0.questions = [2_000, 5_000, 20_000][Int(seed % 3)]
    }
    let cache = try #require(Self.found(AnswerCacheTest().result(of: cached.samples)))
    #expect(abs(Self.seconds(cache.lifetime) / 3_600 - 1) < 0.05)
    #expect(cache.lifetimeLow <= cache.lifetime && cache.lifetime <= cache.lifetimeHigh)
    #expect(cache.hiddenLow...cache.hiddenHigh ~= cached.hidden)
    #expect(Double(cache.hiddenHigh - cache.hiddenLow) < 0.6 * Double(cached.hidden))
    #expect(cache.nodes == 1 && cache.questions == .all && cache.renewal == .fixed)
    #expect(cache.observed == 0 && cache.expected > 300 && cache.pValue < 1e-50)
    #expect(cache.calls == cached.arrivals.count && cache.days == 14)
  }

  @Test("what is told of a question can be looked up")
  func telling() throws {
    let cached = Self.cached(AnswerCacheModel(lifetime: 3_600), seed: 3)
    let cache = try #require(Self.found(AnswerCacheTest().result(of: cached.samples)))
    #expect(cache.telling.count == 3)
    var lines: [UInt64: QuestionSample.Call] = [:]
    for sample in cached.samples.values {
      for call in sample.calls { lines[call.source] = call }
    }
    for question in cache.telling {
      let calls = try question.sources.map { try #require(lines[$0]) }
      #expect(calls.count == 2)
      #expect(calls.allSatisfy { $0.question == question.question })
      #expect(calls[1].time - calls[0].time == question.shortest.microseconds)
      #expect(question.shortest >= cache.lifetime)
      #expect(calls[0].user != calls[1].user)
      #expect(question.calls == lines.values.count { $0.question == question.question })
      #expect(question.soonerExpected > 5 && question.sooner == 0)
    }
  }

  @Test(
    "other lifetimes",
    arguments: [(60.0, 14, 1_500.0), (600, 14, 500), (21_600, 14, 500), (86_400, 14, 500)],
    seeds)
  func lifetimes(kind: (lifetime: Double, days: Int, calls: Double), seed: UInt64) throws {
    let cached = Self.cached(AnswerCacheModel(lifetime: kind.lifetime), seed: seed) {
      $0.days = kind.days
      $0.callsPerDay = kind.calls
    }
    let cache = try #require(Self.found(AnswerCacheTest().result(of: cached.samples)))
    #expect(abs(Self.seconds(cache.lifetime) / kind.lifetime - 1) < 0.05)
    #expect(cache.hiddenLow...cache.hiddenHigh ~= cached.hidden)
    #expect(cache.nodes == 1)
  }

  @Test("three nodes with a cache each", arguments: seeds)
  func nodes(seed: UInt64) throws {
    let cached = Self.cached(AnswerCacheModel(lifetime: 3_600, nodes: 3), seed: seed) {
      $0.callsPerDay = 1_000
    }
    let cache = try #require(Self.found(AnswerCacheTest().result(of: cached.samples)))
    #expect(cache.nodes == 3)
    #expect(abs(Self.seconds(cache.lifetime) / 3_600 - 1) < 0.05)
    #expect(cache.hiddenLow...cache.hiddenHigh ~= cached.hidden)
    #expect(cache.telling.allSatisfy { $0.sources.count == 4 } && cache.telling.count == 1)
  }

  @Test("a cache with little room: a wider range, which says so", arguments: seeds)
  func room(seed: UInt64) throws {
    let cached = Self.cached(AnswerCacheModel(lifetime: 3_600, room: 100), seed: seed) {
      $0.callsPerDay = 3_000
    }
    let cache = try #require(Self.found(AnswerCacheTest().result(of: cached.samples)))
    #expect(Self.seconds(cache.lifetimeLow) <= 3_600 && Self.seconds(cache.lifetimeHigh) >= 3_600)
    #expect(cache.questions != .all || Double(cache.observed) > 0.03 * cache.expected)
    #expect(cache.hiddenLow...cache.hiddenHigh ~= cached.hidden)
  }

  @Test("hits prolong a copy's life", arguments: seeds)
  func prolonged(seed: UInt64) throws {
    let cached = Self.cached(AnswerCacheModel(lifetime: 3_600, isProlonged: true), seed: seed)
    let cache = try #require(Self.found(AnswerCacheTest().result(of: cached.samples)))
    #expect(abs(Self.seconds(cache.lifetime) / 3_600 - 1) < 0.05)
    #expect(cache.renewal == .prolonged)
    #expect(cache.hiddenLow...cache.hiddenHigh ~= cached.hidden)
  }

  @Test("leaks and clocks that jitter hide no cache", arguments: seeds)
  func leaks(seed: UInt64) throws {
    let model = AnswerCacheModel(lifetime: 3_600, leaks: 0.02, jitter: 2)
    let cached = Self.cached(model, seed: seed)
    let cache = try #require(Self.found(AnswerCacheTest().result(of: cached.samples)))
    #expect(abs(Self.seconds(cache.lifetime) / 3_600 - 1) < 0.05)
    #expect(cache.observed > 0)
  }

  @Test("days that were sampled, and one that was sampled more", arguments: seeds)
  func sampled(seed: UInt64) throws {
    let cached = Self.cached(AnswerCacheModel(lifetime: 600), seed: seed) {
      $0.days = 2
      $0.questions = 20_000
      $0.callsPerDay = 45_000
      $0.volume = [1, 0.3]
    }
    let cache = try #require(Self.found(AnswerCacheTest().result(of: cached.samples)))
    #expect(abs(Self.seconds(cache.lifetime) / 600 - 1) < 0.05)
    #expect(cache.level > 0)
    #expect(cache.hiddenLow...cache.hiddenHigh ~= cached.hidden)
    // What the questions that are looked at hide is sure.
    #expect(cache.hiddenLow > 0)
  }

  @Test("order and split of the calls change nothing")
  func sameResult() throws {
    let cached = Self.cached(AnswerCacheModel(lifetime: 3_600), seed: 4) { $0.days = 4 }
    var random = SeededRandom(seed: 1)
    let split = try cached.samples.mapValues { sample in
      var parts = [QuestionSample(), QuestionSample()]
      for call in sample.calls.shuffled(using: &random) {
        parts[Int.random(in: 0...1, using: &random)].add(
          question: call.question, time: call.time, user: call.user, source: call.source)
      }
      parts[1].merge(parts[0])
      return try QuestionSample(decoding: parts[1].encoded(), source: { $0 })
    }
    let result = AnswerCacheTest().result(of: cached.samples)
    #expect(Self.isFound(result))
    #expect(AnswerCacheTest().result(of: split) == result)
  }

  @Test("little data is said to be little")
  func insufficient() {
    #expect(AnswerCacheTest().result(of: [:]) == .insufficient(expected: 0))
    let cached = Self.cached(AnswerCacheModel(lifetime: 3_600), seed: 1) {
      $0.days = 4
      $0.callsPerDay = 20
    }
    guard case .insufficient(let expected) = AnswerCacheTest().result(of: cached.samples) else {
      Issue.record("found or none")
      return
    }
    #expect(expected < 20)
  }

  @Test("calls of another day than their sample's, and times far off, are left out")
  func strayTimes() {
    let cached = Self.cached(AnswerCacheModel(lifetime: 3_600), seed: 2) { $0.days = 3 }
    var samples = cached.samples
    for date in samples.keys {
      for time: Int64 in [-(1 << 60), 0, 1 << 60] {
        samples[date]?.add(question: 7, time: time, user: 1, source: 0)
        samples[date]?.add(question: 7, time: time, user: 2, source: 0)
      }
    }
    let result = AnswerCacheTest().result(of: samples)
    #expect(Self.isFound(result) == Self.isFound(AnswerCacheTest().result(of: cached.samples)))
  }

  /// Those that once were findings, and one of each kind; all of them with more seeds.
  private static let lookAlikes: [LookAlike] =
    seeds.count > 1
    ? LookAlike.allCases
    : [
      .plain, .buttons, .ownQuestions, .clerks, .dialling, .pollersWithoutUser,
      .unpunctualWithoutUser, .restless, .batchShuffled, .staggered, .machinesAlone,
    ]

  @Test("honest traffic is no cache", arguments: lookAlikes, seeds)
  func honest(kind: LookAlike, seed: UInt64) {
    let (traffic, arrivals) = kind.traffic(seed: 2 * seed)
    let result = AnswerCacheTest().result(of: traffic.samples(arrivals))
    #expect(!Self.isFound(result), "\(kind) \(seed)")
    if kind == .ownQuestions {
      #expect(result == .insufficient(expected: 0))
    } else if kind != .machinesAlone, kind != .sparse {
      #expect({ if case .none = result { true } else { false } }(), "\(kind) \(seed)")
    }
  }

  @Test("machines beside a cache do not hide it")
  func machinesBesideCache() throws {
    var traffic = QuestionTraffic(seed: 6)
    var all = traffic.arrivals()
    for number in 0..<20 {
      for time in stride(from: Double(number) * 31, to: 14 * 86_400, by: 1_800) {
        all.append(Arrival(question: 40_000 + number, time: time, user: 9_000 + number))
      }
    }
    all.sort { $0.time < $1.time }
    let passing = AnswerCacheModel(lifetime: 3_600).passing(all, &traffic.random).calls
    let result = AnswerCacheTest().result(of: traffic.samples(passing))
    let cache = try #require(Self.found(result))
    #expect(abs(Self.seconds(cache.lifetime) / 3_600 - 1) < 0.05)
  }
}

@Suite("Probabilities of counts")
struct ProbabilityTests {
  @Test("the lower tail of Poisson's distribution")
  func poisson() {
    func close(_ left: Double, _ right: Double) -> Bool { abs(left - right) < 1e-9 * abs(right) }
    #expect(close(Probability.logPoisson(atMost: 0, mean: 20), -20))
    // e⁻⁵ (1 + 5 + 25/2 + 125/6)
    #expect(close(Probability.logPoisson(atMost: 3, mean: 5), -1.3279276642024453))
    #expect(Probability.logPoisson(atMost: 7, mean: 5) == 0)
    #expect(
      Probability.logPoisson(atMost: 2.5, mean: 5) == Probability.logPoisson(atMost: 3, mean: 5))
    let far = Probability.logPoisson(atMost: 1_000, mean: 100_000)
    #expect(far < -90_000 && far.isFinite)
    #expect(close(Probability.logFactorial(20), 42.335616460753485))
  }

  @Test("what a Poisson variable has beyond a number")
  func excess() {
    let excess = PoissonExcess(mean: 2, orders: 3)
    let zero = 0.1353352832366127
    #expect(abs(excess.some - (1 - zero)) < 1e-12)
    #expect(abs(excess.beyond[1] - (2 - (1 - zero))) < 1e-12)
    #expect(abs(excess.beyond[2] - (excess.beyond[1] - (1 - 3 * zero))) < 1e-12)
  }

  @Test("every gap lies in its bin")
  func grid() {
    let grid = GapGrid(shortest: 10_000_000, longest: 604_800_000_000)
    var random = SeededRandom(seed: 9)
    for _ in 0..<2_000 {
      let gap =
        Int64.random(in: 0...604_800_000_000, using: &random)
        >> Int64.random(in: 0...20, using: &random)
      let bin = grid.bin(gap)
      #expect(bin < grid.count)
      #expect(grid.start(bin) <= Double(gap) && Double(gap) < grid.end(bin))
    }
    #expect(grid.bin(10_000_000) == 1 && grid.bin(9_999_999) == 0)
  }
}
