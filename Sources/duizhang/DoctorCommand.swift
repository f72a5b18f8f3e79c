import ArgumentParser
import CivilTime
import Operations
import Reports

struct DoctorCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "doctor",
    abstract: "What would spoil a nightly run, before the first night.",
    discussion: """
      Looks at the pipeline file and its contracts; at logs, statements, keys and folders that they name: \
      whether they are there, new, readable, writable, private, large enough, and on a local disk; at the \
      workspace, the metrics and the hook; at clock, time zones, memory, TMPDIR and open files. It says a \
      line for each, 'ok', 'warning' or 'error' with what to do, on standard output, and changes nothing.

      Run it as the user, and with the environment, of the nightly run.

      Exit status 1: an error, which would spoil the night; warnings alone do not change it.

      Example: runuser -u duizhang -- duizhang doctor /etc/duizhang/nightly.yaml
      """)

  @Argument(help: ArgumentHelp("The pipeline file.", valueName: "pipeline.yaml"))
  var pipeline: String

  @Flag(help: "Say nothing of what is in order.")
  var quiet = false

  @Option(help: "How the lines are written: text or json.")
  var logFormat: MessageFormat = .text

  func run() throws {
    let doctor = Doctor(
      path: pipeline, machine: .current(now: .now),
      memoryBytesDefault: RunArguments.memoryBytesDefault, programVersion: Version.text)
    let checks = doctor.examine()
    for check in checks where !quiet || check.level != .ok {
      switch logFormat {
      case .text: print("\(check)".printable)
      case .json: print(check.json.renderLine())
      }
    }
    if checks.contains(where: { $0.level == .error }) { throw ExitStatus.needsPerson }
  }
}
