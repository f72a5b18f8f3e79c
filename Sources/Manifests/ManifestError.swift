public import Ledger
public import Reports

/// A manifest that cannot be relied on.
public struct ManifestError: Error, Sendable, Hashable, CustomStringConvertible {
  public enum Problem: Error, Sendable, Hashable {
    case missing
    /// The system's reason.
    case unreadable(String)
    /// It has not the last two lines of a manifest.
    case endless
    /// Its bytes are others than those that it states the SHA-256 of.
    case damaged(expected: ContentHash, found: ContentHash)
    case notJSON(JSONReadError)
    /// Of a newer program.
    case newer(version: Int)
    /// A member that is not as it must be.
    case invalid(member: String, what: String)
  }

  /// The file.
  public var path: String
  public var problem: Problem

  public init(path: String, problem: Problem) {
    self.path = path
    self.problem = problem
  }

  public var description: String { "\(path): \(what); \(remedy)" }

  var what: String {
    switch problem {
    case .missing: "is missing"
    case .unreadable(let reason): "cannot be read: \(reason)"
    case .endless: "does not end with its own SHA-256: cut off, changed, or no manifest"
    case .damaged(let expected, let found):
      "is not what was written: expected SHA-256 \(expected.hexadecimal) of all but its last two lines, "
        + "found \(found.hexadecimal)"
    case .notJSON(let error): "is no JSON document: \(error)"
    case .newer(let version):
      "is a manifest of version \(version), and this program knows version \(Manifest.version)"
    case .invalid(let member, let what): "\(member): \(what)"
    }
  }

  var remedy: String {
    switch problem {
    case .missing, .endless, .damaged:
      "restore it from a copy, or run again; 'sha256sum -c \(Manifest.sumsName)' checks the other files"
    case .unreadable: "check that it may be read"
    case .notJSON, .invalid: "it was not written by this program, or changed: ask whoever sent it"
    case .newer: "use a newer duizhang"
    }
  }
}
