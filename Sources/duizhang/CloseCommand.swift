import ArgumentParser
import CivilTime
import Pipelines

struct CloseCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "close",
    abstract: "Closes a month, so that its figures never change again.",
    discussion: """
      Runs the pipeline as 'duizhang run' does, and then closes the month in its workspace: totals, \
      usage detail, rule, prices and the hashes of its reports stay as they are, and its folder of \
      reports is not written again. What later logs change in it becomes adjustments in the next open \
      month (adjustments.csv there), each with its cause and its log, which add up to exactly what an \
      open count would say now ('duizhang run --from --to' shows that).

      Months are closed one after another, and only when the logs go beyond their end. A contract file \
      that says something else of a closed month than when it was closed ends every run with status 2.

      With --reopen, the last closed month is opened again: its reports are written anew, and what was \
      booked for it goes. The audit log keeps both, with the reason. A month of which days are sealed \
      ('keep_segments' in the pipeline) stays closed.

      Example: duizhang close pipelines/nightly.yaml --period 2025-12
      """)

  @Argument(help: ArgumentHelp("The pipeline file.", valueName: "pipeline.yaml"))
  var pipeline: String

  @Option(help: ArgumentHelp("The month to close: 2025-12.", valueName: "month"))
  var period: String
  @Flag(help: "Close it though the logs end before it does.")
  var incomplete = false
  @Option(help: ArgumentHelp("Open the month again, for this reason.", valueName: "reason"))
  var reopen: String?
  @Option(
    help: ArgumentHelp("The folder for reports, in place of the pipeline's.", valueName: "folder"))
  var out: String?

  @OptionGroup(title: "Run") var execution: RunArguments

  func validate() throws {
    guard CivilMonth(text: period) != nil else {
      throw ValidationError("--period: expected a month such as 2025-12, found '\(period)'")
    }
    if let reopen, reopen.allSatisfy(\.isWhitespace) {
      throw ValidationError("--reopen: say why")
    }
    if reopen != nil && incomplete {
      throw ValidationError("--reopen and --incomplete: only one of them")
    }
  }

  func run() throws {
    guard let month = CivilMonth(text: period) else { return }
    try PipelineSession(pipeline: pipeline, out: out, execution: execution).run { file in
      reopen == nil
        ? "\(month) is closed: it stays as it is in \(file.out)/\(month)" : "\(month) is open again"
    } _: { nightly throws(RunError) in
      guard let reopen else { return try nightly.close(month, isIncomplete: incomplete) }
      return try nightly.reopen(month, reason: reopen)
    }
  }
}
