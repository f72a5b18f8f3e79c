/// Someone who calls besides the ordinary users.
protocol Actor {
  /// When it acts next, by the true clock; `Int64.max`: never again.
  var nextTime: Int64 { get }
  /// Its own, so that the ordinary users' calls stay the same.
  var random: Random { get set }
  /// Acts, and sets ``nextTime`` to a later one.
  mutating func act(_ traffic: inout Traffic)
}

/// What is different in the call of a planted user.
struct Acting {
  /// The plant's number, and that of its step.
  let plant: Int
  let step: Int
  /// Under whose id, and with whose address.
  var user: Int32
  var person: Int32
  /// 0: there is none in it.
  var question: UInt64 = 0
  /// 0: none is named.
  var item: Int32 = 0

  var isContentFree: Bool { question == 0 }

  func ask(_ event: inout LogEvent) {
    event.question = question
    event.path = item
    event.user = user
    event.person = person
    event.plants |= 1 << UInt64(plant)
  }
}

/// Actors by the time of their next act: a binary heap.
struct ActorQueue {
  private var heap: [any Actor] = []

  mutating func add(_ actor: any Actor) {
    guard actor.nextTime < .max else { return }
    heap.append(actor)
    var child = heap.count - 1
    while child > 0, heap[child].nextTime < heap[(child - 1) / 2].nextTime {
      heap.swapAt(child, (child - 1) / 2)
      child = (child - 1) / 2
    }
  }

  /// Takes the next actor out if it acts before a moment.
  mutating func next(before end: Int64) -> (any Actor)? {
    guard let first = heap.first, first.nextTime < end else { return nil }
    heap.swapAt(0, heap.count - 1)
    heap.removeLast()
    var parent = 0
    while true {
      var least = parent
      for child in [2 * parent + 1, 2 * parent + 2] where child < heap.count {
        if heap[child].nextTime < heap[least].nextTime { least = child }
      }
      guard least != parent else { return first }
      heap.swapAt(parent, least)
      parent = least
    }
  }
}

extension Traffic {
  /// Lets the planted users act who do so before a moment, and what has been called pass on.
  mutating func advancePlanted(before end: Int64) {
    let actEnd = min(end, rhythm.end)
    while var actor = conduct.actors.next(before: actEnd) {
      swap(&random, &actor.random)
      actor.act(&self)
      swap(&random, &actor.random)
      acting = nil
      conduct.actors.add(actor)
    }
    let slowest = skews.min() ?? 0
    conduct.release(before: end, slowestClock: max(0, -slowest), into: &events)
  }

  /// Passes a call on, with what gateways wrote of it.
  mutating func stage(
    _ event: LogEvent, kept: Int, keptSucceeded: Bool, from start: Int64, answeredAt: Int64?,
    isBoundary: Bool = false
  ) {
    var call = StagedCall(
      attempts: attempts, kept: kept, keptSucceeded: keptSucceeded, event: event, start: start,
      answeredAt: answeredAt, number: callCount, ownUser: event.user)
    call.isBoundary = isBoundary
    if let acting { call.born = acting.step + 1 }
    attempts.removeAll(keepingCapacity: true)
    conduct.take(call)
  }

  /// A call of a planted user, with the attempts that it takes.
  mutating func call(_ user: Int, at time: Int64, as acting: Acting) {
    self.acting = acting
    call(user, at: time, isBoundary: false)
    self.acting = nil
  }
}
