public import CivilTime
public import Shuffling

/// Why a unit in the usage detail is not charged.
public enum NotBillable: UInt8, Sendable, Hashable, CaseIterable {
  case no
  /// Nothing but opening and closing events (rule 8).
  case onlyOpenedAndClosed
  /// Fewer successful messages than `min_messages`.
  case tooFewMessages

  /// The word that reports use; empty for a billable unit.
  public var text: String {
    switch self {
    case .no: ""
    case .onlyOpenedAndClosed: "only_opened_and_closed"
    case .tooFewMessages: "fewer_than_min_messages"
    }
  }
}

/// One row of the usage detail: a conversation, or a record of a module priced by item.
@frozen
public struct UsageRow: ChunkRecord {
  /// Microseconds since 1970 of the first and the last successful message.
  public var startedAt: Int64
  public var endedAt: Int64
  var user: PackedText
  var conversation: PackedText
  public var source: UInt64
  public var quantity: UInt32
  public var messages: UInt32
  public var failedMessages: UInt32
  /// The attribution's number, and the texts' kinds.
  var tag: UInt32
  /// The day that the unit belongs to, in days since 1970.
  var day: Int32
  var endingCode: UInt8
  var notBillableCode: UInt8

  public var attribution: Int { Message.attribution(tag) }
  public var date: CivilDate { CivilDate(daysSinceEpoch: day) }
  /// `nil` for an item.
  public var ending: Ending? { Ending(rawValue: endingCode) }
  public var notBillable: NotBillable { NotBillable(rawValue: notBillableCode) ?? .no }

  public func user(in chunk: Chunk) -> ChunkText { text(user, Message.userKindShift, chunk) }
  public func conversation(in chunk: Chunk) -> ChunkText {
    text(conversation, Message.conversationKindShift, chunk)
  }

  private func text(_ text: PackedText, _ shift: UInt32, _ chunk: Chunk) -> ChunkText {
    let kind = PackedText.Kind(rawValue: UInt8(truncatingIfNeeded: tag >> shift) & 3) ?? .text
    return ChunkText(text, kind: kind, chunk: chunk)
  }

  public func externalBytes(in chunk: Chunk) -> Int {
    user(in: chunk).externalBytes + conversation(in: chunk).externalBytes
  }

  public mutating func moveTexts(from source: Chunk, to target: Chunk, at offset: Int) {
    var offset = offset
    user = user(in: source).moved(to: target, at: &offset)
    conversation = conversation(in: source).moved(to: target, at: &offset)
  }
}

/// The order of the usage detail: contract, date, start, user, conversation, then everything else
/// that the row says, and only then where it came from.
public struct UsageOrder: RecordOrder {
  private let attributions: Attributions
  /// The place of each contract's number among all numbers.
  private let contractRanks: [UInt64]

  public init(_ attributions: Attributions, contractNumbers: [String]) {
    self.attributions = attributions
    let sorted = contractNumbers.sorted()
    contractRanks = contractNumbers.map { UInt64(sorted.firstIndex(of: $0) ?? 0) }
  }

  public func keys(_ record: UnsafePointer<UsageRow>) -> (UInt64, Int64) {
    let row = unsafe record.pointee
    let contract = Int(attributions.entry(row.attribution).contract)
    let day = UInt64(UInt32(bitPattern: row.day) ^ 0x8000_0000)
    return (contractRanks[contract] << 32 | day, row.startedAt)
  }

  public func precedes(
    _ left: UnsafePointer<UsageRow>, _ right: UnsafePointer<UsageRow>
  ) -> Bool {
    let first = unsafe left.pointee
    let second = unsafe right.pointee
    let leftChunk = unsafe Chunk(containing: left)
    let rightChunk = unsafe Chunk(containing: right)
    let user = ChunkText.order(first.user(in: leftChunk), second.user(in: rightChunk))
    if user != 0 { return user < 0 }
    let conversation = ChunkText.order(
      first.conversation(in: leftChunk), second.conversation(in: rightChunk))
    if conversation != 0 { return conversation < 0 }
    let ranks = (
      attributions.entry(first.attribution).rank, attributions.entry(second.attribution).rank
    )
    if ranks.0 != ranks.1 { return ranks.0 < ranks.1 }
    let firstNumbers = [first.endedAt, Int64(first.messages), Int64(first.failedMessages)]
    let secondNumbers = [second.endedAt, Int64(second.messages), Int64(second.failedMessages)]
    if firstNumbers != secondNumbers {
      return firstNumbers.lexicographicallyPrecedes(secondNumbers)
    }
    if first.quantity != second.quantity { return first.quantity < second.quantity }
    // Two conversations of one moment differ in this alone: one that an opening event ended at
    // once, and the one that it began.
    if first.endingCode != second.endingCode { return first.endingCode < second.endingCode }
    if first.notBillableCode != second.notBillableCode {
      return first.notBillableCode < second.notBillableCode
    }
    return first.source < second.source
  }
}
