internal import Files
internal import Foundation
internal import GRDB

/// The file `ledger.digest`, written anew after each commit: the audit log's last entry then, so that
/// entries cut off its end are missed, and the SHA-256 of the database file, so that a changed byte is
/// found where no row is. It is about the ledger and stands outside it.
struct LedgerDigestFile {
  var auditID: Int64
  var auditHash: String
  /// Of `ledger.sqlite`; `nil` where a reader kept the last commit from being moved into it.
  var fileSHA256: String?

  private var text: String { "audit \(auditID) \(auditHash)\nfile \(fileSHA256 ?? "-")\n" }

  init(auditID: Int64, auditHash: String, fileSHA256: String?) {
    self.auditID = auditID
    self.auditHash = auditHash
    self.fileSHA256 = fileSHA256
  }

  /// - Returns: `nil` where the text is not such a file's.
  init?(text: String) {
    let words = text.split { $0.isWhitespace }
    guard words.count == 5, words[0] == "audit", let id = Int64(words[1]), words[3] == "file"
    else { return nil }
    self.init(
      auditID: id, auditHash: String(words[2]),
      fileSHA256: words[4] == "-" ? nil : String(words[4]))
    guard self.text == text else { return nil }
  }

  /// Moves the last commit from the log into the database file, and writes what both are. A failure here
  /// is none of the commit, which stands: the file is then older than the ledger, and is known to be.
  static func update(_ ledger: Ledger) {
    let folder = ledger.folder
    let isWhole = ledger.queue.writeWithoutTransaction { database in
      (try? database.checkpoint(.truncate)) != nil
    }
    let last = try? ledger.read { state throws(WorkspaceError) in try state.lastAuditEntry() }
    guard let entry = last else { return }
    let digest = LedgerDigestFile(
      auditID: entry.id, auditHash: entry.hash.hexadecimal,
      fileSHA256: isWhole ? FileContent.sha256(folder.ledgerPath)?.sha256.hexadecimal : nil)
    let name = "\(folder.path)/\(WorkspaceFolder.temporaryName)/\(folder.nextTemporaryName())"
    guard case .success(let descriptor) = FileDescriptor.create(name) else { return }
    let failed =
      FileDescriptor.write(Array(digest.text.utf8).span, to: descriptor)
      ?? FileDescriptor.sync(descriptor)
    guard FileDescriptor.close(descriptor) == nil, failed == nil,
      FileDescriptor.rename(name, to: "\(folder.path)/\(WorkspaceFolder.digestName)") == nil
    else {
      FileDescriptor.remove(name)
      return
    }
    _ = FileDescriptor.syncFolder(folder.path)
  }
}

/// Whole files read for their digests.
package enum FileContent {
  /// - Returns: `nil` where the file cannot be read to its end.
  package static func sha256(_ path: String) -> (sha256: ContentHash, bytes: Int)? {
    guard case .success(let descriptor) = FileDescriptor.openToRead(path) else { return nil }
    defer { _ = FileDescriptor.close(descriptor) }
    var hasher = ContentHasher()
    var bytes = 0
    while true {
      guard case .success(let piece) = FileDescriptor.read(descriptor, bytesMax: 1 << 18) else {
        return nil
      }
      if piece.isEmpty { return (hasher.finish(), bytes) }
      hasher.update(piece)
      bytes += piece.count
    }
  }

  /// The digest of a whole file, and of as many of its first bytes as are asked for, where it has more.
  ///
  /// - Parameter marks: numbers of bytes.
  package static func sha256(
    _ path: String, marks: Set<Int>
  ) -> (sha256: ContentHash, ofFirst: [Int: ContentHash])? {
    guard case .success(let descriptor) = FileDescriptor.openToRead(path) else { return nil }
    defer { _ = FileDescriptor.close(descriptor) }
    var hasher = ContentHasher()
    var bytes = 0
    var ofFirst: [Int: ContentHash] = [:]
    var rest = marks.sorted()[...]
    while true {
      let wanted = min((rest.first ?? .max) - bytes, 1 << 18)
      guard case .success(let piece) = FileDescriptor.read(descriptor, bytesMax: max(wanted, 1))
      else { return nil }
      if piece.isEmpty { return (hasher.finish(), ofFirst) }
      if rest.first == bytes {
        ofFirst[bytes] = hasher.finish()
        rest.removeFirst()
      }
      hasher.update(piece)
      bytes += piece.count
    }
  }

  /// A short text file.
  static func text(_ path: String) -> String? {
    guard case .success(let descriptor) = FileDescriptor.openToRead(path) else { return nil }
    defer { _ = FileDescriptor.close(descriptor) }
    guard case .success(let bytes) = FileDescriptor.read(descriptor, bytesMax: 1 << 16) else {
      return nil
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}
