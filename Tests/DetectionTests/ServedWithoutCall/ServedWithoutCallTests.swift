import CivilTime
import Contracts
import TestSupport
import Testing

@testable import Detection

@Suite("Units that were served without a call")
struct ServedWithoutCallTests {
  private static func figures(
    _ units: Int, days: Int, of all: Int = 2_000, unknown: Int = 0
  ) throws -> ServedWithoutCall {
    var figures = ServedWithoutCall(module: "text-bot")
    figures.units = units
    figures.unitsOfFailuresUnknown = unknown
    figures.unitsOfLicensee = all
    let first = try date("2025-12-01")
    for unit in 0..<(units + unknown) { figures.days[first + unit % days, default: 0] += 1 }
    figures.amount = try #require(Money(text: "0.35")) * (units + unknown)
    figures.evidence = (1...9).map { "their.csv:\($0)" }
    return figures
  }

  @Test(
    "severity is by number and spread, and never high",
    arguments: [
      (1, 1, 0, Finding.Severity.info), (4, 4, 0, .info), (5, 5, 0, .low), (19, 10, 0, .low),
      (20, 10, 0, .medium), (900, 30, 0, .medium), (200, 1, 0, .low), (200, 2, 0, .low),
      (0, 20, 300, .low), (0, 2, 4, .info),
    ])
  func severity(units: Int, days: Int, unknown: Int, expected: Finding.Severity) throws {
    let finding = try #require(
      try Self.figures(units, days: days, unknown: unknown).finding(try exampleContract()))
    #expect(finding.severity == expected)
    #expect(finding.suppressedHigh == units + unknown)
    #expect(finding.evidence.count == 6)
    #expect(finding.pValue == nil)
  }

  @Test("few of very many are no matter, and none is no finding")
  func share() throws {
    let contract = try exampleContract()
    #expect(try Self.figures(30, days: 10, of: 100_000).finding(contract)?.severity == .low)
    #expect(try Self.figures(0, days: 1).finding(contract) == nil)
    var gaps = ServedWithoutCall(module: "text-bot")
    gaps.unitsInGaps = 40
    #expect(gaps.finding(contract) == nil)
    var both = try Self.figures(30, days: 10)
    both.unitsInGaps = 7
    #expect(both.finding(contract)?.explanation.contains("7 units more") == true)
    #expect(both.finding(contract)?.amountHigh == Money(text: "10.50"))
  }
}
