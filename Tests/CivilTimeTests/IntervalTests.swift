import CivilTime
import TestSupport
import Testing

@Suite struct IntervalTests {
  @Test(arguments: [
    ("30m", 1_800_000_000), ("1h30m", 5_400_000_000), ("90s", 90_000_000), ("2d", 172_800_000_000),
    ("500ms", 500_000), ("7us", 7), ("0s", 0), ("1d2h3m4s5ms6us", 93_784_005_006),
    ("366000d", 31_622_400_000_000_000), ("007m", 420_000_000),
  ])
  func reads(text: String, microseconds: Int64) {
    #expect(Interval(text: text)?.microseconds == microseconds)
  }

  @Test(arguments: [
    "", "30", "m", "30 m", " 30m", "30m ", "-30m", "+30m", "1.5h", "30M", "30min", "1m1h", "1m1m",
    "1ms1s", "366001d", "366000d1us", "9223372036854775807d", "99999999999999999999s", "３０m",
    "1h30", "none",
  ])
  func rejects(text: String) {
    #expect(Interval(text: text) == nil)
  }

  @Test(arguments: [
    (90_000_000, "1m30s"), (1_800_000_000, "30m"), (86_400_000_000, "1d"), (0, "0s"),
    (1_500, "1ms500us"), (3_600_000_001, "1h1us"), (-90_000_000, "-1m30s"),
  ])
  func writes(microseconds: Int64, text: String) {
    #expect(Interval(microseconds: microseconds).text == text)
  }

  @Test func readsBackWhatItWrites() {
    var random = SeededRandom(seed: 20_251_201)
    for _ in 0..<5_000 {
      let scale = Int64.random(in: 0...15, using: &random)
      var bound: Int64 = 1
      for _ in 0..<scale { bound *= 10 }
      let interval = Interval(microseconds: Int64.random(in: 0...bound, using: &random))
      #expect(Interval(text: interval.text) == interval, "\(random)")
    }
  }
}
