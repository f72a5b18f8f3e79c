public import CivilTime

extension Contract {
  /// The day whose prices hold on a day: before and after the term, the term's nearest day, since
  /// use after the end is settled on the same terms (`term.holdover`) and nothing else was agreed
  /// for use before it.
  public func pricedDay(for date: CivilDate) -> CivilDate {
    var day = date
    if let first = term.firstDay { day = max(day, first) }
    if let last = term.lastDay { day = min(day, last) }
    return day
  }

  /// The lines of a module that hold for a day, enabled or not.
  ///
  /// - Parameter scenario: lines that name it go before those for every scenario; `nil`: all lines.
  public func priceLines(module: String, scenario: String?, for date: CivilDate) -> [Price] {
    let day = pricedDay(for: date)
    let lines = prices.filter { $0.module == module && $0.holds(on: day) }
    guard let scenario else { return lines }
    let named = lines.filter { $0.scenario == scenario }
    return named.isEmpty ? lines.filter { $0.scenario == nil } : named
  }

  /// The price of a unit on a day; `nil` where the list has none, or several that differ.
  ///
  /// Days out of the term are priced as the term's nearest day (`term.holdover`); lines that are
  /// not enabled have their price too, since such use is priced as well.
  ///
  /// - Parameters:
  ///   - scenario: `nil`: any; lines that name the scenario prevail over those for all.
  ///   - meter: `nil`: any.
  public func unitPrice(
    module: String, scenario: String?, meter: Meter?, on date: CivilDate
  ) -> Money? {
    let lines = priceLines(module: module, scenario: scenario, for: date)
    let prices = Set(lines.filter { meter == nil || $0.meter == meter }.map(\.price))
    return prices.count == 1 ? prices.first : nil
  }

  /// What a module is charged by on a day: as the line says that holds for it, by conversation
  /// where none does.
  public func meter(module: String, on date: CivilDate) -> Meter {
    let day = pricedDay(for: date)
    return prices.first { $0.module == module && $0.holds(on: day) }?.meter ?? .conversation
  }

  /// What units of a module are that a party states by some unit: that one where the price list has the module by it,
  /// else the contract's. Who counts each call of a conversation may well call it an item.
  public func meter(module: String, stated: Meter?, on date: CivilDate) -> Meter {
    if let stated,
      priceLines(module: module, scenario: nil, for: date).contains(where: { $0.meter == stated })
    {
      return stated
    }
    return meter(module: module, on: date)
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
