import ArgumentParser
import Counting
import Decoding
import Definitions
import Metering
import Pipelines
import Reports

struct RulesCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "rules",
    abstract: "The count and the price under rival definitions of a conversation, as CSV.",
    discussion: """
      Columns: contract (without contract files, the licensee), period (month), definition, quantity (billable \
      conversations), amount (yuan, of what has a price), difference_from_contract (units).

      Definitions, all else being the contract's:
        contract              its own
        counted_in=end        by the day of the last message (=start: of the first)
        idle_timeout=1m       every whole minute up to 1440m, 24 hours
        failed_calls_counted  failed calls are messages too
        duplicates_counted    repeated request ids are calls too
        close_event           ended by opening and closing events alone
        conversation_id       one for each conversation id of the gateway
        user_24h              a user's messages within 24 hours of the first
        clock_15m             a quarter of an hour of the clock with messages
        call                  each successful call

      Modules priced by item are left out: no definition changes them. The logs are read once for the \
      contract's own definition and all idle timeouts, and once for each of five others; standard input is \
      kept in TMPDIR meanwhile.

      With --licensee, standard error says which definition gives exactly the licensee's totals, day by day: one \
      of these, days of another zone, an hour of records or a log that they lack, or another idle timeout together with \
      one of them; else the nearest, with what each leaves unexplained.

      Example: duizhang rules --contract contract.yaml 'logs/gateway-*.ndjson.gz' > rules.csv
      """)

  @OptionGroup var input: InputArguments
  @OptionGroup(title: "Report") var report: ReportArguments
  @OptionGroup(title: "Rule, to try out another") var rule: RuleArguments
  @OptionGroup(title: "Lines") var lines: LineArguments
  @OptionGroup(title: "Run") var execution: RunArguments
  @Option(
    help: ArgumentHelp(
      "The licensee's totals: say by which definition they were counted, as far as any gives exactly them.",
      valueName: "file"))
  var licensee: String?
  @Flag(
    help: ArgumentHelp(
      "Only what is counted in one pass: the contract's own definition, idle timeouts, the clock's "
        + "slices and calls."))
  var onePass = false

  func validate() throws {
    if licensee != nil && input.contract.isEmpty {
      throw ValidationError("--licensee: needs --contract, whose rule its totals are held against")
    }
    if licensee != nil && onePass {
      throw ValidationError("--licensee: not with --one-pass, since it takes more passes")
    }
  }

  func run() throws {
    let session = MeteringSession(diagnostics: execution.diagnostics)
    let terms = try session.terms(input, rule)
    var options = execution.options()
    options.formats = try session.formats(input.format)
    options.encoding = input.format.encoding
    lines.apply(to: &options)
    let claim = try licensee.map { try session.licenseeTotals($0, terms) }
    var files = try session.files(input.logs, options)
    var logs: SpooledLogs?
    if !onePass {
      let spooled = try session.spooled(files, options)
      files = spooled.files
      logs = spooled
    }
    var figures = DefinitionFigures(terms)
    options.rivals = claim == nil ? .timeouts : .timeoutsAndQuarters
    let result = try session.run(files, terms, options)
    figures.add(result.totals, result.rivals)
    var passes: [Definition: [DailyTotal]] = [:]
    options.rivals = nil
    if !onePass {
      for definition in Definition.countedAnew {
        let terms = terms.changingRules { definition.change(&$0) }
        let totals = try session.run(files, terms, options).totals
        figures.add(totals, as: definition)
        passes[definition] = totals
      }
    }
    for warning in figures.withoutPrice { session.diagnostics.say(.warning, warning) }
    let rows = figures.figures(isComplete: !onePass)
    try session.write { () throws(ReportError) in
      let bytes = DefinitionsReport(rows).bytes(style: report.style)
      try ReportError.output { () throws(OutputError) in
        let output = try ReportOutput("rules.csv", in: report.out)
        try output.write(bytes)
        try output.finish()
      }
    }
    execution.diagnostics.report(
      text: DefinitionsSummary(rows).text, json: DefinitionsSummary(rows).json)
    if let claim {
      let inference = LicenseeDefinitions(claim, terms: terms, passes: passes)
      let found = try inference.run(logs?.named(result) ?? result) {
        terms, countsRivals, leftOut throws(ExitStatus) in
        var options = options
        options.rivals = countsRivals ? .timeouts : nil
        options.leftOut = leftOut
        return try session.run(files, terms, options)
      }
      execution.diagnostics.report(text: found.text, json: found.json)
    }
    try session.conclude(logs?.named(result) ?? result)
  }
}
