internal import CBytes
internal import Decoding
internal import Glibc
internal import Parsing

/// Makes chunks of rows. One for each thread; what it makes depends on the rows alone.
public struct ChunkEncoder: ~Copyable {
  private let streams = StreamWriter()
  private var output = ByteBuffer(capacity: 64 * 1024)
  /// A column's words, and what its streams are made in.
  private var words = RowScratch<UInt64>()
  private var numbers = ByteBuffer()
  private var lengths = ByteBuffer()
  private var content = ByteBuffer()
  /// Of each row, the number of its text's class, or of its number or word among distinct ones.
  private var indexes = RowScratch<UInt32>()
  /// Rows whose texts are of no pattern yet.
  private var rest = RowScratch<UInt32>()
  private var packed = ByteBuffer()
  private var dictionary = WordTable()
  private var hashes = HashTable()

  /// Texts whose sum is larger are written as distinct ones, however many: a chunk then has no more than its
  /// rows' memory had.
  private static let textBytesMax = 4 * 1024 * 1024
  /// Distinct words up to which, and rows to a distinct one from which on, a dictionary is made.
  private static let wordsMax = 4096
  private static let rowsPerWord = 2
  /// Rows by which it is told whether a dictionary is worth trying, and distinct texts in them from which on it is
  /// not.
  private static let sampleRows = 128
  private static let sampleWordsMax = 112

  public init() {}

  /// The rows as a chunk.
  ///
  /// - Parameters:
  ///   - selection: which rows, in the order of the chunk; `nil` for all.
  ///   - number: the chunk's own, whatever it means to those who read it.
  public mutating func encode(
    _ rows: borrowing RowBuffer, selection: [Int32]? = nil, number: Int64
  ) -> [UInt8] {
    let count = selection?.count ?? rows.count
    precondition(count > 0 && count <= RowBuffer.rowsMax)
    let columns = rows.columns
    precondition(columns.count <= ChunkFormat.columnsMax)
    output.count = 0
    output.append32(ChunkFormat.magic)
    output.append16(ChunkFormat.version)
    output.append16(UInt16(columns.count))
    output.append32(UInt32(count))
    output.append32(0)
    output.append64(UInt64(bitPattern: number))
    let table = output.count
    for column in columns {
      output.append(column.rawValue)
      for _ in 1..<ChunkFormat.columnBytes { output.append(0) }
    }
    words.reserve(count)
    indexes.reserve(count)
    for (index, column) in columns.enumerated() {
      unsafe rows.gather(index, selection, to: words.base)
      let start = output.count
      let form: UInt8
      if column == .hashes {
        form = encodeHashes(count)
      } else if column.isNumeric {
        form = encodeNumbers(count, isSeries: column == .series)
      } else {
        form = encodeTexts(rows.texts, count, prefersWords: column == .words)
      }
      let entry = table + index * ChunkFormat.columnBytes
      unsafe output.base[entry + 1] = form
      output.put32(UInt32(output.count - start), at: entry + 4)
    }
    let length = output.count + ChunkFormat.checksumBytes
    precondition(length <= ChunkFormat.bytesMax, "a chunk has too many bytes")
    output.put32(UInt32(length), at: 12)
    output.append64(unsafe XXH64.checksum(output.raw))
    return output.array
  }

  // MARK: - Numbers

  private mutating func encodeNumbers(_ count: Int, isSeries: Bool) -> UInt8 {
    let words = unsafe self.words.base
    let first = unsafe Int64(bitPattern: words[0])
    var isConstant = true
    for index in 0..<count {
      if unsafe words[index] != UInt64(bitPattern: first) {
        isConstant = false
        break
      }
    }
    if isConstant {
      output.appendVarint(Varint.zigzag(first))
      return ChunkFormat.NumberForm.constant.rawValue
    }
    if !isSeries && encodeFew(count) { return ChunkFormat.NumberForm.few.rawValue }
    let exponent = unsafe commonExponent(words, count)
    // Divided by constants, which is no division.
    switch exponent {
    case 6:
      for index in 0..<count {
        unsafe words[index] = UInt64(bitPattern: Int64(bitPattern: words[index]) / 1_000_000)
      }
    case 3:
      for index in 0..<count {
        unsafe words[index] = UInt64(bitPattern: Int64(bitPattern: words[index]) / 1_000)
      }
    default: break
    }
    // From here on what is kept of each row; of a series' first one, nothing.
    let base = isSeries ? unsafe words[0] : 0
    if isSeries {
      var previous = base
      for index in 0..<count {
        let number = unsafe words[index]
        unsafe words[index] = number &- previous
        previous = number
      }
    }
    output.append(exponent)
    output.appendVarint(Varint.zigzag(Int64(bitPattern: base)))
    if packNumbers(from: isSeries ? 1 : 0, count) { return ChunkFormat.NumberForm.packed.rawValue }
    numbers.count = 0
    numbers.reserve(count * Varint.bytesMax)
    var position = 0
    for index in (isSeries ? 1 : 0)..<count {
      position = unsafe Varint.write(
        Varint.zigzag(Int64(bitPattern: words[index])), to: numbers.base, at: position)
    }
    numbers.count = position
    streams.append(numbers, to: &output)
    return ChunkFormat.NumberForm.varints.rawValue
  }

  /// - Returns: false where varints take less; nothing is written then.
  private mutating func packNumbers(from start: Int, _ count: Int) -> Bool {
    let words = unsafe self.words.base
    var least = Int64.max
    var greatest = Int64.min
    var varintBits = 0
    for index in start..<count {
      let number = unsafe Int64(bitPattern: words[index])
      least = min(least, number)
      greatest = max(greatest, number)
      varintBits &+= 8 &* Varint.bytes(Varint.zigzag(number))
    }
    let (span, isTooWide) = greatest.subtractingReportingOverflow(least)
    guard !isTooWide, span <= Int64(UInt32.max) else { return false }
    let width = PackedNumbers.width(count: Int(span) + 1)
    guard width * (count - start) <= varintBits else { return false }
    for index in start..<count {
      unsafe indexes.base[index - start] = UInt32(
        truncatingIfNeeded: Int64(bitPattern: words[index]) &- least)
    }
    output.appendVarint(Varint.zigzag(least))
    output.append(UInt8(width))
    appendIndexes(count - start, width: width)
    return true
  }

  /// - Returns: false where there are more distinct numbers; nothing is written then.
  private mutating func encodeFew(_ count: Int) -> Bool {
    let words = unsafe self.words.base
    let distinct = unsafe InlineDistinct.find(words, count, to: indexes.base)
    guard let distinct else { return false }
    output.appendVarint(UInt64(distinct.count))
    for word in distinct { output.appendVarint(Varint.zigzag(Int64(bitPattern: word))) }
    appendIndexes(count, of: distinct.count)
    return true
  }

  private mutating func appendIndexes(_ count: Int, of distinct: Int) {
    appendIndexes(count, width: PackedNumbers.width(count: distinct))
  }

  /// Writes what stands in ``indexes``.
  private mutating func appendIndexes(_ count: Int, width: Int) {
    let bytes = PackedNumbers.bytes(rows: count, width: width)
    output.reserve(bytes + 8)
    unsafe PackedNumbers.write(
      indexes.base, count: count, width: width, to: output.base + output.count)
    output.count += bytes
  }

  /// 6, 3 or 0: the largest power of ten that divides all numbers.
  private func commonExponent(_ words: UnsafeMutablePointer<UInt64>, _ count: Int) -> UInt8 {
    var isMillions = true
    for index in 0..<count {
      let number = unsafe Int64(bitPattern: words[index])
      if isMillions && number % 1_000_000 != 0 { isMillions = false }
      if !isMillions && number % 1_000 != 0 { return 0 }
    }
    return isMillions ? 6 : 3
  }

  // MARK: - Hashes

  private mutating func encodeHashes(_ count: Int) -> UInt8 {
    let words = unsafe self.words.base
    let first = unsafe words[0]
    var bits: UInt64 = 0
    var isConstant = true
    for index in 0..<count {
      let hash = unsafe words[index]
      bits |= hash
      if hash != first { isConstant = false }
    }
    if isConstant {
      output.appendVarint(first)
      return ChunkFormat.HashForm.constant.rawValue
    }
    let width = (UInt64.bitWidth - bits.leadingZeroBitCount + 7) / 8
    if encodeDistinctHashes(count, width: width) { return ChunkFormat.HashForm.distinct.rawValue }
    output.append(UInt8(width))
    unsafe output.append(hashes: words, count, width: width)
    return ChunkFormat.HashForm.plain.rawValue
  }

  /// - Returns: false where that would take more than each row's own; nothing is written then.
  private mutating func encodeDistinctHashes(_ count: Int, width: Int) -> Bool {
    let words = unsafe self.words.base
    hashes.removeAll()
    for index in 0..<count {
      let number = unsafe hashes.number(of: words[index])
      if number >= Self.wordsMax || index < Self.sampleRows && number >= Self.sampleWordsMax {
        return false
      }
      unsafe indexes.base[index] = UInt32(truncatingIfNeeded: number)
    }
    let distinct = hashes.values.count
    let indexBytes = PackedNumbers.bytes(rows: count, width: PackedNumbers.width(count: distinct))
    guard distinct * width + indexBytes < count * width else { return false }
    output.append(UInt8(width))
    output.appendVarint(UInt64(distinct))
    unsafe hashes.values.withUnsafeBufferPointer {
      guard let values = $0.baseAddress else { return }
      unsafe output.append(hashes: values, distinct, width: width)
    }
    appendIndexes(count, of: distinct)
    return true
  }

  // MARK: - Texts

  private mutating func encodeTexts(
    _ texts: ByteView, _ count: Int, prefersWords: Bool
  ) -> UInt8 {
    let words = unsafe self.words.base
    var total = 0
    let first = unsafe words[0]
    var isConstant = true
    for index in 0..<count {
      let slice = unsafe Slice(word: words[index])
      total &+= Int(slice.count)
      if isConstant { isConstant = slices(texts, Slice(word: first), slice) }
    }
    if isConstant {
      let slice = Slice(word: first)
      output.appendVarint(UInt64(slice.count))
      unsafe texts.withAddress { unsafe output.append($0 + Int(slice.start), Int(slice.count)) }
      return ChunkFormat.TextForm.constant.rawValue
    }
    // Of a column whose first texts are nearly all distinct, a dictionary is not tried.
    let wordsMax =
      total > Self.textBytesMax ? count : min(Self.wordsMax, max(16, count / Self.rowsPerWord))
    let sampleMax =
      prefersWords || total > Self.textBytesMax ? Self.sampleRows : Self.sampleWordsMax
    if encodeWords(texts, count, wordsMax: wordsMax, sampleMax: sampleMax) {
      return ChunkFormat.TextForm.words.rawValue
    }
    encodeOwnTexts(texts, count)
    return ChunkFormat.TextForm.texts.rawValue
  }

  private func slices(_ texts: ByteView, _ left: Slice, _ right: Slice) -> Bool {
    guard left.count == right.count else { return false }
    if left.start == right.start { return true }
    return unsafe texts.withAddress {
      unsafe memcmp($0 + Int(left.start), $0 + Int(right.start), Int(left.count)) == 0
    }
  }

  /// - Returns: false where there are more distinct texts; nothing is written then.
  private mutating func encodeWords(
    _ texts: ByteView, _ count: Int, wordsMax: Int, sampleMax: Int
  ) -> Bool {
    let words = unsafe self.words.base
    dictionary.removeAll()
    for index in 0..<count {
      let number = unsafe dictionary.number(of: Slice(word: words[index]), texts)
      if number >= wordsMax || index < Self.sampleRows && number >= sampleMax { return false }
      unsafe indexes.base[index] = UInt32(truncatingIfNeeded: number)
    }
    let distinct = dictionary.slices.count
    output.appendVarint(UInt64(distinct))
    appendIndexes(count, of: distinct)
    for index in 0..<distinct { unsafe words[index] = dictionary.slices[index].word }
    encodeOwnTexts(texts, distinct)
    return true
  }

  /// Writes the first texts of ``words``, each for itself.
  private mutating func encodeOwnTexts(_ texts: ByteView, _ count: Int) {
    let words = unsafe self.words.base
    let patterns = unsafe Self.patterns(in: texts, words, count)
    // Those of no pattern yet.
    rest.reserve(count)
    let rest = unsafe self.rest.base
    var left = 0
    for index in 0..<count {
      let isAbsent = unsafe Slice(word: words[index]).count == 0
      unsafe indexes.base[index] = UInt32(
        isAbsent ? ChunkFormat.TextClass.absent : ChunkFormat.TextClass.other)
      unsafe rest[left] = UInt32(truncatingIfNeeded: index)
      left &+= isAbsent ? 0 : 1
    }
    packed.count = 0
    var ends: [Int] = []
    for (number, pattern) in patterns.enumerated() {
      // With room for what is written behind the last one.
      packed.reserve(pattern.packedBytes * left + 8)
      let indexes = unsafe self.indexes.base
      let textClass = UInt32(ChunkFormat.TextClass.firstPattern + number)
      packed.count += unsafe pattern.pack(
        texts, words, rest, &left, to: packed.base + packed.count
      ) { unsafe indexes[$0] = textClass }
      ends.append(packed.count)
    }
    lengths.count = 0
    content.count = 0
    for index in 0..<left {
      let slice = unsafe Slice(word: words[Int(rest[index])])
      let length = Int(slice.count)
      lengths.appendVarint(UInt64(length))
      unsafe texts.withAddress { unsafe content.append($0 + Int(slice.start), length) }
    }
    output.append(UInt8(patterns.count))
    for pattern in patterns { pattern.write(to: &output) }
    let first = unsafe indexes.base[0]
    var isVaried = false
    for index in 0..<count where unsafe indexes.base[index] != first {
      isVaried = true
      break
    }
    output.append(isVaried ? ChunkFormat.TextClass.varied : UInt8(first))
    if isVaried { appendIndexes(count, of: ChunkFormat.TextClass.firstPattern + patterns.count) }
    var start = 0
    for (pattern, end) in zip(patterns, ends) {
      unsafe streams.append(
        values: packed.base + start, end - start, unit: pattern.packedBytes, to: &output)
      start = end
    }
    streams.append(lengths, to: &output)
    streams.append(content, to: &output)
  }

  /// Texts that patterns are looked for in.
  private static let rowsLookedAt = 64

  /// Those of the first texts that have one.
  private static func patterns(
    in texts: ByteView, _ words: UnsafeMutablePointer<UInt64>, _ count: Int
  ) -> [TextPattern] {
    var patterns: [TextPattern] = []
    var seen = 0
    for index in 0..<count {
      let slice = unsafe Slice(word: words[index])
      if slice.count == 0 { continue }
      seen += 1
      if seen > rowsLookedAt || patterns.count == ChunkFormat.patternsMax { break }
      if patterns.contains(where: { $0.fits(slice, in: texts) }) { continue }
      if let pattern = TextPattern(of: slice, in: texts) { patterns.append(pattern) }
    }
    return patterns
  }
}

/// Few distinct numbers, in the order in which they came first.
private enum InlineDistinct {
  /// - Returns: `nil` where there are more than ``ChunkFormat/fewMax``.
  static func find(
    _ words: UnsafePointer<UInt64>, _ count: Int, to indexes: UnsafeMutablePointer<UInt32>
  ) -> [UInt64]? {
    var distinct: [UInt64] = []
    distinct.reserveCapacity(ChunkFormat.fewMax)
    var last = unsafe words[0] &+ 1
    var lastNumber = 0
    for index in 0..<count {
      let word = unsafe words[index]
      if word != last {
        last = word
        if let number = distinct.firstIndex(of: word) {
          lastNumber = number
        } else {
          guard distinct.count < ChunkFormat.fewMax else { return nil }
          lastNumber = distinct.count
          distinct.append(word)
        }
      }
      unsafe indexes[index] = UInt32(truncatingIfNeeded: lastNumber)
    }
    return distinct
  }
}

extension ByteBuffer {
  /// Appends of each hash its lowest bytes, the lowest one first.
  fileprivate mutating func append(
    hashes: UnsafePointer<UInt64>, _ count: Int, width: Int
  ) {
    // What is written behind a hash is overwritten by the next one.
    reserve(count * width + 8)
    let target = unsafe UnsafeMutableRawPointer(base)
    for index in 0..<count {
      unsafe target.storeBytes(
        of: hashes[index].littleEndian, toByteOffset: self.count, as: UInt64.self)
      self.count &+= width
    }
  }
}

/// Distinct hashes in the order in which they came first. Not private, as ``RowScratch``.
struct HashTable: ~Copyable {
  private(set) var values: [UInt64] = []
  /// Numbers of hashes plus one, found by their bits; 0: free. Twice as many places as hashes at least.
  private var places = [UInt32](repeating: 0, count: 64)

  mutating func removeAll() {
    values.removeAll(keepingCapacity: true)
    for index in places.indices { places[index] = 0 }
  }

  /// The number of a hash, which is given the next one where it is new.
  mutating func number(of hash: UInt64) -> Int {
    if 2 * (values.count + 1) > places.count { grow() }
    var place = place(of: hash)
    while places[place] != 0 {
      let number = Int(places[place]) - 1
      if values[number] == hash { return number }
      place = (place + 1) & (places.count - 1)
    }
    values.append(hash)
    places[place] = UInt32(values.count)
    return values.count - 1
  }

  private func place(of hash: UInt64) -> Int {
    Int(truncatingIfNeeded: (hash &* 0x9E37_79B9_7F4A_7C15) >> 40) & (places.count - 1)
  }

  private mutating func grow() {
    places = [UInt32](repeating: 0, count: 2 * places.count)
    for (number, value) in values.enumerated() {
      var place = place(of: value)
      while places[place] != 0 { place = (place + 1) & (places.count - 1) }
      places[place] = UInt32(number + 1)
    }
  }
}

/// A word or a number for each row, forgotten where more rows come. Not private: ``ChunkEncoder`` lies in other
/// modules' frames, which need its layout.
@safe
struct RowScratch<Element: BitwiseCopyable>: ~Copyable {
  private(set) var base: UnsafeMutablePointer<Element>
  private var capacity = 1024

  init() { unsafe base = .allocate(capacity: capacity) }

  deinit { unsafe base.deallocate() }

  mutating func reserve(_ count: Int) {
    guard count > capacity else { return }
    unsafe base.deallocate()
    capacity = max(count, 2 * capacity)
    unsafe base = .allocate(capacity: capacity)
  }
}

/// Distinct texts in the order in which they came first. Not private, as ``RowScratch``.
struct WordTable: ~Copyable {
  private(set) var slices: [Slice] = []
  private var digests: [UInt64] = []
  /// Numbers of words plus one, found by their digest; 0: free. Twice as many places as words at least.
  private var places = [UInt32](repeating: 0, count: 64)

  mutating func removeAll() {
    slices.removeAll(keepingCapacity: slices.count <= 4096)
    digests.removeAll(keepingCapacity: digests.count <= 4096)
    if places.count > 16_384 {
      places = [UInt32](repeating: 0, count: 64)
    } else {
      for index in places.indices { places[index] = 0 }
    }
  }

  mutating func number(of slice: Slice, _ texts: ByteView) -> Int {
    let digest = Self.digest(slice, texts)
    var place = Int(truncatingIfNeeded: digest) & (places.count &- 1)
    while places[place] != 0 {
      let number = Int(places[place]) &- 1
      if digests[number] == digest && Self.equal(slices[number], slice, texts) { return number }
      place = (place &+ 1) & (places.count &- 1)
    }
    places[place] = UInt32(slices.count + 1)
    slices.append(slice)
    digests.append(digest)
    if 2 * slices.count > places.count { grow() }
    return slices.count - 1
  }

  private mutating func grow() {
    places = [UInt32](repeating: 0, count: 4 * places.count)
    for (number, digest) in digests.enumerated() {
      var place = Int(truncatingIfNeeded: digest) & (places.count - 1)
      while places[place] != 0 { place = (place + 1) & (places.count - 1) }
      places[place] = UInt32(number + 1)
    }
  }

  @inline(__always)
  private static func digest(_ slice: Slice, _ texts: ByteView) -> UInt64 {
    let count = Int(slice.count)
    if count <= 16 {
      let lanes = texts.lanes(slice)
      let product = (lanes[0] ^ UInt64(count) ^ 0x9E37_79B9_7F4A_7C15).multipliedFullWidth(
        by: lanes[1] ^ 0xA076_1D64_78BD_642F)
      return product.high ^ product.low
    }
    return unsafe texts.withAddress { unsafe duizhang_digest($0 + Int(slice.start), count) }
  }

  @inline(__always)
  private static func equal(_ left: Slice, _ right: Slice, _ texts: ByteView) -> Bool {
    guard left.count == right.count else { return false }
    if left.count <= 16 { return texts.lanes(left) == texts.lanes(right) }
    return unsafe texts.withAddress {
      unsafe memcmp($0 + Int(left.start), $0 + Int(right.start), Int(left.count)) == 0
    }
  }
}
