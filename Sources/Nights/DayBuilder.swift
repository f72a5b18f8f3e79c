internal import CivilTime
internal import Contracts
internal import Counting
internal import Decoding
internal import Detection
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
    var carriedIn = 0
    if let carryIn {
      let carried = try CarriedPiece.contents(path: workspace.path(of: carryIn), day: before)
      carriedIn = carried.uncounted
      for digest in carried.logs {
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
    var terms = terms
    // No zone is a day away from UTC.
    terms.toldApart = day...(day + 1)
    var counted = try DayCount(pieces, terms: terms, options: options)
      .run(end: Self.end(of: day), inputEnd: inputEnd.microseconds)
    counted.detection?.add(
      counted.map.traffic, counted.attributions, terms, logs: numbers.logs.map(\.name))
    let outcome = counted
    let folder = "days/\(day)"
    try makeFolder("\(workspace.path)/\(folder)", in: "\(workspace.path)/days")
    let name = "\(folder)/\(inputsHash.hexadecimal)-\(effectiveEnd(of: day).microseconds)"
    // At the same time, since each waits for the disk and for its own order.
    let written = Written()
    Workers.run(2) { [self] index in
      if index == 0 {
        written.carry = Result { try write(outcome.carried, of: day, to: "\(name).carry", numbers) }
      } else {
        written.rows = Result { try write(outcome, of: day, to: "\(name).units") }
      }
    }
    let (carryOut, carriedOut) = try written.carry.get()
    let rows = try written.rows.get()
    let result = DayResult(
      outcome, terms, numbers, records: segments.reduce(0) { $0 + $1.segment.records },
      carried: (carriedIn, carriedOut))
    return Day(
      day: day, inputsHash: inputsHash, carryIn: carryIn?.sha256, carryOut: carryOut,
      result: try store(result.bytes(), of: day, as: "json"), rows: rows,
      seen: try outcome.detection.map {
        try store(
          SeenCalls.bytes($0, isPart: lacksTraces(segments, of: day)), of: day,
          as: SeenCalls.fileExtension)
      }, dates: result.dates, effectiveEnd: effectiveEnd(of: day))
  }

  /// Whether what is looked at of calls beside counting was not kept of some.
  private func lacksTraces(
    _ segments: [DaySegment], of day: CivilDate
  ) throws(SegmentError) -> Bool {
    for segment in segments {
      let reader = try SegmentReader(
        path: workspace.path(of: segment.segment.file), day: day, findsPlaces: false,
        findsTraces: false)
      if !reader.hasTraces { return true }
    }
    return false
  }

  /// What two threads write, each its own.
  private final class Written: @unchecked Sendable {
    var carry: Result<(StoredFile?, uncounted: Int), any Error> = .success((nil, 0))
    var rows: Result<StoredFile?, any Error> = .success(nil)
  }

  private func makeFolder(_ path: String, in parent: String) throws(SegmentError) {
    do throws(StorageError) {
      guard try storage.createFolder(path) else { return }
    } catch {
      throw SegmentError(path: path, offset: 0, .failed(.createFolder, error))
    }
    do throws(StorageError) {
      try storage.syncFolder(parent)
    } catch {
      throw SegmentError(path: parent, offset: 0, .failed(.sync, error))
    }
  }

  private func store(
    _ bytes: [UInt8], of day: CivilDate, as name: String
  ) throws(WorkspaceError) -> StoredFile {
    var file = try workspace.newFile()
    try file.write(bytes.span)
    return try file.finish(as: .day(day, name: name))
  }

  /// - Returns: the file, and how many of the records are yet to be counted.
  private func write(
    _ carried: CarriedRecords, of day: CivilDate, to path: String, _ numbers: LogNumbers
  ) throws -> (StoredFile?, uncounted: Int) {
    var writer: CarryWriter?
    var failure: (any Error)?
    var uncounted = 0
    // Not a sequence: each record is made when it comes.
    // swift-format-ignore: ReplaceForEachWithForLoop
    try carried.forEach { record in
      do {
        if writer == nil {
          writer = try CarryWriter(
            path: "\(workspace.path)/\(path)", day: day.daysSinceEpoch, storage: storage)
        }
        if !record.flags.contains(.reference) { uncounted += 1 }
        let source = Source.parts(of: record.source)
        try writer?.append(
          CarryFile.Record(
            time: record.time, flags: record.flags.rawValue, items: record.items,
            log: numbers.logs[source.file].digest, block: source.block, line: source.line,
            licensee: record.licensee, module: record.module, scenario: record.scenario,
            app: record.app, event: record.event, user: record.user,
            conversation: record.conversation, requestID: record.requestID))
      } catch {
        failure = error
      }
      return failure == nil
    }
    if let failure { throw failure }
    return (try writer.map { StoredFile(try $0.finish(), path: path) }, uncounted)
  }

  /// Writes the units, first those that are final.
  private func write(
    _ outcome: DayOutcome, of day: CivilDate, to path: String
  ) throws -> StoredFile? {
    let sink = UnitSink(
      path: "\(workspace.path)/\(path)", day: day.daysSinceEpoch, storage: storage)
    for (rows, isProvisional) in [(outcome.rows, false), (outcome.provisionalRows, true)] {
      let firstChunk = sink.chunkCount
      try rows.render(stretchRows: UnitFile.chunkRows) { [attributions = outcome.attributions] in
        UnitRenderer(
          attributions: attributions, isProvisional: isProvisional, firstChunk: firstChunk)
      } put: {
        sink.put($0.chunk)
      }
    }
    return try sink.finish().map { StoredFile($0, path: path) }
  }
}

/// Makes chunks of a day's units.
private struct UnitRenderer: RowRenderer {
  let attributions: Attributions
  let isProvisional: Bool
  let firstChunk: Int
  private let encoder = UnitChunkEncoder()
  private var user: [UInt8] = []
  private var conversation: [UInt8] = []
  /// The piece that was finished last; `nil` of no units.
  private(set) var chunk: [UInt8]?

  init(attributions: Attributions, isProvisional: Bool, firstChunk: Int) {
    self.attributions = attributions
    self.isProvisional = isProvisional
    self.firstChunk = firstChunk
  }

  mutating func append(_ row: UsageRow, textsIn chunk: Chunk) {
    user.removeAll(keepingCapacity: true)
    row.user(in: chunk).append(to: &user)
    conversation.removeAll(keepingCapacity: true)
    row.conversation(in: chunk).append(to: &conversation)
    let source = Source.parts(of: row.source)
    encoder.append(
      [
        row.startedAt, row.endedAt, Int64(row.date.daysSinceEpoch), Int64(row.quantity),
        Int64(row.messages), Int64(row.failedMessages), Int64(row.ending?.rawValue ?? .max),
        Int64(row.notBillable.rawValue), isProvisional ? 1 : 0, Int64(source.file),
        Int64(source.block), Int64(source.line), Int64(attributions.rank(of: row.attribution)),
      ], user: user, conversation: conversation)
  }

  mutating func finish(piece: Int) { chunk = encoder.finish(number: firstChunk + piece) }
}

/// The file that chunks of units come to, one at a time; made with the first.
private final class UnitSink: @unchecked Sendable {
  private let path: String
  private let day: Int32
  private let storage: any Storage
  private var writer: ChunkFileWriter?
  private var failure: SegmentError?
  private(set) var chunkCount = 0

  init(path: String, day: Int32, storage: any Storage) {
    self.path = path
    self.day = day
    self.storage = storage
  }

  /// - Returns: whether to go on.
  func put(_ chunk: [UInt8]?) -> Bool {
    guard let chunk else { return true }
    do throws(SegmentError) {
      if writer == nil {
        writer = try ChunkFileWriter.units(path: path, day: day, storage: storage)
      }
      try writer?.append(chunk)
      chunkCount += 1
    } catch {
      failure = error
    }
    return failure == nil
  }

  func finish() throws(SegmentError) -> ChunkFileSummary? {
    if let failure { throw failure }
    return try writer?.finish()
  }
}

extension StoredFile {
  init(_ summary: ChunkFileSummary, path: String) {
    self.init(path: path, sha256: ContentHash(bytes: summary.digest), bytes: summary.bytes)
  }
}
