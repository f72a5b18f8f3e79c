/// Times that state no zone, which the log's format then has.
extension TimestampReader {
  /// The moment that a text states, in a zone where it states none.
  ///
  /// - Parameters:
  ///   - text: any form that ``instant(text:)`` reads, with or without a zone, the date with slashes
  ///     too (`2025/12/01 08:00:00.123`).
  ///   - zone: where a local time comes twice, as when clocks are set back, it is taken for the first;
  ///     one that is skipped counts on from the time before.
  public mutating func instant(text: Span<UInt8>, in zone: Zone) -> Instant? {
    if let instant = instant(text: text) { return instant }
    guard text.count >= 15 else { return nil }
    var bytes: [UInt8] = []
    for index in text.indices { bytes.append(text[index]) }
    let isSlashed = bytes[4] == 0x2F && bytes[7] == 0x2F
    if isSlashed {
      bytes[4] = 0x2D
      bytes[7] = 0x2D
      if let instant = instant(text: bytes.span) { return instant }
    }
    // Apache's form has a blank before its zone.
    for zoneText in ["Z", " +0000"] {
      guard let local = read(text: (bytes + Array(zoneText.utf8)).span) else { continue }
      return zone.instant(ofLocal: local)
    }
    return nil
  }
}

extension Zone {
  /// The moment at which clocks of the zone show what those of UTC show at `local`.
  ///
  /// A local time that comes twice is taken for the first, one that is skipped counts on from the time
  /// before.
  public func instant(ofLocal local: Instant) -> Instant {
    let day: Int64 = 86_400_000_000
    let before = offsetSeconds(at: Instant(microseconds: local.microseconds - day))
    let after = offsetSeconds(at: Instant(microseconds: local.microseconds + day))
    func moment(_ offset: Int64) -> Instant {
      Instant(microseconds: local.microseconds - offset * 1_000_000)
    }
    // The larger offset gives the earlier moment.
    for offset in [max(before, after), min(before, after)]
    where offsetSeconds(at: moment(offset)) == offset {
      return moment(offset)
    }
    return moment(before)
  }
}
