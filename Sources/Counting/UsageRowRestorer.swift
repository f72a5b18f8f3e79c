public import Decoding
public import Parsing
public import Shuffling

/// A unit of the usage detail as it is kept elsewhere, but for its texts.
public struct StoredUnit: Sendable {
  public var startedAt: Int64
  public var endedAt: Int64
  /// In days since 1970.
  public var day: Int32
  public var quantity: UInt32
  public var messages: UInt32
  public var failedMessages: UInt32
  public var endingCode: UInt8
  public var notBillableCode: UInt8
  /// See ``Source``.
  public var source: UInt64
  /// The attribution's number in the table.
  public var attribution: Int

  public init(
    startedAt: Int64, endedAt: Int64, day: Int32, quantity: UInt32, messages: UInt32,
    failedMessages: UInt32, endingCode: UInt8, notBillableCode: UInt8, source: UInt64,
    attribution: Int
  ) {
    self.startedAt = startedAt
    self.endedAt = endedAt
    self.day = day
    self.quantity = quantity
    self.messages = messages
    self.failedMessages = failedMessages
    self.endingCode = endingCode
    self.notBillableCode = notBillableCode
    self.source = source
    self.attribution = attribution
  }
}

extension ExternalSorter where Order == UsageOrder {
  /// Takes a unit that was kept elsewhere.
  ///
  /// - Parameters:
  ///   - bytes: what the slices of user and conversation lie in.
  ///   - pool: where room for long texts is taken for a moment.
  public func append(
    _ unit: StoredUnit, user: Slice, conversation: Slice, in bytes: ByteView, _ pool: ChunkPool
  ) throws(SpillError) {
    func packed(_ slice: Slice) -> (text: PackedText, kind: PackedText.Kind, externalBytes: Int) {
      PackedText.pack(bytes, start: Int(slice.start), count: Int(slice.count))
    }
    let packedUser = packed(user)
    let packedConversation = packed(conversation)
    let tag =
      UInt32(unit.attribution) << 8 | UInt32(packedUser.kind.rawValue) << Message.userKindShift
      | UInt32(packedConversation.kind.rawValue) << Message.conversationKindShift
    var row = UsageRow(
      startedAt: unit.startedAt, endedAt: unit.endedAt, user: packedUser.text,
      conversation: packedConversation.text, source: unit.source, quantity: unit.quantity,
      messages: unit.messages, failedMessages: unit.failedMessages, tag: tag, day: unit.day,
      endingCode: unit.endingCode, notBillableCode: unit.notBillableCode)
    let textBytes = packedUser.externalBytes + packedConversation.externalBytes
    let chunk = pool.take(size: max(Chunk.headerBytes + textBytes, Chunk.bytesOrdinary))
    defer { pool.give(back: chunk) }
    var offset = chunk.size - textBytes
    if packedUser.externalBytes > 0 {
      row.user = packedUser.text.stored(
        bytes, start: Int(user.start), count: Int(user.count), in: chunk, at: offset)
      offset += packedUser.externalBytes
    }
    if packedConversation.externalBytes > 0 {
      row.conversation = packedConversation.text.stored(
        bytes, start: Int(conversation.start), count: Int(conversation.count), in: chunk,
        at: offset)
    }
    try append(row, textsIn: chunk)
  }
}
