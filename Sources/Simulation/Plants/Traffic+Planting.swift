internal import CivilTime

extension Traffic {
  /// Puts everything in its place that the options plant, before the first call.
  mutating func plantAll() {
    conduct.appCount = catalogue.apps.count
    conduct.tallies = options.plants.map { PlantTally($0, zone: options.zone) }
    conduct.namesItems = options.plants.contains { $0.isTrue("items") }
    // Who calls, what the lines say, what is hidden, what the licensor does: in this order,
    // whichever is given first.
    let ordered = options.plants.indices.sorted {
      (options.plants[$0].name.place, $0) < (options.plants[$1].name.place, $1)
    }
    for number in ordered { plant(options.plants[number], number) }
    if let shift = conduct.shift {
      let shares = appShares
      rhythm.scale { shift.factor(ofAll: shares, at: $0) }
    }
    conduct.prepareCounters(options, catalogue, users: users.count)
  }

  private mutating func plant(_ plant: Plant, _ number: Int) {
    let random = Random(seed: options.seed, stream: 100 + UInt64(number))
    switch plant.name {
    case .nightShift, .small: break  // Of the options themselves.
    case .outages: disturb(plant, number, count: plant.count("count"), failure: nil)
    case .retries:
      disturb(
        plant, number, count: plant.count("bursts"), failure: Chance(plant.number("failures")))
    case .popularityDrift:
      conduct.drift = PopularityDrift(plant, options: options, random: random)
    case .faqButtons:
      conduct.buttons = FAQButtons(
        plant, number: number, firstQuestion: firstPlantedQuestion(number), random: random)
    case .volumeShift: plantShift(plant, number, random: random)
    case .pollers: plantPollers(plant, number, random: random)
    case .keepAlive: plantKeepAlive(plant, number, random: random)
    case .harvesting: plantHarvesters(plant, number, random: random)
    case .probing: plantProbers(plant, number, random: random)
    case .campaign: plantCampaign(plant, number, random: random)
    case .mergedUsers: plantMergedUsers(plant, number)
    case .office: plantOffice(plant, number, random: random)
    case .roaming: plantRoaming(plant, number, random: random)
    case .answerCache:
      let scope = scope(of: plant)
      add(AnswerCache(plant, scope: scope, options: options, random: random), number)
    case .permanentCopy: add(PermanentCopy(plant, scope: scope(of: plant)), number)
    case .licensorCache:
      add(LicensorCache(plant, number: number, options: options, random: random), number)
    case .replay: plantReplay(plant, number, random: random)
    case .lostHost:
      let day = options.from + plant.day("day", options)
      let span =
        milliseconds(
          options.zone.start(of: day))..<milliseconds(
          options.zone.start(of: day + 1))
      add(LostHost(gateway: UInt8(plant.count("gateway") - 1), span: span), number)
    }
  }

  private func milliseconds(_ instant: Instant) -> Int64 { instant.microseconds / 1_000 }

  private mutating func add(_ step: any ConductStep, _ number: Int) {
    conduct.steps.append(.init(plant: number, body: step))
  }

  /// Questions that nobody else asks.
  func firstPlantedQuestion(_ plant: Int) -> Int { 1 << 28 + plant << 20 }

  private func scope(of plant: Plant) -> CallScope {
    CallScope(
      licensee: UInt16(plant.licensee(options)), app: app(of: plant),
      from: plant.dayStart("from", options))
  }

  /// Of the catalogue; `nil`: all of the licensee's.
  private func app(of plant: Plant) -> UInt16? {
    let licensee = catalogue.licensees[plant.licensee(options)]
    return plant.app(options).map { UInt16(licensee.apps[$0]) }
  }

  // MARK: - Those who call besides

  /// A user of a licensee that no ordinary conversation has.
  private mutating func addUser(
    of plant: Plant, app: Int?, byItem: Bool = false, random: inout Random
  ) -> Int {
    let number = plant.licensee(options)
    let licensee = catalogue.licensees[number]
    var state = UserState()
    state.licensee = UInt16(number)
    state.gateway = UInt8(gatewayTable.draw(&random))
    let module = byItem ? licensee.itemModules[0] : licensee.conversationModules[0]
    state.module = UInt16(module)
    state.scenario = UInt16(catalogue.modules[module].scenarios[0])
    state.app = UInt16(app ?? licensee.apps[licensee.appTable.draw(&random)])
    users.append(state)
    renewConversation(of: users.count - 1, id: random.next())
    return users.count - 1
  }

  /// Gives a planted user's calls another conversation's id.
  mutating func renewConversation(of user: Int, id: UInt64) {
    let names = catalogue.apps[Int(users[user].app)].namesConversation
    users[user].conversation = names ? (id >> 24) | 1 : 0
  }

  private mutating func plantPollers(_ plant: Plant, _ number: Int, random: Random) {
    var random = random
    for _ in 0..<plant.count("users") {
      let slot = addUser(of: plant, app: app(of: plant).map(Int.init), random: &random)
      let question = question(questionTable.draw(&random), module: users[slot].module)
      let acting = Acting(
        plant: number, step: conduct.steps.count, user: Int32(slot), person: Int32(slot),
        question: question)
      let poller = Poller(
        slot: slot, acting: acting, from: plant.dayStart("from", options),
        period: plant.milliseconds("every", options),
        jitter: plant.milliseconds("jitter", options),
        hours: DailyHours(plant.hours("hours"), zone: options.zone), random: random.split())
      conduct.actors.add(poller)
      conduct.tallies[number].users.append(Int32(slot))
    }
    add(NoStep(), number)
  }

  /// It is the most active users who save most by it, with a client that closes no conversation.
  private mutating func plantKeepAlive(_ plant: Plant, _ number: Int, random: Random) {
    var random = random
    let licensee = catalogue.licensees[plant.licensee(options)]
    let users = mostActive(.max, of: plant).map(Int.init)
    let quiet = users.filter { !catalogue.apps[app(of: $0, licensee)].sendsEvents }
    let others = users.filter { catalogue.apps[app(of: $0, licensee)].sendsEvents }
    for user in (quiet + others).prefix(plant.count("users")) {
      let slot = addUser(of: plant, app: app(of: user, licensee), random: &random)
      take(user, number)
      let acting = Acting(
        plant: number, step: conduct.steps.count, user: Int32(user), person: Int32(user))
      let poller = Poller(
        slot: slot, acting: acting, from: plant.dayStart("from", options),
        period: plant.milliseconds("period", options),
        jitter: plant.milliseconds("jitter", options),
        hours: DailyHours(plant.hours("hours"), zone: options.zone), random: random.split())
      conduct.actors.add(poller)
    }
    add(NoStep(), number)
  }

  /// The app that a user mostly has, of the catalogue.
  private func app(of user: Int, _ licensee: Catalogue.Licensee) -> Int {
    licensee.apps[habitualApp(population.hash(Int32(user)) >> 3, of: licensee)]
  }

  private mutating func plantHarvesters(_ plant: Plant, _ number: Int, random: Random) {
    var random = random
    var place = Harvester.Place(
      from: plant.dayStart("from", options),
      pauses: LogNormalTable(mean: 1_000, sigma: 1, minimum: 20, random: &random),
      curve: DayCurve(zone: options.zone), random: random)
    for account in 0..<plant.count("accounts") {
      let slot = addUser(of: plant, app: nil, byItem: plant.isTrue("items"), random: &random)
      place.random = random.split()
      let harvester = Harvester(
        plant, number: number, step: conduct.steps.count, account: account, slot: slot,
        place: place)
      conduct.actors.add(harvester)
      conduct.tallies[number].users.append(Int32(slot))
    }
    add(NoStep(), number)
  }

  private mutating func plantProbers(_ plant: Plant, _ number: Int, random: Random) {
    var random = random
    let people = (0..<plant.count("addresses")).map { _ in ownFace() }
    conduct.tallies[number].sources = people
    let first = plant.day("from", options)
    let length = Int64(plant.count("minutes")) * 60_000
    for _ in 0..<plant.count("bursts") {
      let paths = Prober.paths(
        plant.count("paths"), attacks: plant.number("attacks"), random: &random)
      let start = conduct.probedPaths.count
      conduct.probedPaths += paths
      let day = options.from + first + random.below(options.days - first)
      let time = milliseconds(options.zone.start(of: day)) + Int64(random.below(86_400_000))
      conduct.actors.add(
        Prober(
          at: time, milliseconds: length, plant: number, step: conduct.steps.count,
          licensee: UInt16(plant.licensee(options)), people: people,
          paths: start..<start + paths.count, random: random.split()))
    }
    add(NoStep(), number)
  }

  private mutating func plantCampaign(_ plant: Plant, _ number: Int, random: Random) {
    var random = random
    let span = plant.campaignSpan(options)
    conduct.tallies[number].windows = [
      .init(
        from: Instant(microseconds: span.lowerBound * 1_000),
        to: Instant(microseconds: span.upperBound * 1_000))
    ]
    for _ in 0..<plant.campaignMembers(options, rhythm) {
      let slot = addUser(of: plant, app: nil, random: &random)
      let time = span.lowerBound + Int64(random.unit() * Double(span.count))
      conduct.actors.add(
        CrowdMember(
          slot: slot, at: time, plant: number, step: conduct.steps.count,
          questionCount: plant.count("questions"), share: plant.number("share"),
          calls: 1 + random.below(2 * Plant.campaignCalls - 1), random: random.split()))
    }
    add(NoStep(), number)
  }

  // MARK: - What lines say

  private mutating func plantMergedUsers(_ plant: Plant, _ number: Int) {
    var people: [Int32: MergedUsers.Person] = [:]
    let ids = plant.count("users")
    let chosen = mostActive(ids * plant.count("people"), of: plant)
    conduct.tallies[number].users = Array(chosen.prefix(ids))
    for (place, user) in chosen.enumerated() {
      people[user] = .init(user: chosen[place % ids], face: ownFace())
      taken.insert(user)
    }
    conduct.tallies[number].sources = people.keys.sorted().compactMap { people[$0]?.face }
    add(
      MergedUsers(
        plant: number, step: conduct.steps.count, from: plant.dayStart("from", options),
        people: people), number)
  }

  private mutating func plantOffice(_ plant: Plant, _ number: Int, random: Random) {
    var random = random
    let chosen = draw(plant.count("users"), of: plant, random: &random)
    for user in chosen { take(Int(user), number) }
    let face = ownFace()
    conduct.tallies[number].sources = [face]
    add(
      Office(plant: number, users: Set(chosen), face: face, app: app(of: plant) ?? 0), number)
  }

  private mutating func plantRoaming(_ plant: Plant, _ number: Int, random: Random) {
    let apps = catalogue.licensees[plant.licensee(options)].apps
    var devices: [Int32: [RoamingUsers.Device]] = [:]
    for user in mostActive(plant.count("users"), of: plant) {
      take(Int(user), number)
      // A phone is here and there, a computer at home.
      let faces = [(0..<4).map { _ in ownFace() }, [ownFace()]]
      devices[user] = faces.enumerated().map {
        .init(faces: $1, app: UInt16(apps[$0 % apps.count]))
      }
    }
    add(RoamingUsers(plant: number, devices: devices, pause: idle, random: random), number)
  }

  /// Ordinary users of the licensee on whom nothing is planted yet.
  private func freeUsers(of plant: Plant) -> [Int] {
    let licensee = catalogue.licensees[plant.licensee(options)]
    return (licensee.firstUser..<licensee.firstUser + licensee.userCount).filter {
      !taken.contains(Int32($0))
    }
  }

  private func mostActive(_ count: Int, of plant: Plant) -> [Int32] {
    freeUsers(of: plant).sorted { (userWeights[$0], $1) > (userWeights[$1], $0) }
      .prefix(count).map(Int32.init)
  }

  private func draw(_ count: Int, of plant: Plant, random: inout Random) -> [Int32] {
    var free = freeUsers(of: plant)
    for place in 0..<min(count, free.count) {
      free.swapAt(place, place + random.below(free.count - place))
    }
    return free.prefix(count).map(Int32.init)
  }

  private mutating func take(_ user: Int, _ number: Int) {
    taken.insert(Int32(user))
    conduct.tallies[number].users.append(Int32(user))
  }

  private mutating func ownFace() -> Int32 { population.ownAddress(from: &nextFace) }

  // MARK: - Volume and replay

  private mutating func plantShift(_ plant: Plant, _ number: Int, random: Random) {
    let licensee = catalogue.licensees[plant.licensee(options)]
    var apps = Set(licensee.apps + [licensee.unlistedApp])
    if let app = app(of: plant) { apps = [Int(app)] }
    conduct.shift = conduct.shift ?? VolumeShift(random: random)
    conduct.shift?.add(
      .init(
        plant: number, factor: plant.number("factor"), apps: apps,
        from: plant.dayStart("from", options)))
  }

  /// Each app's part of the ordinary traffic, by its users' activity.
  private var appShares: [Double] {
    var shares = [Double](repeating: 0, count: catalogue.apps.count)
    for (user, weight) in userWeights.enumerated() {
      let number = Int(users[user].licensee)
      let licensee = catalogue.licensees[number]
      shares[app(of: user, licensee)] += 0.9 * weight
      let given = options.licensees[number].apps
      let all = given.reduce(0) { $0 + $1.share }
      for (app, share) in given.enumerated() {
        shares[licensee.apps[app]] += 0.1 * weight * share.share / all
      }
    }
    let all = shares.reduce(0, +)
    return shares.map { $0 / all }
  }

  private mutating func plantReplay(_ plant: Plant, _ number: Int, random: Random) {
    var random = random
    let delay = plant.milliseconds("after", options)
    let last = rhythm.share(before: rhythm.end - delay - 120_000)
    let times = (0..<plant.count("calls")).map { _ in
      rhythm.time(of: random.unit() * last)
    }
    let silent = (options.logGaps + outages).map {
      milliseconds($0.from)..<milliseconds($0.to)
    }
    add(
      Replay(
        plant: number, delay: delay, times: times, end: rhythm.end, silent: silent,
        random: random), number)
  }
}

extension Plant {
  /// Calls of one of a crowd, in the mean.
  static let campaignCalls = 3

  func campaignSpan(_ options: SimulationOptions) -> Range<Int64> {
    let start = dayStart("day", options) + Int64(count("hour")) * 3_600_000
    return start..<start + Int64(count("hours")) * 3_600_000
  }

  /// As many as make the hours' traffic what is wanted.
  func campaignMembers(_ options: SimulationOptions, _ rhythm: Rhythm) -> Int {
    let span = campaignSpan(options)
    let usual =
      Double(options.size)
      * (rhythm.share(before: span.upperBound) - rhythm.share(before: span.lowerBound))
    let licensee = licensee(options)
    let share =
      options.licensees[licensee].share / options.licensees.reduce(0) { $0 + $1.share }
    return Int(usual * share * (number("factor") - 1) / Double(Self.campaignCalls))
  }
}

extension Plant.Name {
  /// Where it stands among others.
  fileprivate var place: Int {
    switch self {
    case .nightShift, .small, .volumeShift, .outages, .retries, .popularityDrift, .faqButtons: 0
    case .pollers, .keepAlive, .harvesting, .probing, .campaign: 1
    case .office, .roaming, .mergedUsers: 2
    case .answerCache, .permanentCopy: 3
    case .replay, .licensorCache: 4
    case .lostHost: 5
    }
  }
}
