/// What is wrong with the bytes of a stored summary.
public struct SummaryError: Error, Sendable, Hashable, CustomStringConvertible {
  /// The byte from which on something is wrong.
  public var offset: Int
  public var detail: String

  public init(offset: Int, detail: String) {
    self.offset = offset
    self.detail = detail
  }

  public var description: String {
    "a stored summary of calls is malformed at byte \(offset): \(detail)"
  }
}

/// Writes a summary: numbers of seven bits a byte (LEB128), texts with their length before them.
public struct SummaryWriter {
  public private(set) var bytes: [UInt8] = []

  public init() {}

  public mutating func number(_ value: UInt64) {
    var rest = value
    while rest >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(truncatingIfNeeded: rest))
  }

  /// A number that is not below 0.
  public mutating func count(_ value: Int) { number(UInt64(max(value, 0))) }

  public mutating func signed(_ value: Int64) {
    number(UInt64(bitPattern: (value << 1) ^ (value >> 63)))
  }

  public mutating func text(_ value: String) { blob(Array(value.utf8)) }

  public mutating func blob(_ value: [UInt8]) {
    count(value.count)
    bytes += value
  }

  /// The number of a line.
  public mutating func source(_ value: UInt64) { number(value) }

  /// What a dictionary has, in the order of its keys.
  public mutating func entries<Key: Comparable, Value>(
    _ values: [Key: Value], _ write: (Key, Value, inout SummaryWriter) -> Void
  ) {
    count(values.count)
    for key in values.keys.sorted() {
      if let value = values[key] { write(key, value, &self) }
    }
  }
}

/// Reads what a ``SummaryWriter`` wrote; every byte is checked.
public struct SummaryReader {
  private let bytes: [UInt8]
  private var position = 0
  /// The number that a stored line number has now.
  private let sourceNow: (UInt64) -> UInt64?

  public init(_ bytes: [UInt8], source: @escaping (UInt64) -> UInt64?) {
    self.bytes = bytes
    sourceNow = source
  }

  public func error(_ detail: String) -> SummaryError {
    SummaryError(offset: position, detail: detail)
  }

  public mutating func number(atMost limit: UInt64 = .max) throws(SummaryError) -> UInt64 {
    var value: UInt64 = 0
    var shift: UInt64 = 0
    while true {
      guard position < bytes.count else { throw error("it ends within a number") }
      let byte = bytes[position]
      guard shift < 63 || byte <= 1 else { throw error("a number has more than 64 bits") }
      value |= UInt64(byte & 0x7F) << shift
      position += 1
      if byte < 0x80 { break }
      shift += 7
    }
    guard value <= limit else { throw error("a number is larger than it can be") }
    return value
  }

  /// A number of things that take a byte each at least, or any other that is not below 0.
  public mutating func count(atMost limit: Int = Int.max) throws(SummaryError) -> Int {
    Int(try number(atMost: UInt64(limit)))
  }

  /// How many things follow, each of a byte at least.
  public mutating func length() throws(SummaryError) -> Int {
    try count(atMost: bytes.count - position)
  }

  public mutating func signed() throws(SummaryError) -> Int64 {
    let value = try number()
    return Int64(bitPattern: value >> 1) ^ -Int64(bitPattern: value & 1)
  }

  public mutating func blob() throws(SummaryError) -> [UInt8] {
    let count = try length()
    guard count <= bytes.count - position else { throw error("it ends within a text") }
    defer { position += count }
    return Array(bytes[position..<(position + count)])
  }

  public mutating func text() throws(SummaryError) -> String {
    let bytes = try blob()
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw error("a text is not valid UTF-8")
    }
    return text
  }

  /// The number that a line has now.
  public mutating func source() throws(SummaryError) -> UInt64 {
    let stored = try number()
    guard let now = sourceNow(stored) else { throw error("it speaks of a log that is not there") }
    return now
  }

  /// As ``source()``, for those who read bytes of their own.
  public func source(_ stored: UInt64) throws(SummaryError) -> UInt64 {
    guard let now = sourceNow(stored) else { throw error("it speaks of a log that is not there") }
    return now
  }

  public mutating func entries<Key: Hashable, Value>(
    _ read: (inout SummaryReader) throws(SummaryError) -> (Key, Value)
  ) throws(SummaryError) -> [Key: Value] {
    var entries: [Key: Value] = [:]
    for _ in 0..<(try length()) {
      let (key, value) = try read(&self)
      guard entries.updateValue(value, forKey: key) == nil else { throw error("a key comes twice") }
    }
    return entries
  }

  public func end() throws(SummaryError) {
    guard position == bytes.count else { throw error("bytes follow its end") }
  }
}

/// What a detector keeps of a day. Merges add up: `init()` is empty, ``merge(_:)`` associative and commutative,
/// so that neither threads nor the order or number of logs change it.
public protocol DetectorSummary: Sendable {
  init()
  var isEmpty: Bool { get }
  mutating func merge(_ other: Self)
  func write(to writer: inout SummaryWriter)
  init(from reader: inout SummaryReader) throws(SummaryError)
}
