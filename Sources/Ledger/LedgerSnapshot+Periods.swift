public import CivilTime
internal import GRDB

extension LedgerSnapshot {
  /// The months that are closed, the first one first.
  public func closedPeriods() throws(WorkspaceError) -> [ClosedPeriod] {
    try query { database in
      try database.rows("SELECT * FROM period ORDER BY period") { row in
        let month = try row.month("period")
        let days = try database.rows(
          "SELECT * FROM period_day WHERE period = ? ORDER BY day", ["\(month)"], PeriodDay.init)
        return try ClosedPeriod(
          month: month, closedAt: row.instant("closed_at"), closedBy: row.required("closed_by"),
          terms: LedgerJSON.decode(row.required("terms")), totals: row.required("totals"),
          reports: LedgerJSON.decode(row.required("reports")), days: days,
          recordless: LedgerJSON.decodeList(row.required("recordless")), covered: row.dates())
      }
    }
  }

  /// Whether a closed month may have been counted from a log, or from what its days carried over.
  public func isOfClosedMonths(_ log: LogFileID) throws(WorkspaceError) -> Bool {
    try query { database in
      try Bool.fetchOne(
        database,
        sql: """
          SELECT EXISTS (SELECT 1 FROM segment
            WHERE file_id = ? AND day <= (SELECT MAX(day) FROM period_day))
          """, arguments: [log.number]) ?? false
    }
  }

  /// What was booked for closed months, in the order in which it was.
  public func adjustments() throws(WorkspaceError) -> [Adjustment] {
    try query { database in
      try database.rows("SELECT * FROM adjustment ORDER BY id", [], Adjustment.init)
    }
  }
}

extension LedgerTransaction {
  /// Closes a month. Those before it must be closed.
  ///
  /// - Throws: ``WorkspaceError/constraint(path:detail:)`` where it is closed already.
  public func close(_ period: ClosedPeriod) throws(WorkspaceError) {
    let (terms, reports, recordless) = try state.query { _ in
      (
        try LedgerJSON.encode(period.terms), try LedgerJSON.encode(period.reports),
        try LedgerJSON.encode(period.recordless)
      )
    }
    try insert(
      into: "period",
      [
        ("period", "\(period.month)"), ("closed_at", period.closedAt.microseconds),
        ("closed_by", period.closedBy), ("terms", terms), ("totals", period.totals),
        ("reports", reports), ("recordless", recordless),
        ("first_date", period.covered?.lowerBound.daysSinceEpoch),
        ("last_date", period.covered?.upperBound.daysSinceEpoch), ("run_id", run.number),
      ])
    for day in period.days {
      try insert(
        into: "period_day",
        [
          ("period", "\(period.month)"), ("day", day.day.daysSinceEpoch),
          ("result_path", day.result.path), ("result_sha256", day.result.sha256.data),
          ("result_bytes", day.result.bytes), ("rows_path", day.rows?.path),
          ("rows_sha256", day.rows?.sha256.data), ("rows_bytes", day.rows?.bytes),
          ("seen_path", day.seen?.path), ("seen_sha256", day.seen?.sha256.data),
          ("seen_bytes", day.seen?.bytes), ("is_last", day.isLast ? 1 : 0),
        ])
    }
  }

  /// Opens the last closed month again. What was booked for it goes, since the month's own count has it; what is
  /// booked for those before it is booked in it, the first that is open now.
  public func reopen(_ month: CivilMonth) throws(WorkspaceError) {
    for sql in [
      "DELETE FROM adjustment WHERE period_closed = ?1",
      "UPDATE adjustment SET period_booked = ?1 WHERE period_booked > ?1",
      "DELETE FROM period_day WHERE period = ?1", "DELETE FROM period WHERE period = ?1",
    ] {
      try execute(sql, ["\(month)"])
    }
  }

  /// Books what a log changes in a closed month.
  public func book(_ adjustment: Adjustment) throws(WorkspaceError) {
    try insert(
      into: "adjustment",
      [
        ("contract", adjustment.contract), ("licensee", adjustment.licensee),
        ("period_closed", "\(adjustment.closed)"), ("period_booked", "\(adjustment.booked)"),
        ("date", adjustment.date.daysSinceEpoch), ("module", adjustment.module),
        ("scenario", adjustment.scenario), ("unit", adjustment.unit),
        ("quantity", adjustment.quantity), ("messages", adjustment.messages),
        ("failed_messages", adjustment.failedMessages), ("duplicates", adjustment.duplicates),
        ("cause", adjustment.cause), ("log_name", adjustment.logName),
        ("log_digest", adjustment.logDigest?.data), ("run_id", run.number),
      ])
  }
}

extension PeriodDay {
  init(_ row: LedgerRow) throws {
    let rows = try (row.optional("rows_path") as String?).map { _ in
      try row.file(path: "rows_path", sha256: "rows_sha256", bytes: "rows_bytes")
    }
    let seen = try (row.optional("seen_path") as String?).map { _ in
      try row.file(path: "seen_path", sha256: "seen_sha256", bytes: "seen_bytes")
    }
    try self.init(
      day: row.date("day"),
      result: row.file(path: "result_path", sha256: "result_sha256", bytes: "result_bytes"),
      rows: rows, seen: seen, isLast: row.required("is_last") as Int == 1)
  }
}

extension Adjustment {
  init(_ row: LedgerRow) throws {
    try self.init(
      contract: row.required("contract"), licensee: row.required("licensee"),
      closed: row.month("period_closed"), booked: row.month("period_booked"),
      date: row.date("date"), module: row.required("module"), scenario: row.required("scenario"),
      unit: row.required("unit"), quantity: row.required("quantity"),
      messages: row.required("messages"), failedMessages: row.required("failed_messages"),
      duplicates: row.required("duplicates"), cause: row.required("cause"), log: nil)
    logName = try row.optional("log_name")
    logDigest = try row.optionalHash("log_digest")
  }
}

extension LedgerRow {
  fileprivate func month(_ column: String) throws -> CivilMonth {
    guard let month = CivilMonth(text: try required(column)) else {
      throw LedgerValueError(what: "column \(column) of a row")
    }
    return month
  }
}
