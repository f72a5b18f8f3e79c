public import Decoding
internal import Formats

/// Parses the lines of blocks as records of any format.
@safe
public struct FormatParser: ~Copyable {
  private enum Reader {
    case json(JSONTreeReader)
    case pattern(PatternReader, LinePattern.Escaping)
    case table(TableReader, hasBackslashes: Bool)
    case pairs(PairsReader)
  }

  private let plan: FormatPlan
  private let words: UnsafeMutablePointer<UInt64>
  private let slots: Slots
  private let indexer = JSONIndexer()
  private let reader: Reader
  private let quotedStops = TextStops(TextStops.quoted)
  private let spacedStops = TextStops(TextStops.spaced)
  private var assembler: RecordAssembler
  private let lineBytesMax: Int
  /// Fields that the records so far had values for, all together; a record that says nothing but its time
  /// is hardly understood, and has none.
  public private(set) var fieldCount = 0
  /// Method and path of the first record that the format takes for none that counts.
  public private(set) var firstIgnored: String?

  /// - Parameters:
  ///   - block: any; the blocks to parse come later.
  ///   - findsPlaces: whether records need their origins and addresses.
  ///   - findsTraces: whether they need the fields that decide no count.
  ///   - isGuess: whether it is to be found out if the format is the log's.
  ///   - lineBytesMax: the longest line that is parsed, as its stream has it.
  public init(
    _ plan: FormatPlan, _ block: Block, findsPlaces: Bool = true, findsTraces: Bool = false,
    isGuess: Bool = false, lineBytesMax: Int = LogStream.lineBytesMaxDefault
  ) {
    self.plan = plan
    self.lineBytesMax = lineBytesMax
    unsafe words = .allocate(capacity: Call.wordCount + plan.slotCount)
    unsafe words.initialize(repeating: 0, count: Call.wordCount + plan.slotCount)
    slots = unsafe Slots(words: words + Call.wordCount, count: plan.slotCount)
    assembler = RecordAssembler(
      plan, slots, unsafe Call(words: words), block.annex, findsPlaces: findsPlaces,
      findsTraces: findsTraces, countsFields: isGuess)
    switch plan.format.syntax {
    case .json: reader = .json(JSONTreeReader(plan, findsTraces: findsTraces))
    case .logfmt: reader = .pairs(PairsReader(plan))
    case .table(let table):
      reader = .table(TableReader(table, plan), hasBackslashes: table.hasBackslashes)
    case .pattern(let pattern):
      reader = .pattern(PatternReader(pattern, plan, isGuess: isGuess), pattern.escaping)
    }
  }

  deinit { unsafe words.deallocate() }

  /// Hands on every line of a block, in order; see ``LineCounts`` for what is not handed on.
  ///
  /// - Parameters:
  ///   - record: takes a record, whose slices lie in the block or its annex, and the number of its
  ///     line in the block, from 0.
  ///   - rejected: takes the number of a line that is no record, and why; the block tells where it
  ///     begins.
  public mutating func parse(
    _ block: Block, record: (Call, Int) -> Void, rejected: (Rejection, Int) -> Void
  ) -> LineCounts {
    let bytes = block.bytes
    let wholeBytes = block.wholeBytes
    assembler.begin(block)
    if case .json(let json) = reader { json.begin() }
    var cursor = LineCursor(bytes: bytes, skipsByteOrderMark: block.index == 0)
    var counts = LineCounts(blankBytes: cursor.start)
    let plain = plainReader(bytes)
    while cursor.start < bytes.count {
      let start = cursor.start
      let outcome: RecordAssembler.Outcome
      if let plain, let end = readPlain(plain, bytes, from: start) {
        cursor.start = end + 1
        outcome = assembler.assembleFields(wholeBytes)
      } else {
        switch readLine(block, bytes, wholeBytes, &cursor) {
        case .values: outcome = assembler.assemble(wholeBytes)
        case .rejected(let rejection): outcome = .rejected(rejection)
        case .blank:
          counts.blank += 1
          counts.blankBytes += min(cursor.start, bytes.count) - start
          counts.lines += 1
          continue
        }
      }
      switch outcome {
      case .record:
        fieldCount &+= assembler.fieldCount > 1 ? assembler.fieldCount : 0
        assembler.call.lineStart = start
        record(assembler.call, counts.lines)
      case .ignored:
        fieldCount &+= assembler.fieldCount > 1 ? assembler.fieldCount : 0
        counts.ignored += 1
        if firstIgnored == nil { firstIgnored = request(wholeBytes) }
      case .rejected(let rejection):
        block.rejectedLineStart = start
        rejected(rejection, counts.lines)
      }
      counts.lines += 1
    }
    return counts
  }

  /// What reads a block's plain lines, where there is such a thing.
  private func plainReader(_ bytes: ByteView) -> PlainLineReader? {
    guard case .pattern(let pattern, _) = reader else { return nil }
    return pattern.plainReader(
      quoted: quotedStops.find(in: bytes), spaced: spacedStops.find(in: bytes))
  }

  /// Reads the line at a position if it is a plain one.
  ///
  /// - Returns: the position of its end; `nil` where it is to be read the general way.
  @inline(__always)
  private mutating func readPlain(
    _ reader: PlainLineReader, _ bytes: ByteView, from start: Int
  ) -> Int? {
    guard bytes[start] > 0x20 else { return nil }
    assembler.beginLine(plain: true)
    let end = assembler.readPlain(reader, bytes, from: start)
    return end >= 0 && end &- start <= lineBytesMax ? end : nil
  }

  private enum Line {
    /// The line's values lie in the slots.
    case values
    case blank
    case rejected(Rejection)
  }

  /// Reads the next line, whatever it is.
  @inline(never)
  private mutating func readLine(
    _ block: Block, _ bytes: ByteView, _ wholeBytes: ByteView, _ cursor: inout LineCursor
  ) -> Line {
    assembler.beginLine()
    if case .pattern(let pattern, let escaping) = reader {
      let start = cursor.start
      let end = pattern.read(bytes, from: start, into: slots)
      if end >= 0 && end - start <= lineBytesMax {
        cursor.start = end + 1
        let line = start..<end
        if Self.isBlank(bytes, line) || isComment(bytes, line) { return .blank }
        let rejection = check(bytes, line) ?? decode(escaping, wholeBytes)
        return rejection.map { .rejected($0) } ?? .values
      }
    }
    guard let line = cursor.next() else { return .blank }
    if let rejection = overlong(block, line) { return .rejected(rejection) }
    if Self.isBlank(bytes, line) || isHeader(bytes, line) || isComment(bytes, line) {
      return .blank
    }
    return read(bytes, wholeBytes, line).map { .rejected($0) } ?? .values
  }

  /// Method and path of the line last read.
  private func request(_ bytes: ByteView) -> String {
    [plan.methodSlot, plan.pathSlot].map { slot in
      bytes.text(Int(slots[slot].start), Int(slots[slot].count))
    }.joined(separator: " ")
  }

  // MARK: - Lines

  private static func isBlank(_ bytes: ByteView, _ line: Range<Int>) -> Bool {
    for position in line where !JSONWalk.isWhiteSpace(bytes[position]) { return false }
    return true
  }

  /// Whether the line is the header, which comes again where files were put together.
  private func isHeader(_ bytes: ByteView, _ line: Range<Int>) -> Bool {
    guard let header = plan.headerLine else { return false }
    let end = Self.content(bytes, line).upperBound
    guard end - line.lowerBound == header.count else { return false }
    for index in header.indices where bytes[line.lowerBound + index] != header[index] {
      return false
    }
    return true
  }

  private func isComment(_ bytes: ByteView, _ line: Range<Int>) -> Bool {
    guard !plan.comment.isEmpty, line.count >= plan.comment.count else { return false }
    for index in plan.comment.indices where bytes[line.lowerBound + index] != plan.comment[index] {
      return false
    }
    return true
  }

  private func overlong(_ block: Block, _ line: Range<Int>) -> Rejection? {
    let isCutOff = block.endsInOverlongLine && line.upperBound == block.count
    return isCutOff || line.count > lineBytesMax ? .tooLong : nil
  }

  /// The line without a carriage return at its end.
  private static func content(_ bytes: ByteView, _ line: Range<Int>) -> Range<Int> {
    let hasReturn = !line.isEmpty && bytes[line.upperBound - 1] == 0x0D
    return line.lowerBound..<(line.upperBound - (hasReturn ? 1 : 0))
  }

  /// No text is without valid UTF-8, and none has a NUL.
  private func check(_ bytes: ByteView, _ line: Range<Int>) -> Rejection? {
    for position in line where bytes[position] == 0 { return .invalidText }
    return bytes.isUTF8(line.lowerBound, line.count) ? nil : .invalidText
  }

  @inline(never)
  private mutating func read(
    _ bytes: ByteView, _ wholeBytes: ByteView, _ line: Range<Int>
  ) -> Rejection? {
    let slots = self.slots
    switch reader {
    case .pattern: return check(bytes, line) ?? .unlikeFormat
    case .json(let json):
      guard let tokens = indexer.tokens(bytes, line.lowerBound, line.count) else {
        return .invalidText
      }
      return json.read(bytes, line, tokens, into: slots) { slot in
        if plan.isTrace(slot) {
          assembler.decodeTrace(slot, wholeBytes, with: TextDecoding.json)
          return true
        }
        return assembler.decode(slot, wholeBytes, with: TextDecoding.json)
      }
    case .table(let table, let hasBackslashes):
      if let rejection = check(bytes, line) { return rejection }
      return table.read(bytes, Self.content(bytes, line), into: slots) { slot in
        decode(
          slot, wholeBytes,
          with: hasBackslashes ? TextDecoding.backslashes : TextDecoding.doubledQuotes)
      }
    case .pairs(let pairs):
      if let rejection = check(bytes, line) { return rejection }
      return pairs.read(bytes, Self.content(bytes, line), into: slots) { slot in
        decode(slot, wholeBytes, with: TextDecoding.backslashes)
      }
    }
  }

  /// Decodes what can be decoded in any case.
  private mutating func decode(
    _ slot: Int, _ bytes: ByteView, with decoding: (ByteView, Slice, inout Annex) -> Slice?
  ) {
    if plan.isTrace(slot) {
      assembler.decodeTrace(slot, bytes, with: decoding)
    } else {
      _ = assembler.decode(slot, bytes, with: decoding)
    }
  }

  /// Decodes the values of a line in which a server may have escaped something.
  private mutating func decode(_ escaping: LinePattern.Escaping, _ bytes: ByteView) -> Rejection? {
    if escaping == .none { return nil }
    for slot in 0..<plan.valueNames.count {
      let value = slots[slot]
      let start = Int(value.start)
      guard (start..<(start + Int(value.count))).contains(where: { bytes[$0] == 0x5C }) else {
        continue
      }
      if plan.isTrace(slot) {
        assembler.decodeTrace(
          slot, bytes, with: escaping == .json ? TextDecoding.json : TextDecoding.backslashes)
      } else if escaping == .json {
        guard assembler.decode(slot, bytes, with: TextDecoding.json) else {
          return .unreadableField
        }
      } else {
        _ = assembler.decode(slot, bytes, with: TextDecoding.backslashes)
      }
    }
    return nil
  }
}

/// What became of the lines of a block, beside those that were handed on.
public struct LineCounts: Sendable, Equatable {
  public var lines = 0
  /// Lines of white space alone, and headers.
  public var blank = 0
  /// Records that the format takes for none that counts.
  public var ignored = 0
  /// Bytes of the blank lines with their line ends, and of a byte order mark.
  public var blankBytes = 0

  public init(lines: Int = 0, blank: Int = 0, ignored: Int = 0, blankBytes: Int = 0) {
    self.lines = lines
    self.blank = blank
    self.ignored = ignored
    self.blankBytes = blankBytes
  }
}
