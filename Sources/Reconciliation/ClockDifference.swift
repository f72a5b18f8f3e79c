public import CivilTime

/// What the licensee's clock is ahead of the licensor's, as far as units that both have tell.
public struct ClockDifference: Sendable, Hashable {
  public enum Basis: String, Sendable, Hashable {
    /// Units with equal ids.
    case ids
    /// Units of equal users with equal lengths and messages.
    case users
    /// Nothing tells; no difference is assumed.
    case none
    /// The command line says so.
    case given
  }

  /// Above 0: the licensee's times are later.
  public var difference: Interval
  public var basis: Basis
  /// The units that it was found from.
  public var pairs: Int
  /// Nine of ten of these deviate from it by at most this.
  public var spread: Interval
  /// Whether users of units with equal ids are mostly equal; `nil` where too few are known.
  var usersAgree: Bool?

  init(
    difference: Interval, basis: Basis, pairs: Int, spread: Interval, usersAgree: Bool? = nil
  ) {
    self.difference = difference
    self.basis = basis
    self.pairs = pairs
    self.spread = spread
    self.usersAgree = usersAgree
  }

  static let unknown = ClockDifference(
    difference: Interval(microseconds: 0), basis: .none, pairs: 0,
    spread: Interval(microseconds: 0))

  /// By how much starts and ends of one unit may differ on the two sides, once clocks are set right.
  var slack: Int64 { min(max(2 * spread.microseconds, Self.slackMin), Self.slackMax) }

  /// By how much they do differ for nearly all.
  var tightSlack: Int64 {
    basis == .ids || basis == .users
      ? min(max(2 * spread.microseconds, Self.tightSlackMin), slack) : slack
  }

  private static let tightSlackMin: Int64 = 50_000
  private static let slackMin: Int64 = 2_000_000
  private static let slackMax: Int64 = 90_000_000

  /// The time zones' part of the difference, where it is one: whole quarters of an hour of at least half an hour, but for a
  /// clock that is a minute wrong.
  public var zonePart: Interval? {
    let quarter: Int64 = 900_000_000
    let quarters = (Double(difference.microseconds) / Double(quarter)).rounded()
    let rest = difference.microseconds - Int64(quarters) * quarter
    guard abs(quarters) >= 2, abs(rest) <= 60_000_000 else { return nil }
    return Interval(microseconds: Int64(quarters) * quarter)
  }
}

// MARK: - Estimation

extension ClockDifference {
  /// The widest difference that is looked for.
  private static let differenceMax: Int64 = 26 * 3_600_000_000
  /// What belongs to one difference lies this close together.
  private static let window: Int64 = 10_000_000
  private static let pairsByUserMin = 5
  /// Users with more tell nothing: any difference would do.
  private static let unitsOfUserMax = 200

  /// Finds the difference that most units agree on.
  init(licensor: UnitSample, licensee: UnitSample) {
    let (differences, usersAgree) = Self.differencesByID(licensor, licensee)
    if let found = Self.densest(differences), 3 * found.count >= differences.count {
      self = Self.median(of: found, .ids)
      self.usersAgree = usersAgree
      return
    }
    let byUser = Self.differencesByUser(licensor, licensee)
    if let found = Self.densest(byUser.differences), found.count >= Self.pairsByUserMin,
      3 * found.count >= byUser.unitCount
    {
      self = Self.median(of: found, .users)
    } else {
      self = .unknown
    }
    self.usersAgree = usersAgree
  }

  /// Of ids that each side has once.
  private static func differencesByID(
    _ licensor: UnitSample, _ licensee: UnitSample
  ) -> (differences: [Int64], usersAgree: Bool?) {
    let bound = min(licensor.idBound, licensee.idBound)
    let first = single(licensor.byID, below: bound)
    let second = single(licensee.byID, below: bound)
    var differences: [Int64] = []
    var (equal, known) = (0, 0)
    for (hash, unit) in first {
      guard let other = second[hash] else { continue }
      let difference = other.startedAt - unit.startedAt
      if abs(difference) <= differenceMax { differences.append(difference) }
      guard unit.user != 0, other.user != 0 else { continue }
      known += 1
      if unit.user == other.user { equal += 1 }
    }
    return (differences, known >= 10 ? 4 * equal >= known : nil)
  }

  private static func single(
    _ entries: [UnitSample.Entry], below bound: UInt64
  ) -> [UInt64: UnitSample.Entry] {
    var counts: [UInt64: Int] = [:]
    for entry in entries where entry.hash < bound { counts[entry.hash, default: 0] += 1 }
    var found: [UInt64: UnitSample.Entry] = [:]
    for entry in entries where counts[entry.hash] == 1 { found[entry.hash] = entry }
    return found
  }

  /// Of all units of a user that have equal lengths, to the second, and numbers of messages.
  private static func differencesByUser(
    _ licensor: UnitSample, _ licensee: UnitSample
  ) -> (differences: [Int64], unitCount: Int) {
    let bound = min(licensor.userBound, licensee.userBound)
    let second = Dictionary(grouping: licensee.byUser.filter { $0.hash < bound }) { $0.hash }
    var differences: [Int64] = []
    var unitCount = 0
    for unit in licensor.byUser where unit.hash < bound {
      guard let others = second[unit.hash], others.count <= unitsOfUserMax else { continue }
      unitCount += 1
      for other in others {
        let difference = other.startedAt - unit.startedAt
        let lengths = (unit.endedAt - unit.startedAt) - (other.endedAt - other.startedAt)
        guard abs(difference) <= differenceMax, abs(lengths) <= 1_000_000,
          unit.messages < 0 || other.messages < 0 || unit.messages == other.messages
        else { continue }
        differences.append(difference)
      }
    }
    return (differences, unitCount)
  }

  /// The most differences that lie within a window.
  private static func densest(_ differences: [Int64]) -> ArraySlice<Int64>? {
    let sorted = differences.sorted()
    var best = 0..<0
    var low = 0
    for high in sorted.indices {
      while sorted[high] - sorted[low] > window { low += 1 }
      if high + 1 - low > best.count { best = low..<high + 1 }
    }
    return best.isEmpty ? nil : sorted[best]
  }

  private static func median(of found: ArraySlice<Int64>, _ basis: Basis) -> ClockDifference {
    let median = found[found.startIndex + found.count / 2]
    let deviations = found.map { abs($0 - median) }.sorted()
    return ClockDifference(
      difference: Interval(microseconds: median), basis: basis, pairs: found.count,
      spread: Interval(microseconds: deviations[(deviations.count - 1) * 9 / 10]))
  }
}
