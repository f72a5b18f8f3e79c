package import CivilTime
internal import Contracts
internal import Counting
internal import Crypto
package import Decoding
internal import Formats
package import Ledger
package import Metering
internal import Parsing
package import Segments
internal import Shuffling

/// A log that was read and written down as segments, which nothing refers to yet.
package struct TakenLog: Sendable {
  package var input: InputFile
  package var facts: LogFile
  package var segments: [SegmentSummary]
  package var name: LogName
}

/// Why logs could not be taken in.
package enum IntakeError: Error, Sendable {
  case input([InputError])
  /// What a strict run refuses, one thing each.
  case strict([String])
  case segment(SegmentError)
  case workspace(WorkspaceError)
}

/// Reads logs to their ends and writes their records down as segments, one for each log and day.
///
/// What is taken in depends on a log's content alone: neither on the contracts, nor on what else is taken in,
/// but for times that are too late, which the newest log decides.
package final class Intake: @unchecked Sendable {
  private struct Tally {
    var counts = LineCounts()
    var quarantined = 0
    var quarantinedBytes = 0
    var records = 0
    var first = Int64.max
    var last = Int64.min
    var blockDigests: [Int: [UInt8]] = [:]
    var head: [UInt8]?
    var rejected: [(block: Int, line: Int, rejection: Rejection)] = []

    mutating func add(_ other: Tally) {
      counts.lines += other.counts.lines
      counts.blank += other.counts.blank
      counts.ignored += other.counts.ignored
      counts.blankBytes += other.counts.blankBytes
      quarantined += other.quarantined
      quarantinedBytes += other.quarantinedBytes
      records += other.records
      first = min(first, other.first)
      last = max(last, other.last)
      blockDigests.merge(other.blockDigests) { first, _ in first }
      head = head ?? other.head
      rejected += other.rejected
    }
  }

  private let files: [InputFile]
  private let digests: [ContentHash]
  private let options: MeteringOptions
  private let folder: String
  /// The last reading, where what is wrong with a log was found too late for the first.
  private var reading: LogReading
  private var writers: [SegmentWriter] = []
  private let latestTimes: [Int64]
  private let monitor = Monitor()
  private var tallies: [Tally]
  private var failure: SegmentError?

  /// - Parameters:
  ///   - files: the logs.
  ///   - digests: SHA-256 of each as stored.
  ///   - latestTimes: of each, the latest time that a record may have.
  ///   - folder: that of the workspace's segments, which exists.
  package init(
    _ files: [InputFile], digests: [ContentHash], latestTimes: [Instant],
    folder: String, options: MeteringOptions
  ) {
    self.files = files
    self.digests = digests
    self.options = options
    self.folder = folder
    var reading = options.reading
    // All of a log is taken in, or nothing.
    reading.stopsAtDamage = false
    self.reading = LogReading(files, reading)
    self.latestTimes = latestTimes.map(\.microseconds)
    tallies = []
  }

  /// The latest time that a record may have.
  ///
  /// - Parameter newest: when the newest of all logs, taken in or not, was last written to.
  static func latestTime(newest: Instant) -> Instant {
    let day = Interval(seconds: 86_400)
    return min(newest, Instant(microseconds: .max - day.microseconds)) + day
  }

  /// How far the reading has come: bytes as stored.
  package var storedBytesTaken: Int { monitor.withLock { reading }.reader.storedBytesTaken }

  /// Reads everything; to be called once.
  package func run() throws(IntakeError) -> [TakenLog] {
    while true {
      tallies = Array(repeating: Tally(), count: files.count)
      writers = digests.map {
        SegmentWriter(folder: folder, name: $0.hexadecimal, threads: options.threads)
      }
      Workers.run(options.threads) { [self] _ in readBlocks() }
      guard let repetition = reading.repetition else { break }
      for writer in writers { writer.cancel() }
      monitor.withLock { reading = repetition }
    }
    let outcome = reading.reader.outcome
    if !outcome.failures.isEmpty {
      for writer in writers { writer.cancel() }
      throw .input(outcome.failures)
    }
    if let failure = monitor.withLock({ failure }) {
      for writer in writers { writer.cancel() }
      throw .segment(failure)
    }
    let segments = try finishWriters()
    let recognitions = reading.formats.recognitions
    return files.indices.map { index in
      TakenLog(
        input: files[index],
        facts: facts(index, outcome, format: recognitions[index].flatMap { FoundFormat($0) }),
        segments: segments[index],
        name: LogName(
          path: files[index].path, storedSHA256: digests[index],
          storedBytes: outcome.bytes[index].stored, modifiedAt: files[index].modifiedAt))
    }
  }

  /// Brings all segments to the disk, several logs' at a time, since that is waiting for the most part.
  ///
  /// - Returns: those of each log.
  private func finishWriters() throws(IntakeError) -> [[SegmentSummary]] {
    let finished = Finished(count: writers.count)
    Workers.run(min(writers.count, Self.syncsAtOnce)) { [writers] _ in
      while let index = finished.next() {
        finished.set(index, Result { () throws(SegmentError) in try writers[index].finish() })
      }
    }
    var segments: [[SegmentSummary]] = []
    do throws(SegmentError) {
      for result in finished.results { segments.append(try result.get()) }
    } catch {
      throw .segment(error)
    }
    return segments
  }

  private static let syncsAtOnce = 16

  private final class Finished: @unchecked Sendable {
    private let monitor = Monitor()
    private let count: Int
    private var started = 0
    private var found: [Int: Result<[SegmentSummary], SegmentError>] = [:]

    init(count: Int) { self.count = count }

    /// The next log, which nobody else gets.
    func next() -> Int? {
      monitor.withLock {
        guard started < count else { return nil }
        started += 1
        return started - 1
      }
    }

    func set(_ index: Int, _ result: Result<[SegmentSummary], SegmentError>) {
      monitor.withLock { found[index] = result }
    }

    /// In the order of logs.
    var results: [Result<[SegmentSummary], SegmentError>] {
      monitor.withLock { found.sorted { $0.key < $1.key }.map(\.value) }
    }
  }

  private func readBlocks() {
    let block = Block()
    let parsers = Parsers(findsPlaces: true, findsTraces: true, lineBytesMax: options.lineBytesMax)
    var encoder = SegmentEncoder()
    var keeper = TraceKeeper()
    let reader = reading.reader
    let formats = reading.formats
    var last: Int?
    while let file = reader.next(into: block, last: last) {
      last = file
      let how = formats.reading(of: block, ofFile: file)
      if reader.isToBeRepeated {
        // Nobody is to wait for this block.
        for writer in writers { writer.cancel() }
        continue
      }
      var tally = Tally()
      let bytes = block.wholeBytes
      let earliest = RecordMapper.earliestTime.microseconds
      let latestTime = latestTimes[file]
      func reject(_ rejection: Rejection, _ line: Int) {
        let found = QuarantinedLine.find(
          source: 0, rejection, in: block, at: block.rejectedLineStart)
        tally.quarantined += 1
        tally.quarantinedBytes += found.bytesWithEnd
        if tally.rejected.count < MapSummary.quarantinedMax {
          tally.rejected.append((block.index, line, rejection))
        }
      }
      let digest = block.bytes.withSpan(0, block.count) { XXH3.digest($0) }
      tally.counts = parsers.parse(block, how) { call, line in
        let time = call.time.microseconds
        guard time >= earliest && time <= latestTime else {
          block.rejectedLineStart = call.lineStart
          reject(time < earliest ? .tooEarly : .tooLate, line)
          return
        }
        encoder.append(call, bytes, line: line, traces: keeper.traces(of: call, bytes))
      } rejected: { rejection, line in
        reject(rejection, line)
      }
      tally.blockDigests[block.index] = digest
      if block.index == 0 { tally.head = Self.headDigest(block.bytes) }
      reader.note(lines: tally.counts.lines, ofBlock: block.index, ofFile: file)
      let chunks = encoder.finish(block: block.index)
      for chunk in chunks {
        tally.records += chunk.records
        tally.first = min(tally.first, chunk.first.microseconds)
        tally.last = max(tally.last, chunk.last.microseconds)
      }
      monitor.withLock { tallies[file].add(tally) }
      do throws(SegmentError) {
        try writers[file].put(chunks, block: block.index)
      } catch {
        monitor.withLock { failure = failure ?? error }
        reader.stop()
        for writer in writers { writer.cancel() }
      }
    }
  }

  /// Of a log that no format reads; one without lines has an empty name.
  static let unknownFormat = "unknown"

  /// SHA-256 of the first line; `nil` where it has no end in the block.
  private static func headDigest(_ bytes: ByteView) -> [UInt8]? {
    let end = bytes.firstPosition(of: 0x0A, from: 0)
    guard end < bytes.count else { return nil }
    return bytes.withSpan(0, end) { span in
      unsafe span.withUnsafeBytes { buffer in
        var hash = SHA256()
        unsafe hash.update(bufferPointer: buffer)
        return Array(hash.finalize())
      }
    }
  }

  /// That of a text by those of its blocks: blocks are cut by the text alone, so that equal texts have equal
  /// ones.
  private static func digest(ofBlocks digests: [Int: [UInt8]]) -> ContentHash {
    var hash = SHA256()
    for (_, digest) in digests.sorted(by: { $0.key < $1.key }) { hash.update(data: digest) }
    return ContentHash(bytes: Array(hash.finalize()))
  }

  private func facts(_ index: Int, _ outcome: LogReader.Outcome, format: FoundFormat?) -> LogFile {
    let tally = tallies[index]
    var file = LogFile(
      textDigest: Self.digest(ofBlocks: tally.blockDigests), storedSHA256: digests[index],
      storedBytes: outcome.bytes[index].stored, textBytes: outcome.bytes[index].text,
      codec: outcome.codecs[index]?.rawValue ?? "", encoding: outcome.encodings[index]?.name ?? "",
      format: format.map { $0.name ?? Self.unknownFormat } ?? "", lines: tally.counts.lines,
      records: tally.records,
      blockLines: outcome.blockLines[index].map(Int.init))
    file.headDigest = tally.head.map { ContentHash(bytes: $0) }
    file.lostBytes = outcome.bytes[index].lost
    file.addedLineEnds = outcome.bytes[index].addedLineEnds
    file.blank = tally.counts.blank
    file.ignored = tally.counts.ignored
    file.quarantined = tally.quarantined
    file.blankBytes = tally.counts.blankBytes
    file.quarantinedBytes = tally.quarantinedBytes
    if tally.records > 0 {
      file.firstTime = Instant(microseconds: tally.first)
      file.lastTime = Instant(microseconds: tally.last)
    }
    file.latestTime = Instant(microseconds: latestTimes[index])
    file.damages = (outcome.damages[index] ?? []).map(LogFile.Damage.init)
    file.rejections = Self.rejections(tally, outcome.blockLines[index])
    return file
  }

  /// By reason, with the numbers of their first lines.
  private static func rejections(_ tally: Tally, _ blockLines: [Int32]) -> [LogFile.Rejection] {
    var starts: [Int] = []
    var line = 1
    for count in blockLines {
      starts.append(line)
      line += Int(count)
    }
    let byReason = Dictionary(grouping: tally.rejected, by: \.rejection)
    return byReason.sorted { $0.key.rawValue < $1.key.rawValue }.map { rejection, rejected in
      let lines = rejected.map { starts[$0.block] + $0.line }.sorted()
      return LogFile.Rejection(
        reason: rejection.name, count: lines.count,
        firstLines: Array(lines.prefix(MapSummary.quarantinedMax)))
    }
  }
}

extension Rejection {
  /// A name that does not change.
  var name: String { "\(self)" }

  init?(name: String) {
    guard let rejection = Self.allCases.first(where: { $0.name == name }) else { return nil }
    self = rejection
  }
}

extension LogFile.Damage {
  init(_ damage: Damage) {
    self.init(
      kind: damage.kind.name, byteOffset: damage.byteOffset, byteCount: damage.byteCount,
      detail: damage.detail)
    memberOffset = damage.distrust?.memberOffset
    untrustedTextBytes = damage.distrust?.textBytes
    untrustedIsQuarantined = damage.distrust?.isApplied
  }

  var damage: Damage {
    var damage = Damage(
      kind: Damage.Kind(name: kind) ?? .corrupt, byteOffset: byteOffset, byteCount: byteCount,
      detail: detail)
    if let memberOffset, let untrustedTextBytes, let untrustedIsQuarantined {
      damage.distrust = Damage.Distrust(
        memberOffset: memberOffset, textBytes: untrustedTextBytes,
        isApplied: untrustedIsQuarantined)
    }
    return damage
  }
}
