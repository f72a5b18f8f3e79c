internal import CivilTime
internal import Contracts
internal import Counting

extension ListDetector {
  /// `services.scenario`: one finding per licensee, module, app and scenario.
  func unlistedScenarios(_ uses: [UseKey: Tally]) -> [Finding] {
    guard let allowed = contract.allowed.scenarios else { return [] }
    let found = groups(uses) { key, _ in
      guard !key.scenario.isEmpty, !allowed.contains(key.scenario) else { return nil }
      return Subject(
        licensee: key.licensee, module: key.module, app: key.app, scenario: key.scenario)
    }
    return found.map { subject, group in
      finding(
        .unlistedScenario, .medium, clause: "services.scenario", subject: subject, group: group,
        explanation: "Module \"\(subject.module)\" was used in the scenario "
          + "\"\(subject.scenario)\", which is not among the contract's scenarios "
          + "(\(Words.list(allowed))): \(facts(group.tally)). Besides use outside the agreed "
          + "platform, a renamed or misspelt scenario in the caller's settings, a trial, or a "
          + "list that was not updated after an agreement would look the same.",
        action: "Ask the licensee what these calls serve. If the use is agreed, add the scenario "
          + "to allowed.scenarios and to the price list; if not, settle it by a supplementary "
          + "agreement.")
    }
  }

  /// `access.scenario_only`: one finding per licensee and app.
  func unlistedApps(_ uses: [UseKey: Tally]) -> [Finding] {
    guard let allowed = contract.allowed.apps else { return [] }
    var modules: [Subject: Set<String>] = [:]
    let found = groups(uses) { key, _ in
      guard !key.app.isEmpty, !allowed.contains(key.app) else { return nil }
      let subject = Subject(licensee: key.licensee, app: key.app)
      modules[subject, default: []].insert(key.module)
      return subject
    }
    return found.map { subject, group in
      let used = modules[subject] ?? []
      var named = subject
      if used.count == 1, let module = used.first { named.module = module }
      return finding(
        .unlistedApp, .medium, clause: "access.scenario_only", subject: named, group: group,
        explanation: "The app \"\(subject.app)\" is not among the contract's apps "
          + "(\(Words.list(allowed))) and used the modules \(Words.list(used)): "
          + "\(facts(group.tally)). Besides use in another product or for another customer, a new "
          + "version that calls itself differently, a test build, or a list that was not updated "
          + "would look the same.",
        action: "Ask the licensee which product this app is. If it is agreed, add it to "
          + "allowed.apps; if not, the licence needs a supplementary agreement for it.")
    }
  }

  /// `term.dates`, `term.holdover`: one finding per licensee and module, before and after.
  func outsideTerm(_ uses: [UseKey: Tally]) -> [Finding] {
    TermPosition.allCases.flatMap { position -> [Finding] in
      guard position != .within else { return [] }
      let found = groups(uses) { key, _ in
        key.term == position ? Subject(licensee: key.licensee, module: key.module) : nil
      }
      return found.map { subject, group in
        position == .before ? beforeTerm(subject, group) : afterTerm(subject, group)
      }
    }
  }

  private func beforeTerm(_ subject: Subject, _ group: Group) -> Finding {
    let start = contract.term.firstDay.map { " (\($0))" } ?? ""
    return finding(
      .outsideTerm, .medium, clause: "term.dates", subject: subject, group: group,
      explanation: "Module \"\(subject.module)\" was used before the first day of service"
        + "\(start): \(facts(group.tally)). Acceptance tests before the opening, a clock that "
        + "was behind, or an opening that came earlier than the contract file says would look "
        + "the same.",
      action: "Check term.from and term.opened against the signed contract, and with the licensee "
        + "whether these calls were tests; agree in writing whether they are charged.")
  }

  private func afterTerm(_ subject: Subject, _ group: Group) -> Finding {
    let end = contract.term.lastDay.map { " (\($0))" } ?? ""
    return finding(
      .outsideTerm, .info, clause: "term.holdover", subject: subject, group: group,
      explanation: "Module \"\(subject.module)\" was used after the last day of the term\(end): "
        + "\(facts(group.tally)). The contract settles such use on the same terms; it is counted, "
        + "and billed on lines of its own. Calls that are only wound down, or a renewal that "
        + "the contract file does not have yet, would look the same.",
      action: "Agree on the renewal, or on the day on which access ends.")
  }
}
