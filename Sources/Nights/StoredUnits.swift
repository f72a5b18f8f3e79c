internal import CivilTime
internal import Contracts
internal import Counting
internal import Decoding
internal import Ledger
internal import Metering
internal import Parsing
internal import Segments
internal import Shuffling

/// The units of days, read back and sorted.
struct StoredUnits {
  /// Some chunks of a day's units.
  private struct Share {
    var day: Int
    var chunks: Range<Int>
  }

  /// Chunks that a thread reads at a time.
  private static let shareChunks = 4

  private let workspace: Workspace
  private let terms: Terms
  private let options: MeteringOptions
  private let days: [StoredDay]
  private let logs: StoredLogs

  init(
    _ workspace: Workspace, _ terms: Terms, _ options: MeteringOptions, _ days: [StoredDay],
    _ logs: StoredLogs
  ) {
    self.workspace = workspace
    self.terms = terms
    self.options = options
    self.days = days
    self.logs = logs
  }

  /// The units of those dates that are wanted.
  func rows(
    _ isWanted: (CivilDate) -> Bool
  ) throws -> (UsageRows, spilledBytes: Int) {
    let pool = ChunkPool(bytesMax: options.poolBytes)
    let spill = SpillFile(directory: options.temporaryFolder)
    let contracts = Dictionary(
      terms.contracts.enumerated().map { ($1.number, $0) }, uniquingKeysWith: { first, _ in first })
    let table = AttributionTable()
    let wanted = days.map { day in Set((day.result.dates.map(Self.all) ?? []).filter(isWanted)) }
    let numbers = days.map { day in
      day.result.charges.map { table.number(of: $0.attribution(contracts)) }
    }
    let files = try days.map { day in
      try day.result.logs.map { try logs.number(ofDigest: $0) }
    }
    let attributions = table.sealed(terms)
    let order = UsageOrder(attributions, contractNumbers: terms.contracts.map(\.number))
    let sorters = (0..<options.threads).map { _ in
      ExternalSorter(order: order, pool: pool, spill: spill)
    }
    let shares = try shares(wanted)
    let turns = Deal(count: shares.count)
    let work = UncheckedWork { [self] thread in
      let restorer = UsageRowRestorer(sorters[thread], pool)
      let block = Block()
      while let turn = turns.next() {
        do {
          let share = shares[turn]
          try read(
            share, into: restorer, block, numbers[share.day], files[share.day],
            Set(wanted[share.day].map(\.daysSinceEpoch)))
        } catch {
          turns.fail(error)
        }
      }
      sorters[thread].finish()
    }
    Workers.run(options.threads) { work.body($0) }
    if let failure = turns.failure { throw failure }
    return (
      UsageRows(
        CountedRows(sorters), attributions: attributions, terms: terms, sources: logs.sources),
      spill.bytesWritten
    )
  }

  private static func all(_ dates: ClosedRange<CivilDate>) -> [CivilDate] {
    (dates.lowerBound.daysSinceEpoch...dates.upperBound.daysSinceEpoch)
      .map { CivilDate(daysSinceEpoch: $0) }
  }

  private func shares(_ wanted: [Set<CivilDate>]) throws -> [Share] {
    try days.enumerated().flatMap { number, day -> [Share] in
      guard let rows = day.day.rows, !wanted[number].isEmpty else { return [] }
      let count = try reader(day, rows).chunkCount
      return stride(from: 0, to: count, by: Self.shareChunks).map {
        Share(day: number, chunks: $0..<min($0 + Self.shareChunks, count))
      }
    }
  }

  private func reader(_ day: StoredDay, _ rows: StoredFile) throws(SegmentError) -> UnitReader {
    try UnitReader(path: workspace.path(of: rows), day: day.day.day.daysSinceEpoch)
  }

  private func read(
    _ share: Share, into restorer: UsageRowRestorer, _ block: Block, _ attributions: [Int],
    _ files: [Int], _ wanted: Set<Int32>
  ) throws {
    let day = days[share.day]
    guard let rows = day.day.rows else { return }
    let reader = try reader(day, rows)
    for chunk in share.chunks {
      let count = try reader.read(chunk: chunk, into: block)
      let bytes = block.wholeBytes
      for row in 0..<count {
        let numbers = reader.numbers(row)
        let date = Int32(clamping: numbers[2])
        guard day.isLast || numbers[8] == 0, wanted.contains(date) else { continue }
        guard files.indices.contains(Int(clamping: numbers[9])),
          attributions.indices.contains(Int(clamping: numbers[12]))
        else {
          throw SegmentError(
            path: reader.path, offset: 0, .malformed("a unit speaks of what the day does not have"))
        }
        let unit = StoredUnit(
          startedAt: numbers[0], endedAt: numbers[1], day: date,
          quantity: UInt32(clamping: numbers[3]), messages: UInt32(clamping: numbers[4]),
          failedMessages: UInt32(clamping: numbers[5]), endingCode: UInt8(clamping: numbers[6]),
          notBillableCode: UInt8(clamping: numbers[7]),
          source: Source.number(
            file: files[Int(numbers[9])], block: Int(numbers[10]), line: Int(numbers[11])),
          attribution: attributions[Int(numbers[12])])
        try restorer.append(
          unit, user: reader.text(row, 0), conversation: reader.text(row, 1), in: bytes)
      }
    }
  }

  /// Work that is done by threads that end before it does.
  private struct UncheckedWork: @unchecked Sendable {
    var body: (_ thread: Int) -> Void
  }

  /// Deals out numbers until something fails.
  private final class Deal: @unchecked Sendable {
    private let count: Int
    private let monitor = Monitor()
    private var value = 0
    private(set) var failure: (any Error)?

    init(count: Int) { self.count = count }

    func next() -> Int? {
      monitor.withLock {
        guard value < count, failure == nil else { return nil }
        defer { value += 1 }
        return value
      }
    }

    func fail(_ error: any Error) { monitor.withLock { failure = failure ?? error } }
  }
}
