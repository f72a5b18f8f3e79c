public import CivilTime

/// Another party's totals of one contract, by what both sides can be compared on.
public struct ClaimedTotals: Sendable {
  public struct Cell: Sendable, Hashable {
    public var date: CivilDate
    public var module: String
    /// Empty where scenarios are not compared.
    public var scenario: String

    public init(date: CivilDate, module: String, scenario: String) {
      self.date = date
      self.module = module
      self.scenario = scenario
    }
  }

  /// Units; days without any may be left out.
  public private(set) var quantities: [Cell: Int] = [:]
  public let comparesScenario: Bool
  /// From the first day that it names to the last; others are not compared.
  public private(set) var dates: ClosedRange<CivilDate>?

  /// - Parameter comparesScenario: whether its rows name scenarios.
  public init(comparesScenario: Bool) { self.comparesScenario = comparesScenario }

  public mutating func add(_ quantity: Int, on date: CivilDate, module: String, scenario: String) {
    quantities[cell(date, module, scenario), default: 0] += quantity
    dates = dates.map { min($0.lowerBound, date)...max($0.upperBound, date) } ?? date...date
  }

  func cell(_ date: CivilDate, _ module: String, _ scenario: String) -> Cell {
    Cell(date: date, module: module, scenario: comparesScenario ? scenario : "")
  }

  /// Units by which a count differs, day by day and module by module, on the days that are compared.
  func differences(from counted: [Cell: Int]) -> [Cell: Int] {
    guard let dates else { return [:] }
    var differences: [Cell: Int] = [:]
    for cell in Set(quantities.keys).union(counted.keys) where dates.contains(cell.date) {
      let difference = (counted[cell] ?? 0) - (quantities[cell] ?? 0)
      if difference != 0 { differences[cell] = difference }
    }
    return differences
  }
}
