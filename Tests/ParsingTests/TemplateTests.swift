import Decoding
import Formats
import Foundation
import Parsing
import TestSupport
import Testing

/// Lines that keep to the template of those before them are read another way than a line that stands
/// alone, whose template is empty: both must say the same.
@Suite struct TemplateTests {
  private struct Writer {
    var colon: String
    var comma: String
    var keys: [String]

    init(_ random: inout SeededRandom) {
      colon = random.one(of: [":", ":", ": ", " :", ":\t"])
      comma = random.one(of: [",", ",", ", ", " ,"])
      let names =
        Field.allCases.map(\.name) + [
          "method", "latency_ms", "x_forwarded_for_and_more", "a_key_longer_than_sixteen_bytes",
          "键",
          "q", "conversations", "\\u0075ser", "a_key_longer_than_sixteen_others",
        ]
      keys = names.shuffled(using: &random)
    }

    private func value(_ key: String, _ random: inout SeededRandom) -> String {
      if random.number(0...40) == 0 {
        return random.one(of: [
          "null", "true", "{}", "[1,{\"a\":\"}\"}]", "-1", "1e5", "0.5", "01", "\"\"", "tru", "1 ",
          "\"\u{1}\"", "\"\\u0041\"", "\"\\\"", "12345678", "1234567890123", "\"a\"b", "\"\u{7F}\"",
        ])
      }
      switch key {
      case "time":
        return random.one(of: [
          "\"2025-12-01T08:00:0\(random.number(0...9)).123+08:00\"", "1764547200", "1764547200.25",
          "\"2025-12-01T08:00:00Z\"",
        ])
      case "status": return "\(random.one(of: [200, 201, 404, 500, 7]))"
      case "items": return "\(random.number(0...30))"
      case "latency_ms": return random.one(of: ["0", "17", "1234567", "0.25", "99999999"])
      default:
        let texts = [
          "", "a", "用户", "u-7a7f0ce2", "text-bot", "0123456789abcdef", "fifteen-letters",
          String(repeating: "x", count: random.number(0...150)), "é", "😀 smile",
        ]
        return "\"\(random.one(of: texts))\""
      }
    }

    func line(_ random: inout SeededRandom) -> [UInt8] {
      let used = keys.filter { $0 == "time" || random.number(0...9) > 0 }
      let fields = used.map { "\"\($0)\"\(colon)\(value($0, &random))" }
      var line = Array("{\(fields.joined(separator: comma))}".utf8)
      switch random.number(0...60) {
      case 0: line.append(0x0D)
      case 1: line.append(0x20)
      case 2: line.removeLast()
      case 3: line.insert(0x20, at: 1)
      case 4: line[random.number(0...(line.count - 1))] = UInt8(truncatingIfNeeded: random.next())
      case 5: line.insert(contentsOf: [0xC3, 0x28], at: line.count / 2)
      default: break
      }
      return line.filter { $0 != 0x0A }
    }
  }

  @Test(arguments: 0..<60)
  func aLineSaysTheSameAloneAndAmongOthers(seed: Int) throws {
    var random = SeededRandom(seed: UInt64(700 + seed))
    let writer = Writer(&random)
    let lines = (0..<120).map { _ in writer.line(&random) }
    let together = try reading(Array(lines.joined(separator: [0x0A])))
    #expect(together.lines == lines.count)
    var records = 0
    for (number, line) in lines.enumerated() {
      let alone = try reading(line)
      let text = "\(random): \(String(decoding: line, as: UTF8.self))"
      #expect(together.heard[number] == alone.heard[0], "\(text)")
      #expect(together.times[number] == alone.times[0], "\(text)")
      if case .record = alone.heard[0] { records += 1 }
    }
    #expect(records > 20, "\(random): nearly no line is a record")
  }

  /// Where a line ends in the block, and so where the blocks' own words begin, changes nothing.
  @Test func linesOfEveryLengthEndWhereTheyEnd() throws {
    var text: [UInt8] = []
    for length in 0..<400 {
      text += Array("{\(time),\"user\":\"\(String(repeating: "u", count: length))\"}\n".utf8)
    }
    let read = try reading(text)
    for length in 0..<400 {
      let user = String(repeating: "u", count: length)
      #expect(read.heard[length] == fields(length == 0 ? [:] : ["user": user]))
    }
  }
}
