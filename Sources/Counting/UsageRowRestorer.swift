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

/// Hands units that were kept elsewhere to a sorter.
public final class UsageRowRestorer {
  private let sorter: ExternalSorter<UsageOrder>
  private let pool: ChunkPool
  /// Where long texts are put until the sorter has copied them.
  private var chunk: Chunk

  /// - Parameter pool: the sorter's.
  public init(_ sorter: ExternalSorter<UsageOrder>, _ pool: ChunkPool) {
    self.sorter = sorter
    self.pool = pool
    chunk = pool.take(size: Chunk.bytesOrdinary)
  }

  deinit { pool.give(back: chunk) }

  /// Hands on a unit.
  ///
  /// - Parameter bytes: what the slices of user and conversation lie in.
  public func append(
    _ unit: StoredUnit, user: Slice, conversation: Slice, in bytes: ByteView
  ) throws(SpillError) {
    let packedUser = PackedText.pack(bytes, start: Int(user.start), count: Int(user.count))
    let packedConversation = PackedText.pack(
      bytes, start: Int(conversation.start), count: Int(conversation.count))
    let tag =
      UInt32(unit.attribution) << 8 | UInt32(packedUser.kind.rawValue) << Message.userKindShift
      | UInt32(packedConversation.kind.rawValue) << Message.conversationKindShift
    var row = UsageRow(
      startedAt: unit.startedAt, endedAt: unit.endedAt, user: packedUser.text,
      conversation: packedConversation.text, source: unit.source, quantity: unit.quantity,
      messages: unit.messages, failedMessages: unit.failedMessages, tag: tag, day: unit.day,
      endingCode: unit.endingCode, notBillableCode: unit.notBillableCode)
    let textBytes = packedUser.externalBytes + packedConversation.externalBytes
    if textBytes > 0 {
      if Chunk.headerBytes + textBytes > chunk.size {
        pool.give(back: chunk)
        chunk = pool.take(size: Chunk.headerBytes + textBytes)
      }
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
    }
    try sorter.append(row, textsIn: chunk)
  }
}
