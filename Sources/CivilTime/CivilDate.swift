/// A calendar day of the proleptic Gregorian calendar, as days since 1970-01-01.
@frozen
public struct CivilDate: Comparable, Hashable, Sendable {
  public var daysSinceEpoch: Int32

  @inlinable
  public init(daysSinceEpoch: Int32) { self.daysSinceEpoch = daysSinceEpoch }

  /// The day of a year, month (1–12) and day of month (1–31).
  ///
  /// The arithmetic is that of Howard Hinnant's "chrono-Compatible Low-Level Date Algorithms":
  /// years are counted from March, so that the leap day comes last.
  @inlinable
  public init(year: Int, month: Int, day: Int) {
    let marchYear = month <= 2 ? year - 1 : year
    let era = (marchYear >= 0 ? marchYear : marchYear - 399) / 400
    let yearOfEra = marchYear - era * 400
    let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
    let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
    daysSinceEpoch = Int32(truncatingIfNeeded: era * 146_097 + dayOfEra - 719_468)
  }

  /// Year, month (1–12) and day of month (1–31).
  @inlinable
  public var components: (year: Int, month: Int, day: Int) {
    let shifted = Int(daysSinceEpoch) + 719_468
    let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
    let dayOfEra = shifted - era * 146_097
    let yearOfEra =
      (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let monthFromMarch = (5 * dayOfYear + 2) / 153
    let day = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
    let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
    return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day)
  }

  /// Days in a month (1–12) of a year.
  @inlinable
  public static func dayCount(year: Int, month: Int) -> Int {
    if month == 2 { return isLeap(year) ? 29 : 28 }
    return month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31
  }

  @inlinable
  public static func isLeap(_ year: Int) -> Bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
  }

  @inlinable
  public static func < (left: CivilDate, right: CivilDate) -> Bool {
    left.daysSinceEpoch < right.daysSinceEpoch
  }

  @inlinable
  public static func + (date: CivilDate, days: Int) -> CivilDate {
    CivilDate(daysSinceEpoch: date.daysSinceEpoch + Int32(days))
  }

  /// Days from `right` to `left`.
  @inlinable
  public static func - (left: CivilDate, right: CivilDate) -> Int {
    Int(left.daysSinceEpoch) - Int(right.daysSinceEpoch)
  }
}

extension CivilDate: CustomStringConvertible {
  /// Reads `2025-12-01`; `nil` for anything else, days that do not exist included.
  public init?(text: String) {
    let bytes = Array(text.utf8)
    guard bytes.count == 10, bytes[4] == 0x2D, bytes[7] == 0x2D else { return nil }
    func number(_ range: Range<Int>) -> Int? {
      var value = 0
      for byte in bytes[range] {
        guard byte >= 0x30, byte <= 0x39 else { return nil }
        value = value * 10 + Int(byte - 0x30)
      }
      return value
    }
    guard let year = number(0..<4), let month = number(5..<7), let day = number(8..<10),
      (1...12).contains(month), day >= 1, day <= Self.dayCount(year: year, month: month)
    else { return nil }
    self.init(year: year, month: month, day: day)
  }

  /// `2025-12-01`.
  public var description: String {
    let (year, month, day) = components
    return "\(Self.padded(year, 4))-\(Self.padded(month, 2))-\(Self.padded(day, 2))"
  }

  /// The settlement month that the day lies in.
  public var month: CivilMonth {
    let (year, month, _) = components
    return CivilMonth(year: year, month: month)
  }

  static func padded(_ number: Int, _ width: Int) -> String {
    let digits = String(number)
    return String(repeating: "0", count: max(0, width - digits.count)) + digits
  }
}

/// A calendar month: the settlement period of `fees.settlement`.
public struct CivilMonth: Comparable, Hashable, Sendable, CustomStringConvertible {
  public var year: Int
  /// 1–12.
  public var month: Int

  public init(year: Int, month: Int) {
    self.year = year
    self.month = month
  }

  /// Reads `2025-12`.
  public init?(text: String) {
    guard text.utf8.count == 7, let first = CivilDate(text: text + "-01") else { return nil }
    self = first.month
  }

  public var first: CivilDate { CivilDate(year: year, month: month, day: 1) }
  public var last: CivilDate {
    CivilDate(year: year, month: month, day: CivilDate.dayCount(year: year, month: month))
  }

  public var next: CivilMonth { (last + 1).month }

  public var description: String {
    "\(CivilDate.padded(year, 4))-\(CivilDate.padded(month, 2))"
  }

  public static func < (left: CivilMonth, right: CivilMonth) -> Bool {
    (left.year, left.month) < (right.year, right.month)
  }
}
