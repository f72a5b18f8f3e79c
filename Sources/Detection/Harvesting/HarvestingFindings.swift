internal import CivilTime

/// Findings `harvesting`: one for each licensee of whom users walk the questions.
enum HarvestingFindings: DetectionTest {
  static func suspicions(in context: DetectionContext) -> [Suspicion] {
    let days = context.days.sorted { $0.key < $1.key }
    let histories = UserHistory.all(
      days.map { (day: Int($0.key.daysSinceEpoch), rows: $0.value.harvesting.rows) })
    let test = HarvestingTest()
    return histories.compactMap { licensee, users in
      var others = RepeatLevels()
      for (_, day) in days { others.merge(day.harvesting.tallies(of: licensee)) }
      // What is asked is looked at only if somebody asks it like a walker.
      let candidates = users.filter { test.mayWalk($0, others: others) }
      guard !candidates.isEmpty else { return nil }
      let popularity = popularity(days.map(\.value), licensee)
      let results = candidates.compactMap {
        test.result(of: $0, others: others, popularity: popularity)
      }
      guard var told = test.told(results, users: others.users, popularity: popularity) else {
        return nil
      }
      told.results.sort {
        ($1.sum.calls, $0.probability, $0.key) < ($0.sum.calls, $1.probability, $1.key)
      }
      guard let group = Group(told, popularity, test) else { return nil }
      return Suspicion(
        finding: finding(licensee, group, context), probability: told.probability)
    }
  }

  private static func popularity(_ days: [DetectionDay], _ licensee: String) -> QuestionPopularity {
    QuestionPopularity(
      days.flatMap { day in
        day.questions.samples.keys.filter { $0.licensee == licensee }.sorted()
          .compactMap { day.questions.samples[$0] }
      })
  }

  private struct Group {
    let results: [HarvestingTest.Result]
    let first: HarvestingTest.Result
    let together: Int
    let calls: Int
    let items: Int
    let repeats: Double
    let expected: Double
    let machines: Int
    let follows: Int
    let shared: (observed: Int, expected: Double)
    let dividesQuestions: Bool
    /// Of the first one's questions, the share that others ask too; `nil` where that is not known.
    let knownShare: Double?
    let severity: Finding.Severity

    init?(
      _ told: HarvestingTest.Told, _ popularity: QuestionPopularity, _ test: HarvestingTest
    ) {
      guard let first = told.results.first else { return nil }
      results = told.results
      self.first = first
      together = told.together
      calls = results.reduce(0) { $0 + $1.sum.calls }
      items = results.reduce(0) { $0 + $1.sum.items }
      repeats = results.reduce(0) { $0 + $1.repeats }
      expected = results.reduce(0) { $0 + $1.expected }
      machines = results.count { $0.isMachine }
      follows = results.reduce(0) { $0 + $1.sum.follows }
      shared = told.shared
      dividesQuestions = test.divides(told.shared)
      let shares = results.map { popularity.knownShare(of: $0.sum, by: $0.key.hash) }
      knownShare = shares.first ?? nil
      // A batch of texts that nobody else asks is no walk through what there is.
      let known = shares.contains { ($0 ?? 0) >= test.settings.knownShareMedium }
      severity =
        known && calls >= test.settings.callsMedium && (machines > 0 || dividesQuestions)
        ? .medium : .low
    }
  }

  private static func finding(
    _ licensee: String, _ group: Group, _ context: DetectionContext
  ) -> Finding {
    var lines = EvidenceLines()
    for result in group.results { lines.merge(result.sum.showing) }
    var finding = context.finding(
      .harvesting, group.severity, licensee: licensee, records: group.calls,
      explanation: explanation(group, context),
      action:
        "Ask the licensee what these accounts are for, and whether answers are stored; a copy "
        + "of the knowledge would show later as questions that stop (access.no_caching). Limit "
        + "their rate if they have no purpose.",
      evidence: lines.sources)
    finding.subject = group.results.count == 1 ? context.user(group.first.key.user) : ""
    finding.statistic =
      "users=\(group.results.count) calls=\(group.calls) "
      + "R=\(Words.decimal(group.repeats, places: 1)) E=\(Words.decimal(group.expected, places: 1)) "
      + "cadence=\(group.first.hits)/\(group.first.pauses)"
    return finding
  }

  private static func explanation(_ group: Group, _ context: DetectionContext) -> String {
    let names = group.results.map { context.user($0.key.user) }
    var text =
      "\(Words.count(group.results.count, "user")) (\(Words.list(names))) asked \(group.calls) "
      + "questions and \(Words.decimal(group.repeats, places: 0)) of them a second time, where "
      + "\(Words.decimal(group.expected, places: 0)) repeats would be expected of users who ask as "
      + "much. "
    if group.machines > 0 {
      let pause = Interval(
        microseconds: Cadence.milliseconds(bin: group.first.bin + 1) * 1_000)
      text +=
        "\(group.machines == 1 ? "One calls" : "\(group.machines) call") at a machine's cadence "
        + "(of \"\(names[0])\", \(group.first.hits) of \(group.first.pauses) pauses last about "
        + "\(Words.duration(pause))). "
    } else {
      text += "The pauses are like a person's. "
    }
    if group.together > 0 {
      text +=
        "\(group.together == group.results.count ? "Each" : "Some") of them alone would be too "
        + "little to tell from somebody who likes variety; so many at once are hardly chance. "
    }
    if group.follows * 20 <= group.calls {
      text += "Hardly a call follows another in a conversation that has a name. "
    }
    if group.dividesQuestions {
      text +=
        "They seem to divide the questions among them: by chance pairs of them would share "
        + "\(Words.decimal(group.shared.expected, places: 0)) of the questions that were looked at, "
        + "and they share \(group.shared.observed). "
    }
    if let known = group.knownShare {
      text += "Of these questions others ask \(Words.decimal(100 * known, places: 0)) % too. "
    }
    if group.items > 0 { text += "\(Words.count(group.items, "call")) were of items. " }
    text +=
      "This is what it looks like when somebody collects the answers. All calls were counted, so "
      + "nothing is missing from the bill; the answers can replace later calls. Other explanations: "
      + "a test of all questions before a release, a batch job over tickets of which each is "
      + "another, or a search engine's robot."
    return text
  }
}
