internal import CivilTime
internal import Contracts
internal import Counting

extension ListDetector {
  /// How far the price list fails to allow a use; the plainest first.
  private enum Gap: Int {
    /// The list has no line for the module.
    case moduleNotListed
    /// The lines are there and switched off.
    case switchedOff
    /// It has lines for the module, none for the scenario on these days.
    case scenarioNotListed
    /// It was allowed on a part of the days only.
    case partOfTheDays
  }

  /// `fees.packages`: one finding per licensee, module and scenario that the price list does not
  /// enable. A tally does not tell its days apart, so only the first and the last of them, on
  /// which there was use for certain, are compared with the list.
  func modulesNotEnabled(_ uses: [UseKey: Tally]) -> [Finding] {
    guard !contract.prices.isEmpty else { return [] }
    var gaps: [Subject: Set<Gap>] = [:]
    let found = groups(uses) { key, tally in
      guard let gap = gap(key, tally) else { return nil }
      let scenario = gap == .moduleNotListed ? "" : key.scenario
      let subject = Subject(licensee: key.licensee, module: key.module, scenario: scenario)
      gaps[subject, default: []].insert(gap)
      return subject
    }
    return found.compactMap { subject, group in
      // The uses of several apps can differ; the plainest gap names the finding.
      guard let all = gaps[subject], let gap = all.min(by: { $0.rawValue < $1.rawValue }) else {
        return nil
      }
      var group = group
      if all.contains(.partOfTheDays) { group.amount.low = .zero }
      return finding(
        .moduleNotEnabled, .medium, clause: "fees.packages", subject: subject, group: group,
        explanation: explanation(gap, subject, group),
        action: "Check the price list against the signed annex (服务套餐说明). If the module is "
          + "agreed, enter it with its price; if not, agree on it in writing or have the gateway "
          + "refuse it.")
    }
  }

  private func gap(_ key: UseKey, _ tally: Tally) -> Gap? {
    // A record without a module names nothing that a list could have.
    guard !key.module.isEmpty, let days = days(of: tally) else { return nil }
    guard prices.lists(module: key.module) else { return .moduleNotListed }
    let first = prices.isEnabled(module: key.module, scenario: key.scenario, on: days.lowerBound)
    let last = prices.isEnabled(module: key.module, scenario: key.scenario, on: days.upperBound)
    if first && last { return nil }
    if first != last { return .partOfTheDays }
    let scenario = key.scenario.isEmpty ? nil : key.scenario
    let lines = prices.lines(module: key.module, scenario: scenario, on: days.lowerBound)
    if !lines.isEmpty { return .switchedOff }
    // One finding is enough: a scenario outside the contract's scenarios has its own.
    if let scenario, let allowed = contract.allowed.scenarios, !allowed.contains(scenario) {
      return nil
    }
    return .scenarioNotListed
  }

  private func explanation(_ gap: Gap, _ subject: Subject, _ group: Group) -> String {
    let module = "Module \"\(subject.module)\""
    let place = subject.scenario.isEmpty ? "" : " in the scenario \"\(subject.scenario)\""
    let facts = facts(group.tally)
    switch gap {
    case .moduleNotListed:
      return "\(module) is not in the contract's price list (\(Words.list(listedModules))) and was "
        + "used: \(facts). Besides use of a service that was not ordered, a module that was "
        + "renamed at the gateway or a price list that was not entered in full would look the same."
    case .scenarioNotListed:
      return "\(module) was used\(place), for which the price list has no line on these days: "
        + "\(facts). Besides use that was not ordered, a renamed scenario or a price list that was "
        + "not entered in full would look the same."
    case .switchedOff:
      return "\(module) is in the price list\(place) but not enabled, and was used: \(facts). "
        + "Besides use of a service that was not ordered, a trial on the licensor's side or an "
        + "order that was not entered would look the same."
    case .partOfTheDays:
      return "\(module) was used\(place) on a day on which the price list does not enable it: "
        + "\(facts), those of the days on which it was enabled included. Besides use beyond the "
        + "order, a change of the order that took effect a day earlier or later than entered "
        + "would look the same."
    }
  }

  private var listedModules: Set<String> { Set(contract.prices.map(\.module)) }
}
