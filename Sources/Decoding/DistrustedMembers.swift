/// The members of a file whose text is not to be trusted, by where they begin as stored.
public struct DistrustedMembers: Sendable, Hashable {
  /// Beyond so many, the whole file is not.
  static let membersMax = LogStream.damagesMax

  private var offsets: Set<Int> = []
  /// Whether no text of the file is to be trusted.
  private(set) var isWholeFile = false

  public init() {}

  mutating func insert(_ offset: Int) {
    offsets.insert(offset)
    if offsets.count > Self.membersMax { insertWholeFile() }
  }

  mutating func insertWholeFile() {
    isWholeFile = true
    offsets = []
  }

  func contains(_ offset: Int) -> Bool { isWholeFile || offsets.contains(offset) }
}
