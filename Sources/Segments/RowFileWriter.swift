/// Writes rows that come one by one to a chunk file whose chunks are numbered from 0.
final class RowFileWriter {
  /// Rows of a chunk.
  private static let chunkRows = 16_384

  private let file: ChunkFileWriter
  private var encoder = ChunkEncoder()
  private var chunks: Int64 = 0
  /// The rows of the next chunk; whoever adds one then calls ``endRow()``.
  var rows: RowBuffer

  /// - Parameter day: the file's label, in days since 1970.
  init(
    path: String, kind: ChunkFileKind, day: Int32, storage: any Storage
  ) throws(SegmentError) {
    rows = RowBuffer(kind.columns)
    file = try ChunkFileWriter(path: path, kind: kind, label: Int64(day), storage: storage)
  }

  func endRow() throws(SegmentError) {
    if rows.count == Self.chunkRows { try flush() }
  }

  private func flush() throws(SegmentError) {
    guard rows.count > 0 else { return }
    try file.append(encoder.encode(rows, number: chunks))
    chunks += 1
    rows.removeAll()
  }

  func finish() throws(SegmentError) -> ChunkFileSummary {
    try flush()
    return try file.finish()
  }
}
