internal import CivilTime
internal import Contracts
internal import Counting
internal import Decoding
internal import Shuffling
internal import Statements

/// What the shuffles of a reconciliation take, from one side on one thread.
struct UnitIntake {
  /// Of the hashes by which units are brought together.
  static let seed: UInt64 = 0x5EED_0F_D1FF

  private let side: StatedSide
  private let contract: Contract
  private let kinds: UnitKinds
  private let comparesScenario: Bool
  private let dates: ClosedRange<CivilDate>?
  private let byID: ShuffleWriter
  private let byUser: ShuffleWriter
  private(set) var summary: SideSummary
  private var numbers: [UnitKind: Int] = [:]
  /// Of names that have a number, by it.
  private var known: [KnownKind?] = []
  private let users = PaddedText()
  private let conversations = PaddedText()
  private var zone: ZoneCursor

  /// The number of a kind that names stood for on a day.
  private struct KnownKind {
    var names: StatedNames
    var number: Int
    /// `nil`: on every day.
    var date: CivilDate?
  }

  init(
    _ side: StatedSide, _ contract: Contract, _ kinds: UnitKinds, comparesScenario: Bool,
    dates: ClosedRange<CivilDate>?, byID: Shuffle, byUser: Shuffle
  ) {
    self.side = side
    self.contract = contract
    self.kinds = kinds
    self.comparesScenario = comparesScenario
    self.byID = ShuffleWriter(byID)
    self.byUser = ShuffleWriter(byUser)
    self.dates = dates
    summary = SideSummary(hasActivity: side != .licensee)
    zone = ZoneCursor(contract.zone)
  }

  /// Takes a unit.
  ///
  /// - Returns: whether it could be taken; see ``UnitKinds/countMax``.
  mutating func add(_ unit: StatedUnit) -> Bool {
    guard unit.quantity.magnitude <= UnitRecord.quantityMax, let number = number(of: unit) else {
      return false
    }
    var record = UnitRecord(side: side, kind: number)
    record.day = unit.date.daysSinceEpoch
    setTimes(&record, unit)
    record.quantity = Int64(unit.quantity)
    record.messages = unit.messages.map { Int32(clamping: $0) } ?? -1
    record.place = unit.place
    record.isNotBillable = unit.isNotBillable
    if let charge = unit.charge {
      guard let packed = PackedCharge(digits: charge.digits, scale: charge.scale) else {
        return false
      }
      record.charge = packed
    }
    let isCompared = dates?.contains(unit.date) ?? true
    summary.add(record, unit.charge, isCompared: isCompared)
    if isCompared {
      summary.noteIdentities(
        hasUser: !unit.userText.isEmpty, hasID: !unit.conversationText.isEmpty)
    }
    store(&record, user: unit.userText, conversation: unit.conversationText)
    return true
  }

  private mutating func setTimes(_ record: inout UnitRecord, _ unit: StatedUnit) {
    if let start = unit.startedAt ?? unit.endedAt {
      record.startedAt = start.microseconds
      record.endedAt = max(unit.endedAt ?? start, start).microseconds
      record.isEndUnknown = unit.endedAt == nil
      if unit.startedAt != nil { summary.days.note(record, &zone) }
    } else {
      record.startedAt = contract.zone.start(of: unit.date).microseconds
      record.endedAt = record.startedAt
      record.isTimeUnknown = true
    }
  }

  @inline(__always)
  private mutating func number(of unit: StatedUnit) -> Int? {
    let place = unit.names.number
    if place >= 0 && place < known.count, let kind = known[place], kind.names === unit.names,
      kind.date == nil || kind.date == unit.date
    {
      return kind.number
    }
    return lookUp(unit.names, unit.date)
  }

  private mutating func lookUp(_ names: StatedNames, _ date: CivilDate) -> Int? {
    let kind = UnitKind(
      module: names.module, scenario: comparesScenario ? names.scenario : "",
      meter: names.meter ?? contract.meter(module: names.module, on: date))
    guard let number = numbers[kind] ?? kinds.number(of: kind) else { return nil }
    numbers[kind] = number
    if names.number >= 0 {
      while known.count <= names.number { known.append(nil) }
      known[names.number] = KnownKind(
        names: names, number: number, date: names.meter == nil ? date : nil)
    }
    return number
  }

  @inline(__always)
  private mutating func store(_ record: inout UnitRecord, user: UnitText, conversation: UnitText) {
    let user = PackedUnitText(user, users)
    let conversation = PackedUnitText(conversation, conversations)
    record.setKinds(user: user.kind, conversation: conversation.kind)
    let userHash = user.hash
    // Of the log, only when and by whom matters.
    let isByID = !conversation.isEmpty && (side == .licensor || side == .licensee)
    let conversationHash = isByID ? conversation.hash : 0
    record.group = isByID ? conversationHash : userHash
    if side == .licensor || side == .licensee {
      summary.sample.add(
        record, user: userHash, conversation: conversationHash, hasUser: !user.isEmpty)
    }
    let room = (isByID ? byID : byUser).room(
      forHash: record.group, stride: MemoryLayout<UnitRecord>.stride,
      textBytes: user.externalBytes + conversation.externalBytes)
    record.user = user.stored(in: room.chunk, at: room.textOffset)
    record.conversation = conversation.stored(
      in: room.chunk, at: room.textOffset + user.externalBytes)
    unsafe room.record.storeBytes(of: record, as: UnitRecord.self)
  }

  /// Passes on what is still held; to be called once, at the end.
  mutating func finish() throws(SpillError) {
    summary.finish()
    try byID.finish()
    try byUser.finish()
  }
}

/// A text in the form that records hold, and its bytes where they were read.
private struct PackedUnitText {
  private let text: PackedText
  let kind: PackedText.Kind
  /// Bytes that it takes in a chunk.
  let externalBytes: Int
  private let bytes: ByteView
  private let count: Int

  /// - Parameter padded: where a string's bytes are put.
  @inline(__always)
  init(_ text: UnitText, _ padded: PaddedText) {
    switch text {
    case .bytes(let view): bytes = view
    case .text(let text): bytes = padded.bytes(of: text)
    }
    count = min(bytes.count, PackedText.bytesMax)
    (self.text, kind, externalBytes) = PackedText.pack(bytes, start: 0, count: count)
  }

  var isEmpty: Bool { count == 0 }

  var hash: UInt64 {
    @inline(__always)
    get {
      ChunkText.hash(
        text, kind: kind, external: externalBytes > 0 ? bytes : nil, start: 0, count: count,
        seed: UnitIntake.seed)
    }
  }

  /// Copies the rest of a long text.
  @inline(__always)
  func stored(in chunk: Chunk, at offset: Int) -> PackedText {
    guard externalBytes > 0 else { return text }
    return text.stored(bytes, start: 0, count: externalBytes, in: chunk, at: offset)
  }
}

/// A string's bytes with the padding that a ``ByteView`` has.
@safe
private final class PaddedText {
  private var buffer: UnsafeMutableBufferPointer<UInt8>

  init() { unsafe buffer = .allocate(capacity: 256) }

  deinit { unsafe buffer.deallocate() }

  /// - Returns: the bytes, valid until the next call.
  func bytes(of text: String) -> ByteView {
    var text = text
    return text.withUTF8 { bytes in
      if unsafe buffer.count < bytes.count + ByteView.padding {
        unsafe buffer.deallocate()
        unsafe buffer = .allocate(capacity: 2 * bytes.count + ByteView.padding)
      }
      _ = unsafe buffer.update(fromContentsOf: bytes)
      return unsafe ByteView(
        base: UnsafePointer(buffer.baseAddress.unsafelyUnwrapped), count: bytes.count)
    }
  }
}
