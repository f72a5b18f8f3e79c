/// Why a log, or the rest of it, could not be read.
public struct Damage: Error, Sendable, Hashable {
  public enum Kind: Sendable, Hashable {
    /// The file ends in the middle of its compressed data.
    case truncated
    /// The compressed data or its framing is not what its format allows.
    case corrupt
    /// The data was decoded, but its checksum or length does not agree: some of what was read may
    /// be wrong.
    case checksum
    /// Something that is no compressed data stands where the next member would begin.
    case garbage
    /// The operating system could not read on.
    case unreadable
  }

  public var kind: Kind
  /// Where in the file as stored, in bytes from its start.
  public var byteOffset: Int
  /// What was found, in words.
  public var detail: String

  public init(kind: Kind, byteOffset: Int, detail: String) {
    self.kind = kind
    self.byteOffset = byteOffset
    self.detail = detail
  }
}

/// Why a log could not be opened at all.
public struct InputError: Error, Sendable, Hashable, CustomStringConvertible {
  public var path: String
  public var detail: String
  public var remedy: String

  public init(path: String, detail: String, remedy: String) {
    self.path = path
    self.detail = detail
    self.remedy = remedy
  }

  public var description: String { "\(path): \(detail); \(remedy)" }
}
