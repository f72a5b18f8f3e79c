internal import CivilTime

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
  /// Successful messages other than events.
  var talk: Int32 = 0
  /// Calls that failed; all of them where ``isFailed``.
  var failures: Int32 = 0
  var isFailed = false
  /// The longest two pauses within, the longest first.
  var longest = Pause()
  var second = Pause()

  /// A pause between two calls.
  struct Pause {
    var from: Int64 = 0
    var length: Int32 = 0
    /// Calls of the unit before it.
    var messagesBefore: Int32 = 0

    var to: Int64 { from + Int64(length) }
  }
}

/// The units themselves, kept only where statements are written: 96 bytes each.
struct UnitLedger {
  private var openUnits: [StatedUnit?]
  /// By user, calls that failed where no conversation was open; empty where they are not wanted.
  private var failing: [StatedUnit?]
  private let idleMilliseconds: Int64
  private let minMessages: Int32
  private(set) var units: [StatedUnit] = []

  init(options: SimulationOptions, userCount: Int) {
    openUnits = Array(repeating: nil, count: userCount)
    failing = options.discrepancies == nil ? [] : openUnits
    idleMilliseconds = options.idleTimeout.microseconds / 1_000
    minMessages = Int32(options.minMessages)
  }

  mutating func open(_ event: LogEvent, date: Int32) {
    openUnits[Int(event.user)] = unit(event, date: date)
  }

  private func unit(_ event: LogEvent, date: Int32) -> StatedUnit {
    StatedUnit(
      user: event.user, module: event.module, scenario: event.scenario, date: date,
      conversation: event.conversation, started: event.time, ended: event.time, messages: 0,
      quantity: 1, isItem: false, isBillable: false)
  }

  mutating func extend(_ event: LogEvent) {
    settleFailing(Int(event.user), at: event.time)
    openUnits[Int(event.user)]?.extend(to: event.time)
    if event.kind == .message {
      openUnits[Int(event.user)]?.talk += 1
      if openUnits[Int(event.user)]?.talk == minMessages {
        openUnits[Int(event.user)]?.isBillable = true
      }
    }
  }

  /// A call that failed.
  ///
  /// - Parameter isApart: whether it comes later than the idle timeout after what counted.
  mutating func fail(_ event: LogEvent, date: Int32, isApart: Bool) {
    guard !failing.isEmpty else { return }
    let user = Int(event.user)
    guard isApart else {
      openUnits[user]?.failures += 1
      return
    }
    if let last = failing[user], event.time - last.ended > idleMilliseconds {
      units.append(last)
      failing[user] = nil
    }
    var unit = failing[user] ?? unit(event, date: date)
    unit.extend(to: event.time)
    unit.failures += 1
    unit.isFailed = true
    failing[user] = unit
  }

  /// What failed shortly before a call that counts belongs to it.
  private mutating func settleFailing(_ user: Int, at time: Int64) {
    guard !failing.isEmpty, let last = failing[user] else { return }
    if time - last.ended > idleMilliseconds { units.append(last) }
    failing[user] = nil
  }

  mutating func close(user: Int32) {
    if let unit = openUnits[Int(user)] { units.append(unit) }
    openUnits[Int(user)] = nil
  }

  mutating func item(_ event: LogEvent, date: Int32, quantity: Int) {
    var unit = unit(event, date: date)
    unit.messages = 1
    unit.quantity = Int32(quantity)
    unit.isItem = true
    unit.isBillable = true
    units.append(unit)
  }

  /// All units, the still open ones too, by user and start.
  func allUnits() -> [StatedUnit] {
    (units + (openUnits + failing).compactMap { $0 }).sorted {
      ($0.user, $0.started) < ($1.user, $1.started)
    }
  }
}

extension StatedUnit {
  /// Takes in a call more.
  fileprivate mutating func extend(to time: Int64) {
    if messages > 0 {
      let pause = Pause(
        from: ended, length: Int32(clamping: time - ended), messagesBefore: messages)
      if pause.length > longest.length {
        second = longest
        longest = pause
      } else if pause.length > second.length {
        second = pause
      }
    }
    ended = time
    messages += 1
  }
}
