public import Parsing

/// Rows of a chunk that was read: numbers, and slices of texts that lie in the block they were read into.
@safe
public final class RowTable {
  /// Words from row to row.
  let stride: Int
  private(set) var words: UnsafeMutablePointer<UInt64>
  private var capacity = 0
  /// Rows.
  public internal(set) var count = 0
  /// The place of each column in a row.
  let positions: [Int]

  /// A table of rows that have a word for each column.
  public convenience init(_ columns: [Column]) {
    self.init(positions: Array(columns.indices), stride: columns.count)
  }

  /// - Parameter positions: where each column lies in a row of `stride` words; other words are 0.
  init(positions: [Int], stride: Int) {
    self.positions = positions
    self.stride = stride
    unsafe words = .allocate(capacity: 1)
  }

  deinit { unsafe words.deallocate() }

  /// Makes room for rows, whose columns are all going to be set.
  func prepare(_ rows: Int) {
    count = 0
    guard rows > capacity else { return }
    unsafe words.deallocate()
    capacity = min(max(rows, 2 * capacity), RowBuffer.rowsMax)
    unsafe words = .allocate(capacity: capacity * stride)
    unsafe words.initialize(repeating: 0, count: capacity * stride)
  }

  public func number(_ row: Int, _ column: Int) -> Int64 {
    precondition(row >= 0 && row < count)
    return unsafe Int64(bitPattern: words[row * stride + positions[column]])
  }

  /// A text's slice of the block.
  public func text(_ row: Int, _ column: Int) -> Slice {
    precondition(row >= 0 && row < count)
    let word = unsafe words[row * stride + positions[column]]
    return Slice(start: Int(word & 0xFFFF_FFFF), count: Int(word >> 32))
  }
}
