import ArgumentParser
import CivilTime
import Ledger
import Pipelines
import Reports

struct WorkspaceCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "workspace",
    abstract: "Looks into the workspace that nightly runs keep.",
    subcommands: [VerifyWorkspaceCommand.self, StatusWorkspaceCommand.self])

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

      A nightly run may go on meanwhile: what its last commit before this left is checked.

      Exit status 1: something is not as the last finished run left it.

      Example: duizhang workspace verify /var/lib/duizhang/workspace
      """)

  @Argument(help: ArgumentHelp("The workspace.", valueName: "folder"))
  var workspace: String
  @Flag(help: "Say nothing on standard error but errors.")
  var quiet = false

  private var diagnostics: Diagnostics { Diagnostics(format: .text, isQuiet: quiet) }

  func run() throws {
    let workspace = try WorkspaceCommand.open(self.workspace, diagnostics)
    let problems: [WorkspaceProblem]
    do throws(WorkspaceError) {
      problems = try workspace.verify()
    } catch {
      throw WorkspaceCommand.status(of: error, diagnostics)
    }
    for problem in problems { print("\(problem.isError ? "error" : "note"): \(problem)".printable) }
    guard problems.contains(where: \.isError) else {
      diagnostics.say(.info, "the workspace is as its last finished run left it")
      return
    }
    throw ExitStatus.needsPerson
  }
}

struct StatusWorkspaceCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "status",
    abstract: "Says what a workspace holds.",
    discussion: """
      Logs and records, the days that they cover, what they take on disk, and the last runs.

      Example: duizhang workspace status /var/lib/duizhang/workspace
      """)

  @Argument(help: ArgumentHelp("The workspace.", valueName: "folder"))
  var workspace: String
  @Flag(help: "Say nothing on standard error but errors.")
  var quiet = false

  private var diagnostics: Diagnostics { Diagnostics(format: .text, isQuiet: quiet) }

  private static let runsMax = 5

  func run() throws {
    let workspace = try WorkspaceCommand.open(self.workspace, diagnostics)
    do throws(WorkspaceError) {
      let (logs, days, files, runs) = try workspace.ledger.read {
        state throws(WorkspaceError) in
        (try state.logs(), try state.days(), try state.referencedFiles(), try state.runs())
      }
      print(Self.text(logs.map(\.file), days, files, runs).printable, terminator: "")
    } catch {
      throw WorkspaceCommand.status(of: error, diagnostics)
    }
  }

  private static func text(
    _ logs: [LogFile], _ days: [Day], _ files: [StoredFile], _ runs: [Run]
  ) -> String {
    func grouped(_ number: Int) -> String { MeteringSummary.grouped(number) }
    let records = logs.reduce(0) { $0 + $1.records }
    let quarantined = logs.reduce(0) { $0 + $1.quarantined }
    let bytes = files.reduce(0) { $0 + $1.bytes }
    var text =
      "\(grouped(logs.count)) logs: \(grouped(records)) records, \(grouped(quarantined)) lines "
      + "quarantined, \(grouped(logs.count { !$0.damages.isEmpty })) damaged\n"
    if let first = logs.compactMap(\.firstTime).min(), let last = logs.compactMap(\.lastTime).max()
    {
      text += "from \(first.rfc3339(in: .utc)) to \(last.rfc3339(in: .utc))\n"
    }
    text += "\(grouped(days.count)) days counted (UTC)"
    if let last = days.last, let carried = last.carryOut {
      text += "; the last, \(last.day), carries \(grouped(carried.bytes)) bytes of records over"
    }
    text += "\n\(grouped(bytes)) bytes in \(grouped(files.count)) files\n"
    for run in runs.suffix(runsMax) {
      text += "run \(run.id.number): \(run.startedAt.rfc3339(in: .utc)) \(run.outcome.rawValue): "
      text += "\(run.start.command)\n"
    }
    return text
  }
}
