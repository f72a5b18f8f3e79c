extension Instant {
  /// Appends RFC 3339 with milliseconds and the offset of a zone, `2025-12-01T08:00:00.123+08:00`,
  /// cut (not rounded) to the millisecond; `Z` where the zone is UTC.
  public func appendRFC3339(to bytes: inout [UInt8], offsetSeconds: Int64, isUTC: Bool) {
    let local = secondsRoundedDown + offsetSeconds
    let date = Zone.date(localSeconds: local)
    let secondOfDay = Int(local - Int64(date.daysSinceEpoch) * 86_400)
    let millisecond = Int(microseconds - secondsRoundedDown * 1_000_000) / 1_000
    let (year, month, day) = date.components
    func appendTwo(_ number: Int) {
      bytes.append(0x30 + UInt8(truncatingIfNeeded: number / 10))
      bytes.append(0x30 + UInt8(truncatingIfNeeded: number % 10))
    }
    if (0...9_999).contains(year) {
      appendTwo(year / 100)
      appendTwo(year % 100)
    } else {
      // No time of a record that is counted; as ISO 8601 expands it.
      bytes.append(year < 0 ? 0x2D : 0x2B)
      for power in [100_000, 10_000, 1_000, 100, 10, 1] {
        bytes.append(0x30 + UInt8(truncatingIfNeeded: abs(year) / power % 10))
      }
    }
    bytes.append(0x2D)
    appendTwo(month)
    bytes.append(0x2D)
    appendTwo(day)
    bytes.append(0x54)
    appendTwo(secondOfDay / 3_600)
    bytes.append(0x3A)
    appendTwo(secondOfDay / 60 % 60)
    bytes.append(0x3A)
    appendTwo(secondOfDay % 60)
    bytes.append(0x2E)
    appendTwo(millisecond / 10)
    bytes.append(0x30 + UInt8(truncatingIfNeeded: millisecond % 10))
    if isUTC {
      bytes.append(0x5A)
      return
    }
    let minutes = Int(abs(offsetSeconds)) / 60
    bytes.append(offsetSeconds < 0 ? 0x2D : 0x2B)
    appendTwo(minutes / 60)
    bytes.append(0x3A)
    appendTwo(minutes % 60)
  }

  /// RFC 3339 with milliseconds in a zone.
  public func rfc3339(in zone: Zone) -> String {
    var bytes: [UInt8] = []
    appendRFC3339(
      to: &bytes, offsetSeconds: zone.offsetSeconds(at: self), isUTC: zone.identifier == "UTC")
    return String(decoding: bytes, as: UTF8.self)
  }
}
