internal import CivilTime

/// The log files of all gateways: turns a slice's events into lines, in the order in which each
/// gateway wrote them.
struct LogDirectory: ~Copyable {
  private let options: SimulationOptions
  private let directory: String
  private let pool: CompressionPool
  private var writer: LineWriter
  private var chunks: [Chunk] = []
  private var keys: [Int] = []
  private var order: [UInt64] = []
  private(set) var files: [String] = []
  private var date: CivilDate?
  private let badLinePieces: [Piece]
  private let badLineTable = PieceTable(capacityBytes: 4_096)
  private var recordCount = 0
  private(set) var unreadableCount = 0
  private(set) var blankCount = 0

  /// Lines that are no record, each for another reason.
  private static let badLines = [
    #"{"time":"2025-12-01T08:00:00.123+08:00","licensee":"acme","user":"u-00"#,
    "upstream timed out (110: Connection timed out) while reading response header",
    #"{"licensee":"acme","user":"u-0012ab34","event":"message","status":200}"#,
    #"{"time":"yesterday, about noon","licensee":"acme","user":"u-0012ab34","status":200}"#,
    #"["2025-12-01T08:00:00.123+08:00","acme","u-0012ab34"]"#,
  ]

  init(
    options: SimulationOptions, directory: String, traffic: borrowing Traffic
  ) throws(SimulationError) {
    self.options = options
    self.directory = directory
    let table = badLineTable
    badLinePieces = Self.badLines.map { table.add($0 + "\n") }
    writer = LineWriter(
      options: options, catalogue: traffic.catalogue, population: traffic.population,
      probedPaths: traffic.conduct.probedPaths)
    pool = try CompressionPool(threads: options.threads)
  }

  /// Writes the events that stand before a moment of the true clock.
  ///
  /// - Returns: the events that a slow writer still holds.
  mutating func write(
    _ events: [LogEvent], from start: Int64, before end: Int64
  ) throws(SimulationError) -> [LogEvent] {
    try open(at: start)
    order.removeAll(keepingCapacity: true)
    var kept: [LogEvent] = []
    for (index, event) in events.enumerated() {
      if event.order < end {
        // Minutes at most after the slice's start: the difference fits into 32 bits.
        let position = UInt64(max(0, event.order - start + 60_000))
        order.append(position << 32 | UInt64(index))
      } else {
        kept.append(event)
      }
    }
    order.sort()
    for entry in order {
      let event = events[Int(entry & 0xFFFF_FFFF)]
      let gateway = Int(event.gateway)
      if !chunks[gateway].hasRoom { try flush(gateway, isLast: false) }
      var line = chunks[gateway].beginLine()
      writer.write(event, to: &line)
      chunks[gateway].endLine(line)
      recordCount += 1
      if unreadableCount < options.unreadableLines || blankCount < options.blankLines {
        try plantLines(gateway)
      }
    }
    return kept
  }

  /// Spreads unreadable and blank lines evenly.
  private mutating func plantLines(_ gateway: Int) throws(SimulationError) {
    func isDue(_ done: Int, of all: Int) -> Bool {
      done < all && recordCount >= options.records / (all + 1) * (done + 1) * 9 / 10
    }
    if isDue(unreadableCount, of: options.unreadableLines) {
      if !chunks[gateway].hasRoom { try flush(gateway, isLast: false) }
      var line = chunks[gateway].beginLine()
      line.append(badLinePieces[unreadableCount % badLinePieces.count])
      chunks[gateway].endLine(line)
      unreadableCount += 1
    }
    if isDue(blankCount, of: options.blankLines) {
      if !chunks[gateway].hasRoom { try flush(gateway, isLast: false) }
      var line = chunks[gateway].beginLine()
      line.append(0x0A)
      chunks[gateway].endLine(line)
      blankCount += 1
    }
  }

  private mutating func flush(_ gateway: Int, isLast: Bool) throws(SimulationError) {
    try pool.submit(chunks[gateway], key: keys[gateway], isLast: isLast)
    chunks[gateway] = Chunk()
  }

  /// Opens the files of the day that a slice lies in, or of the whole run.
  private mutating func open(at start: Int64) throws(SimulationError) {
    let today = options.zone.date(of: Instant(microseconds: start * 1_000))
    if let date, date == today || !options.rotatesDaily { return }
    try endFiles()
    date = today
    for gateway in 0..<options.gateways {
      let codec = options.codecs[gateway % options.codecs.count]
      var name = "gateway-\(CivilDate.padded(gateway + 1))"
      if options.rotatesDaily { name += "-\(today)" }
      name += ".ndjson" + codec.suffix
      let file = try LogFile(
        path: directory + "/" + name, codec: codec, gzipLevel: options.gzipLevel,
        writtenAt: options.end.microseconds / 1_000)
      files.append(name)
      keys.append(pool.add(file))
      chunks.append(Chunk())
    }
  }

  private mutating func endFiles() throws(SimulationError) {
    for gateway in keys.indices { try flush(gateway, isLast: true) }
    keys = []
    chunks = []
  }

  /// Ends all files and waits until they are written.
  mutating func finish() throws(SimulationError) {
    try endFiles()
    try pool.finish()
  }

  deinit { pool.close() }
}

extension SimulationOptions.Codec {
  /// What a file's name ends in; reading does not depend on it.
  var suffix: String {
    switch self {
    case .gzip: ".gz"
    case .lz4: ".lz4"
    case .plain: ""
    }
  }
}

extension CivilDate {
  /// At least two digits.
  static func padded(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
}
