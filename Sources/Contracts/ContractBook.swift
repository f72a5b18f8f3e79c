public import CivilTime
public import Configuration

/// All contracts of a run, and the one to which a record belongs.
public struct ContractBook: Sendable {
  public let contracts: [Contract]
  /// Indices into `contracts` by the licensee's key, ordered by the first day of the term.
  private let indicesByLicensee: [String: [Int]]

  /// - Throws: where two contracts have one number, or one licensee key on the same days.
  public init(_ contracts: [Contract]) throws(ConfigurationError) {
    self.contracts = contracts
    var indices: [String: [Int]] = [:]
    for (index, contract) in contracts.enumerated() {
      for key in Self.licensees(of: contract, isOnly: contracts.count == 1) {
        indices[key, default: []].append(index)
      }
    }
    indicesByLicensee = indices.mapValues { indices in
      indices.sorted { contracts[$0].startOrder < contracts[$1].startOrder }
    }
    let problems = Self.sharedNumbers(contracts) + sharedLicensees()
    if !problems.isEmpty { throw ConfigurationError(problems: problems) }
  }

  /// The values of the record field `licensee` that name the contract: its keys, else its
  /// licensee's name. The only contract given also takes records without a licensee, if it lists
  /// no keys.
  private static func licensees(of contract: Contract, isOnly: Bool) -> [String] {
    guard contract.licensee.keys.isEmpty else { return contract.licensee.keys }
    var names = contract.licensee.name.isEmpty ? [] : [contract.licensee.name]
    if isOnly { names.append("") }
    return names
  }

  /// The contracts of a licensee, as indices into ``contracts``, by the first day of their terms.
  public func contracts(forLicensee licensee: String) -> [Int] {
    indicesByLicensee[licensee] ?? []
  }

  /// The contract of a licensee in force on a day, as an index into ``contracts``.
  ///
  /// Before the first term it is the first contract; between terms and after the last it is the
  /// one that began last (`term.holdover`).
  public func index(forLicensee licensee: String, on date: CivilDate) -> Int? {
    index(forLicensee: licensee) { _ in date }
  }

  /// The contract of a licensee in force at a moment, each contract's days being those of its own
  /// zone.
  public func index(forLicensee licensee: String, at instant: Instant) -> Int? {
    index(forLicensee: licensee) { $0.date(of: instant) }
  }

  private func index(forLicensee licensee: String, date: (Zone) -> CivilDate) -> Int? {
    guard let indices = indicesByLicensee[licensee] else { return nil }
    let begun = indices.last { index in
      contracts[index].term.firstDay.map { $0 <= date(contracts[index].zone) } ?? true
    }
    return begun ?? indices.first
  }
}

// MARK: - Contradictions between files

extension ContractBook {
  private static func sharedNumbers(_ contracts: [Contract]) -> [ConfigurationProblem] {
    var first: [String: Contract] = [:]
    return contracts.compactMap { contract in
      guard let other = first[contract.number] else {
        first[contract.number] = contract
        return nil
      }
      return contract.problem(
        "contract", "number '\(contract.number)' is also that of \(other.place("contract"))")
    }
  }

  /// One problem for each pair of contracts, naming the first key that they share.
  private func sharedLicensees() -> [ConfigurationProblem] {
    var problems: [ConfigurationProblem] = []
    var reported: Set<[Int]> = []
    for (key, indices) in indicesByLicensee.sorted(by: { $0.key < $1.key }) {
      for (position, second) in indices.enumerated() {
        for first in indices[..<position]
        where contracts[first].overlaps(contracts[second]) && !reported.contains([first, second]) {
          reported.insert([first, second])
          let other = contracts[first]
          problems.append(
            contracts[second].problem(
              "licensee",
              "licensee '\(key)' also has contract \(other.number) (\(other.place("licensee"))) "
                + "on the same days: \(other.termText), and \(contracts[second].termText) here"))
        }
      }
    }
    return problems
  }
}

extension Contract {
  fileprivate var startOrder: Int32 { term.firstDay?.daysSinceEpoch ?? .min }

  fileprivate func overlaps(_ other: Contract) -> Bool {
    let first = max(startOrder, other.startOrder)
    return first <= term.lastDay?.daysSinceEpoch ?? .max
      && first <= other.term.lastDay?.daysSinceEpoch ?? .max
  }

  fileprivate var termText: String {
    let from = term.firstDay.map { "from \($0)" } ?? "from the beginning"
    return from + (term.lastDay.map { " to \($0)" } ?? " without end")
  }

  fileprivate func place(_ key: String) -> String {
    lines[key].map { "\(path):\($0)" } ?? path
  }

  fileprivate func problem(_ key: String, _ detail: String) -> ConfigurationProblem {
    .contradiction(file: path, line: lines[key], key: key, detail: detail)
  }
}
