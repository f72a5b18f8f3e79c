internal import CivilTime

extension SimulationOptions {
  /// The first contract as a contract file: the rule by which the truth is counted, and a price for
  /// each module and scenario of its licensees.
  var contractText: String {
    let parties = licensees.filter { $0.contract == licensees[0].contract }
    var text = """
      # The contract of simulated licensees. All names and figures are invented.
      contract: "\(licensees[0].contract ?? "")"
      licensor: {name: "Example Dialogue Ltd"}
      licensee: {name: "Example Shop Ltd", keys: [\(Self.list(parties.map(\.name)))]}
      time_zone: "\(zone.identifier)"

      """
    let term = [("from", termFrom), ("to", termTo)].compactMap { name, date in
      date.map { "\(name): \($0)" }
    }
    if !term.isEmpty { text += "term: {\(term.joined(separator: ", "))}\n" }
    text += """
      conversation:
        identity: [user]
        idle_timeout: \(idleTimeout.text)
        min_messages: \(minMessages)
      prices:

      """
    text += prices(parties)
    text += """
      allowed:
        scenarios: [\(Self.list(parties.flatMap { $0.modules.flatMap(\.scenarios) }))]
        apps: [\(Self.list(parties.flatMap { $0.apps.map(\.name) }))]
        networks: ["198.18.0.0/15", "203.0.113.0/24", "2001:db8::/32"]
        origins: [\(Self.list(parties.flatMap { $0.apps.map(\.origin) }.filter { !$0.isEmpty }))]
      settlement: {tolerance: "0.5%"}
      privacy: {user: plain}

      """
    return text
  }

  private func prices(_ parties: [Licensee]) -> String {
    var text = ""
    var listed: Set<[String]> = []
    for module in parties.flatMap(\.modules) {
      for scenario in module.scenarios where listed.insert([module.name, scenario]).inserted {
        // 0.30, 0.35, 0.40 … for conversations.
        let cents = module.meter == .item ? 2 : 25 + 5 * listed.count
        let price = "\(cents / 100).\(cents % 100 < 10 ? "0" : "")\(cents % 100)"
        text += "  - {module: \"\(module.name)\", scenario: \"\(scenario)\", "
        text += "unit: \(module.meter.rawValue), price: \"\(price)\"}\n"
      }
    }
    if misuse.moduleNotEnabled > 0 {
      let name = MisuseKind.moduleNotEnabled.value
      text += "  - {module: \(name), unit: conversation, price: \"0.80\", enabled: false}\n"
    }
    return text
  }

  /// Each once, in order, quoted: names have no quotes and no backslashes.
  private static func list(_ names: [String]) -> String {
    var seen: Set<String> = []
    return names.filter { seen.insert($0).inserted }.map { "\"\($0)\"" }.joined(separator: ", ")
  }
}
