public import CivilTime
public import Contracts
public import Counting

/// What a definition makes of a contract's conversations in a month.
public struct DefinitionFigure: Sendable, Hashable {
  /// The contract's number; without contract files, the licensee.
  public var contract: String
  public var period: CivilMonth
  public var definition: Definition
  /// Billable units.
  public var quantity: Int
  /// Yuan, exactly, of what has a price; `nil` without a price list.
  public var amount: Money?
  /// Units more than by the contract's own definition.
  public var difference: Int
}

/// Gathers what definitions come to, month by month, with the prices of each day.
///
/// Modules that are priced by item are left out: no definition changes them.
public struct DefinitionFigures {
  private struct Key: Hashable {
    var contract: String
    var period: CivilMonth
  }

  private struct Sum {
    var quantity = 0
    var amount = Money.zero
  }

  private struct Line: Hashable {
    var contract: Int
    var date: CivilDate
    var module: String
    var scenario: String
  }

  /// A module in a scenario.
  private struct Use: Hashable {
    var contract: String
    var module: String
    var scenario: String
  }

  private let contracts: [Contract]
  private let numbers: [String: Int]
  private let hasContracts: Bool
  private var prices: [Line: Money?] = [:]
  private var sums: [Key: [Definition: Sum]] = [:]
  private var unpriced: [Use: Int] = [:]

  public init(_ terms: Terms) {
    contracts = terms.contracts
    hasContracts = terms.hasContracts
    numbers = Dictionary(
      terms.contracts.enumerated().map { ($1.number, $0) }, uniquingKeysWith: { first, _ in first })
  }

  /// Adds the contract's own count, and what was counted beside it.
  public mutating func add(_ totals: [DailyTotal], _ rivals: [DailyRivals]) {
    add(totals, as: .contract)
    for total in rivals {
      let line = Line(
        contract: total.contract, date: total.date, module: total.module, scenario: total.scenario)
      let key = Key(
        contract: name(total.contract, total.licensee), period: total.date.month)
      add(total.slices, .quarterHour, line, key)
      add(total.calls, .call, line, key)
      add(
        total.countedOtherwise, .countedOtherwise(Self.otherDay(contracts[total.contract])), line,
        key)
      for (index, quantity) in total.atTimeout.enumerated() {
        add(quantity, .idleTimeout(minutes: index + 1), line, key)
      }
    }
  }

  /// Adds the totals of a count by a definition of ``Definition/countedAnew``.
  public mutating func add(_ totals: [DailyTotal], as definition: Definition) {
    for total in totals where total.meter == .conversation {
      let contract = hasContracts ? numbers[total.contract] ?? 0 : 0
      let line = Line(
        contract: contract, date: total.date, module: total.module, scenario: total.scenario)
      let key = Key(contract: name(contract, total.licensee), period: total.date.month)
      add(total.quantity, definition, line, key)
    }
  }

  private func name(_ contract: Int, _ licensee: String) -> String {
    hasContracts ? contracts[contract].number : licensee
  }

  /// The day that a contract's rule does not say; `nil` where its rules differ.
  static func otherDay(_ contract: Contract) -> ConversationRule.CountedIn? {
    let days = Set(contract.rules.map(\.rule.countedIn))
    guard days.count == 1, let day = days.first else { return nil }
    return day == .start ? .end : .start
  }

  private mutating func add(_ quantity: Int, _ definition: Definition, _ line: Line, _ key: Key) {
    let price = price(of: line)
    var sum = sums[key]?[definition] ?? Sum()
    sum.quantity += quantity
    if let price {
      sum.amount = sum.amount + price * quantity
    } else if definition == .contract && quantity > 0 && !contracts[line.contract].prices.isEmpty {
      unpriced[
        Use(contract: key.contract, module: line.module, scenario: line.scenario), default: 0] +=
        quantity
    }
    sums[key, default: [:]][definition] = sum
  }

  private mutating func price(of line: Line) -> Money? {
    if let known = prices[line] { return known }
    let price = contracts[line.contract].unitPrice(
      module: line.module, scenario: line.scenario, meter: .conversation, on: line.date)
    prices[line] = .some(price)
    return price
  }

  /// All figures, ordered by (contract, period, definition), names by their bytes; each definition has one in every
  /// month that any of them has units of.
  ///
  /// - Parameter isComplete: whether those of ``Definition/countedAnew`` were added.
  public func figures(isComplete: Bool = true) -> [DefinitionFigure] {
    let keys = sums.keys.sorted { left, right in
      let (first, second) = (Array(left.contract.utf8), Array(right.contract.utf8))
      return first == second
        ? left.period < right.period : first.lexicographicallyPrecedes(second)
    }
    return keys.flatMap { key -> [DefinitionFigure] in
      let found = sums[key] ?? [:]
      let own = found[.contract]?.quantity ?? 0
      let contract = hasContracts ? contracts.firstIndex { $0.number == key.contract } ?? 0 : 0
      return definitions(Self.otherDay(contracts[contract]), isComplete).map { definition in
        let sum = found[definition] ?? Sum()
        return DefinitionFigure(
          contract: key.contract, period: key.period, definition: definition,
          quantity: sum.quantity, amount: contracts[contract].prices.isEmpty ? nil : sum.amount,
          difference: sum.quantity - own)
      }
    }
  }

  /// By contract file, what has no price and is in no amount, with the units that it has by the contract's own
  /// definition, in words and in order.
  public var withoutPrice: [String] {
    unpriced.map { use, quantity in
      "contract \(use.contract): module '\(use.module)' in scenario '\(use.scenario)' has no price, or several: "
        + "its units (\(quantity) by the contract's definition) are in no amount; complete the price list"
    }.sorted()
  }

  /// In the order of reports.
  private func definitions(
    _ otherDay: ConversationRule.CountedIn?, _ isComplete: Bool
  ) -> [Definition] {
    [.contract, .countedOtherwise(otherDay)]
      + (1...DailyRivals.minutesMax).map { .idleTimeout(minutes: $0) }
      + (isComplete ? Definition.countedAnew : []) + [.quarterHour, .call]
  }
}
