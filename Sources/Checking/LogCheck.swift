internal import CBytes
internal import CivilTime
public import Decoding
public import Formats
internal import Metering
internal import Parsing
internal import Shuffling

/// Reads logs from end to end without counting them: what they are, what of them can be read, and what
/// times they cover.
public final class LogCheck: @unchecked Sendable {
  public struct Options: Sendable {
    public var threads: Int
    public var formats: [LogFormat]?
    public var encoding: TextEncoding?
    public var lineBytesMax = LogStream.lineBytesMaxDefault

    public init(threads: Int, formats: [LogFormat]?, encoding: TextEncoding?) {
      self.threads = threads
      self.formats = formats
      self.encoding = encoding
    }
  }

  public static let samplesMax = 3
  static let rejectionsMax = 10

  private let options: Options
  private let monitor = Monitor()
  /// The present reading; what an earlier one has found is forgotten.
  private var reading: LogReading
  private var logs: [CheckedLog]
  /// For each log its quarantined lines by block, until the blocks' first lines are known.
  private var rejected: [[(block: Int, line: Int, rejection: Rejection)]]
  private var blockDigests: [[Int: UInt64]]

  public init(files: [InputFile], options: Options) {
    self.options = options
    reading = LogReading(
      files,
      LogReading.Options(
        threads: options.threads, formats: options.formats, encoding: options.encoding,
        lineBytesMax: options.lineBytesMax))
    logs = []
    rejected = []
    blockDigests = []
    clear()
  }

  private func clear() {
    let files = reading.reader.files
    logs = files.map { CheckedLog(file: $0) }
    rejected = Array(repeating: [], count: files.count)
    blockDigests = Array(repeating: [:], count: files.count)
  }

  /// How far the reading has come: bytes as stored.
  public var storedBytesTaken: Int {
    monitor.withLock { reading }.reader.storedBytesTaken
  }

  /// Reads everything; to be called once.
  public func run() -> (logs: [CheckedLog], failures: [InputError]) {
    Workers.run(options.threads) { [self] _ in readBlocks() }
    while let repetition = reading.repetition {
      monitor.withLock {
        reading = repetition
        clear()
      }
      Workers.run(options.threads) { [self] _ in readBlocks() }
    }
    let outcome = reading.reader.outcome
    let recognitions = reading.formats.recognitions
    for index in logs.indices {
      logs[index].codec = outcome.codecs[index]
      logs[index].encoding = outcome.encodings[index]
      logs[index].damages = outcome.damages[index] ?? []
      logs[index].recognition = recognitions[index]
      logs[index].digests = blockDigests[index].sorted { $0.key < $1.key }.map(\.value)
      var firstLines: [Int] = []
      var line = 1
      for count in outcome.blockLines[index] {
        firstLines.append(line)
        line += Int(count)
      }
      logs[index].rejections = rejected[index].sorted { ($0.block, $0.line) < ($1.block, $1.line) }
        .prefix(Self.rejectionsMax).map { (firstLines[$0.block] + $0.line, $0.rejection) }
    }
    return (logs, outcome.failures)
  }

  private func readBlocks() {
    let block = Block()
    let parsers = Parsers(findsPlaces: false, lineBytesMax: options.lineBytesMax)
    // Those of the blocks that records are shown of.
    let samplingParsers = Parsers(findsPlaces: true, lineBytesMax: options.lineBytesMax)
    let reader = reading.reader
    var last: Int?
    while let file = reader.next(into: block, last: last) {
      last = file
      let how = reading.formats.reading(of: block, ofFile: file)
      // What is read again in any case is only decoded.
      if reader.isToBeRepeated { continue }
      var found = BlockFindings()
      let bytes = block.wholeBytes
      let isFirst = block.index == 0
      let counts = (isFirst ? samplingParsers : parsers).parse(block, how) { call, line in
        found.take(call.time)
        if isFirst && found.samples.count < Self.samplesMax {
          found.samples.append(SampleRecord(call, bytes, line: line + 1))
        }
      } rejected: { rejection, line in
        found.quarantined += 1
        if found.rejections.count < Self.rejectionsMax {
          found.rejections.append((line, rejection))
        }
      }
      found.closeHour()
      reader.note(lines: counts.lines, ofBlock: block.index, ofFile: file)
      let digest = unsafe block.bytes.withAddress {
        unsafe duizhang_digest($0, block.count)
      }
      monitor.withLock { add(found, counts, digest, block, to: file) }
    }
  }

  private func add(
    _ found: BlockFindings, _ counts: LineCounts, _ digest: UInt64, _ block: Block, to file: Int
  ) {
    logs[file].counts.lines += counts.lines
    logs[file].counts.blank += counts.blank
    logs[file].counts.ignored += counts.ignored
    logs[file].quarantined += found.quarantined
    logs[file].textBytes += block.count
    logs[file].samples += found.samples
    if let first = found.first { logs[file].first = min(logs[file].first ?? first, first) }
    if let last = found.last { logs[file].last = max(logs[file].last ?? last, last) }
    logs[file].hours.merge(found.hours) { $0 + $1 }
    blockDigests[file][block.index] = digest
    // Of a log all of whose lines are refused not all are kept.
    rejected[file] += found.rejections.map { (block.index, $0.line, $0.rejection) }
    if rejected[file].count > 100 * Self.rejectionsMax {
      rejected[file].sort { ($0.block, $0.line) < ($1.block, $1.line) }
      rejected[file].removeLast(rejected[file].count - Self.rejectionsMax)
    }
  }
}

/// What one block has.
private struct BlockFindings {
  var quarantined = 0
  var rejections: [(line: Int, rejection: Rejection)] = []
  var samples: [SampleRecord] = []
  var first: Instant?
  var last: Instant?
  var hours: [Int64: Int] = [:]
  private var hour = Int64.min
  private var hourCount = 0
  private static let microsecondsPerHour: Int64 = 3_600_000_000

  @inline(__always)
  mutating func take(_ time: Instant) {
    if first.map({ time < $0 }) ?? true { first = time }
    if last.map({ time > $0 }) ?? true { last = time }
    let start = hour &* Self.microsecondsPerHour
    if hour == Int64.min || time.microseconds < start
      || time.microseconds >= start &+ Self.microsecondsPerHour
    {
      closeHour()
      // Rounded down, before 1970 too.
      let microseconds = time.microseconds
      hour = microseconds / Self.microsecondsPerHour
      if microseconds % Self.microsecondsPerHour < 0 { hour -= 1 }
    }
    hourCount &+= 1
  }

  mutating func closeHour() {
    if hourCount > 0 { hours[hour, default: 0] += hourCount }
    hourCount = 0
  }
}

extension SampleRecord {
  fileprivate init(_ call: Call, _ bytes: ByteView, line: Int) {
    self.line = line
    time = call.time
    status = call.status
    items = call.items
    texts = [:]
    for field in Field.allCases.prefix(Int(Field.textCount))
    where !call[field].isEmpty && !field.isTrace {
      texts[field] = bytes.text(Int(call[field].start), Int(call[field].count))
    }
  }
}
