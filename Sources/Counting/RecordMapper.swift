public import CivilTime
internal import Contracts
public import Decoding
internal import Formats
public import Parsing
public import Shuffling

/// A quarantined line.
public struct Quarantined: Sendable, Hashable {
  public var source: UInt64
  public var rejection: Rejection

  public init(source: UInt64, rejection: Rejection) {
    self.source = source
    self.rejection = rejection
  }
}

/// What a thread's mapping leaves beside the messages themselves. Merges add up.
public struct MapSummary: Sendable {
  public var balance = Balance()
  public var bytes = ByteBalance()
  /// The time of the last record.
  public var inputEnd: Instant?
  /// When anything was called, where that is noted.
  public var callTimes: CallTimes?
  /// Quarantined lines by reason.
  public var rejections: [Rejection: FirstSources] = [:]
  /// The first quarantined lines of all, for the list that is shown.
  public var quarantined: [Quarantined] = []
  // The days of these are told apart where the terms say so.
  /// Records of no contract, by the licensee that they name.
  public var outside: [Dated<String>: UseCount] = [:]
  /// Records without the identity's fields, by contract and licensee.
  public var unplaced: [Dated<UsageOwner>: FirstSources] = [:]
  /// Records counted, by what the contracts' lists speak of.
  public var uses: [Dated<UseKey>: UseCount] = [:]
  public var places: [Dated<UnlistedPlaceKey>: UseCount] = [:]
  /// Calls by five minutes, where sightings are taken.
  public var traffic = TrafficCounts()

  /// Quarantined lines that are kept with their reason; all are counted.
  public static let quarantinedMax = 10_000

  public init() {}

  public mutating func merge(_ other: MapSummary) {
    balance.merge(other.balance)
    bytes.merge(other.bytes)
    if let end = other.inputEnd { inputEnd = inputEnd.map { max($0, end) } ?? end }
    if let times = other.callTimes { callTimes = callTimes.map { $0.merged(times) } ?? times }
    rejections.merge(other.rejections) { $0.merged(with: $1) }
    quarantined = Array(
      (quarantined + other.quarantined).sorted { $0.source < $1.source }
        .prefix(Self.quarantinedMax))
    outside.merge(other.outside) { $0.merged(with: $1) }
    unplaced.merge(other.unplaced) { $0.merged(with: $1) }
    uses.merge(other.uses) { $0.merged(with: $1) }
    places.merge(other.places) { $0.merged(with: $1) }
    traffic.merge(other.traffic)
  }
}

/// A contract's number and a licensee.
public struct UsageOwner: Sendable, Hashable, Codable {
  public var contract: String
  public var licensee: String

  public init(contract: String, licensee: String) {
    self.contract = contract
    self.licensee = licensee
  }
}

extension FirstSources {
  public func merged(with other: FirstSources) -> FirstSources {
    var sum = self
    sum.merge(other)
    return sum
  }
}

extension UseCount {
  public func merged(with other: UseCount) -> UseCount {
    var sum = self
    sum.merge(other)
    return sum
  }
}

/// Turns one thread's records into messages of a shuffle, and accounts for those that become none.
public struct RecordMapper: ~Copyable {
  /// What decides how records are brought together first.
  public enum Plan: Sendable {
    /// By user: duplicates and conversations are both found there.
    case byUser
    /// By request id, for duplicates; conversations, whose identity lacks the user, come second.
    case byRequest
  }

  private let plan: Plan
  private let writer: ShuffleWriter
  private var variants: VariantTable
  private var unlistedPlaces: UnlistedPlaces?
  private var sightings: SightingIntake?
  /// Whether messages carry traces: where users are brought together, what is seen of calls comes with them.
  private let carriesTraces: Bool
  private var summary = MapSummary()
  private var lastTime = Int64.min
  /// The block that records are received from.
  private var block: Block
  private var bytes: ByteView
  /// Bytes of the block's quarantined lines.
  private var quarantinedBytes = 0
  /// Where quarantined lines are kept, and those of the block.
  private let quarantine: QuarantineStore?
  private var quarantinedLines: [UInt8] = []
  private var quarantineFailure: SpillError?
  private var firstSource: UInt64 = 0
  /// The earliest and the latest time that a record can have.
  private let earliest = RecordMapper.earliestTime.microseconds
  private let latest: Int64

  /// 2000-01-01T00:00:00Z: what is earlier is a clock that was never set, or a unit mistaken.
  public static let earliestTime = Instant(seconds: 946_684_800)

  /// - Parameters:
  ///   - findsPlaces: whether origins and addresses are held against the contracts' lists.
  ///   - sightings: where what is seen of calls goes that does not come with their messages; `nil` where nobody
  ///     looks for misuse.
  ///   - quarantine: keeps quarantined lines as they are; `nil` where nobody wants them.
  ///   - latestTime: records of a later time are quarantined, as are those before ``earliestTime``.
  public init(
    terms: Terms, table: AttributionTable, plan: Plan, writer: ShuffleWriter, block: Block,
    findsPlaces: Bool, latestTime: Instant, sightings: Shuffle? = nil,
    quarantine: QuarantineStore? = nil
  ) {
    self.sightings = sightings.map { SightingIntake($0) }
    carriesTraces = sightings != nil && plan == .byUser
    self.quarantine = quarantine
    self.block = block
    latest = latestTime.microseconds
    self.plan = plan
    self.writer = writer
    variants = VariantTable(terms: terms, table: table)
    unlistedPlaces = findsPlaces ? UnlistedPlaces(terms) : nil
    bytes = block.wholeBytes
  }

  /// Whether records need their origins and addresses.
  public var findsPlaces: Bool { unlistedPlaces != nil }

  /// Whether calls are looked at for misuse, and need their origins, addresses and traces.
  public var findsTraces: Bool { sightings != nil }

  /// Prepares for the lines of another block.
  ///
  /// - Parameter areKept: whether the calls were kept, with what ``TraceKeeper`` made of their traces.
  public mutating func begin(_ block: Block, file: Int, areKept: Bool = false) {
    sightings?.areKept = areKept
    self.block = block
    bytes = block.wholeBytes
    quarantinedBytes = 0
    firstSource = Source.firstNumber(file: file, block: block.index)
  }

  /// Adds a parsed block's lines to the balance.
  public mutating func end(_ counts: LineCounts) {
    summary.balance.lines += counts.lines
    summary.balance.blank += counts.blank
    summary.balance.ignored += counts.ignored
    summary.bytes.blank += counts.blankBytes
    summary.bytes.quarantined += quarantinedBytes
    summary.bytes.records +=
      block.count + block.passedOverBytes - counts.blankBytes - quarantinedBytes
    guard let quarantine, !quarantinedLines.isEmpty else { return }
    do throws(SpillError) {
      try quarantine.put(quarantinedLines, firstSource: firstSource)
    } catch {
      quarantineFailure = quarantineFailure ?? error
    }
    quarantinedLines.removeAll(keepingCapacity: quarantinedLines.count <= Block.bytesMax)
  }

  /// Whether a line was quarantined.
  public var hasQuarantined: Bool { summary.balance.quarantined > 0 }

  /// What stopped the writing of messages or quarantined lines, if anything did.
  public var failure: SpillError? {
    if let failure = writer.failure { return failure }
    if sightings != nil, let failure = sightings?.failure { return failure }
    return quarantineFailure
  }

  /// Takes the line of which the block knows where it begins.
  @inline(never)
  public mutating func receive(_ rejection: Rejection, line: Int) {
    let source = firstSource | UInt64(line)
    summary.balance.quarantined += 1
    summary.rejections[rejection, default: FirstSources()].add(source)
    let quarantined = Quarantined(source: source, rejection: rejection)
    if summary.quarantined.count < 2 * MapSummary.quarantinedMax {
      summary.quarantined.append(quarantined)
    } else {
      summary.quarantined.sort { $0.source < $1.source }
      summary.quarantined.removeLast(MapSummary.quarantinedMax)
      summary.quarantined.append(quarantined)
    }
    keep(rejection, source)
  }

  /// Accounts for a quarantined line's bytes, and keeps them where they are wanted.
  private mutating func keep(_ rejection: Rejection, _ source: UInt64) {
    let start = block.rejectedLineStart
    let (line, bytesWithEnd) = QuarantinedLine.find(
      source: source, rejection, in: block, at: start)
    quarantinedBytes += bytesWithEnd
    guard quarantine != nil else { return }
    QuarantineStore.append(line, textAt: start, in: block, to: &quarantinedLines)
  }

  public mutating func receive(_ call: Call, line: Int) {
    let time = call.time.microseconds
    if time < earliest || time > latest {
      block.rejectedLineStart = call.lineStart
      return receive(time > latest ? .tooLate : .tooEarly, line: line)
    }
    if time > lastTime { lastTime = time }
    let source = firstSource | UInt64(truncatingIfNeeded: line)
    let number = variants.number(of: call, bytes)
    variants.count(number, time: time, source: source)
    let variant = variants.variants[number]
    guard variant.fate == .counted else {
      if variant.fate == .outside && variant.isReported {
        sightings?.takeStranger(call, bytes, source: source)
      }
      return
    }
    if unlistedPlaces != nil && variant.isReported {
      unlistedPlaces?.check(
        call, bytes, contract: Int(variant.contract), variants.uses[number], source: source)
    }
    if !variant.isItem && lacksIdentity(call, variant.identity) {
      summary.balance.unplaced += 1
      guard variant.isReported else { return }
      let use = variants.uses[number]
      let owner = UsageOwner(contract: use.key.contract, licensee: use.key.licensee)
      summary.unplaced[Dated(owner, day: use.day), default: FirstSources()].add(source)
      sightings?.takeUnplaced(
        call, bytes, attribution: variant.attribution, source: source, licensee: variant.licensee)
      return
    }
    write(
      call, variant, source,
      flags: variants.isSuccess(call.status, number) ? Message.successFlag : 0, isSeen: true)
  }

  /// Takes a record that a day before has carried over.
  ///
  /// - Parameters:
  ///   - source: where it stands; see ``Source``.
  ///   - flags: what was known of it.
  public mutating func receive(_ call: Call, source: UInt64, as flags: CarriedFlags) {
    let variant = variants.variants[variants.number(of: call, bytes)]
    guard variant.fate == .counted else {
      preconditionFailure("a record was carried over by other contracts than it is counted by")
    }
    write(call, variant, source, flags: flags.messageFlags, isSeen: false)
  }

  @inline(__always)
  private mutating func write(
    _ call: Call, _ variant: Variant, _ source: UInt64, flags: UInt32, isSeen: Bool
  ) {
    let user = pack(call[.user])
    let request = pack(call[.requestID])
    let conversation = pack(call[.conversation])
    let tag =
      variant.attribution << 8 | flags
      | UInt32(user.kind.rawValue) << Message.userKindShift
      | UInt32(request.kind.rawValue) << Message.requestKindShift
      | UInt32(conversation.kind.rawValue) << Message.conversationKindShift
    var message = Message(
      time: call.time.microseconds, user: user.text, request: request.text,
      conversation: conversation.text, source: source, tag: tag,
      items: UInt32(truncatingIfNeeded: call.items))
    let userHash = hash(user, call[.user], seed: Self.seed(variant.licensee))
    let trace =
      isSeen && variant.isReported
      ? sightings?.trace(
        call, bytes, attribution: variant.attribution, source: source, user: user,
        licensee: variant.licensee) : nil
    let group = plan == .byUser ? userHash : hash(request, call[.requestID], seed: userHash)
    let textBytes = user.externalBytes &+ request.externalBytes &+ conversation.externalBytes
    let room = writer.room(
      forHash: group,
      stride: carriesTraces ? MemoryLayout<TracedMessage>.stride : MemoryLayout<Message>.stride,
      textBytes: textBytes)
    if textBytes > 0 {
      var offset = room.textOffset
      message.user = store(user, call[.user], room.chunk, &offset)
      message.request = store(request, call[.requestID], room.chunk, &offset)
      message.conversation = store(conversation, call[.conversation], room.chunk, &offset)
    }
    unsafe room.record.storeBytes(of: message, as: Message.self)
    if carriesTraces {
      unsafe room.record.storeBytes(
        of: trace ?? .unseen, toByteOffset: MemoryLayout<Message>.stride, as: MessageTrace.self)
    } else if let trace {
      sightings?.take(message, in: room.chunk, trace, userHash: userHash)
    }
  }

  // Mutating, like all that is called for every record: a structure lent otherwise is copied.
  @inline(__always)
  private mutating func lacksIdentity(_ call: Call, _ identity: UInt8) -> Bool {
    // The user alone, as by default.
    if identity == 1 { return call[.user].isEmpty }
    // The fields that are missing, a bit each as in the identity.
    var missing: UInt8 = call[.user].isEmpty ? 1 : 0
    if call[.conversation].isEmpty { missing |= 2 }
    if call[.module].isEmpty { missing |= 4 }
    if call[.scenario].isEmpty { missing |= 8 }
    if call[.app].isEmpty { missing |= 16 }
    return identity & missing != 0
  }

  @inline(__always)
  private mutating func pack(_ slice: Slice) -> (
    text: PackedText, kind: PackedText.Kind, externalBytes: Int
  ) {
    PackedText.pack(bytes, start: Int(slice.start), count: Int(slice.count))
  }

  @inline(__always)
  private static func seed(_ licensee: Int32) -> UInt64 {
    Sighting.seed(ofLicensee: licensee)
  }

  /// The hash that the packed text will have in its chunk.
  @inline(__always)
  private mutating func hash(
    _ packed: (text: PackedText, kind: PackedText.Kind, externalBytes: Int), _ slice: Slice,
    seed: UInt64
  ) -> UInt64 {
    ChunkText.hash(
      packed.text, kind: packed.kind, external: packed.externalBytes > 0 ? bytes : nil,
      start: Int(slice.start), count: Int(slice.count), seed: seed)
  }

  private mutating func store(
    _ packed: (text: PackedText, kind: PackedText.Kind, externalBytes: Int), _ slice: Slice,
    _ chunk: Chunk, _ offset: inout Int
  ) -> PackedText {
    guard packed.externalBytes > 0 else { return packed.text }
    defer { offset += packed.externalBytes }
    return packed.text.stored(
      bytes, start: Int(slice.start), count: Int(slice.count), in: chunk, at: offset)
  }

  /// Passes the last messages on and gives the summary; to be called once.
  public consuming func finish() throws(SpillError) -> MapSummary {
    try writer.finish()
    if let quarantineFailure { throw quarantineFailure }
    if let traffic = try sightings?.finish() { summary.traffic = traffic }
    if lastTime > Int64.min { summary.inputEnd = Instant(microseconds: lastTime) }
    for (number, count) in variants.counts.enumerated() where count.records > 0 {
      let use = variants.uses[number]
      switch variants.variants[number].fate {
      case .outside:
        summary.balance.outsideContract += count.records
        guard variants.variants[number].isReported else { continue }
        summary.outside[Dated(use.key.licensee, day: use.day), default: UseCount()].merge(count)
      case .ignored: summary.balance.ignored += count.records
      case .counted where !variants.variants[number].isReported: break
      case .counted: summary.uses[use, default: UseCount()].merge(count)
      }
    }
    summary.places = unlistedPlaces?.counts ?? [:]
    return summary
  }
}
