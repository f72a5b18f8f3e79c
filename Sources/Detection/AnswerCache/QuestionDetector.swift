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
  /// What was asked of each place by day, times as if the contract's zone were UTC.
  var questions: [PlaceKey: [CivilDate: QuestionSample]] {
    var samples: [PlaceKey: [CivilDate: QuestionSample]] = [:]
    for (date, day) in days {
      let start = Int64(date.daysSinceEpoch) * CallSeries.dayLength
      let ahead = start - contract.zone.start(of: date).microseconds
      for (place, sample) in day.questions.samples {
        samples[place, default: [:]][date] = sample.moved(by: ahead)
      }
    }
    return samples
  }
}

/// Samples what users ask: the first call of each question in a conversation.
struct QuestionDetector: UserDetector {
  private let places: [PlaceKey]
  private var user: UInt64 = 0
  /// Where the day's samples begin.
  private var start = 0
  /// By day and place.
  private var samples: [QuestionSample] = []

  init(places: [PlaceKey]) { self.places = places }

  mutating func begin(_ user: ObservedUser) {
    self.user = user.hash
    start = user.day * places.count
    while samples.count < start + places.count { samples.append(QuestionSample()) }
  }

  mutating func take(_ call: ObservedCall) {
    guard call.isSuccess, call.question != 0, !call.isDuplicate, !call.isRepeatedQuestion,
      !call.isEvent
    else { return }
    samples[start + call.place].add(
      question: call.question, time: call.time, user: user, source: call.source)
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
