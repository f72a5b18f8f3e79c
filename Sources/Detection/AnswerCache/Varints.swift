/// Writes numbers in as few bytes as they need.
struct Varints {
  private(set) var bytes: [UInt8] = []

  mutating func append(byte: UInt8) { bytes.append(byte) }

  mutating func append(_ number: UInt64) {
    var rest = number
    while rest >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(truncatingIfNeeded: rest))
  }

  mutating func append(ascending numbers: [UInt64]) {
    var last: UInt64 = 0
    for number in numbers {
      append(number - last)
      last = number
    }
  }
}

/// Reads what ``Varints`` wrote, and traps on nothing.
struct VarintReader {
  private let bytes: [UInt8]
  private var offset = 0

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  var remaining: Int { bytes.count - offset }

  func error(_ detail: String) -> QuestionSampleError {
    QuestionSampleError(offset: offset, detail: detail)
  }

  mutating func byte() throws -> UInt8 {
    guard offset < bytes.count else { throw error("it ends too early") }
    defer { offset += 1 }
    return bytes[offset]
  }

  /// A number in the fewest bytes that it can have.
  mutating func next() throws -> UInt64 {
    var number: UInt64 = 0
    var shift: UInt64 = 0
    while true {
      let byte = try byte()
      guard shift < 63 || (shift == 63 && byte <= 1), shift == 0 || byte != 0 else {
        throw error("a number is longer than it can be")
      }
      number |= UInt64(byte & 0x7F) << shift
      if byte & 0x80 == 0 { return number }
      shift += 7
    }
  }

  mutating func next(atMost most: Int) throws -> Int {
    let number = try next()
    guard number <= UInt64(most) else { throw error("\(number) is more than \(most)") }
    return Int(number)
  }

  mutating func ascending(_ count: Int) throws -> [UInt64] {
    var numbers: [UInt64] = []
    numbers.reserveCapacity(count)
    for index in 0..<count {
      let difference = try next()
      let (sum, overflow) = (numbers.last ?? 0).addingReportingOverflow(difference)
      guard !overflow, index == 0 || difference > 0 else { throw error("hashes do not ascend") }
      numbers.append(sum)
    }
    return numbers
  }

  func end() throws {
    guard remaining == 0 else { throw error("it goes on behind its end") }
  }
}
