public import CBytes

/// Brings together the records of one key, whoever wrote them: a fixed number of buckets, each a
/// list of chunks in memory and, beyond the pool's bound, on disk.
@safe
public final class Shuffle: @unchecked Sendable {
  /// The buckets of a shuffle whose records may take so much memory, as a power of two.
  ///
  /// Fewer are faster to write into: their last lines stay in a core's nearest cache. More are needed
  /// where memory is small, so that a bucket of a large log still fits into it.
  public static func bucketBits(memoryBytes: Int) -> Int { memoryBytes < 256 << 20 ? 8 : 7 }

  /// What a bucket holds.
  public struct Bucket: Sendable {
    public var chunks: [Chunk] = []
    public var extents: [Extent] = []
    /// Memory that the bucket takes when all of it is read back.
    public var memoryBytes: Int {
      chunks.reduce(0) { $0 + $1.size } + extents.reduce(0) { $0 + $1.memoryBytes }
    }
  }

  public let pool: ChunkPool
  public let spill: SpillFile
  private let lock = Lock()
  public let bucketBits: Int
  /// Whether its chunks lie in one place of the pool, whatever their bucket.
  let isApart: Bool
  private var buckets: [Bucket]

  /// - Parameter isApart: whether its buckets are taken later than those of others: chunks of both do not lie side by
  ///   side then, and those of the others can be given back together.
  public init(pool: ChunkPool, spill: SpillFile, isApart: Bool = false) {
    self.isApart = isApart
    self.pool = pool
    self.spill = spill
    bucketBits = Self.bucketBits(memoryBytes: pool.bytesMax)
    buckets = Array(repeating: Bucket(), count: 1 << bucketBits)
  }

  deinit {
    for bucket in buckets {
      for chunk in bucket.chunks { pool.give(back: chunk) }
      pool.discharge(bucket.extents.count * Extent.ownBytes)
    }
  }

  public var bucketCount: Int { 1 << bucketBits }

  func add(_ chunk: Chunk, to bucket: Int) {
    lock.withLock { buckets[bucket].chunks.append(chunk) }
  }

  func add(_ extent: Extent, to bucket: Int) {
    pool.charge(Extent.ownBytes)
    lock.withLock { buckets[bucket].extents.append(extent) }
  }

  /// Hands a bucket over; the receiver gives its chunks back to the pool.
  public func take(_ bucket: Int) -> Bucket {
    let contents = lock.withLock {
      defer { buckets[bucket] = Bucket() }
      return buckets[bucket]
    }
    pool.discharge(contents.extents.count * Extent.ownBytes)
    return contents
  }

  /// Memory that the largest bucket takes, and how much of that is on disk as yet.
  public var largestBucket: (memoryBytes: Int, spilledBytes: Int) {
    lock.withLock {
      buckets.reduce((0, 0)) { largest, bucket in
        let spilled = bucket.extents.reduce(0) { $0 + $1.memoryBytes }
        return (max(largest.0, bucket.memoryBytes), max(largest.1, spilled))
      }
    }
  }

  /// Moves chunks to disk until the pool has room for `bytes`, the last buckets first.
  public func makeRoom(_ bytes: Int, threads: Int) throws(SpillError) {
    guard pool.bytesFree < bytes else { return }
    let next = Counter()
    let sum = Sum(())
    Workers.run(threads) { [self] _ in
      sum.add { () throws(SpillError) in
        let writer = SpillWriter(spill)
        while pool.bytesFree < bytes, let number = next.next(below: bucketCount) {
          try makeRoom(bytes, from: bucketCount - 1 - number, writer)
        }
        try writer.flush()
      } merge: { _, _ in
      }
    }
    try sum.value()
  }

  private func makeRoom(_ bytes: Int, from bucket: Int, _ writer: SpillWriter) throws(SpillError) {
    var contents = take(bucket)
    while pool.bytesFree < bytes, let chunk = contents.chunks.popLast() {
      contents.extents.append(try writer.write(chunk))
      pool.give(back: chunk)
    }
    pool.charge(contents.extents.count * Extent.ownBytes)
    lock.withLock {
      buckets[bucket].chunks += contents.chunks
      buckets[bucket].extents += contents.extents
    }
  }
}

/// Writes records of one thread into a shuffle's buckets.
@safe
public final class ShuffleWriter {
  @frozen
  @safe
  @usableFromInline
  struct Cursor {
    @usableFromInline var base: UnsafeMutableRawPointer?
    @usableFromInline var recordEnd: UInt32 = 0
    @usableFromInline var textStart: UInt32 = 0
    @usableFromInline init() { unsafe base = nil }
  }

  /// Room for one record and its texts.
  @frozen
  @safe
  public struct Room {
    public let record: UnsafeMutableRawPointer
    public let chunk: Chunk
    /// Where in the chunk the record's texts go.
    public let textOffset: Int

    @inlinable
    init(record: UnsafeMutableRawPointer, chunk: Chunk, textOffset: Int) {
      unsafe self.record = unsafe record
      self.chunk = chunk
      self.textOffset = textOffset
    }
  }

  private let shuffle: Shuffle
  private let spillWriter: SpillWriter
  @usableFromInline let cursors: UnsafeMutablePointer<Cursor>
  /// A key's bucket is the highest bits of its hash.
  @usableFromInline let hashShift: UInt64
  /// The first failure to spill; what was to be written since is lost, and so is the run.
  public private(set) var failure: SpillError?

  public init(_ shuffle: Shuffle) {
    self.shuffle = shuffle
    spillWriter = SpillWriter(shuffle.spill)
    hashShift = UInt64(64 - shuffle.bucketBits)
    unsafe cursors = .allocate(capacity: shuffle.bucketCount)
    unsafe cursors.initialize(repeating: Cursor(), count: shuffle.bucketCount)
  }

  deinit { unsafe cursors.deallocate() }

  /// Makes room in a key's bucket for a record of `stride` bytes and `textBytes` of texts; the
  /// caller fills both.
  ///
  /// - Parameter hash: that of the key.
  @inlinable
  @inline(__always)
  public func room(forHash hash: UInt64, stride: Int, textBytes: Int) -> Room {
    let bucket = Int(truncatingIfNeeded: hash &>> hashShift)
    let cursor = unsafe cursors + bucket
    if unsafe Int(cursor.pointee.recordEnd) &+ stride &+ textBytes
      > Int(cursor.pointee.textStart)
    {
      renew(bucket, stride &+ textBytes)
    }
    let base = unsafe cursor.pointee.base!
    let recordEnd = unsafe Int(cursor.pointee.recordEnd)
    let textStart = unsafe Int(cursor.pointee.textStart) &- textBytes
    // The line that this bucket's next record reaches into is on its way when that record comes.
    unsafe duizhang_prefetch(base + (recordEnd &+ 2 &* stride &- 1))
    unsafe cursor.pointee.recordEnd = UInt32(truncatingIfNeeded: recordEnd &+ stride)
    unsafe cursor.pointee.textStart = UInt32(truncatingIfNeeded: textStart)
    return unsafe Room(
      record: base + recordEnd, chunk: Chunk(base: base), textOffset: textStart)
  }

  /// Passes the bucket's chunk on and starts another.
  @usableFromInline
  func renew(_ bucket: Int, _ needed: Int) {
    let isOrdinary = needed + Chunk.headerBytes <= Chunk.bytesOrdinary
    let reusable = passOn(bucket, keepsMemory: isOrdinary)
    let chunk =
      reusable
      ?? shuffle.pool.take(
        size: isOrdinary ? Chunk.bytesOrdinary : needed + Chunk.headerBytes,
        near: shuffle.isApart ? 0 : UInt64(bucket) << hashShift)
    chunk.clear(size: chunk.size)
    let cursor = unsafe cursors + bucket
    unsafe cursor.pointee.base = chunk.base
    unsafe cursor.pointee.recordEnd = UInt32(chunk.recordEnd)
    unsafe cursor.pointee.textStart = UInt32(chunk.textStart)
  }

  /// - Returns: the chunk's memory for further use, where its content went to disk.
  private func passOn(_ bucket: Int, keepsMemory: Bool) -> Chunk? {
    let cursor = unsafe cursors + bucket
    guard let base = unsafe cursor.pointee.base else { return nil }
    let chunk = unsafe Chunk(base: base)
    chunk.recordEnd = unsafe Int(cursor.pointee.recordEnd)
    chunk.textStart = unsafe Int(cursor.pointee.textStart)
    unsafe cursor.pointee.base = nil
    guard shuffle.pool.isFull else {
      shuffle.add(chunk, to: bucket)
      return nil
    }
    do throws(SpillError) {
      shuffle.add(try spillWriter.write(chunk), to: bucket)
    } catch {
      failure = failure ?? error
    }
    if keepsMemory && chunk.size == Chunk.bytesOrdinary { return chunk }
    shuffle.pool.give(back: chunk)
    return nil
  }

  /// Passes all chunks on; to be called once, after the last record.
  public func finish() throws(SpillError) {
    for bucket in 0..<shuffle.bucketCount {
      if let chunk = passOn(bucket, keepsMemory: false) { shuffle.pool.give(back: chunk) }
      unsafe (cursors + bucket).pointee.recordEnd = 0
      unsafe (cursors + bucket).pointee.textStart = 0
    }
    try spillWriter.flush()
    if let failure { throw failure }
  }
}
