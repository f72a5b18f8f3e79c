internal import Shuffling

/// A row of a report that waits to be sorted.
struct DifferenceRecord: ChunkRecord {
  /// The place of its month and module, and its time in microseconds.
  let rank: UInt64
  let time: Int64
  private var offset: UInt32
  private let count: UInt32

  init(rank: UInt64, time: Int64, offset: Int, count: Int) {
    self.rank = rank
    self.time = time
    self.offset = UInt32(offset)
    self.count = UInt32(count)
  }

  func externalBytes(in chunk: Chunk) -> Int { Int(count) }

  mutating func moveTexts(from source: Chunk, to target: Chunk, at offset: Int) {
    unsafe (target.base + offset).copyMemory(
      from: source.base + Int(self.offset), byteCount: Int(count))
    self.offset = UInt32(offset)
  }

  func withRow<Result>(in chunk: Chunk, _ body: (UnsafeRawBufferPointer) -> Result) -> Result {
    unsafe body(UnsafeRawBufferPointer(start: chunk.base + Int(offset), count: Int(count)))
  }
}

/// By month and module, time, and the bytes of the row.
struct DifferenceOrder: RecordOrder {
  func keys(_ record: UnsafePointer<DifferenceRecord>) -> (UInt64, Int64) {
    unsafe (record.pointee.rank, record.pointee.time)
  }

  func precedes(
    _ left: UnsafePointer<DifferenceRecord>, _ right: UnsafePointer<DifferenceRecord>
  ) -> Bool {
    unsafe left.pointee.withRow(in: Chunk(containing: left)) { first in
      unsafe right.pointee.withRow(in: Chunk(containing: right)) { second in
        unsafe first.lexicographicallyPrecedes(second)
      }
    }
  }
}

extension ExternalSorter where Order == DifferenceOrder {
  /// Adds a row.
  func append(_ row: [UInt8], rank: UInt64, time: Int64) throws(SpillError) {
    // A row of its own memory, as if that were a chunk.
    var failure: SpillError?
    unsafe row.withUnsafeBytes { bytes in
      guard let base = bytes.baseAddress else { return }
      let chunk = unsafe Chunk(base: UnsafeMutableRawPointer(mutating: base))
      do throws(SpillError) {
        try append(
          DifferenceRecord(rank: rank, time: time, offset: 0, count: row.count), textsIn: chunk)
      } catch {
        failure = error
      }
    }
    if let failure { throw failure }
  }
}
