import CivilTime
import Decoding
import Formats
import Foundation
import Parsing
import TestSupport
import Testing

@testable import Segments

@Suite struct ChunkTests {
  /// The values that the authors of XXH64 give.
  @Test(arguments: [
    ("", 0xEF46_DB37_51D8_E999 as UInt64), ("a", 0xD24E_C4F1_A98C_6E5B),
    ("abc", 0x44BC_2CF5_AD77_0999),
    ("Nobody inspects the spammish repetition", 0xFBCE_A83C_8A37_8BF1),
  ])
  func checksumsAreThoseOfXXH64(text: String, checksum: UInt64) {
    #expect(XXH64.checksum(Array(text.utf8)) == checksum)
  }

  @Test func digitsEightAtATime() {
    var random = SeededRandom(seed: 1)
    for _ in 0..<2_000 {
      let number = UInt32.random(in: 0...UInt32.max, using: &random)
      let digits = String(number.byteSwapped, radix: 16)
      let text = String(repeating: "0", count: 8 - digits.count) + digits
      let word = text.utf8.reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
      #expect(Hexadecimal.text(number) == word)
      #expect(Hexadecimal.parse(word) == number)
    }
    for byte in UInt8.min...UInt8.max {
      for place in 0..<8 {
        let shift = UInt64(8 * place)
        let word = 0x3030_3030_3030_3030 & ~(0xFF << shift) | UInt64(byte) << shift
        #expect((Hexadecimal.parse(word) != nil) == Hexadecimal.isDigit(byte))
      }
    }
  }

  private struct Row: Equatable {
    var numbers: [Int64]
    var texts: [String]
  }

  /// Rows of other things than records: 11 numbers and 8 texts.
  private let columns: [Column] =
    [.series, .series] + [Column](repeating: .numbers, count: 9)
    + [Column](repeating: .texts, count: 4) + [Column](repeating: .words, count: 4)

  private func rows(_ random: inout SeededRandom) -> [Row] {
    let unit: Int64 = random.one(of: [1, 1_000, 1_000_000])
    return (0..<random.number(1...700)).map { _ in
      Row(
        numbers: (0..<11).map { column in
          if column == 10 { return -7 }
          if random.chance(1) { return random.one(of: [.min, .max]) }
          return Int64.random(in: -1_000_000...1_000_000, using: &random) * unit
        },
        texts: (0..<8).map { column in
          if column == 7 { return "always" }
          return random.chance(20) ? "" : "t\(random.number(0...(column % 2 == 0 ? 3 : 100_000)))"
        })
    }
  }

  @Test(arguments: 0..<30) func rowsOfAnyKindComeBack(seed: UInt64) throws {
    var random = SeededRandom(seed: seed)
    let folder = try TemporaryFolder()
    let kind = ChunkFileKind("TEST", columns)
    let path = folder.path + "/rows"
    let chunks = (0..<random.number(0...4)).map { _ in rows(&random) }
    let writer = try ChunkFileWriter(path: path, kind: kind, label: -5)
    var buffer = RowBuffer(columns)
    var encoder = ChunkEncoder()
    for (number, chunk) in chunks.enumerated() {
      for row in chunk {
        buffer.add()
        for column in 0..<11 { buffer.set(column, row.numbers[column]) }
        for column in 0..<8 { buffer.set(11 + column, row.texts[column]) }
      }
      try writer.append(encoder.encode(buffer, number: Int64(-number)))
      buffer.removeAll()
    }
    #expect(folder.files == ["rows.partial"])
    let summary = try writer.finish()
    #expect(folder.files == ["rows"])
    #expect(summary.chunks == chunks.count)
    #expect(summary.rows == chunks.joined().count)
    #expect(summary.digestText.count == 64)
    let reader = try ChunkFileReader(path: path, kind: kind)
    #expect(reader.label == -5 && reader.rows == summary.rows)
    let table = RowTable(columns)
    let block = Block()
    for (number, chunk) in chunks.enumerated() {
      #expect(try reader.next(into: block, table) == Int64(-number))
      let found = (0..<table.count).map { row in
        Row(
          numbers: (0..<11).map { table.number(row, $0) },
          texts: (0..<8).map {
            let slice = table.text(row, 11 + $0)
            return block.bytes.text(Int(slice.start), Int(slice.count))
          })
      }
      #expect(found == chunk)
    }
    #expect(try reader.next(into: block, table) == nil)
    #expect(throws: SegmentError.self) {
      try ChunkFileReader(path: path, kind: ChunkFileKind("ELSE", columns))
    }
  }

  /// Hashes of all sizes, few and many distinct ones, come back, and take no more bytes than they must.
  @Test(arguments: 1...64) func hashesComeBack(bits: Int) throws {
    var random = SeededRandom(seed: UInt64(bits))
    let kind = ChunkFileKind("HASH", [.hashes, .hashes, .hashes, .numbers])
    let most = UInt64.max >> UInt64(64 - bits)
    for count in [1, 2, 129, 3_000] {
      let few = (0..<random.number(1...40)).map { _ in UInt64.random(in: 0...most, using: &random) }
      var rows = RowBuffer(kind.columns)
      var expected: [[UInt64]] = []
      for index in 0..<count {
        let row = [
          UInt64.random(in: 0...most, using: &random), random.one(of: few), most, UInt64(index),
        ]
        rows.add()
        for (column, value) in row.enumerated() { rows.set(column, Int64(bitPattern: value)) }
        expected.append(row)
      }
      var encoder = ChunkEncoder()
      let chunk = encoder.encode(rows, number: 1)
      var decoder = ChunkDecoder(kind.columns)
      let table = RowTable(kind.columns)
      _ = try decoder.decode(chunk, into: Block(), table)
      let found = (0..<count).map { row in
        (0..<4).map { UInt64(bitPattern: table.number(row, $0)) }
      }
      #expect(found == expected)
      let width = (bits + 7) / 8
      #expect(chunk.count <= 200 + count * width + 40 * width + count + 2 * count)
      // What nobody asks for is 0.
      var other = ChunkDecoder(kind.columns, unread: [0, 3])
      let rest = RowTable(kind.columns)
      _ = try other.decode(chunk, into: Block(), rest)
      #expect((0..<count).allSatisfy { rest.number($0, 0) == 0 && rest.number($0, 3) == 0 })
      #expect((0..<count).allSatisfy { rest.number($0, 1) == table.number($0, 1) })
    }
  }

  /// Segments of before traces were kept are read, as records without.
  @Test func segmentsWithoutTracesAreRead() throws {
    var random = SeededRandom(seed: 11)
    let day: Int64 = 20_423
    let records = random.usualBlock(700, from: day * 86_400_000_000)
    var rows = RowBuffer(Segment.kindWithoutTraces.columns)
    for record in records {
      rows.add()
      rows.set(Segment.timeColumn, record.time)
      rows.set(Segment.statusColumn, Int64(record.status))
      rows.set(Segment.itemsColumn, Int64(record.items))
      rows.set(Segment.lineColumn, Int64(record.line))
      for field in Segment.textFields {
        rows.set(Segment.textColumn + Int(field.rawValue), record.texts[Int(field.rawValue)])
      }
    }
    let folder = try TemporaryFolder()
    let path = folder.path + "/old.seg"
    let writer = try ChunkFileWriter(path: path, kind: Segment.kindWithoutTraces, label: day)
    var encoder = ChunkEncoder()
    try writer.append(encoder.encode(rows, number: 5))
    _ = try writer.finish()
    let date = CivilDate(daysSinceEpoch: Int32(day))
    #expect(try !SegmentReader(path: path, day: date).hasTraces)
    let found = try read(path, day: date)
    #expect(found.map(\.block) == [5])
    let expected = records.map { record in
      var record = record
      (record.latency, record.traces) = (0, .none)
      return record
    }
    #expect(found.first?.records == expected)
  }

  /// Whoever writes files can write checksums: what is malformed is an error or harmless, never a crash.
  @Test(arguments: 0..<8) func malformedChunksWithRightChecksumsAreHarmless(seed: UInt64) throws {
    var random = SeededRandom(seed: seed)
    var feeder = RecordFeeder()
    let records = seed == 0 ? random.usualBlock(40, from: 0) : random.hostileBlock()
    let good = try #require(feeder.chunks(of: records, block: 3).first).bytes
    var decoder = ChunkDecoder(Segment.kind.columns)
    let table = RowTable(Segment.kind.columns)
    let block = Block()
    _ = try decoder.decode(good, into: block, table)
    var errors = 0
    for _ in 0..<1_500 {
      var bad = good
      for _ in 0..<random.number(1...3) {
        // Most often where things are counted.
        let end = random.chance(50) ? min(300, good.count - 8) : good.count - 8
        bad[random.number(0...(end - 1))] = random.one(of: [0, 1, 2, 3, 0x7F, 0x80, 0xFF])
      }
      if random.chance(10) {
        bad.removeSubrange(random.number(24...(good.count - 9))..<(good.count - 8))
        bad.replaceSubrange(12..<16, with: (0..<4).map { UInt8(bad.count >> (8 * $0) & 0xFF) })
      }
      let checksum = XXH64.checksum(Array(bad.dropLast(8)))
      bad.replaceSubrange(
        (bad.count - 8)..., with: (0..<8).map { UInt8(truncatingIfNeeded: checksum >> (8 * $0)) })
      do {
        _ = try decoder.decode(bad, into: block, table)
        var isInside = true
        for row in 0..<table.count {
          for column in Segment.textColumn..<Segment.questionColumn {
            let slice = table.text(row, column)
            if Int(slice.start) + Int(slice.count) > block.count { isInside = false }
          }
        }
        #expect(isInside)
      } catch {
        errors += 1
        #expect(table.count == 0)
      }
    }
    #expect(errors > 300)
  }
}
