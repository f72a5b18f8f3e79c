import CivilTime
import Foundation
import TestSupport
import Testing

/// Forms of a time beside the common one.
@Suite struct TimestampFormsTests {
  private func read(_ text: String) -> Int64? {
    var reader = TimestampReader()
    return reader.instant(text: Array(text.utf8).span)?.microseconds
  }

  @Test(arguments: [
    // Zones without a colon.
    ("2025-12-01T08:00:00+0800", 1_764_547_200_000_000),
    ("2025-12-01T08:00:00+08", 1_764_547_200_000_000),
    ("2025-12-01T08:00:00.1+08", 1_764_547_200_100_000),
    ("2025-12-01T08:00:00.123+0800", 1_764_547_200_123_000),
    ("2025-12-01T08:00:00.1234+0800", 1_764_547_200_123_400),
    ("2025-12-01t08:00:00,1234567+0800", 1_764_547_200_123_456),
    ("2025-11-30 19:30:00-0430", 1_764_547_200_000_000),
    ("2025-11-30 19:00:00.9-05", 1_764_547_200_900_000),
    ("2025-12-01T00:00:00-0000", 1_764_547_200_000_000),
    ("2017-01-01T07:59:60+0800", 1_483_228_800_000_000),
    ("2017-01-01T07:59:60.5+08", 1_483_228_800_500_000),
    // ISO 8601's basic form.
    ("20251201T080000.123Z", 1_764_576_000_123_000), ("20251201T000000Z", 1_764_547_200_000_000),
    ("20251201t000000z", 1_764_547_200_000_000), ("20251201 000000Z", 1_764_547_200_000_000),
    ("20251201T080000+0800", 1_764_547_200_000_000),
    ("20251201T080000+08", 1_764_547_200_000_000),
    ("20251201T080000+08:00", 1_764_547_200_000_000),
    ("20251201T080000,5+0800", 1_764_547_200_500_000),
    ("20251201T000000.1234567Z", 1_764_547_200_123_456),
    ("20251201T080000.12345678+0800", 1_764_547_200_123_456),
    ("20251130T193000.5-0430", 1_764_547_200_500_000),
    ("20161231T235960Z", 1_483_228_800_000_000), ("20240229T120000Z", 1_709_208_000_000_000),
    ("19691231T235959.9Z", -100_000), ("00010101T000000Z", -62_135_596_800_000_000),
    // The local time of Apache and nginx.
    ("01/Dec/2025:08:00:00 +0800", 1_764_547_200_000_000),
    ("[01/Dec/2025:08:00:00 +0800]", 1_764_547_200_000_000),
    ("01/Dec/2025:08:00:00.123 +0800", 1_764_547_200_123_000),
    ("[30/Nov/2025:19:30:00,25 -0430]", 1_764_547_200_250_000),
    ("01/Dec/2025:08:00:00 +08:00", 1_764_547_200_000_000),
    ("01/Dec/2025:08:00:00 +08", 1_764_547_200_000_000),
    ("01/Dec/2025:00:00:00 Z", 1_764_547_200_000_000),
    ("31/Dec/2016:23:59:60 +0000", 1_483_228_800_000_000),
    ("29/Feb/2024:12:00:00 +0000", 1_709_208_000_000_000),
  ])
  func reads(text: String, microseconds: Int64) {
    #expect(read(text) == microseconds)
  }

  @Test(arguments: [
    "2025-12-01T08:00:00+0", "2025-12-01T08:00:00+080", "2025-12-01T08:00:00+08:0",
    "2025-12-01T08:00:00+08000", "2025-12-01T08:00:00+2400", "2025-12-01T08:00:00+0860",
    "2025-12-01T08:00:00+24", "2025-12-01T08:00:00 +0800", "2025-12-01T08:00:00.+0800",
    "2025-12-01T08:00:00+08 0", "2025-12-01T08:00:00+0a00", "2025-12-01T08:00:00.1234",
    "2025-12-01T08:00:00Z0", "2025-12-01T08:00:61+0800", "2025-12-01T080000+0800",
    "2025-12-01T08:00:00±0800", "2025-12-01T08:00:00+080:0",
    "20251201T080000", "20251201T080000.123", "20251201T080000.Z", "20251201T080000.+0800",
    "20251201T0800Z", "20251201X080000Z", "20251301T080000Z", "20250001T080000Z",
    "20251200T080000Z", "20250229T080000Z", "20251232T080000Z", "20251201T240000Z",
    "20251201T086000Z", "20251201T080061Z", "20251201T080000ZZ", "20251201T080000+24",
    "20251201T080000+080", "20251201T080000+0860", "20251201T080000 +0800", "2025120T080000+0800",
    "20251201T08:00:00Z", "2o251201T080000Z", "[20251201T080000Z]", "20251201T0800000Z",
    "01/Dec/2025:08:00:00", "01/Dec/2025:08:00:00 ", "01/Dec/2025:08:00:00+0800",
    "[01/Dec/2025:08:00:00 +0800", "01/Dec/2025:08:00:00 +0800]", "[[01/Dec/2025:08:00:00 +0800]]",
    "[]", "[01/Dec/2025:08:00:00]", "01/dec/2025:08:00:00 +0800", "01/Dez/2025:08:00:00 +0800",
    "1/Dec/2025:08:00:00 +0800", "01/12/2025:08:00:00 +0800", "32/Dec/2025:08:00:00 +0800",
    "00/Dec/2025:08:00:00 +0800", "29/Feb/2025:08:00:00 +0800", "01/Dec/2025:24:00:00 +0800",
    "01/Dec/2025:08:60:00 +0800", "01/Dec/2025:08:00:61 +0800", "01/Dec/2025:08:00:00 +2400",
    "01/Dec/2025:08:00:00  +0800", "01/Dec/2025:08:00:00. +0800", "01/Dec/2025:08:00:00 +080",
    "01/Dec/2025 08:00:00 +0800", "01-Dec-2025:08:00:00 +0800", "01/Dec/25:08:00:00 +0800",
    "Mon Dec  1 08:00:00 2025", "Mon, 01 Dec 2025 00:00:00 GMT",
  ])
  func rejects(text: String) {
    #expect(read(text) == nil)
  }

  /// Every cut of a text is another form or none, and never read beyond its end.
  @Test func cutTextsAreNeverReadBeyondTheirEnd() {
    for text in [
      "2025-12-01T08:00:00.123+0800", "20251201T080000.123+08:00",
      "[01/Dec/2025:08:00:00.5 +08:00]",
    ] {
      var reader = TimestampReader()
      let bytes = Array(text.utf8)
      for count in 0..<bytes.count { _ = reader.instant(text: Array(bytes[..<count]).span) }
      for count in 0..<bytes.count { _ = reader.instant(text: Array(bytes[count...]).span) }
      #expect(reader.instant(text: bytes.span) != nil)
    }
  }

  /// Random moments in every form, written with Foundation's calendar.
  @Test func readsEveryFormAsFoundationWritesIt() throws {
    var random = SeededRandom(seed: 41)
    var calendar = Calendar(identifier: .gregorian)
    let names = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(separator: " ")
    var reader = TimestampReader()
    for _ in 0..<1_000 {
      let seconds = Int64.random(in: -2_000_000_000...8_000_000_000, using: &random)
      let isWholeHour = random.chance(40)
      let minutes = isWholeHour ? random.number(-14...14) * 60 : random.number(-1_079...1_079)
      calendar.timeZone = try #require(TimeZone(secondsFromGMT: minutes * 60))
      let parts = calendar.dateComponents(
        [.year, .month, .day, .hour, .minute, .second],
        from: Date(timeIntervalSince1970: Double(seconds)))
      func padded(_ number: Int?, _ width: Int) -> String {
        let digits = String(number ?? 0)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
      }
      let year = padded(parts.year, 4)
      let month = padded(parts.month, 2)
      let day = padded(parts.day, 2)
      let hour = padded(parts.hour, 2)
      let minute = padded(parts.minute, 2)
      let second = padded(parts.second, 2)
      var fraction = ""
      var microseconds: Int64 = 0
      if random.chance(70) {
        let count = random.number(1...9)
        let digits = (0..<count).map { _ in random.number(0...9) }
        fraction = random.one(of: [".", ","]) + digits.map(String.init).joined()
        for index in 0..<6 {
          microseconds = microseconds * 10 + Int64(index < count ? digits[index] : 0)
        }
      }
      let sign = minutes < 0 ? "-" : "+"
      let hours = padded(abs(minutes) / 60, 2)
      let rest = padded(abs(minutes) % 60, 2)
      var zones = ["\(sign)\(hours):\(rest)", "\(sign)\(hours)\(rest)"]
      if minutes % 60 == 0 { zones.append(sign + hours) }
      if minutes == 0 { zones += ["Z", "z"] }
      let expected = seconds * 1_000_000 + microseconds
      let between = random.one(of: ["T", "t", " "])
      for zone in zones {
        let local = "\(day)/\(names[(parts.month ?? 1) - 1])/\(year):\(hour):\(minute):\(second)"
        for text in [
          "\(year)-\(month)-\(day)\(between)\(hour):\(minute):\(second)\(fraction)\(zone)",
          "\(year)\(month)\(day)\(between)\(hour)\(minute)\(second)\(fraction)\(zone)",
          "\(local)\(fraction) \(zone)", "[\(local)\(fraction) \(zone)]",
        ] {
          let found = reader.instant(text: Array(text.utf8).span)?.microseconds
          #expect(found == expected, "\(random) \(text)")
        }
      }
    }
  }
}
