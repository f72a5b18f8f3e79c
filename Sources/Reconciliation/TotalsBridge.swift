public import CivilTime
public import Contracts
public import Definitions

/// What a log says of the licensee's totals.
public struct TotalsInference: Sendable {
  /// What gives exactly the licensee's totals, else the nearest.
  public var definitions: [InferredDefinition]
  /// The log's count by the contract; `nil`: the licensor's totals are that.
  public var count: StatedTotals?

  public init(_ definitions: [InferredDefinition], count: StatedTotals? = nil) {
    self.definitions = definitions
    self.count = count
  }

  /// What gives exactly the licensee's totals; of several that cannot be told apart, the likeliest.
  var exact: InferredDefinition? { definitions.first { $0.isExact } }

  /// All that gives exactly these totals, in words.
  var exactText: String {
    let exact = definitions.filter(\.isExact)
    let verb = exact.last.map { $0.changes.count > 1 } ?? false ? "give" : "gives"
    return exact.map(\.words).joined(separator: ", or ") + " \(verb) exactly these totals"
  }
}

extension DifferenceBridge {
  /// The bridges of two sides' totals, by month and module, of the rows that ``reconcileTotals`` compares.
  ///
  /// - Parameters:
  ///   - range: the days compared, both included.
  ///   - inference: what a log says of the licensee's totals; `nil` where none was given.
  public static func bridges(
    contract: Contract, licensor: StatedTotals, licensee: StatedTotals,
    range: ClosedRange<CivilDate>, inference: TotalsInference? = nil
  ) -> [DifferenceBridge] {
    TotalsBridges(contract, licensor, licensee, range, inference).bridges()
  }
}

/// Makes the bridges of totals, figure by figure.
private struct TotalsBridges {
  private typealias Side = TotalsComparison.Side

  private struct Place: Hashable {
    var month: CivilMonth
    var module: String
  }

  /// A bridge, and what is to be said of it.
  private struct Draft {
    var bridge: DifferenceBridge
    /// What the inferred definition makes of it; its cause may depend on all of that.
    var inferred = BridgeStep()
    var outside: Set<DifferenceReason> = []
    /// Whether the licensor has figures beyond the licensee's first or last day.
    var hasDaysBeyond = false
    var gaps: Set<Gap> = []
  }

  /// Why something stays unexplained, in the order in which it is told.
  private enum Gap: Int, Comparable {
    case noDefinition, notTheCount, daysNotStated, items

    static func < (left: Gap, right: Gap) -> Bool { left.rawValue < right.rawValue }
  }

  private let contract: Contract
  private let inference: TotalsInference?
  /// Whether the licensor's figures are our count of a log.
  private let isOfCount: Bool
  private let licensorDates: StatedDates
  private let licenseeDates: StatedDates
  private let comparison: TotalsComparison

  init(
    _ contract: Contract, _ licensor: StatedTotals, _ licensee: StatedTotals,
    _ range: ClosedRange<CivilDate>, _ inference: TotalsInference?
  ) {
    self.contract = contract
    self.inference = inference
    isOfCount = licensor.isCount
    var comparison = TotalsComparison(
      contract: contract, licensor: licensor.columns, licensee: licensee.columns)
    func add(
      _ totals: StatedTotals, to side: WritableKeyPath<TotalsComparison.Pair, Side>
    ) -> StatedDates {
      let compared = ComparedRows(totals, contract: contract, range: range)
      comparison.add(compared.rows, columns: totals.columns, to: side)
      return StatedDates(compared, isCount: totals.isCount)
    }
    licensorDates = add(licensor, to: \.licensor)
    licenseeDates = add(licensee, to: \.licensee)
    if let count = inference?.count { _ = add(count, to: \.count) }
    self.comparison = comparison
  }

  func bridges() -> [DifferenceBridge] {
    var drafts: [Place: Draft] = [:]
    for (key, pair) in comparison.cells {
      let place = Place(month: key.date.month, module: key.module)
      let new = Draft(bridge: DifferenceBridge(month: place.month, module: place.module))
      explain(key, pair, in: &drafts[place, default: new])
    }
    return DifferenceBridge.sorted(drafts.values.map(finished))
  }

  // MARK: - Figures

  /// Gives the difference of one figure its causes.
  private func explain(
    _ key: TotalsComparison.Key, _ pair: TotalsComparison.Pair, in draft: inout Draft
  ) {
    draft.bridge.licensor.add(pair.licensor)
    draft.bridge.licensee.add(pair.licensee)
    let last = comparison.hasMonths ? key.date.month.last : key.date
    let price = comparison.prices.price(
      module: key.module, scenario: comparison.comparesScenario ? key.scenario : nil,
      meter: key.meter, from: key.date, to: last)
    let whole = BridgeStep(from: pair.licensee, to: pair.licensor, price: price)
    if let reason = comparison.prices.outsideReason(
      module: key.module, scenario: key.scenario, from: key.date, to: last)
    {
      if !whole.isEmpty { draft.outside.insert(reason) }
      draft.bridge.add(whole, .outsideContract)
      return
    }
    func leave(_ step: BridgeStep, _ gap: Gap) {
      if !step.isEmpty { draft.gaps.insert(gap) }
      draft.bridge.add(step, .unexplained)
    }
    let meter = contract.meter(module: key.module, stated: key.meter, on: key.date)
    let isStated = licensorDates.contains(key.date, last, meter)
    // The log's count lies between the two, where it is none of them.
    let count = inference?.count == nil ? pair.licensor : pair.count
    let claim = BridgeStep(from: pair.licensee, to: count, price: price)
    let rest = BridgeStep(from: count, to: pair.licensor, price: price)
    if pair.licensee.quantity == 0, !licenseeDates.contains(key.date, last, meter) {
      if !claim.isEmpty { draft.hasDaysBeyond = true }
      draft.bridge.add(claim, .missingAtLicensee)
    } else if !isStated, inference?.count == nil {
      leave(claim, .daysNotStated)
    } else if meter == .item {
      leave(claim, .items)
    } else if inference?.exact != nil {
      draft.inferred.add(claim)
    } else {
      leave(claim, .noDefinition)
    }
    leave(rest, isStated ? .notTheCount : .daysNotStated)
  }

  // MARK: - Causes

  private func finished(_ draft: Draft) -> DifferenceBridge {
    var bridge = draft.bridge
    var gaps = draft.gaps
    var words: [DifferenceCause: [String]] = [:]
    if !draft.outside.isEmpty {
      let reasons = draft.outside.sorted().map(\.words).joined(separator: "; ")
      words[.outsideContract] = ["\(DifferenceCause.outsideContract.words): \(reasons)"]
    }
    if draft.hasDaysBeyond {
      words[.missingAtLicensee] = ["the licensee's statement has \(licenseeDates.lack)"]
    }
    if let exact = inference?.exact, !draft.inferred.isEmpty {
      let cause = cause(of: exact, in: bridge.month, quantity: draft.inferred.quantity)
      bridge.add(draft.inferred, cause)
      if cause == .unexplained {
        gaps.insert(.notTheCount)
      } else {
        words[cause, default: []].append(inference?.exactText ?? exact.words)
      }
    }
    if !gaps.isEmpty { words[.unexplained] = gaps.sorted().map(text) }
    bridge.steps = bridge.steps.filter { !$0.value.isEmpty }
    bridge.explanations = words.mapValues { $0.joined(separator: "; ") }
    return bridge
  }

  /// What the licensee's definition means.
  ///
  /// - Parameter quantity: units of the contract's count less the licensee's.
  private func cause(
    of inferred: InferredDefinition, in month: CivilMonth, quantity: Int
  ) -> DifferenceCause {
    var causes = inferred.changes.map { cause(of: $0, in: month, quantity: quantity) }
    // Other days move units from month to month; more or fewer of them come from what else departs.
    if causes.contains(where: { $0 != .periodBoundary }) {
      causes.removeAll { $0 == .periodBoundary }
    }
    // Of several, one that leads to more units, or fewer, as the licensee has.
    let fitting = causes.last { $0.licenseeHasMore.map { $0 == (quantity < 0) } ?? true }
    return fitting ?? causes.last ?? .unexplained
  }

  private func cause(
    of change: InferredDefinition.Change, in month: CivilMonth, quantity: Int
  ) -> DifferenceCause {
    switch change {
    case .zone, .definition(.countedOtherwise): return .periodBoundary
    case .lostTime, .lostLog: return .missingAtLicensee
    case .definition(.failedCalls): return .notBillable
    case .definition(.duplicates): return .duplicateAtLicensee
    case .definition(.contract): return .unexplained
    case .definition(.idleTimeout(let minutes)):
      let agreed = contract.rule(on: month.last).rule.idleTimeout
      return Interval(seconds: Int64(minutes) * 60) < agreed ? .split : .merged
    case .definition(.closeEvent), .definition(.conversationID), .definition(.userDay),
      .definition(.quarterHour), .definition(.call):
      return quantity < 0 ? .split : .merged
    }
  }

  // MARK: - Words

  private func text(_ gap: Gap) -> String {
    switch gap {
    case .noDefinition: nearestText
    case .notTheCount: "the licensor's totals are not the contract's count of the log"
    case .daysNotStated: "the licensor's statement has \(licensorDates.lack)"
    case .items: "units by item, which no definition changes"
    }
  }

  private var nearestText: String {
    guard let inference else {
      return isOfCount
        ? "by which definition the licensee counts was not looked for; 'duizhang rules --licensee' and "
          + "'duizhang reconcile --log' do"
        : "no log was given that the licensee's totals could be held against"
    }
    guard !inference.definitions.isEmpty else {
      return "the licensee states no conversations that a definition could be inferred from"
    }
    return "no known definition gives these totals; the nearest, over all days and modules: "
      + inference.definitions.map { "\($0.words) (leaves \($0.unexplained) units)" }
      .joined(separator: ", ")
  }
}

/// From which day to which a side has figures.
private struct StatedDates {
  private let all: ClosedRange<CivilDate>?
  private let byMeter: [Meter: ClosedRange<CivilDate>]
  /// Our count has all days.
  private let isCount: Bool

  init(_ rows: ComparedRows, isCount: Bool) {
    all = rows.dates
    byMeter = rows.datesByMeter
    self.isCount = isCount
  }

  /// Whether the side has figures of any of some days, or of days before and behind them.
  func contains(_ first: CivilDate, _ last: CivilDate, _ meter: Meter) -> Bool {
    if isCount { return true }
    guard let dates = byMeter[meter] ?? all else { return false }
    return dates.overlaps(first...last)
  }

  /// What it does not have, in words.
  var lack: String {
    guard let all else { return "no figures of the contract" }
    return "no figures of some of these days: it is of \(all.lowerBound) to \(all.upperBound)"
  }
}

extension DifferenceCause {
  /// Whether the licensee has more units for such a cause, or fewer; `nil` where it may be either.
  fileprivate var licenseeHasMore: Bool? {
    switch self {
    case .split, .notBillable, .duplicateAtLicensee: true
    case .merged, .missingAtLicensee: false
    default: nil
    }
  }
}

extension BridgeStep {
  /// The way from a figure to another: units at the price list's price where it has one, else all by which the amounts
  /// differ.
  fileprivate init(
    from first: TotalsComparison.Side, to second: TotalsComparison.Side, price: Money?
  ) {
    self.init()
    quantity = second.quantity - first.quantity
    guard quantity != 0 else { return }
    if let price {
      amount = price * quantity
    } else if first.isUnpriced || second.isUnpriced {
      isUnpriced = true
    } else {
      amount = second.amount - first.amount
    }
  }

  fileprivate var isEmpty: Bool { quantity == 0 && amount == .zero && !isUnpriced }
}

extension DifferenceBridge {
  fileprivate mutating func add(_ step: BridgeStep, _ cause: DifferenceCause) {
    if !step.isEmpty { steps[cause, default: BridgeStep()].add(step) }
  }
}

extension DifferenceBridge.Figure {
  fileprivate mutating func add(_ side: TotalsComparison.Side) {
    quantity += side.quantity
    amount = amount + side.amount
    isUnpriced = isUnpriced || side.isUnpriced
  }
}
