internal import CivilTime
internal import Contracts

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

/// Samples what users ask. What one repeats within a conversation is marked: it is no evidence, but copies answer it.
struct QuestionDetector: UserDetector {
  private let places: [PlaceKey]
  private var user: UInt64 = 0
  /// Where the day's samples begin.
  private var start = 0
  /// By day and place.
  private var samples: [QuestionSample] = []
  private var limit = QuestionSample.callsMax
  /// Calls that all samples may keep at the limit.
  private var keptMost = 0

  init(places: [PlaceKey]) { self.places = places }

  mutating func begin(_ user: ObservedUser) {
    self.user = user.hash
    start = user.day * places.count
    while samples.count < start + places.count {
      var sample = QuestionSample()
      sample.lower(to: limit)
      samples.append(sample)
    }
  }

  mutating func take(_ call: ObservedCall) {
    guard call.isSuccess, call.question != 0, !call.isDuplicate, !call.isEvent else { return }
    let number = start + call.place
    samples[number].add(
      question: call.question, time: call.time, user: user, source: call.source,
      isRepeat: call.isRepeatedQuestion)
    guard samples[number].callsSeen <= limit else { return }
    keptMost += 1
    if keptMost > QuestionLimit.callsMax, limit > QuestionLimit.lowest { lower() }
  }

  private mutating func lower() {
    let seen = samples.map(\.callsSeen)
    limit = QuestionLimit.limit(seen, from: limit)
    keptMost = seen.reduce(0) { $0 + min(limit, $1) }
    for number in samples.indices { samples[number].lower(to: limit) }
  }

  mutating func end(_ user: ObservedUser) {}

  var days: [QuestionsOfDay] {
    guard !places.isEmpty else { return [] }
    return (0..<(samples.count / places.count)).map { day in
      var questions = QuestionsOfDay()
      for (number, place) in places.enumerated() {
        let sample = samples[day * places.count + number]
        if sample.callsSeen > 0 { questions.samples[place] = sample }
      }
      return questions
    }
  }
}
