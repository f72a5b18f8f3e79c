/// An exact decimal number, for yuan and rates: `digits` × 10^−`scale`.
///
/// A price of "0.35" stays 35 × 10⁻²; nothing is ever rounded but by `rounded(toScale:)`.
public struct Money: Sendable, Hashable, Comparable, CustomStringConvertible {
  public var digits: Int128
  /// Digits after the point, 0 to 18; the smallest that holds the value.
  public var scale: Int

  public static let zero = Money(digits: 0, scale: 0)

  public init(digits: Int128, scale: Int) {
    var digits = digits
    var scale = scale
    while scale > 0 && digits % 10 == 0 {
      digits /= 10
      scale -= 1
    }
    self.digits = digits
    self.scale = scale
  }

  public init(_ integer: Int) { self.init(digits: Int128(integer), scale: 0) }

  /// Reads `0.35`, `-12`, `50000.00`: at most 18 digits before and 18 after the point.
  public init?(text: String) {
    var digits: Int128 = 0
    var scale = 0
    var seenPoint = false
    var digitCount = 0
    var bytes = Substring(text).utf8
    let negative = bytes.first == 0x2D
    if negative { bytes = bytes.dropFirst() }
    for byte in bytes {
      if byte == 0x2E {
        guard !seenPoint, digitCount > 0 else { return nil }
        seenPoint = true
        continue
      }
      guard byte >= 0x30, byte <= 0x39 else { return nil }
      digitCount += 1
      digits = digits * 10 + Int128(byte - 0x30)
      if seenPoint { scale += 1 }
      guard digitCount - scale <= 18, scale <= 18 else { return nil }
    }
    guard digitCount > 0, !seenPoint || scale > 0 else { return nil }
    self.init(digits: negative ? -digits : digits, scale: scale)
  }

  static func power(_ exponent: Int) -> Int128 {
    var value: Int128 = 1
    for _ in 0..<exponent { value *= 10 }
    return value
  }

  /// Both numbers over the same scale.
  private static func aligned(_ left: Money, _ right: Money) -> (Int128, Int128, Int) {
    let scale = max(left.scale, right.scale)
    return (
      left.digits * power(scale - left.scale), right.digits * power(scale - right.scale), scale
    )
  }

  public static func < (left: Money, right: Money) -> Bool {
    let (first, second, _) = aligned(left, right)
    return first < second
  }

  public static func + (left: Money, right: Money) -> Money {
    let (first, second, scale) = aligned(left, right)
    return Money(digits: first + second, scale: scale)
  }

  public static func - (left: Money, right: Money) -> Money {
    let (first, second, scale) = aligned(left, right)
    return Money(digits: first - second, scale: scale)
  }

  public static func * (left: Money, right: Int) -> Money {
    Money(digits: left.digits * Int128(right), scale: left.scale)
  }

  /// Rounded half away from zero, as invoices are.
  public func rounded(toScale places: Int) -> Money {
    guard scale > places else { return self }
    let divisor = Self.power(scale - places)
    let half = divisor / 2
    let rounded = digits >= 0 ? (digits + half) / divisor : (digits - half) / divisor
    return Money(digits: rounded, scale: places)
  }

  /// With exactly `places` digits after the point: `12.30`; rounded where there are more.
  public func text(places: Int) -> String {
    let value = rounded(toScale: places)
    let shifted = value.digits * Self.power(places - value.scale)
    var digits = String(shifted.magnitude)
    if digits.utf8.count <= places {
      digits = String(repeating: "0", count: places + 1 - digits.utf8.count) + digits
    }
    let sign = shifted < 0 ? "-" : ""
    guard places > 0 else { return sign + digits }
    return sign + digits.dropLast(places) + "." + digits.suffix(places)
  }

  public var description: String { text(places: scale) }
}
