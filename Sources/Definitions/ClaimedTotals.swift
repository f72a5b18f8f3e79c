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
  /// Whether its rows are of months; a cell's day is then the first of one.
  public let isMonthly: Bool
  /// From the first day that it names to the last; others are not compared.
  public private(set) var dates: ClosedRange<CivilDate>?

  /// - Parameters:
  ///   - comparesScenario: whether its rows name scenarios.
  ///   - isMonthly: whether some of its rows are of months.
  public init(comparesScenario: Bool, isMonthly: Bool = false) {
    self.comparesScenario = comparesScenario
    self.isMonthly = isMonthly
  }

  public mutating func add(_ quantity: Int, on date: CivilDate, module: String, scenario: String) {
    let cell = cell(date, module, scenario)
    quantities[cell, default: 0] += quantity
    dates =
      dates.map { min($0.lowerBound, cell.date)...max($0.upperBound, cell.date) }
      ?? cell.date...cell.date
  }

  func cell(_ date: CivilDate, _ module: String, _ scenario: String) -> Cell {
    Cell(date: period(of: date), module: module, scenario: comparesScenario ? scenario : "")
  }

  /// The day that stands for a day: itself, or the first of its month.
  func period(of date: CivilDate) -> CivilDate { isMonthly ? date.month.first : date }

  /// How many days, or months, two of them and those between are.
  func periods(from first: CivilDate, to last: CivilDate) -> Int {
    guard isMonthly else { return last - first + 1 }
    let (from, to) = (first.month, last.month)
    return (to.year - from.year) * 12 + to.month - from.month + 1
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
