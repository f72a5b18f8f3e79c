internal import CivilTime
internal import Contracts

/// Prices in force, for the two sides' quantities.
struct PriceList {
  let contract: Contract

  func price(module: String, scenario: String?, meter: Meter?, on date: CivilDate) -> Money? {
    contract.unitPrice(module: module, scenario: scenario, meter: meter, on: date)
  }
}
