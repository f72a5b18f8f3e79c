internal import CivilTime
internal import Contracts

/// Prices in force, for the two sides' quantities.
struct PriceList {
  let contract: Contract

  /// The price of a unit on a day; `nil` where the list has none, or several that differ.
  ///
  /// Days out of the term are priced as the term's nearest day (`term.holdover`); lines that are
  /// not enabled have their price too, since such use is priced as well.
  ///
  /// - Parameters:
  ///   - scenario: `nil`: any; lines that name the scenario prevail over those for all.
  ///   - meter: `nil`: any.
  func price(module: String, scenario: String?, meter: Meter?, on date: CivilDate) -> Money? {
    let lines = contract.priceLines(module: module, scenario: scenario, for: date)
    let prices = Set(lines.filter { meter == nil || $0.meter == meter }.map(\.price))
    return prices.count == 1 ? prices.first : nil
  }
}
