internal import Crypto
internal import Files
internal import Foundation
internal import Glibc
internal import Ledger

/// Files read from begin to end in pieces, however large.
enum FileContents {
  enum Outcome {
    /// To the end.
    case read(bytes: Int)
    /// It has more bytes than were allowed.
    case longer
    case notAFile
    case failed(SystemError)
  }

  private static let pieceBytes = 1 << 20

  static func pass(
    over path: String, bytesMax: Int, _ take: (ArraySlice<UInt8>) -> Void
  ) -> Outcome {
    let (descriptor, size): (Int32, Int)
    switch FileDescriptor.openRegularFile(path) {
    case .failure(let error): return .failed(error)
    case .success(nil): return .notAFile
    case .success((let opened, let bytes)?):
      (descriptor, size) = (opened, bytes)
      if bytes > bytesMax {
        _ = FileDescriptor.close(descriptor)
        return .longer
      }
    }
    defer { _ = FileDescriptor.close(descriptor) }
    var piece = [UInt8](repeating: 0, count: min(size + 1, pieceBytes))
    var total = 0
    while true {
      switch FileDescriptor.read(descriptor, into: &piece) {
      case .failure(let error): return .failed(error)
      case .success(0): return .read(bytes: total)
      case .success(let count):
        total += count
        // It may grow meanwhile.
        if total > bytesMax { return .longer }
        take(piece[..<count])
      }
    }
  }

  /// Holds a file against its size and digest.
  ///
  /// - Parameter sha256: `nil` where only the size is known; the file is not read then.
  /// - Returns: what is wrong with it; `nil` where nothing is.
  static func fault(
    _ path: String, bytes: Int, sha256: ContentHash?
  ) -> ManifestProblem.Kind? {
    guard let sha256 else {
      guard let kind = FileDescriptor.kind(path) else { return .missing }
      let found = FileDescriptor.sizeBytes(path) ?? 0
      if kind != S_IFREG { return .notAFile }
      return found == bytes ? nil : .size(expected: bytes, found: found)
    }
    var hash = SHA256()
    let outcome = pass(over: path, bytesMax: bytes) { hash.update(data: $0) }
    switch outcome {
    case .failed(let error): return error.isMissing ? .missing : .unreadable(error.text)
    case .notAFile: return .notAFile
    case .longer:
      return .size(expected: bytes, found: FileDescriptor.sizeBytes(path) ?? bytes)
    case .read(let found) where found != bytes: return .size(expected: bytes, found: found)
    case .read:
      let found = ContentHash(bytes: Array(hash.finalize()))
      return found == sha256 ? nil : .content(expected: sha256, found: found)
    }
  }
}

extension SystemError {
  var isMissing: Bool { number == ENOENT || number == ENOTDIR }
}
