internal import Crypto

/// What became of a file of chunks.
public struct ChunkFileSummary: Sendable, Hashable {
  public var path: String
  /// Bytes of the file.
  public var bytes: Int
  public var chunks: Int
  /// Rows of all chunks.
  public var rows: Int
  /// SHA-256 of the whole file, 32 bytes.
  public var digest: [UInt8]

  /// The digest in 64 hexadecimal digits.
  public var digestText: String {
    digest.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
  }
}

/// Writes a file of chunks that appears whole or not at all.
///
/// Chunks go to `path + ".partial"`. ``seal()`` writes the index and brings the file to the disk
/// (`fsync`); only then ``publish()`` renames it, which replaces a file of that name, and brings the folder's
/// entries to the disk. So a file under its own name is whole, whenever the machine stops. Where any of this
/// fails, or the writer goes before it is done, neither name remains; where the process is killed, a
/// `.partial` file may remain, which the next writer of that path empties. Two writers of one path at a time
/// are a mistake of those who start them.
///
/// Used by one thread at a time.
public final class ChunkFileWriter {
  private enum State {
    case open, sealed, published, discarded
  }

  /// Bytes that are written at once.
  private static let bufferBytes = 256 * 1024

  public let path: String
  private let temporaryPath: String
  private let storage: any Storage
  private var descriptor: Int32?
  private var state = State.open
  private var exists = false
  private var buffer: [UInt8] = []
  /// Bytes that are in the file already.
  private var written = 0
  private var hash = SHA256()
  private var index: [UInt8] = []
  private var chunks = 0
  private var rows = 0

  /// Creates the temporary file; its folder must exist.
  ///
  /// - Parameter label: a number that the file's reader has to expect.
  public init(
    path: String, kind: ChunkFileKind, label: Int64, storage: any Storage = SystemStorage()
  ) throws(SegmentError) {
    self.path = path
    temporaryPath = path + ".partial"
    self.storage = storage
    buffer = ChunkFileFormat.header(kind, label: label)
    descriptor = try attempt(.create) { () throws(StorageError) in
      try storage.retrying { () throws(StorageError) in try storage.create(temporaryPath) }
    }
    exists = true
  }

  deinit { if state == .open || state == .sealed { discard() } }

  /// Whether the file is open, and not only known.
  var isOpen: Bool { descriptor != nil }

  /// Appends a chunk as ``ChunkEncoder`` makes it.
  public func append(_ chunk: [UInt8]) throws(SegmentError) {
    precondition(state == .open && chunk.count > ChunkFormat.headerBytes)
    let rowCount: UInt32 = ChunkFileFormat.number(chunk, 8)
    let number: UInt64 = ChunkFileFormat.number(chunk, 16)
    ChunkFileFormat.append(UInt32(chunk.count), to: &index)
    ChunkFileFormat.append(rowCount, to: &index)
    ChunkFileFormat.append(number, to: &index)
    chunks += 1
    rows += Int(rowCount)
    buffer += chunk
    if buffer.count >= Self.bufferBytes { try flush() }
  }

  private func flush() throws(SegmentError) {
    guard !buffer.isEmpty else { return }
    do throws(SegmentError) {
      if descriptor == nil {
        descriptor = try attempt(.open) { () throws(StorageError) in
          try storage.retrying { () throws(StorageError) in try storage.reopen(temporaryPath) }
        }
      }
      guard let descriptor else { return }
      try attempt(.write) { () throws(StorageError) in
        try storage.writeAll(buffer, to: descriptor, at: written)
      }
    } catch {
      discard()
      throw error
    }
    hash.update(data: buffer)
    written += buffer.count
    buffer.removeAll(keepingCapacity: true)
  }

  /// Lets go of the descriptor and of memory until there is more to write: for those who have many files.
  func park() throws(SegmentError) {
    try flush()
    buffer = []
    try close()
  }

  private func close() throws(SegmentError) {
    guard let descriptor else { return }
    self.descriptor = nil
    do throws(SegmentError) {
      try attempt(.close) { () throws(StorageError) in try storage.close(descriptor) }
    } catch {
      discard()
      throw error
    }
  }

  /// Writes what is behind the chunks and brings the file, still under its temporary name, to the disk.
  public func seal() throws(SegmentError) {
    precondition(state == .open)
    let indexStart = written + buffer.count
    var footer = index
    ChunkFileFormat.append(UInt64(chunks), to: &footer)
    ChunkFileFormat.append(UInt64(rows), to: &footer)
    ChunkFileFormat.append(UInt64(indexStart), to: &footer)
    ChunkFileFormat.append(XXH64.checksum(footer), to: &footer)
    footer += ChunkFileFormat.endMagic
    buffer += footer
    index = []
    try flush()
    guard let descriptor else { preconditionFailure("a file that was written is open") }
    do throws(SegmentError) {
      // Not again where it failed: the system may have dropped what it could not write.
      try attempt(.sync) { () throws(StorageError) in
        try storage.retrying { () throws(StorageError) in try storage.sync(descriptor) }
      }
    } catch {
      discard()
      throw error
    }
    try close()
    state = .sealed
  }

  /// Lets the sealed file appear at its path, and brings that to the disk.
  public func publish() throws(SegmentError) -> ChunkFileSummary {
    try appear()
    do throws(SegmentError) {
      try attempt(.sync) { () throws(StorageError) in
        try storage.retrying { () throws(StorageError) in
          try storage.syncFolder(path.folderOfPath)
        }
      }
    } catch {
      discard()
      throw error
    }
    return ChunkFileSummary(
      path: path, bytes: written, chunks: chunks, rows: rows, digest: Array(hash.finalize()))
  }

  private func appear() throws(SegmentError) {
    precondition(state == .sealed)
    do throws(SegmentError) {
      try attempt(.rename) { () throws(StorageError) in
        try storage.retrying { () throws(StorageError) in
          try storage.rename(temporaryPath, to: path)
        }
      }
    } catch {
      discard()
      throw error
    }
    state = .published
  }

  /// Seals and publishes.
  public func finish() throws(SegmentError) -> ChunkFileSummary {
    try seal()
    return try publish()
  }

  /// Removes the file, under whichever name it is.
  public func discard() {
    if let descriptor { try? storage.close(descriptor) }
    descriptor = nil
    if exists { try? storage.remove(state == .published ? path : temporaryPath) }
    exists = false
    state = .discarded
    buffer = []
  }

  private func attempt<Result>(
    _ operation: SegmentError.Operation, _ call: () throws(StorageError) -> Result
  ) throws(SegmentError) -> Result {
    do throws(StorageError) {
      return try call()
    } catch {
      throw SegmentError(path: path, offset: written, .failed(operation, error))
    }
  }
}
