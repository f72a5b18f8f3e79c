// The reduce of one bucket.
//
// In memory: pointers to the bucket's records are spread over parts by the bits of their group's hash
// that the bucket has not used, so that a part holds a few users; each part is sorted by (hash, time)
// where it lies, which is nearly its order already. Runs of equal hash are groups, checked exactly.
//
// A bucket too large for that, because one user fills it or the memory is small, is sorted externally,
// once by request id to mark duplicates and once by identity; both scans then stream.

internal import Contracts
public import Shuffling

/// Counts the records of buckets, one thread's worth.
@safe
public final class BucketReducer {
  /// A record in a sort: the hash of its group, its time, and where it is.
  private struct Entry {
    var group: UInt64
    var time: Int64
    var message: MessageReference
  }

  private struct State {
    var scan: ConversationScan
    var recorder: UnitRecorder
    var requests = RequestTable()
  }

  private let order: MessageOrder
  private let pool: ChunkPool
  private let spill: SpillFile
  private let deduplication: Deduplication
  /// Whether the records of a user, in order, are the records of one identity.
  private let usersAreIdentities: Bool
  /// What changes with every record; taken out while a bucket is counted.
  private var state: State
  private var entries: [Entry] = []
  private var spread: [Entry] = []
  private var group: [MessageReference] = []
  private var scratch: [UInt8] = []

  /// - Parameter inputEnd: the time of the last record of the input, in microseconds.
  public init(
    attributions: Attributions, terms: Terms, inputEnd: Int64, pool: ChunkPool, spill: SpillFile,
    rows: ExternalSorter<UsageOrder>?
  ) {
    order = MessageOrder(attributions: attributions)
    self.pool = pool
    self.spill = spill
    deduplication = Deduplication(order: order)
    usersAreIdentities =
      terms.rules.allSatisfy { $0.identity == [.user] } && terms.contracts.count == 1
    state = State(
      scan: ConversationScan(order: order, inputEnd: inputEnd),
      recorder: UnitRecorder(order: order, terms: terms, rows: rows))
  }

  /// The bytes of memory that a reduce of so many bytes of chunks takes beside them.
  public static func workingBytes(forChunkBytes bytes: Int) -> Int {
    bytes / MemoryLayout<Message>.stride * 2 * MemoryLayout<Entry>.stride
  }

  /// What was found; to be called once, after the last bucket.
  public func finish() throws(SpillError) -> ReduceSummary {
    if let failure = state.recorder.failure { throw failure }
    return state.recorder.finish()
  }

  // MARK: - Plans

  /// Counts a bucket of records brought together by user.
  ///
  /// - Parameter bytesMax: the memory that the bucket may take when read back.
  public func reduceByUser(_ bucket: Shuffle.Bucket, bytesMax: Int) throws(SpillError) {
    guard bucket.memoryBytes <= bytesMax else {
      let sorter = ExternalSorter(
        order: GroupedOrder(order: order, grouping: .identities), pool: pool, spill: spill)
      try markDuplicatesExternally(bucket) { message throws(SpillError) in
        try sorter.append(message.value, textsIn: message.chunk)
      }
      try scanExternally(sorter)
      return
    }
    let chunks = try load(bucket)
    gather(chunks, .users)
    forEachGroup(.users) { countUser(&$0) }
    release(chunks)
  }

  /// Marks duplicates in a bucket of records brought together by request id, and passes all of
  /// them on, brought together by identity.
  public func reduceByRequest(
    _ bucket: Shuffle.Bucket, bytesMax: Int, into writer: ShuffleWriter
  ) throws(SpillError) {
    guard bucket.memoryBytes <= bytesMax else {
      try markDuplicatesExternally(bucket) { message throws(SpillError) in
        self.pass(message, to: writer)
      }
      return
    }
    let chunks = try load(bucket)
    gather(chunks, .requests)
    forEachGroup(.requests) { state in
      markDuplicates(&state)
      for message in group { pass(message, to: writer) }
    }
    release(chunks)
    if let failure = writer.failure { throw failure }
  }

  /// Counts a bucket of records brought together by identity, duplicates marked.
  public func reduceByIdentity(_ bucket: Shuffle.Bucket, bytesMax: Int) throws(SpillError) {
    guard bucket.memoryBytes <= bytesMax else {
      let sorter = ExternalSorter(
        order: GroupedOrder(order: order, grouping: .identities), pool: pool, spill: spill)
      try forEachMessage(bucket) { message throws(SpillError) in
        try sorter.append(message.value, textsIn: message.chunk)
      }
      try scanExternally(sorter)
      return
    }
    let chunks = try load(bucket)
    gather(chunks, .identities)
    forEachGroup(.identities) { state in
      for message in group { count(message, &state) { $0 } }
      state.scan.endIdentity(&state.recorder)
    }
    release(chunks)
  }

  // MARK: - In memory

  private func load(_ bucket: Shuffle.Bucket) throws(SpillError) -> [Chunk] {
    var chunks = bucket.chunks
    for extent in bucket.extents {
      chunks.append(try spill.read(extent, from: pool, scratch: &scratch))
    }
    return chunks
  }

  private func release(_ chunks: [Chunk]) {
    for chunk in chunks { pool.give(back: chunk) }
  }

  private func gather(_ chunks: [Chunk], _ grouping: Grouping) {
    var entries: [Entry] = []
    swap(&entries, &self.entries)
    defer { swap(&entries, &self.entries) }
    entries.removeAll(keepingCapacity: true)
    for chunk in chunks {
      let records = unsafe chunk.records(as: Message.self)
      guard let base = records.baseAddress else { continue }
      for index in 0..<records.count {
        let message = unsafe MessageReference(base + index)
        entries.append(
          Entry(group: order.hash(message, grouping), time: message.time, message: message))
      }
    }
  }

  /// Sorts what was gathered and calls `body` for each group, with its records in order in `group`.
  private func forEachGroup(_ grouping: Grouping, _ body: (inout State) -> Void) {
    spreadEntries()
    let spread = self.spread
    // A local copy, so that what changes with every record need not be guarded against access from
    // elsewhere.
    var state = self.state
    defer { self.state = state }
    var start = 0
    while start < spread.count {
      let hash = spread[start].group
      var end = start + 1
      var isOneGroup = true
      group.removeAll(keepingCapacity: true)
      group.append(spread[start].message)
      while end < spread.count && spread[end].group == hash {
        let message = spread[end].message
        if !order.areOneGroup(group[0], message, grouping) { isOneGroup = false }
        group.append(message)
        end += 1
      }
      if isOneGroup { body(&state) } else { splitGroups(grouping) { body(&state) } }
      start = end
    }
  }

  /// Hashes that collide: the run is sorted by the groups themselves and handed on group by group.
  private func splitGroups(_ grouping: Grouping, _ body: () -> Void) {
    let messages = group.sorted {
      let groupOrder = order.groupOrder($0, $1, grouping)
      return groupOrder == 0 ? order.precedes($0, $1) : groupOrder < 0
    }
    var rest = messages[...]
    while let first = rest.first {
      let end = rest.firstIndex { !order.areOneGroup(first, $0, grouping) } ?? rest.endIndex
      group = Array(rest[..<end])
      rest = rest[end...]
      body()
    }
  }

  /// Spreads the entries over parts by hash, and sorts each part.
  private func spreadEntries() {
    // Local arrays: the loops below touch nothing else.
    let entries = self.entries
    var spread: [Entry] = []
    swap(&spread, &self.spread)
    defer { swap(&spread, &self.spread) }
    let count = entries.count
    var bits = 0
    while bits < 14 && count >> (bits + 3) > 0 { bits += 1 }
    let shift = UInt64(64 - bits)
    var next = [Int](repeating: 0, count: 1 << bits + 1)
    @inline(__always) func part(_ hash: UInt64) -> Int {
      bits == 0 ? 0 : Int((hash << UInt64(Shuffle.bucketBits)) >> shift)
    }
    for entry in entries { next[part(entry.group) + 1] += 1 }
    for index in 1..<next.count { next[index] += next[index - 1] }
    if spread.count > count { spread.removeLast(spread.count - count) }
    if spread.count < count, let filler = entries.first {
      spread.append(contentsOf: repeatElement(filler, count: count - spread.count))
    }
    for entry in entries {
      let index = part(entry.group)
      spread[next[index]] = entry
      next[index] += 1
    }
    // Each part now ends where the next one began.
    var start = 0
    for index in 0..<(next.count - 1) {
      sortPart(&spread, start..<next[index])
      start = next[index]
    }
  }

  private func sortPart(_ spread: inout [Entry], _ range: Range<Int>) {
    guard range.count <= 48 else {
      spread[range].sort { comes($0, before: $1) }
      return
    }
    var index = range.lowerBound + 1
    while index < range.upperBound {
      let entry = spread[index]
      var hole = index
      while hole > range.lowerBound && comes(entry, before: spread[hole - 1]) {
        spread[hole] = spread[hole - 1]
        hole -= 1
      }
      if hole != index { spread[hole] = entry }
      index += 1
    }
  }

  @inline(__always)
  private func comes(_ left: Entry, before right: Entry) -> Bool {
    if left.group != right.group { return left.group < right.group }
    if left.time != right.time { return left.time < right.time }
    return order.precedes(left.message, right.message)
  }

  private func markDuplicates(_ state: inout State) {
    var conflicts: [MessageReference] = []
    deduplication.mark(group, scratch: &state.requests) { pair in
      if deduplication.isConflict(pair) { conflicts.append(pair.duplicate) }
    }
    for duplicate in conflicts { state.recorder.takeConflict(duplicate) }
  }

  /// Counts the records of one user.
  private func countUser(_ state: inout State) {
    markDuplicates(&state)
    if !usersAreIdentities && group.count > 1 {
      let grouped = GroupedOrder(order: order, grouping: .identities)
      group.sort {
        let groupOrder = grouped.order.groupOrder($0, $1, .identities)
        return groupOrder == 0 ? order.precedes($0, $1) : groupOrder < 0
      }
    }
    var identity: MessageReference?
    for message in group {
      if !usersAreIdentities {
        if let identity, !order.areOneGroup(identity, message, .identities) {
          state.scan.endIdentity(&state.recorder)
        }
        identity = message
      }
      count(message, &state) { $0 }
    }
    state.scan.endIdentity(&state.recorder)
  }

  @inline(__always)
  private func count(
    _ message: MessageReference, _ state: inout State,
    hold: (MessageReference) -> MessageReference
  ) {
    if message.isDuplicate {
      state.recorder.takeDuplicate(message)
    } else if order.entry(message).meter == .item {
      state.recorder.takeItem(message)
    } else {
      state.scan.take(message, &state.recorder, hold: hold)
    }
  }

  /// Hands a record on to the shuffle that brings identities together.
  private func pass(_ message: MessageReference, to writer: ShuffleWriter) {
    var value = message.value
    let group = order.hash(message, .identities)
    let textBytes = value.externalBytes(in: message.chunk)
    let room = writer.room(
      inBucket: Shuffle.bucket(ofHash: group), stride: MemoryLayout<Message>.stride,
      textBytes: textBytes)
    if textBytes > 0 { value.moveTexts(from: message.chunk, to: room.chunk, at: room.textOffset) }
    unsafe room.record.storeBytes(of: value, as: Message.self)
  }

  // MARK: - On disk

  private func forEachMessage(
    _ bucket: Shuffle.Bucket, _ body: (MessageReference) throws(SpillError) -> Void
  ) throws(SpillError) {
    func visit(_ chunk: Chunk) throws(SpillError) {
      let records = unsafe chunk.records(as: Message.self)
      if let base = records.baseAddress {
        for index in 0..<records.count { try body(unsafe MessageReference(base + index)) }
      }
      pool.give(back: chunk)
    }
    for chunk in bucket.chunks { try visit(chunk) }
    for extent in bucket.extents {
      try visit(try spill.read(extent, from: pool, scratch: &scratch))
    }
  }

  /// Sorts a bucket by request id, marks duplicates in one pass and hands every record on.
  private func markDuplicatesExternally(
    _ bucket: Shuffle.Bucket, _ body: @escaping (MessageReference) throws(SpillError) -> Void
  ) throws(SpillError) {
    let sorter = ExternalSorter(
      order: GroupedOrder(order: order, grouping: .requests), pool: pool, spill: spill)
    try forEachMessage(bucket) { message throws(SpillError) in
      if message.request.isEmpty {
        try body(message)
      } else {
        try sorter.append(message.value, textsIn: message.chunk)
      }
    }
    sorter.finish()
    var stream = DuplicateStream(deduplication: deduplication, order: order, pool: pool)
    var failure: SpillError?
    try unsafe ExternalSorter.forEach(in: [sorter]) { record in
      do throws(SpillError) {
        try stream.take(
          unsafe MessageReference(record), conflict: { state.recorder.takeConflict($0) }, body)
      } catch {
        failure = error
      }
      return failure == nil
    }
    if let failure { throw failure }
    try stream.finish(body)
  }

  /// Counts records sorted externally by identity, in one pass.
  private func scanExternally(_ sorter: ExternalSorter<GroupedOrder>) throws(SpillError) {
    sorter.finish()
    var state = self.state
    defer { self.state = state }
    let identity = HeldMessage(pool: pool)
    let first = HeldMessage(pool: pool)
    try unsafe ExternalSorter.forEach(in: [sorter]) { record in
      let message = unsafe MessageReference(record)
      if let held = identity.message, !order.areOneGroup(held, message, .identities) {
        state.scan.endIdentity(&state.recorder)
        identity.release()
      }
      if identity.message == nil { identity.hold(message) }
      count(message, &state) { first.hold($0) }
      return state.recorder.failure == nil
    }
    state.scan.endIdentity(&state.recorder)
    if let failure = state.recorder.failure { throw failure }
  }
}
