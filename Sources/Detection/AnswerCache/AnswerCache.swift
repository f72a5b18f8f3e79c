public import CivilTime

/// What a test for an answer cache says about one segment.
public enum AnswerCacheResult: Sendable, Hashable {
  /// Too few repeats would be expected for any lifetime up to a day; the greatest expectation is
  /// told.
  case insufficient(expected: Double)
  /// Nothing was found. Lifetimes from this one on would have been.
  case none(from: Interval)
  case found(AnswerCache)
}

/// An answer cache that calls behind it show: no question comes sooner than its lifetime after the
/// last time.
public struct AnswerCache: Sendable, Hashable {
  /// Which questions show it.
  public enum Questions: String, Sendable, Hashable, CaseIterable {
    case all
    /// The popular ones alone, which together have half of the calls: the cache has room for few.
    case popular
    /// Those alone that together have an eighth of the calls.
    case mostPopular = "most_popular"
  }

  /// What ends a copy's life.
  public enum Renewal: String, Sendable, Hashable, CaseIterable {
    /// Its age.
    case fixed
    /// That nobody asked for so long: each hit prolongs it.
    case prolonged
  }

  /// How long a copy is used.
  public var lifetime: Interval
  /// The lifetime lies from here…
  public var lifetimeLow: Interval
  /// …to here.
  public var lifetimeHigh: Interval
  /// Independent caches behind a balancer: a question comes at most so often within a lifetime.
  public var nodes: Int
  public var questions: Questions
  public var renewal: Renewal
  /// Repeats by another user sooner than the lifetime (of `nodes` calls, the one after them).
  public var observed: Int
  /// What chance would give on the same days.
  public var expected: Double
  /// The probability of so few under honest use, corrected for everything that was tried in this
  /// segment. The caller corrects for the number of segments.
  public var pValue: Double
  /// What was tried: lifetimes, numbers of nodes, sets of questions.
  public var hypotheses: Int
  /// Calls that the cache answered, so that they never arrived.
  public var hidden: Int
  public var hiddenLow: Int
  public var hiddenHigh: Int
  /// How much more often than later questions are asked again just beyond the lifetime; 1 where that is chance.
  public var clustering: Double
  /// Calls that arrived, of all questions.
  public var calls: Int
  /// Days that were looked at.
  public var days: Int
  /// Of 2 to the power of this many questions one was looked at.
  public var level: Int
  /// As many equally popular questions would show the same as those that do.
  public var questionsEffective: Double
  /// The questions that show it most clearly, for the evidence and in words.
  public var telling: [TellingQuestion]
}

/// One question, as it is told to the other side: it came so many times, and never sooner.
public struct TellingQuestion: Sendable, Hashable {
  /// The question's hash.
  public var question: UInt64
  /// Calls that arrived.
  public var calls: Int
  /// Repeats by another user sooner than the lifetime.
  public var sooner: Int
  /// How many of them chance would give.
  public var soonerExpected: Double
  /// The shortest time between one call and another user's next (with several nodes, between the
  /// calls that so many nodes can let through).
  public var shortest: Interval
  /// The lines of the calls that are that far apart, and of those between them, in their order.
  public var sources: [UInt64]
}
