package import CivilTime
internal import Contracts
internal import Counting
internal import Foundation
internal import Ledger

/// Why a month cannot be closed, or opened again.
package enum ClosingError: Error, CustomStringConvertible {
  case closedAlready(CivilMonth, at: Instant)
  /// Earlier ones are open.
  case earlierOpen(CivilMonth, earlier: CivilMonth)
  /// The logs end before the month does.
  case notOver(CivilMonth, inputEnd: Instant?)
  case notLastClosed(CivilMonth, last: CivilMonth?)
  /// Days of it are sealed.
  case sealed(CivilMonth, until: CivilDate)

  package var description: String {
    switch self {
    case .closedAlready(let month, let at):
      "\(month) is closed since \(at.rfc3339(in: .utc))"
    case .earlierOpen(let month, let earlier):
      "\(month) cannot be closed while \(earlier) is open; months are closed one after another: close "
        + "\(earlier) first"
    case .notOver(let month, let end):
      "\(month) is not over in the logs, whose last record is "
        + (end.map { "of \($0.rfc3339(in: .utc))" } ?? "not there")
        + "; take in the rest of them, or close it all the same with --incomplete"
    case .notLastClosed(let month, let last):
      last.map {
        "\(month) cannot be opened again; the last closed month, \($0), comes first, then those before it"
      } ?? "\(month) is not closed"
    case .sealed(let month, let day):
      "\(month) cannot be opened again: the segments of its days up to \(day) were removed "
        + "('keep_segments'); what it comes to now is told by a new workspace over all raw logs, named "
        + "in 'workspace'"
    }
  }
}

extension NightlyCount {
  /// The last month that is closed.
  package func lastClosed() throws -> CivilMonth? {
    try workspace.ledger.read { state throws(WorkspaceError) in
      try state.closedPeriods().last?.month
    }
  }

  /// Fails where a month cannot be closed.
  ///
  /// - Parameter isIncomplete: whether logs may end before the month does.
  package func checkClosing(
    _ month: CivilMonth, _ night: Outcome, isIncomplete: Bool
  ) throws(ClosingError) {
    if let closed = night.closed.first(where: { $0.month >= month }) {
      throw .closedAlready(closed.month, at: closed.closedAt)
    }
    let known = Set(night.count.months + night.adjustments.map(\.booked)).sorted()
    let open = known.filter { candidate in
      candidate < month && !night.closed.contains { $0.month >= candidate }
    }
    if let earlier = open.first { throw .earlierOpen(month, earlier: earlier) }
    let end = night.count.inputEnd
    let isOver = terms.contracts.allSatisfy { contract in
      end.map { $0 >= contract.zone.start(of: month.last + 1) } ?? false
    }
    // Nor one of which nothing is known yet.
    let isKnown = known.last.map { month <= $0 } ?? false
    guard isOver || (isIncomplete && isKnown) else { throw .notOver(month, inputEnd: end) }
  }

  /// Closes a month: its totals, terms, reports and what it was counted from stay as they are.
  ///
  /// - Parameter reports: SHA-256 of its reports, by name.
  package func close(
    _ month: CivilMonth, _ night: Outcome, reports: [String: String]
  ) throws {
    let range = month.first...month.last
    let totals = try FrozenTotals(night.count.days, range) {
      try DayResult.read(workspace.content(of: $0.result))
    }.json()
    let days = night.count.days.filter { $0.dates?.overlaps(range) ?? false }.map { day in
      PeriodDay(
        day: day.day, result: day.result, rows: day.rows, seen: day.seen,
        isLast: day.day == night.count.days.last?.day)
    }
    let terms = Dictionary(
      terms.contracts.map { ($0.number, $0.closedText(upTo: month.last)) },
      uniquingKeysWith: { first, _ in first })
    try change("period.close", ["period": "\(month)", "reports": "\(reports.count)"]) {
      transaction throws(WorkspaceError) in
      try transaction.close(
        ClosedPeriod(
          month: month, closedAt: transaction.now, closedBy: self.origin.user, terms: terms,
          totals: totals, reports: reports, days: days,
          recordless: night.count.recordless(in: range), covered: night.count.dates))
    }
  }

  /// Opens the last closed month again.
  ///
  /// - Parameter reason: for the audit log.
  package func reopen(_ month: CivilMonth, reason: String) throws {
    let (last, days) = try workspace.ledger.read { state throws(WorkspaceError) in
      (try state.closedPeriods().last?.month, try state.days())
    }
    guard last == month else { throw ClosingError.notLastClosed(month, last: last) }
    let sealed = days.last { day in
      day.isSealed && (day.dates?.upperBound ?? day.day) >= month.first
    }
    if let sealed { throw ClosingError.sealed(month, until: sealed.day) }
    try change("period.reopen", ["period": "\(month)", "reason": reason]) {
      transaction throws(WorkspaceError) in try transaction.reopen(month)
    }
  }

  private func change(
    _ action: String, _ detail: [String: String],
    _ body: (LedgerTransaction) throws(WorkspaceError) -> Void
  ) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    let detail = String(decoding: try encoder.encode(detail), as: UTF8.self)
    let run = try beginRun()
    do {
      try workspace.ledger.commit(run) { transaction throws(WorkspaceError) in
        try body(transaction)
        try transaction.audit(actor: self.origin.user, action: action, detail: detail)
        transaction.finish(.done, summary: detail)
      }
    } catch {
      try? workspace.ledger.abandon(run, summary: "{}")
      throw error
    }
  }
}
