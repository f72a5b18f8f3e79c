/// One of a flash crowd: comes once, asks what all ask, and goes.
struct CrowdMember: Actor {
  private(set) var nextTime: Int64
  var random: Random
  let slot: Int
  let plant: Int
  let step: Int
  let questionCount: Int
  let share: Chance
  private var remaining: Int

  init(
    slot: Int, at time: Int64, plant: Int, step: Int, questionCount: Int, share: Double,
    calls: Int, random: Random
  ) {
    self.slot = slot
    self.plant = plant
    self.step = step
    self.questionCount = questionCount
    self.share = Chance(share)
    self.random = random
    remaining = calls
    nextTime = time
  }

  mutating func act(_ traffic: inout Traffic) {
    // The crowd's questions are none that were asked before.
    let rank =
      traffic.random.happens(share)
      ? traffic.firstPlantedQuestion(plant) + traffic.random.below(questionCount)
      : traffic.questionTable.draw(&traffic.random)
    let module = traffic.users[slot].module
    traffic.call(
      slot, at: nextTime,
      as: Acting(
        plant: plant, step: step, user: Int32(slot), person: Int32(slot),
        question: traffic.question(rank, module: module)))
    remaining -= 1
    let gap = Int64(traffic.gapTable.draw(&traffic.random) + traffic.random.below(1_000))
    nextTime = remaining > 0 ? traffic.users[slot].lastTime + gap : .max
  }
}
