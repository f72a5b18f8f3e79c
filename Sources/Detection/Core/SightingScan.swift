internal import CivilTime
internal import Contracts
internal import Counting
internal import Shuffling

/// Scans sightings in order, on one thread, and gives them to all detectors.
struct SightingScan {
  private let terms: Terms
  private let attributions: Attributions
  private var zones: [ZoneCursor]
  private var utc = ZoneCursor(.utc)
  /// Of calls of no contract.
  private var strangers: ZoneCursor
  private let places: [PlaceKey]
  private let placeNumbers: [Int]
  private let traits: [Traits]

  /// What of an attribution is asked for with each call.
  private struct Traits {
    var contract: Int
    var licensee: Int32
    var isItem: Bool
    var isEvent: Bool
    var idleTimeout: Int64
    var dedupeWindow: Int64
  }

  /// The piece at hand.
  private var user = ObservedUser(contract: "", licensee: "", user: "", hash: 0, day: 0)
  private var hasUser = false
  /// Its user's text and the kind of it, where that is short; else its bytes are compared.
  private var packedHigh: UInt64 = 0
  private var packedLow: UInt64 = 0
  private var packedKind: UInt32 = 0
  private var isPacked = false
  private var licensee: Int32 = -1
  private var userText: [UInt8] = []
  private var compared: [UInt8] = []
  private var contract = -1
  /// Until when the piece lasts, and its day.
  private var piece: (from: Int64, to: Int64) = (0, 0)
  /// Its calls that detectors have not been shown yet, and whether they are all of it.
  private let calls = PlainTable<ObservedCall>()
  private var isWhole = true
  /// Calls that are shown at once.
  private static let callsMax = 256
  private var recent = RecentHashes()
  private var recentQuestions = RecentHashes()

  private var dayNumbers: [ContractDay: Int] = [:]
  private var dayKeys: [ContractDay] = []
  private var detectors: UserDetectors

  init(_ terms: Terms, _ attributions: Attributions) {
    self.terms = terms
    self.attributions = attributions
    zones = terms.contracts.map { ZoneCursor($0.zone) }
    strangers = ZoneCursor(terms.strangersZone)
    traits = attributions.all.indices.map { number in
      let entry = attributions.all[number]
      let times = attributions.times(of: number)
      return Traits(
        contract: entry.contract, licensee: attributions.licensee(of: number),
        isItem: entry.meter == .item, isEvent: entry.role != .message,
        idleTimeout: times.idleTimeout, dedupeWindow: times.dedupeWindow)
    }
    let all = attributions.all.map {
      PlaceKey(licensee: $0.licensee, app: $0.app, module: $0.module)
    }
    places = Set(all).sorted()
    let numbers = Dictionary(uniqueKeysWithValues: places.enumerated().map { ($1, $0) })
    placeNumbers = all.map { numbers[$0] ?? 0 }
    detectors = UserDetectors(places: places)
  }

  mutating func take(_ sighting: Sighting, _ chunk: Chunk) {
    if sighting.isRefusal {
      endPiece()
      takeRefusal(sighting, chunk)
      return
    }
    guard let attribution = sighting.attribution else { return }
    let entry = traits[attribution]
    let contract = entry.contract
    if !hasUser || contract != self.contract || sighting.time >= piece.to
      || sighting.time < piece.from || entry.licensee != licensee || !isSameUser(sighting, chunk)
    {
      beginPiece(sighting, chunk, attribution)
    }
    var call = ObservedCall(
      place: placeNumbers[attribution], time: sighting.time, source: sighting.source,
      question: sighting.question, request: UInt64(sighting.request), client: sighting.client,
      device: sighting.device, conversation: UInt32(sighting.conversation),
      latency: Int(sighting.latency), status: sighting.status, items: Int(sighting.items),
      isSuccess: sighting.isSuccess, isItem: entry.isItem, isEvent: entry.isEvent,
      isDuplicate: false, isRepeatedQuestion: false, idleTimeout: entry.idleTimeout,
      dedupeWindow: entry.dedupeWindow)
    if call.isSuccess {
      // Of a request, the first successful call is counted.
      call.isDuplicate =
        call.request != 0
        && recent.comesAgain(call.request, at: call.time, within: call.dedupeWindow, slides: false)
      call.isRepeatedQuestion =
        !call.isDuplicate && call.question != 0
        && recentQuestions.comesAgain(
          call.question, at: call.time, within: call.idleTimeout, slides: true)
    }
    calls.append(call)
    if calls.count >= Self.callsMax {
      isWhole = false
      showCalls()
    }
  }

  private mutating func showCalls() {
    if isWhole {
      detectors.take(whole: calls, mayRepeatRequests: recent.mayHaveMet)
    } else {
      for call in calls { detectors.take(call) }
    }
    calls.removeAll(reserving: Self.callsMax)
  }

  /// A hash brings users together, their texts tell them apart.
  private mutating func isSameUser(_ sighting: Sighting, _ chunk: Chunk) -> Bool {
    if isPacked {
      return packedHigh == sighting.user.high && packedLow == sighting.user.low
        && packedKind == sighting.userKind
    }
    return hasText(sighting.user(in: chunk))
  }

  private mutating func hasText(_ text: ChunkText) -> Bool {
    compared.removeAll(keepingCapacity: true)
    text.append(to: &compared)
    return compared == userText
  }

  private mutating func beginPiece(_ sighting: Sighting, _ chunk: Chunk, _ attribution: Int) {
    endPiece()
    let entry = attributions.all[attribution]
    self.contract = entry.contract
    let contract = terms.contracts[entry.contract].number
    licensee = traits[attribution].licensee
    isPacked = sighting.externalBytes(in: chunk) == 0
    packedHigh = sighting.user.high
    packedLow = sighting.user.low
    packedKind = sighting.userKind
    userText.removeAll(keepingCapacity: true)
    sighting.user(in: chunk).append(to: &userText)
    let instant = Instant(microseconds: sighting.time)
    let day = zones[entry.contract].day(of: instant)
    let utcDay = utc.day(of: instant)
    piece = (
      max(day.start.microseconds, utcDay.start.microseconds),
      min(day.end.microseconds, utcDay.end.microseconds)
    )
    hasUser = true
    user = ObservedUser(
      contract: contract, licensee: entry.licensee,
      user: String(decoding: userText, as: UTF8.self),
      hash: Self.hash(entry.licensee, userText),
      day: number(of: ContractDay(contract: contract, day: day.date.daysSinceEpoch)))
    recent.removeAll()
    recentQuestions.removeAll()
    detectors.begin(user)
  }

  private mutating func endPiece() {
    guard hasUser else { return }
    showCalls()
    isWhole = true
    detectors.end(user)
    hasUser = false
  }

  private mutating func number(of day: ContractDay) -> Int {
    if let number = dayNumbers[day] { return number }
    dayNumbers[day] = dayKeys.count
    dayKeys.append(day)
    return dayKeys.count - 1
  }

  private mutating func takeRefusal(_ sighting: Sighting, _ chunk: Chunk) {
    let attribution = sighting.attribution.map { attributions.all[$0] }
    let instant = Instant(microseconds: sighting.time)
    userText.removeAll(keepingCapacity: true)
    sighting.user(in: chunk).append(to: &userText)
    let licensee = attribution?.licensee ?? String(decoding: userText, as: UTF8.self)
    let contract = attribution.map { terms.contracts[$0.contract].number } ?? ""
    var day = strangers.day(of: instant)
    if let attribution { day = zones[attribution.contract].day(of: instant) }
    detectors.take(
      ObservedRefusal(
        licensee: licensee,
        day: number(of: ContractDay(contract: contract, day: day.date.daysSinceEpoch)),
        time: sighting.time, source: sighting.source,
        path: sighting.question, traits: sighting.path.rawValue, client: sighting.client,
        device: sighting.device, user: attribution == nil ? 0 : Self.hash(licensee, userText),
        status: sighting.status))
  }

  /// Of licensee and user, the same on every machine.
  private static func hash(_ licensee: String, _ user: [UInt8]) -> UInt64 {
    var hash: UInt64 = 0x9E37_79B9_7F4A_7C15
    for byte in licensee.utf8 { hash = Mixing.mixed(hash ^ UInt64(byte)) }
    var index = 0
    while index < user.count {
      var word: UInt64 = 0
      for offset in 0..<min(8, user.count - index) {
        word |= UInt64(user[index + offset]) << UInt64(8 * offset)
      }
      hash = Mixing.mixed(hash ^ word &+ UInt64(user.count))
      index += 8
    }
    return hash
  }

  /// To be called once, at the end.
  mutating func finish() -> DetectionSummary {
    endPiece()
    var summary = DetectionSummary()
    for (day, key) in zip(detectors.days(dayKeys.count), dayKeys) where !day.isEmpty {
      summary.days[key] = day
    }
    return summary
  }
}

/// The last few hashes of a user and when they came.
struct RecentHashes {
  private static let countMax = 64
  private struct Entry: BitwiseCopyable {
    var hash: UInt64
    var time: Int64
  }
  private let entries = PlainTable<Entry>()
  private var next = 0
  /// For each value of six bits of the hashes that came a bit, four times with other bits: a filter (Bloom, 1970), by
  /// which nearly all that are new are known to be.
  private var met: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)

  /// Whether a hash came that may have come before; where not, none did.
  private(set) var mayHaveMet = false

  mutating func removeAll() {
    mayHaveMet = false
    entries.removeAll(reserving: Self.countMax)
    next = 0
    met = (0, 0, 0, 0)
  }

  /// Whether a hash has come within a time before, and notes it.
  ///
  /// - Parameter slides: whether the time is that since it came last, not since it first came.
  @inline(__always)
  mutating func comesAgain(
    _ hash: UInt64, at time: Int64, within window: Int64, slides: Bool
  ) -> Bool {
    func bit(_ place: UInt64) -> UInt64 { 1 << (hash >> place & 63) }
    let bits = (bit(5), bit(11), bit(17), bit(23))
    let isNew =
      met.0 & bits.0 == 0 || met.1 & bits.1 == 0 || met.2 & bits.2 == 0 || met.3 & bits.3 == 0
    met = (met.0 | bits.0, met.1 | bits.1, met.2 | bits.2, met.3 | bits.3)
    if !isNew {
      mayHaveMet = true
      if let isNear = known(hash, at: time, within: window, slides: slides) { return isNear }
    }
    if entries.count < Self.countMax {
      entries.append(Entry(hash: hash, time: time))
    } else {
      entries[next] = Entry(hash: hash, time: time)
      next = (next + 1) % Self.countMax
    }
    return false
  }

  @inline(never)
  private mutating func known(
    _ hash: UInt64, at time: Int64, within window: Int64, slides: Bool
  ) -> Bool? {
    for index in entries.indices where entries[index].hash == hash {
      let isNear = time - entries[index].time <= window
      if !isNear || slides { entries[index].time = time }
      return isNear
    }
    return nil
  }
}

/// All detectors of a thread. Where a detector is added, it is added here and to ``DetectionDay``.
struct UserDetectors {
  private var questions: QuestionDetector
  private var mergedUsers: MergedUsersDetector
  private var keptAlive: KeptAliveDetector
  private var harvesting: HarvestingDetector
  private var replayedCalls: ReplayedCallsDetector
  private var refusals = RefusalDetector()

  init(places: [PlaceKey]) {
    questions = QuestionDetector(places: places)
    mergedUsers = MergedUsersDetector(places: places)
    keptAlive = KeptAliveDetector(places: places)
    harvesting = HarvestingDetector(places: places)
    replayedCalls = ReplayedCallsDetector(places: places)
  }

  @inline(__always)
  mutating func begin(_ user: ObservedUser) {
    questions.begin(user)
    mergedUsers.begin(user)
    keptAlive.begin(user)
    harvesting.begin(user)
    replayedCalls.begin(user)
  }

  /// Shows one of a piece's calls.
  mutating func take(_ call: ObservedCall) {
    questions.take(call)
    mergedUsers.take(call)
    keptAlive.take(call)
    harvesting.take(call)
    replayedCalls.take(call)
  }

  /// Shows all calls of a piece, to those who could make anything of them.
  ///
  /// - Parameter mayRepeatRequests: whether any of their request ids may come more than once.
  mutating func take(whole calls: PlainTable<ObservedCall>, mayRepeatRequests: Bool) {
    for call in calls { questions.take(call) }
    let traits = PieceTraits(calls)
    if traits.hasOneFace {
      mergedUsers.takeOneFace(calls: traits.callsWithFace)
    } else {
      for call in calls { mergedUsers.take(call) }
    }
    if traits.callsWithoutQuestion >= KeptAliveDetector.pausesMin {
      for call in calls { keptAlive.take(call) }
    }
    if traits.callsWithQuestion >= HarvestingDetector.callsTallied {
      for call in calls { harvesting.take(call) }
    }
    if mayRepeatRequests {
      for call in calls { replayedCalls.take(call) }
    } else {
      for call in calls { replayedCalls.takeFirst(call) }
    }
  }

  @inline(__always)
  mutating func end(_ user: ObservedUser) {
    questions.end(user)
    mergedUsers.end(user)
    keptAlive.end(user)
    harvesting.end(user)
    replayedCalls.end(user)
  }

  mutating func take(_ refusal: ObservedRefusal) {
    refusals.take(refusal)
  }

  /// What was kept of days, by their numbers.
  func days(_ count: Int) -> [DetectionDay] {
    let (questions, mergedUsers, keptAlive) = (questions.days, mergedUsers.days, keptAlive.days)
    let (harvesting, replayedCalls) = (harvesting.days, replayedCalls.days)
    let refusals = refusals.days
    return (0..<count).map { number in
      func kept<Summary: DetectorSummary>(_ days: [Summary]) -> Summary {
        number < days.count ? days[number] : Summary()
      }
      var day = DetectionDay()
      day.questions = kept(questions)
      day.mergedUsers = kept(mergedUsers)
      day.keptAlive = kept(keptAlive)
      day.harvesting = kept(harvesting)
      day.replayedCalls = kept(replayedCalls)
      day.refusals = kept(refusals)
      return day
    }
  }
}

/// What a look at all calls of a piece shows.
private struct PieceTraits {
  /// Of calls that were counted: those with a question, and those without.
  var callsWithQuestion = 0
  var callsWithoutQuestion = 0
  /// Those with an address and a device, and whether these are always the same.
  var callsWithFace = 0
  var hasOneFace = true

  init(_ calls: PlainTable<ObservedCall>) {
    var face: UInt64 = 0
    for call in calls where call.isSuccess && !call.isDuplicate {
      if call.question == 0 { callsWithoutQuestion += 1 } else { callsWithQuestion += 1 }
      guard call.client != 0, call.device != 0 else { continue }
      let own = UInt64(call.client) << 32 | UInt64(call.device)
      if callsWithFace > 0 && own != face { hasOneFace = false }
      face = own
      callsWithFace += 1
    }
  }
}
