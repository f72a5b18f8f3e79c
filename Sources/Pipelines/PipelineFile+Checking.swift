public import Contracts
internal import Counting
public import Decoding
public import Reconciliation

// What a run reads and checks before it begins, one thing at a time, for whoever looks into a pipeline
// without running it.
extension PipelineFile {
  /// What the pipeline names as logs, without detours, as reports name them.
  public var shortLogs: [String] { logs.map(Paths.shortened) }

  /// The workspace from the root.
  public var absoluteWorkspace: String? { workspace.map(Paths.absolute) }

  /// The contracts, held against each other and the statements; none where the pipeline names none.
  public func readContracts() throws(RunError) -> [Contract] {
    let terms = try NightlyRun.terms(self)
    return terms.hasContracts ? terms.contracts : []
  }

  /// What a statement says.
  ///
  /// - Parameter contracts: those of the pipeline, as far as they could be read.
  public func read(
    _ statement: StatementFile, contracts: [Contract]
  ) throws(RunError) -> StatedTotals {
    try ContractStatements.read(statement, contracts: contracts)
  }

  /// Fails where logs, reports and the workspace lie in one another.
  public func checkPlaces(_ files: [InputFile]) throws(RunError) {
    do throws(InputError) {
      try QuarantineReport.check(files, NightlyRun.quarantineFolder(self))
    } catch {
      throw .input(error)
    }
    if let workspace { try NightlyRun.refuseNesting(self, workspace, files) }
  }
}
