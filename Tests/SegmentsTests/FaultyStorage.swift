import Foundation
import Segments
import Synchronization

/// A file system that fails at one of its calls, or is interrupted and takes few bytes at each. It brings
/// nothing to the disk, which would take the tests' time and tell them nothing.
final class FaultyStorage: Storage {
  private let system = SystemStorage()
  private let calls = Mutex(0)
  private let openFiles = Mutex(0)
  /// The call that fails, from 0.
  private let failing: Int?
  private let number: Int32
  private let isSlow: Bool

  init(failing: Int? = nil, number: Int32 = ENOSPC, isSlow: Bool = false) {
    self.failing = failing
    self.number = number
    self.isSlow = isSlow
  }

  var callCount: Int { calls.withLock { $0 } }
  var openCount: Int { openFiles.withLock { $0 } }

  private func step() throws(StorageError) {
    let call = calls.withLock { count in
      defer { count += 1 }
      return count
    }
    if call == failing { throw StorageError(number: number) }
    if isSlow && call % 2 == 1 { throw StorageError(number: EINTR) }
  }

  func createFolder(_ path: String) throws(StorageError) -> Bool {
    try step()
    return try system.createFolder(path)
  }

  func create(_ path: String) throws(StorageError) -> Int32 {
    try step()
    let descriptor = try system.create(path)
    openFiles.withLock { $0 += 1 }
    return descriptor
  }

  func reopen(_ path: String) throws(StorageError) -> Int32 {
    try step()
    let descriptor = try system.reopen(path)
    openFiles.withLock { $0 += 1 }
    return descriptor
  }

  func openToRead(_ path: String) throws(StorageError) -> Int32 {
    try step()
    let descriptor = try system.openToRead(path)
    openFiles.withLock { $0 += 1 }
    return descriptor
  }

  func write(
    _ bytes: Span<UInt8>, to descriptor: Int32, at offset: Int
  ) throws(StorageError) -> Int {
    try step()
    let part = isSlow ? bytes.extracting(first: min(bytes.count, 7)) : bytes
    return try system.write(part, to: descriptor, at: offset)
  }

  func read(
    _ descriptor: Int32, at offset: Int, into bytes: inout [UInt8], _ range: Range<Int>
  ) throws(StorageError) -> Int {
    try step()
    return try system.read(descriptor, at: offset, into: &bytes, isSlow ? range.prefix(7) : range)
  }

  func size(_ descriptor: Int32) throws(StorageError) -> Int {
    // Not one that signals interrupt.
    try system.size(descriptor)
  }

  func sync(_ descriptor: Int32) throws(StorageError) {
    try step()
  }

  func close(_ descriptor: Int32) throws(StorageError) {
    openFiles.withLock { $0 -= 1 }
    // As the system does, it lets go where it fails too.
    defer { try? system.close(descriptor) }
    if !isSlow { try step() }
  }

  func syncFolder(_ path: String) throws(StorageError) {
    try step()
  }

  func rename(_ path: String, to target: String) throws(StorageError) {
    try step()
    try system.rename(path, to: target)
  }

  func remove(_ path: String) throws(StorageError) { try system.remove(path) }
}
