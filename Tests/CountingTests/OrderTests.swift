import CivilTime
import Contracts
import Counting
import TestSupport
import Testing

/// Counts that must not depend on which record is read first.
@Suite struct OrderTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func counted(_ files: [[String]], _ terms: Terms) throws -> Counted {
    let paths = try files.enumerated().map { index, lines in
      try folder.write(Array((lines.joined(separator: "\n") + "\n").utf8), as: "log-\(index)")
    }
    return try Counted.metered(paths, terms: terms, threads: 1, temporaryFolder: folder.path)
  }

  private func columns(_ counted: Counted, _ column: Int) -> [String] {
    counted.rowTexts.map {
      String(
        String(decoding: $0, as: UTF8.self)
          .split(separator: "\t", omittingEmptySubsequences: false)[column])
    }
  }

  @Test func conversationsOfOneMomentKeepTheirOrderWhereverTheyStand() throws {
    let lines = ["a", "b"].map {
      "{\"time\":1764547200,\"user\":\"u\",\"event\":\"open\",\"request_id\":\"\($0)\"}"
    }
    let terms = Terms(rule: ConversationRule(), zone: .utc)
    let first = try counted([[lines[0]], [lines[1]]], terms)
    let second = try counted([[lines[1]], [lines[0]]], terms)
    #expect(columns(first, 12) == ["open", "still_open"])
    #expect(first.difference(from: second, inAnyOrder: false) == nil)
  }

  @Test func composedAndDecomposedNamesAreOneName() throws {
    let lines = ["caf\u{E9}", "cafe\u{301}", "a longer caf\u{E9}", "a longer cafe\u{301}"].map {
      "{\"time\":1764547200,\"user\":\"u\",\"module\":\"\($0)\"}"
    }
    var rule = ConversationRule()
    rule.identity = [.module]
    let terms = Terms(rule: rule, zone: .utc)
    let first = try counted([lines], terms)
    #expect(
      first.difference(from: try counted([lines.reversed()], terms), inAnyOrder: false) == nil)
    #expect(columns(first, 13) == ["2", "2"])
  }

  @Test func usersAreToldApartByTheirBytes() throws {
    let lines = ["caf\u{E9}", "cafe\u{301}"].map { "{\"time\":1764547200,\"user\":\"\($0)\"}" }
    #expect(try counted([lines], Terms(rule: ConversationRule(), zone: .utc)).rows.count == 2)
  }

  @Test func aRuleFromADayThatClocksGiveTwice() throws {
    // On 2006-10-29 at 00:01, clocks in St. John's went back to 23:01 of the day before.
    let zone = try #require(Zone(identifier: "America/St_Johns"))
    var contract = try Contract(
      yaml: """
        contract: C
        licensee: {keys: [acme]}
        conversation:
          - {min_messages: 1}
          - {from: 2006-10-29, min_messages: 2}
        """, path: "c.yaml")
    contract.zone = zone
    let terms = Terms(try ContractBook([contract]))
    let times = [
      "2006-10-28T23:59:59-02:30", "2006-10-29T00:00:30-02:30", "2006-10-28T23:30:00-03:30",
      "2006-10-28T23:59:59-03:30", "2006-10-29T00:00:00-03:30",
    ]
    let lines = times.enumerated().map {
      "{\"time\":\"\($1)\",\"licensee\":\"acme\",\"user\":\"u\($0)\"}"
    }
    for start in lines.indices {
      let turned = Array(lines[start...] + lines[..<start])
      let counted = try counted([turned], terms)
      #expect(columns(counted, 10).count == 5)
      #expect(columns(counted, 7) == ["1", "1", "1", "0", "0"], "from \(start)")
    }
  }
}
