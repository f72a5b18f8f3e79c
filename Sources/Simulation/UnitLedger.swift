/// One unit as a statement of details lists it.
struct StatedUnit {
  var user: Int32
  var module: UInt16
  var scenario: UInt16
  /// Days since 1970-01-01.
  var date: Int32
  /// 0: not named.
  var conversation: UInt64
  /// Milliseconds since the epoch.
  var started: Int64
  var ended: Int64
  var messages: Int32
  var quantity: Int32
  var isItem: Bool
  var isBillable: Bool
}

/// The units themselves, kept only where statements are written: 56 bytes each.
struct UnitLedger {
  private var openUnits: [StatedUnit?]
  private(set) var units: [StatedUnit] = []

  init(userCount: Int) { openUnits = Array(repeating: nil, count: userCount) }

  mutating func open(_ event: LogEvent, date: Int32) {
    openUnits[Int(event.user)] = StatedUnit(
      user: event.user, module: event.module, scenario: event.scenario, date: date,
      conversation: event.conversation, started: event.time, ended: event.time, messages: 0,
      quantity: 1, isItem: false, isBillable: false)
  }

  mutating func extend(_ event: LogEvent) {
    openUnits[Int(event.user)]?.ended = event.time
    openUnits[Int(event.user)]?.messages += 1
    if event.kind == .message { openUnits[Int(event.user)]?.isBillable = true }
  }

  mutating func close(user: Int32) {
    if let unit = openUnits[Int(user)] { units.append(unit) }
    openUnits[Int(user)] = nil
  }

  mutating func item(_ event: LogEvent, date: Int32, quantity: Int) {
    units.append(
      StatedUnit(
        user: event.user, module: event.module, scenario: event.scenario, date: date,
        conversation: event.conversation, started: event.time, ended: event.time, messages: 1,
        quantity: Int32(quantity), isItem: true, isBillable: true))
  }

  /// All units, the still open ones too, by user and start.
  func allUnits() -> [StatedUnit] {
    (units + openUnits.compactMap { $0 }).sorted { ($0.user, $0.started) < ($1.user, $1.started) }
  }
}
