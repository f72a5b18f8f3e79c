internal import CivilTime
internal import Glibc

/// Popularity that is not what it was yesterday: every day some questions change places.
struct PopularityDrift {
  private var questions: [Int32]
  private let rate: Double
  private let dayStarts: [Int64]
  private var day = 0
  private var random: Random

  init(_ plant: Plant, options: SimulationOptions, random: Random) {
    self.random = random
    rate = plant.number("rate")
    questions = (0..<Int32(options.questionCount)).map { $0 }
    dayStarts = (1..<max(2, options.days)).map {
      options.zone.start(of: options.from + $0).microseconds / 1_000
    }
  }

  /// The question that has a rank of popularity at a time; times do not go back to the day before.
  mutating func question(_ rank: Int, at time: Int64) -> Int {
    while day < dayStarts.count, time >= dayStarts[day] {
      day += 1
      shuffle()
    }
    return Int(questions[rank])
  }

  /// Moves questions by a factor of two, mostly, up or down.
  private mutating func shuffle() {
    for rank in questions.indices where random.unit() < rate {
      let place = Double(rank + 1) * exp(random.normal() * 0.7)
      questions.swapAt(rank, min(questions.count, max(1, Int(place))) - 1)
    }
  }
}

/// Fixed questions that are asked by a tap, several in a row.
struct FAQButtons {
  let plant: Int
  private let firstQuestion: Int
  private let questionCount: Int
  private let begins: Chance
  private let continues = Chance(0.5)
  private var isTapping: Set<Int32> = []
  private var random: Random

  init(_ plant: Plant, number: Int, firstQuestion: Int, random: Random) {
    self.plant = number
    self.random = random
    let share = plant.number("share")
    // The share is that of a chain of two states which leaves the one by `continues`.
    begins = Chance(min(1, 0.5 * share / (1 - share)))
    self.firstQuestion = firstQuestion
    questionCount = plant.count("questions")
  }

  /// The question behind the button that a user taps; `nil`: it writes a question.
  mutating func tapped(by user: Int32) -> Int? {
    let taps = random.happens(isTapping.contains(user) ? continues : begins)
    guard taps else {
      isTapping.remove(user)
      return nil
    }
    isTapping.insert(user)
    return firstQuestion + random.below(questionCount)
  }
}

extension Traffic {
  /// What an ordinary user asks, after what is planted in the questions.
  mutating func plantedRank(_ rank: Int, _ event: inout LogEvent) -> Int {
    var rank = rank
    if conduct.drift != nil { rank = conduct.drift?.question(rank, at: event.order) ?? rank }
    if let tapped = conduct.buttons?.tapped(by: event.user) {
      if let plant = conduct.buttons?.plant { event.plants |= 1 << UInt64(plant) }
      rank = tapped
    }
    if conduct.namesItems, catalogue.modules[Int(event.module)].isItem {
      event.path = Self.itemID(rank)
    }
    return rank
  }

  /// The id of the item that answers a question.
  static func itemID(_ rank: Int) -> Int32 { Int32(10_001 + rank) }
}
