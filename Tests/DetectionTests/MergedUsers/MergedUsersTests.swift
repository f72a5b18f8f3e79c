import Shuffling
import TestSupport
import Testing

@testable import Detection

@Suite("Merged users")
struct MergedUsersTests {
  private static let kind = Finding.Kind.mergedUsers

  private static func merged(people: Int, conversations: Int, seed: UInt64) -> ObservedMonth {
    var month = ObservedMonth(seed: seed)
    month.addHonest(60, days: 14)
    for day in 0..<14 {
      for person in 0..<people {
        month.converse(
          "shop", day: day, count: conversations,
          faces: [(client: 50 + UInt32(person), device: 20 + UInt32(person))])
      }
    }
    return month
  }

  @Test(
    "people under one id are told, with what they hide", arguments: 1...10 as ClosedRange<UInt64>)
  func people(seed: UInt64) throws {
    let findings = try Self.merged(people: 12, conversations: 6, seed: seed).findings(Self.kind)
    let finding = try #require(findings.first)
    #expect(findings.count == 1)
    #expect(finding.severity >= .medium)
    #expect(finding.subject == "shop")
    #expect(finding.evidence.count == 6)
    #expect(finding.explanation.contains("Other explanations"))
    let (low, high) = (try #require(finding.suppressedLow), try #require(finding.suppressedHigh))
    #expect(low > 0 && low <= high)
  }

  @Test("a crowd under one id is of high severity")
  func crowd() throws {
    let findings = try Self.merged(people: 40, conversations: 12, seed: 3).findings(Self.kind)
    #expect(findings.first?.severity == .high)
  }

  @Test("honest months say nothing", arguments: 1...20 as ClosedRange<UInt64>)
  func honest(seed: UInt64) throws {
    var month = ObservedMonth(seed: seed)
    month.addHonest(150, days: 14)
    // A phone and a computer side by side, all day.
    for day in 0..<14 {
      month.converse("two", day: day, count: 6, faces: [(1, 1), (2, 2)])
      // A roaming phone, and the computer at home.
      let cell = UInt32(day % 5 + 100)
      month.converse("roaming", day: day, count: 5, faces: [(cell, 1), (cell + 50, 1), (9, 2)])
      // An office with four addresses to go out by, and the same browser.
      month.converse("office", day: day, count: 8, faces: [(41, 4), (42, 4), (43, 4), (44, 4)])
      // A page that asks two things at once, from one device.
      for hour in 9..<20 {
        for _ in 0..<2 {
          month.call("page", at: Double(day * 86_400 + hour * 3_600), client: 77, device: 3)
        }
      }
    }
    #expect(try month.findings(Self.kind).isEmpty)
  }

  @Test("calls without a user are nobody's")
  func nobody() throws {
    var month = Self.merged(people: 12, conversations: 6, seed: 5)
    month.calls[""] = month.calls.removeValue(forKey: "shop")
    #expect(try month.findings(Self.kind).isEmpty)
  }

  @Test("what overlaps, returns and is held within, by hand")
  func byHand() throws {
    var month = ObservedMonth(seed: 1)
    // A from 0 s on, B within A's first call, A again: B's conversation lies within A's.
    month.call("u", at: 100, client: 1, device: 1, latency: 3_000)
    month.call("u", at: 101, client: 2, device: 2)
    month.call("u", at: 160, client: 1, device: 1)
    // C shares A's address, D A's device: neither is disjoint from A, but both are from B.
    month.call("u", at: 160.1, client: 1, device: 3, latency: 100)
    month.call("u", at: 400, client: 4, device: 1)
    // Long after, all is over.
    month.call("u", at: 9_000, client: 2, device: 2)
    let summary = month.summary().days.values.first
    let row = try #require(summary?.mergedUsers.rows.rows.values.first)
    #expect(row.calls == 6)
    #expect(row.overlaps == 1)
    #expect(row.inFlightMax == 2)
    #expect(row.returns == 1)
    #expect(row.heldWithin == 1)
    // B in A's, C in B's, D in B's and C's.
    #expect(row.begunWithin == 3)
    #expect(row.disjointFaces == 3)
    #expect(row.overlapping.sources == [1, 2])
  }

  @Test("disjoint faces are counted as all subsets tell", arguments: 1...60 as ClosedRange<UInt64>)
  func matching(seed: UInt64) {
    var random = SeededRandom(seed: seed)
    let faces = Set(
      (0..<random.number(0...9)).map { _ in
        Faces.number(
          client: UInt32(random.number(1...5)), device: UInt32(random.number(1...5)))
      }
    ).sorted()
    var best = 0
    for subset in 0..<(1 << faces.count) {
      let chosen = faces.indices.filter { subset >> $0 & 1 == 1 }.map { faces[$0] }
      let isDisjoint = chosen.indices.allSatisfy { left in
        chosen.indices.allSatisfy { $0 <= left || Faces.areDisjoint(chosen[left], chosen[$0]) }
      }
      if isDisjoint { best = max(best, chosen.count) }
    }
    #expect(Faces.disjointCount(faces) == best)
    for count in 0...6 { #expect(Faces.areDisjoint(faces, atLeast: count) == (best >= count)) }
  }

  @Test("threads and order decide nothing, for all detectors", arguments: [2, 3, 5])
  func anySplit(threads: Int) {
    let month = Self.merged(people: 8, conversations: 4, seed: 11)
    let whole = month.summary()
    let parts = month.parts(threads: threads, order: UInt64(threads))
    var merged = DetectionSummary()
    for part in parts { merged.merge(part) }
    #expect(merged.encoded() == whole.encoded())
    for adding in [1, 2, 16] {
      let isCalled = Counter()
      let sum = DetectionSummary.sum(parts, threads: adding) { _ = isCalled.next(below: 9) }
      #expect(sum.encoded() == whole.encoded())
      #expect(isCalled.next(below: 9) == 1)
    }
    #expect(DetectionSummary.sum([], threads: 2) {}.isEmpty)
  }

  @Test(
    "a user's day looked at whole or call by call is the same, for all detectors",
    arguments: [1, 2, 9])
  func anyPieces(callsAtOnce: Int) {
    var months = [Self.merged(people: 8, conversations: 4, seed: 12)]
    for seed in 1...6 { months.append(.mixed(seed: UInt64(100 * callsAtOnce + seed))) }
    for month in months {
      #expect(month.summary(callsAtOnce: callsAtOnce).encoded() == month.summary().encoded())
    }
  }

  @Test("more users than are kept: those of the smallest hashes, whatever the order")
  func bounded() throws {
    var random = SeededRandom(seed: 9)
    // Hashes that collide: three users each have the same, and three hundred around the bound.
    let hashes = (0..<1_200).map { Mixing.mixed(UInt64($0)) }.sorted()
    let keys = (0..<3_500).map {
      UserKey(
        hash: 300..<400 ~= $0 / 3 ? hashes[333] : hashes[$0 / 3], licensee: "acme", user: "u-\($0)")
    }
    func rows(_ keys: some Sequence<UserKey>) -> UserRows<MergedUserRow> {
      var rows = UserRows<MergedUserRow>()
      var row = MergedUserRow()
      row.overlaps = 1
      for key in keys { rows.add(row, of: key) }
      return rows
    }
    let whole = rows(keys)
    #expect(
      whole.settled.rows.keys.sorted()
        == Array(keys.sorted().prefix(UserRows<MergedUserRow>.usersMax)))
    let shuffled = keys.shuffled(using: &random)
    var parts = rows(shuffled[..<900])
    parts.merge(rows(shuffled[900..<2_000]))
    var rest = rows(shuffled[2_000...])
    rest.merge(parts)
    #expect(rest == whole)
  }

  @Test("what is stored is read again")
  func coding() throws {
    let month = Self.merged(people: 6, conversations: 4, seed: 2)
    let day = try #require(month.summary().days.values.first { !$0.mergedUsers.rows.isEmpty })
    try checkCoding(day.mergedUsers, seed: 4)
  }
}

@Suite("Tail probabilities")
struct TailTests {
  /// The exact tail of a binomial distribution.
  private static func binomial(_ hits: Int, _ count: Int, _ share: Double) -> Double {
    var terms = [Double](repeating: 0, count: count + 1)
    terms[0] = 1
    for _ in 0..<count {
      for place in stride(from: count, through: 1, by: -1) {
        terms[place] = terms[place] * (1 - share) + terms[place - 1] * share
      }
      terms[0] *= 1 - share
    }
    return terms[hits...].reduce(0, +)
  }

  @Test("bounds are never below the exact probability, and not far above")
  func bounds() {
    for (hits, count, share) in [(1, 10, 0.1), (5, 14, 0.1), (9, 14, 0.1), (40, 100, 0.25)] {
      let exact = Self.binomial(hits, count, share)
      let bound = Tails.binomial(atLeast: hits, of: count, share: share)
      #expect(bound >= exact)
      #expect(bound < 15 * exact)
      let sum = Tails.sum(atLeast: hits, of: count, probabilities: [1 - share, share])
      #expect(sum >= exact)
      #expect(sum < 15 * exact)
    }
    #expect(Tails.binomial(atLeast: 0, of: 9, share: 0.5) == 1)
    #expect(Tails.poisson(atMost: 0, expected: 10) < 5e-5)
    #expect(Tails.poisson(atMost: 11, expected: 10) == 1)
  }
}
