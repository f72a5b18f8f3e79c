public import Decoding
public import Parsing
public import Shuffling

/// A quarantined line as it stands in its log.
public struct QuarantinedLine: Sendable, Hashable {
  public var source: UInt64
  public var rejection: Rejection
  /// Where the line begins in the log's text.
  public var byteOffset: Int
  /// Bytes of the line without its line feed.
  public var byteCount: Int
  /// Whether the text is kept; of a line that is too long only its beginning was ever in memory.
  public var hasText: Bool { rejection != .tooLong }

  /// The line that begins at a position of a block, restored as it was read.
  ///
  /// - Returns: the line, and its bytes with those of its line end.
  public static func find(
    source: UInt64, _ rejection: Rejection, in block: Block, at start: Int
  ) -> (line: QuarantinedLine, bytesWithEnd: Int) {
    block.restoreLine(at: start)
    let end = block.bytes.firstPosition(of: 0x0A, from: start)
    var byteCount = end - start
    var lineEnd = end < block.count ? 1 : 0
    if end == block.count && block.endsInOverlongLine {
      lineEnd = block.passedOverLineEnd ? 1 : 0
      byteCount += block.passedOverBytes - lineEnd
    }
    let line = QuarantinedLine(
      source: source, rejection: rejection, byteOffset: block.offset + start,
      byteCount: byteCount)
    return (line, byteCount + lineEnd)
  }
}

/// The quarantined lines of a run with their texts, in bounded memory: those of one block are put aside
/// together.
public final class QuarantineStore: @unchecked Sendable {
  private struct Piece {
    /// The number of the block's first line.
    var firstSource: UInt64
    var place: TextStore.Place
  }

  private let texts: TextStore
  private let lock = Lock()
  private var pieces: [Piece] = []

  public init(pool: ChunkPool, spill: SpillFile) { texts = TextStore(pool: pool, spill: spill) }

  /// Puts the lines of a block aside.
  ///
  /// - Parameter lines: as ``append(_:textAt:in:to:)`` wrote them.
  func put(_ lines: [UInt8], firstSource: UInt64) throws(SpillError) {
    let place = try texts.put(lines)
    lock.withLock { pieces.append(Piece(firstSource: firstSource, place: place)) }
  }

  /// Calls `body` with each line and its text, in the order of sources; to be called when all are put
  /// aside.
  ///
  /// - Parameter body: returns whether to go on.
  public func forEach(
    _ body: (QuarantinedLine, ArraySlice<UInt8>) -> Bool
  ) throws(SpillError) {
    let sorted = lock.withLock { pieces.sorted { $0.firstSource < $1.firstSource } }
    for piece in sorted {
      let bytes = try texts.text(at: piece.place)
      var position = 0
      func number() -> Int {
        defer { position += 8 }
        return bytes[position..<(position + 8)].reversed().reduce(0) { $0 << 8 | Int($1) }
      }
      while position < bytes.count {
        let source = UInt64(number())
        guard let rejection = Rejection(rawValue: UInt8(number())) else {
          preconditionFailure("a reason that was written is known")
        }
        let line = QuarantinedLine(
          source: source, rejection: rejection, byteOffset: number(), byteCount: number())
        let end = position + (line.hasText ? line.byteCount : 0)
        guard body(line, bytes[position..<end]) else { return }
        position = end
      }
    }
  }

  /// Writes a line down in the way in which it is put aside.
  ///
  /// - Parameter start: where its text begins in the block.
  static func append(
    _ line: QuarantinedLine, textAt start: Int, in block: Block, to bytes: inout [UInt8]
  ) {
    for number in [
      Int(line.source), Int(line.rejection.rawValue), line.byteOffset, line.byteCount,
    ] {
      for shift in stride(from: 0, to: 64, by: 8) {
        bytes.append(UInt8(truncatingIfNeeded: number >> shift))
      }
    }
    if line.hasText { block.append(start..<(start + line.byteCount), to: &bytes) }
  }
}
