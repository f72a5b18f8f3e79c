/// Whose repeats chance gives below a lifetime.
struct CacheShares: Sendable {
  /// Repeats that chance gives to each question.
  private(set) var ofQuestion: [Double] = []
  /// The questions with the most of them, the first first.
  private(set) var largestQuestions: [Int] = []
  private(set) var questionsEffective = 0.0
  private(set) var usersEffective = 0.0
  /// The most that one user takes part in.
  private(set) var largestUser = 0.0

  private static let shownMax = 12

  init() {}

  init(
    series: CallSeries, evidence: CacheEvidence, order: Int,
    questions chosen: AnswerCache.Questions,
    below: Int64
  ) {
    let rounds = max(4, AnswerCacheTest.rounds(evidence.times.count) / 3)
    var exchange = QuestionExchange(evidence, seed: Mixing.mixed(series.seed))
    var repeats = RepeatCounter(order: order, below: below, questions: series.questionCount)
    for _ in 0..<rounds { repeats.count(exchange.next(evidence), on: evidence) }
    ofQuestion = repeats.ofQuestion
    for index in ofQuestion.indices {
      ofQuestion[index] =
        evidence.popularity[index] < chosen.popularityMin ? 0 : ofQuestion[index] / Double(rounds)
    }
    rank()
    weighUsers(series, evidence)
  }

  private mutating func rank() {
    let shares = ofQuestion
    largestQuestions = Array(
      shares.indices.filter { shares[$0] > 0 }.sorted { (-shares[$0], $0) < (-shares[$1], $1) }
        .prefix(Self.shownMax))
    questionsEffective = Self.effective(shares)
  }

  /// A user takes part in a question's repeats as much as in its calls, before and after.
  private mutating func weighUsers(_ series: CallSeries, _ evidence: CacheEvidence) {
    var shares = [Double](repeating: 0, count: series.userCount)
    for index in evidence.questions.indices where evidence.questions[index] >= 0 {
      let question = Int(evidence.questions[index])
      shares[Int(evidence.users[index])] +=
        ofQuestion[question] / Double(evidence.calls[question])
    }
    usersEffective = Self.effective(shares)
    largestUser = 2 * (shares.max() ?? 0)
  }

  /// As many equal shares would be as concentrated.
  private static func effective(_ shares: [Double]) -> Double {
    let sum = shares.reduce(0, +)
    let squares = shares.reduce(0) { $0 + $1 * $1 }
    return squares > 0 ? sum * sum / squares : 0
  }
}

/// Counts repeats below a lifetime by question.
private struct RepeatCounter {
  let order: Int
  let below: Int64
  private(set) var ofQuestion: [Double]
  private var last: [Int64]
  private var seen: [Int]

  init(order: Int, below: Int64, questions: Int) {
    self.order = order
    self.below = below
    ofQuestion = [Double](repeating: 0, count: questions)
    last = [Int64](repeating: 0, count: GapCounts.ordersMax * questions)
    seen = [Int](repeating: 0, count: questions)
  }

  /// Adds those of one arrangement of the questions.
  mutating func count(_ questions: [Int32], on evidence: CacheEvidence) {
    for day in evidence.days.indices {
      if !evidence.followsOn[day] {
        for index in seen.indices { seen[index] = 0 }
      }
      for index in evidence.days[day] where questions[index] >= 0 {
        add(Int(questions[index]), evidence.times[index])
      }
    }
  }

  private mutating func add(_ question: Int, _ time: Int64) {
    let before = seen[question]
    let ring = question * GapCounts.ordersMax
    if before >= order, time - last[ring + (before - order) % GapCounts.ordersMax] < below {
      ofQuestion[question] += 1
    }
    last[ring + before % GapCounts.ordersMax] = time
    seen[question] = before + 1
  }
}
