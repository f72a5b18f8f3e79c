internal import Counting
internal import Detection
public import Pipelines
internal import Reconciliation

extension RunFacts.Figures {
  /// The figures of a run that was done.
  public init(_ outcome: RunOutcome) {
    self.init()
    let balance = outcome.input.balance
    lines = balance.lines
    records = balance.records
    quarantinedLines = balance.quarantined
    logs = outcome.input.logCount
    damagedLogs = outcome.input.damagedLogCount
    lastRecord = outcome.input.inputEnd
    night = outcome.night.map { night in
      RunFacts.Night(
        logsTaken: night.taken.count, logsRepeated: night.repeated.count,
        daysCounted: night.dayCount)
    }
    for finding in outcome.findings { findings[finding.severity, default: 0] += 1 }
    differences = outcome.reconciliations.map { reconciliation in
      RunFacts.Difference(
        contract: reconciliation.contract,
        licensorUnits: reconciliation.months.reduce(0) { $0 + $1.licensorQuantity },
        licenseeUnits: reconciliation.months.reduce(0) { $0 + $1.licenseeQuantity },
        isBeyondTolerance: !reconciliation.isWithinTolerance)
    }
  }
}
