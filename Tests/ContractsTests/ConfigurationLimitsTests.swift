import Foundation
import Testing

@testable import Configuration
@testable import Contracts

/// Files that would exhaust a reader which trusts them.
@Suite struct ConfigurationLimitsTests {
  private func bomb(asKey: Bool) -> String {
    var text = "a0: &a0 [x, x]\n"
    for level in 1...60 {
      text += "a\(level): &a\(level) [*a\(level - 1), *a\(level - 1), *a\(level - 1)]\n"
    }
    return text + (asKey ? "? *a60\n: 1\n? *a59\n: 2\n" : "contract: *a60\n")
  }

  @Test(arguments: [true, false])
  func aliasesOfAliasesAreRefused(asKey: Bool) {
    #expect(
      mistakes(bomb(asKey: asKey))
        == ["c.yaml:1: has too many anchors and aliases; write the values in place"])
  }

  @Test func oneAnchorMayBeUsedOften() throws {
    let lines = (1...200).map { "  - {<<: *line, module: m\($0)}\n" }.joined()
    let contract = try Contract(
      yaml: "contract: X\nprices:\n  - &line {module: m, unit: item, price: 1}\n" + lines,
      path: "c.yaml")
    #expect(contract.prices.count == 201)
  }

  @Test func aPriceListHasABound() {
    let lines = String(repeating: "- 1\n", count: 5_001)
    #expect(
      mistakes("contract: X\nprices:\n" + lines)
        == ["c.yaml:3: prices: has 5001 lines; at most 5000 are read"])
  }

  /// Whatever becomes of a contract in an editor, the answer is a contract or lines to look at.
  @Test func damagedContractsAreReadOrTold() {
    let original = Array(ContractReadingTests.whole.utf8)
    let spare = Array(":,[]{}\"'#&*!|>-?%@` \n\t0~aé".unicodeScalars)
    var state: UInt64 = 20_251_203
    func random(_ bound: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int(state >> 33) % bound
    }
    var refused = 0
    for round in 0..<1_500 {
      var scalars = Array(String(decoding: original, as: UTF8.self).unicodeScalars)
      for _ in 0...random(4) {
        let place = random(scalars.count)
        switch random(4) {
        case 0: scalars.remove(at: place)
        case 1: scalars.insert(spare[random(spare.count)], at: place)
        case 2: scalars[place] = spare[random(spare.count)]
        default:
          let end = min(scalars.count, place + random(60))
          scalars.insert(contentsOf: scalars[place..<end], at: random(scalars.count))
        }
      }
      let text = String(String.UnicodeScalarView(scalars))
      let lineCount = text.unicodeScalars.count { $0 == "\n" } + 1
      do {
        _ = try Contract(yaml: text, path: "c.yaml")
      } catch {
        refused += 1
        let lines = error.problems.map { $0.line ?? 0 }
        #expect(!lines.isEmpty, "seed 20251203, round \(round)")
        #expect(
          lines.allSatisfy { (1...lineCount).contains($0) },
          "seed 20251203, round \(round): \(error)")
        #expect(lines == lines.sorted(), "seed 20251203, round \(round)")
      }
    }
    #expect(refused > 500)
  }

  @Test func reportsEndAtABound() {
    let lines = (1...3_000).map { "key\($0): 1\n" }.joined()
    #expect(mistakes(lines).count == ConfigurationDocument.problemCountMax)
  }

  @Test func moreRepeatedKeysThanTheBoundAreStillAnError() {
    let lines = String(repeating: "contract: X\n", count: 200)
    #expect(mistakes(lines) == ["c.yaml:65: contract: duplicate key"])
  }

  @Test func deepNestingIsRefused() {
    let told = mistakes("contract: " + String(repeating: "[", count: 100_000))
    #expect(told.count == 1)
    #expect(told.first?.hasPrefix("c.yaml:") == true)
  }

  @Test func keysThatAreListsAreUnknown() {
    let told = mistakes("contract: X\n? [a, b]\n: 1\n? [a, b]\n: 2\n")
    #expect(told.count == 1)
    #expect(told.first?.contains("duplicate key") == true)
  }

  // MARK: - Files

  private func withFile(_ bytes: [UInt8], _ body: (String) throws -> Void) throws {
    let path = FileManager.default.temporaryDirectory
      .appendingPathComponent("contract-\(UUID().uuidString).yaml").path
    defer { try? FileManager.default.removeItem(atPath: path) }
    try Data(bytes).write(to: URL(fileURLWithPath: path))
    try body(path)
  }

  @Test func aFileIsRead() throws {
    try withFile(Array("contract: 合同\n".utf8)) { (path: String) throws -> Void in
      #expect(try Contract.read(path: path).number == "合同")
    }
  }

  @Test func bytesThatAreNotUTF8AreToldWithTheirLine() throws {
    try withFile(
      Array("contract: X\nlicensor: {name: ".utf8) + [0xD0, 0xED, 0xBF] + Array("}".utf8)
    ) {
      (path: String) throws -> Void in
      let error = #expect(throws: ConfigurationError.self) { try Contract.read(path: path) }
      #expect(
        error?.description == "\(path):2: is not UTF-8; save the file in that encoding")
    }
  }

  @Test(arguments: [
    ("/nonexistent/contract.yaml", "No such file or directory"), ("/", "Is a directory"),
  ])
  func aFileThatCannotBeReadIsAConfigurationError(path: String, reason: String) throws {
    let error = try #require(throws: ConfigurationError.self) { try Contract.read(path: path) }
    #expect(error.problems.map(\.kind) == [.unreadableFile])
    #expect(error.description == "\(path): cannot be read: \(reason)")
  }

  @Test func anEndlessFileIsRefused() throws {
    let error = try #require(throws: ConfigurationError.self) {
      try Contract.read(path: "/dev/zero")
    }
    #expect(error.problems.first?.kind == .unreadableFile)
  }
}
