internal import Shuffling

/// Units that only one side has by id and user, as they come in order of time: those that agree in all else are one.
struct OrphanWindow {
  typealias Tell = (UnitGroup, UnitBatch) -> Void

  private let slack: Int64
  private let clockDifference: Int64
  /// Each in a batch of its own, in order of time.
  private var waiting: [UnitBatch] = []
  private var spare: [UnitBatch] = []

  /// - Parameters: as those of ``UnitMatcher``.
  init(clockDifference: Int64, slack: Int64) {
    self.clockDifference = clockDifference
    self.slack = slack
  }

  /// Adds the next unit, and tells of those that no later one can belong to.
  mutating func add(_ unit: UnitRecord, textsIn chunk: Chunk, _ tell: Tell) {
    expire(before: unit.start(clockDifference: clockDifference) - slack, tell)
    if let place = counterpart(of: unit) {
      let pair = waiting.remove(at: place)
      pair.append(unit, textsIn: chunk)
      let (licensor, licensee) = unit.side == .licensor ? (1, 0) : (0, 1)
      tell(UnitGroup(licensor: [licensor], licensee: [licensee]), pair)
      release(pair)
      return
    }
    let batch = spare.popLast() ?? UnitBatch()
    batch.append(unit, textsIn: chunk)
    waiting.append(batch)
  }

  /// Tells of all that is left.
  mutating func finish(_ tell: Tell) { expire(before: .max, tell) }

  private mutating func expire(before time: Int64, _ tell: Tell) {
    var count = 0
    while count < waiting.count,
      time == .max || waiting[count][0].start(clockDifference: clockDifference) < time
    {
      let batch = waiting[count]
      tell(
        batch[0].side == .licensor ? UnitGroup(licensor: [0]) : UnitGroup(licensee: [0]), batch)
      release(batch)
      count += 1
    }
    waiting.removeFirst(count)
  }

  private mutating func release(_ batch: UnitBatch) {
    batch.removeAll()
    spare.append(batch)
  }

  /// The unit of the other side that agrees in all but the user, the nearest in time.
  private func counterpart(of unit: UnitRecord) -> Int? {
    guard !unit.isTimeUnknown else { return nil }
    var best: (distance: Int64, place: Int)?
    for (place, batch) in waiting.enumerated() {
      let other = batch[0]
      guard other.side != unit.side, !other.isTimeUnknown, other.kind == unit.kind,
        other.quantity == unit.quantity,
        other.messages == unit.messages || other.messages < 0 || unit.messages < 0
      else { continue }
      let starts = distance(\.startedAt, unit, other)
      let isEndKnown = !unit.isEndUnknown && !other.isEndUnknown
      let ends = isEndKnown ? distance(\.endedAt, unit, other) : 0
      guard starts <= slack, ends <= slack else { continue }
      if starts + ends < best?.distance ?? .max { best = (starts + ends, place) }
    }
    return best?.place
  }

  private func distance(
    _ time: KeyPath<UnitRecord, Int64>, _ unit: UnitRecord, _ other: UnitRecord
  ) -> Int64 {
    let (licensor, licensee) = unit.side == .licensor ? (unit, other) : (other, unit)
    return abs(licensee[keyPath: time] - clockDifference - licensor[keyPath: time])
  }
}
