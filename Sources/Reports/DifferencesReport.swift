internal import CivilTime
public import Contracts
public import Reconciliation

/// `differences.csv`: a row for each unit that the two sides see differently; one unit of a side that is several of the
/// other's is one row, and several values in a cell have spaces between them.
///
/// Rows are in the order of (contract, period, module, scenario, time, row). Those of a cause add up to the steps of
/// `difference-bridge.csv`: `licensor_quantity` by `period` and `module`, less `licensee_quantity` by `licensee_period`
/// and `licensee_module`.
public struct DifferencesReport: Sendable {
  public static let columns = [
    "contract", "period", "module", "scenario", "unit", "cause", "licensor_quantity",
    "licensee_quantity", "licensor_amount", "licensee_amount", "licensor_user", "licensee_user",
    "licensor_conversation", "licensee_conversation", "licensor_started_at", "licensor_ended_at",
    "licensee_started_at", "licensee_ended_at", "licensee_period", "licensee_module",
    "licensee_scenario", "licensor_source", "licensee_source", "explanation",
  ]

  private let contract: Contract
  private let source: @Sendable (StatedSide, UInt64) -> String
  private let user: @Sendable (StatedSide, String) -> String

  /// - Parameters:
  ///   - source: where a side's unit stands, by ``StatedUnit/place``.
  ///   - user: how a side's users are shown.
  public init(
    _ contract: Contract, source: @escaping @Sendable (StatedSide, UInt64) -> String,
    user: @escaping @Sendable (StatedSide, String) -> String
  ) {
    self.contract = contract
    self.source = source
    self.user = user
  }

  /// The bytes of a row.
  public func row(_ difference: Difference) -> [UInt8] {
    var buffer = CSVBuffer()
    let (licensor, licensee) = (difference.licensor, difference.licensee)
    let own = licensor.isEmpty ? licensee : licensor
    buffer.field(contract.number)
    buffer.plainField(Self.joined(own.map { "\($0.date.month)" }))
    buffer.field(Self.joined(own.map(\.kind.module)))
    buffer.field(Self.joined(own.map(\.kind.scenario)))
    buffer.plainField(Self.joined(own.map(\.kind.meter.rawValue)))
    buffer.plainField(difference.cause.rawValue)
    for units in [licensor, licensee] { buffer.field(units.reduce(0) { $0 + $1.quantity }) }
    for units in [licensor, licensee] { buffer.plainField(Self.amount(units)) }
    buffer.field(Self.joined(licensor.map { user(.licensor, $0.user) }))
    buffer.field(Self.joined(licensee.map { user(.licensee, $0.user) }))
    for units in [licensor, licensee] { buffer.field(Self.joined(units.map(\.conversation))) }
    for units in [licensor, licensee] {
      buffer.plainField(times(units.map(\.startedAt)))
      buffer.plainField(times(units.map(\.endedAt)))
    }
    buffer.plainField(Self.joined(licensee.map { "\($0.date.month)" }))
    buffer.field(Self.joined(licensee.map(\.kind.module)))
    buffer.field(Self.joined(licensee.map(\.kind.scenario)))
    buffer.field(licensor.map { source(.licensor, $0.place) }.joined(separator: " "))
    buffer.field(licensee.map { source(.licensee, $0.place) }.joined(separator: " "))
    buffer.field(explanation(difference))
    buffer.endRow()
    return buffer.bytes
  }

  private func explanation(_ difference: Difference) -> String {
    guard let evidence = difference.evidence else { return difference.explanation }
    return "\(difference.explanation); log: \(source(.log, evidence))"
  }

  /// Values with spaces between; what is the same in all only once.
  private static func joined(_ values: [String]) -> String {
    guard let first = values.first else { return "" }
    return values.allSatisfy { $0 == first } ? first : values.joined(separator: " ")
  }

  private static func amount(_ units: [Difference.Unit]) -> String {
    var sum = Money.zero
    for unit in units {
      guard let amount = unit.amount else { return "" }
      sum = sum + amount
    }
    return units.isEmpty ? "" : sum.text(places: max(2, sum.scale))
  }

  private func times(_ times: [Instant?]) -> String {
    let isUTC = contract.zone.identifier == "UTC"
    return times.compactMap { time in
      guard let time else { return nil }
      var bytes: [UInt8] = []
      time.appendRFC3339(
        to: &bytes, offsetSeconds: contract.zone.offsetSeconds(at: time), isUTC: isUTC)
      return String(decoding: bytes, as: UTF8.self)
    }.joined(separator: " ")
  }
}
