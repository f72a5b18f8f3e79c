import Shuffling
import TestSupport
import Testing

@testable import Detection

/// Whether a user has asked the same within the idle timeout before.
@Suite struct RepeatedQuestionsTests {
  private static let places = ["ios", "web"].map {
    PlaceKey(licensee: "acme", app: $0, module: "text-bot")
  }

  /// Calls of one user on one day, of both places, in order of time.
  private func calls(
    _ random: inout SeededRandom, _ numbers: ClosedRange<Int>, questions: Int
  ) -> [ObservedCall] {
    var time = ObservedMonth.start * 1_000_000
    return numbers.map { source in
      time += Int64(random.number(1...10)) * 1_000_000
      return ObservedCall(
        place: random.number(0...1), time: time, source: UInt64(source),
        question: UInt64(random.number(1...questions)), request: UInt64(source), client: 1,
        device: 1, conversation: 0, latency: 1, status: 200, items: 0,
        isSuccess: random.chance(95), isItem: false, isEvent: false, isDuplicate: false,
        mayBeReplayed: false, idleTimeout: 1_800_000_000, dedupeWindow: 60_000_000)
    }
  }

  @Test(
    "a repeat is one within the idle timeout at the same place, however much is asked between",
    arguments: testSeeds(8), [3, 200, 5_000])
  func repeats(seed: UInt64, questions: Int) {
    var random = SeededRandom(seed: seed)
    // Users at the same time, one after the other: who asks what another has asked repeats nothing.
    let users = (0..<3).map { user in
      calls(
        &random, (user * 2_000 + 1)...(user * 2_000 + random.number(300...1_500)),
        questions: questions)
    }
    let expected = users.reduce(into: [UInt64: Bool]()) { expected, calls in
      Self.repeats(calls, into: &expected)
    }
    for callsAtOnce in [2_000, 256, 1] {
      var detectors = UserDetectors(places: Self.places, callsAtOnce: callsAtOnce)
      for calls in users { Self.show(calls, to: &detectors) }
      let kept = detectors.days(1)[0].questions.samples.values.flatMap(\.calls)
      #expect(kept.allSatisfy { expected[$0.source] == $0.isRepeat })
      #expect(kept.count > 100)
    }
  }

  @Test("where more is asked than is kept, of what is kept all repeats are known", arguments: 1...2)
  func repeatsBeyondTheSample(seed: UInt64) {
    var random = SeededRandom(seed: seed)
    let calls = calls(&random, 1...60_000, questions: 12_000)
    var detectors = UserDetectors(places: Self.places, callsAtOnce: 256)
    Self.show(calls, to: &detectors)
    var last: [[UInt64]: Int64] = [:]
    var expected: [UInt64: Bool] = [:]
    for call in calls where call.isSuccess {
      let key = [UInt64(call.place), call.question]
      expected[call.source] = last[key].map { call.time - $0 <= call.idleTimeout } ?? false
      last[key] = call.time
    }
    let samples = detectors.days(1)[0].questions.samples.values
    #expect(samples.allSatisfy { $0.level > 0 })
    let kept = samples.flatMap(\.calls)
    #expect(kept.allSatisfy { expected[$0.source] == $0.isRepeat })
    #expect(kept.contains(where: \.isRepeat) && kept.count > 10_000)
  }

  /// By looking at all calls for each.
  private static func repeats(_ calls: [ObservedCall], into expected: inout [UInt64: Bool]) {
    for call in calls where call.isSuccess {
      expected[call.source] = calls.contains {
        $0.isSuccess && $0.place == call.place && $0.question == call.question
          && $0.time < call.time && call.time - $0.time <= call.idleTimeout
      }
    }
  }

  /// Shows a user's calls of a day; who it is, their first line tells.
  private static func show(_ calls: [ObservedCall], to detectors: inout UserDetectors) {
    let number = calls.first?.source ?? 0
    let user = ObservedUser(
      licensee: "acme", licenseeNumber: 0, name: PlainTable(Array("u\(number)".utf8)),
      hash: Mixing.mixed(number), day: 0)
    detectors.begin(user)
    for call in calls { detectors.take(call) }
    detectors.end(user)
  }
}
