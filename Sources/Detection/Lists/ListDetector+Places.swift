internal import CivilTime
internal import Contracts
internal import Counting

extension ListDetector {
  /// Rows of one kind for one licensee; the places beyond them share one more.
  static let placeRowsMax = 100

  /// `access.scenario_only`: one finding per licensee and origin, or block of addresses. The
  /// places with the most records have rows of their own.
  func unlistedPlaces(_ places: [UnlistedPlaceKey: Tally]) -> [Finding] {
    var groups: [PlaceSubject: PlaceGroup] = [:]
    for (key, tally) in places where hasList(key.kind) {
      let subject = PlaceSubject(
        licensee: key.licensee, kind: key.kind, place: Self.block(of: key.place, kind: key.kind))
      groups[subject, default: PlaceGroup()].add(key, tally)
    }
    let byLicensee = Dictionary(grouping: groups) { entry in
      PlaceSubject(licensee: entry.key.licensee, kind: entry.key.kind, place: "")
    }
    return byLicensee.flatMap { shared, entries -> [Finding] in
      let ordered = entries.sorted { left, right in
        let records = (left.value.tally.records, right.value.tally.records)
        return records.0 == records.1 ? left.key.place < right.key.place : records.0 > records.1
      }
      var findings = ordered.prefix(Self.placeRowsMax).map { placeFinding($0.key, $0.value) }
      let rest = ordered.dropFirst(Self.placeRowsMax)
      if !rest.isEmpty {
        var group = PlaceGroup()
        for entry in rest { group.merge(entry.value) }
        findings.append(placeFinding(shared, group, placesTogether: rest.count))
      }
      return findings
    }
  }

  struct PlaceSubject: Hashable {
    var licensee: String
    var kind: UnlistedPlaceKey.Kind
    /// An origin or a block of addresses; empty for all that have no row of their own.
    var place: String
  }

  struct PlaceGroup {
    var tally = Tally()
    var modules: Set<String> = []
    var apps: Set<String> = []
    var places: Set<String> = []

    mutating func add(_ key: UnlistedPlaceKey, _ other: Tally) {
      tally.merge(other)
      modules.insert(key.module)
      apps.insert(key.app)
      places.insert(key.place)
    }

    mutating func merge(_ other: PlaceGroup) {
      tally.merge(other.tally)
      modules.formUnion(other.modules)
      apps.formUnion(other.apps)
      places.formUnion(other.places)
    }
  }

  private func hasList(_ kind: UnlistedPlaceKey.Kind) -> Bool {
    switch kind {
    case .origin: contract.allowed.origins != nil
    case .network: contract.allowed.networks != nil
    }
  }

  private func placeFinding(
    _ subject: PlaceSubject, _ group: PlaceGroup, placesTogether: Int? = nil
  ) -> Finding {
    var named = Subject(licensee: subject.licensee, scenario: subject.place)
    if group.modules.count == 1, let module = group.modules.first { named.module = module }
    if group.apps.count == 1, let app = group.apps.first { named.app = app }
    // Places are tallied by record; a unit has no place, so that there is no amount.
    let shared = Group(tally: group.tally, amount: Amount())
    switch subject.kind {
    case .origin:
      return finding(
        .unlistedOrigin, .low, clause: "access.scenario_only", subject: named, group: shared,
        explanation: originWords(subject, group, placesTogether),
        action: "Ask the licensee whose site this is. If it is agreed, add it to allowed.origins; "
          + "if it belongs to someone else, access.no_third_party_call applies.")
    case .network:
      return finding(
        .unlistedNetwork, .low, clause: "access.scenario_only", subject: named, group: shared,
        explanation: networkWords(subject, group, placesTogether),
        action: "Ask the licensee whose addresses these are. If they are its own, add them to "
          + "allowed.networks; if not, have its keys changed and look for a leak.")
    }
  }

  private func originWords(
    _ subject: PlaceSubject, _ group: PlaceGroup, _ placesTogether: Int?
  ) -> String {
    let place =
      placesTogether.map { "Calls from \(Words.count($0, "further origin"))" }
      ?? "Calls from the origin \"\(subject.place)\""
    return "\(place), not among the contract's origins "
      + "(\(Words.list(contract.allowed.origins ?? []))): \(facts(group.tally)). Besides a product "
      + "that the licence does not cover, a new address of the same site, a test site, or a "
      + "browser that hides the origin (\"null\") would look the same."
  }

  private func networkWords(
    _ subject: PlaceSubject, _ group: PlaceGroup, _ placesTogether: Int?
  ) -> String {
    let addresses = Words.count(group.places.count, "address", plural: "addresses")
    let place =
      placesTogether.map { "Calls from \(addresses) in \(Words.count($0, "further block"))" }
      ?? "Calls from \(addresses) in \(subject.place)"
    let networks = (contract.allowed.networks ?? []).map(\.text)
    return "\(place), outside the contract's networks (\(Words.list(networks))): "
      + "\(facts(group.tally)). Besides calls by others, a new office or data centre, a mobile "
      + "network, a proxy, or addresses that the provider changed would look the same."
  }

  /// The block that stands for an address: IPv4 by /24, IPv6 by /64, as providers give them out;
  /// an origin, or what is no address, for itself.
  static func block(of place: String, kind: UnlistedPlaceKey.Kind) -> String {
    guard kind == .network, let address = IPAddress(text: place) else { return place }
    if address.isVersion4 {
      let bytes = [24, 16, 8].map { String(address.value >> UInt128($0) & 0xFF) }
      return bytes.joined(separator: ".") + ".0/24"
    }
    // The last four groups are zero and hold the longest run, the one that RFC 5952 shortens.
    var groups = [112, 96, 80, 64].map { UInt16(truncatingIfNeeded: address.value >> UInt128($0)) }
    while groups.last == 0 { groups.removeLast() }
    return groups.map { String($0, radix: 16) }.joined(separator: ":") + "::/64"
  }
}
