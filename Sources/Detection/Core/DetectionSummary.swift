internal import Shuffling

/// What detectors keep of one day of one contract; a month's question is asked of a month of these.
public struct DetectionDay: DetectorSummary {
  public var questions = QuestionsOfDay()
  public var mergedUsers = MergedUsersOfDay()
  public var keptAlive = KeptAliveOfDay()
  public var harvesting = HarvestingOfDay()
  public var replayedCalls = ReplayedCallsOfDay()
  public var refusals = RefusalsOfDay()
  public var traffic = TrafficOfDay()

  public init() {}

  public var isEmpty: Bool {
    questions.isEmpty && mergedUsers.isEmpty && keptAlive.isEmpty && harvesting.isEmpty
      && replayedCalls.isEmpty
      && refusals.isEmpty
      && traffic.isEmpty
  }

  public mutating func merge(_ other: DetectionDay) {
    questions.merge(other.questions)
    mergedUsers.merge(other.mergedUsers)
    keptAlive.merge(other.keptAlive)
    harvesting.merge(other.harvesting)
    replayedCalls.merge(other.replayedCalls)
    refusals.merge(other.refusals)
    traffic.merge(other.traffic)
  }

  public func write(to writer: inout SummaryWriter) {
    questions.write(to: &writer)
    mergedUsers.write(to: &writer)
    keptAlive.write(to: &writer)
    harvesting.write(to: &writer)
    replayedCalls.write(to: &writer)
    refusals.write(to: &writer)
    traffic.write(to: &writer)
  }

  public init(from reader: inout SummaryReader) throws(SummaryError) {
    questions = try QuestionsOfDay(from: &reader)
    mergedUsers = try MergedUsersOfDay(from: &reader)
    keptAlive = try KeptAliveOfDay(from: &reader)
    harvesting = try HarvestingOfDay(from: &reader)
    replayedCalls = try ReplayedCallsOfDay(from: &reader)
    refusals = try RefusalsOfDay(from: &reader)
    traffic = try TrafficOfDay(from: &reader)
  }
}

extension SummaryWriter {
  public mutating func place(_ place: PlaceKey) {
    text(place.licensee)
    text(place.app)
    text(place.module)
  }
}

extension SummaryReader {
  public mutating func place() throws(SummaryError) -> PlaceKey {
    PlaceKey(licensee: try text(), app: try text(), module: try text())
  }
}

/// A contract's number and a day in its zone.
public struct ContractDay: Sendable, Hashable, Comparable {
  /// Empty: of no contract.
  public var contract: String
  /// In days since 1970.
  public var day: Int32

  public init(contract: String, day: Int32) {
    self.contract = contract
    self.day = day
  }

  public static func < (left: ContractDay, right: ContractDay) -> Bool {
    (left.contract, left.day) < (right.contract, right.day)
  }
}

/// What was seen of calls, by contract and day. Merges add up, as those of each day do.
public struct DetectionSummary: DetectorSummary {
  private static let version: UInt64 = 2
  /// Of the years 1 to 9999.
  private static let days: ClosedRange<Int32> = -719_162...2_932_896

  public var days: [ContractDay: DetectionDay] = [:]

  public init() {}

  public var isEmpty: Bool { days.isEmpty }

  public mutating func merge(_ other: DetectionSummary) {
    days.merge(other.days) { left, right in
      var sum = left
      sum.merge(right)
      return sum
    }
    boundQuestions()
  }

  public func write(to writer: inout SummaryWriter) {
    writer.number(Self.version)
    writer.entries(days) { key, day, writer in
      writer.text(key.contract)
      writer.signed(Int64(key.day))
      day.write(to: &writer)
    }
  }

  public init(from reader: inout SummaryReader) throws(SummaryError) {
    guard try reader.number() == Self.version else {
      throw reader.error("it has a version that this program cannot read")
    }
    days = try reader.entries { reader throws(SummaryError) in
      let contract = try reader.text()
      guard let day = Int32(exactly: try reader.signed()), Self.days.contains(day) else {
        throw reader.error("no such day")
      }
      return (ContractDay(contract: contract, day: day), try DetectionDay(from: &reader))
    }
  }

  /// The summary as bytes, equal for equal summaries.
  public func encoded() -> [UInt8] {
    var writer = SummaryWriter()
    write(to: &writer)
    return writer.bytes
  }

  /// - Parameter source: the number that a stored line number has now; `nil` for one that is not there.
  public init(
    decoding bytes: [UInt8], source: @escaping (UInt64) -> UInt64?
  ) throws(SummaryError) {
    var reader = SummaryReader(bytes, source: source)
    try self.init(from: &reader)
    try reader.end()
  }
}

/// What is to be added up, by day; whoever adds takes it, so that nothing is held twice.
private final class Shares: @unchecked Sendable {
  let keys: [ContractDay]
  private let lock = Lock()
  /// Of each day what was asked, which is the most of it, and what else there is.
  private var questions: [[QuestionsOfDay]]
  private var others: [[DetectionDay]]

  init(_ parts: consuming [DetectionSummary]) {
    keys = Set(parts.flatMap(\.days.keys)).sorted()
    questions = Array(repeating: [], count: keys.count)
    others = Array(repeating: [], count: keys.count)
    for (number, key) in keys.enumerated() {
      for index in parts.indices {
        guard var day = parts[index].days.removeValue(forKey: key) else { continue }
        questions[number].append(day.questions)
        day.questions = QuestionsOfDay()
        others[number].append(day)
      }
    }
  }

  func sumOfQuestions(_ number: Int) -> QuestionsOfDay {
    var own = lock.withLock { take(&questions[number]) }
    var sum = own.removeFirst()
    for other in own { sum.merge(other) }
    sum.settle()
    return sum
  }

  func sumOfOthers(_ number: Int) -> DetectionDay {
    var own = lock.withLock { take(&others[number]) }
    var sum = own.removeFirst()
    for other in own { sum.merge(other) }
    return sum
  }

  private func take<Value>(_ values: inout [Value]) -> [Value] {
    defer { values = [] }
    return values
  }
}

extension DetectionSummary {
  /// The sum of several, added up on as many threads.
  ///
  /// - Parameter meanwhile: is done beside that, by one of them.
  public static func sum(
    _ parts: consuming [DetectionSummary], threads: Int,
    meanwhile: @escaping @Sendable () -> Void
  ) -> DetectionSummary {
    let shares = Shares(parts)
    let next = Counter()
    let questions = Sum<[ContractDay: QuestionsOfDay]>([:])
    let others = Sum<[ContractDay: DetectionDay]>([:])
    let keys = shares.keys
    Workers.run(max(1, threads)) { _ in
      while let number = next.next(below: 1 + 2 * keys.count) {
        if number == 0 {
          meanwhile()
        } else if number <= keys.count {
          questions.add {
            [keys[number - 1]: shares.sumOfQuestions(number - 1)]
          } merge: {
            $0.merge($1) { first, _ in first }
          }
        } else {
          others.add {
            [keys[number - 1 - keys.count]: shares.sumOfOthers(number - 1 - keys.count)]
          } merge: {
            $0.merge($1) { first, _ in first }
          }
        }
      }
    }
    var sum = DetectionSummary()
    sum.days = (try? others.value()) ?? [:]
    for (key, asked) in (try? questions.value()) ?? [:] { sum.days[key]?.questions = asked }
    sum.boundQuestions()
    return sum
  }

  /// Holds the samples of all days within the bound.
  mutating func boundQuestions() {
    let seen = days.values.flatMap { $0.questions.samples.values.map(\.callsSeen) }
    let limit = QuestionLimit.limit(seen)
    guard limit < QuestionSample.callsMax else { return }
    for key in days.keys { days[key]?.questions.lower(to: limit) }
  }
}
