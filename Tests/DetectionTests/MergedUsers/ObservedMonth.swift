import CivilTime
import Contracts
import Shuffling
import TestSupport
import Testing

@testable import Detection

/// Calls of users over some days from 1 December 2025 on, in UTC, and what detectors make of them.
struct ObservedMonth {
  static let start: Int64 = 1_764_547_200
  static let place = PlaceKey(licensee: "acme", app: "web", module: "text-bot")

  var calls: [String: [ObservedCall]] = [:]
  private var source: UInt64 = 0
  var random: SeededRandom

  init(seed: UInt64) { random = SeededRandom(seed: seed) }

  /// - Parameter time: seconds since the first midnight.
  mutating func call(
    _ user: String, at time: Double, question: UInt64 = 1, client: UInt32 = 1, device: UInt32 = 1,
    request: UInt64? = nil, conversation: UInt32 = 0, latency: Int = 400,
    _ change: (inout ObservedCall) -> Void = { _ in }
  ) {
    source += 1
    var call = ObservedCall(
      place: 0, time: Self.start * 1_000_000 + Int64(time * 1_000_000), source: source,
      question: question, request: request ?? random.next() | 1, client: client, device: device,
      conversation: conversation, latency: latency, status: 200, items: 0, isSuccess: true,
      isItem: false, isEvent: false, isDuplicate: false, mayBeReplayed: false,
      idleTimeout: 1_800_000_000, dedupeWindow: 3_600_000_000)
    change(&call)
    calls[user, default: []].append(call)
  }

  /// A pause between two calls of a person, in seconds.
  mutating func pause() -> Double {
    // A sum of twelve is close to normal.
    let normal = (0..<12).reduce(-6.0) { sum, _ in
      sum + Double.random(in: 0..<1, using: &random)
    }
    var factor = 1.0
    let base = normal < 0 ? 1 / 1.35 : 1.35
    for _ in 0..<Int((normal.magnitude * 4).rounded()) { factor *= base }
    return 20 * factor + 1
  }

  /// A question as popular as its rank makes it.
  mutating func question(of count: Int = 3_000) -> UInt64 {
    // The logarithm of the rank is even, as by Zipf's law.
    var rank = 1.0
    var rest = Double.random(in: 0..<1, using: &random) * 11.55
    while rest >= 1 {
      rank *= 2
      rest -= 1
    }
    rank *= 1 + rest
    return UInt64(min(rank, Double(count))) &* 0x9E37_79B9_7F4A_7C15 | 1
  }

  /// Conversations of a person on a day.
  mutating func converse(
    _ user: String, day: Int, count: Int, faces: [(client: UInt32, device: UInt32)]
  ) {
    for _ in 0..<count {
      var time = Double(day) * 86_400 + Double.random(in: 28_800..<79_200, using: &random)
      let face = random.one(of: faces)
      let conversation = UInt32(truncatingIfNeeded: random.next()) | 1
      for _ in 0..<random.number(2...10) {
        call(
          user, at: time, question: question(), client: face.client, device: face.device,
          conversation: conversation, latency: random.number(200...2_500))
        time += pause()
      }
    }
  }

  /// People who come now and then, each with a face or two.
  mutating func addHonest(_ people: Int, days: Int, prefix: String = "honest") {
    for person in 0..<people {
      let base = UInt32(1_000 + person * 4)
      var faces = [(client: base, device: base % 7)]
      if random.chance(40) { faces.append((base + 1, 10 + base % 3)) }
      for day in 0..<days where random.chance(35) {
        converse("\(prefix)-\(person)", day: day, count: random.number(1...3), faces: faces)
      }
    }
  }

  /// Users who show a little of everything that is looked for, or nothing.
  static func mixed(seed: UInt64) -> ObservedMonth {
    var month = ObservedMonth(seed: seed)
    for user in 0..<60 {
      let faces = month.random.number(1...3)
      let requests = month.random.number(2...60)
      for day in 0..<3 where month.random.chance(80) {
        var time = Double(day) * 86_400 + Double(month.random.number(0...30_000))
        for _ in 0..<month.random.number(1...50) {
          let isFree = month.random.chance(user % 4 == 0 ? 60 : 5)
          month.call(
            "user-\(user)", at: time, question: isFree ? 0 : month.question(of: 200),
            client: UInt32(month.random.number(1...faces)),
            device: UInt32(month.random.number(1...faces)),
            request: UInt64(user * 1_000 + month.random.number(1...requests)) &* 0x9E37_79B9 | 1
          ) { [isFailed = month.random.chance(5), isEvent = month.random.chance(3)] call in
            call.isSuccess = !isFailed
            call.isEvent = isEvent
          }
          time += month.random.chance(20) ? 4_000 : isFree ? 1_500 : month.pause()
        }
      }
    }
    return month
  }

  /// What detectors keep of it.
  ///
  /// - Parameter callsAtOnce: of a user's day, so many calls are looked at before detectors are shown them.
  func summary(callsAtOnce: Int = 256) -> DetectionSummary {
    parts(callsAtOnce: callsAtOnce)[0]
  }

  /// What threads keep of it, over which users are spread in any order.
  func parts(threads: Int = 1, order: UInt64 = 0, callsAtOnce: Int = 256) -> [DetectionSummary] {
    var random = SeededRandom(seed: order)
    let users = order == 0 ? calls.keys.sorted() : calls.keys.sorted().shuffled(using: &random)
    return (0..<threads).map { thread in
      var detectors = UserDetectors(places: [Self.place], callsAtOnce: callsAtOnce)
      var numbers: [Int: Int] = [:]
      for (index, user) in users.enumerated() where index % threads == thread {
        show(user, &detectors, &numbers)
      }
      var part = DetectionSummary()
      let days = detectors.days(numbers.count)
      for (day, number) in numbers {
        part.days[ContractDay(contract: "DZ-1", day: Int32(day))] = days[number]
      }
      return part
    }
  }

  private func show(
    _ name: String, _ detectors: inout UserDetectors, _ numbers: inout [Int: Int]
  ) {
    let sorted = (calls[name] ?? []).sorted { ($0.time, $0.source) < ($1.time, $1.source) }
    var hash: UInt64 = 1
    for byte in name.utf8 { hash = Mixing.mixed(hash ^ UInt64(byte)) }
    var user: ObservedUser?
    var current: Int?
    var recent = RecentHashes()
    for call in sorted {
      let day = Int(call.time / 86_400_000_000)
      if day != current {
        if let user { detectors.end(user) }
        if numbers[day] == nil { numbers[day] = numbers.count }
        let next = ObservedUser(
          licensee: "acme", licenseeNumber: 0, name: PlainTable(Array(name.utf8)), hash: hash,
          day: numbers[day] ?? 0)
        detectors.begin(next)
        user = next
        current = day
        recent.removeAll()
      }
      var call = call
      if call.request != 0 {
        (call.isDuplicate, call.mayBeReplayed) = recent.comesAgain(
          call.request, at: call.time, within: call.dedupeWindow)
      }
      detectors.take(call)
    }
    if let user { detectors.end(user) }
  }

  /// What is reported of a kind, corrected for all tests.
  func findings(_ kind: Finding.Kind) throws -> [Finding] {
    var contract = try exampleContract()
    contract.zone = .utc
    let context = DetectionContext(
      contract: contract, summary: summary(), uses: [:], source: { "gateway.log:\($0)" })
    return detectedFindings(context).filter { $0.kind == kind }
  }
}

/// What must hold of every summary: it is read again as it was written, and bytes that are wrong are
/// an error, never a trap.
func checkCoding<Summary: DetectorSummary & Equatable>(_ summary: Summary, seed: UInt64) throws {
  func bytes(_ summary: Summary) -> [UInt8] {
    var writer = SummaryWriter()
    summary.write(to: &writer)
    return writer.bytes
  }
  func read(_ bytes: [UInt8]) throws -> Summary {
    var reader = SummaryReader(bytes) { $0 < 1 << 40 ? $0 : nil }
    let summary = try Summary(from: &reader)
    try reader.end()
    return summary
  }
  let whole = bytes(summary)
  #expect(try read(whole) == summary)
  #expect(bytes(try read(whole)) == whole)
  var random = SeededRandom(seed: seed)
  for _ in 0..<min(whole.count, 300) {
    let count = Int.random(in: 0..<whole.count, using: &random)
    #expect(throws: SummaryError.self) { try read(Array(whole.prefix(count))) }
  }
  #expect(throws: SummaryError.self) { try read(whole + [0]) }
  for _ in 0..<2_000 {
    var damaged = whole
    damaged[Int.random(in: 0..<whole.count, using: &random)] = UInt8.random(
      in: 0...255, using: &random)
    guard let other = try? read(damaged) else { continue }
    #expect(bytes(try read(bytes(other))) == bytes(other))
  }
}
