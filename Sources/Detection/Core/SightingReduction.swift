internal import CivilTime
public import Counting
public import Shuffling

/// Shows what is seen of calls to all detectors while they are counted, and then its share of what comes apart; for
/// one thread.
public final class SightingWatch: SightingObserver {
  private var scan: SightingScan
  private let apart: SightingReduction
  private var summary = DetectionSummary()

  /// - Parameter apart: what comes apart; that of all threads.
  public init(_ terms: Terms, _ attributions: Attributions, apart: SightingReduction) {
    scan = SightingScan(terms, attributions)
    self.apart = apart
  }

  public func take(_ sightings: Span<SightingPlace>) {
    scan.take(sightings)
  }

  public func finish() throws(SpillError) {
    try apart.showRest(to: &scan)
    summary = scan.finish()
  }

  /// Hands over what was seen; to be called once, when that is all.
  public func takeSummary() -> DetectionSummary {
    defer { summary = DetectionSummary() }
    return summary
  }
}

/// Brings sightings together that do not come with what is counted, and shows them to all detectors, bucket by bucket,
/// on several threads.
public struct SightingReduction: @unchecked Sendable {
  private let terms: Terms
  private let attributions: Attributions
  private let shuffle: Shuffle
  private let pool: ChunkPool
  private let spill: SpillFile
  private let order: SightingOrder
  private let next = Counter()

  /// - Parameter shuffle: what ``SightingIntake`` has put there.
  public init(
    _ shuffle: Shuffle, _ terms: Terms, _ attributions: Attributions, pool: ChunkPool,
    spill: SpillFile
  ) {
    self.shuffle = shuffle
    self.terms = terms
    self.attributions = attributions
    self.pool = pool
    self.spill = spill
    order = SightingOrder(attributions)
  }

  /// Shows all of them; to be called once.
  public func run(threads: Int) throws(SpillError) -> DetectionSummary {
    let sum = Sum(DetectionSummary())
    Workers.run(threads) { [self] _ in
      sum.add { () throws(SpillError) in
        var scan = SightingScan(terms, attributions)
        try showRest(to: &scan)
        return scan.finish()
      } merge: {
        $0.merge($1)
      }
    }
    return try sum.value()
  }

  /// Shows those that no thread has taken yet.
  func showRest(to scan: inout SightingScan) throws(SpillError) {
    let one = PlainTable<SightingPlace>()
    while let bucket = next.next(below: shuffle.bucketCount) {
      let sorter = ExternalSorter(order: order, pool: pool, spill: spill)
      try sorter.append(contentsOf: shuffle.take(bucket))
      sorter.finish()
      try unsafe ExternalSorter.forEach(in: [sorter]) { record in
        // One by one: a chunk may be gone when the next record comes.
        one.removeAll(reserving: 1)
        unsafe one.append(
          SightingPlace(sighting: record.pointee, chunk: Chunk(containing: record)))
        one.withSpan { scan.take($0) }
        return true
      }
    }
  }
}
