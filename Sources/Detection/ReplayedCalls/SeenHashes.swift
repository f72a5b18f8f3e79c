internal import Shuffling

/// What was seen of each hash of a user's day: of all of them, or of one in 2ᴸ.
///
/// Which hashes are kept is decided by the hashes alone: at level L those whose mixed hash has its L
/// upper bits zero; the level is the least at which at most ``entriesMax`` remain. An open table
/// tells where a hash stands; it is not cleared from user to user, but its slots grow old. Copies share
/// what was seen.
struct SeenHashes<Value: BitwiseCopyable> {
  static var entriesMaxUsual: Int { 32_768 }

  private let entriesMax: Int

  struct Entry: BitwiseCopyable {
    var hash: UInt64
    var value: Value
  }
  private struct Slot: BitwiseCopyable {
    var generation: UInt32
    var place: UInt32
  }

  private(set) var entries = PlainTable<Entry>()
  private(set) var level = 0
  /// As many slots as most users' days need: after a large one no others are looked at, so that they stay in the cache.
  private static var slotsFew: Int { 256 }
  /// What is larger is not kept for the next user.
  private static var slotsMost: Int { 1 << 17 }
  private var slots = PlainTable(repeating: Slot(generation: 0, place: 0), count: slotsFew)
  private var mask = slotsFew - 1
  private var generation: UInt32 = 1

  init(entriesMax: Int = Self.entriesMaxUsual) { self.entriesMax = entriesMax }

  mutating func removeAll() {
    if slots.count > Self.slotsMost {
      entries = PlainTable()
      slots = PlainTable(repeating: Slot(generation: 0, place: 0), count: Self.slotsFew)
    }
    entries.removeAll(reserving: 0)
    level = 0
    mask = Self.slotsFew - 1
    nextGeneration()
  }

  private mutating func nextGeneration() {
    generation &+= 1
    guard generation == 0 else { return }
    // After 2³² users old slots would look new.
    slots.clear(repeating: Slot(generation: 0, place: 0), count: slots.count)
    generation = 1
  }

  /// Whether a hash is one of those that are kept.
  @inline(__always)
  func keeps(_ hash: UInt64) -> Bool { QuestionSample.isKept(hash, level: level) }

  /// Where a hash stands that is kept; one that is new stands there with `value` then.
  @inline(__always)
  mutating func place(of hash: UInt64, new value: @autoclosure () -> Value) -> (
    place: Int, isNew: Bool
  )? {
    guard keeps(hash) else { return nil }
    var slot = Int(truncatingIfNeeded: hash ^ (hash >> 32)) & mask
    while slots[slot].generation == generation {
      let place = Int(slots[slot].place)
      if entries[place].hash == hash { return (place, false) }
      slot = (slot + 1) & mask
    }
    slots[slot] = Slot(generation: generation, place: UInt32(entries.count))
    entries.append(Entry(hash: hash, value: value()))
    if entries.count * 2 > mask + 1 { makeRoom() }
    guard keeps(hash) else { return nil }
    return (entries.count - 1, true)
  }

  subscript(place: Int) -> Value {
    get { entries[place].value }
    nonmutating _modify { yield &entries[place].value }
  }

  private mutating func makeRoom() {
    while entries.count > entriesMax {
      level += 1
      let level = level
      var kept = 0
      for entry in entries where QuestionSample.isKept(entry.hash, level: level) {
        entries[kept] = entry
        kept += 1
      }
      entries.resize(to: kept)
    }
    if entries.count * 2 > mask + 1 {
      mask = mask * 4 + 3
      if mask >= slots.count {
        slots.clear(repeating: Slot(generation: 0, place: 0), count: mask + 1)
      }
    }
    nextGeneration()
    for (place, entry) in entries.enumerated() {
      var slot = Int(truncatingIfNeeded: entry.hash ^ (entry.hash >> 32)) & mask
      while slots[slot].generation == generation { slot = (slot + 1) & mask }
      slots[slot] = Slot(generation: generation, place: UInt32(place))
    }
  }
}
