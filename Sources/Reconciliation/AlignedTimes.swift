internal import CivilTime

/// Times of both sides' units on one clock, the licensor's, and what counts as equal among them.
struct AlignedTimes {
  /// What the licensee's clock is ahead, and by how much times of one unit may differ, in microseconds.
  let clockDifference: Int64
  let slack: Int64
  /// By how much they do differ.
  let tightSlack: Int64

  init(_ clock: ClockDifference) {
    clockDifference = clock.difference.microseconds
    slack = clock.slack
    tightSlack = clock.tightSlack
  }

  func start(_ unit: UnitRecord) -> Int64 { unit.start(clockDifference: clockDifference) }
  func end(_ unit: UnitRecord) -> Int64 { unit.end(clockDifference: clockDifference) }

  /// Whether start and end of two units agree, as far as they are known.
  func fit(_ left: UnitRecord, _ right: UnitRecord) -> Bool {
    fit(left, right, within: slack)
  }

  func fit(_ left: UnitRecord, _ right: UnitRecord, within slack: Int64) -> Bool {
    guard !left.isTimeUnknown, !right.isTimeUnknown,
      abs(start(left) - start(right)) <= slack
    else { return false }
    return left.isEndUnknown || right.isEndUnknown || abs(end(left) - end(right)) <= slack
  }
}
