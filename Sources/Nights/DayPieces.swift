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
    let reader = try SegmentReader(path: path, day: day)
    let block = Block()
    while try reader.next(into: block) != nil {
      mapper.begin(block, file: log)
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
    while try reader.next(into: block) {
      mapper.begin(block, file: 0)
      let bytes = block.wholeBytes
      reader.records { call, flags, log, number, line in
        let digest = bytes.text(Int(log.start), Int(log.count))
        guard let file = logs.number(ofDigest: digest) else {
          unknown = digest
          return
        }
        mapper.receive(
          call, source: Source.number(file: file, block: number, line: line),
          as: CarriedFlags(rawValue: flags))
      }
    }
    if let unknown {
      throw SegmentError(path: path, offset: 0, .malformed("log \(unknown) is not in the ledger"))
    }
  }

  /// The digests of the logs that records of a file stand in.
  static func digests(path: String, day: CivilDate) throws(SegmentError) -> Set<String> {
    let reader = try CarryReader(path: path, day: day.daysSinceEpoch)
    let block = Block()
    var digests: Set<String> = []
    while try reader.next(into: block) {
      let bytes = block.wholeBytes
      reader.records { _, _, log, _, _ in
        digests.insert(bytes.text(Int(log.start), Int(log.count)))
      }
    }
    return digests
  }
}
