/// Forms of a time that few logs have, behind the common one so that it pays nothing for them.
extension TimestampReader {
  /// The moment of `20251201T080000.123+0800` or `01/Dec/2025:08:00:00 +0800`; of the latter in
  /// square brackets too, as access logs have it.
  @inline(never)
  static func instant(otherForm text: Span<UInt8>) -> Instant? {
    guard text.count >= 16 else { return nil }
    if text[8] == 0x54 || text[8] == 0x74 || text[8] == 0x20 { return instant(basicForm: text) }
    guard text[0] == 0x5B else { return instant(localTime: text) }
    guard text[text.count - 1] == 0x5D else { return nil }
    return instant(localTime: text.extracting(1..<(text.count - 1)))
  }

  private static func instant(basicForm text: Span<UInt8>) -> Instant? {
    guard let century = twoDigits(text, 0), let year = twoDigits(text, 2),
      let month = twoDigits(text, 4), let day = twoDigits(text, 6),
      let days = days(year: century * 100 + year, month: month, day: day),
      let seconds = seconds(text, hour: 9, minute: 11, second: 13)
    else { return nil }
    var position = 15
    guard let fraction = fraction(text, &position),
      let offset = offset(zone: text, from: position)
    else { return nil }
    return Instant(microseconds: (days * 86_400 + seconds - offset) * 1_000_000 + fraction)
  }

  private static func instant(localTime text: Span<UInt8>) -> Instant? {
    guard text.count >= 22, text[2] == 0x2F, text[6] == 0x2F, text[11] == 0x3A,
      text[14] == 0x3A, text[17] == 0x3A, let day = twoDigits(text, 0),
      let month = month(text[3], text[4], text[5]), let century = twoDigits(text, 7),
      let year = twoDigits(text, 9),
      let days = days(year: century * 100 + year, month: month, day: day),
      let seconds = seconds(text, hour: 12, minute: 15, second: 18)
    else { return nil }
    var position = 20
    guard let fraction = fraction(text, &position), position < text.count,
      text[position] == 0x20, let offset = offset(zone: text, from: position + 1)
    else { return nil }
    return Instant(microseconds: (days * 86_400 + seconds - offset) * 1_000_000 + fraction)
  }

  /// The second of the day; 60 is a leap second.
  private static func seconds(
    _ text: Span<UInt8>, hour: Int, minute: Int, second: Int
  ) -> Int64? {
    guard let hour = twoDigits(text, hour), hour < 24, let minute = twoDigits(text, minute),
      minute < 60, let second = twoDigits(text, second), second <= 60
    else { return nil }
    return hour * 3_600 + minute * 60 + second
  }

  /// Microseconds behind a decimal mark, and moves behind them; 0 where there is no mark, `nil`
  /// where no digit follows it.
  public static func fraction(_ text: Span<UInt8>, _ position: inout Int) -> Int64? {
    guard position < text.count, text[position] == 0x2E || text[position] == 0x2C else { return 0 }
    position += 1
    let first = position
    var fraction: Int64 = 0
    var scale: Int64 = 100_000
    while position < text.count, text[position] &- 0x30 < 10 {
      fraction += Int64(text[position] - 0x30) * scale
      scale /= 10
      position += 1
    }
    return position > first ? fraction : nil
  }

  /// Seconds east of UTC that the rest of a text states: `Z`, `z`, `±HH:MM`, `±HHMM` or `±HH`.
  @inline(never)
  static func offset(zone text: Span<UInt8>, from start: Int) -> Int64? {
    let count = text.count - start
    guard count > 0 else { return nil }
    let sign = text[start]
    if sign == 0x5A || sign == 0x7A { return count == 1 ? 0 : nil }
    guard sign == 0x2B || sign == 0x2D, count == 3 || count == 5 || count == 6,
      count != 6 || text[start + 3] == 0x3A, let hours = twoDigits(text, start + 1), hours < 24
    else { return nil }
    var minutes: Int64 = 0
    if count > 3 {
      guard let read = twoDigits(text, text.count - 2), read < 60 else { return nil }
      minutes = read
    }
    return (hours * 60 + minutes) * (sign == 0x2B ? 60 : -60)
  }

  private static func month(_ first: UInt8, _ second: UInt8, _ third: UInt8) -> Int64? {
    let name = UInt32(first) << 16 | UInt32(second) << 8 | UInt32(third)
    return monthNames.firstIndex(of: name).map { Int64($0 + 1) }
  }

  /// The three letters of each month's English name as one number.
  private static let monthNames = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
  ].map { $0.utf8.reduce(0 as UInt32) { $0 << 8 | UInt32($1) } }
}
