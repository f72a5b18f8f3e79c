internal import Crypto
internal import Foundation

/// A digest by which content is told: SHA-256 (32 bytes) of files and of what the ledger seals; of a
/// log's text, whatever the caller takes, in 16 or 32 bytes.
public struct ContentHash: Sendable, Hashable {
  public var bytes: [UInt8]

  public init(bytes: [UInt8]) { self.bytes = bytes }

  /// The SHA-256 of some bytes.
  public static func sha256(_ bytes: [UInt8]) -> ContentHash {
    ContentHash(bytes: Array(SHA256.hash(data: bytes)))
  }

  /// 32 zero bytes: what stands before the first entry of a chain.
  public static let zero = ContentHash(bytes: [UInt8](repeating: 0, count: 32))

  /// In hexadecimal digits, lower case.
  public var hexadecimal: String {
    let text = [UInt8](capacity: bytes.count * 2) { digits in
      for byte in bytes {
        digits.append(Self.digit(byte >> 4))
        digits.append(Self.digit(byte & 15))
      }
    }
    return String(decoding: text, as: UTF8.self)
  }

  /// Reads hexadecimal digits in lower case, two a byte; `nil` for anything else, and for none.
  public init?(hexadecimal text: String) {
    let digits = Array(text.utf8)
    guard !digits.isEmpty, digits.count.isMultiple(of: 2) else { return nil }
    bytes = []
    bytes.reserveCapacity(digits.count / 2)
    for index in stride(from: 0, to: digits.count, by: 2) {
      guard let high = Self.value(ofDigit: digits[index]),
        let low = Self.value(ofDigit: digits[index + 1])
      else { return nil }
      bytes.append(high << 4 | low)
    }
  }

  private static func digit(_ value: UInt8) -> UInt8 {
    value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + (value - 10)
  }

  private static func value(ofDigit digit: UInt8) -> UInt8? {
    switch digit {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
    default: nil
    }
  }

  init(_ data: Data) { bytes = Array(data) }

  var data: Data { Data(bytes) }
}

/// A SHA-256 of content that comes in pieces.
struct ContentHasher {
  private var hash = SHA256()

  mutating func update(_ bytes: [UInt8]) { hash.update(data: bytes) }

  mutating func update(_ text: String) { hash.update(data: Array(text.utf8)) }

  /// A text with its length before it, so that no two sequences of texts are the same bytes.
  mutating func updateCounted(_ text: String) {
    let bytes = Array(text.utf8)
    update("\(bytes.count):")
    update(bytes)
    update("\n")
  }

  func finish() -> ContentHash { ContentHash(bytes: Array(hash.finalize())) }
}
