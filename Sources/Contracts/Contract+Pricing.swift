public import CivilTime

extension Contract {
  /// What a module is charged by on a day: as its price line says, by conversation where it has
  /// none.
  public func meter(module: String, on date: CivilDate) -> Meter {
    prices.first { $0.module == module && $0.holds(on: date) }?.meter ?? .conversation
  }

  /// `fees.usage`: the price line in force on a day, enabled or not; a line for the scenario goes
  /// before one for every scenario.
  public func price(module: String, scenario: String, on date: CivilDate) -> Price? {
    var general: Price?
    for price in prices where price.module == module && price.holds(on: date) {
      if price.scenario == scenario { return price }
      if price.scenario == nil { general = price }
    }
    return general
  }

  /// Whether the price list has the module on a day, in any scenario.
  public func isListed(module: String, on date: CivilDate) -> Bool {
    prices.contains { $0.module == module && $0.holds(on: date) }
  }

  /// Whether the price list has the module in a scenario on a day.
  public func isListed(module: String, scenario: String, on date: CivilDate) -> Bool {
    price(module: module, scenario: scenario, on: date) != nil
  }

  /// `fees.packages`: whether the price list has the use on a day and says that it is enabled.
  public func isEnabled(module: String, scenario: String, on date: CivilDate) -> Bool {
    price(module: module, scenario: scenario, on: date)?.enabled ?? false
  }

  /// The definition of a conversation in force on a day, with its place in ``rules``; the first
  /// one holds before its own date too.
  public func rule(on date: CivilDate) -> (index: Int, rule: ConversationRule) {
    let index = rules.lastIndex { $0.from.map { $0 <= date } ?? true } ?? 0
    return (index, rules[index].rule)
  }
}
