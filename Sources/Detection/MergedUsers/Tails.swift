internal import Glibc

/// Probabilities that something was chance: never less than the true one (Chernoff 1952), and cheap.
enum Tails {
  /// At least `hits` of `count` trials of which each has probability `share`.
  static func binomial(atLeast hits: Int, of count: Int, share: Double) -> Double {
    guard count > 0, hits > 0 else { return 1 }
    let observed = min(1, Double(hits) / Double(count))
    guard observed > share else { return 1 }
    guard share > 0 else { return 0 }
    var distance = observed * log(observed / share)
    if observed < 1 { distance += (1 - observed) * log((1 - observed) / (1 - share)) }
    return exp(-Double(count) * distance)
  }

  /// At most `hits` where `expected` come by chance.
  static func poisson(atMost hits: Double, expected: Double) -> Double {
    guard expected > 0, hits < expected else { return 1 }
    guard hits > 0 else { return exp(-expected) }
    return exp(hits - expected + hits * log(expected / hits))
  }

  /// A sum of at least `score` over `count` trials, each of which adds `place` with the probability
  /// that stands at that place: exactly, for it is asked of days, which are few.
  static func sum(atLeast score: Int, of count: Int, probabilities: [Double]) -> Double {
    guard count > 0, score > 0 else { return 1 }
    // Of sums below the score, and at the end of all that reach it.
    var chances = [Double](repeating: 0, count: score + 1)
    chances[0] = 1
    for _ in 0..<count {
      var next = [Double](repeating: 0, count: score + 1)
      next[score] = chances[score]
      for sum in 0..<score where chances[sum] > 0 {
        for (place, probability) in probabilities.enumerated() {
          next[min(score, sum + place)] += chances[sum] * probability
        }
      }
      chances = next
    }
    return min(1, chances[score])
  }

  /// Of `users`, each of whom shows something with probability `share`, at least so many do (a bound:
  /// all sets of so many, summed).
  static func users(_ count: Int, of users: Int, share: Double) -> Double {
    var chance = 1.0
    for place in 0..<count { chance *= Double(max(0, users - place)) * share / Double(place + 1) }
    return min(1, chance)
  }

  /// As if so many had been tried.
  static func corrected(_ probability: Double, tries: Int) -> Double {
    min(1, probability * Double(max(1, tries)))
  }
}
