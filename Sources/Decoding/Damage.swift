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
  /// The text before it that is wrong, or that nothing vouches for; `nil` where there is none.
  public var distrust: Distrust?

  /// Text of a damaged member that was handed out before the damage was noticed.
  public struct Distrust: Sendable, Hashable {
    /// Where the member begins in the file as stored, in bytes from its start; where it could be read on
    /// behind an earlier damage, what is behind that.
    public var memberOffset: Int
    /// Bytes of its text so far, as decoded and not yet converted to UTF-8.
    public var textBytes: Int
    /// Whether its lines are handed out as untrusted; `false`: as if nothing were wrong with them.
    public var isApplied: Bool

    public init(memberOffset: Int, textBytes: Int, isApplied: Bool) {
      self.memberOffset = memberOffset
      self.textBytes = textBytes
      self.isApplied = isApplied
    }
  }

  public init(kind: Kind, byteOffset: Int, byteCount: Int? = nil, detail: String) {
    self.kind = kind
    self.byteOffset = byteOffset
    self.byteCount = byteCount
    self.detail = detail
  }
}

extension Damage.Kind {
  /// A name that does not change.
  public var name: String {
    switch self {
    case .truncated: "truncated"
    case .corrupt: "corrupt"
    case .checksum: "checksum"
    case .garbage: "garbage"
    case .unreadable: "unreadable"
    }
  }

  public init?(name: String) {
    let all: [Damage.Kind] = [.truncated, .corrupt, .checksum, .garbage, .unreadable]
    guard let kind = all.first(where: { $0.name == name }) else { return nil }
    self = kind
  }
}

extension Damage {
  /// Where and what, in words.
  public var text: String {
    let lost = byteCount.map { $0 > 0 ? " (\($0) bytes lost)" : "" } ?? ""
    return "at byte \(byteOffset): \(detail)\(lost)"
  }

  /// The same, with what became of the text that is not to be trusted.
  public var fullText: String {
    guard let distrust else { return text }
    return text
      + (distrust.isApplied
        ? "; the lines read of it are quarantined, since nothing vouches for them"
        : "; the lines read of it pass for right, though nothing vouches for them, since not all "
          + "logs are files, which can be read twice")
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
