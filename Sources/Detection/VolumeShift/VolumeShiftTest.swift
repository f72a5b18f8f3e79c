internal import CivilTime
internal import Glibc

/// Traffic that is another from a day on, for good.
struct VolumeShift {
  /// The first day of the other traffic.
  var from: CivilDate
  /// Full days before and from then on.
  var daysBefore: Int
  var daysAfter: Int
  /// What a day from then on has, as a multiple of a like day before.
  var factor: Double
  /// The factor lies from here to there, with 99 %.
  var factorLow: Double
  var factorHigh: Double
  /// Calls of half of the days before, and from then on.
  var callsBefore: Int
  var callsAfter: Int
  /// How much days vary, as a share.
  var spread: Double
  var probability: Double
}

enum VolumeShiftResult {
  /// Too few full days, or too few calls.
  case insufficient(days: Int, callsOfDay: Int)
  case none
  case found(VolumeShift)
}

/// Holds days against like days before: the same weekday where weeks are known.
///
/// Days' logarithms vary by their own spread, which is estimated from the days themselves, before and after a change
/// apart, so neither is chance taken for Poisson's nor are campaigns, outages and holidays of a few days taken for
/// lasting: medians pass them over.
struct VolumeShiftTest {
  static let daysBeforeMin = 7
  static let daysAfterMin = 4
  static let callsOfDayMin = 20
  /// Smaller changes are no matter.
  static let factorMin = 1.5
  /// No traffic varies less from day to day.
  static let spreadMin = 0.08
  /// Days before that tell how much days vary, at least.
  private static let residualsMin = 5

  /// Full days with the calls of each, ascending; days without calls between them are there as 0.
  let days: [(date: CivilDate, calls: Int)]
  private let logarithms: [Double]

  init(days: [(date: CivilDate, calls: Int)]) {
    self.days = days
    logarithms = days.map { log(Double($0.calls) + 0.5) }
  }

  func result() -> VolumeShiftResult {
    let median = Self.median(days.map { Double($0.calls) })
    guard days.count >= Self.daysBeforeMin + Self.daysAfterMin,
      Self.median(days.prefix(Self.daysBeforeMin).map { Double($0.calls) })
        >= Double(Self.callsOfDayMin) || median >= Double(Self.callsOfDayMin)
    else { return .insufficient(days: days.count, callsOfDay: Int(median)) }
    let splits = Self.daysBeforeMin...(days.count - Self.daysAfterMin)
    var best: VolumeShift?
    for split in splits {
      for found in shifts(at: split) where found.probability < best?.probability ?? .infinity {
        best = found
      }
    }
    guard var found = best else { return .none }
    // Two ways to compare at each day.
    found.probability = min(found.probability * Double(2 * splits.count), 1)
    guard found.probability < 0.01 else { return .none }
    return .found(found)
  }

  static func median(_ values: [Double]) -> Double {
    guard !values.isEmpty else { return 0 }
    let sorted = values.sorted()
    let half = sorted.count / 2
    return sorted.count % 2 == 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2
  }

  /// From absolute deviations, as a normal distribution's: their median or what seven in ten do not exceed,
  /// whichever says more, for many days alike with some of another kind are no small spread.
  private static func spread(_ values: [Double]) -> Double {
    guard !values.isEmpty else { return 0 }
    let middle = median(values)
    let deviations = values.map { ($0 - middle).magnitude }.sorted()
    let high = deviations[min(deviations.count - 1, deviations.count * 7 / 10)]
    return max(1.4826 * median(deviations), high / 1.0364)
  }

  /// What days should be by those before a day: each the median of its weekday, or of all.
  private struct Baseline {
    let isWeekly: Bool
    private let logarithms: [Double]
    private let split: Int
    /// Of all days before.
    private let whole: Double

    init(_ logarithms: [Double], before split: Int, isWeekly: Bool) {
      self.logarithms = logarithms
      self.split = split
      self.isWeekly = isWeekly
      whole = VolumeShiftTest.median(Array(logarithms[..<split]))
    }

    /// `nil` where there is no like day but the day itself.
    func value(_ index: Int) -> Double? {
      guard isWeekly else { return whole }
      var like: [Double] = []
      for other in stride(from: index % 7, to: split, by: 7) where other != index {
        like.append(logarithms[other])
      }
      return like.isEmpty ? nil : VolumeShiftTest.median(like)
    }

    /// How much days before differ from it.
    var spread: Double? {
      // Two like days differ by both their deviations.
      let scale = isWeekly ? 2.0.squareRoot() : 1
      let residuals = (0..<split).compactMap { index in
        value(index).map { (logarithms[index] - $0) / scale }
      }
      guard residuals.count >= VolumeShiftTest.residualsMin else { return nil }
      return max(VolumeShiftTest.spread(residuals), VolumeShiftTest.spreadMin)
    }

    /// Days before that it is known from, and what of them is free.
    var days: (count: Int, free: Int) {
      isWeekly ? (max(1, split / 7) * 7, max(split - 7, 1)) : (split, split - 1)
    }
  }

  /// Held against the same weekdays, and against all days alike where weekdays tell no more.
  private func shifts(at split: Int) -> [VolumeShift] {
    let weekly = Baseline(logarithms, before: split, isWeekly: true)
    let spread = weekly.spread
    var found = [shift(weekly, at: split, spread)].compactMap(\.self)
    guard days.count - split >= 7 else { return found }
    let plain = Baseline(logarithms, before: split, isWeekly: false)
    guard let plainSpread = plain.spread, plainSpread <= spread ?? .infinity else { return found }
    if let shift = shift(plain, at: split, plainSpread) { found.append(shift) }
    return found
  }

  private func shift(_ baseline: Baseline, at split: Int, _ before: Double?) -> VolumeShift? {
    let whole = Self.median(Array(logarithms[..<split]))
    let after = (split..<days.count).map { logarithms[$0] - (baseline.value($0) ?? whole) }
    let change = Self.median(after)
    guard change.magnitude >= log(Self.factorMin) else { return nil }
    // Most of the days, and the last ones too: what has passed is no lasting change.
    let same = after.count { $0 * change > 0 && $0.magnitude >= log(Self.factorMin) / 2 }
    guard same * 5 >= after.count * 4, after.suffix(2).allSatisfy({ $0 * change > 0 }) else {
      return nil
    }
    // Days after a fall vary more, having fewer calls; that they vary less is not believed.
    let spread = max(
      Self.spread(after), before ?? Self.spreadMin, Self.spreadMin,
      1 / Double(max(days[split...].map(\.calls).min() ?? 1, 1)).squareRoot() / 2)
    // Of a median, whose variance is π/2 times that of a mean; by Welch's test.
    let first =
      Double.pi / 2 * (before ?? spread) * (before ?? spread) / Double(baseline.days.count)
    let second = Double.pi / 2 * spread * spread / Double(after.count)
    let error = (first + second).squareRoot()
    let freedom =
      (first + second) * (first + second)
      / (first * first / Double(baseline.days.free) + second * second / Double(after.count - 1))
    guard freedom >= 2 else { return nil }
    let probability = 2 * Student.tail(change.magnitude / error, freedom: freedom)
    guard probability < 0.01, isStep(at: split, change) else { return nil }
    let margin = Student.quantile(0.995, freedom: freedom) * error
    return VolumeShift(
      from: days[split].date, daysBefore: split, daysAfter: after.count, factor: exp(change),
      factorLow: exp(change - margin), factorHigh: exp(change + margin),
      callsBefore: Int(Self.median(days[..<split].map { Double($0.calls) })),
      callsAfter: Int(Self.median(days[split...].map { Double($0.calls) })), spread: spread,
      probability: probability)
  }

  /// Whether a change at once tells the days better than a slow one: clearly so; or so, and the days on either side
  /// do not rise or fall as a slow change would have them, or half as much with most of the change between the five
  /// days before and the five after.
  private func isStep(at split: Int, _ change: Double) -> Bool {
    let values = logarithms
    let before = Self.median(Array(values[..<split]))
    let after = Self.median(Array(values[split...]))
    let step = days.indices.reduce(0.0) {
      $0 + (values[$1] - ($1 < split ? before : after)).magnitude
    }
    // The slope between the medians of both halves' thirds, robustly.
    let third = max(days.count / 3, 1)
    let low = Self.median(Array(values[..<third]))
    let high = Self.median(Array(values[(days.count - third)...]))
    let slope = (high - low) / Double(days.count - third)
    let middle = Self.median(days.indices.map { values[$0] - slope * Double($0) })
    let trend = days.indices.reduce(0.0) {
      $0 + (values[$1] - middle - slope * Double($1)).magnitude
    }
    if step < 0.85 * trend { return true }
    guard step < trend else { return false }
    let drift = self.slope(around: split) * Double(days.count) / 2 / change
    let jump =
      (Self.median(Array(values[split...].prefix(5)))
        - Self.median(Array(values[..<split].suffix(5)))) / change
    return drift < 0.35 || (drift < 0.6 && jump >= 0.7)
  }

  /// By how much a day differs from the one before, on either side of a day: the median of the slopes between days
  /// that are half a side apart (Theil 1950).
  private func slope(around split: Int) -> Double {
    var slopes: [Double] = []
    for side in [0..<split, split..<days.count] {
      let half = max(side.count / 2, 1)
      for distance in half..<half + 4 where distance < side.count {
        for start in side.lowerBound..<side.upperBound - distance {
          slopes.append(
            (logarithms[start + distance] - logarithms[start]) / Double(distance))
        }
      }
    }
    return Self.median(slopes)
  }
}

/// Student's distribution.
enum Student {
  /// The probability of a value above `t`.
  static func tail(_ t: Double, freedom: Double) -> Double {
    guard t > 0 else { return 0.5 }
    return beta(freedom / (freedom + t * t), freedom / 2, 0.5) / 2
  }

  /// The value that a share lies below, above a half.
  static func quantile(_ share: Double, freedom: Double) -> Double {
    var (low, high) = (0.0, 1_000.0)
    for _ in 0..<60 {
      let middle = (low + high) / 2
      if tail(middle, freedom: freedom) > 1 - share { low = middle } else { high = middle }
    }
    return (low + high) / 2
  }

  /// The regularised incomplete beta function, by its continued fraction (Lentz 1976).
  static func beta(_ x: Double, _ a: Double, _ b: Double) -> Double {
    if x <= 0 { return 0 }
    if x >= 1 { return 1 }
    if x > (a + 1) / (a + b + 2) { return 1 - beta(1 - x, b, a) }
    let front =
      exp(
        logGamma(a + b) - logGamma(a) - logGamma(b) + a * log(x) + b * log1p(-x)) / a
    var (c, d) = (1.0, 1 - (a + b) * x / (a + 1))
    d = 1 / (d == 0 ? 1e-300 : d)
    var fraction = d
    for step in 1...300 {
      let m = Double(step)
      for term in [
        m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
        -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
      ] {
        d = 1 + term * d
        d = 1 / (d == 0 ? 1e-300 : d)
        c = 1 + term / c
        c = c == 0 ? 1e-300 : c
        fraction *= c * d
      }
      if (c * d - 1).magnitude < 1e-14 { break }
    }
    return min(front * fraction, 1)
  }

  /// By Lanczos's approximation, which depends on no state as the C library's does.
  static func logGamma(_ x: Double) -> Double {
    let coefficients = [
      76.18009172947146, -86.50532032941677, 24.01409824083091, -1.231739572450155,
      0.1208650973866179e-2, -0.5395239384953e-5,
    ]
    var sum = 1.000000000190015
    for (index, coefficient) in coefficients.enumerated() {
      sum += coefficient / (x + Double(index + 1))
    }
    let base = x + 5.5
    return (x + 0.5) * log(base) - base + log(2.5066282746310005 * sum / x)
  }
}
