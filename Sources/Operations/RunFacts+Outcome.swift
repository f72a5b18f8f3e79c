internal import Counting
internal import Detection
public import Pipelines
internal import Reconciliation

extension RunFacts.Figures {
  /// The figures of a run that was done; with a workspace, findings and differences are those of the last month.
  public init(_ outcome: RunOutcome) {
    self.init()
    var latest = outcome.parts.last
    if let night = outcome.night {
      lines = night.held.lines
      records = night.held.records
      quarantinedLines = night.held.quarantined
      logs = night.held.logs
      damagedLogs = night.held.damagedLogs
      lastRecord = night.held.lastRecord
      self.night = RunFacts.Night(
        logsTaken: night.taken.count, logsRepeated: night.repeated.count,
        daysCounted: night.dayCount)
      if latest?.month != night.held.lastMonth { latest = nil }
    } else if let latest {
      let balance = latest.input.balance
      lines = balance.lines
      records = balance.records
      quarantinedLines = balance.quarantined
      logs = latest.input.logCount
      damagedLogs = latest.input.damagedLogCount
      lastRecord = latest.input.inputEnd
    }
    guard let latest else { return }
    var counts: [Finding.Severity: Int] = [:]
    for finding in latest.findings { counts[finding.severity, default: 0] += 1 }
    findings = counts
    differences = latest.reconciliations.map { reconciliation in
      RunFacts.Difference(
        contract: reconciliation.contract,
        licensorUnits: reconciliation.months.reduce(0) { $0 + $1.licensorQuantity },
        licenseeUnits: reconciliation.months.reduce(0) { $0 + $1.licenseeQuantity },
        isBeyondTolerance: !reconciliation.isWithinTolerance)
    }
  }
}
