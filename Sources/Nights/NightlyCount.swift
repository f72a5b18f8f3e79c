package import CivilTime
package import Counting
package import Decoding
package import Ledger
package import Metering
internal import Segments

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
  }

  /// What a night found, and what it came to.
  package struct Outcome {
    package var result: MeteringResult
    /// Logs whose text was taken in under another name: path and that name.
    package var repeated: [(path: String, name: String)]
    /// Logs that were taken in.
    package var taken: [String]
    /// Days that were counted.
    package var days: [CivilDate]
  }

  private let workspace: Workspace
  private let terms: Terms
  private let options: MeteringOptions
  private let origin: Origin
  private let progress = Progress()

  private final class Progress: @unchecked Sendable {
    private let monitor = Monitor()
    private var intake: Intake?

    func set(_ intake: Intake) { monitor.withLock { self.intake = intake } }
    var storedBytesTaken: Int { monitor.withLock { intake }?.storedBytesTaken ?? 0 }
  }

  /// Opens the workspace, which no one else may write to meanwhile, and makes it where it is missing.
  package init(
    workspace path: String, terms: Terms, options: MeteringOptions, origin: Origin
  ) throws(WorkspaceError) {
    workspace = try Workspace.open(
      path, access: .write(holder: origin.command), programVersion: origin.programVersion)
    self.terms = terms
    self.options = options
    self.origin = origin
  }

  /// How far the reading of new logs has come: bytes as stored.
  package var storedBytesTaken: Int { progress.storedBytesTaken }

  /// Takes in what is new among logs and counts; to be called once.
  ///
  /// - Throws: ``IntakeError``, ``WorkspaceError``, ``SegmentError`` or ``SpillError``; then the workspace is
  ///   as it was.
  package func run(_ files: [InputFile]) throws -> Outcome {
    _ = try workspace.sweep()
    let known = try workspace.ledger.read { state throws(WorkspaceError) in try state.knownNames() }
    let candidates = files.filter { file in
      guard let name = known[file.path]?.name else { return true }
      return name.storedBytes != file.sizeBytes || name.modifiedAt != file.modifiedAt
    }
    let digests = try Self.digests(of: candidates, threads: options.threads)
    var byDigest: [ContentHash: LogFileID] = [:]
    for name in known.values { byDigest[name.name.storedSHA256] = name.file }
    // Of logs that are stored alike, the first one is read.
    var first: [ContentHash: Int] = [:]
    for index in candidates.indices where byDigest[digests[index]] == nil {
      if first[digests[index]] == nil { first[digests[index]] = index }
    }
    let new = first.values.sorted()
    let newest = (known.values.map(\.name.modifiedAt) + files.map(\.modifiedAt)).max()
    let intake = Intake(
      new.map { candidates[$0] }, digests: new.map { digests[$0] },
      newest: newest ?? Instant(microseconds: 0), folder: "\(workspace.path)/segments",
      options: options)
    progress.set(intake)
    let taken = try intake.run()
    let run = try workspace.ledger.begin(
      RunStart(
        command: origin.command, programVersion: origin.programVersion,
        configurationHash: origin.configuration, ruleHash: origin.rule, user: origin.user))
    var changes = Changes()
    do {
      try workspace.ledger.commit(run, orThrow: { $0 as any Error }) { transaction in
        for log in taken {
          let number: LogFileID
          if let (id, _) = try transaction.state.file(textDigest: log.facts.textDigest) {
            try changes.repeat(log.name.path, try transaction.state.name(of: id))
            try transaction.add(log.name, to: id)
            number = id
          } else {
            number = try transaction.insert(
              log.facts, segments: log.segments.map { segment(of: $0) }, name: log.name)
            changes.taken.append(log.name.path)
          }
          byDigest[log.name.storedSHA256] = number
        }
        for index in candidates.indices where !new.contains(index) {
          guard let id = byDigest[digests[index]] else { continue }
          let file = candidates[index]
          try changes.repeat(file.path, try transaction.state.name(of: id))
          try transaction.add(
            LogName(
              path: file.path, storedSHA256: digests[index], storedBytes: file.sizeBytes,
              modifiedAt: file.modifiedAt), to: id)
        }
        changes.days = try countDays(transaction)
        transaction.finish(.done, summary: "{}")
      }
    } catch {
      try? workspace.ledger.abandon(run, summary: "{}")
      throw error
    }
    let (days, logs) = try workspace.ledger.read { state throws(WorkspaceError) in
      (try state.days(), try state.logs())
    }
    let count = StoredCount(workspace, terms: terms, options: options, days: days, logs: logs)
    return Outcome(
      result: try count.result(), repeated: changes.repeated, taken: changes.taken,
      days: changes.days)
  }

  private struct Changes {
    var repeated: [(path: String, name: String)] = []
    var taken: [String] = []
    var days: [CivilDate] = []

    mutating func `repeat`(_ path: String, _ name: String?) throws {
      if let name, name != path { repeated.append((path, name)) }
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
  private func countDays(_ transaction: LedgerTransaction) throws -> [CivilDate] {
    guard let inputEnd = try transaction.state.lastTime() else { return [] }
    let builder = DayBuilder(workspace, terms: terms, options: options, inputEnd: inputEnd)
    // A day that was the last one has said what was open then.
    for day in try transaction.state.days()
    where day.effectiveEnd != builder.effectiveEnd(of: day.day) {
      try transaction.remove(day.day)
    }
    var names: [String: String] = [:]
    for (name, file) in try transaction.state.logs() {
      names[file.textDigest.hexadecimal] = name.path
    }
    var counted: [CivilDate] = []
    var last: CivilDate?
    while let stale = try transaction.state.staleDay(after: last, ruleHash: origin.rule) {
      last = stale.day
      switch stale.work {
      case .remove: try transaction.remove(stale.day)
      case .build(let inputsHash):
        let day = try builder.build(
          stale.day, inputsHash: inputsHash,
          segments: try transaction.state.segments(on: stale.day), carryIn: stale.carryIn
        ) { digest in
          guard let name = names[digest] else { throw UnknownLog(digest: digest) }
          return name
        }
        try transaction.put(day)
        counted.append(stale.day)
      }
    }
    return counted
  }

  // MARK: - Logs

  /// SHA-256 of files as stored.
  private static func digests(of files: [InputFile], threads: Int) throws -> [ContentHash] {
    let monitor = Monitor()
    let box = Box(count: files.count)
    let next = Box(count: 1)
    Workers.run(threads) { _ in
      while true {
        let index = monitor.withLock { () -> Int in
          defer { next.taken += 1 }
          return next.taken
        }
        guard index < files.count else { return }
        let digest = FileContent.sha256(files[index].path)?.sha256
        monitor.withLock { box.digests[index] = digest }
      }
    }
    return try files.indices.map { index in
      guard let digest = box.digests[index] else {
        throw IntakeError.input([
          InputError(
            path: files[index].path, detail: "cannot be read to its end",
            remedy: "check the file and its disk")
        ])
      }
      return digest
    }
  }

  private final class Box: @unchecked Sendable {
    var digests: [ContentHash?]
    var taken = 0

    init(count: Int) { digests = Array(repeating: nil, count: count) }
  }
}
