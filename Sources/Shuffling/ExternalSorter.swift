public import CBytes

/// A record of fixed size that can leave its chunk and take its texts with it.
public protocol ChunkRecord: BitwiseCopyable {
  /// Bytes of texts that lie in the record's chunk.
  func externalBytes(in chunk: Chunk) -> Int

  /// Copies those texts into another chunk and points to them there.
  mutating func moveTexts(from source: Chunk, to target: Chunk, at offset: Int)
}

/// A total order of records, with two numbers that decide most comparisons.
public protocol RecordOrder: Sendable {
  associatedtype Record: ChunkRecord

  /// Whether the first of the keys spreads evenly, as hashes do, between the smallest and the largest.
  static var firstKeyIsHash: Bool { get }

  /// Numbers that order records as far as they differ.
  func keys(_ record: UnsafePointer<Record>) -> (UInt64, Int64)

  /// Whether the left record comes first, where the keys are equal.
  func precedes(_ left: UnsafePointer<Record>, _ right: UnsafePointer<Record>) -> Bool
}

/// A record's place in a sort.
@frozen
@safe
public struct SortEntry<Record> {
  public let first: UInt64
  public let second: Int64
  public let record: UnsafePointer<Record>

  @inlinable
  public init(first: UInt64, second: Int64, record: UnsafePointer<Record>) {
    self.first = first
    self.second = second
    unsafe self.record = unsafe record
  }
}

extension RecordOrder {
  @inlinable
  public static var firstKeyIsHash: Bool { false }

  @inlinable
  @inline(__always)
  public func entry(_ record: UnsafePointer<Record>) -> SortEntry<Record> {
    let (first, second) = unsafe keys(record)
    return unsafe SortEntry(first: first, second: second, record: record)
  }

  @inlinable
  @inline(__always)
  public func comes(_ left: SortEntry<Record>, before right: SortEntry<Record>) -> Bool {
    if left.first != right.first { return left.first < right.first }
    if left.second != right.second { return left.second < right.second }
    return unsafe precedes(left.record, right.record)
  }
}

/// Sorts records of any number in bounded memory: runs are sorted in memory and put aside on disk
/// where the pool is full, then merged.
@safe
public final class ExternalSorter<Order: RecordOrder> {
  public typealias Record = Order.Record

  /// How many records ahead of the one at hand are on their way into the cache.
  @inlinable static var prefetchDistance: Int { 8 }

  /// Chunks that a sorter may always keep, so that runs have a useful length.
  @inlinable static var chunksMin: Int { 64 }

  /// Memory that sorting a chunk's records takes beside the chunk: an entry for each, and half as
  /// much again while they are sorted, or as much again where they are spread by a hash.
  @inlinable
  static var entryBytesOfChunk: Int {
    Chunk.bytesOrdinary / MemoryLayout<Record>.stride * MemoryLayout<SortEntry<Record>>.stride
      * (Order.firstKeyIsHash ? 4 : 3) / 2
  }

  @usableFromInline let order: Order
  @usableFromInline let pool: ChunkPool
  @usableFromInline let spill: SpillFile
  @usableFromInline var chunks: [Chunk] = []
  @usableFromInline var runs: [[Extent]] = []
  @usableFromInline var sorted: [SortEntry<Record>] = []

  @inlinable
  public init(order: Order, pool: ChunkPool, spill: SpillFile) {
    self.order = order
    self.pool = pool
    self.spill = spill
  }

  deinit { releaseChunks() }

  @inlinable
  func releaseChunks() {
    for chunk in chunks { pool.give(back: chunk) }
    pool.discharge(chunks.count * Self.entryBytesOfChunk)
    chunks.removeAll(keepingCapacity: true)
  }

  /// Copies a record and its texts.
  ///
  /// - Parameter source: the chunk that its texts lie in.
  @inlinable
  public func append(_ record: Record, textsIn source: Chunk) throws(SpillError) {
    let textBytes = record.externalBytes(in: source)
    if let last = chunks.last, Self.store(record, source, textBytes, in: last) { return }
    if chunks.count >= Self.chunksMin && pool.isFull { try spillRun() }
    let chunk = Self.makeChunk(for: textBytes, from: pool)
    pool.charge(Self.entryBytesOfChunk)
    chunks.append(chunk)
    let isStored = Self.store(record, source, textBytes, in: chunk)
    precondition(isStored, "a new chunk has room")
  }

  /// Takes over the records of a bucket, and its chunks without a copy.
  @inlinable
  public func append(contentsOf bucket: Shuffle.Bucket) throws(SpillError) {
    for chunk in bucket.chunks { try adopt(chunk) }
    var scratch: [UInt8] = []
    for extent in bucket.extents {
      try adopt(try spill.read(extent, from: pool, scratch: &scratch))
    }
  }

  @inlinable
  func adopt(_ chunk: Chunk) throws(SpillError) {
    if chunks.count >= Self.chunksMin && pool.isFull { try spillRun() }
    pool.charge(Self.entryBytesOfChunk)
    chunks.append(chunk)
  }

  @inlinable
  static func makeChunk(for textBytes: Int, from pool: ChunkPool) -> Chunk {
    let needed = Chunk.headerBytes + MemoryLayout<Record>.stride + textBytes
    return pool.take(size: max(needed, Chunk.bytesOrdinary))
  }

  @inlinable
  static func store(
    _ record: Record, _ source: Chunk, _ textBytes: Int, in chunk: Chunk
  ) -> Bool {
    let stride = MemoryLayout<Record>.stride
    let end = chunk.recordEnd
    guard end + stride + textBytes <= chunk.textStart, end < Chunk.alignment else { return false }
    var copy = record
    if textBytes > 0 {
      chunk.textStart -= textBytes
      copy.moveTexts(from: source, to: chunk, at: chunk.textStart)
    }
    unsafe (chunk.base + end).storeBytes(of: copy, as: Record.self)
    chunk.recordEnd = end + stride
    return true
  }

  @inlinable
  func sortedEntries() -> [SortEntry<Record>] {
    var entries: [SortEntry<Record>] = []
    entries.reserveCapacity(
      chunks.count * Chunk.bytesOrdinary / MemoryLayout<Record>.stride)
    for chunk in chunks {
      let records = unsafe chunk.records(as: Record.self)
      guard let base = records.baseAddress else { continue }
      for index in 0..<records.count { unsafe entries.append(order.entry(base + index)) }
    }
    let order = order
    if Order.firstKeyIsHash { return Self.sortedByHash(entries, order) }
    entries.sort { order.comes($0, before: $1) }
    return entries
  }

  /// Spreads entries over so many parts that each has a few, and sorts these.
  @inlinable
  static func sortedByHash(
    _ entries: [SortEntry<Record>], _ order: Order
  ) -> [SortEntry<Record>] {
    guard let some = entries.first, entries.count > 1 else { return entries }
    var (least, most) = (some.first, some.first)
    for entry in entries {
      least = min(least, entry.first)
      most = max(most, entry.first)
    }
    let bits = max(entries.count / 4, 1).bitWidth - max(entries.count / 4, 1).leadingZeroBitCount
    let width = 64 - (most - least).leadingZeroBitCount
    let shift = UInt64(max(width - bits, 0))
    var starts = [UInt32](repeating: 0, count: Int((most - least) >> shift) + 2)
    for entry in entries { starts[Int((entry.first - least) >> shift) + 1] += 1 }
    for part in 1..<starts.count { starts[part] += starts[part - 1] }
    let sorted = unsafe [SortEntry<Record>](unsafeUninitializedCapacity: entries.count) {
      room, count in
      guard let base = room.baseAddress else { return }
      for entry in entries {
        let part = Int((entry.first - least) >> shift)
        unsafe (base + Int(starts[part])).initialize(to: entry)
        starts[part] += 1
      }
      // Each part now begins where the one before it ends.
      var begin = 0
      for part in 0..<starts.count - 1 {
        let end = Int(starts[part])
        if end - begin > 1 {
          unsafe sortPart(
            UnsafeMutableBufferPointer(rebasing: room[begin..<end]), order)
        }
        begin = end
      }
      count = entries.count
    }
    return sorted
  }

  /// Sorts a few entries, or many of one hash.
  @inlinable
  static func sortPart(_ part: UnsafeMutableBufferPointer<SortEntry<Record>>, _ order: Order) {
    if part.count > 24 {
      var rest = unsafe part
      unsafe rest.sort { order.comes($0, before: $1) }
      return
    }
    for index in 1..<part.count {
      let entry = unsafe part[index]
      var place = index
      while unsafe place > 0 && order.comes(entry, before: part[place - 1]) {
        unsafe part[place] = part[place - 1]
        place -= 1
      }
      unsafe part[place] = entry
    }
  }

  @inlinable
  func spillRun() throws(SpillError) {
    let writer = SpillWriter(spill)
    var run: [Extent] = []
    var output = Self.makeChunk(for: 0, from: pool)
    for entry in sortedEntries() {
      let record = unsafe entry.record.pointee
      let source = unsafe Chunk(containing: entry.record)
      let textBytes = record.externalBytes(in: source)
      if Self.store(record, source, textBytes, in: output) { continue }
      run.append(try writer.write(output))
      pool.give(back: output)
      output = Self.makeChunk(for: textBytes, from: pool)
      let isStored = Self.store(record, source, textBytes, in: output)
      precondition(isStored, "a new chunk has room")
    }
    run.append(try writer.write(output))
    pool.give(back: output)
    try writer.flush()
    runs.append(run)
    releaseChunks()
  }

  /// Sorts what is in memory; to be called once, after the last record.
  @inlinable
  public func finish() { sorted = sortedEntries() }

  /// The sorted sequences that together are all records.
  @inlinable
  func cursors() -> [RunCursor<Record>] {
    runs.map { RunCursor(extents: $0, pool: pool, spill: spill) }
      + (sorted.isEmpty
        ? []
        : [
          RunCursor(sorted: sorted, 0..<sorted.count, pool: pool, spill: spill)
        ])
  }

  /// Calls `body` with every record of several finished sorters, in order.
  ///
  /// - Parameter body: a record, valid for this call only; returns whether to go on.
  @inlinable
  public static func forEach(
    in sorters: [ExternalSorter], _ body: (UnsafePointer<Record>) -> Bool
  ) throws(SpillError) {
    try unsafe merge(sorters.flatMap { $0.cursors() }, sorters.first?.order, body)
  }

  /// Cuts the records of several finished sorters into stretches of `recordCount`, the last one perhaps of
  /// fewer, that follow one another in order; each is a range of every sorter's own records.
  ///
  /// - Returns: `nil` where records are on disk, and can only be read from first to last.
  @inlinable
  public static func stretches(of sorters: [ExternalSorter], recordCount: Int) -> [[Range<Int>]]? {
    guard sorters.allSatisfy({ $0.runs.isEmpty }), let order = sorters.first?.order else {
      return nil
    }
    let total = sorters.reduce(0) { $0 + $1.sorted.count }
    var stretches: [[Range<Int>]] = []
    var starts = sorters.map { _ in 0 }
    for rank in stride(from: recordCount, to: total, by: recordCount) {
      let ends = places(ofRank: rank, in: sorters, order)
      stretches.append(zip(starts, ends).map { $0..<$1 })
      starts = ends
    }
    stretches.append(zip(starts, sorters).map { $0..<$1.sorted.count })
    return stretches
  }

  /// For each sorter, how many of its records are among the first `rank` of all; no two are equal.
  @inlinable
  static func places(
    ofRank rank: Int, in sorters: [ExternalSorter], _ order: Order
  ) -> [Int] {
    for sorter in sorters {
      // The first of this sorter's records that has so many before it.
      var low = 0
      var high = sorter.sorted.count
      while low < high {
        let middle = (low + high) / 2
        let places = sorters.map { lowerBound($0.sorted, sorter.sorted[middle], order) }
        let before = places.reduce(0, +)
        if before == rank { return places }
        if before < rank { low = middle + 1 } else { high = middle }
      }
    }
    preconditionFailure("one of the records has any rank below their number")
  }

  /// The place of the first entry that does not come before another.
  @inlinable
  static func lowerBound(
    _ entries: [SortEntry<Record>], _ bound: SortEntry<Record>, _ order: Order
  ) -> Int {
    var low = 0
    var high = entries.count
    while low < high {
      let middle = (low + high) / 2
      if order.comes(entries[middle], before: bound) { low = middle + 1 } else { high = middle }
    }
    return low
  }

  /// Calls `body` with every record of a stretch, in order; stretches may be read at the same time.
  @inlinable
  public static func forEach(
    in sorters: [ExternalSorter], stretch: [Range<Int>],
    _ body: (UnsafePointer<Record>) -> Bool
  ) {
    var cursors: [RunCursor<Record>] = []
    for (sorter, range) in zip(sorters, stretch) where !range.isEmpty {
      cursors.append(
        RunCursor(sorted: sorter.sorted, range, pool: sorter.pool, spill: sorter.spill))
    }
    do throws(SpillError) {
      try unsafe merge(cursors, sorters.first?.order, body)
    } catch {
      preconditionFailure("a stretch is read from memory")
    }
  }

  @inlinable
  static func merge(
    _ cursors: [RunCursor<Record>], _ order: Order?, _ body: (UnsafePointer<Record>) -> Bool
  ) throws(SpillError) {
    guard let order else { return }
    if cursors.count == 1, let only = cursors.first, only.extents.isEmpty {
      for index in only.nextIndex..<only.sortedEnd {
        // The next records are on their way meanwhile.
        if index + prefetchDistance < only.sortedEnd {
          unsafe duizhang_prefetch(only.sorted[index + prefetchDistance].record)
        }
        guard unsafe body(only.sorted[index].record) else { return }
      }
      return
    }
    // A heap of cursors, the one with the first record on top.
    var heap: [(entry: SortEntry<Record>, cursor: RunCursor<Record>)] = []
    func siftDown(_ start: Int) {
      var parent = start
      while true {
        var least = parent
        for child in [2 * parent + 1, 2 * parent + 2]
        where child < heap.count && order.comes(heap[child].entry, before: heap[least].entry) {
          least = child
        }
        if least == parent { return }
        heap.swapAt(least, parent)
        parent = least
      }
    }
    for cursor in cursors {
      if let first = try cursor.next(order) { heap.append((first, cursor)) }
    }
    for index in stride(from: heap.count / 2 - 1, through: 0, by: -1) { siftDown(index) }
    while let top = heap.first {
      guard unsafe body(top.entry.record) else { return }
      if let next = try top.cursor.next(order) {
        heap[0].entry = next
      } else {
        heap.swapAt(0, heap.count - 1)
        heap.removeLast()
      }
      if heap.count > 1 { siftDown(0) }
    }
  }
}

/// Reads one sorted run, from memory or from disk.
@usableFromInline
@safe
final class RunCursor<Record: ChunkRecord> {
  @usableFromInline let pool: ChunkPool
  @usableFromInline let spill: SpillFile
  @usableFromInline let sorted: [SortEntry<Record>]
  @usableFromInline let sortedEnd: Int
  @usableFromInline let extents: [Extent]
  @usableFromInline var nextIndex = 0
  @usableFromInline var nextExtent = 0
  @usableFromInline var chunk: Chunk?
  @usableFromInline var scratch: [UInt8] = []

  @inlinable
  init(sorted: [SortEntry<Record>], _ range: Range<Int>, pool: ChunkPool, spill: SpillFile) {
    self.sorted = sorted
    nextIndex = range.lowerBound
    sortedEnd = range.upperBound
    extents = []
    self.pool = pool
    self.spill = spill
  }

  @inlinable
  init(extents: [Extent], pool: ChunkPool, spill: SpillFile) {
    sorted = []
    sortedEnd = 0
    self.extents = extents
    self.pool = pool
    self.spill = spill
  }

  deinit { if let chunk { pool.give(back: chunk) } }

  /// The next record; the one before it is no longer valid.
  @inlinable
  func next<Order: RecordOrder>(
    _ order: Order
  ) throws(SpillError) -> SortEntry<Record>? where Order.Record == Record {
    if extents.isEmpty {
      guard nextIndex < sortedEnd else { return nil }
      defer { nextIndex += 1 }
      return sorted[nextIndex]
    }
    while true {
      if let chunk {
        let records = unsafe chunk.records(as: Record.self)
        if let base = records.baseAddress, nextIndex < records.count {
          defer { nextIndex += 1 }
          return unsafe order.entry(base + nextIndex)
        }
        pool.give(back: chunk)
        self.chunk = nil
      }
      guard nextExtent < extents.count else { return nil }
      chunk = try spill.read(extents[nextExtent], from: pool, scratch: &scratch)
      nextExtent += 1
      nextIndex = 0
    }
  }
}
