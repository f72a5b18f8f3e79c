internal import CivilTime
internal import Contracts
public import Counting
internal import Decoding
internal import Metering
internal import Parsing
internal import Shuffling

/// The records of a file whose time is in a range.
private struct TextPiece: RecordPiece {
  var path: String
  var file: Int
  var times: Range<Int64>

  func map(into mapper: inout RecordMapper) throws {
    let stream = try LogStream(path: path)
    let block = Block()
    var parser = JSONLinesParser()
    while stream.next(into: block) {
      mapper.begin(block, file: file)
      var calls: [Int] = []
      _ = parser.parse(block) { call, line in
        if times.contains(call.time.microseconds) {
          mapper.receive(call, line: line)
          calls.append(line)
        }
      } rejected: { _, _ in
      }
    }
  }
}

/// What was carried over, written down as lines that are read again.
private struct CarriedPiece: RecordPiece {
  var path: String
  var records: [CarriedRecord]

  func map(into mapper: inout RecordMapper) throws {
    let stream = try LogStream(path: path)
    let block = Block()
    var parser = JSONLinesParser()
    var first = 0
    while stream.next(into: block) {
      mapper.begin(block, file: 0)
      let counts = parser.parse(block) { call, line in
        let record = records[first + line]
        mapper.receive(call, source: record.source, as: record.flags)
      } rejected: { rejection, line in
        preconditionFailure("\(rejection) of \(records[first + line])")
      }
      first += counts.lines
    }
  }

  static func text(_ records: [CarriedRecord]) -> [UInt8] {
    func quoted(_ text: some Sequence<UInt8>) -> [UInt8] {
      [0x22]
        + text.flatMap { byte -> [UInt8] in
          if byte >= 0x20 && byte != 0x22 && byte != 0x5C { return [byte] }
          let digits = String(byte, radix: 16)
          return Array("\\u00\(digits.count == 1 ? "0" : "")\(digits)".utf8)
        } + [0x22]
    }
    return records.flatMap { record -> [UInt8] in
      var line = Array("{\"time\":\(record.time),\"items\":\(record.items)".utf8)
      for (name, text) in [
        ("licensee", Array(record.licensee.utf8)), ("module", Array(record.module.utf8)),
        ("scenario", Array(record.scenario.utf8)), ("app", Array(record.app.utf8)),
        ("event", Array(record.event.utf8)), ("user", record.user),
        ("conversation", record.conversation), ("request_id", record.requestID),
      ] where !text.isEmpty {
        line += Array(",\"\(name)\":".utf8) + quoted(text)
      }
      return line + Array("}\n".utf8)
    }
  }
}

extension Counted {
  /// Counts plain NDJSON files stretch by stretch of time, each with what the one before carried over.
  ///
  /// - Parameter ends: the moments at which stretches end, ascending; the last one is behind all records.
  /// - Returns: without lines that are no records, and without bytes.
  public static func metered(
    _ paths: [String], stretchesEnding ends: [Int64], terms: Terms, threads: Int,
    in folder: TemporaryFolder, recordBytesMax: Int? = nil
  ) throws -> Counted {
    var options = MeteringOptions(
      threads: threads, memoryBytes: 256 << 20, temporaryFolder: folder.path)
    options.wantsRows = true
    options.recordBytesMax = recordBytesMax
    let files = try InputFiles.find(paths)
    let (inputEnd, blockLines) = try survey(files)
    var counted = Counted()
    var totals: [TotalKey: DailyTotal] = [:]
    var carried: [CarriedRecord] = []
    var start = Int64.min
    let sources = SourceTable(names: files.map(\.path), blockLines: blockLines)
    for (number, end) in ends.enumerated() {
      var pieces: [any RecordPiece] = files.indices.map {
        TextPiece(path: files[$0].path, file: $0, times: start..<end)
      }
      let path = try folder.write(CarriedPiece.text(carried), as: "carried-\(number)")
      pieces.append(CarriedPiece(path: path, records: carried))
      let outcome = try DayCount(pieces, terms: terms, options: options)
        .run(end: end, inputEnd: inputEnd)
      func add(_ summary: ReduceSummary, _ rows: CountedRows) throws {
        counted.balance.merge(summary.balance)
        for total in summary.totals.dailyTotals(outcome.attributions, terms) {
          totals[TotalKey(total), default: TotalKey(total).empty].add(total)
        }
        // swift-format-ignore: ReplaceForEachWithForLoop
        try rows.forEach { row, chunk in
          counted.rows.append(Self.row(row, chunk, outcome.attributions, terms, sources))
          return true
        }
      }
      counted.balance.merge(outcome.map.balance)
      try add(outcome.counted, outcome.rows)
      if end == ends.last { try add(outcome.provisional, outcome.provisionalRows) }
      carried = []
      // swift-format-ignore: ReplaceForEachWithForLoop
      try outcome.carried.forEach {
        carried.append($0)
        return true
      }
      start = end
    }
    counted.totals = totals.values.map(totalText).sorted { $0.lexicographicallyPrecedes($1) }
    return counted
  }

  /// The time of the last record, and for each file the lines of its blocks.
  private static func survey(
    _ files: [InputFile]
  ) throws -> (inputEnd: Int64, blockLines: [[Int32]]) {
    var last: Int64 = 0
    var blockLines: [[Int32]] = []
    for file in files {
      let stream = try LogStream(path: file.path)
      let block = Block()
      var parser = JSONLinesParser()
      var lines: [Int32] = []
      while stream.next(into: block) {
        let counts = parser.parse(block) { call, _ in
          last = max(last, call.time.microseconds)
        } rejected: { _, _ in
        }
        lines.append(Int32(counts.lines))
      }
      blockLines.append(lines)
    }
    return (last, blockLines)
  }
}

/// A line of the count without its numbers.
private struct TotalKey: Hashable {
  var empty: DailyTotal

  init(_ total: DailyTotal) {
    empty = total
    empty.quantity = 0
    empty.messages = 0
    empty.failedMessages = 0
    empty.duplicates = 0
  }
}

extension DailyTotal {
  fileprivate mutating func add(_ other: DailyTotal) {
    quantity += other.quantity
    messages += other.messages
    failedMessages += other.failedMessages
    duplicates += other.duplicates
  }
}
