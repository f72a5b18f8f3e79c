internal import CivilTime
internal import Contracts
internal import Shuffling

/// What was asked on a day, by place.
public struct QuestionsOfDay: DetectorSummary {
  public var samples: [PlaceKey: QuestionSample] = [:]

  public init() {}

  public var isEmpty: Bool { samples.isEmpty }

  public mutating func merge(_ other: QuestionsOfDay) {
    for (place, sample) in other.samples { samples[place, default: QuestionSample()].merge(sample) }
  }

  mutating func lower(to limit: Int) {
    for place in samples.keys { samples[place]?.lower(to: limit) }
  }

  /// Sorts what was added, so that it is not done each time that somebody looks.
  mutating func settle() {
    for place in samples.keys { samples[place]?.settle() }
  }

  public func write(to writer: inout SummaryWriter) {
    writer.entries(samples) { place, sample, writer in
      writer.place(place)
      writer.blob(sample.encoded())
    }
  }

  public init(from reader: inout SummaryReader) throws(SummaryError) {
    samples = try reader.entries { reader throws(SummaryError) in
      let place = try reader.place()
      let bytes = try reader.blob()
      do {
        return (place, try QuestionSample(decoding: bytes) { try reader.source($0) })
      } catch {
        throw reader.error("\(error)")
      }
    }
  }
}

extension DetectionContext {
  /// What was asked of each place by day.
  var questions: [PlaceKey: [CivilDate: QuestionSample]] {
    var samples: [PlaceKey: [CivilDate: QuestionSample]] = [:]
    for (date, day) in days {
      for (place, sample) in day.questions.samples { samples[place, default: [:]][date] = sample }
    }
    return samples
  }

  /// By how much a day in UTC begins later than the day in the contract's zone: times are taken as if that zone were
  /// UTC.
  func ahead(_ date: CivilDate) -> Int64 {
    Int64(date.daysSinceEpoch) * CallSeries.dayLength
      - contract.zone.start(of: date).microseconds
  }
}

/// Samples what users ask. What one repeats within the idle timeout is marked: it is no evidence, but
/// copies answer it.
struct QuestionDetector: UserDetector {
  private let places: [PlaceKey]
  private var user: UInt64 = 0
  /// Where the day's samples begin.
  private var start = 0
  /// By day and place; how many calls each has seen is counted in ``gates``.
  private var samples: [QuestionSample] = []
  /// Of each sample what is looked at for every call.
  private let gates = PlainTable<Gate>()

  private struct Gate: BitwiseCopyable {
    /// Calls of questions of a lower level are not kept.
    var level: Int
    var callsSeen: Int
  }

  private var limit = QuestionSample.callsMax
  /// When the user last asked each question that is kept, by question and place: of those that stay kept it has all,
  /// whatever else is kept for a while.
  private var asked = SeenHashes<Int64>(entriesMax: .max)
  /// Calls that all samples may keep at the limit.
  private var keptMost = 0

  init(places: [PlaceKey]) { self.places = places }

  mutating func begin(_ user: ObservedUser) {
    self.user = user.hash
    if !asked.entries.isEmpty { asked.removeAll() }
    start = user.day * places.count
    while samples.count < start + places.count {
      var sample = QuestionSample()
      sample.lower(to: limit)
      samples.append(sample)
      gates.append(Gate(level: sample.levelMin, callsSeen: 0))
    }
  }

  mutating func take(_ call: ObservedCall) {
    guard call.isSuccess, call.question != 0, !call.isDuplicate, !call.isEvent else { return }
    let number = start + call.place
    let gate = gates[number]
    gates[number].callsSeen = gate.callsSeen + 1
    if QuestionSample.isKept(call.question, level: gate.level) {
      let isRepeat = isRepeat(
        call.question, number, at: call.time, idleTimeout: call.idleTimeout)
      samples[number].keep(
        question: call.question, time: call.time, user: user, source: call.source,
        isRepeat: isRepeat)
      gates[number].level = samples[number].levelMin
    }
    guard gate.callsSeen < limit else { return }
    keptMost += 1
    if keptMost > QuestionLimit.callsMax, limit > QuestionLimit.lowest { lower() }
  }

  /// Whether the user has asked the same at the same place within the idle timeout before.
  private mutating func isRepeat(
    _ question: UInt64, _ sample: Int, at time: Int64, idleTimeout: Int64
  ) -> Bool {
    let hash = question ^ Mixing.mixed(UInt64(truncatingIfNeeded: sample))
    guard let (place, isNew) = asked.place(of: hash, new: time), !isNew else { return false }
    let last = asked[place]
    asked[place] = time
    return time - last <= idleTimeout
  }

  private mutating func lower() {
    let seen = gates.map(\.callsSeen)
    limit = QuestionLimit.limit(seen, from: limit)
    keptMost = seen.reduce(0) { $0 + min(limit, $1) }
    for number in samples.indices {
      samples[number].lower(to: limit)
      gates[number].level = samples[number].levelMin
    }
  }

  mutating func end(_ user: ObservedUser) {}

  var days: [QuestionsOfDay] {
    guard !places.isEmpty else { return [] }
    return (0..<(samples.count / places.count)).map { day in
      var questions = QuestionsOfDay()
      for (number, place) in places.enumerated() {
        let seen = gates[day * places.count + number].callsSeen
        guard seen > 0 else { continue }
        questions.samples[place] = samples[day * places.count + number]
        questions.samples[place]?.callsSeen = seen
      }
      return questions
    }
  }
}
