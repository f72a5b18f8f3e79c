internal import Checking
internal import CivilTime
internal import Configuration
internal import Contracts
internal import Files
internal import Pipelines
internal import Reconciliation
internal import Reports

extension Doctor {
  /// Days before a term's end from which it is told.
  private static let daysBeforeEnd = 30

  func terms(_ contracts: [Contract]) -> [Check] {
    contracts.map { contract in
      let subject = "contract \(contract.number)"
      let today = contract.zone.date(of: machine.now)
      if let first = contract.term.firstDay, first > today {
        return .warning(
          subject, "its term begins on \(first); use before that is counted, and is a finding")
      }
      guard let last = contract.term.lastDay else {
        return .ok(subject, "its term has no end")
      }
      if last < today {
        return .warning(
          subject,
          "its term ended on \(last); use since then is counted and is a finding: add the contract "
            + "that follows, or mend 'term' in \(contract.path)")
      }
      if last - today <= Self.daysBeforeEnd {
        return .warning(
          subject,
          "its term ends on \(last), in \(last - today) days; add the contract that follows in time"
        )
      }
      return .ok(subject, "its term ends on \(last)")
    }
  }

  /// Modules that logs and statements name, and that have no price.
  func prices(
    _ contracts: [Contract], _ pipeline: PipelineFile, _ logs: [ExaminedLog],
    _ statements: [(String, StatedTotals)]
  ) -> [Check] {
    guard !contracts.isEmpty, let book = try? ContractBook(contracts) else { return [] }
    var strangers: Set<String> = []
    var unpriced: [Int: Set<String>] = [:]
    func note(_ contract: Int, _ module: String, on date: CivilDate) {
      let terms = contracts[contract]
      if module.isEmpty || terms.isListed(module: module, on: terms.pricedDay(for: date)) { return }
      unpriced[contract, default: []].insert(module)
    }
    for use in logs.flatMap({ $0.sample?.uses ?? [] }) {
      guard let known = book.contracts(forLicensee: use.licensee).first else {
        strangers.insert(use.licensee)
        continue
      }
      let date = contracts[known].zone.date(of: use.time)
      note(
        book.index(forLicensee: use.licensee, on: date) ?? known, use.module, on: date)
    }
    for (number, totals) in statements {
      guard let contract = contracts.firstIndex(where: { $0.number == number }) else { continue }
      for row in totals.rows { note(contract, row.module, on: row.date) }
    }
    var checks: [Check] = []
    for (index, contract) in contracts.enumerated() {
      let subject = "contract \(contract.number)"
      if contract.prices.isEmpty {
        checks.append(
          .warning(subject, "it has no prices, so that no amounts are shown; add 'prices'"))
      } else if let modules = unpriced[index] {
        checks.append(
          .warning(
            subject,
            "no price is there for \(Self.list(modules)), which logs or statements name; amounts "
              + "will lack them: add them to 'prices' in \(contract.path)"))
      }
    }
    if !strangers.isEmpty {
      checks.append(
        .warning(
          "contracts",
          "the newest logs have calls of \(Self.list(strangers)), of no contract; add the key to "
            + "'licensee' of the contract that it is of, where it is of one"))
    }
    return checks
  }

  /// `'a', 'b' and 3 more`.
  private static func list(_ texts: Set<String>) -> String {
    let rest = texts.count - shownMax
    return texts.sorted().prefix(shownMax).map { "'\($0)'" }.joined(separator: ", ")
      + (rest > 0 ? " and \(rest) more" : "")
  }

  /// The keys of pseudonyms.
  func keys(_ contracts: [Contract], _ pipeline: PipelineFile) -> [Check] {
    var checks: [Check] = []
    var seen: Set<String> = []
    for contract in contracts where contract.privacy.user == .hmac {
      let named = contract.privacy.keyFile ?? pipeline.privacyKey
      guard seen.insert(named ?? "").inserted else { continue }
      do throws(PrivacyKeyError) {
        let path: String
        if let named {
          path = named
        } else {
          path = try PrivacyKey.defaultPath(environment: machine.environment)
          checks.append(
            .warning(
              "privacy key",
              "none is named, and \(path) is taken, or made: at night, that may be another home's; "
                + "name one with 'privacy_key', and back it up"))
          guard FileDescriptor.kind(path) != nil else { continue }
        }
        _ = try PrivacyKey.load(path: path)
        let mode = FileDescriptor.status(path)?.mode ?? 0
        checks.append(
          mode & 0o007 == 0
            ? .ok("privacy key", path)
            : .error(
              "privacy key",
              "\(path): every user of the machine may use it, and so recognise users; chmod o= \(path)"
            ))
      } catch {
        checks.append(.error("privacy key", error.description))
      }
    }
    return checks
  }
}
