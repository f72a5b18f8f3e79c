internal import CivilTime
internal import Contracts
internal import Counting
internal import Decoding
internal import Formats
internal import Ledger
internal import Metering
internal import Parsing
internal import Segments
internal import Shuffling

/// What all days of a workspace come to, in the form in which a count of all logs at once gives it.
struct StoredCount {
  private let workspace: Workspace
  private let terms: Terms
  private let options: MeteringOptions
  private let days: [Day]
  private let logs: [(name: LogName, file: LogFile)]
  /// The numbers of logs by their texts' digests.
  private let numbers: [String: Int]
  private let sources: SourceTable

  /// - Parameters:
  ///   - days: all that were built, the first one first.
  ///   - logs: all, in the order of their names.
  init(
    _ workspace: Workspace, terms: Terms, options: MeteringOptions, days: [Day],
    logs: [(name: LogName, file: LogFile)]
  ) {
    self.workspace = workspace
    self.terms = terms
    self.options = options
    self.days = days
    self.logs = logs
    numbers = Dictionary(
      uniqueKeysWithValues: logs.enumerated().map { ($1.file.textDigest.hexadecimal, $0) })
    sources = SourceTable(
      names: logs.map(\.name.path),
      blockLines: logs.map { $0.file.blockLines.map(Int32.init(clamping:)) })
  }

  /// What was added up, with sources as numbers.
  fileprivate struct Sum {
    var balance = Balance()
    var totals: [DailyTotal: DailyTotal] = [:]
    var uses: [UseKey: UseCount] = [:]
    var places: [UnlistedPlaceKey: UseCount] = [:]
    var outside: [String: UseCount] = [:]
    var unplaced: [UsageOwner: FirstSources] = [:]
    var conflicts = FirstSources()
  }

  func result() throws -> MeteringResult {
    var sum = Sum()
    for day in days {
      let result = try DayResult.read(workspace.content(of: day.result))
      try add(result, isLast: day.day == days.last?.day, to: &sum)
    }
    var bytes = ByteBalance()
    var quarantined: [Quarantined] = []
    var damages: [(file: InputFile, damage: Damage)] = []
    let files = logs.map { input($0.name) }
    for (number, log) in logs.enumerated() {
      let file = log.file
      sum.balance.lines += file.lines
      sum.balance.blank += file.blank
      sum.balance.quarantined += file.quarantined
      sum.balance.ignored += file.ignored
      bytes.text += file.textBytes
      bytes.blank += file.blankBytes
      bytes.quarantined += file.quarantinedBytes
      bytes.records += file.textBytes - file.blankBytes - file.quarantinedBytes
      bytes.addedLineEnds += file.addedLineEnds
      for rejection in file.rejections {
        guard let reason = Rejection(name: rejection.reason) else { continue }
        quarantined += rejection.firstLines.map {
          Quarantined(source: source(ofLine: $0, in: file, number), rejection: reason)
        }
      }
      damages += file.damages.map { (files[number], $0.damage) }
    }
    quarantined.sort { $0.source < $1.source }
    let (rows, spilledBytes) = try rows()
    return MeteringResult(
      balance: sum.balance, bytes: bytes, totals: Array(sum.totals.values),
      uses: sum.uses.mapValues { $0.tally(sources) },
      places: sum.places.mapValues { $0.tally(sources) },
      outside: sum.outside.mapValues { $0.tally(sources) }, unplaced: sum.unplaced,
      quarantined: Array(quarantined.prefix(MapSummary.quarantinedMax)),
      conflicts: sum.conflicts, inputEnd: logs.compactMap(\.file.lastTime).max(),
      sources: sources, files: files,
      fileBytes: logs.map { log in
        var bytes = FileBytes()
        bytes.stored = log.file.storedBytes
        bytes.lost = log.file.lostBytes
        bytes.text = log.file.textBytes
        bytes.addedLineEnds = log.file.addedLineEnds
        return bytes
      },
      formats: logs.map { format(of: $0.file) }, damages: damages, spilledBytes: spilledBytes,
      rows: rows, quarantine: nil)
  }

  private func format(of file: LogFile) -> FoundFormat? {
    guard !file.format.isEmpty else { return nil }
    return FoundFormat(
      name: file.format == Intake.unknownFormat ? nil : file.format,
      ignoresAll: file.records == 0 && file.ignored > 0)
  }

  private func input(_ name: LogName) -> InputFile {
    InputFile(
      path: name.path, sizeBytes: name.storedBytes, isFromFolder: false, isStored: true,
      modifiedAt: name.modifiedAt)
  }

  /// The number of a line's source.
  ///
  /// - Parameter line: from 1.
  private func source(ofLine line: Int, in file: LogFile, _ number: Int) -> UInt64 {
    var before = 0
    for (block, count) in file.blockLines.enumerated() {
      if line <= before + count {
        return Source.number(file: number, block: block, line: line - before - 1)
      }
      before += count
    }
    return Source.number(file: number, block: max(file.blockLines.count - 1, 0), line: 0)
  }

  // MARK: - Days' results

  private func add(_ result: DayResult, isLast: Bool, to sum: inout Sum) throws {
    let files = try result.logs.map { digest in
      guard let number = numbers[digest] else { throw UnknownLog(digest: digest) }
      return number
    }
    func number(_ source: StoredSource) -> UInt64 {
      Source.number(file: files[source.log], block: source.block, line: source.line)
    }
    func use(_ count: DayResult.Count) -> UseCount {
      UseCount(
        UseCount.Parts(
          records: count.records, first: count.first, last: count.last,
          evidence: count.evidence.map {
            UseCount.Parts.Line(time: $0.time, source: number($0.source))
          }))
    }
    sum.balance.ignored += result.ignored
    for outside in result.outside {
      sum.balance.outsideContract += outside.count.records
      sum.outside[outside.licensee, default: UseCount()].merge(use(outside.count))
    }
    for unplaced in result.unplaced {
      sum.balance.unplaced += unplaced.total
      let owner = UsageOwner(contract: unplaced.contract, licensee: unplaced.licensee)
      sum.unplaced[owner, default: FirstSources()].merge(
        FirstSources(numbers: unplaced.sources.map(number).sorted(), total: unplaced.total))
    }
    for item in result.uses {
      let key = UseKey(
        contract: item.contract, licensee: item.licensee, module: item.module,
        scenario: item.scenario, app: item.app,
        term: TermPosition(rawValue: item.term) ?? .within)
      sum.uses[key, default: UseCount()].merge(use(item.count))
    }
    for item in result.places {
      let key = UnlistedPlaceKey(
        contract: item.contract, licensee: item.licensee, module: item.module, app: item.app,
        kind: UnlistedPlaceKey.Kind(rawValue: item.kind) ?? .origin, place: item.place)
      sum.places[key, default: UseCount()].merge(use(item.count))
    }
    for counted in isLast ? [result.counted, result.provisional] : [result.counted] {
      sum.balance.messages += counted.messages
      sum.balance.items += counted.items
      sum.balance.ignored += counted.ignored
      sum.balance.failed += counted.failed
      sum.balance.duplicates += counted.duplicates
      sum.balance.conflicts += counted.conflicts
      sum.conflicts.merge(
        FirstSources(
          numbers: counted.conflictSources.map(number).sorted(), total: counted.conflicts))
      for total in counted.totals { sum.add(total) }
      for units in counted.units {
        let key = UseKey(
          contract: units.contract, licensee: units.licensee, module: units.module,
          scenario: units.scenario, app: units.app,
          term: TermPosition(rawValue: units.term) ?? .within)
        sum.uses[key, default: UseCount()].quantity += units.quantity
      }
    }
  }

  // MARK: - Units

  /// All units, sorted.
  private func rows() throws -> (UsageRows?, spilledBytes: Int) {
    guard options.wantsRows else { return (nil, 0) }
    let pool = ChunkPool(bytesMax: options.poolBytes)
    let spill = SpillFile(directory: options.temporaryFolder)
    let table = AttributionTable()
    let contracts = Dictionary(
      terms.contracts.enumerated().map { ($1.number, $0) }, uniquingKeysWith: { first, _ in first })
    let units = days.compactMap { day in day.rows.map { (day: day.day, file: $0) } }
    // First what they are charged to, since their order depends on all of that.
    try onAllThreads(units) { _, unit in
      let charges = Charges(table, contracts)
      try forEach(unit.day, unit.file, charges) { reader, row, bytes in
        _ = charges.number(reader, row, bytes)
      }
    }
    let attributions = table.sealed(terms)
    let order = UsageOrder(attributions, contractNumbers: terms.contracts.map(\.number))
    let sorters = (0..<options.threads).map { _ in
      ExternalSorter(order: order, pool: pool, spill: spill)
    }
    try onAllThreads(units) { thread, unit in
      let sorter = sorters[thread]
      let charges = Charges(table, contracts)
      let isLast = unit.day == days.last?.day
      try forEach(unit.day, unit.file, charges) { reader, row, bytes in
        let isProvisional = reader.number(row, 11) != 0
        guard !isProvisional || isLast else { return }
        let log = try charges.log(reader, row, bytes, numbers)
        let stored = StoredUnit(
          startedAt: reader.number(row, 0), endedAt: reader.number(row, 1),
          day: Int32(clamping: reader.number(row, 2)),
          quantity: UInt32(clamping: reader.number(row, 3)),
          messages: UInt32(clamping: reader.number(row, 4)),
          failedMessages: UInt32(clamping: reader.number(row, 5)),
          endingCode: UInt8(clamping: reader.number(row, 6)),
          notBillableCode: UInt8(clamping: reader.number(row, 7)),
          source: Source.number(
            file: log, block: Int(reader.number(row, 12)), line: Int(reader.number(row, 13))),
          attribution: charges.number(reader, row, bytes))
        try sorter.append(
          stored, user: reader.text(row, 0), conversation: reader.text(row, 1), in: bytes, pool)
      }
    }
    for sorter in sorters { sorter.finish() }
    return (
      UsageRows(sorters: sorters, attributions: attributions, terms: terms, sources: sources),
      spill.bytesWritten
    )
  }

  private typealias Units = (day: CivilDate, file: StoredFile)

  /// Does something with each file of units, on as many threads as there are.
  ///
  /// - Parameter body: takes the number of the thread that it is on.
  private func onAllThreads(
    _ units: [Units], _ body: (_ thread: Int, Units) throws -> Void
  ) throws {
    let next = Turn()
    withoutActuallyEscaping(body) { body in
      let work = UncheckedWork(body: body)
      Workers.run(options.threads) { thread in
        while let index = next.next(below: units.count) {
          do { try work.body(thread, units[index]) } catch { next.fail(error) }
        }
      }
    }
    if let failure = next.failure { throw failure }
  }

  /// Work that is done by threads that end before it does.
  private struct UncheckedWork: @unchecked Sendable {
    var body: (Int, Units) throws -> Void
  }

  /// Deals out numbers until something fails.
  private final class Turn: @unchecked Sendable {
    private let monitor = Monitor()
    private var value = 0
    private(set) var failure: (any Error)?

    func next(below limit: Int) -> Int? {
      monitor.withLock {
        guard value < limit, failure == nil else { return nil }
        defer { value += 1 }
        return value
      }
    }

    func fail(_ error: any Error) { monitor.withLock { failure = failure ?? error } }
  }

  private func forEach(
    _ day: CivilDate, _ file: StoredFile, _ charges: Charges,
    _ body: (UnitReader, Int, ByteView) throws -> Void
  ) throws {
    let reader = try UnitReader(path: workspace.path(of: file), day: day.daysSinceEpoch)
    let block = Block()
    while let count = try reader.next(into: block) {
      charges.clear()
      let bytes = block.wholeBytes
      for row in 0..<count { try body(reader, row, bytes) }
    }
  }
}

/// What the units of a file are charged to, and the logs that they stand in. Of a chunk, each word stands in
/// one place, so that equal places are equal words.
private final class Charges {
  private struct Place: Hashable {
    var words: SIMD8<UInt64>
    var numbers: SIMD4<Int64>
  }

  private let table: AttributionTable
  private let contracts: [String: Int]
  private var known: [Place: Int] = [:]
  private var logs: [UInt64: Int] = [:]

  init(_ table: AttributionTable, _ contracts: [String: Int]) {
    self.table = table
    self.contracts = contracts
  }

  /// Forgets all places, since another chunk's texts come.
  func clear() {
    known.removeAll(keepingCapacity: true)
    logs.removeAll(keepingCapacity: true)
  }

  private static func text(_ slice: Slice, _ bytes: ByteView) -> String {
    bytes.text(Int(slice.start), Int(slice.count))
  }

  func log(
    _ reader: UnitReader, _ row: Int, _ bytes: ByteView, _ numbers: [String: Int]
  ) throws -> Int {
    let slice = reader.word(row, 0)
    if let number = logs[slice.word] { return number }
    let digest = Self.text(slice, bytes)
    guard let number = numbers[digest] else { throw UnknownLog(digest: digest) }
    logs[slice.word] = number
    return number
  }

  /// The number of a unit's attribution.
  func number(_ reader: UnitReader, _ row: Int, _ bytes: ByteView) -> Int {
    var place = Place(words: .zero, numbers: .zero)
    for index in 1..<UnitFile.wordCount { place.words[index] = reader.word(row, index).word }
    for index in 0..<3 { place.numbers[index] = reader.number(row, 8 + index) }
    if let number = known[place] { return number }
    func word(_ index: Int) -> String { Self.text(reader.word(row, index), bytes) }
    let number = table.number(
      of: Attribution(
        contract: contracts[word(1)] ?? 0, rule: Int(reader.number(row, 10)),
        meter: reader.number(row, 8) == 1 ? .item : .conversation,
        role: Attribution.Role(rawValue: UInt8(clamping: reader.number(row, 9))) ?? .message,
        licensee: word(2), module: word(3), scenario: word(4), app: word(5), event: word(6)))
    known[place] = number
    return number
  }
}

/// A log of which a day has records, and the ledger has nothing.
struct UnknownLog: Error, CustomStringConvertible {
  var digest: String

  var description: String { "the log of text \(digest) is not in the ledger" }
}

extension StoredCount.Sum {
  fileprivate mutating func add(_ total: DayResult.Total) {
    var key = DailyTotal(
      contract: total.contract, licensee: total.licensee,
      date: CivilDate(daysSinceEpoch: total.date), module: total.module, scenario: total.scenario,
      meter: Meter(rawValue: total.meter) ?? .conversation, quantity: 0, messages: 0,
      failedMessages: 0, duplicates: 0)
    let empty = key
    key = totals[empty] ?? empty
    key.quantity += total.quantity
    key.messages += total.messages
    key.failedMessages += total.failedMessages
    key.duplicates += total.duplicates
    totals[empty] = key
  }
}
