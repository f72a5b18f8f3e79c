/// Deals out the blocks of many logs to many workers.
///
/// Decoding a log is serial, parsing its blocks is not: a worker holds a log only while it decodes
/// the next block, and parses that after letting go, so that one large file keeps all workers busy
/// as well as many small ones do. A worker goes on with the log it had; only as many logs are open
/// as there are workers.
public final class LogReader: @unchecked Sendable {
  private struct OpenLog {
    /// `nil` until the worker that holds it has opened it.
    var stream: LogStream?
    var isHeld: Bool
  }

  public let files: [InputFile]
  private let openMax: Int
  private let lineBytesMax: Int
  private let encoding: TextEncoding?
  private let stopsAtDamage: Bool
  /// What an earlier reading has found, by file.
  private let distrusted: [Int: DistrustedMembers]
  /// Whether another reading of the files would give the same, and would know more.
  private let isRepeatable: Bool
  private let monitor = Monitor()
  /// Files not yet opened, the largest last.
  private var waiting: [Int]
  private var open: [Int: OpenLog] = [:]
  private var blockLines: [[Int32]]
  private var bytes: [FileBytes]
  private var damages: [Int: [Damage]] = [:]
  private var distrustedFound: [Int: DistrustedMembers] = [:]
  private var hasGivenDistrusted = false
  private var codecs: [Codec?]
  private var encodings: [TextEncoding?]
  private var failures: [InputError] = []
  private var isStopped = false

  /// - Parameters:
  ///   - files: in the order in which sources number them.
  ///   - lineBytesMax: the longest line that is parsed.
  ///   - encoding: that of all logs; `nil`: as each one's byte order mark says, else UTF-8.
  ///   - stopsAtDamage: whether the first damaged file ends the reading of all.
  ///   - distrusted: the members, by file, that an earlier reading of the same files has found to be
  ///     wrong.
  public init(
    files: [InputFile], workerCount: Int, lineBytesMax: Int = LogStream.lineBytesMaxDefault,
    encoding: TextEncoding? = nil, stopsAtDamage: Bool = false,
    distrusted: [Int: DistrustedMembers] = [:]
  ) {
    self.files = files
    self.distrusted = distrusted
    isRepeatable = distrusted.isEmpty && !stopsAtDamage && files.allSatisfy(\.isStored)
    self.lineBytesMax = lineBytesMax
    self.encoding = encoding
    self.stopsAtDamage = stopsAtDamage
    openMax = workerCount
    waiting = files.indices.sorted { files[$0].sizeBytes < files[$1].sizeBytes }
    blockLines = Array(repeating: [], count: files.count)
    codecs = Array(repeating: nil, count: files.count)
    encodings = Array(repeating: nil, count: files.count)
    bytes = Array(repeating: FileBytes(), count: files.count)
  }

  /// Fills a block with the next lines of some log.
  ///
  /// - Parameter last: the log that the worker had before.
  /// - Returns: the log's number; `nil` where there is nothing more.
  public func next(into block: Block, last: Int?) -> Int? {
    while let file = take(last: last) {
      guard let stream = stream(of: file) else { continue }
      let hasLines = stream.next(into: block)
      monitor.withLock {
        bytes[file] = FileBytes(stream)
        // Noted with the last lines already, which the damage may have cut.
        let found = stream.damages
        if !found.isEmpty {
          damages[file] = found
          distrustedFound[file] = stream.distrusted
          if stream.hasGivenDistrusted { hasGivenDistrusted = true }
          if stopsAtDamage { isStopped = true }
        }
        if hasLines { open[file]?.isHeld = false } else { open[file] = nil }
        monitor.signalAll()
      }
      if hasLines { return file }
    }
    return nil
  }

  /// Holds a log for a worker.
  private func take(last: Int?) -> Int? {
    monitor.withLock {
      while !isStopped {
        if let last, let log = open[last], !log.isHeld { return hold(last) }
        if open.count < openMax, let file = waiting.popLast() {
          open[file] = OpenLog(stream: nil, isHeld: true)
          return file
        }
        if let file = open.first(where: { !$0.value.isHeld })?.key { return hold(file) }
        if open.isEmpty && waiting.isEmpty { return nil }
        monitor.wait()
      }
      return nil
    }
  }

  private func hold(_ file: Int) -> Int {
    open[file]?.isHeld = true
    return file
  }

  /// The stream of a log that is held; `nil` where it cannot be opened.
  private func stream(of file: Int) -> LogStream? {
    if let stream = monitor.withLock({ open[file]?.stream }) { return stream }
    // Others go on meanwhile: it may be a pipe that nobody writes to as yet.
    do throws(InputError) {
      let stream = try LogStream(
        path: files[file].path, lineBytesMax: lineBytesMax, encoding: encoding,
        distrusted: distrusted[file] ?? DistrustedMembers())
      monitor.withLock {
        open[file]?.stream = stream
        codecs[file] = stream.codec
        encodings[file] = stream.encoding
      }
      return stream
    } catch {
      monitor.withLock {
        failures.append(error)
        open[file] = nil
        monitor.signalAll()
      }
      return nil
    }
  }

  /// Notes how many lines a block had, from which the lines of later blocks get their numbers.
  public func note(lines: Int, ofBlock block: Int, ofFile file: Int) {
    monitor.withLock {
      while blockLines[file].count <= block { blockLines[file].append(0) }
      blockLines[file][block] = Int32(lines)
    }
  }

  /// Ends the reading before its time.
  public func stop() {
    monitor.withLock {
      isStopped = true
      monitor.signalAll()
    }
  }

  /// Whether what was read so far is to be read again: text was handed out that is not to be trusted,
  /// and a second reading can tell it, as it can where all files are stored and none was read again yet.
  public var isToBeRepeated: Bool {
    isRepeatable && monitor.withLock { hasGivenDistrusted }
  }

  /// Bytes of all files read so far, as stored.
  public var storedBytesTaken: Int { monitor.withLock { bytes.reduce(0) { $0 + $1.stored } } }

  /// What is known once all workers are done.
  public struct Outcome: Sendable {
    /// For each file, the lines of each of its blocks.
    public var blockLines: [[Int32]]
    /// What could not be read of files, by number; files that are whole are not in it.
    public var damages: [Int: [Damage]]
    /// Members whose text is not to be trusted, by file; all of the damaged files.
    public var distrusted: [Int: DistrustedMembers]
    /// The bytes of each file.
    public var bytes: [FileBytes]
    /// Files that could not be opened at all.
    public var failures: [InputError]
    /// For each file that was opened, how it is stored and how its text is encoded.
    public var codecs: [Codec?]
    public var encodings: [TextEncoding?]
  }

  public var outcome: Outcome {
    monitor.withLock {
      // In the order of names, whichever thread met them first.
      Outcome(
        blockLines: blockLines, damages: damages, distrusted: distrustedFound, bytes: bytes,
        failures: failures.sorted {
          $0.path.utf8.lexicographicallyPrecedes($1.path.utf8)
        }, codecs: codecs, encodings: encodings)
    }
  }
}

/// How many bytes of a file there were, and what became of them.
public struct FileBytes: Sendable, Hashable {
  /// As stored.
  public var stored = 0
  /// Of these, what damages have lost; `nil` where that is not known.
  public var lost: Int? = 0
  /// Of the text, the line ends added at tears included.
  public var text = 0
  public var addedLineEnds = 0

  public init() {}

  init(_ stream: LogStream) {
    stored = stream.storedBytesTaken
    lost = stream.lostBytes
    text = stream.textBytes
    addedLineEnds = stream.addedLineEnds
  }
}
