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
    shuffle = Shuffle(pool: pool, spill: spill, isApart: true)
  }

  /// Shows what comes with the messages while `reduce` counts them, and what comes apart.
  ///
  /// - Parameters:
  ///   - messages: those that are counted.
  ///   - reduce: counts; given whom it shows the calls, one for each thread, where messages carry them.
  func watch(
    _ terms: Terms, _ attributions: Attributions, beside messages: Shuffle, threads: Int,
    _ reduce: ([any SightingObserver]) throws(SpillError) -> Reduction.Outcome
  ) throws(SpillError) -> (Reduction.Outcome, DetectionSummary) {
    let apart = SightingReduction(shuffle, terms, attributions, pool: pool, spill: spill)
    guard Reduction.plan(terms) == .byUser else {
      // What is made of them takes memory while the messages still have theirs, which go to disk as far as they
      // have what was lent.
      pool.callIn(.max)
      try messages.makeRoom(0, threads: threads)
      try shuffle.makeRoom(0, threads: threads)
      pool.trim()
      let summary = try apart.run(threads: threads)
      return (try reduce([]), summary)
    }
    let watches = (0..<threads).map { _ in SightingWatch(terms, attributions, apart: apart) }
    let outcome = try reduce(watches)
    let summary = DetectionSummary.sum(watches.map { $0.takeSummary() }, threads: threads) {
      [pool] in
      // What is added up takes memory for a while.
      pool.vacate(threads: 1)
    }
    return (outcome, summary)
  }
}
