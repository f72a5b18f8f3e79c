public import CivilTime

/// The seconds in which anything was called, whoever called and whatever came of it.
public struct CallTimes: Sendable {
  private static let secondsOfBlock: Int64 = 4_096

  /// By blocks of 4,096 seconds since 1970, a bit for each.
  private var blocks: [Int64: [UInt64]] = [:]
  /// The block at hand.
  private var last: (number: Int64, bits: [UInt64])?

  public init() {}

  public mutating func add(_ time: Instant) {
    let second = time.secondsRoundedDown
    let number = second >> 12
    let place = Int(second & (Self.secondsOfBlock - 1))
    if last?.number != number {
      flush()
      last = (number, blocks[number] ?? [UInt64](repeating: 0, count: 64))
    }
    last?.bits[place >> 6] |= 1 << UInt64(place & 63)
  }

  private mutating func flush() {
    if let last { blocks[last.number] = last.bits }
    last = nil
  }

  /// Both together; after ``finish()``.
  func merged(_ other: CallTimes) -> CallTimes {
    var merged = self
    for (number, bits) in other.blocks {
      guard var own = merged.blocks[number] else {
        merged.blocks[number] = bits
        continue
      }
      for index in own.indices { own[index] |= bits[index] }
      merged.blocks[number] = own
    }
    return merged
  }

  /// Ends the adding.
  public mutating func finish() { flush() }

  /// All seconds since 1970 in order; after ``finish()``.
  public var seconds: [Int64] {
    blocks.sorted { $0.key < $1.key }.flatMap { number, bits in
      bits.enumerated().flatMap { index, word -> [Int64] in
        var seconds: [Int64] = []
        var rest = word
        while rest != 0 {
          seconds.append(number << 12 + Int64(index << 6 + rest.trailingZeroBitCount))
          rest &= rest - 1
        }
        return seconds
      }
    }
  }
}
