internal import Shuffling

/// What a reduce brings together, and how it tells one group from another exactly: hashes only
/// spread the work, they never decide.
enum Grouping: Sendable {
  /// Records of one licensee and user: what duplicates are sought among.
  case users
  /// Records of one licensee, user and request id.
  case requests
  /// Records of one contract, licensee and identity.
  case identities
}

/// The order in which records are taken (rule 4): by time, request id, then what they say, then
/// file name and line.
///
/// What a record says stands before where it stands, so that records of equal time and request id
/// count alike however they are spread over files.
struct MessageOrder: Sendable {
  let attributions: Attributions

  @inline(__always)
  func entry(_ message: MessageReference) -> Attributions.Entry {
    attributions.entry(message.attribution)
  }

  /// Whether the left record is taken first; both are of one group.
  func precedes(_ left: MessageReference, _ right: MessageReference) -> Bool {
    if left.time != right.time { return left.time < right.time }
    let request = ChunkText.order(left.request, right.request)
    if request != 0 { return request < 0 }
    let leftRank = entry(left).rank
    let rightRank = entry(right).rank
    if leftRank != rightRank { return leftRank < rightRank }
    if left.isSuccess != right.isSuccess { return left.isSuccess }
    let conversation = ChunkText.order(left.conversation, right.conversation)
    if conversation != 0 { return conversation < 0 }
    if left.items != right.items { return left.items < right.items }
    let user = ChunkText.order(left.user, right.user)
    if user != 0 { return user < 0 }
    return left.source < right.source
  }

  @inline(__always)
  func areOneGroup(
    _ left: MessageReference, _ right: MessageReference, _ grouping: Grouping
  ) -> Bool {
    switch grouping {
    case .users:
      return ChunkText.areEqual(left.user, right.user)
        && entry(left).licensee == entry(right).licensee
    case .requests:
      return ChunkText.areEqual(left.request, right.request)
        && ChunkText.areEqual(left.user, right.user)
        && entry(left).licensee == entry(right).licensee
    case .identities: return groupOrder(left, right, grouping) == 0
    }
  }

  /// An order of groups: negative, zero or positive.
  func groupOrder(
    _ left: MessageReference, _ right: MessageReference, _ grouping: Grouping
  ) -> Int {
    func order(_ left: Int32, _ right: Int32) -> Int { Int(left) - Int(right) }
    let leftEntry = entry(left)
    let rightEntry = entry(right)
    let licensee = order(leftEntry.licensee, rightEntry.licensee)
    if licensee != 0 { return licensee }
    if grouping != .identities {
      let user = ChunkText.order(left.user, right.user)
      if user != 0 || grouping == .users { return user }
      return ChunkText.order(left.request, right.request)
    }
    let contract = order(leftEntry.contract, rightEntry.contract)
    if contract != 0 { return contract }
    let mask = leftEntry.identity
    guard mask == rightEntry.identity else { return Int(mask) - Int(rightEntry.identity) }
    if mask & 1 != 0 {
      let user = ChunkText.order(left.user, right.user)
      if user != 0 { return user }
    }
    if mask & 2 != 0 {
      let conversation = ChunkText.order(left.conversation, right.conversation)
      if conversation != 0 { return conversation }
    }
    if mask & 4 != 0 && leftEntry.module != rightEntry.module {
      return order(leftEntry.module, rightEntry.module)
    }
    if mask & 8 != 0 && leftEntry.scenario != rightEntry.scenario {
      return order(leftEntry.scenario, rightEntry.scenario)
    }
    return mask & 16 != 0 ? order(leftEntry.app, rightEntry.app) : 0
  }

  /// A hash that is equal for records of one group.
  @inline(__always)
  func hash(_ message: MessageReference, _ grouping: Grouping) -> UInt64 {
    let entry = entry(message)
    var hash = Self.userHash(message.user, licensee: Int(entry.licensee))
    switch grouping {
    case .users: return hash
    case .requests: return message.request.hash(seed: hash)
    case .identities:
      let mask = entry.identity
      hash = ChunkText.mix(UInt64(entry.licensee) + 1, 0x9E37_79B9_7F4A_7C15 ^ UInt64(mask))
      if mask & 1 != 0 { hash = message.user.hash(seed: hash) }
      if mask & 2 != 0 { hash = message.conversation.hash(seed: hash) }
      for (bit, number) in [(4, entry.module), (8, entry.scenario), (16, entry.app)]
        as [(UInt8, Int32)]
      where mask & bit != 0 {
        hash = ChunkText.mix(hash ^ UInt64(bit), UInt64(number) &+ 0xD6E8_FEB8_6659_FD93)
      }
      return hash
    }
  }

  @inline(__always)
  static func userHash(_ user: ChunkText, licensee: Int) -> UInt64 {
    user.hash(seed: ChunkText.mix(UInt64(licensee) + 1, 0xA076_1D64_78BD_642F))
  }
}

/// The order of an external sort: groups apart, each in the order in which it is taken.
struct GroupedOrder: RecordOrder {
  let order: MessageOrder
  let grouping: Grouping

  func keys(_ record: UnsafePointer<Message>) -> (UInt64, Int64) {
    (order.hash(unsafe MessageReference(record), grouping), 0)
  }

  func precedes(_ left: UnsafePointer<Message>, _ right: UnsafePointer<Message>) -> Bool {
    let left = unsafe MessageReference(left)
    let right = unsafe MessageReference(right)
    let group = order.groupOrder(left, right, grouping)
    return group == 0 ? order.precedes(left, right) : group < 0
  }
}
