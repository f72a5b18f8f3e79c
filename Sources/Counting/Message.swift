internal import CBytes
internal import CivilTime
public import Shuffling

/// A record as the shuffle carries it: 72 bytes, with long texts in its chunk.
@frozen
public struct Message: ChunkRecord {
  /// Microseconds since 1970.
  var time: Int64
  var user: PackedText
  var request: PackedText
  var conversation: PackedText
  /// The number of its ``Source``.
  var source: UInt64
  /// The attribution's number, 23 bits, between eight flags below and one above.
  var tag: UInt32
  var items: UInt32

  static let successFlag: UInt32 = 1
  static let userKindShift: UInt32 = 1
  static let requestKindShift: UInt32 = 3
  static let conversationKindShift: UInt32 = 5
  static let duplicateFlag: UInt32 = 0x80
  /// That the record was counted before, and is here for its repetitions alone.
  static let referenceFlag: UInt32 = 0x8000_0000

  /// The number of an attribution in a tag.
  @inline(__always)
  static func attribution(_ tag: UInt32) -> Int { Int(tag & ~referenceFlag) >> 8 }

  private func kind(_ shift: UInt32) -> PackedText.Kind {
    PackedText.Kind(rawValue: UInt8(truncatingIfNeeded: tag >> shift) & 3) ?? .text
  }

  func user(in chunk: Chunk) -> ChunkText {
    ChunkText(user, kind: kind(Self.userKindShift), chunk: chunk)
  }
  func request(in chunk: Chunk) -> ChunkText {
    ChunkText(request, kind: kind(Self.requestKindShift), chunk: chunk)
  }
  func conversation(in chunk: Chunk) -> ChunkText {
    ChunkText(conversation, kind: kind(Self.conversationKindShift), chunk: chunk)
  }

  public func externalBytes(in chunk: Chunk) -> Int {
    user(in: chunk).externalBytes + request(in: chunk).externalBytes
      + conversation(in: chunk).externalBytes
  }

  public mutating func moveTexts(from source: Chunk, to target: Chunk, at offset: Int) {
    var offset = offset
    user = user(in: source).moved(to: target, at: &offset)
    request = request(in: source).moved(to: target, at: &offset)
    conversation = conversation(in: source).moved(to: target, at: &offset)
  }
}

/// A message where it lies: the fence around the reduce's pointers. Valid as long as its chunk.
@safe
struct MessageReference: BitwiseCopyable {
  let pointer: UnsafeMutablePointer<Message>

  @inline(__always)
  init(_ pointer: UnsafeMutablePointer<Message>) { unsafe self.pointer = unsafe pointer }

  @inline(__always)
  init(_ pointer: UnsafePointer<Message>) {
    unsafe self.pointer = UnsafeMutablePointer(mutating: pointer)
  }

  /// One of a chunk's records.
  ///
  /// - Parameter stride: bytes from one to the next.
  @inline(__always)
  init(_ index: Int, in chunk: Chunk, stride: Int) {
    unsafe pointer = (chunk.base + (Chunk.headerBytes + index * stride)).assumingMemoryBound(
      to: Message.self)
  }

  /// Of a message that carries it.
  @inline(__always) var trace: MessageTrace {
    unsafe UnsafeRawPointer(pointer + 1).load(as: MessageTrace.self)
  }
  @inline(__always) var chunk: Chunk { unsafe Chunk(containing: pointer) }
  @inline(__always) var time: Int64 { unsafe pointer.pointee.time }
  @inline(__always) var instant: Instant { Instant(microseconds: time) }
  @inline(__always) var source: UInt64 { unsafe pointer.pointee.source }
  @inline(__always) var items: UInt32 { unsafe pointer.pointee.items }
  @inline(__always) var tag: UInt32 { unsafe pointer.pointee.tag }
  @inline(__always) var attribution: Int { Message.attribution(tag) }
  @inline(__always) var isSuccess: Bool { tag & Message.successFlag != 0 }
  @inline(__always) var isReference: Bool { tag & Message.referenceFlag != 0 }
  @inline(__always) var isDuplicate: Bool { tag & Message.duplicateFlag != 0 }
  @inline(__always) var user: ChunkText { unsafe pointer.pointee.user(in: chunk) }
  @inline(__always) var request: ChunkText { unsafe pointer.pointee.request(in: chunk) }
  @inline(__always) var conversation: ChunkText { unsafe pointer.pointee.conversation(in: chunk) }
  @inline(__always) var value: Message { unsafe pointer.pointee }

  /// Has the record on its way into the cache before it is read; it lies in two lines of it, or in three.
  ///
  /// - Parameter stride: its bytes, with what it carries.
  @inline(__always)
  func prefetch(stride: Int) {
    let start = unsafe UnsafeRawPointer(pointer)
    unsafe duizhang_prefetch(start)
    unsafe duizhang_prefetch(start + 64)
    if stride > 72 { unsafe duizhang_prefetch(start + (stride - 1)) }
  }

  @inline(__always)
  func markDuplicate() { unsafe pointer.pointee.tag |= Message.duplicateFlag }
}

extension ChunkText {
  /// Copies the part of the text that lies in a chunk into another one, and moves on behind it.
  ///
  /// - Returns: the packed form that points there.
  func moved(to target: Chunk, at offset: inout Int) -> PackedText {
    let count = externalBytes
    guard count > 0 else { return text }
    let moved = copy(to: target, at: offset)
    offset += count
    return moved
  }
}
