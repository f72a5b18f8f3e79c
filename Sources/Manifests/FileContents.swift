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
    let descriptor: Int32
    switch FileDescriptor.openRegularFile(path) {
    case .failure(let error): return .failed(error)
    case .success(nil): return .notAFile
    case .success((let opened, let bytes)?):
      descriptor = opened
      if bytes > bytesMax {
        _ = FileDescriptor.close(descriptor)
        return .longer
      }
    }
    defer { _ = FileDescriptor.close(descriptor) }
    var piece = [UInt8](repeating: 0, count: pieceBytes)
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
  /// - Parameter sha256: `nil` where only the size is known.
  /// - Returns: what is wrong with it; `nil` where nothing is.
  static func fault(
    _ path: String, bytes: Int, sha256: ContentHash?
  ) -> ManifestProblem.Kind? {
    var hash = SHA256()
    let outcome = pass(over: path, bytesMax: bytes) { piece in
      if sha256 != nil { hash.update(data: piece) }
    }
    switch outcome {
    case .failed(let error): return error.isMissing ? .missing : .unreadable(error.text)
    case .notAFile: return .notAFile
    case .longer:
      return .size(expected: bytes, found: FileDescriptor.sizeBytes(path) ?? bytes)
    case .read(let found) where found != bytes: return .size(expected: bytes, found: found)
    case .read:
      guard let sha256 else { return nil }
      let found = ContentHash(bytes: Array(hash.finalize()))
      return found == sha256 ? nil : .content(expected: sha256, found: found)
    }
  }
}

extension SystemError {
  var isMissing: Bool { number == ENOENT || number == ENOTDIR }
}
