internal import CivilTime
internal import Contracts
internal import Counting
internal import Foundation
internal import Metering
internal import Parsing

/// Where a record stands, in a file that outlives its log's name: the number of the log among the result's
/// logs, block and line in the block, from 0.
struct StoredSource: Codable, Hashable {
  var log: Int
  var block: Int
  var line: Int

  init(log: Int, block: Int, line: Int) {
    self.log = log
    self.block = block
    self.line = line
  }

  // As an array, since there are many.
  init(from decoder: any Decoder) throws {
    var values = try decoder.unkeyedContainer()
    log = try values.decode(Int.self)
    block = try values.decode(Int.self)
    line = try values.decode(Int.self)
  }

  func encode(to encoder: any Encoder) throws {
    var values = encoder.unkeyedContainer()
    try values.encode(log)
    try values.encode(block)
    try values.encode(line)
  }
}

/// What one UTC day came to, but for its units: JSON with its keys in order.
struct DayResult: Codable {
  /// Something of a day in a contract's zone, in days since 1970.
  struct Entry<Key: Codable, Value: Codable>: Codable {
    var day: Int32
    var key: Key
    var value: Value
  }

  /// How much of something there was.
  struct Count: Codable {
    struct Evidence: Codable {
      var time: Int64
      var source: StoredSource
    }
    var records: Int
    var first: Int64
    var last: Int64
    var evidence: [Evidence]
  }

  struct Sources: Codable {
    var total: Int
    var first: [StoredSource]
  }

  /// To whom and what units are charged.
  struct Charge: Codable {
    var contract: String
    var rule: Int
    var meter: String
    var role: UInt8
    var licensee: String
    var module: String
    var scenario: String
    var app: String
    var event: String
  }

  struct TotalKey: Codable {
    var contract: String
    var licensee: String
    var module: String
    var scenario: String
    var meter: String
  }

  struct Total: Codable {
    var quantity: Int
    var messages: Int
    var failedMessages: Int
    var duplicates: Int
  }

  /// What was counted, for good or provisionally.
  struct Counted: Codable {
    var messages: Int
    var items: Int
    var ignored: Int
    var failed: Int
    var duplicates: Int
    var conflicts: Int
    var conflictSources: [StoredSource]
    var totals: [Entry<TotalKey, Total>]
    var units: [Entry<UseKey, Int>]
  }

  /// SHA-256 of the logs' texts, which sources speak of by number.
  var logs: [String]
  /// What units speak of by number.
  var charges: [Charge]
  /// Records of the day's own logs.
  var records: Int
  /// Records that were carried over from the day before, and to the next one, to be counted there.
  var carriedIn: Int
  var carriedOut: Int
  var ignored: Int
  var outside: [Entry<String, Count>]
  var unplaced: [Entry<UsageOwner, Sources>]
  var uses: [Entry<UseKey, Count>]
  var places: [Entry<UnlistedPlaceKey, Count>]
  var counted: Counted
  var provisional: Counted

  /// The days, in the contracts' zones, that it has something of; units are of no others.
  var dates: ClosedRange<CivilDate>? {
    func days<Key, Value>(_ entries: [Entry<Key, Value>]) -> [Int32] { entries.map(\.day) }
    let all =
      days(outside) + days(unplaced) + days(uses) + days(places)
      + [counted, provisional].flatMap { days($0.totals) + days($0.units) }
    guard let first = all.min(), let last = all.max() else { return nil }
    return CivilDate(daysSinceEpoch: first)...CivilDate(daysSinceEpoch: last)
  }

  static func read(_ bytes: [UInt8]) throws -> DayResult {
    try JSONDecoder().decode(DayResult.self, from: Data(bytes))
  }

  func bytes() throws -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return Array(try encoder.encode(self))
  }
}

// MARK: - From what was counted

extension DayResult {
  /// - Parameters:
  ///   - records: of the day's own logs.
  ///   - carried: records that were carried over from the day before, and to the next one, to be counted there.
  init(
    _ outcome: DayOutcome, _ terms: Terms, _ numbers: LogNumbers, records: Int,
    carried: (in: Int, out: Int)
  ) {
    func stored(_ source: UInt64) -> StoredSource {
      let parts = Source.parts(of: source)
      return StoredSource(log: parts.file, block: parts.block, line: parts.line)
    }
    func count(_ use: UseCount) -> Count {
      let parts = use.parts
      return Count(
        records: parts.records, first: parts.first, last: parts.last,
        evidence: parts.evidence.map {
          Count.Evidence(time: $0.time, source: stored($0.source))
        })
    }
    func entries<Key: Orderable, Found, Value>(
      _ found: [Dated<Key>: Found], _ value: (Found) -> Value
    ) -> [Entry<Key, Value>] {
      found.map { Entry(day: $0.key.day, key: $0.key.key, value: value($0.value)) }
        .sorted { left, right in
          left.day == right.day
            ? left.key.words.lexicographicallyPrecedes(right.key.words) : left.day < right.day
        }
    }
    func counted(_ summary: ReduceSummary) -> Counted {
      let balance = summary.balance
      var totals: [Dated<TotalKey>: Total] = [:]
      for total in summary.totals.dailyTotals(outcome.attributions, terms) {
        let key = TotalKey(
          contract: total.contract, licensee: total.licensee, module: total.module,
          scenario: total.scenario, meter: total.meter.rawValue)
        totals[Dated(key, day: total.date.daysSinceEpoch)] = Total(
          quantity: total.quantity, messages: total.messages,
          failedMessages: total.failedMessages, duplicates: total.duplicates)
      }
      return Counted(
        messages: balance.messages, items: balance.items, ignored: balance.ignored,
        failed: balance.failed, duplicates: balance.duplicates, conflicts: balance.conflicts,
        conflictSources: summary.conflicts.numbers.map(stored),
        totals: entries(totals) { $0 }, units: entries(summary.units) { $0 })
    }
    let map = outcome.map
    logs = numbers.logs.map(\.digest)
    charges = outcome.attributions.ranked.map { Charge($0, terms) }
    self.records = records
    carriedIn = carried.in
    carriedOut = carried.out
    ignored = map.balance.ignored
    outside = entries(map.outside, count)
    unplaced = entries(map.unplaced) { Sources(total: $0.total, first: $0.numbers.map(stored)) }
    uses = entries(map.uses, count)
    places = entries(map.places, count)
    self.counted = counted(outcome.counted)
    provisional = counted(outcome.provisional)
  }
}

extension DayResult.Charge {
  init(_ attribution: Attribution, _ terms: Terms) {
    self.init(
      contract: terms.contracts[attribution.contract].number, rule: attribution.rule,
      meter: attribution.meter.rawValue, role: attribution.role.rawValue,
      licensee: attribution.licensee, module: attribution.module, scenario: attribution.scenario,
      app: attribution.app, event: attribution.event)
  }

  /// - Parameter contracts: contracts' places among the terms' by their numbers.
  func attribution(_ contracts: [String: Int]) -> Attribution {
    Attribution(
      contract: contracts[contract] ?? 0, rule: rule,
      meter: Meter(rawValue: meter) ?? .conversation,
      role: Attribution.Role(rawValue: role) ?? .message, licensee: licensee, module: module,
      scenario: scenario, app: app, event: event)
  }
}

/// What has an order by its words.
private protocol Orderable: Sendable, Hashable, Codable {
  var words: [String] { get }
}

extension String: Orderable {
  fileprivate var words: [String] { [self] }
}

extension UsageOwner: Orderable {
  fileprivate var words: [String] { [contract, licensee] }
}

extension UseKey: Orderable {
  fileprivate var words: [String] { [contract, licensee, module, scenario, app, "\(term)"] }
}

extension UnlistedPlaceKey: Orderable {
  fileprivate var words: [String] { [contract, licensee, module, app, "\(kind)", place] }
}

extension DayResult.TotalKey: Orderable {
  fileprivate var words: [String] { [contract, licensee, module, scenario, meter] }
}
