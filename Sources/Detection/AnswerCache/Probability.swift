internal import Glibc

/// Probabilities of counts.
enum Probability {
  /// The logarithm of the probability that a Poisson variable is at most so large. Exact where the
  /// bound is whole; for a bound between two numbers that of the upper one, which is more.
  static func logPoisson(atMost bound: Double, mean: Double) -> Double {
    guard mean > 0, bound < mean else { return 0 }
    guard bound >= 0 else { return -.infinity }
    let top = bound.rounded(.up)
    // The terms fall from the last one on.
    var sum = 1.0
    var term = 1.0
    var number = top
    while number > 0, term > 1e-18 * sum {
      term *= number / mean
      sum += term
      number -= 1
    }
    return min(0, top * log(mean) - mean - logFactorial(top) + log(sum))
  }

  /// Stirling's series; exact to 12 digits.
  static func logFactorial(_ number: Double) -> Double {
    guard number >= 10 else {
      return stride(from: 2, through: number, by: 1).reduce(0) { $0 + log($1) }
    }
    let inverse = 1 / number
    let square = inverse * inverse
    return number * log(number) - number + 0.5 * log(2 * .pi * number)
      + inverse * (1.0 / 12 - square * (1.0 / 360 - square * (1.0 / 1_260 - square / 1_680)))
  }

  /// A logarithm as a probability; never zero, which no test can show.
  static func probability(log value: Double) -> Double { exp(min(0, max(value, -690))) }
}

/// How far a Poisson variable goes beyond some numbers, on average.
struct PoissonExcess: Sendable {
  /// The mean of what is beyond 0, 1 and so on.
  private(set) var beyond: [Double]
  /// The probability that there is any.
  let some: Double

  init(mean: Double, orders: Int) {
    some = 1 - exp(-mean)
    beyond = [mean]
    var term = exp(-mean)
    var atMost = term
    for order in 1...max(1, orders) {
      beyond.append(max(0, beyond[order - 1] - (1 - atMost)))
      term *= mean / Double(order)
      atMost += term
    }
  }
}
