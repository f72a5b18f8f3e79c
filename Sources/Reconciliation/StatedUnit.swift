public import CivilTime
public import Contracts
internal import Statements

/// A unit as a side states it.
public struct StatedUnit: Sendable {
  /// The day that the side counts it on.
  public var date: CivilDate
  public var module: String
  /// Empty where none is stated.
  public var scenario: String
  /// `nil`: what the contract says of the module.
  public var meter: Meter?
  public var quantity: Int
  /// Empty where none is stated.
  public var user: String
  public var conversation: String
  public var startedAt: Instant?
  public var endedAt: Instant?
  public var messages: Int?
  /// Yuan in all; `nil`: quantity and the contract's price.
  public var charge: Money?
  /// Whether the side itself says that it is not charged.
  public var isNotBillable: Bool
  /// Where it stands: the row of a statement, the number of a log's line.
  public var place: UInt64

  public init(
    date: CivilDate, module: String, scenario: String = "", meter: Meter? = nil, quantity: Int = 1,
    user: String = "", conversation: String = "", startedAt: Instant?, endedAt: Instant?,
    messages: Int? = nil, charge: Money? = nil, isNotBillable: Bool = false, place: UInt64
  ) {
    self.date = date
    self.module = module
    self.scenario = scenario
    self.meter = meter
    self.quantity = quantity
    self.user = user
    self.conversation = conversation
    self.startedAt = startedAt
    self.endedAt = endedAt
    self.messages = messages
    self.charge = charge
    self.isNotBillable = isNotBillable
    self.place = place
  }
}
