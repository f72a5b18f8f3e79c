public import Contracts
internal import Decoding

/// What a row of a detail names; many rows name the same.
public struct StatementNames: Sendable, Hashable {
  /// As ``StatementRow`` has them.
  public var contract: String?
  public var licensee: String?
  public var module = ""
  public var scenario: String?
  public var meter: Meter?
}

/// What a reader keeps of what rows name.
struct NameState {
  /// Whether the module or scenario begins as the label of a sum does.
  var mayBeTotal: Bool
  /// Whether the contract is in the summary, where that has room.
  var isNoted = false
}

/// Numbers of cells that come again and again: their texts are made once.
struct CellNumbers {
  /// What must be known of a cell without a look at its text.
  struct Traits {
    var isEmpty: Bool
    /// Whether it begins as an error of a formula does.
    var mayBeError: Bool
    /// Whether it begins as the label of a sum does, and whether it is one.
    var mayBeTotal: Bool
    var isTotal: Bool
  }

  private struct Entry {
    /// The first sixteen bytes.
    var words: (UInt64, UInt64) = (0, 0)
    var count: Int32 = 0
    /// Below 0: free.
    var number: Int32 = -1
  }

  /// The longest that is numbered, in bytes, and the most that are.
  private static let bytesMax = 256
  private static let countMax = 1_000
  private static let slots = 2_048
  private var entries = [Entry](repeating: Entry(), count: slots)
  private(set) var texts: [String] = []
  private(set) var traits: [Traits] = []
  /// The cells as they are.
  private var cells: [[UInt8]] = []

  /// - Returns: below 0 where it has none.
  @inline(__always)
  mutating func number(_ cell: ByteView) -> Int {
    let count = cell.count
    let words = cell.words(at: 0, count: min(count, 16))
    var hash = words.first &* 0x9E37_79B9_7F4A_7C15
    hash = (hash ^ hash >> 32 ^ words.second ^ UInt64(count)) &* 0xBF58_476D_1CE4_E5B9
    if count > 16 { hash = Self.hash(cell, hash) }
    var slot = Int(hash >> 53)
    while true {
      let entry = entries[slot]
      if entry.number < 0 { break }
      if entry.words == words && Int(entry.count) == count
        && (count <= 16 || isSame(cell, Int(entry.number)))
      {
        return Int(entry.number)
      }
      slot = (slot &+ 1) & (Self.slots - 1)
    }
    return keep(cell, Entry(words: words, count: Int32(count)), slot)
  }

  private static func hash(_ cell: ByteView, _ start: UInt64) -> UInt64 {
    var hash = start
    var position = 16
    while position < cell.count {
      let words = cell.words(at: position, count: min(cell.count - position, 16))
      hash = (hash ^ hash >> 29 ^ words.first) &* 0x9E37_79B9_7F4A_7C15
      hash = (hash ^ hash >> 32 ^ words.second) &* 0xBF58_476D_1CE4_E5B9
      position += 16
    }
    return hash
  }

  private func isSame(_ cell: ByteView, _ number: Int) -> Bool {
    for (index, byte) in cells[number].enumerated() where cell[index] != byte { return false }
    return true
  }

  private mutating func keep(_ cell: ByteView, _ entry: Entry, _ slot: Int) -> Int {
    guard cell.count <= Self.bytesMax, texts.count < Self.countMax else { return -1 }
    let number = texts.count
    let stated = CSVScanner.string(cell)
    let text = CellText.name(stated)
    entries[slot] = entry
    entries[slot].number = Int32(number)
    cells.append(CSVScanner.bytes(cell))
    texts.append(text)
    traits.append(
      Traits(
        isEmpty: text.isEmpty, mayBeError: text.utf8.first == 0x23,
        mayBeTotal: StatementReader.mayBeTotal(cell),
        isTotal: CellText.totalLabel(CellText.trimmed(stated)) != nil))
    return number
  }
}

/// Numbers of what rows name, by the numbers of their cells.
struct NameNumbers {
  private static let slots = 4_096
  /// The most that are told apart; more rows are read as texts.
  private static let countMax = 2_048
  private var keys = [UInt64](repeating: 0, count: slots)
  private var numbers = [Int32](repeating: 0, count: slots)
  private var count = 0

  /// - Parameter key: not 0.
  /// - Returns: what was kept for it; `nil` where nothing was.
  @inline(__always)
  func number(_ key: UInt64) -> Int? {
    var slot = Self.slot(key)
    while keys[slot] != 0 {
      if keys[slot] == key { return Int(numbers[slot]) }
      slot = (slot &+ 1) & (Self.slots - 1)
    }
    return nil
  }

  /// - Returns: whether there is still room for it.
  mutating func keep(_ key: UInt64, _ number: Int) -> Bool {
    guard count < Self.countMax else { return false }
    var slot = Self.slot(key)
    while keys[slot] != 0 { slot = (slot + 1) & (Self.slots - 1) }
    keys[slot] = key
    numbers[slot] = Int32(number)
    count += 1
    return true
  }

  @inline(__always)
  private static func slot(_ key: UInt64) -> Int {
    Int((key &* 0x9E37_79B9_7F4A_7C15) >> 52)
  }
}
