internal import CivilTime
internal import Decoding

/// Days and moments as programs write them, read eight bytes at once; days and offsets are looked up where they
/// were met before.
///
/// `2025-12-01`, also with `/` or `.`; and behind `T` or a space `08:00:05` or `08:00:05.250`, with `Z`, `+08:00` or nothing.
/// Whatever is read is what ``CellTime`` reads.
struct PlainTimes {
  private struct Day {
    /// The ten bytes; of none the first, which no text has.
    var first = UInt64.max
    var rest: UInt16 = 0
    var days: Int32 = 0
    var offset = LocalOffset.unknown
  }

  /// What a day's times without an offset are east of UTC, in microseconds.
  private enum LocalOffset {
    case unknown
    case always(Int64)
    /// The clocks are changed on it or beside it.
    case changing
  }

  private static let slots = 64
  private let zone: Zone
  private var days = [Day](repeating: Day(), count: slots)
  /// The six bytes of the last offset, and microseconds east of UTC.
  private var offsetText: UInt64 = 0
  private var offset: Int64 = 0

  /// - Parameter zone: of times without an offset.
  init(_ zone: Zone) { self.zone = zone }

  // MARK: - Days

  /// Days since 1970 of a cell's first ten bytes; `nil` where they are no such day.
  @inline(__always)
  mutating func day(_ cell: ByteView) -> Int32? { slot(cell).map { days[$0].days } }

  /// Where the day of a cell's first ten bytes is kept.
  @inline(__always)
  private mutating func slot(_ cell: ByteView) -> Int? {
    guard cell.count >= 10 else { return nil }
    let first = cell.word(at: 0)
    let rest = cell.pair(at: 8)
    let slot = Int(((first ^ UInt64(rest) << 40) &* 0x9E37_79B9_7F4A_7C15) >> 58)
    if days[slot].first == first && days[slot].rest == rest { return slot }
    return keep(first, rest, slot) ? slot : nil
  }

  private mutating func keep(_ first: UInt64, _ rest: UInt16, _ slot: Int) -> Bool {
    let separator = UInt8(truncatingIfNeeded: first >> 32)
    guard separator == 0x2D || separator == 0x2F || separator == 0x2E,
      UInt8(truncatingIfNeeded: first >> 56) == separator
    else { return false }
    guard let century = Self.twoDigits(first), let year = Self.twoDigits(first >> 16),
      let month = Self.twoDigits(first >> 40), let day = Self.twoDigits(UInt64(rest)),
      let date = CellTime(numbers: (century * 100 + year, month, day)).day(nil)
    else { return false }
    days[slot] = Day(first: first, rest: rest, days: date.daysSinceEpoch)
    return true
  }

  /// The number of the two digits in the lowest bytes.
  private static func twoDigits(_ bytes: UInt64) -> Int? {
    let tens = bytes & 0xFF ^ 0x30
    let ones = bytes >> 8 & 0xFF ^ 0x30
    return tens < 10 && ones < 10 ? Int(tens * 10 + ones) : nil
  }

  // MARK: - Moments

  @inline(__always)
  mutating func moment(_ cell: ByteView) -> Instant? {
    let count = cell.count
    guard count >= 19 && count <= 29, cell[10] == 0x54 || cell[10] == 0x20,
      var time = Self.clock(cell), let slot = slot(cell)
    else { return nil }
    var position = 19
    if cell[19] == 0x2E {
      guard let fraction = Self.milliseconds(cell.word(at: 19)) else { return nil }
      time &+= fraction
      position = 23
    }
    time &+= Int64(days[slot].days) &* Self.day
    if count &- position == 6 {
      let text = cell.word(at: position) & 0xFFFF_FFFF_FFFF
      guard text == offsetText || keep(text) else { return nil }
      return Instant(microseconds: time &- offset)
    }
    if count == position { return moment(ofLocal: time, slot) }
    guard count &- position == 1, cell[position] | 0x20 == 0x7A else { return nil }
    return Instant(microseconds: time)
  }

  /// `08:00:05` from the eleventh byte on, in microseconds.
  @inline(__always)
  private static func clock(_ cell: ByteView) -> Int64? {
    // The digits' values, and zeros between them.
    let digits = cell.word(at: 11) ^ 0x3030_3A30_303A_3030
    let outside = digits | (digits &+ 0x7676_7F76_767F_7676)
    guard outside & 0x8080_8080_8080_8080 == 0 else { return nil }
    let hour = (digits & 0xF) &* 10 &+ (digits >> 8 & 0xF)
    let minute = (digits >> 24 & 0xF) &* 10 &+ (digits >> 32 & 0xF)
    let second = (digits >> 48 & 0xF) &* 10 &+ (digits >> 56)
    guard hour < 24 && minute < 60 && second < 60 else { return nil }
    return Int64((hour &* 3_600 &+ minute &* 60 &+ second) &* 1_000_000)
  }

  /// `.250`, in microseconds.
  @inline(__always)
  private static func milliseconds(_ word: UInt64) -> Int64? {
    let digits = (word ^ 0x3030_302E) & 0xFFFF_FFFF
    guard (digits | (digits &+ 0x7676_767F)) & 0x8080_8080 == 0 else { return nil }
    let value = (digits >> 8 & 0xF) &* 100 &+ (digits >> 16 & 0xF) &* 10 &+ (digits >> 24)
    return Int64(value &* 1_000)
  }

  /// Keeps the offset that six bytes state, `+08:00`.
  private mutating func keep(_ text: UInt64) -> Bool {
    let sign = text & 0xFF
    guard sign == 0x2B || sign == 0x2D, text >> 24 & 0xFF == 0x3A,
      let hours = Self.twoDigits(text >> 8), hours < 24,
      let minutes = Self.twoDigits(text >> 32), minutes < 60
    else { return false }
    offsetText = text
    offset = Int64(hours * 60 + minutes) * (sign == 0x2B ? 60_000_000 : -60_000_000)
    return true
  }

  private static let day: Int64 = 86_400_000_000

  @inline(__always)
  private mutating func moment(ofLocal time: Int64, _ slot: Int) -> Instant {
    if case .always(let offset) = days[slot].offset { return Instant(microseconds: time &- offset) }
    if case .unknown = days[slot].offset {
      days[slot].offset = localOffset(Int64(days[slot].days) * Self.day)
    }
    return zone.instant(ofLocal: Instant(microseconds: time))
  }

  /// The offset of a day that begins at `start` by the local clock, and of the days beside it.
  private func localOffset(_ start: Int64) -> LocalOffset {
    var part = zone.day(of: Instant(microseconds: start - Self.day))
    let offset = part.offsetSeconds
    while part.end.microseconds < start + 2 * Self.day {
      part = zone.day(of: part.end)
      if part.offsetSeconds != offset { return .changing }
    }
    return .always(offset * 1_000_000)
  }
}
