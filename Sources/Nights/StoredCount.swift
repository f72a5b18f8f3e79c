package import CivilTime
internal import Contracts
internal import Counting
internal import Decoding
internal import Detection
internal import Formats
package import Ledger
package import Metering
internal import Parsing

/// What the days of a workspace come to, over any range of dates, in the form in which a count of their logs
/// gives it.
///
/// It speaks of what was committed when it was made; the files that it reads stay as long as no one sweeps.
package struct StoredCount: Sendable {
  private let workspace: Workspace
  private let terms: Terms
  private let options: MeteringOptions
  /// All that were built, the first one first.
  let days: [Day]
  /// The day whose records that are carried over count as if nothing followed.
  private let lastDay: CivilDate?
  private let logs: StoredLogs
  /// The dates of which there is something, in the contracts' zones.
  package let dates: ClosedRange<CivilDate>?

  /// - Parameter logs: all, in the order of their names.
  init(
    _ workspace: Workspace, terms: Terms, options: MeteringOptions, days: [Day],
    logs: [(name: LogName, file: LogFile)]
  ) {
    self.workspace = workspace
    self.terms = terms
    self.options = options
    self.days = days
    lastDay = days.last?.day
    self.logs = StoredLogs(logs, zone: terms.strangersZone)
    let dates = days.compactMap(\.dates)
    let last = dates.map(\.upperBound).max()
    self.dates = dates.map(\.lowerBound).min().flatMap { first in last.map { first...$0 } }
  }

  /// What a closed month was counted from.
  private init(_ count: StoredCount, _ period: ClosedPeriod) {
    workspace = count.workspace
    terms = count.terms
    options = count.options
    let recordless = Set(period.recordless)
    logs = count.logs.keepingRecordless { recordless.contains($0.file.textDigest.hexadecimal) }
    dates = period.covered
    lastDay = period.days.first { $0.isLast }?.day
    days = period.days.map { day in
      Day(
        day: day.day, inputsHash: .zero, carryIn: nil, carryOut: nil, result: day.result,
        rows: day.rows, seen: day.seen, dates: period.month.first...period.month.last,
        effectiveEnd: Instant(microseconds: 0))
    }
  }

  /// What a closed month came to when it was closed; to be asked for that month alone.
  package func frozen(_ period: ClosedPeriod) -> StoredCount { StoredCount(self, period) }

  /// All logs, in the order of their names.
  package var inputs: [(name: LogName, file: LogFile)] { logs.all }

  /// The time of the last record of all.
  package var inputEnd: Instant? { logs.all.compactMap(\.file.lastTime).max() }

  /// The months that there is something of, ascending.
  package var months: [CivilMonth] {
    Set(CivilMonth.all(of: days.compactMap(\.dates)) + logs.recordless.map(\.date.month)).sorted()
  }

  /// What the days that have something of a range of dates come to.
  ///
  /// - Parameter range: in the contracts' zones; `nil`: all.
  /// - Throws: ``WorkspaceError``.
  package func range(_ range: ClosedRange<CivilDate>?) throws -> StoredRange {
    let found = try days(of: range).map { day in
      StoredDay(
        day: day, result: try DayResult.read(workspace.content(of: day.result)),
        isLast: isLast(day))
    }
    let logs = try logs.those(of: found.flatMap(\.result.logs), in: range)
    var terms = terms
    terms.dates = range
    return StoredRange(
      workspace: workspace, terms: terms, options: options, range: range, days: found, logs: logs)
  }

  private func days(of range: ClosedRange<CivilDate>?) -> [Day] {
    guard let range else { return days }
    return days.filter { $0.dates?.overlaps(range) ?? false }
  }

  private func isLast(_ day: Day) -> Bool { day.day == lastDay }

  /// What a range is made of, but for the names of logs: equal texts mean equal results.
  package func state(of range: ClosedRange<CivilDate>) -> String {
    let days = days(of: range).map { day in
      Self.text(of: day, isLast: isLast(day))
        + (day.seen.map { "\($0.sha256.hexadecimal)\n" } ?? "")
    }
    return (days + recordless(in: range).map { "\($0)\n" }).joined()
  }

  /// What a day's units and results are, and whether they are provisional.
  static func text(of day: Day, isLast: Bool) -> String {
    "\(day.day) \(day.result.sha256.hexadecimal) \(day.rows?.sha256.hexadecimal ?? "-") \(isLast)\n"
  }

  /// The digests of the texts, in hexadecimal, of logs without records that belong to a range of dates.
  package func recordless(in range: ClosedRange<CivilDate>) -> [String] {
    logs.recordless.filter { range.contains($0.date) }
      .map { logs.all[$0.index].file.textDigest.hexadecimal }
  }

  /// The present name of a log's text; `nil` where it is not there any more.
  package func name(ofText digest: ContentHash) -> LogName? {
    logs.number(of: digest).map { logs.all[$0].name }
  }
}

/// What a range of dates comes to.
package struct StoredRange {
  private let workspace: Workspace
  private let terms: Terms
  private let options: MeteringOptions
  private let range: ClosedRange<CivilDate>?
  private let days: [StoredDay]
  private let logs: StoredLogs

  fileprivate init(
    workspace: Workspace, terms: Terms, options: MeteringOptions, range: ClosedRange<CivilDate>?,
    days: [StoredDay], logs: StoredLogs
  ) {
    self.workspace = workspace
    self.terms = terms
    self.options = options
    self.range = range
    self.days = days
    self.logs = logs
  }

  /// The logs that it is made of, in the order of their names.
  package var inputs: [(name: LogName, file: LogFile)] { logs.all }

  /// Everything but the units.
  package func result() throws -> MeteringResult {
    var sum = StoredSum(logs, range)
    for day in days { try sum.add(day) }
    sum.balance.otherDays += logs.all.reduce(0) { $0 + $1.file.records }
    var result = sum.result()
    if options.detects { try detection(&result) }
    return result
  }

  /// What was seen of the range's calls, and the days whose calls nobody has looked at, or another version has.
  private func detection(_ result: inout MeteringResult) throws {
    var sum = DetectionSummary()
    for day in days {
      let files = try day.result.logs.map { try logs.number(ofDigest: $0) }
      let seen = try day.day.seen.flatMap { file in
        try SeenCalls.read(
          workspace.content(of: file), path: workspace.path(of: file), files: files)
      }
      guard let (seen, isPart) = seen else {
        result.unseenDays.append(day.day.day)
        continue
      }
      if isPart { result.daysSeenInPart.append(day.day.day) }
      sum.merge(seen)
    }
    if let range { sum.limit(to: range, terms) }
    result.detection = sum
  }

  /// Everything with all units.
  ///
  /// - Throws: ``WorkspaceError``, ``SegmentError`` or ``SpillError``.
  package func wholeResult() throws -> MeteringResult {
    var result = try result()
    (result.rows, result.spilledBytes) = try units.rows { range?.contains($0) ?? true }
    return result
  }

  /// The units of some dates of the range.
  ///
  /// - Throws: ``WorkspaceError``, ``SegmentError`` or ``SpillError``.
  package func rows(of dates: Set<CivilDate>) throws -> UsageRows {
    try units.rows { dates.contains($0) }.0
  }

  private var units: StoredUnits { StoredUnits(workspace, terms, options, days, logs) }

  /// What the units of a date are made of: equal texts mean equal units.
  package func state(of date: CivilDate) throws -> String {
    var text = ""
    for day in days where day.result.dates?.contains(date) ?? false {
      text += StoredCount.text(of: day.day, isLast: day.isLast)
      for digest in day.result.logs {
        text += "\(digest) \(logs.all[try logs.number(ofDigest: digest)].name.path)\n"
      }
    }
    return text
  }
}

/// A day with its result.
struct StoredDay {
  var day: Day
  var result: DayResult
  /// Whether what it carries over is counted as if nothing followed.
  var isLast: Bool
}

/// The logs that results speak of, numbered in the order of their names.
struct StoredLogs: Sendable {
  typealias Log = (name: LogName, file: LogFile)

  let all: [Log]
  /// Logs of which no line is a record belong to the day on which they were last written to.
  private(set) var recordless: [(index: Int, date: CivilDate)]
  private let zone: Zone
  private let numbers: [ContentHash: Int]

  init(_ all: [Log], zone: Zone) {
    self.all = all
    self.zone = zone
    recordless = all.enumerated().filter { $1.file.records == 0 }
      .map { ($0, zone.date(of: $1.name.modifiedAt)) }
    numbers = Dictionary(
      uniqueKeysWithValues: all.enumerated().map { ($1.file.textDigest, $0) })
  }

  /// What turns the numbers of lines into the logs' names; made anew each time.
  var sources: SourceTable {
    SourceTable(
      names: all.map(\.name.path),
      blockLines: all.map { $0.file.blockLines.map(Int32.init(clamping:)) })
  }

  /// Of logs without records, those that are wanted alone belong to a range of dates then.
  func keepingRecordless(_ isWanted: (Log) -> Bool) -> StoredLogs {
    var logs = self
    logs.recordless.removeAll { !isWanted(all[$0.index]) }
    return logs
  }

  func number(ofDigest digest: String) throws(UnknownLog) -> Int {
    guard let number = ContentHash(hexadecimal: digest).flatMap({ number(of: $0) }) else {
      throw UnknownLog(digest: digest)
    }
    return number
  }

  /// `nil` where no log has the text.
  func number(of textDigest: ContentHash) -> Int? { numbers[textDigest] }

  /// Those of some texts, and those without records of a range of dates.
  func those(
    of digests: [String], in range: ClosedRange<CivilDate>?
  ) throws(UnknownLog) -> StoredLogs {
    var wanted = Set(
      recordless.filter { range?.contains($0.date) ?? true }.map(\.index))
    for digest in digests { wanted.insert(try number(ofDigest: digest)) }
    return StoredLogs(wanted.sorted().map { all[$0] }, zone: zone)
  }
}

/// Adds up days' results.
private struct StoredSum {
  let logs: StoredLogs
  let range: ClosedRange<CivilDate>?
  var balance = Balance()
  private var totals: [DailyTotal: DailyTotal] = [:]
  private var uses: [UseKey: UseCount] = [:]
  private var places: [UnlistedPlaceKey: UseCount] = [:]
  private var outside: [String: UseCount] = [:]
  private var unplaced: [UsageOwner: FirstSources] = [:]
  private var conflicts = FirstSources()

  init(_ logs: StoredLogs, _ range: ClosedRange<CivilDate>?) {
    self.logs = logs
    self.range = range
  }

  private func holds(_ day: Int32) -> Bool {
    range?.contains(CivilDate(daysSinceEpoch: day)) ?? true
  }

  mutating func add(_ day: StoredDay) throws {
    let result = day.result
    let files = try result.logs.map { try logs.number(ofDigest: $0) }
    func number(_ source: StoredSource) -> UInt64 {
      Source.number(file: files[source.log], block: source.block, line: source.line)
    }
    func use(_ count: DayResult.Count) -> UseCount {
      UseCount(
        UseCount.Parts(
          records: count.records, first: count.first, last: count.last,
          evidence: count.evidence.map {
            UseCount.Parts.Line(time: $0.time, source: number($0.source))
          }))
    }
    // Records of the logs that count on no day of these.
    balance.otherDays -= result.records + result.carriedIn
    if !day.isLast { balance.otherDays += result.carriedOut }
    balance.ignored += result.ignored
    for entry in result.outside {
      balance.outsideContract += entry.value.records
      guard holds(entry.day) else { continue }
      outside[entry.key, default: UseCount()].merge(use(entry.value))
    }
    for entry in result.unplaced {
      balance.unplaced += entry.value.total
      guard holds(entry.day) else { continue }
      unplaced[entry.key, default: FirstSources()].merge(
        FirstSources(numbers: entry.value.first.map(number).sorted(), total: entry.value.total))
    }
    for entry in result.uses where holds(entry.day) {
      uses[entry.key, default: UseCount()].merge(use(entry.value))
    }
    for entry in result.places where holds(entry.day) {
      places[entry.key, default: UseCount()].merge(use(entry.value))
    }
    for counted in day.isLast ? [result.counted, result.provisional] : [result.counted] {
      balance.messages += counted.messages
      balance.items += counted.items
      balance.ignored += counted.ignored
      balance.failed += counted.failed
      balance.duplicates += counted.duplicates
      balance.conflicts += counted.conflicts
      conflicts.merge(
        FirstSources(
          numbers: counted.conflictSources.map(number).sorted(), total: counted.conflicts))
      for entry in counted.totals where holds(entry.day) { add(entry) }
      for entry in counted.units where holds(entry.day) {
        uses[entry.key, default: UseCount()].quantity += entry.value
      }
    }
  }

  private mutating func add(_ entry: DayResult.Entry<DayResult.TotalKey, DayResult.Total>) {
    let key = entry.key
    let empty = DailyTotal(
      contract: key.contract, licensee: key.licensee,
      date: CivilDate(daysSinceEpoch: entry.day), module: key.module, scenario: key.scenario,
      meter: Meter(rawValue: key.meter) ?? .conversation, quantity: 0, messages: 0,
      failedMessages: 0, duplicates: 0)
    var total = totals[empty] ?? empty
    total.quantity += entry.value.quantity
    total.messages += entry.value.messages
    total.failedMessages += entry.value.failedMessages
    total.duplicates += entry.value.duplicates
    totals[empty] = total
  }

  func result() -> MeteringResult {
    var balance = balance
    var bytes = ByteBalance()
    var quarantined: [Quarantined] = []
    var damages: [(file: InputFile, damage: Damage)] = []
    let files = logs.all.map { input($0.name) }
    for (number, log) in logs.all.enumerated() {
      let file = log.file
      balance.lines += file.lines
      balance.blank += file.blank
      balance.quarantined += file.quarantined
      balance.ignored += file.ignored
      bytes.text += file.textBytes
      bytes.blank += file.blankBytes
      bytes.quarantined += file.quarantinedBytes
      bytes.records += file.textBytes - file.blankBytes - file.quarantinedBytes
      bytes.addedLineEnds += file.addedLineEnds
      for rejection in file.rejections {
        guard let reason = Rejection(name: rejection.reason) else { continue }
        quarantined += rejection.firstLines.map {
          Quarantined(source: source(ofLine: $0, in: file, number), rejection: reason)
        }
      }
      damages += file.damages.map { (files[number], $0.damage) }
    }
    quarantined.sort { $0.source < $1.source }
    let sources = logs.sources
    return MeteringResult(
      balance: balance, bytes: bytes, totals: Array(totals.values),
      uses: uses.mapValues { $0.tally(sources) },
      places: places.mapValues { $0.tally(sources) },
      outside: outside.mapValues { $0.tally(sources) }, unplaced: unplaced,
      quarantined: Array(quarantined.prefix(MapSummary.quarantinedMax)), conflicts: conflicts,
      inputEnd: logs.all.compactMap(\.file.lastTime).max(), sources: sources, files: files,
      fileBytes: logs.all.map { log in
        var bytes = FileBytes()
        bytes.stored = log.name.storedBytes
        bytes.lost = log.file.lostBytes
        bytes.text = log.file.textBytes
        bytes.addedLineEnds = log.file.addedLineEnds
        return bytes
      },
      formats: logs.all.map { format(of: $0.file) }, damages: damages,
      spilledBytes: 0, rows: nil, quarantine: nil)
  }

  private func format(of file: LogFile) -> FoundFormat? {
    guard !file.format.isEmpty else { return nil }
    return FoundFormat(
      name: file.format == Intake.unknownFormat ? nil : file.format,
      ignoresAll: file.records == 0 && file.ignored > 0)
  }

  private func input(_ name: LogName) -> InputFile {
    InputFile(
      path: name.path, sizeBytes: name.storedBytes, isFromFolder: false, isStored: true,
      modifiedAt: name.modifiedAt)
  }

  /// The number of a line's source.
  ///
  /// - Parameter line: from 1.
  private func source(ofLine line: Int, in file: LogFile, _ number: Int) -> UInt64 {
    var before = 0
    for (block, count) in file.blockLines.enumerated() {
      if line <= before + count {
        return Source.number(file: number, block: block, line: line - before - 1)
      }
      before += count
    }
    return Source.number(file: number, block: max(file.blockLines.count - 1, 0), line: 0)
  }
}

/// A log of which a day has records, and the ledger has nothing.
struct UnknownLog: Error, CustomStringConvertible {
  var digest: String

  var description: String { "the log of text \(digest) is not in the ledger" }
}
