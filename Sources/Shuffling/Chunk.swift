internal import Glibc

/// A piece of memory that holds records of one fixed size, and the long texts that they refer to.
///
/// Records grow from the front, texts from the back. Chunks begin at multiples of
/// ``alignment``, and every record lies in the first ``alignment`` bytes, so that the address of a
/// record tells its chunk, and with it where its texts are: a sort can move bare pointers.
@frozen
@safe
public struct Chunk: @unchecked Sendable {
  /// Bytes of an ordinary chunk; one that holds a text too long for that is larger.
  public static let bytesOrdinary = 8 * 1024
  @usableFromInline static let alignment = 8 * 1024
  public static let headerBytes = 16

  public let base: UnsafeMutableRawPointer

  @inlinable
  public init(base: UnsafeMutableRawPointer) { unsafe self.base = unsafe base }

  /// The chunk that a record lies in.
  @inlinable
  @inline(__always)
  public init(containing record: UnsafeRawPointer) {
    let address = UInt(bitPattern: record) & ~UInt(Self.alignment - 1)
    unsafe base = UnsafeMutableRawPointer(bitPattern: address)!
  }

  // The header: size, end of the records, begin of the texts; 32 bits each.
  @inlinable
  public var size: Int {
    get { unsafe Int(base.load(as: UInt32.self)) }
    nonmutating set { unsafe base.storeBytes(of: UInt32(newValue), as: UInt32.self) }
  }

  @inlinable
  public var recordEnd: Int {
    get { unsafe Int(base.load(fromByteOffset: 4, as: UInt32.self)) }
    nonmutating set {
      unsafe base.storeBytes(of: UInt32(newValue), toByteOffset: 4, as: UInt32.self)
    }
  }

  @inlinable
  public var textStart: Int {
    get { unsafe Int(base.load(fromByteOffset: 8, as: UInt32.self)) }
    nonmutating set {
      unsafe base.storeBytes(of: UInt32(newValue), toByteOffset: 8, as: UInt32.self)
    }
  }

  /// Empties the chunk.
  @inlinable
  public func clear(size: Int) {
    self.size = size
    recordEnd = Self.headerBytes
    textStart = size
  }

  /// How many records there are of so many bytes each.
  @inlinable
  public func recordCount(stride: Int) -> Int { (recordEnd - Self.headerBytes) / stride }

  /// The records, as their type.
  @inlinable
  public func records<Record: BitwiseCopyable>(
    as type: Record.Type
  ) -> UnsafeMutableBufferPointer<Record> {
    let count = (recordEnd - Self.headerBytes) / MemoryLayout<Record>.stride
    return unsafe UnsafeMutableBufferPointer(
      start: (base + Self.headerBytes).assumingMemoryBound(to: Record.self), count: count)
  }
}

/// Where chunks come from and go back to, with an account of how much memory they take.
///
/// Memory is taken from the system in slabs, which are kept until the pool goes; pages of free
/// chunks are given back where what is charged needs the room.
@safe
public final class ChunkPool: @unchecked Sendable {
  static let slabBytes = 2 * 1024 * 1024
  /// `MADV_POPULATE_WRITE` of Linux 5.14; older kernels refuse it, and that does no harm.
  private static let populateWrite: Int32 = 23

  private let lock = Lock()
  private var free: [UnsafeMutableRawPointer] = unsafe []
  private var slabs: [UnsafeMutableRawPointer] = unsafe []
  /// Free chunks whose pages were given back to the system.
  private var vacated: [UnsafeMutableRawPointer] = unsafe []
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
  ///   - bytesLent: what they may take beyond until ``callIn(_:)``: memory that its owner needs later.
  public init(bytesMax: Int, lending bytesLent: Int = 0) {
    self.bytesMax = max(bytesMax, Self.slabBytes / 2)
    self.bytesLent = bytesLent
  }

  private var bound: Int { bytesMax + bytesLent }

  deinit {
    for index in unsafe slabs.indices { unsafe Glibc.free(slabs[index]) }
  }

  /// A chunk for ordinary records, or for one whose texts need more room.
  ///
  /// - Parameter size: bytes in all, at least ``Chunk/bytesOrdinary``.
  public func take(size: Int = Chunk.bytesOrdinary) -> Chunk {
    let known: UnsafeMutableRawPointer? = unsafe lock.withLock {
      bytesInUse += size
      if size > Chunk.bytesOrdinary { return nil }
      if let chunk = unsafe free.popLast() { return unsafe chunk }
      guard let chunk = unsafe vacated.popLast() else { return nil }
      bytesResident += Chunk.bytesOrdinary
      return unsafe chunk
    }
    let base =
      unsafe known ?? (size > Chunk.bytesOrdinary ? Self.allocate(size) : firstOfNewSlab())
    let chunk = unsafe Chunk(base: base)
    chunk.clear(size: size)
    return chunk
  }

  /// Takes another slab from the system, and of it the first chunk.
  ///
  /// Not under the lock: it takes the system a while to find the pages, and other threads go on.
  private func firstOfNewSlab() -> UnsafeMutableRawPointer {
    let slab = unsafe Self.allocate(Self.slabBytes)
    // All at once: a page at a time, each first touch would be a trap of its own. Not as huge
    // pages, which the system may have to clear room for first.
    unsafe madvise(slab, Self.slabBytes, Self.populateWrite)
    lock.withLock {
      unsafe slabs.append(slab)
      bytesResident += Self.slabBytes
      for offset in stride(from: Chunk.bytesOrdinary, to: Self.slabBytes, by: Chunk.bytesOrdinary) {
        unsafe free.append(slab + offset)
      }
    }
    return unsafe slab
  }

  public func give(back chunk: Chunk) {
    let size = chunk.size
    lock.withLock {
      bytesInUse -= size
      if size > Chunk.bytesOrdinary {
        unsafe Glibc.free(chunk.base)
      } else {
        unsafe free.append(chunk.base)
      }
    }
  }

  /// Counts memory that is not in chunks but grows with them.
  public func charge(_ bytes: Int) {
    lock.withLock {
      bytesInUse += bytes
      bytesCharged += bytes
      vacateBeyondBound()
    }
  }

  /// Takes back as much of what was lent, as far as more than `rest` bytes are. Free chunks are given back at once;
  /// those that are taken are, when somebody charges or calls in more.
  public func callIn(_ bytes: Int, leaving rest: Int = 0) {
    lock.withLock {
      guard bytesLent > rest else { return }
      bytesLent -= min(bytes, bytesLent - rest)
      vacateBeyondBound()
    }
  }

  /// Gives free chunks back to the system where there are too many pages. Under the lock.
  private func vacateBeyondBound() {
    while bytesResident + bytesCharged > bound, let chunk = unsafe free.popLast() {
      unsafe madvise(chunk, Chunk.bytesOrdinary, MADV_DONTNEED)
      bytesResident -= Chunk.bytesOrdinary
      unsafe vacated.append(chunk)
    }
  }

  public func discharge(_ bytes: Int) {
    lock.withLock {
      bytesInUse -= bytes
      bytesCharged -= bytes
    }
  }

  /// Whether another chunk would exceed the bound.
  public var isFull: Bool { lock.withLock { bytesInUse + Chunk.bytesOrdinary > bound } }

  /// Bytes that may still be taken.
  public var bytesFree: Int { lock.withLock { bound - bytesInUse } }

  /// Gives all pages back to the system where no chunk is taken, which takes a while where there are many; once.
  public func vacate(threads: Int) {
    let count = lock.withLock {
      guard bytesInUse == bytesCharged, bytesResident > 0 else { return 0 }
      bytesResident = 0
      unsafe vacated += free
      unsafe free = []
      return unsafe slabs.count
    }
    guard count > 0 else { return }
    let next = Counter()
    Workers.run(threads) { [self] _ in
      while let index = next.next(below: count) {
        let slab = unsafe lock.withLock { unsafe slabs[index] }
        unsafe madvise(slab, Self.slabBytes, MADV_DONTNEED)
      }
    }
  }

  private static func allocate(_ size: Int) -> UnsafeMutableRawPointer {
    var memory: UnsafeMutableRawPointer?
    let alignment = size >= slabBytes ? slabBytes : Chunk.alignment
    guard unsafe posix_memalign(&memory, alignment, size) == 0, let memory = unsafe memory else {
      preconditionFailure("out of memory")
    }
    return unsafe memory
  }
}

/// A mutex around a short section.
@safe
public final class Lock: @unchecked Sendable {
  private let mutex: UnsafeMutablePointer<pthread_mutex_t>

  public init() {
    unsafe mutex = .allocate(capacity: 1)
    unsafe pthread_mutex_init(mutex, nil)
  }

  deinit {
    unsafe pthread_mutex_destroy(mutex)
    unsafe mutex.deallocate()
  }

  public func withLock<Result, Failure: Error>(
    _ body: () throws(Failure) -> Result
  ) throws(Failure) -> Result {
    unsafe pthread_mutex_lock(mutex)
    defer { unsafe pthread_mutex_unlock(mutex) }
    return try body()
  }
}
