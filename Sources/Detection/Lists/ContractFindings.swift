internal import CivilTime
public import Contracts
public import Counting

/// The findings that need only the contract's own lists: `unlisted_scenario`, `unlisted_app`,
/// `unlisted_origin`, `unlisted_network`, `module_not_enabled` and `outside_term`.
///
/// Nothing is flagged for a list that the contract does not have, nor where a record leaves the
/// field empty: a gateway that does not log a field is no breach. None of these findings is of
/// high severity, because each has a harmless explanation.
///
/// - Parameters:
///   - uses: what was used; entries of other contracts are passed over.
///   - places: origins and addresses that are not on the contract's lists.
/// - Returns: in the order of ``Finding/precedes(_:_:)``.
public func contractFindings(
  contract: Contract, uses: [UseKey: Tally], places: [UnlistedPlaceKey: Tally]
) -> [Finding] {
  let detector = ListDetector(contract: contract)
  let own = uses.filter { $0.key.contract == contract.number && $0.value.records > 0 }
  let elsewhere = places.filter {
    $0.key.contract == contract.number && $0.value.records > 0 && !$0.key.place.isEmpty
  }
  var findings = detector.unlistedScenarios(own)
  findings += detector.unlistedApps(own)
  findings += detector.modulesNotEnabled(own)
  findings += detector.outsideTerm(own)
  findings += detector.unlistedPlaces(elsewhere)
  return findings.sorted(by: Finding.precedes)
}

/// Compares use with the lists of one contract.
struct ListDetector {
  let contract: Contract
  let prices: PriceList

  init(contract: Contract) {
    self.contract = contract
    prices = PriceList(contract: contract)
  }

  /// Uses that make up one finding, added up.
  struct Group {
    var tally = Tally()
    var amount = Amount()
  }

  /// Adds up the uses to which `subject` gives the same name; those it gives none are left out.
  func groups(
    _ uses: [UseKey: Tally], by subject: (UseKey, Tally) -> Subject?
  ) -> [Subject: Group] {
    var groups: [Subject: Group] = [:]
    for (key, tally) in uses {
      guard let name = subject(key, tally) else { continue }
      groups[name, default: Group()].tally.merge(tally)
      var range: ClosedRange<Money>?
      if let days = days(of: tally) {
        range = prices.prices(
          module: key.module, scenario: key.scenario, first: days.lowerBound, last: days.upperBound)
      }
      groups[name, default: Group()].amount.add(quantity: tally.quantity, prices: range)
    }
    return groups
  }

  /// What the uses of one finding have in common; empty where that is left open.
  struct Subject: Hashable {
    var licensee: String
    var module = ""
    var app = ""
    var scenario = ""
  }

  func days(of tally: Tally) -> ClosedRange<CivilDate>? {
    guard let first = tally.first, let last = tally.last else { return nil }
    return contract.zone.date(of: first)...contract.zone.date(of: last)
  }

  /// A finding with everything but its words, which `explanation` begins and the facts on price
  /// end.
  func finding(
    _ kind: Finding.Kind, _ severity: Finding.Severity, clause: String, subject: Subject,
    group: Group, explanation: String, action: String
  ) -> Finding {
    var explanation = explanation
    let amount = group.amount
    if amount.unpricedQuantity > 0 {
      explanation +=
        " The price list has no price for \(Words.count(amount.unpricedQuantity, "unit")) of these"
        + (amount.isPriced ? "; the amount is that of the others." : ".")
    }
    var finding = Finding(
      kind: kind, severity: severity, clause: clause, contract: contract.number,
      licensee: subject.licensee, zone: contract.zone, records: group.tally.records,
      explanation: explanation, recommendedAction: action,
      evidence: Words.sources(group.tally))
    finding.app = subject.app
    finding.module = subject.module
    finding.subject = subject.scenario
    finding.from = group.tally.first
    finding.to = group.tally.last
    if amount.isPriced {
      finding.amountLow = amount.low.rounded(toScale: 2)
      finding.amountHigh = amount.high.rounded(toScale: 2)
    }
    return finding
  }

  /// `120 records and 48 units from 2025-12-03 to 2025-12-09`.
  func facts(_ tally: Tally) -> String {
    var text = Words.count(tally.records, "record")
    if tally.quantity > 0 { text += " and \(Words.count(tally.quantity, "billable unit"))" }
    if let days = days(of: tally) {
      text +=
        days.lowerBound == days.upperBound
        ? " on \(days.lowerBound)" : " from \(days.lowerBound) to \(days.upperBound)"
    }
    return text
  }
}
