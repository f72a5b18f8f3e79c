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
  private var last: (kind: UnitKind, number: Int)?
  private var packer = TextPacker()
  private var zone: ZoneCursor

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
    summary = SideSummary()
    zone = ZoneCursor(contract.zone)
  }

  /// Takes a unit.
  ///
  /// - Returns: whether it could be taken; see ``UnitKinds/countMax``.
  mutating func add(_ unit: StatedUnit) -> Bool {
    guard let number = number(of: unit) else { return false }
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
      summary.noteIdentities(hasUser: !unit.user.isEmpty, hasID: !unit.conversation.isEmpty)
    }
    store(&record, user: unit.user, conversation: unit.conversation)
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

  private mutating func number(of unit: StatedUnit) -> Int? {
    let kind = UnitKind(
      module: unit.module, scenario: comparesScenario ? unit.scenario : "",
      meter: unit.meter ?? contract.meter(module: unit.module, on: unit.date))
    if let last, last.kind == kind { return last.number }
    guard let number = numbers[kind] ?? kinds.number(of: kind) else { return nil }
    numbers[kind] = number
    last = (kind, number)
    return number
  }

  private mutating func store(_ record: inout UnitRecord, user: String, conversation: String) {
    let userText = packer.pack(user, 0)
    let conversationText = packer.pack(conversation, 1)
    record.setKinds(user: userText.kind, conversation: conversationText.kind)
    let userHash = packer.hash(userText, 0)
    // Of the log, only when and by whom matters.
    let isByID = !conversation.isEmpty && (side == .licensor || side == .licensee)
    let conversationHash = isByID ? packer.hash(conversationText, 1) : 0
    record.group = isByID ? conversationHash : userHash
    if side == .licensor || side == .licensee {
      summary.sample.add(
        record, user: userHash, conversation: conversationHash, hasUser: !user.isEmpty)
    }
    let room = (isByID ? byID : byUser).room(
      forHash: record.group, stride: MemoryLayout<UnitRecord>.stride,
      textBytes: userText.externalBytes + conversationText.externalBytes)
    record.user = packer.stored(userText, 0, in: room.chunk, at: room.textOffset)
    record.conversation = packer.stored(
      conversationText, 1, in: room.chunk, at: room.textOffset + userText.externalBytes)
    unsafe room.record.storeBytes(of: record, as: UnitRecord.self)
  }

  /// Passes on what is still held; to be called once, at the end.
  func finish() throws(SpillError) {
    try byID.finish()
    try byUser.finish()
  }
}

/// Texts in the form that records hold.
private struct TextPacker {
  typealias Packed = (text: PackedText, kind: PackedText.Kind, externalBytes: Int)

  /// A text's bytes, and how many there are; each with padding.
  private var buffers: [[UInt8]] = [[], []]
  private var counts = [0, 0]

  mutating func pack(_ text: String, _ index: Int) -> Packed {
    var text = text
    let count = min(text.utf8.count, PackedText.bytesMax)
    if buffers[index].count < count + ByteView.padding {
      buffers[index] = [UInt8](repeating: 0, count: 2 * count + ByteView.padding)
    }
    text.withUTF8 { bytes in
      for position in 0..<count { buffers[index][position] = unsafe bytes[position] }
    }
    counts[index] = count
    return withView(index) { PackedText.pack($0, start: 0, count: count) }
  }

  private func withView<Result>(_ index: Int, _ body: (ByteView) -> Result) -> Result {
    unsafe buffers[index].withUnsafeBufferPointer { buffer in
      guard let base = buffer.baseAddress else { preconditionFailure("buffers have padding") }
      return body(unsafe ByteView(base: base, count: counts[index]))
    }
  }

  func hash(_ packed: Packed, _ index: Int) -> UInt64 {
    withView(index) { view in
      ChunkText.hash(
        packed.text, kind: packed.kind, external: packed.externalBytes > 0 ? view : nil, start: 0,
        count: counts[index], seed: UnitIntake.seed)
    }
  }

  /// Copies the rest of a long text.
  func stored(_ packed: Packed, _ index: Int, in chunk: Chunk, at offset: Int) -> PackedText {
    guard packed.externalBytes > 0 else { return packed.text }
    return withView(index) {
      packed.text.stored($0, start: 0, count: packed.externalBytes, in: chunk, at: offset)
    }
  }
}
