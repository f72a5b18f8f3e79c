import Foundation
import Parsing
import TestSupport
import Testing

/// Lines that are JSON, nearly JSON or no JSON: Foundation's parser must agree which are which. Halves
/// of surrogate pairs are left out, since they are valid by the grammar and refused by Foundation.
@Suite struct MutatedLinesTests {
  private static let pieces = [
    "{", "}", "[", "]", ",", ":", "\"", "\\", "\"a\"", "\"a\":", "1", "0", "-", ".", "e", "E+1",
    "true", "null", "fals", " ", "\t", "\r", "\u{0}", "\u{1F}", "\\u0041", "用", "x",
    "\\\"", "\\\\", "[]", "{}", "{\"b\":[1,2.5]}", "\u{B}", "//", "'a'", "+1", "NaN",
  ]

  private func value(_ random: inout SeededRandom) -> [UInt8] {
    var bytes = Array(
      random.one(of: [
        "{\"a\":[1,-2.5e3,{\"b\":null}],\"c\":\"\\u00e9\\n\"}", "[[[]],{},\"x\",true]",
        "\"text\\\\\"",
        "-0.5E-10", "null", "{\"\":{\"\":0}}",
      ]).utf8)
    for _ in 0..<random.number(0...3) {
      let place = random.number(0...bytes.count)
      switch random.number(0...3) {
      case 0 where place < bytes.count: bytes.remove(at: place)
      case 1 where place < bytes.count: bytes[place] = UInt8(truncatingIfNeeded: random.next())
      default: bytes.insert(contentsOf: Array(random.one(of: Self.pieces).utf8), at: place)
      }
    }
    return bytes.filter { $0 != 0x0A }
  }

  /// Foundation reads an object with a comma behind its last member, which RFC 8259 does not allow.
  private static func hasCommaAtEnd(_ line: [UInt8]) -> Bool {
    let dense = line.filter { ![0x20, 0x09, 0x0D].contains($0) }
    return zip(dense, dense.dropFirst()).contains { $0 == 0x2C && $1 == 0x7D }
  }

  @Test(arguments: [1, 2, 40])
  func foundationAgrees(linesInBlock: Int) throws {
    var random = SeededRandom(seed: UInt64(60 + linesInBlock))
    var valid = 0
    var invalid = 0
    for _ in 0..<(linesInBlock == 40 ? 150 : 1_500) {
      let lines = (0..<linesInBlock).map { _ in
        Array("{\(time),\"q\":".utf8) + value(&random) + Array("}".utf8)
      }
      let read = try reading(Array(lines.joined(separator: [0x0A])))
      for (number, line) in lines.enumerated() where !Self.hasCommaAtEnd(line) {
        let isValid = (try? JSONSerialization.jsonObject(with: Data(line))) != nil
        let heard = try #require(read.heard[number])
        let isAccepted =
          switch heard {
          case .rejected(.invalidJSON), .rejected(.invalidText), .rejected(.notAnObject): false
          default: true
          }
        if isValid { valid += 1 } else { invalid += 1 }
        #expect(
          isAccepted == isValid,
          "\(random): \(String(decoding: line, as: UTF8.self)) \(line) was heard as \(heard)")
      }
    }
    #expect(valid > 300 && invalid > 300)
  }
}
