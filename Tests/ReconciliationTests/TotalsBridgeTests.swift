import CivilTime
import Counting
import Definitions
import Reconciliation
import Statements
import TestSupport
import Testing

@testable import Contracts

private let columns: Set<StatementColumn> = [.date, .module, .scenario, .unit, .quantity]

private func row(
  _ day: String, _ module: String, _ quantity: Int, scenario: String? = "",
  meter: Meter? = .conversation, amount: String? = nil, isMonth: Bool = false
) throws -> StatedTotal {
  StatedTotal(
    date: try date(day), isMonth: isMonth, module: module, scenario: scenario, meter: meter,
    quantity: quantity, amount: try amount.map { try #require(Money(text: $0)) })
}

private func totals(
  _ rows: [StatedTotal], columns: Set<StatementColumn> = columns
) -> StatedTotals {
  StatedTotals(path: "f.csv", rows: rows, columns: columns)
}

private func counted(_ rows: [StatedTotal]) -> StatedTotals {
  var totals = totals(rows)
  totals.isCount = true
  return totals
}

/// `licensee 10 3.50`, `split -2 -0.70`.
private func lines(_ bridges: [DifferenceBridge]) -> [String] {
  bridges.flatMap { bridge in
    ["\(bridge.month) \(bridge.module)"]
      + bridge.rows.map { row in
        let name: String =
          switch row.step {
          case .licensee: "licensee"
          case .cause(let cause): cause.rawValue
          case .licensor: "licensor"
          }
        return "\(name) \(row.quantity) \(row.amount?.text(places: 2) ?? "-")"
      }
  }
}

private func explanation(_ bridge: DifferenceBridge, _ cause: DifferenceCause) -> String? {
  bridge.rows.first { $0.step == .cause(cause) }?.explanation
}

private func inferred(
  _ changes: InferredDefinition.Change..., unexplained: Int = 0
) -> InferredDefinition {
  InferredDefinition(changes, unexplained: unexplained)
}

@Suite("Bridges of totals")
struct TotalsBridgeTests {
  private let contract: Contract
  private let december: ClosedRange<CivilDate>

  init() throws {
    var contract = try exampleContract()
    contract.prices = [
      try price("bot", nil, "0.35"), try price("kb", nil, "0.02", meter: .item),
      try price("vip", "sales", "1.00"), try price("vip", "help", "2.00"),
    ]
    self.contract = contract
    december = try date("2025-12-01")...date("2025-12-31")
  }

  private func bridges(
    _ licensor: StatedTotals, _ licensee: StatedTotals, _ inference: TotalsInference? = nil
  ) -> [DifferenceBridge] {
    DifferenceBridge.bridges(
      contract: contract, licensor: licensor, licensee: licensee, range: december,
      inference: inference)
  }

  private func twoDays(_ first: Int, _ second: Int) throws -> [StatedTotal] {
    [try row("2025-12-01", "bot", first), try row("2025-12-31", "bot", second)]
  }

  @Test("an inferred definition has all of the difference, under the cause that it means")
  func causes() throws {
    let zone = contract.zone
    let hour = Instant(seconds: 1_764_604_800)..<Instant(seconds: 1_764_608_400)
    let cases: [(InferredDefinition, Int, DifferenceCause, String)] = [
      (
        inferred(.definition(.idleTimeout(minutes: 20))), 12, .split,
        "an idle timeout of 20 minutes gives exactly these totals"
      ),
      (
        inferred(.definition(.idleTimeout(minutes: 45))), 8, .merged,
        "an idle timeout of 45 minutes gives exactly these totals"
      ),
      (
        inferred(.zone(aheadMinutes: 0)), 9, .periodBoundary,
        "counting by days of UTC gives exactly these totals"
      ),
      (
        inferred(.zone(aheadMinutes: -330)), 9, .periodBoundary,
        "counting by days of a time zone at -05:30 gives exactly these totals"
      ),
      (
        inferred(.definition(.countedOtherwise(.end))), 11, .periodBoundary,
        "counting conversations on the day of their last message gives exactly these totals"
      ),
      (
        inferred(.definition(.failedCalls)), 13, .notBillable,
        "counting failed calls gives exactly these totals"
      ),
      (
        inferred(.definition(.duplicates)), 13, .duplicateAtLicensee,
        "counting repeated request ids gives exactly these totals"
      ),
      (
        inferred(.lostTime(hour, zone)), 4, .missingAtLicensee,
        "a count without the records of the hour from 2025-12-02T00:00:00.000+08:00 gives exactly these totals"
      ),
      (
        inferred(.lostLog("a.gz")), 4, .missingAtLicensee,
        "a count without the records of a.gz gives exactly these totals"
      ),
      (
        inferred(.definition(.call)), 40, .split,
        "one conversation for each call gives exactly these totals"
      ),
      (
        inferred(.definition(.userDay)), 2, .merged,
        "one conversation for a user's messages within 24 hours gives exactly these totals"
      ),
      (
        inferred(.zone(aheadMinutes: 0), .definition(.idleTimeout(minutes: 20))), 12, .split,
        "counting by days of UTC together with an idle timeout of 20 minutes give exactly these totals"
      ),
      (
        inferred(.definition(.failedCalls), .definition(.idleTimeout(minutes: 60))), 12,
        .notBillable,
        "counting failed calls together with an idle timeout of 60 minutes give exactly these totals"
      ),
      (
        inferred(.definition(.failedCalls), .definition(.idleTimeout(minutes: 60))), 9, .merged,
        "counting failed calls together with an idle timeout of 60 minutes give exactly these totals"
      ),
    ]
    for (definition, quantity, cause, words) in cases {
      let bridge = try #require(
        bridges(
          counted(try twoDays(4, 6)), totals(try twoDays(quantity - 1, 1)),
          TotalsInference([definition])
        ).first)
      let step = 10 - quantity
      let amount = try #require(Money(text: "0.35")) * step
      #expect(
        lines([bridge]) == [
          "2025-12 bot",
          "licensee \(quantity) \((Money(text: "0.35")! * quantity).text(places: 2))",
          "\(cause.rawValue) \(step) \(amount.text(places: 2))", "licensor 10 3.50",
        ], "\(definition.name)")
      #expect(explanation(bridge, cause) == words)
    }
  }

  @Test("what cannot be told apart is told with all that it may be")
  func alternatives() throws {
    let bridge = try #require(
      bridges(
        counted(try twoDays(4, 6)), totals(try twoDays(4, 5)),
        TotalsInference([inferred(.lostLog("a.gz")), inferred(.lostLog("b.gz"))])
      ).first)
    #expect(
      explanation(bridge, .missingAtLicensee)
        == "a count without the records of a.gz, or a count without the records of b.gz gives exactly these totals"
    )
  }

  @Test("without an exact definition, the rest stays unexplained, and why is said")
  func unexplained() throws {
    let (left, right) = (counted(try twoDays(4, 6)), totals(try twoDays(5, 6)))
    let expected = ["2025-12 bot", "licensee 11 3.85", "unexplained -1 -0.35", "licensor 10 3.50"]
    let noLog = bridges(left, right)
    #expect(lines(noLog) == expected)
    let words = try #require(explanation(noLog[0], .unexplained))
    #expect(words.hasPrefix("by which definition the licensee counts was not looked for"))
    // Where the licensor's figures are a file's, a log would help.
    var file = left
    file.isCount = false
    #expect(
      explanation(bridges(file, right)[0], .unexplained)
        == "no log was given that the licensee's totals could be held against")
    let nearest = bridges(
      left, right,
      TotalsInference([
        inferred(.definition(.idleTimeout(minutes: 29)), unexplained: 3),
        inferred(.definition(.contract), unexplained: 7),
      ]))
    #expect(lines(nearest) == expected)
    #expect(
      explanation(nearest[0], .unexplained)
        == "no known definition gives these totals; the nearest, over all days and modules: an idle timeout of 29 "
        + "minutes (leaves 3 units), the contract's own definition (leaves 7 units)")
    #expect(
      explanation(bridges(left, right, TotalsInference([]))[0], .unexplained)
        == "the licensee states no conversations that a definition could be inferred from")
    // No definition changes what is counted by item.
    let items = bridges(
      counted([try row("2025-12-01", "kb", 100, scenario: nil, meter: .item)]),
      totals([try row("2025-12-01", "kb", 50, meter: .item)]),
      TotalsInference([inferred(.definition(.failedCalls))]))
    #expect(
      lines(items) == [
        "2025-12 kb", "licensee 50 1.00", "unexplained 50 1.00", "licensor 100 2.00",
      ])
    #expect(
      explanation(items[0], .unexplained) == "units by item, which no definition changes")
  }

  @Test(
    "where the log's count is neither side, only what lies between it and the licensee is inferred")
  func count() throws {
    let inference = TotalsInference(
      [inferred(.definition(.duplicates))], count: counted(try twoDays(4, 4)))
    let found = bridges(totals(try twoDays(4, 6)), totals(try twoDays(4, 7)), inference)
    #expect(
      lines(found) == [
        "2025-12 bot", "licensee 11 3.85", "duplicate_at_licensee -3 -1.05", "unexplained 2 0.70",
        "licensor 10 3.50",
      ])
    #expect(
      explanation(found[0], .unexplained)
        == "the licensor's totals are not the contract's count of the log")
    // The licensee counts as the contract says, and the licensor does not.
    let own = bridges(
      totals(try twoDays(4, 6)), totals(try twoDays(4, 4)),
      TotalsInference([inferred(.definition(.contract))], count: counted(try twoDays(4, 4))))
    #expect(
      lines(own) == ["2025-12 bot", "licensee 8 2.80", "unexplained 2 0.70", "licensor 10 3.50"])
  }

  @Test(
    "days beyond what the licensee states are missing there, and those beyond the licensor's are said"
  )
  func days() throws {
    let early = [try row("2025-12-01", "bot", 5)]
    let exact = TotalsInference([inferred(.definition(.failedCalls))])
    let missing = bridges(counted(try twoDays(4, 6)), totals(early), exact)
    #expect(
      lines(missing) == [
        "2025-12 bot", "licensee 5 1.75", "not_billable -1 -0.35", "missing_at_licensee 6 2.10",
        "licensor 10 3.50",
      ])
    #expect(
      explanation(missing[0], .missingAtLicensee)
        == "the licensee's statement has no figures of some of these days: it is of 2025-12-01 to 2025-12-01"
    )
    let more = bridges(totals(early), totals(try twoDays(5, 2)), exact)
    #expect(
      lines(more) == ["2025-12 bot", "licensee 7 2.45", "unexplained -2 -0.70", "licensor 5 1.75"])
    #expect(
      explanation(more[0], .unexplained)
        == "the licensor's statement has no figures of some of these days: it is of 2025-12-01 to 2025-12-01"
    )
    let none = bridges(counted(early), totals([]))
    #expect(
      lines(none) == [
        "2025-12 bot", "licensee 0 0.00", "missing_at_licensee 5 1.75", "licensor 5 1.75",
      ])
    #expect(
      explanation(none[0], .missingAtLicensee)
        == "the licensee's statement has no figures of the contract")
  }

  @Test(
    "what is not of the contract is told first, by day and module, and has no price where the list has none"
  )
  func outside() throws {
    var contract = contract
    contract.term.from = try date("2025-12-02")
    let found = DifferenceBridge.bridges(
      contract: contract,
      licensor: counted([
        try row("2025-12-01", "bot", 3), try row("2025-12-02", "bot", 10),
        try row("2025-12-03", "vip", 1, scenario: "sales"),
      ]),
      licensee: totals([
        try row("2025-12-01", "bot", 5), try row("2025-12-02", "bot", 9),
        try row("2025-12-02", "new", 4),
        try row("2025-12-03", "vip", 2, scenario: "spa", amount: "1"),
      ]), range: december, inference: TotalsInference([inferred(.definition(.userDay))]))
    #expect(
      lines(found) == [
        "2025-12 bot", "licensee 14 4.90", "outside_contract -2 -0.70", "merged 1 0.35",
        "licensor 13 4.55",
        "2025-12 new", "licensee 4 -", "outside_contract -4 -", "licensor 0 -",
        "2025-12 vip", "licensee 2 1.00", "outside_contract -2 -1.00", "merged 1 1.00",
        "licensor 1 1.00",
      ])
    #expect(
      explanation(found[0], .outsideContract) == "not of the contract: its day is before the term")
    #expect(
      explanation(found[1], .outsideContract)
        == "not of the contract: the price list does not have the module")
    #expect(
      explanation(found[2], .outsideContract)
        == "not of the contract: the price list does not have the module in the scenario")
  }

  @Test("amounts that are not the price list's are a step of their own")
  func prices() throws {
    let found = bridges(
      counted([try row("2025-12-01", "bot", 10)]),
      totals([
        try row("2025-12-01", "bot", 5, amount: "1.7"),
        try row("2025-12-01", "bot", 7, amount: "2.105"),
        try row("2025-12-01", "bot", -1, amount: "-0.3"),
      ]), TotalsInference([inferred(.definition(.duplicates))]))
    #expect(
      lines(found) == [
        "2025-12 bot", "licensee 11 3.51", "duplicate_at_licensee -1 -0.35",
        "price_difference 0 0.34",
        "licensor 10 3.50",
      ])
    // The licensor's statement too may state what it charges.
    let both = bridges(
      totals([try row("2025-12-01", "bot", 10, amount: "4")]),
      totals([try row("2025-12-01", "bot", 10)]))
    #expect(
      lines(both) == [
        "2025-12 bot", "licensee 10 3.50", "price_difference 0 0.50", "licensor 10 4.00",
      ])
    // Two prices could be meant, and the amounts are known nevertheless.
    let bare = columns.subtracting([.scenario])
    let stated = bridges(
      counted([
        try row("2025-12-01", "vip", 3, scenario: "sales"),
        try row("2025-12-01", "vip", 1, scenario: "help"),
      ]),
      totals([try row("2025-12-01", "vip", 3, scenario: nil, amount: "4")], columns: bare))
    #expect(
      lines(stated) == ["2025-12 vip", "licensee 3 4.00", "unexplained 1 1.00", "licensor 4 5.00"])
    let unstated = bridges(
      counted([try row("2025-12-01", "vip", 3, scenario: "sales")]),
      totals([try row("2025-12-01", "vip", 3, scenario: nil)], columns: bare))
    #expect(lines(unstated) == ["2025-12 vip", "licensee 3 -", "licensor 3 -"])
  }

  @Test("months are bridged as months, and have no price where that changes within them")
  func months() throws {
    let month = totals([try row("2025-12-01", "bot", 12, isMonth: true)])
    let exact = TotalsInference([inferred(.definition(.failedCalls))])
    let expected = ["2025-12 bot", "licensee 12 4.20", "not_billable -2 -0.70", "licensor 10 3.50"]
    #expect(lines(bridges(counted(try twoDays(4, 6)), month, exact)) == expected)
    #expect(
      lines(bridges(month, totals(try twoDays(4, 6)), exact)) == [
        "2025-12 bot", "licensee 10 3.50", "not_billable 2 0.70", "licensor 12 4.20",
      ])
    var changed = contract
    changed.prices = [
      try price("bot", nil, "0.35", to: "2025-12-30"),
      try price("bot", nil, "0.40", from: "2025-12-31"),
    ]
    let found = DifferenceBridge.bridges(
      contract: changed, licensor: counted(try twoDays(4, 6)), licensee: month, range: december,
      inference: exact)
    #expect(
      lines(found) == ["2025-12 bot", "licensee 12 -", "not_billable -2 -", "licensor 10 -"])
    // The same units at another price are no units that one side lacks.
    let same = DifferenceBridge.bridges(
      contract: changed, licensor: counted(try twoDays(4, 6)),
      licensee: totals([try row("2025-12-01", "bot", 10, amount: "3.50", isMonth: true)]),
      range: december, inference: exact)
    #expect(
      lines(same) == [
        "2025-12 bot", "licensee 10 3.50", "price_difference 0 0.30", "licensor 10 3.80",
      ])
    let compared = reconcileTotals(
      contract: changed, licensor: counted(try twoDays(4, 6)), licensee: month, range: december)
    #expect(compared.months.map(\.licenseeAmount) == [nil])
    #expect(compared.months.map(\.licensorAmount) == [Money(text: "3.8")])
  }

  @Test("calls that the licensee calls items are conversations by the contract")
  func items() throws {
    let found = bridges(
      counted(try twoDays(4, 6)),
      totals([
        try row("2025-12-01", "bot", 20, meter: .item, amount: "7"),
        try row("2025-12-31", "bot", 20, meter: .item, amount: "7"),
      ]), TotalsInference([inferred(.definition(.call))]))
    #expect(
      lines(found) == ["2025-12 bot", "licensee 40 14.00", "split -30 -10.50", "licensor 10 3.50"])
  }
}

/// Random totals of both sides in all forms that statements have.
@Suite("Bridges of random totals")
struct TotalsBridgePropertyTests {
  private struct Place: Hashable {
    var month: CivilMonth
    var module: String
  }

  /// An obvious second computation of a side's figures in a month and module.
  private struct Figure: Equatable {
    var quantity = 0
    /// `nil` where a part has no price.
    var amount: Money? = .zero
  }

  private let range: ClosedRange<CivilDate>
  private let contract: Contract

  init() throws {
    range = try date("2025-12-01")...date("2026-02-28")
    var contract = try exampleContract()
    contract.term.from = try date("2025-12-03")
    contract.term.to = try date("2026-02-20")
    contract.prices = [
      try price("kb", nil, "0.0213", meter: .item),
      try price("bot", nil, "0.351", to: "2026-01-09"),
      try price("bot", nil, "0.297", from: "2026-01-10"), try price("vip", "sales", "1.005"),
      try price("vip", "help", "2.015"),
    ]
    self.contract = contract
  }

  private func rows(_ random: inout SeededRandom) throws -> StatedTotals {
    var columns: Set<StatementColumn> = [.date, .module, .quantity]
    if random.chance(50) { columns.insert(.scenario) }
    if random.chance(50) { columns.insert(.unit) }
    let hasMonths = random.chance(20)
    let statesAmounts = random.chance(50)
    let hasUnlisted = random.chance(50)
    var rows: [StatedTotal] = []
    for _ in 0..<random.number(0...150) {
      let module = random.one(of: ["kb", "bot", "vip"] + (hasUnlisted ? ["new"] : []))
      let scenario =
        random.one(
          of: module == "vip" ? ["sales", "help"] + (hasUnlisted ? ["spa"] : []) : ["", "help"])
      let meter: Meter = module == "kb" ? .item : .conversation
      var day = range.lowerBound + random.number(-10...100)
      let isMonth = hasMonths && random.chance(50)
      if isMonth { day = day.month.first }
      let quantity = random.number(-20...300)
      let amount =
        statesAmounts || module == "new" || isMonth
        ? Money(digits: Int128(quantity * random.number(300...400)), scale: random.number(3...5))
        : nil
      rows.append(
        StatedTotal(
          contract: random.chance(5) ? "DZ-9" : nil, date: day, isMonth: isMonth, module: module,
          scenario: columns.contains(.scenario) ? scenario : nil,
          meter: columns.contains(.unit) ? meter : nil, quantity: quantity, amount: amount))
    }
    return totals(rows, columns: columns)
  }

  /// Its own rows that are wholly within the range.
  private func own(_ totals: StatedTotals) -> [StatedTotal] {
    totals.rows.filter { row in
      let last = row.isMonth ? row.date.month.last : row.date
      return row.contract == nil && range.contains(row.date) && range.contains(last)
    }
  }

  private func figures(_ side: StatedTotals) -> [Place: Figure] {
    var figures: [Place: Figure] = [:]
    for row in own(side) {
      let place = Place(month: row.date.month, module: row.module)
      var figure = figures[place] ?? Figure()
      figure.quantity += row.quantity
      let days = row.isMonth ? (0...27).map { row.date + $0 } : [row.date]
      let prices = Set(
        days.map {
          contract.unitPrice(
            module: row.module, scenario: row.scenario, meter: row.meter, on: $0)
        })
      let price = prices.count == 1 ? prices.first ?? nil : nil
      let amount = row.amount ?? price.map { $0 * row.quantity }
      if row.quantity != 0 || row.amount != nil {
        figure.amount = figure.amount.flatMap { sum in amount.map { sum + $0 } }
      }
      figures[place] = figure
    }
    return figures
  }

  private func isOutside(_ row: StatedTotal, comparesScenario: Bool) throws -> Bool {
    let term = try date("2025-12-03")...date("2026-02-20")
    return !term.contains(row.date) || row.module == "new"
      || (comparesScenario && row.scenario == "spa")
  }

  private func inference(_ random: inout SeededRandom, _ count: StatedTotals) -> TotalsInference? {
    let definitions: [InferredDefinition.Change] = [
      .definition(.idleTimeout(minutes: 20)), .definition(.contract), .definition(.call),
      .definition(.failedCalls), .zone(aheadMinutes: 0), .lostLog("a"),
      .definition(.countedOtherwise(.end)),
    ]
    if random.chance(20) { return nil }
    var changes = [random.one(of: definitions)]
    if random.chance(20) { changes.append(random.one(of: definitions)) }
    return TotalsInference(
      [InferredDefinition(changes, unexplained: random.chance(60) ? 0 : 5)],
      count: random.chance(40) ? count : nil)
  }

  @Test(
    "bridges lead from the licensee's figure to the licensor's, to the unit and the fen",
    arguments: 1...300 as ClosedRange<UInt64>)
  func bridges(seed: UInt64) throws {
    var random = SeededRandom(seed: seed)
    var (left, right, count) = (try rows(&random), try rows(&random), try rows(&random))
    left.isCount = random.chance(30)
    count.isCount = true
    let inference = inference(&random, count)
    let found = DifferenceBridge.bridges(
      contract: contract, licensor: left, licensee: right, range: range, inference: inference)
    let (licensor, licensee) = (figures(left), figures(right))
    var places = Set(licensor.keys).union(licensee.keys)
    let hasMonths = (own(left) + own(right) + (inference?.count.map(own) ?? [])).contains(
      where: \.isMonth)
    for bridge in found {
      let place = Place(month: bridge.month, module: bridge.module)
      if places.remove(place) == nil { #expect(inference?.count != nil) }
      let (ours, theirs) = (licensor[place] ?? Figure(), licensee[place] ?? Figure())
      let rows = bridge.rows
      let steps = rows.dropFirst().dropLast()
      #expect(rows.first?.quantity == theirs.quantity && rows.last?.quantity == ours.quantity)
      #expect(theirs.quantity + steps.reduce(0) { $0 + $1.quantity } == ours.quantity)
      #expect(steps.allSatisfy { !$0.explanation.isEmpty }, "seed \(seed)")
      if let from = rows.first?.amount {
        #expect(from == theirs.amount?.rounded(toScale: 2), "seed \(seed)")
        #expect(rows.last?.amount == ours.amount?.rounded(toScale: 2), "seed \(seed)")
        let amounts = steps.map(\.amount)
        #expect(!amounts.contains(nil))
        #expect(amounts.reduce(from) { $0 + ($1 ?? .zero) } == rows.last?.amount, "seed \(seed)")
      } else {
        #expect(rows.allSatisfy { $0.amount == nil })
      }
      guard !hasMonths else { continue }
      let comparesScenario =
        left.columns.contains(.scenario) && right.columns.contains(.scenario)
      func outside(_ side: StatedTotals) throws -> Int {
        try own(side).filter {
          try $0.date.month == place.month && $0.module == place.module
            && isOutside($0, comparesScenario: comparesScenario)
        }.reduce(0) { $0 + $1.quantity }
      }
      let step = steps.first { $0.step == .cause(.outsideContract) }
      #expect(step?.quantity ?? 0 == (try outside(left)) - (try outside(right)), "seed \(seed)")
    }
    #expect(places.isEmpty, "seed \(seed)")
    // The bridges are of what the months' rows are of.
    let compared = reconcileTotals(
      contract: contract, licensor: left, licensee: right, range: range)
    #expect(
      compared.months.reduce(0) { $0 + $1.difference }
        == found.reduce(0) { $0 + $1.licensor.quantity - $1.licensee.quantity })
    #expect(
      compared.days.isEmpty == (own(left) + own(right)).contains(where: \.isMonth)
        || compared.months.isEmpty)
  }

  @Test(
    "the other way round, each figure and difference changes its side",
    arguments: 1...60 as ClosedRange<UInt64>)
  func symmetry(seed: UInt64) throws {
    var random = SeededRandom(seed: seed)
    let (left, right) = (try rows(&random), try rows(&random))
    let there = reconcileTotals(contract: contract, licensor: left, licensee: right, range: range)
    let back = reconcileTotals(contract: contract, licensor: right, licensee: left, range: range)
    for (rows, others) in [(there.months, back.months), (there.days, back.days)] {
      #expect(rows.map(\.period) == others.map(\.period), "seed \(seed)")
      #expect(rows.map(\.difference) == others.map { -$0.difference }, "seed \(seed)")
      #expect(rows.map(\.licensorAmount) == others.map(\.licenseeAmount), "seed \(seed)")
      #expect(rows.map(\.licenseeQuantity) == others.map(\.licensorQuantity), "seed \(seed)")
    }
  }
}
