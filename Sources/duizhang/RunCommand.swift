import ArgumentParser
import CivilTime
import Pipelines

struct RunCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run",
    abstract: "The nightly job: count, detect, reconcile, report.",
    discussion: """
      Does what a pipeline file says (pipelines/nightly.yaml shows one): reads and counts the \
      logs, holds the use against the contracts' lists, looks in the calls for what the contracts forbid \
      (unless the file says 'detection: off'), compares the daily totals with the \
      licensees' statements, and writes count.csv, usage-detail.csv, findings.csv, \
      reconciliation.csv (months), reconciliation-daily.csv, quarantine.csv, run-summary.json, \
      and in the folder quarantine the lines that are no records as they are, to be mended. \
      SHA256SUMS and manifest.json say what all are and were made from; 'duizhang verify' checks it.

      Reports appear when all of them are written; after an error before that, those of the run \
      before are still there. With a workspace a month's reports appear at one moment. Others are \
      renamed one after another, manifest.json last; 'duizhang verify' tells a set that is not \
      whole. Equal input gives equal bytes.

      With 'workspace: FOLDER' in the pipeline file, the folder keeps what every night took in: only \
      logs that are new by content are read, the days that they touch are counted, and the reports of \
      the months that changed are written, each month into a folder of its own that appears as a whole, \
      the same bytes as of one run over all logs. Status 4: another run writes to it. 'duizhang close' \
      closes a month, 'duizhang status' says what the workspace holds.

      Days are those of each contract's zone. Where a range of days is given, the reports are about \
      these. Without a workspace all logs are read all the same, since conversations cross midnight; \
      with one, a month is written to its folder, and any other range to a folder that it names.

      Exit status 1: a finding of high severity, a month beyond the tolerance, more quarantined \
      lines than the pipeline allows, a log that could not be read to its end, or rows of a \
      statement that could not be read. Standard error says which.

      Example: duizhang run pipelines/nightly.yaml --period 2025-12
      """)

  @Argument(help: ArgumentHelp("The pipeline file.", valueName: "pipeline.yaml"))
  var pipeline: String

  @OptionGroup(title: "Days") var days: DaysArguments

  @Option(
    help: ArgumentHelp("The folder for reports, in place of the pipeline's.", valueName: "folder"))
  var out: String?

  @OptionGroup(title: "Lines") var lines: LineArguments
  @OptionGroup(title: "Run") var execution: RunArguments

  func run() throws {
    try PipelineSession(
      pipeline: pipeline, out: out, execution: execution, days: days, lines: lines
    ).run { nightly throws(RunError) in try nightly.run() }
  }
}

/// The days that reports are about.
struct DaysArguments: ParsableArguments {
  @Option(help: ArgumentHelp("Report one day: 2025-12-01.", valueName: "date"))
  var date: String?
  @Option(help: ArgumentHelp("Report the days from this one on; with --to.", valueName: "date"))
  var from: String?
  @Option(help: ArgumentHelp("Report the days up to this one, itself included.", valueName: "date"))
  var to: String?
  @Option(help: ArgumentHelp("Report one month: 2025-12.", valueName: "month"))
  var period: String?

  /// `nil`: all days.
  var range: ClosedRange<CivilDate>? {
    if let date = date.flatMap({ CivilDate(text: $0) }) { return date...date }
    if let month { return month.first...month.last }
    guard let first = from.flatMap({ CivilDate(text: $0) }),
      let last = to.flatMap({ CivilDate(text: $0) }), first <= last
    else { return nil }
    return first...last
  }

  var month: CivilMonth? { period.flatMap { CivilMonth(text: $0) } }

  func validate() throws {
    for (name, text) in [("--date", date), ("--from", from), ("--to", to)] {
      guard let text, CivilDate(text: text) == nil else { continue }
      throw ValidationError("\(name): expected a day such as 2025-12-01, found '\(text)'")
    }
    if let period, CivilMonth(text: period) == nil {
      throw ValidationError("--period: expected a month such as 2025-12, found '\(period)'")
    }
    let ways = [date != nil, from != nil || to != nil, period != nil]
    guard ways.count(where: { $0 }) <= 1 else {
      throw ValidationError("--date, --from with --to, and --period: only one of them")
    }
    guard (from == nil) == (to == nil) else {
      throw ValidationError("--from and --to: give both, or --date for one day")
    }
    if from != nil, range == nil {
      throw ValidationError("--from: expected a day not later than --to")
    }
  }
}
