internal import CivilTime

/// What a user is doing, and what the count of its calls stands at.
struct UserState {
  enum Phase: UInt8 { case away, opening, talking, closing, returning }

  /// The next user of the same slice; −1: none.
  var link: Int32 = -1
  var licensee: UInt16 = 0
  var module: UInt16 = 0
  var scenario: UInt16 = 0
  var app: UInt16 = 0
  var phase = Phase.away
  var misuse = MisuseKind.none
  /// The gateway that most of its calls go through.
  var gateway: UInt8 = 0
  /// Calls still to come, or in ``Phase/returning`` the milliseconds beyond the idle timeout.
  var remaining: Int32 = 0
  /// By the true clock, milliseconds since the epoch.
  var nextTime: Int64 = .max
  var lastTime: Int64 = .min / 2
  var conversation: UInt64 = 0
  /// Whether all calls of what it is about to do fail.
  var isDoomed = false
  var count = CountState()
}

/// What the count of a user's calls stands at.
struct CountState {
  /// By the gateway's clock: the last message that counted.
  var lastCounted: Int64 = .min / 2
  var lastGateway: UInt8 = 0
  /// Whether the open conversation has enough messages beside its events, and how many it has
  /// until then.
  var isBillable = false
  var talk: Int32 = 0
  /// The row of the open conversation; −1: none is open.
  var row: Int32 = -1
}

/// Counts the calls as they are made, each user's in its own order: the truth that a count of the
/// log must come to.
///
/// This is the definition of a conversation written a second time, on purpose: an online state a
/// user, where the product sorts and scans, so that neither can hide the other's mistake.
struct TruthCounter {
  private let idleMilliseconds: Int64
  private let minMessages: Int32
  private let firstDay: Int32
  private let dayCount: Int
  private let termFrom: Int32
  private let termTo: Int32
  private let catalogue: Catalogue
  private let moduleIsItem: [Bool]
  private let licenseeIsBound: [Bool]
  private let licenseeHasTerm: [Bool]
  private var cursor: ZoneCursor

  /// Dense, by day, module and scenario.
  private var quantities: [Int]
  private var messageCounts: [Int]
  private(set) var records = 0
  private(set) var messages = 0
  private(set) var items = 0
  private(set) var ignored = 0
  private(set) var failed = 0
  private(set) var duplicates = 0
  private(set) var outside: [Int]
  private(set) var unplaced = 0
  private(set) var conversations = 0
  private(set) var misuse: [[Truth.Use]]
  private(set) var beforeTerm = Truth.Use()
  private(set) var afterTerm = Truth.Use()
  private(set) var gapsEqual = 0
  private(set) var gapsLonger = 0
  var ledger: UnitLedger?

  /// - Parameters:
  ///   - userCount: users in all, those that are planted too.
  ///   - keepsUnits: whether the units themselves are wanted.
  init(options: SimulationOptions, catalogue: Catalogue, userCount: Int, keepsUnits: Bool) {
    self.catalogue = catalogue
    idleMilliseconds = options.idleTimeout.microseconds / 1_000
    minMessages = Int32(options.minMessages)
    // A day more on either side, for clocks that are slow or fast at midnight.
    firstDay = options.from.daysSinceEpoch - 1
    dayCount = options.days + 2
    termFrom = options.termFrom?.daysSinceEpoch ?? .min
    termTo = options.termTo?.daysSinceEpoch ?? .max
    moduleIsItem = catalogue.modules.map(\.isItem)
    licenseeIsBound = catalogue.licensees.map { $0.contract != nil }
    licenseeHasTerm = catalogue.licensees.indices.map { catalogue.isOfFirstContract($0) }
    cursor = ZoneCursor(options.zone)
    let cells = dayCount * catalogue.modules.count * catalogue.scenarios.count
    quantities = [Int](repeating: 0, count: cells)
    messageCounts = [Int](repeating: 0, count: cells)
    outside = [Int](repeating: 0, count: catalogue.licensees.count)
    misuse = catalogue.licensees.map { _ in
      [Truth.Use](repeating: Truth.Use(), count: MisuseKind.allCases.count)
    }
    if keepsUnits { ledger = UnitLedger(options: options, userCount: userCount) }
  }

  /// Every line that is a record, counted or not.
  @inline(__always)
  mutating func sawRecord(_ event: LogEvent) {
    records += 1
    let licensee = Int(event.licensee)
    if !licenseeIsBound[licensee] {
      outside[licensee] += 1
      return
    }
    if event.user < 0 { unplaced += 1 }
    if event.misuse != .none { misuse[licensee][Int(event.misuse.rawValue)].records += 1 }
    if licenseeHasTerm[licensee] {
      let date = date(of: event.time)
      if date < termFrom { beforeTerm.records += 1 }
      if date > termTo { afterTerm.records += 1 }
    }
  }

  private mutating func date(of time: Int64) -> Int32 {
    cursor.day(of: Instant(microseconds: time * 1_000)).date.daysSinceEpoch
  }

  /// One call of a user: the attempt that is kept of those with one request id.
  ///
  /// - Parameters:
  ///   - repeats: how many other attempts were logged.
  ///   - isBoundary: planted at the idle timeout.
  @inline(__always)
  mutating func count(
    _ event: LogEvent, isSuccess: Bool, repeats: Int, isBoundary: Bool, state: inout CountState
  ) {
    let licensee = Int(event.licensee)
    guard licenseeIsBound[licensee] else {
      // Of no contract and so of no rule; its times still keep its conversations apart.
      state.lastCounted = event.time
      return
    }
    duplicates += repeats
    if event.kind == .ping {
      ignored += 1
      return
    }
    guard isSuccess else {
      failed += 1
      noteFailure(event, state)
      return
    }
    let date = date(of: event.time)
    if moduleIsItem[Int(event.module)] {
      items += 1
      let cell = cell(date, event)
      let quantity = max(1, Int(event.items))
      messageCounts[cell] += 1
      quantities[cell] += quantity
      tallyUse(event, date: date, messages: 1, quantity: quantity)
      ledger?.item(event, date: date, quantity: quantity)
      return
    }
    let gap = event.time - state.lastCounted
    let isOpen = state.row >= 0 && gap <= idleMilliseconds
    if isBoundary && state.row >= 0 {
      if gap == idleMilliseconds { gapsEqual += 1 }
      if gap == idleMilliseconds + 1 { gapsLonger += 1 }
    }
    if event.kind == .close && !isOpen {
      ignored += 1
      return
    }
    messages += 1
    if !isOpen || event.kind == .open {
      ledger?.close(user: event.user)
      state.row = Int32(cell(date, event))
      state.isBillable = false
      state.talk = 0
      ledger?.open(event, date: date)
    }
    let row = Int(state.row)
    messageCounts[row] += 1
    state.lastCounted = event.time
    state.lastGateway = event.gateway
    var quantity = 0
    if event.kind == .message && !state.isBillable {
      state.talk += 1
      if state.talk == minMessages {
        state.isBillable = true
        quantities[row] += 1
        quantity = 1
        conversations += 1
      }
    }
    ledger?.extend(event)
    tallyUse(event, date: date, messages: 1, quantity: quantity)
    if event.kind == .close {
      state.row = -1
      ledger?.close(user: event.user)
    }
  }

  private mutating func noteFailure(_ event: LogEvent, _ state: CountState) {
    guard ledger != nil, !moduleIsItem[Int(event.module)] else { return }
    let isApart = event.time - state.lastCounted > idleMilliseconds
    let date = date(of: event.time)
    ledger?.fail(event, date: date, isApart: isApart)
  }

  @inline(__always)
  private func cell(_ date: Int32, _ event: LogEvent) -> Int {
    (Int(date - firstDay) * moduleIsItem.count + Int(event.module)) * catalogue.scenarios.count
      + Int(event.scenario)
  }

  @inline(__always)
  private mutating func tallyUse(_ event: LogEvent, date: Int32, messages: Int, quantity: Int) {
    let licensee = Int(event.licensee)
    if event.misuse != .none {
      misuse[licensee][Int(event.misuse.rawValue)].messages += messages
      misuse[licensee][Int(event.misuse.rawValue)].quantity += quantity
    }
    guard licenseeHasTerm[licensee] else { return }
    if date < termFrom {
      beforeTerm.messages += messages
      beforeTerm.quantity += quantity
    }
    if date > termTo {
      afterTerm.messages += messages
      afterTerm.quantity += quantity
    }
  }

  /// The rows that have messages, by contract, licensee, date, module, scenario and unit.
  func rows() -> [Truth.Row] {
    var rows: [Truth.Row] = []
    var cell = 0
    for day in 0..<dayCount {
      for module in catalogue.modules {
        for scenario in catalogue.scenarios {
          defer { cell += 1 }
          guard messageCounts[cell] > 0 else { continue }
          let licensee = catalogue.licensees[module.licensee]
          rows.append(
            Truth.Row(
              contract: licensee.contract ?? "", licensee: licensee.name,
              date: CivilDate(daysSinceEpoch: firstDay + Int32(day)), module: module.name,
              scenario: scenario, unit: module.isItem ? "item" : "conversation",
              quantity: quantities[cell], messages: messageCounts[cell]))
        }
      }
    }
    return rows.sorted { $0.key < $1.key }
  }

  /// Billable conversations and items of each day of the traffic and the days beside it.
  func dayTotals() -> [(date: CivilDate, conversations: Int, items: Int)] {
    let perDay = moduleIsItem.count * catalogue.scenarios.count
    return (0..<dayCount).map { day in
      var conversations = 0
      var items = 0
      for (module, isItem) in moduleIsItem.enumerated() {
        let first = day * perDay + module * catalogue.scenarios.count
        let sum = quantities[first..<first + catalogue.scenarios.count].reduce(0, +)
        if isItem { items += sum } else { conversations += sum }
      }
      return (CivilDate(daysSinceEpoch: firstDay + Int32(day)), conversations, items)
    }
  }
}
