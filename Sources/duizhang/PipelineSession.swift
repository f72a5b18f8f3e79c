import ArgumentParser
import Configuration
import Contracts
import Foundation
import Ledger
import Metering
import Pipelines

/// What all commands do that run a pipeline: errors become words and an exit status.
struct PipelineSession {
  let pipeline: String
  /// In place of the pipeline's.
  let out: String?
  let execution: RunArguments
  var days: DaysArguments?
  var lines: LineArguments?

  var diagnostics: Diagnostics { execution.diagnostics }

  init(
    pipeline: String, out: String?, execution: RunArguments, days: DaysArguments? = nil,
    lines: LineArguments? = nil
  ) {
    self.pipeline = pipeline
    self.out = out
    self.execution = execution
    self.days = days
    self.lines = lines
  }

  /// The folder of reports, as it is named.
  var folder: String { out ?? (try? PipelineFile.read(path: pipeline).out) ?? "" }

  /// Reads the pipeline and does something with it.
  func outcome(
    _ body: (NightlyRun) throws(RunError) -> RunOutcome
  ) throws(ExitStatus) -> RunOutcome {
    do throws(RunError) {
      let nightly = try nightlyRun()
      for notice in nightly.notices { diagnostics.say(.info, notice) }
      for warning in nightly.warnings { diagnostics.say(.warning, warning) }
      return try MeteringSession(diagnostics: diagnostics).showingProgress(
        of: nightly.storedBytes, taken: { nightly.storedBytesTaken },
        during: { () throws(RunError) in try body(nightly) })
    } catch {
      for message in error.messages { diagnostics.say(.error, message) }
      throw Self.status(of: error)
    }
  }

  private func nightlyRun() throws(RunError) -> NightlyRun {
    var file = try RunError.configuration { () throws(ConfigurationError) in
      try PipelineFile.read(path: pipeline)
    }
    if let out { file.out = out }
    var metering = execution.options(threads: file.threads, memoryBytes: file.memory?.bytes)
    lines?.apply(to: &metering)
    return try NightlyRun(
      file,
      options: NightlyRun.Options(
        dates: days?.range, month: days?.month, metering: metering,
        command: CommandLine.arguments.joined(separator: " "), user: NSUserName(),
        programVersion: Version.text))
  }

  /// Gives the page, and with `--quiet` what needs a person alone; ends with the status that this deserves.
  func conclude(_ outcome: RunOutcome) throws(ExitStatus) {
    diagnostics.report(text: outcome.text, json: outcome.json)
    if diagnostics.isQuiet {
      for concern in outcome.concerns { diagnostics.say(.warning, "\(concern)") }
    }
    if outcome.needsPerson { throw .needsPerson }
  }

  private static func status(of error: RunError) -> ExitStatus {
    switch error {
    case .configuration, .privacyKey, .usage: .usage
    case .input, .statement, .metering(.input): .input
    case .metering(.strict): .needsPerson
    case .workspace(.inUse): .workspaceInUse
    case .metering(.spill), .report, .workspace, .stored: .internalFailure
    }
  }
}
