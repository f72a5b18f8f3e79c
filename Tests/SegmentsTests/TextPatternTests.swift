import Decoding
import Foundation
import Parsing
import TestSupport
import Testing

@testable import Segments

/// Columns of each row's own texts, and what they are packed to.
@Suite struct TextPatternTests {
  /// A text that looks like an id or an address, or nearly.
  private static func text(_ shape: Int, _ random: inout SeededRandom) -> String {
    func digits(_ count: Int) -> String {
      String((0..<count).map { _ in random.one(of: Array("0123456789abcdef")) })
    }
    func uuid() -> String {
      [8, 4, 4, 4, 12].map { digits($0) }.joined(separator: "-")
    }
    switch shape {
    case 0: return digits(32)
    case 1: return uuid()
    case 2: return "req-" + uuid()
    case 3: return "u-" + digits(8)
    case 4: return "conv:" + digits(random.one(of: [10, 10, 10, 11]))
    case 5:
      return (0..<4).map { _ in "\(random.number(0...255))" }.joined(separator: ".")
    case 6:
      return random.one(of: [
        "0.0.0.0", "255.255.255.255", "256.1.1.1", "01.2.3.4", "1.2.3", "1.2.3.4.", ".1.2.3.4",
        "1..2.3", "1.2.3.4.5", "1.2.3.004", "1.2.3.a", "127.0.0.1 ", "::1", "1.2.3.4\u{0}",
      ])
    case 7: return uuid().uppercased()
    case 8: return uuid().replacingOccurrences(of: "-", with: random.one(of: ["-", "_"]))
    case 9: return digits(64)
    case 10: return "prefix12" + digits(64)
    case 11: return "prefix123" + digits(64)
    case 12: return random.one(of: ["", "", "用户", "x", String(repeating: "y", count: 40)])
    default: return digits(random.number(7...20))
    }
  }

  @Test(arguments: 0..<200) func textsOfAnyShapeComeBack(seed: UInt64) throws {
    var random = SeededRandom(seed: seed)
    let columns: [Column] = [.texts, .words, .texts]
    let shapes = (0..<random.number(1...5)).map { _ in random.number(0...13) }
    let texts = (0..<random.number(1...600)).map { _ in
      (0..<3).map { _ in Self.text(random.one(of: shapes), &random) }
    }
    var buffer = RowBuffer(columns)
    for row in texts {
      buffer.add()
      for (column, text) in row.enumerated() { buffer.set(column, text) }
    }
    var encoder = ChunkEncoder()
    let chunk = encoder.encode(buffer, number: 1)
    for unread in [[], [0], [1, 2]] as [Set<Int>] {
      var decoder = ChunkDecoder(columns, unread: unread)
      let table = RowTable(columns)
      let block = Block()
      _ = try decoder.decode(chunk, into: block, table)
      let found = (0..<table.count).map { row in
        (0..<3).map { column in
          let slice = table.text(row, column)
          return block.bytes.text(Int(slice.start), Int(slice.count))
        }
      }
      #expect(
        found == texts.map { row in row.indices.map { unread.contains($0) ? "" : row[$0] } })
    }
  }

  /// Bytes of a chunk of one column, without what each chunk has.
  private func bytes(_ column: Column, _ texts: [String]) -> Int {
    var buffer = RowBuffer([column])
    for text in texts {
      buffer.add()
      buffer.set(0, text)
    }
    var encoder = ChunkEncoder()
    return encoder.encode(buffer, number: 0).count - 40
  }

  @Test(arguments: [(0, 16), (1, 16), (2, 16), (3, 4), (5, 4), (9, 32)])
  func idsTakeHalfAByteForEachDigitAndAddressesFourBytes(shape: Int, packed: Int) {
    var random = SeededRandom(seed: 7)
    let texts = (0..<1_000).map { _ in Self.text(shape, &random) }
    let size = bytes(.texts, texts)
    #expect(size >= 1_000 * packed && size <= 1_000 * packed + 30)
    // Of two shapes in turn, and some absent, two bits more for each.
    let mixed = (0..<1_000).map { index -> String in
      if index % 10 == 0 { return "" }
      return index % 2 == 0 ? texts[index] : "id-" + texts[index].prefix(4)
    }
    #expect(bytes(.texts, mixed) < 400 * packed + 500 * 8 + 300)
  }

  @Test func wordsTakeAFewBits() {
    let texts = (0..<8_000).map { ["kb", "consult", "faq"][$0 % 3] }
    #expect(bytes(.words, texts) <= 2_000 + 40)
  }

  private func bytes(_ column: Column, _ numbers: [Int64]) throws -> Int {
    var buffer = RowBuffer([column])
    for number in numbers {
      buffer.add()
      buffer.set(0, number)
    }
    var encoder = ChunkEncoder()
    let chunk = encoder.encode(buffer, number: 0)
    var decoder = ChunkDecoder([column])
    let table = RowTable([column])
    _ = try decoder.decode(chunk, into: Block(), table)
    #expect((0..<table.count).map { table.number($0, 0) } == numbers)
    #expect(decoder.ranges == [numbers.reduce(numbers[0], min)...numbers.reduce(numbers[0], max)])
    return chunk.count - 40
  }

  @Test func numbersTakeTheBitsThatTheyNeed() throws {
    let count = 4_000
    #expect(try bytes(.series, (0..<count).map { Int64($0) }) <= 8)
    #expect(try bytes(.numbers, (0..<count).map { [200, 429, 500][$0 % 3] }) <= count / 4 + 10)
    var random = SeededRandom(seed: 3)
    var time: Int64 = 1_764_547_200_000_000
    let times = (0..<count).map { _ in
      time += Int64(random.number(0...4_095)) * 1_000
      return time
    }
    #expect(try bytes(.series, times) <= count * 12 / 8 + 20)
    // One that is far off would cost all others their bits.
    var wild = times
    wild[17] -= 40_000_000_000_000
    #expect(try bytes(.series, wild) <= count * 2 + 40)
    for numbers in [
      [.min, .max, 0, -1, .min], [.max, .min], [5, 5, 6], [0, .max], [-1, 1 << 32, 7],
    ] as [[Int64]] {
      _ = try bytes(.numbers, numbers)
      _ = try bytes(.series, numbers)
      let many = (0..<40).map { numbers[$0 % numbers.count] &+ Int64($0) }
      _ = try bytes(.numbers, many)
      _ = try bytes(.series, many)
    }
  }

  @Test func noiseIsToldFromWhatCompresses() {
    var random = SeededRandom(seed: 11)
    let noise = (0..<8_000).map { _ in UInt8.random(in: 0...255, using: &random) }
    func isNoise(_ bytes: [UInt8]) -> Bool {
      unsafe bytes.withUnsafeBufferPointer {
        unsafe Noise.isNoise($0.baseAddress!, $0.count - 8, unit: 5)
      }
    }
    #expect(isNoise(noise))
    // Each value twice, and counters.
    var twice: [UInt8] = []
    var counters: [UInt8] = []
    for value in 0..<1_600 {
      let start = value / 2 * 5
      twice += noise[start..<(start + 5)]
      counters += [0, 0, 0, UInt8(value / 256), UInt8(value % 256)]
    }
    #expect(!isNoise(twice))
    #expect(!isNoise(counters))
  }
}
