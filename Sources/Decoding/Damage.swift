/// Why a stretch of a log could not be read, or is not to be trusted.
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
  /// How many stored bytes from there were lost, where that is known: up to the next member or frame
  /// that could be read, or to the end of the file.
  public var byteCount: Int?
  /// What was found, in words.
  public var detail: String

  public init(kind: Kind, byteOffset: Int, byteCount: Int? = nil, detail: String) {
    self.kind = kind
    self.byteOffset = byteOffset
    self.byteCount = byteCount
    self.detail = detail
  }
}

extension Damage {
  /// Where and what, in words.
  public var text: String {
    let lost = byteCount.map { $0 > 0 ? " (\($0) bytes lost)" : "" } ?? ""
    return "at byte \(byteOffset): \(detail)\(lost)"
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
