package import CivilTime
internal import Contracts
internal import Counting
internal import Foundation
internal import Ledger

/// The months that are closed, and what late logs change in them.
///
/// A closed month's figures stay. What an open count says now less what was frozen and booked before is booked
/// as adjustments in the first open month, so that frozen figures and adjustments always add up to the open
/// count. Late logs are taken in one by one in the order of their names, so that each adjustment has one cause.
struct ClosedMonths {
  /// Why an adjustment came to be.
  enum Cause: String {
    /// A log with records of the month came after it was closed.
    case lateLog = "late_log"
    /// A log that was known in part came as a whole.
    case grownLog = "grown_log"
    /// A contract that was not there when the month was closed takes records of it.
    case addedContract = "added_contract"
    /// What follows in later logs, where the month was closed before its last conversations were over.
    case laterRecords = "later_records"
  }

  private(set) var periods: [ClosedPeriod]
  private let workspace: Workspace
  /// What was frozen and booked so far, of the months that were asked for.
  private var booked: [CivilMonth: FrozenTotals] = [:]
  private let adjustments: [Adjustment]
  /// What each day had something of when this was made, or when something was last booked.
  private var dates: [CivilDate: ClosedRange<CivilDate>] = [:]
  /// Days' results that were read before, by their hashes.
  private var results: [ContentHash: DayResult] = [:]

  init(_ state: LedgerSnapshot, _ workspace: Workspace) throws {
    let periods = try state.closedPeriods()
    self.init(periods, try periods.isEmpty ? [] : state.adjustments(), workspace)
    dates = try periods.isEmpty ? [:] : state.datesOfDays()
  }

  init(_ periods: [ClosedPeriod], _ adjustments: [Adjustment], _ workspace: Workspace) {
    self.workspace = workspace
    self.periods = periods
    self.adjustments = adjustments
  }

  /// What was frozen of a closed month, and booked for it since.
  func total(of period: ClosedPeriod) throws -> FrozenTotals {
    if let known = booked[period.month] { return known }
    var totals = try FrozenTotals(json: period.totals)
    for adjustment in adjustments where adjustment.closed == period.month {
      totals.add(adjustment)
    }
    return totals
  }

  var last: CivilMonth? { periods.last?.month }

  /// Whether a log has records of days that a closed month may have something of.
  func mayChange(by days: some Sequence<CivilDate>) -> Bool {
    guard let last else { return false }
    // A date can begin a day before, and end a day after it does in UTC.
    return days.contains { $0 <= last.last + 1 }
  }

  /// Refuses terms by which a closed month would come to something else.
  func check(_ contracts: [Contract]) throws(ClosedTermsError) {
    for period in periods {
      for (number, text) in period.terms.sorted(by: { $0.key < $1.key }) {
        let contract = contracts.first { $0.number == number }
        if contract?.closedText(upTo: period.month.last) == text { continue }
        throw ClosedTermsError(
          contract: number, path: contract?.path, month: period.month)
      }
    }
  }

  /// Books what has changed in closed months since they were frozen, or since the last call.
  ///
  /// - Parameters:
  ///   - days: those that were counted anew.
  ///   - log: what changed them; `nil` where it is no single one.
  mutating func book(
    _ cause: Cause, log: (name: String, textDigest: ContentHash)?, days: [CivilDate],
    _ transaction: LedgerTransaction
  ) throws -> [Adjustment] {
    guard let last else { return [] }
    // A day that is counted anew, or is gone, may have had something of a month, or have it now.
    let now = try transaction.state.datesOfDays()
    let changed = Set(days).union(dates.keys.filter { now[$0] == nil })
    let touched = changed.flatMap { [dates[$0], now[$0]].compactMap { $0 } }
    dates = now
    try addMonths(of: now.values, transaction)
    var adjustments: [Adjustment] = []
    var built: [Day] = []
    for period in periods {
      let range = period.month.first...period.month.last
      guard touched.contains(where: { $0.overlaps(range) }) else { continue }
      if built.isEmpty { built = try transaction.state.days() }
      let open = try FrozenTotals(built, range) { day in
        if let known = results[day.result.sha256] { return known }
        let result = try DayResult.read(workspace.content(of: day.result))
        results[day.result.sha256] = result
        return result
      }
      let before = try total(of: period)
      for (key, change) in open.changes(from: before) {
        let adjustment = Adjustment(
          contract: key.contract, licensee: key.licensee, closed: period.month, booked: last.next,
          date: CivilDate(daysSinceEpoch: key.date), module: key.module, scenario: key.scenario,
          unit: key.unit, quantity: change.quantity, messages: change.messages,
          failedMessages: change.failedMessages, duplicates: change.duplicates,
          cause: cause.rawValue, log: log)
        try transaction.book(adjustment)
        adjustments.append(adjustment)
      }
      booked[period.month] = open
    }
    return adjustments
  }
}

extension ClosedMonths {
  /// A month before one that is closed is closed too: where something comes of one that had nothing so far, all of
  /// it is an adjustment.
  private mutating func addMonths(
    of dates: some Sequence<ClosedRange<CivilDate>>, _ transaction: LedgerTransaction
  ) throws {
    guard let last else { return }
    let known = Set(periods.map(\.month))
    for month in CivilMonth.all(of: dates)
    where month < last && !known.contains(month) {
      let period = ClosedPeriod(
        month: month, closedAt: transaction.now, closedBy: "", terms: [:],
        totals: try FrozenTotals().json(), reports: [:], days: [])
      try transaction.close(period)
      periods.append(period)
    }
    periods.sort { $0.month < $1.month }
  }
}

extension CivilMonth {
  /// The months that ranges of dates touch, ascending.
  static func all(of ranges: some Sequence<ClosedRange<CivilDate>>) -> [CivilMonth] {
    var months: Set<CivilMonth> = []
    for range in ranges {
      var month = range.lowerBound.month
      while month.first <= range.upperBound {
        months.insert(month)
        month = month.next
      }
    }
    return months.sorted()
  }
}

/// The totals of a month, as they are kept when it is closed.
struct FrozenTotals: Codable {
  struct Key: Codable, Hashable {
    var contract: String
    var licensee: String
    var date: Int32
    var module: String
    var scenario: String
    var unit: String

    /// For people.
    var text: String {
      "contract \(contract), licensee \(licensee), \(CivilDate(daysSinceEpoch: date)), module \(module), "
        + (scenario.isEmpty ? "" : "scenario \(scenario), ") + unit
    }

    fileprivate var words: [String] {
      [contract, licensee, "\(10_000_000 + Int(date))", module, scenario, unit]
    }
  }

  struct Counts: Codable, Hashable {
    var quantity = 0
    var messages = 0
    var failedMessages = 0
    var duplicates = 0

    /// For people.
    var text: String {
      "\(quantity) units, \(messages) messages, \(failedMessages) failed, \(duplicates) duplicates"
    }

    static func + (left: Counts, right: Counts) -> Counts {
      Counts(
        quantity: left.quantity + right.quantity, messages: left.messages + right.messages,
        failedMessages: left.failedMessages + right.failedMessages,
        duplicates: left.duplicates + right.duplicates)
    }

    static func - (left: Counts, right: Counts) -> Counts {
      Counts(
        quantity: left.quantity - right.quantity, messages: left.messages - right.messages,
        failedMessages: left.failedMessages - right.failedMessages,
        duplicates: left.duplicates - right.duplicates)
    }
  }

  private struct Row: Codable {
    var key: Key
    var counts: Counts
  }

  private(set) var counts: [Key: Counts] = [:]

  init() {}

  /// What days come to on the dates of a range.
  ///
  /// - Parameter read: gives a day's result.
  init(
    _ days: [Day], _ range: ClosedRange<CivilDate>, _ read: (Day) throws -> DayResult
  ) throws {
    let touched = days.filter { $0.dates?.overlaps(range) ?? false }
    try self.init(
      touched.map { (try read($0), isLast: $0.day == days.last?.day) }, range)
  }

  /// What results come to on the dates of a range; the provisional part of the last day's counts, too.
  init(_ results: [(DayResult, isLast: Bool)], _ range: ClosedRange<CivilDate>) throws {
    for (result, isLast) in results {
      for counted in isLast ? [result.counted, result.provisional] : [result.counted] {
        for entry in counted.totals where range.contains(CivilDate(daysSinceEpoch: entry.day)) {
          let key = Key(
            contract: entry.key.contract, licensee: entry.key.licensee, date: entry.day,
            module: entry.key.module, scenario: entry.key.scenario, unit: entry.key.meter)
          let value = entry.value
          counts[key, default: Counts()] =
            counts[key, default: Counts()]
            + Counts(
              quantity: value.quantity, messages: value.messages,
              failedMessages: value.failedMessages, duplicates: value.duplicates)
        }
      }
    }
  }

  subscript(_ key: Key) -> Counts { counts[key] ?? Counts() }

  mutating func add(_ adjustment: Adjustment) {
    let key = Key(
      contract: adjustment.contract, licensee: adjustment.licensee,
      date: adjustment.date.daysSinceEpoch, module: adjustment.module,
      scenario: adjustment.scenario, unit: adjustment.unit)
    counts[key, default: Counts()] =
      counts[key, default: Counts()]
      + Counts(
        quantity: adjustment.quantity, messages: adjustment.messages,
        failedMessages: adjustment.failedMessages, duplicates: adjustment.duplicates)
  }

  /// What is not as it was before, in a stated order.
  func changes(from before: FrozenTotals) -> [(key: Key, change: Counts)] {
    Set(counts.keys).union(before.counts.keys)
      .map { ($0, (counts[$0] ?? Counts()) - (before.counts[$0] ?? Counts())) }
      .filter { $0.1 != Counts() }
      .sorted { $0.0.words.lexicographicallyPrecedes($1.0.words) }
  }

  init(json: String) throws {
    let rows = try JSONDecoder().decode([Row].self, from: Data(json.utf8))
    counts = Dictionary(rows.map { ($0.key, $0.counts) }) { $0 + $1 }
  }

  /// With its rows and keys in order.
  func json() throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    let rows = counts.sorted { $0.key.words.lexicographicallyPrecedes($1.key.words) }
      .map { Row(key: $0.key, counts: $0.value) }
    return String(decoding: try encoder.encode(rows), as: UTF8.self)
  }
}

/// A contract whose terms for a closed month are not those that it was closed by.
package struct ClosedTermsError: Error, CustomStringConvertible {
  package var contract: String
  /// `nil` where the pipeline does not have it any more.
  package var path: String?
  package var month: CivilMonth

  package var description: String {
    let what =
      path.map {
        "\($0): contract \(contract) says something else of \(month) than when that month was closed (its "
          + "keys, zone, term, rules or prices); restore it, give what is new a later date ('from'), or"
      }
      ?? "contract \(contract), by which \(month) was closed, is not among the contracts; name it, or"
    return what + " open the month again with 'duizhang close --reopen'"
  }
}
