public import CivilTime
public import Contracts

/// Units of a module that only the licensee's own detail has, at times of which the gateway's log is complete and has no
/// trace of them; what a reconciliation of details comes to.
public struct ServedWithoutCall: Sendable, Hashable {
  /// As the records name it; empty where the statement does not say.
  public var licensee = ""
  public var module: String
  /// Units that no call of the log belongs to, failed ones included.
  public var units = 0
  /// Units likewise, of which it was not looked at whether all their calls failed.
  public var unitsOfFailuresUnknown = 0
  /// Units that only the licensee has where the log is incomplete: said beside, held against nobody.
  public var unitsInGaps = 0
  /// All units of the licensee's detail of the module on the days compared.
  public var unitsOfLicensee = 0
  /// Yuan, of `units` and `unitsOfFailuresUnknown`; `nil` without a price.
  public var amount: Money?
  public var first: Instant?
  public var last: Instant?
  /// `units` and `unitsOfFailuresUnknown` by the day that the licensee counts them on.
  public var days: [CivilDate: Int] = [:]
  /// Rows of the licensee's detail, `file:row`, the first ones.
  public var evidence: [String] = []

  public init(module: String) { self.module = module }

  /// The finding `served_without_call`; `nil` where there is nothing to tell.
  ///
  /// It is never of high severity: the licensee states these units itself, to its own cost, and programs that count what
  /// a user began before it was sent do so honestly.
  public func finding(_ contract: Contract) -> Finding? {
    let all = units + unitsOfFailuresUnknown
    guard all > 0 else { return nil }
    var finding = Finding(
      kind: .servedWithoutCall, severity: severity, clause: "access.no_caching",
      contract: contract.number, licensee: licensee, zone: contract.zone, records: 0,
      explanation: explanation,
      recommendedAction:
        "Ask the licensee what answered these conversations, by the rows named: its own records of one of "
        + "them show whether a call was sent, and what came back. Charge none of them before that.",
      evidence: Array(evidence.prefix(6)))
    finding.module = module
    finding.from = first
    finding.to = last
    finding.statistic = "units=\(all) of \(unitsOfLicensee) on \(Words.count(days.count, "day"))"
    finding.suppressedLow = 0
    finding.suppressedHigh = all
    if let amount {
      finding.amountLow = Money.zero
      finding.amountHigh = amount
    }
    return finding
  }

  private static let unitsOfLow = 5
  private static let unitsOfMedium = 20
  private static let daysOfMedium = 3

  /// A handful may be clocks, typing or test users; many on one day, a disturbance of the network.
  private var severity: Finding.Severity {
    let all = units + unitsOfFailuresUnknown
    if all < Self.unitsOfLow { return .info }
    let isMany =
      units >= Self.unitsOfMedium && units * 500 >= unitsOfLicensee
      && days.count >= Self.daysOfMedium && (days.values.max() ?? 0) * 4 <= all * 3
    return isMany ? .medium : .low
  }

  private var explanation: String {
    let all = units + unitsOfFailuresUnknown
    var text =
      "The licensee's own detail has \(Words.count(all, "unit")) of \"\(module)\" of which the gateway's "
      + "log, complete at these times, has no call, of \(unitsOfLicensee) in all, on "
      + "\(Words.count(days.count, "day")). Such conversations may have been answered without the service. "
    if unitsOfFailuresUnknown > 0 {
      text +=
        "Of \(unitsOfFailuresUnknown) of them it was not looked at whether all their calls failed. "
    }
    if unitsInGaps > 0 {
      text +=
        "\(Words.count(unitsInGaps, "unit")) more that only the licensee has are of times at which the log "
        + "is incomplete; they are not meant. "
    }
    return text
      + "Other explanations: clocks that differ from row to row, wrongly written users or times, users "
      + "of tests, and conversations that were counted when they were begun, but could not be sent."
  }
}
