import CivilTime
import Configuration
import Contracts
import Counting
import Decoding
import Formats
import Glibc
import Metering
import Pipelines
import Reconciliation
import Reports

/// The steps that every command that reads logs takes, with their errors turned into words and an
/// exit status.
struct MeteringSession {
  let diagnostics: Diagnostics

  /// Reads the contract files, all mistakes of all of them at once; the options' rules prevail over theirs.
  func terms(_ input: InputArguments, _ rule: RuleArguments) throws(ExitStatus) -> Terms {
    try terms(input.contract, timeZone: input.timeZone, rule)
  }

  /// Reads the contract files, or makes a contract of nothing but a zone and a rule.
  func terms(
    _ paths: [String], timeZone: String?, _ rule: RuleArguments? = nil
  ) throws(ExitStatus) -> Terms {
    do throws(ConfigurationError) {
      if paths.isEmpty {
        let identifier = timeZone ?? "UTC"
        guard let zone = Zone(identifier: identifier) else {
          diagnostics.say(
            .error,
            "--time-zone: expected an IANA name such as Asia/Shanghai, found '\(identifier)'")
          throw ConfigurationError(problems: [])
        }
        return Terms(rule: try rule?.rule() ?? ConversationRule(), zone: zone)
      }
      if timeZone != nil {
        diagnostics.say(
          .error, "--time-zone: not with --contract, whose file says which zone holds")
        throw ConfigurationError(problems: [])
      }
      var contracts = try Contract.readAll(paths)
      if let rule {
        for index in contracts.indices {
          for number in contracts[index].rules.indices {
            try rule.apply(to: &contracts[index].rules[number].rule)
          }
        }
      }
      return Terms(try ContractBook(contracts))
    } catch {
      for problem in error.problems { diagnostics.say(.error, problem.description) }
      throw .usage
    }
  }

  /// What makes pseudonyms as a contract's reports have them; `nil` where no key is known.
  ///
  /// - Parameter keyPath: the key's file, in place of the contract's.
  func pseudonym(_ contract: Contract, keyPath: String?) throws(ExitStatus) -> UserPseudonym? {
    guard let path = keyPath ?? contract.privacy.keyFile else { return nil }
    do throws(PrivacyKeyError) {
      return UserPseudonym(key: try PrivacyKey.load(path: path))
    } catch {
      diagnostics.say(.error, error.description)
      throw .usage
    }
  }

  /// Does something with statements, with errors turned into words and a status.
  func reconciled<Result>(
    _ body: () throws(RunError) -> Result
  ) throws(ExitStatus) -> Result {
    do throws(RunError) {
      return try body()
    } catch {
      for message in error.messages { diagnostics.say(.error, message) }
      throw PipelineSession.status(of: error)
    }
  }

  /// What logs may be, by the command line; `nil`: any built-in format.
  func formats(_ arguments: FormatArguments) throws(ExitStatus) -> [LogFormat]? {
    if arguments.names.isEmpty { return nil }
    do throws(ConfigurationError) {
      return try LogFormat.findAll(arguments.names)
    } catch {
      for problem in error.problems { diagnostics.say(.error, problem.description) }
      throw .usage
    }
  }

  /// Finds the logs; files of a folder that are no logs are passed over, and named.
  func files(_ paths: [String], _ options: MeteringOptions) throws(ExitStatus) -> [InputFile] {
    do throws(InputError) {
      let selection = try LogSelection(
        paths, formats: options.formats, lineBytesMax: options.lineBytesMax,
        encoding: options.encoding)
      for notice in selection.notices { diagnostics.say(.info, notice) }
      for warning in selection.warnings { diagnostics.say(.warning, warning) }
      return selection.files
    } catch {
      diagnostics.say(.error, error.description)
      throw .input
    }
  }

  /// Logs that can be read several times.
  func spooled(_ files: [InputFile], _ options: MeteringOptions) throws(ExitStatus) -> SpooledLogs {
    do throws(InputError) {
      return try SpooledLogs(files, folder: options.temporaryFolder)
    } catch {
      diagnostics.say(.error, error.description)
      throw .input
    }
  }

  /// Reads the licensee's totals; rows that cannot be read are warned of.
  ///
  /// - Parameter terms: the zone of times without an offset is their first contract's.
  func licenseeTotals(_ path: String, _ terms: Terms) throws(ExitStatus) -> StatedTotals {
    do throws(RunError) {
      let totals = try StatedTotals.read(path: path, zone: terms.contracts.first?.zone ?? .utc)
      for problem in totals.problems { diagnostics.say(.warning, "\(problem)") }
      return totals
    } catch {
      for message in error.messages { diagnostics.say(.error, message) }
      throw PipelineSession.status(of: error)
    }
  }

  /// Lets quarantined lines be kept where a folder for them is named.
  func prepareQuarantine(
    _ folder: String?, _ files: [InputFile], _ options: inout MeteringOptions
  ) throws(ExitStatus) {
    guard let folder else { return }
    options.wantsQuarantine = true
    do throws(InputError) {
      try QuarantineReport.check(files, folder)
    } catch {
      diagnostics.say(.error, error.description)
      throw .input
    }
  }

  /// Counts, with a progress bar where standard error is a terminal.
  func run(
    _ files: [InputFile], _ terms: Terms, _ options: MeteringOptions
  ) throws(ExitStatus) -> MeteringResult {
    do throws(RunError) {
      return try counted(files, terms, options)
    } catch {
      guard case .metering(let error) = error else { throw .internalFailure }
      switch error {
      case .input(let errors):
        for error in errors { diagnostics.say(.error, error.description) }
        throw .input
      case .spill(let text):
        diagnostics.say(.error, text)
        throw .internalFailure
      case .strict(let texts):
        for text in texts { diagnostics.say(.error, text) }
        throw .needsPerson
      }
    }
  }

  /// As ``run(_:_:_:)``, with errors as they are.
  func counted(
    _ files: [InputFile], _ terms: Terms, _ options: MeteringOptions
  ) throws(RunError) -> MeteringResult {
    let metering = Metering(files: files, terms: terms, options: options)
    let storedBytes = files.reduce(0) { $0 + $1.sizeBytes }
    do throws(MeteringError) {
      return try showingProgress(
        of: storedBytes, taken: { metering.storedBytesTaken },
        during: { () throws(MeteringError) in try metering.run() })
    } catch {
      throw .metering(error)
    }
  }

  /// Does something with a progress bar where standard error is a terminal.
  func showingProgress<Result, Failure>(
    of totalBytes: Int, taken: @escaping @Sendable () -> Int,
    during body: () throws(Failure) -> Result
  ) throws(Failure) -> Result {
    let progress =
      StandardError.isTerminal && !diagnostics.isQuiet && diagnostics.format == .text
      ? ProgressBar(totalBytes: totalBytes, takenBytes: taken) : nil
    defer { progress?.stop() }
    return try body()
  }

  /// How each contract's users are shown, with the keys that needs.
  func users(
    _ contracts: [Contract], keyPath: String?
  ) throws(ExitStatus) -> [UsageReport.UserDisplay] {
    do throws(PrivacyKeyError) {
      let users = try UserDisplays(contracts) { keyPath ?? $0.privacy.keyFile }
      if let path = users.createdKeyPath {
        diagnostics.say(.info, PrivacyKey.createdNotice(path: path))
      }
      return users.all
    } catch {
      diagnostics.say(.error, error.description)
      throw .usage
    }
  }

  /// Turns a failure to write into words and a status; a reader that went away is no failure.
  func write(_ body: () throws(ReportError) -> Void) throws(ExitStatus) {
    do throws(ReportError) {
      try body()
    } catch {
      if error.isBrokenPipe { throw .done }
      diagnostics.say(.error, error.description)
      throw .internalFailure
    }
  }

  /// Says what became of the input, and ends with the status that it deserves.
  func conclude(_ result: MeteringResult) throws(ExitStatus) {
    let summary = MeteringSummary(result, quarantinedShare: .zero)
    diagnostics.report(text: summary.text, json: summary.json)
    for damage in result.damages where diagnostics.isQuiet {
      diagnostics.say(.warning, "\(damage.file.path): \(damage.damage.fullText)")
    }
    if diagnostics.isQuiet && summary.exceedsQuarantinedShare {
      diagnostics.say(
        .warning,
        "\(result.balance.quarantined) of \(result.balance.lines) lines were quarantined; without "
          + "--quiet they are listed")
    }
    if summary.needsPerson { throw .needsPerson }
  }
}
