internal import Parsing
public import Shuffling

/// What a message carries of a call for those who look for misuse: 16 bytes behind it.
///
/// Of hashes it has as many bits as are compared: a question among those of all users, addresses and devices among
/// those of one.
struct MessageTrace: BitwiseCopyable, Sendable {
  /// The question's hash below, the first bits of the address's above.
  private var first: UInt64
  private var second: UInt64

  /// Of a message that nobody looks at: one carried over from a day before, or of a day that is not asked for.
  static let unseen = MessageTrace(first: 0, second: 0)

  /// Of addresses and devices.
  private static let sourceBits: UInt64 = 24

  private init(first: UInt64, second: UInt64) {
    self.first = first
    self.second = second
  }

  /// - Parameters:
  ///   - client: a hash, and one of ``KeptTraces/device``; the lowest bits of both are kept.
  ///   - latency: milliseconds; at most 65,535 are kept.
  @inline(__always)
  init(_ traces: KeptTraces, client: UInt32, latency: Int, status: Int) {
    let mask: UInt64 = 1 << Self.sourceBits - 1
    first = traces.question | UInt64(client) << 48
    let result = UInt64(truncatingIfNeeded: status & 0x3FF) | UInt64(traces.pathTraits & 0xF) << 10
    second =
      1 | result << 1 | UInt64(UInt16(clamping: latency)) << 16
      | (UInt64(traces.device) & mask) << 32 | (UInt64(client) & 0xFF_0000) << 40
  }

  var isSeen: Bool { second & 1 != 0 }
  var question: UInt64 { first & (1 << 48 - 1) }
  var client: UInt32 {
    UInt32(truncatingIfNeeded: first >> 48 | (second >> 56) << 16)
  }
  var device: UInt32 { UInt32(truncatingIfNeeded: second >> 32 & (1 << Self.sourceBits - 1)) }
  var latency: UInt16 { UInt16(truncatingIfNeeded: second >> 16) }
  /// As ``Sighting/result``.
  var result: UInt16 { UInt16(truncatingIfNeeded: second >> 1 & 0x3FFF) }
}

/// A message with its trace, as the shuffle carries both: 88 bytes.
struct TracedMessage: BitwiseCopyable {
  var message: Message
  var trace: MessageTrace
}

/// Takes what is seen of calls while they are counted.
public protocol SightingObserver: AnyObject {
  /// Takes calls in order: those of a user together, by time, then by where they stand.
  func take(_ sightings: Span<SightingPlace>)
  /// Nothing more comes; called once, on the thread that showed the calls.
  func finish() throws(SpillError)
}

/// A sighting, and the chunk that has the rest of a long user.
public struct SightingPlace: BitwiseCopyable {
  public var sighting: Sighting
  public var chunk: Chunk

  @inlinable
  public init(sighting: Sighting, chunk: Chunk) {
    self.sighting = sighting
    self.chunk = chunk
  }
}

extension Sighting {
  private static let requestSeed: UInt64 = 0xE703_7ED1_A0B4_28DB
  private static let conversationSeed: UInt64 = 0x5895_89D9_34A6_9B47

  /// A call that is counted.
  ///
  /// - Parameters:
  ///   - chunk: has the message's long texts.
  @inline(__always)
  init(_ message: Message, _ trace: MessageTrace, in chunk: Chunk) {
    self.init(
      time: message.time, source: message.source, question: trace.question, user: message.user,
      request: Self.requestHash(message.request(in: chunk)), client: trace.client,
      device: trace.device,
      tag: UInt32(truncatingIfNeeded: Message.attribution(message.tag)) << 8
        | (message.tag & Message.successFlag != 0 ? Self.successFlag : 0)
        | (message.tag >> Message.userKindShift & 3) << Self.userKindShift,
      conversation: Self.conversationHash(message.conversation(in: chunk)), latency: trace.latency,
      items: UInt16(clamping: message.items), result: trace.result)
  }

  // These never change, since they are written down.

  @inline(__always)
  private static func requestHash(_ text: ChunkText) -> UInt32 {
    text.isEmpty ? 0 : UInt32(truncatingIfNeeded: text.hash(seed: requestSeed)) | 1
  }

  @inline(__always)
  private static func conversationHash(_ text: ChunkText) -> UInt16 {
    text.isEmpty ? 0 : UInt16(truncatingIfNeeded: text.hash(seed: conversationSeed)) | 1
  }
}
