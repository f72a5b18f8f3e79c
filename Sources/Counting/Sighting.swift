public import Shuffling

/// A call as those see it who look for misuse: 64 bytes, and the rest of a long user in its chunk.
///
/// What is compared is kept as a hash, 0 where the record has nothing: questions and answers are never kept as
/// they are, and addresses and devices need only be told apart.
public struct Sighting: ChunkRecord {
  /// Microseconds since 1970.
  package var time: Int64
  /// The number of its ``Source``.
  package var source: UInt64
  /// Of a refusal, that of its path.
  package var question: UInt64
  package var user: PackedText
  package var request: UInt32
  package var client: UInt32
  package var device: UInt32
  /// The attribution's number, 23 bits, above eight flags; ``noAttribution`` for records of no contract.
  @usableFromInline package var tag: UInt32
  package var conversation: UInt16
  /// Milliseconds, at most 65,535.
  package var latency: UInt16
  /// At most 65,535.
  package var items: UInt16
  /// The status, and from bit 10 on what stands out in a path; see ``PathTraits``.
  @usableFromInline package var result: UInt16

  @inlinable package static var successFlag: UInt32 { 1 }
  @inlinable package static var refusalFlag: UInt32 { 2 }
  @inlinable package static var userKindShift: UInt32 { 2 }
  @inlinable package static var noAttribution: UInt32 { 0x7F_FFFF }

  @inlinable @inline(__always) package var status: Int { Int(result & 0x3FF) }
  package var path: PathTraits { PathTraits(rawValue: result >> 10) }
  @inlinable @inline(__always) package var isSuccess: Bool { tag & Self.successFlag != 0 }
  @inlinable @inline(__always) package var isRefusal: Bool { tag & Self.refusalFlag != 0 }
  /// `nil` for records of no contract.
  @inlinable @inline(__always) package var attribution: Int? {
    let number = tag >> 8
    return number == Self.noAttribution ? nil : Int(number)
  }

  /// By what sightings are brought together: licensee and user; of a refusal, the licensee alone.
  ///
  /// - Parameter seed: of the licensee.
  @inline(__always)
  package func group(seed: UInt64, in chunk: Chunk) -> UInt64 {
    isRefusal ? Self.refusalGroup(seed: seed) : user(in: chunk).hash(seed: seed)
  }

  static func refusalGroup(seed: UInt64) -> UInt64 {
    ChunkText.mix(seed ^ 0x8EBC_6AF0_9C88_C6E3, 0xD6E8_FEB8_6659_FD93)
  }

  /// The seed of a licensee that has a number; of records of no contract, that of all.
  package static func seed(ofLicensee number: Int32?) -> UInt64 {
    ChunkText.mix(UInt64(truncatingIfNeeded: number ?? -2) &+ 1, 0xA076_1D64_78BD_642F)
  }

  /// Of its user's text, which kind it is.
  @inlinable @inline(__always) package var userKind: UInt32 { tag >> Self.userKindShift & 3 }

  /// The user; of a refusal of no contract, the licensee as the record names it.
  package func user(in chunk: Chunk) -> ChunkText {
    ChunkText(
      user,
      kind: PackedText.Kind(rawValue: UInt8(truncatingIfNeeded: tag >> Self.userKindShift) & 3)
        ?? .text,
      chunk: chunk)
  }

  public func externalBytes(in chunk: Chunk) -> Int { user(in: chunk).externalBytes }

  public mutating func moveTexts(from source: Chunk, to target: Chunk, at offset: Int) {
    var offset = offset
    user = user(in: source).moved(to: target, at: &offset)
  }
}

/// What of a path no client of the bot would send.
public struct PathTraits: OptionSet, Sendable, Hashable {
  public var rawValue: UInt16

  public init(rawValue: UInt16) { self.rawValue = rawValue }

  /// `..` between slashes, plain or encoded.
  public static let traversal = PathTraits(rawValue: 1)
  /// A quotation mark, a comment or a key word of SQL where a value belongs.
  public static let query = PathTraits(rawValue: 2)
  /// Markup or a look-up such as `${jndi:`.
  public static let code = PathTraits(rawValue: 4)
  /// A file or tool that scanners ask for: `.env`, `.git/`, `wp-login.php`.
  public static let scanner = PathTraits(rawValue: 8)

  public static let all: [PathTraits] = [.traversal, .query, .code, .scanner]

  /// What stands out in a path and query as the log has them.
  public init(ofPath text: some Sequence<UInt8>) {
    var traits = PathTraits()
    let decoded = Self.decoded(text)
    func has(_ pattern: String) -> Bool { decoded.contains(Array(pattern.utf8)) }
    if has("../") || has("..\\") { traits.insert(.traversal) }
    if ["' or ", "\" or ", "union select", "';", "' --", "'--", "sleep(", "1=1"].contains(
      where: has)
    {
      traits.insert(.query)
    }
    if ["<script", "${", "<?php", "javascript:", "{{", "<!entity"].contains(where: has) {
      traits.insert(.code)
    }
    let tools = [
      "/.env", "/.git", "/wp-", "/phpmyadmin", "/etc/passwd", "/cgi-bin", "/.aws", "/actuator",
      "/.ssh", "/server-status", "/web-inf",
    ]
    if tools.contains(where: has) { traits.insert(.scanner) }
    self = traits
  }

  /// In lower case, with what is percent-encoded decoded, twice, and `+` as a space.
  private static func decoded(_ text: some Sequence<UInt8>) -> [UInt8] {
    var bytes = Array(text)
    for _ in 0..<2 where bytes.contains(0x25) {
      var output: [UInt8] = []
      var index = 0
      while index < bytes.count {
        if bytes[index] == 0x25, index + 2 < bytes.count,
          let high = hexadecimal(bytes[index + 1]), let low = hexadecimal(bytes[index + 2])
        {
          output.append(high << 4 | low)
          index += 3
        } else {
          output.append(bytes[index])
          index += 1
        }
      }
      bytes = output
    }
    return bytes.map { byte in
      byte == 0x2B ? 0x20 : byte >= 0x41 && byte <= 0x5A ? byte | 0x20 : byte
    }
  }

  private static func hexadecimal(_ byte: UInt8) -> UInt8? {
    switch byte {
    case 0x30...0x39: byte - 0x30
    case 0x41...0x46: byte - 0x37
    case 0x61...0x66: byte - 0x57
    default: nil
    }
  }
}

extension Array where Element == UInt8 {
  fileprivate func contains(_ pattern: [UInt8]) -> Bool {
    guard let first = pattern.first, count >= pattern.count else { return false }
    for start in 0...(count - pattern.count)
    where self[start] == first
      && pattern.indices.allSatisfy({ self[start + $0] == pattern[$0] })
    {
      return true
    }
    return false
  }
}
