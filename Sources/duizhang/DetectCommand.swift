public import ArgumentParser
import Contracts
import Counting
public import Detection
import Metering
import Pipelines
import Reports

extension Finding.Kind: ExpressibleByArgument {}

struct DetectCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "detect",
    abstract: "Finds what the contract forbids, with its evidence, as CSV.",
    discussion: """
      Columns: finding, severity (info, low, medium, high), clause, contract, licensee, app, module, \
      from, to, records, statistic, p_value, suppressed_low and suppressed_high (units that never \
      were calls), amount_low, amount_high (yuan), explanation, recommended_action, evidence \
      (file:line).

      A finding is a question to the other side, not a verdict: it names what else could explain it, \
      and changes no count and no bill. Where there is too little data to tell, a row of severity info \
      says so.

      Exit status 1: a finding of high severity, lines were quarantined, or a file could not be read \
      to its end.

      Example: duizhang detect --contract contract.yaml 'logs/gateway-*.ndjson.gz'
      """)

  @OptionGroup var input: InputArguments
  @OptionGroup(title: "Report") var report: ReportArguments
  @Option(
    help: ArgumentHelp(
      "A finding that is not asked for, such as volume_shift; repeat it for more.",
      valueName: "finding"))
  var without: [Finding.Kind] = []
  @OptionGroup(title: "Report") var privacy: PrivacyArguments
  @OptionGroup(title: "Rule, to try out another") var rule: RuleArguments
  @OptionGroup(title: "Lines") var lines: LineArguments
  @OptionGroup(title: "Run") var execution: RunArguments

  func run() throws {
    let session = MeteringSession(diagnostics: execution.diagnostics)
    let terms = try session.terms(input, rule)
    let users = try session.users(terms.contracts, keyPath: privacy.privacyKey)
    var options = execution.options()
    options.formats = try session.formats(input.format)
    options.encoding = input.format.encoding
    options.findsPlaces = true
    options.detects = true
    lines.apply(to: &options)
    let files = try session.files(input.logs, options)
    let result = try session.run(files, terms, options)
    var settings = DetectionSettings()
    settings.without = Set(without)
    settings.threads = options.threads
    let findings = FoundMisuse(terms: terms, users: users, settings: settings).findings(result)
      .filter { !settings.without.contains($0.kind) }
    try session.write { () throws(ReportError) in
      try ReportError.output { () throws(OutputError) in
        let output = try ReportOutput("findings.csv", in: report.out)
        try output.write(FindingsReport(findings).table.bytes(style: report.style))
        try output.finish()
      }
    }
    try session.conclude(result)
    if findings.contains(where: { $0.severity == .high }) { throw ExitStatus.needsPerson }
  }
}
