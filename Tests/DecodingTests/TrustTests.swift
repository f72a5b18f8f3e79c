import TestSupport
import Testing

@testable import Decoding

/// Which lines a stream hands out as not to be trusted.
@Suite struct TrustTests {
  /// A stream's lines with what they are worth.
  private struct Read {
    var lines: [String] = []
    var trusts: [Block.Trust] = []
    var distrusted: DistrustedMembers
    var hasGivenDistrusted: Bool
    var damages: [Damage]

    init(
      _ path: String, encoding: TextEncoding? = nil,
      distrusted: DistrustedMembers = DistrustedMembers()
    ) throws {
      let stream = try LogStream(path: path, encoding: encoding, distrusted: distrusted)
      let block = Block()
      var offset = 0
      while stream.next(into: block) {
        precondition(block.offset == offset && block.count > 0)
        offset += block.count
        let text = block.bytes.text(0, block.count)
        let found = text.split(separator: "\n", omittingEmptySubsequences: false)
          .dropLast(text.hasSuffix("\n") ? 1 : 0)
        lines += found.map(String.init)
        trusts += found.map { _ in block.trust }
      }
      precondition(offset == stream.textBytes)
      self.distrusted = stream.distrusted
      hasGivenDistrusted = stream.hasGivenDistrusted
      damages = stream.damages
    }

    func lines(_ trust: Block.Trust) -> [String] {
      zip(lines, trusts).filter { $0.1 == trust }.map(\.0)
    }

    /// Whether the text was trusted up to each damage, and what followed.
    var distrusts: [Bool] { damages.map { $0.distrust != nil } }
  }

  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func read(_ bytes: [UInt8], encoding: TextEncoding? = nil) throws -> Read {
    try Read(folder.write(bytes, as: "log"), encoding: encoding)
  }

  /// What a second reading gives, that knows what the first has found.
  private func readTwice(
    _ bytes: [UInt8], encoding: TextEncoding? = nil
  ) throws -> (first: Read, second: Read) {
    let path = try folder.write(bytes, as: "log")
    let first = try Read(path, encoding: encoding)
    return (first, try Read(path, encoding: encoding, distrusted: first.distrusted))
  }

  private func numbered(_ count: Int, seed: UInt64) -> [String] {
    var random = SeededRandom(seed: seed)
    return someLines(0..<count, &random)
  }

  private static let checked: [StoredCodec] = [.gzip, .lz4, .zstd]

  // MARK: - Known too late

  @Test(arguments: checked, [true, false])
  func aSecondReadingDistrustsTheMember(codec: StoredCodec, cutsLines: Bool) throws {
    let lines = numbered(24_000, seed: 71)
    let text = lines.text
    let cut = cutsLines ? 10 : 0
    let starts = [0, lines[..<8_000].text.count + cut, lines[..<16_000].text.count + cut]
    var members = zip(starts, starts.dropFirst() + [text.count]).map {
      codec.stored(Array(text[$0..<$1]))
    }
    #expect(starts[1] > 1 << 18)
    members[1][members[1].count - 2] ^= 1
    let (first, second) = try readTwice(Array(members.joined()))
    // What is before a damage is not joined with what is behind it.
    let torn = lines[16_000]
    let halves = cutsLines ? [String(torn.prefix(10)), String(torn.dropFirst(10))] : []
    let read = lines[..<16_000] + halves + lines[(cutsLines ? 16_001 : 16_000)...]
    #expect(first.lines == Array(read))
    #expect(first.hasGivenDistrusted)
    #expect(first.damages.map { $0.distrust?.isApplied } == [false])
    #expect(first.damages.first?.distrust?.memberOffset == members[0].count)
    #expect(first.damages.first?.distrust?.textBytes == starts[2] - starts[1])
    #expect(second.lines == first.lines)
    #expect(!second.hasGivenDistrusted)
    #expect(second.damages.map { $0.distrust?.isApplied } == [true])
    // A line that is partly in the member is not to be trusted, and the next one may be cut.
    #expect(second.lines(.untrusted) == Array(lines[8_000..<16_000]) + halves.prefix(1))
    #expect(second.lines(.torn) == [cutsLines ? halves[1] : torn])
    #expect(second.lines(.trusted) == Array(lines[..<8_000] + lines[16_001...]))
    #expect(second.distrusted == first.distrusted)
  }

  @Test func theFirstMemberAndTheLast() throws {
    let lines = numbered(30_000, seed: 72)
    for damaged in [[0], [2], [0, 1], [0, 2], [0, 1, 2]] {
      var members = (0..<3).map {
        Compression.gzip(lines[($0 * 10_000)..<(($0 + 1) * 10_000)].text)
      }
      for member in damaged { members[member][members[member].count - 1] ^= 0x80 }
      let second = try readTwice(Array(members.joined())).second
      let untrusted = damaged.flatMap { lines[($0 * 10_000)..<(($0 + 1) * 10_000)] }
      #expect(second.lines == lines)
      #expect(second.lines(.untrusted) == untrusted, "\(damaged)")
      #expect(second.damages.count == damaged.count)
    }
  }

  /// Where a member's text lies in what was converted is not known.
  @Test(arguments: Encoded.encodings)
  func inOtherEncodingsTheWholeFileIsDistrusted(encoding: TextEncoding) throws {
    let lines = numbered(12_000, seed: 73)
    var members = [lines[..<6_000], lines[6_000...]].map {
      Compression.gzip(Encoded.bytes($0.map { "\($0)\n" }.joined(), encoding))
    }
    members[1][members[1].count - 1] ^= 1
    let (first, second) = try readTwice(Array(members.joined()), encoding: encoding)
    #expect(first.hasGivenDistrusted)
    #expect(second.lines(.untrusted) == lines)
    #expect(second.damages.map { $0.distrust?.isApplied } == [true])
    let small = try read(
      Array(Compression.gzip(Encoded.bytes("a\nb\n", encoding)).dropLast() + [1]),
      encoding: encoding)
    #expect(!small.hasGivenDistrusted)
    #expect(small.lines(.untrusted) == ["a", "b"])
  }

  @Test func aChangedFileIsReadAsItIs() throws {
    var member = Compression.gzip(numbered(20_000, seed: 74).text)
    let right = member
    member[member.count - 1] ^= 1
    let path = try folder.write(member + right, as: "log")
    let first = try Read(path)
    #expect(first.hasGivenDistrusted)
    for bytes in [[], Array("plain\n".utf8), right, Array(right.prefix(1_000)), right + member] {
      try folder.write(bytes, as: "log")
      let second = try Read(path, distrusted: first.distrusted)
      #expect(second.damages.count <= 1)
    }
  }

  // MARK: - Known in time

  @Test(arguments: checked)
  func aSmallMemberIsDistrustedAtOnce(codec: StoredCodec) throws {
    let parts = (0..<3).map { Array(numbered(30, seed: 75)[($0 * 10)..<(($0 + 1) * 10)]) }
    var members = parts.map { codec.stored($0.text) }
    members[1][members[1].count - 1] ^= 1
    let (first, second) = try readTwice(Array(members.joined()))
    for read in [first, second] {
      #expect(!read.hasGivenDistrusted)
      #expect(read.lines(.untrusted) == parts[1])
      #expect(read.lines(.torn) == [parts[2][0]])
      #expect(read.damages.map { $0.distrust?.isApplied } == [true])
    }
  }

  @Test(arguments: checked)
  func linesBesideABreakMayBeCut(codec: StoredCodec) throws {
    let before = codec.stored(Array("a\nb\nhalf".utf8))
    let behind = codec.stored(Array("other half\nc\n".utf8))
    let read = try read(before + [9, 9, 9, 9] + behind)
    #expect(read.lines == ["a", "b", "half", "other half", "c"])
    #expect(read.trusts == [.trusted, .trusted, .torn, .torn, .trusted])
    #expect(read.distrusts == [false])
    let whole = try self.read(codec.stored(Array("a\n".utf8)) + [9, 9, 9, 9] + behind)
    #expect(whole.trusts == [.trusted, .torn, .trusted])
    let only = try self.read(before.dropLast(1) + behind)
    #expect(only.lines.suffix(1) == ["c"])
    #expect(only.trusts.last == .trusted)
  }

  @Test func behindTooManyDamagesNothingIsTrusted() throws {
    let member = Compression.gzip(Array("{}\n{}\n{}\n".utf8))
    let pairs = 3_000
    let read = try read(Array([[UInt8]](repeating: member + [0x41], count: pairs).joined()))
    #expect(read.lines.count == 3 * pairs)
    #expect(read.lines(.torn).count == LogStream.damagesMax)
    #expect(read.lines(.untrusted).count == 3 * (pairs - LogStream.damagesMax - 1))
    // All are wrong: what is behind the last one that is kept, and the whole file for a second reading.
    var wrong = member
    wrong[wrong.count - 1] ^= 1
    let bytes = Array([[UInt8]](repeating: wrong, count: pairs).joined())
    let (first, second) = try readTwice(bytes)
    #expect(first.lines(.untrusted).count == 3 * pairs)
    #expect(second.lines(.untrusted).count == 3 * pairs)
    #expect(!first.hasGivenDistrusted)
  }

  // MARK: - Cut off, or run over the end

  @Test func aGzipMemberThatRanOverItsEndIsTold() throws {
    var overrun = 0
    for seed in 0..<40 as Range<UInt64> {
      let lines = numbered(100, seed: seed)
      // The first bit says whether a block is the last one; there is but one.
      var member = Compression.gzip(lines.text, hasFixedCodes: true)
      #expect(member[10] & 1 == 1)
      member[10] ^= 1
      let over = try read(member)
      #expect(over.distrusts == [true], "\(seed)")
      #expect(over.lines(.untrusted).starts(with: lines), "\(seed)")
      #expect(over.lines(.trusted).isEmpty, "\(seed)")
      if over.damages.first?.kind == .truncated {
        overrun += 1
        #expect(over.damages.first?.detail.hasSuffix(", or ran over its end") == true)
      }
      // Over a whole member behind it.
      let two = try read(member + Compression.gzip(lines.text))
      #expect(two.distrusts.first == true, "\(seed)")
      #expect(two.lines(.trusted) == Array(lines.dropFirst()), "\(seed)")
    }
    #expect(overrun > 2)
  }

  @Test func zerosAtTheEndAreNoCut() throws {
    let lines = numbered(100_000, seed: 77)
    let member = Compression.gzip(lines.text)
    let half = Array(member.prefix(member.count / 2))
    let zeros = try read(half + [UInt8](repeating: 0, count: 4_096))
    #expect(zeros.distrusts == [true])
    #expect(try read(half).distrusts == [false])
  }

  @Test(arguments: checked)
  func whatACutLeavesIsTrusted(codec: StoredCodec) throws {
    let lines = numbered(1_500, seed: 78)
    let stored = codec.stored(lines.text)
    for length in stride(from: 30, to: stored.count - 8, by: 97) {
      let read = try read(Array(stored[..<length]))
      #expect(read.damages.map(\.kind) == [.truncated])
      #expect(read.distrusts == [false], "\(codec), \(length)")
      #expect(lines.starts(with: read.lines(.trusted)))
      #expect(read.lines(.torn).count <= 1)
    }
  }

  /// Nothing in a zlib stream tells a cut from data that is wrong.
  @Test func aZlibStreamThatIsCutIsNotTrusted() throws {
    let lines = numbered(1_000, seed: 79)
    let stored = Compression.zlib(lines.text)
    let read = try read(Array(stored.dropLast(100)))
    #expect(read.distrusts == [true])
    #expect(read.lines(.trusted).isEmpty)
  }

  @Test func anLZ4FrameWithItsEndIsNotCut() throws {
    for (hasBlockChecksums, hasContentChecksum) in [(true, false), (false, true), (false, false)] {
      var frame = Compression.lz4(
        Array("{\"a\":1}\n".utf8), blockChecksums: hasBlockChecksums,
        contentChecksum: hasContentChecksum)
      // A block that is stored as it is, of four bytes more than there are.
      #expect(frame[10] == 0x80)
      frame[7] += 20
      let read = try read(frame)
      #expect(read.damages.map(\.kind) == [.truncated])
      #expect(read.distrusts == [true])
      #expect(read.lines(.trusted).isEmpty)
    }
  }

  @Test func aFrameThatRanOverAWholeOneHidesItNot() throws {
    let parts = (0..<3).map { Array(numbered(30, seed: 83)[($0 * 10)..<(($0 + 1) * 10)]) }
    var frames = parts.map { Compression.lz4($0.text) }
    // In place of the first frame's end a block, whose checksum is the second one's last four bytes.
    let end = frames[0].count - 8
    frames[0][end] = UInt8(frames[1].count & 0xFF)
    frames[0][end + 1] = UInt8(frames[1].count >> 8)
    let read = try read(Array(frames.joined()))
    #expect(read.lines == Array(parts.joined()))
    #expect(read.damages.map(\.kind) == [.checksum])
    #expect(read.lines(.untrusted) == parts[0])
  }

  // MARK: - Blocks alone

  /// A frame of LZ4's legacy format with a block for each part.
  private func legacy(_ parts: [[String]], damaged: Set<Int>) -> [UInt8] {
    var bytes = Array(Compression.lz4Legacy([]).prefix(4))
    for (number, part) in parts.enumerated() {
      var block = Array(Compression.lz4Legacy(part.text).dropFirst(4))
      // Literals beyond the block's end.
      if damaged.contains(number) { block[4] = 0xFF }
      bytes += block
    }
    return bytes
  }

  @Test func blocksOfTheLegacyFormatStandAlone() throws {
    let lines = numbered(50, seed: 80)
    let parts = (0..<5).map { Array(lines[($0 * 10)..<(($0 + 1) * 10)]) }
    let one = try readTwice(legacy(parts, damaged: [1])).second
    #expect(one.distrusts == [false])
    #expect(one.lines == parts[0] + Array(lines[20...]))
    #expect(one.lines(.untrusted).isEmpty)
    // Between two damages it may be chance that a block can be read.
    let two = try readTwice(legacy(parts, damaged: [1, 3]))
    for read in [two.first, two.second] {
      #expect(read.distrusts == [false, true])
      #expect(read.lines(.untrusted) == parts[2])
      #expect(read.lines(.trusted) == parts[0] + parts[4].dropFirst())
    }
  }

  @Test func aSkippableFrameOfAWrongLengthHidesNoFrame() throws {
    let lines = numbered(20, seed: 81)
    let frame = Compression.zstd(lines.text)
    for length in [5, 100, 255] as [UInt8] {
      var skippable = Compression.skippableLZ4([1, 2, 3, 4])
      skippable[4] = length
      let read = try read(frame + skippable + frame + frame)
      #expect(read.lines == lines + lines + lines, "\(length)")
      #expect(read.damages.count == 1)
      #expect(read.damages.first?.byteOffset == frame.count)
    }
    // Over a frame to the next one: that is told, and the frame is not read.
    var skippable = Compression.skippableLZ4([1, 2, 3, 4])
    let length = 4 + frame.count
    #expect(length < 1 << 16)
    skippable[4] = UInt8(length & 0xFF)
    skippable[5] = UInt8(length >> 8)
    let read = try read(frame + skippable + frame + frame)
    #expect(read.lines == lines + lines)
    #expect(read.damages.map(\.kind) == [.garbage])
    #expect(read.damages.first?.byteOffset == frame.count)
    #expect(read.damages.first?.byteCount == 8 + length)
  }

  /// Where the length of its extra fields leads over a member's text, to what can be read.
  @Test func aBGZFMemberIsAsLongAsItSays() throws {
    let parts = (0..<3).map { Array(numbered(30, seed: 82)[($0 * 10)..<(($0 + 1) * 10)]) }
    let members = parts.map { Compression.bgzf($0.text) }
    let empty = Compression.bgzf([]).count
    var bytes = members[0] + members[1] + members[2]
    let extra = 6 + members[1].count - empty
    #expect(bytes[members[0].count + 10] == 6 && extra < 1 << 16)
    bytes[members[0].count + 10] = UInt8(extra & 0xFF)
    bytes[members[0].count + 11] = UInt8(extra >> 8)
    let read = try read(bytes)
    #expect(read.lines == parts[0] + parts[2])
    #expect(read.damages.map(\.kind) == [.corrupt])
    #expect(read.damages.first?.byteOffset == members[0].count)
    // A size that is wrong itself.
    var sized = members[0] + members[1]
    sized[16] = 0
    let other = try self.read(sized)
    #expect(other.lines(.untrusted) == parts[0])
    #expect(other.lines(.trusted) == Array(parts[1].dropFirst()))
  }
}
