import CivilTime
import Testing

// The expectations were computed with Python's zoneinfo over the IANA data of release 2025b: the
// last second before each change of clocks, and the first second after it.
@Suite struct ZoneTests {
  static let changes: [(zone: String, seconds: Int64, date: String, offset: Int64)] = [
    ("America/New_York", 1173596399, "2007-03-11", -18000),
    ("America/New_York", 1173596400, "2007-03-11", -14400),
    ("America/New_York", 1194155999, "2007-11-04", -14400),
    ("America/New_York", 1194156000, "2007-11-04", -18000),
    ("America/New_York", 1741503599, "2025-03-09", -18000),
    ("America/New_York", 1741503600, "2025-03-09", -14400),
    ("America/New_York", 1762063199, "2025-11-02", -14400),
    ("America/New_York", 1762063200, "2025-11-02", -18000),
    ("America/New_York", 2530767599, "2050-03-13", -18000),
    ("America/New_York", 2530767600, "2050-03-13", -14400),
    ("America/New_York", 2551327199, "2050-11-06", -14400),
    ("America/New_York", 2551327200, "2050-11-06", -18000),
    ("Europe/London", 57722399, "1971-10-31", 3600),
    ("Europe/London", 57722400, "1971-10-31", 0),
    ("Europe/London", 1743296399, "2025-03-30", 0),
    ("Europe/London", 1743296400, "2025-03-30", 3600),
    ("Europe/London", 1761440399, "2025-10-26", 3600),
    ("Europe/London", 1761440400, "2025-10-26", 0),
    ("Europe/London", 4078429199, "2099-03-29", 0),
    ("Europe/London", 4078429200, "2099-03-29", 3600),
    ("Europe/London", 4096573199, "2099-10-25", 3600),
    ("Europe/London", 4096573200, "2099-10-25", 0),
    ("Australia/Lord_Howe", 352216799, "1981-02-28", 36000),
    ("Australia/Lord_Howe", 352216800, "1981-03-01", 37800),
    ("Australia/Lord_Howe", 372785399, "1981-10-25", 37800),
    ("Australia/Lord_Howe", 372785400, "1981-10-25", 41400),
    ("Australia/Lord_Howe", 1743865199, "2025-04-06", 39600),
    ("Australia/Lord_Howe", 1743865200, "2025-04-06", 37800),
    ("Australia/Lord_Howe", 1759591799, "2025-10-05", 37800),
    ("Australia/Lord_Howe", 1759591800, "2025-10-05", 39600),
    ("Pacific/Apia", 1301752799, "2011-04-02", -36000),
    ("Pacific/Apia", 1301752800, "2011-04-02", -39600),
    ("Pacific/Apia", 1316872799, "2011-09-24", -39600),
    ("Pacific/Apia", 1316872800, "2011-09-24", -36000),
    ("Pacific/Apia", 1325239199, "2011-12-29", -36000),
    ("Pacific/Apia", 1325239200, "2011-12-31", 50400),
    ("Pacific/Apia", 1333202399, "2012-04-01", 50400),
    ("Pacific/Apia", 1333202400, "2012-04-01", 46800),
    ("Pacific/Apia", 1348927199, "2012-09-30", 46800),
    ("Pacific/Apia", 1348927200, "2012-09-30", 50400),
    ("Pacific/Apia", 1617458399, "2021-04-04", 50400),
    ("Pacific/Apia", 1617458400, "2021-04-04", 46800),
    ("Asia/Shanghai", 515527199, "1986-05-04", 28800),
    ("Asia/Shanghai", 515527200, "1986-05-04", 32400),
    ("Asia/Shanghai", 527014799, "1986-09-14", 32400),
    ("Asia/Shanghai", 527014800, "1986-09-14", 28800),
    ("Asia/Shanghai", 671565599, "1991-04-14", 28800),
    ("Asia/Shanghai", 671565600, "1991-04-14", 32400),
    ("Asia/Shanghai", 684867599, "1991-09-15", 32400),
    ("Asia/Shanghai", 684867600, "1991-09-15", 28800),
    ("America/Sao_Paulo", 1518919199, "2018-02-17", -7200),
    ("America/Sao_Paulo", 1518919200, "2018-02-17", -10800),
    ("America/Sao_Paulo", 1541300399, "2018-11-03", -10800),
    ("America/Sao_Paulo", 1541300400, "2018-11-04", -7200),
    ("America/Sao_Paulo", 1550368799, "2019-02-16", -7200),
    ("America/Sao_Paulo", 1550368800, "2019-02-16", -10800),
    ("Asia/Kathmandu", 504901799, "1985-12-31", 19800),
    ("Asia/Kathmandu", 504901800, "1986-01-01", 20700),
    ("Africa/Casablanca", 1521943199, "2018-03-25", 0),
    ("Africa/Casablanca", 1521943200, "2018-03-25", 3600),
    ("Africa/Casablanca", 1526176799, "2018-05-13", 3600),
    ("Africa/Casablanca", 1526176800, "2018-05-13", 0),
    ("Africa/Casablanca", 1529200799, "2018-06-17", 0),
    ("Africa/Casablanca", 1529200800, "2018-06-17", 3600),
    ("Africa/Casablanca", 1740275999, "2025-02-23", 3600),
    ("Africa/Casablanca", 1740276000, "2025-02-23", 0),
    ("Africa/Casablanca", 1743904799, "2025-04-06", 0),
    ("Africa/Casablanca", 1743904800, "2025-04-06", 3600),
    ("Africa/Casablanca", 2536192799, "2050-05-15", 3600),
    ("Africa/Casablanca", 2536192800, "2050-05-15", 0),
    ("Africa/Casablanca", 2539821599, "2050-06-26", 0),
    ("Africa/Casablanca", 2539821600, "2050-06-26", 3600),
    ("America/St_Johns", 1143948659, "2006-04-02", -12600),
    ("America/St_Johns", 1143948660, "2006-04-02", -9000),
    ("America/St_Johns", 1162089059, "2006-10-29", -9000),
    ("America/St_Johns", 1162089060, "2006-10-28", -12600),
    ("America/St_Johns", 1299987059, "2011-03-13", -12600),
    ("America/St_Johns", 1299987060, "2011-03-13", -9000),
    ("America/St_Johns", 1320553799, "2011-11-06", -9000),
    ("America/St_Johns", 1320553800, "2011-11-06", -12600),
    ("Asia/Pyongyang", 1439564399, "2015-08-14", 32400),
    ("Asia/Pyongyang", 1439564400, "2015-08-14", 30600),
    ("Asia/Pyongyang", 1525445999, "2018-05-04", 30600),
    ("Asia/Pyongyang", 1525446000, "2018-05-05", 32400),
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
    ("America/Sao_Paulo", "2018-11-04", 1541300400),
    ("America/Sao_Paulo", "2018-11-05", 1541383200),
    ("America/Sao_Paulo", "2019-02-17", 1550372400),
    ("America/Sao_Paulo", "2019-02-16", 1550282400),
    ("Pacific/Apia", "2011-12-29", 1325152800),
    ("Pacific/Apia", "2011-12-30", 1325239200),
    ("Pacific/Apia", "2011-12-31", 1325239200),
    ("Asia/Shanghai", "1986-05-04", 515520000),
    ("Asia/Shanghai", "1986-05-05", 515602800),
    ("Asia/Shanghai", "2025-12-01", 1764518400),
    ("America/New_York", "2025-03-09", 1741496400),
    ("America/New_York", "2025-03-10", 1741579200),
    ("America/New_York", "2025-11-02", 1762056000),
    ("America/New_York", "2025-11-03", 1762146000),
    ("Australia/Lord_Howe", "2025-04-06", 1743858000),
    ("Australia/Lord_Howe", "2025-04-07", 1743946200),
    ("Africa/Cairo", "2024-04-26", 1714082400),
    ("Africa/Cairo", "2024-11-01", 1730412000),
    ("America/Havana", "2025-03-09", 1741496400),
    ("America/Havana", "2025-11-02", 1762056000),
    ("Asia/Kathmandu", "1986-01-01", 504901800),
    ("America/St_Johns", "2006-10-29", 1162089000),
    ("America/St_Johns", "2006-10-30", 1162179000),
    ("Asia/Beirut", "2025-03-30", 1743285600),
    ("UTC", "2000-02-29", 951782400),
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
          zone.date(of: outside) != day.date || zone.offsetSeconds(at: outside) != day.offsetSeconds,
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
