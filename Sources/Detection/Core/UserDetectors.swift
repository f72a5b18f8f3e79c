internal import Shuffling

/// All detectors of a thread. Where a detector is added, it is added here and to ``DetectionDay``.
struct UserDetectors {
  private var questions: QuestionDetector
  private var mergedUsers: MergedUsersDetector
  private var keptAlive: KeptAliveDetector
  private var harvesting: HarvestingDetector
  private var replayedCalls: ReplayedCallsDetector
  private var refusals = RefusalDetector()
  /// The piece's calls that are not shown yet, and whether they are all of it.
  private let calls = PlainTable<ObservedCall>()
  private var isWhole = true
  private let callsAtOnce: Int

  /// - Parameter callsAtOnce: a piece of fewer calls is shown to those alone who could make anything of it.
  init(places: [PlaceKey], callsAtOnce: Int = 256) {
    self.callsAtOnce = callsAtOnce
    questions = QuestionDetector(places: places)
    mergedUsers = MergedUsersDetector(places: places)
    keptAlive = KeptAliveDetector(places: places)
    harvesting = HarvestingDetector(places: places)
    replayedCalls = ReplayedCallsDetector(places: places)
  }

  @inline(__always)
  mutating func begin(_ user: ObservedUser) {
    questions.begin(user)
    mergedUsers.begin(user)
    keptAlive.begin(user)
    harvesting.begin(user)
    replayedCalls.begin(user)
  }

  @inline(__always)
  mutating func take(_ call: ObservedCall) {
    calls.append(call)
    if calls.count >= callsAtOnce { showPart() }
  }

  /// Shows calls of a piece that has too many to be held.
  @inline(never)
  private mutating func showPart() {
    isWhole = false
    for call in calls {
      questions.take(call)
      mergedUsers.take(call)
      keptAlive.take(call)
      harvesting.take(call)
      replayedCalls.take(call)
    }
    calls.removeAll(reserving: callsAtOnce)
  }

  /// Shows all calls of a piece, to those who could make anything of them.
  private mutating func showWhole(_ user: ObservedUser) {
    var traits = PieceTraits()
    for call in calls where call.isSuccess && !call.isDuplicate {
      traits.add(call)
      questions.take(call)
      replayedCalls.takeFirst(call)
    }
    if traits.hasOneFace {
      mergedUsers.takeOneFace(calls: traits.callsWithFace)
    } else {
      for call in calls { mergedUsers.take(call) }
    }
    if traits.callsWithoutQuestion >= KeptAliveDetector.pausesMin {
      for call in calls { keptAlive.take(call) }
    }
    if traits.callsWithQuestion >= HarvestingDetector.callsTallied {
      harvesting.takeAll(calls, of: user)
    }
    if traits.mayRepeatRequests {
      for call in calls { replayedCalls.lookAgain(call) }
    }
    calls.removeAll(reserving: callsAtOnce)
  }

  @inline(__always)
  mutating func end(_ user: ObservedUser) {
    if isWhole {
      showWhole(user)
    } else {
      showPart()
      harvesting.end(user)
    }
    isWhole = true
    questions.end(user)
    mergedUsers.end(user)
    keptAlive.end(user)
    replayedCalls.end(user)
  }

  mutating func take(_ refusal: ObservedRefusal) {
    refusals.take(refusal)
  }

  /// What was kept of days, by their numbers.
  func days(_ count: Int) -> [DetectionDay] {
    let (questions, mergedUsers, keptAlive) = (questions.days, mergedUsers.days, keptAlive.days)
    let (harvesting, replayedCalls) = (harvesting.days, replayedCalls.days)
    let refusals = refusals.days
    return (0..<count).map { number in
      func kept<Summary: DetectorSummary>(_ days: [Summary]) -> Summary {
        number < days.count ? days[number] : Summary()
      }
      var day = DetectionDay()
      day.questions = kept(questions)
      day.mergedUsers = kept(mergedUsers)
      day.keptAlive = kept(keptAlive)
      day.harvesting = kept(harvesting)
      day.replayedCalls = kept(replayedCalls)
      day.refusals = kept(refusals)
      return day
    }
  }
}

/// What a look at all calls of a piece that were counted shows.
private struct PieceTraits {
  /// Those with a question, and those without.
  var callsWithQuestion = 0
  var callsWithoutQuestion = 0
  /// Those with an address and a device, and whether these are always the same.
  var callsWithFace = 0
  var hasOneFace = true
  private var face: UInt64 = 0
  /// Whether any of their request ids may come more than once.
  var mayRepeatRequests = false

  @inline(__always)
  mutating func add(_ call: ObservedCall) {
    if call.mayBeReplayed { mayRepeatRequests = true }
    if call.question == 0 { callsWithoutQuestion += 1 } else { callsWithQuestion += 1 }
    guard call.client != 0, call.device != 0 else { return }
    let own = UInt64(call.client) << 32 | UInt64(call.device)
    if callsWithFace > 0 && own != face { hasOneFace = false }
    face = own
    callsWithFace += 1
  }
}
