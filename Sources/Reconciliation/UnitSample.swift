internal import Shuffling

/// The units of a side whose ids, and whose users, have the smallest hashes: those of two sides are largely the same
/// units, whatever their order.
struct UnitSample {
  struct Entry {
    var hash: UInt64
    /// Microseconds.
    var startedAt: Int64
    var endedAt: Int64
    var messages: Int32
    /// The hash of the user; 0 where none is stated.
    var user: UInt64
  }

  static let entriesMax = 16_384

  private(set) var byID: [Entry] = []
  private(set) var byUser: [Entry] = []
  /// Entries of larger hashes are not complete.
  private(set) var idBound = UInt64.max
  private(set) var userBound = UInt64.max

  mutating func add(_ unit: UnitRecord, user: UInt64, conversation: UInt64, hasUser: Bool) {
    guard !unit.isTimeUnknown else { return }
    var entry = Entry(
      hash: conversation, startedAt: unit.startedAt, endedAt: unit.endedAt,
      messages: unit.messages, user: hasUser ? user : 0)
    if conversation != 0 && conversation < idBound {
      byID.append(entry)
      Self.cut(&byID, &idBound)
    }
    if hasUser && user < userBound {
      entry.hash = user
      byUser.append(entry)
      Self.cut(&byUser, &userBound)
    }
  }

  /// Drops the largest hashes where there are too many, all entries of one together.
  private static func cut(_ entries: inout [Entry], _ bound: inout UInt64) {
    guard entries.count >= 2 * entriesMax else { return }
    entries.sort { $0.hash < $1.hash }
    bound = entries[entriesMax].hash
    let limit = bound
    entries.removeAll { $0.hash >= limit }
  }
}
