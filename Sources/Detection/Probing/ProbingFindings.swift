internal import CivilTime
public import Contracts
internal import Counting

/// Findings `probing`: one for each licensee of which someone tries what is there.
enum ProbingFindings: DetectionTest {
  static func suspicions(in context: DetectionContext) -> [Suspicion] {
    var days: [String: [CivilDate: [(key: RefusalsOfDay.Key, entry: RefusalsOfDay.Entry)]]] = [:]
    for (date, day) in context.days {
      for (key, entry) in day.refusals.entries {
        days[key.licensee, default: [:]][date, default: []].append((key, entry))
      }
    }
    return days.keys.sorted().compactMap { licensee in
      let own = days[licensee] ?? [:]
      let test = ProbingTest(
        days: own.keys.sorted().map { date in
          (
            context.days[date]?.refusals.level ?? 0,
            // All of one licensee.
            (own[date] ?? []).sorted { ($0.key.slot, $0.key.path) < ($1.key.slot, $1.key.path) }
          )
        }, activeSlots: activeSlots(of: licensee, context))
      return test.result().map {
        Suspicion(finding: finding(licensee, $0, context), probability: $0.probability)
      }
    }
  }

  /// In how many five minutes a licensee calls; of strangers, whose other calls are not counted, all of each day.
  private static func activeSlots(of licensee: String, _ context: DetectionContext) -> Int {
    context.days.values.reduce(0) { sum, day in
      var hours: Set<Int32> = []
      for (place, counts) in day.traffic.places where place.licensee == licensee {
        hours.formUnion(counts.counts.keys)
      }
      return sum + 12 * (hours.isEmpty ? 24 : hours.count)
    }
  }

  private static let attacksOfHigh = 10
  private static let pathsOfHigh = 20
  private static let pathsOfMedium = 30

  /// High only with attacks in number: a broken client may ask for many paths, and never for these.
  private static func severity(_ result: ProbingTest.Result) -> Finding.Severity {
    let isFromFew = result.clients.count * 4 <= result.paths || result.clients.isEmpty
    let kinds = result.kinds.nonzeroBitCount
    if result.attacks >= attacksOfHigh, result.paths >= pathsOfHigh, kinds >= 2,
      result.probability != nil
    {
      return .high
    }
    if result.attacks >= attacksOfHigh || (result.attacks >= 3 && result.probability != nil) {
      return .medium
    }
    return result.device != 0 && isFromFew && result.paths >= pathsOfMedium ? .medium : .low
  }

  private static func finding(
    _ licensee: String, _ result: ProbingTest.Result, _ context: DetectionContext
  ) -> Finding {
    var finding = context.finding(
      .probing, severity(result), clause: "access.no_intrusion", licensee: licensee,
      records: result.calls, explanation: explanation(result),
      action:
        "Ask the licensee whose calls these are, and whether a test of security was agreed. Look "
        + "whether any of them was answered, and block the source as long as nobody knows it.",
      evidence: result.sources)
    finding.from = Instant(
      microseconds: Int64(result.slots.lowerBound) * RefusalsOfDay.slotMicroseconds)
    finding.to = Instant(
      microseconds: (Int64(result.slots.upperBound) + 1) * RefusalsOfDay.slotMicroseconds)
    finding.statistic =
      "paths=\(result.distinctMax) within=10min usual=\(Words.decimal(result.usual, places: 0)) "
      + "attacks=\(result.attacks)"
    return finding
  }

  private static func explanation(_ result: ProbingTest.Result) -> String {
    var text =
      "\(Words.count(result.paths, "different path")) that the service refused, up to "
      + "\(result.distinctMax) of them within ten minutes, where "
      + "\(Words.decimal(result.usual, places: 0)) is usual; in \(Words.count(result.bursts, "burst")). "
    if result.attacks > 0 {
      text +=
        "\(result.attacks) of the paths are none that a client of the service sends: "
        + "\(kinds(result.kinds)). "
    }
    text += "They came from " + sources(result) + ". "
    text +=
      result.attacks > 0
      ? "Other explanations: a scanner of the licensee's own, an agreed test of security, or strangers "
        + "whose requests the licensee's own server passes on."
      : "Other explanations: a client with wrong addresses, links to what no longer exists, a program "
        + "that goes through a list of old ids, or an agreed test of security."
    return text
  }

  private static func sources(_ result: ProbingTest.Result) -> String {
    let addresses =
      result.clients.isEmpty
      ? ""
      : "\(result.clients.count == 1 ? "one address" : "at least \(result.clients.count) addresses")"
    if result.device != 0 {
      return "one user agent" + (addresses.isEmpty ? "" : " and " + addresses)
    }
    let devices =
      result.devices.count > 1
      ? "at least \(result.devices.count) user agents"
      : result.devices.isEmpty ? "clients that name no user agent" : "one user agent"
    return devices + (addresses.isEmpty ? "" : " and " + addresses)
  }

  private static func kinds(_ traits: UInt16) -> String {
    let names: [(PathTraits, String)] = [
      (.traversal, "steps out of a folder"), (.query, "pieces of SQL"),
      (.code, "scripts or look-ups"), (.scanner, "files that scanners look for"),
    ]
    return names.filter { traits & $0.0.rawValue != 0 }.map(\.1).joined(separator: ", ")
  }
}

/// Findings `probing` about calls that are of no contract, in the order of ``Finding/precedes(_:_:)``: whoever has no
/// contract has broken none, and the licensor wants to know all the same. To be asked once beside
/// ``detectedFindings(_:)`` of each contract, where there are contract files.
///
/// - Parameter source: `file:line` of a line's number.
public func strangerFindings(
  _ summary: DetectionSummary, rule: ConversationRule,
  settings: DetectionSettings = DetectionSettings(),
  source: @escaping @Sendable (UInt64) -> String
) -> [Finding] {
  guard !settings.without.contains(.probing) else { return [] }
  let context = DetectionContext(
    contract: .withoutFile(zone: .utc, rule: rule), summary: summary, uses: [:],
    settings: settings, source: source)
  return FalseDiscovery.accepted(
    ProbingFindings.suspicions(in: context), rate: settings.falseDiscoveryRate
  ).sorted(by: Finding.precedes)
}
