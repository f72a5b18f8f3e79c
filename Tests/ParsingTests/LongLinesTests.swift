import Decoding
import Parsing
import TestSupport
import Testing

/// Lines and the ends of blocks.
@Suite struct LongLinesTests {
  private func line(_ length: Int, _ user: String) -> String {
    let frame = "{\(time),\"user\":\"\(user)\",\"a\":\"\"}"
    return "{\(time),\"user\":\"\(user)\",\"a\":\""
      + String(repeating: "x", count: length - frame.utf8.count) + "\"}"
  }

  @Test func theLongestLineIsOneMebibyte() throws {
    let longest = LogStream.lineBytesMaxDefault
    for extra in [-1, 0, 1, 2, 500_000, 1_048_575, 1_048_576, 1_048_577, 3_000_000] {
      let lines = [
        "{\(time),\"user\":\"before\"}", line(longest + extra, "long"),
        "{\(time),\"user\":\"after\"}",
      ]
      for end in ["\n", ""] {
        let read = try reading(lines.joined(separator: "\n") + end)
        #expect(read.lines == 3, "\(extra)")
        let expected: Heard = extra <= 0 ? fields(["user": "long"]) : .rejected(.tooLong)
        #expect(
          read.heard == [0: fields(["user": "before"]), 1: expected, 2: fields(["user": "after"])],
          "\(extra)")
      }
      let alone = try reading(line(longest + extra, "long"))
      #expect(alone.lines == 1)
      #expect((alone.heard[0] == .rejected(.tooLong)) == (extra > 0))
    }
  }

  @Test(arguments: [1_024, 100_000, 262_144, 262_145, 3_000_000, 16_777_216])
  func theLongestLineIsAsLongAsIsSaid(longest: Int) throws {
    for extra in [-1, 0, 1, 300_000] {
      let text = [
        "{\(time),\"user\":\"before\"}", line(longest + extra, "long"),
        "{\(time),\"user\":\"after\"}",
      ].joined(separator: "\n")
      let read = try reading(Array(text.utf8), lineBytesMax: longest)
      let expected: Heard = extra <= 0 ? fields(["user": "long"]) : .rejected(.tooLong)
      #expect(
        read.heard == [0: fields(["user": "before"]), 1: expected, 2: fields(["user": "after"])],
        "\(extra)")
    }
  }

  @Test func linesCrossTheEndsOfBlocksAtEveryPlace() throws {
    // A short line moves byte by byte over the end of the first block.
    let mark = line(120, "crossing")
    for offset in 0...125 {
      let first = line(Block.bytesMax - offset - 1, "first")
      let read = try reading([first, mark, mark].joined(separator: "\n") + "\n")
      #expect(read.lines == 3, "\(offset)")
      #expect(
        read.heard == [
          0: fields(["user": "first"]), 1: fields(["user": "crossing"]),
          2: fields(["user": "crossing"]),
        ], "\(offset)")
    }
  }

  @Test func blocksFullOfLineEnds() throws {
    let read = try reading([UInt8](repeating: 0x0A, count: 3 * Block.bytesMax + 5))
    #expect(read.lines == 3 * Block.bytesMax + 5)
    #expect(read.blank == read.lines)
    #expect(read.blocks == 4)
    #expect(read.heard.isEmpty)
  }

  @Test func logsWithoutContent() throws {
    #expect(try reading("").lines == 0)
    #expect(try reading("\n").lines == 1)
    #expect(try reading(" ").blank == 1)
    #expect(try reading([0x00]).heard == [0: .rejected(.notAnObject)])
    #expect(try reading([0x00, 0x0A, 0x00, 0x00]).lines == 2)
  }

  @Test func manyBlocksOfRandomLines() throws {
    var random = SeededRandom(seed: 11)
    var text: [UInt8] = []
    var expected: [Int: Heard] = [:]
    for number in 0..<400 {
      let length = random.chance(10) ? random.number(200_000...300_000) : random.number(80...2_000)
      text += Array(line(length, "\(number)").utf8) + [0x0A]
      expected[number] = fields(["user": "\(number)"])
    }
    let read = try reading(text)
    #expect(read.heard == expected, "\(random)")
  }
}
