/// Lifetimes that are tried: 32 in each octave, evenly spaced within it.
///
/// A gap's bin is read off the exponent and the first five bits of the fraction of its length over
/// the shortest lifetime, so that it costs no logarithm.
struct GapGrid: Sendable {
  /// In microseconds.
  let shortest: Double
  /// Bins, of which the first is for what is below the shortest lifetime.
  let count: Int

  private static let bitsOfOctave: UInt64 = 5
  private static let binsOfOctave = 1 << Int(bitsOfOctave)

  init(shortest: Int64, longest: Int64) {
    self.shortest = Double(max(1, shortest))
    count = Self.place(Double(max(longest, shortest)) / self.shortest) + 2
  }

  /// - Returns: `count` or more for a gap beyond the longest lifetime.
  @inline(__always)
  func bin(_ gap: Int64) -> Int {
    let ratio = Double(gap) / shortest
    return ratio < 1 ? 0 : Self.place(ratio) + 1
  }

  @inline(__always)
  private static func place(_ ratio: Double) -> Int {
    Int(truncatingIfNeeded: ratio.bitPattern >> (52 - bitsOfOctave)) - 1_023 * binsOfOctave
  }

  /// Where a bin ends, in microseconds.
  func end(_ bin: Int) -> Double {
    let octave = bin / Self.binsOfOctave
    let part = Double(bin % Self.binsOfOctave) / Double(Self.binsOfOctave)
    return shortest * Double(sign: .plus, exponent: octave, significand: 1 + part)
  }

  func start(_ bin: Int) -> Double { bin == 0 ? 0 : end(bin - 1) }
}

/// How many gaps chance gives below a length, from the means of the bins.
struct GapExpectation: Sendable {
  let grid: GapGrid
  /// For each bin the gaps below its end.
  let cumulative: [Double]

  func below(_ gap: Double) -> Double {
    let bin = min(max(0, grid.bin(Int64(gap))), grid.count - 1)
    let before = bin == 0 ? 0 : cumulative[bin - 1]
    let start = grid.start(bin)
    let part = min(1, max(0, (gap - start) / (grid.end(bin) - start)))
    return before + part * (cumulative[bin] - before)
  }

  /// The length below which so many gaps are expected.
  func length(expecting count: Double) -> Double {
    var low = 0
    var high = grid.count - 1
    while low < high {
      let middle = (low + high) / 2
      if cumulative[middle] < count { low = middle + 1 } else { high = middle }
    }
    let before = low == 0 ? 0 : cumulative[low - 1]
    let inside = cumulative[low] - before
    let part = inside > 0 ? min(1, max(0, (count - before) / inside)) : 0
    return grid.start(low) + part * (grid.end(low) - grid.start(low))
  }
}
