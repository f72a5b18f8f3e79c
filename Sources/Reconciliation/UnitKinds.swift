public import Contracts
internal import Shuffling

/// What a unit is of, as far as the sides can be compared on it.
public struct UnitKind: Sendable, Hashable {
  public var module: String
  /// Empty where scenarios are not compared.
  public var scenario: String
  public var meter: Meter

  public init(module: String, scenario: String, meter: Meter) {
    self.module = module
    self.scenario = scenario
    self.meter = meter
  }
}

extension UnitKind {
  fileprivate var sortText: [String] { [module, scenario, meter.rawValue] }
}

/// The kinds of all units, each with a number; for any number of threads.
final class UnitKinds: @unchecked Sendable {
  private let lock = Lock()
  private var numbers: [UnitKind: Int] = [:]
  private var kinds: [UnitKind] = []

  /// The most that are told apart, so that a file of nothing else cannot use up memory.
  static let countMax = 1 << 18

  /// - Returns: `nil` for those beyond the most.
  func number(of kind: UnitKind) -> Int? {
    lock.withLock {
      if let number = numbers[kind] { return number }
      if kinds.count == Self.countMax { return nil }
      numbers[kind] = kinds.count
      kinds.append(kind)
      return kinds.count - 1
    }
  }

  /// All kinds by number; to be called when no more come.
  var all: [UnitKind] { lock.withLock { kinds } }

  /// The place of each number in the order of what it stands for.
  var ranks: [Int] {
    let kinds = all
    var ranks = [Int](repeating: 0, count: kinds.count)
    let sorted = kinds.indices.sorted {
      kinds[$0].sortText.lexicographicallyPrecedes(kinds[$1].sortText)
    }
    for (rank, number) in sorted.enumerated() { ranks[number] = rank }
    return ranks
  }
}
