import Decoding
import TestSupport
import Testing

@testable import Shuffling

/// A text in a chunk of its own.
final class Packed {
  let chunk: Chunk
  let value: ChunkText
  let hashInBlock: UInt64
  private let pool: ChunkPool

  init(_ bytes: [UInt8], pool: ChunkPool) {
    self.pool = pool
    let chunk = pool.take(size: max(Chunk.bytesOrdinary, bytes.count + Chunk.headerBytes + 7))
    let padded = [0x61, 0x62, 0x63] + bytes + [UInt8](repeating: 0xEE, count: ByteView.padding)
    (value, hashInBlock) = unsafe padded.withUnsafeBufferPointer { buffer in
      guard let base = buffer.baseAddress else { preconditionFailure("not empty") }
      let view = unsafe ByteView(base: base, count: bytes.count + 3)
      var (text, kind, external) = PackedText.pack(view, start: 3, count: bytes.count)
      let hash = ChunkText.hash(
        text, kind: kind, external: external > 0 ? view : nil, start: 3, count: bytes.count, seed: 5
      )
      if external > 0 {
        text = text.stored(
          view, start: 3, count: bytes.count, in: chunk, at: chunk.size - external)
      }
      return (ChunkText(text, kind: kind, chunk: chunk), hash)
    }
    self.chunk = chunk
  }

  deinit { pool.give(back: chunk) }

  var bytes: [UInt8] {
    var bytes: [UInt8] = []
    value.append(to: &bytes)
    return bytes
  }
}

@Suite struct PackedTextTests {
  private static let texts: [[UInt8]] = {
    var random = SeededRandom(seed: 41)
    var texts: [[UInt8]] = [[], [0], [0, 0], [0xFF], [0x80], [0x80, 0x80]]
    for length in 0...40 {
      texts.append([UInt8](repeating: 0x61, count: length))
      texts.append([UInt8](repeating: 0, count: length))
      texts.append([UInt8](repeating: 0xFF, count: length))
    }
    let hexadecimal = Array("0123456789abcdef0123456789abcdef".utf8)
    let uuid = Array("3f2504e0-4f89-11d3-9a0c-0305e82c3301".utf8)
    for original in [hexadecimal, uuid] {
      texts.append(original)
      texts.append(Array(original.dropLast()))
      texts.append(original + [0x30])
      for place in original.indices {
        for byte in [0x2F, 0x3A, 0x40, 0x60, 0x67, 0x2D, 0x41, 0x61, 0x30, 0xB0, 0] as [UInt8] {
          var changed = original
          changed[place] = byte
          texts.append(changed)
        }
      }
    }
    texts.append([UInt8](repeating: 0x30, count: 32))
    texts.append(Array("00000000-0000-0000-0000-000000000000".utf8))
    for _ in 0..<300 {
      let length = random.number(0...45)
      texts.append((0..<length).map { _ in random.one(of: [0, 0x61, 0x62, 0xFF]) })
    }
    texts.append([UInt8](repeating: 0x7A, count: 20_000))
    return texts
  }()

  @Test func everyTextComesBackAndComparesAsItsBytes() {
    let pool = ChunkPool(bytesMax: 1 << 30)
    let packed = Self.texts.map { Packed($0, pool: pool) }
    for (text, value) in zip(Self.texts, packed) {
      #expect(value.bytes == text)
      #expect(value.value.isEmpty == text.isEmpty)
      #expect(value.value.hash(seed: 5) == value.hashInBlock)
    }
    var wrong = 0
    for (left, first) in zip(Self.texts, packed) {
      for (right, second) in zip(Self.texts, packed) {
        let isEqual = left == right
        let order = isEqual ? 0 : left.lexicographicallyPrecedes(right) ? -1 : 1
        if ChunkText.areEqual(first.value, second.value) != isEqual { wrong += 1 }
        if ChunkText.order(first.value, second.value).signum() != order { wrong += 1 }
        if isEqual && first.value.hash(seed: 9) != second.value.hash(seed: 9) { wrong += 1 }
      }
    }
    #expect(wrong == 0)
  }

  @Test func hashesSpread() {
    let pool = ChunkPool(bytesMax: 1 << 30)
    var buckets = [Int](repeating: 0, count: 256)
    for number in 0..<(50 * 256) {
      let packed = Packed(Array("user-\(number)".utf8), pool: pool)
      buckets[Int(packed.value.hash(seed: 1) >> 56)] += 1
    }
    // 50 on average; far outside stands for a hash that clusters.
    #expect(buckets.allSatisfy { $0 > 15 && $0 < 110 })
  }
}
