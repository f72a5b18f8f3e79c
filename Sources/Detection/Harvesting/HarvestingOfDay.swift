/// How often users ask again what they have asked, by how much they ask.
struct RepeatTally: Sendable, Hashable {
  /// Users' days; one that is cut at midnight in UTC counts twice.
  var users = 0
  var calls = 0
  var repeats = 0

  mutating func add(_ other: RepeatTally) {
    users += other.users
    calls += other.calls
    repeats += other.repeats
  }

  mutating func subtract(_ other: RepeatTally) {
    users = max(0, users - other.users)
    calls = max(0, calls - other.calls)
    repeats = max(0, repeats - other.repeats)
  }

  static func write(_ tallies: [Int: RepeatTally], to writer: inout SummaryWriter) {
    writer.entries(tallies) { level, tally, writer in
      writer.count(level)
      writer.count(tally.users)
      writer.count(tally.calls)
      writer.count(tally.repeats)
    }
  }

  static func read(from reader: inout SummaryReader) throws(SummaryError) -> [Int: RepeatTally] {
    try reader.entries { reader throws(SummaryError) in
      let level = try reader.count(atMost: 63)
      var tally = RepeatTally()
      tally.users = try reader.count(atMost: 1 << 40)
      tally.calls = try reader.count(atMost: 1 << 40)
      tally.repeats = try reader.count(atMost: 1 << 40)
      return (level, tally)
    }
  }
}

/// What a user of a day shows who asks much and hardly anything twice.
struct HarvestRow: UserRow {
  /// Questions that are kept of a day.
  static let questionsMax = 64

  /// Calls with a question, and those whose question the user had asked since midnight.
  var calls = 0
  var repeats = 0
  /// Calls of modules that are charged by item.
  var items = 0
  /// Calls in the same named conversation as the one before.
  var follows = 0
  /// Of the user's days, by the power of two of their calls: what ``HarvestingOfDay`` has of them.
  var tallies: [Int: RepeatTally] = [:]
  /// Pauses between calls, by their length in eighths of an octave.
  var pauses: [Int: Int] = [:]
  /// The mixed hashes of some questions, the smallest, and in how many stretches they were asked.
  var questions: [UInt64: Int] = [:]
  /// Questions beyond may be missing.
  var limit = UInt64.max
  var showing = EvidenceLines()

  init() {}

  mutating func merge(_ other: HarvestRow) {
    calls += other.calls
    repeats += other.repeats
    items += other.items
    follows += other.follows
    for (level, tally) in other.tallies { tallies[level, default: RepeatTally()].add(tally) }
    pauses.merge(other.pauses, uniquingKeysWith: +)
    questions.merge(other.questions, uniquingKeysWith: +)
    limit = min(limit, other.limit)
    bound()
    showing.merge(other.showing)
  }

  /// Keeps the smallest hashes.
  mutating func bound() {
    var sorted = questions.keys.sorted()
    while let last = sorted.last, last > limit { sorted.removeLast() }
    if sorted.count > Self.questionsMax {
      limit = sorted[Self.questionsMax - 1]
      sorted.removeSubrange(Self.questionsMax...)
    }
    if sorted.count < questions.count {
      let (kept, limit) = (sorted.last, limit)
      questions = questions.filter { entry in
        kept.map { entry.key <= $0 } ?? false && entry.key <= limit
      }
    }
  }

  func write(to writer: inout SummaryWriter) {
    for number in [calls, repeats, items, follows] { writer.count(number) }
    RepeatTally.write(tallies, to: &writer)
    writer.entries(pauses) { bin, count, writer in
      writer.count(bin)
      writer.count(count)
    }
    writer.entries(questions) { question, count, writer in
      writer.number(question)
      writer.count(count)
    }
    writer.number(limit)
    showing.write(to: &writer)
  }

  init(from reader: inout SummaryReader) throws(SummaryError) {
    let most = 1 << 40
    calls = try reader.count(atMost: most)
    repeats = try reader.count(atMost: most)
    items = try reader.count(atMost: most)
    follows = try reader.count(atMost: most)
    tallies = try RepeatTally.read(from: &reader)
    pauses = try reader.entries { reader throws(SummaryError) in
      (try reader.count(atMost: Cadence.binsMax - 1), try reader.count(atMost: most))
    }
    questions = try reader.entries { reader throws(SummaryError) in
      (try reader.number(), try reader.count(atMost: most))
    }
    limit = try reader.number()
    guard questions.count <= Self.questionsMax, questions.keys.allSatisfy({ $0 <= limit }) else {
      throw reader.error("it has questions that it cannot have")
    }
    showing = try EvidenceLines(from: &reader)
  }
}

/// Pauses by their length: eighths of an octave of milliseconds.
enum Cadence {
  static let binsMax = 256

  @inline(__always)
  static func bin(microseconds: Int64) -> Int {
    let milliseconds = UInt64(max(0, microseconds)) / 1_000 + 8
    let octave = 63 - milliseconds.leadingZeroBitCount
    // The three bits after the first.
    let part = Int(truncatingIfNeeded: milliseconds >> UInt64(octave - 3)) & 7
    return min(binsMax - 1, (octave - 3) * 8 + part)
  }

  /// Of a bin, the shortest pause in milliseconds.
  static func milliseconds(bin: Int) -> Int64 {
    Int64(8 + bin % 8) << Int64(min(50, bin / 8)) - 8
  }
}

/// Of each licensee's users on a day, those who ask much and hardly anything twice, and how the
/// others are.
public struct HarvestingOfDay: DetectorSummary, Equatable {
  var rows = UserRows<HarvestRow>()
  /// By licensee and the power of two of a user's calls.
  var tallies: [String: [Int: RepeatTally]] = [:]

  public init() {}

  public var isEmpty: Bool { rows.isEmpty && tallies.isEmpty }

  public mutating func merge(_ other: HarvestingOfDay) {
    rows.merge(other.rows)
    for (licensee, levels) in other.tallies {
      for (level, tally) in levels {
        tallies[licensee, default: [:]][level, default: RepeatTally()].add(tally)
      }
    }
  }

  public func write(to writer: inout SummaryWriter) {
    rows.write(to: &writer)
    writer.entries(tallies) { licensee, levels, writer in
      writer.text(licensee)
      RepeatTally.write(levels, to: &writer)
    }
  }

  public init(from reader: inout SummaryReader) throws(SummaryError) {
    rows = try UserRows(from: &reader)
    tallies = try reader.entries { reader throws(SummaryError) in
      (try reader.text(), try RepeatTally.read(from: &reader))
    }
  }
}
