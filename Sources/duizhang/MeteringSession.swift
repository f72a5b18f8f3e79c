import CivilTime
import Contracts
import Counting
import Decoding
import Glibc
import Metering
import Pipelines
import Reports

/// The steps that every command that reads logs takes, with their errors turned into words and an
/// exit status.
struct MeteringSession {
  let diagnostics: Diagnostics

  /// Reads the contract files, all mistakes of all of them at once.
  func terms(_ input: InputArguments, _ rule: RuleArguments) throws(ExitStatus) -> Terms {
    do throws(ConfigurationError) {
      if input.contract.isEmpty {
        let identifier = input.timeZone ?? "UTC"
        guard let zone = Zone(identifier: identifier) else {
          diagnostics.say(
            .error,
            "--time-zone: expected an IANA name such as Asia/Shanghai, found '\(identifier)'")
          throw ConfigurationError(problems: [])
        }
        return Terms(rule: try rule.rule(), zone: zone)
      }
      if input.timeZone != nil {
        diagnostics.say(
          .error, "--time-zone: not with --contract, whose file says which zone holds")
        throw ConfigurationError(problems: [])
      }
      var contracts = try contracts(input.contract)
      for index in contracts.indices {
        for number in contracts[index].rules.indices {
          try rule.apply(to: &contracts[index].rules[number].rule)
        }
      }
      return Terms(try ContractBook(contracts))
    } catch {
      for problem in error.problems { diagnostics.say(.error, problem.description) }
      throw .usage
    }
  }

  func contracts(_ paths: [String]) throws(ConfigurationError) -> [Contract] {
    var contracts: [Contract] = []
    var problems: [ConfigurationProblem] = []
    for path in paths {
      do throws(ConfigurationError) {
        contracts.append(try Contract.read(path: path))
      } catch {
        problems += error.problems
      }
    }
    guard problems.isEmpty else { throw ConfigurationError(problems: problems) }
    return contracts
  }

  /// Finds the logs; files of a folder that are no logs are passed over, and named.
  func files(_ paths: [String]) throws(ExitStatus) -> [InputFile] {
    do throws(InputError) {
      let selection = try LogSelection(paths)
      for path in selection.passedOver {
        diagnostics.say(.info, "\(path): passed over, since it holds no record")
      }
      return selection.files
    } catch {
      diagnostics.say(.error, error.description)
      throw .input
    }
  }

  /// Counts, with a progress bar where standard error is a terminal.
  func run(
    _ files: [InputFile], _ terms: Terms, _ options: MeteringOptions
  ) throws(ExitStatus) -> MeteringResult {
    let metering = Metering(files: files, terms: terms, options: options)
    let progress =
      StandardError.isTerminal && !diagnostics.isQuiet && diagnostics.format == .text
      ? ProgressBar(totalBytes: files.reduce(0) { $0 + $1.sizeBytes }) {
        metering.storedBytesTaken
      } : nil
    defer { progress?.stop() }
    do throws(MeteringError) {
      return try metering.run()
    } catch {
      progress?.stop()
      switch error {
      case .input(let errors):
        for error in errors { diagnostics.say(.error, error.description) }
        throw .input
      case .spill(let text):
        diagnostics.say(.error, text)
        throw .internalFailure
      }
    }
  }

  /// How each contract's users are shown, with the keys that needs.
  func users(
    _ contracts: [Contract], keyPath: String?
  ) throws(ExitStatus) -> [UsageReport.UserDisplay] {
    var displays: [UsageReport.UserDisplay] = []
    for contract in contracts {
      switch contract.privacy.user {
      case .plain: displays.append(.plain)
      case .omit: displays.append(.omitted)
      case .hmac:
        displays.append(
          .pseudonym(UserPseudonym(key: try key(keyPath ?? contract.privacy.keyFile))))
      }
    }
    return displays
  }

  private func key(_ path: String?) throws(ExitStatus) -> PrivacyKey {
    do throws(PrivacyKeyError) {
      if let path { return try PrivacyKey.load(path: path) }
      let found = try PrivacyKey.loadOrCreateDefault()
      if found.wasCreated {
        diagnostics.say(
          .info,
          "\(found.path): made as the key of users' pseudonyms; keep it, and name it with "
            + "--privacy-key where pseudonyms must match these")
      }
      return found.key
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
      diagnostics.say(
        .warning,
        "\(damage.file.path): at byte \(damage.damage.byteOffset): \(damage.damage.detail)")
    }
    if summary.needsPerson { throw .needsPerson }
  }
}
