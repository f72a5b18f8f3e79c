public import CivilTime
public import Contracts
internal import Decoding
internal import Statements

/// What a unit is of; units that have the same can share it.
public final class StatedNames: Sendable {
  public let module: String
  /// Empty where none is stated.
  public let scenario: String
  /// `nil`: what the contract says of the module.
  public let meter: Meter?
  /// Its place among those of the source, so that it is looked up once; below 0: looked up for each unit.
  let number: Int

  public init(module: String, scenario: String = "", meter: Meter? = nil, number: Int = -1) {
    self.module = module
    self.scenario = scenario
    self.meter = meter
    self.number = number
  }
}

/// A unit as a side states it; valid as long as its source does not go on.
public struct StatedUnit {
  /// The day that the side counts it on.
  public var date: CivilDate
  public var names: StatedNames
  public var quantity: Int
  public var startedAt: Instant?
  public var endedAt: Instant?
  public var messages: Int?
  /// Yuan in all; `nil`: quantity and the contract's price.
  public var charge: Money?
  /// Whether the side itself says that it is not charged.
  public var isNotBillable: Bool
  /// Where it stands: the row of a statement, the number of a log's line.
  public var place: UInt64
  var userText: UnitText
  var conversationText: UnitText

  public init(
    date: CivilDate, names: StatedNames, quantity: Int = 1, user: String = "",
    conversation: String = "", startedAt: Instant?, endedAt: Instant?, messages: Int? = nil,
    charge: Money? = nil, isNotBillable: Bool = false, place: UInt64
  ) {
    self.date = date
    self.names = names
    self.quantity = quantity
    userText = .text(user)
    conversationText = .text(conversation)
    self.startedAt = startedAt
    self.endedAt = endedAt
    self.messages = messages
    self.charge = charge
    self.isNotBillable = isNotBillable
    self.place = place
  }

  public init(
    date: CivilDate, module: String, scenario: String = "", meter: Meter? = nil, quantity: Int = 1,
    user: String = "", conversation: String = "", startedAt: Instant?, endedAt: Instant?,
    messages: Int? = nil, charge: Money? = nil, isNotBillable: Bool = false, place: UInt64
  ) {
    self.init(
      date: date, names: StatedNames(module: module, scenario: scenario, meter: meter),
      quantity: quantity, user: user, conversation: conversation, startedAt: startedAt,
      endedAt: endedAt, messages: messages, charge: charge, isNotBillable: isNotBillable,
      place: place)
  }

  /// A plain row of a statement, whose texts stay where they are.
  init(_ row: borrowing PlainRow, _ names: StatedNames) {
    date = row.date
    self.names = names
    quantity = row.quantity
    userText = .bytes(row.user)
    conversationText = .bytes(row.conversation)
    startedAt = row.startedAt
    endedAt = row.endedAt
    messages = row.messages
    charge = row.charge
    isNotBillable = row.quantity == 0
    place = UInt64(row.row)
  }

  /// Empty where none is stated.
  public var user: String {
    get { userText.string }
    set { userText = .text(newValue) }
  }

  public var conversation: String {
    get { conversationText.string }
    set { conversationText = .text(newValue) }
  }
}

/// A text of a unit: a string, or bytes where they were read.
enum UnitText {
  case bytes(ByteView)
  case text(String)

  var isEmpty: Bool {
    switch self {
    case .bytes(let bytes): bytes.count == 0
    case .text(let text): text.isEmpty
    }
  }

  var string: String {
    switch self {
    case .bytes(let bytes): bytes.text(0, bytes.count)
    case .text(let text): text
    }
  }
}
