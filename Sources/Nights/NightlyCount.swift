package import CivilTime
package import Counting
package import Decoding
internal import Foundation
package import Ledger
package import Metering
internal import Parsing
internal import Segments
internal import Shuffling

/// Counts logs night by night: takes in what is new, counts the days that it touches, and adds up all days.
///
/// Any division of the same logs into nights comes to the same as one count of all of them.
package final class NightlyCount: @unchecked Sendable {
  /// Who runs what, for the ledger.
  package struct Origin: Sendable {
    package var command: String
    package var user: String
    package var programVersion: String
    /// SHA-256 of all configuration.
    package var configuration: ContentHash
    /// SHA-256 of what decides a day's result: contracts and the options of counting.
    package var rule: ContentHash

    package init(
      command: String, user: String, programVersion: String, configuration: ContentHash,
      rule: ContentHash
    ) {
      self.command = command
      self.user = user
      self.programVersion = programVersion
      self.configuration = configuration
      self.rule = rule
    }

    /// That of those who look for misuse: days of which nothing was seen, or what other detectors have seen, are
    /// counted anew.
    fileprivate var looking: Origin {
      var origin = self
      origin.rule = .sha256(Array("\(rule.hexadecimal)\nseen \(SeenCalls.version)".utf8))
      return origin
    }
  }

  /// What a night found, and what it came to.
  package struct Outcome {
    /// What the workspace holds now.
    package var count: StoredCount
    /// Logs whose text was taken in under another name: path and that name.
    package var repeated: [(path: String, name: String)]
    /// Logs that were taken in.
    package var taken: [String]
    /// Of these, those that take the place of what was their beginning.
    package var extended: [String]
    /// Days that were counted.
    package var days: [CivilDate]
    /// What was booked tonight for closed months.
    package var late: [Adjustment]
    /// Logs with records of sealed days, which are not counted.
    package var uncounted: [(path: String, records: Int)]
    /// The last day that is sealed, and how many were tonight.
    package var sealed: (until: CivilDate?, days: Int)
    /// The months that are closed, ascending, and all that was booked for them.
    package var closed: [ClosedPeriod]
    package var adjustments: [Adjustment]
  }

  let workspace: Workspace
  let terms: Terms
  private let options: MeteringOptions
  let origin: Origin
  let keepDays: Int?
  private let progress = Progress()

  private final class Progress: @unchecked Sendable {
    private let monitor = Monitor()
    private var intake: Intake?

    func set(_ intake: Intake) { monitor.withLock { self.intake = intake } }
    var storedBytesTaken: Int { monitor.withLock { intake }?.storedBytesTaken ?? 0 }
  }

  /// Opens the workspace, which no one else may write to meanwhile, and makes it where it is missing.
  ///
  /// - Parameter keepDays: days of closed months are sealed when they are so many days older than the last record
  ///   of all logs; at least ``keepDaysMin``; `nil`: none is.
  package init(
    workspace path: String, terms: Terms, options: MeteringOptions, origin: Origin,
    keepDays: Int? = nil
  ) throws(WorkspaceError) {
    workspace = try Workspace.open(
      path, access: .write(holder: origin.command), programVersion: origin.programVersion)
    self.terms = terms
    self.options = options
    self.origin = options.detects ? origin.looking : origin
    self.keepDays = keepDays
  }

  /// A log without records of so many days up to the last record of all is one that grows no more.
  package static let keepDaysMin = 35

  /// How far the reading of new logs has come: bytes as stored.
  package var storedBytesTaken: Int { progress.storedBytesTaken }

  /// Takes in what is new among logs and counts; to be called once.
  ///
  /// - Parameters:
  ///   - latestTimes: of a log's path, the latest time that a record of it may have; of others it is a day after the
  ///     newest log was last written to.
  ///   - sealedUntil: of a log's path, the day up to which its records are not taken in; of others it is the last
  ///     sealed one.
  /// - Throws: ``IntakeError``, ``WorkspaceError``, ``SegmentError`` or ``SpillError``; then the workspace is
  ///   as it was.
  package func run(
    _ files: [InputFile], latestTimes: [String: Instant] = [:],
    sealedUntil: [String: CivilDate] = [:]
  ) throws -> Outcome {
    _ = try workspace.sweep()
    let known = try workspace.ledger.read { state throws(WorkspaceError) in try state.knownNames() }
    let candidates = files.filter { file in
      guard let name = known[Array(file.path.utf8)]?.name else { return true }
      return name.storedBytes != file.sizeBytes || name.modifiedAt != file.modifiedAt
    }
    let contents = try workspace.ledger.read { state throws(WorkspaceError) in
      try candidates.map { file throws(WorkspaceError) in try state.contents(under: file.path) }
    }
    let hashes = try Self.hashes(of: candidates, earlier: contents, threads: options.threads)
    let digests = hashes.map(\.digest)
    var byDigest: [ContentHash: LogFileID] = [:]
    for name in known.values { byDigest[name.name.storedSHA256] = name.file }
    // Of logs that are stored alike, the first one is read.
    var first: [ContentHash: Int] = [:]
    for index in candidates.indices where byDigest[digests[index]] == nil {
      if first[digests[index]] == nil { first[digests[index]] = index }
    }
    let new = first.values.sorted()
    let newest = (known.values.map(\.name.modifiedAt) + files.map(\.modifiedAt)).max()
    let latest = Intake.latestTime(newest: newest ?? Instant(microseconds: 0))
    let intake = Intake(
      new.map { candidates[$0] }, digests: new.map { digests[$0] },
      latestTimes: new.map { latestTimes[candidates[$0].path] ?? latest },
      folder: "\(workspace.path)/segments", options: options)
    progress.set(intake)
    // Late ones are taken in in this order.
    var taken = try intake.run().sorted {
      $0.name.path.utf8.lexicographicallyPrecedes($1.name.path.utf8)
    }
    if options.isStrict { try refuse(taken) }
    let run = try beginRun()
    let beginnings = Dictionary(
      uniqueKeysWithValues: candidates.indices.map {
        (Array(candidates[$0].path.utf8), hashes[$0].beginnings)
      })
    var changes = Changes()
    do {
      try workspace.ledger.commit(run, orThrow: Self.same) { transaction in
        var closed = try ClosedMonths(transaction.state, workspace)
        try closed.check(terms.contracts)
        let sealed = try transaction.state.lastSealedDay()
        for index in taken.indices {
          taken[index].leaveOut(upTo: sealedUntil[taken[index].name.path] ?? sealed)
        }
        func put(_ log: TakenLog) throws {
          let counted = try removeBeginnings(
            beginnings[Array(log.name.path.utf8)] ?? [], of: log.name.path, log.facts.textDigest,
            transaction,
            &changes)
          let number = try take(
            log, known[Array(log.name.path.utf8)]?.file, sealed, counted, transaction, &changes)
          byDigest[log.name.storedSHA256] = number
        }
        let isLate = taken.map { log in closed.mayChange(by: log.segments.map(\.day)) }
        // What has changed before any log of tonight: by a contract that is new, since each commit leaves all days
        // as its rule counts them.
        if closed.last != nil, try transaction.state.hasDays(ofOtherRuleThan: origin.rule) {
          let days = try countDays(transaction)
          changes.days.formUnion(days)
          changes.late += try closed.book(.addedContract, log: nil, days: days, transaction)
        }
        for (log, isLate) in zip(taken, isLate) where isLate {
          let extended = changes.extended.count
          changes.firstDay = log.segments.map(\.day).min()
          try put(log)
          let days = try countDays(transaction, from: changes.firstDay)
          changes.days.formUnion(days)
          changes.late += try closed.book(
            changes.extended.count > extended ? .grownLog : .lateLog,
            log: (log.name.path, log.facts.textDigest), days: days, transaction)
        }
        for (log, isLate) in zip(taken, isLate) where !isLate { try put(log) }
        let read = Set(new)
        for index in candidates.indices where !read.contains(index) {
          guard let id = byDigest[digests[index]] else { continue }
          let file = candidates[index]
          _ = try removeBeginnings(
            hashes[index].beginnings.subtracting([id]), of: file.path, nil, transaction, &changes)
          changes.repeat(file.path, try transaction.state.name(of: id))
          try transaction.add(
            LogName(
              path: file.path, storedSHA256: digests[index], storedBytes: file.sizeBytes,
              modifiedAt: file.modifiedAt), to: id)
        }
        let days = try countDays(transaction)
        changes.days.formUnion(days)
        changes.late += try closed.book(.laterRecords, log: nil, days: days, transaction)
        changes.sealed = try seal(closed.last, transaction)
        transaction.finish(.done, summary: try changes.summary(taken))
      }
    } catch {
      try? workspace.ledger.abandon(run, summary: "{}")
      throw error
    }
    let (days, logs, closed, adjustments, sealed) = try workspace.ledger.read {
      state throws(WorkspaceError) in
      (
        try state.days(), try state.logs(), try state.closedPeriods(), try state.adjustments(),
        try state.lastSealedDay()
      )
    }
    let count = StoredCount(workspace, terms: terms, options: options, days: days, logs: logs)
    return Outcome(
      count: count, repeated: changes.repeated, taken: changes.taken,
      extended: changes.extended, days: changes.days.sorted(), late: changes.late,
      uncounted: changes.uncounted, sealed: (sealed, changes.sealed),
      closed: closed, adjustments: adjustments)
  }

  func beginRun() throws(WorkspaceError) -> RunID {
    try workspace.ledger.begin(
      RunStart(
        command: origin.command, programVersion: origin.programVersion,
        configurationHash: origin.configuration, ruleHash: origin.rule, user: origin.user))
  }

  /// Refuses logs that are damaged, or have lines that are no records.
  private func refuse(_ taken: [TakenLog]) throws {
    let texts = taken.flatMap { log -> [String] in
      let path = log.name.path
      if let damage = log.facts.damages.first?.damage {
        return [
          "\(path): \(damage.text); get a whole copy, or run without --strict, which counts what is "
            + "readable"
        ]
      }
      let first = log.facts.rejections.min { $0.firstLines[0] < $1.firstLines[0] }
      guard let first, let reason = Rejection(name: first.reason) else { return [] }
      return [
        "\(path):\(first.firstLines[0]): \(reason.reason); mend the line, or run without --strict, "
          + "which counts the others"
      ]
    }
    if !texts.isEmpty { throw IntakeError.strict(texts) }
  }

  /// Takes the beginnings of a log that is whole now out of the ledger, but those that came under another
  /// name as well.
  ///
  /// - Returns: how many of its records of sealed days count already.
  private func removeBeginnings(
    _ beginnings: Set<LogFileID>, of path: String, _ textDigest: ContentHash?,
    _ transaction: LedgerTransaction, _ changes: inout Changes
  ) throws -> Int {
    var counted = 0
    for id in beginnings {
      guard let file = try transaction.state.file(id), file.textDigest != textDigest,
        try transaction.state.nameCount(of: id) == 1
      else { continue }
      counted = max(counted, try countedOnSealedDays(id, file, transaction))
      try replace(id, file, by: nil, transaction, &changes)
      changes.extended.append(path)
    }
    return counted
  }

  /// How many of a log's records count on days whose segments are gone.
  private func countedOnSealedDays(
    _ id: LogFileID, _ file: LogFile, _ transaction: LedgerTransaction
  ) throws(WorkspaceError) -> Int {
    let stored = try transaction.state.segments(of: id).reduce(0) { $0 + $1.records }
    return file.records - stored - file.uncountedRecords
  }

  /// Takes a log out that is a part of another one. One that sealed days or closed months speak of
  /// stays, without its days.
  ///
  /// - Parameter whole: the one that gets its names; `nil`: they go.
  private func replace(
    _ part: LogFileID, _ file: LogFile, by whole: LogFileID?, _ transaction: LedgerTransaction,
    _ changes: inout Changes
  ) throws(WorkspaceError) {
    // One that has been replaced before.
    if file.records > 0, try transaction.state.segments(of: part).isEmpty { return }
    guard try countedOnSealedDays(part, file, transaction) == 0,
      try !transaction.state.isOfClosedMonths(part)
    else {
      try changes.note(transaction.state.segments(of: part))
      return try transaction.removeSegments(of: part)
    }
    if let whole { try transaction.moveNames(of: part, to: whole) }
    try remove(part, transaction, &changes)
  }

  private func remove(
    _ id: LogFileID, _ transaction: LedgerTransaction, _ changes: inout Changes
  ) throws(WorkspaceError) {
    try changes.note(transaction.state.segments(of: id))
    try transaction.remove(id)
  }

  /// Puts a log that was read into the ledger.
  ///
  /// - Parameters:
  ///   - earlier: what its name had before.
  ///   - sealed: the last sealed day.
  ///   - counted: how many of its records of sealed days count already.
  private func take(
    _ log: TakenLog, _ earlier: LogFileID?, _ sealed: CivilDate?, _ counted: Int,
    _ transaction: LedgerTransaction, _ changes: inout Changes
  ) throws -> LogFileID {
    func isAlone(_ id: LogFileID) throws -> Bool { try transaction.state.nameCount(of: id) == 1 }
    /// Of these, what is compared is gone, or never came.
    func hasSealed(_ file: LogFile) -> Bool {
      guard let sealed, let first = file.firstTime else { return false }
      return first.microseconds < DayBuilder.end(of: sealed)
    }
    if let (id, file) = try transaction.state.file(textDigest: log.facts.textDigest) {
      // A copy that was damaged, though all of its text could be read, is replaced.
      let isBetter =
        id == earlier && !file.damages.isEmpty && log.facts.damages.isEmpty && !hasSealed(file)
      guard try isBetter && isAlone(id) else {
        changes.repeat(log.name.path, try transaction.state.name(of: id))
        try transaction.add(log.name, to: id)
        return id
      }
      try remove(id, transaction, &changes)
      changes.extended.append(log.name.path)
    }
    // Texts of which one is the beginning of the other count once: a log that grew, or came in part, whatever
    // it is called by now.
    var parts: [(id: LogFileID, file: LogFile)] = []
    let similar = try log.facts.headDigest.map { try transaction.state.files(headDigest: $0) } ?? []
    for (id, file) in similar {
      let known = try transaction.state.segments(of: id).map {
        (day: $0.day, path: workspace.path(of: $0.file))
      }
      let own = log.segments.map { (day: $0.day, path: $0.file.path) }
      // Where nothing is left of one to be compared, it is a part of nothing.
      if known.isEmpty && file.records > 0 { continue }
      if hasSealed(file) || hasSealed(log.facts), known.isEmpty || own.isEmpty { continue }
      // One that was cut within its last line has as many lines as the whole.
      let isShorter =
        (file.lines, file.textBytes) < (log.facts.lines, log.facts.textBytes)
      if isShorter, try LogPart.isPart(known, of: own) {
        parts.append((id, file))
      } else if !isShorter, try LogPart.isPart(own, of: known) {
        changes.repeat(log.name.path, try transaction.state.name(of: id))
        try transaction.add(log.name, to: id)
        return id
      }
    }
    changes.taken.append(log.name.path)
    var facts = log.facts
    var replaced = counted
    for (id, file) in parts {
      replaced = max(replaced, try countedOnSealedDays(id, file, transaction))
    }
    facts.uncountedRecords = max(facts.uncountedRecords - replaced, 0)
    let number = try transaction.insert(
      facts, segments: log.segments.map { segment(of: $0) }, name: log.name)
    for (id, file) in parts {
      try replace(id, file, by: number, transaction, &changes)
      changes.extended.append(log.name.path)
    }
    if facts.uncountedRecords > 0 {
      changes.uncounted.append((log.name.path, facts.uncountedRecords))
    }
    return number
  }

  private static func same(_ error: WorkspaceError) -> any Error { error }

  private struct Changes {
    var repeated: [(path: String, name: String)] = []
    var taken: [String] = []
    var extended: [String] = []
    var days: Set<CivilDate> = []
    /// The first day of those that the last log changed.
    var firstDay: CivilDate?
    var late: [Adjustment] = []
    var uncounted: [(path: String, records: Int)] = []
    var sealed = 0

    /// Notes the days of segments that go.
    mutating func note(_ segments: [LedgerSegment]) {
      firstDay = (segments.map(\.day) + [firstDay].compactMap { $0 }).min()
    }

    /// What the run did, as JSON for the ledger.
    func summary(_ logs: [TakenLog]) throws -> String {
      struct Summary: Encodable {
        struct Log: Encodable {
          var name: String
          var sha256: String
          var records: Int
        }
        var logs: [Log]
        var repeated: [[String]]
        var replaced: [String]
        var days: [String]
        var adjustments: Int
        var uncounted: Int
        var sealed: Int
      }
      let encoder = JSONEncoder()
      encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
      let summary = Summary(
        logs: logs.map {
          Summary.Log(
            name: $0.name.path, sha256: $0.name.storedSHA256.hexadecimal,
            records: $0.facts.records)
        }, repeated: repeated.map { [$0.path, $0.name] }, replaced: extended,
        days: days.sorted().map { "\($0)" }, adjustments: late.count,
        uncounted: uncounted.reduce(0) { $0 + $1.records }, sealed: sealed)
      return String(decoding: try encoder.encode(summary), as: UTF8.self)
    }

    mutating func `repeat`(_ path: String, _ name: String?) {
      if let name, !name.utf8.elementsEqual(path.utf8) { repeated.append((path, name)) }
    }
  }

  private func segment(of summary: SegmentSummary) -> LedgerSegment {
    let path = String(summary.file.path.dropFirst(workspace.path.count + 1))
    return LedgerSegment(
      day: summary.day, file: StoredFile(summary.file, path: path), records: summary.records,
      firstTime: summary.first, lastTime: summary.last)
  }

  // MARK: - Days

  /// Counts the days whose results are not those of what they are counted from.
  ///
  /// - Parameter first: the first day of which anything changed since the last call; `nil`: any.
  private func countDays(
    _ transaction: LedgerTransaction, from first: CivilDate? = nil
  ) throws -> [CivilDate] {
    guard let inputEnd = try transaction.state.lastTime() else { return [] }
    let builder = DayBuilder(workspace, terms: terms, options: options, inputEnd: inputEnd)
    // A day that was the last one has said what was open then.
    for (day, end) in try transaction.state.endsOfDays()
    where end != builder.effectiveEnd(of: day) {
      try transaction.remove(day)
    }
    var counted: [CivilDate] = []
    var last = first.map { $0 + -1 }
    while let stale = try transaction.state.staleDay(after: last, ruleHash: origin.rule) {
      last = stale.day
      switch stale.work {
      case .remove: try transaction.remove(stale.day)
      case .build(let inputsHash):
        let day = try builder.build(
          stale.day, inputsHash: inputsHash,
          segments: try transaction.state.segments(on: stale.day), carryIn: stale.carryIn
        ) { digest in
          guard let hash = ContentHash(hexadecimal: digest),
            let id = try transaction.state.file(textDigest: hash)?.id,
            let name = try transaction.state.name(of: id)
          else { throw UnknownLog(digest: digest) }
          return name
        }
        try transaction.put(day)
        counted.append(stale.day)
      }
    }
    return counted
  }

  // MARK: - Logs

  private struct Hashes {
    /// SHA-256 as stored.
    var digest: ContentHash
    /// Of what its name ever had, that which the file begins with.
    var beginnings: Set<LogFileID>
  }

  private static func hashes(
    of files: [InputFile], earlier: [[KnownName]], threads: Int
  ) throws -> [Hashes] {
    let found = Box(count: files.count)
    Workers.run(threads) { _ in
      while let index = found.next() {
        let marks = Set(earlier[index].map(\.name.storedBytes))
        guard let hashes = FileContent.sha256(files[index].path, marks: marks) else { continue }
        let beginnings = earlier[index].filter {
          hashes.ofFirst[$0.name.storedBytes] == $0.name.storedSHA256
        }
        found.set(
          index, Hashes(digest: hashes.sha256, beginnings: Set(beginnings.map(\.file))))
      }
    }
    return try files.indices.map { index in
      guard let hashes = found.hashes[index] else {
        throw IntakeError.input([
          InputError(
            path: files[index].path, detail: "cannot be read to its end",
            remedy: "check the file and its disk")
        ])
      }
      return hashes
    }
  }

  private final class Box: @unchecked Sendable {
    private let monitor = Monitor()
    private(set) var hashes: [Hashes?]
    private var taken = 0

    init(count: Int) { hashes = Array(repeating: nil, count: count) }

    func next() -> Int? {
      monitor.withLock {
        guard taken < hashes.count else { return nil }
        defer { taken += 1 }
        return taken
      }
    }

    func set(_ index: Int, _ hashes: Hashes) {
      monitor.withLock { self.hashes[index] = hashes }
    }
  }
}
