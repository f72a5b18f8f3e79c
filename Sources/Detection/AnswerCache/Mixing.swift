/// Numbers that look like chance and are the same on every machine (SplitMix64: Steele, Lea, Flood
/// 2014).
enum Mixing {
  /// One to one, and every bit depends on every bit.
  @inline(__always)
  static func mixed(_ number: UInt64) -> UInt64 {
    var mixed = number &+ 0x9E37_79B9_7F4A_7C15
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }
}

/// A sequence of such numbers from a seed.
struct MixedNumbers {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  @inline(__always)
  mutating func next() -> UInt64 {
    let number = Mixing.mixed(state)
    state &+= 0x9E37_79B9_7F4A_7C15
    return number
  }

  /// A number from 0 to below a bound that is below 2³² (Lemire 2019, without the rejection: what
  /// that makes uneven is less than one part in 2³²).
  @inline(__always)
  mutating func next(below bound: Int) -> Int {
    Int(truncatingIfNeeded: ((next() >> 32) &* UInt64(truncatingIfNeeded: bound)) >> 32)
  }
}
