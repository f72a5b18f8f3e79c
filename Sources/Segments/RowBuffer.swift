internal import CBytes
public import Decoding
internal import Glibc
public import Parsing

/// What a column of a chunk holds, which decides how it is written down.
public enum Column: UInt8, Sendable, Hashable {
  /// Numbers that have little to do with those before them.
  case numbers = 1
  /// Numbers that grow, or stay near the one before: their differences are kept.
  case series = 2
  /// Texts most of which differ.
  case texts = 3
  /// Texts that are often the same: each is kept once.
  case words = 4
  /// Numbers that look random, of 64 bits without a sign.
  case hashes = 5

  /// Whether the column holds 64-bit numbers and not texts.
  public var isNumeric: Bool { self == .numbers || self == .series || self == .hashes }
}

/// Rows on their way into a chunk, with their own copy of all texts.
///
/// A row is a word for each column: a number, or the slice of a text in ``texts``.
@safe
public struct RowBuffer: ~Copyable {
  /// Rows that a chunk can have.
  public static let rowsMax = 1 << 18
  /// Texts longer than this are kept once, however often they come: else what formats set to long texts would
  /// take more memory than the log.
  private static let shortMax = 256
  private static let bytesKept = 4 * 1024 * 1024

  public let columns: [Column]
  private let stride: Int
  private var words: UnsafeMutablePointer<UInt64>
  private var capacity = 1024
  /// Rows.
  public private(set) var count = 0
  private var buffer = ByteBuffer(capacity: 256 * 1024)
  private var longTexts: [UInt64: [Slice]] = [:]

  public init(_ columns: [Column]) {
    precondition(!columns.isEmpty)
    self.columns = columns
    stride = columns.count
    unsafe words = .allocate(capacity: capacity * stride)
  }

  deinit { unsafe words.deallocate() }

  /// Bytes of the rows' texts. Whoever has rows without end makes a chunk of them when these, or the rows,
  /// are many enough.
  public var textBytes: Int { buffer.count }

  /// What the texts' slices lie in, valid until the next one is set.
  public var texts: ByteView { buffer.view }

  /// Forgets all rows.
  public mutating func removeAll() {
    count = 0
    buffer.clear(keepingAtMost: Self.bytesKept)
    if !longTexts.isEmpty { longTexts = [:] }
  }

  /// Adds a row, whose columns must all be set then.
  @inline(__always)
  public mutating func add() {
    if count == capacity { grow() }
    count &+= 1
  }

  @inline(never)
  private mutating func grow() {
    precondition(count < Self.rowsMax, "a chunk has too many rows")
    let larger = UnsafeMutablePointer<UInt64>.allocate(capacity: 2 * capacity * stride)
    unsafe larger.update(from: words, count: count * stride)
    unsafe words.deallocate()
    unsafe words = unsafe larger
    capacity *= 2
  }

  /// Sets a number of the last row.
  @inline(__always)
  public mutating func set(_ column: Int, _ number: Int64) {
    assert(columns[column].isNumeric)
    unsafe words[(count &- 1) &* stride &+ column] = UInt64(bitPattern: number)
  }

  /// Sets a text of the last row.
  @inline(__always)
  public mutating func set(_ column: Int, _ bytes: ByteView, _ slice: Slice) {
    assert(!columns[column].isNumeric)
    let length = Int(slice.count)
    var own = Slice.absent
    if length > 0 && length <= 16 {
      buffer.reserve(16)
      let lanes = bytes.lanes(slice)
      let target = unsafe UnsafeMutableRawPointer(buffer.base + buffer.count)
      unsafe target.storeBytes(of: lanes, as: SIMD2<UInt64>.self)
      own = Slice(start: buffer.count, count: length)
      buffer.count &+= length
    } else if length > 0 {
      own = copy(bytes, slice)
    }
    unsafe words[(count &- 1) &* stride &+ column] = own.word
  }

  /// Sets a text of the last row.
  public mutating func set(_ column: Int, _ text: String) {
    assert(!columns[column].isNumeric)
    var text = text
    let own = text.withUTF8 { bytes in
      guard let address = bytes.baseAddress, !bytes.isEmpty else { return Slice.absent }
      return unsafe copy(address, bytes.count)
    }
    unsafe words[(count &- 1) &* stride &+ column] = own.word
  }

  /// Sets a text of the last row.
  public mutating func set(_ column: Int, _ text: [UInt8]) {
    assert(!columns[column].isNumeric)
    let own = unsafe text.withUnsafeBufferPointer { bytes in
      guard let address = bytes.baseAddress, !bytes.isEmpty else { return Slice.absent }
      return unsafe copy(address, bytes.count)
    }
    unsafe words[(count &- 1) &* stride &+ column] = own.word
  }

  private mutating func copy(_ bytes: ByteView, _ slice: Slice) -> Slice {
    let (start, length) = (Int(slice.start), Int(slice.count))
    assert(start + length <= bytes.count)
    return unsafe bytes.withAddress { unsafe copy($0 + start, length) }
  }

  private mutating func copy(_ address: UnsafePointer<UInt8>, _ length: Int) -> Slice {
    var digest: UInt64 = 0
    if length > Self.shortMax {
      digest = unsafe duizhang_digest(address, length)
      for known in longTexts[digest] ?? [] where Int(known.count) == length {
        if unsafe memcmp(buffer.base + Int(known.start), address, length) == 0 { return known }
      }
    }
    let own = Slice(start: buffer.count, count: length)
    unsafe buffer.append(address, length)
    if length > Self.shortMax { longTexts[digest, default: []].append(own) }
    return own
  }

  /// A number of a row.
  @inline(__always)
  func number(_ row: Int, _ column: Int) -> Int64 {
    assert(row >= 0 && row < count && column >= 0 && column < stride)
    return unsafe Int64(bitPattern: words[row &* stride &+ column])
  }

  /// Copies a column's words, of all rows or of those chosen, to consecutive ones.
  func gather(_ column: Int, _ rows: [Int32]?, to target: UnsafeMutablePointer<UInt64>) {
    if let rows {
      for index in rows.indices {
        unsafe target[index] = words[Int(rows[index]) &* stride &+ column]
      }
      return
    }
    var position = column
    for row in 0..<count {
      unsafe target[row] = words[position]
      position &+= stride
    }
  }
}
