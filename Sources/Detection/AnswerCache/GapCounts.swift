/// Counts gaps of one arrangement of questions on times: between a call and the k-th next of its
/// question, for each k, by how popular the questions are.
struct GapCounts: Sendable {
  static let ordersMax = 4

  let grid: GapGrid
  let orders: Int
  /// By popularity, order and bin.
  private(set) var counts: [Int32]
  /// Of each question.
  private var recent: [Recent]

  /// What came last of a question, in one place in memory.
  private struct Recent {
    /// The last first; of those that did not come, long ago.
    var times = SIMD4<Int64>(repeating: Self.never)
    /// Who called last.
    var user: Int32 = -1

    private static let never = -(Int64(1) << 61)
  }

  init(grid: GapGrid, orders: Int, questions: Int) {
    self.grid = grid
    self.orders = orders
    counts = [Int32](repeating: 0, count: 3 * orders * grid.count)
    recent = [Recent](repeating: Recent(), count: questions)
  }

  /// Counts anew.
  mutating func count(_ questions: [Int32], on evidence: CacheEvidence) {
    for index in counts.indices { counts[index] = 0 }
    for day in evidence.days.indices {
      if !evidence.followsOn[day] {
        for index in recent.indices { recent[index] = Recent() }
      }
      for index in evidence.days[day] where questions[index] >= 0 {
        // Times stay with their users: one who asks much within minutes never asks the same twice, and what
        // chance gives must not either.
        let question = Int(questions[index])
        var last = recent[question]
        if last.user == evidence.users[index] { continue }
        let time = evidence.times[index]
        add(time, after: last.times, evidence.popularity[question])
        last.times = SIMD4(time, last.times.x, last.times.y, last.times.z)
        last.user = evidence.users[index]
        recent[question] = last
      }
    }
  }

  @inline(__always)
  private mutating func add(_ time: Int64, after times: SIMD4<Int64>, _ popularity: UInt8) {
    var base = Int(popularity) * orders * grid.count
    for order in 0..<orders {
      let bin = grid.bin(time - times[order])
      guard bin < grid.count else { return }
      counts[base + bin] += 1
      base += grid.count
    }
  }
}

/// What chance gives: questions exchanged over each day's own times.
struct GapMeans: Sendable {
  let grid: GapGrid
  let orders: Int
  private(set) var rounds = 0
  /// Sums over all rounds, and of squares, of the gaps below the end of each bin, by the least
  /// popularity and order.
  private var sums: [Double]
  private var squares: [Double]

  init(grid: GapGrid, orders: Int) {
    self.grid = grid
    self.orders = orders
    sums = [Double](repeating: 0, count: 3 * orders * grid.count)
    squares = sums
  }

  mutating func add(_ counts: GapCounts) {
    rounds += 1
    for questions in AnswerCache.Questions.allCases {
      for order in 1...orders {
        let cumulative = Self.cumulative(counts, order: order, of: questions)
        let base = base(order, questions)
        for bin in 0..<grid.count {
          sums[base + bin] += cumulative[bin]
          squares[base + bin] += cumulative[bin] * cumulative[bin]
        }
      }
    }
  }

  private func base(_ order: Int, _ questions: AnswerCache.Questions) -> Int {
    (Int(questions.popularityMin) * orders + order - 1) * grid.count
  }

  /// The gaps below the end of each bin.
  static func cumulative(
    _ counts: GapCounts, order: Int, of questions: AnswerCache.Questions
  ) -> [Double] {
    let bins = counts.grid.count
    let bases = (Int(questions.popularityMin)...2).map { ($0 * counts.orders + order - 1) * bins }
    var sum: Int32 = 0
    return (0..<bins).map { bin in
      for base in bases { sum += counts.counts[base + bin] }
      return Double(sum)
    }
  }

  func expectation(order: Int, of questions: AnswerCache.Questions) -> GapExpectation {
    let base = base(order, questions)
    let rounds = Double(max(1, rounds))
    return GapExpectation(
      grid: grid, cumulative: (0..<grid.count).map { sums[base + $0] / rounds })
  }

  /// How much more the counts vary than Poisson's would, at least 1.
  func dispersion(order: Int, of questions: AnswerCache.Questions, bin: Int) -> Double {
    let index = base(order, questions) + bin
    guard rounds > 1, sums[index] > 0 else { return 1 }
    let mean = sums[index] / Double(rounds)
    let variance = (squares[index] - mean * sums[index]) / Double(rounds - 1)
    return max(1, variance / mean)
  }
}

/// Exchanges questions over each day's times, again and again.
struct QuestionExchange {
  private var questions: [Int32]
  private var numbers: MixedNumbers

  init(_ evidence: CacheEvidence, seed: UInt64) {
    questions = evidence.questions
    numbers = MixedNumbers(seed: seed)
  }

  mutating func next(_ evidence: CacheEvidence) -> [Int32] {
    for day in evidence.days where day.count > 1 {
      for index in stride(from: day.upperBound - 1, to: day.lowerBound, by: -1) {
        questions.swapAt(index, day.lowerBound + numbers.next(below: index - day.lowerBound + 1))
      }
    }
    return questions
  }
}

extension AnswerCache.Questions {
  /// The least popularity of ``CacheEvidence`` that belongs to it.
  var popularityMin: UInt8 {
    switch self {
    case .all: 0
    case .popular: 1
    case .mostPopular: 2
    }
  }
}
