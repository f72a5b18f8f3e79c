internal import Shuffling

/// A copy of a record that outlives the chunk it was read in.
final class HeldMessage {
  let pool: ChunkPool
  private var chunk: Chunk?
  private(set) var message: MessageReference?

  init(pool: ChunkPool) { self.pool = pool }

  deinit { if let chunk { pool.give(back: chunk) } }

  /// Copies a record; the copy held before is gone.
  @discardableResult
  func hold(_ original: MessageReference) -> MessageReference {
    var value = original.value
    let textBytes = value.externalBytes(in: original.chunk)
    let needed = Chunk.headerBytes + MemoryLayout<Message>.stride + textBytes
    if let held = chunk, held.size < needed {
      pool.give(back: held)
      chunk = nil
    }
    let target = chunk ?? pool.take(size: max(needed, Chunk.bytesOrdinary))
    chunk = target
    target.clear(size: target.size)
    if textBytes > 0 {
      target.textStart = target.size - textBytes
      value.moveTexts(from: original.chunk, to: target, at: target.textStart)
    }
    let address = unsafe (target.base + Chunk.headerBytes).assumingMemoryBound(to: Message.self)
    unsafe address.initialize(to: value)
    let copy = unsafe MessageReference(address)
    message = copy
    return copy
  }

  func release() { message = nil }
}

/// Copies of records that outlive the chunks they were read in.
final class HeldMessages {
  private let pool: ChunkPool
  private var chunks: [Chunk] = []
  private(set) var messages: [MessageReference] = []

  init(pool: ChunkPool) { self.pool = pool }

  deinit { removeAll() }

  @discardableResult
  func hold(_ original: MessageReference) -> MessageReference {
    var value = original.value
    let textBytes = value.externalBytes(in: original.chunk)
    let needed = MemoryLayout<Message>.stride + textBytes
    var room = chunks.last.map { $0.textStart - $0.recordEnd } ?? 0
    // Records lie in a chunk's first part, however long their texts are.
    if let last = chunks.last,
      last.recordEnd + MemoryLayout<Message>.stride > Chunk.bytesOrdinary
    {
      room = 0
    }
    if room < needed {
      chunks.append(pool.take(size: max(Chunk.headerBytes + needed, Chunk.bytesOrdinary)))
    }
    let target = chunks[chunks.count - 1]
    target.textStart -= textBytes
    if textBytes > 0 { value.moveTexts(from: original.chunk, to: target, at: target.textStart) }
    let address = unsafe (target.base + target.recordEnd).assumingMemoryBound(to: Message.self)
    unsafe address.initialize(to: value)
    target.recordEnd += MemoryLayout<Message>.stride
    let copy = unsafe MessageReference(address)
    messages.append(copy)
    return copy
  }

  func removeAll() {
    for chunk in chunks { pool.give(back: chunk) }
    chunks.removeAll(keepingCapacity: true)
    messages.removeAll(keepingCapacity: true)
  }

  /// Forgets all but the record last held, of which it makes another copy.
  func keepLast() {
    guard let last = messages.last else { return }
    let before = chunks
    chunks.removeAll(keepingCapacity: true)
    messages.removeAll(keepingCapacity: true)
    hold(last)
    for chunk in before { pool.give(back: chunk) }
  }
}

/// Marks duplicates among records that come sorted by (licensee, user, request id) and then in the
/// order in which they are taken; holds three records and nothing else.
struct DuplicateStream {
  private let deduplication: Deduplication
  private let order: MessageOrder
  private let group: HeldMessage
  private var success: HeldMessage
  private var failure: HeldMessage
  private var state = Deduplication.RequestState()

  init(deduplication: Deduplication, order: MessageOrder, pool: ChunkPool) {
    self.deduplication = deduplication
    self.order = order
    group = HeldMessage(pool: pool)
    success = HeldMessage(pool: pool)
    failure = HeldMessage(pool: pool)
  }

  /// Takes the next record, and hands on what is decided by it.
  ///
  /// The failure last kept is handed on only when a success or a later failure has decided it;
  /// everything else at once.
  mutating func take(
    _ message: MessageReference, conflict: (MessageReference) -> Void,
    _ body: (MessageReference) throws(SpillError) -> Void
  ) throws(SpillError) {
    if let held = group.message, !order.areOneGroup(held, message, .requests) { try finish(body) }
    if group.message == nil { group.hold(message) }
    // The state must hold references that stay valid.
    let holder = HeldMessage(pool: group.pool)
    let copy = holder.hold(message)
    let undecided = state.keptFailure
    let pair = state.take(copy, window: deduplication.window)
    if let pair {
      pair.duplicate.markDuplicate()
      if deduplication.isConflict(pair) { conflict(pair.duplicate) }
    }
    if let undecided, unsafe state.keptFailure?.pointer != undecided.pointer {
      try body(undecided)
    }
    let isKeptSuccess = unsafe state.keptSuccess?.pointer == copy.pointer
    let isKeptFailure = unsafe state.keptFailure?.pointer == copy.pointer
    if isKeptFailure {
      failure = holder
    } else {
      try body(copy)
    }
    if isKeptSuccess { success = holder }
  }

  /// Hands on what is undecided, since the request id's records are over.
  mutating func finish(
    _ body: (MessageReference) throws(SpillError) -> Void
  ) throws(SpillError) {
    if let undecided = state.keptFailure { try body(undecided) }
    state = Deduplication.RequestState()
    group.release()
  }
}
