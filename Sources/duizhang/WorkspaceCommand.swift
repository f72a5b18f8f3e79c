import ArgumentParser
import CivilTime
import Ledger
import Pipelines
import Reports

struct WorkspaceCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "workspace",
    abstract: "Looks into the workspace that nightly runs keep.",
    subcommands: [VerifyWorkspaceCommand.self])

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
