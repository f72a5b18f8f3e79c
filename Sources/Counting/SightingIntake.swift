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
  private var traffic = TrafficCounts()

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
    return traffic
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

  private var places: [Key: Int] = [:]
  private var counts: [Int32] = []
  /// The block at hand, and the places there of attributions; −1 where they were not met.
  private var block = Int32.min
  private var placesOfBlock: [Int] = []
  private var log = (number: Int32(0), place: 0)

  public init() {}

  @inline(__always)
  mutating func add(attribution number: UInt32, source: UInt64, time: Int64) {
    guard time >= 0 else { return }
    let slot = time / Self.slotMicroseconds
    let block = Int32(truncatingIfNeeded: slot / Int64(Self.slotsOfBlock))
    let index = Int(slot % Int64(Self.slotsOfBlock))
    if block != self.block { begin(block) }
    var place = Int(number) < placesOfBlock.count ? placesOfBlock[Int(number)] : -1
    if place < 0 { place = note(attribution: number) }
    counts[place &+ index] &+= 1
    let file = -1 - Int32(truncatingIfNeeded: source >> (Source.lineBits + Source.blockBits))
    if file != log.number { log = (file, self.place(of: Key(number: file, block: block))) }
    counts[log.place &+ index] &+= 1
  }

  private mutating func begin(_ block: Int32) {
    self.block = block
    placesOfBlock.removeAll(keepingCapacity: true)
    log.number = 0
  }

  private mutating func note(attribution number: UInt32) -> Int {
    while placesOfBlock.count <= Int(number) { placesOfBlock.append(-1) }
    let place = place(of: Key(number: Int32(number), block: block))
    placesOfBlock[Int(number)] = place
    return place
  }

  private mutating func place(of key: Key) -> Int {
    if let place = places[key] { return place }
    let place = counts.count
    places[key] = place
    counts.append(contentsOf: repeatElement(0, count: Self.slotsOfBlock))
    return place
  }

  mutating func merge(_ other: TrafficCounts) {
    for (key, place) in other.places {
      let own = self.place(of: key)
      for index in 0..<Self.slotsOfBlock { counts[own + index] += other.counts[place + index] }
    }
  }

  /// Calls `body` with every slot that has calls: the number of an attribution, or of a log, the slot's number
  /// since 1970, and its calls; in no order.
  public func forEach(_ body: (_ attribution: Int?, _ log: Int?, _ slot: Int64, Int) -> Void) {
    for (key, place) in places {
      for index in 0..<Self.slotsOfBlock where counts[place + index] > 0 {
        let count = counts[place + index]
        let number = Int(key.number)
        body(
          number >= 0 ? number : nil, number < 0 ? -1 - number : nil,
          Int64(key.block) * Int64(Self.slotsOfBlock) + Int64(index), Int(count))
      }
    }
  }
}
