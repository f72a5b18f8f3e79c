public import Decoding

/// Reads a file of chunks, a chunk at a time.
///
/// What opens has the right header, index and length. Each chunk is held against its checksum before any of
/// it is believed. Memory is that of one chunk and of the index, 16 bytes a chunk.
public final class ChunkFileReader {
  private struct Entry {
    var bytes: Int
    var rows: Int
    var number: Int64
    /// Where the chunk begins in the file.
    var offset: Int
  }

  public let path: String
  /// What the file holds.
  public private(set) var kind: ChunkFileKind
  /// The number that its writer gave the file.
  public private(set) var label: Int64 = 0
  /// Rows of all chunks.
  public private(set) var rows = 0
  /// Where the last chunk begins in the file.
  public private(set) var chunkOffset = 0
  private let storage: any Storage
  private let descriptor: Int32
  private var entries: [Entry] = []
  private var position = 0
  private var chunk: [UInt8] = []
  private var decoder: ChunkDecoder

  /// Opens a file and reads its header and index.
  ///
  /// - Parameters:
  ///   - kind: what the file must hold.
  ///   - other: what it may hold instead.
  ///   - label: the label that the file must have; `nil` for any.
  ///   - unread: columns that nobody asks for; their rows become absent, or 0.
  public init(
    path: String, kind: ChunkFileKind, or other: ChunkFileKind? = nil, label: Int64? = nil,
    unread: Set<Int> = [], storage: any Storage = SystemStorage()
  ) throws(SegmentError) {
    self.path = path
    self.kind = kind
    self.storage = storage
    decoder = ChunkDecoder(kind.columns, unread: unread)
    do throws(StorageError) {
      descriptor = try storage.retrying { () throws(StorageError) in
        try storage.openToRead(path)
      }
    } catch {
      throw SegmentError(path: path, offset: 0, .failed(.open, error))
    }
    let size: Int
    do throws(StorageError) {
      size = try storage.size(descriptor)
    } catch {
      throw SegmentError(path: path, offset: 0, .failed(.open, error))
    }
    try checkHeader([kind, other ?? kind], label, size)
    if self.kind != kind { decoder = ChunkDecoder(self.kind.columns, unread: unread) }
    try readIndex(size)
  }

  deinit { try? storage.close(descriptor) }

  /// Chunks of the file.
  public var chunkCount: Int { entries.count }

  /// The least and the greatest number of each column of the last chunk that was read; 0 for texts.
  var ranges: [ClosedRange<Int64>] { decoder.ranges }

  /// Reads the next chunk: its texts into a block, whose number becomes the chunk's, and its rows into a
  /// table.
  ///
  /// - Returns: the chunk's number; `nil` at the end.
  public func next(into block: Block, _ table: RowTable) throws(SegmentError) -> Int64? {
    guard position < entries.count else { return nil }
    let entry = entries[position]
    let offset = entry.offset
    chunkOffset = offset
    if chunk.count != entry.bytes {
      if chunk.count > entry.bytes {
        chunk.removeLast(chunk.count - entry.bytes)
      } else {
        chunk += [UInt8](repeating: 0, count: entry.bytes - chunk.count)
      }
    }
    try read(at: offset, into: &chunk)
    let header: ChunkDecoder.Header
    do throws(ChunkDefect) {
      header = try decoder.decode(chunk, into: block, table)
    } catch {
      throw SegmentError(path: path, offset: offset + error.offset, error.problem)
    }
    guard header.rows == entry.rows, header.number == entry.number else {
      throw SegmentError(
        path: path, offset: offset, .malformed("a chunk is not the one of the index"))
    }
    position += 1
    return header.number
  }

  /// Makes a chunk the next one that is read.
  ///
  /// - Parameter index: its place in the file, from 0.
  func move(toChunk index: Int) { position = index }

  private func read(at offset: Int, into bytes: inout [UInt8]) throws(SegmentError) {
    let count: Int
    do throws(StorageError) {
      count = try storage.readAll(descriptor, at: offset, into: &bytes, 0..<bytes.count)
    } catch {
      throw SegmentError(path: path, offset: offset, .failed(.read, error))
    }
    guard count == bytes.count else {
      throw SegmentError(path: path, offset: offset + count, .length("the file ends too early"))
    }
  }

  private func checkHeader(
    _ kinds: [ChunkFileKind], _ label: Int64?, _ size: Int
  ) throws(SegmentError) {
    var header = [UInt8](repeating: 0, count: min(size, ChunkFileFormat.headerBytes))
    try read(at: 0, into: &header)
    let mark = header.prefix(ChunkFileFormat.magic.count)
    guard Array(mark) == ChunkFileFormat.magic.prefix(mark.count).map(\.self) else {
      throw SegmentError(path: path, offset: 0, .foreign)
    }
    guard size >= ChunkFileFormat.headerBytes + ChunkFileFormat.footerBytes else {
      throw SegmentError(path: path, offset: size, .length("the file ends too early"))
    }
    guard XXH64.checksum(Array(header.prefix(24))) == ChunkFileFormat.number(header, 24) else {
      throw SegmentError(path: path, offset: 0, .checksum("the header"))
    }
    let version: UInt32 = ChunkFileFormat.number(header, 8)
    guard version == ChunkFileFormat.version else {
      throw SegmentError(path: path, offset: 8, .version(Int(version)))
    }
    let code: UInt32 = ChunkFileFormat.number(header, 12)
    guard let kind = kinds.first(where: { $0.code == code }) else {
      throw SegmentError(path: path, offset: 12, .unexpected("is a chunk file of another kind"))
    }
    self.kind = kind
    let own: Int64 = ChunkFileFormat.number(header, 16)
    if let label, label != own {
      throw SegmentError(
        path: path, offset: 16, .unexpected("has the label \(own), not \(label)"))
    }
    self.label = own
  }

  private func readIndex(_ size: Int) throws(SegmentError) {
    let footerStart = size - ChunkFileFormat.footerBytes
    var footer = [UInt8](repeating: 0, count: ChunkFileFormat.footerBytes)
    try read(at: footerStart, into: &footer)
    guard Array(footer.suffix(8)) == ChunkFileFormat.endMagic else {
      throw SegmentError(
        path: path, offset: size - 8, .length("the file does not end with its mark: it is cut off"))
    }
    let count: UInt64 = ChunkFileFormat.number(footer, 0)
    let indexStart: UInt64 = ChunkFileFormat.number(footer, 16)
    let room = footerStart - ChunkFileFormat.headerBytes
    guard count <= UInt64(room / ChunkFileFormat.entryBytes),
      indexStart == UInt64(footerStart) - count * UInt64(ChunkFileFormat.entryBytes)
    else {
      throw SegmentError(path: path, offset: footerStart, .malformed("the index cannot be there"))
    }
    var index = [UInt8](repeating: 0, count: footerStart - Int(indexStart))
    try read(at: Int(indexStart), into: &index)
    guard
      XXH64.checksum(index + footer.prefix(24)) == ChunkFileFormat.number(footer, 24)
    else {
      throw SegmentError(path: path, offset: Int(indexStart), .checksum("the index"))
    }
    entries.reserveCapacity(Int(count))
    var end = ChunkFileFormat.headerBytes
    for start in stride(from: 0, to: index.count, by: ChunkFileFormat.entryBytes) {
      let bytes: UInt32 = ChunkFileFormat.number(index, start)
      let rowCount: UInt32 = ChunkFileFormat.number(index, start + 4)
      guard bytes <= ChunkFormat.bytesMax, rowCount <= RowBuffer.rowsMax else {
        throw SegmentError(
          path: path, offset: Int(indexStart) + start, .malformed("a chunk is too large"))
      }
      entries.append(
        Entry(
          bytes: Int(bytes), rows: Int(rowCount),
          number: ChunkFileFormat.number(index, start + 8), offset: end))
      end += Int(bytes)
      rows += Int(rowCount)
    }
    guard end == Int(indexStart), UInt64(rows) == ChunkFileFormat.number(footer, 8) else {
      throw SegmentError(
        path: path, offset: Int(indexStart), .malformed("the index does not agree with the file"))
    }
  }
}
