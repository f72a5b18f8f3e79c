/// What a user of a day shows who may keep a conversation alive: calls without content, after
/// pauses that are all alike.
struct KeptAliveRow: UserRow {
  /// Pauses before calls without content are told apart by this share of the idle timeout.
  static let binsMax = 64

  /// A stretch of a user's calls between two midnights, to be joined to the next.
  struct Piece: Sendable, Equatable {
    var first: Int64
    var last: Int64
    /// Of the calls with content; none where there is none.
    var content: Span?
    /// Whether a pause between the first and the last call was longer than the idle timeout, or an
    /// event opened or closed a conversation; where there is content, before and after it.
    var isBrokenBefore = false
    var isBrokenAfter = false
    /// Calls without content before the first with content, and after the last.
    var freeBefore = 0
    var freeAfter = 0
    /// Whether the first conversation ends within the piece, and whether it, and the last one, has
    /// more than calls without content.
    var endsFirst = false
    var firstHasContent = false
    var lastHasContent = false

    struct Span: Sendable, Equatable {
      var first: Int64
      var last: Int64
    }
  }

  /// Calls with content, and without.
  var content = 0
  var free = 0
  /// Of a call without content and the call before: pauses, in 64 parts of the idle timeout.
  var pauses: [Int: Int] = [:]
  /// Times that content came when the content before lay further back than the idle timeout, but
  /// calls without content had bridged the time.
  var saved = 0
  /// Conversations within pieces that had nothing but calls without content: these were counted for
  /// nothing.
  var empty = 0
  /// The largest that held, in microseconds.
  var idleTimeout: Int64 = 0
  var pieces: [Piece] = []
  var showing = EvidenceLines()

  init() {}

  mutating func merge(_ other: KeptAliveRow) {
    content += other.content
    free += other.free
    pauses.merge(other.pauses, uniquingKeysWith: +)
    saved += other.saved
    empty += other.empty
    idleTimeout = max(idleTimeout, other.idleTimeout)
    pieces += other.pieces
    pieces.sort { ($0.first, $0.last) < ($1.first, $1.last) }
    showing.merge(other.showing)
  }

  func write(to writer: inout SummaryWriter) {
    for number in [content, free, saved, empty] { writer.count(number) }
    writer.signed(idleTimeout)
    writer.entries(pauses) { bin, count, writer in
      writer.count(bin)
      writer.count(count)
    }
    writer.count(pieces.count)
    for piece in pieces { piece.write(to: &writer) }
    showing.write(to: &writer)
  }

  init(from reader: inout SummaryReader) throws(SummaryError) {
    let limit = 1 << 40
    content = try reader.count(atMost: limit)
    free = try reader.count(atMost: limit)
    saved = try reader.count(atMost: limit)
    empty = try reader.count(atMost: limit)
    idleTimeout = try reader.signed()
    pauses = try reader.entries { reader throws(SummaryError) in
      (try reader.count(atMost: Self.binsMax - 1), try reader.count(atMost: limit))
    }
    for _ in 0..<(try reader.length()) { pieces.append(try Piece(from: &reader)) }
    showing = try EvidenceLines(from: &reader)
  }

  /// Times that content of a later piece came late, and calls without content had bridged the
  /// time since that of an earlier one: ``saved`` knows of those within a piece.
  ///
  /// - Parameter pieces: of some days, in order of time.
  static func saved(between pieces: [Piece], idleTimeout: Int64) -> Int {
    var saved = 0
    var content: Int64?
    var isBroken = true
    var free = 0
    var last = Int64.min / 2
    for piece in pieces {
      if piece.first.subtractingReportingOverflow(last).partialValue > idleTimeout {
        isBroken = true
      }
      if let span = piece.content {
        if let content, !isBroken, !piece.isBrokenBefore, free + piece.freeBefore > 0,
          span.first.subtractingReportingOverflow(content).partialValue > idleTimeout
        {
          saved += 1
        }
        content = span.last
        isBroken = piece.isBrokenAfter
        free = piece.freeAfter
      } else {
        isBroken = isBroken || piece.isBrokenBefore
        free += piece.freeBefore
      }
      last = piece.last
    }
    return saved
  }

  /// Conversations that begin, end or go on at a piece's border and had nothing but calls without
  /// content: ``empty`` knows of those within a piece.
  static func empty(between pieces: [Piece], idleTimeout: Int64) -> Int {
    var empty = 0
    var hasContent = true
    var last = Int64.min / 2
    for piece in pieces {
      if piece.first.subtractingReportingOverflow(last).partialValue > idleTimeout {
        if !hasContent { empty += 1 }
        hasContent = false
      }
      hasContent = hasContent || piece.firstHasContent
      if piece.endsFirst {
        if !hasContent { empty += 1 }
        hasContent = piece.lastHasContent
      }
      last = piece.last
    }
    return hasContent ? empty : empty + 1
  }
}

extension KeptAliveRow.Piece {
  fileprivate func write(to writer: inout SummaryWriter) {
    writer.signed(first)
    writer.signed(last)
    writer.number(
      (content == nil ? 0 : 1) | (isBrokenBefore ? 2 : 0) | (isBrokenAfter ? 4 : 0)
        | (endsFirst ? 8 : 0) | (firstHasContent ? 16 : 0) | (lastHasContent ? 32 : 0))
    if let content {
      writer.signed(content.first)
      writer.signed(content.last)
    }
    writer.count(freeBefore)
    writer.count(freeAfter)
  }

  fileprivate init(from reader: inout SummaryReader) throws(SummaryError) {
    first = try reader.signed()
    last = try reader.signed()
    let flags = try reader.number(atMost: 63)
    isBrokenBefore = flags & 2 != 0
    isBrokenAfter = flags & 4 != 0
    endsFirst = flags & 8 != 0
    firstHasContent = flags & 16 != 0
    lastHasContent = flags & 32 != 0
    if flags & 1 != 0 { content = Span(first: try reader.signed(), last: try reader.signed()) }
    freeBefore = try reader.count(atMost: 1 << 40)
    freeAfter = try reader.count(atMost: 1 << 40)
  }
}

/// Of each licensee's users on a day, those who may keep conversations alive.
public struct KeptAliveOfDay: DetectorSummary, Equatable {
  var rows = UserRows<KeptAliveRow>()

  public init() {}

  public var isEmpty: Bool { rows.isEmpty }

  public mutating func merge(_ other: KeptAliveOfDay) { rows.merge(other.rows) }

  public func write(to writer: inout SummaryWriter) { rows.write(to: &writer) }

  public init(from reader: inout SummaryReader) throws(SummaryError) {
    rows = try UserRows(from: &reader)
  }
}
