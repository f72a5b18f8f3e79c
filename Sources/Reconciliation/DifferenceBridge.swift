public import CivilTime
public import Contracts

/// The way from the licensee's figure to the licensor's in one month and module: a step for each cause, exactly.
public struct DifferenceBridge: Sendable, Hashable {
  /// What a side states.
  public struct Figure: Sendable, Hashable {
    public var quantity = 0
    /// Yuan, exactly.
    public var amount = Money.zero
    /// Whether a part of the quantity has no price.
    public var isUnpriced = false

    public init() {}

    mutating func add(_ quantity: Int, _ amount: Money?) {
      self.quantity += quantity
      if let amount {
        self.amount = self.amount + amount
      } else if quantity != 0 {
        isUnpriced = true
      }
    }
  }

  /// One row: a side's figure, or a step.
  public struct Row: Sendable, Hashable {
    public enum Step: Sendable, Hashable {
      case licensee
      case cause(DifferenceCause)
      case licensor
    }

    public var step: Step
    public var quantity: Int
    /// Yuan, in whole fen, so that the rows add up as they are shown; `nil` where something of the bridge has no
    /// price.
    public var amount: Money?
    public var explanation: String
  }

  public var month: CivilMonth
  public var module: String
  public var licensee = Figure()
  public var licensor = Figure()
  public var steps: [DifferenceCause: BridgeStep] = [:]
  /// In place of what reasons say.
  var explanations: [DifferenceCause: String] = [:]

  public init(month: CivilMonth, module: String) {
    self.month = month
    self.module = module
  }

  /// Units that no step accounts for; 0 but for a mistake of ours.
  var remainder: Int {
    licensor.quantity - licensee.quantity - steps.values.reduce(0) { $0 + $1.quantity }
  }

  /// Puts what no step accounts for where it can be seen: units without a cause, and of units that both sides have
  /// other prices.
  mutating func close() {
    if remainder != 0 {
      let rest = remainder
      steps[.unexplained, default: BridgeStep()].quantity += rest
    }
    guard isPriced else { return }
    let amounts = steps.values.reduce(Money.zero) { $0 + $1.amount }
    let rest = licensor.amount - licensee.amount - amounts
    if rest != .zero { steps[.priceDifference, default: BridgeStep()].amount = rest }
  }

  private var isPriced: Bool {
    !licensor.isUnpriced && !licensee.isUnpriced && !steps.values.contains(where: \.isUnpriced)
  }

  /// The licensee's figure, the steps in the order of causes, the licensor's figure.
  public var rows: [Row] {
    var exact = licensee.amount
    var shown = exact.rounded(toScale: 2)
    var rows = [
      Row(
        step: .licensee, quantity: licensee.quantity, amount: isPriced ? shown : nil,
        explanation: "")
    ]
    for cause in DifferenceCause.allCases {
      guard let step = steps[cause] else { continue }
      exact = exact + step.amount
      // Rounding what was reached, not the step, keeps the sum right to the fen.
      let reached = exact.rounded(toScale: 2)
      rows.append(
        Row(
          step: .cause(cause), quantity: step.quantity, amount: isPriced ? reached - shown : nil,
          explanation: explanations[cause] ?? step.explanation(of: cause)))
      shown = reached
    }
    rows.append(
      Row(
        step: .licensor, quantity: licensor.quantity,
        amount: isPriced ? licensor.amount.rounded(toScale: 2) : nil, explanation: ""))
    return rows
  }
}

extension DifferenceBridge {
  /// The bridges of two details, by month and module.
  public static func bridges(_ outcome: DetailOutcome) -> [DifferenceBridge] {
    var bridges: [DetailOutcome.Place: DifferenceBridge] = [:]
    func change(
      _ month: CivilMonth, _ module: String, _ body: (inout DifferenceBridge) -> Void
    ) {
      let place = DetailOutcome.Place(month: month, module: module)
      body(&bridges[place, default: DifferenceBridge(month: month, module: module)])
    }
    for total in outcome.licensee.totals {
      change(total.date.month, total.module) { $0.licensee.add(total.quantity, total.amount) }
    }
    for total in outcome.licensor.totals {
      change(total.date.month, total.module) { $0.licensor.add(total.quantity, total.amount) }
    }
    for (place, steps) in outcome.steps {
      change(place.month, place.module) { $0.steps = steps }
    }
    return sorted(bridges.values)
  }

  static func sorted(
    _ bridges: some Sequence<DifferenceBridge>
  ) -> [DifferenceBridge] {
    bridges.map { bridge in
      var bridge = bridge
      bridge.close()
      return bridge
    }
    .sorted { left, right in
      left.month == right.month
        ? left.module.utf8.lexicographicallyPrecedes(right.module.utf8) : left.month < right.month
    }
  }
}
