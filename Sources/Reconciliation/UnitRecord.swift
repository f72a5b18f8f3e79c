internal import CivilTime
internal import Shuffling

/// A unit as a side states it, in a shuffle.
struct UnitRecord: ChunkRecord {
  /// The hash of what brings it together with others at this stage.
  var group: UInt64 = 0
  /// Microseconds since 1970 by the side's own clock.
  var startedAt: Int64 = 0
  var user = PackedText.empty
  var conversation = PackedText.empty
  /// What the row says that it costs; see ``PackedCharge``.
  var charge = PackedCharge.none
  /// The row, or the number of a log's line.
  var place: UInt64 = 0
  /// Milliseconds.
  private var duration: UInt32 = 0
  private var shortQuantity: Int32 = 0
  /// Below 0: not stated.
  var messages: Int32 = -1
  /// Days since 1970.
  var day: Int32 = 0
  /// What follows, packed.
  private var tag: UInt32 = 0
  /// Where in the chunk its link is, if it has one.
  private var linkOffset: UInt32 = 0

  private static let kindMask: UInt32 = 1 << 20 - 1

  // Bits of the tag behind the kind.
  private static let sideShift: UInt32 = 20
  private static let userKindShift: UInt32 = 22
  private static let conversationKindShift: UInt32 = 24
  private static let notBillableBit: UInt32 = 1 << 26
  private static let timeUnknownBit: UInt32 = 1 << 27
  private static let endUnknownBit: UInt32 = 1 << 28
  private static let evidenceShift: UInt32 = 29
  private static let linkedBit: UInt32 = 1 << 31

  init(side: StatedSide, kind: Int) {
    tag = UInt32(kind) | UInt32(side.rawValue) << Self.sideShift
  }

  /// Its place among ``UnitKinds``.
  var kind: Int { Int(tag & Self.kindMask) }
  var side: StatedSide { StatedSide(rawValue: UInt8(tag >> Self.sideShift & 3)) ?? .licensor }
  /// Microseconds since 1970, to the millisecond of its length, which is at most 49 days; to be set after its start.
  var endedAt: Int64 {
    get { startedAt + Int64(duration) * 1_000 }
    set { duration = UInt32(clamping: (newValue - startedAt) / 1_000) }
  }
  /// At most what ``quantityMax`` says.
  var quantity: Int64 {
    get { Int64(shortQuantity) }
    set { shortQuantity = Int32(clamping: newValue) }
  }
  static let quantityMax = Int(Int32.max)

  /// Whether the side itself says that it is not charged.
  var isNotBillable: Bool {
    get { tag & Self.notBillableBit != 0 }
    set { set(Self.notBillableBit, newValue) }
  }
  /// Whether only its day is known.
  var isTimeUnknown: Bool {
    get { tag & Self.timeUnknownBit != 0 }
    set { set(Self.timeUnknownBit, newValue) }
  }
  var isEndUnknown: Bool {
    get { tag & Self.endUnknownBit != 0 }
    set { set(Self.endUnknownBit, newValue) }
  }
  /// What the log shows of a unit that only one side has.
  var evidence: LogEvidence {
    get { LogEvidence(rawValue: UInt8(tag >> Self.evidenceShift & 3)) ?? .none }
    set {
      tag = tag & ~(3 << Self.evidenceShift) | UInt32(newValue.rawValue) << Self.evidenceShift
    }
  }

  private mutating func set(_ bit: UInt32, _ value: Bool) {
    tag = value ? tag | bit : tag & ~bit
  }

  mutating func setKinds(user: PackedText.Kind, conversation: PackedText.Kind) {
    tag |=
      UInt32(user.rawValue) << Self.userKindShift
      | UInt32(conversation.rawValue) << Self.conversationKindShift
  }

  // MARK: - What lies in the chunk

  /// Units with the same number belong together, and stand where that group does.
  struct Link: BitwiseCopyable, Hashable {
    var number: UInt64
    /// Microseconds of the licensor's clock.
    var anchor: Int64
  }

  var isLinked: Bool { tag & Self.linkedBit != 0 }

  /// `nil` for most.
  func link(in chunk: Chunk) -> Link? {
    isLinked
      ? unsafe chunk.base.loadUnaligned(fromByteOffset: Int(linkOffset), as: Link.self) : nil
  }

  /// Bytes that a link takes in the chunk.
  static let linkBytes = MemoryLayout<Link>.size

  /// Links it, with room for ``linkBytes`` at an offset.
  mutating func store(_ link: Link, in chunk: Chunk, at offset: Int) {
    set(Self.linkedBit, true)
    linkOffset = UInt32(offset)
    unsafe (chunk.base + offset).storeBytes(of: link, as: Link.self)
  }

  func user(in chunk: Chunk) -> ChunkText { text(user, Self.userKindShift, chunk) }
  func conversation(in chunk: Chunk) -> ChunkText {
    text(conversation, Self.conversationKindShift, chunk)
  }

  private func text(_ text: PackedText, _ shift: UInt32, _ chunk: Chunk) -> ChunkText {
    ChunkText(
      text, kind: PackedText.Kind(rawValue: UInt8(tag >> shift & 3)) ?? .text, chunk: chunk)
  }

  func externalBytes(in chunk: Chunk) -> Int {
    user(in: chunk).externalBytes + conversation(in: chunk).externalBytes
      + (isLinked ? Self.linkBytes : 0)
  }

  mutating func moveTexts(from source: Chunk, to target: Chunk, at offset: Int) {
    var offset = offset
    let texts = (user(in: source), conversation(in: source), link(in: source))
    if texts.0.externalBytes > 0 {
      user = texts.0.copy(to: target, at: offset)
      offset += texts.0.externalBytes
    }
    if texts.1.externalBytes > 0 {
      conversation = texts.1.copy(to: target, at: offset)
      offset += texts.1.externalBytes
    }
    if let link = texts.2 { store(link, in: target, at: offset) }
  }
}

/// What the log shows where only one side has a unit.
enum LogEvidence: UInt8, Sendable {
  /// Nothing, or there is no log.
  case none
  /// A unit that is charged.
  case billable
  /// A unit that is not charged.
  case notBillable
  /// Calls of which none succeeded.
  case failed
}

/// A row's charge in eight bytes: digits, and four bits of scale below them.
struct PackedCharge: BitwiseCopyable, Hashable, Sendable {
  private var bits: Int64
  static let none = PackedCharge(bits: .min)

  private init(bits: Int64) { self.bits = bits }

  /// - Parameters: a decimal number of `digits` and `scale`.
  /// - Returns: `nil` where it has too many digits.
  init?(digits: Int128, scale: Int) {
    guard scale < 16, digits.magnitude < 1 << 58 else { return nil }
    bits = Int64(digits) << 4 | Int64(scale)
  }

  /// `nil` for none.
  var value: (digits: Int64, scale: Int)? {
    bits == .min ? nil : (bits >> 4, Int(bits & 15))
  }
}

/// Units by group and time, and then by all else that they say.
struct UnitOrder: RecordOrder {
  /// What the licensee's clock is ahead, in microseconds.
  let clockDifference: Int64
  /// The place of each kind among all.
  let kindRanks: [Int]

  func keys(_ record: UnsafePointer<UnitRecord>) -> (UInt64, Int64) {
    let unit = unsafe record.pointee
    let start =
      unsafe unit.link(in: Chunk(containing: record))?.anchor
      ?? unit.start(clockDifference: clockDifference)
    return (unit.group, start)
  }

  static var firstKeyIsHash: Bool { true }

  func precedes(
    _ left: UnsafePointer<UnitRecord>, _ right: UnsafePointer<UnitRecord>
  ) -> Bool {
    let first = unsafe left.pointee
    let second = unsafe right.pointee
    if first.side != second.side { return first.side.rawValue < second.side.rawValue }
    if first.startedAt != second.startedAt { return first.startedAt < second.startedAt }
    if first.endedAt != second.endedAt { return first.endedAt < second.endedAt }
    if first.kind != second.kind { return kindRanks[first.kind] < kindRanks[second.kind] }
    if first.quantity != second.quantity { return first.quantity < second.quantity }
    if first.messages != second.messages { return first.messages < second.messages }
    if first.day != second.day { return first.day < second.day }
    return first.place < second.place
  }
}

/// Units by time alone.
struct UnitTimeOrder: RecordOrder {
  let byGroup: UnitOrder

  func keys(_ record: UnsafePointer<UnitRecord>) -> (UInt64, Int64) {
    unsafe (0, record.pointee.start(clockDifference: byGroup.clockDifference))
  }

  func precedes(
    _ left: UnsafePointer<UnitRecord>, _ right: UnsafePointer<UnitRecord>
  ) -> Bool {
    unsafe byGroup.precedes(left, right)
  }
}

extension UnitRecord {
  /// Its start by the licensor's clock.
  func start(clockDifference: Int64) -> Int64 {
    side == .licensee ? startedAt - clockDifference : startedAt
  }

  func end(clockDifference: Int64) -> Int64 {
    side == .licensee ? endedAt - clockDifference : endedAt
  }
}
