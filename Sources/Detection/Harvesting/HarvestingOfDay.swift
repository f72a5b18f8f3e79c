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
}

/// Tallies by the power of two of a user's calls on a day, ascending.
struct RepeatLevels: Sendable, Hashable {
  private(set) var entries: [Entry] = []

  struct Entry: Sendable, Hashable {
    var level: Int
    var tally: RepeatTally
  }

  init() {}

  var users: Int { entries.reduce(0) { $0 + $1.tally.users } }

  subscript(level: Int) -> RepeatTally? { entries.first { $0.level == level }?.tally }

  mutating func add(_ tally: RepeatTally, level: Int) {
    var place = entries.count
    while place > 0, entries[place - 1].level >= level { place -= 1 }
    if place < entries.count, entries[place].level == level {
      entries[place].tally.add(tally)
    } else {
      entries.insert(Entry(level: level, tally: tally), at: place)
    }
  }

  mutating func merge(_ other: RepeatLevels) {
    for entry in other.entries { add(entry.tally, level: entry.level) }
  }

  func write(to writer: inout SummaryWriter) {
    writer.count(entries.count)
    for entry in entries {
      writer.count(entry.level)
      writer.count(entry.tally.users)
      writer.count(entry.tally.calls)
      writer.count(entry.tally.repeats)
    }
  }

  init(from reader: inout SummaryReader) throws(SummaryError) {
    for _ in 0..<(try reader.length()) {
      let level = try reader.count(atMost: 63)
      if let last = entries.last, last.level >= level { throw reader.error("levels do not ascend") }
      var tally = RepeatTally()
      tally.users = try reader.count(atMost: 1 << 40)
      tally.calls = try reader.count(atMost: 1 << 40)
      tally.repeats = try reader.count(atMost: 1 << 40)
      entries.append(Entry(level: level, tally: tally))
    }
  }
}

/// How often some numbers came, ascending: what a dictionary would hold, in one array.
struct SortedCounts: Sendable, Hashable {
  struct Entry: Sendable, Hashable {
    var key: UInt64
    var count: Int
  }

  private(set) var entries: [Entry] = []

  init() {}

  /// Each once.
  init(ascending keys: some Sequence<UInt64>) {
    entries = keys.map { Entry(key: $0, count: 1) }
  }

  var count: Int { entries.count }
  var keys: some RandomAccessCollection<UInt64> { entries.lazy.map(\.key) }

  mutating func reserve(_ count: Int) { entries.reserveCapacity(count) }

  mutating func append(key: UInt64, count: Int) {
    entries.append(Entry(key: key, count: count))
  }

  mutating func removeLast(_ count: Int) { entries.removeLast(count) }

  mutating func merge(_ other: SortedCounts) {
    guard !other.entries.isEmpty else { return }
    guard !entries.isEmpty else {
      entries = other.entries
      return
    }
    var sum: [Entry] = []
    sum.reserveCapacity(entries.count + other.entries.count)
    var (left, right) = (0, 0)
    while left < entries.count, right < other.entries.count {
      let (own, also) = (entries[left], other.entries[right])
      if own.key <= also.key { left += 1 }
      if also.key <= own.key { right += 1 }
      sum.append(
        own.key == also.key
          ? Entry(key: own.key, count: own.count + also.count) : own.key < also.key ? own : also)
    }
    sum += entries[left...]
    sum += other.entries[right...]
    entries = sum
  }

  func write(to writer: inout SummaryWriter) {
    writer.count(entries.count)
    for entry in entries {
      writer.number(entry.key)
      writer.count(entry.count)
    }
  }

  init(from reader: inout SummaryReader, keyMax: UInt64) throws(SummaryError) {
    for _ in 0..<(try reader.length()) {
      let key = try reader.number(atMost: keyMax)
      if let last = entries.last, last.key >= key { throw reader.error("numbers do not ascend") }
      entries.append(Entry(key: key, count: try reader.count(atMost: 1 << 40)))
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
  var tallies = RepeatLevels()
  /// Pauses between calls, by their length in eighths of an octave.
  var pauses = SortedCounts()
  /// The mixed hashes of some questions, the smallest, and in how many stretches they were asked.
  var questions = SortedCounts()
  /// Questions beyond may be missing.
  var limit = UInt64.max
  var showing = EvidenceLines()

  init() {}

  mutating func merge(_ other: HarvestRow) {
    calls += other.calls
    repeats += other.repeats
    items += other.items
    follows += other.follows
    tallies.merge(other.tallies)
    pauses.merge(other.pauses)
    questions.merge(other.questions)
    limit = min(limit, other.limit)
    bound()
    showing.merge(other.showing)
  }

  /// Keeps the smallest hashes.
  mutating func bound() {
    let beyond = questions.entries.reversed().prefix { $0.key > limit }.count
    questions.removeLast(beyond)
    guard questions.count > Self.questionsMax else { return }
    limit = questions.entries[Self.questionsMax - 1].key
    questions.removeLast(questions.count - Self.questionsMax)
  }

  func write(to writer: inout SummaryWriter) {
    for number in [calls, repeats, items, follows] { writer.count(number) }
    tallies.write(to: &writer)
    pauses.write(to: &writer)
    questions.write(to: &writer)
    writer.number(limit)
    showing.write(to: &writer)
  }

  init(from reader: inout SummaryReader) throws(SummaryError) {
    let most = 1 << 40
    calls = try reader.count(atMost: most)
    repeats = try reader.count(atMost: most)
    items = try reader.count(atMost: most)
    follows = try reader.count(atMost: most)
    tallies = try RepeatLevels(from: &reader)
    pauses = try SortedCounts(from: &reader, keyMax: UInt64(Cadence.binsMax - 1))
    questions = try SortedCounts(from: &reader, keyMax: .max)
    limit = try reader.number()
    guard questions.count <= Self.questionsMax, questions.keys.last ?? 0 <= limit else {
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
  /// By licensee, ascending.
  private(set) var licensees: [Licensee] = []

  /// How all of a licensee's users repeat.
  struct Licensee: Sendable, Hashable {
    var name: String
    var tallies: RepeatLevels
  }

  public init() {}

  public var isEmpty: Bool { rows.isEmpty && licensees.isEmpty }

  func tallies(of licensee: String) -> RepeatLevels {
    licensees.first { $0.name == licensee }?.tallies ?? RepeatLevels()
  }

  mutating func add(_ tally: RepeatTally, level: Int, licensee: String) {
    licensees[place(of: licensee)].tallies.add(tally, level: level)
  }

  /// They are few.
  private mutating func place(of licensee: String) -> Int {
    if let place = licensees.firstIndex(where: { $0.name == licensee }) { return place }
    let place = licensees.firstIndex { $0.name > licensee } ?? licensees.count
    licensees.insert(Licensee(name: licensee, tallies: RepeatLevels()), at: place)
    return place
  }

  public mutating func merge(_ other: HarvestingOfDay) {
    rows.merge(other.rows)
    for licensee in other.licensees {
      licensees[place(of: licensee.name)].tallies.merge(licensee.tallies)
    }
  }

  public func write(to writer: inout SummaryWriter) {
    rows.write(to: &writer)
    writer.count(licensees.count)
    for licensee in licensees {
      writer.text(licensee.name)
      licensee.tallies.write(to: &writer)
    }
  }

  public init(from reader: inout SummaryReader) throws(SummaryError) {
    rows = try UserRows(from: &reader)
    for _ in 0..<(try reader.length()) {
      let name = try reader.text()
      if let last = licensees.last, last.name >= name {
        throw reader.error("licensees do not ascend")
      }
      licensees.append(Licensee(name: name, tallies: try RepeatLevels(from: &reader)))
    }
  }
}
