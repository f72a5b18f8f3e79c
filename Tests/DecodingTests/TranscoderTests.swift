import Foundation
import TestSupport
import Testing

@testable import Decoding

/// Conversion to UTF-8, piece by piece.
@Suite struct TranscoderTests {
  private static let damage = Damage(kind: .corrupt, byteOffset: 7, detail: "broken")

  /// Text, and sometimes bytes that are wrong.
  private func someBytes(
    _ encoding: TextEncoding, isValid: Bool, _ random: inout SeededRandom
  ) -> [UInt8] {
    var bytes: [UInt8] = []
    for _ in 0..<8 {
      bytes += Encoded.bytes(Encoded.someText(random.number(0...20), &random), encoding)
      if isValid { continue }
      if encoding == .gb18030 {
        for _ in 0..<random.number(0...6) {
          bytes.append(
            random.one(of: [0x0A, 0x30, 0x39, 0x40, 0x7F, 0x80, 0x81, 0xC7, 0xFE, 0xFF]))
        }
      } else {
        let units = (0..<random.number(0...6)).map { _ in
          random.one(of: [0x000A, 0xD800, 0xDBFF, 0xDC00, 0xDFFF, 0x0A00, 0x0041] as [UInt16])
        }
        bytes += Encoded.bytes(units, encoding)
      }
    }
    if !isValid && random.chance(30) { bytes.append(0x41) }
    return bytes
  }

  @Test(arguments: Encoded.encodings)
  func piecesAndOutputsOfAnySize(encoding: TextEncoding) {
    var random = SeededRandom(seed: 71)
    for piece in 1...64 {
      for isValid in [true, false] {
        let bytes = someBytes(encoding, isValid: isValid, &random)
        let expected = Encoded.decoded(bytes, encoding)
        #expect(!isValid || !expected.contains(0xFF))
        for room in [1, 2, 3, 64, 4_096] {
          let read = Transcoded([.text(bytes)], encoding, piece: piece) { room }
          #expect(read.text == expected, "\(random), \(encoding), \(piece) into \(room)")
        }
        var rooms = random
        let read = Transcoded([.text(bytes)], encoding, piece: piece) {
          rooms.chance(50) ? rooms.number(1...8) : rooms.number(1...300)
        }
        #expect(read.text == expected, "\(random), \(encoding), \(piece)")
      }
    }
  }

  @Test(arguments: Encoded.encodings)
  func longTextsInLargePieces(encoding: TextEncoding) {
    var random = SeededRandom(seed: 72)
    let text = Encoded.someText(100_000, &random)
    let bytes = Encoded.bytes(text, encoding)
    for (piece, room) in [(65_536, 262_144), (1_000_000, 100_000), (997, 5_003)] {
      let read = Transcoded([.text(bytes)], encoding, piece: piece) { room }
      #expect(read.text == Array(text.utf8), "\(encoding), \(piece) into \(room)")
    }
  }

  @Test(arguments: Encoded.encodings)
  func noiseLosesNoLineEnd(encoding: TextEncoding) {
    var random = SeededRandom(seed: 73)
    for round in 0..<300 {
      let bytes = (0..<random.number(0...300)).map { _ -> UInt8 in
        random.chance(30) ? random.one(of: [0x00, 0x0A]) : UInt8(truncatingIfNeeded: random.next())
      }
      let unit = encoding == .gb18030 ? [0x0A] : Encoded.bytes([0x000A], encoding)
      let ends = stride(from: 0, through: bytes.count - unit.count, by: unit.count)
        .count { bytes[$0...].starts(with: unit) }
      let read = Transcoded([.text(bytes)], encoding, piece: round % 64 + 1) { 50 }
      #expect(read.text.count { $0 == 0x0A } == ends, "\(random), \(round)")
      #expect(read.text == Encoded.decoded(bytes, encoding), "\(random), \(round)")
    }
  }

  @Test(
    arguments: [
      // What begins no code, and codes without a character.
      ([0x80], [0xFF]), ([0xFF], [0xFF]), ([0xFF, 0xFE], [0xFF, 0xFF]),
      ([0x81, 0x7F], [0xFF, 0x7F]),
      ([0x84, 0x31, 0xA5, 0x30], [0xFF, 0x31, 0xFF, 0x30]),
      ([0xE3, 0x32, 0x9A, 0x36], [0xFF, 0x32, 0xFF, 0x36]),
      // Beginnings of codes.
      ([0x81], [0xFF]), ([0x81, 0x30], [0xFF, 0x30]), ([0x81, 0x30, 0x81], [0xFF, 0x30, 0xFF]),
      ([0xD3, 0xC3, 0xBB], [0xE7, 0x94, 0xA8, 0xFF]),
    ] as [([UInt8], [UInt8])])
  func badBytesOfGB18030(bad: [UInt8], expected: [UInt8]) {
    for piece in [1, 2, 3, 64] {
      let inLine = Transcoded([.text([0x61] + bad + Array("\nb\n".utf8))], .gb18030, piece: piece)
      #expect(inLine.text == [0x61] + expected + Array("\nb\n".utf8))
      let atEnd = Transcoded([.text(bad)], .gb18030, piece: piece)
      #expect(atEnd.text == expected)
      let torn = Transcoded(
        [.text(bad), .damage(Self.damage), .text([0x0A, 0x62])], .gb18030, piece: piece)
      #expect(torn.text == expected + [0x0A, 0x62])
      #expect(torn.damagePlaces == [expected.count])
    }
  }

  @Test(
    arguments: [
      ([0xD800], [0xFF]), ([0xDC00], [0xFF]), ([0xDC00, 0xD800], [0xFF, 0xFF]),
      ([0xD800, 0xD800], [0xFF, 0xFF]),
      ([0xD800, 0xD800, 0xDC00], [0xFF, 0xF0, 0x90, 0x80, 0x80]),
    ] as [([UInt16], [UInt8])])
  func badUnitsOfUTF16(bad: [UInt16], expected: [UInt8]) {
    for encoding in [TextEncoding.utf16LittleEndian, .utf16BigEndian] {
      let bytes = Encoded.bytes(bad, encoding)
      let next = Encoded.bytes([0x0A, 0x62, 0x0A], encoding)
      for piece in [1, 2, 3, 64] {
        let inLine = Transcoded([.text(bytes + next)], encoding, piece: piece)
        #expect(inLine.text == expected + Array("\nb\n".utf8))
        #expect(Transcoded([.text(bytes)], encoding, piece: piece).text == expected)
        let odd = Transcoded([.text(bytes + [0x20])], encoding, piece: piece)
        #expect(odd.text == expected + [0xFF])
        let torn = Transcoded(
          [.text(bytes + [0x20]), .damage(Self.damage), .text(next)], encoding, piece: piece)
        #expect(torn.text == expected + [0xFF] + Array("\nb\n".utf8))
        #expect(torn.damagePlaces == [expected.count + 1])
      }
    }
  }

  @Test(arguments: Encoded.encodings)
  func textGoesOnBehindADamageWhereverThatIs(encoding: TextEncoding) {
    let line = "{\"user\":\"用户🀄\",\"module\":\"客服\"}\n"
    let bytes = Encoded.bytes(String(repeating: line, count: 6), encoding)
    for end in 0..<(bytes.count / 3) {
      for lost in [0, 1, 2, 3, 50, 51] {
        var tail = Array(bytes[(end + lost)...])
        var expected = Encoded.decoded(Array(bytes[..<end]), encoding)
        let place = expected.count
        if encoding != .gb18030 && (end + lost) % 2 == 1 {
          // The second half of a code unit.
          expected.append(0xFF)
          tail.removeFirst()
        }
        expected += Encoded.decoded(tail, encoding)
        let read = Transcoded(
          [
            .text(Array(bytes[..<end])), .damage(Self.damage), .text(Array(bytes[(end + lost)...])),
          ],
          encoding, piece: end % 7 + 1)
        #expect(read.text == expected, "\(end), \(lost)")
        #expect(read.damagePlaces == [place], "\(end), \(lost)")
      }
    }
  }

  @Test func damagesComeOneByOne() {
    for encoding in Encoded.encodings {
      let text = Encoded.bytes("用\n", encoding)
      let read = Transcoded(
        [
          .damage(Self.damage), .damage(Self.damage), .text(text), .damage(Self.damage),
          .text(text), .damage(Self.damage), .damage(Self.damage),
        ], encoding)
      #expect(read.text == Array("用\n用\n".utf8))
      #expect(read.damagePlaces == [0, 0, 4, 8, 8])
    }
  }

  @Test func aLineEndTellsWhereUnitsBegin() {
    for encoding in [TextEncoding.utf16LittleEndian, .utf16BigEndian] {
      let text = Encoded.bytes("用\n户", encoding)
      for half in 0...1 {
        let read = Transcoded([.damage(Self.damage), .text(Array(text[half...]))], encoding)
        #expect(read.text == (half == 0 ? Array("用".utf8) : [0xFF]) + Array("\n户".utf8))
      }
    }
  }

  @Test(.enabled(if: SharedFixtures.folder != nil, "../shared/fixtures is absent"))
  func textsOfOthers() throws {
    let folder = try #require(SharedFixtures.folder)
    func bytes(_ name: String) throws -> [UInt8] {
      [UInt8](try Data(contentsOf: URL(fileURLWithPath: "\(folder)/\(name)")))
    }
    let plain = try bytes("gb18030-utf8.txt")
    let text = try #require(String(validating: plain, as: UTF8.self))
    #expect(plain.count > 1_000)
    #expect(Encoded.bytes(text, .gb18030) == (try bytes("gb18030.txt")))
    for encoding in Encoded.encodings {
      let stored = encoding == .gb18030 ? try bytes("gb18030.txt") : Encoded.bytes(text, encoding)
      for piece in 1...64 {
        let read = Transcoded([.text(stored)], encoding, piece: piece) { piece }
        #expect(read.text == plain, "\(encoding), \(piece)")
      }
    }
  }
}
