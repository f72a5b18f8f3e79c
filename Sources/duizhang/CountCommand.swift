import ArgumentParser
import Metering
import Pipelines
import Reports

struct CountCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "count",
    abstract: "Totals per day, module and scenario, as CSV.",
    discussion: """
      Columns: contract, licensee, date, module, scenario, unit (conversation or item), quantity \
      (billable units), messages (successful calls behind them), failed_messages, duplicates.

      Standard error says where every line went. Exit status 1: lines were quarantined, or a file \
      could not be read to its end.

      Example: duizhang count --contract contract.yaml 'logs/gateway-*.ndjson.gz'
      """)

  @OptionGroup var input: InputArguments
  @OptionGroup(title: "Report") var report: ReportArguments
  @OptionGroup(title: "Rule, to try out another") var rule: RuleArguments
  @OptionGroup(title: "Lines") var lines: LineArguments
  @OptionGroup(title: "Lines") var quarantine: QuarantineArguments
  @OptionGroup(title: "Run") var execution: RunArguments

  func run() throws {
    let session = MeteringSession(diagnostics: execution.diagnostics)
    let terms = try session.terms(input, rule)
    var options = execution.options()
    options.formats = try session.formats(input.format)
    options.encoding = input.format.encoding
    lines.apply(to: &options)
    let files = try session.files(input.logs, options)
    try session.prepareQuarantine(quarantine.quarantine, files, &options)
    let result = try session.run(files, terms, options)
    try session.write { () throws(ReportError) in
      if let folder = quarantine.quarantine { try QuarantineReport(result).write(to: folder) }
      let bytes = DailyTotalsReport(result.totals).bytes(style: report.style)
      try ReportError.output { () throws(OutputError) in
        let output = try ReportOutput("count.csv", in: report.out)
        try output.write(bytes)
        try output.finish()
      }
    }
    try session.conclude(result)
  }
}
