import Foundation
import Segments

/// One file in memory, under any path, to be read.
struct MemoryStorage: Storage {
  let bytes: [UInt8]

  func openToRead(_ path: String) throws(StorageError) -> Int32 { 0 }
  func size(_ descriptor: Int32) throws(StorageError) -> Int { bytes.count }
  func close(_ descriptor: Int32) throws(StorageError) {}

  func read(
    _ descriptor: Int32, at offset: Int, into target: inout [UInt8], _ range: Range<Int>
  ) throws(StorageError) -> Int {
    let part = bytes.dropFirst(offset).prefix(range.count)
    target.replaceSubrange(range.prefix(part.count), with: part)
    return part.count
  }

  private var readOnly: StorageError { StorageError(number: EROFS) }

  func createFolder(_ path: String) throws(StorageError) -> Bool { throw readOnly }
  func create(_ path: String) throws(StorageError) -> Int32 { throw readOnly }
  func reopen(_ path: String) throws(StorageError) -> Int32 { throw readOnly }
  func write(
    _ bytes: Span<UInt8>, to descriptor: Int32, at offset: Int
  ) throws(StorageError) -> Int { throw readOnly }
  func sync(_ descriptor: Int32) throws(StorageError) { throw readOnly }
  func syncFolder(_ path: String) throws(StorageError) { throw readOnly }
  func rename(_ path: String, to target: String) throws(StorageError) { throw readOnly }
  func remove(_ path: String) throws(StorageError) { throw readOnly }
}
