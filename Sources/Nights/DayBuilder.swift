internal import CivilTime
internal import Contracts
internal import Counting
internal import Decoding
internal import Foundation
internal import Ledger
internal import Metering
internal import Parsing
internal import Segments
internal import Shuffling

/// Counts days from their segments and what is carried over to them, and writes down what they come to.
struct DayBuilder {
  private let workspace: Workspace
  private let terms: Terms
  private let options: MeteringOptions
  /// The time of the last record of all logs.
  private let inputEnd: Instant
  private let storage: any Storage

  init(
    _ workspace: Workspace, terms: Terms, options: MeteringOptions, inputEnd: Instant,
    storage: any Storage = SystemStorage()
  ) {
    self.workspace = workspace
    self.terms = terms
    self.options = options
    self.inputEnd = inputEnd
    self.storage = storage
  }

  /// The moment at which a day ends, in microseconds since 1970.
  static func end(of day: CivilDate) -> Int64 {
    let (start, overflow) = (Int64(day.daysSinceEpoch) + 1)
      .multipliedReportingOverflow(by: 86_400_000_000)
    return overflow ? .max : start
  }

  /// Until when a day speaks of what happened.
  func effectiveEnd(of day: CivilDate) -> Instant {
    min(inputEnd, Instant(microseconds: Self.end(of: day)))
  }

  /// Counts a day.
  ///
  /// - Parameters:
  ///   - segments: its own.
  ///   - carryIn: what the day before carries over to it.
  ///   - names: of a log's text digest, its name.
  func build(
    _ day: CivilDate, inputsHash: ContentHash, segments: [DaySegment], carryIn: StoredFile?,
    names: (String) throws -> String
  ) throws -> Day {
    var logs = segments.map {
      LogNumbers.Log(name: $0.name, digest: $0.textDigest.hexadecimal)
    }
    let before = day + -1
    if let carryIn {
      for digest in try CarriedPiece.digests(path: workspace.path(of: carryIn), day: before) {
        logs.append(LogNumbers.Log(name: try names(digest), digest: digest))
      }
    }
    let numbers = LogNumbers(logs)
    var pieces: [any RecordPiece] = segments.map {
      SegmentPiece(
        path: workspace.path(of: $0.segment.file), day: day,
        log: numbers.number(ofDigest: $0.textDigest.hexadecimal) ?? 0)
    }
    if let carryIn {
      pieces.append(
        CarriedPiece(path: workspace.path(of: carryIn), day: before, logs: numbers))
    }
    let outcome = try DayCount(pieces, terms: terms, options: options)
      .run(end: Self.end(of: day), inputEnd: inputEnd.microseconds)
    let folder = "days/\(day)"
    if try storage.createFolder("\(workspace.path)/\(folder)") {
      try storage.syncFolder("\(workspace.path)/days")
    }
    let name = "\(folder)/\(inputsHash.hexadecimal)-\(effectiveEnd(of: day).microseconds)"
    let carryOut = try write(outcome.carried, of: day, to: "\(name).carry", numbers)
    let (rows, dates) = try write(outcome, of: day, to: "\(name).units", numbers)
    let result = try DayResult(outcome, terms, numbers).bytes()
    return Day(
      day: day, inputsHash: inputsHash, carryIn: carryIn?.sha256, carryOut: carryOut,
      result: try store(result, of: day), rows: rows, dates: dates,
      effectiveEnd: effectiveEnd(of: day))
  }

  private func store(_ result: [UInt8], of day: CivilDate) throws(WorkspaceError) -> StoredFile {
    var file = try workspace.newFile()
    try file.write(result.span)
    return try file.finish(as: .day(day, name: "json"))
  }

  private func write(
    _ carried: CarriedRecords, of day: CivilDate, to path: String, _ numbers: LogNumbers
  ) throws -> StoredFile? {
    var writer: CarryWriter?
    var failure: (any Error)?
    // Not a sequence: each record is made when it comes.
    // swift-format-ignore: ReplaceForEachWithForLoop
    try carried.forEach { record in
      do {
        if writer == nil {
          writer = try CarryWriter(
            path: "\(workspace.path)/\(path)", day: day.daysSinceEpoch, storage: storage)
        }
        let source = Source.parts(of: record.source)
        try writer?.append(
          CarryFile.Record(
            time: record.time, flags: record.flags.rawValue, items: record.items,
            log: numbers.logs[source.file].digest, block: source.block, line: source.line,
            words: [
              record.licensee, record.module, record.scenario, record.app, record.event,
            ],
            texts: [record.user, record.conversation, record.requestID]))
      } catch {
        failure = error
      }
      return failure == nil
    }
    if let failure { throw failure }
    return try writer.map { StoredFile(try $0.finish(), path: path) }
  }

  private func write(
    _ outcome: DayOutcome, of day: CivilDate, to path: String, _ numbers: LogNumbers
  ) throws -> (StoredFile?, ClosedRange<CivilDate>?) {
    var writer: UnitWriter?
    var failure: (any Error)?
    var first = Int32.max
    var last = Int32.min
    func append(_ row: UsageRow, _ chunk: Chunk, isProvisional: Bool) throws {
      if writer == nil {
        writer = try UnitWriter(
          path: "\(workspace.path)/\(path)", day: day.daysSinceEpoch, storage: storage)
      }
      let attribution = outcome.attributions.all[row.attribution]
      let source = Source.parts(of: row.source)
      var user: [UInt8] = []
      row.user(in: chunk).append(to: &user)
      var conversation: [UInt8] = []
      row.conversation(in: chunk).append(to: &conversation)
      let date = row.date.daysSinceEpoch
      first = min(first, date)
      last = max(last, date)
      try writer?.append(
        numbers: [
          row.startedAt, row.endedAt, Int64(date), Int64(row.quantity), Int64(row.messages),
          Int64(row.failedMessages), Int64(row.ending?.rawValue ?? .max),
          Int64(row.notBillable.rawValue), attribution.meter == .item ? 1 : 0,
          Int64(attribution.role.rawValue), Int64(attribution.rule), isProvisional ? 1 : 0,
          Int64(source.block), Int64(source.line),
        ],
        words: [
          numbers.logs[source.file].digest, terms.contracts[attribution.contract].number,
          attribution.licensee, attribution.module, attribution.scenario, attribution.app,
          attribution.event,
        ],
        texts: [user, conversation])
    }
    for (rows, isProvisional) in [(outcome.rows, false), (outcome.provisionalRows, true)] {
      // Not a sequence: a row is valid for its call only.
      // swift-format-ignore: ReplaceForEachWithForLoop
      try rows.forEach { row, chunk in
        do { try append(row, chunk, isProvisional: isProvisional) } catch { failure = error }
        return failure == nil
      }
    }
    if let failure { throw failure }
    return (
      try writer.map { StoredFile(try $0.finish(), path: path) },
      first <= last
        ? CivilDate(daysSinceEpoch: first)...CivilDate(daysSinceEpoch: last) : nil
    )
  }
}

extension StoredFile {
  init(_ summary: ChunkFileSummary, path: String) {
    self.init(path: path, sha256: ContentHash(bytes: summary.digest), bytes: summary.bytes)
  }
}

// MARK: - Results

extension DayResult {
  init(_ outcome: DayOutcome, _ terms: Terms, _ numbers: LogNumbers) {
    func stored(_ source: UInt64) -> StoredSource {
      let parts = Source.parts(of: source)
      return StoredSource(log: parts.file, block: parts.block, line: parts.line)
    }
    func count(_ use: UseCount) -> Count {
      let parts = use.parts
      return Count(
        records: parts.records, first: parts.first, last: parts.last,
        evidence: parts.evidence.map {
          Count.Evidence(time: $0.time, source: stored($0.source))
        })
    }
    let map = outcome.map
    logs = numbers.logs.map(\.digest)
    ignored = map.balance.ignored
    outside = map.outside.sorted { $0.key < $1.key }
      .map { Outside(licensee: $0.key, count: count($0.value)) }
    unplaced = map.unplaced
      .sorted { ($0.key.contract, $0.key.licensee) < ($1.key.contract, $1.key.licensee) }
      .map {
        Unplaced(
          contract: $0.key.contract, licensee: $0.key.licensee, total: $0.value.total,
          sources: $0.value.numbers.map(stored))
      }
    uses = map.uses.sorted { $0.key.parts.lexicographicallyPrecedes($1.key.parts) }
      .map { key, use in
        Use(
          contract: key.contract, licensee: key.licensee, module: key.module,
          scenario: key.scenario, app: key.app, term: key.term.rawValue, count: count(use))
      }
    places = map.places.sorted { $0.key.parts.lexicographicallyPrecedes($1.key.parts) }
      .map { key, use in
        Place(
          contract: key.contract, licensee: key.licensee, module: key.module, app: key.app,
          kind: key.kind.rawValue, place: key.place, count: count(use))
      }
    func counted(_ summary: ReduceSummary) -> Counted {
      let balance = summary.balance
      return Counted(
        messages: balance.messages, items: balance.items, ignored: balance.ignored,
        failed: balance.failed, duplicates: balance.duplicates, conflicts: balance.conflicts,
        conflictSources: summary.conflicts.numbers.map(stored),
        totals: summary.totals.dailyTotals(outcome.attributions, terms).map(Total.init)
          .sorted { $0.parts.lexicographicallyPrecedes($1.parts) },
        units: summary.units
          .sorted { left, right in
            left.key.day == right.key.day
              ? left.key.use.parts.lexicographicallyPrecedes(right.key.use.parts)
              : left.key.day < right.key.day
          }
          .map { key, quantity in
            Units(
              date: key.day, contract: key.use.contract, licensee: key.use.licensee,
              module: key.use.module, scenario: key.use.scenario, app: key.use.app,
              term: key.use.term.rawValue, quantity: quantity)
          })
    }
    self.counted = counted(outcome.counted)
    provisional = counted(outcome.provisional)
  }
}

extension DayResult.Total {
  init(_ total: DailyTotal) {
    contract = total.contract
    licensee = total.licensee
    date = total.date.daysSinceEpoch
    module = total.module
    scenario = total.scenario
    meter = total.meter.rawValue
    quantity = total.quantity
    messages = total.messages
    failedMessages = total.failedMessages
    duplicates = total.duplicates
  }

  fileprivate var parts: [String] {
    [String(10_000_000 + Int(date)), contract, licensee, module, scenario, meter]
  }
}

extension UseKey {
  fileprivate var parts: [String] { [contract, licensee, module, scenario, app, "\(term)"] }
}

extension UnlistedPlaceKey {
  fileprivate var parts: [String] { [contract, licensee, module, app, "\(kind)", place] }
}
