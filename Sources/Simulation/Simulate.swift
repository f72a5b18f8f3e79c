internal import CivilTime
internal import Glibc

/// Writes simulated gateway logs, the truth about them as `truth.json`, and, where the options say
/// so, both sides' statements and the contract.
///
/// Equal options give equal bytes, on any number of threads. Memory holds the users (about 120
/// bytes each, a million at most), a minute of traffic and 64 MiB of lines on their way to the
/// compressors, whatever the size.
///
/// - Parameter directory: is created where it is not there; files of equal names are replaced.
/// - Throws: ``SimulationError``.
@discardableResult
public func simulate(
  _ options: SimulationOptions, into directory: String
) throws(SimulationError) -> Truth {
  try options.validate()
  let options = options.withDrawnLogGaps().withPlantedSize()
  try createDirectory(directory)
  var traffic = Traffic(options: options)
  var logs = try LogDirectory(options: options, directory: directory, traffic: traffic)
  for slice in 0..<traffic.sliceCount {
    traffic.advance(slice: slice)
    let kept = try logs.write(
      traffic.events, from: traffic.sliceStart(slice), before: traffic.sliceEnd(slice))
    traffic.keepEvents(kept)
  }
  try logs.finish()
  var truth = traffic.summary(options: options)
  truth.files = logs.files
  truth.blank = logs.blankCount
  truth.quarantined = logs.unreadableCount
  truth.lines = truth.records + truth.blank + truth.quarantined
  if options.writesStatements {
    let statements = Statements(options: options, traffic: traffic)
    truth.discrepancies = statements.plant()
    for (name, bytes) in try statements.files() {
      try write(bytes, path: directory + "/" + name)
    }
  }
  if options.writesContract {
    try write(Array(options.contractText.utf8), path: directory + "/contract.yaml")
  }
  try write(Array(truth.json.utf8), path: directory + "/truth.json")
  return truth
}

/// Creates a directory and those above it.
private func createDirectory(_ path: String) throws(SimulationError) {
  var prefix = path.hasPrefix("/") ? "/" : ""
  for part in path.split(separator: "/") {
    prefix += part
    let isDone = unsafe mkdir(prefix, 0o755) == 0
    let code = errno
    if !isDone && code != EEXIST {
      throw .cannotWrite(path: prefix, reason: LogFile.systemReason())
    }
    prefix += "/"
  }
}

private func write(_ bytes: [UInt8], path: String) throws(SimulationError) {
  let file = try LogFile(path: path, codec: .plain, gzipLevel: 6)
  try file.write(bytes.span)
  try file.finish()
}

extension Traffic {
  /// The count of what is logged.
  var countedTruth: TruthCounter { conduct.truth ?? truth }

  /// The truth about everything but the files.
  func summary(options: SimulationOptions) -> Truth {
    var result = Truth(options: options.summary, zone: options.zone)
    let truth = countedTruth
    result.records = truth.records
    result.messages = truth.messages
    result.items = truth.items
    result.ignored = truth.ignored
    result.failed = truth.failed
    result.duplicates = truth.duplicates
    result.unplaced = truth.unplaced
    result.conversations = truth.conversations
    result.gapsEqualToTimeout = truth.gapsEqual
    result.gapsJustLonger = truth.gapsLonger
    result.outages = outages
    result.planted = conduct.truth(options: options, population: population)
    result.rows = truth.rows()
    for (number, licensee) in catalogue.licensees.enumerated() {
      if licensee.contract == nil {
        result.outsideByLicensee.append((licensee.name, truth.outside[number]))
        result.outsideContract += truth.outside[number]
      }
      for kind in MisuseKind.allCases where kind != .none {
        let use = truth.misuse[number][Int(kind.rawValue)]
        guard use.records > 0 else { continue }
        result.findings.append(
          .init(finding: kind.finding, licensee: licensee.name, value: kind.value, use: use))
      }
    }
    for (value, use) in [("before", truth.beforeTerm), ("after", truth.afterTerm)]
    where use.records > 0 {
      result.findings.append(
        .init(finding: "outside_term", licensee: "", value: value, use: use))
    }
    return result
  }
}

extension SimulationOptions {
  /// What decides the traffic, for the truth's record of it.
  var summary: [(name: String, value: String)] {
    [
      ("seed", "\(seed)"), ("records", "\(records)"), ("from", "\(from)"), ("days", "\(days)"),
      ("time_zone", zone.identifier),
      ("licensees", licensees.map(\.name).joined(separator: ",")),
      ("users", userCounts.map(String.init).joined(separator: ",")),
      ("gateways", "\(gateways)"), ("rotates_daily", "\(rotatesDaily)"),
      ("codec", codecs.map(\.rawValue).joined(separator: ",")), ("gzip_level", "\(gzipLevel)"),
      ("clock_skew_ms", clockSkews.map(String.init).joined(separator: ",")),
      ("out_of_order", "\(outOfOrder)"), ("idle_timeout", idleTimeout.text),
      ("messages_per_conversation", "\(messagesPerConversation)"), ("failures", "\(failures)"),
      ("retries_with_same_id", "\(retriesWithSameID)"),
      ("retries_with_new_id", "\(retriesWithNewID)"),
      ("repeated_answers", "\(repeatedAnswers)"), ("pings", "\(pings)"),
      ("item_share", "\(itemShare)"), ("unplaced", "\(unplaced)"),
      ("shared_addresses", "\(sharedAddresses)"), ("questions", "\(questionCount)"),
      ("question_exponent", "\(questionExponent)"),
      ("writes_answers", "\(writesAnswers)"),
      ("log_gaps", logGaps.map { $0.text(in: zone) }.joined(separator: ",")),
      ("term_from", termFrom?.description ?? ""), ("term_to", termTo?.description ?? ""),
    ] + plantSummary + statementSummary
  }

  private var plantSummary: [(name: String, value: String)] {
    questionsPerDay.map { [("questions_per_day", "\($0)")] } ?? []
  }

  /// What decides both sides' statements, where causes are asked for one by one.
  private var statementSummary: [(name: String, value: String)] {
    guard writesStatements, let discrepancies else { return [] }
    func text(_ form: StatementForm) -> String {
      [
        form.encoding.rawValue, form.language.rawValue, form.delimiter.rawValue,
        form.numbers.rawValue, form.dates.rawValue,
      ].joined(separator: ",")
    }
    let causes = DiscrepancyCause.allCases.filter { discrepancies[$0] ?? 0 > 0 }
    return [
      ("min_messages", "\(minMessages)"), ("failed_conversations", "\(failedConversations)"),
      ("month_end_conversations", "\(monthEndConversations)"),
      (
        "discrepancies",
        causes.map { "\($0.rawValue)=\(discrepancies[$0] ?? 0)" }.joined(separator: ",")
      ),
      ("licensee_clock_skew_ms", "\(licenseeClockSkew)"),
      ("totals_form", text(totalsForm)), ("detail_form", text(detailForm)),
      ("statement_zone", detailForm.zone?.identifier ?? ""),
    ]
  }

  /// With the log gaps that are drawn among those that are given.
  func withDrawnLogGaps() -> SimulationOptions {
    guard drawnLogGaps > 0 else { return self }
    var result = self
    var random = Random(seed: seed, stream: 4)
    var days = Array(0..<self.days)
    for _ in 0..<drawnLogGaps {
      let day = from + days.remove(at: random.below(days.count))
      let minutes = 20 + random.below(101)
      // Busy hours: a log is silent at night without a gap.
      let first = 9 * 60 + random.below(13 * 60 - minutes)
      let start = zone.start(of: day) + Interval(seconds: Int64(first) * 60)
      result.logGaps.append(
        Window(from: start, to: start + Interval(seconds: Int64(minutes) * 60)))
    }
    result.logGaps.sort { ($0.from, $0.to) < ($1.from, $1.to) }
    result.drawnLogGaps = 0
    return result
  }
}

extension SimulationOptions.Window {
  func text(in zone: Zone) -> String { "\(from.rfc3339(in: zone))/\(to.rfc3339(in: zone))" }
}
