internal import Glibc

/// xoshiro256++ (Blackman and Vigna): the same numbers from the same seed on every machine.
struct Random {
  private var state0: UInt64
  private var state1: UInt64
  private var state2: UInt64
  private var state3: UInt64

  /// - Parameter stream: seeds of different streams give unrelated numbers.
  init(seed: UInt64, stream: UInt64) {
    let base = Self.mix(seed) ^ Self.mix(stream &+ 0x5851_F42D_4C95_7F2D)
    state0 = Self.mix(base &+ 1)
    state1 = Self.mix(base &+ 2)
    state2 = Self.mix(base &+ 3)
    state3 = Self.mix(base &+ 4) | 1
  }

  /// The finaliser of SplitMix64: one number of the same size, well stirred, without collisions.
  @inline(__always)
  static func mix(_ number: UInt64) -> UInt64 {
    var z = number &+ 0x9E37_79B9_7F4A_7C15
    z = (z ^ (z &>> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z &>> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z &>> 31)
  }

  @inline(__always)
  mutating func next() -> UInt64 {
    let sum = state0 &+ state3
    let result = ((sum &<< 23) | (sum &>> 41)) &+ state0
    let shifted = state1 &<< 17
    state2 ^= state0
    state3 ^= state1
    state1 ^= state2
    state0 ^= state3
    state2 ^= shifted
    state3 = (state3 &<< 45) | (state3 &>> 19)
    return result
  }

  /// Another stream, unrelated to what is drawn from this one.
  mutating func split() -> Random { Random(seed: next(), stream: 5) }

  /// A number from 0 to `bound` − 1; `bound` is at least 1 and below 2³².
  @inline(__always)
  mutating func below(_ bound: Int) -> Int {
    Int(truncatingIfNeeded: ((next() &>> 32) &* UInt64(truncatingIfNeeded: bound)) &>> 32)
  }

  /// A number in 0..<1.
  mutating func unit() -> Double { Double(next() >> 11) * 0x1p-53 }

  @inline(__always)
  mutating func happens(_ chance: Chance) -> Bool { next() < chance.threshold }

  /// A standard normal deviate (Box and Muller).
  mutating func normal() -> Double {
    let radius = (-2 * log(1 - unit())).squareRoot()
    return radius * cos(2 * Double.pi * unit())
  }
}

/// A probability, ready to be compared with a random 64-bit number.
struct Chance {
  let threshold: UInt64

  init(_ probability: Double) {
    threshold = probability >= 1 ? .max : UInt64(max(0, probability) * 0x1p64)
  }
}

/// Draws an index with given weights in constant time (Walker's alias method).
struct AliasTable {
  private struct Slot {
    var threshold: UInt32
    var alias: Int32
  }
  private var slots: [Slot]

  /// - Parameter weights: at least one, none negative, their sum above 0.
  init(weights: [Double]) {
    precondition(!weights.isEmpty)
    let total = weights.reduce(0, +)
    precondition(total > 0)
    let scale = Double(weights.count) / total
    slots = weights.indices.map { Slot(threshold: .max, alias: Int32($0)) }
    var scaled = weights.map { $0 * scale }
    var small = scaled.indices.filter { scaled[$0] < 1 }
    var large = scaled.indices.filter { scaled[$0] >= 1 }
    while let less = small.last, let more = large.last {
      small.removeLast()
      slots[less] = Slot(threshold: UInt32(scaled[less] * 4_294_967_295), alias: Int32(more))
      scaled[more] -= 1 - scaled[less]
      if scaled[more] < 1 {
        large.removeLast()
        small.append(more)
      }
    }
  }

  @inline(__always)
  func draw(_ random: inout Random) -> Int {
    let number = random.next()
    let slot = Int(truncatingIfNeeded: ((number &>> 32) &* UInt64(slots.count)) &>> 32)
    let entry = slots[slot]
    return UInt32(truncatingIfNeeded: number) <= entry.threshold ? slot : Int(entry.alias)
  }

  /// Popularity falling as rank^−exponent.
  static func zipf(count: Int, exponent: Double) -> AliasTable {
    AliasTable(weights: (1...count).map { pow(Double($0), -exponent) })
  }
}

/// A log-normal distribution as a table of draws: a look-up where a logarithm would be slow.
struct LogNormalTable {
  private static let drawCount = 8_192
  private var draws: [Int32]

  /// - Parameters:
  ///   - mean: of the whole distribution, in whatever unit is drawn.
  ///   - sigma: of the logarithm.
  ///   - minimum: smaller draws become this.
  init(mean: Double, sigma: Double, minimum: Int32, random: inout Random) {
    let mu = log(mean) - sigma * sigma / 2
    draws = []
    draws.reserveCapacity(Self.drawCount)
    for _ in 0..<Self.drawCount {
      let value = exp(mu + sigma * random.normal())
      draws.append(max(minimum, Int32(min(value, 1e9).rounded())))
    }
  }

  @inline(__always)
  func draw(_ random: inout Random) -> Int { Int(draws[random.below(Self.drawCount)]) }

  var mean: Double { draws.reduce(0.0) { $0 + Double($1) } / Double(draws.count) }
}
