import CivilTime
import Contracts
import Counting
import Decoding
import Foundation
import Metering
import Parsing
import TestSupport
import Testing

/// Times that no call of a log can have had.
@Suite struct AbsurdTimesTests {
  private let folder: TemporaryFolder
  /// 2025-12-01T00:00:00Z.
  private static let written: Int64 = 1_764_547_200_000_000
  private static let day: Int64 = 86_400_000_000

  init() throws { folder = try TemporaryFolder() }

  private func run(_ paths: [String], threads: Int = 1) throws -> MeteringResult {
    try Metering(
      files: InputFiles.find(paths), terms: Terms(rule: ConversationRule(), zone: .utc),
      options: MeteringOptions(
        threads: threads, memoryBytes: 64 << 20, temporaryFolder: folder.path)
    ).run()
  }

  private func line(_ time: Int64) -> [UInt8] { Array("{\"time\":\(time),\"user\":\"u\"}\n".utf8) }

  private func text(_ moment: String) -> [UInt8] {
    Array("{\"time\":\"\(moment)\",\"user\":\"u\"}\n".utf8)
  }

  @Test(arguments: [
    ("2000-01-01T00:00:00Z", true), ("1999-12-31T23:59:59.999999Z", false),
    ("2000-01-01T08:00:00+08:00", true), ("2000-01-01T07:59:59.999+08:00", false),
    ("1970-01-01T00:00:00Z", false), ("0001-01-01T00:00:00Z", false),
    ("2025-12-02T00:00:00Z", true), ("2025-12-02T00:00:00.000001Z", false),
    ("2025-12-02T08:00:00+08:00", true), ("9999-12-31T23:59:59Z", false),
    ("-9223372036854", false), ("0", false),
  ])
  func theBoundsBelongToTheRecords(moment: String, isRecord: Bool) throws {
    let path = try folder.write(text(moment), as: "log", writtenAt: Self.written)
    let result = try run([path])
    #expect(result.balance.lines == 1)
    #expect(result.balance.records == (isRecord ? 1 : 0))
    #expect(result.balance.quarantined == (isRecord ? 0 : 1))
    #expect(result.balance.isBalanced)
    let isEarly = !moment.hasPrefix("2025") && !moment.hasPrefix("9999")
    let reason =
      isEarly
      ? "has a time before the year 2000"
      : "has a time more than one day after the newest log's last change"
    #expect(result.quarantined.map(\.rejection.reason) == (isRecord ? [] : [reason]))
  }

  @Test func theNewestOfAllFilesDecidesForEach() throws {
    let late = line(Self.written + 3 * Self.day)
    let old = try folder.write(late, as: "a-old", writtenAt: Self.written)
    #expect(try run([old]).balance.quarantined == 1)
    for name in ["Z-new", "z-new"] {
      let new = try folder.write(
        line(Self.written), as: name, writtenAt: Self.written + 2 * Self.day)
      for threads in 1...2 {
        let result = try run([old, new], threads: threads)
        #expect(result.balance.records == 2)
        #expect(result.balance.quarantined == 0)
      }
    }
  }

  /// A time that is no record's must not end the input either: conversations would seem over.
  @Test func theEndOfTheInputIsThatOfTheRecords() throws {
    let path = try folder.write(
      line(Self.written) + line(Self.written + 30 * Self.day) + text("1999-01-01T00:00:00Z"),
      as: "log", writtenAt: Self.written)
    let result = try run([path])
    #expect(result.balance.quarantined == 2)
    #expect(result.inputEnd == Instant(microseconds: Self.written))
  }

  @Test(arguments: [Int64.max / 1_000_000, -1, 0]) func filesOfAbsurdDatesAreRead(
    seconds: Int64
  ) throws {
    let path = try folder.write(
      line(Self.written), as: "log", writtenAt: min(seconds, 4_000_000_000) * 1_000_000)
    let result = try run([path])
    #expect(result.balance.lines == 1)
    #expect(result.balance.isBalanced)
  }
}
