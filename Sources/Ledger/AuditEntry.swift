public import CivilTime

/// An entry of the audit log: who did what, chained to the entry before it.
public struct AuditEntry: Sendable, Hashable {
  /// From 1, without gaps.
  public var id: Int64
  public var at: Instant
  public var actor: String
  public var action: String
  /// A JSON text.
  public var detail: String
  public var previousHash: ContentHash
  public var hash: ContentHash

  /// The hash that the entry must have: SHA-256 over a text that begins with `duizhang audit entry 1`,
  /// then the number and the time in decimal, actor, action and detail each with its length in bytes
  /// and a colon before it, and the previous hash in hexadecimal, each ending its line.
  var expectedHash: ContentHash {
    var hasher = ContentHasher()
    hasher.update("duizhang audit entry 1\n\(id)\n\(at.microseconds)\n")
    hasher.updateCounted(actor)
    hasher.updateCounted(action)
    hasher.updateCounted(detail)
    hasher.update("\(previousHash.hexadecimal)\n")
    return hasher.finish()
  }
}

/// The first entry at which the audit log's chain does not hold.
public struct AuditBreak: Sendable, Hashable, CustomStringConvertible {
  public var id: Int64
  public var what: String

  public var description: String { "audit entry \(id) \(what)" }
}
