/// Reads the time of a record: RFC 3339, ISO 8601's basic form or a web server's local time, or
/// seconds, milliseconds, microseconds or nanoseconds since the epoch, told apart by size.
///
/// Keeps the minute last read, since a log stays within one for many lines: where date, hour,
/// minute, zone and shape are the same again, only seconds and milliseconds are read.
public struct TimestampReader: Sendable {
  /// The digits of 1970-01-01, whose day is 0, so that the pair holds from the beginning.
  @usableFromInline var lastDate: UInt64 = 0x3139_3730_3031_3031
  @usableFromInline var lastDays: Int64 = 0
  /// The first 16 bytes and the zone of the text last read in full, and the moment at which its
  /// minute begins.
  @usableFromInline var minuteText: (UInt64, UInt64) = (0, 0)
  @usableFromInline var zoneText: UInt64 = 0
  @usableFromInline var minuteStart: Int64 = 0

  /// The first 17 bytes and the zone of the web server's local time last read in full, from the day on.
  @usableFromInline var localText: (UInt64, UInt64) = (0, 0)
  @usableFromInline var localZone: UInt64 = 0
  /// The minute's last digit and the colon behind it.
  @usableFromInline var localSeconds: UInt64 = 0
  @usableFromInline var localMinute: Int64 = 0

  public init() {}

  /// The moment that a text states, cut to the microsecond.
  ///
  /// - Parameter text: RFC 3339 with `T`, `t` or a space, any number of fraction digits, and a
  ///   zone (`Z`, `z`, `±HH:MM`, `±HHMM`, `±HH`); ISO 8601's basic form (`20251201T080000Z`) or
  ///   the local time of Apache and nginx (`01/Dec/2025:08:00:00 +0800`, in brackets too) with the
  ///   same fractions and zones; or a decimal number since the epoch. A leap second (`:60`) is the
  ///   first moment of the next minute.
  /// - Returns: `nil` where the text is none of these.
  @inlinable
  @inline(__always)
  public mutating func instant(text: Span<UInt8>) -> Instant? {
    if text.count == 29 || text.count == 24 {
      // `2025-12-01T08:00:00.123+08:00` or `…Z`: minute, seconds with milliseconds, zone.
      let first = Self.word(text, 0)
      let second = Self.word(text, 8)
      let seconds = Self.word(text, 16)
      let zone = text.count == 29 ? Self.word(text, 21) >> 16 : seconds >> 56
      if first == minuteText.0 && second == minuteText.1 && zone == zoneText {
        // `:SS.mmm` without its punctuation: the digits' values, and zeros.
        let digits = (seconds ^ 0x0030_3030_2E30_303A) & 0x00FF_FFFF_FFFF_FFFF
        let outside = digits | (digits &+ 0x0076_7676_7F76_767F)
        if outside & 0x8080_8080_8080_8080 == 0 {
          let second = (digits >> 8 & 0xF) &* 10 &+ (digits >> 16 & 0xF)
          let millisecond =
            (digits >> 32 & 0xF) &* 100 &+ (digits >> 40 & 0xF) &* 10 &+ (digits >> 48 & 0xF)
          if second < 60 {
            return Instant(
              microseconds: minuteStart &+ Int64(second &* 1_000_000 &+ millisecond &* 1_000))
          }
        }
      }
      guard let instant = read(text: text) else { return nil }
      if let start = read(minuteOf: text) {
        minuteText = (first, second)
        zoneText = zone
        minuteStart = start
      }
      return instant
    }
    return instant(otherLength: text)
  }

  /// Of a text that has not 24 or 29 bytes; apart, since what is inlined into the reading of lines is to
  /// be short.
  @usableFromInline
  @inline(never)
  mutating func instant(otherLength text: Span<UInt8>) -> Instant? {
    if text.count == 26 || text.count == 28 {
      // `01/Dec/2025:08:00:00 +0800`, or the same in brackets: minute, seconds, zone.
      let start = text.count &- 26
      let first = Self.word(text, start / 2)
      let second = Self.word(text, start / 2 &+ 8)
      let seconds = Self.word(text, start / 2 &+ 16)
      let zone = Self.word(text, start / 2 &+ 18) >> 16
      if first == localText.0 && second == localText.1 && zone == localZone
        && (start == 0 || text[0] == 0x5B && text[27] == 0x5D)
      {
        // The minute's last digit, `:SS `.
        let tens = seconds >> 16 & 0xFF ^ 0x30
        let ones = seconds >> 24 & 0xFF ^ 0x30
        if tens < 6 && ones < 10 && seconds & 0xFFFF == localSeconds {
          return Instant(
            microseconds: localMinute &+ Int64(tens &* 10 &+ ones) &* 1_000_000)
        }
      }
      guard let instant = read(text: text) else { return nil }
      if let start = read(localMinuteOf: text, from: start / 2) {
        localText = (first, second)
        localZone = zone
        localSeconds = seconds & 0xFFFF
        localMinute = start
      }
      return instant
    }
    return read(text: text)
  }

  /// The moment at which the minute of a web server's local time begins; `nil` where the text is none.
  @usableFromInline
  mutating func read(localMinuteOf text: Span<UInt8>, from start: Int) -> Int64? {
    guard text[start + 2] == 0x2F, text[start + 17] == 0x3A, text[start + 20] == 0x20 else {
      return nil
    }
    var minute: [UInt8] = []
    for index in text.indices { minute.append(text[index]) }
    minute[start + 18] = 0x30
    minute[start + 19] = 0x30
    return read(text: minute.span)?.microseconds
  }

  @inlinable
  @inline(__always)
  static func word(_ text: Span<UInt8>, _ offset: Int) -> UInt64 {
    unsafe UInt64(
      littleEndian: text.bytes.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self))
  }

  /// The moment at which the minute of a text of 24 or 29 bytes begins, where its seconds have
  /// three digits behind a point.
  @usableFromInline
  mutating func read(minuteOf text: Span<UInt8>) -> Int64? {
    guard text[19] == 0x2E, text.count == 24 || text[23] == 0x2B || text[23] == 0x2D else {
      return nil
    }
    var start: [UInt8] = []
    for index in text.indices {
      start.append(text[index])
    }
    for index in [17, 18, 20, 21, 22] { start[index] = 0x30 }
    return read(text: start.span)?.microseconds
  }

  @usableFromInline
  mutating func read(text: Span<UInt8>) -> Instant? {
    guard text.count >= 20, text[4] == 0x2D else {
      return Self.instant(number: text) ?? Self.instant(otherForm: text)
    }
    guard text[7] == 0x2D, text[10] == 0x54 || text[10] == 0x20 || text[10] == 0x74,
      text[13] == 0x3A, text[16] == 0x3A
    else { return nil }
    // The date's eight digits as one number: equal to the last one's on nearly every line.
    let year =
      UInt64(text[0]) << 24 | UInt64(text[1]) << 16 | UInt64(text[2]) << 8 | UInt64(text[3])
    let monthAndDay =
      UInt64(text[5]) << 24 | UInt64(text[6]) << 16 | UInt64(text[8]) << 8 | UInt64(text[9])
    let date = year << 32 | monthAndDay
    let days: Int64
    if date == lastDate {
      days = lastDays
    } else {
      guard let read = Self.days(date: text) else { return nil }
      days = read
      lastDate = date
      lastDays = read
    }
    guard let hour = Self.twoDigits(text, 11), hour < 24, let minute = Self.twoDigits(text, 14),
      minute < 60, let second = Self.twoDigits(text, 17), second <= 60
    else { return nil }
    var position = 19
    var fraction: Int64 = 0
    if text[position] == 0x2E || text[position] == 0x2C {
      position += 1
      let first = position
      var scale: Int64 = 100_000
      while position < text.count {
        let digit = text[position] &- 0x30
        guard digit < 10 else { break }
        fraction &+= Int64(digit) &* scale
        scale /= 10
        position += 1
      }
      guard position > first else { return nil }
    }
    guard position < text.count else { return nil }
    var offset: Int64 = 0
    let sign = text[position]
    if sign == 0x5A || sign == 0x7A {
      position += 1
    } else if position + 6 == text.count {
      guard sign == 0x2B || sign == 0x2D, text[position + 3] == 0x3A,
        let hours = Self.twoDigits(text, position + 1), hours < 24,
        let minutes = Self.twoDigits(text, position + 4), minutes < 60
      else { return nil }
      offset = (hours * 60 + minutes) * (sign == 0x2B ? 60 : -60)
      position += 6
    } else {
      guard let seconds = Self.offset(zone: text, from: position) else { return nil }
      offset = seconds
      position = text.count
    }
    guard position == text.count else { return nil }
    let seconds = days * 86_400 + hour * 3_600 + minute * 60 + second - offset
    return Instant(microseconds: seconds * 1_000_000 + fraction)
  }

  @inlinable
  static func twoDigits(_ text: Span<UInt8>, _ position: Int) -> Int64? {
    let tens = text[position] &- 0x30
    let ones = text[position + 1] &- 0x30
    return tens < 10 && ones < 10 ? Int64(tens) * 10 + Int64(ones) : nil
  }

  @usableFromInline
  static func days(date text: Span<UInt8>) -> Int64? {
    guard let century = twoDigits(text, 0), let year = twoDigits(text, 2),
      let month = twoDigits(text, 5), let day = twoDigits(text, 8)
    else { return nil }
    return days(year: century * 100 + year, month: month, day: day)
  }

  static func days(year: Int64, month: Int64, day: Int64) -> Int64? {
    guard (1...12).contains(month), day >= 1,
      day <= CivilDate.dayCount(year: Int(year), month: Int(month))
    else { return nil }
    return Int64(
      CivilDate(year: Int(year), month: Int(month), day: Int(day)).daysSinceEpoch)
  }

  /// The moment of a decimal number since the epoch (`1764547200`, `1764547200.123`,
  /// `1764547200123`, `1.7645472e9`), cut to the microsecond.
  ///
  /// Up to 10¹¹ in size it counts seconds (to the year 5138), up to 10¹⁴ milliseconds, up to
  /// 10¹⁷ microseconds, beyond that nanoseconds.
  public static func instant(number text: Span<UInt8>) -> Instant? {
    var position = 0
    let negative = text.count > 0 && text[0] == 0x2D
    if negative { position = 1 }
    // `digits` × 10^`exponent`, at most 30 digits kept.
    var digits: Int128 = 0
    var exponent = 0
    var digitCount = 0
    var kept = 0
    var seenPoint = false
    while position < text.count {
      let byte = text[position]
      if byte == 0x2E {
        guard !seenPoint, digitCount > 0 else { return nil }
        seenPoint = true
      } else {
        let digit = byte &- 0x30
        guard digit < 10 else { break }
        digitCount += 1
        if kept < 30 {
          digits = digits * 10 + Int128(digit)
          if digits != 0 { kept += 1 }
          if seenPoint { exponent -= 1 }
        } else if !seenPoint {
          exponent += 1
        }
      }
      position += 1
    }
    guard digitCount > 0 else { return nil }
    if position < text.count {
      guard text[position] == 0x65 || text[position] == 0x45 else { return nil }
      position += 1
      var sign = 1
      if position < text.count, text[position] == 0x2B || text[position] == 0x2D {
        sign = text[position] == 0x2D ? -1 : 1
        position += 1
      }
      var written = 0
      guard position < text.count else { return nil }
      while position < text.count {
        let digit = text[position] &- 0x30
        guard digit < 10, written < 1_000 else { return nil }
        written = written * 10 + Int(digit)
        position += 1
      }
      exponent += sign * written
    }
    if negative { digits = -digits }
    return Instant(decimal: digits, exponent: exponent)
  }
}

extension Instant {
  /// The moment `digits` × 10^`exponent` since the epoch, its unit told by its size.
  init?(decimal digits: Int128, exponent: Int) {
    guard digits != 0 else {
      self.init(microseconds: 0)
      return
    }
    var magnitudeDigits = 0
    var rest = digits.magnitude
    while rest > 0 {
      rest /= 10
      magnitudeDigits += 1
    }
    let integerDigits = magnitudeDigits + exponent
    let scale: Int  // power of ten from the unit to microseconds
    switch integerDigits {
    case ...11: scale = 6
    case 12...14: scale = 3
    case 15...17: scale = 0
    case 18...20: scale = -3
    default: return nil
    }
    var value = digits
    var power = exponent + scale
    while power > 0 {
      let (product, overflow) = value.multipliedReportingOverflow(by: 10)
      guard !overflow else { return nil }
      value = product
      power -= 1
    }
    while power < 0 && value != 0 {
      // Rounds down, before 1970 too, so that cutting never moves a time forward.
      let quotient = value / 10
      value = value % 10 < 0 ? quotient - 1 : quotient
      power += 1
      if value == -1 && power < 0 { break }
    }
    guard let microseconds = Int64(exactly: value) else { return nil }
    self.init(microseconds: microseconds)
  }
}
