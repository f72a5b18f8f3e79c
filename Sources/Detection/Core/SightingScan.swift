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
    detectors.take(call)
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
