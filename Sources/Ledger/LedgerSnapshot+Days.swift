public import CivilTime
internal import Foundation
internal import GRDB

extension LedgerSnapshot {
  /// The segments of a day, in the order of their logs' names, which is by bytes; of logs with equal
  /// names in that of their digests.
  public func segments(on day: CivilDate) throws(WorkspaceError) -> [DaySegment] {
    try query { database in
      try database.rows(
        """
        SELECT segment.*, log_file.text_digest AS text_digest,
          (SELECT MIN(path) FROM log_name WHERE log_name.file_id = segment.file_id) AS name
        FROM segment JOIN log_file ON log_file.id = segment.file_id
        WHERE segment.day = ? ORDER BY name, text_digest
        """, [day.daysSinceEpoch]
      ) { row in
        try DaySegment(
          segment: Segment(row), log: LogFileID(number: row.required("file_id")),
          name: row.required("name"), textDigest: row.hash("text_digest"))
      }
    }
  }

  /// A day as it was last built; `nil` where it was not.
  public func day(_ day: CivilDate) throws(WorkspaceError) -> Day? {
    try query { database in
      try database.row("SELECT * FROM day WHERE day = ?", [day.daysSinceEpoch], Day.init)
    }
  }

  /// All days that were built, the first one first.
  public func days() throws(WorkspaceError) -> [Day] {
    try query { database in
      try database.rows("SELECT * FROM day ORDER BY day", [], Day.init)
    }
  }

  /// Of each day that was built and has something of any date, these dates.
  public func datesOfDays() throws(WorkspaceError) -> [CivilDate: ClosedRange<CivilDate>] {
    try query { database in
      let days = try database.rows(
        "SELECT day, first_date, last_date FROM day WHERE first_date IS NOT NULL", []
      ) { (try $0.date("day"), try $0.dates()) }
      return Dictionary(
        days.compactMap { day, dates in dates.map { (day, $0) } },
        uniquingKeysWith: { first, _ in first })
    }
  }

  /// Until when each day that is not sealed speaks of what happened.
  public func endsOfDays() throws(WorkspaceError) -> [(day: CivilDate, effectiveEnd: Instant)] {
    try query { database in
      try database.rows("SELECT day, effective_end FROM day WHERE is_sealed = 0 ORDER BY day", []) {
        (try $0.date("day"), try $0.instant("effective_end"))
      }
    }
  }

  /// Whether there are days that are not sealed, and were built by another rule.
  public func hasDays(ofOtherRuleThan rule: ContentHash) throws(WorkspaceError) -> Bool {
    try query { database in
      try Bool.fetchOne(
        database,
        sql: """
          SELECT EXISTS (SELECT 1 FROM day JOIN run ON run.id = day.run_id
            WHERE day.is_sealed = 0 AND run.rule_hash <> ?)
          """, arguments: [rule.data]) ?? false
    }
  }

  /// The hash of the rule by which each day was built.
  public func rulesOfDays() throws(WorkspaceError) -> [CivilDate: ContentHash] {
    try query { database in
      Dictionary(
        try database.rows("SELECT day, rule_hash FROM day JOIN run ON run.id = day.run_id") {
          (try $0.date("day"), try $0.hash("rule_hash"))
        }, uniquingKeysWith: { first, _ in first })
    }
  }

  /// The last day that is sealed: it and all days before it stay as they are.
  public func lastSealedDay() throws(WorkspaceError) -> CivilDate? {
    try query { database in
      try Int32.fetchOne(database, sql: "SELECT MAX(day) FROM day WHERE is_sealed = 1")
        .map { CivilDate(daysSinceEpoch: $0) }
    }
  }

  /// The first day with a segment of a log whose last record is not before a time.
  public func firstDay(ofLogsUntil time: Instant) throws(WorkspaceError) -> CivilDate? {
    try query { database in
      try Int32.fetchOne(
        database,
        sql: """
          SELECT MIN(segment.day) FROM segment JOIN log_file ON log_file.id = segment.file_id
          WHERE log_file.last_time >= ?
          """, arguments: [time.microseconds]
      ).map { CivilDate(daysSinceEpoch: $0) }
    }
  }

  /// The hash of all that a day is built from: SHA-256 over a text of lines that begins with
  /// `duizhang day inputs 1`, then the day, the rule's hash, the hash of what is carried in or `-`, and
  /// of each segment, in the order of ``segments(on:)``, the log's name with its length in bytes and a
  /// colon before it, its text's digest, and the segment's hash.
  public func inputsHash(
    of day: CivilDate, ruleHash: ContentHash, carryIn: ContentHash?
  ) throws(WorkspaceError) -> ContentHash {
    Self.inputsHash(
      of: day, segments: try segments(on: day).map(DayInput.init), ruleHash: ruleHash,
      carryIn: carryIn)
  }

  private static func inputsHash(
    of day: CivilDate, segments: [DayInput], ruleHash: ContentHash, carryIn: ContentHash?
  ) -> ContentHash {
    var hasher = ContentHasher()
    hasher.update("duizhang day inputs 1\n\(day)\n\(ruleHash.hexadecimal)\n")
    hasher.update("\(carryIn?.hexadecimal ?? "-")\n")
    for segment in segments {
      hasher.updateCounted(segment.name)
      hasher.update("\(segment.textDigest.hexadecimal)\n\(segment.sha256.hexadecimal)\n")
    }
    return hasher.finish()
  }

  /// The first day after another (from the first on: `nil`) whose result is not that of its inputs.
  ///
  /// Inside a commit, build or remove it and ask again with this day: what a rebuilt day carries over
  /// decides whether the next one is stale, so the chain ends where nothing changes.
  ///
  /// A day is built where a log has records on it, and where the day before carries something over and
  /// a later day has records. Sealed days are never stale.
  public func staleDay(
    after previous: CivilDate?, ruleHash: ContentHash
  ) throws(WorkspaceError) -> StaleDay? {
    // Sums in 64 bits, since what stands in a damaged ledger may be anything.
    let from = max(
      previous.map { Int64($0.daysSinceEpoch) + 1 } ?? Int64(Int32.min),
      try lastSealedDay().map { Int64($0.daysSinceEpoch) + 1 } ?? Int64(Int32.min))
    return try query { database in
      let lastWithRecords = try Int64.fetchOne(database, sql: "SELECT MAX(day) FROM segment")
      // Both only as far as the first stale day is.
      let inputs = try DayInputs(database, from: from)
      let built = try BuiltDays(database, from: from - 1)
      // The day before the next one, where it was built.
      var before = try built.take(from - 1)
      while true {
        let next = before.map { Int64($0.day.daysSinceEpoch) + 1 }
        // What is carried over waits for a later day with records.
        let carried = next.flatMap { next in
          before?.carryOut != nil && next < lastWithRecords ?? next ? next : nil
        }
        let first = [inputs.day, built.day, carried].compactMap { $0 }.min()
        guard let first else { return nil }
        guard let number = Int32(exactly: first) else {
          throw LedgerValueError(what: "the day of a segment")
        }
        let day = CivilDate(daysSinceEpoch: number)
        let carryIn = next == first ? before?.carryOut : nil
        let segments = try inputs.take(first)
        let present = try built.take(first)
        before = present
        if segments.isEmpty, carryIn == nil || carried != first {
          if present != nil { return StaleDay(day: day, work: .remove, carryIn: carryIn) }
          continue
        }
        let hash = Self.inputsHash(
          of: day, segments: segments, ruleHash: ruleHash, carryIn: carryIn?.sha256)
        if present?.inputsHash != hash {
          return StaleDay(day: day, work: .build(inputsHash: hash), carryIn: carryIn)
        }
      }
    }
  }

  /// The days whose results are not those of their inputs as these stand now. More may follow from
  /// what the rebuilt ones carry over.
  public func staleDays(ruleHash: ContentHash) throws(WorkspaceError) -> [StaleDay] {
    var days: [StaleDay] = []
    while let day = try staleDay(after: days.last?.day, ruleHash: ruleHash) { days.append(day) }
    return days
  }
}

/// A segment as far as it decides a day's result.
private struct DayInput {
  var name: String
  var textDigest: ContentHash
  var sha256: ContentHash

  init(_ segment: DaySegment) {
    name = segment.name
    textDigest = segment.textDigest
    sha256 = segment.segment.file.sha256
  }

  init(_ row: LedgerRow) throws {
    name = try row.required("name")
    textDigest = try row.hash("text_digest")
    sha256 = try row.hash("sha256")
  }
}

/// The segments of all days from one on, read day by day, in the order of ``LedgerSnapshot/segments(on:)``.
private final class DayInputs {
  private let rows: LedgerRows
  private var next: DayInput?
  /// The next day with segments.
  private(set) var day: Int64?

  init(_ database: Database, from first: Int64) throws {
    rows = try LedgerRows(
      database.cachedStatement(
        sql: """
          SELECT segment.day AS day, segment.sha256 AS sha256, log_file.text_digest AS text_digest,
            (SELECT MIN(path) FROM log_name WHERE log_name.file_id = segment.file_id) AS name
          FROM segment JOIN log_file ON log_file.id = segment.file_id
          WHERE segment.day >= ? ORDER BY segment.day, name, text_digest
          """), [first])
    try read()
  }

  private func read() throws {
    let row = try rows.next()
    next = try row.map(DayInput.init)
    day = try row?.required("day")
  }

  /// Those of a day, which is not behind the next one.
  func take(_ wanted: Int64) throws -> [DayInput] {
    var segments: [DayInput] = []
    while let segment = next, day == wanted {
      segments.append(segment)
      try read()
    }
    return segments
  }
}

/// The days that were built from one on, one after another.
private final class BuiltDays {
  private let rows: LedgerRows
  private var next: Day?

  init(_ database: Database, from first: Int64) throws {
    rows = try LedgerRows(
      database.cachedStatement(sql: "SELECT * FROM day WHERE day >= ? ORDER BY day"), [first])
    next = try rows.next().map(Day.init)
  }

  /// The next one that was built.
  var day: Int64? { next.map { Int64($0.day.daysSinceEpoch) } }

  /// A day, which is not behind the next one; `nil` where it was not built.
  func take(_ wanted: Int64) throws -> Day? {
    guard day == wanted else { return nil }
    let taken = next
    next = try rows.next().map(Day.init)
    return taken
  }
}

extension Day {
  init(_ row: LedgerRow) throws {
    let carryOut = try (row.optional("carry_path") as String?).map { _ in
      try row.file(path: "carry_path", sha256: "carry_out", bytes: "carry_bytes")
    }
    let rows = try (row.optional("rows_path") as String?).map { _ in
      try row.file(path: "rows_path", sha256: "rows_sha256", bytes: "rows_bytes")
    }
    let seen = try (row.optional("seen_path") as String?).map { _ in
      try row.file(path: "seen_path", sha256: "seen_sha256", bytes: "seen_bytes")
    }
    let dates = try row.dates()
    try self.init(
      day: row.date("day"), inputsHash: row.hash("inputs_hash"),
      carryIn: row.optionalHash("carry_in"), carryOut: carryOut,
      result: row.file(
        path: "result_path", sha256: "result_sha256", bytes: "result_bytes"),
      rows: rows, seen: seen, dates: dates, effectiveEnd: row.instant("effective_end"))
    isSealed = try row.required("is_sealed") as Int == 1
  }
}
