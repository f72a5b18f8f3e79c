internal import Crypto
internal import Foundation

/// Users as they appear in everything that leaves, under `privacy: {user: hmac}`: `u-` and the
/// first 16 bytes of HMAC-SHA256 (RFC 2104, FIPS 180-4) of the user's bytes, as hexadecimal.
///
/// Equal users get equal names under one key; without the key a name cannot be traced back.
public struct UserPseudonym: Sendable {
  static let keptBytes = 16
  /// Length of every pseudonym.
  public static let textBytes = 2 + 2 * keptBytes

  private let key: SymmetricKey

  public init(key: PrivacyKey) { self.key = SymmetricKey(data: key.bytes) }

  /// Appends the pseudonym of a user, ``textBytes`` ASCII bytes.
  public func append(_ user: Span<UInt8>, to bytes: inout [UInt8]) {
    var authentication = HMAC<SHA256>(key: key)
    unsafe user.withUnsafeBytes { unsafe authentication.update(data: $0) }
    bytes.append(0x75)
    bytes.append(0x2D)
    for byte in authentication.finalize().prefix(Self.keptBytes) {
      bytes.append(Self.digit(byte >> 4))
      bytes.append(Self.digit(byte & 0xF))
    }
  }

  /// The pseudonym of a user.
  public func text(_ user: String) -> String {
    var bytes: [UInt8] = []
    append(user.utf8.span, to: &bytes)
    return String(decoding: bytes, as: UTF8.self)
  }

  /// Whether a text could be a pseudonym, of whatever key.
  public static func isPseudonym(_ text: String) -> Bool {
    let bytes = Array(text.utf8)
    return bytes.count == textBytes && bytes.starts(with: [0x75, 0x2D])
      && bytes.dropFirst(2).allSatisfy {
        (0x30...0x39).contains($0) || (0x61...0x66).contains($0)
      }
  }

  /// What tells the key from others, and nothing else of it.
  public var fingerprint: String { text("fingerprint of the key\0") }

  private static func digit(_ value: UInt8) -> UInt8 { value < 10 ? 0x30 + value : 0x57 + value }
}
