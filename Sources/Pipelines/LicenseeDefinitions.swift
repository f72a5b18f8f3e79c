internal import CivilTime
internal import Contracts
public import Counting
public import Definitions
public import Metering
public import Reconciliation
public import Reports
internal import Statements

/// Says by which definitions a licensee's totals were counted.
public struct LicenseeDefinitions {
  /// What was found of each contract that the totals have rows of.
  public struct Found: Sendable {
    fileprivate var contracts:
      [(contract: String, claim: ClaimedTotals, definitions: [InferredDefinition])]
    fileprivate var path: String
  }

  private let totals: StatedTotals
  private let terms: Terms
  private let passes: [Definition: [DailyTotal]]

  /// - Parameter passes: totals by definitions that were counted already.
  public init(_ totals: StatedTotals, terms: Terms, passes: [Definition: [DailyTotal]]) {
    self.totals = totals
    self.terms = terms
    self.passes = passes
  }

  /// Finds them.
  ///
  /// - Parameters:
  ///   - own: the contracts' own count, with rivals.
  ///   - count: counts the logs again by other terms, with rivals where that is asked for, and without some records.
  public func run<Failure: Error>(
    _ own: MeteringResult,
    _ count:
      @escaping (Terms, _ countsRivals: Bool, _ leftOut: LeftOut?) throws(Failure) ->
      MeteringResult
  ) throws(Failure) -> Found {
    typealias Inference = DefinitionInference<Failure>
    func pass(_ result: MeteringResult) -> Inference.Pass {
      Inference.Pass(
        totals: result.totals, rivals: result.rivals, quarters: result.quarters, logs: result.logs)
    }
    var found = Found(contracts: [], path: totals.path)
    for (index, contract) in terms.contracts.enumerated() {
      let claim = claim(of: contract)
      guard claim.dates != nil else { continue }
      var inference = Inference(terms: terms, contract: index, claim: claim, known: passes) {
        terms, countsRivals, leftOut throws(Failure) in
        pass(try count(terms, countsRivals, leftOut))
      }
      found.contracts.append((contract.number, claim, try inference.run(pass(own))))
    }
    return found
  }

  /// The rows of a contract's conversations.
  private func claim(of contract: Contract) -> ClaimedTotals {
    var claim = ClaimedTotals(
      comparesScenario: totals.columns.contains(.scenario),
      isMonthly: totals.rows.contains(where: \.isMonth))
    let keys = Set(contract.licensee.keys)
    for row in totals.rows {
      if let number = row.contract, number != contract.number { continue }
      if let licensee = row.licensee, !keys.isEmpty, !keys.contains(licensee),
        licensee != contract.licensee.name
      {
        continue
      }
      let meter = contract.meter(module: row.module, stated: row.meter, on: row.date)
      guard meter == .conversation else { continue }
      claim.add(row.quantity, on: row.date, module: row.module, scenario: row.scenario ?? "")
    }
    return claim
  }
}

extension LicenseeDefinitions.Found {
  /// What was found of a contract: what gives exactly the licensee's totals, else the nearest;
  /// `nil` where these have no row of its conversations.
  public func definitions(ofContract number: String) -> [InferredDefinition]? {
    contracts.first { $0.contract == number }?.definitions
  }

  public var text: String {
    guard !contracts.isEmpty else {
      return "\(path): no row is of conversations of these contracts\n"
    }
    return contracts.map { contract, claim, definitions in
      let dates =
        claim.dates.map { dates -> String in
          claim.isMonthly
            ? "\(dates.lowerBound.month) to \(dates.upperBound.month)"
            : "\(dates.lowerBound) to \(dates.upperBound)"
        } ?? ""
      let head = "\(path): totals of contract \(contract), \(dates),"
      let exact = definitions.filter(\.isExact).map(\.name)
      if !exact.isEmpty {
        return "\(head) are exactly those of \(exact.joined(separator: ", or of "))\n"
      }
      return "\(head) are exactly those of no definition that is known; the nearest:\n"
        + definitions.map {
          "  \($0.name) leaves \(MeteringSummary.grouped($0.unexplained)) units unexplained\n"
        }.joined()
    }.joined()
  }

  public var json: JSONValue {
    let rows = contracts.map { contract, claim, definitions -> JSONValue in
      [
        "contract": .string(contract),
        "from": claim.dates.map { .string("\($0.lowerBound)") } ?? .null,
        "to": claim.dates.map { .string("\($0.upperBound)") } ?? .null,
        "definitions": .array(
          definitions.map {
            ["definition": .string($0.name), "unexplained": .number($0.unexplained)]
          }),
      ]
    }
    return ["licensee_totals": .string(path), "contracts": .array(rows)]
  }
}
