import ArgumentParser

@main
struct Duizhang: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "duizhang",
    abstract:
      "Counts billable conversations from gateway logs exactly as the contract defines them.",
    discussion: """
      Results go to standard output or under --out, everything else to standard error.

      Exit status: 0 done; 1 done, and something needs a person; 2 wrong usage or configuration; \
      3 input that could not be read; 4 the workspace is in use; 5 an internal failure.
      """,
    version: Version.text,
    subcommands: [
      RunCommand.self, CloseCommand.self, StatusCommand.self, VerifyCommand.self, CountCommand.self,
      DetectCommand.self,
      UsageCommand.self, ReconcileCommand.self, RulesCommand.self, CheckCommand.self,
      FormatsCommand.self,
      DoctorCommand.self,
      WorkspaceCommand.self, SimulateCommand.self,
    ])

  static func main() {
    do {
      var command = try parseAsRoot()
      try command.run()
    } catch let status as ExitStatus {
      exit(withError: ExitCode(status.rawValue))
    } catch {
      // What the argument parser throws for wrong usage is EX_USAGE (64); ours is 2.
      let code = exitCode(for: error)
      let message = fullMessage(for: error)
      if code == .success {
        print(message)
        exit()
      }
      StandardError.write(message + "\n")
      exit(withError: ExitCode(ExitStatus.usage.rawValue))
    }
  }
}

/// The version that reports and manifests name.
enum Version {
  static let text = "0.1.0"
}

/// What a command's end says to the shell (see the README).
enum ExitStatus: Int32, Error {
  case done = 0
  case needsPerson = 1
  case usage = 2
  case input = 3
  case workspaceInUse = 4
  case internalFailure = 5
}
