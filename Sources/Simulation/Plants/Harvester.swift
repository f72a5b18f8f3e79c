/// An account that walks the questions, or the items, and asks nothing twice.
struct Harvester: Actor {
  private(set) var nextTime: Int64
  var random: Random
  let slot: Int
  let plant: Int
  let step: Int
  /// The account's first question, and how far apart its questions are.
  private var next: Int
  private let stride: Int
  private let end: Int
  /// Milliseconds between two calls, in the mean.
  private let pause: Double
  private let isHuman: Bool
  private let isItem: Bool
  private let hasSessions: Bool
  /// A person's pauses, in the thousandth of the mean.
  private let pauses: LogNormalTable
  private let rhythm: DayCurve

  init(_ plant: Plant, number: Int, step: Int, account: Int, slot: Int, place: Place) {
    self.plant = number
    self.step = step
    self.slot = slot
    random = place.random
    next = account
    stride = plant.count("accounts")
    end = plant.count("questions")
    pause = 3_600_000 / plant.number("rate")
    isHuman = plant.choice("pace") == "human"
    isItem = plant.isTrue("items")
    hasSessions = plant.choice("session") == "call"
    pauses = place.pauses
    rhythm = place.curve
    nextTime = account < end ? place.from + Int64(pause * random.unit()) : .max
  }

  /// What accounts of one plant have in common, and where they begin.
  struct Place {
    var from: Int64
    var pauses: LogNormalTable
    var curve: DayCurve
    var random: Random
  }

  mutating func act(_ traffic: inout Traffic) {
    // A person rests as others do; a machine never does.
    if !isHuman || traffic.random.unit() < rhythm.weight(at: nextTime) {
      if hasSessions { traffic.renewConversation(of: slot, id: traffic.random.next()) }
      let question = traffic.question(next, module: traffic.users[slot].module)
      traffic.call(
        slot, at: nextTime,
        as: Acting(
          plant: plant, step: step, user: Int32(slot), person: Int32(slot), question: question,
          item: isItem ? Traffic.itemID(next) : 0))
      next += stride
    }
    guard next < end else {
      nextTime = .max
      return
    }
    let gap =
      isHuman
      ? pause * rhythm.mean * Double(pauses.draw(&traffic.random)) / 1_000
      : pause * (0.98 + 0.04 * traffic.random.unit())
    nextTime = max(
      nextTime + Int64(gap), traffic.users[slot].lastTime + Traffic.callSpacingMin)
  }
}
