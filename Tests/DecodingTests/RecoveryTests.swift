import TestSupport
import Testing

@testable import Decoding

/// What is read behind a damage.
@Suite struct RecoveryTests {
  private static let codecs: [StoredCodec] = [.gzip, .lz4, .lz4Legacy, .zstd]

  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func read(_ bytes: [UInt8]) throws -> DecodedLines {
    try DecodedLines(folder.write(bytes, as: "log"))
  }

  private func parts(_ count: Int, lines: Int = 8, seed: UInt64) -> [[String]] {
    var random = SeededRandom(seed: seed)
    return (0..<count).map { someLines(($0 * lines)..<(($0 + 1) * lines), &random) }
  }

  @Test(arguments: codecs)
  func membersBesideADamagedOneAreWhole(codec: StoredCodec) throws {
    let parts = parts(3, seed: 51)
    let members = parts.map { codec.stored($0.text) }
    for place in members[1].indices {
      for mask in [0x01, 0x10, 0x80, 0xFF] as [UInt8] {
        var middle = members[1]
        middle[place] ^= mask
        let read = try read(members[0] + middle + members[2])
        let name: Comment = "\(codec), byte \(place), \(mask)"
        // The legacy format has no checksums: text may be wrong, and nothing tells it.
        if codec == .lz4Legacy && read.damages.isEmpty { continue }
        #expect(read.lines.starts(with: parts[0]), name)
        #expect(Array(read.lines.suffix(parts[2].count)) == parts[2], name)
        let hasAll = read.lines == Array(parts.joined())
        #expect(!read.damages.isEmpty || hasAll, name)
        let middleBytes = members[0].count...(members[0].count + members[1].count)
        if let first = read.damages.first, codec != .lz4Legacy {
          // A decoder may notice only in the next member.
          #expect(first.byteOffset >= middleBytes.lowerBound, name)
        }
      }
    }
  }

  @Test(arguments: codecs)
  func aDamagedMemberCutAnywhereHidesNothing(codec: StoredCodec) throws {
    let parts = parts(3, seed: 52)
    let members = parts.map { codec.stored($0.text) }
    for length in 1..<members[1].count {
      let read = try read(members[0] + members[1][..<length] + members[2])
      // Without checksums, the next frame's four bytes of magic may pass for the block's last ones.
      if codec == .lz4Legacy && read.damages.isEmpty { continue }
      #expect(read.lines.starts(with: parts[0]), "\(codec), \(length)")
      #expect(Array(read.lines.suffix(parts[2].count)) == parts[2], "\(codec), \(length)")
    }
  }

  @Test(arguments: codecs)
  func everyPrefixGivesLinesThatWereThere(codec: StoredCodec) throws {
    let parts = parts(2, seed: 53)
    let bytes = codec.stored(parts[0].text) + codec.stored(parts[1].text)
    let all = Array(parts.joined())
    for length in 8..<bytes.count {
      let read = try read(Array(bytes[..<length]))
      #expect(all.starts(with: read.lines.dropLast()), "\(codec), \(length)")
      #expect(read.damages.count <= 1)
    }
  }

  @Test(arguments: codecs)
  func garbageBetweenMembersIsLocated(codec: StoredCodec) throws {
    let parts = parts(2, seed: 54)
    let members = parts.map { codec.stored($0.text) }
    for count in [4, 5, 17, 1_000, 131_072, 300_001] {
      let garbage = [UInt8](repeating: 0xA5, count: count)
      let read = try read(members[0] + garbage + members[1])
      #expect(read.lines == Array(parts.joined()), "\(codec), \(count)")
      #expect(read.damages.map(\.kind) == [.garbage])
      #expect(read.damages.first?.byteOffset == members[0].count)
      #expect(read.damages.first?.byteCount == count)
    }
  }

  @Test(arguments: codecs)
  func twoDamagedMembersAreToldInOrder(codec: StoredCodec) throws {
    let parts = parts(5, lines: 200, seed: 55)
    var members = parts.map { codec.stored($0.text) }
    for damaged in [1, 3] {
      for place in 30..<60 { members[damaged][place] ^= 0xFF }
    }
    let read = try read(Array(members.joined()))
    for whole in [0, 2, 4] {
      let start = read.lines.firstIndex(of: parts[whole][0]) ?? read.lines.count
      #expect(read.lines[start...].starts(with: parts[whole]), "\(codec), part \(whole)")
    }
    let begins = (0..<5).map { number in members[..<number].map(\.count).reduce(0, +) }
    #expect(read.damages.count == 2, "\(read.damages)")
    #expect(read.damages.first.map { (begins[1]...begins[2]).contains($0.byteOffset) } == true)
    #expect(read.damages.last.map { (begins[3]...begins[4]).contains($0.byteOffset) } == true)
  }

  @Test(arguments: codecs)
  func aTornLineIsNotJoinedWithWhatFollows(codec: StoredCodec) throws {
    let first = codec.stored(Array("{\"a\":1}\n{\"b\":".utf8))
    let second = codec.stored(Array("2}\n{\"c\":3}\n".utf8))
    #expect(try read(first + second).lines == ["{\"a\":1}", "{\"b\":2}", "{\"c\":3}"])
    let torn = try read(first + [9, 9, 9, 9, 9] + second)
    #expect(torn.lines == ["{\"a\":1}", "{\"b\":", "2}", "{\"c\":3}"])
  }

  @Test func aWrongChecksumGoesOnWithTheNextMember() throws {
    let parts = parts(2, seed: 56)
    for codec in [StoredCodec.gzip, .zstd] {
      var first = codec.stored(parts[0].text)
      first[first.count - 1] ^= 1
      let read = try read(first + codec.stored(parts[1].text))
      #expect(read.lines == Array(parts.joined()), "\(codec)")
      #expect(read.damages.map(\.kind) == [.checksum])
    }
  }

  @Test func damagesAreBounded() throws {
    let member = Compression.gzip(Array("{}\n".utf8))
    let pairs = 3_000
    let read = try read(Array([[UInt8]](repeating: member + [0x41], count: pairs).joined()))
    #expect(read.lines.count == pairs)
    #expect(read.damages.count == LogStream.damagesMax)
    #expect(read.damages.last?.detail.contains("2000 more") == true)
  }

  @Test func muchThatIsBrokenEnds() throws {
    // Stored blocks that never end well, and in each the beginnings of many members.
    let head: [UInt8] = [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 3, 0, 0xFF, 0xFF, 0, 0]
    let bytes = Array([[UInt8]](repeating: head, count: 40_000).joined())
    let read = try read(bytes)
    #expect(!read.damages.isEmpty)
  }

  @Test(arguments: [StoredCodec.gzip, .zstd])
  func aBombStaysInBoundedMemory(codec: StoredCodec) throws {
    let member = codec.stored([UInt8](repeating: 0, count: 64 << 20))
    let bytes = Array([[UInt8]](repeating: member, count: 16).joined())
    #expect(bytes.count < 4 << 20)
    let stream = try LogStream(path: folder.write(bytes, as: "bomb"))
    let block = Block()
    #expect(stream.next(into: block))
    #expect(block.endsInOverlongLine)
    #expect(block.capacity <= 2 << 20)
    #expect(!stream.next(into: block))
    #expect(stream.damages.isEmpty)
  }
}
