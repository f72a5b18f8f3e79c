import TestSupport
import Testing

@testable import Decoding

@Suite struct LZ4Tests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func decoded(_ bytes: [UInt8], piece: Int = 65_536) throws -> Decoded {
    try Decoded(folder.write(bytes, as: "log.lz4"), piece: piece)
  }

  private let text = Array("{\"time\":1}\n{\"time\":2}\n".utf8)

  @Test func framesOfEveryKind() throws {
    var random = SeededRandom(seed: 31)
    for size in [0, 1, 1_000, 70_000, 700_000] {
      let text = someText(size, &random)
      for kind in 0..<8 {
        for blockSize in [4, 5, 7] as [UInt32] where kind < 2 || blockSize == 4 {
          let bytes = Compression.lz4(
            text, isLinked: kind & 1 != 0, blockChecksums: kind & 2 != 0,
            contentChecksum: kind & 4 != 0, blockSizeID: blockSize)
          for piece in [size < 2_000 ? 1 : 997, 262_144] {
            let read = try decoded(bytes, piece: piece)
            #expect(read.text == text, "\(random), kind \(kind), \(size) by \(piece)")
            #expect(read.damage == nil)
            #expect(read.codec == .lz4)
          }
        }
      }
    }
  }

  @Test func framesFollowEachOtherAndSomeAreSkipped() throws {
    let frame = Compression.lz4(text)
    let skipped = Compression.skippableLZ4([1, 2, 3])
    let last = Compression.skippableLZ4([UInt8](repeating: 9, count: 300_000), magic: 0x5F)
    let empty = Compression.lz4([])
    #expect(
      try decoded(skipped + frame + last + empty + frame + frame + skipped).text == text + text
        + text)
    #expect(try decoded(skipped) == Decoded(folder.write(empty, as: "empty")))
  }

  @Test func garbageBehindAFrameIsReported() throws {
    let frame = Compression.lz4(text)
    for garbage in [Array("garbage!".utf8), [0, 0, 0, 0, 0, 0, 0, 0]] as [[UInt8]] {
      let read = try decoded(frame + garbage)
      #expect(read.text == text)
      #expect(read.damage?.kind == .garbage)
      #expect(read.damage?.byteOffset == frame.count)
    }
  }

  @Test func aWrongContentChecksumIsReportedAndTheTextIsKept() throws {
    var bytes = Compression.lz4(text, blockChecksums: false)
    bytes[bytes.count - 1] ^= 1
    let read = try decoded(bytes)
    #expect(read.damage?.kind == .checksum)
    #expect(read.text == text)
  }

  @Test func blocksBeforeACorruptOneAreKept() throws {
    var random = SeededRandom(seed: 32)
    let text = someText(200_000, &random)
    var bytes = Compression.lz4(text)
    bytes[bytes.count - 30] ^= 1
    let read = try decoded(bytes)
    #expect(read.damage?.kind == .checksum)
    #expect(text.starts(with: read.text))
    #expect(read.text.count == 3 * 65_536)
  }

  @Test func aFileCutAnywhereIsReported() throws {
    var random = SeededRandom(seed: 33)
    let text = someText(500, &random)
    let frame = Compression.lz4(text)
    for length in 4..<(2 * frame.count) where length != frame.count {
      let read = try decoded(Array((frame + frame)[..<length]))
      #expect(read.damage?.kind == .truncated, "\(length)")
      #expect((text + text).starts(with: read.text))
    }
  }

  @Test func everyCorruptedByteIsReportedOrHarmless() throws {
    var random = SeededRandom(seed: 34)
    let text = someText(400, &random)
    let bytes = Compression.lz4(text)
    for place in bytes.indices {
      for mask in [0x01, 0x80, 0xFF] as [UInt8] {
        var corrupt = bytes
        corrupt[place] ^= mask
        guard let read = try? decoded(corrupt) else { continue }
        if read.codec == .lz4 {
          // A frame may turn into one that is skipped; nothing is then left to check.
          let isSkipped = place == 0 || place == 1
          #expect(read.damage != nil || read.text == text || isSkipped, "byte \(place), \(mask)")
        }
      }
    }
  }

  @Test func whatWasDecodedBeforeTheCutIsKept() throws {
    var random = SeededRandom(seed: 35)
    let text = someText(65_536, &random)
    let frame = Compression.lz4(text, contentChecksum: false)
    let read = try decoded(Array(frame.dropLast(4)), piece: 1_000)
    #expect(read.damage?.kind == .truncated)
    #expect(read.text == text)
  }

  @Test func foreignFormatsAreNamed() throws {
    let cases: [(bytes: [UInt8], name: String)] = [
      ([0xFD, 0x37, 0x7A, 0x58, 0x5A, 0], "xz"),
      ([0x42, 0x5A, 0x68, 0x39], "bzip2"), ([0x50, 0x4B, 3, 4], "ZIP"),
    ]
    for (bytes, name) in cases {
      let path = try folder.write(bytes + [1, 2, 3, 4, 5], as: "foreign")
      let error = #expect(throws: InputError.self) { _ = try LogStream(path: path) }
      #expect(error?.detail.contains(name) == true)
    }
    let error = #expect(throws: InputError.self) { _ = try LogStream(path: "\(folder.path)/none") }
    #expect(error?.remedy == "check the path")
    #expect(throws: InputError.self) { _ = try LogStream(path: folder.path) }
  }
}
