internal import CLZ4
internal import Glibc

/// Texts put aside by any number of threads, to be read again one by one: a few in memory, more on
/// disk, all compressed with LZ4.
public final class TextStore: @unchecked Sendable {
  /// Where a text is.
  public struct Place: Sendable {
    /// In the file; below 0, the number of one in memory, counted from −1 downwards.
    fileprivate let offset: Int
    fileprivate let storedBytes: UInt32
    fileprivate let plainBytes: UInt32
  }

  /// Bytes that stay in memory as long as there is room.
  private static let heldBytesMax = 1 << 20

  private let pool: ChunkPool
  private let spill: SpillFile
  private let lock = Lock()
  private var held: [[UInt8]] = []
  private var heldBytes = 0

  public init(pool: ChunkPool, spill: SpillFile) {
    self.pool = pool
    self.spill = spill
  }

  deinit { pool.discharge(heldBytes) }

  /// Puts a text aside.
  public func put(_ text: [UInt8]) throws(SpillError) -> Place {
    var stored = [UInt8](repeating: 0, count: Int(LZ4_compressBound(Int32(text.count))))
    let count = unsafe text.withUnsafeBytes { source in
      unsafe stored.withUnsafeMutableBytes { target in
        guard let from = source.baseAddress, let to = target.baseAddress else { return Int32(0) }
        return unsafe LZ4_compress_default(
          from.assumingMemoryBound(to: CChar.self), to.assumingMemoryBound(to: CChar.self),
          Int32(source.count), Int32(target.count))
      }
    }
    precondition(count > 0 || text.isEmpty, "LZ4 compresses into its own bound")
    stored.removeSubrange(Int(count)...)
    func place(_ offset: Int) -> Place {
      Place(
        offset: offset, storedBytes: UInt32(stored.count), plainBytes: UInt32(text.count))
    }
    if let number = hold(stored) { return place(number) }
    let offset = try spill.reserve(stored.count).offset
    try spill.write(stored, at: offset)
    return place(offset)
  }

  private func hold(_ stored: [UInt8]) -> Int? {
    let isFull = pool.isFull
    return lock.withLock {
      guard !isFull && heldBytes + stored.count <= Self.heldBytesMax else { return nil }
      // An exact copy: the compressed one may have a buffer of its bound.
      held.append(Array(stored[...]))
      heldBytes += stored.count
      pool.charge(stored.count)
      return -held.count
    }
  }

  /// Reads a text that was put aside.
  public func text(at place: Place) throws(SpillError) -> [UInt8] {
    let stored =
      place.offset < 0
      ? lock.withLock { held[-place.offset - 1] }
      : try spill.bytes(at: place.offset, count: Int(place.storedBytes))
    var text = [UInt8](repeating: 0, count: Int(place.plainBytes))
    let count = unsafe stored.withUnsafeBytes { source in
      unsafe text.withUnsafeMutableBytes { target in
        guard let from = source.baseAddress, let to = target.baseAddress else { return Int32(0) }
        return unsafe LZ4_decompress_safe(
          from.assumingMemoryBound(to: CChar.self), to.assumingMemoryBound(to: CChar.self),
          Int32(source.count), Int32(target.count))
      }
    }
    guard Int(count) == text.count else {
      throw SpillError(
        directory: spill.directory, detail: "what was put aside cannot be read back")
    }
    return text
  }
}

extension SpillFile {
  fileprivate func write(_ bytes: [UInt8], at offset: Int) throws(SpillError) {
    let failure: SpillError? = unsafe bytes.withUnsafeBytes { buffer in
      do throws(SpillError) {
        try unsafe write(buffer, at: offset)
        return nil
      } catch {
        return error
      }
    }
    if let failure { throw failure }
  }
}
