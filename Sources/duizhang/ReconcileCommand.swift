import ArgumentParser
import CivilTime
import Configuration
import Contracts
import Counting
import Definitions
import Metering
import Pipelines
import Reports
import Statements

struct ReconcileCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "reconcile",
    abstract: "Explain the difference between two parties' statements, unit by unit.",
    discussion: """
      Reads a statement of the licensor's and one of the licensee's: a usage detail (a row for each unit, such as \
      usage-detail.csv) or totals (a row for each day or month and module), as CSV in any usual encoding, delimiter, \
      language and form of dates. Writes into --out:

        reconciliation.csv        both sides' quantities and amounts by month, module, scenario and unit
        reconciliation-daily.csv  the same by day
        difference-bridge.csv     the way from the licensee's figure to the licensor's, a step for each cause; \
      always adds up, to the unit and the fen
        differences.csv           of two details: each unit that they see differently, with its one cause
        findings.csv              of two details, with --log: units of the licensee's of which the log, complete at \
      these times, has no call

      Two details are compared unit by unit: by conversation ids first, then by users and overlapping times. What \
      the licensee's clock is ahead is found from the units, or given. With --log, the gateway's log is the evidence \
      for what only one side has, and for the definition behind totals.

      Status 0: all within the contract's tolerance; 1: not, or rows that need a person; 3: a file that could not \
      be read.

      Example: duizhang reconcile --licensor usage-detail.csv --licensee their-detail.csv \
      --contract contract.yaml --period 2025-12 --out dispute
      """)

  @Option(
    help: ArgumentHelp("The licensor's statement: the figure that is billed.", valueName: "file"))
  var licensor: String
  @Option(help: ArgumentHelp("The licensee's statement: the claim.", valueName: "file"))
  var licensee: String
  @Option(
    help: ArgumentHelp(
      "The contract file: zone, prices, term, tolerance. Without one, quantities alone are compared.",
      valueName: "file"))
  var contract: String?
  @Option(
    help: ArgumentHelp(
      "Without a contract: the IANA zone of days and times (default: UTC).", valueName: "zone"))
  var timeZone: String?
  @Option(
    help: ArgumentHelp(
      "A log of the gateway's, file, folder or quoted pattern, as evidence; repeat it for several.",
      valueName: "log"))
  var log: [String] = []
  @OptionGroup var format: FormatArguments
  @Option(
    help: ArgumentHelp(
      "A column of the licensor's file that is called otherwise: quantity=会话量; repeat it for several.",
      valueName: "column=name"))
  var licensorColumn: [String] = []
  @Option(
    help: ArgumentHelp("The same of the licensee's file.", valueName: "column=name"))
  var licenseeColumn: [String] = []
  @OptionGroup(title: "Days") var days: DaysArguments
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "What the licensee's clock is ahead: 1.5s, 8h, -90s (default: found from the units).",
      valueName: "time"))
  var clockDifference: String?
  @Option(
    help: ArgumentHelp(
      "A stretch in which the gateway's log is known to be incomplete, as two times of RFC 3339; repeat it "
        + "for several. Silences that chance does not explain are found without.",
      valueName: "from/to"))
  var logGap: [String] = []
  @Option(
    help: ArgumentHelp(
      "A user whose units are tests and not charged, as either side writes it; repeat it for several.",
      valueName: "user"))
  var testUser: [String] = []
  @Option(
    help: ArgumentHelp(
      "The key of users' pseudonyms, where one side writes these and the other does not (default: the "
        + "contract's).", valueName: "file"))
  var privacyKey: String?
  @Option(help: ArgumentHelp("The folder for the reports.", valueName: "folder"))
  var out: String
  @Option(help: "Column names in English or Chinese: en or zh.")
  var headers: CSVStyle.Headers = .english
  @Flag(help: "Begin the reports with a byte order mark, for Excel.")
  var bom = false
  @OptionGroup(title: "Run") var execution: RunArguments

  func validate() throws {
    if !log.isEmpty && contract == nil {
      throw ValidationError("--log: needs --contract, by whose rule it is counted")
    }
    if let clockDifference, Self.difference(clockDifference) == nil {
      throw ValidationError(
        "--clock-difference: expected a time such as 1.5s, 8h or -90s, found '\(clockDifference)'")
    }
    for gap in logGap where Self.gap(gap) == nil {
      throw ValidationError(
        "--log-gap: expected two times such as 2025-12-01T08:00:00+08:00/2025-12-01T09:00:00+08:00, the "
          + "first one earlier, found '\(gap)'")
    }
    _ = try Self.columns(licensorColumn, "--licensor-column")
    _ = try Self.columns(licenseeColumn, "--licensee-column")
    if licensor == "-" && licensee == "-" {
      throw ValidationError("--licensor, --licensee: only one of them can be standard input")
    }
  }

  func run() throws {
    let session = MeteringSession(diagnostics: execution.diagnostics)
    let terms = try session.terms(contract.map { [$0] } ?? [], timeZone: timeZone)
    var metering = execution.options()
    metering.formats = try session.formats(format)
    metering.encoding = format.encoding
    var options = StatementReconciliation.Options(metering)
    options.dates = days.range
    options.gaps = logGap.compactMap(Self.gap)
    options.clockDifference = clockDifference.flatMap(Self.difference)
    options.testUsers = Set(testUser)
    options.pseudonym = try session.pseudonym(terms.contracts[0], keyPath: privacyKey)
    let (sides, licensorColumns, licenseeColumns) = (
      (licensor, licensee), try Self.columns(licensorColumn, "--licensor-column"),
      try Self.columns(licenseeColumn, "--licensee-column")
    )
    let logs = log.isEmpty ? nil : try session.spooled(try session.files(log, metering), metering)
    // What counts the log and what compares share the memory.
    metering.memoryBytes /= 2
    let counting = metering
    let outcome = try session.reconciled { () throws(RunError) in
      let reconciliation = try StatementReconciliation(
        terms.contracts[0],
        licensor: .init(path: sides.0, columns: licensorColumns),
        licensee: .init(path: sides.1, columns: licenseeColumns), options: options)
      guard let logs else { return try reconciliation.run(log: nil) }
      let count: StatementReconciliation.LogCount = { pass throws(RunError) in
        var options = counting
        options.rivals = pass.rivals
        options.leftOut = pass.leftOut
        options.wantsRows = pass.wantsUnits
        options.wantsCallTimes = pass.wantsUnits
        return logs.named(try session.counted(logs.files, pass.terms, options))
      }
      return try reconciliation.run(log: (terms, count))
    }
    try session.write { () throws(ReportError) in
      try outcome.write(to: out, style: CSVStyle(headers: headers, bom: bom))
    }
    if let log = outcome.log { execution.diagnostics.report(text: log.text, json: log.json) }
    execution.diagnostics.report(text: outcome.text, json: outcome.json)
    if execution.diagnostics.isQuiet {
      for concern in outcome.concerns { execution.diagnostics.say(.warning, concern) }
    }
    if outcome.needsPerson { throw ExitStatus.needsPerson }
  }

  // MARK: - Arguments

  private static func columns(
    _ texts: [String], _ option: String
  ) throws -> [StatementColumn: String] {
    var columns: [StatementColumn: String] = [:]
    for text in texts {
      let parts = text.split(separator: "=", maxSplits: 1).map(String.init)
      guard parts.count == 2, let column = StatementColumn(rawValue: parts[0]) else {
        throw ValidationError(
          "\(option): expected a column and what the file calls it, such as quantity=会话量, found '\(text)'; "
            + "columns are \(StatementColumn.allCases.map(\.rawValue).joined(separator: ", "))")
      }
      columns[column] = parts[1]
    }
    return columns
  }

  private static func difference(_ text: String) -> Interval? {
    let isNegative = text.hasPrefix("-")
    let magnitude = isNegative ? String(text.dropFirst()) : text
    if let interval = Interval(text: magnitude) {
      return Interval(microseconds: isNegative ? -interval.microseconds : interval.microseconds)
    }
    guard magnitude.hasSuffix("s"), let seconds = Money(text: String(magnitude.dropLast())),
      seconds < Money(100_000_000)
    else { return nil }
    let microseconds = Int64((seconds * 1_000_000).rounded(toScale: 0).digits)
    return Interval(microseconds: isNegative ? -microseconds : microseconds)
  }

  private static func gap(_ text: String) -> Range<Instant>? {
    let parts = text.split(separator: "/").map { Self.instant(String($0)) }
    guard parts.count == 2, let from = parts[0], let to = parts[1], from < to else { return nil }
    return from..<to
  }

  private static func instant(_ text: String) -> Instant? {
    var reader = TimestampReader()
    return reader.instant(text: Array(text.utf8).span)
  }
}
