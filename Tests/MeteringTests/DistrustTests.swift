import Checking
import CivilTime
import Contracts
import Counting
import Decoding
import Foundation
import Glibc
import Metering
import Parsing
import TestSupport
import Testing

/// Lines of a part of a log that is proven wrong are quarantined, and only these.
@Suite struct DistrustTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private struct Read {
    var result: MeteringResult
    var kept: [String] = []
    var reasons: [Rejection] = []

    /// Quarantined lines by reason.
    func count(_ rejection: Rejection) -> Int { reasons.count { $0 == rejection } }
  }

  private func read(
    _ paths: [String], threads: Int = 2, recordBytesMax: Int? = nil, encoding: TextEncoding? = nil
  ) throws -> Read {
    var options = MeteringOptions(
      threads: threads, memoryBytes: 256 << 20, temporaryFolder: folder.path)
    options.wantsQuarantine = true
    options.wantsRows = true
    options.recordBytesMax = recordBytesMax
    options.encoding = encoding
    let terms = Terms(rule: ConversationRule(), zone: .utc)
    let files = try InputFiles.find(paths)
    var read = Read(result: try Metering(files: files, terms: terms, options: options).run())
    guard let lines = read.result.quarantine else { return read }
    // Not a sequence: a text is read back when its line comes.
    // swift-format-ignore: ReplaceForEachWithForLoop
    try lines.forEach { line, text in
      read.kept.append(String(decoding: text, as: UTF8.self))
      read.reasons.append(line.rejection)
      return true
    }
    return read
  }

  private func checked(_ paths: [String], encoding: TextEncoding? = nil) throws -> [CheckedLog] {
    let files = try InputFiles.find(paths)
    let options = LogCheck.Options(threads: 2, formats: nil, encoding: encoding)
    return LogCheck(files: files, options: options).run().logs
  }

  /// What both commands must say alike, and what must hold of each.
  private func expectBalance(
    _ read: Read, _ paths: [String], encoding: TextEncoding? = nil,
    _ location: SourceLocation = #_sourceLocation
  ) throws {
    #expect(read.result.balance.isBalanced, sourceLocation: location)
    #expect(read.result.bytes.isBalanced, sourceLocation: location)
    #expect(
      read.result.bytes.text == read.result.fileBytes.reduce(0) { $0 + $1.text },
      sourceLocation: location)
    let logs = try checked(paths, encoding: encoding)
    #expect(
      logs.reduce(0) { $0 + $1.quarantined } == read.result.balance.quarantined,
      sourceLocation: location)
    #expect(
      logs.reduce(0) { $0 + $1.counts.lines } == read.result.balance.lines,
      sourceLocation: location)
    #expect(
      logs.flatMap(\.damages) == read.result.damages.map(\.damage), sourceLocation: location)
  }

  /// Lines of different users, one conversation each.
  private func lines(_ numbers: Range<Int>) -> [String] {
    numbers.map { number in
      let second = number % 3_600
      let time = String(format: "2025-12-01T08:%02d:%02dZ", second / 60, second % 60)
      return
        "{\"time\":\"\(time)\",\"licensee\":\"acme\",\"user\":\"user-\(number * 7_919)\","
        + "\"request_id\":\"r\(number)\",\"module\":\"m\"}"
    }
  }

  private func bytes(_ lines: some Sequence<String>) -> [UInt8] {
    lines.flatMap { Array("\($0)\n".utf8) }
  }

  private func wrong(_ stored: [UInt8]) -> [UInt8] {
    var stored = stored
    stored[stored.count - 1] ^= 1
    return stored
  }

  private func messages(_ read: Read) -> Int { read.result.balance.messages }

  private static let codecs: [StoredCodec] = [.gzip, .lz4, .zstd]

  // MARK: - The member in the middle

  @Test(arguments: codecs, [50, 4_000])
  func theOthersCountAndItsLinesCanBeFedInAgain(codec: StoredCodec, count: Int) throws {
    let all = lines(0..<(3 * count))
    let parts = (0..<3).map { all[($0 * count)..<(($0 + 1) * count)] }
    var members = parts.map { codec.stored(bytes($0)) }
    members[1] = wrong(members[1])
    let damaged = try folder.write(Array(members.joined()), as: "damaged")
    let beside = lines(20_000..<20_100)
    let paths = [damaged, try folder.write(bytes(beside), as: "other")]
    let read = try read(paths)
    #expect(messages(read) == 2 * count + 100)
    #expect(read.kept == Array(parts[1]))
    #expect(read.count(.untrusted) == count)
    #expect(read.result.damages.map { $0.damage.distrust?.isApplied } == [true])
    #expect(read.result.formats.allSatisfy { $0?.name != nil })
    try expectBalance(read, paths)
    // Where they stand in the file.
    #expect(
      read.result.quarantined.prefix(2).map { read.result.sources.text(of: $0.source) }
        == [1, 2].map { "\(damaged):\(count + $0)" })
    // On any number of threads, and with little memory.
    for (threads, recordBytesMax) in [(1, nil), (4, nil), (2, 1 << 20)] {
      let other = try self.read(paths, threads: threads, recordBytesMax: recordBytesMax)
      #expect(other.kept == read.kept)
      #expect(other.result.balance == read.result.balance)
      #expect(other.result.bytes == read.result.bytes)
      #expect(
        Set(other.result.totals.map { "\($0)" }) == Set(read.result.totals.map { "\($0)" }))
    }
    // The right ones of them count when they are given again.
    let mended = try folder.write(bytes(read.kept), as: "mended")
    #expect(messages(try self.read(paths + [mended])) == 3 * count + 100)
  }

  @Test func linesThatAreAlteredDoNotCount() throws {
    // A byte that is changed within the data, so that the text is another one.
    let all = lines(0..<12_000)
    let right = Compression.gzip(bytes(all))
    let rightSet = Set(all)
    var random = SeededRandom(seed: 91)
    for _ in 0..<12 {
      var stored = right
      let place = random.number(200...(stored.count - 9))
      stored[place] ^= UInt8(random.number(1...255))
      let path = try folder.write(stored + right, as: "log")
      let read = try read([path], threads: 1)
      #expect(messages(read) == all.count, "\(random)")
      #expect(read.result.damages.count == 1)
      #expect(read.kept.contains { !rightSet.contains($0) } || read.kept.count <= all.count)
      try expectBalance(read, [path])
    }
  }

  @Test func manyFilesOnManyThreads() throws {
    var paths: [String] = []
    var right = 0
    for file in 0..<12 {
      let numbers = (file * 3_000)..<((file + 1) * 3_000)
      let text = bytes(file % 2 == 0 ? lines(numbers) : [Self.header] + rows(numbers))
      let member = Self.codecs[file % 3].stored(text)
      if file % 4 != 1 { right += 3_000 }
      paths.append(try folder.write(file % 4 == 1 ? wrong(member) : member, as: "\(100 + file)"))
    }
    let one = try read(paths, threads: 1)
    #expect(messages(one) == right)
    #expect(one.count(.untrusted) == 3 * 3_001)
    try expectBalance(one, paths)
    for threads in [2, 3, 8] {
      let other = try read(paths, threads: threads)
      #expect(other.kept == one.kept)
      #expect(other.result.balance == one.result.balance)
      #expect(other.result.bytes == one.result.bytes)
      #expect(other.result.damages.map(\.damage) == one.result.damages.map(\.damage))
    }
  }

  @Test func inUTF16TheWholeFileIsQuarantined() throws {
    let all = lines(0..<8_000)
    func utf16(_ lines: some Sequence<String>) -> [UInt8] {
      lines.joined(separator: "\n").appending("\n").utf16.flatMap {
        [UInt8($0 & 0xFF), UInt8($0 >> 8)]
      }
    }
    let members = [
      Compression.gzip(utf16(all[..<4_000])), wrong(Compression.gzip(utf16(all[4_000...]))),
    ]
    let path = try folder.write(Array(members.joined()), as: "log")
    let read = try read([path], encoding: .utf16LittleEndian)
    #expect(messages(read) == 0)
    #expect(read.kept == all)
    try expectBalance(read, [path], encoding: .utf16LittleEndian)
  }

  // MARK: - Tables

  private func rows(_ numbers: Range<Int>) -> [String] {
    numbers.map { "user-\($0 * 7_919),2025-12-01T08:00:00Z,acme,m" }
  }
  private static let header = "user,time,licensee,module"

  @Test(arguments: [50, 20_000])
  func aTableWhoseHeaderIsWrongIsNoTable(count: Int) throws {
    let first = Compression.gzip(bytes([Self.header] + rows(0..<count)))
    let second = Compression.gzip(bytes(rows(count..<(2 * count))))
    let path = try folder.write(wrong(first) + second, as: "headless")
    let read = try read([path])
    #expect(messages(read) == 0)
    #expect(read.count(.untrusted) == 2 * count + 1)
    #expect(read.result.quarantine?.header(ofFile: 0) == Array(Self.header.utf8))
    try expectBalance(read, [path])
    // With the rows alone it counts the others.
    let other = try folder.write(first + wrong(second), as: "log")
    let half = try self.read([other])
    #expect(messages(half) == count)
    #expect(half.kept == rows(count..<(2 * count)))
    try expectBalance(half, [other])
  }

  /// A half of a row may look like a whole one.
  @Test func aRowThatIsCutIsNoRow() throws {
    let text = bytes([Self.header] + rows(0..<3))
    let cut = text.count - rows(2..<3)[0].utf8.count + 2
    #expect(text[cut...].starts(with: Array("r-15838,".utf8)))
    let tail = Compression.gzip(Array(text[cut...]) + bytes(rows(3..<6)))
    let head = Compression.gzip(Array(text[..<cut]))
    let path = try folder.write(head + [0x41] + tail, as: "log")
    let read = try read([path])
    #expect(read.kept == ["use", "r-15838,2025-12-01T08:00:00Z,acme,m"])
    #expect(read.reasons == [.torn, .torn])
    #expect(messages(read) == 5)
    try expectBalance(read, [path])
    // Of JSON none can.
    let json = lines(0..<6)
    let members = [Compression.gzip(bytes(json[..<3])), Compression.gzip(bytes(json[3...]))]
    let whole = try self.read([try folder.write(members[0] + [0x41] + members[1], as: "json")])
    #expect(messages(whole) == 6)
    #expect(whole.kept.isEmpty)
  }

  // MARK: - What is read once

  /// Reads a file through a named pipe.
  private func throughPipe(_ stored: [UInt8], beside paths: [String] = []) throws -> Read {
    let pipe = "\(folder.path)/pipe"
    _ = unsafe unlink(pipe)
    let isMade = unsafe mkfifo(pipe, 0o600) == 0
    try #require(isMade)
    let thread = Thread {
      FileHandle(forWritingAtPath: pipe)?.write(Data(stored))
    }
    thread.start()
    return try read(paths + [pipe])
  }

  @Test func aPipeCannotBeReadAgain() throws {
    let count = 4_000
    let all = lines(0..<(3 * count))
    var members = (0..<3).map { Compression.gzip(bytes(all[($0 * count)..<(($0 + 1) * count)])) }
    members[1] = wrong(members[1])
    let stored = Array(members.joined())
    let read = try throughPipe(stored)
    #expect(messages(read) == 3 * count)
    #expect(read.result.damages.map { $0.damage.distrust?.isApplied } == [false])
    #expect(read.result.balance.isBalanced && read.result.bytes.isBalanced)
    // Nor can a file be, where a pipe is among the logs.
    let path = try folder.write(stored, as: "log")
    let both = try throughPipe(bytes(lines(20_000..<20_010)), beside: [path])
    #expect(messages(both) == 3 * count + 10)
    #expect(both.result.damages.map { $0.damage.distrust?.isApplied } == [false])
    // Where it is known in time it need not be.
    let small = try throughPipe(wrong(Compression.gzip(bytes(all[..<100]))))
    #expect(messages(small) == 0)
    #expect(small.count(.untrusted) == 100)
  }
}
