internal import CivilTime

/// Times as text, a line each: what is accepted can be written and read again, and a reader that
/// has read others says the same as a fresh one.
struct TimesTarget: FuzzTarget {
  static let name = "times"

  mutating func check(_ input: [UInt8]) {
    var reader = TimestampReader()
    for line in input.split(separator: 0x0A, omittingEmptySubsequences: false) {
      let text = Array(line)
      var fresh = TimestampReader()
      let instant = fresh.instant(text: text.span)
      require(reader.instant(text: text.span) == instant, "a reader's past changes nothing")
      require(fresh.instant(text: text.span) == instant, "a text is read twice")
      if let number = TimestampReader.instant(number: text.span) {
        require(number == instant, "a number is a text too")
      }
      if let instant { written(instant, &reader) }
    }
  }

  private func written(_ instant: Instant, _ reader: inout TimestampReader) {
    // Years beyond these have no form.
    guard (1...9_998).contains(Zone.utc.date(of: instant).components.year) else { return }
    let rest = instant.microseconds % 1_000
    let cut = Instant(microseconds: instant.microseconds - (rest < 0 ? rest + 1_000 : rest))
    for offset in [0, 28_800, -34_200, 86_340, -86_340] as [Int64] {
      var bytes: [UInt8] = []
      instant.appendRFC3339(to: &bytes, offsetSeconds: offset, isUTC: offset == 0)
      require(
        reader.instant(text: bytes.span) == cut,
        "\(instant) is \(String(decoding: bytes, as: UTF8.self))")
    }
  }
}
