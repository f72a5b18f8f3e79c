internal import CivilTime
public import Counting
internal import Decoding
public import Detection
internal import Shuffling

/// Records that are kept somewhere, such as those of a segment.
public protocol RecordPiece: Sendable {
  /// Hands all records to a mapper.
  ///
  /// - Throws: what is wrong with the place where they are kept.
  func map(into mapper: inout RecordMapper) throws
}

/// What one day comes to, given what the day before carried over to it.
///
/// Finished: each part is read by one thread at a time, and several may read different parts.
public struct DayOutcome: @unchecked Sendable {
  /// Of the day's own records.
  public var map: MapSummary
  /// What is counted for good.
  public var counted: ReduceSummary
  public var rows: CountedRows
  /// What is carried over to the next day, and what it comes to if that brings nothing.
  public var carried: CarriedRecords
  public var provisional: ReduceSummary
  public var provisionalRows: CountedRows
  public var attributions: Attributions
  /// What was seen of the day's own calls, where that was asked for.
  public var detection: DetectionSummary?
}

/// Counts one day of many, from what is kept of its records.
public final class DayCount: @unchecked Sendable {
  private let pieces: [any RecordPiece]
  private let terms: Terms
  private let options: MeteringOptions
  private let pool: ChunkPool
  private let spill: SpillFile
  private let failures = Sum<[any Error]>([])

  /// - Parameter pieces: the day's records and those carried over to it.
  public init(_ pieces: [any RecordPiece], terms: Terms, options: MeteringOptions) {
    self.pieces = pieces
    self.terms = terms
    self.options = options
    pool = options.chunkPool()
    spill = SpillFile(directory: options.temporaryFolder)
  }

  /// Counts everything; to be called once.
  ///
  /// - Parameters:
  ///   - end: the moment at which the day ends, in microseconds since 1970.
  ///   - inputEnd: the time of the last record of all days, in microseconds since 1970.
  /// - Throws: ``SpillError``, or what a piece throws.
  public func run(end: Int64, inputEnd: Int64) throws -> DayOutcome {
    let table = AttributionTable()
    let reduction = Reduction(
      terms: terms, threads: options.threads, pool: pool, spill: spill,
      wantsRows: options.wantsRows)
    let shuffle = Shuffle(pool: pool, spill: spill)
    let sightings = options.detects ? Sightings(pool: pool, spill: spill) : nil
    let map = try map(into: shuffle, sightings?.shuffle, table, Reduction.plan(terms))
    let attributions = table.sealed(terms)
    let carryover = Carryover(end: end, terms)
    var detection: DetectionSummary?
    let reduced: Reduction.Outcome
    if let sightings {
      (reduced, detection) = try sightings.watch(
        terms, attributions, beside: shuffle, threads: options.threads
      ) { observers throws(SpillError) in
        try reduction.run(
          shuffle, attributions, inputEnd: inputEnd, carryover: carryover, observers: observers,
          apart: sightings.shuffle)
      }
    } else {
      reduced = try reduction.run(
        shuffle, attributions, inputEnd: inputEnd, carryover: carryover)
    }
    guard let carried = reduced.carried else { preconditionFailure("a day carries over") }
    return DayOutcome(
      map: map, counted: reduced.summary, rows: CountedRows(reduced.rows), carried: carried,
      provisional: reduced.provisional, provisionalRows: CountedRows(reduced.provisionalRows),
      attributions: attributions, detection: detection)
  }

  private func map(
    into shuffle: Shuffle, _ sightings: Shuffle?, _ table: AttributionTable,
    _ plan: RecordMapper.Plan
  ) throws -> MapSummary {
    let next = Counter()
    let sum = Sum(MapSummary())
    Workers.run(options.threads) { [self] _ in
      sum.add { () throws(SpillError) in
        var mapper = RecordMapper(
          terms: terms, table: table, plan: plan, writer: ShuffleWriter(shuffle), block: Block(),
          findsPlaces: options.findsPlaces, latestTime: Instant(microseconds: .max),
          sightings: sightings)
        while let number = next.next(below: pieces.count) {
          do {
            try pieces[number].map(into: &mapper)
          } catch {
            failures.add {
              [error]
            } merge: {
              $0 += $1
            }
          }
        }
        return try mapper.finish()
      } merge: {
        $0.merge($1)
      }
    }
    if let failure = try failures.value().first { throw failure }
    return try sum.value()
  }
}
