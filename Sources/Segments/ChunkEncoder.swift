internal import CBytes
internal import Decoding
internal import Glibc
internal import Parsing

/// Makes chunks of rows. One for each thread; what it makes depends on the rows alone.
public struct ChunkEncoder: ~Copyable {
  private let streams = StreamWriter()
  private var output = ByteBuffer(capacity: 64 * 1024)
  /// A column's words, and what its streams are made in.
  private var words = WordBuffer()
  private var numbers = ByteBuffer()
  private var lengths = ByteBuffer()
  private var content = ByteBuffer()
  private var classes = ByteBuffer()
  private var packed = ByteBuffer()
  private var dictionary = WordTable()

  /// Texts whose sum is larger are written as distinct ones, however many: a chunk then has no more than its
  /// rows' memory had.
  private static let textBytesMax = 4 * 1024 * 1024
  /// Distinct words up to which, and rows to a distinct one from which on, a dictionary is made.
  private static let wordsMax = 4096
  private static let rowsPerWord = 2

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
    for (index, column) in columns.enumerated() {
      unsafe rows.gather(index, selection, to: words.base)
      let start = output.count
      let form: UInt8
      if column.isNumeric {
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
    let exponent = unsafe commonExponent(words, count)
    numbers.count = 0
    numbers.reserve(count * Varint.bytesMax)
    let base = unsafe numbers.base
    var position = 0
    var previous: Int64 = 0
    func write(_ number: Int64) {
      let difference = isSeries ? number &- previous : number
      previous = number
      position = unsafe Varint.write(Varint.zigzag(difference), to: base, at: position)
    }
    // Divided by constants, which is no division.
    switch exponent {
    case 6: for index in 0..<count { unsafe write(Int64(bitPattern: words[index]) / 1_000_000) }
    case 3: for index in 0..<count { unsafe write(Int64(bitPattern: words[index]) / 1_000) }
    default: for index in 0..<count { unsafe write(Int64(bitPattern: words[index])) }
    }
    numbers.count = position
    output.append(exponent)
    streams.append(numbers, to: &output)
    return ChunkFormat.NumberForm.varints.rawValue
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
    if total > Self.textBytesMax {
      _ = encodeWords(texts, count, wordsMax: count)
      return ChunkFormat.TextForm.words.rawValue
    }
    if prefersWords {
      let wordsMax = min(Self.wordsMax, max(16, count / Self.rowsPerWord))
      if encodeWords(texts, count, wordsMax: wordsMax) {
        return ChunkFormat.TextForm.words.rawValue
      }
    }
    encodeOwnTexts(texts, count, total: total)
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
  private mutating func encodeWords(_ texts: ByteView, _ count: Int, wordsMax: Int) -> Bool {
    let words = unsafe self.words.base
    dictionary.removeAll()
    // Until the number of words is known, each takes four bytes.
    numbers.count = 0
    numbers.reserve(4 * count)
    let indexes = unsafe UnsafeMutableRawPointer(numbers.base)
    for index in 0..<count {
      let number = unsafe dictionary.number(of: Slice(word: words[index]), texts)
      if number >= wordsMax { return false }
      unsafe indexes.storeBytes(
        of: UInt32(number).littleEndian, toByteOffset: 4 &* index, as: UInt32.self)
    }
    lengths.count = 0
    content.count = 0
    for slice in dictionary.slices {
      lengths.appendVarint(UInt64(slice.count))
      unsafe texts.withAddress { unsafe content.append($0 + Int(slice.start), Int(slice.count)) }
    }
    let width = ChunkFormat.indexBytes(wordCount: dictionary.slices.count)
    if width == 1 {
      for index in 0..<count { unsafe numbers.base[index] = numbers.base[4 &* index] }
    } else if width == 2 {
      for index in 0..<count {
        unsafe numbers.base[2 &* index] = numbers.base[4 &* index]
        unsafe numbers.base[2 &* index &+ 1] = numbers.base[4 &* index &+ 1]
      }
    }
    numbers.count = width * count
    output.appendVarint(UInt64(dictionary.slices.count))
    streams.append(lengths, to: &output)
    streams.append(content, to: &output)
    streams.append(numbers, to: &output)
    return true
  }

  private mutating func encodeOwnTexts(_ texts: ByteView, _ count: Int, total: Int) {
    let words = unsafe self.words.base
    let pattern = unsafe HexadecimalPattern(in: texts, words, count)
    classes.count = 0
    classes.reserve(count)
    packed.count = 0
    packed.reserve((pattern.digits / 2) * count + 8)
    lengths.count = 0
    content.count = 0
    content.reserve(total)
    for index in 0..<count {
      let slice = unsafe Slice(word: words[index])
      let length = Int(slice.count)
      var textClass = ChunkFormat.TextClass.other
      if length == 0 {
        textClass = ChunkFormat.TextClass.absent
      } else if length == pattern.length,
        unsafe pattern.pack(texts, Int(slice.start), to: packed.base + packed.count)
      {
        textClass = ChunkFormat.TextClass.hexadecimal
        packed.count &+= pattern.digits &>> 1
      } else {
        lengths.appendVarint(UInt64(length))
        if length <= 16 {
          unsafe UnsafeMutableRawPointer(content.base + content.count).storeBytes(
            of: texts.lanes(slice), as: SIMD2<UInt64>.self)
          content.count &+= length
        } else {
          unsafe texts.withAddress { unsafe content.append($0 + Int(slice.start), length) }
        }
      }
      unsafe classes.base[index] = textClass
    }
    classes.count = count
    output.append(UInt8(pattern.prefixCount))
    output.append(UInt8(pattern.digits))
    for index in 0..<pattern.prefixCount {
      output.append(UInt8(truncatingIfNeeded: pattern.prefix >> (8 * UInt64(index))))
    }
    let first = unsafe classes.base[0]
    var isVaried = false
    for index in 0..<count where unsafe classes.base[index] != first {
      isVaried = true
      break
    }
    output.append(isVaried ? ChunkFormat.TextClass.varied : first)
    if isVaried { streams.append(classes, to: &output) }
    streams.append(packed, to: &output)
    streams.append(lengths, to: &output)
    streams.append(content, to: &output)
  }
}

/// A prefix and so many hexadecimal digits: what most ids of a column look like.
private struct HexadecimalPattern {
  var prefixCount = 0
  /// The prefix's bytes, the first in the lowest bits.
  var prefix: UInt64 = 0
  private var prefixMask: UInt64 = 0
  /// Even; 0 where there is no such pattern.
  var digits = 0
  var length = -1

  private static let rowsLookedAt = 64
  private static let digitsMin = 8

  /// The pattern of the first text that has one.
  init(in texts: ByteView, _ words: UnsafeMutablePointer<UInt64>, _ count: Int) {
    var seen = 0
    for index in 0..<count {
      let slice = unsafe Slice(word: words[index])
      let length = Int(slice.count)
      if length == 0 { continue }
      seen += 1
      if seen > Self.rowsLookedAt { return }
      guard length <= ChunkFormat.prefixMax + ChunkFormat.digitsMax else { continue }
      let start = Int(slice.start)
      var run = 0
      while run < min(length, ChunkFormat.digitsMax),
        Hexadecimal.isDigit(texts[start + length - 1 - run])
      {
        run += 1
      }
      run &= ~1
      guard run >= Self.digitsMin, length - run <= ChunkFormat.prefixMax else { continue }
      digits = run
      prefixCount = length - run
      prefixMask = prefixCount == 8 ? .max : (1 << (8 * UInt64(prefixCount))) - 1
      prefix = texts.word(at: start) & prefixMask
      self.length = length
      return
    }
  }

  /// Packs the digits of a text of the right length, if it has the prefix and they are digits. Some bytes
  /// behind them may be written too.
  @inline(__always)
  func pack(_ texts: ByteView, _ start: Int, to target: UnsafeMutablePointer<UInt8>) -> Bool {
    guard (texts.word(at: start) ^ prefix) & prefixMask == 0 else { return false }
    let raw = UnsafeMutableRawPointer(target)
    var position = start &+ prefixCount
    var offset = 0
    var rest = digits
    while rest >= 8 {
      guard let number = Hexadecimal.parse(texts.word(at: position)) else { return false }
      unsafe raw.storeBytes(of: number.littleEndian, toByteOffset: offset, as: UInt32.self)
      position &+= 8
      offset &+= 4
      rest &-= 8
    }
    if rest > 0 {
      // Zeros in place of what lies behind the text.
      let mask: UInt64 = (1 &<< UInt64(8 &* rest)) &- 1
      let text = texts.word(at: position) & mask | 0x3030_3030_3030_3030 & ~mask
      guard let number = Hexadecimal.parse(text) else { return false }
      unsafe raw.storeBytes(of: number.littleEndian, toByteOffset: offset, as: UInt32.self)
    }
    return true
  }
}

/// A column's words. Not private: ``ChunkEncoder`` lies in other modules' frames, which need its layout.
@safe
struct WordBuffer: ~Copyable {
  private(set) var base: UnsafeMutablePointer<UInt64>
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

/// Distinct texts in the order in which they came first. Not private, as ``WordBuffer``.
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
