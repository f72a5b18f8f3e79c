import TestSupport
import Testing

@testable import Detection

@Suite("Question samples")
struct QuestionSampleTests {
  private typealias Call = QuestionSample.Call

  /// What the sample is by its definition, from all calls at once.
  private static func expected(_ calls: [Call]) -> (level: Int, kept: [Call]) {
    let questions = Dictionary(grouping: calls, by: \.question).mapValues {
      Array($0.sorted().prefix(QuestionSample.callsOfQuestionMax))
    }
    for level in 0...64 {
      let kept = questions.filter { Mixing.mixed($0.key) >> (64 - UInt64(level)) == 0 }
      if kept.values.reduce(0, { $0 + $1.count }) <= QuestionSample.callsMax {
        return (level, kept.values.flatMap { $0 }.sorted())
      }
    }
    return (64, [])
  }

  private static func calls(_ count: Int, questions: Int, _ random: inout SeededRandom) -> [Call] {
    (0..<count).map { index in
      // Squared, so that some questions are popular.
      let place = Double.random(in: 0..<1, using: &random)
      return Call(
        question: UInt64(place * place * place * Double(questions)) &* 0x9E37_79B9_7F4A_7C15,
        time: 1_764_547_200_000_000 + Int64.random(in: 0..<86_400_000, using: &random) * 1_000,
        user: UInt64.random(in: 0...300, using: &random) &* 0xD134_2543_DE82_EF95,
        source: UInt64(index) * 3 + 1_000_000)
    }
  }

  private static func sample(_ calls: some Sequence<Call>) -> QuestionSample {
    var sample = QuestionSample()
    for call in calls {
      sample.add(
        question: call.question, time: call.time, user: call.user, source: call.source)
    }
    return sample
  }

  @Test(
    "order and split decide nothing, and the bound holds",
    arguments: [
      (1_000, 50), (40_001, 500), (60_000, 1), (90_000, 12), (90_000, 9_000),
    ])
  func anySplit(count: Int, questions: Int) {
    var random = SeededRandom(seed: UInt64(count + questions))
    let calls = Self.calls(count, questions: questions, &random)
    let whole = Self.sample(calls)
    let (level, kept) = Self.expected(calls)
    #expect(whole.level == level)
    #expect(whole.calls == kept)
    #expect(whole.callsSeen == count)
    #expect(whole.calls.count <= QuestionSample.callsMax)
    #expect(Self.sample(calls.shuffled(using: &random)) == whole)
    var parts = (0..<3).map { _ in QuestionSample() }
    for call in calls.shuffled(using: &random) {
      parts[Int.random(in: 0..<3, using: &random)].add(
        question: call.question, time: call.time, user: call.user, source: call.source)
    }
    var left = parts[0]
    left.merge(parts[1])
    left.merge(parts[2])
    var right = parts[2]
    right.merge(parts[0])
    right.settle()
    var last = parts[1]
    last.merge(right)
    #expect(left == whole)
    #expect(last == whole)
  }

  @Test("what is stored is read again, with other line numbers", arguments: [0, 1, 2_000, 25_000])
  func stored(count: Int) throws {
    var random = SeededRandom(seed: 5)
    let sample = Self.sample(Self.calls(count, questions: 3_000, &random))
    let bytes = sample.encoded()
    #expect(try QuestionSample(decoding: bytes, source: { $0 }) == sample)
    let moved = try QuestionSample(decoding: bytes, source: { ($0 - 1_000_000) / 3 })
    #expect(moved.calls.map(\.source) == sample.calls.map { ($0.source - 1_000_000) / 3 })
    #expect(moved.callsSeen == count)
    var grown = moved
    grown.merge(sample)
    #expect(grown.callsSeen == 2 * count)
    if count > 0 { #expect(bytes.count < 18 * sample.calls.count + 64) }
  }

  @Test("equal samples have equal bytes")
  func sameBytes() {
    var random = SeededRandom(seed: 8)
    let calls = Self.calls(3_000, questions: 90, &random)
    #expect(
      Self.sample(calls).encoded() == Self.sample(calls.shuffled(using: &random)).encoded())
  }

  @Test("times at both ends and before 1970 are kept as they are")
  func extremes() throws {
    let calls = [
      Call(question: .max, time: -7, user: .max, source: .max),
      Call(question: .max, time: 3, user: 0, source: 0),
      Call(question: 0, time: -(1 << 60), user: 1, source: 9),
    ]
    let sample = Self.sample(calls)
    #expect(try QuestionSample(decoding: sample.encoded(), source: { $0 }).calls == calls.sorted())
  }

  @Test("bytes that are wrong are an error, never a trap")
  func damaged() throws {
    var random = SeededRandom(seed: 21)
    let sample = Self.sample(Self.calls(60, questions: 12, &random))
    let bytes = sample.encoded()
    for count in 0..<bytes.count {
      #expect(throws: QuestionSampleError.self) {
        try QuestionSample(decoding: bytes.prefix(count), source: { $0 })
      }
    }
    #expect(throws: QuestionSampleError.self) {
      try QuestionSample(decoding: bytes + [0], source: { $0 })
    }
    for offset in bytes.indices {
      for _ in 0..<6 {
        var damaged = bytes
        damaged[offset] = UInt8.random(in: 0...255, using: &random)
        guard let read = try? QuestionSample(decoding: damaged, source: { $0 }) else { continue }
        #expect(read.calls.count <= QuestionSample.callsMax)
        #expect(try QuestionSample(decoding: read.encoded(), source: { $0 }) == read)
      }
    }
  }

  @Test("a source that has no number now is the caller's error")
  func unknownSource() {
    struct Unknown: Error {}
    var sample = QuestionSample()
    sample.add(question: 1, time: 2, user: 3, source: 4)
    let bytes = sample.encoded()
    #expect(throws: Unknown.self) {
      try QuestionSample(decoding: bytes, source: { _ in throw Unknown() })
    }
  }

  @Test("under a lower limit order and split decide nothing", arguments: [4_000, 1_500, 184, 44])
  func lowered(limit: Int) throws {
    var random = SeededRandom(seed: UInt64(limit))
    let calls = Self.calls(30_000, questions: 300, &random)
    var whole = Self.sample(calls)
    whole.lower(to: limit)
    #expect(whole.calls.count <= limit)
    var early = QuestionSample()
    early.lower(to: limit)
    for call in calls.shuffled(using: &random) {
      early.add(question: call.question, time: call.time, user: call.user, source: call.source)
    }
    #expect(early == whole)
    var parts = (0..<3).map { _ in QuestionSample() }
    parts[1].lower(to: 6_000)
    parts[2].lower(to: limit)
    for call in calls {
      parts[Int.random(in: 0..<3, using: &random)].add(
        question: call.question, time: call.time, user: call.user, source: call.source)
    }
    parts[0].merge(parts[2])
    parts[0].merge(parts[1])
    #expect(parts[0] == whole)
    #expect(try QuestionSample(decoding: whole.encoded(), source: { $0 }) == whole)
  }

  @Test("all samples together are bounded, in any order of merging")
  func boundedSum() {
    var random = SeededRandom(seed: 7)
    let days = (0..<30).map { day in
      var summary = DetectionSummary()
      var questions = QuestionsOfDay()
      for app in 0..<10 {
        let place = PlaceKey(licensee: "acme", app: "app-\(app)", module: "kb-qa")
        questions.samples[place] = Self.sample(
          Self.calls(app == 0 ? 60 : 2_400, questions: 400, &random))
      }
      var detectionDay = DetectionDay()
      detectionDay.questions = questions
      summary.days[ContractDay(contract: "C", day: Int32(day))] = detectionDay
      return summary
    }
    var whole = DetectionSummary()
    for day in days { whole.merge(day) }
    let samples = whole.days.values.flatMap { $0.questions.samples.values }
    #expect(samples.reduce(0) { $0 + $1.calls.count } <= QuestionLimit.callsMax)
    #expect(samples.contains { $0.level > 0 })
    #expect(samples.allSatisfy { $0.callsSeen > 60 || $0.calls.count == 60 })
    var reversed = DetectionSummary()
    for pair in stride(from: 28, through: 0, by: -2) {
      var two = days[pair + 1]
      two.merge(days[pair])
      reversed.merge(two)
    }
    #expect(reversed.encoded() == whole.encoded())
  }

  @Test("what a user repeats is marked, and stays so in bytes")
  func repeats() throws {
    var sample = QuestionSample()
    sample.add(question: 1, time: 2, user: 3, source: 4)
    sample.add(question: 1, time: 5, user: 3, source: 6, isRepeat: true)
    let read = try QuestionSample(decoding: sample.encoded(), source: { $0 })
    #expect(read == sample)
    #expect(read.calls.map(\.isRepeat) == [false, true])
    #expect(read.calls.map(\.user) == [3, 3])
  }
}
