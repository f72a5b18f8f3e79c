internal import CivilTime
public import Counting
public import Shuffling

/// Shows what is seen of calls to all detectors while they are counted; for one thread.
public final class SightingWatch: SightingObserver {
  private var scan: SightingScan
  /// What was seen, once that is all.
  public private(set) var summary = DetectionSummary()

  public init(_ terms: Terms, _ attributions: Attributions) {
    scan = SightingScan(terms, attributions)
  }

  public func take(_ sightings: Span<SightingPlace>) {
    for index in sightings.indices {
      scan.take(sightings[index].sighting, sightings[index].chunk)
    }
  }

  public func finish() { summary = scan.finish() }
}

/// Brings sightings together that do not come with what is counted, and shows them to all detectors, bucket by bucket, on several threads.
public struct SightingReduction: @unchecked Sendable {
  private let terms: Terms
  private let attributions: Attributions
  private let threads: Int
  private let pool: ChunkPool
  private let spill: SpillFile

  public init(
    _ terms: Terms, _ attributions: Attributions, threads: Int, pool: ChunkPool, spill: SpillFile
  ) {
    self.terms = terms
    self.attributions = attributions
    self.threads = threads
    self.pool = pool
    self.spill = spill
  }

  /// - Parameter shuffle: what ``SightingIntake`` has put there.
  public func run(_ shuffle: Shuffle) throws(SpillError) -> DetectionSummary {
    let next = Counter()
    let order = SightingOrder(attributions)
    let sum = Sum(DetectionSummary())
    Workers.run(threads) { [self] _ in
      sum.add { () throws(SpillError) in
        var scan = SightingScan(terms, attributions)
        while sum.hasNoFailure, let bucket = next.next(below: shuffle.bucketCount) {
          let sorter = ExternalSorter(order: order, pool: pool, spill: spill)
          try sorter.append(contentsOf: shuffle.take(bucket))
          sorter.finish()
          try unsafe ExternalSorter.forEach(in: [sorter]) { record in
            scan.take(unsafe record.pointee, unsafe Chunk(containing: record))
            return true
          }
        }
        return scan.finish()
      } merge: {
        $0.merge($1)
      }
    }
    return try sum.value()
  }
}
