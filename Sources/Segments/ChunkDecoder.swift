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
    /// The constant.
    var start = 0
    /// Of distinct texts, how many, and where each row's number stands.
    var wordCount = 0
    var wordStart = 0
    /// Of texts of their own: the class of all, or ``ChunkFormat/TextClass/varied``.
    var textClass: UInt8 = 0
    /// Where each text's class stands.
    var indexStart = 0
    var patterns: [(pattern: TextPattern, packed: StreamReader.Stream)] = []
    var lengths = StreamReader.Stream()
    var content = StreamReader.Stream()
  }

  private let columns: [Column]
  /// Columns whose rows are left absent, or 0.
  private let unread: Set<Int>
  private let streams = StreamReader()
  private var numbers = ByteBuffer()
  private var packed = ByteBuffer()
  /// Of each class of a column's texts, whatever numbers a class can be told by, the rows.
  private var rowsByClass = [[UInt32]](
    repeating: [],
    count: 1
      << PackedNumbers.width(count: ChunkFormat.TextClass.firstPattern + ChunkFormat.patternsMax))
  /// The least and the greatest number of each column of the last chunk; 0 for texts.
  private(set) var ranges: [ClosedRange<Int64>]

  /// - Parameter unread: columns that nobody asks for; their rows become absent, or 0.
  init(_ columns: [Column], unread: Set<Int> = []) {
    self.columns = columns
    self.unread = unread
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
      if !column.isNumeric && !unread.contains(index) {
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
          let form = unsafe base[ChunkFormat.headerBytes + index * ChunkFormat.columnBytes + 1]
          if unread.contains(index) {
            for row in 0..<header.rows { unsafe target[row &* table.stride] = 0 }
          } else if column == .hashes {
            ranges[index] = unsafe try decodeHashes(
              base, starts[index], starts[index + 1], form, to: target, table.stride, header.rows)
          } else if column.isNumeric {
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
    case .few:
      return unsafe try decodeFew(base, start, end, to: target, stride, rows)
    case .varints, .packed: break
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
    guard let word = unsafe Varint.read(base, &position, end: end) else {
      throw .malformed(start, "a column has no first number")
    }
    var sink = unsafe NumberSink(
      first: Varint.unzigzag(word), unit: unit, isSeries: isSeries, target: target, stride: stride)
    if form == ChunkFormat.NumberForm.packed.rawValue {
      unsafe try unpackNumbers(base, position, end, rows, to: &sink)
      return sink.least...sink.greatest
    }
    let stream = unsafe try StreamReader.stream(base, &position, end, max: rows * Varint.bytesMax)
    guard position == end else { throw .malformed(position, "a column is too long") }
    let numbers = unsafe try streams.bytes(base, stream, &self.numbers)
    var offset = 0
    for row in sink.row..<rows {
      guard let word = unsafe Varint.read(numbers, &offset, end: stream.count) else {
        throw .malformed(stream.start, "a column has too few numbers")
      }
      sink.take(Varint.unzigzag(word), row)
    }
    guard offset == stream.count else {
      throw .malformed(stream.start, "a column has too many numbers")
    }
    return sink.least...sink.greatest
  }

  /// Where a column's numbers go.
  @safe
  private struct NumberSink {
    /// The first row that is yet to be set.
    let row: Int
    private(set) var least: Int64
    private(set) var greatest: Int64
    private let unit: Int64
    private let target: UnsafeMutablePointer<UInt64>
    private let stride: Int
    private var previous: Int64
    /// Ones where each is a difference from the one before.
    private let mask: Int64

    init(
      first: Int64, unit: Int64, isSeries: Bool, target: UnsafeMutablePointer<UInt64>, stride: Int
    ) {
      self.unit = unit
      unsafe self.target = unsafe target
      self.stride = stride
      previous = first
      mask = isSeries ? -1 : 0
      row = isSeries ? 1 : 0
      least = isSeries ? first &* unit : .max
      greatest = isSeries ? first &* unit : .min
      if isSeries { unsafe target[0] = UInt64(bitPattern: first &* unit) }
    }

    @inline(__always)
    mutating func take(_ number: Int64, _ row: Int) {
      previous = (previous & mask) &+ number
      let number = previous &* unit
      least = min(least, number)
      greatest = max(greatest, number)
      unsafe target[row &* stride] = UInt64(bitPattern: number)
    }
  }

  private func unpackNumbers(
    _ base: UnsafePointer<UInt8>, _ start: Int, _ end: Int, _ rows: Int,
    to sink: inout NumberSink
  ) throws(ChunkDefect) {
    var position = start
    guard let word = unsafe Varint.read(base, &position, end: end), position < end else {
      throw .malformed(start, "a column has no least number")
    }
    let least = Varint.unzigzag(word)
    let width = unsafe Int(base[position])
    position += 1
    let count = rows - sink.row
    guard width <= 32, PackedNumbers.bytes(rows: count, width: width) == end - position else {
      throw .malformed(position, "a column has another number of numbers")
    }
    for index in 0..<count {
      let number = unsafe PackedNumbers.read(base + position, index, width: width)
      sink.take(least &+ Int64(number), index &+ sink.row)
    }
  }

  private func decodeFew(
    _ base: UnsafePointer<UInt8>, _ start: Int, _ end: Int,
    to target: UnsafeMutablePointer<UInt64>, _ stride: Int, _ rows: Int
  ) throws(ChunkDefect) -> ClosedRange<Int64> {
    var position = start
    guard let count = unsafe Varint.read(base, &position, end: end), count > 0,
      count <= UInt64(ChunkFormat.fewMax)
    else { throw .malformed(start, "a column has too many distinct numbers") }
    var distinct: [UInt64] = []
    var least = Int64.max
    var greatest = Int64.min
    for _ in 0..<count {
      guard let word = unsafe Varint.read(base, &position, end: end) else {
        throw .malformed(start, "a column has too few distinct numbers")
      }
      let number = Varint.unzigzag(word)
      least = min(least, number)
      greatest = max(greatest, number)
      distinct.append(UInt64(bitPattern: number))
    }
    guard Self.indexBytes(of: distinct.count, rows: rows) == end - position else {
      throw .malformed(position, "a column has another number of numbers")
    }
    unsafe try Self.decodeIndexes(base, position, of: distinct, to: target, stride, rows)
    return least...greatest
  }

  // MARK: - Hashes

  /// - Returns: from 0 to the greatest, or to the greatest number with a sign.
  private func decodeHashes(
    _ base: UnsafePointer<UInt8>, _ start: Int, _ end: Int, _ form: UInt8,
    to target: UnsafeMutablePointer<UInt64>, _ stride: Int, _ rows: Int
  ) throws(ChunkDefect) -> ClosedRange<Int64> {
    var position = start
    var bits: UInt64 = 0
    guard let form = ChunkFormat.HashForm(rawValue: form), start < end else {
      throw .malformed(start, "a column of hashes has an unknown form")
    }
    if form == .constant {
      guard let word = unsafe Varint.read(base, &position, end: end), position == end else {
        throw .malformed(start, "a column has no hash")
      }
      for row in 0..<rows { unsafe target[row &* stride] = word }
      return 0...Int64(clamping: word)
    }
    let width = unsafe Int(base[position])
    position += 1
    guard width > 0, width <= 8 else { throw .malformed(start, "hashes have too many bytes") }
    // Behind a chunk's columns stands its checksum, so that eight bytes can be read of any hash.
    let mask = UInt64.max &>> UInt64(64 - 8 * width)
    func hash(_ index: Int) -> UInt64 {
      let word = unsafe UnsafeRawPointer(base).loadUnaligned(
        fromByteOffset: position &+ index &* width, as: UInt64.self)
      return UInt64(littleEndian: word) & mask
    }
    if form == .plain {
      guard end - position == rows * width else {
        throw .malformed(position, "a column has another number of hashes")
      }
      for row in 0..<rows {
        let hash = hash(row)
        bits |= hash
        unsafe target[row &* stride] = hash
      }
      return 0...Int64(clamping: bits)
    }
    guard let count = unsafe Varint.read(base, &position, end: end), count > 0,
      count <= UInt64(rows), Int(count) * width <= end - position
    else { throw .malformed(start, "a column has too many distinct hashes") }
    let distinct = (0..<Int(count)).map(hash)
    for hash in distinct { bits |= hash }
    position += distinct.count * width
    guard Self.indexBytes(of: distinct.count, rows: rows) == end - position else {
      throw .malformed(position, "a column has another number of hashes")
    }
    unsafe try Self.decodeIndexes(base, position, of: distinct, to: target, stride, rows)
    return 0...Int64(clamping: bits)
  }

  // MARK: - Numbers of words, classes and distinct numbers

  private static func indexBytes(of distinct: Int, rows: Int) -> Int {
    PackedNumbers.bytes(rows: rows, width: PackedNumbers.width(count: distinct))
  }

  /// Sets each row to the word that its number tells.
  private static func decodeIndexes(
    _ base: UnsafePointer<UInt8>, _ start: Int, of distinct: [UInt64],
    to target: UnsafeMutablePointer<UInt64>, _ stride: Int, _ rows: Int
  ) throws(ChunkDefect) {
    let width = PackedNumbers.width(count: distinct.count)
    let indexes = unsafe base + start
    var isValid = true
    for row in 0..<rows {
      let index = unsafe PackedNumbers.read(indexes, row, width: width)
      if index < distinct.count {
        unsafe target[row &* stride] = distinct[index]
      } else {
        isValid = false
      }
    }
    guard isValid else { throw .malformed(start, "a row has no word") }
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
      plan.wordStart = position
      position += Self.indexBytes(of: plan.wordCount, rows: rows)
      guard position <= end else { throw .malformed(end, "a column has too few words") }
      unsafe try planOwnTexts(&plan, base, position, end, rows: plan.wordCount)
    case .texts: unsafe try planOwnTexts(&plan, base, position, end, rows: rows)
    }
    return plan
  }

  private func planOwnTexts(
    _ plan: inout TextPlan, _ base: UnsafePointer<UInt8>, _ start: Int, _ end: Int, rows: Int
  ) throws(ChunkDefect) {
    var position = start
    guard position < end, unsafe Int(base[position]) <= ChunkFormat.patternsMax else {
      throw .malformed(start, "a column has too many patterns")
    }
    let count = unsafe Int(base[position])
    position += 1
    var patterns: [TextPattern] = []
    for _ in 0..<count { patterns.append(unsafe try TextPattern(base, &position, end)) }
    let classes = ChunkFormat.TextClass.firstPattern + count
    guard position < end,
      unsafe base[position] == ChunkFormat.TextClass.varied
        || base[position] < classes
    else { throw .malformed(position, "a column has texts of an unknown class") }
    plan.textClass = unsafe base[position]
    position += 1
    if plan.textClass == ChunkFormat.TextClass.varied {
      plan.indexStart = position
      position += Self.indexBytes(of: classes, rows: rows)
      guard position <= end else { throw .malformed(end, "a column has too few classes") }
    }
    for pattern in patterns {
      let packed = unsafe try StreamReader.stream(
        base, &position, end, max: pattern.packedBytes * rows)
      guard packed.count % pattern.packedBytes == 0 else {
        throw .malformed(packed.start, "a column has parts of texts")
      }
      plan.patterns.append((pattern, packed))
      plan.textBytes += packed.count / pattern.packedBytes * pattern.room
    }
    plan.lengths = unsafe try StreamReader.stream(base, &position, end, max: 5 * rows)
    plan.content = unsafe try StreamReader.stream(
      base, &position, end, max: ChunkFormat.textBytesMax)
    plan.textBytes += plan.content.count
    guard position == end else { throw .malformed(position, "a column is too long") }
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
    var slices = [UInt64](repeating: 0, count: plan.wordCount)
    var failure: ChunkDefect?
    unsafe slices.withUnsafeMutableBufferPointer { slices in
      guard let address = slices.baseAddress else { return }
      do throws(ChunkDefect) {
        unsafe try decodeOwnTexts(base, plan, texts, to: address, 1, plan.wordCount)
      } catch {
        failure = error
      }
    }
    if let failure { throw failure }
    unsafe try Self.decodeIndexes(base, plan.wordStart, of: slices, to: target, stride, rows)
  }

  private mutating func decodeOwnTexts(
    _ base: UnsafePointer<UInt8>, _ plan: TextPlan, _ texts: UnsafeMutablePointer<UInt8>,
    to target: UnsafeMutablePointer<UInt64>, _ stride: Int, _ rows: Int
  ) throws(ChunkDefect) {
    unsafe sortRows(base, plan, rows)
    let classes = ChunkFormat.TextClass.firstPattern + plan.patterns.count
    guard rowsByClass[classes...].allSatisfy(\.isEmpty) else {
      throw .malformed(plan.indexStart, "a text is of an unknown class")
    }
    for row in rowsByClass[ChunkFormat.TextClass.absent] {
      unsafe target[Int(row) &* stride] = 0
    }
    unsafe try streams.read(base, plan.content, to: texts + plan.textStart)
    let lengths = unsafe try streams.bytes(base, plan.lengths, &numbers)
    var lengthStart = 0
    var start = plan.textStart
    var end = start + plan.content.count
    for row in rowsByClass[ChunkFormat.TextClass.other] {
      guard let count = unsafe Varint.read(lengths, &lengthStart, end: plan.lengths.count),
        count > 0, count <= UInt64(end &- start)
      else { throw .malformed(plan.lengths.start, "a text is too long") }
      unsafe target[Int(row) &* stride] = Self.word(start, Int(count))
      start &+= Int(count)
    }
    guard lengthStart == plan.lengths.count, start == end else {
      throw .malformed(plan.lengths.start, "a column has more than its texts")
    }
    // What is written behind a pattern's last text is overwritten by the next one's first.
    for (index, (pattern, stream)) in plan.patterns.enumerated() {
      let rows = rowsByClass[ChunkFormat.TextClass.firstPattern + index]
      guard stream.count == rows.count * pattern.packedBytes else {
        throw .malformed(stream.start, "a column has another number of packed texts")
      }
      let bytes = unsafe try streams.bytes(base, stream, &packed)
      unsafe rows.withUnsafeBufferPointer { rows in
        unsafe pattern.unpack(bytes, count: rows.count, to: texts, at: end) {
          index, start, length in
          unsafe target[Int(rows[index]) &* stride] = Self.word(start, length)
        }
      }
      end += rows.count * pattern.room
    }
  }

  /// Fills ``rowsByClass``.
  private mutating func sortRows(_ base: UnsafePointer<UInt8>, _ plan: TextPlan, _ rows: Int) {
    for index in rowsByClass.indices { rowsByClass[index].removeAll(keepingCapacity: true) }
    guard plan.textClass == ChunkFormat.TextClass.varied else {
      rowsByClass[Int(plan.textClass)].append(contentsOf: 0..<UInt32(rows))
      return
    }
    let width = PackedNumbers.width(
      count: ChunkFormat.TextClass.firstPattern + plan.patterns.count)
    for row in 0..<rows {
      let textClass = unsafe PackedNumbers.read(base + plan.indexStart, row, width: width)
      rowsByClass[textClass].append(UInt32(truncatingIfNeeded: row))
    }
  }
}
