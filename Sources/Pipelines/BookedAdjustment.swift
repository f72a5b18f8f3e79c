public import CivilTime
public import Contracts
internal import Ledger
internal import Reports

/// What late logs change in a closed month, booked in one that is open.
public struct BookedAdjustment: Sendable, Hashable {
  public var contract: String
  public var licensee: String
  /// The month that is closed, and the one that it is booked in.
  public var closed: CivilMonth
  public var booked: CivilMonth
  public var date: CivilDate
  public var module: String
  public var scenario: String
  public var meter: Meter
  /// Each is what an open count says now less what it said before; not all are 0.
  public var quantity: Int
  public var messages: Int
  public var failedMessages: Int
  public var duplicates: Int
  /// Yuan a unit, by the contract's price list on the date; `nil` where it has none.
  public var unitPrice: Money?
  /// Why, and the log that it came with; `nil` where it is no single one.
  public var cause: String
  public var log: String?

  init(_ adjustment: Adjustment, _ contract: Contract?) {
    self.contract = adjustment.contract
    licensee = adjustment.licensee
    closed = adjustment.closed
    booked = adjustment.booked
    date = adjustment.date
    module = adjustment.module
    scenario = adjustment.scenario
    meter = Meter(rawValue: adjustment.unit) ?? .conversation
    quantity = adjustment.quantity
    messages = adjustment.messages
    failedMessages = adjustment.failedMessages
    duplicates = adjustment.duplicates
    cause = adjustment.cause
    log = adjustment.log?.name
    unitPrice = contract?.unitPrice(module: module, scenario: scenario, meter: meter, on: date)
  }

  /// Yuan, rounded to fen.
  public var net: Money? { unitPrice.map { ($0 * quantity).rounded(toScale: 2) } }

  var text: String {
    "\(closed), \(date): \(quantity) \(meter.rawValue)s of \(module)"
      + (scenario.isEmpty ? "" : ", \(scenario)") + ": \(cause)" + (log.map { ", \($0)" } ?? "")
  }

  var json: JSONValue {
    [
      "contract": .string(contract), "licensee": .string(licensee),
      "period_closed": .string("\(closed)"), "period_booked": .string("\(booked)"),
      "date": .string("\(date)"), "module": .string(module), "scenario": .string(scenario),
      "unit": .string(meter.rawValue), "quantity": .number(quantity),
      "net": net.map { .string($0.text(places: 2)) } ?? .null, "cause": .string(cause),
      "log": log.map { .string($0) } ?? .null,
    ]
  }

  static let columns = [
    "contract", "licensee", "period_closed", "period_booked", "date", "module", "scenario", "unit",
    "quantity", "messages", "failed_messages", "duplicates", "unit_price", "net", "cause", "log",
  ]

  /// `adjustments.csv`, in the order in which they were booked.
  static func table(_ adjustments: [BookedAdjustment]) -> CSVTable {
    CSVTable(
      columns: columns,
      rows: adjustments.map {
        [
          .text($0.contract), .text($0.licensee), .plain("\($0.closed)"), .plain("\($0.booked)"),
          .date($0.date), .text($0.module), .text($0.scenario), .plain($0.meter.rawValue),
          .number($0.quantity), .number($0.messages), .number($0.failedMessages),
          .number($0.duplicates), .optional($0.unitPrice.map { "\($0)" }),
          .optional($0.net?.text(places: 2)), .text($0.cause), $0.log.map { .text($0) } ?? .empty,
        ]
      })
  }
}
