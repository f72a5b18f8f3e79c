internal import Crypto
internal import Foundation

/// What was written to a report, by which its file is told.
public struct ReportContent: Sendable, Hashable {
  /// In its folder.
  public var name: String
  /// Of all its bytes: 32 bytes.
  public var sha256: [UInt8]
  public var bytes: Int

  public init(name: String, sha256: [UInt8], bytes: Int) {
    self.name = name
    self.sha256 = sha256
    self.bytes = bytes
  }
}

extension ReportContent {
  /// The same of a report that is being written.
  struct Digest {
    private let name: String
    private var hash = SHA256()
    private var bytes = 0

    init(name: String) { self.name = name }

    mutating func update(_ piece: [UInt8]) {
      hash.update(data: piece)
      bytes += piece.count
    }

    var content: ReportContent {
      ReportContent(name: name, sha256: Array(hash.finalize()), bytes: bytes)
    }
  }
}
