internal import Decoding

/// The rows of a CSV text as RFC 4180 has them, one at a time, in bounded memory.
///
/// Quoted cells may hold delimiters, line ends and doubled quotes; a quote inside an unquoted cell
/// stands for itself. Rows end with LF, CRLF or CR, the last one with or without. A row that is longer
/// than ``rowBytesMax``, or in which a quote stays open, is told, and reading goes on with the line
/// behind its first.
@safe
struct CSVScanner: ~Copyable {
  /// What ``next()`` found.
  enum Found: Equatable {
    case row
    /// A quote was opened and not closed before the end of the text or of the longest row.
    case unterminated
    /// A line longer than the longest row, passed over.
    case overlong
    /// A stretch of the stored file that cannot be read, in words.
    case damage(String)
    case end
  }

  private struct Cell {
    var start: Int32
    var count: Int32
    /// Whether quotes in it are doubled, or text follows its closing quote.
    var isWritten: Bool

    @inline(__always)
    init(start: Int, count: Int, isWritten: Bool = false) {
      self.start = Int32(truncatingIfNeeded: start)
      self.count = Int32(truncatingIfNeeded: count)
      self.isWritten = isWritten
    }
  }

  /// The longest row, in bytes of UTF-8.
  static let rowBytesMax = 256 << 10
  private static let bufferBytes = 2 * rowBytesMax
  private static let fillBytesMin = 64
  private static let quote: UInt8 = 0x22

  private let text: TextStream
  let delimiter: UInt8
  /// What is read of the text, with padding; then, from ``annexStart`` on, cells without their quotes.
  private let buffer: UnsafeMutableRawBufferPointer
  private static let annexStart = bufferBytes + ByteView.padding
  private var annexEnd = annexStart
  private var start = 0
  private var end = 0
  private var isAtEnd = false
  private var isASCII = true
  /// The row's cells, ``cellCount`` of ``cellsMax``; no array, whose checks would cost more than the search for them.
  private var cells: UnsafeMutablePointer<Cell>
  private(set) var cellCount = 0
  private var cellsMax = 64
  private var cellEnds = CellEnds()
  private var pendingDamage: String?
  private var rowStart = 0
  private var rowEnd = 0

  /// The row's number as spreadsheets show it: the first is 1, blank rows count, a cell of many lines is
  /// one.
  private(set) var number = 0
  /// The line of the file on which the row begins, from 1.
  private(set) var line = 1
  private var nextLine = 1

  /// Opens a text, of which a byte order mark and Excel's first line `sep=;` are passed over.
  ///
  /// - Parameter delimiter: one byte of ASCII; a first line `sep=` prevails.
  init(_ text: TextStream, delimiter: UInt8) {
    self.init(CSVHead(text), delimiter: delimiter)
  }

  /// Reads on from a head.
  ///
  /// - Parameter isHeadOnly: not beyond it.
  init(_ head: consuming CSVHead, delimiter: UInt8, isHeadOnly: Bool = false) {
    text = head.text
    let buffer = UnsafeMutableRawBufferPointer.allocate(
      byteCount: Self.annexStart + Self.bufferBytes + ByteView.padding, alignment: 64)
    unsafe self.buffer = unsafe buffer
    unsafe cells = .allocate(capacity: cellsMax)
    unsafe buffer.copyBytes(from: head.bytes)
    end = head.bytes.count
    start = head.start
    line = head.firstLine
    nextLine = head.firstLine
    isAtEnd = head.isAtEnd || isHeadOnly
    pendingDamage = isHeadOnly ? nil : head.damage
    self.delimiter = head.declared ?? delimiter
    unsafe buffer[end] = 0x0A
    unsafe isASCII = Self.isASCII(
      ByteView(
        base: UnsafePointer(
          buffer.baseAddress.unsafelyUnwrapped.assumingMemoryBound(to: UInt8.self))
          + start, count: end - start))
  }

  deinit {
    unsafe buffer.deallocate()
    unsafe cells.deallocate()
  }

  // MARK: - The row

  /// A cell without its quotes; valid until the next row. Empty where the row is shorter.
  @inline(__always)
  func cell(_ index: Int) -> ByteView {
    assert(index >= 0)
    guard index < cellCount else { return view(0, 0) }
    let cell = unsafe cells[index]
    return view(Int(cell.start), Int(cell.count))
  }

  func text(_ index: Int) -> String { Self.string(cell(index)) }

  var texts: [String] { (0..<cellCount).map { text($0) } }

  /// Whether the row is valid UTF-8.
  var isValid: Bool {
    if isASCII { return true }
    let row = view(rowStart, rowEnd - rowStart)
    if Self.isASCII(row) { return true }
    return row.withSpan(0, row.count) { span in
      do throws(UTF8.ValidationError) {
        _ = try UTF8Span(validating: span)
        return true
      } catch {
        return false
      }
    }
  }

  /// The row's first line, at most 80 bytes of it, for messages.
  var beginning: String {
    let row = view(rowStart, min(rowEnd - rowStart, Self.beginningBytes))
    let text = Self.string(row)
    return String(text.prefix { $0 != "\n" && $0 != "\r\n" && $0 != "\r" })
  }

  @inline(__always)
  static func string(_ view: ByteView) -> String {
    unsafe view.withAddress {
      unsafe String(
        decoding: UnsafeBufferPointer(start: $0, count: view.count), as: UTF8.self)
    }
  }

  static func bytes(_ view: ByteView) -> [UInt8] {
    unsafe view.withAddress { unsafe Array(UnsafeBufferPointer(start: $0, count: view.count)) }
  }

  @inline(__always)
  private func view(_ start: Int, _ count: Int) -> ByteView {
    let base = unsafe buffer.baseAddress.unsafelyUnwrapped.assumingMemoryBound(to: UInt8.self)
    return unsafe ByteView(base: base + start, count: count)
  }

  private static func isASCII(_ view: ByteView) -> Bool {
    var position = 0
    var bits: UInt64 = 0
    while position + 8 <= view.count {
      bits |= view.word(at: position)
      position += 8
    }
    while position < view.count {
      bits |= UInt64(view[position])
      position += 1
    }
    return bits & 0x8080_8080_8080_8080 == 0
  }

  // MARK: - Reading

  /// Goes to the next row.
  mutating func next() -> Found {
    number += 1
    line = nextLine
    while true {
      if start == end && isAtEnd && pendingDamage == nil {
        number -= 1
        return .end
      }
      let found = start < end ? scan() : nil
      if let found {
        rowStart = start
        if rowEnd - start > Self.rowBytesMax { return refuse() }
        if found == .unterminated { passOver() } else { start = rowEnd }
        return found
      }
      if let damage = pendingDamage { return take(damage) }
      if end - start > Self.rowBytesMax {
        rowStart = start
        return refuse()
      }
      fill()
    }
  }

  /// Goes behind the first line of a row that is too long, which is one of many lines in an open quote,
  /// or a long line.
  private mutating func refuse() -> Found {
    nextLine = line
    let limit = start + Self.rowBytesMax
    let isLine = view(0, end).position(ofEither: 0x0A, 0x0D, from: start, to: limit) == limit
    if isLine {
      rowEnd = start + Self.beginningBytes
      skipLine()
    } else {
      passOver()
    }
    return isLine ? .overlong : .unterminated
  }

  private static let beginningBytes = 80

  private mutating func take(_ damage: String) -> Found {
    pendingDamage = nil
    number -= 1
    return .damage(damage)
  }

  /// Whether nothing follows what is in the buffer: a row is never joined over what cannot be read.
  private var isCutOff: Bool { isAtEnd || pendingDamage != nil }

  /// Finds the cells of the row at ``start``.
  ///
  /// - Returns: `nil` where more of the text is needed.
  private mutating func scan() -> Found? {
    annexEnd = Self.annexStart
    cellCount = 0
    let (delimiter, end) = (delimiter, end)
    let content = view(0, end)
    var position = start
    var hasQuotes = false
    while true {
      // Behind the content stands a line end.
      if content[position] == Self.quote {
        hasQuotes = true
        guard let next = scanQuoted(content, from: position) else {
          guard isCutOff else { return nil }
          rowEnd = end
          return .unterminated
        }
        position = next
      } else {
        let stop = cellEnds.next(from: position, in: content, delimiter)
        append(Cell(start: position, count: stop - position))
        position = stop
      }
      if position >= end {
        guard isCutOff else { return nil }
        return finishRow(at: position, hasQuotes, content)
      }
      let byte = content[position]
      position += 1
      if byte == delimiter { continue }
      if byte == 0x0D {
        if position == end {
          guard isCutOff else { return nil }
        } else if content[position] == 0x0A {
          position += 1
        }
      }
      return finishRow(at: position, hasQuotes, content)
    }
  }

  @inline(__always)
  private mutating func append(_ cell: Cell) {
    if cellCount == cellsMax { growCells() }
    unsafe cells[cellCount] = cell
    cellCount += 1
  }

  private mutating func growCells() {
    let larger = UnsafeMutablePointer<Cell>.allocate(capacity: 2 * cellsMax)
    unsafe larger.update(from: cells, count: cellCount)
    unsafe cells.deallocate()
    unsafe cells = unsafe larger
    cellsMax *= 2
  }

  /// Finds the end of a quoted cell.
  ///
  /// - Returns: where its delimiter or line end is; `nil` where the text ends before.
  private mutating func scanQuoted(_ content: ByteView, from open: Int) -> Int? {
    var position = open + 1
    var isWritten = false
    while true {
      let quote = content.firstPosition(of: Self.quote, from: position)
      guard quote < end else { return nil }
      if quote + 1 < end {
        if content[quote + 1] == Self.quote {
          isWritten = true
          position = quote + 2
          continue
        }
      } else if !isCutOff {
        return nil
      }
      let stop = cellEnds.next(from: quote + 1, in: content, delimiter)
      if stop > quote + 1 || isWritten {
        append(Cell(start: open, count: stop - open, isWritten: true))
      } else {
        append(Cell(start: open + 1, count: quote - open - 1))
      }
      return stop
    }
  }

  private mutating func finishRow(
    at position: Int, _ hasQuotes: Bool, _ content: ByteView
  ) -> Found {
    rowEnd = position
    nextLine += 1
    if hasQuotes { finishQuoted(at: position, content) }
    return .row
  }

  private mutating func finishQuoted(at position: Int, _ content: ByteView) {
    for index in 0..<cellCount where unsafe cells[index].isWritten {
      unsafe cells[index] = unquoted(cells[index])
    }
    var at = start
    while at < position - 1 {
      at = content.firstPosition(of: 0x0A, from: at) + 1
      if at < position { nextLine += 1 }
    }
  }

  /// Writes a cell without its quotes into the annex.
  private mutating func unquoted(_ cell: Cell) -> Cell {
    let first = annexEnd
    var isOpen = true
    var position = Int(cell.start) + 1
    let last = Int(cell.start + cell.count)
    while position < last {
      let byte = unsafe buffer[position]
      position += 1
      if isOpen && byte == Self.quote {
        guard position < last, unsafe buffer[position] == Self.quote else {
          isOpen = false
          continue
        }
        position += 1
      }
      unsafe buffer[annexEnd] = byte
      annexEnd += 1
    }
    return Cell(start: first, count: annexEnd - first)
  }

  /// Goes behind the first line of what begins at ``start``, which is in the buffer or too long.
  private mutating func passOver() {
    let content = view(0, end)
    var position = start
    while position < end && content[position] != 0x0A && content[position] != 0x0D { position += 1 }
    rowEnd = position
    if position == end && !isCutOff { return skipLine() }
    if position < end {
      position +=
        content[position] == 0x0D && position + 1 < end && content[position + 1] == 0x0A
        ? 2 : 1
    }
    start = position
    nextLine += 1
  }

  /// Goes behind the end of a line of any length.
  private mutating func skipLine() {
    // The beginning stays for messages.
    let kept = Self.bytes(view(rowStart, rowEnd - rowStart))
    while true {
      let position = view(0, end).position(ofEither: 0x0A, 0x0D, from: start, to: end)
      if position + 1 < end || position < end && isCutOff {
        start = position + (view(position, 2).pair(at: 0) == 0x0A0D ? 2 : 1)
        break
      }
      if position < end {
        // A line feed may follow.
        start = position
        fill()
        continue
      }
      start = end
      if isCutOff { break }
      fill()
    }
    nextLine += 1
    rowStart = Self.annexStart
    rowEnd = rowStart + kept.count
    unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[rowStart...]).copyBytes(from: kept)
  }

  /// Moves what is not read to the front and reads on behind it.
  private mutating func fill() {
    cellEnds = CellEnds()
    if start > 0 {
      unsafe buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: buffer[start..<end]))
      end -= start
      start = 0
      isASCII = Self.isASCII(view(0, end))
    }
    let first = end
    do throws(Damage) {
      while end + Self.fillBytesMin <= Self.bufferBytes {
        let count = unsafe try text.read(
          into: UnsafeMutableRawBufferPointer(rebasing: buffer[end..<Self.bufferBytes]))
        end += count
        if count == 0 {
          isAtEnd = true
          break
        }
      }
    } catch {
      pendingDamage = CSVHead.words(error)
      if error.kind == .unreadable { isAtEnd = true }
    }
    // As long as no encoding is told, all of the text is ASCII.
    isASCII = isASCII && (text.encoding == nil || Self.isASCII(view(first, end - first)))
    unsafe buffer[end] = 0x0A
  }
}

/// Where cells end, looked for in 64 bytes at once and kept for those that follow.
private struct CellEnds {
  /// The first of the 64 bytes; far from any content where none are marked.
  private var block = -64
  private var marks: UInt64 = 0

  /// The first position from `position` on of a delimiter, CR or LF, one of which stands behind the content at the latest.
  @inline(__always)
  mutating func next(from position: Int, in content: ByteView, _ delimiter: UInt8) -> Int {
    let offset = position &- block
    if offset >= 0 && offset < 64 {
      let found = marks & UInt64.max &<< UInt64(truncatingIfNeeded: offset)
      if found != 0 { return block &+ found.trailingZeroBitCount }
      block &+= 64
    } else {
      block = position
    }
    while true {
      marks = content.cellEnds(delimiter, at: block)
      if marks != 0 { return block &+ marks.trailingZeroBitCount }
      block &+= 64
    }
  }
}

/// The beginning of a CSV text, by which its delimiter and header are told.
struct CSVHead {
  /// Enough for any title and header.
  static let bytesMax = 128 << 10

  let text: TextStream
  var bytes: [UInt8]
  var isAtEnd = false
  var damage: String?
  /// Behind a byte order mark and Excel's first line.
  var start = 0
  var firstLine = 1
  /// The delimiter that Excel's first line `sep=;` names.
  var declared: UInt8?

  init(_ text: TextStream) {
    self.text = text
    let room = UnsafeMutableRawBufferPointer.allocate(byteCount: Self.bytesMax, alignment: 16)
    defer { unsafe room.deallocate() }
    var count = 0
    do throws(Damage) {
      while count + 64 <= Self.bytesMax {
        let read = unsafe try text.read(
          into: UnsafeMutableRawBufferPointer(rebasing: room[count...]))
        count += read
        if read == 0 {
          isAtEnd = true
          break
        }
      }
    } catch {
      damage = Self.words(error)
      if error.kind == .unreadable { isAtEnd = true }
    }
    unsafe bytes = Array(room[..<count])
    if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { start = 3 }
    readDeclaration()
  }

  /// Passes over `sep=;`, also in quotes, which Excel does not show as a row.
  private mutating func readDeclaration() {
    var position = start
    let isQuoted = position < bytes.count && bytes[position] == 0x22
    if isQuoted { position += 1 }
    guard position + 5 <= bytes.count,
      bytes[position..<(position + 4)].elementsEqual("sep=".utf8, by: { $0 | 0x20 == $1 | 0x20 })
    else { return }
    let delimiter = bytes[position + 4]
    position += 5
    if isQuoted {
      guard position < bytes.count, bytes[position] == 0x22 else { return }
      position += 1
    }
    guard position < bytes.count, bytes[position] == 0x0D || bytes[position] == 0x0A,
      delimiter < 0x80, delimiter != 0x22
    else { return }
    position += bytes[position...].starts(with: [0x0D, 0x0A]) ? 2 : 1
    start = position
    firstLine = 2
    declared = delimiter
  }

  static func words(_ damage: Damage) -> String {
    var words = "byte \(damage.byteOffset) of the file as stored: \(damage.detail)"
    if damage.distrust != nil { words += ", and rows before it may be wrong" }
    return words
  }
}
