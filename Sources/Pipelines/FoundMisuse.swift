public import Counting
public import Detection
public import Metering
public import Reports

/// Holds what was counted and seen against the contracts.
public struct FoundMisuse: Sendable {
  private let terms: Terms
  private let users: [UsageReport.UserDisplay]
  private let settings: DetectionSettings

  /// - Parameter users: how each contract's users are shown.
  public init(
    terms: Terms, users: [UsageReport.UserDisplay],
    settings: DetectionSettings = DetectionSettings()
  ) {
    self.settings = settings
    self.terms = terms
    self.users = users
  }

  /// All findings, in the order of ``Detection/Finding/precedes(_:_:)``.
  public func findings(_ result: MeteringResult) -> [Finding] {
    var findings: [Finding] = []
    let sources = result.sources
    for (index, contract) in terms.contracts.enumerated() {
      if terms.hasContracts {
        findings += contractFindings(
          contract: contract, uses: result.uses, places: result.places)
      }
      guard let summary = result.detection else { continue }
      let display = users[index]
      findings += detectedFindings(
        DetectionContext(
          contract: contract, summary: summary, uses: result.uses,
          settings: settings, source: { sources.text(of: $0) }, user: { display.text($0) }))
    }
    if terms.hasContracts, let summary = result.detection, let rule = terms.rules.first {
      findings += strangerFindings(
        summary, rule: rule, settings: settings, source: { sources.text(of: $0) })
    }
    return findings.sorted(by: Finding.precedes)
  }
}
