internal import CivilTime
internal import Contracts
internal import Counting
internal import Shuffling

/// Scans sightings in order, on one thread, and gives them to all detectors.
struct SightingScan {
  private let terms: Terms
  private let attributions: Attributions
  private var zones: [ZoneCursor]
  /// By contract.
  private var days: [DayPieces]
  /// Of calls of no contract.
  private var strangers: ZoneCursor
  private let places: [PlaceKey]
  private let licenseeNumbers: [Int]
  private let traits: PlainTable<Traits>

  /// What of an attribution is asked for with each call.
  private struct Traits: BitwiseCopyable {
    var place: Int
    var contract: Int
    var licensee: Int32
    var isItem: Bool
    var isEvent: Bool
    var idleTimeout: Int64
    var dedupeWindow: Int64
  }

  /// The user at hand, whose piece is the one that lasts.
  private var user = ObservedUser(
    licensee: "", licenseeNumber: 0, name: PlainTable(), hash: 0, day: 0)
  private var hasPiece = false
  /// The user's text and the kind of it, where that is short; else its bytes are compared.
  private var packedHigh: UInt64 = 0
  private var packedLow: UInt64 = 0
  private var packedKind: UInt32 = 0
  private var isPacked = false
  private var licensee = Int32.min
  private var userText: [UInt8] = []
  private var compared: [UInt8] = []
  private var contract = -1
  /// Until when the piece lasts.
  private var piece: (from: Int64, to: Int64) = (0, 0)
  private var recent = RecentHashes()

  private var dayNumbers: [ContractDay: Int] = [:]
  private var dayKeys: [ContractDay] = []
  private var detectors: UserDetectors

  init(_ terms: Terms, _ attributions: Attributions) {
    self.terms = terms
    self.attributions = attributions
    zones = terms.contracts.map { ZoneCursor($0.zone) }
    strangers = ZoneCursor(terms.strangersZone)
    let all = attributions.all.map {
      PlaceKey(licensee: $0.licensee, app: $0.app, module: $0.module)
    }
    places = Set(all).sorted()
    let numbers = Dictionary(uniqueKeysWithValues: places.enumerated().map { ($1, $0) })
    let licensees = Dictionary(
      uniqueKeysWithValues: places.licensees.enumerated().map { ($1, $0) })
    licenseeNumbers = all.map { licensees[$0.licensee] ?? 0 }
    traits = PlainTable(
      attributions.all.indices.map { number in
        let entry = attributions.all[number]
        let times = attributions.times(of: number)
        return Traits(
          place: numbers[all[number]] ?? 0, contract: entry.contract,
          licensee: attributions.licensee(of: number),
          isItem: entry.meter == .item, isEvent: entry.role != .message,
          idleTimeout: times.idleTimeout, dedupeWindow: times.dedupeWindow)
      })
    days = terms.contracts.map { _ in DayPieces() }
    detectors = UserDetectors(places: places)
  }

  /// Takes sightings in order.
  mutating func take(_ sightings: Span<SightingPlace>) {
    for index in sightings.indices { take(sightings, at: index) }
  }

  // Reads field by field: a copy of a whole sighting, which was written just so, would have to wait for that.
  @inline(__always)
  private mutating func take(_ sightings: Span<SightingPlace>, at index: Int) {
    if sightings[index].sighting.isRefusal {
      endPiece()
      takeRefusal(sightings[index].sighting, sightings[index].chunk)
      return
    }
    guard let attribution = sightings[index].sighting.attribution else { return }
    let time = sightings[index].sighting.time
    let contract = traits[attribution].contract
    if traits[attribution].licensee != licensee || !isSameUser(sightings, at: index) {
      endPiece()
      takeUser(sightings[index].sighting, sightings[index].chunk, attribution)
    }
    if !hasPiece || contract != self.contract || time >= piece.to || time < piece.from {
      beginPiece(at: time, contract)
    }
    let isSuccess = sightings[index].sighting.isSuccess
    let request = UInt64(sightings[index].sighting.request)
    var isDuplicate = false
    var mayBeReplayed = false
    if isSuccess && request != 0 {
      // Of a request, the first successful call is counted.
      (isDuplicate, mayBeReplayed) = recent.comesAgain(
        request, at: time, within: traits[attribution].dedupeWindow)
    }
    detectors.take(
      ObservedCall(
        place: traits[attribution].place, time: time, source: sightings[index].sighting.source,
        question: sightings[index].sighting.question, request: request,
        client: sightings[index].sighting.client, device: sightings[index].sighting.device,
        conversation: UInt32(sightings[index].sighting.conversation),
        latency: Int(sightings[index].sighting.latency),
        status: sightings[index].sighting.status, items: Int(sightings[index].sighting.items),
        isSuccess: isSuccess, isItem: traits[attribution].isItem,
        isEvent: traits[attribution].isEvent, isDuplicate: isDuplicate,
        mayBeReplayed: mayBeReplayed, idleTimeout: traits[attribution].idleTimeout,
        dedupeWindow: traits[attribution].dedupeWindow))
  }

  /// A hash brings users together, their texts tell them apart.
  @inline(__always)
  private mutating func isSameUser(_ sightings: Span<SightingPlace>, at index: Int) -> Bool {
    if isPacked {
      return packedHigh == sightings[index].sighting.user.high
        && packedLow == sightings[index].sighting.user.low
        && packedKind == sightings[index].sighting.userKind
    }
    return hasText(sightings[index].sighting.user(in: sightings[index].chunk))
  }

  @inline(never)
  private mutating func hasText(_ text: ChunkText) -> Bool {
    compared.removeAll(keepingCapacity: true)
    text.append(to: &compared)
    return compared == userText
  }

  @inline(never)
  private mutating func takeUser(_ sighting: Sighting, _ chunk: Chunk, _ attribution: Int) {
    licensee = traits[attribution].licensee
    isPacked = sighting.externalBytes(in: chunk) == 0
    packedHigh = sighting.user.high
    packedLow = sighting.user.low
    packedKind = sighting.userKind
    userText.removeAll(keepingCapacity: true)
    sighting.user(in: chunk).append(to: &userText)
    user.licensee = attributions.all[attribution].licensee
    user.licenseeNumber = licenseeNumbers[attribution]
    user.name.removeAll(reserving: userText.count)
    for byte in userText { user.name.append(byte) }
    user.hash = Self.hash(user.licensee, userText)
  }

  @inline(never)
  private mutating func beginPiece(at time: Int64, _ contract: Int) {
    endPiece()
    hasPiece = true
    self.contract = contract
    let found = days[contract].piece(at: time) ?? addPiece(at: time, contract)
    piece = (found.from, found.to)
    user.day = found.day
    recent.removeAll()
    detectors.begin(user)
  }

  private mutating func addPiece(at time: Int64, _ contract: Int) -> DayPieces.Piece {
    let instant = Instant(microseconds: time)
    let day = zones[contract].day(of: instant)
    let utcDay = Zone.utc.day(of: instant)
    let key = ContractDay(
      contract: terms.contracts[contract].number, day: day.date.daysSinceEpoch)
    let piece = DayPieces.Piece(
      from: max(day.start.microseconds, utcDay.start.microseconds),
      to: min(day.end.microseconds, utcDay.end.microseconds), day: number(of: key))
    days[contract].add(piece)
    return piece
  }

  private mutating func endPiece() {
    guard hasPiece else { return }
    detectors.end(user)
    hasPiece = false
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
    compared.removeAll(keepingCapacity: true)
    sighting.user(in: chunk).append(to: &compared)
    let licensee = attribution?.licensee ?? String(decoding: compared, as: UTF8.self)
    let contract = attribution.map { terms.contracts[$0.contract].number } ?? ""
    var day = strangers.day(of: instant)
    if let attribution { day = zones[attribution.contract].day(of: instant) }
    detectors.take(
      ObservedRefusal(
        licensee: licensee,
        day: number(of: ContractDay(contract: contract, day: day.date.daysSinceEpoch)),
        time: sighting.time, source: sighting.source,
        path: sighting.question, traits: sighting.path.rawValue, client: sighting.client,
        device: sighting.device, user: attribution == nil ? 0 : Self.hash(licensee, compared),
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

/// The pieces of days that a thread has met of one contract: each lies in one day of its zone and in one of UTC.
private struct DayPieces {
  struct Piece: BitwiseCopyable {
    /// Microseconds since 1970: the first moment, and the first that is not its own.
    var from: Int64
    var to: Int64
    /// The number of the ``ContractDay``.
    var day: Int
  }

  /// Ascending.
  private var pieces: [Piece] = []

  /// The piece that a moment lies in, where that was met.
  func piece(at time: Int64) -> Piece? {
    let place = place(of: time)
    guard place < pieces.count, pieces[place].from <= time else { return nil }
    return pieces[place]
  }

  mutating func add(_ piece: Piece) { pieces.insert(piece, at: place(of: piece.from)) }

  /// Of the first piece that ends after a moment.
  private func place(of time: Int64) -> Int {
    var (low, high) = (0, pieces.count)
    while low < high {
      let middle = (low + high) / 2
      if pieces[middle].to <= time { low = middle + 1 } else { high = middle }
    }
    return low
  }
}
