internal import CivilTime
internal import Contracts
public import Detection

/// `findings.csv`, in the order of ``Detection/Finding/precedes(_:_:)``.
public struct FindingsReport: Sendable {
  public static let columns = [
    "finding", "severity", "clause", "contract", "licensee", "app", "module", "from", "to",
    "records", "statistic", "p_value", "suppressed_low", "suppressed_high", "amount_low",
    "amount_high", "explanation", "recommended_action", "evidence",
  ]

  public let findings: [Finding]

  /// - Parameter findings: in any order.
  public init(_ findings: [Finding]) {
    self.findings = findings.sorted(by: Finding.precedes)
  }

  /// Times in each contract's zone, amounts in yuan with two places.
  public var table: CSVTable {
    CSVTable(columns: Self.columns, rows: findings.map(Self.row))
  }

  private static func row(_ finding: Finding) -> [CSVTable.Cell] {
    [
      .plain(finding.kind.rawValue),
      .plain(finding.severity.rawValue),
      .plain(finding.clause),
      .text(finding.contract),
      .text(finding.licensee),
      .text(finding.app),
      .text(finding.module),
      .optional(finding.from?.rfc3339(in: finding.zone)),
      .optional(finding.to?.rfc3339(in: finding.zone)),
      .number(finding.records),
      finding.statistic.map { .text($0) } ?? .empty,
      .optional(finding.pValue),
      .optional(finding.suppressedLow.map { String($0) }),
      .optional(finding.suppressedHigh.map { String($0) }),
      .optional(finding.amountLow?.text(places: 2)),
      .optional(finding.amountHigh?.text(places: 2)),
      .text(finding.explanation),
      .text(finding.recommendedAction),
      .text(finding.evidence.joined(separator: "; ")),
    ]
  }
}
