import Formats
import Foundation
import Parsing
import TestSupport
import Testing

@testable import Decoding
@testable import Metering

/// Small logs cut at every byte and changed at every byte: no line is read that was not there, and what
/// is missing is told.
@Suite struct CorruptionTests {
  /// A stored log of several members.
  struct Log: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var members: [[UInt8]]
    /// How many bytes of the text are in each member.
    var textCounts: [Int]
    /// Bytes before or behind a member that are one of their own, without text.
    var emptyBytes = (before: 0, behind: 0)

    var stored: [UInt8] { Array(members.joined()) }
  }

  private static let lines = (0..<9).map { number -> String in
    let ids = ["b7e2", "19fc", "8d03", "e6a1", "47cc", "0a9d", "f31b", "5c58", "2e70"]
    let time = "2025-12-01T08:\(10 + number * 5):17Z"
    let module = number % 3 == 0 ? "text-bot" : "order-bot"
    return
      "{\"time\":\"\(time)\",\"licensee\":\"acme\",\"user\":\"u-\(ids[number])\","
      + "\"request_id\":\"\(ids[(number + 4) % 9])-\(number)\",\"module\":\"\(module)\"}"
  }
  private static let text = bytes(lines)

  private static func bytes(_ lines: some Sequence<String>) -> [UInt8] {
    lines.flatMap { Array("\($0)\n".utf8) }
  }

  /// - Parameter cuts: where in the text a new member begins; in the middle of lines, too.
  private static func log(
    _ name: String, cuts: [Int] = [], before: Int = 0, behind: Int = 0,
    _ store: ([UInt8]) -> [UInt8]
  ) -> Log {
    let bounds = [0] + cuts + [text.count]
    let parts = zip(bounds, bounds.dropFirst()).map { Array(text[$0..<$1]) } as [[UInt8]]
    return Log(
      testDescription: name, members: parts.map(store), textCounts: parts.map(\.count),
      emptyBytes: (before, behind))
  }

  private static let half = bytes(lines[..<4]).count
  private static let thirds = [text.count / 3, text.count * 2 / 3]

  static let provable = [
    log("gzip, dynamic codes") { Compression.gzip($0, level: 9) },
    log("gzip, fixed codes") { Compression.gzip($0, hasFixedCodes: true) },
    log("gzip, stored") { Compression.gzip($0, level: 0) },
    log("gzip, two members", cuts: [half]) { Compression.gzip($0) },
    log("gzip, members that cut lines", cuts: thirds) { Compression.gzip($0, level: 1) },
    log("BGZF", cuts: thirds, behind: Compression.bgzf([]).count) { Compression.bgzf($0) },
    log("zlib") { Compression.zlib($0) },
    log("zlib, stored") { Compression.zlib($0, level: 0) },
    log("LZ4") { Compression.lz4($0) },
    log("LZ4, content checksum") { Compression.lz4($0, blockChecksums: false) },
    log("LZ4, block checksums") { Compression.lz4($0, contentChecksum: false) },
    log("LZ4, three frames", cuts: thirds) { Compression.lz4($0, isLinked: false) },
    log("Zstandard") { Compression.zstd($0) },
    log("Zstandard, three frames", cuts: thirds) { Compression.zstd($0, level: -5) },
    log("Zstandard, of unknown length") { Compression.zstd($0, windowLog: 17) },
    log("Zstandard behind skippable frames", cuts: [half], before: 12) {
      Compression.skippableLZ4([1, 2, 3, 4]) + Compression.zstd($0)
    },
  ]

  static let unprovable = [
    log("LZ4 without checksums", cuts: [half]) {
      Compression.lz4($0, blockChecksums: false, contentChecksum: false)
    },
    log("LZ4's legacy format") { Compression.lz4Legacy($0) },
    log("Zstandard without checksums", cuts: [half]) {
      Compression.zstd($0, hasChecksum: false)
    },
  ]

  /// What is read of a file, in as many readings as it takes.
  private struct Read: Equatable {
    var records: [String] = []
    var quarantined: [String] = []
    var damages: [Damage] = []
    var distrusted: [Int: DistrustedMembers] = [:]
    var codec: Codec?
  }

  private final class Reader {
    private let file: InputFile
    private let block = Block()
    private let parsers = Parsers(findsPlaces: false, lineBytesMax: 1 << 20)
    private let plan = FormatPlan(.canonical)

    init(_ path: String) throws { file = try InputFiles.find([path])[0] }

    /// - Returns: `nil` where the file cannot be opened, since it looks like one of another kind.
    func read() -> Read? {
      let (first, isToBeRepeated) = read(distrusted: [:])
      return isToBeRepeated ? read(distrusted: first?.distrusted ?? [:]).read : first
    }

    func read(distrusted: [Int: DistrustedMembers]) -> (read: Read?, isToBeRepeated: Bool) {
      let reader = LogReader(files: [file], workerCount: 1, distrusted: distrusted)
      var read = Read()
      while reader.next(into: block, last: nil) != nil {
        _ = parsers.parse(block, BlockReading(plan: plan, trust: block.trust)) { call, _ in
          read.records.append(line(call.lineStart))
        } rejected: { _, _ in
          read.quarantined.append(line(block.rejectedLineStart))
        }
      }
      let outcome = reader.outcome
      read.damages = outcome.damages[0] ?? []
      read.distrusted = outcome.distrusted
      read.codec = outcome.codecs[0]
      return (outcome.failures.isEmpty ? read : nil, reader.isToBeRepeated)
    }

    private func line(_ start: Int) -> String {
      block.bytes.text(start, block.bytes.firstPosition(of: 0x0A, from: start) - start)
    }
  }

  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  // MARK: - Cut off

  @Test(arguments: provable + unprovable)
  func whatIsLeftOfACutLogIsItsFirstLines(log: Log) throws {
    let stored = log.stored
    let ends = log.members.indices.map { log.members[...$0].reduce(0) { $0 + $1.count } }
    let otherEnds =
      ends.map { $0 - log.emptyBytes.behind } + ([0] + ends).map { $0 + log.emptyBytes.before }
    for length in 1...stored.count {
      let path = try folder.write(Array(stored[..<length]), as: "log")
      guard let read = try Reader(path).read() else { continue }
      let name: Comment = "\(log.testDescription), \(length) of \(stored.count) bytes"
      #expect(Self.lines.starts(with: read.records), name)
      // A frame of the legacy format may end anywhere.
      let isWhole = ends.contains(length) || otherEnds.contains(length)
      let mayBeWhole = isWhole || read.codec == .plain || read.codec == .lz4
      #expect(mayBeWhole || read.damages.map(\.kind) == [.truncated], name)
      // Nothing tells a zlib stream that is cut from one that is wrong; nor, once in a while, a gzip
      // member whose trailer is cut.
      let isInTrailer = otherEnds.contains { $0 - 8..<$0 ~= length }
      if read.codec == .zlib || (read.codec == .gzip && isInTrailer) { continue }
      // What a cut leaves is right, and is read.
      #expect(read.damages.allSatisfy { $0.distrust == nil }, "\(name): \(read.damages)")
      let members = ends.prefix { $0 <= length }.count
      let textBytes = log.textCounts.prefix(members).reduce(0, +)
      let whole = Self.text[..<textBytes].count { $0 == 0x0A }
      #expect(read.codec == .plain || read.records.count >= whole, name)
    }
  }

  // MARK: - Changed

  /// Other values for a byte: single bits, and some that mean something in headers; all of them where the
  /// environment asks for it.
  private func values(for byte: UInt8) -> [UInt8] {
    if ProcessInfo.processInfo.environment["DUIZHANG_ALL_BYTES"] != nil {
      return (0...255).map { UInt8($0) }.filter { $0 != byte }
    }
    let bits = (0..<8).map { byte ^ (1 << $0) }
    let some: [UInt8] = [0, 0x0A, 0x1F, 0x22, 0x30, 0x7D, 0xFF, byte &+ 1, byte &- 1, ~byte]
    return Array(Set(bits + some)).filter { $0 != byte }.sorted()
  }

  /// Calls `body` with every log that differs in one byte.
  private func forEachChange(
    of log: Log, _ body: (_ member: Int, _ reader: Reader, _ name: () -> String) throws -> Void
  ) throws {
    let path = try folder.write(log.stored, as: "log")
    let reader = try Reader(path)
    let handle = try #require(FileHandle(forUpdatingAtPath: path))
    func write(_ byte: UInt8, at place: Int) throws {
      try handle.seek(toOffset: UInt64(place))
      try handle.write(contentsOf: [byte])
    }
    var place = 0
    for (member, bytes) in log.members.enumerated() {
      for byte in bytes {
        for value in values(for: byte) {
          try write(value, at: place)
          try body(member, reader) {
            "\(log.testDescription), byte \(place) of \(log.stored.count) is \(value)"
          }
        }
        try write(byte, at: place)
        place += 1
      }
    }
  }

  /// The lines that lie in other members alone.
  private func linesBeside(_ member: Int, in log: Log) -> [String] {
    let start = log.textCounts[..<member].reduce(0, +)
    let end = start + log.textCounts[member]
    var position = 0
    return Self.lines.filter { line in
      defer { position += line.utf8.count + 1 }
      return position + line.utf8.count + 1 <= start || position >= end
    }
  }

  private func isInOrder(_ records: [String]) -> Bool {
    var rest = Self.lines[...]
    for record in records {
      guard let place = rest.firstIndex(of: record) else { return false }
      rest = rest[(place + 1)...]
    }
    return true
  }

  @Test(arguments: provable)
  func noRecordIsReadThatWasNotThere(log: Log) throws {
    let beside = log.members.indices.map { linesBeside($0, in: log) }
    try forEachChange(of: log) { member, reader, name in
      guard let read = reader.read() else { return }
      #expect(isInOrder(read.records), "\(name()): \(read.records)")
      let isWhole = read.records == Self.lines
      #expect(isWhole || !read.damages.isEmpty || !read.quarantined.isEmpty, "\(name())")
      // Without its first bytes it is no compressed file, but plain text.
      if read.codec == .plain { return }
      #expect(beside[member].allSatisfy(read.records.contains), "\(name()): \(read)")
      #expect(read.damages.allSatisfy { $0.distrust?.isApplied ?? true }, "\(name())")
      // A reading that knows what is wrong finds the same.
      if read.distrusted.isEmpty { return }
      let again = reader.read(distrusted: read.distrusted).read
      #expect(again == read, "\(name())")
    }
  }

  /// Where no checksum covers the text, a changed byte may be another text, and no one can tell.
  @Test(arguments: unprovable)
  func withoutChecksumsOthersAreReadAndTheReadingEnds(log: Log) throws {
    let beside = log.members.indices.map { linesBeside($0, in: log) }
    try forEachChange(of: log) { member, reader, name in
      guard let read = reader.read(), read.codec != .plain else { return }
      // The line behind may be joined, where a line's end is changed.
      let lines = member == 0 ? beside[member].dropFirst() : beside[member][...]
      #expect(lines.allSatisfy(read.records.contains), "\(name()): \(read)")
    }
  }
}
