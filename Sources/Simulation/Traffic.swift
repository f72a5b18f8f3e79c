internal import CivilTime
internal import Glibc

/// The model: users who come with the day's rhythm, talk with human pauses, lose patience, come
/// back, and fail.
///
/// Time goes by in slices of a minute. A slice starts as many conversations as keep the whole on
/// its way to the wanted size, lets every user whose next call falls into it act in its own order,
/// sorts what the gateways saw, and writes it. So memory holds the users and one slice, whatever
/// the size.
struct Traffic {
  static let callSpacingMin: Int64 = 1_500

  let options: SimulationOptions
  let catalogue: Catalogue
  let population: Population
  var rhythm: Rhythm
  var random: Random
  var users: [UserState]
  let userTable: AliasTable
  let lengthTable: LogNormalTable
  let gapTable: LogNormalTable
  let latencyTable: LogNormalTable
  let sizeTable: LogNormalTable
  let questionTable: AliasTable
  let gatewayTable: AliasTable
  let skews: [Int64]
  let misuseTable: AliasTable
  var outages: [SimulationOptions.Window]
  var outagesNear: [Range<Int64>] = []
  var gapsNear: [Range<Int64>] = []
  /// The first user of each slice's list; −1: none.
  var heads: [Int32]
  var events: [LogEvent] = []
  /// Lines of active conversations that are still to come.
  var planned = 0
  var requestCount: UInt64 = 0
  var plantedRequestCount: UInt64 = 1 << 60
  var askedCount = 0
  /// Calls in all, each with its attempts.
  var callCount: UInt64 = 0
  /// Whether calls pass through what is planted before they are written.
  let isStaged: Bool
  var conduct = Conduct()
  /// What a gateway wrote of the call that is being made.
  var attempts: [LogEvent] = []
  /// Which planted user is calling; `nil`: none, but an ordinary one.
  var acting: Acting?
  var disturbances: [Disturbance] = []
  var disturbancesNear: [Disturbance] = []
  /// Ordinary users on whom something is planted.
  var taken: Set<Int32> = []
  /// From here on, numbers of people are nobody's but a planted one's.
  var nextFace: Int32 = 1 << 30
  /// Ordinary users' shares of the traffic.
  let userWeights: [Double]
  let idle: Int64
  var truth: TruthCounter

  let failure, retryFailure, repeated, ping, unplaced, item, boundary, outOfOrder,
    otherGateway, merge, moduleSwitch, closes, closesLate, doomed: Chance

  init(options: SimulationOptions) {
    self.options = options
    catalogue = Catalogue(options)
    population = Population(options)
    rhythm = Rhythm(
      zone: options.zone, from: options.from, days: options.days, flatness: options.nightShift)
    var random = Random(seed: options.seed, stream: 1)
    idle = options.idleTimeout.microseconds / 1_000
    lengthTable = LogNormalTable(
      mean: options.messagesPerConversation, sigma: 0.7, minimum: 1, random: &random)
    gapTable = LogNormalTable(mean: 55_000, sigma: 1.2, minimum: 1_500, random: &random)
    latencyTable = LogNormalTable(mean: 620, sigma: 0.6, minimum: 18, random: &random)
    sizeTable = LogNormalTable(mean: 900, sigma: 0.6, minimum: 120, random: &random)
    questionTable = .zipf(count: options.questionCount, exponent: options.questionExponent)
    let gateways = options.gateways
    gatewayTable = AliasTable(
      weights: (0..<gateways).map { options.gatewayShares[$0 % options.gatewayShares.count] })
    skews = (0..<gateways).map { Int64(options.clockSkews[$0 % options.clockSkews.count]) }
    let misuse = options.misuse
    let shares = [
      misuse.unlistedApp, misuse.unlistedScenario, misuse.unlistedOrigin, misuse.unlistedNetwork,
      misuse.moduleNotEnabled,
    ]
    misuseTable = AliasTable(weights: [max(0, 1 - shares.reduce(0, +))] + shares)
    users = []
    users.reserveCapacity(catalogue.userCount)
    var weights: [Double] = []
    weights.reserveCapacity(catalogue.userCount)
    for (number, licensee) in catalogue.licensees.enumerated() {
      let share = options.licensees[number].share / Double(licensee.userCount)
      for _ in 0..<licensee.userCount {
        var state = UserState()
        state.licensee = UInt16(number)
        state.gateway = UInt8(gatewayTable.draw(&random))
        users.append(state)
        weights.append(share * Self.activity(&random))
      }
    }
    userTable = AliasTable(weights: weights)
    userWeights = options.plants.isEmpty ? [] : weights
    isStaged = !options.plants.isEmpty
    heads = [Int32](repeating: -1, count: rhythm.sliceCount)
    outages = Self.outages(options, rhythm: rhythm, random: &random)
    truth = TruthCounter(
      options: options, catalogue: catalogue, userCount: catalogue.userCount,
      keepsUnits: options.writesStatements && !isStaged)
    failure = Chance(options.failures)
    retryFailure = Chance(0.25)
    repeated = Chance(options.repeatedAnswers)
    ping = Chance(options.pings)
    unplaced = Chance(options.unplaced)
    item = Chance(options.itemShare)
    boundary = Chance(options.boundaryCases)
    outOfOrder = Chance(options.outOfOrder)
    otherGateway = Chance(gateways > 1 ? 0.1 : 0)
    merge = Chance(0.03)
    moduleSwitch = Chance(0.01)
    closes = Chance(0.85)
    closesLate = Chance(0.05)
    doomed = Chance(options.failedConversations)
    self.random = random
    if isStaged { plantAll() }
  }

  /// Heavy and light users: log-normal activity.
  static func activity(_ random: inout Random) -> Double {
    Double(1 << 20) * exp(random.normal() * 0.9)
  }

  static func outages(
    _ options: SimulationOptions, rhythm: Rhythm, random: inout Random
  ) -> [SimulationOptions.Window] {
    var windows = options.outages
    for day in 0..<options.days where random.unit() < options.outagesPerDay {
      let from =
        options.zone.start(of: options.from + day)
        + Interval(seconds: 8 * 3_600 + Int64(random.below(14 * 3_600)))
      windows.append(
        .init(from: from, to: from + Interval(seconds: 240 + Int64(random.below(480)))))
    }
    return windows.sorted { ($0.from, $0.to) < ($1.from, $1.to) }
  }

  /// Whether the size is one of questions, not of lines.
  var pacesByQuestions: Bool { options.questionsPerDay != nil }

  var sliceCount: Int { rhythm.sliceCount }
  func sliceStart(_ slice: Int) -> Int64 {
    rhythm.start + Int64(slice) * Rhythm.sliceMilliseconds
  }
  func sliceEnd(_ slice: Int) -> Int64 {
    slice + 1 == rhythm.sliceCount ? .max : sliceStart(slice + 1)
  }

  /// Lets a slice's users act; what the gateways saw is appended to ``events``.
  mutating func advance(slice: Int) {
    let start = sliceStart(slice)
    // Attempts of one call may reach a few minutes beyond the slice.
    let near = start..<(start + 10 * Rhythm.sliceMilliseconds)
    outagesNear = Self.ranges(outages, near: near)
    gapsNear = Self.ranges(options.logGaps, near: near)
    if !disturbances.isEmpty {
      disturbancesNear = disturbances.filter { $0.span.overlaps(near) }
    }
    startConversations(slice: slice)
    let end = min(start + Rhythm.sliceMilliseconds, rhythm.end)
    var user = heads[slice]
    while user >= 0 {
      let number = Int(user)
      user = users[number].link
      while users[number].nextTime < end { act(number) }
      schedule(number)
    }
    if isStaged { advancePlanted(before: sliceEnd(slice)) }
  }

  static func ranges(
    _ windows: [SimulationOptions.Window], near: Range<Int64>
  ) -> [Range<Int64>] {
    windows.map { ($0.from.microseconds / 1_000)..<($0.to.microseconds / 1_000) }
      .filter { $0.overlaps(near) }
  }

  /// Removes the events that have been written and keeps those that a late writer still holds.
  mutating func keepEvents(_ kept: [LogEvent]) { events = kept }

  mutating func schedule(_ user: Int) {
    let time = users[user].nextTime
    guard time < rhythm.end else {
      // Away, or still talking when the log ends.
      return
    }
    let slice = Int((time - rhythm.start) / Rhythm.sliceMilliseconds)
    users[user].link = heads[slice]
    heads[slice] = Int32(user)
  }

  mutating func startConversations(slice: Int) {
    let target = Int(Double(options.size) * rhythm.cumulative[slice])
    let start = sliceStart(slice)
    let width = Int(min(Rhythm.sliceMilliseconds, rhythm.end - start))
    while (pacesByQuestions ? askedCount : truth.records) + planned < target {
      let time = start + Int64(random.below(width))
      guard let user = pickUser(at: time) else { return }
      if startConversation(user, at: time) { schedule(user) }
    }
    startMonthEndConversations(slice: slice)
  }

  /// In each of the last four minutes of a month a quarter of them.
  private mutating func startMonthEndConversations(slice: Int) {
    guard options.monthEndConversations > 0 else { return }
    let start = sliceStart(slice)
    func month(_ time: Int64) -> CivilMonth {
      options.zone.date(of: Instant(microseconds: time * 1_000)).month
    }
    let minutes = Int64(4)
    guard month(start) != month(start + minutes * Rhythm.sliceMilliseconds) else { return }
    for _ in 0..<(options.monthEndConversations + 3) / 4 {
      let time = start + Int64(random.below(Int(Rhythm.sliceMilliseconds)))
      guard time < rhythm.end, let user = pickUser(at: time) else { return }
      if startConversation(user, at: time) { schedule(user) }
    }
  }

  /// Someone who is away, and has mostly been so for longer than the idle timeout.
  mutating func pickUser(at time: Int64) -> Int? {
    for _ in 0..<64 {
      let user = userTable.draw(&random)
      guard users[user].phase == .away else { continue }
      let rest = time - max(users[user].lastTime, users[user].count.lastCounted)
      if rest > idle + 2_000 { return user }
      if rest > 60_000 && users[user].misuse == .none && random.happens(merge) { return user }
    }
    return nil
  }

  /// - Returns: `false` where a planted loss of volume keeps the user away.
  mutating func startConversation(_ user: Int, at time: Int64) -> Bool {
    let licensee = catalogue.licensees[Int(users[user].licensee)]
    let rest = time - max(users[user].lastTime, users[user].count.lastCounted)
    let habit = population.hash(Int32(user)) >> 3
    // Most people keep to one app.
    let app =
      random.below(10) == 0
      ? licensee.apps[licensee.appTable.draw(&random)]
      : licensee.apps[habitualApp(habit, of: licensee)]
    if isStaged && !conduct.comes(with: app, at: time) { return false }
    var module: Int
    if let table = licensee.itemModuleTable, random.happens(item) {
      module = licensee.itemModules[table.draw(&random)]
    } else {
      module = licensee.conversationModules[licensee.conversationModuleTable.draw(&random)]
    }
    let isItem = catalogue.modules[module].isItem
    var kind = MisuseKind.none
    if licensee.contract != nil, !isItem, rest > idle + 2_000 {
      kind = MisuseKind(rawValue: UInt8(misuseTable.draw(&random))) ?? .none
    }
    if kind == .moduleNotEnabled { module = licensee.disabledModule }
    let scenarios = catalogue.modules[module].scenarios
    users[user].misuse = kind
    users[user].module = UInt16(module)
    users[user].app = UInt16(kind == .unlistedApp ? licensee.unlistedApp : app)
    users[user].scenario = UInt16(
      kind == .unlistedScenario
        ? catalogue.unlistedScenario : scenarios[random.below(4) < 3 ? 0 : scenarios.count - 1])
    let habits = catalogue.apps[Int(users[user].app)]
    users[user].isDoomed =
      options.failedConversations > 0 && !isItem && kind == .none && random.happens(doomed)
    let sendsEvents = habits.sendsEvents && !isItem && !users[user].isDoomed
    users[user].conversation = habits.namesConversation ? (random.next() >> 24) | 1 : 0
    // Now and then someone opens the window and closes it again.
    var length = sendsEvents && random.below(50) == 0 ? 0 : lengthTable.draw(&random)
    if users[user].isDoomed { length = min(length, 3) }
    users[user].remaining = Int32(length)
    users[user].phase = sendsEvents ? .opening : .talking
    users[user].nextTime = time
    planned += length + (sendsEvents && !pacesByQuestions ? 1 : 0)
    return true
  }

  func habitualApp(_ habit: UInt64, of licensee: Catalogue.Licensee) -> Int {
    var fixed = Random(seed: habit, stream: 2)
    return licensee.appTable.draw(&fixed)
  }

  /// One step of a user, at its next time.
  mutating func act(_ user: Int) {
    let time = users[user].nextTime
    switch users[user].phase {
    case .away: users[user].nextTime = .max
    case .opening:
      if !pacesByQuestions { planned -= 1 }
      // While the service is down a window does not open.
      if !contains(outagesNear, time) { event(.open, user, at: time) }
      users[user].phase = users[user].remaining > 0 ? .talking : .closing
      pause(user, after: time, upTo: 6_000)
    case .talking:
      if catalogue.apps[Int(users[user].app)].sendsPings, !contains(outagesNear, time),
        random.happens(ping)
      {
        event(.ping, user, at: time)
        pause(user, after: time, upTo: 20_000)
        return
      }
      planned -= 1
      users[user].remaining -= 1
      call(user, at: time, isBoundary: false)
      let gap = Int64(gapTable.draw(&random) + random.below(1_000))
      users[user].nextTime = users[user].lastTime + gap
      if users[user].remaining <= 0 { finishTalking(user) }
    case .closing:
      if !contains(outagesNear, time) { event(.close, user, at: time) }
      leave(user)
    case .returning:
      call(user, at: time, isBoundary: true)
      leave(user)
    }
  }

  mutating func finishTalking(_ user: Int) {
    if users[user].isDoomed {
      leave(user)
      return
    }
    let module = Int(users[user].module)
    if catalogue.apps[Int(users[user].app)].sendsEvents, !catalogue.modules[module].isItem,
      random.happens(closes)
    {
      users[user].phase = .closing
      if random.happens(closesLate) {
        users[user].nextTime = users[user].lastTime + idle + 5_000 + Int64(random.below(600_000))
      }
      return
    }
    // The planted returns: by the same gateway's clock the gap is the idle timeout, or 1 ms more.
    if users[user].misuse == .none, users[user].count.row >= 0, !catalogue.modules[module].isItem,
      random.happens(boundary)
    {
      let gateway = Int(users[user].count.lastGateway)
      let time = users[user].count.lastCounted - skews[gateway] + idle + Int64(random.below(2))
      if time >= users[user].lastTime + Self.callSpacingMin {
        users[user].phase = .returning
        users[user].nextTime = time
        return
      }
    }
    leave(user)
  }

  mutating func leave(_ user: Int) {
    users[user].phase = .away
    users[user].nextTime = .max
  }

  mutating func pause(_ user: Int, after time: Int64, upTo longest: Int) {
    users[user].lastTime = time
    users[user].nextTime = time + Self.callSpacingMin + Int64(random.below(longest))
  }

  @inline(__always)
  func contains(_ windows: [Range<Int64>], _ time: Int64) -> Bool {
    if windows.isEmpty { return false }
    return windows.contains { $0.contains(time) }
  }
}
