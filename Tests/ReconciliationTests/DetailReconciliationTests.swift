import CivilTime
import Contracts
import Reconciliation
import TestSupport
import Testing

@Suite("Reconciling random details")
struct DetailReconciliationTests {
  @Test(
    "causes are those of holding every row against every other",
    arguments: 1...300 as ClosedRange<UInt64>)
  func causes(seed: UInt64) throws {
    let details = try RandomDetails(seed: seed)
    let found = try ReconciledDetails(details)
    let places = details.firstPlaces
    // Of rows that say the same, either may be the repetition.
    func named(_ texts: [String]) -> [String] {
      texts.map { text in
        let words = text.split(separator: " ")
        let firsts = words[1].split(separator: "+").compactMap { Int($0) }.map { places[$0] ?? $0 }
        return "\(words[0]) \(firsts.sorted().map(String.init).joined(separator: "+"))"
      }.sorted()
    }
    var reference = DetailReference(details.rows)
    let expected = named(reference.differences())
    #expect(named(found.texts) == expected, "seed \(seed)")
  }

  @Test("bridges add up to both sides' rows", arguments: 1...300 as ClosedRange<UInt64>)
  func bridges(seed: UInt64) throws {
    let details = try RandomDetails(seed: seed)
    let found = try ReconciledDetails(details)
    for bridge in found.bridges {
      let rows = bridge.rows
      let first = try #require(rows.first)
      let last = try #require(rows.last)
      #expect(
        rows.dropLast().reduce(0) { $0 + $1.quantity } == last.quantity, "seed \(seed): \(bridge)")
      if rows.allSatisfy({ $0.amount != nil }) {
        let sum = rows.dropLast().reduce(Money.zero) { $0 + ($1.amount ?? .zero) }
        #expect(sum == last.amount, "seed \(seed): \(bridge)")
      } else {
        #expect(bridge.module == "ghost" && rows.allSatisfy { $0.amount == nil }, "seed \(seed)")
      }
      for (row, isLicensor) in [(first, false), (last, true)] {
        let units = details.units.filter {
          $0.isLicensor == isLicensor && $0.unit.module == bridge.module
            && $0.unit.date.month == bridge.month
        }.map(\.unit)
        #expect(units.reduce(0) { $0 + $1.quantity } == row.quantity, "seed \(seed)")
        guard let amount = row.amount else { continue }
        var exact = Money.zero
        for unit in units { exact = exact + (try charge(unit, details.contract)) }
        #expect(exact.rounded(toScale: 2) == amount, "seed \(seed): \(bridge.module)")
      }
    }
    let modules = Set(details.units.map { "\($0.unit.date.month) \($0.unit.module)" })
    #expect(Set(found.bridges.map { "\($0.month) \($0.module)" }) == modules, "seed \(seed)")
  }

  private func charge(_ unit: StatedUnit, _ contract: Contract) throws -> Money {
    if let charge = unit.charge { return charge }
    let price = contract.unitPrice(
      module: unit.module, scenario: nil, meter: contract.meter(module: unit.module, on: unit.date),
      on: unit.date)
    return try #require(price) * unit.quantity
  }

  @Test("nothing depends on threads, memory and order", arguments: 1...60 as ClosedRange<UInt64>)
  func ways(seed: UInt64) throws {
    let details = try RandomDetails(seed: seed)
    let found = try ReconciledDetails(details)
    for (threads, bytesMax) in [(1, 0), (2, 1 << 24), (4, 0)] {
      let other = try ReconciledDetails(
        details, threads: threads, bytesMax: bytesMax, shuffledBy: seed &+ UInt64(threads))
      #expect(other.texts == found.texts, "seed \(seed), \(threads) threads, \(bytesMax) bytes")
      #expect(other.bridges == found.bridges, "seed \(seed), \(threads) threads")
      #expect(other.outcome.pairs == found.outcome.pairs, "seed \(seed)")
    }
  }
}
