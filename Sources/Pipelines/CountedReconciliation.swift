internal import CivilTime
internal import Contracts
internal import Counting
internal import Metering
internal import Reconciliation
internal import Reports
internal import Shuffling
internal import Statements

/// Reconciles a count with the licensee's usage details, unit by unit.
struct CountedReconciliation {
  let contract: Contract
  /// How users are shown in what leaves.
  let users: UsageReport.UserDisplay
  let files: [StatementReconciliation.Side]
  let dates: ClosedRange<CivilDate>
  let options: StatementReconciliation.Options

  /// A row's number has so many bits; above them is the file's.
  private static let rowBits: UInt64 = 40

  /// - Parameters:
  ///   - rows: the count's units.
  ///   - callTimes: when the log has anything, where that is known.
  ///   - traffic: the units of the same log as if failed calls were none, where it can be read again.
  func run(
    _ rows: UsageRows, callTimes: CallTimes?, traffic: UsageRows?
  ) throws(RunError) -> ContractReconciliation {
    var details: [StatementDetail] = []
    for file in files { details.append(try open(file)) }
    let engine = DetailReconciliation(contract, options: engineOptions(details, callTimes))
    let number = contract.number
    let withoutCall = UnitsWithoutCall()
    let outcome = try RunError.spill { () throws(SpillError) in
      let statements = details
      if let traffic {
        try engine.take([
          (.traffic, { take throws(SpillError) in try traffic.forEachUnit(of: number, take) })
        ])
      }
      try engine.take([
        (
          .licensor,
          { take throws(SpillError) in try rows.forEachUnit(of: number, take) }
        ),
        (
          .licensee,
          { take throws(SpillError) in
            for (index, detail) in statements.enumerated() {
              detail.read { unit in
                unit.place |= UInt64(index) << Self.rowBits
                return take(&unit)
              }
            }
          }
        ),
      ])
      let report = report(rows.sources)
      return try engine.run {
        withoutCall.take($0)
        return report.row($0)
      }
    }
    var licensee = details[0].totals
    for detail in details.dropFirst() { licensee.join(detail.totals) }
    var comparison = ContractReconciliation(
      contract, details: outcome, licensor: StatedTotals(counted: []), licensee: licensee,
      range: dates, log: nil)
    comparison.findings = withoutCall.findings(contract, outcome.licensee) { place(ofRow: $0) }
    return comparison
  }

  private func open(_ file: StatementReconciliation.Side) throws(RunError) -> StatementDetail {
    do throws(StatementError) {
      return StatementDetail(
        try StatementReader(.file(file.path), columns: file.columns, zone: contract.zone), contract)
    } catch {
      throw RunError(error)
    }
  }

  private func engineOptions(
    _ details: [StatementDetail], _ callTimes: CallTimes?
  ) -> DetailReconciliation.Options {
    var engine = DetailReconciliation.Options(
      threads: options.threads, bytesMax: options.memoryBytes,
      temporaryFolder: options.temporaryFolder)
    engine.dates = dates
    engine.callTimes = callTimes
    engine.licensorIsLog = true
    engine.comparesScenario = details.allSatisfy { $0.layout.columns[.scenario] != nil }
    return engine
  }

  /// Where a unit of the licensee's stands, `file:row`.
  private func place(ofRow place: UInt64) -> String {
    "\(files[Int(place >> Self.rowBits)].path):\(place & (1 << Self.rowBits - 1))"
  }

  private func report(_ sources: SourceTable) -> DifferencesReport {
    let comparison = self
    return DifferencesReport(contract) { side, place in
      side == .licensee ? comparison.place(ofRow: place) : sources.text(of: place)
    } user: { _, user in
      switch comparison.users {
      case .plain: user
      case .omitted: ""
      case .pseudonym(let pseudonym): user.isEmpty ? "" : pseudonym.text(user)
      }
    }
  }
}
