internal import Glibc

/// Where chunks come from and go back to, with an account of how much memory they take.
///
/// Memory is taken from the system in slabs, which are kept until the pool goes; pages of free
/// chunks are given back where what is charged, or what was lent, needs the room. Chunks of
/// neighbouring buckets lie together, in a region: one that is free as a whole is given back at once,
/// where a chunk at a time would have all threads wait for the system each time.
@safe
public final class ChunkPool: @unchecked Sendable {
  /// Pages that are taken from the system at once.
  private static let stepBytes = 64 * 1024
  private static let slabBytes = 1024 * 1024
  /// Regions are told by so many of the highest bits of what their chunks are taken for.
  private static let regionBits: UInt64 = 6
  /// `MADV_POPULATE_WRITE` of Linux 5.14; older kernels refuse it, and that does no harm.
  private static let populateWrite: Int32 = 23

  /// The chunks of some buckets.
  private struct Region {
    var free: [Chunk] = []
    /// Free chunks whose pages were given back to the system.
    var vacated: [Chunk] = []
    var slabs: [Slab] = []
    /// Bytes of the last slab that are in use or were.
    var lastBytes = slabBytes
    /// Chunks that somebody has.
    var taken = 0
  }

  /// Memory of the system's that chunks are made of.
  @safe
  private struct Slab: @unchecked Sendable {
    let base: UnsafeMutableRawPointer

    init() { unsafe base = ChunkPool.allocate(slabBytes) }

    func free() { unsafe Glibc.free(base) }

    func chunk(at offset: Int) -> Chunk { unsafe Chunk(base: base + offset) }

    /// Gives the first pages back to the system.
    func vacate(_ bytes: Int = slabBytes) { unsafe madvise(base, bytes, MADV_DONTNEED) }
  }

  private let lock = Lock()
  private var regions = [Region](repeating: Region(), count: 1 << regionBits)
  /// Free chunks of all regions, and vacated ones.
  private var freeCount = 0
  private var vacatedCount = 0
  /// Bytes of slabs that have pages.
  private var bytesResident = 0
  private var bytesCharged = 0
  /// Bytes of chunks that are taken, and of what is charged.
  private var bytesInUse = 0
  /// Bytes that chunks should not exceed when all that was lent is called in.
  public let bytesMax: Int
  /// What chunks may take beyond, for now.
  private var bytesLent: Int

  /// - Parameters:
  ///   - bytesMax: what chunks may take; writers spill at this bound.
  ///   - bytesLent: what they may take beyond until ``callIn(_:leaving:)``: memory that its owner needs later.
  public init(bytesMax: Int, lending bytesLent: Int = 0) {
    self.bytesMax = max(bytesMax, 1 << 20)
    self.bytesLent = bytesLent
  }

  private var bound: Int { bytesMax + bytesLent }

  deinit {
    for region in regions {
      for slab in region.slabs { slab.free() }
    }
  }

  // MARK: - Chunks

  /// A chunk for ordinary records, or for one whose texts need more room.
  ///
  /// - Parameters:
  ///   - size: bytes in all, at least ``Chunk/bytesOrdinary``.
  ///   - hash: what is given back together has the same highest bits, if it can be.
  public func take(size: Int = Chunk.bytesOrdinary, near hash: UInt64 = 0) -> Chunk {
    if size > Chunk.bytesOrdinary {
      lock.withLock { bytesInUse += size }
      let chunk = unsafe Chunk(base: Self.allocate(size))
      chunk.clear(size: size)
      return chunk
    }
    let wanted = Int(truncatingIfNeeded: hash >> (64 - Self.regionBits))
    let (chunk, region, isNew) = lock.withLock {
      bytesInUse += size
      let known = popFree(wanted) ?? popVacated(wanted)
      let (chunk, region) = known ?? (beginStep(wanted), wanted)
      regions[region].taken += 1
      return (chunk, region, known == nil)
    }
    if isNew { populate(chunk, region) }
    chunk.clear(size: size)
    chunk.region = region
    return chunk
  }

  /// A free chunk of a region; of another one where there is no room for more pages.
  private func popFree(_ wanted: Int) -> (Chunk, region: Int)? {
    guard freeCount > 0 else { return nil }
    var region = wanted
    if regions[wanted].free.isEmpty {
      guard bytesResident + bytesCharged + Self.stepBytes > bound,
        let other = regions.firstIndex(where: { !$0.free.isEmpty })
      else { return nil }
      region = other
    }
    freeCount -= 1
    return (regions[region].free.removeLast(), region)
  }

  /// A chunk whose pages come again when it is written to.
  private func popVacated(_ wanted: Int) -> (Chunk, region: Int)? {
    guard vacatedCount > 0 else { return nil }
    var region = wanted
    if regions[wanted].vacated.isEmpty {
      guard let other = regions.firstIndex(where: { !$0.vacated.isEmpty }) else { return nil }
      region = other
    }
    vacatedCount -= 1
    bytesResident += Chunk.bytesOrdinary
    return (regions[region].vacated.removeLast(), region)
  }

  /// Sets some chunks of a region apart.
  ///
  /// - Returns: the first of them.
  private func beginStep(_ region: Int) -> Chunk {
    if regions[region].lastBytes == Self.slabBytes {
      regions[region].slabs.append(Slab())
      regions[region].lastBytes = 0
    }
    let chunk = regions[region].slabs[regions[region].slabs.count - 1]
      .chunk(at: regions[region].lastBytes)
    regions[region].lastBytes += Self.stepBytes
    bytesResident += Self.stepBytes
    return chunk
  }

  /// Takes the pages of chunks that were set apart from the system.
  ///
  /// Not under the lock: it takes the system a while to find the pages, and other threads go on.
  private func populate(_ first: Chunk, _ region: Int) {
    // All at once: a page at a time, each first touch would be a trap of its own. Not as huge
    // pages, which the system may have to clear room for first.
    unsafe madvise(first.base, Self.stepBytes, Self.populateWrite)
    lock.withLock {
      for offset in stride(from: Chunk.bytesOrdinary, to: Self.stepBytes, by: Chunk.bytesOrdinary) {
        regions[region].free.append(unsafe Chunk(base: first.base + offset))
        freeCount += 1
      }
    }
  }

  public func give(back chunk: Chunk) {
    let size = chunk.size
    let region = chunk.region
    lock.withLock {
      bytesInUse -= size
      if size > Chunk.bytesOrdinary {
        unsafe Glibc.free(chunk.base)
      } else {
        regions[region].free.append(chunk)
        regions[region].taken -= 1
        freeCount += 1
      }
    }
  }

  private static func allocate(_ size: Int) -> UnsafeMutableRawPointer {
    var memory: UnsafeMutableRawPointer?
    guard unsafe posix_memalign(&memory, Chunk.alignment, size) == 0, let memory = unsafe memory
    else {
      preconditionFailure("out of memory")
    }
    return unsafe memory
  }

  // MARK: - The account

  /// Whether another chunk would exceed the bound.
  public var isFull: Bool { lock.withLock { bytesInUse + Chunk.bytesOrdinary > bound } }

  /// Bytes that may still be taken.
  public var bytesFree: Int { lock.withLock { bound - bytesInUse } }

  /// Counts memory that is not in chunks but grows with them.
  public func charge(_ bytes: Int) {
    lock.withLock {
      bytesInUse += bytes
      bytesCharged += bytes
      vacateBeyondBound()
    }
  }

  public func discharge(_ bytes: Int) {
    lock.withLock {
      bytesInUse -= bytes
      bytesCharged -= bytes
    }
  }

  /// Takes back as much of what was lent, as far as more than `rest` bytes are. Regions of free chunks are given
  /// back at once; the others are, when somebody charges or calls in more.
  public func callIn(_ bytes: Int, leaving rest: Int = 0) {
    lock.withLock {
      bytesLent -= max(0, min(bytes, bytesLent - rest))
      vacateRegionsBeyondBound()
    }
  }

  // MARK: - Giving pages back

  private var isBeyondBound: Bool { bytesResident + bytesCharged > bound }

  /// Gives pages of free chunks back to the system, as far as there are more than there should be.
  public func trim() { lock.withLock { vacateBeyondBound() } }

  private func vacateBeyondBound() {
    vacateRegionsBeyondBound()
    vacateChunksBeyondBound()
  }

  /// Where there are too many pages, gives regions back to the system of which no chunk is taken. Under the lock.
  private func vacateRegionsBeyondBound() {
    guard isBeyondBound else { return }
    for region in regions.indices
    where regions[region].taken == 0 && !regions[region].free.isEmpty {
      for slab in regions[region].slabs.dropLast() { slab.vacate() }
      regions[region].slabs.last?.vacate(regions[region].lastBytes)
      noteVacated(region, regions[region].free.count)
      guard isBeyondBound else { return }
    }
  }

  /// Likewise chunk by chunk, which takes longer. Under the lock.
  private func vacateChunksBeyondBound() {
    for region in regions.indices {
      while isBeyondBound, let chunk = regions[region].free.last {
        unsafe madvise(chunk.base, Chunk.bytesOrdinary, MADV_DONTNEED)
        noteVacated(region, 1)
      }
    }
  }

  /// The last free chunks of a region have no pages any more.
  private func noteVacated(_ region: Int, _ count: Int) {
    regions[region].vacated += regions[region].free.suffix(count)
    regions[region].free.removeLast(count)
    freeCount -= count
    vacatedCount += count
    bytesResident -= count * Chunk.bytesOrdinary
  }

  /// Gives all pages back to the system where no chunk is taken, which takes a while where there are many; once.
  /// Nobody may take a chunk before it returns.
  public func vacate(threads: Int) {
    let slabs: [Slab] = lock.withLock {
      guard bytesInUse == bytesCharged, bytesResident > 0 else { return [] }
      for region in regions.indices { noteVacated(region, regions[region].free.count) }
      return regions.flatMap(\.slabs)
    }
    guard !slabs.isEmpty else { return }
    let next = Counter()
    Workers.run(threads) { _ in
      while let index = next.next(below: slabs.count) { slabs[index].vacate() }
    }
  }
}
