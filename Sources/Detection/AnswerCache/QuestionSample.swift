/// Calls of one segment (licensee, app, module) on one UTC day, by what was asked: all of them, or
/// those of as many whole questions as fit in.
///
/// Which calls are kept is decided by what they say and by nothing else, so that any split of the
/// calls, added in any order and merged in any way, gives the same sample:
///
/// - A question's hash is mixed. At level L those questions are kept whose mixed hash has its L
///   upper bits zero, one of 2ᴸ; the level is the least at which at most ``callsMax`` calls remain.
/// - Of one question at most ``callsOfQuestionMax`` calls are kept, its earliest. Without that bound
///   one question alone could leave no room for any other.
///
/// It costs some nanoseconds to add a call of a question that is not kept, and an append for one
/// that is: calls lie unsorted, up to twice as many as are kept, until somebody looks at them.
public struct QuestionSample: Sendable {
  /// Calls that a day keeps.
  public static let callsMax = 4_000
  /// Calls of one question that a day keeps. A cache lets one through so often only if its lifetime
  /// is below 22 seconds.
  public static let callsOfQuestionMax = 1_000

  /// One call: what was asked, when, by whom, and where it stands.
  public struct Call: Sendable, Hashable, Comparable {
    /// The question's hash.
    public var question: UInt64
    /// Microseconds since 1970.
    public var time: Int64
    /// The user's hash.
    public var user: UInt64
    /// The line's number; what it means is the caller's.
    public var source: UInt64

    @inlinable
    public init(question: UInt64, time: Int64, user: UInt64, source: UInt64) {
      self.question = question
      self.time = time
      self.user = user
      self.source = source
    }

    /// By question and time; the source comes last, so that other line numbers change the order of
    /// nothing but what is equal in all else.
    public static func < (left: Call, right: Call) -> Bool {
      if left.question != right.question { return left.question < right.question }
      if left.time != right.time { return left.time < right.time }
      if left.user != right.user { return left.user < right.user }
      return left.source < right.source
    }
  }

  /// A question of which more calls were seen than are kept, and the latest call that may stay.
  private struct Bound: Sendable {
    var question: UInt64
    var last: Call
  }

  private static let pendingMax = 2 * callsMax

  /// All calls that were added, kept or not.
  public private(set) var callsSeen = 0
  /// Calls that are kept, perhaps too many and in no order unless `isSettled`.
  private var kept: [Call] = []
  /// The level is at least this.
  private var levelMin = 0
  /// At most `callsMax / callsOfQuestionMax` while nothing is pending.
  private var bounds: [Bound] = []
  private var isSettled = true

  public init() {}

  /// Adds one call.
  @inline(__always)
  public mutating func add(question: UInt64, time: Int64, user: UInt64, source: UInt64) {
    callsSeen += 1
    guard Self.isKept(question, level: levelMin) else { return }
    keep(Call(question: question, time: time, user: user, source: source))
  }

  /// Adds all that another sample of the same day and segment has seen.
  public mutating func merge(_ other: QuestionSample) {
    callsSeen += other.callsSeen
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
    kept.sort()
    boundQuestions()
    raiseLevel()
    isSettled = true
  }

  /// The same calls at other times, so that a zone's days begin where those in UTC do.
  func moved(by microseconds: Int64) -> QuestionSample {
    guard microseconds != 0 else { return self }
    var moved = self
    for index in moved.kept.indices { moved.kept[index].time += microseconds }
    for index in moved.bounds.indices { moved.bounds[index].last.time += microseconds }
    return moved
  }

  func settled() -> QuestionSample {
    guard !isSettled else { return self }
    var copy = self
    copy.settle()
    return copy
  }
}

extension QuestionSample: Equatable {
  public static func == (left: QuestionSample, right: QuestionSample) -> Bool {
    let left = left.settled()
    let right = right.settled()
    return left.callsSeen == right.callsSeen && left.levelMin == right.levelMin
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
    kept.append(call)
    isSettled = false
    if kept.count >= Self.pendingMax { makeRoom() }
  }

  /// Brings what is pending within the bounds; sorts only where a question has too many calls.
  private mutating func makeRoom() {
    var counts = QuestionCounts(capacity: kept.count)
    for call in kept { counts.count(call.question) }
    if counts.largest > Self.callsOfQuestionMax {
      kept.sort()
      boundQuestions()
      raiseLevel()
      return
    }
    var callsAtLevel = [Int](repeating: 0, count: 65)
    for call in kept { callsAtLevel[Mixing.mixed(call.question).leadingZeroBitCount] += 1 }
    raise(callsAtLevel)
  }

  /// Keeps the earliest calls of each question. The calls are sorted.
  private mutating func boundQuestions() {
    bounds.removeAll(keepingCapacity: true)
    guard kept.count > Self.callsOfQuestionMax else { return }
    var output = 0
    var start = 0
    while start < kept.count {
      var end = start + 1
      while end < kept.count, kept[end].question == kept[start].question { end += 1 }
      let bounded = min(end, start + Self.callsOfQuestionMax)
      if bounded - start == Self.callsOfQuestionMax {
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
    guard kept.count > Self.callsMax else { return }
    var callsAtLevel = [Int](repeating: 0, count: 65)
    for call in kept { callsAtLevel[Mixing.mixed(call.question).leadingZeroBitCount] += 1 }
    raise(callsAtLevel)
  }

  /// - Parameter callsAtLevel: for each number of leading zeros the calls that have just so many.
  private mutating func raise(_ callsAtLevel: [Int]) {
    var remaining = kept.count
    var level = levelMin
    while remaining > Self.callsMax, level < 64 {
      remaining -= callsAtLevel[level]
      level += 1
    }
    guard level > levelMin else { return }
    levelMin = level
    kept.removeAll { !Self.isKept($0.question, level: level) }
    bounds.removeAll { !Self.isKept($0.question, level: level) }
  }

  /// A sample as it was stored, checked by the caller.
  init(settled calls: [Call], level: Int, callsSeen: Int) {
    kept = calls
    levelMin = level
    self.callsSeen = callsSeen
    boundQuestions()
  }
}

/// Counts calls by question, in an open table.
private struct QuestionCounts {
  private var questions: [UInt64]
  private var counts: [Int32]
  private let mask: Int
  private(set) var largest: Int = 0

  init(capacity: Int) {
    var size = 16
    while size < capacity * 2 { size *= 2 }
    questions = [UInt64](repeating: 0, count: size)
    counts = [Int32](repeating: 0, count: size)
    mask = size - 1
  }

  mutating func count(_ question: UInt64) {
    var slot = Int(truncatingIfNeeded: Mixing.mixed(question)) & mask
    while counts[slot] > 0, questions[slot] != question { slot = (slot + 1) & mask }
    questions[slot] = question
    counts[slot] += 1
    largest = max(largest, Int(counts[slot]))
  }
}
