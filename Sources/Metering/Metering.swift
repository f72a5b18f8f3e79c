public import CivilTime
internal import Contracts
public import Counting
public import Decoding
public import Detection
public import Formats
package import Parsing
internal import Shuffling

/// What a metering run is to do.
public struct MeteringOptions: Sendable {
  public var threads: Int
  /// Bytes of memory that the process shall not exceed.
  public var memoryBytes: Int
  /// Where records go that do not fit.
  public var temporaryFolder: String
  /// Whether the units are kept one by one for the usage detail.
  public var wantsRows = false
  /// What of other definitions of a conversation is counted too.
  public var rivals: RivalCounting?
  /// Records that are passed over, to see what is counted without them; then lines do not balance.
  public var leftOut: LeftOut?
  /// Whether it is noted when anything was called.
  public var wantsCallTimes = false
  /// Whether quarantined lines are kept as they are.
  public var wantsQuarantine = false
  /// Whether calls are looked at for misuse.
  public var detects = false
  /// Whether origins and addresses are held against the contracts' lists.
  public var findsPlaces = false
  /// Whether the first quarantined line or damaged file ends the run.
  public var isStrict = false
  /// The longest line that is parsed.
  public var lineBytesMax = LogStream.lineBytesMaxDefault
  /// What the logs may be, each told by its content; `nil`: any built-in format.
  public var formats: [LogFormat]?
  /// The encoding of all logs; `nil`: as each one's byte order mark says, else UTF-8.
  public var encoding: TextEncoding?
  /// Bytes of records that are held in memory before they are put aside; `nil`: what
  /// `memoryBytes` allows. For tests of what happens beyond it.
  public var recordBytesMax: Int?
  /// Beside ``recordBytesMax``, what records may take while logs are read. For the same tests.
  public var recordBytesLent = 0

  public init(threads: Int, memoryBytes: Int, temporaryFolder: String) {
    self.threads = max(threads, 1)
    self.memoryBytes = memoryBytes
    self.temporaryFolder = temporaryFolder
  }

  /// The process itself and each of its threads: code, buffers of decoders and parsers.
  private static let processBytes = 56 << 20
  private static let threadBytes = 6 << 20
  /// What each thread keeps of what it sees of calls.
  private static let detectionBytes = 32 << 20
  private static let recordBytesMin = 8 << 20

  package var reading: LogReading.Options {
    var reading = LogReading.Options(
      threads: threads, formats: formats, encoding: encoding, lineBytesMax: lineBytesMax)
    reading.stopsAtDamage = isStrict
    return reading
  }

  /// What of the memory records may take.
  package var poolBytes: Int {
    recordBytesMax ?? max(bytesBesideProcess - bytesSeen, Self.recordBytesMin)
  }

  /// Where records lie. While they are read nothing is made of what is seen of them: until then records may take that
  /// memory too.
  func chunkPool() -> ChunkPool {
    let lent =
      recordBytesMax == nil ? max(0, bytesBesideProcess - poolBytes) : recordBytesLent
    return ChunkPool(bytesMax: poolBytes, lending: lent)
  }

  private var bytesBesideProcess: Int {
    // A block that holds a long line, and what was read behind it; a quarantined one is copied, and
    // compressed.
    let copies = wantsQuarantine ? 5 : 3
    let longLineBytes = copies * max(lineBytesMax - LogStream.lineBytesMaxDefault, 0)
    return memoryBytes - Self.processBytes - threads * (Self.threadBytes + longLineBytes)
  }

  private var bytesSeen: Int { detects ? threads * Self.detectionBytes : 0 }
}

/// What was counted, and what was found on the way.
public struct MeteringResult: Sendable {
  public var balance: Balance
  public var bytes: ByteBalance
  /// In no order.
  public var totals: [DailyTotal]
  /// What other definitions come to, where that was asked for; in no order.
  public var rivals: [DailyRivals] = []
  public var quarters: [QuarterTotals] = []
  /// When anything was called, where that was asked for.
  public var callTimes: CallTimes?
  /// What was seen of calls, where that was asked for.
  public var detection: DetectionSummary?
  /// Of a workspace, the days in UTC of which ``detection`` has nothing: they were counted before calls were looked
  /// at for misuse, or by another version, and their records are not kept any more.
  public var unseenDays: [CivilDate] = []
  /// Of a workspace, the days in UTC of which ``detection`` lacks what segments of before did not keep.
  public var daysSeenInPart: [CivilDate] = []
  /// From when to when logs have records, where that was asked for with ``RivalCounting/timeoutsAndQuarters``; in the
  /// order of logs.
  public var logs: [LogSpan] = []
  public var uses: [UseKey: Tally]
  public var places: [UnlistedPlaceKey: Tally]
  public var outside: [String: Tally]
  public var unplaced: [UsageOwner: FirstSources]
  /// The first quarantined lines, in order; `balance` counts all.
  public var quarantined: [Quarantined]
  public var conflicts: FirstSources
  /// The time of the last record.
  public var inputEnd: Instant?
  public var sources: SourceTable
  public var files: [InputFile]
  /// The bytes of each file.
  public var fileBytes: [FileBytes]
  /// What each file is, by its first lines; `nil` where it has none.
  public var formats: [FoundFormat?]
  /// What could not be read of files, in order; a file may have several.
  public var damages: [(file: InputFile, damage: Damage)]
  /// Bytes put aside on disk for lack of memory.
  public var spilledBytes: Int
  /// The usage detail, where it was wanted.
  public var rows: UsageRows?
  /// The quarantined lines as they are, where they were wanted.
  public var quarantine: QuarantinedLines?

  package init(
    balance: Balance, bytes: ByteBalance, totals: [DailyTotal], uses: [UseKey: Tally],
    places: [UnlistedPlaceKey: Tally], outside: [String: Tally],
    unplaced: [UsageOwner: FirstSources], quarantined: [Quarantined], conflicts: FirstSources,
    inputEnd: Instant?, sources: SourceTable, files: [InputFile], fileBytes: [FileBytes],
    formats: [FoundFormat?], damages: [(file: InputFile, damage: Damage)], spilledBytes: Int,
    rows: UsageRows?, quarantine: QuarantinedLines?
  ) {
    self.balance = balance
    self.bytes = bytes
    self.totals = totals
    self.uses = uses
    self.places = places
    self.outside = outside
    self.unplaced = unplaced
    self.quarantined = quarantined
    self.conflicts = conflicts
    self.inputEnd = inputEnd
    self.sources = sources
    self.files = files
    self.fileBytes = fileBytes
    self.formats = formats
    self.damages = damages
    self.spilledBytes = spilledBytes
    self.rows = rows
    self.quarantine = quarantine
  }
}

/// The format that a log was read by.
public struct FoundFormat: Sendable, Hashable {
  /// `nil` where no format reads its first lines.
  public var name: String?
  /// Whether the format takes all its first records for none that count.
  public var ignoresAll: Bool

  public init(name: String?, ignoresAll: Bool) {
    self.name = name
    self.ignoresAll = ignoresAll
  }

  /// - Returns: `nil` for a log without lines.
  package init?(_ recognition: Recognition) {
    let trial = recognition.trial
    guard trial.lines > 0 else { return nil }
    name = recognition.isUnknown ? nil : recognition.plan.format.name
    ignoresAll = trial.records > 0 && trial.ignored == trial.records
  }
}

/// Why nothing could be counted.
public enum MeteringError: Error, Sendable, CustomStringConvertible {
  /// Logs that could not be opened.
  case input([InputError])
  /// Records that did not fit into memory could not be put aside, or not be read back.
  case spill(String)
  /// With ``MeteringOptions/isStrict``: what ended the run, one thing each.
  case strict([String])

  public var description: String {
    switch self {
    case .input(let errors): errors.map(\.description).joined(separator: "\n")
    case .spill(let text): text
    case .strict(let texts): texts.joined(separator: "\n")
    }
  }
}

/// Counts logs: maps their records to messages, shuffles them, and reduces bucket by bucket.
public final class Metering: @unchecked Sendable {
  private let files: [InputFile]
  private let terms: Terms
  private let options: MeteringOptions
  private let pool: ChunkPool
  private let lock = Lock()
  /// The present reading, for those who ask how far it has come.
  private var reading: LogReading
  /// Where what the present reading gives goes to: an earlier one's is forgotten.
  private var spill: SpillFile
  private var quarantine: QuarantineStore?
  /// From when to when the present reading has found records, by file.
  private var spans: [Int: LogSpan] = [:]
  /// The latest time that a record can have.
  private let latestTime: Instant
  /// What a strict run has refused.
  private var refusals: [String] = []

  /// How far a gateway's clock may be ahead of the one that dated its log.
  private static let aheadMax = Interval(seconds: 86_400)

  public init(files: [InputFile], terms: Terms, options: MeteringOptions) {
    precondition(files.count <= Source.filesMax, "more than a million files")
    var kept = files
    if case .log(let index) = options.leftOut { kept.remove(at: index) }
    self.files = kept
    self.terms = terms
    self.options = options
    pool = options.chunkPool()
    reading = LogReading(kept, options.reading)
    spill = SpillFile(directory: options.temporaryFolder)
    // Of all files together, so that a record counts alike in whichever of them it stands, and without one.
    let newest = files.map(\.modifiedAt).max() ?? Instant(microseconds: 0)
    let newestMax = Int64.max - Self.aheadMax.microseconds
    latestTime = Instant(microseconds: min(newest.microseconds, newestMax)) + Self.aheadMax
  }

  /// How far the reading has come: bytes as stored. It may begin anew, where what was read is not to be
  /// trusted.
  public var storedBytesTaken: Int {
    lock.withLock { reading }.reader.storedBytesTaken
  }

  /// Counts everything; to be called once.
  public func run() throws(MeteringError) -> MeteringResult {
    let result: MeteringResult?
    do throws(SpillError) {
      result = try count()
    } catch {
      throw .spill(error.description)
    }
    let failures = reading.reader.outcome.failures
    guard failures.isEmpty else { throw .input(failures) }
    guard let result else { throw .strict(refusals) }
    return result
  }

  /// - Returns: `nil` where something was found that a strict run refuses.
  private func count() throws(SpillError) -> MeteringResult? {
    let (map, shuffle, sightings, table) = try mapAll(Reduction.plan(terms))
    let reduction = Reduction(
      terms: terms, threads: options.threads, pool: pool, spill: spill,
      wantsRows: options.wantsRows, rivals: options.rivals)
    let outcome = reading.reader.outcome
    if options.isStrict {
      refusals = Refusals(map.quarantined, outcome, sources(outcome), files).texts
      if !refusals.isEmpty { return nil }
    }
    let attributions = table.sealed(terms)
    var detection: DetectionSummary?
    let inputEnd = map.inputEnd?.microseconds ?? 0
    let reduced: Reduction.Outcome
    if let sightings {
      var summary: DetectionSummary
      (reduced, summary) = try sightings.watch(
        terms, attributions, beside: shuffle, threads: options.threads
      ) { observers throws(SpillError) in
        try reduction.run(
          shuffle, attributions, inputEnd: inputEnd, observers: observers,
          apart: sightings.shuffle)
      }
      summary.add(map.traffic, attributions, terms, logs: sources(outcome).names)
      if let dates = terms.dates { summary.limit(to: dates, terms) }
      detection = summary
    } else {
      reduced = try reduction.run(shuffle, attributions, inputEnd: inputEnd)
    }
    if !options.wantsRows { pool.vacate(threads: options.threads) }
    var result = result(map, reduced, attributions, outcome)
    result.detection = detection
    return result
  }

  private func result(
    _ map: MapSummary, _ reduction: Reduction.Outcome, _ attributions: Attributions,
    _ outcome: LogReader.Outcome
  ) -> MeteringResult {
    let sources = sources(outcome)
    let reduced = reduction.summary
    var balance = map.balance
    balance.merge(reduced.balance)
    var bytes = map.bytes
    for file in outcome.bytes {
      bytes.text += file.text
      bytes.addedLineEnds += file.addedLineEnds
    }
    var uses = Self.tallies(map.uses, sources)
    for (use, quantity) in reduced.units {
      uses[use.key, default: Tally()].quantity += quantity
    }
    var result = MeteringResult(
      balance: balance, bytes: bytes,
      totals: reduced.totals.dailyTotals(attributions, terms), uses: uses,
      places: Self.tallies(map.places, sources), outside: Self.tallies(map.outside, sources),
      unplaced: Dictionary(map.unplaced.map { ($0.key.key, $0.value) }) { $0.merged(with: $1) },
      quarantined: map.quarantined, conflicts: reduced.conflicts, inputEnd: map.inputEnd,
      sources: sources, files: files, fileBytes: outcome.bytes,
      formats: reading.formats.recognitions.map { $0.flatMap { FoundFormat($0) } },
      damages: outcome.damages.sorted { $0.key < $1.key }.flatMap { file, damages in
        damages.map { (files[file], $0) }
      },
      spilledBytes: spill.bytesWritten,
      rows: options.wantsRows
        ? UsageRows(
          CountedRows(reduction.rows), attributions: attributions, terms: terms, sources: sources)
        : nil,
      quarantine: quarantine.map {
        QuarantinedLines(
          $0, sources, reading.formats.recognitions,
          isConverted: options.encoding.map { $0 != .utf8 })
      })
    result.callTimes = map.callTimes
    result.rivals = reduced.rivals.dailyRivals(attributions, terms)
    result.quarters = reduced.rivals.quarterTotals(attributions)
    result.logs = spans.values.sorted { $0.log < $1.log }
    return result
  }

  /// Of all days together.
  private static func tallies<Key>(
    _ counts: [Dated<Key>: UseCount], _ sources: SourceTable
  ) -> [Key: Tally] {
    Dictionary(counts.map { ($0.key.key, $0.value) }) { $0.merged(with: $1) }
      .mapValues { $0.tally(sources) }
  }

  private func sources(_ outcome: LogReader.Outcome) -> SourceTable {
    SourceTable(
      names: files.map { $0.path == "-" ? "stdin" : $0.path }, blockLines: outcome.blockLines)
  }

  // MARK: - Map

  /// Maps all logs, and anew where a reading turns out to be none to trust.
  private func mapAll(
    _ plan: RecordMapper.Plan
  ) throws(SpillError) -> (MapSummary, Shuffle, Sightings?, AttributionTable) {
    while true {
      quarantine = options.wantsQuarantine ? QuarantineStore(pool: pool, spill: spill) : nil
      let table = AttributionTable()
      let shuffle = Shuffle(pool: pool, spill: spill)
      let sightings = options.detects ? Sightings(pool: pool, spill: spill) : nil
      let map = try map(into: shuffle, sightings?.shuffle, table, plan)
      guard let repetition = reading.repetition else { return (map, shuffle, sightings, table) }
      lock.withLock { reading = repetition }
      spill = SpillFile(directory: options.temporaryFolder)
      spans = [:]
    }
  }

  private func map(
    into shuffle: Shuffle, _ sightings: Shuffle?, _ table: AttributionTable,
    _ plan: RecordMapper.Plan
  ) throws(SpillError) -> MapSummary {
    let sum = Sum(MapSummary())
    Workers.run(options.threads) { [self] _ in
      sum.add { () throws(SpillError) in
        try mapBlocks(into: ShuffleWriter(shuffle), sightings, table, plan)
      } merge: {
        $0.merge($1)
      }
    }
    return try sum.value()
  }

  /// Maps blocks as long as there are any.
  private func mapBlocks(
    into writer: ShuffleWriter, _ sightings: Shuffle?, _ table: AttributionTable,
    _ plan: RecordMapper.Plan
  ) throws(SpillError) -> MapSummary {
    let block = Block()
    let parsers = Parsers(
      findsPlaces: options.findsPlaces || options.detects, findsTraces: options.detects,
      lineBytesMax: options.lineBytesMax)
    var mapper = RecordMapper(
      terms: terms, table: table, plan: plan, writer: writer, block: block,
      findsPlaces: options.findsPlaces, latestTime: latestTime, sightings: sightings,
      quarantine: quarantine)
    let reader = reading.reader
    var leftOut: Range<Instant>?
    if case .time(let time) = options.leftOut { leftOut = time }
    let notesTimes = options.rivals == .timeoutsAndQuarters
    let isWatched = leftOut != nil || notesTimes
    var callTimes = options.wantsCallTimes ? CallTimes() : nil
    var last: Int?
    while let file = reader.next(into: block, last: last) {
      last = file
      let how = reading.formats.reading(of: block, ofFile: file)
      // What is read again in any case is only decoded.
      if reader.isToBeRepeated { continue }
      mapper.begin(block, file: file)
      var times = RecordTimes()
      let counts = parsers.parse(block, how) { call, line in
        if isWatched {
          if let leftOut, leftOut.contains(call.time) { return }
          times.add(call.time)
        }
        callTimes?.add(call.time)
        mapper.receive(call, line: line)
      } rejected: { rejection, line in
        mapper.receive(rejection, line: line)
      }
      mapper.end(counts)
      reader.note(lines: counts.lines, ofBlock: block.index, ofFile: file)
      if notesTimes { note(times, ofFile: file) }
      if mapper.failure != nil || (options.isStrict && mapper.hasQuarantined) { reader.stop() }
    }
    var summary = try mapper.finish()
    callTimes?.finish()
    summary.callTimes = callTimes
    return summary
  }

  private func note(_ times: RecordTimes, ofFile file: Int) {
    guard times.records > 0 else { return }
    lock.withLock {
      var span =
        spans[file]
        ?? LogSpan(
          log: file, name: files[file].path == "-" ? "stdin" : files[file].path,
          first: times.first, last: times.last, records: 0)
      span.first = min(span.first, times.first)
      span.last = max(span.last, times.last)
      span.records += times.records
      spans[file] = span
    }
  }
}

/// From when to when a block has records.
private struct RecordTimes {
  private(set) var first = Instant(microseconds: .max)
  private(set) var last = Instant(microseconds: .min)
  private(set) var records = 0

  @inline(__always)
  mutating func add(_ time: Instant) {
    first = min(first, time)
    last = max(last, time)
    records += 1
  }
}
