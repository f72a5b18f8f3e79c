/// A size in bytes, as options and pipeline files state it.
public struct ByteCount: Sendable, Hashable {
  public var bytes: Int

  public init(bytes: Int) { self.bytes = bytes }

  /// Reads `65536`, `512M`, `1G`, `64KiB`, `1.5G`: a number and, in either case, `K`, `M`, `G` or
  /// `T`, each with or without `iB` or `B`, all of them powers of 1,024.
  ///
  /// - Returns: `nil` where the text is anything else, zero, no whole number of bytes, or beyond
  ///   64 bits.
  public init?(text: String) {
    let number = text.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
    let shift: Int
    switch text.dropFirst(number.count).lowercased() {
    case "", "b": shift = 0
    case "k", "kb", "kib": shift = 10
    case "m", "mb", "mib": shift = 20
    case "g", "gb", "gib": shift = 30
    case "t", "tb", "tib": shift = 40
    default: return nil
    }
    guard let value = Money(text: String(number)) else { return nil }
    let (product, overflow) = value.digits.multipliedReportingOverflow(by: 1 << Int128(shift))
    let divisor = Money.power(value.scale)
    guard !overflow, product % divisor == 0, product > 0,
      let bytes = Int(exactly: product / divisor)
    else { return nil }
    self.bytes = bytes
  }
}
