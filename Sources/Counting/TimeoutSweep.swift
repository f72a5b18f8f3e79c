// The count at every idle timeout, in one pass.
//
// Records of one identity, in order, are cut where one ends or starts a conversation by its event, and, at a
// timeout, where a gap is longer than it. As the timeout grows, pieces join at their shortest gaps first: all
// pieces that exist at some timeout are the nodes of a Cartesian tree over the gaps, at most two for each record,
// and each of them exists from the longest gap within it up to the shorter gap at its ends. So each adds one to a
// range of timeouts, and sums over all of them give the counts. A stack of the pieces whose gaps to the left fall
// from bottom to top is all that is kept.

public import CivilTime
internal import Contracts

/// What is counted beside the contract's own definition.
public enum RivalCounting: Sendable {
  /// Idle timeouts, slices, calls and the other day.
  case timeouts
  /// And when conversations begin and end, and logs: ``QuarterTotals``, ``LogSpan``.
  case timeoutsAndQuarters
}

/// What definitions other than the contract's make of each usage line and day; merges are sums.
public struct RivalTotals: Sendable {
  struct Counts: Sendable {
    /// Of whole minutes as idle timeout, how many units more there are than at the minute before, as far as any
    /// is known: the first place is that of one minute.
    var steps: [Int32] = []
    var slices = 0
    var calls = 0
    var otherDay = 0
  }

  struct QuarterKey: Hashable {
    var line: Int32
    /// Since 1970-01-01T00:00:00Z.
    var quarter: Int32
  }

  /// Conversations of the contract's own rule by the quarter of an hour in which they begin and end.
  private var quarters: [QuarterKey: (starts: Int32, ends: Int32)] = [:]
  private var places: [LineTotals.Key: Int] = [:]
  private var keys: [LineTotals.Key] = []
  private var counts: [Counts] = []
  /// Most records are of the line and day of the one before.
  private var lastKey = LineTotals.Key(line: -1, day: 0)
  private var lastPlace = 0

  public init() {}

  @inline(__always)
  mutating func update(_ key: LineTotals.Key, _ change: (inout Counts) -> Void) {
    if key != lastKey {
      lastPlace = place(of: key)
      lastKey = key
    }
    change(&counts[lastPlace])
  }

  private mutating func place(of key: LineTotals.Key) -> Int {
    if let place = places[key] { return place }
    places[key] = counts.count
    keys.append(key)
    counts.append(Counts())
    return counts.count - 1
  }

  mutating func add(line: Int32, start: Int64, end: Int64) {
    quarters[QuarterKey(line: line, quarter: Self.quarter(start)), default: (0, 0)].starts += 1
    quarters[QuarterKey(line: line, quarter: Self.quarter(end)), default: (0, 0)].ends += 1
  }

  private static func quarter(_ time: Int64) -> Int32 {
    let length = QuarterTotals.seconds * 1_000_000
    return Int32(clamping: time / length - (time % length < 0 ? 1 : 0))
  }

  /// In no order.
  public func quarterTotals(_ attributions: Attributions) -> [QuarterTotals] {
    quarters.map { key, counts in
      let line = attributions.lines[Int(key.line)]
      return QuarterTotals(
        contract: line.contract, module: line.module, scenario: line.scenario,
        quarter: Int(key.quarter), starts: Int(counts.starts), ends: Int(counts.ends))
    }
  }

  public mutating func merge(_ other: RivalTotals) {
    quarters.merge(other.quarters) { ($0.starts + $1.starts, $0.ends + $1.ends) }
    for (key, added) in zip(other.keys, other.counts) {
      update(key) { sum in
        if sum.steps.count < added.steps.count {
          sum.steps += [Int32](repeating: 0, count: added.steps.count - sum.steps.count)
        }
        for (index, step) in added.steps.enumerated() { sum.steps[index] += step }
        sum.slices += added.slices
        sum.calls += added.calls
        sum.otherDay += added.otherDay
      }
    }
  }

  /// In no order.
  public func dailyRivals(_ attributions: Attributions, _ terms: Terms) -> [DailyRivals] {
    zip(keys, counts).map { key, counts in
      let line = attributions.lines[Int(key.line)]
      var quantity = 0
      let timeouts = (0..<DailyRivals.minutesMax).map { index -> Int in
        if index < counts.steps.count { quantity += Int(counts.steps[index]) }
        return quantity
      }
      return DailyRivals(
        contract: line.contract, licensee: line.licensee,
        date: CivilDate(daysSinceEpoch: key.day), module: line.module, scenario: line.scenario,
        atTimeout: timeouts, slices: counts.slices, calls: counts.calls,
        countedOtherwise: counts.otherDay)
    }
  }
}

/// What a licensee's conversations of a module in a scenario on a day come to by other definitions.
public struct DailyRivals: Sendable, Hashable {
  /// An index into the contracts of ``Terms``.
  public var contract: Int
  public var licensee: String
  public var date: CivilDate
  public var module: String
  public var scenario: String
  /// Billable conversations at an idle timeout of 1, 2 … 1,440 minutes, all else being the contract's.
  public var atTimeout: [Int]
  /// Slices of the clock of 15 minutes in which an identity has a billable number of messages.
  public var slices: Int
  /// Successful calls, duplicates and ignored events left out.
  public var calls: Int
  /// Conversations of the contract's own rule, on the day of their last message where the rule says that of the
  /// first, and the other way round.
  public var countedOtherwise: Int

  /// 24 hours.
  public static let minutesMax = 1_440
}

/// Billable conversations of the contract's own rule by the quarter of an hour in which they begin and end, whatever
/// zone days are told in.
public struct QuarterTotals: Sendable, Hashable {
  /// An index into the contracts of ``Terms``.
  public var contract: Int
  public var module: String
  public var scenario: String
  /// Since 1970-01-01T00:00:00Z.
  public var quarter: Int
  public var starts: Int
  public var ends: Int

  public static let seconds: Int64 = 900
}

/// Counts the records of one identity after another by rival definitions.
///
/// Exact wherever a rule holds for all of a conversation; of one that spans a change of the rule, the rule of its first
/// message decides on its length and what is billable, and each record's own on what its failures do.
struct TimeoutSweep {
  /// A piece: records of an identity that are together at some timeouts.
  private struct Piece {
    /// Its first message that can begin a conversation; none where ``attribution`` is negative.
    var first: Int64 = 0
    var attribution: Int32 = -1
    /// Its last successful one.
    var last = Int64.min
    /// Messages that are neither opening nor closing events.
    var content: Int32 = 0
    /// How many whole minutes are shorter than the gap before it, and than the longest within it.
    var before: Int
    var within = 0
    /// Where its records begin in ``history``, and where the next piece's do.
    var start = 0
    var end = 0

    /// Adds the next record.
    @inline(__always)
    mutating func join(_ record: Past) {
      if record.attribution >= 0 && attribution < 0 {
        attribution = record.attribution
        first = record.time
      }
      if record.isSuccess { last = record.time }
      if record.isContent { content += 1 }
      end += 1
    }
  }

  /// A record of the present stretch, kept where conversations have a longest duration.
  private struct Past {
    var time: Int64
    /// Negative where it cannot begin a conversation: a failure, or a closing event.
    var attribution: Int32
    var isSuccess: Bool
    var isContent: Bool
  }

  private static let minute: Int64 = 60_000_000
  private static let slice: Int64 = 15 * minute
  private static let gapMax = DailyRivals.minutesMax

  private let order: MessageOrder
  private let keepsHistory: Bool
  private let countsQuarters: Bool
  private var zones: [ZoneCursor]
  private let days: ClosedRange<Int32>
  private(set) var totals = RivalTotals()

  private var pieces: [Piece] = []
  private var history: [Past] = []
  private var lastTime: Int64 = 0
  private var isCut = true
  /// The present slice: its number, first message and messages of content.
  private var sliceNumber = Int64.min
  private var sliceFirst: (time: Int64, attribution: Int32)?
  private var sliceContent: Int32 = 0

  init(order: MessageOrder, terms: Terms, counting: RivalCounting) {
    self.order = order
    countsQuarters = counting == .timeoutsAndQuarters
    keepsHistory = terms.rules.contains { $0.maxDuration != nil }
    zones = terms.contracts.map { ZoneCursor($0.zone) }
    days = terms.reportedDays
  }

  /// Takes the next record of the present identity, no duplicate and no item.
  mutating func take(_ message: MessageReference) {
    let entry = order.entry(message)
    let time = message.time
    let isSuccess = message.isSuccess
    guard isSuccess || order.attributions.timing(entry).failuresExtend else { return }
    let role = entry.role
    let gap = time &- lastTime
    if isCut || role == .open && isSuccess || gap > Int64(Self.gapMax) * Self.minute {
      endStretch()
    }
    let minutes = pieces.isEmpty ? Self.gapMax : max(0, Int((gap &- 1) / Self.minute))
    let attribution = Int32(message.attribution)
    let record = Past(
      time: time, attribution: isSuccess && role != .close ? attribution : -1,
      isSuccess: isSuccess, isContent: isSuccess && role == .message)
    // What follows within a minute is together at every timeout.
    if minutes > 0 { push(Piece(before: minutes)) }
    pieces[pieces.count - 1].join(record)
    if keepsHistory { history.append(record) }
    lastTime = time
    isCut = isSuccess && role == .close
    guard isSuccess else { return }
    let day = zones[Int(entry.contract)].day(of: Instant(microseconds: time))
    if days.contains(day.date.daysSinceEpoch) {
      totals.update(LineTotals.Key(line: entry.line, day: day.date.daysSinceEpoch)) {
        $0.calls += 1
      }
    }
    takeSlice(time, attribution, day.offsetSeconds, isContent: record.isContent)
  }

  /// Ends the present identity, since records of another follow or none at all.
  mutating func endIdentity() {
    endStretch()
    endSlice()
    isCut = true
  }

  /// Counts a conversation of the contract's own rule on the day that it does not say.
  mutating func take(_ conversation: Conversation) {
    let entry = order.entry(conversation.first)
    let rule = order.attributions.rules[Int(entry.rule)]
    guard conversation.contentMessages >= rule.minMessages else { return }
    if countsQuarters {
      totals.add(line: entry.line, start: conversation.startTime, end: conversation.lastTime)
    }
    let time = rule.countedIn == .start ? conversation.lastTime : conversation.startTime
    if let key = key(Int32(conversation.first.attribution), time) {
      totals.update(key) { $0.otherDay += 1 }
    }
  }

  private mutating func key(_ attribution: Int32, _ time: Int64) -> LineTotals.Key? {
    let entry = order.attributions.entry(Int(attribution))
    let day = zones[Int(entry.contract)].day(of: Instant(microseconds: time)).date.daysSinceEpoch
    return days.contains(day) ? LineTotals.Key(line: entry.line, day: day) : nil
  }

  // MARK: - Pieces

  /// Puts an empty piece on top.
  private mutating func push(_ piece: Piece) {
    settle(upTo: piece.before)
    var piece = piece
    piece.start = pieces.last?.end ?? 0
    piece.end = piece.start
    pieces.append(piece)
  }

  /// Lets pieces join whose gaps are no longer than the one that follows, and counts each as it was before.
  private mutating func settle(upTo after: Int) {
    while let top = pieces.last {
      count(top, until: min(top.before, after))
      guard top.before <= after, pieces.count > 1 else { return }
      pieces.removeLast()
      let left = pieces.count - 1
      if pieces[left].attribution < 0 {
        pieces[left].attribution = top.attribution
        pieces[left].first = top.first
      }
      pieces[left].last = max(pieces[left].last, top.last)
      pieces[left].content += top.content
      pieces[left].within = top.before
      pieces[left].end = top.end
    }
  }

  /// Ends what follows each other without an event between that ends or starts a conversation.
  private mutating func endStretch() {
    if !pieces.isEmpty { settle(upTo: Self.gapMax) }
    pieces.removeAll(keepingCapacity: true)
    history.removeAll(keepingCapacity: history.count < 4_096)
  }

  /// Counts a piece for the timeouts at which it exists: from one minute more than are shorter than the longest
  /// gap within it up to as many as are shorter than the shorter one at its ends.
  private mutating func count(_ piece: Piece, until: Int) {
    guard piece.within < until, piece.attribution >= 0 else { return }
    let rule = rule(of: piece.attribution)
    if let longest = rule.maxDuration?.microseconds, piece.last - piece.first > longest {
      countParts(piece, until)
      return
    }
    guard Int(piece.content) >= rule.minMessages else { return }
    add(piece.attribution, rule.countedIn == .start ? piece.first : piece.last, piece.within, until)
  }

  private func rule(of attribution: Int32) -> ConversationRule {
    order.attributions.rules[Int(order.attributions.entry(Int(attribution)).rule)]
  }

  private mutating func add(_ attribution: Int32, _ time: Int64, _ from: Int, _ until: Int) {
    guard let key = key(attribution, time) else { return }
    totals.update(key) { counts in
      let last = until < Self.gapMax ? until : from
      if counts.steps.count <= last {
        counts.steps += [Int32](repeating: 0, count: last + 1 - counts.steps.count)
      }
      counts.steps[from] += 1
      if until < Self.gapMax { counts.steps[until] -= 1 }
    }
  }

  /// Counts a piece that is longer than a conversation may be, in as many as that makes.
  private mutating func countParts(_ piece: Piece, _ until: Int) {
    var index = piece.start
    while index < piece.end {
      let first = history[index]
      guard first.attribution >= 0 else {
        index += 1
        continue
      }
      let rule = rule(of: first.attribution)
      let longest = rule.maxDuration?.microseconds ?? .max
      var last = first.time
      var content = 0
      while index < piece.end {
        let record = history[index]
        if record.isSuccess {
          if record.time - first.time > longest { break }
          last = record.time
          if record.isContent { content += 1 }
        }
        index += 1
      }
      if content >= rule.minMessages {
        add(first.attribution, rule.countedIn == .start ? first.time : last, piece.within, until)
      }
    }
  }

  // MARK: - Slices

  private mutating func takeSlice(
    _ time: Int64, _ attribution: Int32, _ offsetSeconds: Int64, isContent: Bool
  ) {
    let local = time + 1_000_000 * offsetSeconds
    let number = (local / Self.slice) - (local % Self.slice < 0 ? 1 : 0)
    if number != sliceNumber {
      endSlice()
      sliceNumber = number
      sliceFirst = (time, attribution)
    }
    if isContent { sliceContent += 1 }
  }

  private mutating func endSlice() {
    let content = Int(sliceContent)
    sliceContent = 0
    sliceNumber = .min
    guard let first = sliceFirst.take(), content >= rule(of: first.attribution).minMessages,
      let key = key(first.attribution, first.time)
    else { return }
    totals.update(key) { $0.slices += 1 }
  }
}
