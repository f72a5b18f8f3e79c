internal import CivilTime
package import Counting
internal import Decoding
internal import Foundation
package import Ledger
package import Metering
internal import Segments

/// Proves that a workspace is what its raw logs give: takes every log that the ledger has from where it lies,
/// counts all of them anew in a workspace aside, by the code of any night, and compares.
///
/// What a log gave is compared by each figure and by its segments' SHA-256, a day by the SHA-256 of its result,
/// its units and what it carries over, a closed month by its totals, frozen and booked, row by row.
package final class RawProof: Sendable {
  /// What was found.
  package struct Outcome: Sendable {
    /// What was equal.
    package var logs = 0
    package var records = 0
    package var days = 0
    package var months = 0
    /// Each difference, and what could not be proven.
    package var problems: [WorkspaceProblem] = []
  }

  /// Where a log lies.
  private struct Place {
    var name: LogName
    /// Whether the file is the bytes that were taken in, and not the same text compressed otherwise.
    var isSame: Bool
  }

  private let workspace: Workspace
  private let scratch: String
  private let terms: Terms
  private let origin: NightlyCount.Origin
  private let recount: NightlyCount
  private let known: LedgerState

  /// Reads what a workspace holds at this moment.
  ///
  /// - Parameters:
  ///   - workspace: as long as it is open, nothing is swept away.
  ///   - scratch: an empty folder that is the proof's own; it takes about as much room as the workspace.
  ///   - terms: for all dates.
  package init(
    _ workspace: Workspace, scratch: String, terms: Terms, options: MeteringOptions,
    origin: NightlyCount.Origin
  ) throws(WorkspaceError) {
    self.workspace = workspace
    self.scratch = scratch
    self.terms = terms
    known = try LedgerState(workspace)
    recount = try NightlyCount(
      workspace: scratch + "/workspace", terms: terms, options: options, origin: origin)
    self.origin = recount.origin
  }

  /// Bytes of all logs as stored, which are read.
  package var storedBytes: Int { known.logs.reduce(0) { $0 + $1.file.storedBytes } }

  /// How far the reading has come: bytes as stored.
  package var storedBytesTaken: Int { recount.storedBytesTaken }

  /// Counts anew and compares; to be called once.
  ///
  /// - Throws: ``IntakeError`` where a log goes or changes meanwhile, ``WorkspaceError``, ``SegmentError`` or
  ///   ``SpillError`` of the workspace aside.
  package func run() throws -> Outcome {
    var outcome = Outcome()
    let places = known.logs.map { isReplaced($0) ? nil : place($0) }
    let files = try links(places)
    let night: NightlyCount.Outcome
    do {
      night = try recount.run(
        files.compactMap { $0 },
        latestTimes: Dictionary(
          uniqueKeysWithValues: zip(files, known.logs).compactMap { file, log in
            file.map { ($0.path, log.file.latestTime) }
          }),
        sealedUntil: Dictionary(
          uniqueKeysWithValues: zip(files, known.logs).compactMap { file, log in
            file.flatMap { file in log.file.sealedUntil.map { (file.path, $0) } }
          }))
    } catch IntakeError.input(let errors) {
      // By the names that the logs have, and not by those of the links.
      let names = Dictionary(
        uniqueKeysWithValues: zip(files, places).compactMap { file, place in
          file.flatMap { file in place.map { (file.path, $0.name.path) } }
        })
      throw IntakeError.input(
        errors.map {
          InputError(path: names[$0.path] ?? $0.path, detail: $0.detail, remedy: $0.remedy)
        })
    }
    let found = try LedgerState(recount.workspace)
    let byName = Dictionary(
      found.logs.flatMap { log in log.names.map { ($0.path, log) } },
      uniquingKeysWith: { first, _ in first })
    var missing: [LedgerState.Log] = []
    for (number, log) in known.logs.enumerated() {
      guard let place = places[number], let file = files[number], let again = byName[file.path],
        place.isSame || again.file.textDigest == log.file.textDigest
      else {
        // One that a longer one has replaced, and of which nothing counts but what is frozen.
        if log.file.records > 0 && log.file.uncountedRecords == log.file.records { continue }
        missing.append(log)
        outcome.problems.append(absence(of: log, places[number]))
        continue
      }
      let problems = compare(log, again, isSame: place.isSame)
      outcome.problems += problems
      if problems.isEmpty {
        outcome.logs += 1
        outcome.records += log.file.records
      }
    }
    if let sealed = known.sealedUntil { outcome.problems.append(sealedNote(sealed)) }
    let others = Dictionary(
      grouping: known.days.filter { !$0.isSealed }.compactMap { known.rules[$0.day] }
        .filter { $0 != origin.rule }
    ) { $0 }
    guard others.isEmpty else {
      outcome.problems += others.values.map { otherRule($0[0], days: $0.count) }.sorted {
        $0.what < $1.what
      }
      return outcome
    }
    let unproven = compareDays(found.days, missing, &outcome)
    try compareMonths(night, unproven, &outcome)
    return outcome
  }

  // MARK: - Logs

  /// Where a log lies: the bytes that were taken in, else the text in another form; `nil` where it is gone.
  private func place(_ log: LedgerState.Log) -> Place? {
    var other: Place?
    for name in log.names {
      guard let content = FileContent.sha256(name.path) else { continue }
      var name = name
      let isSame = content.sha256 == log.file.storedSHA256
      guard isSame || content.sha256 == name.storedSHA256 else { continue }
      name.storedSHA256 = content.sha256
      name.storedBytes = content.bytes
      if isSame { return Place(name: name, isSame: true) }
      // Of those that may be a part of it, the longest one.
      if content.bytes > other?.name.storedBytes ?? -1 { other = Place(name: name, isSame: false) }
    }
    return other
  }

  /// Links to the logs, in folders in the order in which the ledger has the logs, which days depend on. The ends of
  /// their paths are the logs' own, by which what was seen of calls tells hosts.
  private func links(_ places: [Place?]) throws -> [InputFile?] {
    let folder = scratch + "/logs"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
    return try places.enumerated().map { number, place in
      guard let name = place?.name else { return nil }
      let link =
        "\(folder)/\(10_000_000 + number)/" + Self.end(of: known.logs[number].name.path)
      try FileManager.default.createDirectory(
        atPath: URL(fileURLWithPath: link).deletingLastPathComponent().path,
        withIntermediateDirectories: true)
      // The ledger's names are from the root, but for tests'.
      let target = URL(fileURLWithPath: name.path).path
      try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: target)
      return InputFile(
        path: link, sizeBytes: name.storedBytes, isFromFolder: false, isStored: true,
        modifiedAt: name.modifiedAt)
    }
  }

  /// As many of a path's last names as tell a host, those that lead elsewhere and those that are not there as `_`.
  private static func end(of path: String) -> String {
    let names = path.split(separator: "/").map { $0 == ".." || $0 == "." ? "_" : String($0) }
    return (["_", "_"] + names).suffix(3).joined(separator: "/")
  }

  /// Whether a log is kept for its sealed days alone, since a longer one has its other days.
  private func isReplaced(_ log: LedgerState.Log) -> Bool {
    log.file.uncountedRecords > 0 && log.file.sealedUntil == nil
  }

  /// The days of a log, those among them of which the segments are gone.
  private func days(of log: LedgerState.Log) -> [CivilDate] {
    let stored = Set(log.segments.map(\.day))
    guard let first = log.file.firstTime, let last = log.file.lastTime else { return [] }
    let all = Zone.utc.date(of: first)...Zone.utc.date(of: last)
    return stored.union(known.days.filter { $0.isSealed && all.contains($0.day) }.map(\.day))
      .sorted()
  }

  private func sealedNote(_ day: CivilDate) -> WorkspaceProblem {
    WorkspaceProblem(
      path: "segments",
      what: "those of days up to \(day) were removed ('keep_segments'), and were not compared",
      remedy: "what these days came to was, where the raw logs are there", isError: false)
  }

  private func absence(of log: LedgerState.Log, _ place: Place?) -> WorkspaceProblem {
    if isReplaced(log) {
      return WorkspaceProblem(
        path: log.name.path,
        what: "became a part of a longer log when some of its days were sealed, so that "
          + "\(Self.text(of: days(of: log))) cannot be proven",
        remedy: "a new workspace over all raw logs tells what they come to", isError: true)
    }
    let what =
      place.map { "only another form or a part of it is there (\($0.name.path))" }
      ?? "is gone, or another file is in its place"
    let days = Self.text(of: days(of: log))
    return WorkspaceProblem(
      path: log.name.path,
      what: "\(what); expected \(log.file.storedBytes) bytes with SHA-256 "
        + "\(log.file.storedSHA256.hexadecimal)"
        + (days.isEmpty ? "" : ", without which \(days) cannot be proven"),
      remedy: "put it back from an archive, under "
        + log.names.map(\.path).joined(separator: " or "), isError: true)
  }

  private func compare(
    _ log: LedgerState.Log, _ again: LedgerState.Log, isSame: Bool
  ) -> [WorkspaceProblem] {
    var (expected, found) = (again.file, log.file)
    if !isSame {
      // What another compression changes.
      expected.storedSHA256 = found.storedSHA256
      expected.storedBytes = found.storedBytes
      expected.codec = found.codec
      expected.lostBytes = found.lostBytes
      expected.damages = found.damages
    }
    let facts = zip(Self.facts(expected), Self.facts(found)).filter { $0.0.text != $0.1.text }
      .map { expected, found in
        "\(expected.name): expected \(expected.text), found \(found.text)"
      }
    var problems = facts.map { difference(log.name.path, $0) }
    let segments = Self.byDay(log.segments.map { ($0.day, $0) })
    let wanted = Self.byDay(again.segments.map { ($0.day, $0) })
    for day in Set(segments.keys).union(wanted.keys).sorted() {
      if let sealed = known.sealedUntil, day <= sealed { continue }
      // What was kept of records before more was cannot have the same bytes.
      let isWhole = segments[day].map { hasTraces($0) } ?? true
      let (expected, found) = (
        wanted[day].map { Self.text($0, isWhole: isWhole) },
        segments[day].map { Self.text($0, isWhole: isWhole) }
      )
      if expected == found { continue }
      problems.append(
        difference(
          log.name.path,
          "its records of \(day): expected \(expected ?? "none"), found \(found ?? "none")"))
    }
    return problems
  }

  private static func text(_ segment: LedgerSegment, isWhole: Bool) -> String {
    "\(segment.records) records from \(segment.firstTime.rfc3339(in: .utc)) to "
      + "\(segment.lastTime.rfc3339(in: .utc))"
      + (isWhole ? " with SHA-256 \(segment.file.sha256.hexadecimal)" : "")
  }

  /// Whether all that a log's lines say of calls was kept, as far as can be told.
  private func hasTraces(_ segment: LedgerSegment) -> Bool {
    let path = workspace.path(of: segment.file)
    return (try? SegmentReader(path: path, day: segment.day).hasTraces) ?? true
  }

  /// All that is known of a log, as words.
  private static func facts(_ file: LogFile) -> [(name: String, text: String)] {
    func text(_ time: Instant?) -> String { time?.rfc3339(in: .utc) ?? "none" }
    return [
      ("SHA-256", file.storedSHA256.hexadecimal),
      ("digest of the text", file.textDigest.hexadecimal),
      ("digest of the first line", file.headDigest?.hexadecimal ?? "none"),
      ("bytes", "\(file.storedBytes)"), ("lost bytes", file.lostBytes.map { "\($0)" } ?? "unknown"),
      ("bytes of text", "\(file.textBytes)"), ("added line ends", "\(file.addedLineEnds)"),
      ("codec", file.codec), ("encoding", file.encoding), ("format", file.format),
      ("lines", "\(file.lines)"), ("blank lines", "\(file.blank)"),
      ("ignored lines", "\(file.ignored)"), ("records", "\(file.records)"),
      ("quarantined lines", "\(file.quarantined)"), ("bytes of blank lines", "\(file.blankBytes)"),
      ("bytes of quarantined lines", "\(file.quarantinedBytes)"),
      ("first record", text(file.firstTime)), ("last record", text(file.lastTime)),
      ("lines of its blocks", "\(file.blockLines)"),
      (
        "damages",
        file.damages.isEmpty ? "none" : file.damages.map { $0.damage.text }.joined(separator: ", ")
      ),
      (
        "quarantined for",
        file.rejections.isEmpty
          ? "nothing"
          : file.rejections.map { "\($0.reason) \($0.count) \($0.firstLines)" }
            .joined(separator: ", ")
      ),
    ]
  }

  // MARK: - Days

  private func otherRule(_ rule: ContentHash, days: Int) -> WorkspaceProblem {
    WorkspaceProblem(
      path: "days",
      what:
        "\(days) were counted by the rule \(rule.hexadecimal), and the pipeline's "
        + "is \(origin.rule.hexadecimal), so that days and closed months were not compared",
      remedy: "name the pipeline by whose contracts they were counted, or run this one first",
      isError: true)
  }

  /// - Returns: the days that cannot be proven, since logs are missing.
  private func compareDays(
    _ again: [Day], _ missing: [LedgerState.Log], _ outcome: inout Outcome
  ) -> Set<CivilDate> {
    let found = Self.byDay(known.days.map { ($0.day, $0) })
    let expected = Self.byDay(again.map { ($0.day, $0) })
    let lacking = Set(missing.flatMap(days))
    var unproven: Set<CivilDate> = []
    for day in Set(found.keys).union(expected.keys).sorted() {
      let (found, expected) = (found[day], expected[day])
      // What a missing log's records change goes on as long as it changes what is carried over; without the last
      // record of all, the days at the end are others.
      let isUnproven =
        lacking.contains(day)
        || unproven.contains(day + -1) && found?.carryIn != expected?.carryIn
        || !missing.isEmpty && found?.effectiveEnd != expected?.effectiveEnd
      guard !isUnproven else {
        unproven.insert(day)
        continue
      }
      // Another rule must not change what a closed month came to, and may say it otherwise.
      if found?.isSealed == true, known.rules[day] != origin.rule { continue }
      let problems = zip(Self.facts(expected), Self.facts(found))
        .filter { $0.0.text != $0.1.text && ($0.0.name != Self.seenName || hasTraces(of: day)) }
        .map { expected, found in
          difference(
            "days/\(day)", "\(expected.name): expected \(expected.text), found \(found.text)")
        }
      outcome.problems += problems
      if problems.isEmpty { outcome.days += 1 }
    }
    if !unproven.isEmpty {
      outcome.problems.append(
        WorkspaceProblem(
          path: "days",
          what: "\(Self.text(of: unproven.sorted())) cannot be proven without the "
            + "logs that are not there", remedy: "put these back and verify again", isError: true))
    }
    return unproven
  }

  private static let seenName = "what was seen of its calls"

  /// Whether all that is seen of a day's calls was kept.
  private func hasTraces(of day: CivilDate) -> Bool {
    known.logs.allSatisfy { log in
      log.segments.allSatisfy { $0.day != day || hasTraces($0) }
    }
  }

  /// What is compared of a day; of none, that it is not there.
  private static func facts(_ day: Day?) -> [(name: String, text: String)] {
    func text(_ file: StoredFile?) -> String {
      file.map { "\($0.bytes) bytes with SHA-256 \($0.sha256.hexadecimal)" } ?? "none"
    }
    return [
      ("result", text(day?.result)), ("units", text(day?.rows)),
      (seenName, text(day?.seen)),
      ("carried over from the day before", day?.carryIn?.hexadecimal ?? "nothing"),
      ("carried over to the next day", text(day?.carryOut)),
      ("dates", day?.dates.map { "\($0.lowerBound) to \($0.upperBound)" } ?? "none"),
      ("end", day?.effectiveEnd.rfc3339(in: .utc) ?? "none"),
    ]
  }

  // MARK: - Closed months

  /// Holds what was frozen of closed months, and booked since, against the new count.
  private func compareMonths(
    _ night: NightlyCount.Outcome, _ unproven: Set<CivilDate>, _ outcome: inout Outcome
  ) throws {
    let closed = ClosedMonths(known.periods, known.adjustments, workspace)
    do throws(ClosedTermsError) {
      try closed.check(terms.contracts)
    } catch {
      outcome.problems.append(
        WorkspaceProblem(
          path: "period \(error.month)", what: "cannot be proven by other terms",
          remedy: "\(error)", isError: true))
    }
    for period in known.periods {
      let range = period.month.first...period.month.last
      let path = "period \(period.month)"
      var problems: [WorkspaceProblem] = []
      let kept = try FrozenTotals(
        period.days.map {
          (try DayResult.read(workspace.content(of: $0.result)), isLast: $0.isLast)
        }, range)
      for (key, change) in try FrozenTotals(json: period.totals).changes(from: kept) {
        problems.append(
          difference(
            path,
            "frozen totals of \(key.text): \(change.text) beside what the days come to that it was "
              + "closed with"))
      }
      // A date can begin a day before, and end a day after it does in UTC.
      if unproven.contains(where: { range.lowerBound + -2 <= $0 && $0 <= range.upperBound + 2 }) {
        problems.append(
          WorkspaceProblem(
            path: path, what: "cannot be proven without the logs that are not there",
            remedy: "put these back and verify again", isError: true))
      } else {
        let total = try closed.total(of: period)
        let wanted = try FrozenTotals(night.count.days, range) {
          try DayResult.read(recount.workspace.content(of: $0.result))
        }
        for (key, _) in total.changes(from: wanted) {
          problems.append(
            difference(
              path,
              "frozen and booked for \(key.text): expected \(wanted[key].text), found "
                + total[key].text))
        }
      }
      outcome.problems += problems
      if problems.isEmpty { outcome.months += 1 }
    }
  }

  /// Not trapping where a ledger is damaged.
  private static func byDay<Value>(_ values: [(CivilDate, Value)]) -> [CivilDate: Value] {
    Dictionary(values, uniquingKeysWith: { first, _ in first })
  }

  // MARK: - Words

  private func difference(_ path: String, _ what: String) -> WorkspaceProblem {
    WorkspaceProblem(
      path: path, what: what,
      remedy:
        "where the pipeline's 'formats' and 'encoding' and --line-bytes-max are those by which the "
        + "log was taken in, the workspace was changed: restore it from a copy, or rebuild it from the "
        + "logs in a new folder", isError: true)
  }

  /// Days with those that follow each other as ranges.
  private static func text(of days: [CivilDate]) -> String {
    var ranges: [ClosedRange<CivilDate>] = []
    for day in days {
      if let last = ranges.last, last.upperBound + 1 == day {
        ranges[ranges.count - 1] = last.lowerBound...day
      } else {
        ranges.append(day...day)
      }
    }
    return ranges.map {
      $0.lowerBound == $0.upperBound ? "\($0.lowerBound)" : "\($0.lowerBound) to \($0.upperBound)"
    }.joined(separator: ", ")
  }
}

/// What a ledger says that a proof compares, at one moment.
private struct LedgerState: Sendable {
  struct Log: Sendable {
    /// The one that it is known by.
    var name: LogName
    var file: LogFile
    /// All of them.
    var names: [LogName]
    var segments: [LedgerSegment]
  }

  /// In the order of their names.
  var logs: [Log]
  var days: [Day]
  /// The rules by which days were counted.
  var rules: [CivilDate: ContentHash]
  var sealedUntil: CivilDate?
  var periods: [ClosedPeriod]
  var adjustments: [Adjustment]

  init(_ workspace: Workspace) throws(WorkspaceError) {
    self = try workspace.ledger.read { state throws(WorkspaceError) in
      try LedgerState(state, path: workspace.path)
    }
  }

  private init(_ state: LedgerSnapshot, path: String) throws(WorkspaceError) {
    logs = try state.logs().map { name, file throws(WorkspaceError) in
      guard let id = try state.file(textDigest: file.textDigest)?.id else {
        throw .corrupt(path: path, detail: "its index of logs lacks one")
      }
      return Log(
        name: name, file: file, names: try state.names(of: id), segments: try state.segments(of: id)
      )
    }
    days = try state.days()
    rules = try state.rulesOfDays()
    sealedUntil = try state.lastSealedDay()
    periods = try state.closedPeriods()
    adjustments = try state.adjustments()
  }
}
