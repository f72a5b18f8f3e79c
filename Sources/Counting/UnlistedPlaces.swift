internal import CivilTime
internal import Contracts
internal import Decoding
internal import Formats
internal import Parsing

/// Counts records from origins and addresses that their contract does not list.
struct UnlistedPlaces {
  private let terms: Terms
  private(set) var counts: [Dated<UnlistedPlaceKey>: UseCount] = [:]
  /// For each contract and place seen, whether the contract lists it; places come again and again.
  private var isListed: [Place: Bool] = [:]

  private struct Place: Hashable {
    var contract: Int
    var kind: UnlistedPlaceKey.Kind
    var text: String
  }

  /// Places that are remembered; beyond that the memory is cleared.
  private static let rememberedMax = 100_000

  /// - Returns: `nil` where no contract lists origins or networks.
  init?(_ terms: Terms) {
    let allowed = terms.contracts.map(\.allowed)
    guard allowed.contains(where: { $0.origins != nil || $0.networks != nil }) else { return nil }
    self.terms = terms
  }

  mutating func check(
    _ call: Call, _ bytes: ByteView, contract: Int, _ use: Dated<UseKey>, source: UInt64
  ) {
    let allowed = terms.contracts[contract].allowed
    let time = call.time.microseconds
    if let origins = allowed.origins, !call[.origin].isEmpty {
      check(call[.origin], .origin, bytes, contract, use, time, source) { origins.contains($0) }
    }
    if let networks = allowed.networks, !call[.clientIP].isEmpty {
      check(call[.clientIP], .network, bytes, contract, use, time, source) { text in
        guard let address = IPAddress(text: text) else { return false }
        return networks.contains { $0.contains(address) }
      }
    }
  }

  private mutating func check(
    _ slice: Slice, _ kind: UnlistedPlaceKey.Kind, _ bytes: ByteView, _ contract: Int,
    _ use: Dated<UseKey>, _ time: Int64, _ source: UInt64, _ lists: (String) -> Bool
  ) {
    let text = bytes.text(Int(slice.start), Int(slice.count))
    let place = Place(contract: contract, kind: kind, text: text)
    let listed: Bool
    if let known = isListed[place] {
      listed = known
    } else {
      listed = lists(text)
      if isListed.count >= Self.rememberedMax { isListed.removeAll(keepingCapacity: true) }
      isListed[place] = listed
    }
    if listed { return }
    let key = UnlistedPlaceKey(
      contract: use.key.contract, licensee: use.key.licensee, module: use.key.module,
      app: use.key.app, kind: kind, place: text.composed)
    counts[Dated(key, day: use.day), default: UseCount()].add(time: time, source: source)
  }
}
