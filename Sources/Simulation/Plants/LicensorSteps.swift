/// The licensor's own store of answers, behind the gateway: every call is logged, and those that it
/// knows are answered at once.
struct LicensorCache: ConductStep {
  let plant: Int
  let lifetime: Int64
  let latency: Int32
  var random: Random
  private var answered: [UInt64: Int64] = [:]

  init(_ plant: Plant, number: Int, options: SimulationOptions, random: Random) {
    self.plant = number
    self.random = random
    lifetime = plant.milliseconds("ttl", options)
    latency = Int32(plant.count("latency"))
  }

  mutating func hides(_ call: inout StagedCall) -> Bool {
    let question = call.event.question
    guard question != 0, let answeredAt = call.answeredAt else { return false }
    if let since = answered[question], call.start - since < lifetime {
      let latency = latency + Int32(random.below(2))
      let mark: UInt64 = 1 << UInt64(plant)
      call.change {
        guard $0.status == 200 else { return }
        $0.latency = latency
        $0.plants |= mark
      }
    } else {
      answered[question] = answeredAt
    }
    return false
  }
}

/// A gateway whose log of a day is lost.
struct LostHost: ConductStep {
  let gateway: UInt8
  let span: Range<Int64>

  mutating func hides(_ call: inout StagedCall) -> Bool {
    call.event.gateway == gateway && span.contains(call.start)
  }
}

/// Calls that were answered, sent again as they were after the time within which the same request
/// is the same call.
struct Replay: ConductStep {
  private let plant: Int
  private let delay: Int64
  private let end: Int64
  /// When no call is logged as answered.
  private let silent: [Range<Int64>]
  /// After which the next call is one that is sent again, the last first.
  private var times: [Int64]
  private var random: Random
  private var calls: [StagedCall] = []

  init(
    plant: Int, delay: Int64, times: [Int64], end: Int64, silent: [Range<Int64>], random: Random
  ) {
    self.plant = plant
    self.delay = delay
    self.end = end
    self.silent = silent
    self.random = random
    self.times = times.sorted(by: >)
  }

  mutating func hides(_ call: inout StagedCall) -> Bool {
    guard let time = times.last, call.start >= time, call.keptSucceeded, call.event.question != 0,
      call.event.user >= 0, !call.attempts.isEmpty
    else { return false }
    let shift = delay + Int64(random.below(60_000))
    guard call.start + shift + 60_000 < end else {
      times = []
      return false
    }
    let attempt = call.attempts[call.kept]
    let order = attempt.time - call.attempts[0].time + call.start + shift
    if silent.contains(where: { $0.contains(order) }) { return false }
    times.removeLast()
    var again = call
    again.attempts = [attempt]
    again.kept = 0
    again.start = order
    again.answeredAt = order
    again.change {
      $0.time = attempt.time + shift
      $0.order = order
    }
    again.mark(plant)
    calls.append(again)
    return false
  }

  mutating func made() -> [StagedCall] {
    defer { calls = [] }
    return calls
  }
}
