public import CivilTime
public import Contracts
public import Counting
internal import Shuffling

/// What a contract's calls of a range of days are tested with.
public struct DetectionContext: Sendable {
  public var contract: Contract
  /// What detectors keep, by the day in the contract's zone.
  public var days: [CivilDate: DetectionDay]
  /// All contracts' calls by the gateway's host.
  var hosts: [String: SlotCounts] = [:]
  /// The first and last of them beside silences, by host and slot.
  var lines: [String: SlotLines] = [:]
  /// What was counted, of this contract.
  public var uses: [UseKey: Tally]
  public var settings: DetectionSettings
  /// `file:line` of a line's number.
  public var source: @Sendable (UInt64) -> String
  /// A user as this contract's reports may name it.
  public var user: @Sendable (String) -> String

  public init(
    contract: Contract, summary: DetectionSummary, uses: [UseKey: Tally],
    settings: DetectionSettings = DetectionSettings(),
    source: @escaping @Sendable (UInt64) -> String,
    user: @escaping @Sendable (String) -> String = { $0 }
  ) {
    self.contract = contract
    days = [:]
    for (key, day) in summary.days where key.contract == contract.number {
      days[CivilDate(daysSinceEpoch: key.day)] = day
    }
    for (key, day) in summary.days where key.contract.isEmpty {
      hosts.merge(day.traffic.hosts) { $0.merged(with: $1) }
      lines.merge(day.traffic.lines) { $0.merged(with: $1) }
    }
    self.uses = uses.filter { $0.key.contract == contract.number }
    self.settings = settings
    self.source = source
    self.user = user
  }

  /// The days that there is anything of.
  var range: ClosedRange<CivilDate>? {
    guard let first = days.keys.min(), let last = days.keys.max() else { return nil }
    return first...last
  }

  /// Records and billable units of a place.
  func use(of place: PlaceKey) -> (records: Int, units: Int) {
    var (records, units) = (0, 0)
    for (key, tally) in uses
    where key.licensee == place.licensee && key.app == place.app && key.module == place.module {
      records += tally.records
      units += tally.quantity
    }
    return (records, units)
  }

  /// Units that hidden calls of a place would have made. Of what is charged by item, as many a call as the others
  /// have. A conversation is lost only where every call of it was hidden: at least none, at most as many a call as the
  /// others have.
  func hiddenUnits(_ calls: ClosedRange<Int>, of place: PlaceKey) -> ClosedRange<Int> {
    let use = use(of: place)
    guard use.records > 0, let range else { return 0...0 }
    let share = Double(use.units) / Double(use.records)
    let high = Int((Double(calls.upperBound) * share).rounded(.up))
    let isItem = contract.meter(module: place.module, on: range.lowerBound) == .item
    return isItem ? Int((Double(calls.lowerBound) * share).rounded(.down))...high : 0...high
  }

  /// What a number of units of a module is worth, from the lowest to the highest price of the range; `nil` where it
  /// has no price.
  func amount(_ units: ClosedRange<Int>, module: String) -> ClosedRange<Money>? {
    guard let range,
      let prices = PriceList(contract: contract).prices(
        module: module, scenario: "", first: range.lowerBound, last: range.upperBound)
    else { return nil }
    return (prices.lowerBound * units.lowerBound).rounded(
      toScale: 2)...(prices.upperBound * units.upperBound).rounded(toScale: 2)
  }

  /// Notes what was kept from the count, and what it is worth.
  func suppress(_ units: ClosedRange<Int>, of place: PlaceKey, in finding: inout Finding) {
    finding.suppressedLow = units.lowerBound
    finding.suppressedHigh = units.upperBound
    if let amount = amount(units, module: place.module) {
      finding.amountLow = amount.lowerBound
      finding.amountHigh = amount.upperBound
    }
  }

  /// A finding about calls of the range, with everything but its figures.
  func finding(
    _ kind: Finding.Kind, _ severity: Finding.Severity, clause: String = "access.no_caching",
    licensee: String, records: Int, explanation: String, action: String, evidence: [UInt64]
  ) -> Finding {
    var finding = Finding(
      kind: kind, severity: severity, clause: clause, contract: contract.number,
      licensee: licensee, zone: contract.zone, records: records, explanation: explanation,
      recommendedAction: action, evidence: evidence.map(source))
    if let range {
      finding.from = contract.zone.start(of: range.lowerBound)
      finding.to = contract.zone.start(of: range.upperBound + 1)
    }
    return finding
  }
}

/// What is asked of tests.
public struct DetectionSettings: Sendable, Hashable {
  /// The share of reported findings that may be false (Benjamini and Yekutieli 2001).
  public var falseDiscoveryRate = 0.001
  /// Threads that test; they change no result.
  public var threads = 1
  /// Findings that nobody asks for.
  public var without: Set<Finding.Kind> = []

  /// Findings that come of tests, and not of the contract's lists.
  public static let tested: [Finding.Kind] = [
    .answerCache, .permanentCopy, .servedWithoutCall, .mergedUsers, .keptAlive, .harvesting,
    .replayedCalls, .probing, .volumeShift, .logGap,
  ]

  public init() {}

  /// Whether there is anything to look for.
  public var isOn: Bool { Self.tested.contains { !without.contains($0) } }
}

/// What a test says before it is corrected for the number of tests.
struct Suspicion {
  var finding: Finding
  /// The probability of what was seen under honest use; `nil` for what is a plain fact, or no accusation.
  var probability: Double?
}

/// A question that is asked of a range of days.
protocol DetectionTest: SendableMetatype {
  static func suspicions(in context: DetectionContext) -> [Suspicion]
}

/// All findings about a contract's calls beside those of its lists.
///
/// - Returns: in the order of ``Finding/precedes(_:_:)``.
public func detectedFindings(_ context: DetectionContext) -> [Finding] {
  guard !context.days.isEmpty else { return [] }
  let tests: [any DetectionTest.Type] = [
    QuestionFindings.self, MergedUsersFindings.self,
    KeptAliveFindings.self, HarvestingFindings.self, ReplayedCallsFindings.self,
    ProbingFindings.self,
    LogGapFindings.self,
    VolumeShiftFindings.self,
  ]
  // Several at once, put together in their order.
  let next = Counter()
  let answers = Sum<[Int: [Suspicion]]>([:])
  Workers.run(min(context.settings.threads, tests.count)) { _ in
    while let number = next.next(below: tests.count) {
      answers.add {
        [number: tests[number].suspicions(in: context)]
      } merge: {
        $0.merge($1) { first, _ in first }
      }
    }
  }
  let found = (try? answers.value()) ?? [:]
  let suspicions = tests.indices.flatMap { found[$0] ?? [] }
    .filter { !context.settings.without.contains($0.finding.kind) }
  return FalseDiscovery.accepted(suspicions, rate: context.settings.falseDiscoveryRate)
    .sorted(by: Finding.precedes)
}

/// Correction for many tests: of what is reported, a stated share may be false.
enum FalseDiscovery {
  /// Those that remain, with their corrected probability in words; what has no probability always does.
  static func accepted(_ suspicions: [Suspicion], rate: Double) -> [Finding] {
    let corrected = adjusted(suspicions.compactMap(\.probability))
    var next = 0
    var findings: [Finding] = []
    for suspicion in suspicions {
      var finding = suspicion.finding
      if suspicion.probability != nil {
        let probability = corrected[next]
        next += 1
        guard probability <= rate else { continue }
        finding.pValue = Words.probability(probability)
      }
      findings.append(finding)
    }
    return findings
  }

  /// Probabilities adjusted as by Benjamini and Yekutieli (2001), who assume nothing of how tests depend on each other.
  static func adjusted(_ probabilities: [Double]) -> [Double] {
    let count = probabilities.count
    guard count > 0 else { return [] }
    let harmonic = (1...count).reduce(0.0) { $0 + 1 / Double($1) }
    let order = probabilities.indices.sorted {
      (probabilities[$0], $0) < (probabilities[$1], $1)
    }
    var adjusted = probabilities
    var least = 1.0
    for rank in stride(from: count, to: 0, by: -1) {
      let index = order[rank - 1]
      least = min(least, probabilities[index] * Double(count) * harmonic / Double(rank))
      adjusted[index] = least
    }
    return adjusted
  }
}
