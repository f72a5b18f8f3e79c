internal import Shuffling

/// Units that only one side has by id and user, as they come in order of time: those that agree in all else are one.
struct OrphanWindow {
  typealias Tell = (UnitGroup, UnitBatch) -> Void

  /// Units of a side that wait at most; of more at one moment, the first are told of as they are, so that neither memory
  /// nor time grows with their square.
  static let waitingMax = 4_096

  /// Units of one side, in order of time, each with a batch of its own that has its texts.
  private struct Waiting {
    var units: [UnitRecord] = []
    var batches: [UnitBatch] = []

    mutating func removeFirst(_ count: Int) {
      units.removeFirst(count)
      batches.removeFirst(count)
    }

    mutating func remove(at place: Int) -> UnitBatch {
      units.remove(at: place)
      return batches.remove(at: place)
    }
  }

  private let times: AlignedTimes
  private var licensor = Waiting()
  private var licensee = Waiting()
  private var spare: [UnitBatch] = []

  init(_ times: AlignedTimes) { self.times = times }

  /// Adds the next unit, and tells of those that no later one can belong to.
  mutating func add(_ unit: UnitRecord, textsIn chunk: Chunk, _ tell: Tell) {
    let time = times.start(unit) - slack
    expire(\.licensor, before: time, tell)
    expire(\.licensee, before: time, tell)
    let others = unit.side == .licensor ? \Self.licensee : \Self.licensor
    if let place = counterpart(of: unit, among: self[keyPath: others].units) {
      let pair = self[keyPath: others].remove(at: place)
      pair.append(unit, textsIn: chunk)
      let (licensor, licensee) = unit.side == .licensor ? (1, 0) : (0, 1)
      tell(UnitGroup(licensor: [licensor], licensee: [licensee]), pair)
      release(pair)
      return
    }
    wait(unit.side == .licensor ? \.licensor : \.licensee, unit, chunk, tell)
  }

  private mutating func wait(
    _ side: WritableKeyPath<Self, Waiting>, _ unit: UnitRecord, _ chunk: Chunk, _ tell: Tell
  ) {
    if self[keyPath: side].units.count == Self.waitingMax {
      tellFirst(side, Self.waitingMax / 16, tell)
    }
    let batch = spare.popLast() ?? UnitBatch()
    batch.append(unit, textsIn: chunk)
    self[keyPath: side].units.append(unit)
    self[keyPath: side].batches.append(batch)
  }

  /// Tells of all that is left.
  mutating func finish(_ tell: Tell) {
    tellFirst(\.licensor, licensor.units.count, tell)
    tellFirst(\.licensee, licensee.units.count, tell)
  }

  private mutating func expire(
    _ side: WritableKeyPath<Self, Waiting>, before time: Int64, _ tell: Tell
  ) {
    let count =
      self[keyPath: side].units.firstIndex { times.start($0) >= time }
      ?? self[keyPath: side].units.count
    tellFirst(side, count, tell)
  }

  private mutating func tellFirst(
    _ side: WritableKeyPath<Self, Waiting>, _ count: Int, _ tell: Tell
  ) {
    guard count > 0 else { return }
    for batch in self[keyPath: side].batches[..<count] {
      tell(
        batch[0].side == .licensor ? UnitGroup(licensor: [0]) : UnitGroup(licensee: [0]), batch)
      release(batch)
    }
    self[keyPath: side].removeFirst(count)
  }

  private mutating func release(_ batch: UnitBatch) {
    batch.removeAll()
    spare.append(batch)
  }

  /// The unit that agrees in all but the user, the nearest in time.
  private func counterpart(of unit: UnitRecord, among others: [UnitRecord]) -> Int? {
    guard !unit.isTimeUnknown else { return nil }
    let (from, to) = (times.start(unit), times.end(unit))
    var best: (distance: Int64, place: Int)?
    for place in others.indices {
      let other = others[place]
      guard other.kind == unit.kind, other.quantity == unit.quantity, !other.isTimeUnknown,
        other.messages == unit.messages || other.messages < 0 || unit.messages < 0
      else { continue }
      let starts = abs(from - times.start(other))
      let isEndKnown = !unit.isEndUnknown && !other.isEndUnknown
      let ends = isEndKnown ? abs(to - times.end(other)) : 0
      guard starts <= slack, ends <= slack else { continue }
      if starts + ends < best?.distance ?? .max { best = (starts + ends, place) }
      if starts + ends == 0 { break }
    }
    return best?.place
  }

  private var slack: Int64 { times.tightSlack }
}
