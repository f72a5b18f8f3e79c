public import ArgumentParser
import CivilTime
public import Simulation

extension SimulationOptions.Codec: ExpressibleByArgument {}
extension StatementForm.Encoding: ExpressibleByArgument {}
extension StatementForm.Language: ExpressibleByArgument {}
extension StatementForm.Delimiter: ExpressibleByArgument {}
extension StatementForm.Numbers: ExpressibleByArgument {}
extension StatementForm.Dates: ExpressibleByArgument {}

struct SimulateCommand: ParsableCommand {
  enum Preset: String, ExpressibleByArgument, CaseIterable {
    case sample, month, conduct, benchmark
  }

  static let configuration = CommandConfiguration(
    commandName: "simulate",
    abstract: "Synthetic gateway logs with known truth, for trials, tests and benchmarks.",
    discussion: """
      Writes gateway-NN.ndjson logs and truth.json, which says what a correct count must find, \
      into --out. Equal options give equal bytes.

      Presets: sample (a few days with everything planted, and the licensee's own statements), \
      month (31 days of a contract, both sides' statements with discrepancies of each cause, and \
      the contract), conduct (two weeks of one contract, for what --plant adds, and the contract), \
      benchmark (--records calls of three licensees in 8 files, to be counted without a contract \
      in --time-zone Asia/Shanghai).

      Causes of discrepancies, by the names that a reconciliation has for them:
      \(DiscrepancyCause.allCases.map(\.rawValue).sorted().joined(separator: ", ")).

      What can be planted in any preset, by the names that --plant takes; a key that is wrong is \
      answered with those that are right:
      \(Plant.Name.allCases.map(\.rawValue).joined(separator: ", ")).

      Example: duizhang simulate --preset conduct --plant answer-cache:ttl=1h,app=web --out cached

      Example: duizhang simulate --preset benchmark --records 5000000 --out bench-data

      Example: duizhang simulate --preset month --discrepancies split=5 --discrepancies merged=2 --out month
      """)

  @Option(help: "Where the model's settings begin: sample, month, conduct or benchmark.")
  var preset: Preset = .benchmark
  @Option(help: ArgumentHelp("The folder to write into.", valueName: "folder"))
  var out: String
  @Option(help: "What the random choices depend on.")
  var seed: UInt64?
  @Option(help: "About how many calls.")
  var records: Int?
  @Option(help: "Questions that users ask on a day, on average, instead of --records.")
  var questionsPerDay: Int?
  @Option(
    help: ArgumentHelp(
      "Misuse, or honest use that looks guilty; repeat it for more.",
      valueName: "name:key=value,key=value"))
  var plant: [String] = []
  @Option(help: ArgumentHelp("The first day.", valueName: "date"))
  var from: String?
  @Option(help: "Days of traffic.")
  var days: Int?
  @Option(help: "Gateways, each with a log of its own.")
  var gateways: Int?
  @Option(help: "How the logs are stored: gzip, lz4 or plain.")
  var codec: SimulationOptions.Codec?
  @Option(help: ArgumentHelp("The pause that ends a conversation: 30m.", valueName: "time"))
  var idleTimeout: String?
  @Option(help: ArgumentHelp("Share of calls that fail: 0.02.", valueName: "share"))
  var failures: Double?
  @Option(help: "Messages that make a conversation billable.")
  var minMessages: Int?
  @Option(help: ArgumentHelp("The first day of the first contract's term.", valueName: "date"))
  var termFrom: String?
  @Option(help: ArgumentHelp("The last day of its term.", valueName: "date"))
  var termTo: String?
  @Option(
    help: ArgumentHelp(
      "When calls are answered and not logged; repeat it for more.", valueName: "from/to"))
  var logGap: [String] = []
  @Option(help: "Log gaps of 20 to 120 minutes to draw beside these.")
  var logGaps: Int?
  @Option(
    help: ArgumentHelp(
      """
      Discrepancies to plant in the statements: so many of each cause, or of one cause and of no \
      other; repeat it for more causes.
      """, valueName: "n|cause=n"))
  var discrepancies: [String] = []
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "What the licensee's clock is fast, or slow with a minus: 1s500ms, -8h.", valueName: "time"))
  var licenseeClockSkew: String?
  @Option(
    help: "The encoding of the licensee's files.")
  var statementEncoding: StatementForm.Encoding?
  @Option(help: "Their header's language.")
  var statementLanguage: StatementForm.Language?
  @Option(help: "What separates their cells.")
  var statementDelimiter: StatementForm.Delimiter?
  @Option(help: "How they write numbers.")
  var statementNumbers: StatementForm.Numbers?
  @Option(help: "How they write days and times.")
  var statementDates: StatementForm.Dates?
  @Option(
    help: ArgumentHelp(
      "The zone whose wall time they write without an offset, such as UTC.", valueName: "zone"))
  var statementZone: String?
  @Option(help: "Threads that compress (default: 2).")
  var threads: Int?
  @Flag(help: "Say nothing on standard error but errors.")
  var quiet = false

  func run() throws {
    let diagnostics = Diagnostics(format: .text, isQuiet: quiet)
    do throws(SimulationError) {
      let truth = try simulate(try options(), into: out)
      diagnostics.say(
        .info, "\(out): \(truth.lines) lines in \(truth.files.count) files, and truth.json")
    } catch {
      diagnostics.say(.error, error.description)
      if case .option = error { throw ExitStatus.usage }
      throw ExitStatus.internalFailure
    }
  }

  private static func values<Value: CaseIterable & RawRepresentable>(_ type: Value.Type) -> String
  where Value.RawValue == String {
    Value.allCases.map(\.rawValue).joined(separator: ", ")
  }

  private func options() throws(SimulationError) -> SimulationOptions {
    var options =
      switch preset {
      case .sample: try SimulationOptions.sample()
      case .month: try SimulationOptions.month()
      case .conduct: try SimulationOptions.conduct()
      case .benchmark: try SimulationOptions.benchmark(records: 5_000_000)
      }
    if let seed { options.seed = seed }
    if let records {
      guard questionsPerDay == nil else {
        throw .option(
          name: "questions-per-day", problem: "expected instead of --records, not with it")
      }
      options.records = records
      options.questionsPerDay = nil
    }
    if let questionsPerDay { options.questionsPerDay = questionsPerDay }
    for text in plant { options.plants.append(try Plant(text: text)) }
    if let days { options.days = days }
    if let gateways { options.gateways = gateways }
    if let codec { options.codecs = [codec] }
    if let failures { options.failures = failures }
    if let threads { options.threads = threads }
    if let minMessages { options.minMessages = minMessages }
    if let from { options.from = try date(from, "from") }
    if let termFrom { options.termFrom = try date(termFrom, "term-from") }
    if let termTo { options.termTo = try date(termTo, "term-to") }
    if let idleTimeout {
      guard let timeout = Interval(text: idleTimeout) else {
        throw .option(
          name: "idle-timeout", problem: "expected a time such as 30m, found '\(idleTimeout)'")
      }
      options.idleTimeout = timeout
    }
    for gap in logGap { options.logGaps.append(try window(gap)) }
    if let logGaps { options.drawnLogGaps = logGaps }
    try setStatements(&options)
    try options.validate()
    return options
  }

  private func date(_ text: String, _ name: String) throws(SimulationError) -> CivilDate {
    guard let date = CivilDate(text: text) else {
      throw .option(name: name, problem: "expected a date such as 2025-12-01, found '\(text)'")
    }
    return date
  }

  private func window(_ text: String) throws(SimulationError) -> SimulationOptions.Window {
    let ends = text.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
    var reader = TimestampReader()
    guard ends.count == 2, let from = reader.instant(text: ends[0].utf8.span),
      let to = reader.instant(text: ends[1].utf8.span)
    else {
      throw .option(
        name: "log-gap",
        problem: "expected two times such as 2025-12-02T14:10:00+08:00/2025-12-02T14:35:00+08:00, "
          + "found '\(text)'")
    }
    return SimulationOptions.Window(from: from, to: to)
  }

  // MARK: - Statements

  private func setStatements(_ options: inout SimulationOptions) throws(SimulationError) {
    let isGiven: [(String, Bool)] = [
      ("discrepancies", !discrepancies.isEmpty),
      ("licensee-clock-skew", licenseeClockSkew != nil),
      ("statement-encoding", statementEncoding != nil),
      ("statement-language", statementLanguage != nil),
      ("statement-delimiter", statementDelimiter != nil),
      ("statement-numbers", statementNumbers != nil),
      ("statement-dates", statementDates != nil), ("statement-zone", statementZone != nil),
    ]
    if !options.writesStatements, let (name, _) = isGiven.first(where: { $0.1 }) {
      throw .option(
        name: name, problem: "\(preset.rawValue) has no statements; use --preset sample or month")
    }
    if !discrepancies.isEmpty { options.discrepancies = try plantedCauses() }
    if let licenseeClockSkew { options.licenseeClockSkew = try skew(licenseeClockSkew) }
    var zone: Zone?
    if let statementZone {
      zone = Zone(identifier: statementZone)
      guard zone != nil else {
        throw .option(
          name: "statement-zone", problem: "expected a zone such as UTC, found '\(statementZone)'")
      }
    }
    for form in [\SimulationOptions.totalsForm, \.detailForm] {
      if let statementEncoding { options[keyPath: form].encoding = statementEncoding }
      if let statementLanguage { options[keyPath: form].language = statementLanguage }
      if let statementDelimiter { options[keyPath: form].delimiter = statementDelimiter }
      if let statementNumbers { options[keyPath: form].numbers = statementNumbers }
      if let statementDates { options[keyPath: form].dates = statementDates }
      if let zone { options[keyPath: form].zone = zone }
    }
  }

  private func plantedCauses() throws(SimulationError) -> [DiscrepancyCause: Int] {
    var result: [DiscrepancyCause: Int] = [:]
    for text in discrepancies {
      let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      guard let count = Int(parts.last ?? "") else {
        throw .option(
          name: "discrepancies", problem: "expected a number such as 3 or split=3, found '\(text)'")
      }
      if parts.count == 1 {
        for cause in DiscrepancyCause.allCases { result[cause] = count }
        continue
      }
      guard let cause = DiscrepancyCause(rawValue: String(parts[0])) else {
        throw .option(
          name: "discrepancies",
          problem: "expected one of \(Self.values(DiscrepancyCause.self)), found '\(parts[0])'")
      }
      result[cause] = count
    }
    return result
  }

  private func skew(_ text: String) throws(SimulationError) -> Int {
    let isSlow = text.hasPrefix("-")
    guard let size = Interval(text: String(text.drop { "+-".contains($0) })),
      size.microseconds % 1_000 == 0
    else {
      throw .option(
        name: "licensee-clock-skew",
        problem: "expected a time such as 1s500ms or -8h, found '\(text)'")
    }
    return Int(size.microseconds / 1_000) * (isSlow ? -1 : 1)
  }
}
