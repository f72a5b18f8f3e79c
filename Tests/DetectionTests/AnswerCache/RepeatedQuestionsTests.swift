import Shuffling
import TestSupport
import Testing

@testable import Detection

/// Whether a user has asked the same before in the conversation.
@Suite struct RepeatedQuestionsTests {
  private static let places = ["ios", "web"].map {
    PlaceKey(licensee: "acme", app: $0, module: "text-bot")
  }

  /// Calls of one user on one day, of both places, in order of time.
  private func calls(_ random: inout SeededRandom, questions: Int) -> [ObservedCall] {
    var time = ObservedMonth.start * 1_000_000
    return (1...random.number(300...1_500)).map { source in
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
    let calls = calls(&random, questions: questions)
    var expected: [UInt64: Bool] = [:]
    for call in calls where call.isSuccess {
      expected[call.source] = calls.contains {
        $0.isSuccess && $0.place == call.place && $0.question == call.question
          && $0.time < call.time && call.time - $0.time <= call.idleTimeout
      }
    }
    for callsAtOnce in [256, 1] {
      var detectors = UserDetectors(places: Self.places, callsAtOnce: callsAtOnce)
      let user = ObservedUser(
        licensee: "acme", licenseeNumber: 0, name: PlainTable(Array("u".utf8)), hash: 7, day: 0)
      detectors.begin(user)
      for call in calls { detectors.take(call) }
      detectors.end(user)
      let kept = detectors.days(1)[0].questions.samples.values.flatMap(\.calls)
      #expect(kept.allSatisfy { expected[$0.source] == $0.isRepeat })
      #expect(kept.count > 100)
    }
  }
}
