internal import CivilTime
internal import Decoding

/// A day or moment as a cell states it, before the order of day and month and the zone are known.
struct CellTime: Equatable {
  /// How the three numbers of a date stand.
  enum Form { case yearFirst, yearLast, month }

  var form = Form.yearFirst
  /// The date's numbers in the order in which they stand; of a month the third is 1.
  var numbers = (0, 0, 0)
  /// Microseconds of the day; `nil` where no time of day is stated.
  var timeOfDay: Int64?
  /// Seconds east of UTC, where the cell states them.
  var offset: Int64?

  static func == (left: CellTime, right: CellTime) -> Bool {
    left.form == right.form && left.numbers == right.numbers && left.timeOfDay == right.timeOfDay
      && left.offset == right.offset
  }

  /// Days between Excel's day 0 and 1970-01-01.
  private static let excelEpochDays: Int32 = 25_569
  /// Excel's day numbers of the years 2000 to 2099: others are more likely mistakes.
  private static let excelDays: ClosedRange<Int> = 36_526...73_050

  /// The day of a number of Excel's 1900 system, whose day 60 is 1900-02-29, which never was.
  static func excelDay(_ number: Int) -> CivilDate? {
    guard number >= 1, number != 60, number <= 2_958_465 else { return nil }
    return CivilDate(daysSinceEpoch: Int32(number) - excelEpochDays + (number < 60 ? 1 : 0))
  }

  /// The day; `nil` where it does not exist, or the order decides and is not known.
  func day(_ order: DateOrder?) -> CivilDate? {
    let (year, month, day): (Int, Int, Int)
    switch form {
    case .yearFirst, .month: (year, month, day) = numbers
    case .yearLast:
      switch order {
      case .dayFirst: (day, month, year) = numbers
      case .monthFirst: (month, day, year) = numbers
      case nil:
        guard numbers.0 == numbers.1 else { return nil }
        (day, month, year) = numbers
      }
    }
    guard (1...12).contains(month), day >= 1, day <= CivilDate.dayCount(year: year, month: month)
    else { return nil }
    return CivilDate(year: year, month: month, day: day)
  }

  // MARK: - Remedies

  static let dayFault = CellFault(
    "expected a day such as 2025-12-01, 2025/12/1, 20251201 or 2025年12月1日")
  static let monthFault = CellFault("expected a month such as 2025-12, 202512 or 2025年12月")
  static let momentFault = CellFault(
    "expected a time such as 2025-12-01 08:00:05 or 2025-12-01T08:00:05+08:00")
  static let noTimeFault = CellFault(
    "it has no time of day; expected a time such as 2025-12-01 08:00:05")
  static let orderFault = CellFault(
    "it may have the day or the month first, and the rows at the top have dates in another form; "
      + "write it as 2025-12-01")

  // MARK: - Cells

  /// The day in a cell: any form of a date, at midnight where a time is stated, or Excel's day number.
  static func day(_ text: String, _ order: DateOrder?) throws(CellFault) -> CivilDate {
    let figure = try figure(text)
    if let number = wholeNumber(figure), excelDays.contains(number), let day = excelDay(number) {
      return day
    }
    guard let time = read(figure), time.form != .month, time.timeOfDay ?? 0 == 0,
      time.offset == nil
    else { throw dayFault }
    guard let day = time.day(order) else {
      throw time.form == .yearLast && order == nil ? orderFault : dayFault
    }
    return day
  }

  /// The month in a cell, also stated as its first day; `nil` where it is none.
  static func month(_ text: String) throws(CellFault) -> CivilDate? {
    let figure = try figure(text)
    if let number = wholeNumber(figure) {
      if figure.utf8.count == 6 {
        let day = CellTime(form: .month, numbers: (number / 100, number % 100, 1)).day(nil)
        return day.flatMap { (1_900...2_999).contains($0.components.year) ? $0 : nil }
      }
      guard excelDays.contains(number), let day = excelDay(number), day.components.day == 1 else {
        return nil
      }
      return day
    }
    guard let time = read(figure), time.timeOfDay ?? 0 == 0, time.offset == nil,
      let day = time.day(nil), day.components.day == 1
    else { return nil }
    return day
  }

  /// The moment in a cell: a date and time, in a zone where it states none; Excel's day number with
  /// its fraction; or seconds or milliseconds since 1970.
  static func moment(_ text: String, _ order: DateOrder?, _ zone: Zone) throws(CellFault) -> Instant
  {
    let figure = try figure(text)
    if let moment = number(figure, zone) { return moment }
    guard let time = read(figure), time.form != .month else { throw momentFault }
    guard let timeOfDay = time.timeOfDay else { throw noTimeFault }
    guard let day = time.day(order) else {
      throw time.form == .yearLast && order == nil ? orderFault : momentFault
    }
    let local = Int64(day.daysSinceEpoch) * 86_400_000_000 + timeOfDay
    if let offset = time.offset {
      return Instant(microseconds: local - offset * 1_000_000)
    }
    return zone.instant(ofLocal: Instant(microseconds: local))
  }

  private static func figure(_ text: String) throws(CellFault) -> String {
    let figure = CellText.figure(text)
    if CellText.isSpreadsheetError(figure) { throw .spreadsheetError }
    return figure
  }

  private static func wholeNumber(_ text: String) -> Int? {
    guard (1...14).contains(text.utf8.count), text.utf8.allSatisfy({ $0 &- 0x30 < 10 }) else {
      return nil
    }
    return Int(text)
  }

  /// A moment that is a plain number.
  private static func number(_ text: String, _ zone: Zone) -> Instant? {
    let parts = text.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
    guard let whole = parts.first, let number = wholeNumber(String(whole)) else { return nil }
    var fraction: Substring = ""
    if parts.count == 2 {
      fraction = parts[1]
      guard (1...17).contains(fraction.utf8.count), wholeDigits(fraction) else { return nil }
    }
    switch whole.utf8.count {
    case 5:
      guard excelDays.contains(number), let day = excelDay(number) else { return nil }
      var microseconds: Int64 = 0
      if let digits = Int128(fraction) {
        var power: Int128 = 1
        for _ in fraction.utf8 { power *= 10 }
        // What the cell shows is rounded; seconds are what few places can tell.
        let unit: Int128 = fraction.utf8.count > 6 ? 1_000 : 1_000_000
        let units = 86_400_000_000 / unit
        microseconds = Int64((digits * units + power / 2) / power * unit)
      }
      let local = Int64(day.daysSinceEpoch) * 86_400_000_000 + microseconds
      return zone.instant(ofLocal: Instant(microseconds: local))
    case 10, 13: return TimestampReader.instant(number: text.utf8.span)
    default: return nil
    }
  }

  private static func wholeDigits(_ text: Substring) -> Bool {
    text.utf8.allSatisfy { $0 &- 0x30 < 10 }
  }

  /// Reads a date, a month, or a date and time in any form but plain numbers.
  ///
  /// - Parameter figure: in half-width forms.
  static func read(_ figure: String) -> CellTime? {
    guard figure.utf8.contains(where: { $0 >= 0x80 }) else { return read(figure.utf8.span) }
    guard let plain = plain(figure) else { return nil }
    return read(plain.utf8.span)
  }

  /// `2025年12月1日 下午8时5分3秒` as `2025-12-1 PM 8:5:3`.
  private static func plain(_ figure: String) -> String? {
    var result = ""
    var passesOver = false
    for (index, character) in zip(figure.indices, figure) {
      if passesOver {
        passesOver = false
        continue
      }
      let next = figure.index(after: index)
      let following = next < figure.endIndex ? figure[next] : " "
      switch character {
      case "年": result += "-"
      case "月": result += following == "份" ? "" : "-"
      case "日", "号", "份", "秒": result += " "
      case "时", "点", "分": result += ":"
      case "上", "下":
        guard following == "午" else { return nil }
        result += character == "上" ? " AM " : " PM "
        passesOver = true
      case "星":
        // The day of the week, as Excel's long dates have it.
        guard following == "期",
          let name = figure.index(next, offsetBy: 1, limitedBy: figure.endIndex),
          name < figure.endIndex, "一二三四五六日天".contains(figure[name])
        else { return nil }
        return plain(String(figure[..<index]) + " " + figure[figure.index(after: name)...])
      default:
        guard character.isASCII else { return nil }
        result.append(character)
      }
    }
    return CellText.trimmed(result)
  }

  /// Reads a date, a month, or a date and time in plain ASCII.
  static func read(_ text: Span<UInt8>) -> CellTime? {
    var cursor = CellCursor(position: 0)
    var time = CellTime()
    guard let (first, width) = cursor.number(text) else { return nil }
    switch width {
    case 8, 12, 14:
      // 20251201, 202512010800, 20251201080005
      let scale = width == 8 ? 1 : width == 12 ? 10_000 : 1_000_000
      let date = first / scale
      time.numbers = (date / 10_000, date / 100 % 100, date % 100)
      if width > 8 {
        let clock = width == 12 ? first % scale * 100 : first % scale
        guard clock / 10_000 < 24, clock / 100 % 100 < 60, clock % 100 < 60 else { return nil }
        let seconds = clock / 10_000 * 3_600 + clock / 100 % 100 * 60 + clock % 100
        time.timeOfDay = Int64(seconds) * 1_000_000
        return cursor.isAtEnd(text) ? time : nil
      }
      if cursor.isAtEnd(text) { return time }
    case 1, 2, 4:
      let separator = cursor.byte(text)
      guard separator == 0x2D || separator == 0x2F || separator == 0x2E else { return nil }
      cursor.position += 1
      cursor.spaces(text)
      guard let (second, secondWidth) = cursor.number(text), secondWidth <= 2 else { return nil }
      if cursor.byte(text) == separator {
        cursor.position += 1
        cursor.spaces(text)
        if cursor.isAtEnd(text), width == 4 {
          // 2025年12月
          time.form = .month
          time.numbers = (first, second, 1)
          return time
        }
        guard let (third, thirdWidth) = cursor.number(text) else { return nil }
        if width == 4, thirdWidth <= 2 {
          time.form = .yearFirst
        } else if width <= 2, thirdWidth == 4 {
          time.form = .yearLast
        } else {
          return nil
        }
        time.numbers = (first, second, third)
        if cursor.isAtEnd(text) { return time }
      } else {
        guard width == 4, cursor.isAtEnd(text) else { return nil }
        time.form = .month
        time.numbers = (first, second, 1)
        return time
      }
    default: return nil
    }
    guard cursor.byte(text) | 0x20 == 0x74 || cursor.byte(text) == 0x20 else { return nil }
    cursor.position += 1
    guard let (timeOfDay, offset) = cursor.timeOfDay(text) else { return nil }
    time.timeOfDay = timeOfDay
    time.offset = offset
    return time
  }
}

/// A place in the text of a time.
private struct CellCursor {
  var position: Int

  func isAtEnd(_ text: Span<UInt8>) -> Bool { position >= text.count }

  /// The next byte; 0 at the end.
  func byte(_ text: Span<UInt8>) -> UInt8 { position < text.count ? text[position] : 0 }

  mutating func spaces(_ text: Span<UInt8>) {
    while byte(text) == 0x20 { position += 1 }
  }

  /// A number of at most 14 digits, and how many it has.
  mutating func number(_ text: Span<UInt8>) -> (Int, Int)? {
    let first = position
    var value = 0
    while position < text.count, text[position] &- 0x30 < 10 {
      guard position - first < 14 else { return nil }
      value = value * 10 + Int(text[position] - 0x30)
      position += 1
    }
    return position > first ? (value, position - first) : nil
  }

  /// `AM` or `PM`; whether it is the second.
  private mutating func half(_ text: Span<UInt8>) -> Bool? {
    guard position + 2 <= text.count, text[position + 1] | 0x20 == 0x6D else { return nil }
    let letter = text[position] | 0x20
    guard letter == 0x61 || letter == 0x70 else { return nil }
    position += 2
    return letter == 0x70
  }

  /// The time of day in microseconds, and seconds east of UTC where they are stated, to the end.
  mutating func timeOfDay(_ text: Span<UInt8>) -> (Int64, Int64?)? {
    spaces(text)
    var half = half(text)
    spaces(text)
    guard let (stated, width) = number(text), width <= 2, byte(text) == 0x3A else { return nil }
    var hour = stated
    position += 1
    var minute = 0
    var second = 0
    var fraction: Int64 = 0
    if let (read, width) = number(text) {
      guard width <= 2 else { return nil }
      minute = read
      if byte(text) == 0x3A {
        position += 1
        if let (read, width) = number(text) {
          guard width <= 2, let read = self.fraction(text).map({ ($0, read) }) else { return nil }
          (fraction, second) = read
        }
      }
    }
    guard minute < 60, second <= 60 else { return nil }
    spaces(text)
    if half == nil {
      half = self.half(text)
      spaces(text)
    }
    if let isSecond = half {
      if isSecond, hour < 12 { hour += 12 }
      if !isSecond, hour == 12 { hour = 0 }
      guard (hour >= 12) == isSecond else { return nil }
    }
    guard hour < 24 else { return nil }
    let seconds = Int64(hour * 3_600 + minute * 60 + second)
    guard !isAtEnd(text) else { return (seconds * 1_000_000 + fraction, nil) }
    guard let offset = offset(text) else { return nil }
    return (seconds * 1_000_000 + fraction, offset)
  }

  /// Microseconds behind a decimal mark, cut; 0 where there is none, `nil` where no digit follows.
  private mutating func fraction(_ text: Span<UInt8>) -> Int64? {
    TimestampReader.fraction(text, &position)
  }

  /// `Z`, `±HH`, `±HHMM` or `±HH:MM`, and nothing behind it.
  private mutating func offset(_ text: Span<UInt8>) -> Int64? {
    let sign = byte(text)
    position += 1
    if sign | 0x20 == 0x7A { return isAtEnd(text) ? 0 : nil }
    guard sign == 0x2B || sign == 0x2D, let (number, width) = number(text) else { return nil }
    var (hours, minutes) = (number, 0)
    if width == 4 {
      (hours, minutes) = (number / 100, number % 100)
    } else if width == 2, byte(text) == 0x3A {
      position += 1
      guard let (read, width) = self.number(text), width == 2 else { return nil }
      minutes = read
    } else if width != 2 {
      return nil
    }
    guard hours < 24, minutes < 60, isAtEnd(text) else { return nil }
    return Int64(hours * 60 + minutes) * (sign == 0x2B ? 60 : -60)
  }
}
