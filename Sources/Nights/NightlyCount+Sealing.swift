internal import CivilTime
internal import Foundation
internal import Ledger
internal import Segments

extension NightlyCount {
  /// Seals the days that are old enough: they stay as they are, and their segments go.
  ///
  /// Sealed are all days up to one, so that nothing changes what they carry over. All of their dates are of closed
  /// months. A log that may still grow keeps its days, and all behind them: it is compared with what it was.
  ///
  /// - Parameter closed: the last closed month.
  /// - Returns: how many were sealed.
  func seal(_ closed: CivilMonth?, _ transaction: LedgerTransaction) throws -> Int {
    guard let keepDays, let closed, let inputEnd = try transaction.state.lastTime() else {
      return 0
    }
    let last = Zone.utc.date(of: inputEnd)
    let lively = last + -Self.keepDaysMin
    let growing = try transaction.state.firstDay(
      ofLogsUntil: Instant(microseconds: DayBuilder.end(of: lively + -1)))
    let old = try transaction.state.days().prefix { day in
      day.isSealed
        || day.day < last + -keepDays && (day.dates?.upperBound ?? day.day + 1) <= closed.last
          && growing.map { day.day < $0 } ?? true
    }.filter { !$0.isSealed }
    guard let until = old.last?.day else { return 0 }
    try transaction.seal(upTo: until)
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    let detail = try encoder.encode(["until": "\(until)", "days": "\(old.count)"])
    try transaction.audit(
      actor: origin.user, action: "days.seal", detail: String(decoding: detail, as: UTF8.self))
    return old.count
  }
}

extension TakenLog {
  /// Leaves out the records of sealed days.
  ///
  /// - Parameter day: the last one of these.
  mutating func leaveOut(upTo day: CivilDate?) {
    guard let day else { return }
    let sealed = segments.filter { $0.day <= day }
    guard !sealed.isEmpty else { return }
    segments.removeAll { $0.day <= day }
    facts.sealedUntil = day
    facts.uncountedRecords = sealed.reduce(0) { $0 + $1.records }
  }
}
