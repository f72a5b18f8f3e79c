internal import CivilTime
internal import Contracts
public import Reconciliation

/// `difference-bridge.csv`: for each contract, month and module the way from the licensee's figure to the licensor's,
/// row by row; in the order of (contract, period, module, step).
public struct BridgeReport: Sendable {
  public static let columns = [
    "contract", "period", "module", "step", "cause", "quantity", "amount", "explanation",
  ]

  private let bridges: [(contract: String, bridges: [DifferenceBridge])]

  /// - Parameter bridges: of each contract, in any order; those of one contract by month and module.
  public init(_ bridges: [(contract: String, bridges: [DifferenceBridge])]) {
    self.bridges = bridges.sorted {
      $0.contract.utf8.lexicographicallyPrecedes($1.contract.utf8)
    }
  }

  public var table: CSVTable {
    var table = CSVTable(columns: Self.columns)
    for (contract, bridges) in bridges {
      for bridge in bridges {
        for (step, row) in bridge.rows.enumerated() {
          table.append([
            .text(contract), .plain("\(bridge.month)"), .text(bridge.module), .number(step),
            .plain(row.step.name), .number(row.quantity), .optional(row.amount?.text(places: 2)),
            .text(row.explanation),
          ])
        }
      }
    }
    return table
  }
}

extension DifferenceBridge.Row.Step {
  /// The word that reports use.
  public var name: String {
    switch self {
    case .licensee: "licensee"
    case .cause(let cause): cause.rawValue
    case .licensor: "licensor"
    }
  }
}
