public import CivilTime
internal import Decoding

/// A segment that was written.
public struct SegmentSummary: Sendable, Hashable {
  /// The day in UTC.
  public var day: CivilDate
  public var file: ChunkFileSummary
  /// The earliest and the latest time of its records.
  public var first: Instant
  public var last: Instant

  public var records: Int { file.rows }
}

/// Writes one log file's segments. Threads hand in the chunks of blocks as they are done with them; they are
/// written in the order of blocks, so that the segments are the same however many threads there are.
///
/// Segments are complete only together: none appears before ``finish()``, and where that fails none remains.
/// A file of the same name would be replaced, and removed where that fails; since the name tells the content,
/// callers look first whether it is there.
///
/// Used by any number of threads. Each block, from 0 on, must be handed in by the thread that was dealt it, and
/// blocks must be dealt in order, or those who wait for one that never comes wait for ever; a thread that cannot
/// hand in its block calls ``cancel()``.
public final class SegmentWriter: @unchecked Sendable {
  private final class Day {
    let writer: ChunkFileWriter
    var first = Instant(microseconds: .max)
    var last = Instant(microseconds: .min)

    init(_ writer: ChunkFileWriter) { self.writer = writer }
  }

  /// Files that are open at a time. A log has few days, except where times are made up.
  private static let openMax = 16

  private let folder: String
  private let name: String
  private let storage: any Storage
  private let monitor = Monitor()
  /// Blocks that may wait for one before them.
  private let waitingMax: Int
  private var waiting: [Int: [SegmentChunk]] = [:]
  private var nextBlock = 0
  private var days: [CivilDate: Day] = [:]
  /// The days whose files may be open or have chunks in memory, the last one used last.
  private var recent: [Day] = []
  private var failure: SegmentError?
  private var isOver = false
  /// Whether folders were made, which must reach the disk too.
  private var madeFolders = false

  /// - Parameters:
  ///   - folder: the folder of all segments, which must exist; those of days are made in it.
  ///   - name: what tells the log's content, such as its hash in hexadecimal.
  ///   - threads: how many hand in blocks.
  public init(
    folder: String, name: String, threads: Int, storage: any Storage = SystemStorage()
  ) {
    precondition(threads > 0 && !name.isEmpty && !name.utf8.contains(0x2F))
    self.folder = folder
    self.name = name
    self.storage = storage
    waitingMax = 4 * threads
  }

  /// Hands in a block's chunks; each block must be, those without a record too.
  ///
  /// Waits where many blocks after one that is still missing are there already.
  public func put(_ chunks: [SegmentChunk], block: Int) throws(SegmentError) {
    let failure: SegmentError? = monitor.withLock {
      while block >= nextBlock + waitingMax && self.failure == nil && !isOver { monitor.wait() }
      if let failure = self.failure { return failure }
      if isOver { return nil }
      precondition(block >= nextBlock && waiting[block] == nil, "a block is handed in once")
      waiting[block] = chunks
      guard block == nextBlock else { return nil }
      defer { monitor.signalAll() }
      while let chunks = waiting.removeValue(forKey: nextBlock) {
        do throws(SegmentError) {
          for chunk in chunks { try write(chunk) }
        } catch {
          self.failure = error
          discard()
          return error
        }
        nextBlock += 1
      }
      return nil
    }
    if let failure { throw failure }
  }

  /// Gives up: nothing remains, and no one waits any more. Blocks handed in later are forgotten.
  public func cancel() {
    monitor.withLock {
      isOver = true
      discard()
      monitor.signalAll()
    }
  }

  private func discard() {
    waiting = [:]
    for day in days.values { day.writer.discard() }
    days = [:]
    recent = []
  }

  private func write(_ chunk: SegmentChunk) throws(SegmentError) {
    let day: Day
    if let known = days[chunk.day] { day = known } else { day = try begin(chunk.day) }
    try use(day)
    day.first = min(day.first, chunk.first)
    day.last = max(day.last, chunk.last)
    try day.writer.append(chunk.bytes)
  }

  private func begin(_ date: CivilDate) throws(SegmentError) -> Day {
    let path = Segment.path(folder: folder, day: date, name: name)
    do throws(StorageError) {
      let isNew = try storage.retrying { () throws(StorageError) in
        try storage.createFolder(path.folderOfPath)
      }
      if isNew { madeFolders = true }
    } catch {
      throw SegmentError(path: path.folderOfPath, offset: 0, .failed(.createFolder, error))
    }
    let day = Day(
      try ChunkFileWriter(
        path: path, kind: Segment.kind, label: Int64(date.daysSinceEpoch), storage: storage))
    days[date] = day
    return day
  }

  /// Makes a day the last one used; where that are too many, the one that was not for longest is parked.
  private func use(_ day: Day) throws(SegmentError) {
    if recent.last === day { return }
    if let place = recent.firstIndex(where: { $0 === day }) { recent.remove(at: place) }
    recent.append(day)
    if recent.count > Self.openMax { try recent.removeFirst().writer.park() }
  }

  /// Lets all segments appear; to be called once, when all blocks are handed in.
  ///
  /// First each file is brought to the disk under its temporary name, then each is renamed and its folder
  /// brought to the disk, and last the folder of all, where it has new ones.
  ///
  /// - Returns: the segments in the order of days; none where the log has no record.
  public func finish() throws(SegmentError) -> [SegmentSummary] {
    var summaries: [SegmentSummary] = []
    let failure: SegmentError? = monitor.withLock {
      if let failure = self.failure { return failure }
      precondition(!isOver && waiting.isEmpty, "blocks are missing")
      isOver = true
      do throws(SegmentError) {
        summaries = try publish()
      } catch {
        self.failure = error
        discard()
        return error
      }
      return nil
    }
    if let failure { throw failure }
    return summaries
  }

  private func publish() throws(SegmentError) -> [SegmentSummary] {
    let ordered = days.sorted { $0.key < $1.key }
    for (_, day) in ordered { try day.writer.seal() }
    var summaries: [SegmentSummary] = []
    for (date, day) in ordered {
      summaries.append(
        SegmentSummary(
          day: date, file: try day.writer.publish(), first: day.first, last: day.last))
    }
    if madeFolders {
      do throws(StorageError) {
        try storage.retrying { () throws(StorageError) in try storage.syncFolder(folder) }
      } catch {
        throw SegmentError(path: folder, offset: 0, .failed(.sync, error))
      }
    }
    return summaries
  }
}
