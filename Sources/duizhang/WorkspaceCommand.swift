import ArgumentParser
import CivilTime
import Configuration
import Contracts
import Foundation
import Ledger
import Metering
import Pipelines
import Reports

struct WorkspaceCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "workspace",
    abstract: "Looks into the workspace that nightly runs keep.",
    subcommands: [VerifyWorkspaceCommand.self, AuditWorkspaceCommand.self])

  /// Opens a workspace to read it; its error is said.
  static func open(_ path: String, _ diagnostics: Diagnostics) throws -> Workspace {
    do throws(WorkspaceError) {
      return try Workspace.open(path, access: .read, programVersion: Version.text)
    } catch {
      throw status(of: error, diagnostics)
    }
  }

  static func status(of error: WorkspaceError, _ diagnostics: Diagnostics) -> ExitStatus {
    diagnostics.say(.error, "\(error)")
    switch error {
    case .inUse: return .workspaceInUse
    case .missing, .unfinished, .notAWorkspace: return .input
    // A workspace that cannot be opened for damage is what a verification is to find.
    case .corrupt: return .needsPerson
    default: return .internalFailure
    }
  }
}

struct VerifyWorkspaceCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify",
    abstract:
      "Checks every byte of a workspace against its ledger, and the ledger against its seal.",
    discussion: """
      Reads all files that the ledger refers to and holds them against their SHA-256, checks the \
      database and its rows against the digests of the last commit, and the audit log's chain. What \
      is found is named with a remedy, on standard output.

      With --pipeline, it is also proven that the workspace is what the raw logs give: every log that \
      the ledger has is read where it lies and counted anew by the pipeline's contracts, in a workspace \
      of its own beneath --scratch, which takes as much room as this one and is removed in the end. \
      Each log's figures and segments, each day and each closed month are compared. A log that is gone \
      is named, with the days that cannot be proven without it.

      A nightly run may go on meanwhile: what its last commit before this left is checked.

      Exit status 1: something is not as the last finished run left it, or not what the logs give, or \
      cannot be proven.

      Examples:
        duizhang workspace verify /var/lib/duizhang/workspace
        duizhang workspace verify /var/lib/duizhang/workspace --pipeline pipelines/nightly.yaml
      """)

  @Argument(help: ArgumentHelp("The workspace.", valueName: "folder"))
  var workspace: String
  @Option(
    help: ArgumentHelp(
      "Count all raw logs anew by this pipeline, and compare.", valueName: "pipeline.yaml"))
  var pipeline: String?
  @Option(
    help: ArgumentHelp(
      "The folder in which they are counted (default: TMPDIR, else /tmp).", valueName: "folder"))
  var scratch: String?
  @OptionGroup(title: "Run") var execution: RunArguments
  @OptionGroup var lines: LineLengthArguments

  private var diagnostics: Diagnostics { execution.diagnostics }

  func validate() throws {
    if scratch != nil && pipeline == nil {
      throw ValidationError("--scratch: only together with --pipeline")
    }
  }

  func run() throws {
    // A mistake in the pipeline is told before hours of reading, not after.
    let proof = try pipeline.map { path throws(ExitStatus) in try self.proof(by: path) }
    let workspace = try WorkspaceCommand.open(self.workspace, diagnostics)
    let problems: [WorkspaceProblem]
    do throws(WorkspaceError) {
      problems = try workspace.verify()
    } catch {
      throw WorkspaceCommand.status(of: error, diagnostics)
    }
    var isWhole = say(problems)
    if isWhole { diagnostics.say(.info, "the workspace is as its last finished run left it") }
    if let proof {
      let (problems, proven) = try told { () throws(RunError) in
        let count = try proof.count(workspace)
        return try MeteringSession(diagnostics: diagnostics).showingProgress(
          of: count.storedBytes, taken: { count.storedBytesTaken },
          during: { () throws(RunError) in try count.run() })
      }
      if !say(problems) { isWhole = false }
      diagnostics.say(.info, proven)
    }
    if !isWhole { throw ExitStatus.needsPerson }
  }

  /// - Returns: whether none of them is an error.
  private func say(_ problems: [WorkspaceProblem]) -> Bool {
    for problem in problems { print("\(problem.isError ? "error" : "note"): \(problem)".printable) }
    return !problems.contains(where: \.isError)
  }

  private func proof(by path: String) throws(ExitStatus) -> WorkspaceProof {
    try told { () throws(RunError) in
      let file = try RunError.configuration { () throws(ConfigurationError) in
        try PipelineFile.read(path: path)
      }
      var metering = execution.options(threads: file.threads, memoryBytes: file.memory?.bytes)
      metering.lineBytesMax = lines.bytesMax
      return try WorkspaceProof(
        workspace: workspace, file, scratch: scratch ?? metering.temporaryFolder,
        options: NightlyRun.Options(
          metering: metering, command: CommandLine.arguments.joined(separator: " "),
          user: NSUserName(), programVersion: Version.text))
    }
  }

  /// Turns errors into words and a status.
  private func told<Value>(_ body: () throws(RunError) -> Value) throws(ExitStatus) -> Value {
    do throws(RunError) {
      return try body()
    } catch {
      if case .workspace(let error) = error {
        throw WorkspaceCommand.status(of: error, diagnostics)
      }
      for message in error.messages { diagnostics.say(.error, message) }
      throw PipelineSession.status(of: error)
    }
  }
}

struct AuditWorkspaceCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "audit",
    abstract:
      "Prints a workspace's audit log as CSV: who ran what, on which input, with which result.",
    discussion: """
      A row for each entry, the first one first: time, who, what, and for the end of a run its command, \
      version, outcome, and as JSON the logs that it took in with their SHA-256, the days that it counted, \
      and the adjustments that it booked; for the closing and opening of months which, and why. Entries are \
      chained by their hashes; 'duizhang workspace verify' checks the chain.

      Example: duizhang workspace audit /var/lib/duizhang/workspace > audit.csv
      """)

  @Argument(help: ArgumentHelp("The workspace.", valueName: "folder"))
  var workspace: String
  @Flag(help: "Say nothing on standard error but errors.")
  var quiet = false

  private var diagnostics: Diagnostics { Diagnostics(format: .text, isQuiet: quiet) }

  func run() throws {
    let workspace = try WorkspaceCommand.open(self.workspace, diagnostics)
    let table: CSVTable
    do throws(WorkspaceError) {
      table = try AuditTrail.table(workspace)
    } catch {
      throw WorkspaceCommand.status(of: error, diagnostics)
    }
    do throws(OutputError) {
      let output = try ReportOutput("audit.csv", in: nil)
      try output.write(table.bytes())
      try output.finish()
    } catch {
      if case .brokenPipe = error { return }
      diagnostics.say(.error, "\(error)")
      throw ExitStatus.internalFailure
    }
  }
}
