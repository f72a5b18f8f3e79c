import TestSupport
import Testing

@testable import Detection

@Suite("Harvesting")
struct HarvestingTests {
  private static let kind = Finding.Kind.harvesting

  /// Heavy users besides those who come now and then, so that it is known how such users repeat.
  private static func honest(seed: UInt64, days: Int = 14) -> ObservedMonth {
    var month = ObservedMonth(seed: seed)
    month.addHonest(80, days: days)
    for person in 0..<6 {
      for day in 0..<days where month.random.chance(70) {
        month.converse(
          "heavy-\(person)", day: day, count: month.random.number(4...16),
          faces: [(UInt32(person), 1)])
      }
    }
    return month
  }

  private static func question(_ rank: Int) -> UInt64 {
    UInt64(rank) &* 0x9E37_79B9_7F4A_7C15 | 1
  }

  private static func harvested(
    accounts: Int, questions: Int, isMachine: Bool, seed: UInt64
  ) -> ObservedMonth {
    var month = honest(seed: seed)
    for account in 0..<accounts {
      var time = 90_000.0 + Double(account)
      for rank in stride(from: account + 1, through: questions, by: accounts) {
        month.call(
          "bot-\(account)", at: time, question: question(rank),
          conversation: UInt32(truncatingIfNeeded: month.random.next()) | 1)
        time +=
          isMachine ? 60 + Double.random(in: -1..<1, using: &month.random) : 4 * month.pause()
      }
    }
    return month
  }

  @Test("accounts that divide the questions", arguments: 1...10 as ClosedRange<UInt64>)
  func accounts(seed: UInt64) throws {
    let month = Self.harvested(accounts: 3, questions: 2_000, isMachine: true, seed: seed)
    let findings = try month.findings(Self.kind)
    let finding = try #require(findings.first)
    #expect(findings.count == 1)
    #expect(finding.severity == .medium)
    #expect(finding.explanation.contains("3 users"))
    #expect(finding.explanation.contains("machine's cadence"))
    #expect(finding.explanation.contains("divide the questions"))
    #expect(finding.suppressedLow == nil)
    #expect(finding.evidence.count == 6)
  }

  @Test(
    "accounts of whom each asks too little are told together",
    arguments: 1...10 as ClosedRange<UInt64>)
  func together(seed: UInt64) throws {
    let month = Self.harvested(accounts: 10, questions: 2_000, isMachine: false, seed: seed)
    let finding = try #require(try month.findings(Self.kind).first)
    #expect(finding.severity == .medium)
    #expect(finding.explanation.contains("10 users"))
    #expect(finding.explanation.contains("Each of them alone"))
    #expect(finding.explanation.contains("divide the questions"))
    // One of them is not told.
    var one = month
    for account in 1..<10 { one.calls["bot-\(account)"] = nil }
    #expect(try one.findings(Self.kind).isEmpty)
  }

  @Test(
    "users who repeat little, but ask what others ask, are not told together",
    arguments: 1...10 as ClosedRange<UInt64>)
  func variety(seed: UInt64) throws {
    var month = Self.honest(seed: seed)
    for account in 0..<10 {
      var time = 90_000.0 + Double(account)
      for question in (1...400).shuffled(using: &month.random).prefix(200) {
        month.call(
          "keen-\(account)", at: time, question: Self.question(question),
          conversation: UInt32(truncatingIfNeeded: month.random.next()) | 1)
        time += 4 * month.pause()
      }
    }
    #expect(try month.findings(Self.kind).allSatisfy { $0.severity <= .low })
    #expect(try month.findings(Self.kind).isEmpty)
  }

  @Test("one account, and at a person's pace", arguments: [true, false])
  func one(isMachine: Bool) throws {
    let month = Self.harvested(accounts: 1, questions: 1_200, isMachine: isMachine, seed: 4)
    let findings = try month.findings(Self.kind)
    #expect(findings.map(\.severity) == [isMachine ? .medium : .low])
  }

  @Test("honest months say nothing", arguments: 1...20 as ClosedRange<UInt64>)
  func honest(seed: UInt64) throws {
    var month = Self.honest(seed: seed)
    // A program that asks one question, and a person who asks a lot and likes variety.
    for minute in 0..<2_000 { month.call("poller", at: Double(minute) * 300, question: 9) }
    for day in 0..<14 { month.converse("keen", day: day, count: 12, faces: [(3, 3)]) }
    #expect(try month.findings(Self.kind).isEmpty)
  }

  @Test("where nobody repeats, nobody is told", arguments: 1...5 as ClosedRange<UInt64>)
  func unique(seed: UInt64) throws {
    var month = Self.harvested(accounts: 2, questions: 900, isMachine: true, seed: seed)
    for name in month.calls.keys.sorted() {
      for index in (month.calls[name] ?? []).indices {
        month.calls[name]?[index].question = month.random.next() | 1
      }
    }
    #expect(try month.findings(Self.kind).isEmpty)
  }

  @Test("a batch of texts that nobody else asks is of low severity at most")
  func batch() throws {
    var month = Self.honest(seed: 12)
    for index in 0..<900 {
      month.call("batch", at: 90_000 + Double(index) * 30, question: month.random.next() | 1)
    }
    #expect(try month.findings(Self.kind).allSatisfy { $0.severity <= .low })
  }

  @Test("pauses fall into eighths of an octave")
  func cadence() {
    var last = -1
    for milliseconds in 0..<200_000 {
      let bin = Cadence.bin(microseconds: Int64(milliseconds) * 1_000 + 999)
      #expect(bin == last || bin == last + 1)
      if bin == last + 1 { #expect(Cadence.milliseconds(bin: bin) == Int64(milliseconds)) }
      last = bin
    }
    #expect(Cadence.bin(microseconds: -5) == 0)
    #expect(Cadence.bin(microseconds: .max) < Cadence.binsMax)
  }

  @Test("questions that are kept are those of the smallest hashes, for any split")
  func bounded() {
    var random = SeededRandom(seed: 3)
    func row(_ questions: some Sequence<UInt64>) -> HarvestRow {
      var row = HarvestRow()
      row.questions = SortedCounts(ascending: questions.sorted())
      row.bound()
      return row
    }
    let all = (0..<300).map { _ in random.next() }
    let whole = row(all)
    #expect(Array(whole.questions.keys) == Array(all.sorted().prefix(64)))
    let shuffled = all.shuffled(using: &random)
    var left = row(shuffled[..<150])
    left.merge(row(shuffled[150..<170]))
    var right = row(shuffled[170...])
    right.merge(left)
    #expect(right == whole)
  }

  @Test("what is stored is read again")
  func coding() throws {
    let month = Self.harvested(accounts: 2, questions: 300, isMachine: true, seed: 2)
    let day = try #require(month.summary().days.values.first { !$0.harvesting.rows.isEmpty })
    try checkCoding(day.harvesting, seed: 6)
  }
}
