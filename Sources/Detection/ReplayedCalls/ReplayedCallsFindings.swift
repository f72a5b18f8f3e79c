internal import CivilTime

/// Findings `replayed_calls`: one for each licensee whose requests come again.
struct ReplayedCallsTest: Sendable {
  struct Settings: Sendable, Hashable {
    /// Fewer are told with severity info.
    var replaysLow = 5
    /// So many, and so many of a million calls, are of medium severity.
    var replaysMedium = 20
    var perMillionMedium = 1_000
    /// Where more of the ids that come again have another question, they name no requests.
    var reuseShareMax = 0.5

    init() {}
  }

  var settings = Settings()

  struct Result: Equatable {
    var calls = 0
    /// Within a day.
    var replays = 0
    var reuses = 0
    /// Found across days in the sample, and how many of all requests one in the sample stands for.
    var acrossDays = 0
    var scale = 1.0
    var dedupeWindow: Int64 = 0
    var shortest: Int64 = .max
    var longest: Int64 = 0
    var showing = EvidenceLines()

    /// Altogether, as far as the sample tells.
    var estimate: Int { replays + Int((Double(acrossDays) * scale).rounded()) }
    var found: Int { replays + acrossDays }
  }

  func result(of days: [ReplayedCallsRow]) -> Result {
    var result = Result()
    var limit = UInt64.max
    var calls: [(call: RequestSample.Call, row: Int)] = []
    for (index, row) in days.enumerated() {
      result.calls += row.calls
      result.replays += row.replays
      result.reuses += row.reuses
      result.dedupeWindow = max(result.dedupeWindow, row.dedupeWindow)
      result.showing.merge(row.showing)
      calls += row.requests.calls.map { ($0, index) }
      limit = min(limit, row.requests.limit)
    }
    if limit < .max { result.scale = Double(UInt64.max) / Double(max(1, limit)) }
    calls.removeAll { $0.call.request > limit }
    calls.sort { ($0.call, $0.row) < ($1.call, $1.row) }
    for (first, second) in zip(calls, calls.dropFirst())
    where first.call.request == second.call.request {
      // What comes again between the same two midnights is known exactly.
      guard first.row != second.row || first.call.day != second.call.day else { continue }
      compare(first.call, second.call, &result)
    }
    return result
  }

  private func compare(
    _ first: RequestSample.Call, _ second: RequestSample.Call, _ result: inout Result
  ) {
    let (pause, overflow) = second.time.subtractingReportingOverflow(first.time)
    guard !overflow, pause > result.dedupeWindow else { return }
    guard first.question == second.question else {
      result.reuses += 1
      return
    }
    result.acrossDays += 1
    result.shortest = min(result.shortest, pause)
    result.longest = max(result.longest, pause)
    result.showing.add(time: first.time, source: first.source)
    result.showing.add(time: second.time, source: second.source)
  }

  /// `nil` where nothing is to be told.
  func severity(_ result: Result) -> Finding.Severity? {
    guard result.found > 0 else { return nil }
    let again = Double(result.found + result.reuses)
    if Double(result.reuses) > settings.reuseShareMax * again { return .info }
    if result.found < settings.replaysLow { return .info }
    let isMany = result.estimate * 1_000_000 >= settings.perMillionMedium * max(1, result.calls)
    return result.found >= settings.replaysMedium && isMany ? .medium : .low
  }
}

enum ReplayedCallsFindings: DetectionTest {
  static func suspicions(in context: DetectionContext) -> [Suspicion] {
    let days = context.days.sorted { $0.key < $1.key }.map(\.value.replayedCalls)
    let licensees = Set(days.flatMap(\.licensees.keys)).sorted()
    let test = ReplayedCallsTest()
    return licensees.compactMap { licensee in
      let result = test.result(of: days.compactMap { $0.licensees[licensee] })
      guard let severity = test.severity(result) else { return nil }
      // That an id comes by chance a second time is out of the question: this is a plain fact.
      return Suspicion(
        finding: finding(licensee, result, severity, test, context), probability: nil)
    }
  }

  private static func finding(
    _ licensee: String, _ result: ReplayedCallsTest.Result, _ severity: Finding.Severity,
    _ test: ReplayedCallsTest, _ context: DetectionContext
  ) -> Finding {
    let window = Words.duration(Interval(microseconds: result.dedupeWindow))
    let doesNotName =
      Double(result.reuses) > test.settings.reuseShareMax * Double(result.found + result.reuses)
    var text =
      "\(Words.count(result.found, "successful call")) had the request id, the user and the question "
      + "of an earlier one that was counted more than \(window) before, which is the dedupe window. "
    if result.acrossDays > 0, result.scale > 1.5 {
      text +=
        "Across days one request in \(Int(result.scale.rounded())) was looked at; there may be some "
        + "\(result.estimate) altogether. "
    }
    if doesNotName {
      text +=
        "But \(Words.count(result.reuses, "call")) had an id that came before with another "
        + "question, so ids here are used again and name no request: that some coincide means "
        + "nothing. "
    } else {
      text +=
        "A retry comes sooner, so these were sent or logged again. All of them were counted: for the "
        + "licensee they mean a bill that is too high by what it did not mean to send, for the "
        + "licensor figures that the other side can dispute. No use was hidden. Other explanations: "
        + "a queue that is worked off again after a fault, log files that were taken twice with "
        + "other times, or a client that gives out the same ids again."
    }
    var finding = context.finding(
      .replayedCalls, severity, licensee: licensee, records: result.found, explanation: text,
      action: doesNotName
        ? "None. Ids that are unique would let retries be told from calls."
        : "Look together at both lines of a pair: whether the licensee sent the call twice, and why, "
          + "or the log has it twice. Agree whether such calls are to be counted, or on a longer "
          + "dedupe window.",
      evidence: result.showing.sources)
    finding.statistic =
      "replays=\(result.found) of calls=\(result.calls) within_days=\(result.replays) "
      + "across_days=\(result.acrossDays) other_question=\(result.reuses)"
    return finding
  }
}
