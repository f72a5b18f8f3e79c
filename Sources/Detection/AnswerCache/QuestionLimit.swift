/// How many calls each sample of questions may keep, so that all together keep no more than ``callsMax``.
///
/// It depends on how many calls each has seen and on nothing else, and falls where any of them sees more. So a part of
/// the calls is never thinned more than all of them are, and the limit is the same for any split of them.
enum QuestionLimit {
  /// Calls that all samples keep; some 10 MB, and a third more while a thread takes calls. Only more than 7,000 samples
  /// (places times days) can keep more: 44 each.
  static let callsMax = 320_000
  /// From ``QuestionSample/callsMax`` down; multiples of four, since of one question a quarter is kept: so a sample
  /// within a higher limit has no higher level.
  static let steps: [Int] = (0...8).flatMap { power in [4_000, 3_000].map { 4 * ($0 >> power) } }

  static let lowest = steps[steps.count - 1]

  /// The highest limit at which samples keep no more, whatever they have seen.
  static func limit(_ seen: [Int], from highest: Int = QuestionSample.callsMax) -> Int {
    for step in steps where step <= highest {
      if seen.reduce(0, { $0 + min(step, $1) }) <= callsMax { return step }
    }
    return lowest
  }
}
