import ArgumentParser
import Configuration
import Ledger
import Pipelines
import Reports

struct StatusCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "status",
    abstract: "Says what a workspace holds, what is open, late and closed, and what comes next.",
    discussion: """
      On standard output: logs and records, what they take on disk, the months with their state (open; \
      over: the logs go beyond its end; closed), the adjustments that came late for a month and those \
      that are booked in it, the last runs, who writes to the workspace now, and what comes next. A run \
      may go on meanwhile. With --log-format json, one JSON document.

      Example: duizhang status /etc/duizhang/nightly.yaml
      """)

  @Argument(
    help: ArgumentHelp(
      "A pipeline file that names a workspace, or the workspace.", valueName: "path"))
  var path: String
  @Flag(help: "Say nothing on standard error but errors.")
  var quiet = false
  @Option(help: "How to say it: text or json.")
  var logFormat = MessageFormat.text

  private var diagnostics: Diagnostics { Diagnostics(format: logFormat, isQuiet: quiet) }

  func run() throws {
    let workspace = try WorkspaceCommand.open(try folder(), diagnostics)
    let status: WorkspaceStatus
    do throws(WorkspaceError) {
      status = try WorkspaceStatus(workspace)
    } catch {
      throw WorkspaceCommand.status(of: error, diagnostics)
    }
    switch logFormat {
    case .text: print(status.text.printable, terminator: "")
    case .json: print(status.json.renderLine())
    }
  }

  private func folder() throws(ExitStatus) -> String {
    if OutputFolder.exists(path) { return path }
    do throws(ConfigurationError) {
      let pipeline = try PipelineFile.read(path: path)
      if let workspace = pipeline.workspace { return workspace }
      diagnostics.say(.error, "\(path): names no workspace; add 'workspace: FOLDER' to keep one")
    } catch {
      for problem in error.problems { diagnostics.say(.error, problem.description) }
    }
    throw .usage
  }
}
