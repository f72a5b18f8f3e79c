internal import CivilTime
internal import Contracts
public import Shuffling

/// What the count of one day leaves to the next: the records on which what comes later still bears.
///
/// Where the input ends at a moment and goes on at another time, a conversation that is open then must be
/// counted with what follows, a failed call may yet turn out to repeat a successful one, and a record kept
/// covers its repetitions for a while. The records of all these are carried over; everything else is counted
/// for good. Counting a day with what was carried over to it, day after day, is the same as counting all
/// days at once.
public struct Carryover: Sendable {
  /// The moment at which the day ends, in microseconds since 1970: all its records are earlier.
  let end: Int64
  /// The longest times within which a later record bears on an earlier one, of any rule.
  private let idleTimeoutMax: Int64
  private let dedupeWindowMax: Int64

  /// - Parameter end: the moment at which the day ends, in microseconds since 1970.
  public init(end: Int64, _ terms: Terms) {
    self.end = end
    idleTimeoutMax = terms.rules.map(\.idleTimeout.microseconds).max() ?? 0
    dedupeWindowMax = terms.rules.map(\.dedupeWindow.microseconds).max() ?? 0
  }

  /// Whether anything of a time may bear on what comes behind the end.
  @inline(__always)
  func isNear(_ time: Int64) -> Bool { end - time <= max(idleTimeoutMax, dedupeWindowMax) }

  /// Whether a record's repetitions behind the end would be its duplicates; it is no duplicate itself.
  func coversRepetitions(_ message: MessageReference) -> Bool {
    end - message.time <= dedupeWindowMax && !message.request.isEmpty
  }

  /// Whether a success behind the end would make a record, which is no duplicate so far, one.
  func isUndecided(_ message: MessageReference) -> Bool {
    !message.isSuccess && coversRepetitions(message)
  }
}

/// What is known of a record that is carried over.
public struct CarriedFlags: OptionSet, Sendable, Hashable {
  public let rawValue: UInt8

  public init(rawValue: UInt8) { self.rawValue = rawValue }

  /// By the rule that it is counted by, it is a successful call.
  public static let success = CarriedFlags(rawValue: 1)
  /// It was counted, and is carried over for its repetitions alone.
  public static let reference = CarriedFlags(rawValue: 2)

  var messageFlags: UInt32 {
    (contains(.success) ? Message.successFlag : 0)
      | (contains(.reference) ? Message.referenceFlag : 0)
  }

  init(_ message: MessageReference) {
    self = []
    if message.isSuccess { insert(.success) }
    if message.isReference { insert(.reference) }
  }
}

/// A record that is carried over, as it is handed on.
public struct CarriedRecord: Sendable, Hashable {
  /// Microseconds since 1970.
  public var time: Int64
  public var source: UInt64
  public var flags: CarriedFlags
  public var items: Int
  public var licensee: String
  public var module: String
  public var scenario: String
  public var app: String
  public var event: String
  public var user: [UInt8]
  public var conversation: [UInt8]
  public var requestID: [UInt8]
}

/// The records that a reduce has carried over, in the order in which they stand.
@safe
public struct CarriedRecords {
  private let sorters: [ExternalSorter<CarryoverOrder>]
  private let attributions: Attributions

  /// - Parameter sorters: finished.
  public init(_ sorters: [ExternalSorter<CarryoverOrder>], _ attributions: Attributions) {
    self.sorters = sorters
    self.attributions = attributions
  }

  /// Calls `body` with every record.
  ///
  /// - Parameter body: returns whether to go on.
  public func forEach(_ body: (CarriedRecord) -> Bool) throws(SpillError) {
    try unsafe ExternalSorter.forEach(in: sorters) { record in
      let message = unsafe MessageReference(record)
      let attribution = attributions.all[message.attribution]
      func bytes(_ text: ChunkText) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(48)
        text.append(to: &bytes)
        return bytes
      }
      return body(
        CarriedRecord(
          time: message.time, source: message.source, flags: CarriedFlags(message),
          items: Int(message.items), licensee: attribution.licensee, module: attribution.module,
          scenario: attribution.scenario, app: attribution.app, event: attribution.event,
          user: bytes(message.user), conversation: bytes(message.conversation),
          requestID: bytes(message.request)))
    }
  }
}

/// The order of what is carried over: by where it stands.
public struct CarryoverOrder: RecordOrder {
  public init() {}

  public func keys(_ record: UnsafePointer<Message>) -> (UInt64, Int64) {
    (unsafe record.pointee.source, 0)
  }

  /// No two records stand at one place.
  public func precedes(_ left: UnsafePointer<Message>, _ right: UnsafePointer<Message>) -> Bool {
    false
  }
}

/// What a scan makes of a record, without what it counts.
struct ConversationProbe: ConversationSink {
  enum Part { case message, failure, strayFailure, strayClose }

  private(set) var part = Part.strayClose
  private(set) var endsConversation = false

  mutating func begin() { self = ConversationProbe() }

  mutating func take(_ conversation: Conversation, ending: Ending) { endsConversation = true }
  mutating func countMessage() { part = .message }
  mutating func countFailure() { part = .failure }
  mutating func takeStrayFailure(_ message: MessageReference) { part = .strayFailure }
  mutating func takeStrayClose(_ message: MessageReference) { part = .strayClose }
}

/// Finds, in the records of one identity taken in order, where what is carried over begins.
struct CarryoverScan {
  private let carryover: Carryover
  private let order: MessageOrder
  private var scan: ConversationScan
  private var probe = ConversationProbe()
  /// The place of the present conversation's first record.
  private var conversationStart = 0
  private var hasConversation = false
  /// The first place from which on everything is carried over, as far as that is known.
  private var start = Int.max

  init(_ carryover: Carryover, _ order: MessageOrder) {
    self.carryover = carryover
    self.order = order
    scan = ConversationScan(order: order, inputEnd: carryover.end)
  }

  /// Takes the record of a place.
  ///
  /// - Returns: whether a conversation begins with it, or it is a failed call of none: what is before it
  ///   and what it begins can be counted apart.
  mutating func take(_ message: MessageReference, at place: Int) -> Bool {
    if message.isReference || message.isDuplicate || order.entry(message).meter == .item {
      return false
    }
    probe.begin()
    scan.take(message, &probe)
    // A closing event with nothing to close may stand in a conversation that failed calls still join.
    var isApart = probe.part == .strayFailure
    if probe.part == .message && (probe.endsConversation || !hasConversation) {
      conversationStart = place
      hasConversation = true
      isApart = true
    }
    if carryover.isUndecided(message) {
      start = min(start, probe.part == .strayFailure ? place : conversationStart)
    }
    return isApart
  }

  /// Whether nothing so far is known to be carried over, but perhaps the present conversation.
  var isDecided: Bool { start == .max }

  /// The place from which on all records are carried over.
  ///
  /// - Parameter count: how many records there are.
  func start(of count: Int) -> Int {
    scan.isOpen(at: carryover.end) ? min(start, conversationStart) : min(start, count)
  }
}
