/// A finished file of the workspace: it never changes, and the ledger refers to it by its content.
public struct StoredFile: Sendable, Hashable {
  /// From the workspace's folder, such as `segments/2025-12-01/<hash>.seg`.
  public var path: String
  public var sha256: ContentHash
  /// Its size in bytes.
  public var bytes: Int

  public init(path: String, sha256: ContentHash, bytes: Int) {
    self.path = path
    self.sha256 = sha256
    self.bytes = bytes
  }
}
