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
/// Days' logarithms vary by their own spread, which is estimated from the days themselves, so neither is chance taken
/// for Poisson's nor are campaigns, outages and holidays of a few days taken for lasting: medians pass them over.
struct VolumeShiftTest {
  static let daysBeforeMin = 7
  static let daysAfterMin = 4
  static let callsOfDayMin = 20
  /// Smaller changes are no matter.
  static let factorMin = 1.5
  /// No traffic varies less from day to day.
  static let spreadMin = 0.08

  /// Full days with the calls of each, ascending; days without calls between them are there as 0.
  let days: [(date: CivilDate, calls: Int)]

  func result() -> VolumeShiftResult {
    let median = Self.median(days.map { Double($0.calls) })
    guard days.count >= Self.daysBeforeMin + Self.daysAfterMin,
      Self.median(days.prefix(Self.daysBeforeMin).map { Double($0.calls) })
        >= Double(Self.callsOfDayMin) || median >= Double(Self.callsOfDayMin)
    else { return .insufficient(days: days.count, callsOfDay: Int(median)) }
    let splits = Self.daysBeforeMin...(days.count - Self.daysAfterMin)
    var best: VolumeShift?
    for split in splits {
      guard let found = shift(at: split) else { continue }
      if found.probability < best?.probability ?? .infinity { best = found }
    }
    guard var found = best else { return .none }
    found.probability = min(found.probability * Double(splits.count), 1)
    guard found.probability < 0.01 else { return .none }
    return .found(found)
  }

  private static func median(_ values: [Double]) -> Double {
    guard !values.isEmpty else { return 0 }
    let sorted = values.sorted()
    let half = sorted.count / 2
    return sorted.count % 2 == 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2
  }

  /// From the median of absolute deviations, as a normal distribution's.
  private static func spread(_ values: [Double]) -> Double {
    let middle = median(values)
    return 1.4826 * median(values.map { ($0 - middle).magnitude })
  }

  private func logarithm(_ index: Int) -> Double { log(Double(days[index].calls) + 0.5) }

  /// What a day should be by those before: the median of its weekday, else of all.
  private func baseline(_ index: Int, before split: Int) -> (value: Double, isWeekday: Bool) {
    let weekday = days[index].date.daysSinceEpoch
    let like = (0..<split).filter {
      $0 != index && (days[$0].date.daysSinceEpoch - weekday).isMultiple(of: 7)
    }
    if like.isEmpty {
      return (Self.median((0..<split).filter { $0 != index }.map(logarithm)), false)
    }
    return (Self.median(like.map(logarithm)), true)
  }

  private func shift(at split: Int) -> VolumeShift? {
    let after = (split..<days.count).map { logarithm($0) - baseline($0, before: split).value }
    let change = Self.median(after)
    guard change.magnitude >= log(Self.factorMin) else { return nil }
    // Most of the days, and the last ones too: what has passed is no lasting change.
    let same = after.count { $0 * change > 0 && $0.magnitude >= log(Self.factorMin) / 2 }
    guard same * 5 >= after.count * 4, after.suffix(2).allSatisfy({ $0 * change > 0 }) else {
      return nil
    }
    var residuals = after.map { $0 - change }
    for index in 0..<split {
      let (value, isWeekday) = baseline(index, before: split)
      // Two like days differ by both their deviations.
      if isWeekday { residuals.append((logarithm(index) - value) / 2.0.squareRoot()) }
    }
    let spread = max(
      Self.spread(residuals), Self.spread(after), Self.spreadMin,
      1 / Double(max(days[split...].map(\.calls).min() ?? 1, 1)).squareRoot() / 2)
    let weeks = max(1, split / 7)
    // Of a median, whose variance is π/2 times that of a mean; days before are fewer than days where weeks are few.
    let error =
      spread
      * (Double.pi / 2 * (1 / Double(after.count) + 1 / Double(min(split, 7 * weeks))))
      .squareRoot()
    guard isStep(at: split, change) else { return nil }
    let freedom = Double(min(after.count + split - 8, residuals.count - 2))
    guard freedom >= 2 else { return nil }
    let probability = 2 * Student.tail(change.magnitude / error, freedom: freedom)
    let margin = Student.quantile(0.995, freedom: freedom) * error
    return VolumeShift(
      from: days[split].date, daysBefore: split, daysAfter: after.count, factor: exp(change),
      factorLow: exp(change - margin), factorHigh: exp(change + margin),
      callsBefore: Int(Self.median(days[..<split].map { Double($0.calls) })),
      callsAfter: Int(Self.median(days[split...].map { Double($0.calls) })), spread: spread,
      probability: probability)
  }

  /// Whether a change at once tells the days better than a slow one.
  private func isStep(at split: Int, _ change: Double) -> Bool {
    let values = days.indices.map(logarithm)
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
    return step < 0.85 * trend
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
