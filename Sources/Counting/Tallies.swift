internal import CivilTime
internal import Contracts

/// Counts by usage line and day. Merges are sums.
public struct LineTotals: Sendable {
  /// A line's counts on a day.
  struct Counts: Sendable {
    var quantity = 0
    var messages = 0
    var failedMessages = 0
    var duplicates = 0
  }

  struct Key: Hashable, Sendable {
    var line: Int32
    var day: Int32
  }

  private var places: [Key: Int] = [:]
  private var keys: [Key] = []
  private var counts: [Counts] = []
  private var lastKey = Key(line: -1, day: 0)
  private var lastPlace = 0

  public init() {}

  /// Changes the counts of a line on a day.
  @inline(__always)
  mutating func update(line: Int32, day: Int32, _ change: (inout Counts) -> Void) {
    let key = Key(line: line, day: day)
    if key != lastKey {
      lastPlace = place(of: key)
      lastKey = key
    }
    change(&counts[lastPlace])
  }

  private mutating func place(of key: Key) -> Int {
    if let place = places[key] { return place }
    places[key] = counts.count
    keys.append(key)
    counts.append(Counts())
    return counts.count - 1
  }

  public mutating func merge(_ other: LineTotals) {
    for (key, added) in zip(other.keys, other.counts) {
      update(line: key.line, day: key.day) {
        $0.quantity += added.quantity
        $0.messages += added.messages
        $0.failedMessages += added.failedMessages
        $0.duplicates += added.duplicates
      }
    }
  }

  /// The totals in the words of a report, in no order.
  public func dailyTotals(_ attributions: Attributions, _ terms: Terms) -> [DailyTotal] {
    zip(keys, counts).map { key, counts in
      let line = attributions.lines[Int(key.line)]
      return DailyTotal(
        contract: terms.contracts[line.contract].number, licensee: line.licensee,
        date: CivilDate(daysSinceEpoch: key.day), module: line.module, scenario: line.scenario,
        meter: line.meter, quantity: counts.quantity, messages: counts.messages,
        failedMessages: counts.failedMessages, duplicates: counts.duplicates)
    }
  }
}

/// The first few of many sources, by file and line. Merges keep the first.
public struct FirstSources: Sendable, Hashable {
  public static let countMax = 3

  /// Ascending.
  public private(set) var numbers: [UInt64] = []
  public private(set) var total = 0

  public init() {}

  /// - Parameters:
  ///   - numbers: ascending, at most ``countMax``.
  ///   - total: of how many they are the first.
  public init(numbers: [UInt64], total: Int) {
    self.numbers = Array(numbers.prefix(Self.countMax))
    self.total = total
  }

  @inline(__always)
  public mutating func add(_ number: UInt64) {
    total += 1
    if numbers.count < Self.countMax || number < numbers[Self.countMax - 1] { insert(number) }
  }

  private mutating func insert(_ number: UInt64) {
    let place = numbers.firstIndex { $0 > number } ?? numbers.count
    numbers.insert(number, at: place)
    if numbers.count > Self.countMax { numbers.removeLast() }
  }

  public mutating func merge(_ other: FirstSources) {
    let total = total + other.total
    for number in other.numbers { add(number) }
    self.total = total
  }
}

/// How much was used, from when to when, with the earliest lines that show it; the form in which
/// threads gather what becomes a ``Tally``.
public struct UseCount: Sendable {
  struct Evidence: Sendable, Comparable {
    var time: Int64
    var source: UInt64

    static func < (left: Evidence, right: Evidence) -> Bool {
      (left.time, left.source) < (right.time, right.source)
    }
  }

  /// What changes with every record.
  struct Span: BitwiseCopyable {
    var records = 0
    var first = Int64.max
    var last = Int64.min
    /// A later time is no evidence any more.
    var latestEvidence = Int64.max

    /// - Returns: whether the record is evidence.
    @inline(__always)
    mutating func add(_ time: Int64) -> Bool {
      records &+= 1
      first = min(first, time)
      last = max(last, time)
      return time <= latestEvidence
    }
  }

  /// The earliest lines, ascending, at most ``Tally/evidenceCountMax``.
  struct EvidenceList: Sendable {
    private(set) var items: [Evidence] = []

    /// - Returns: the time after which no line is evidence any more.
    mutating func add(time: Int64, source: UInt64) -> Int64 {
      let item = Evidence(time: time, source: source)
      let place = items.firstIndex { $0 > item } ?? items.count
      items.insert(item, at: place)
      if items.count > Tally.evidenceCountMax { items.removeLast() }
      guard items.count == Tally.evidenceCountMax, let last = items.last else { return .max }
      return last.time
    }
  }

  private var span = Span()
  private var evidence = EvidenceList()
  public var quantity = 0

  public init() {}

  init(span: Span, evidence: EvidenceList) {
    self.span = span
    self.evidence = evidence
  }

  /// What it adds up, to be kept elsewhere.
  public struct Parts: Sendable, Hashable {
    public var records: Int
    /// Microseconds since 1970; meaningless without records.
    public var first: Int64
    public var last: Int64
    /// The earliest records' times and sources, ascending.
    public var evidence: [Line]

    public struct Line: Sendable, Hashable {
      public var time: Int64
      public var source: UInt64

      public init(time: Int64, source: UInt64) {
        self.time = time
        self.source = source
      }
    }

    public init(records: Int, first: Int64, last: Int64, evidence: [Line]) {
      self.records = records
      self.first = first
      self.last = last
      self.evidence = evidence
    }
  }

  public var parts: Parts {
    Parts(
      records: span.records, first: span.first, last: span.last,
      evidence: evidence.items.map { Parts.Line(time: $0.time, source: $0.source) })
  }

  public init(_ parts: Parts) {
    span.records = parts.records
    span.first = parts.first
    span.last = parts.last
    for line in parts.evidence {
      span.latestEvidence = evidence.add(time: line.time, source: line.source)
    }
  }

  var records: Int { span.records }

  mutating func add(time: Int64, source: UInt64) {
    if span.add(time) { span.latestEvidence = evidence.add(time: time, source: source) }
  }

  public mutating func merge(_ other: UseCount) {
    span.records += other.span.records
    quantity += other.quantity
    span.first = min(span.first, other.span.first)
    span.last = max(span.last, other.span.last)
    for item in other.evidence.items {
      span.latestEvidence = evidence.add(time: item.time, source: item.source)
    }
  }

  /// With sources as `file:line`.
  public func tally(_ sources: SourceTable) -> Tally {
    var tally = Tally()
    tally.records = records
    tally.quantity = quantity
    if records > 0 {
      tally.first = Instant(microseconds: span.first)
      tally.last = Instant(microseconds: span.last)
    }
    tally.evidence = evidence.items.map {
      Tally.Evidence(time: Instant(microseconds: $0.time), source: sources.text(of: $0.source))
    }
    return tally
  }
}
