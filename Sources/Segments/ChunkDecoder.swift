internal import Decoding
internal import Glibc
internal import Parsing

/// Reads chunks back. Every byte of a chunk is checked: first its checksum, then, since whoever writes files
/// can write checksums, that each number is one that a writer writes.
struct ChunkDecoder: ~Copyable {
  /// What a chunk says of itself.
  struct Header {
    var rows: Int
    var number: Int64
  }

  /// A column of texts: what must be known before they are read.
  private struct TextPlan {
    var form = ChunkFormat.TextForm.constant
    /// Bytes of texts, and where in the block they begin.
    var textBytes = 0
    var textStart = 0
    /// The constant, or the prefix.
    var start = 0
    var prefixCount = 0
    var digits = 0
    var textClass: UInt8 = 0
    var wordCount = 0
    var classes = StreamReader.Stream()
    var packed = StreamReader.Stream()
    var lengths = StreamReader.Stream()
    var content = StreamReader.Stream()
    var indexes = StreamReader.Stream()
  }

  private let columns: [Column]
  private let streams = StreamReader()
  private var first = ByteBuffer()
  private var second = ByteBuffer()
  private var third = ByteBuffer()
  private var slices: [UInt64] = []
  /// The least and the greatest number of each column of the last chunk; 0 for texts.
  private(set) var ranges: [ClosedRange<Int64>]

  init(_ columns: [Column]) {
    self.columns = columns
    ranges = [ClosedRange<Int64>](repeating: 0...0, count: columns.count)
  }

  /// Reads a chunk: its texts into a block, its numbers and the texts' slices into a table.
  mutating func decode(
    _ chunk: [UInt8], into block: Block, _ table: RowTable
  ) throws(ChunkDefect) -> Header {
    precondition(table.positions.count == columns.count)
    var header: Header?
    var defect: ChunkDefect?
    unsafe chunk.withUnsafeBytes { bytes in
      do throws(ChunkDefect) {
        header = unsafe try decode(bytes, into: block, table)
      } catch {
        defect = error
      }
    }
    if let defect { throw defect }
    guard let header else { preconditionFailure("a chunk is read or has a defect") }
    return header
  }

  private mutating func decode(
    _ chunk: UnsafeRawBufferPointer, into block: Block, _ table: RowTable
  ) throws(ChunkDefect) -> Header {
    table.prepare(0)
    let header = unsafe try checkHeader(chunk)
    guard let address = chunk.baseAddress else { throw .malformed(0, "no chunk") }
    let base = unsafe address.assumingMemoryBound(to: UInt8.self)
    // First where everything lies, so that there is room for all texts at once.
    var plans = [TextPlan](repeating: TextPlan(), count: columns.count)
    var starts: [Int] = []
    var textBytes = 0
    var position = ChunkFormat.headerBytes + columns.count * ChunkFormat.columnBytes
    let end = chunk.count - ChunkFormat.checksumBytes
    for (index, column) in columns.enumerated() {
      let entry = ChunkFormat.headerBytes + index * ChunkFormat.columnBytes
      let stored = unsafe Int(
        UInt32(littleEndian: chunk.loadUnaligned(fromByteOffset: entry + 4, as: UInt32.self)))
      guard stored <= end - position else { throw .malformed(entry, "a column is too long") }
      starts.append(position)
      if !column.isNumeric {
        var plan = unsafe try plan(
          base, position, position + stored, form: base[entry + 1], rows: header.rows)
        plan.textStart = textBytes
        textBytes += plan.textBytes
        guard textBytes <= ChunkFormat.textBytesMax else {
          throw .malformed(entry, "its texts are too long")
        }
        plans[index] = plan
      }
      position += stored
    }
    guard position == end else { throw .malformed(position, "bytes belong to no column") }
    starts.append(end)
    table.prepare(header.rows)
    var defect: ChunkDefect?
    unsafe block.fill(index: Int(truncatingIfNeeded: header.number), count: textBytes) { texts in
      do throws(ChunkDefect) {
        for (index, column) in columns.enumerated() {
          let target = unsafe table.words + table.positions[index]
          if column.isNumeric {
            let form = unsafe base[ChunkFormat.headerBytes + index * ChunkFormat.columnBytes + 1]
            ranges[index] = unsafe try decodeNumbers(
              base, starts[index], starts[index + 1], form, isSeries: column == .series,
              to: target, table.stride, header.rows)
          } else {
            unsafe try decodeTexts(
              base, plans[index], texts, to: target, table.stride, header.rows)
          }
        }
      } catch {
        defect = error
      }
    }
    if let defect { throw defect }
    table.count = header.rows
    return header
  }

  private func checkHeader(_ chunk: UnsafeRawBufferPointer) throws(ChunkDefect) -> Header {
    let tableEnd = ChunkFormat.headerBytes + columns.count * ChunkFormat.columnBytes
    guard chunk.count >= tableEnd + ChunkFormat.checksumBytes else {
      throw .malformed(0, "a chunk is too short")
    }
    let end = chunk.count - ChunkFormat.checksumBytes
    let checksum = unsafe UInt64(
      littleEndian: chunk.loadUnaligned(fromByteOffset: end, as: UInt64.self))
    guard unsafe XXH64.checksum(UnsafeRawBufferPointer(rebasing: chunk[..<end])) == checksum else {
      throw ChunkDefect(offset: 0, problem: .checksum("a chunk"))
    }
    func number(_ offset: Int) -> Int {
      unsafe Int(
        UInt32(littleEndian: chunk.loadUnaligned(fromByteOffset: offset, as: UInt32.self)))
    }
    guard number(0) == Int(ChunkFormat.magic) else {
      throw .malformed(0, "a chunk does not begin with its mark")
    }
    let version = number(4) & 0xFFFF
    guard version == Int(ChunkFormat.version) else {
      throw ChunkDefect(offset: 4, problem: .version(version))
    }
    guard number(4) >> 16 == columns.count else {
      throw .malformed(6, "a chunk has \(number(4) >> 16) columns, not \(columns.count)")
    }
    let rows = number(8)
    guard rows > 0 && rows <= RowBuffer.rowsMax else {
      throw .malformed(8, "a chunk says that it has \(rows) rows")
    }
    guard number(12) == chunk.count else { throw .malformed(12, "a chunk has another length") }
    for (index, column) in columns.enumerated() {
      let entry = ChunkFormat.headerBytes + index * ChunkFormat.columnBytes
      guard unsafe chunk[entry] == column.rawValue, number(entry) >> 16 == 0 else {
        throw .malformed(entry, "a column is of another kind")
      }
    }
    let own = unsafe Int64(
      littleEndian: chunk.loadUnaligned(fromByteOffset: 16, as: Int64.self))
    return Header(rows: rows, number: own)
  }

  // MARK: - Numbers

  private mutating func decodeNumbers(
    _ base: UnsafePointer<UInt8>, _ start: Int, _ end: Int, _ form: UInt8, isSeries: Bool,
    to target: UnsafeMutablePointer<UInt64>, _ stride: Int, _ rows: Int
  ) throws(ChunkDefect) -> ClosedRange<Int64> {
    var position = start
    switch ChunkFormat.NumberForm(rawValue: form) {
    case nil: throw .malformed(start, "a column of numbers has an unknown form")
    case .constant:
      guard let word = unsafe Varint.read(base, &position, end: end), position == end else {
        throw .malformed(start, "a column has no number")
      }
      let number = Varint.unzigzag(word)
      for row in 0..<rows { unsafe target[row &* stride] = UInt64(bitPattern: number) }
      return number...number
    case .varints: break
    }
    guard position < end else { throw .malformed(start, "a column is empty") }
    let unit: Int64
    switch unsafe base[position] {
    case 0: unit = 1
    case 3: unit = 1_000
    case 6: unit = 1_000_000
    default: throw .malformed(start, "a column has an unknown unit")
    }
    position += 1
    let stream = unsafe try StreamReader.stream(base, &position, end, max: rows * Varint.bytesMax)
    guard position == end else { throw .malformed(position, "a column is too long") }
    unsafe try streams.read(base, stream, to: &first)
    let numbers = unsafe UnsafePointer(first.base)
    var offset = 0
    var previous: Int64 = 0
    var least = Int64.max
    var greatest = Int64.min
    let mask: Int64 = isSeries ? -1 : 0
    for row in 0..<rows {
      guard let word = unsafe Varint.read(numbers, &offset, end: stream.count) else {
        throw .malformed(stream.start, "a column has too few numbers")
      }
      previous = (previous & mask) &+ Varint.unzigzag(word)
      let number = previous &* unit
      least = min(least, number)
      greatest = max(greatest, number)
      unsafe target[row &* stride] = UInt64(bitPattern: number)
    }
    guard offset == stream.count else {
      throw .malformed(stream.start, "a column has too many numbers")
    }
    return least...greatest
  }

  // MARK: - Texts

  private func plan(
    _ base: UnsafePointer<UInt8>, _ start: Int, _ end: Int, form: UInt8, rows: Int
  ) throws(ChunkDefect) -> TextPlan {
    guard let form = ChunkFormat.TextForm(rawValue: form) else {
      throw .malformed(start, "a column of texts has an unknown form")
    }
    var plan = TextPlan()
    plan.form = form
    var position = start
    let lengthBytes = 5 * rows
    switch form {
    case .constant:
      guard let count = unsafe Varint.read(base, &position, end: end),
        count == UInt64(end - position)
      else { throw .malformed(start, "a text is too long") }
      plan.start = position
      plan.textBytes = Int(count)
      return plan
    case .words:
      guard let count = unsafe Varint.read(base, &position, end: end), count > 0,
        count <= UInt64(rows)
      else { throw .malformed(start, "a column has too many words") }
      plan.wordCount = Int(count)
      plan.lengths = unsafe try StreamReader.stream(base, &position, end, max: lengthBytes)
      plan.content = unsafe try StreamReader.stream(
        base, &position, end, max: ChunkFormat.textBytesMax)
      plan.indexes = unsafe try StreamReader.stream(base, &position, end, max: 4 * rows)
      let width = ChunkFormat.indexBytes(wordCount: plan.wordCount)
      guard plan.indexes.count == width * rows else {
        throw .malformed(start, "a column has another number of words")
      }
      plan.textBytes = plan.content.count
    case .texts:
      guard end - position >= 3 else { throw .malformed(start, "a column is too short") }
      plan.prefixCount = unsafe Int(base[position])
      plan.digits = unsafe Int(base[position + 1])
      guard plan.prefixCount <= ChunkFormat.prefixMax, plan.digits <= ChunkFormat.digitsMax,
        plan.digits % 2 == 0, end - position >= 3 + plan.prefixCount
      else { throw .malformed(start, "a column has an unknown pattern") }
      plan.start = position + 2
      position += 2 + plan.prefixCount
      plan.textClass = unsafe base[position]
      position += 1
      guard plan.textClass <= ChunkFormat.TextClass.varied else {
        throw .malformed(position - 1, "a column has texts of an unknown class")
      }
      if plan.textClass == ChunkFormat.TextClass.varied {
        plan.classes = unsafe try StreamReader.stream(base, &position, end, max: rows)
        guard plan.classes.count == rows else {
          throw .malformed(position, "a column has another number of classes")
        }
      }
      plan.packed = unsafe try StreamReader.stream(
        base, &position, end, max: plan.digits / 2 * rows)
      plan.lengths = unsafe try StreamReader.stream(base, &position, end, max: lengthBytes)
      plan.content = unsafe try StreamReader.stream(
        base, &position, end, max: ChunkFormat.textBytesMax)
      plan.textBytes = plan.content.count
      if plan.digits > 0 {
        let packedRows = plan.packed.count / (plan.digits / 2)
        plan.textBytes += packedRows * (plan.prefixCount + plan.digits)
      }
    }
    guard position == end else { throw .malformed(position, "a column is too long") }
    return plan
  }

  private mutating func decodeTexts(
    _ base: UnsafePointer<UInt8>, _ plan: TextPlan, _ texts: UnsafeMutablePointer<UInt8>,
    to target: UnsafeMutablePointer<UInt64>, _ stride: Int, _ rows: Int
  ) throws(ChunkDefect) {
    switch plan.form {
    case .constant:
      unsafe memcpy(texts + plan.textStart, base + plan.start, plan.textBytes)
      let slice = plan.textBytes == 0 ? 0 : Self.word(plan.textStart, plan.textBytes)
      for row in 0..<rows { unsafe target[row &* stride] = slice }
    case .words: unsafe try decodeWords(base, plan, texts, to: target, stride, rows)
    case .texts: unsafe try decodeOwnTexts(base, plan, texts, to: target, stride, rows)
    }
  }

  @inline(__always)
  private static func word(_ start: Int, _ count: Int) -> UInt64 {
    UInt64(truncatingIfNeeded: count) &<< 32 | UInt64(truncatingIfNeeded: start)
  }

  private mutating func decodeWords(
    _ base: UnsafePointer<UInt8>, _ plan: TextPlan, _ texts: UnsafeMutablePointer<UInt8>,
    to target: UnsafeMutablePointer<UInt64>, _ stride: Int, _ rows: Int
  ) throws(ChunkDefect) {
    unsafe try streams.read(base, plan.content, to: texts + plan.textStart)
    unsafe try streams.read(base, plan.lengths, to: &first)
    slices.removeAll(keepingCapacity: true)
    var offset = 0
    var start = plan.textStart
    let end = start + plan.textBytes
    for _ in 0..<plan.wordCount {
      guard
        let count = unsafe Varint.read(UnsafePointer(first.base), &offset, end: first.count),
        count <= UInt64(end - start)
      else { throw .malformed(plan.lengths.start, "a word is too long") }
      slices.append(count == 0 ? 0 : Self.word(start, Int(count)))
      start += Int(count)
    }
    guard start == end && offset == first.count else {
      throw .malformed(plan.lengths.start, "a column has more than its words")
    }
    unsafe try streams.read(base, plan.indexes, to: &second)
    let indexes = unsafe UnsafeRawPointer(second.base)
    let width = ChunkFormat.indexBytes(wordCount: plan.wordCount)
    var isValid = true
    for row in 0..<rows {
      let index: Int
      switch width {
      case 1: index = unsafe Int(indexes.load(fromByteOffset: row, as: UInt8.self))
      case 2:
        index = unsafe Int(
          UInt16(littleEndian: indexes.loadUnaligned(fromByteOffset: 2 &* row, as: UInt16.self)))
      default:
        index = unsafe Int(
          UInt32(littleEndian: indexes.loadUnaligned(fromByteOffset: 4 &* row, as: UInt32.self)))
      }
      if index < slices.count {
        unsafe target[row &* stride] = slices[index]
      } else {
        isValid = false
      }
    }
    guard isValid else { throw .malformed(plan.indexes.start, "a row has no word") }
  }

  private mutating func decodeOwnTexts(
    _ base: UnsafePointer<UInt8>, _ plan: TextPlan, _ texts: UnsafeMutablePointer<UInt8>,
    to target: UnsafeMutablePointer<UInt64>, _ stride: Int, _ rows: Int
  ) throws(ChunkDefect) {
    let isVaried = plan.textClass == ChunkFormat.TextClass.varied
    if isVaried { unsafe try streams.read(base, plan.classes, to: &first) }
    unsafe try streams.read(base, plan.packed, to: &second)
    unsafe try streams.read(base, plan.lengths, to: &third)
    // What has texts of its own comes first, and behind it the texts that are made of digits.
    unsafe try streams.read(base, plan.content, to: texts + plan.textStart)
    var contentStart = plan.textStart
    let contentEnd = contentStart + plan.content.count
    var madeStart = contentEnd
    let madeEnd = plan.textStart + plan.textBytes
    var packedStart = 0
    let packedBytes = plan.digits / 2
    var lengthStart = 0
    let madeCount = plan.prefixCount + plan.digits
    var prefix: UInt64 = 0
    for index in 0..<plan.prefixCount {
      prefix |= unsafe UInt64(base[plan.start + index]) << (8 * UInt64(index))
    }
    let raw = UnsafeMutableRawPointer(texts)
    let packed = unsafe UnsafeRawPointer(second.base)
    for row in 0..<rows {
      let textClass = isVaried ? unsafe first.base[row] : plan.textClass
      var slice: UInt64 = 0
      if textClass == ChunkFormat.TextClass.hexadecimal {
        guard packedBytes > 0, packedStart &+ packedBytes <= second.count,
          madeStart &+ madeCount <= madeEnd
        else { throw .malformed(plan.packed.start, "a column has too few digits") }
        unsafe raw.storeBytes(of: prefix.littleEndian, toByteOffset: madeStart, as: UInt64.self)
        var position = madeStart &+ plan.prefixCount
        var offset = packedStart
        let end = packedStart &+ packedBytes
        while offset < end {
          let number = unsafe UInt32(
            littleEndian: packed.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
          unsafe raw.storeBytes(
            of: Hexadecimal.text(number).littleEndian, toByteOffset: position, as: UInt64.self)
          offset &+= 4
          position &+= 8
        }
        slice = Self.word(madeStart, madeCount)
        madeStart &+= madeCount
        packedStart = end
      } else if textClass == ChunkFormat.TextClass.other {
        guard
          let count = unsafe Varint.read(
            UnsafePointer(third.base), &lengthStart, end: third.count),
          count > 0, count <= UInt64(contentEnd &- contentStart)
        else { throw .malformed(plan.lengths.start, "a text is too long") }
        slice = Self.word(contentStart, Int(count))
        contentStart &+= Int(count)
      } else if textClass != ChunkFormat.TextClass.absent {
        throw .malformed(plan.classes.start, "a text is of an unknown class")
      }
      unsafe target[row &* stride] = slice
    }
    guard packedStart == second.count, lengthStart == third.count, contentStart == contentEnd,
      madeStart == madeEnd
    else { throw .malformed(plan.start, "a column has more than its texts") }
  }
}
