public import ArgumentParser
import CivilTime
public import Simulation

extension SimulationOptions.Codec: ExpressibleByArgument {}

struct SimulateCommand: ParsableCommand {
  enum Preset: String, ExpressibleByArgument, CaseIterable { case sample, benchmark }

  static let configuration = CommandConfiguration(
    commandName: "simulate",
    abstract: "Synthetic gateway logs with known truth, for trials, tests and benchmarks.",
    discussion: """
      Writes gateway-NN.ndjson logs and truth.json, which says what a correct count must find, \
      into --out. Equal options give equal bytes.

      Presets: sample (a few days with everything planted, and the licensee's own statements), \
      benchmark (--records calls of three licensees in 8 files, to be counted without a contract \
      in --time-zone Asia/Shanghai).

      Example: duizhang simulate --preset benchmark --records 5000000 --out bench-data
      """)

  @Option(help: "Where the model's settings begin: sample or benchmark.")
  var preset: Preset = .benchmark
  @Option(help: ArgumentHelp("The folder to write into.", valueName: "folder"))
  var out: String
  @Option(help: "What the random choices depend on.")
  var seed: UInt64?
  @Option(help: "About how many calls.")
  var records: Int?
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

  private func options() throws(SimulationError) -> SimulationOptions {
    var options =
      preset == .sample ? try SimulationOptions.sample() : try .benchmark(records: 5_000_000)
    if let seed { options.seed = seed }
    if let records { options.records = records }
    if let days { options.days = days }
    if let gateways { options.gateways = gateways }
    if let codec { options.codecs = [codec] }
    if let failures { options.failures = failures }
    if let threads { options.threads = threads }
    if let from {
      guard let date = CivilDate(text: from) else {
        throw .option(name: "from", problem: "expected a date such as 2025-12-01, found '\(from)'")
      }
      options.from = date
    }
    if let idleTimeout {
      guard let timeout = Interval(text: idleTimeout) else {
        throw .option(
          name: "idle-timeout", problem: "expected a time such as 30m, found '\(idleTimeout)'")
      }
      options.idleTimeout = timeout
    }
    try options.validate()
    return options
  }
}
