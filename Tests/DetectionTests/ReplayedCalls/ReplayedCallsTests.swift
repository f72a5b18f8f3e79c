import TestSupport
import Testing

@testable import Detection

@Suite("Replayed calls")
struct ReplayedCallsTests {
  private static let kind = Finding.Kind.replayedCalls

  /// Honest calls, of which some are sent again as they were after a time.
  private static func replayed(_ count: Int, after: Double, seed: UInt64) -> ObservedMonth {
    var month = ObservedMonth(seed: seed)
    month.addHonest(100, days: 14)
    let all = month.calls.keys.sorted().flatMap { name in
      (month.calls[name] ?? []).map { (name, $0) }
    }.shuffled(using: &month.random)
    for (name, call) in all.prefix(count) {
      let time = Double(call.time - ObservedMonth.start * 1_000_000) / 1_000_000
      month.call(name, at: time + after, question: call.question, request: call.request)
    }
    return month
  }

  @Test("within a day and across days", arguments: [4_000.0, 7_200, 90_000, 300_000])
  func found(after: Double) throws {
    for seed in 1...5 as ClosedRange<UInt64> {
      let findings = try Self.replayed(60, after: after, seed: seed).findings(Self.kind)
      let finding = try #require(findings.first)
      #expect(findings.count == 1)
      #expect(finding.severity == .medium)
      #expect(finding.records == 60)
      #expect(finding.suppressedLow == nil)
      #expect(finding.pValue == nil)
    }
  }

  @Test("a few are told as such")
  func few() throws {
    #expect(
      try Self.replayed(2, after: 7_200, seed: 3).findings(Self.kind).map(\.severity) == [.info])
    #expect(
      try Self.replayed(9, after: 7_200, seed: 3).findings(Self.kind).map(\.severity) == [.low])
  }

  @Test("retries within the window, and months without, say nothing")
  func honest() throws {
    for seed in 1...10 as ClosedRange<UInt64> {
      #expect(try Self.replayed(0, after: 0, seed: seed).findings(Self.kind).isEmpty)
      #expect(try Self.replayed(80, after: 900, seed: seed).findings(Self.kind).isEmpty)
    }
  }

  @Test("ids that are counted anew every day name no request")
  func reused() throws {
    var month = ObservedMonth(seed: 4)
    for day in 0..<10 {
      for call in 0..<40 {
        month.call(
          "u", at: Double(day) * 86_400 + Double(call) * 120, question: month.question(),
          request: UInt64(call + 1))
      }
    }
    let findings = try month.findings(Self.kind)
    #expect(findings.allSatisfy { $0.severity == .info })
    #expect(findings.allSatisfy { $0.explanation.contains("name no request") })
  }

  @Test("one user with more requests than are looked at: as many are estimated", arguments: [1, 2])
  func manyRequests(seed: UInt64) throws {
    var month = ObservedMonth(seed: seed)
    let ids = (0..<60_000).map { _ in month.random.next() | 1 }
    for (index, id) in ids.enumerated() {
      month.call("u", at: Double(index) * 0.5, question: 5, request: id)
    }
    for (index, id) in ids.prefix(20_000).enumerated() {
      month.call("u", at: 60_000 + Double(index) * 0.5, question: 5, request: id)
    }
    let day = try #require(month.summary().days.values.first)
    let row = try #require(day.replayedCalls.licensees["acme"])
    #expect(row.calls == 80_000)
    #expect(row.replays > 19_000 && row.replays < 21_000)
    #expect(row.requests.calls.count == RequestSample.requestsMax)
  }

  @Test("a table of hashes holds what a set holds", arguments: [10, 1_000, 40_000, 100_000])
  func table(count: Int) {
    var random = SeededRandom(seed: UInt64(count))
    var seen = SeenHashes<Int>()
    // What a large user leaves does not meet a small one.
    for (round, count) in [count, count / 100 + 1, count, count / 2, 9].enumerated() {
      seen.removeAll()
      var expected: [UInt64: Int] = [:]
      for _ in 0..<count {
        let hash = Mixing.mixed(UInt64(random.number(0...(count / 2))) &+ UInt64(round)) | 1
        expected[hash, default: 0] += 1
        if let (place, _) = seen.place(of: hash, new: 0) { seen[place] += 1 }
      }
      let kept = expected.filter { QuestionSample.isKept($0.key, level: seen.level) }
      #expect(seen.entries.count == kept.count)
      #expect(seen.entries.allSatisfy { kept[$0.hash] == $0.value })
      #expect(kept.count <= SeenHashes<Int>.entriesMaxUsual)
      #expect(seen.level == 0 || expected.count > SeenHashes<Int>.entriesMaxUsual)
    }
  }

  @Test("requests that are kept are the same for any split", arguments: [100, 6_000, 30_000])
  func sample(count: Int) throws {
    var random = SeededRandom(seed: 8)
    let calls = (0..<count).map { index in
      (
        request: random.next() % UInt64(count), user: UInt64(random.number(0...3)),
        time: Int64.random(in: 0..<172_800_000_000, using: &random), source: UInt64(index)
      )
    }
    func sample(
      _ calls: some Sequence<(request: UInt64, user: UInt64, time: Int64, source: UInt64)>
    )
      -> RequestSample
    {
      var sample = RequestSample()
      for call in calls {
        sample.add(
          request: call.request, mixedUser: RequestSample.mixed(user: call.user),
          question: call.request, time: call.time,
          source: call.source)
      }
      return sample
    }
    let whole = sample(calls)
    let shuffled = calls.shuffled(using: &random)
    #expect(sample(shuffled) == whole)
    var left = sample(shuffled[..<(count / 3)])
    var right = sample(shuffled[(count / 2)...])
    right.merge(sample(shuffled[(count / 3)..<(count / 2)]))
    left.merge(right)
    #expect(left == whole)
    #expect(Set(whole.calls.map(\.request)).count <= RequestSample.requestsMax)
  }

  @Test("what is stored is read again")
  func coding() throws {
    let month = Self.replayed(30, after: 7_200, seed: 2)
    let day = try #require(month.summary().days.values.first { !$0.replayedCalls.isEmpty })
    try checkCoding(day.replayedCalls, seed: 7)
  }
}
