import ArgumentParser
import Counting
import Metering
import Pipelines
import Reports

struct UsageCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "usage",
    abstract: "The usage detail: a row for each billable unit, as CSV.",
    discussion: """
      Columns: contract, licensee, date, module, scenario, app, unit, quantity, user, \
      conversation, started_at, ended_at, ended_by (close, idle, max_duration, open, still_open), \
      messages, failed_messages, not_billable_because, source (file:line of the first record).

      Rows are sorted by contract, date, start, user and conversation. Conversations that are not \
      billable are listed with quantity 0 and the reason.

      Example: duizhang usage --contract contract.yaml --out reports logs/
      """)

  @OptionGroup var input: InputArguments
  @OptionGroup(title: "Report") var report: ReportArguments
  @OptionGroup(title: "Report") var privacy: PrivacyArguments
  @OptionGroup(title: "Rule, to try out another") var rule: RuleArguments
  @OptionGroup(title: "Lines") var lines: LineArguments
  @OptionGroup(title: "Lines") var quarantine: QuarantineArguments
  @OptionGroup(title: "Run") var execution: RunArguments

  func run() throws {
    let session = MeteringSession(diagnostics: execution.diagnostics)
    let terms = try session.terms(input, rule)
    let users = try session.users(terms.contracts, keyPath: privacy.privacyKey)
    var options = execution.options()
    options.formats = try session.formats(input.format)
    options.encoding = input.format.encoding
    lines.apply(to: &options)
    let files = try session.files(input.logs, options)
    try session.prepareQuarantine(quarantine.quarantine, files, &options)
    options.wantsRows = true
    let result = try session.run(files, terms, options)
    guard let rows = result.rows else { preconditionFailure("rows were asked for") }
    try session.write { () throws(ReportError) in
      if let folder = quarantine.quarantine { try QuarantineReport(result).write(to: folder) }
      try UsageWriter(rows, users: users, style: report.style)
        .write("usage-detail.csv", in: report.out)
    }
    try session.conclude(result)
  }
}
