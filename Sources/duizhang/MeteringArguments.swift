public import ArgumentParser
import CivilTime
import Configuration
import Contracts
import Counting
import Decoding
import Glibc
import Metering
public import Reports

/// What every command that reads logs has in common.
struct InputArguments: ParsableArguments {
  @Argument(
    help: ArgumentHelp(
      "Logs: files, folders, quoted patterns, or - for standard input. gzip, zlib, LZ4, Zstandard "
        + "or plain text, in any known format, told apart by content.", valueName: "log"))
  var logs: [String]

  @OptionGroup var format: FormatArguments

  @Option(
    help: ArgumentHelp(
      "A contract file; repeat it for several contracts. Without one, each licensee in the log is "
        + "its own contract under the default rule.", valueName: "file"))
  var contract: [String] = []

  @Option(
    help: ArgumentHelp(
      "Without a contract: the IANA zone of days and times (default: UTC).", valueName: "zone"))
  var timeZone: String?
}

/// What logs are, where their content is not to tell.
struct FormatArguments: ParsableArguments {
  @Option(
    name: .customLong("format"),
    help: ArgumentHelp(
      "A format that logs may have: a name that 'duizhang formats' lists, or a format file; repeat "
        + "it for several (default: all that it lists).", valueName: "name|file"))
  var names: [String] = []

  @Option(
    name: .customLong("encoding"),
    help: ArgumentHelp(
      "The encoding of the logs' text: \(TextEncoding.namesText) (default: utf-16 where a log "
        + "begins with its byte order mark, else utf-8).", valueName: "name"))
  var encodingName: String?

  var encoding: TextEncoding? { encodingName.flatMap { TextEncoding(name: $0) } }

  func validate() throws {
    if let encodingName, encoding == nil {
      throw ValidationError(
        "--encoding: expected \(TextEncoding.namesText), found '\(encodingName)'")
    }
  }
}

/// How much of the machine a command takes, and what it says meanwhile.
struct ThreadArguments: ParsableArguments {
  @Option(help: "Threads (default: as many as processors).")
  var threads: Int?

  @Flag(help: "Say nothing on standard error but warnings and errors.")
  var quiet = false

  @Option(help: "How standard error is written: text or json.")
  var logFormat: MessageFormat = .text

  var diagnostics: Diagnostics { Diagnostics(format: logFormat, isQuiet: quiet) }

  func validate() throws {
    if let threads, !(1...256).contains(threads) {
      throw ValidationError("--threads: expected 1 to 256, found \(threads)")
    }
  }

  /// - Parameter given: what a pipeline says, where the command line says nothing.
  func count(_ given: Int? = nil) -> Int {
    threads ?? given ?? max(Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))), 1)
  }
}

struct RunArguments: ParsableArguments {
  @OptionGroup var execution: ThreadArguments

  @Option(help: ArgumentHelp("Memory to stay within: 512M, 2G.", valueName: "bytes"))
  var memory: String?

  static let memoryBytesDefault = 512 << 20
  static let memoryBytesMin = 32 << 20

  var diagnostics: Diagnostics { execution.diagnostics }

  func validate() throws {
    if let memory, (ByteCount(text: memory)?.bytes ?? 0) < Self.memoryBytesMin {
      throw ValidationError("--memory: expected at least 32M, such as 512M, found '\(memory)'")
    }
  }

  /// - Parameters:
  ///   - threads: what a pipeline says, where the command line says nothing.
  ///   - memoryBytes: likewise.
  func options(threads: Int? = nil, memoryBytes: Int? = nil) -> MeteringOptions {
    let given = memory.flatMap { ByteCount(text: $0)?.bytes }
    let folder = unsafe getenv("TMPDIR").map { unsafe String(cString: $0) } ?? "/tmp"
    return MeteringOptions(
      threads: execution.count(threads),
      memoryBytes: given ?? memoryBytes ?? Self.memoryBytesDefault, temporaryFolder: folder)
  }
}

/// Where quarantined lines are kept.
struct QuarantineArguments: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Write the quarantined lines as they are into this folder, a file for each log, to be mended "
        + "and counted with the logs; index.csv there says where they stand.",
      valueName: "folder"))
  var quarantine: String?
}

/// What becomes of lines that are no records, or too long.
struct LineArguments: ParsableArguments {
  @Flag(
    help: ArgumentHelp(
      "Stop at the first quarantined line or damaged log: status 1, and no results."))
  var strict = false

  @OptionGroup var length: LineLengthArguments

  var bytesMax: Int { length.bytesMax }

  func apply(to options: inout MeteringOptions) {
    options.isStrict = strict
    options.lineBytesMax = bytesMax
  }
}

/// Which lines are too long.
struct LineLengthArguments: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "The longest line that is parsed: 1K to 16M (default: 1M).", valueName: "size"))
  var lineBytesMax: String?

  static let bytesMaxRange = (1 << 10)...(16 << 20)

  var bytesMax: Int {
    lineBytesMax.flatMap { ByteCount(text: $0)?.bytes } ?? LogStream.lineBytesMaxDefault
  }

  func validate() throws {
    guard let lineBytesMax else { return }
    if let bytes = ByteCount(text: lineBytesMax)?.bytes, Self.bytesMaxRange.contains(bytes) {
      return
    }
    throw ValidationError(
      "--line-bytes-max: expected a size from 1K to 16M, such as 4M, found '\(lineBytesMax)'")
  }
}

struct ReportArguments: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Write the report into this folder rather than to standard output.", valueName: "folder"))
  var out: String?

  @Option(help: "Column names in English or Chinese: en or zh.")
  var headers: CSVStyle.Headers = .english

  @Flag(help: "Begin the report with a byte order mark, for Excel.")
  var bom = false

  var style: CSVStyle { CSVStyle(headers: headers, bom: bom) }
}

extension CSVStyle.Headers: ExpressibleByArgument {}

/// Whose key makes pseudonyms of users.
struct PrivacyArguments: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "The key of users' pseudonyms, where the contract asks for them (default: the contract's "
        + "key_file, or ~/.config/duizhang/privacy.key).", valueName: "file"))
  var privacyKey: String?
}

/// The fields of the conversation rule as options, for trying out what another rule would count.
struct RuleArguments: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Fields that say whose conversation it is: user, conversation, module, scenario, app.",
      valueName: "fields"))
  var identity: String?
  @Option(help: ArgumentHelp("A longer gap starts a new conversation: 30m.", valueName: "time"))
  var idleTimeout: String?
  @Option(help: ArgumentHelp("No conversation is longer: 2h, or none.", valueName: "time"))
  var maxDuration: String?
  @Option(help: ArgumentHelp("Events that always start a conversation.", valueName: "events"))
  var startsOn: String?
  @Option(help: ArgumentHelp("Events that end their conversation.", valueName: "events"))
  var endsOn: String?
  @Option(help: ArgumentHelp("Events that count for nothing.", valueName: "events"))
  var ignores: String?
  @Option(help: ArgumentHelp("HTTP statuses of success: 200-299,304.", valueName: "ranges"))
  var successful: String?
  @Option(help: ArgumentHelp("What failed calls do: ignore or extend.", valueName: "word"))
  var failedMessages: String?
  @Option(help: ArgumentHelp("Messages that make a conversation billable.", valueName: "number"))
  var minMessages: Int?
  @Option(help: ArgumentHelp("The day a conversation belongs to: start or end.", valueName: "word"))
  var countedIn: String?
  @Option(help: ArgumentHelp("How long a request id is remembered: 1h.", valueName: "time"))
  var dedupeWindow: String?

  private var given: [(key: String, value: String)] {
    func list(_ text: String) -> String { "[\(text)]" }
    let settings: [(String, String?)] = [
      ("identity", identity.map(list)), ("idle_timeout", idleTimeout),
      ("max_duration", maxDuration), ("starts_on", startsOn.map(list)),
      ("ends_on", endsOn.map(list)), ("ignores", ignores.map(list)),
      ("successful", successful.map(list)), ("failed_messages", failedMessages),
      ("min_messages", minMessages.map(String.init)), ("counted_in", countedIn),
      ("dedupe_window", dedupeWindow),
    ]
    return settings.compactMap { key, value in value.map { (key, $0) } }
  }

  var isEmpty: Bool { given.isEmpty }

  /// The contract that consists of these settings, read as a contract file would be, so that both
  /// have the same words and the same mistakes.
  func rule() throws(ConfigurationError) -> ConversationRule {
    let settings = given.map { "  \($0.key): \($0.value)\n" }.joined()
    let text = "contract: options\n" + (settings.isEmpty ? "" : "conversation:\n" + settings)
    let contract = try Contract(yaml: text, path: "command line")
    return contract.rules.first?.rule ?? ConversationRule()
  }

  /// Changes a rule of a contract file by the options given.
  func apply(to rule: inout ConversationRule) throws(ConfigurationError) {
    let changed = try self.rule()
    if identity != nil { rule.identity = changed.identity }
    if idleTimeout != nil { rule.idleTimeout = changed.idleTimeout }
    if maxDuration != nil { rule.maxDuration = changed.maxDuration }
    if startsOn != nil { rule.startsOn = changed.startsOn }
    if endsOn != nil { rule.endsOn = changed.endsOn }
    if ignores != nil { rule.ignores = changed.ignores }
    if successful != nil { rule.successful = changed.successful }
    if failedMessages != nil { rule.failedMessages = changed.failedMessages }
    if minMessages != nil { rule.minMessages = changed.minMessages }
    if countedIn != nil { rule.countedIn = changed.countedIn }
    if dedupeWindow != nil { rule.dedupeWindow = changed.dedupeWindow }
  }
}
