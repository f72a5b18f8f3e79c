import TestSupport
import Testing

@testable import Detection

@Suite("Conversations that are kept alive")
struct KeptAliveTests {
  private static let kind = Finding.Kind.keptAlive

  /// A user who converses, and a machine of the user's that calls without content.
  private static func kept(
    period: Double, jitter: Double, days: Int = 14, question: UInt64 = 0, seed: UInt64
  ) -> ObservedMonth {
    var month = ObservedMonth(seed: seed)
    month.addHonest(60, days: days)
    for day in 0..<days { month.converse("keeper", day: day, count: 4, faces: [(5, 5)]) }
    var time = 100.0
    while time < Double(days) * 86_400 {
      month.call("keeper", at: time, question: question, client: 5, device: 5)
      time += period + Double.random(in: -1..<1, using: &month.random) * jitter
    }
    return month
  }

  @Test("just inside the timeout, all day", arguments: 1...10 as ClosedRange<UInt64>)
  func found(seed: UInt64) throws {
    let findings = try Self.kept(period: 1_740, jitter: 2, seed: seed).findings(Self.kind)
    let finding = try #require(findings.first)
    #expect(findings.count == 1)
    #expect(finding.severity == .high)
    #expect(finding.subject == "keeper")
    let saved = try #require(finding.suppressedLow)
    // Four conversations a day, of which a few meet: nearly all were saved.
    #expect(saved >= 30 && saved <= 56)
    #expect(finding.evidence.count == 6)
  }

  @Test("less exact, or sooner", arguments: [(1_500.0, 60.0), (1_100, 20), (600, 5)])
  func weaker(period: Double, jitter: Double) throws {
    let findings = try Self.kept(period: period, jitter: jitter, seed: 6).findings(Self.kind)
    #expect(findings.count == 1)
    #expect(findings.allSatisfy { $0.severity >= .low && $0.severity < .high })
  }

  @Test("a program that asks the same question again and again is something else")
  func poller() throws {
    let month = Self.kept(period: 1_740, jitter: 2, question: 77, seed: 7)
    #expect(try month.findings(Self.kind).isEmpty)
  }

  @Test("monitoring has no conversation to save: a row of severity info")
  func monitoring() throws {
    var month = ObservedMonth(seed: 8)
    month.addHonest(40, days: 10)
    for minute in 0..<(10 * 48) { month.call("monitor", at: Double(minute) * 1_700, question: 0) }
    let findings = try month.findings(Self.kind)
    #expect(findings.map(\.severity) == [.info])
    #expect(findings.allSatisfy { $0.suppressedLow == nil })
  }

  @Test("people's calls without content say nothing", arguments: 1...20 as ClosedRange<UInt64>)
  func honest(seed: UInt64) throws {
    var month = ObservedMonth(seed: seed)
    month.addHonest(120, days: 14)
    // A fifth of all calls has no content, and pauses are long.
    for name in month.calls.keys.sorted() {
      for index in (month.calls[name] ?? []).indices where month.random.chance(20) {
        month.calls[name]?[index].question = 0
      }
    }
    for day in 0..<14 {
      var time = Double(day) * 86_400 + 30_000
      for _ in 0..<12 {
        month.call("slow", at: time, question: month.random.chance(50) ? 0 : month.question())
        time += 60 * month.pause()
      }
    }
    #expect(try month.findings(Self.kind).isEmpty)
  }

  @Test("logs without questions say nothing")
  func noQuestions() throws {
    var month = Self.kept(period: 1_740, jitter: 2, seed: 9)
    for name in month.calls.keys {
      for index in (month.calls[name] ?? []).indices { month.calls[name]?[index].question = 0 }
    }
    #expect(try month.findings(Self.kind).isEmpty)
  }

  @Test("a chain over midnight saves as one within a day does")
  func midnight() throws {
    var month = ObservedMonth(seed: 1)
    for night in 0..<3 {
      let evening = Double(night) * 86_400 + 79_200
      month.call("u", at: evening, question: 3)
      for ping in 1...8 { month.call("u", at: evening + Double(ping) * 1_700, question: 0) }
      month.call("u", at: evening + 8 * 1_700 + 60, question: 4)
    }
    let summary = month.summary()
    var sum = KeptAliveRow()
    for day in summary.days.values {
      for row in day.keptAlive.rows.rows.values { sum.merge(row) }
    }
    #expect(sum.saved == 0)
    #expect(KeptAliveRow.saved(between: sum.pieces, idleTimeout: 1_800_000_000) == 3)
    // An event that closes in between: the next one is new, and nothing is saved.
    month.call("u", at: 79_200 + 4 * 1_700 + 5, question: 0) { $0.isEvent = true }
    var other = KeptAliveRow()
    for day in month.summary().days.values {
      for row in day.keptAlive.rows.rows.values { other.merge(row) }
    }
    #expect(KeptAliveRow.saved(between: other.pieces, idleTimeout: 1_800_000_000) == 2)
  }

  @Test("what is stored is read again")
  func coding() throws {
    let month = Self.kept(period: 1_740, jitter: 2, days: 3, seed: 2)
    let day = try #require(month.summary().days.values.first { !$0.keptAlive.isEmpty })
    try checkCoding(day.keptAlive, seed: 5)
  }
}
