internal import CivilTime
internal import Contracts

/// Findings `permanent_copy`: places of which questions stop repeating.
enum PermanentCopyFindings {
  /// What the results of all places say.
  static func suspicions(
    _ results: [PlaceKey: PermanentCopyResult], in context: DetectionContext
  ) -> [Suspicion] {
    results.sorted { $0.key < $1.key }.compactMap { place, result in
      guard case .found(let copy) = result else { return nil }
      return Suspicion(finding: finding(place, copy, context), probability: copy.pValue)
    }
  }

  private static func finding(
    _ place: PlaceKey, _ copy: PermanentCopy, _ context: DetectionContext
  ) -> Finding {
    let use = context.use(of: place)
    let reference =
      copy.reference == .earlierDays
      ? "by the app's own earlier days" : "by the licensee's other apps on the same days"
    var text =
      "From \(copy.from) on questions hardly come a second time: \(Words.decimal(copy.expected, places: 0)) "
      + "repeats by other users would be expected \(reference), and \(copy.observed) came. "
    if let others = copy.otherApps {
      text +=
        "The licensee's other apps repeat as before (\(Words.decimal(others, places: 2)) times their "
        + "earlier days). "
    }
    text +=
      "This is what a copy of the answers that is kept for good looks like. Since then about "
      + "\(copy.hiddenLow) to \(copy.hiddenHigh) calls were answered without the service. Other "
      + "explanations: other questions than before, such as a new product or another use of the app, "
      + "or fingerprints that have become unique."
    let units = context.hiddenUnits(copy.hiddenLow...copy.hiddenHigh, of: place)
    // Another app may have other questions; the same one had none until a day.
    let severity: Finding.Severity = copy.reference == .earlierDays ? .high : .medium
    var finding = context.finding(
      .permanentCopy, severity, licensee: place.licensee, records: use.records, explanation: text,
      action:
        "Ask the licensee what has answered these questions since that day, and have copies of "
        + "answers deleted (access.no_caching).",
      evidence: copy.telling.flatMap(\.sources))
    finding.app = place.app
    finding.module = place.module
    finding.from = context.contract.zone.start(of: copy.from)
    finding.statistic =
      "O=\(copy.observed) E=\(Words.decimal(copy.expected, places: 1)) from=\(copy.from) "
      + "hidden=\(copy.hiddenLow)-\(copy.hiddenHigh)"
    context.suppress(units, of: place, in: &finding)
    return finding
  }
}
