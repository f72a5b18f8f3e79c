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
  struct Entry: BitwiseCopyable {
    var group: UInt64
    var time: Int64
    var message: MessageReference
  }

  /// Records of one group in order, where they were sorted.
  struct Run: MessageCollection {
    let entries: PlainTable<Entry>
    let startIndex: Int
    let endIndex: Int

    @inline(__always)
    subscript(index: Int) -> MessageReference { entries[index].message }
  }

  private struct State {
    var scan: ConversationScan
    var recorder: UnitRecorder
    var requests = RequestTable()
    /// For what is carried over: what it counts for if nothing comes behind it.
    var provisionalScan: ConversationScan
    var provisional: UnitRecorder
  }

  /// What a reduce carries over, and where it puts that.
  public struct CarryoverSink {
    let carryover: Carryover
    public let records: ExternalSorter<CarryoverOrder>
    public let provisionalRows: ExternalSorter<UsageOrder>?

    /// - Parameters:
    ///   - records: takes what is carried over.
    ///   - provisionalRows: takes the units that it makes if nothing comes behind it.
    public init(
      _ carryover: Carryover, records: ExternalSorter<CarryoverOrder>,
      provisionalRows: ExternalSorter<UsageOrder>?
    ) {
      self.carryover = carryover
      self.records = records
      self.provisionalRows = provisionalRows
    }
  }

  /// How many records ahead of the one at hand are on their way into the cache: in the order in
  /// which they are counted, and in the one in which they lie.
  private static let prefetchDistance = 12
  private static let gatherDistance = 16

  private let order: MessageOrder
  private let pool: ChunkPool
  private let spill: SpillFile
  private let deduplication: Deduplication
  private let carryover: CarryoverSink?
  /// Whether the records of a user, in order, are the records of one identity.
  private let usersAreIdentities: Bool
  /// Takes what is seen of calls, where messages carry their traces.
  let observer: (any SightingObserver)?
  /// Bytes from one message to the next.
  private let messageStride: Int
  let sightings = PlainTable<SightingPlace>()
  /// What changes with every record; taken out while a bucket is counted.
  private var state: State
  private let entries = PlainTable<Entry>()
  private let spread = PlainTable<Entry>()
  /// For each part, where its next entry goes.
  private let parts = PlainTable<Int>()
  private var scratch: [UInt8] = []
  private var carryoverFailure: SpillError?

  /// - Parameters:
  ///   - inputEnd: the time of the last record of the input, in microseconds.
  ///   - rows: takes the units, where they are wanted one by one.
  ///   - rivals: what of other definitions is counted too.
  ///   - carryover: where what follows the input bears on it: what takes the records concerned, which are
  ///     then not counted.
  ///   - observer: takes what is seen of calls; then, and only then, messages that are brought together by user
  ///     carry their traces.
  public init(
    attributions: Attributions, terms: Terms, inputEnd: Int64, pool: ChunkPool, spill: SpillFile,
    rows: ExternalSorter<UsageOrder>?, rivals: RivalCounting? = nil,
    carryover: CarryoverSink? = nil, observer: (any SightingObserver)? = nil
  ) {
    self.observer = observer
    messageStride =
      observer == nil ? MemoryLayout<Message>.stride : MemoryLayout<TracedMessage>.stride
    precondition(rivals == nil || carryover == nil, "rival definitions are counted of whole inputs")
    self.carryover = carryover
    order = MessageOrder(attributions: attributions)
    self.pool = pool
    self.spill = spill
    deduplication = Deduplication(order: order)
    usersAreIdentities =
      terms.rules.allSatisfy { $0.identity == [.user] } && terms.contracts.count == 1
    // What ends with the day is no longer open when the next one begins.
    let end = carryover.map { min(inputEnd, $0.carryover.end) } ?? inputEnd
    state = State(
      scan: ConversationScan(order: order, inputEnd: end),
      recorder: UnitRecorder(order: order, terms: terms, rows: rows, rivals: rivals),
      provisionalScan: ConversationScan(order: order, inputEnd: inputEnd),
      provisional: UnitRecorder(order: order, terms: terms, rows: carryover?.provisionalRows))
  }

  /// The bytes of memory that a reduce of so many bytes of chunks takes beside them.
  public static func workingBytes(forChunkBytes bytes: Int) -> Int {
    bytes / MemoryLayout<Message>.stride * 2 * MemoryLayout<Entry>.stride
  }

  /// What was found; to be called once, after the last bucket.
  public func finish() throws(SpillError) -> ReduceSummary {
    if let failure = failure(state) { throw failure }
    return state.recorder.finish()
  }

  /// What the records that were carried over count for if nothing comes behind them; to be called once.
  public func finishProvisional() -> ReduceSummary { state.provisional.finish() }

  private func failure(_ state: State) -> SpillError? {
    state.recorder.failure ?? state.provisional.failure ?? carryoverFailure
  }

  // MARK: - Plans

  /// Counts a bucket of records brought together by user.
  ///
  /// - Parameter bytesMax: the memory that the bucket may take when read back.
  public func reduceByUser(_ bucket: Shuffle.Bucket, bytesMax: Int) throws(SpillError) {
    guard bucket.memoryBytes <= bytesMax else {
      let sorter = ExternalSorter(
        order: GroupedOrder(order: order, grouping: .identities), pool: pool, spill: spill)
      let seen = observer.map { _ in
        ExternalSorter(order: SightingOrder(order.attributions), pool: pool, spill: spill)
      }
      try markDuplicatesExternally(bucket, seen) { message throws(SpillError) in
        try sorter.append(message.value, textsIn: message.chunk)
      }
      if let seen { try observeExternally(seen) }
      try scanExternally(sorter)
      return
    }
    let chunks = try load(bucket)
    gather(chunks, .users)
    forEachGroup(.users) { state, group in
      if observer != nil { observe(group) }
      countUser(&state, group)
    }
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
    forEachGroup(.requests) { state, group in
      markDuplicates(&state, group)
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
    forEachGroup(.identities) { countIdentity($1, &$0) }
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
    let entries = self.entries
    let stride = messageStride
    entries.removeAll(reserving: chunks.reduce(0) { $0 + $1.recordCount(stride: stride) })
    for chunk in chunks {
      for index in 0..<chunk.recordCount(stride: stride) {
        let message = MessageReference(index, in: chunk, stride: stride)
        MessageReference(index + Self.gatherDistance, in: chunk, stride: stride)
          .prefetch(stride: stride)
        entries.append(
          Entry(group: order.hash(message, grouping), time: message.time, message: message))
      }
    }
  }

  /// Sorts what was gathered and calls `body` for each group with its records in order.
  private func forEachGroup(
    _ grouping: Grouping, _ body: (inout State, Run) -> Void
  ) {
    spreadEntries()
    let spread = self.spread
    let order = self.order
    // A local value, so that what changes with every record need not be guarded against access from
    // elsewhere.
    var state = self.state
    defer { self.state = state }
    var start = 0
    while start < spread.count {
      let hash = spread[start].group
      let first = spread[start].message
      var end = start + 1
      var isOneGroup = true
      while end < spread.count && spread[end].group == hash {
        if end + Self.prefetchDistance < spread.count {
          spread[end + Self.prefetchDistance].message.prefetch(stride: messageStride)
        }
        if !order.areOneGroup(first, spread[end].message, grouping) { isOneGroup = false }
        end += 1
      }
      let run = Run(entries: spread, startIndex: start, endIndex: end)
      if isOneGroup { body(&state, run) } else { splitGroups(run, grouping, &state, body) }
      start = end
    }
  }

  /// Hashes that collide: the run is sorted by the groups themselves and handed on group by group.
  private func splitGroups(
    _ run: Run, _ grouping: Grouping, _ state: inout State, _ body: (inout State, Run) -> Void
  ) {
    let entries = run.entries
    entries.sort(run.indices) {
      let groupOrder = order.groupOrder($0.message, $1.message, grouping)
      return groupOrder == 0 ? order.precedes($0.message, $1.message) : groupOrder < 0
    }
    var start = run.startIndex
    while start < run.endIndex {
      let first = run[start]
      let end =
        (start..<run.endIndex).first { !order.areOneGroup(first, run[$0], grouping) }
        ?? run.endIndex
      body(&state, Run(entries: entries, startIndex: start, endIndex: end))
      start = end
    }
  }

  /// Spreads the entries over parts by hash, and sorts each part.
  private func spreadEntries() {
    let entries = self.entries
    let spread = self.spread
    let count = entries.count
    var bits = 0
    while bits < 14 && count >> (bits + 3) > 0 { bits += 1 }
    let shift = UInt64(64 - bits)
    let bucketBits = UInt64(Shuffle.bucketBits(memoryBytes: pool.bytesMax))
    let next = self.parts
    next.clear(repeating: 0, count: 1 << bits + 1)
    @inline(__always) func part(_ hash: UInt64) -> Int {
      bits == 0 ? 0 : Int((hash << bucketBits) >> shift)
    }
    for index in 0..<count { next[part(entries[index].group) &+ 1] &+= 1 }
    for index in 1..<next.count { next[index] &+= next[index &- 1] }
    spread.resize(to: count)
    for index in 0..<count {
      let entry = entries[index]
      let place = part(entry.group)
      spread[next[place]] = entry
      next[place] &+= 1
    }
    // Each part now ends where the next one began.
    var start = 0
    for index in 0..<(next.count - 1) {
      sortPart(spread, start..<next[index])
      start = next[index]
    }
  }

  private func sortPart(_ spread: PlainTable<Entry>, _ range: Range<Int>) {
    guard range.count <= 48 else {
      spread.sort(range) { comes($0, before: $1) }
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

  private func markDuplicates(_ state: inout State, _ group: Run) {
    var conflicts: [MessageReference] = []
    deduplication.mark(group, scratch: &state.requests) { pair in
      if deduplication.isConflict(pair) { conflicts.append(pair.duplicate) }
    }
    for duplicate in conflicts { state.recorder.takeConflict(duplicate) }
  }

  /// Counts the records of one user.
  private func countUser(_ state: inout State, _ group: Run) {
    markDuplicates(&state, group)
    if usersAreIdentities || group.count == 1 {
      countIdentity(group, &state)
      return
    }
    let grouped = group.sorted {
      let groupOrder = order.groupOrder($0, $1, .identities)
      return groupOrder == 0 ? order.precedes($0, $1) : groupOrder < 0
    }
    var start = 0
    while start < grouped.count {
      var end = start + 1
      while end < grouped.count && order.areOneGroup(grouped[start], grouped[end], .identities) {
        end += 1
      }
      countIdentity(grouped[start..<end], &state)
      start = end
    }
  }

  /// Counts the records of one identity, given in order, duplicates marked.
  @inline(__always)
  private func countIdentity(
    _ messages: some RandomAccessCollection<MessageReference>, _ state: inout State
  ) {
    if carryover != nil {
      countDay(messages, &state)
      return
    }
    for message in messages { count(message, &state) { $0 } }
    state.scan.endIdentity(&state.recorder)
    state.recorder.sweep?.endIdentity()
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
      state.recorder.sweep?.take(message)
    }
  }

  // MARK: - Carrying over

  /// Counts what a day has of an identity, but for what is carried over.
  private func countDay(
    _ messages: some RandomAccessCollection<MessageReference>, _ state: inout State
  ) {
    guard let sink = carryover, let last = messages.last else { return }
    var start = messages.count
    if sink.carryover.isNear(last.time) {
      var scan = CarryoverScan(sink.carryover, order)
      for (place, message) in messages.enumerated() { _ = scan.take(message, at: place) }
      start = scan.start(of: messages.count)
    }
    var isEnded = false
    for (place, message) in messages.enumerated() {
      if place >= start && !isEnded {
        isEnded = true
        state.scan.end(before: message, &state.recorder)
      }
      countOfDay(message, isCarriedOver: place >= start, sink, &state) { $0 }
    }
    state.scan.endIdentity(&state.recorder)
    state.provisionalScan.endIdentity(&state.provisional)
  }

  /// Counts a record of a day, or carries it over.
  private func countOfDay(
    _ message: MessageReference, isCarriedOver: Bool, _ sink: CarryoverSink, _ state: inout State,
    hold: (MessageReference) -> MessageReference
  ) {
    if message.isDuplicate {
      // A duplicate remains one, whatever follows, and covers nothing itself.
      if !message.isReference { state.recorder.takeDuplicate(message) }
      return
    }
    let isItem = order.entry(message).meter == .item
    let isCarriedOver = isItem ? sink.carryover.isUndecided(message) : isCarriedOver
    if !message.isReference && isCarriedOver {
      carryOver(message, tag: message.tag, sink)
      if isItem {
        state.provisional.takeItem(message)
      } else {
        state.provisionalScan.take(message, &state.provisional, hold: hold)
      }
      return
    }
    if sink.carryover.coversRepetitions(message) {
      carryOver(message, tag: message.tag | Message.referenceFlag, sink)
    }
    if !message.isReference { count(message, &state, hold: hold) }
  }

  private func carryOver(_ message: MessageReference, tag: UInt32, _ sink: CarryoverSink) {
    var value = message.value
    value.tag = tag
    do throws(SpillError) {
      try sink.records.append(value, textsIn: message.chunk)
    } catch {
      carryoverFailure = carryoverFailure ?? error
    }
  }

  /// Hands a record on to the shuffle that brings identities together.
  private func pass(_ message: MessageReference, to writer: ShuffleWriter) {
    var value = message.value
    let group = order.hash(message, .identities)
    let textBytes = value.externalBytes(in: message.chunk)
    let room = writer.room(
      forHash: group, stride: MemoryLayout<Message>.stride,
      textBytes: textBytes)
    if textBytes > 0 { value.moveTexts(from: message.chunk, to: room.chunk, at: room.textOffset) }
    unsafe room.record.storeBytes(of: value, as: Message.self)
  }

  // MARK: - On disk

  private func forEachMessage(
    _ bucket: Shuffle.Bucket, _ body: (MessageReference) throws(SpillError) -> Void
  ) throws(SpillError) {
    func visit(_ chunk: Chunk) throws(SpillError) {
      for index in 0..<chunk.recordCount(stride: messageStride) {
        try body(MessageReference(index, in: chunk, stride: messageStride))
      }
      pool.give(back: chunk)
    }
    for chunk in bucket.chunks { try visit(chunk) }
    for extent in bucket.extents {
      try visit(try spill.read(extent, from: pool, scratch: &scratch))
    }
  }

  /// Sorts a bucket by request id, marks duplicates in one pass and hands every record on.
  ///
  /// - Parameter seen: takes what is seen of calls.
  private func markDuplicatesExternally(
    _ bucket: Shuffle.Bucket, _ seen: ExternalSorter<SightingOrder>? = nil,
    _ body: @escaping (MessageReference) throws(SpillError) -> Void
  ) throws(SpillError) {
    let sorter = ExternalSorter(
      order: GroupedOrder(order: order, grouping: .requests), pool: pool, spill: spill)
    try forEachMessage(bucket) { message throws(SpillError) in
      if let seen, message.trace.isSeen {
        try seen.append(
          Sighting(message.value, message.trace, in: message.chunk), textsIn: message.chunk)
      }
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
    // Where what follows bears on a conversation: its records, until it is known whether it does.
    let conversation = HeldMessages(pool: pool)
    var scan = carryover.map { CarryoverScan($0.carryover, order) }
    try unsafe ExternalSorter.forEach(in: [sorter]) { record in
      let message = unsafe MessageReference(record)
      if let held = identity.message, !order.areOneGroup(held, message, .identities) {
        endIdentity(conversation, &state)
        identity.release()
      }
      if identity.message == nil {
        identity.hold(message)
        scan = carryover.map { CarryoverScan($0.carryover, order) }
      }
      guard let sink = carryover else {
        count(message, &state) { first.hold($0) }
        return state.recorder.failure == nil
      }
      // The scan holds the conversation's first record longer than the sorter does.
      let held = conversation.hold(message)
      let isApart = scan?.take(held, at: conversation.messages.count - 1) ?? false
      if isApart && scan?.isDecided ?? false && conversation.messages.count > 1 {
        for message in conversation.messages.dropLast() {
          countOfDay(message, isCarriedOver: false, sink, &state) { first.hold($0) }
        }
        state.scan.end(before: held, &state.recorder)
        conversation.keepLast()
        scan = CarryoverScan(sink.carryover, order)
        _ = scan?.take(conversation.messages[0], at: 0)
      }
      return failure(state) == nil
    }
    endIdentity(conversation, &state)
    if let failure = failure(state) { throw failure }
  }

  private func endIdentity(_ conversation: HeldMessages, _ state: inout State) {
    if carryover == nil {
      state.scan.endIdentity(&state.recorder)
      state.recorder.sweep?.endIdentity()
    } else {
      countDay(conversation.messages, &state)
      conversation.removeAll()
    }
  }
}
