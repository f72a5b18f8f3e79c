internal import CivilTime
internal import Counting
internal import Decoding
internal import Ledger
internal import Metering
internal import Parsing
internal import Segments

/// The logs that a day's records stand in, numbered in the order of their names.
struct LogNumbers: Sendable {
  struct Log: Sendable, Hashable {
    var name: String
    /// SHA-256 of the text, in hexadecimal digits.
    var digest: String
  }

  let logs: [Log]
  private let numbers: [String: Int]

  init(_ logs: some Sequence<Log>) {
    self.logs = Set(logs).sorted {
      let (left, right) = (Array($0.name.utf8), Array($1.name.utf8))
      return left == right ? $0.digest < $1.digest : left.lexicographicallyPrecedes(right)
    }
    numbers = Dictionary(
      uniqueKeysWithValues: self.logs.enumerated().map { ($1.digest, $0) })
  }

  func number(ofDigest digest: String) -> Int? { numbers[digest] }
}

/// A segment's records.
struct SegmentPiece: RecordPiece {
  var path: String
  var day: CivilDate
  /// The number of its log.
  var log: Int

  func map(into mapper: inout RecordMapper) throws {
    let reader = try SegmentReader(
      path: path, day: day, findsPlaces: mapper.findsPlaces || mapper.findsTraces,
      findsTraces: mapper.findsTraces)
    let block = Block()
    while try reader.next(into: block) != nil {
      mapper.begin(block, file: log, areKept: true)
      reader.records { call, line in mapper.receive(call, line: line) }
    }
  }
}

/// Records that the day before has carried over.
struct CarriedPiece: RecordPiece {
  var path: String
  /// The day that has carried over.
  var day: CivilDate
  var logs: LogNumbers

  func map(into mapper: inout RecordMapper) throws {
    let reader = try CarryReader(path: path, day: day.daysSinceEpoch)
    let block = Block()
    var unknown: String?
    var files: [UInt64: Int] = [:]
    while try reader.next(into: block) {
      mapper.begin(block, file: 0)
      let bytes = block.wholeBytes
      files.removeAll(keepingCapacity: true)
      reader.records { call, flags, log, number, line in
        let digest = { bytes.text(Int(log.start), Int(log.count)) }
        guard let file = files[log.word] ?? logs.number(ofDigest: digest()) else {
          unknown = digest()
          return
        }
        files[log.word] = file
        mapper.receive(
          call, source: Source.number(file: file, block: number, line: line),
          as: CarriedFlags(rawValue: flags))
      }
    }
    if let unknown {
      throw SegmentError(path: path, offset: 0, .malformed("log \(unknown) is not in the ledger"))
    }
  }

  /// The digests of the logs that a file's records stand in, and how many of these are yet to be counted.
  static func contents(
    path: String, day: CivilDate
  ) throws(SegmentError) -> (logs: Set<String>, uncounted: Int) {
    let reader = try CarryReader(path: path, day: day.daysSinceEpoch)
    let block = Block()
    var logs: Set<String> = []
    var known: Set<UInt64> = []
    var uncounted = 0
    while try reader.next(into: block) {
      let bytes = block.wholeBytes
      // Of a chunk, each word stands in one place, so that equal places are equal words.
      known.removeAll(keepingCapacity: true)
      reader.records { _, flags, log, _, _ in
        if !CarriedFlags(rawValue: flags).contains(.reference) { uncounted += 1 }
        if known.insert(log.word).inserted {
          logs.insert(bytes.text(Int(log.start), Int(log.count)))
        }
      }
    }
    return (logs, uncounted)
  }
}
