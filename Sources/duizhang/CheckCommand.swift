import ArgumentParser
import Checking
import CivilTime
import Decoding
import Metering
import Pipelines
import Reports

struct CheckCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check",
    abstract: "What log files are, and how much of them can be read, before they are counted.",
    discussion: """
      Says for each log how it is stored, its format and why, lines, records and times, and shows three \
      records as they are understood; then what is damaged or quarantined, which logs have the same \
      text, which are missing in a sequence of names, and hours without a record. For a log of no \
      known format it names the closest one, what does not fit, and what to do.

      Times are those of the records, as they stand: none is refused for being early or late.

      Exit status 1: something is to be looked at, as the last line says. Hours without a record \
      alone are no reason.

      Example: duizhang check --time-zone Asia/Shanghai 'logs/access.log*'
      """)

  enum OutputFormat: String, ExpressibleByArgument, CaseIterable { case text, csv, json }

  @Argument(
    help: ArgumentHelp(
      "Logs: files, folders, quoted patterns, or - for standard input.", valueName: "log"))
  var logs: [String]

  @OptionGroup var format: FormatArguments

  @Option(
    help: ArgumentHelp("The IANA zone in which times are shown.", valueName: "zone"))
  var timeZone = "UTC"

  @Option(help: "How the result is written: text, csv or json.")
  var output: OutputFormat = .text

  @OptionGroup var lines: LineLengthArguments

  @OptionGroup(title: "Report") var report: ReportArguments
  @OptionGroup(title: "Run") var execution: ThreadArguments

  func validate() throws {
    guard Zone(identifier: timeZone) != nil else {
      throw ValidationError(
        "--time-zone: expected an IANA name such as Asia/Shanghai, found '\(timeZone)'")
    }
  }

  func run() throws {
    let session = MeteringSession(diagnostics: execution.diagnostics)
    var metering = MeteringOptions(
      threads: execution.count(), memoryBytes: 0, temporaryFolder: "")
    metering.formats = try session.formats(format)
    metering.encoding = format.encoding
    metering.lineBytesMax = lines.bytesMax
    let files = try session.files(logs, metering)
    var options = LogCheck.Options(
      threads: metering.threads, formats: metering.formats, encoding: metering.encoding)
    options.lineBytesMax = metering.lineBytesMax
    let check = LogCheck(files: files, options: options)
    let (logs, failures) = session.showingProgress(
      of: files.reduce(0) { $0 + $1.sizeBytes }, taken: { check.storedBytesTaken },
      during: { check.run() })
    let checked = CheckReport(
      logs: logs, failures: failures, zone: Zone(identifier: timeZone) ?? .utc)
    let page = CheckPage(checked)
    try session.write { () throws(ReportError) in
      try ReportError.output { () throws(OutputError) in
        let output = try ReportOutput("check.\(suffix)", in: report.out)
        try output.write(bytes(page))
        try output.finish()
      }
    }
    if !failures.isEmpty { throw ExitStatus.input }
    if !checked.concerns.isEmpty { throw ExitStatus.needsPerson }
  }

  private var suffix: String { output == .text ? "txt" : output.rawValue }

  private func bytes(_ page: CheckPage) -> [UInt8] {
    switch output {
    case .text: Array(page.text.utf8)
    case .csv: page.csv.bytes(style: report.style)
    case .json: page.json.render()
    }
  }
}
