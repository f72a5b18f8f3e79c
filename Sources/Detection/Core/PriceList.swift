internal import CivilTime
internal import Contracts

/// What a contract's price list says of a module, for the days between two moments.
///
/// Use before or after the term is priced as on the term's nearest day: after the end by
/// `term.holdover`, before it because nothing else was agreed.
struct PriceList {
  let contract: Contract

  /// The lines for a module's scenario on a day; those that name the scenario prevail over those
  /// for every scenario. `scenario` `nil`: the lines of all of them.
  func lines(module: String, scenario: String?, on date: CivilDate) -> [Price] {
    contract.priceLines(module: module, scenario: scenario, for: date)
  }

  func lists(module: String) -> Bool { contract.prices.contains { $0.module == module } }

  /// Whether a module may be used in a scenario on a day; an empty scenario, where the record
  /// names none, may be any.
  func isEnabled(module: String, scenario: String, on date: CivilDate) -> Bool {
    lines(module: module, scenario: scenario.isEmpty ? nil : scenario, on: date)
      .contains { $0.enabled }
  }

  /// The lowest and the highest price on the days from `first` to `last`; `nil` where a day has
  /// none. An empty scenario may be any that the list names.
  func prices(
    module: String, scenario: String, first: CivilDate, last: CivilDate
  ) -> ClosedRange<Money>? {
    var found: ClosedRange<Money>?
    for day in days(module: module, first: first, last: last) {
      var lines = lines(module: module, scenario: scenario, on: day)
      if lines.isEmpty && scenario.isEmpty {
        lines = self.lines(module: module, scenario: nil, on: day)
      }
      guard !lines.isEmpty else { return nil }
      for price in lines.map(\.price) {
        found = found.map { min($0.lowerBound, price)...max($0.upperBound, price) } ?? price...price
      }
    }
    return found
  }

  /// The days on which the list can change, so that a span of years costs no more than one of
  /// days: its first day, and each on which a line begins or the one before has ended.
  private func days(module: String, first: CivilDate, last: CivilDate) -> [CivilDate] {
    var days: Set<CivilDate> = [first]
    for line in contract.prices where line.module == module {
      if let from = line.from, from > first, from <= last { days.insert(from) }
      if let to = line.to, to >= first, to < last { days.insert(to + 1) }
    }
    return days.sorted()
  }
}

/// Units and their value, added up over uses.
struct Amount {
  var low = Money.zero
  var high = Money.zero
  var isPriced = false
  /// Units for which the contract has no price.
  var unpricedQuantity = 0

  mutating func add(quantity: Int, prices: ClosedRange<Money>?) {
    guard quantity > 0 else { return }
    guard let prices else {
      unpricedQuantity += quantity
      return
    }
    isPriced = true
    low = low + prices.lowerBound * quantity
    high = high + prices.upperBound * quantity
  }
}
