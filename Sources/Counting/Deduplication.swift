internal import Shuffling

/// Records in order, by their places.
protocol MessageCollection: RandomAccessCollection where Element == MessageReference, Index == Int {
}

/// Finds duplicates among records of one licensee and user (rule 5).
struct Deduplication {
  private let order: MessageOrder

  /// A record that repeats another.
  struct Pair {
    let duplicate: MessageReference
    let kept: MessageReference
  }

  /// What is known of one request id so far, its records taken in order.
  ///
  /// A success within the window of the success kept is its duplicate; a failure within the window
  /// of a success kept, before or after it, likewise; a failure that no success covers is the
  /// duplicate of a failure kept before it. At most one record is ever undecided: the failure last
  /// kept, until a success comes or its window has passed.
  struct RequestState {
    private(set) var keptSuccess: MessageReference?
    private(set) var keptFailure: MessageReference?

    /// Takes the next record of the id.
    ///
    /// - Returns: the record that is thereby known to be a duplicate, if any: this one, or the
    ///   failure kept.
    mutating func take(
      _ message: MessageReference, window: (MessageReference) -> Int64
    ) -> Pair? {
      if let kept = keptSuccess, message.time - kept.time <= window(kept) {
        return Pair(duplicate: message, kept: kept)
      }
      if message.isSuccess {
        keptSuccess = message
        guard let failure = keptFailure else { return nil }
        keptFailure = nil
        return message.time - failure.time <= window(message)
          ? Pair(duplicate: failure, kept: message) : nil
      }
      if let kept = keptFailure, message.time - kept.time <= window(kept) {
        return Pair(duplicate: message, kept: kept)
      }
      keptFailure = message
      return nil
    }
  }

  /// Beyond this many records of one user whose ids come again, ids are found by sorting.
  private static let pairwiseCountMax = 24

  init(order: MessageOrder) { self.order = order }

  func window(of kept: MessageReference) -> Int64 {
    order.attributions.timing(order.entry(kept)).dedupeWindow
  }

  /// Marks the duplicates among records of one licensee and user, given in order.
  ///
  /// - Parameter scratch: kept from call to call.
  func mark(
    _ messages: some MessageCollection, scratch: inout RequestTable,
    found: (Pair) -> Void
  ) {
    if messages.count < 2 { return }
    let places = scratch.repeated(messages)
    if places.isEmpty { return }
    if places.count <= Self.pairwiseCountMax {
      mark(places, of: messages, found: found)
      return
    }
    // A record's place in the low bits of its id's hash: one sort brings equal ids together in the
    // order in which their records come. Ids of equal high bits are told apart afterwards.
    let placeBits = UInt64(64 - messages.endIndex.leadingZeroBitCount)
    var hashed: [UInt64] = []
    hashed.reserveCapacity(places.count)
    for index in places {
      let hash = messages[index].request.hash(seed: 1)
      hashed.append((hash >> placeBits) << placeBits | UInt64(index))
    }
    hashed.sort()
    let placeMask = (1 as UInt64) << placeBits - 1
    var start = 0
    while start < hashed.count {
      var end = start + 1
      while end < hashed.count && hashed[end] >> placeBits == hashed[start] >> placeBits {
        end += 1
      }
      if end - start > 1 {
        mark(
          hashed[start..<end].lazy.map { Int($0 & placeMask) }, of: messages, found: found)
      }
      start = end
    }
  }

  private func mark(
    _ indices: some Sequence<Int>, of messages: some MessageCollection,
    found: (Pair) -> Void
  ) {
    var states: [(request: ChunkText, state: RequestState)] = []
    for index in indices {
      let message = messages[index]
      let request = message.request
      if request.isEmpty { continue }
      let known = states.firstIndex { ChunkText.areEqual($0.request, request) }
      let position = known ?? states.count
      if known == nil { states.append((request, RequestState())) }
      if let pair = states[position].state.take(message, window: window) {
        pair.duplicate.markDuplicate()
        found(pair)
      }
    }
  }

  /// Whether two records of one request id differ in what is counted: a conflict.
  func isConflict(_ pair: Pair) -> Bool {
    let duplicate = order.attributions.all[pair.duplicate.attribution]
    let kept = order.attributions.all[pair.kept.attribution]
    return duplicate.event != kept.event || duplicate.module != kept.module
      || duplicate.scenario != kept.scenario || duplicate.app != kept.app
      || pair.duplicate.items != pair.kept.items
      || !ChunkText.areEqual(pair.duplicate.conversation, pair.kept.conversation)
  }
}

/// Finds the records of a user whose request id comes again, few as they are, by a table of the ids'
/// hashes.
struct RequestTable {
  private struct Slot: BitwiseCopyable {
    /// 0 in a free slot.
    var hash: UInt64 = 0
    /// The place of the first record with this hash; −1 once it is known that others have it too.
    var place = 0
  }

  private let slots = PlainTable<Slot>(repeating: Slot(), count: 64)

  /// The places of records whose id's hash comes more than once, in order: all that are duplicates
  /// or have one are among them.
  mutating func repeated(_ messages: some MessageCollection) -> [Int] {
    var bits = 4
    while 1 << bits < messages.count * 2 { bits += 1 }
    let size = 1 << bits
    if slots.count < size {
      slots.clear(repeating: Slot(), count: size)
    } else {
      for index in 0..<size { slots[index] = Slot() }
    }
    var places: [Int] = []
    for place in messages.indices {
      let request = messages[place].request
      if request.isEmpty { continue }
      let hash = request.hash(seed: 1) | 1
      var slot = Int(truncatingIfNeeded: hash >> UInt64(64 - bits))
      while slots[slot].hash != 0 && slots[slot].hash != hash { slot = (slot + 1) & (size - 1) }
      if slots[slot].hash == 0 {
        slots[slot] = Slot(hash: hash, place: place)
      } else {
        if slots[slot].place >= 0 { places.append(slots[slot].place) }
        slots[slot].place = -1
        places.append(place)
      }
    }
    places.sort()
    return places
  }
}
