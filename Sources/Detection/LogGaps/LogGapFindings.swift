internal import CivilTime
internal import Contracts
internal import Counting

/// Findings `log_gap`: silences of all hosts, or of one while the others go on, that the licensor has to look after.
enum LogGapFindings: DetectionTest {
  static func suspicions(in context: DetectionContext) -> [Suspicion] {
    let losses = Losses(context)
    guard losses.calls > 0 else { return [] }
    var suspicions: [Suspicion] = []
    for stretch in SilenceTest.stretches(context.hosts) {
      for silence in stretch.silencesOfAll() + stretch.silencesOfHosts()
      where silence.probability < 1 {
        suspicions.append(
          Suspicion(finding: finding(silence, losses, context), probability: silence.probability))
      }
      for change in stretch.changes() {
        suspicions.append(Suspicion(finding: finding(change, context), probability: nil))
      }
    }
    return suspicions
  }

  /// What calls that are lacking come to for the contract.
  private struct Losses {
    /// Of all contracts.
    var calls = 0
    /// The contract's own: records, and units, by module.
    var modules: [String: (records: Int, units: Int)] = [:]
    var licensee: String

    init(_ context: DetectionContext) {
      for counts in context.hosts.values { calls += counts.total }
      var licensees: Set<String> = []
      for (key, tally) in context.uses {
        modules[key.module, default: (0, 0)].records += tally.records
        modules[key.module, default: (0, 0)].units += tally.quantity
        licensees.insert(key.licensee)
      }
      licensee = licensees.count == 1 ? licensees.first ?? "" : ""
    }

    /// The units of a module in so many calls.
    func units(_ calls: ClosedRange<Double>, _ module: String) -> ClosedRange<Int> {
      let units = Double(modules[module]?.units ?? 0) / Double(max(self.calls, 1))
      return Int(
        (calls.lowerBound * units).rounded(
          .down))...Int((calls.upperBound * units).rounded(.up))
    }
  }

  private static func instant(_ slot: Int32) -> Instant {
    Instant(microseconds: Int64(slot) * TrafficCounts.slotMicroseconds)
  }

  private static func finding(
    _ silence: Silence, _ losses: Losses, _ context: DetectionContext
  ) -> Finding {
    var units = (low: 0, high: 0)
    var amount: (low: Money, high: Money)? = (.zero, .zero)
    for module in losses.modules.keys.sorted() {
      let own = losses.units(silence.lacking, module)
      units = (units.low + own.lowerBound, units.high + own.upperBound)
      guard own.upperBound > 0 else { continue }
      let value = context.amount(own, module: module)
      amount = amount.flatMap { sum in
        value.map { (sum.low + $0.lowerBound, sum.high + $0.upperBound) }
      }
    }
    var finding = context.finding(
      .logGap, units.low >= 1 && silence.isLost ? .medium : .low, clause: "access.count_authority",
      licensee: losses.licensee, records: silence.others,
      explanation: explanation(silence, units),
      action:
        "For the licensor: look for the lines of this time on \(silence.host == nil ? "all hosts" : "the host"), "
        + "in rotated and unsent files, and count them late. If there are none, note the gap, so that it is held against "
        + "nobody when statements are reconciled.",
      evidence: evidence(silence, context))
    finding.subject =
      "\(silence.host ?? "") \(silence.slots.lowerBound) \(silence.slots.upperBound)"
    finding.from = instant(silence.slots.lowerBound)
    finding.to = instant(silence.slots.upperBound)
    finding.statistic =
      "calls=0 E=\(Words.decimal(silence.expected, places: 0)) "
      + "dispersion=\(Words.decimal(silence.dispersion, places: 1))"
    finding.suppressedLow = units.low
    finding.suppressedHigh = units.high
    if let amount, units.high > 0 {
      finding.amountLow = amount.low
      finding.amountHigh = amount.high
    }
    return finding
  }

  /// The last line before a silence and the first after it, of the host's logs or of all.
  private static func evidence(_ silence: Silence, _ context: DetectionContext) -> [UInt64] {
    let hosts = silence.host.map { [$0] } ?? context.lines.keys.sorted()
    let before = hosts.compactMap {
      context.lines[$0]?.lines[silence.slots.lowerBound - 1]?.last
    }.max()
    let after = hosts.compactMap { context.lines[$0]?.lines[silence.slots.upperBound]?.first }.min()
    return [before, after].compactMap(\.self).map(\.source)
  }

  private static func explanation(_ silence: Silence, _ units: (low: Int, high: Int)) -> String {
    let length = Words.duration(
      Interval(
        microseconds: Int64(silence.slots.count) * TrafficCounts.slotMicroseconds))
    let usual = Words.decimal(silence.expected, places: 0)
    let lacking = "some \(units.low) to \(units.high) units of this contract"
    guard let host = silence.host else {
      return
        "No log has a call for \(length), where \(usual) are usual at these hours; what is usual "
        + "is told by the same hours of the days around. If calls were served, \(lacking) are lacking. "
        + "Other explanations: the service or its network was down, or nobody called, as on a holiday."
    }
    return
      "The log of \"\(host)\" has no call for \(length), while the others have \(silence.others); at "
      + "its share \(usual) would be expected. "
      + (silence.isLost
        ? "The others had no more than usual, so its calls are probably lost: \(lacking). "
        : "Whether the others took its calls over cannot be told; at most, \(lacking) are lacking. ")
      + "Other explanations: the host was out of use, or a balancer that sends it nothing."
  }

  private static func finding(_ change: HostChange, _ context: DetectionContext) -> Finding {
    var finding = context.finding(
      .logGap, .info, clause: "access.count_authority", licensee: "", records: 0,
      explanation: change.joins
        ? "The logs of host \"\(change.host)\" begin here, while others' began earlier: a new host, or "
          + "its earlier logs are lacking."
        : "The logs of host \"\(change.host)\" end here, while others' go on: it was taken out of use, or "
          + "its later logs are lacking.",
      action: "For the licensor: confirm that the host was put in or out of use at this time.",
      evidence: [])
    finding.subject = "\(change.host) \(change.joins ? "joins" : "leaves")"
    finding.from = instant(change.slot)
    finding.to = finding.from
    return finding
  }
}
