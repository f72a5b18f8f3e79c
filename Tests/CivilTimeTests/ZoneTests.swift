import CivilTime
import TestSupport
import Testing

// The expectations were computed with Python's zoneinfo over the IANA data of release 2025b: the
// last second before each change of clocks, and the first second after it.
@Suite struct ZoneTests {
  static let changes: [(zone: String, seconds: Int64, date: String, offset: Int64)] = [
    ("America/New_York", 1_173_596_399, "2007-03-11", -18000),
    ("America/New_York", 1_173_596_400, "2007-03-11", -14400),
    ("America/New_York", 1_194_155_999, "2007-11-04", -14400),
    ("America/New_York", 1_194_156_000, "2007-11-04", -18000),
    ("America/New_York", 1_741_503_599, "2025-03-09", -18000),
    ("America/New_York", 1_741_503_600, "2025-03-09", -14400),
    ("America/New_York", 1_762_063_199, "2025-11-02", -14400),
    ("America/New_York", 1_762_063_200, "2025-11-02", -18000),
    ("America/New_York", 2_530_767_599, "2050-03-13", -18000),
    ("America/New_York", 2_530_767_600, "2050-03-13", -14400),
    ("America/New_York", 2_551_327_199, "2050-11-06", -14400),
    ("America/New_York", 2_551_327_200, "2050-11-06", -18000),
    ("Europe/London", 57_722_399, "1971-10-31", 3600),
    ("Europe/London", 57_722_400, "1971-10-31", 0),
    ("Europe/London", 1_743_296_399, "2025-03-30", 0),
    ("Europe/London", 1_743_296_400, "2025-03-30", 3600),
    ("Europe/London", 1_761_440_399, "2025-10-26", 3600),
    ("Europe/London", 1_761_440_400, "2025-10-26", 0),
    ("Europe/London", 4_078_429_199, "2099-03-29", 0),
    ("Europe/London", 4_078_429_200, "2099-03-29", 3600),
    ("Europe/London", 4_096_573_199, "2099-10-25", 3600),
    ("Europe/London", 4_096_573_200, "2099-10-25", 0),
    ("Australia/Lord_Howe", 352_216_799, "1981-02-28", 36000),
    ("Australia/Lord_Howe", 352_216_800, "1981-03-01", 37800),
    ("Australia/Lord_Howe", 372_785_399, "1981-10-25", 37800),
    ("Australia/Lord_Howe", 372_785_400, "1981-10-25", 41400),
    ("Australia/Lord_Howe", 1_743_865_199, "2025-04-06", 39600),
    ("Australia/Lord_Howe", 1_743_865_200, "2025-04-06", 37800),
    ("Australia/Lord_Howe", 1_759_591_799, "2025-10-05", 37800),
    ("Australia/Lord_Howe", 1_759_591_800, "2025-10-05", 39600),
    ("Pacific/Apia", 1_301_752_799, "2011-04-02", -36000),
    ("Pacific/Apia", 1_301_752_800, "2011-04-02", -39600),
    ("Pacific/Apia", 1_316_872_799, "2011-09-24", -39600),
    ("Pacific/Apia", 1_316_872_800, "2011-09-24", -36000),
    ("Pacific/Apia", 1_325_239_199, "2011-12-29", -36000),
    ("Pacific/Apia", 1_325_239_200, "2011-12-31", 50400),
    ("Pacific/Apia", 1_333_202_399, "2012-04-01", 50400),
    ("Pacific/Apia", 1_333_202_400, "2012-04-01", 46800),
    ("Pacific/Apia", 1_348_927_199, "2012-09-30", 46800),
    ("Pacific/Apia", 1_348_927_200, "2012-09-30", 50400),
    ("Pacific/Apia", 1_617_458_399, "2021-04-04", 50400),
    ("Pacific/Apia", 1_617_458_400, "2021-04-04", 46800),
    ("Asia/Shanghai", 515_527_199, "1986-05-04", 28800),
    ("Asia/Shanghai", 515_527_200, "1986-05-04", 32400),
    ("Asia/Shanghai", 527_014_799, "1986-09-14", 32400),
    ("Asia/Shanghai", 527_014_800, "1986-09-14", 28800),
    ("Asia/Shanghai", 671_565_599, "1991-04-14", 28800),
    ("Asia/Shanghai", 671_565_600, "1991-04-14", 32400),
    ("Asia/Shanghai", 684_867_599, "1991-09-15", 32400),
    ("Asia/Shanghai", 684_867_600, "1991-09-15", 28800),
    ("America/Sao_Paulo", 1_518_919_199, "2018-02-17", -7200),
    ("America/Sao_Paulo", 1_518_919_200, "2018-02-17", -10800),
    ("America/Sao_Paulo", 1_541_300_399, "2018-11-03", -10800),
    ("America/Sao_Paulo", 1_541_300_400, "2018-11-04", -7200),
    ("America/Sao_Paulo", 1_550_368_799, "2019-02-16", -7200),
    ("America/Sao_Paulo", 1_550_368_800, "2019-02-16", -10800),
    ("Asia/Kathmandu", 504_901_799, "1985-12-31", 19800),
    ("Asia/Kathmandu", 504_901_800, "1986-01-01", 20700),
    ("Africa/Casablanca", 1_521_943_199, "2018-03-25", 0),
    ("Africa/Casablanca", 1_521_943_200, "2018-03-25", 3600),
    ("Africa/Casablanca", 1_526_176_799, "2018-05-13", 3600),
    ("Africa/Casablanca", 1_526_176_800, "2018-05-13", 0),
    ("Africa/Casablanca", 1_529_200_799, "2018-06-17", 0),
    ("Africa/Casablanca", 1_529_200_800, "2018-06-17", 3600),
    ("Africa/Casablanca", 1_740_275_999, "2025-02-23", 3600),
    ("Africa/Casablanca", 1_740_276_000, "2025-02-23", 0),
    ("Africa/Casablanca", 1_743_904_799, "2025-04-06", 0),
    ("Africa/Casablanca", 1_743_904_800, "2025-04-06", 3600),
    ("Africa/Casablanca", 2_536_192_799, "2050-05-15", 3600),
    ("Africa/Casablanca", 2_536_192_800, "2050-05-15", 0),
    ("Africa/Casablanca", 2_539_821_599, "2050-06-26", 0),
    ("Africa/Casablanca", 2_539_821_600, "2050-06-26", 3600),
    ("America/St_Johns", 1_143_948_659, "2006-04-02", -12600),
    ("America/St_Johns", 1_143_948_660, "2006-04-02", -9000),
    ("America/St_Johns", 1_162_089_059, "2006-10-29", -9000),
    ("America/St_Johns", 1_162_089_060, "2006-10-28", -12600),
    ("America/St_Johns", 1_299_987_059, "2011-03-13", -12600),
    ("America/St_Johns", 1_299_987_060, "2011-03-13", -9000),
    ("America/St_Johns", 1_320_553_799, "2011-11-06", -9000),
    ("America/St_Johns", 1_320_553_800, "2011-11-06", -12600),
    ("Asia/Pyongyang", 1_439_564_399, "2015-08-14", 32400),
    ("Asia/Pyongyang", 1_439_564_400, "2015-08-14", 30600),
    ("Asia/Pyongyang", 1_525_445_999, "2018-05-04", 30600),
    ("Asia/Pyongyang", 1_525_446_000, "2018-05-05", 32400),
  ]

  @Test(arguments: changes)
  func dateAndOffset(zone: String, seconds: Int64, date: String, offset: Int64) throws {
    let zone = try #require(Zone(identifier: zone))
    let first = Instant(seconds: seconds)
    let last = Instant(microseconds: first.microseconds + 999_999)
    for instant in [first, last] {
      #expect(zone.offsetSeconds(at: instant) == offset)
      #expect(zone.date(of: instant).description == date)
      let day = zone.day(of: instant)
      #expect(day.date.description == date)
      #expect(day.offsetSeconds == offset)
      #expect(day.contains(instant))
    }
  }

  /// Days of 23, 24.5 and 25 hours, days that begin at 01:00, one that is not there at all
  /// (`Pacific/Apia`, 2011-12-30), and one that is left and entered again (`America/St_Johns`).
  static let starts: [(zone: String, date: String, seconds: Int64)] = [
    ("America/Sao_Paulo", "2018-11-04", 1_541_300_400),
    ("America/Sao_Paulo", "2018-11-05", 1_541_383_200),
    ("America/Sao_Paulo", "2019-02-17", 1_550_372_400),
    ("America/Sao_Paulo", "2019-02-16", 1_550_282_400),
    ("Pacific/Apia", "2011-12-29", 1_325_152_800),
    ("Pacific/Apia", "2011-12-30", 1_325_239_200),
    ("Pacific/Apia", "2011-12-31", 1_325_239_200),
    ("Asia/Shanghai", "1986-05-04", 515_520_000),
    ("Asia/Shanghai", "1986-05-05", 515_602_800),
    ("Asia/Shanghai", "2025-12-01", 1_764_518_400),
    ("America/New_York", "2025-03-09", 1_741_496_400),
    ("America/New_York", "2025-03-10", 1_741_579_200),
    ("America/New_York", "2025-11-02", 1_762_056_000),
    ("America/New_York", "2025-11-03", 1_762_146_000),
    ("Australia/Lord_Howe", "2025-04-06", 1_743_858_000),
    ("Australia/Lord_Howe", "2025-04-07", 1_743_946_200),
    ("Africa/Cairo", "2024-04-26", 1_714_082_400),
    ("Africa/Cairo", "2024-11-01", 1_730_412_000),
    ("America/Havana", "2025-03-09", 1_741_496_400),
    ("America/Havana", "2025-11-02", 1_762_056_000),
    ("Asia/Kathmandu", "1986-01-01", 504_901_800),
    ("America/St_Johns", "2006-10-29", 1_162_089_000),
    ("America/St_Johns", "2006-10-30", 1_162_179_000),
    ("Asia/Beirut", "2025-03-30", 1_743_285_600),
    ("UTC", "2000-02-29", 951_782_400),
    ("Asia/Shanghai", "1969-12-31", -115200),
  ]

  @Test(arguments: starts)
  func start(zone: String, date: String, seconds: Int64) throws {
    let zone = try #require(Zone(identifier: zone))
    let date = try #require(CivilDate(text: date))
    #expect(zone.start(of: date) == Instant(seconds: seconds))
  }

  @Test(arguments: [
    "Asia/Shanghai", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia", "America/Sao_Paulo",
    "Africa/Casablanca", "Asia/Kathmandu", "Africa/Cairo", "America/Havana", "UTC",
  ])
  func dayAndStartAgreeOnRandomMoments(identifier: String) throws {
    let zone = try #require(Zone(identifier: identifier))
    var random = SeededRandom(seed: 7)
    var cursor = ZoneCursor(zone)
    let years2100: Int64 = 4_102_444_800_000_000
    for _ in 0..<2_000 {
      let instant = Instant(
        microseconds: Int64.random(in: -1_000_000_000_000...years2100, using: &random))
      let day = zone.day(of: instant)
      let lastMoment = Instant(microseconds: day.end.microseconds - 1)
      #expect(day.date == zone.date(of: instant), "\(random)")
      #expect(day.contains(instant), "\(random)")
      #expect(day.offsetSeconds == zone.offsetSeconds(at: instant), "\(random)")
      for edge in [day.start, lastMoment] {
        #expect(zone.date(of: edge) == day.date, "\(random)")
        #expect(zone.offsetSeconds(at: edge) == day.offsetSeconds, "\(random)")
      }
      // Nothing could be added at either end.
      let before = Instant(microseconds: day.start.microseconds - 1)
      for outside in [before, day.end] {
        #expect(
          zone.date(of: outside) != day.date
            || zone.offsetSeconds(at: outside) != day.offsetSeconds,
          "\(random)")
      }
      let start = zone.start(of: day.date)
      let beforeStart = Instant(microseconds: start.microseconds - 1)
      #expect(start <= instant, "\(random)")
      #expect(zone.date(of: start) == day.date, "\(random)")
      #expect(zone.date(of: beforeStart) < day.date, "\(random)")
      let looked = cursor.day(of: instant)
      #expect(looked.date == day.date && looked.contains(instant), "\(random)")
    }
  }

  /// An abbreviation is another place's time to somebody: `CST` is Chicago's and China's.
  @Test(arguments: [
    "", "CST", "EST", "GMT+8", "UTC+8", "UTC+08:00", "+08:00", "utc", "asia/shanghai",
    "Asia/Shanghai ", "Asia/Shangai", "../etc/passwd", "China Standard Time",
  ])
  func rejects(identifier: String) {
    #expect(Zone(identifier: identifier) == nil)
  }

  @Test func aliasesKeepTheNameThatWasGiven() throws {
    let zone = try #require(Zone(identifier: "PRC"))
    #expect(zone.identifier == "PRC")
    #expect(zone.offsetSeconds(at: Instant(seconds: 1_764_547_200)) == 28_800)
    #expect(Zone.knownIdentifiers.contains("Asia/Shanghai"))
  }
}
