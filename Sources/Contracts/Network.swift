/// A block of IP addresses in CIDR notation, IPv4 or IPv6.
public struct Network: Sendable, Hashable {
  /// The text as written: `10.0.0.0/8`.
  public let text: String
  let address: UInt128
  let mask: UInt128

  /// Reads `10.0.0.0/8`, `2001:db8::/32` or a single address.
  public init?(text: String) {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count <= 2, let address = IPAddress(text: String(parts[0])) else { return nil }
    let bits = address.isVersion4 ? 32 : 128
    var length = bits
    if parts.count == 2 {
      guard let given = Int(parts[1]), (0...bits).contains(given), !parts[1].hasPrefix("+") else {
        return nil
      }
      length = given
    }
    let significant = 128 - bits + length
    mask = significant == 0 ? 0 : UInt128.max << UInt128(128 - significant)
    guard address.value & mask == address.value else { return nil }
    self.address = address.value
    self.text = text
  }

  public func contains(_ candidate: IPAddress) -> Bool { candidate.value & mask == address }
}

/// An IP address; IPv4 is kept as IPv4-mapped IPv6 (RFC 4291, 2.5.5.2), so that `::ffff:10.0.0.1`
/// is `10.0.0.1`.
public struct IPAddress: Sendable, Hashable {
  public let value: UInt128
  public var isVersion4: Bool { value >> 32 == 0xFFFF }

  public init?(text: String) {
    if let version4 = Self.version4(Substring(text)) {
      value = 0xFFFF_0000_0000 | UInt128(version4)
      return
    }
    guard text.contains(":") else { return nil }
    // At most one `::`, which stands for as many zero groups as are missing.
    let halves = text.split(separator: "::", omittingEmptySubsequences: false)
    guard text.ranges(of: "::").count <= 1, !text.contains(":::") else { return nil }
    guard let head = Self.groups(halves[0]) else { return nil }
    var groups = head
    if halves.count == 2 {
      guard let tail = Self.groups(halves[1]), head.count + tail.count <= 7 else { return nil }
      groups += Array(repeating: 0, count: 8 - head.count - tail.count) + tail
    }
    guard groups.count == 8 else { return nil }
    value = groups.reduce(UInt128(0)) { $0 << 16 | UInt128($1) }
  }

  private static func groups(_ text: Substring) -> [UInt16]? {
    if text.isEmpty { return [] }
    var groups: [UInt16] = []
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    for (position, part) in parts.enumerated() {
      if position == parts.count - 1, let address = version4(part) {
        groups += [UInt16(address >> 16), UInt16(address & 0xFFFF)]
      } else {
        guard (1...4).contains(part.utf8.count), part.utf8.allSatisfy({ $0 != 0x2B && $0 != 0x2D }),
          let group = UInt16(part, radix: 16)
        else { return nil }
        groups.append(group)
      }
    }
    return groups
  }

  private static func version4(_ text: Substring) -> UInt32? {
    let parts = text.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count == 4 else { return nil }
    var value: UInt32 = 0
    for part in parts {
      guard (1...3).contains(part.utf8.count), part.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }),
        let byte = UInt8(part)
      else { return nil }
      value = value << 8 | UInt32(byte)
    }
    return value
  }
}
