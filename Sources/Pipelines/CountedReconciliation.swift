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
      return try engine.run { report.row($0) }
    }
    var licensee = details[0].totals
    for detail in details.dropFirst() { licensee.join(detail.totals) }
    return ContractReconciliation(
      contract, details: outcome, licensor: StatedTotals(counted: []), licensee: licensee,
      range: dates, log: nil)
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

  private func report(_ sources: SourceTable) -> DifferencesReport {
    let paths = files.map(\.path)
    let users = users
    return DifferencesReport(contract) { side, place in
      if side != .licensee { return sources.text(of: place) }
      return "\(paths[Int(place >> Self.rowBits)]):\(place & (1 << Self.rowBits - 1))"
    } user: { _, user in
      switch users {
      case .plain: user
      case .omitted: ""
      case .pseudonym(let pseudonym): user.isEmpty ? "" : pseudonym.text(user)
      }
    }
  }
}
