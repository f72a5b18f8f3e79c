internal import Shuffling

/// Which hashes have come, but for some that are taken to have come (Bloom, 1970): for each value of six bits of them a
/// bit, four times with other bits.
struct HashFilter {
  private var met: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)

  /// Whether a hash may have come before, and notes it.
  @inline(__always)
  mutating func mayHaveMet(_ hash: UInt64) -> Bool {
    func bit(_ place: UInt64) -> UInt64 { 1 << (hash >> place & 63) }
    let bits = (bit(5), bit(11), bit(17), bit(23))
    defer { met = (met.0 | bits.0, met.1 | bits.1, met.2 | bits.2, met.3 | bits.3) }
    return met.0 & bits.0 != 0 && met.1 & bits.1 != 0 && met.2 & bits.2 != 0
      && met.3 & bits.3 != 0
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
  /// - Parameter slides: whether the time is that since it came last, not since it first came.
  @inline(__always)
  mutating func comesAgain(
    _ hash: UInt64, at time: Int64, within window: Int64, slides: Bool
  ) -> Bool {
    if filter.mayHaveMet(hash),
      let isNear = known(hash, at: time, within: window, slides: slides)
    {
      return isNear
    }
    if entries.count < Self.countMax {
      entries.append(Entry(hash: hash, time: time))
    } else {
      entries[next] = Entry(hash: hash, time: time)
      next = (next + 1) % Self.countMax
    }
    return false
  }

  @inline(never)
  private mutating func known(
    _ hash: UInt64, at time: Int64, within window: Int64, slides: Bool
  ) -> Bool? {
    for index in entries.indices where entries[index].hash == hash {
      let isNear = time - entries[index].time <= window
      if !isNear || slides { entries[index].time = time }
      return isNear
    }
    return nil
  }
}
