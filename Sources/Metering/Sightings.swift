internal import Counting
internal import Detection
internal import Shuffling

/// What is seen of calls, on its way to the detectors: with their messages where these bring users together, else
/// apart; what was refused is always apart.
struct Sightings: @unchecked Sendable {
  /// What comes apart.
  let shuffle: Shuffle
  private let pool: ChunkPool
  private let spill: SpillFile

  init(pool: ChunkPool, spill: SpillFile) {
    self.pool = pool
    self.spill = spill
    shuffle = Shuffle(pool: pool, spill: spill)
  }

  /// Shows what comes apart, then what comes with the messages while `reduce` counts them.
  ///
  /// - Parameter reduce: counts; given whom it shows the calls, one for each thread, where messages carry them.
  func watch(
    _ terms: Terms, _ attributions: Attributions, threads: Int,
    _ reduce: ([any SightingObserver]) throws(SpillError) -> Reduction.Outcome
  ) throws(SpillError) -> (Reduction.Outcome, DetectionSummary) {
    let apart = try SightingReduction(
      terms, attributions, threads: threads, pool: pool, spill: spill
    ).run(shuffle)
    var watches: [SightingWatch] = []
    if Reduction.plan(terms) == .byUser {
      watches = (0..<threads).map { _ in SightingWatch(terms, attributions) }
    }
    let outcome = try reduce(watches)
    let parts = [apart] + watches.map(\.summary)
    return (outcome, DetectionSummary.sum(parts, threads: threads))
  }
}
