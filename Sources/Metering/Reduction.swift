internal import Contracts
internal import Counting
internal import Shuffling

/// Counts what was mapped, bucket by bucket, on several threads.
struct Reduction: @unchecked Sendable {
  /// What was counted.
  struct Outcome {
    var summary = ReduceSummary()
    /// Of the units, one for each thread, where they were wanted.
    var rows: [ExternalSorter<UsageOrder>] = []
    /// What follows the input bears on, and what that counts for if nothing does.
    var carried: CarriedRecords?
    var provisional = ReduceSummary()
    var provisionalRows: [ExternalSorter<UsageOrder>] = []
  }

  private struct Reducer: @unchecked Sendable {
    let reducer: BucketReducer
    let rows: ExternalSorter<UsageOrder>?
    let carried: ExternalSorter<CarryoverOrder>?
    let provisionalRows: ExternalSorter<UsageOrder>?
    let observer: (any SightingObserver)?

    func finish() throws(SpillError) {
      try observer?.finish()
      rows?.finish()
      carried?.finish()
      provisionalRows?.finish()
    }
  }

  private let terms: Terms
  private let threads: Int
  private let pool: ChunkPool
  private let spill: SpillFile
  private let wantsRows: Bool
  private let rivals: RivalCounting?

  init(
    terms: Terms, threads: Int, pool: ChunkPool, spill: SpillFile, wantsRows: Bool,
    rivals: RivalCounting? = nil
  ) {
    self.rivals = rivals
    self.terms = terms
    self.threads = threads
    self.pool = pool
    self.spill = spill
    self.wantsRows = wantsRows
  }

  /// How records are to be mapped.
  static func plan(_ terms: Terms) -> RecordMapper.Plan {
    terms.allIdentitiesHaveUser ? .byUser : .byRequest
  }

  private var plan: RecordMapper.Plan { Self.plan(terms) }

  /// Counts everything.
  ///
  /// - Parameters:
  ///   - shuffle: what was mapped by ``plan``.
  ///   - inputEnd: the time of the last record of the input, in microseconds since 1970.
  ///   - carryover: where the input is one of several days, that day's end.
  ///   - observers: take what is seen of calls, one for each thread, where messages carry that.
  ///   - apart: what they take when all is counted; where that is needed its memory is made room of, too.
  func run(
    _ shuffle: Shuffle, _ attributions: Attributions, inputEnd: Int64,
    carryover: Carryover? = nil, observers: [any SightingObserver] = [], apart: Shuffle? = nil
  ) throws(SpillError) -> Outcome {
    let reducers = makeReducers(attributions, inputEnd, carryover, observers)
    try reduce(
      plan == .byRequest ? try markDuplicates(shuffle, reducers) : shuffle, reducers, apart)
    var outcome = Outcome()
    for reducer in reducers {
      outcome.summary.merge(try reducer.reducer.finish())
      outcome.provisional.merge(reducer.reducer.finishProvisional())
    }
    outcome.rows = reducers.compactMap(\.rows)
    outcome.provisionalRows = reducers.compactMap(\.provisionalRows)
    if carryover != nil {
      outcome.carried = CarriedRecords(reducers.compactMap(\.carried), attributions)
    }
    return outcome
  }

  private func makeReducers(
    _ attributions: Attributions, _ inputEnd: Int64, _ carryover: Carryover?,
    _ observers: [any SightingObserver]
  ) -> [Reducer] {
    let order = UsageOrder(attributions, contractNumbers: terms.contracts.map(\.number))
    func rows() -> ExternalSorter<UsageOrder>? {
      wantsRows ? ExternalSorter(order: order, pool: pool, spill: spill) : nil
    }
    return (0..<threads).map { index in
      let rows = rows()
      let sink = carryover.map {
        BucketReducer.CarryoverSink(
          $0, records: ExternalSorter(order: CarryoverOrder(), pool: pool, spill: spill),
          provisionalRows: self.wantsRows
            ? ExternalSorter(order: order, pool: pool, spill: spill) : nil)
      }
      let observer = observers.isEmpty ? nil : observers[index]
      return Reducer(
        reducer: BucketReducer(
          attributions: attributions, terms: terms, inputEnd: inputEnd, pool: pool, spill: spill,
          rows: rows, rivals: rivals, carryover: sink,
          observer: observer),
        rows: rows, carried: sink?.records, provisionalRows: sink?.provisionalRows,
        observer: observer)
    }
  }

  /// Of the memory that is set aside for the process, what reading takes: it is over when records are reduced.
  private static let readingBytes = 24 << 20

  /// Bytes that one bucket may take in memory.
  private var bucketBytesMax: Int { pool.bytesMax / threads / 2 }

  /// Makes room for reading buckets back and for sorting them, and keeps rows out of it.
  ///
  /// - Returns: the bytes set aside, to be discharged when all buckets are reduced.
  private func prepare(_ shuffle: Shuffle, _ apart: Shuffle? = nil) throws(SpillError) -> Int {
    let largest = shuffle.largestBucket
    let inMemory = min(largest.memoryBytes, bucketBytesMax)
    let needed =
      min(largest.spilledBytes, bucketBytesMax)
      + BucketReducer.workingBytes(forChunkBytes: inMemory)
    let bytes = threads * needed
    try shuffle.makeRoom(bytes, threads: threads)
    try apart?.makeRoom(bytes, threads: threads)
    pool.charge(bytes)
    return bytes
  }

  /// Deals the buckets out to all threads.
  ///
  /// - Parameter begin: makes, for one thread, what to do with a bucket and what to do at its end.
  private func forEachBucket(
    _ begin: @escaping @Sendable (Int) -> BucketWork
  ) throws(SpillError) {
    let next = Counter()
    let count = 1 << Shuffle.bucketBits(memoryBytes: pool.bytesMax)
    let sum = Sum(())
    Workers.run(threads) { index in
      sum.add { () throws(SpillError) in
        let work = begin(index)
        while sum.hasNoFailure, let bucket = next.next(below: count) {
          try work.reduce(bucket)
        }
        try work.finish()
      } merge: { _, _ in
      }
    }
    try sum.value()
  }

  private struct BucketWork {
    var reduce: (Int) throws(SpillError) -> Void
    var finish: () throws(SpillError) -> Void
  }

  private func markDuplicates(
    _ shuffle: Shuffle, _ reducers: [Reducer]
  ) throws(SpillError) -> Shuffle {
    let reserved = try prepare(shuffle)
    defer { pool.discharge(reserved) }
    let identities = Shuffle(pool: pool, spill: spill)
    let bytesMax = bucketBytesMax
    try forEachBucket { index in
      let writer = ShuffleWriter(identities)
      return BucketWork { bucket throws(SpillError) in
        try reducers[index].reducer.reduceByRequest(
          shuffle.take(bucket), bytesMax: bytesMax, into: writer)
      } finish: { () throws(SpillError) in
        try writer.finish()
      }
    }
    return identities
  }

  private func reduce(
    _ shuffle: Shuffle, _ reducers: [Reducer], _ apart: Shuffle?
  ) throws(SpillError) {
    // Whoever looks on needs no more memory for a bucket than it leaves behind; one that lies on disk leaves none.
    if shuffle.largestBucket.spilledBytes > 0 { pool.callIn(.max) }
    let reserved = try prepare(shuffle, apart)
    defer { pool.discharge(reserved) }
    let bytesMax = bucketBytesMax
    try forEachBucket { index in
      let reducer = reducers[index].reducer
      return BucketWork { bucket throws(SpillError) in
        let contents = shuffle.take(bucket)
        // Read now: its chunks are gone when it is counted.
        let bytes = contents.memoryBytes
        switch plan {
        case .byUser: try reducer.reduceByUser(contents, bytesMax: bytesMax)
        case .byRequest: try reducer.reduceByIdentity(contents, bytesMax: bytesMax)
        }
        pool.callIn(bytes, leaving: Self.readingBytes)
      } finish: { () throws(SpillError) in
        try reducers[index].finish()
      }
    }
  }
}
