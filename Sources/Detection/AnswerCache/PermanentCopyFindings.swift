internal import CivilTime
internal import Contracts

/// Findings `permanent_copy`: places of which questions stop repeating.
enum PermanentCopyFindings: DetectionTest {
  static func suspicions(in context: DetectionContext) -> [Suspicion] {
    let samples = context.questions
    return samples.keys.sorted().compactMap { place in
      var others: [CivilDate: QuestionSample] = [:]
      for (other, days) in samples
      where other.licensee == place.licensee && other.module == place.module && other != place {
        for (date, sample) in days { others[date, default: QuestionSample()].merge(sample) }
      }
      guard
        case .found(let copy) = PermanentCopyTest().result(
          of: samples[place] ?? [:], otherApps: others)
      else { return nil }
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
    var finding = context.finding(
      .permanentCopy, .high, licensee: place.licensee, records: use.records, explanation: text,
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
    finding.suppressedLow = units.lowerBound
    finding.suppressedHigh = units.upperBound
    if let amount = context.amount(units, module: place.module) {
      finding.amountLow = amount.lowerBound
      finding.amountHigh = amount.upperBound
    }
    return finding
  }
}
