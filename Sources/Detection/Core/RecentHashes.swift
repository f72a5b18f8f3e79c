internal import Shuffling

/// Which hashes have come, but for some that are taken to have come (Bloom, 1970): for each value of six bits of them a
/// bit, four times with other bits.
struct HashFilter {
  private var met: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)

  @inline(__always)
  private static func bit(_ place: UInt64) -> UInt64 { 1 &<< (place & 63) }

  /// Whether a hash may have come before, and notes it.
  @inline(__always)
  mutating func mayHaveMet(_ hash: UInt64) -> Bool {
    let bits = (
      Self.bit(hash >> 5), Self.bit(hash >> 11), Self.bit(hash >> 17), Self.bit(hash >> 23)
    )
    let missing = bits.0 & ~met.0 | bits.1 & ~met.1 | bits.2 & ~met.2 | bits.3 & ~met.3
    met = (met.0 | bits.0, met.1 | bits.1, met.2 | bits.2, met.3 | bits.3)
    return missing == 0
  }
}

/// The last few hashes of a user and when they came.
struct RecentHashes {
  private static let countMax = 64
  private struct Entry: BitwiseCopyable {
    var hash: UInt64
    var time: Int64
  }
  private let entries = PlainTable<Entry>()
  private var next = 0
  private var filter = HashFilter()

  mutating func removeAll() {
    entries.removeAll(reserving: Self.countMax)
    next = 0
    filter = HashFilter()
  }

  /// Whether a hash has come within a time before, and notes it.
  ///
  /// - Returns: with it, whether the hash may have come at all since ``removeAll()`` and is not near.
  @inline(__always)
  mutating func comesAgain(
    _ hash: UInt64, at time: Int64, within window: Int64
  ) -> (isNear: Bool, mayHaveCome: Bool) {
    let mayHaveCome = filter.mayHaveMet(hash)
    if mayHaveCome, let isNear = known(hash, at: time, within: window) {
      return (isNear, !isNear)
    }
    if entries.count < Self.countMax {
      entries.append(Entry(hash: hash, time: time))
    } else {
      entries[next] = Entry(hash: hash, time: time)
      next = (next + 1) % Self.countMax
    }
    return (false, mayHaveCome)
  }

  @inline(never)
  private mutating func known(
    _ hash: UInt64, at time: Int64, within window: Int64
  ) -> Bool? {
    for index in entries.indices where entries[index].hash == hash {
      let isNear = time - entries[index].time <= window
      // The window is one since the hash first came.
      if !isNear { entries[index].time = time }
      return isNear
    }
    return nil
  }
}
