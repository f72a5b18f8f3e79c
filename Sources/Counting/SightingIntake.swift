internal import CivilTime
internal import Decoding
internal import Formats
internal import Parsing
internal import Shuffling

/// What one thread sees of the calls that it maps; see ``Sighting``.
struct SightingIntake {
  private let writer: ShuffleWriter
  private var keeper = TraceKeeper()
  /// Whether the calls have no texts of their traces, but what was kept of these.
  var areKept = false
  /// How many calls there were, by attribution and log and five minutes.
  private var traffic = TrafficTally()

  /// - Parameter shuffle: where sightings go.
  init(_ shuffle: Shuffle) { writer = ShuffleWriter(shuffle) }

  var failure: SpillError? { writer.failure }

  /// Takes a call that is counted.
  ///
  /// - Parameters:
  ///   - user: its user, packed.
  /// - Returns: what its message carries.
  @inline(never)
  mutating func trace(
    _ call: Call, _ bytes: ByteView, attribution: UInt32, source: UInt64,
    user: (text: PackedText, kind: PackedText.Kind, externalBytes: Int), licensee: Int32
  ) -> MessageTrace {
    traffic.add(attribution: attribution, source: source, time: call.time.microseconds)
    let traces = traces(of: call, bytes)
    let client = client(of: call, bytes)
    if traces.pathTraits != 0 || TraceKeeper.isRefused(call) {
      takeRefusal(
        call, bytes, traces, client, attribution: attribution, user, call[.user], source: source,
        licensee: licensee)
    }
    return MessageTrace(traces, client: client, latency: call.latency, status: call.status)
  }

  /// Takes a call whose message does not come where users are brought together.
  ///
  /// - Parameter message: as it lies in its chunk.
  @inline(never)
  mutating func take(_ message: Message, in chunk: Chunk, _ trace: MessageTrace, userHash: UInt64) {
    var sighting = Sighting(message, trace, in: chunk)
    let textBytes = sighting.externalBytes(in: chunk)
    let room = writer.room(
      forHash: userHash, stride: MemoryLayout<Sighting>.stride, textBytes: textBytes)
    if textBytes > 0 { sighting.moveTexts(from: chunk, to: room.chunk, at: room.textOffset) }
    unsafe room.record.storeBytes(of: sighting, as: Sighting.self)
  }

  private mutating func traces(of call: Call, _ bytes: ByteView) -> KeptTraces {
    areKept ? call.keptTraces : keeper.traces(of: call, bytes)
  }

  private func client(of call: Call, _ bytes: ByteView) -> UInt32 {
    UInt32(truncatingIfNeeded: TraceKeeper.hash(call[.clientIP], bytes, .client))
  }

  /// Takes a call of no contract, of which only what it was refused matters.
  mutating func takeStranger(_ call: Call, _ bytes: ByteView, source: UInt64) {
    takeRefused(
      call, bytes, attribution: Sighting.noAttribution, naming: call[.licensee], source: source,
      licensee: nil)
  }

  /// Takes a call that lacks what its contract's identity asks for, likewise.
  mutating func takeUnplaced(
    _ call: Call, _ bytes: ByteView, attribution: UInt32, source: UInt64, licensee: Int32
  ) {
    takeRefused(
      call, bytes, attribution: attribution, naming: call[.user], source: source,
      licensee: licensee)
  }

  private mutating func takeRefused(
    _ call: Call, _ bytes: ByteView, attribution: UInt32, naming slice: Slice, source: UInt64,
    licensee number: Int32?
  ) {
    let traces = traces(of: call, bytes)
    guard traces.pathTraits != 0 || TraceKeeper.isRefused(call) else { return }
    takeRefusal(
      call, bytes, traces, client(of: call, bytes), attribution: attribution,
      PackedText.pack(bytes, start: Int(slice.start), count: Int(slice.count)), slice,
      source: source, licensee: number)
  }

  /// - Parameter user: the text that is taken for the user, and where it stands.
  @inline(never)
  private mutating func takeRefusal(
    _ call: Call, _ bytes: ByteView, _ traces: KeptTraces, _ client: UInt32, attribution: UInt32,
    _ user: (text: PackedText, kind: PackedText.Kind, externalBytes: Int), _ slice: Slice,
    source: UInt64, licensee: Int32?
  ) {
    var sighting = Sighting(
      time: call.time.microseconds, source: source, question: traces.path, user: user.text,
      request: 0, client: client, device: traces.device,
      tag: attribution << 8 | Sighting.refusalFlag
        | UInt32(user.kind.rawValue) << Sighting.userKindShift,
      conversation: 0, latency: 0, items: 0,
      result: UInt16(truncatingIfNeeded: call.status & 0x3FF) | traces.pathTraits << 10)
    let room = writer.room(
      forHash: Sighting.refusalGroup(seed: Sighting.seed(ofLicensee: licensee)),
      stride: MemoryLayout<Sighting>.stride, textBytes: user.externalBytes)
    if user.externalBytes > 0 {
      sighting.user = user.text.stored(
        bytes, start: Int(slice.start), count: Int(slice.count), in: room.chunk,
        at: room.textOffset)
    }
    unsafe room.record.storeBytes(of: sighting, as: Sighting.self)
  }

  /// Passes the last sightings on; to be called once.
  mutating func finish() throws(SpillError) -> TrafficCounts {
    try writer.finish()
    return traffic.finish()
  }
}

/// Adds up ``TrafficCounts`` on one thread: a slot and log at a time, apart.
private struct TrafficTally {
  private var counts = TrafficCounts()
  /// The first microsecond of the slot at hand, and its log.
  private var start = Int64.max
  private var log = UInt64.max
  private var ofLog = TrafficCounts.LogSlot()
  /// Of the slot at hand, the calls of each attribution, and which have any.
  private let calls = PlainTable<Int32>()
  private let attributions = PlainTable<UInt32>()

  @inline(__always)
  mutating func add(attribution number: UInt32, source: UInt64, time: Int64) {
    let log = source >> (Source.lineBits + Source.blockBits)
    if time < start || time &- start >= TrafficCounts.slotMicroseconds || log != self.log {
      guard time >= 0 else { return }
      enter(time, log)
    }
    let place = Int(number)
    if place >= calls.count { grow(to: place + 1) }
    let count = calls[place]
    calls[place] = count &+ 1
    if count == 0 { attributions.append(number) }
    ofLog.add(TrafficCounts.Line(time: time, source: source))
  }

  @inline(never)
  private mutating func grow(to count: Int) {
    while calls.count < count { calls.append(0) }
  }

  /// Goes to the slot of a time, and to a log.
  @inline(never)
  private mutating func enter(_ time: Int64, _ log: UInt64) {
    leave()
    start = time / TrafficCounts.slotMicroseconds * TrafficCounts.slotMicroseconds
    self.log = log
  }

  /// Books the slot at hand.
  private mutating func leave() {
    guard ofLog.calls > 0 else { return }
    let slot = start / TrafficCounts.slotMicroseconds
    for number in attributions {
      counts.add(calls[Int(number)], attribution: number, slot: slot)
      calls[Int(number)] = 0
    }
    attributions.removeAll(reserving: 0)
    counts.add(ofLog, log: Int32(truncatingIfNeeded: log), slot: slot)
    ofLog = TrafficCounts.LogSlot()
  }

  mutating func finish() -> TrafficCounts {
    leave()
    return counts
  }
}

/// How many calls there were in each five minutes, by attribution and by log. Merges are sums.
public struct TrafficCounts: Sendable {
  /// Microseconds of a slot.
  public static let slotMicroseconds: Int64 = 300_000_000
  static let slotsOfBlock = 288

  struct Key: Hashable, Sendable {
    /// The number of the attribution; −1 − the number of a log.
    var number: Int32
    /// The number of the block of 288 slots since 1970: a day in UTC.
    var block: Int32
  }

  /// Of a log in a slot: its calls, and the first and the last of them.
  struct LogSlot: Sendable {
    var calls: Int32 = 0
    var first = Line(time: .max, source: .max)
    var last = Line(time: .min, source: 0)

    @inline(__always)
    mutating func add(_ line: Line) {
      calls &+= 1
      if line < first { first = line }
      if last < line { last = line }
    }

    mutating func merge(_ other: LogSlot) {
      calls += other.calls
      first = min(first, other.first)
      last = max(last, other.last)
    }
  }

  /// A line's time and number.
  public struct Line: Sendable, Hashable, Comparable {
    public var time: Int64
    public var source: UInt64

    public init(time: Int64, source: UInt64) {
      self.time = time
      self.source = source
    }

    @inline(__always)
    public static func < (left: Line, right: Line) -> Bool {
      left.time != right.time ? left.time < right.time : left.source < right.source
    }
  }

  private var places: [Key: Int] = [:]
  /// Of each attribution, its block that came last, and the place of that.
  private var lastPlaces: [(block: Int32, place: Int)] = []
  private var counts: [Int32] = []
  private var logPlaces: [Key: Int] = [:]
  private var logSlots: [LogSlot] = []

  public init() {}

  /// Adds calls of an attribution in a slot since 1970.
  mutating func add(_ calls: Int32, attribution number: UInt32, slot: Int64) {
    let (block, index) = Self.block(of: slot)
    let number = Int(number)
    while lastPlaces.count <= number { lastPlaces.append((.min, 0)) }
    if lastPlaces[number].block != block {
      lastPlaces[number] = (block, place(of: Key(number: Int32(number), block: block)))
    }
    counts[lastPlaces[number].place + index] += calls
  }

  /// Adds calls of a log in a slot since 1970.
  mutating func add(_ calls: LogSlot, log number: Int32, slot: Int64) {
    let (block, index) = Self.block(of: slot)
    logSlots[logPlace(of: Key(number: -1 - number, block: block)) + index].merge(calls)
  }

  /// A slot's block, and its place there.
  private static func block(of slot: Int64) -> (Int32, Int) {
    let (block, index) = slot.quotientAndRemainder(dividingBy: Int64(slotsOfBlock))
    return (Int32(truncatingIfNeeded: block), Int(index))
  }

  private mutating func place(of key: Key) -> Int {
    if let place = places[key] { return place }
    let place = counts.count
    places[key] = place
    counts.append(contentsOf: repeatElement(0, count: Self.slotsOfBlock))
    return place
  }

  private mutating func logPlace(of key: Key) -> Int {
    if let place = logPlaces[key] { return place }
    let place = logSlots.count
    logPlaces[key] = place
    logSlots.append(contentsOf: repeatElement(LogSlot(), count: Self.slotsOfBlock))
    return place
  }

  mutating func merge(_ other: TrafficCounts) {
    for (key, place) in other.places {
      let own = self.place(of: key)
      for index in 0..<Self.slotsOfBlock { counts[own + index] += other.counts[place + index] }
    }
    for (key, place) in other.logPlaces {
      let own = logPlace(of: key)
      for index in 0..<Self.slotsOfBlock {
        logSlots[own + index].merge(other.logSlots[place + index])
      }
    }
  }

  /// Calls `body` with every slot in which an attribution has calls: its number, the slot's number since 1970, and the
  /// calls; in no order.
  public func forEachAttribution(_ body: (_ attribution: Int, _ slot: Int64, Int) -> Void) {
    for (key, place) in places {
      for index in 0..<Self.slotsOfBlock where counts[place + index] > 0 {
        body(
          Int(key.number), Int64(key.block) * Int64(Self.slotsOfBlock) + Int64(index),
          Int(counts[place + index]))
      }
    }
  }

  /// As ``forEachAttribution(_:)``, with a log's number, and its first and last call of the slot.
  public func forEachLog(
    _ body: (_ log: Int, _ slot: Int64, Int, _ first: Line, _ last: Line) -> Void
  ) {
    for (key, place) in logPlaces {
      for index in 0..<Self.slotsOfBlock {
        let slot = logSlots[place + index]
        guard slot.calls > 0 else { continue }
        body(
          -1 - Int(key.number), Int64(key.block) * Int64(Self.slotsOfBlock) + Int64(index),
          Int(slot.calls), slot.first, slot.last)
      }
    }
  }
}
