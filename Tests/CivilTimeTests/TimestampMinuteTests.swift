import CivilTime
import Testing

/// The reader keeps the minute last read; what it makes of a text must not depend on that.
@Suite struct TimestampMinuteTests {
  private static let forms = ["2025-12-01T08:00:21.345+08:00", "2025-12-01T08:00:21.345Z"]

  @Test(arguments: forms) func everyByteChangedReadsAsInAFreshReader(form: String) {
    var wrong: [[UInt8]] = []
    for position in 0..<form.utf8.count {
      for byte in UInt8.min...UInt8.max {
        var text = Array(form.utf8)
        text[position] = byte
        var used = TimestampReader()
        _ = used.instant(text: Array(form.utf8).span)
        var fresh = TimestampReader()
        if used.instant(text: text.span) != fresh.instant(text: text.span) { wrong.append(text) }
      }
    }
    #expect(wrong == [])
  }

  @Test(arguments: forms) func twoBytesChangedReadAsInAFreshReader(form: String) {
    var wrong = 0
    for first in 16..<23 {
      for second in (first + 1)..<24 {
        for (low, high) in [(0xBA, 0x3A), (0xFF, 0x2F), (0x8A, 0x40), (0x39, 0xB0)]
          as [(UInt8, UInt8)]
        {
          var text = Array(form.utf8)
          text[first] = low
          text[second] = high
          var used = TimestampReader()
          _ = used.instant(text: Array(form.utf8).span)
          var fresh = TimestampReader()
          if used.instant(text: text.span) != fresh.instant(text: text.span) { wrong += 1 }
        }
      }
    }
    #expect(wrong == 0)
  }
}
