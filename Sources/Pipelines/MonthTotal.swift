public import CivilTime
public import Contracts
internal import Counting

/// What was used under a contract in a settlement month, and what that is worth.
public struct MonthTotal: Sendable, Hashable {
  /// The contract's number, or without contracts the licensee.
  public var owner: String
  public var month: CivilMonth
  public var conversations = 0
  public var items = 0
  /// Yuan at list prices, rounded to fen; `nil` where the contract has no prices.
  public var net: Money?
  /// Units for which the price list has no price.
  public var unpricedUnits = 0
}

extension MonthTotal {
  /// The months of a count, by owner and month.
  static func months(_ totals: [DailyTotal], _ terms: Terms) -> [MonthTotal] {
    struct Key: Hashable {
      var owner: String
      var month: CivilMonth
    }
    var contracts: [String: Contract] = [:]
    for contract in terms.contracts { contracts[contract.number] = contract }
    var months: [Key: MonthTotal] = [:]
    for total in totals {
      let key = Key(
        owner: terms.hasContracts ? total.contract : total.licensee, month: total.date.month)
      months[key, default: MonthTotal(owner: key.owner, month: key.month)]
        .add(total, contracts[total.contract])
    }
    return months.values
      .map { month in
        var month = month
        month.net = month.net?.rounded(toScale: 2)
        return month
      }
      .sorted { ($0.owner, $0.month) < ($1.owner, $1.month) }
  }

  private mutating func add(_ total: DailyTotal, _ contract: Contract?) {
    switch total.meter {
    case .conversation: conversations += total.quantity
    case .item: items += total.quantity
    }
    guard let contract, !contract.prices.isEmpty else { return }
    if let price = contract.unitPrice(
      module: total.module, scenario: total.scenario, meter: total.meter, on: total.date)
    {
      net = (net ?? .zero) + price * total.quantity
    } else {
      net = net ?? .zero
      unpricedUnits += total.quantity
    }
  }
}

extension Contract {
  /// The price of a unit, enabled or not; days out of the term are priced as the term's nearest day
  /// (`term.holdover`).
  func unitPrice(module: String, scenario: String, meter: Meter, on date: CivilDate) -> Money? {
    guard let price = price(module: module, scenario: scenario, on: pricedDay(for: date)),
      price.meter == meter
    else { return nil }
    return price.price
  }
}
