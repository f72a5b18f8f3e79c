internal import Contracts
public import Counting

/// `count.csv`: what each licensee used, per day, module and scenario.
///
/// Rows are ordered by (contract, licensee, date, module, scenario, unit), texts by their bytes.
public struct DailyTotalsReport: Sendable {
  public static let columns = [
    "contract", "licensee", "date", "module", "scenario", "unit", "quantity", "messages",
    "failed_messages", "duplicates",
  ]

  public let totals: [DailyTotal]

  /// - Parameter totals: in any order.
  public init(_ totals: [DailyTotal]) {
    self.totals = totals.sorted(by: Self.precedes)
  }

  /// The whole file.
  public func bytes(style: CSVStyle = CSVStyle()) -> [UInt8] {
    var buffer = style.header(Self.columns)
    for total in totals {
      buffer.field(total.contract)
      buffer.field(total.licensee)
      buffer.field(total.date)
      buffer.field(total.module)
      buffer.field(total.scenario)
      buffer.plainField(total.meter.rawValue)
      buffer.field(total.quantity)
      buffer.field(total.messages)
      buffer.field(total.failedMessages)
      buffer.field(total.duplicates)
      buffer.endRow()
    }
    return buffer.bytes
  }

  private static func precedes(_ left: DailyTotal, _ right: DailyTotal) -> Bool {
    if let order = byteOrder(left.contract, right.contract) { return order }
    if let order = byteOrder(left.licensee, right.licensee) { return order }
    if left.date != right.date { return left.date < right.date }
    if let order = byteOrder(left.module, right.module) { return order }
    if let order = byteOrder(left.scenario, right.scenario) { return order }
    return left.meter.rawValue < right.meter.rawValue
  }

  /// Whether the first text's bytes come first; `nil` where the bytes are equal. `String`'s own
  /// order takes different spellings of one character for equal, which is no total order.
  private static func byteOrder(_ left: String, _ right: String) -> Bool? {
    if left.utf8.lexicographicallyPrecedes(right.utf8) { return true }
    return right.utf8.lexicographicallyPrecedes(left.utf8) ? false : nil
  }
}
