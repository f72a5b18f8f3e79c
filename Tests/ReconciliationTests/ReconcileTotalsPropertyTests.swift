import CivilTime
import Counting
import Reconciliation
import Statements
import TestSupport
import Testing

@testable import Contracts

@Suite("Reconciling random totals")
struct ReconcileTotalsPropertyTests {
  private static let modules = ["kb", "text-bot", "语音"]
  private static let scenarios = ["", "after-sales", "pre-sales"]

  @Test(
    "the differences add up to the difference of the sums", arguments: 1...60 as ClosedRange<UInt64>
  )
  func sums(seed: UInt64) throws {
    var random = SeededRandom(seed: seed)
    let start = try date("2025-12-01")
    let range = start...(start + Int.random(in: 0...70, using: &random))
    var contract = try exampleContract()
    contract.prices = [
      try price("kb", nil, "0.02", meter: .item), try price("text-bot", nil, "0.351"),
    ]
    var columns: Set<StatementColumn> = [.date, .module, .quantity]
    if Bool.random(using: &random) { columns.insert(.scenario) }
    if Bool.random(using: &random) { columns.insert(.unit) }

    var licensor: [DailyTotal] = []
    var rows: [StatedTotal] = []
    for _ in 0..<Int.random(in: 0...200, using: &random) {
      let day = start + Int.random(in: -5...75, using: &random)
      let module = try #require(Self.modules.randomElement(using: &random))
      let scenario = try #require(Self.scenarios.randomElement(using: &random))
      let meter: Meter = module == "kb" ? .item : .conversation
      let quantity = Int.random(in: 0...1_000, using: &random)
      if Bool.random(using: &random) {
        licensor.append(
          DailyTotal(
            contract: "DZ-1", licensee: Bool.random(using: &random) ? "acme" : "acme-mini",
            date: day, module: module, scenario: scenario, meter: meter, quantity: quantity,
            messages: 0, failedMessages: 0, duplicates: 0))
      } else {
        rows.append(
          StatedTotal(
            date: day, module: module, scenario: columns.contains(.scenario) ? scenario : nil,
            meter: columns.contains(.unit) ? meter : nil, quantity: quantity))
      }
    }
    let file = StatedTotals(path: "f", rows: rows, columns: columns)
    let result = reconcileTotals(
      contract: contract, licensor: licensor, licensee: file, range: range)

    let left = licensor.filter { range.contains($0.date) }.reduce(0) { $0 + $1.quantity }
    let right = rows.filter { range.contains($0.date) }.reduce(0) { $0 + $1.quantity }
    for compared in [result.months, result.days] {
      #expect(compared.reduce(0) { $0 + $1.difference } == left - right, "seed \(seed)")
      #expect(compared.reduce(0) { $0 + $1.licensorQuantity } == left, "seed \(seed)")
      for row in compared {
        guard let ours = row.licensorAmount, let theirs = row.licenseeAmount else { continue }
        #expect(row.amountDifference == ours - theirs, "seed \(seed)")
      }
    }
    // The order of the input decides nothing.
    let shuffled = reconcileTotals(
      contract: contract, licensor: licensor.shuffled(using: &random),
      licensee: StatedTotals(path: "f", rows: rows.shuffled(using: &random), columns: columns),
      range: range)
    #expect(shuffled == result, "seed \(seed)")
    // Both sides the same: no difference anywhere, whatever is priced.
    let same = reconcileTotals(
      contract: contract, licensor: licensor,
      licensee: StatedTotals(
        path: "f",
        rows: licensor.map {
          StatedTotal(
            date: $0.date, module: $0.module, scenario: $0.scenario, meter: $0.meter,
            quantity: $0.quantity)
        }, columns: columns.union([.scenario, .unit])), range: range)
    #expect(same.isWithinTolerance, "seed \(seed)")
    #expect(same.months.allSatisfy { $0.difference == 0 }, "seed \(seed)")
  }
}
