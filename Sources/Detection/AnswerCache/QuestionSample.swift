/// Calls of one segment (licensee, app, module) on one UTC day, by what was asked: all of them, or
/// those of as many whole questions as fit in.
///
/// Which calls are kept is decided by what they say and by nothing else, so that any split of the
/// calls, added in any order and merged in any way, gives the same sample:
///
/// - A question's hash is mixed. At level L those questions are kept whose mixed hash has its L
///   upper bits zero, one of 2ᴸ; the level is the least at which at most ``limit`` calls remain.
/// - Of one question at most ``callsOfQuestionMax`` calls are kept, its earliest. Without that bound
///   one question alone could leave no room for any other.
/// - The limit is ``callsMax`` for one sample, and lower where there are many: ``QuestionLimit``.
///
/// It costs some nanoseconds to add a call of a question that is not kept, and an append for one
/// that is: calls lie unsorted, a third more than are kept, until somebody looks at them.
public struct QuestionSample: Sendable {
  /// Calls that a day keeps at most.
  public static let callsMax = 16_000
  /// Calls of one question that a day keeps. A cache lets one through so often only if its lifetime
  /// is below 22 seconds.
  public static let callsOfQuestionMax = 1_000

  /// One call: what was asked, when, by whom, and where it stands.
  public struct Call: Sendable, Hashable, Comparable {
    /// The question's hash.
    public var question: UInt64
    /// Microseconds since 1970.
    public var time: Int64
    /// The user's hash, its lowest bit replaced.
    private var mark: UInt64
    /// The line's number; what it means is the caller's.
    public var source: UInt64

    public init(
      question: UInt64, time: Int64, user: UInt64, source: UInt64, isRepeat: Bool = false
    ) {
      self.question = question
      self.time = time
      mark = user << 1 | (isRepeat ? 1 : 0)
      self.source = source
    }

    /// The user's hash, all but its highest bit.
    public var user: UInt64 { mark >> 1 }

    /// Whether the user has asked the same within the idle timeout before.
    public var isRepeat: Bool { mark & 1 == 1 }

    /// By question and time; the source comes last, so that other line numbers change the order of
    /// nothing but what is equal in all else.
    public static func < (left: Call, right: Call) -> Bool {
      if left.question != right.question { return left.question < right.question }
      if left.time != right.time { return left.time < right.time }
      if left.mark != right.mark { return left.mark < right.mark }
      return left.source < right.source
    }
  }

  /// A question of which more calls were seen than are kept, and the latest call that may stay.
  private struct Bound: Sendable {
    var question: UInt64
    var last: Call
  }

  /// Of one question at the limit.
  private var ofQuestionMax: Int { min(Self.callsOfQuestionMax, max(1, limit / 4)) }
  private var pendingMax: Int { limit + limit / 3 + 1 }

  /// Calls that are kept at most.
  public private(set) var limit = callsMax
  /// All calls that were added, kept or not.
  public internal(set) var callsSeen = 0
  /// Calls that are kept, perhaps too many and in no order unless `isSettled`.
  private(set) var kept: [Call] = []
  /// The level is at least this.
  private(set) var levelMin = 0
  /// At most a few times four while nothing is pending.
  private var bounds: [Bound] = []
  private var isSettled = true

  public init() {}

  /// Adds one call.
  @inline(__always)
  public mutating func add(
    question: UInt64, time: Int64, user: UInt64, source: UInt64, isRepeat: Bool = false
  ) {
    callsSeen += 1
    guard Self.isKept(question, level: levelMin) else { return }
    keep(question: question, time: time, user: user, source: source, isRepeat: isRepeat)
  }

  /// Keeps a call of a question that is kept, and leaves it to the caller to count it as seen.
  @inline(__always)
  mutating func keep(
    question: UInt64, time: Int64, user: UInt64, source: UInt64, isRepeat: Bool
  ) {
    keep(Call(question: question, time: time, user: user, source: source, isRepeat: isRepeat))
  }

  /// Keeps at most so many calls from now on.
  mutating func lower(to limit: Int) {
    guard limit < self.limit else { return }
    self.limit = limit
    guard kept.count > ofQuestionMax else { return }
    isSettled = false
    if kept.count >= pendingMax {
      makeRoom()
      // What is kept no longer needs the room.
      kept = kept.map { $0 }
    }
  }

  /// Adds all that another sample of the same day and segment has seen.
  public mutating func merge(_ other: QuestionSample) {
    callsSeen += other.callsSeen
    lower(to: other.limit)
    if other.levelMin > levelMin {
      levelMin = other.levelMin
      kept.removeAll { !Self.isKept($0.question, level: levelMin) }
    }
    for call in other.kept where Self.isKept(call.question, level: levelMin) { keep(call) }
  }

  /// The calls that are kept, by question and time.
  public var calls: [Call] { settled().kept }

  /// Of 2 to the power of this many questions one is kept.
  public var level: Int { settled().levelMin }

  /// Sorts what was added, so that it is not done each time that somebody looks.
  public mutating func settle() {
    guard !isSettled else { return }
    if kept.count >= limit { makeRoom() }
    QuestionOrder.sort(&kept)
    boundQuestions()
    raiseLevel()
    isSettled = true
  }

  /// Whether a question with so many calls has more that are not kept.
  func isBounded(_ calls: Int) -> Bool { calls >= ofQuestionMax }

  func settled() -> QuestionSample {
    guard !isSettled else { return self }
    var copy = self
    copy.settle()
    return copy
  }
}

extension Array {
  /// Makes room for one more, where there is none: a sample of many gets room for four times as many, for it soon has
  /// them, but for no more than it may ever hold.
  @inline(__always)
  mutating func reserveForMore(most: Int) {
    if count == capacity, count >= 1_024 { reserveCapacity(Swift.min(most, 4 * count)) }
  }
}

extension QuestionSample: Equatable {
  public static func == (left: QuestionSample, right: QuestionSample) -> Bool {
    let left = left.settled()
    let right = right.settled()
    return left.callsSeen == right.callsSeen && left.limit == right.limit
      && left.levelMin == right.levelMin
      && left.kept == right.kept
  }
}

extension QuestionSample {
  /// Whether a question is kept at a level; at 64 only the one whose mixed hash is zero.
  @inline(__always)
  static func isKept(_ question: UInt64, level: Int) -> Bool {
    Mixing.mixed(question).leadingZeroBitCount >= level
  }

  private mutating func keep(_ call: Call) {
    if !bounds.isEmpty, let bound = bounds.first(where: { $0.question == call.question }),
      bound.last < call
    {
      return
    }
    kept.reserveForMore(most: pendingMax)
    kept.append(call)
    isSettled = false
    if kept.count >= pendingMax { makeRoom() }
  }

  /// Brings what is pending within the bounds, in no order.
  private mutating func makeRoom() {
    if makeRoomByLevel() { return }
    var questions = HashNumbers(capacity: kept.count / 4)
    let numbers = kept.map { questions.number(of: $0.question) }
    var counts = [Int](repeating: 0, count: questions.count)
    for number in numbers { counts[Int(number)] += 1 }
    let last = boundQuestions(questions, numbers, counts)
    var callsAtLevel = [Int](repeating: 0, count: 65)
    for (question, count) in zip(questions.hashes, counts) {
      callsAtLevel[Mixing.mixed(question).leadingZeroBitCount] += min(count, ofQuestionMax)
    }
    levelMin = level(callsAtLevel)
    let isOut = questions.hashes.map { !Self.isKept($0, level: levelMin) }
    var output = 0
    for index in kept.indices where !isOut[Int(numbers[index])] {
      if !last.isEmpty, let most = last[numbers[index]], most < kept[index] { continue }
      kept[output] = kept[index]
      output += 1
    }
    kept.removeLast(kept.count - output)
    bounds.removeAll { !Self.isKept($0.question, level: levelMin) }
  }

  /// Does so where it is seen at a glance that no question has too many calls.
  private mutating func makeRoomByLevel() -> Bool {
    var calls = [Int](repeating: 0, count: 256)
    var callsAtLevel = [Int](repeating: 0, count: 65)
    for call in kept {
      let mixed = Mixing.mixed(call.question)
      calls[Int(truncatingIfNeeded: mixed & 0xFF)] += 1
      callsAtLevel[mixed.leadingZeroBitCount] += 1
    }
    guard calls.allSatisfy({ $0 <= ofQuestionMax }) else { return false }
    levelMin = level(callsAtLevel)
    kept.removeAll { !Self.isKept($0.question, level: levelMin) }
    bounds.removeAll { !Self.isKept($0.question, level: levelMin) }
    return true
  }

  /// The last call that stays of each question that has too many, by number.
  private mutating func boundQuestions(
    _ questions: HashNumbers, _ numbers: [Int32], _ counts: [Int]
  ) -> [Int32: Call] {
    var calls: [Int32: [Call]] = [:]
    for number in counts.indices where counts[number] > ofQuestionMax { calls[Int32(number)] = [] }
    guard !calls.isEmpty else { return [:] }
    for (index, number) in numbers.enumerated() where counts[Int(number)] > ofQuestionMax {
      calls[number]?.append(kept[index])
    }
    return calls.mapValues { calls in
      var calls = calls
      QuestionOrder.sort(&calls)
      let last = calls[ofQuestionMax - 1]
      bounds.removeAll { $0.question == last.question }
      bounds.append(Bound(question: last.question, last: last))
      return last
    }
  }

  /// Keeps the earliest calls of each question. The calls are sorted.
  private mutating func boundQuestions() {
    bounds.removeAll(keepingCapacity: true)
    guard kept.count >= ofQuestionMax else { return }
    let ofQuestionMax = ofQuestionMax
    var output = 0
    var start = 0
    while start < kept.count {
      var end = start + 1
      while end < kept.count, kept[end].question == kept[start].question { end += 1 }
      let bounded = min(end, start + ofQuestionMax)
      if bounded - start == ofQuestionMax {
        bounds.append(Bound(question: kept[start].question, last: kept[bounded - 1]))
      }
      for index in start..<bounded {
        kept[output] = kept[index]
        output += 1
      }
      start = end
    }
    kept.removeLast(kept.count - output)
  }

  /// Raises the level as far as is needed.
  private mutating func raiseLevel() {
    guard kept.count > limit else { return }
    var callsAtLevel = [Int](repeating: 0, count: 65)
    for call in kept { callsAtLevel[Mixing.mixed(call.question).leadingZeroBitCount] += 1 }
    levelMin = level(callsAtLevel)
    kept.removeAll { !Self.isKept($0.question, level: levelMin) }
    bounds.removeAll { !Self.isKept($0.question, level: levelMin) }
  }

  /// The least level, from that at hand on, that leaves no more than the limit.
  ///
  /// - Parameter callsAtLevel: for each number of leading zeros the calls that have just so many.
  private func level(_ callsAtLevel: [Int]) -> Int {
    var remaining = callsAtLevel.reduce(0, +)
    var level = levelMin
    while remaining > limit, level < 64 {
      remaining -= callsAtLevel[level]
      level += 1
    }
    return level
  }

  /// A sample as it was stored, checked by the caller.
  init(settled calls: [Call], level: Int, callsSeen: Int, limit: Int) {
    self.limit = limit
    kept = calls
    levelMin = level
    self.callsSeen = callsSeen
    boundQuestions()
  }
}
