internal import CivilTime
internal import Contracts

/// Prices in force, for the two sides' quantities.
struct PriceList {
  let contract: Contract

  func price(module: String, scenario: String?, meter: Meter?, on date: CivilDate) -> Money? {
    contract.unitPrice(module: module, scenario: scenario, meter: meter, on: date)
  }

  /// The price on all of some days; `nil` where it is not the same on each.
  func price(
    module: String, scenario: String?, meter: Meter?, from first: CivilDate, to last: CivilDate
  ) -> Money? {
    func price(on date: CivilDate) -> Money? {
      self.price(module: module, scenario: scenario, meter: meter, on: date)
    }
    let all = price(on: first)
    guard first < last, all != nil else { return all }
    let isSame = contract.changes(of: module, after: first, to: last).allSatisfy {
      price(on: $0) == all
    }
    return isSame ? all : nil
  }

  /// Why units of some days are none of the contract's; `nil` where they are, on any of the days.
  ///
  /// - Parameter scenario: empty where scenarios are not compared, or none is named.
  func outsideReason(
    module: String, scenario: String, from first: CivilDate, to last: CivilDate
  ) -> DifferenceReason? {
    if let start = contract.term.firstDay, last < start { return .beforeTerm }
    if let end = contract.term.lastDay, first > end { return .afterTerm }
    guard !contract.prices.isEmpty else { return nil }
    let days = ([first] + contract.changes(of: module, after: first, to: last)).map {
      contract.pricedDay(for: $0)
    }
    if !days.contains(where: { contract.isListed(module: module, on: $0) }) {
      return .moduleNotListed
    }
    let isListed =
      scenario.isEmpty
      || days.contains { contract.isListed(module: module, scenario: scenario, on: $0) }
    return isListed ? nil : .scenarioNotListed
  }
}

extension Contract {
  /// The days on which lines of a module begin to hold, or no longer do.
  fileprivate func changes(
    of module: String, after first: CivilDate, to last: CivilDate
  ) -> [CivilDate] {
    prices.filter { $0.module == module }
      .flatMap { [$0.from, $0.to.map { $0 + 1 }] }
      .compactMap { $0 }
      .filter { first < $0 && $0 <= last }
  }
}
