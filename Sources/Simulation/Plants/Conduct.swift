/// A call on its way through what is planted: its attempts with one request id.
struct StagedCall {
  /// What a gateway wrote; none where the logs have a gap.
  var attempts: [LogEvent]
  /// The attempt that counts.
  var kept: Int
  var keptSucceeded: Bool
  /// Like its attempts.
  var event: LogEvent
  /// When the first attempt was made, by the true clock.
  var start: Int64
  /// When the attempt was made that was answered; `nil`: none was.
  var answeredAt: Int64?
  /// The same for all that one question took, which may be calls with several request ids.
  var number: UInt64
  /// Among equal starts.
  var sequence: UInt64 = 0

  /// The first step that sees it, and the last that does; of steps, so that a count before each
  /// step tells what the step did.
  var born = 0
  var died = Int.max
  /// The step that shows it under another user's id, and whose it was before.
  var merged = Int.max
  var ownUser: Int32
  /// Whether it is planted at the idle timeout.
  var isBoundary = false

  /// The moment that counts, by the gateway's clock.
  var time: Int64 { attempts.isEmpty ? start : attempts[kept].time }

  mutating func mark(_ plant: Int) {
    event.plants |= 1 << UInt64(plant)
    for attempt in attempts.indices { attempts[attempt].plants |= 1 << UInt64(plant) }
  }

  /// Changes what all lines of the call say.
  mutating func change(_ body: (inout LogEvent) -> Void) {
    body(&event)
    for attempt in attempts.indices { body(&attempts[attempt]) }
  }
}

/// What a planted thing does to the calls that pass it, in their order.
protocol ConductStep {
  /// - Returns: whether the call never reached the gateway, or its log.
  mutating func hides(_ call: inout StagedCall) -> Bool
  /// Calls that the step makes itself, each once.
  mutating func made() -> [StagedCall]
}

extension ConductStep {
  mutating func made() -> [StagedCall] { [] }
}

/// Only adds calls: those of its actors.
struct NoStep: ConductStep {
  mutating func hides(_ call: inout StagedCall) -> Bool { false }
}

/// Everything planted that calls pass through between those who make them and the log.
///
/// Ordinary users do not know of it: the same seed gives the same calls with and without, so that
/// what a cache hides is exactly what the log has less. The calls pass all steps in order of time;
/// before the first and after each step they are counted, so that each step's effect on the count
/// is known, whatever else is planted.
struct Conduct {
  struct Step {
    /// The number of the plant.
    var plant: Int
    var body: any ConductStep
  }

  var tallies: [PlantTally] = []
  var steps: [Step] = []
  /// One more than steps.
  private(set) var counters: [TruthCounter] = []
  private var states: [[CountState]] = []
  private var waiting: [StagedCall] = []
  private var uncounted: [StagedCall] = []
  private var sequence: UInt64 = 0
  /// By number of the call, the step that hid it although it would have failed: who was answered
  /// does not ask again.
  private var hidden: [UInt64: Int] = [:]
  var actors = ActorQueue()
  var shift: VolumeShift?
  var drift: PopularityDrift?
  var buttons: FAQButtons?
  var appCount = 0
  /// Ready to stand in JSON.
  var probedPaths: [String] = []
  /// Whether paths name the items that are called.
  var namesItems = false

  /// The count of what is logged.
  var truth: TruthCounter? { counters.last }

  mutating func prepareCounters(_ options: SimulationOptions, _ catalogue: Catalogue, users: Int) {
    for number in 0...steps.count {
      counters.append(
        TruthCounter(
          options: options, catalogue: catalogue, userCount: users,
          keepsUnits: options.writesStatements && number == steps.count))
      states.append([CountState](repeating: CountState(), count: users))
    }
  }

  mutating func take(_ call: StagedCall) {
    var call = call
    sequence += 1
    call.sequence = sequence
    waiting.append(call)
  }

  /// Lets the calls pass that begin before a moment of the true clock.
  ///
  /// - Parameter slowestClock: how far a gateway's clock may be behind, in milliseconds.
  mutating func release(before end: Int64, slowestClock: Int64, into events: inout [LogEvent]) {
    while true {
      guard let first = waiting.min(by: Self.comesFirst), first.start < end else { break }
      waiting.sort(by: Self.comesFirst)
      let ready = waiting.prefix { $0.start < end }
      waiting.removeFirst(ready.count)
      for call in ready { pass(call, into: &events) }
    }
    count(before: end == .max ? end : end - slowestClock)
  }

  private static func comesFirst(_ left: StagedCall, _ right: StagedCall) -> Bool {
    (left.start, left.sequence) < (right.start, right.sequence)
  }

  private mutating func pass(_ call: StagedCall, into events: inout [LogEvent]) {
    var call = call
    for number in steps.indices where number >= call.born {
      let isHidden = hidden[call.number] == number || steps[number].body.hides(&call)
      for made in steps[number].body.made() {
        var made = made
        made.born = number + 1
        take(made)
      }
      if isHidden {
        call.died = number + 1
        hide(call, step: number)
        break
      }
    }
    if call.died == .max {
      for event in call.attempts {
        for plant in tallies.indices where event.plants >> UInt64(plant) & 1 == 1 {
          tallies[plant].logged(event)
        }
        events.append(event)
      }
    }
    if !call.attempts.isEmpty { uncounted.append(call) }
  }

  private mutating func hide(_ call: StagedCall, step: Int) {
    tallies[steps[step].plant].hid(call, isAgain: hidden[call.number] != nil)
    hidden[call.number] = call.answeredAt == nil ? step : nil
  }

  /// Counts in the order in which a reader of the logs does: by their clocks.
  private mutating func count(before end: Int64) {
    guard !uncounted.isEmpty else { return }
    uncounted.sort {
      let (left, right) = ($0.attempts[$0.kept], $1.attempts[$1.kept])
      return (left.time, left.requestHigh, left.requestLow)
        < (right.time, right.requestHigh, right.requestLow)
    }
    let ready = uncounted.prefix { $0.time < end }
    uncounted.removeFirst(ready.count)
    for call in ready {
      for number in counters.indices where call.born <= number && number < call.died {
        count(call, number)
      }
    }
  }

  private mutating func count(_ call: StagedCall, _ number: Int) {
    let isMerged = call.merged < number
    for event in call.attempts {
      var event = event
      if !isMerged { event.user = call.ownUser }
      counters[number].sawRecord(event)
    }
    var event = call.attempts[call.kept]
    if !isMerged { event.user = call.ownUser }
    guard event.user >= 0 else { return }
    counters[number].count(
      event, isSuccess: call.keptSucceeded, repeats: call.attempts.count - 1,
      isBoundary: call.isBoundary,
      state: &states[number][Int(event.user)])
  }
}
