import CivilTime
import Contracts
import Reconciliation
import TestSupport
import Testing

/// Two small details in which everything differs now and then, and different units of a user keep apart.
struct RandomDetails {
  private(set) var units: [(unit: StatedUnit, isLicensor: Bool)] = []
  let contract: Contract
  private var random: SeededRandom
  private var hasIDs = (true, true)
  private var hasUsers = (true, true)
  private var hasEnds = (true, true)
  private var hasMessages = (true, true)
  private var hasCharges = (false, false)
  private let zone: Zone
  /// Where slots begin: four days before the year's end, so that months are left.
  private let origin: Instant

  init(seed: UInt64) throws {
    random = SeededRandom(seed: seed)
    var contract = try exampleContract()
    contract.prices = [
      try price("bot", nil, "0.355"), try price("talk", nil, "0.12"),
      try price("kb", nil, "0.0035", meter: .item),
    ]
    self.contract = contract
    zone = contract.zone
    origin = zone.start(of: try date("2025-12-28"))
    func both(_ random: inout SeededRandom) -> (Bool, Bool) {
      (random.chance(85), random.chance(85))
    }
    hasIDs = both(&random)
    hasUsers = both(&random)
    hasEnds = both(&random)
    hasMessages = both(&random)
    hasCharges = (random.chance(20), random.chance(20))
    let slots = random.number(2...12)
    for slot in 0..<slots {
      for user in 0..<12 where random.chance(70) { add(slot: slot * 20, user: user) }
    }
  }

  // MARK: - Units

  private mutating func add(slot: Int, user: Int) {
    let isItem = random.chance(20)
    let start =
      origin
      + Interval(
        microseconds: Int64(slot * 1_800 + user * 120 + random.number(0...59)) * 1_000_000)
    let seconds = isItem ? 0 : random.number(200...900)
    let end = start + Interval(microseconds: Int64(seconds) * 1_000_000)
    let unit = StatedUnit(
      date: zone.date(of: start), module: isItem ? "kb" : random.one(of: ["bot", "talk"]),
      quantity: isItem ? random.number(1...9) : 1, user: "u\(user)",
      conversation: "c\(slot)-\(user)", startedAt: start, endedAt: end,
      messages: random.number(2...9), place: 0)
    switch random.number(0...39) {
    case 0...15: add(unit, unit)
    case 16...18: add(unit, nil)
    case 19...21: add(nil, unit)
    case 22: listAgain(unit, isLicensor: true)
    case 23: listAgain(unit, isLicensor: false)
    case 24...25: isItem ? add(unit, nil) : cut(unit, isLicensor: false)
    case 26...27: isItem ? add(nil, unit) : cut(unit, isLicensor: true)
    case 28: change(unit) { $1.quantity = 0 }
    case 29: change(unit) { $1.quantity += 3 }
    case 30: change(unit) { $1.date = $1.date.month.last + 1 }
    case 31: change(unit) { $1.user = "x" + $1.user }
    case 32 where !isItem: change(unit) { $1.module = $1.module == "bot" ? "talk" : "bot" }
    case 33: change(unit) { $1.conversation = "other-" + $1.conversation }
    case 34: change(unit) { $1.conversation = "" }
    case 35: change(unit) { $1.user = "" }
    case 36: outside(unit)
    case 37: change(unit) { $1.charge = Money(text: "\($0.number(0...3)).\($0.number(1...9_999))") }
    case 38:
      change(unit) {
        $1.startedAt = $1.startedAt.map { $0 + Interval(microseconds: 99_000_000) }
      }
    default: add(unit, unit)
    }
  }

  private mutating func add(_ licensor: StatedUnit?, _ licensee: StatedUnit?) {
    if let licensor { append(licensor, isLicensor: true) }
    if let licensee { append(jittered(licensee), isLicensor: false) }
  }

  /// By less than two clocks may differ.
  private mutating func jittered(_ unit: StatedUnit) -> StatedUnit {
    var unit = unit
    unit.startedAt = unit.startedAt.map {
      $0 + Interval(microseconds: Int64(random.number(-900...900)) * 1_000)
    }
    unit.endedAt = unit.module == "kb" ? unit.startedAt : unit.endedAt
    return unit
  }

  private mutating func change(
    _ unit: StatedUnit, _ body: (inout SeededRandom, inout StatedUnit) -> Void
  ) {
    var changed = unit
    body(&random, &changed)
    if random.chance(50) { add(unit, changed) } else { add(changed, unit) }
  }

  private mutating func listAgain(_ unit: StatedUnit, isLicensor: Bool) {
    let other = jittered(unit)
    append(isLicensor ? unit : other, isLicensor: isLicensor)
    append(isLicensor ? unit : other, isLicensor: isLicensor)
    if random.chance(70) { append(isLicensor ? other : unit, isLicensor: !isLicensor) }
  }

  /// One unit of a side is two of the other's.
  private mutating func cut(_ unit: StatedUnit, isLicensor: Bool) {
    guard let start = unit.startedAt, let end = unit.endedAt else { return }
    append(unit, isLicensor: !isLicensor)
    var (first, second) = (unit, unit)
    first.endedAt = start + Interval(microseconds: 50_000_000)
    second.startedAt = start + Interval(microseconds: 120_000_000)
    second.endedAt = end
    if random.chance(50) { second.conversation += "-2" }
    append(first, isLicensor: isLicensor)
    append(second, isLicensor: isLicensor)
  }

  private mutating func outside(_ unit: StatedUnit) {
    var unit = unit
    if random.chance(50) {
      unit.module = "ghost"
      unit.quantity = 1
    } else {
      let day = CivilDate(daysSinceEpoch: unit.date.daysSinceEpoch + 400)
      unit.date = day
    }
    append(unit, isLicensor: random.chance(50))
  }

  private mutating func append(_ unit: StatedUnit, isLicensor: Bool) {
    func has(_ sides: (Bool, Bool)) -> Bool { isLicensor ? sides.0 : sides.1 }
    var unit = unit
    if !has(hasIDs) { unit.conversation = "" }
    if !has(hasUsers) { unit.user = "" }
    if !has(hasEnds) { unit.endedAt = nil }
    if !has(hasMessages) { unit.messages = nil }
    if has(hasCharges) && random.chance(90) {
      unit.charge = Money(digits: Int128(random.number(0...9_999)), scale: 4)
    }
    unit.isNotBillable = unit.quantity == 0
    unit.place = UInt64(units.count + 1)
    units.append((unit, isLicensor))
  }

  // MARK: - Views

  /// What a reference reads.
  var rows: [DetailReference.Row] {
    units.map { unit, isLicensor in
      DetailReference.Row(
        place: Int(unit.place), isLicensor: isLicensor,
        month: unit.date.month.year * 12 + unit.date.month.month, module: unit.module,
        isItem: unit.module == "kb", quantity: unit.quantity, user: unit.user,
        id: unit.conversation, start: milliseconds(unit.startedAt),
        end: milliseconds(unit.endedAt), messages: unit.messages,
        isInside: unit.module != "ghost" && unit.date.month.year < 2027)
    }
  }

  private func milliseconds(_ time: Instant?) -> Int? { time.map { Int($0.microseconds / 1_000) } }

  /// The place of the first row that says the same.
  var firstPlaces: [Int: Int] {
    var firsts: [DetailReference.Row: Int] = [:]
    var places: [Int: Int] = [:]
    for row in rows {
      let first = firsts[row.content] ?? row.place
      firsts[row.content] = first
      places[row.place] = first
    }
    return places
  }
}

/// What the engine says of details.
struct ReconciledDetails {
  /// A text for each difference, in the report's order.
  var texts: [String] = []
  var bridges: [DifferenceBridge]
  var outcome: DetailOutcome
  var spilledBytes: Int

  init(
    _ details: RandomDetails, threads: Int = 1, bytesMax: Int = 1 << 24,
    shuffledBy seed: UInt64? = nil, clockDifference: Interval? = Interval(microseconds: 0)
  ) throws {
    var options = DetailReconciliation.Options(
      threads: threads, bytesMax: bytesMax, temporaryFolder: "/tmp")
    options.clockDifference = clockDifference
    options.comparesScenario = false
    let engine = DetailReconciliation(details.contract, options: options)
    var units = details.units
    if let seed {
      var random = SeededRandom(seed: seed)
      units.shuffle(using: &random)
    }
    let sides = BothSides(
      licensor: units.filter(\.isLicensor).map(\.unit),
      licensee: units.filter { !$0.isLicensor }.map(\.unit))
    try engine.take([
      (.licensor, { take in for var unit in sides.licensor { _ = take(&unit) } }),
      (.licensee, { take in for var unit in sides.licensee { _ = take(&unit) } }),
    ])
    outcome = try engine.run { difference in
      let places = (difference.licensor + difference.licensee).map { Int($0.place) }
      return Array("\(DetailReference.text(difference.cause, places))\n".utf8)
    }
    var bytes: [UInt8] = []
    func take(_ row: Span<UInt8>) -> Bool {
      for index in row.indices { bytes.append(row[index]) }
      return true
    }
    try outcome.rows.forEach(take)
    texts = String(decoding: bytes, as: UTF8.self).split(separator: "\n").map(String.init)
    bridges = DifferenceBridge.bridges(outcome)
    spilledBytes = engine.spilledBytes
  }
}
