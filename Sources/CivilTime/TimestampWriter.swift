extension Instant {
  /// Appends RFC 3339 with milliseconds and the offset of a zone, `2025-12-01T08:00:00.123+08:00`,
  /// cut (not rounded) to the millisecond; `Z` where the zone is UTC.
  public func appendRFC3339(to bytes: inout [UInt8], offsetSeconds: Int64, isUTC: Bool) {
    let local = secondsRoundedDown + offsetSeconds
    let date = Zone.date(localSeconds: local)
    let secondOfDay = Int(local - Int64(date.daysSinceEpoch) * 86_400)
    let millisecond = Int(microseconds - secondsRoundedDown * 1_000_000) / 1_000
    let (year, month, day) = date.components
    func append(_ number: Int, digits: Int) {
      var divisor = 1
      for _ in 1..<digits { divisor *= 10 }
      while divisor > 0 {
        bytes.append(0x30 + UInt8(truncatingIfNeeded: number / divisor % 10))
        divisor /= 10
      }
    }
    append(year, digits: 4)
    bytes.append(0x2D)
    append(month, digits: 2)
    bytes.append(0x2D)
    append(day, digits: 2)
    bytes.append(0x54)
    append(secondOfDay / 3_600, digits: 2)
    bytes.append(0x3A)
    append(secondOfDay / 60 % 60, digits: 2)
    bytes.append(0x3A)
    append(secondOfDay % 60, digits: 2)
    bytes.append(0x2E)
    append(millisecond, digits: 3)
    if isUTC {
      bytes.append(0x5A)
      return
    }
    let minutes = Int(abs(offsetSeconds)) / 60
    bytes.append(offsetSeconds < 0 ? 0x2D : 0x2B)
    append(minutes / 60, digits: 2)
    bytes.append(0x3A)
    append(minutes % 60, digits: 2)
  }

  /// RFC 3339 with milliseconds in a zone.
  public func rfc3339(in zone: Zone) -> String {
    var bytes: [UInt8] = []
    appendRFC3339(
      to: &bytes, offsetSeconds: zone.offsetSeconds(at: self), isUTC: zone.identifier == "UTC")
    return String(decoding: bytes, as: UTF8.self)
  }
}
