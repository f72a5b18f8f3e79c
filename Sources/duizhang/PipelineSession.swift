import ArgumentParser
import Configuration
import Contracts
import Foundation
import Ledger
import Metering
import Operations
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

  /// Reads the pipeline, does something with it, and tells whom it may concern; ends with the status that the
  /// outcome deserves.
  ///
  /// - Parameter done: what to say when it is done.
  func run(
    done: (PipelineFile) -> String? = { _ in nil },
    _ body: (NightlyRun) throws(RunError) -> RunOutcome
  ) throws(ExitStatus) {
    let begin = ContinuousClock.now
    let file: PipelineFile
    do throws(RunError) {
      file = try pipelineFile()
    } catch {
      // Whom to tell otherwise is not known.
      for message in error.messages { diagnostics.say(.error, message) }
      throw Self.status(of: error)
    }
    var facts = RunFacts(
      pipeline: file.name, path: file.path, folder: file.absoluteOut, endedAt: .now,
      durationSeconds: 0, status: ExitStatus.done.rawValue)
    do throws(RunError) {
      let outcome = try outcome(of: file, body)
      if let text = done(file) { diagnostics.say(.info, text) }
      report(outcome)
      facts.figures = RunFacts.Figures(outcome)
      facts.needsPerson = outcome.concerns.map { "\($0)" }
      if outcome.needsPerson { facts.status = ExitStatus.needsPerson.rawValue }
    } catch {
      for message in error.messages { diagnostics.say(.error, message) }
      // A command line that is wrong is of interest to whoever has written it.
      if case .usage = error { throw .usage }
      facts.errors = error.messages
      facts.status = Self.status(of: error).rawValue
    }
    facts.endedAt = .now
    facts.durationSeconds = (ContinuousClock.now - begin) / .seconds(1)
    for warning in file.tell(facts) { diagnostics.say(.warning, warning) }
    if let status = ExitStatus(rawValue: facts.status), status != .done { throw status }
  }

  private func pipelineFile() throws(RunError) -> PipelineFile {
    var file = try RunError.configuration { () throws(ConfigurationError) in
      try PipelineFile.read(path: pipeline)
    }
    if let out { file.out = out }
    return file
  }

  private func outcome(
    of file: PipelineFile, _ body: (NightlyRun) throws(RunError) -> RunOutcome
  ) throws(RunError) -> RunOutcome {
    if let problem = file.hook?.problem(pipelinePath: file.path) {
      diagnostics.say(.warning, problem)
    }
    var metering = execution.options(threads: file.threads, memoryBytes: file.memory?.bytes)
    lines?.apply(to: &metering)
    let nightly = try NightlyRun(
      file,
      options: NightlyRun.Options(
        dates: days?.range, month: days?.month, metering: metering,
        command: CommandLine.arguments.joined(separator: " "), user: NSUserName(),
        programVersion: Version.text))
    for notice in nightly.notices { diagnostics.say(.info, notice) }
    for warning in nightly.warnings { diagnostics.say(.warning, warning) }
    return try MeteringSession(diagnostics: diagnostics).showingProgress(
      of: nightly.storedBytes, taken: { nightly.storedBytesTaken },
      during: { () throws(RunError) in try body(nightly) })
  }

  /// Gives the page, and with `--quiet` what needs a person alone.
  private func report(_ outcome: RunOutcome) {
    diagnostics.report(text: outcome.text, json: outcome.json)
    guard diagnostics.isQuiet else { return }
    for concern in outcome.concerns { diagnostics.say(.warning, "\(concern)") }
  }

  static func status(of error: RunError) -> ExitStatus {
    switch error {
    case .configuration, .privacyKey, .usage, .terms: .usage
    case .input, .statement, .metering(.input): .input
    case .metering(.strict): .needsPerson
    case .workspace(.inUse): .workspaceInUse
    case .metering(.spill), .report, .workspace, .stored: .internalFailure
    }
  }
}
