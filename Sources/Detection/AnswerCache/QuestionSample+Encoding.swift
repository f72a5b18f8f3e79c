/// What is wrong with the bytes of a stored sample.
public struct QuestionSampleError: Error, Sendable, Hashable, CustomStringConvertible {
  /// The byte from which on something is wrong.
  public var offset: Int
  public var detail: String

  public var description: String {
    "a stored question sample is malformed at byte \(offset): \(detail)"
  }
}

extension QuestionSample {
  /// The first byte of all stored samples.
  private static let version: UInt8 = 2
  /// Times beyond are no times of a log; they leave room for differences.
  private static let timeMagnitudeMax: UInt64 = 1 << 61

  /// The sample in some 15 bytes a call, the same for equal samples.
  ///
  /// After a version byte all are numbers of seven bits a byte (LEB128): calls seen, limit, level, users,
  /// questions, calls, the power of ten that all times are multiples of beyond the first time, the
  /// first time (zigzag), the least source; the users' hashes as differences; for each question the
  /// difference of its hash, its number of calls, and for each call the difference of its time, its
  /// user's place twice and one more for a repeat, and its source beyond the least.
  public func encoded() -> [UInt8] {
    let sample = settled()
    let calls = sample.kept
    let users = Set(calls.lazy.map(\.user)).sorted()
    var places: [UInt64: UInt64] = [:]
    for (place, user) in users.enumerated() { places[user] = UInt64(place) }
    let start = calls.lazy.map(\.time).min() ?? 0
    let source = calls.lazy.map(\.source).min() ?? 0
    let (power, unit) = Self.unit(calls, start: start)
    var bytes = Varints()
    bytes.append(byte: Self.version)
    let questions = Self.questionCount(calls)
    for number in [callsSeen, limit, sample.levelMin, users.count, questions, calls.count, power] {
      bytes.append(UInt64(number))
    }
    bytes.append(UInt64(bitPattern: (start << 1) ^ (start >> 63)))
    bytes.append(source)
    bytes.append(ascending: users)
    Self.append(calls, start: start, unit: unit, source: source, places: places, to: &bytes)
    return bytes.bytes
  }

  private static func append(
    _ calls: [Call], start: Int64, unit: UInt64, source: UInt64, places: [UInt64: UInt64],
    to bytes: inout Varints
  ) {
    var index = 0
    var lastQuestion: UInt64 = 0
    while index < calls.count {
      let question = calls[index].question
      var end = index + 1
      while end < calls.count, calls[end].question == question { end += 1 }
      bytes.append(question &- lastQuestion)
      bytes.append(UInt64(end - index))
      var lastTime = start
      for call in calls[index..<end] {
        bytes.append(UInt64(bitPattern: call.time &- lastTime) / unit)
        bytes.append((places[call.user] ?? 0) << 1 | (call.isRepeat ? 1 : 0))
        bytes.append(call.source - source)
        lastTime = call.time
      }
      lastQuestion = question
      index = end
    }
  }

  private static func questionCount(_ calls: [Call]) -> Int {
    var count = 0
    for index in calls.indices
    where index == 0 || calls[index].question != calls[index - 1].question {
      count += 1
    }
    return count
  }

  /// The greatest power of ten, up to a second, of which all times beyond the first are multiples.
  private static func unit(_ calls: [Call], start: Int64) -> (power: Int, unit: UInt64) {
    var power = 6
    var unit: UInt64 = 1_000_000
    for call in calls {
      while UInt64(bitPattern: call.time &- start) % unit != 0 {
        power -= 1
        unit /= 10
      }
    }
    return (power, unit)
  }

  /// Reads what ``encoded()`` gave.
  ///
  /// - Parameter source: the number that a stored line number has now.
  public init(
    decoding bytes: some Sequence<UInt8>, source: (UInt64) throws -> UInt64
  ) throws {
    var reader = VarintReader(Array(bytes))
    let header = try Header(&reader)
    let users = try reader.ascending(header.users)
    var calls: [Call] = []
    calls.reserveCapacity(header.calls)
    var question: UInt64 = 0
    for index in 0..<header.questions {
      let difference = try reader.next()
      let (sum, overflow) = question.addingReportingOverflow(difference)
      guard !overflow, index == 0 || difference > 0, Self.isKept(sum, level: header.level) else {
        throw reader.error("a question's hash is not one that the sample keeps")
      }
      question = sum
      let most = min(Self.callsOfQuestionMax, header.limit / 4)
      let count = try reader.next(atMost: min(most, header.calls - calls.count))
      guard count > 0 else { throw reader.error("a question has no call") }
      try Self.read(
        count, of: question, header: header, users: users, into: &calls, &reader, source)
    }
    guard calls.count == header.calls else { throw reader.error("calls are missing") }
    try reader.end()
    if !calls.isSorted { calls.sort() }
    self.init(settled: calls, level: header.level, callsSeen: header.callsSeen, limit: header.limit)
  }

  private static func read(
    _ count: Int, of question: UInt64, header: Header, users: [UInt64], into calls: inout [Call],
    _ reader: inout VarintReader, _ source: (UInt64) throws -> UInt64
  ) throws {
    var time = header.start
    for _ in 0..<count {
      let steps = try reader.next()
      let (difference, overflow) = steps.multipliedReportingOverflow(by: header.unit)
      guard !overflow, difference <= timeMagnitudeMax else { throw reader.error("no such time") }
      time += Int64(difference)
      guard time.magnitude <= timeMagnitudeMax else { throw reader.error("no such time") }
      let place = try reader.next()
      guard place >> 1 < UInt64(users.count) else { throw reader.error("no such user") }
      let (stored, overflowed) = header.source.addingReportingOverflow(try reader.next())
      guard !overflowed else { throw reader.error("no such source") }
      calls.append(
        Call(
          question: question, time: time, user: users[Int(place >> 1)], source: try source(stored),
          isRepeat: place & 1 == 1))
    }
  }

  /// What stands before the users.
  private struct Header {
    var callsSeen: Int
    var limit: Int
    var level: Int
    var users: Int
    var questions: Int
    var calls: Int
    var unit: UInt64
    var start: Int64
    var source: UInt64

    init(_ reader: inout VarintReader) throws {
      guard try reader.byte() == QuestionSample.version else {
        throw reader.error("it has a version that this program cannot read")
      }
      callsSeen = try reader.next(atMost: Int.max)
      limit = try reader.next(atMost: QuestionSample.callsMax)
      guard limit >= 4 else { throw reader.error("it keeps too few calls") }
      level = try reader.next(atMost: 64)
      // Each user, question and call takes a byte at least, so that no number makes room for what is
      // not there.
      users = try reader.next(atMost: min(limit, reader.remaining))
      questions = try reader.next(atMost: min(limit, reader.remaining))
      calls = try reader.next(
        atMost: min(limit, reader.remaining, callsSeen))
      guard users <= calls, questions <= calls else {
        throw reader.error("it has more users or questions than calls")
      }
      unit = (0..<(try reader.next(atMost: 6))).reduce(1) { unit, _ in unit * 10 }
      let zigzag = try reader.next()
      start = Int64(bitPattern: zigzag >> 1) ^ -Int64(bitPattern: zigzag & 1)
      guard start.magnitude <= QuestionSample.timeMagnitudeMax else {
        throw reader.error("no such time")
      }
      source = try reader.next()
    }
  }
}

extension [QuestionSample.Call] {
  fileprivate var isSorted: Bool { !zip(self, dropFirst()).contains { $1 < $0 } }
}
