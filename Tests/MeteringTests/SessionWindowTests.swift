import CivilTime
import Contracts
import Counting
import Foundation
import TestSupport
import Testing

/// Session windows as other engines test them (`../shared/fixtures/session-windows.json`), under our
/// boundary: a gap equal to the timeout does not split.
@Suite struct SessionWindowTests {
  private struct Case: Decodable {
    var id: String
    var gapMilliseconds: Int64
    var boundary: String?
    var events: [String: [Int64]]
    var want: [String: [[Int64]]]

    enum CodingKeys: String, CodingKey {
      case id, boundary, events, want
      case gapMilliseconds = "gap_ms"
    }
  }

  /// The case written for the other boundary, as ours has it: 0 and 10 are one window.
  private static let adjusted: [String: [String: [[Int64]]]] = [
    "beam.testSimple": ["k": [[0, 10, 2], [101, 101, 1]]]
  ]

  @Test(.enabled(if: SharedFixtures.folder != nil, "../shared/fixtures is absent"))
  func everyCaseUnderOurBoundary() throws {
    let shared = try #require(SharedFixtures.folder)
    let data = try Data(contentsOf: URL(fileURLWithPath: "\(shared)/session-windows.json"))
    let cases = try JSONDecoder().decode([Case].self, from: data)
    #expect(cases.count == 15)
    let folder = try TemporaryFolder()
    for test in cases {
      var want: [String: [[Int64]]] = test.want
      if test.boundary == "split" { want = Self.adjusted[test.id] ?? [:] }
      var lines: [LogLine] = []
      for (key, times) in test.events {
        for time in times {
          let moment = 1_764_547_200_000 + time
          lines.append(
            LogLine(Array("{\"time\":\(moment),\"user\":\"\(key)\"}".utf8), .blank))
        }
      }
      let path = try folder.write(lines.text, as: "log")
      var rule = ConversationRule()
      rule.idleTimeout = Interval(microseconds: test.gapMilliseconds * 1_000)
      let counted = try Counted.metered(
        [path], terms: Terms(rule: rule, zone: .utc), threads: 1, temporaryFolder: folder.path)
      var found: [String: [[Int64]]] = [:]
      for row in counted.rows {
        let columns = String(decoding: row.text, as: UTF8.self).split(
          separator: "\t", omittingEmptySubsequences: false)
        let start = try #require(Int64(columns[10])) / 1_000 - 1_764_547_200_000
        let end = try #require(Int64(columns[11])) / 1_000 - 1_764_547_200_000
        found[String(columns[8]), default: []].append([
          start, end, try #require(Int64(columns[13])),
        ])
      }
      #expect(found == want, "\(test.id)")
    }
  }
}
