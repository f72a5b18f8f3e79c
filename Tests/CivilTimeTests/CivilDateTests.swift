import CivilTime
import Testing

@Suite struct CivilDateTests {
  /// The next day by the rule that schoolchildren learn, sharing nothing with the code tested.
  private func next(_ year: Int, _ month: Int, _ day: Int) -> (Int, Int, Int) {
    let lengths = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
    let leap = year % 400 == 0 || (year % 4 == 0 && year % 100 != 0)
    let length = month == 2 && leap ? 29 : lengths[month - 1]
    if day < length { return (year, month, day + 1) }
    return month < 12 ? (year, month + 1, 1) : (year + 1, 1, 1)
  }

  private func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }

  @Test func everyDayFrom1900To2200() {
    var (year, month, day) = (1900, 1, 1)
    // 1900-01-01 is 25,567 days before 1970-01-01: 70 years with 17 leap days.
    var days: Int32 = -25_567
    var failures = 0
    while year <= 2200 {
      let date = CivilDate(year: year, month: month, day: day)
      let text = "\(year)-\(two(month))-\(two(day))"
      if date.daysSinceEpoch != days || date.components != (year, month, day)
        || date.description != text || CivilDate(text: text) != date
        || date.month != CivilMonth(year: year, month: month)
      {
        failures += 1
      }
      (year, month, day) = next(year, month, day)
      days += 1
    }
    #expect(failures == 0)
    #expect(days == 84_371)  // 2201-01-01
  }

  @Test(arguments: [
    "", "2025-02-29", "1900-02-29", "2025-00-01", "2025-13-01", "2025-04-31", "2025-01-00",
    "2025-1-01", "25-01-01", "2025/01/01", "2025-01-01 ", "2025-01-1a", "+025-01-01", "２０25-01-01",
    "20250101", "2025-01-01T00:00:00Z",
  ])
  func rejects(text: String) {
    #expect(CivilDate(text: text) == nil)
  }

  @Test(arguments: [
    ("2024-02", "2024-02-01", "2024-02-29"), ("2025-12", "2025-12-01", "2025-12-31"),
    ("2100-02", "2100-02-01", "2100-02-28"),
  ])
  func months(text: String, first: String, last: String) throws {
    let month = try #require(CivilMonth(text: text))
    #expect(month.first.description == first)
    #expect(month.last.description == last)
    #expect(month.description == text)
  }

  @Test(arguments: ["2025-13", "2025-00", "2025-1", "2025", "2025-12-01", "abcd-12"])
  func rejectsMonth(text: String) {
    #expect(CivilMonth(text: text) == nil)
  }

  @Test func differencesAreDays() throws {
    let first = try #require(CivilDate(text: "2024-02-28"))
    let last = try #require(CivilDate(text: "2024-03-01"))
    #expect(last - first == 2)
    #expect(first - last == -2)
    #expect(first + 2 == last)
    #expect(last + -2 == first)
    #expect(first < last)
  }
}
