/// Who the users are: everything about a user follows from its number, so that a million users
/// take no memory.
struct Population {
  enum Shape { case hexadecimal, number, chinese, mail }

  static let chineseNames = [
    "王芳", "李伟", "张敏", "刘洋", "陈静", "杨磊", "赵丽", "黄强", "周娜", "吴军", "徐婷", "孙浩",
    "马超", "朱琳", "胡杰", "郭雪", "林峰", "何颖", "高翔", "罗丹",
  ]
  static let mailNames = ["li.wei", "zhang.min", "chen.jing", "liu.yang", "zhao.li", "sun.hao"]
  private static let sharedAddressCount: UInt64 = 24

  private let salt: UInt64
  private let otherShapes: UInt64
  private let sharedAddresses: UInt64

  init(_ options: SimulationOptions) {
    salt = Random.mix(options.seed ^ 0xA11C_E5ED)
    otherShapes = UInt64(options.otherUserShapes * 1_000)
    sharedAddresses = UInt64(options.sharedAddresses * 1_000)
  }

  @inline(__always)
  func hash(_ user: Int32) -> UInt64 { Random.mix(salt ^ UInt64(UInt32(bitPattern: user))) }

  @inline(__always)
  func shape(hash: UInt64) -> Shape {
    guard hash % 1_000 < otherShapes else { return .hexadecimal }
    switch (hash / 1_000) % 16 {
    case 0..<8: return .number
    case 8..<13: return .chinese
    default: return .mail
    }
  }

  /// The 32 bits of `u-0012ab34`: no two users have the same, since an odd factor is invertible.
  @inline(__always)
  func hexadecimalID(_ user: Int32) -> UInt32 {
    (UInt32(bitPattern: user) &* 0x9E37_79B1) ^ UInt32(truncatingIfNeeded: salt)
  }

  func numericID(_ user: Int32) -> Int { 10_000_000 + Int(user) }
  func nameIndex(hash: UInt64, of count: Int) -> Int { Int((hash >> 20) % UInt64(count)) }

  /// The user as a reader of the log sees it.
  func text(_ user: Int32) -> String {
    let hash = hash(user)
    switch shape(hash: hash) {
    case .hexadecimal:
      let digits = String(hexadecimalID(user), radix: 16)
      return "u-" + String(repeating: "0", count: 8 - digits.count) + digits
    case .number: return String(numericID(user))
    case .chinese:
      return Self.chineseNames[nameIndex(hash: hash, of: Self.chineseNames.count)] + "-\(user)"
    case .mail:
      return Self.mailNames[nameIndex(hash: hash, of: Self.mailNames.count)]
        + "+\(user)@shop.example"
    }
  }

  /// A user's address: one of a few common ones, one of its own, or an IPv6 one.
  @inline(__always)
  func address(hash: UInt64) -> Address {
    let draw = (hash >> 32) % 1_000
    if draw < sharedAddresses {
      return .version4(203, 0, 113, Int(1 + (hash >> 50) % Self.sharedAddressCount))
    }
    if draw % 25 == 0 { return .version6(hash) }
    return .version4(
      198, Int(18 + (hash >> 44) & 1), Int((hash >> 48) & 0xFF), Int(hash >> 56))
  }

  /// The address as a reader of the log sees it.
  func addressText(_ person: Int32) -> String {
    switch address(hash: hash(person)) {
    case .version4(let first, let second, let third, let fourth):
      return "\(first).\(second).\(third).\(fourth)"
    case .version6(let hash):
      func group(_ number: UInt64) -> String { String((number | 0x1000) & 0xFFFF, radix: 16) }
      return "2001:db8:\(group(hash >> 48))::\(group(hash >> 16))"
    }
  }

  /// The next person's number who has an address of its own.
  ///
  /// - Parameter number: the first that may be taken; the one after that is found is left in it.
  func ownAddress(from number: inout Int32) -> Int32 {
    while (hash(number) >> 32) % 1_000 < sharedAddresses { number += 1 }
    number += 1
    return number - 1
  }

  enum Address {
    case version4(Int, Int, Int, Int)
    case version6(UInt64)
  }
}
