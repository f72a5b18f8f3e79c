public import CivilTime
public import Contracts
public import Statements

/// Two parties' totals side by side: what is settled per month, and the same per day.
public struct TotalsReconciliation: Sendable, Hashable {
  /// The contract's number.
  public var contract: String
  /// A row per calendar month, module, scenario and unit, in this order.
  public var months: [ReconciliationRow]
  /// A row per day, module, scenario and unit, in this order; none where a side states months.
  public var days: [ReconciliationRow]
  /// What a reader of the figures must know.
  public var notes: [ReconciliationNote]

  /// Whether every month is within the contract's tolerance; what leaves the command with
  /// status 1 where it is not.
  public var isWithinTolerance: Bool { months.allSatisfy(\.isWithinTolerance) }
}

/// One compared figure. Differences are the licensor's figure less the licensee's.
public struct ReconciliationRow: Sendable, Hashable {
  /// `2025-12` or `2025-12-01`.
  public var period: String
  public var module: String
  /// Empty where scenarios are not compared, or the record names none.
  public var scenario: String
  /// `nil` where units are not compared.
  public var meter: Meter?
  public var licensorQuantity: Int
  public var licenseeQuantity: Int
  /// Yuan, rounded to fen; `nil` where a part of the quantity has no price.
  public var licensorAmount: Money?
  public var licenseeAmount: Money?
  /// As a fraction of the licensor's figure.
  public var tolerance: Money
  /// Within the tolerance on quantity, and on amount where both sides have one.
  public var isWithinTolerance: Bool

  public var difference: Int { licensorQuantity - licenseeQuantity }

  /// Of the two amounts as they are shown, so that a row adds up.
  public var amountDifference: Money? {
    guard let licensorAmount, let licenseeAmount else { return nil }
    return licensorAmount - licenseeAmount
  }

  /// The difference in percent of the licensor's quantity, rounded half away from zero to four
  /// places; `nil` where the licensor has nothing and the licensee has something.
  public var differencePercent: Money? {
    if licensorQuantity == 0 { return licenseeQuantity == 0 ? .zero : nil }
    let numerator = Int128(difference) * 1_000_000
    let divisor = Int128(licensorQuantity)
    let (quotient, rest) = (numerator.magnitude).quotientAndRemainder(
      dividingBy: divisor.magnitude)
    let rounded = Int128(rest * 2 >= divisor.magnitude ? quotient + 1 : quotient)
    let isNegative = (numerator < 0) != (divisor < 0)
    return Money(digits: isNegative ? -rounded : rounded, scale: 4)
  }
}

/// What a reader of reconciled figures must know; what is about a file is about the licensee's.
public enum ReconciliationNote: Sendable, Hashable, CustomStringConvertible {
  /// The same of the licensor's file.
  indirect case ofLicensor(ReconciliationNote)
  /// The two files are not of the same months; from which day to which each is, and the first month that both have.
  case periodsDiffer(
    licensor: ClosedRange<CivilDate>, licensee: ClosedRange<CivilDate>, common: CivilMonth?)
  /// Days of the range for which the file has no row; they count as zero there.
  case daysWithoutLicenseeFigures([CivilDate], dayCount: Int)
  /// The file has a header and nothing below it.
  case noRows
  /// Every row names another contract or licensee; some of the names.
  case onlyOthers([String])
  /// No row is for a day of the range; what days they are for.
  case allRowsOutsideRange(ClosedRange<CivilDate>, range: ClosedRange<CivilDate>)
  /// Rows for days out of the range, left out.
  case rowsOutsideRange(Int)
  /// Rows that name another contract or another licensee, left out.
  case rowsOfOthers(Int)
  /// Rows of months of which the range has only some days, left out.
  case rowsOfPartMonths(Int)
  /// Rows that could not be read, left out.
  case rowsUnreadable(Int)
  /// Rows in which something is wrong, compared as they are.
  case rowsKept(Int)
  /// Rows that add up others, left out.
  case totalRows([Int])
  /// A row does not say what it adds up.
  case totalContradicts(TotalContradiction)
  /// The file states months, so that days cannot be compared.
  case monthsNotComparedByDay
  /// The file has no such column, so the figures are compared without it.
  case columnNotCompared(StatementColumn)

  public var description: String { text(of: "licensee") }

  /// - Parameter side: whose file it is about.
  private func text(of side: String) -> String {
    switch self {
    case .ofLicensor(let note): note.text(of: "licensor")
    case .periodsDiffer(let licensor, let licensee, let common):
      "the licensee's statement has figures of \(licensee.lowerBound) to \(licensee.upperBound), the licensor's of "
        + "\(licensor.lowerBound) to \(licensor.upperBound); what only one has is a difference: "
        + (common.map { "compare one month (--period \($0))" }
          ?? "they have no month in common; check that both are of one period")
    case .daysWithoutLicenseeFigures(let days, let dayCount):
      "the \(side)'s statement covers \(dayCount - days.count) of \(dayCount) days; without "
        + "figures, and taken as zero: \(Self.ranges(days))"
    case .noRows:
      "the \(side)'s statement has a header and no rows; every figure of its is taken as zero"
    case .onlyOthers(let names):
      "every row of the \(side)'s statement is for another contract or licensee "
        + "(\(names.joined(separator: ", "))); check that it is the right file"
    case .allRowsOutsideRange(let dates, let range):
      "every row of the \(side)'s statement is out of the range: it has \(dates.lowerBound) to "
        + "\(dates.upperBound), compared are \(range.lowerBound) to \(range.upperBound); check that "
        + "it is the right period's"
    case .rowsOutsideRange(let count):
      "rows of the \(side)'s statement for days out of the range, left out: \(count)"
    case .rowsOfOthers(let count):
      "rows of the \(side)'s statement for another contract or licensee, left out: \(count)"
    case .rowsOfPartMonths(let count):
      "rows of the \(side)'s statement for months of which only some days are compared, left out: "
        + "\(count); compare whole months (--period)"
    case .rowsUnreadable(let count):
      "rows of the \(side)'s statement that could not be read, missing in its figures: \(count)"
    case .rowsKept(let count):
      "rows of the \(side)'s statement in which something is wrong, compared as they are: \(count)"
    case .totalRows(let rows):
      "rows of the \(side)'s statement that add up others, left out: "
        + rows.map { String($0) }.joined(separator: ", ")
    case .totalContradicts(let contradiction): contradiction.description
    case .monthsNotComparedByDay:
      "the \(side)'s statement has figures of whole months; days are not compared"
    case .columnNotCompared(let column):
      "the \(side)'s statement has no \(column.rawValue); the figures are compared over all of "
        + "them together"
    }
  }

  /// `2025-12-03, 2025-12-07 to 2025-12-09`.
  private static func ranges(_ days: [CivilDate]) -> String {
    var ranges: [ClosedRange<CivilDate>] = []
    for day in days {
      if let last = ranges.last, last.upperBound + 1 == day {
        ranges[ranges.count - 1] = last.lowerBound...day
      } else {
        ranges.append(day...day)
      }
    }
    return ranges.map { range in
      range.lowerBound == range.upperBound
        ? "\(range.lowerBound)" : "\(range.lowerBound) to \(range.upperBound)"
    }.joined(separator: ", ")
  }
}
