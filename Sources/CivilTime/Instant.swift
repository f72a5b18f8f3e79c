/// A moment on the UTC time line, in microseconds since 1970-01-01T00:00:00Z, leap seconds not
/// counted (POSIX time).
///
/// Microseconds in 64 bits reach from the year −290308 to 294246, and are what
/// `docs/counting.md` compares: nothing finer decides a count.
@frozen
public struct Instant: Comparable, Hashable, Sendable {
  /// Microseconds since the epoch; negative before 1970.
  public var microseconds: Int64

  @inlinable
  public init(microseconds: Int64) { self.microseconds = microseconds }

  @inlinable
  public init(seconds: Int64) { self.microseconds = seconds * 1_000_000 }

  /// Whole seconds since the epoch, rounded down.
  @inlinable
  public var secondsRoundedDown: Int64 {
    let quotient = microseconds / 1_000_000
    return microseconds % 1_000_000 < 0 ? quotient - 1 : quotient
  }

  @inlinable
  public static func < (left: Instant, right: Instant) -> Bool {
    left.microseconds < right.microseconds
  }

  @inlinable
  public static func + (left: Instant, right: Interval) -> Instant {
    Instant(microseconds: left.microseconds + right.microseconds)
  }

  @inlinable
  public static func - (left: Instant, right: Instant) -> Interval {
    Interval(microseconds: left.microseconds - right.microseconds)
  }
}

/// A length of time in microseconds.
@frozen
public struct Interval: Comparable, Hashable, Sendable {
  public var microseconds: Int64

  @inlinable
  public init(microseconds: Int64) { self.microseconds = microseconds }

  @inlinable
  public init(seconds: Int64) { self.microseconds = seconds * 1_000_000 }

  @inlinable
  public static func < (left: Interval, right: Interval) -> Bool {
    left.microseconds < right.microseconds
  }
}

extension Interval {
  /// The longest interval that a setting may state: 1,000 years, so that adding one to any time
  /// of a log cannot overflow.
  public static let longestSetting = Interval(seconds: 1_000 * 366 * 86_400)

  private static let units: [(suffix: String, microseconds: Int64)] = [
    ("d", 86_400_000_000), ("h", 3_600_000_000), ("m", 60_000_000), ("s", 1_000_000),
    ("ms", 1_000), ("us", 1),
  ]

  /// Reads `30m`, `1h30m`, `90s`, `2d`, `500ms`: numbers with a unit each, largest unit first.
  ///
  /// - Returns: `nil` where the text is anything else, negative, or beyond `longestSetting`.
  public init?(text: String) {
    var total: Int64 = 0
    var lastUnit = Int64.max
    var rest = Substring(text)
    guard !rest.isEmpty else { return nil }
    while !rest.isEmpty {
      let digits = rest.prefix { $0.isASCII && $0.isNumber }
      guard let number = Int64(digits) else { return nil }
      rest = rest.dropFirst(digits.count)
      let letters = rest.prefix { $0.isASCII && $0.isLetter }
      rest = rest.dropFirst(letters.count)
      guard let unit = Self.units.first(where: { $0.suffix == letters })?.microseconds,
        unit < lastUnit
      else { return nil }
      lastUnit = unit
      let (part, overflow) = number.multipliedReportingOverflow(by: unit)
      let (sum, overflowed) = total.addingReportingOverflow(part)
      guard !overflow, !overflowed, sum <= Self.longestSetting.microseconds else { return nil }
      total = sum
    }
    self.init(microseconds: total)
  }

  /// The shortest form that ``init(text:)`` reads back: `30m`, `1h30m`, `0s`; with a minus sign
  /// for a negative difference, which no setting can be.
  public var text: String {
    var rest = microseconds.magnitude
    var text = microseconds < 0 ? "-" : ""
    for unit in Self.units where rest >= unit.microseconds.magnitude {
      text += "\(rest / unit.microseconds.magnitude)\(unit.suffix)"
      rest %= unit.microseconds.magnitude
    }
    return text.isEmpty ? "0s" : text
  }
}
