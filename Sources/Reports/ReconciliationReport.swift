internal import Contracts
public import Reconciliation

/// `reconciliation.csv`, by month, and `reconciliation-daily.csv`, by day, in the order of the
/// values: (contract, period, module, scenario, unit).
public struct ReconciliationReport: Sendable {
  public static let columns = [
    "contract", "period", "module", "scenario", "unit", "licensor_quantity", "licensee_quantity",
    "difference", "difference_pct", "tolerance_pct", "within_tolerance", "licensor_amount",
    "licensee_amount", "amount_difference",
  ]

  public let reconciliations: [TotalsReconciliation]

  /// - Parameter reconciliations: one per contract, in any order.
  public init(_ reconciliations: [TotalsReconciliation]) {
    self.reconciliations = reconciliations.sorted { $0.contract < $1.contract }
  }

  /// A row per calendar month: what is settled.
  public var months: CSVTable { table(\.months) }

  /// A row per day.
  public var days: CSVTable { table(\.days) }

  private func table(_ rows: KeyPath<TotalsReconciliation, [ReconciliationRow]>) -> CSVTable {
    var table = CSVTable(columns: Self.columns)
    for reconciliation in reconciliations {
      for row in reconciliation[keyPath: rows] {
        table.append(Self.cells(row, contract: reconciliation.contract))
      }
    }
    return table
  }

  private static func cells(_ row: ReconciliationRow, contract: String) -> [CSVTable.Cell] {
    let tolerancePercent = row.tolerance * 100
    return [
      .text(contract),
      .plain(row.period),
      .text(row.module),
      .text(row.scenario),
      .optional(row.meter?.rawValue),
      .number(row.licensorQuantity),
      .number(row.licenseeQuantity),
      .number(row.difference),
      .optional(row.differencePercent?.text(places: 4)),
      .plain(tolerancePercent.text(places: max(4, tolerancePercent.scale))),
      .plain(row.isWithinTolerance ? "true" : "false"),
      .optional(row.licensorAmount?.text(places: 2)),
      .optional(row.licenseeAmount?.text(places: 2)),
      .optional(row.amountDifference?.text(places: 2)),
    ]
  }
}
