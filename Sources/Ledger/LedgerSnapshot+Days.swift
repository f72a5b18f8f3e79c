public import CivilTime
internal import Foundation
internal import GRDB

extension LedgerSnapshot {
  /// The segments of a day, in the order of their logs' names, which is by bytes; of logs with equal
  /// names in that of their digests.
  public func segments(on day: CivilDate) throws(WorkspaceError) -> [DaySegment] {
    try query { database in
      let rows = try Row.fetchAll(
        database.cachedStatement(
          sql: """
            SELECT segment.*, log_file.text_digest AS text_digest,
              (SELECT MIN(path) FROM log_name WHERE log_name.file_id = segment.file_id) AS name
            FROM segment JOIN log_file ON log_file.id = segment.file_id
            WHERE segment.day = ? ORDER BY name, text_digest
            """), arguments: [day.daysSinceEpoch])
      return try rows.map { row in
        try DaySegment(
          segment: Segment(row), log: LogFileID(number: row.required("file_id")),
          name: row.required("name"), textDigest: row.hash("text_digest"))
      }
    }
  }

  /// A day as it was last built; `nil` where it was not.
  public func day(_ day: CivilDate) throws(WorkspaceError) -> Day? {
    try query { database in
      try Row.fetchOne(
        database.cachedStatement(sql: "SELECT * FROM day WHERE day = ?"),
        arguments: [day.daysSinceEpoch]
      ).map(Day.init)
    }
  }

  /// All days that were built, the first one first.
  public func days() throws(WorkspaceError) -> [Day] {
    try query { database in
      try Row.fetchAll(database, sql: "SELECT * FROM day ORDER BY day").map(Day.init)
    }
  }

  /// The hash of the rule by which each day was built.
  public func rulesOfDays() throws(WorkspaceError) -> [CivilDate: ContentHash] {
    try query { database in
      let rows = try Row.fetchAll(
        database, sql: "SELECT day, rule_hash FROM day JOIN run ON run.id = day.run_id")
      return Dictionary(
        try rows.map { (try $0.date("day"), try $0.hash("rule_hash")) },
        uniquingKeysWith: { first, _ in first })
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
      of: day, segments: try segments(on: day), ruleHash: ruleHash, carryIn: carryIn)
  }

  private static func inputsHash(
    of day: CivilDate, segments: [DaySegment], ruleHash: ContentHash, carryIn: ContentHash?
  ) -> ContentHash {
    var hasher = ContentHasher()
    hasher.update("duizhang day inputs 1\n\(day)\n\(ruleHash.hexadecimal)\n")
    hasher.update("\(carryIn?.hexadecimal ?? "-")\n")
    for segment in segments {
      hasher.updateCounted(segment.name)
      hasher.update("\(segment.textDigest.hexadecimal)\n")
      hasher.update("\(segment.segment.file.sha256.hexadecimal)\n")
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
    let candidates = try query { database in
      try Int32.fetchAll(
        database,
        sql: """
          SELECT day FROM segment WHERE day >= ?1
          UNION SELECT day FROM day WHERE day >= ?1
          UNION SELECT day + 1 FROM day WHERE day + 1 >= ?1 AND carry_out IS NOT NULL
            AND day + 1 < (SELECT MAX(day) FROM segment)
          ORDER BY 1
          """, arguments: [from])
    }
    let lastWithRecords = try query { database in
      try Int32.fetchOne(database, sql: "SELECT MAX(day) FROM segment")
    }
    for candidate in candidates {
      let day = CivilDate(daysSinceEpoch: candidate)
      let carryIn = try candidate == .min ? nil : self.day(day + -1)?.carryOut
      let segments = try segments(on: day)
      let built = try self.day(day)
      let isWithin = lastWithRecords.map { candidate < $0 } ?? false
      if segments.isEmpty, carryIn == nil || !isWithin {
        if built != nil { return StaleDay(day: day, work: .remove, carryIn: carryIn) }
        continue
      }
      let hash = Self.inputsHash(
        of: day, segments: segments, ruleHash: ruleHash, carryIn: carryIn?.sha256)
      if built?.inputsHash != hash {
        return StaleDay(day: day, work: .build(inputsHash: hash), carryIn: carryIn)
      }
    }
    return nil
  }

  /// The days whose results are not those of their inputs as these stand now. More may follow from
  /// what the rebuilt ones carry over.
  public func staleDays(ruleHash: ContentHash) throws(WorkspaceError) -> [StaleDay] {
    var days: [StaleDay] = []
    while let day = try staleDay(after: days.last?.day, ruleHash: ruleHash) { days.append(day) }
    return days
  }
}

extension Day {
  init(_ row: Row) throws {
    let carryOut = try (row.optional("carry_path") as String?).map { _ in
      try row.file(path: "carry_path", sha256: "carry_out", bytes: "carry_bytes")
    }
    let rows = try (row.optional("rows_path") as String?).map { _ in
      try row.file(path: "rows_path", sha256: "rows_sha256", bytes: "rows_bytes")
    }
    let dates = try row.dates()
    try self.init(
      day: row.date("day"), inputsHash: row.hash("inputs_hash"),
      carryIn: row.optionalHash("carry_in"), carryOut: carryOut,
      result: row.file(
        path: "result_path", sha256: "result_sha256", bytes: "result_bytes"),
      rows: rows, dates: dates, effectiveEnd: row.instant("effective_end"))
    isSealed = try row.required("is_sealed") as Int == 1
  }
}
