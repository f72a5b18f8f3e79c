/// What is kept of those of a call's fields that decide no count, in place of their texts: hashes, 0 where the
/// record has nothing.
public struct KeptTraces: Sendable, Hashable {
  /// Of ``questionBits``.
  public var question: UInt64
  /// Of a path that stands out, or of a call that was refused.
  public var path: UInt64
  /// What stands out in the path, a bit each.
  public var pathTraits: UInt16
  /// Of the user agent.
  public var device: UInt32

  /// Of a million distinct questions, fewer than one in a hundred times two have the same hash.
  public static let questionBits = 48

  @inlinable public static var none: KeptTraces {
    KeptTraces(question: 0, path: 0, pathTraits: 0, device: 0)
  }

  public init(question: UInt64, path: UInt64, pathTraits: UInt16, device: UInt32) {
    self.question = question
    self.path = path
    self.pathTraits = pathTraits
    self.device = device
  }
}

/// In a call that was kept without the texts, they stand in slots that no text has.
extension Call {
  package static let questionPosition = textSlots - 8
  package static let pathPosition = textSlots - 7
  package static let pathTraitsPosition = textSlots - 6
  package static let devicePosition = textSlots - 5

  /// Of a call that was kept: what was kept of its traces. Of any other one, nothing that means anything.
  @inlinable
  public var keptTraces: KeptTraces {
    @inline(__always) get {
      unsafe KeptTraces(
        question: words[Self.textSlots - 8], path: words[Self.textSlots - 7],
        pathTraits: UInt16(truncatingIfNeeded: words[Self.textSlots - 6]),
        device: UInt32(truncatingIfNeeded: words[Self.textSlots - 5]))
    }
  }
}
