import TestSupport
import Testing

@testable import Decoding

/// Zstandard, zlib, LZ4's legacy format and BGZF.
@Suite struct CodecTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func decoded(_ bytes: [UInt8], piece: Int = 65_536) throws -> Decoded {
    try Decoded(folder.write(bytes, as: "log"), piece: piece)
  }

  private let text = Array("{\"time\":1}\n{\"time\":2}\n".utf8)

  @Test(arguments: [StoredCodec.zstd, .zlib, .lz4Legacy, .bgzf])
  func whatWritersWriteIsReadInPiecesOfAnySize(codec: StoredCodec) throws {
    var random = SeededRandom(seed: 41)
    let codecs: [StoredCodec: Codec] = [.zstd: .zstd, .zlib: .zlib, .lz4Legacy: .lz4, .bgzf: .gzip]
    for size in [0, 1, 2, 100, 65_535, 65_536, 300_000] {
      let text = someText(size, &random)
      let bytes = codec.stored(text)
      for piece in size > 1_000 ? [random.number(1_000...70_000), 262_144] : [1, 7, 1_000] {
        let read = try decoded(bytes, piece: piece)
        #expect(read.text == text, "\(random), \(codec), \(size) by \(piece)")
        #expect(read.damages.isEmpty, "\(codec), \(size)")
        #expect(read.codec == codecs[codec])
      }
    }
  }

  @Test func zstandardFramesOfEveryKind() throws {
    var random = SeededRandom(seed: 42)
    let text = someText(200_000, &random)
    let skipped = Compression.skippableLZ4([1, 2, 3])
    var all = skipped
    for level in [-5, 1, 3, 12, 19] as [Int32] {
      for hasChecksum in [true, false] {
        all += Compression.zstd(text, level: level, hasChecksum: hasChecksum) + skipped
      }
    }
    all += Compression.zstd([])
    let read = try decoded(all)
    #expect(read.codec == .zstd)
    #expect(read.damages.isEmpty)
    #expect(read.text == Array([[UInt8]](repeating: text, count: 10).joined()))
  }

  @Test func framesOfAllFormatsFollowEachOther() throws {
    let read = try decoded(
      Compression.lz4Legacy(text) + Compression.zstd(text) + Compression.lz4Legacy(text)
        + Compression.lz4Legacy(text) + Compression.lz4(text) + Compression.skippableLZ4([5]))
    #expect(read.damages.isEmpty)
    #expect(read.text == Array([[UInt8]](repeating: text, count: 5).joined()))
  }

  @Test func aSkippedFrameMayBeLongerThanTheBuffer() throws {
    let skipped = Compression.skippableLZ4([UInt8](repeating: 9, count: 300_000))
    let read = try decoded(skipped + Compression.zstd(text) + skipped)
    #expect(read.text == text)
    #expect(read.damages.isEmpty)
    #expect(try decoded(Array(skipped.dropLast())).damage?.kind == .truncated)
  }

  @Test func aLongWindowIsRead() throws {
    var random = SeededRandom(seed: 43)
    let text = someText(100_000, &random)
    let bytes = Compression.zstd(text, level: 1, windowLog: 28)
    // The window's descriptor: an exponent over 10.
    #expect(bytes[4] & 0x20 == 0 && bytes[5] >> 3 == 18)
    let read = try decoded(bytes)
    #expect(read.text == text)
    #expect(read.damages.isEmpty)
  }

  @Test func largeLegacyBlocks() throws {
    var random = SeededRandom(seed: 44)
    let part = someText(1 << 20, &random)
    let text = Array([[UInt8]](repeating: part, count: 17).joined())
    let read = try decoded(Compression.lz4Legacy(text), piece: 300_000)
    #expect(read.text == text)
    #expect(read.damages.isEmpty)
  }

  @Test func wrongChecksumsAreReportedAndTheTextIsKept() throws {
    for (bytes, back) in [(Compression.zstd(text), 4), (Compression.zlib(text), 4)] {
      for place in 1...back {
        var corrupt = bytes
        corrupt[corrupt.count - place] ^= 0x10
        let read = try decoded(corrupt)
        #expect(read.damages.map(\.kind) == [.checksum], "\(place)")
        #expect(read.text == text)
      }
    }
  }

  @Test func zlibStreamsFollowEachOther() throws {
    for level in [0, 1, 6, 9] {
      let stream = Compression.zlib(text, level: level)
      let read = try decoded(stream + stream + [0, 0])
      // Level 2 to 5 writes 0x5E, which is not taken for zlib: it may be text.
      #expect(read.codec == .zlib)
      #expect(read.text == text + text)
      #expect(read.damages.isEmpty)
      #expect(try decoded(stream + [0x41]).damages.map(\.kind) == [.garbage])
    }
    #expect(try decoded(Array("x\n".utf8)).codec == .plain)
  }

  @Test func blocksOfBGZFAreJoined() throws {
    var random = SeededRandom(seed: 45)
    let lines = someLines(0..<3_000, &random)
    let read = try DecodedLines(folder.write(Compression.bgzf(lines.text, partBytes: 777), as: "b"))
    #expect(read.lines == lines)
    #expect(read.damages.isEmpty)
  }

  @Test(arguments: [StoredCodec.zstd, .zlib, .lz4Legacy, .bgzf])
  func aFileCutAnywhereIsReported(codec: StoredCodec) throws {
    var random = SeededRandom(seed: 46)
    let text = someText(500, &random)
    let bytes = codec.stored(text)
    for length in 5..<bytes.count {
      let read = try decoded(Array(bytes[..<length]))
      #expect(text.starts(with: read.text), "\(codec), \(length)")
      // Without its last member BGZF is whole gzip.
      if codec == .bgzf && read.text == text && read.damages.isEmpty { continue }
      #expect(read.damages.map(\.kind) == [.truncated], "\(codec), \(length)")
    }
  }

  @Test(arguments: [StoredCodec.zstd, .zlib, .lz4Legacy])
  func everyCorruptedByteIsReportedOrHarmless(codec: StoredCodec) throws {
    var random = SeededRandom(seed: 47)
    let text = someText(400, &random)
    let bytes = codec.stored(text)
    for place in bytes.indices {
      for mask in [0x01, 0x80, 0xFF] as [UInt8] {
        var corrupt = bytes
        corrupt[place] ^= mask
        guard let read = try? decoded(corrupt), read.codec != .plain else { continue }
        // The legacy format has no checksum.
        let isCovered = codec != .lz4Legacy
        #expect(!isCovered || !read.damages.isEmpty || read.text == text, "\(place), \(mask)")
        for damage in read.damages {
          #expect((0...bytes.count).contains(damage.byteOffset))
          #expect((0...bytes.count).contains(damage.byteOffset + (damage.byteCount ?? 0)))
        }
      }
    }
  }

  @Test func noiseNeverCrashes() throws {
    var random = SeededRandom(seed: 48)
    let heads: [[UInt8]] = [
      [0x28, 0xB5, 0x2F, 0xFD], [0x78, 0x9C], [2, 0x21, 0x4C, 0x18, 40, 0, 0, 0],
      [4, 0x22, 0x4D, 0x18], [0x50, 0x2A, 0x4D, 0x18, 3, 0, 0, 0],
    ]
    for _ in 0..<600 {
      var bytes = random.one(of: heads)
      for _ in 0..<random.number(0...200) {
        bytes.append(UInt8(truncatingIfNeeded: random.next()))
        if random.chance(2) { bytes += random.one(of: heads) }
      }
      _ = try decoded(bytes, piece: random.number(1...300))
    }
  }

  /// However it is compressed, and whether or not the text's encoding is declared.
  @Test(arguments: [StoredCodec.plain, .gzip, .zstd, .lz4], [nil, TextEncoding.utf8])
  func tarArchivesAreRefusedWithTheWayOut(codec: StoredCodec, encoding: TextEncoding?) throws {
    var header = Array("gateway/a.log".utf8)
    header += [UInt8](repeating: 0, count: 257 - header.count) + Array("ustar".utf8)
    header += [UInt8](repeating: 0, count: 512 - header.count)
    let path = try folder.write(codec.stored(header + text), as: "logs.tar")
    let error = #expect(throws: InputError.self) {
      try LogStream(path: path, encoding: encoding)
    }
    #expect(error?.detail == "is a tar archive, which is not read")
    #expect(error?.remedy.contains("tar -xOf \(path)") == true)
    // A line that has the word there is none.
    let line = Array(String(repeating: "x", count: 256).utf8) + Array("ustar\n".utf8)
    #expect(try decoded(codec.stored(line)).text == line)
  }
}
