import TestSupport
import Testing

@testable import Decoding

@Suite struct GzipTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func decoded(_ bytes: [UInt8], piece: Int = 65_536) throws -> Decoded {
    try Decoded(folder.write(bytes, as: "log.gz"), piece: piece)
  }

  private let text = Array("{\"time\":1}\n{\"time\":2}\n".utf8)

  @Test func membersFollowEachOther() throws {
    let first = Compression.gzip(text)
    let empty = Compression.gzip([])
    let second = Compression.gzip(Array("second\n".utf8), level: 0)
    let read = try decoded(empty + first + empty + empty + second + first + empty)
    #expect(read.text == text + Array("second\n".utf8) + text)
    #expect(read.damage == nil)
    #expect(read.codec == .gzip)
    #expect(try decoded(empty).text.isEmpty)
  }

  @Test func headerFieldsOfEveryKind() throws {
    for flags in 0..<16 {
      var header = GzipHeader()
      if flags & 1 != 0 { header.extra = [UInt8](repeating: 7, count: 300) }
      if flags & 2 != 0 { header.name = Array("gateway-1.ndjson".utf8) }
      if flags & 4 != 0 { header.comment = [UInt8](repeating: 0x63, count: 5_000) }
      header.hasChecksum = flags & 8 != 0
      let member = Compression.gzipMember(text, header: header)
      let read = try decoded(member + member)
      #expect(read.text == text + text, "\(flags)")
      #expect(read.damage == nil, "\(flags)")
    }
    var header = GzipHeader()
    header.extra = []
    header.name = []
    header.comment = []
    #expect(try decoded(Compression.gzipMember(text, header: header)).text == text)
    header.extra = [UInt8](repeating: 0x1F, count: 65_535)
    #expect(try decoded(Compression.gzipMember(text, header: header)).text == text)
  }

  @Test func aHeaderMayCrossTheEndOfTheBuffer() throws {
    let end = ByteSource.bufferBytes + ByteSource.returnableBytes
    let long = [UInt8](repeating: 0x61, count: 100_000)
    var first = GzipHeader()
    first.extra = []
    let firstBytes = Compression.gzipMember(long, level: 0, header: first).count
    var second = GzipHeader()
    second.extra = [0x42, 0x43, 2, 0, 100, 0]
    second.name = Array("gateway-1.ndjson".utf8)
    second.hasChecksum = true
    for inBuffer in stride(from: 12, through: 54, by: 3) {
      first.extra = [UInt8](repeating: 7, count: end - inBuffer - firstBytes)
      let read = try decoded(
        Compression.gzipMember(long, level: 0, header: first)
          + Compression.gzipMember(text, header: second))
      #expect(read.damages.isEmpty, "\(inBuffer)")
      #expect(read.text == long + text, "\(inBuffer)")
    }
  }

  /// Where the output ends while the library decodes ahead, and what it then says is there.
  @Test func textBeforeADamageIsGivenAndNothingElse() throws {
    var random = SeededRandom(seed: 32)
    let text = someText(20_000, &random)
    // A stored block, no longer the last one, then a copy of 258 bytes from before the text.
    var data = Compression.rawDeflate(text, level: 0)
    #expect(data[0] == 1)
    data[0] = 0
    data += [0x1B, 0xBD, 0xFF, 0x1F]
    let bytes = GzipHeader().bytes + data + [UInt8](repeating: 0, count: 8)
    for piece in [1, 7, 1_000, 20_000, 65_536] {
      let read = try decoded(bytes, piece: piece)
      #expect(read.damages.map(\.kind) == [.corrupt])
      #expect(text.starts(with: read.text), "\(piece)")
      #expect(read.text.count >= text.count - 258, "\(piece)")
    }
  }

  @Test func zerosBehindTheLastMemberArePadding() throws {
    let member = Compression.gzip(text)
    for zeros in [1, 2, 511, 200_000] {
      let padding = [UInt8](repeating: 0, count: zeros)
      #expect(try decoded(member + padding) == decoded(member))
      #expect(try decoded(member + padding + member).text == text + text)
    }
  }

  @Test func garbageBehindAMemberIsReported() throws {
    let member = Compression.gzip(text)
    for garbage in [[0x41], [0x1F, 0x41, 0x42], [0x00, 0x41], Array("{\"time\":3}\n".utf8)]
      as [[UInt8]]
    {
      let read = try decoded(member + garbage)
      #expect(read.text == text)
      #expect(read.damage?.kind == .garbage)
      #expect(read.damage?.byteOffset == member.count + (garbage[0] == 0 ? 1 : 0))
    }
    // What begins like a member may be one.
    #expect(try decoded(member + [0x1F]).damage?.kind == .truncated)
    #expect(try decoded(member + [0x1F, 0x8B]).damage?.kind == .truncated)
    #expect(
      try decoded(member + [0x1F, 0x8B, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9]).damage?.kind == .corrupt)
  }

  @Test func wrongChecksumsAndLengthsAreReportedAndTheTextIsKept() throws {
    let member = Compression.gzip(text)
    for back in 1...8 {
      var bytes = member
      bytes[bytes.count - back] ^= 0x10
      let read = try decoded(bytes)
      #expect(read.damage?.kind == .checksum, "byte \(back) from the end")
      #expect(read.text == text)
    }
  }

  @Test func aFileCutAnywhereIsReported() throws {
    var random = SeededRandom(seed: 21)
    let text = someText(600, &random)
    let member = Compression.gzip(text)
    let twoMembers = member + Compression.gzip(text, level: 0)
    for length in 2..<twoMembers.count where length != member.count {
      let read = try decoded(Array(twoMembers[..<length]))
      #expect(read.damage?.kind == .truncated, "\(length) of \(twoMembers.count)")
      #expect((text + text).starts(with: read.text), "\(length)")
      #expect(length < member.count || read.text.count >= text.count, "\(length)")
    }
    #expect(try decoded(Array(twoMembers[..<member.count])).damage == nil)
  }

  @Test func everyCorruptedByteIsReportedOrHarmless() throws {
    var random = SeededRandom(seed: 22)
    let text = someText(300, &random)
    for bytes in [Compression.gzip(text), Compression.gzip(text, level: 0)] {
      for place in bytes.indices {
        for mask in [0x01, 0x80, 0xFF] as [UInt8] {
          var corrupt = bytes
          corrupt[place] ^= mask
          guard let read = try? decoded(corrupt) else { continue }
          // Without its first bytes it is no gzip file, but plain text.
          if place < 2 {
            #expect(read.codec == .plain)
          } else {
            #expect(read.damage != nil || read.text == text, "byte \(place), \(mask)")
          }
        }
      }
    }
  }

  @Test func noiseNeverCrashes() throws {
    var random = SeededRandom(seed: 23)
    for _ in 0..<300 {
      var bytes: [UInt8] = [0x1F, 0x8B, 8, UInt8(random.number(0...31)), 0, 0, 0, 0, 0, 3]
      for _ in 0..<random.number(0...400) { bytes.append(UInt8(truncatingIfNeeded: random.next())) }
      #expect(try decoded(bytes).damage != nil, "\(random)")
    }
  }

  @Test func whatZlibWritesIsReadInPiecesOfAnySize() throws {
    var random = SeededRandom(seed: 24)
    for level in [0, 1, 3, 6, 9] {
      for size in [0, 1, 2, 100, 65_535, 65_536, 300_000] {
        let text = someText(size, &random)
        let bytes = Compression.gzip(text, level: level)
        let pieces = size > 1_000 ? [random.number(1_000...70_000), 262_144] : [1, 2, 7, 1_000]
        for piece in pieces {
          let read = try decoded(bytes, piece: piece)
          #expect(read.text == text, "\(random), level \(level), \(size) by \(piece)")
          #expect(read.damage == nil)
        }
      }
    }
    // Highly compressible: much text from little input.
    let zeros = [UInt8](repeating: 0x30, count: 5_000_000)
    #expect(try decoded(Compression.gzip(zeros), piece: 262_144).text == zeros)
  }
}
