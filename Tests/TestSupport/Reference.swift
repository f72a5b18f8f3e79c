// Counting again, as plainly as it can be said: lists, dictionaries and loops over the records that a
// test wrote, one rule of `docs/counting.md` after another. Nothing here knows of threads, hashes,
// blocks or memory; nothing of the counting modules is used but the values of contract and zone.

internal import CivilTime
public import Contracts
internal import Counting
internal import Foundation

/// Counts a log slowly.
public struct Reference {
  /// `nil`: every licensee is counted by the first contract.
  private let isWithoutFile: Bool
  private let contracts: [Contract]
  private var counted = Counted()
  private var totals: [[String]: [Int]] = [:]
  /// When the newest file was written, in microseconds since 1970; `nil`: after all records.
  private let writtenAt: Int64?

  /// - Parameters:
  ///   - isWithoutFile: whether each licensee is its own contract, by the only one given.
  ///   - writtenAt: when the newest file was written, in microseconds since 1970; `nil`: after
  ///     all records.
  public init(contracts: [Contract], isWithoutFile: Bool, writtenAt: Int64? = nil) {
    self.writtenAt = writtenAt
    self.contracts = contracts
    self.isWithoutFile = isWithoutFile
  }

  fileprivate struct Call {
    var record: LogRecord
    var contract: Contract
    var contractIndex: Int
    var rule: ConversationRule
    var licensee: String
    var module: String
    var scenario: String
    var app: String
    var event: String
    var meter: Meter
    var isSuccess: Bool
    var place: PlacedLine
    var isDuplicate = false

    var names: [String] { [licensee, module, scenario, app, event] }
    var isOpening: Bool { rule.startsOn.contains(event) }
    var isClosing: Bool { rule.endsOn.contains(event) }
  }

  /// Names that read the same are the same (Unicode's canonical equivalence).
  private static func name(_ bytes: [UInt8]) -> String {
    String(decoding: bytes, as: UTF8.self).precomposedStringWithCanonicalMapping
  }

  public mutating func count(_ lines: [PlacedLine], fileNames: [String]) -> Counted {
    var calls: [Call] = []
    var inputEnd = Int64.min
    for placed in lines {
      counted.balance.lines += 1
      switch placed.line.meaning {
      case .blank: counted.balance.blank += 1
      case .bad: counted.balance.quarantined += 1
      case .record(let record) where isAbsurd(record.time): counted.balance.quarantined += 1
      case .record(let record):
        inputEnd = max(inputEnd, record.time)
        if let call = classify(record, placed) { calls.append(call) }
      }
    }
    calls.sort { Self.comes($0, before: $1) }
    markDuplicates(&calls)
    for call in calls where call.isDuplicate {
      counted.balance.duplicates += 1
      add(3, 1, call, at: call.record.time)
    }
    let kept = calls.filter { !$0.isDuplicate }
    for call in kept where call.meter == .item { countItem(call, fileNames) }
    let identities = Dictionary(grouping: kept.filter { $0.meter == .conversation }) {
      Self.identity($0)
    }
    for calls in identities.values { countIdentity(calls, inputEnd, fileNames) }
    counted.totals = totals.map { key, values in
      Array((key + values.map { "\($0)" }).joined(separator: "\t").utf8)
    }.sorted { $0.lexicographicallyPrecedes($1) }
    return counted
  }

  /// Whether no call can have had this time: before 2000, or a day after all files.
  private func isAbsurd(_ time: Int64) -> Bool {
    let beginning = Int64(30 * 365 + 7) * 86_400_000_000
    if time < beginning { return true }
    if let writtenAt { return time - writtenAt > 86_400_000_000 }
    return false
  }

  // MARK: - Rules 2, 6 and the ignored events

  private mutating func classify(_ record: LogRecord, _ placed: PlacedLine) -> Call? {
    let licensee = Self.name(record.licensee)
    let instant = Instant(microseconds: record.time)
    guard let index = contractIndex(licensee, instant) else {
      counted.balance.outsideContract += 1
      return nil
    }
    let contract = contracts[index]
    let date = contract.zone.date(of: instant)
    var rule = contract.rules[0].rule
    for dated in contract.rules { if let from = dated.from, from <= date { rule = dated.rule } }
    let event = record.event.isEmpty ? "message" : Self.name(record.event)
    if rule.ignores.contains(event) {
      counted.balance.ignored += 1
      return nil
    }
    let module = Self.name(record.module)
    var meter = Meter.conversation
    // Out of the term, what held on its nearest day goes on.
    var priced = date
    if let first = contract.term.firstDay, priced < first { priced = first }
    if let last = contract.term.lastDay, priced > last { priced = last }
    for price in contract.prices.reversed() where price.module == module {
      let hasBegun = price.from.map { $0 <= priced } ?? true
      let hasNotEnded = price.to.map { priced <= $0 } ?? true
      if hasBegun && hasNotEnded { meter = price.meter }
    }
    if meter == .conversation {
      for field in rule.identity {
        let isMissing =
          switch field {
          case .user: record.user.isEmpty
          case .conversation: record.conversation.isEmpty
          case .module: record.module.isEmpty
          case .scenario: record.scenario.isEmpty
          case .app: record.app.isEmpty
          }
        if isMissing {
          counted.balance.unplaced += 1
          return nil
        }
      }
    }
    return Call(
      record: record, contract: contract, contractIndex: index, rule: rule, licensee: licensee,
      module: module, scenario: Self.name(record.scenario), app: Self.name(record.app),
      event: event, meter: meter,
      isSuccess: rule.successful.contains { $0.contains(record.status) }, place: placed)
  }

  private func contractIndex(_ licensee: String, _ instant: Instant) -> Int? {
    if isWithoutFile { return 0 }
    var own = contracts.indices.filter { contracts[$0].licensee.keys.contains(licensee) }
    own.sort {
      (contracts[$0].term.firstDay?.daysSinceEpoch ?? .min)
        < (contracts[$1].term.firstDay?.daysSinceEpoch ?? .min)
    }
    var found = own.first
    for index in own {
      let date = contracts[index].zone.date(of: instant)
      if let first = contracts[index].term.firstDay, first > date { continue }
      found = index
    }
    return found
  }

  // MARK: - Rule 4

  private static func comes(_ left: Call, before right: Call) -> Bool {
    if left.record.time != right.record.time { return left.record.time < right.record.time }
    func order(_ first: [UInt8], _ second: [UInt8]) -> Bool? {
      first == second ? nil : first.lexicographicallyPrecedes(second)
    }
    if let decided = order(left.record.request, right.record.request) { return decided }
    if left.names != right.names { return left.names.lexicographicallyPrecedes(right.names) }
    if left.isSuccess != right.isSuccess { return left.isSuccess }
    if let decided = order(left.record.conversation, right.record.conversation) { return decided }
    if left.record.items != right.record.items { return left.record.items < right.record.items }
    if let decided = order(left.record.user, right.record.user) { return decided }
    return (left.place.file, left.place.number) < (right.place.file, right.place.number)
  }

  // MARK: - Rule 5

  private mutating func markDuplicates(_ calls: inout [Call]) {
    var groups: [[[UInt8]]: [Int]] = [:]
    for index in calls.indices where !calls[index].record.request.isEmpty {
      let call = calls[index]
      groups[
        [Array(call.licensee.utf8), call.record.user, call.record.request], default: []
      ].append(index)
    }
    for indices in groups.values {
      var success: Int?
      var failure: Int?
      for index in indices {
        func isCovered(_ other: Int, by kept: Int) -> Bool {
          abs(calls[other].record.time - calls[kept].record.time)
            <= calls[kept].rule.dedupeWindow.microseconds
        }
        if let kept = success, isCovered(index, by: kept) {
          mark(index, kept, &calls)
        } else if calls[index].isSuccess {
          if let undecided = failure, isCovered(undecided, by: index) {
            mark(undecided, index, &calls)
          }
          failure = nil
          success = index
        } else if let kept = failure, isCovered(index, by: kept) {
          mark(index, kept, &calls)
        } else {
          failure = index
        }
      }
    }
  }

  private mutating func mark(_ duplicate: Int, _ kept: Int, _ calls: inout [Call]) {
    calls[duplicate].isDuplicate = true
    let left = calls[duplicate]
    let right = calls[kept]
    if left.names != right.names || left.record.items != right.record.items
      || left.record.conversation != right.record.conversation
    {
      counted.balance.conflicts += 1
    }
  }

  // MARK: - Rules 7 to 10

  private static func identity(_ call: Call) -> [[UInt8]] {
    var key = [Array("\(call.contractIndex)".utf8), Array(call.licensee.utf8)]
    for field in IdentityField.allCases where call.rule.identity.contains(field) {
      key.append(Array(field.rawValue.utf8))
      switch field {
      case .user: key.append(call.record.user)
      case .conversation: key.append(call.record.conversation)
      case .module: key.append(Array(call.module.utf8))
      case .scenario: key.append(Array(call.scenario.utf8))
      case .app: key.append(Array(call.app.utf8))
      }
    }
    return key
  }

  private struct Talk {
    var first: Call
    var last: Int64
    var activity: Int64
    var messages = 1
    var content = 0
    var failed = 0
    var isClosed = false
  }

  private mutating func countIdentity(
    _ calls: [Call], _ inputEnd: Int64, _ fileNames: [String]
  ) {
    var talk: Talk?
    for call in calls {
      let time = call.record.time
      guard call.isSuccess else {
        counted.balance.failed += 1
        if var current = talk, time - current.activity <= current.first.idle {
          current.failed += 1
          if current.first.rule.failedMessages == .extend && !current.isClosed {
            current.activity = time
          }
          talk = current
        } else {
          add(2, 1, call, at: time)
        }
        continue
      }
      var reason: String?
      if let current = talk {
        if current.isClosed {
          reason = "close"
        } else if time - current.activity > current.first.idle {
          reason = "idle"
        } else if call.isOpening {
          reason = "open"
        } else if let longest = current.first.rule.maxDuration,
          time - current.first.record.time > longest.microseconds
        {
          reason = "max_duration"
        }
      }
      if call.isClosing && (talk == nil || reason != nil) {
        counted.balance.ignored += 1
        continue
      }
      counted.balance.messages += 1
      let content = call.isOpening || call.isClosing ? 0 : 1
      if let current = talk, let reason {
        end(current, reason, fileNames)
        talk = nil
      }
      if var current = talk {
        current.last = time
        current.activity = time
        current.messages += 1
        current.content += content
        current.isClosed = call.isClosing
        talk = current
      } else {
        talk = Talk(first: call, last: time, activity: time, content: content)
      }
    }
    guard let current = talk else { return }
    let isOpen = inputEnd - current.activity <= current.first.idle
    end(current, current.isClosed ? "close" : isOpen ? "still_open" : "idle", fileNames)
  }

  private mutating func end(_ talk: Talk, _ reason: String, _ fileNames: [String]) {
    let call = talk.first
    let isBillable = talk.content >= call.rule.minMessages
    let date = call.rule.countedIn == .start ? call.record.time : talk.last
    add(0, isBillable ? 1 : 0, call, at: date)
    add(1, talk.messages, call, at: date)
    add(2, talk.failed, call, at: date)
    row(
      call, at: date, quantity: isBillable ? 1 : 0, end: talk.last, reason: reason,
      messages: talk.messages, failed: talk.failed,
      notBillable: isBillable
        ? "" : talk.content == 0 ? "only_opened_and_closed" : "fewer_than_min_messages", fileNames)
  }

  // MARK: - Rule 11

  private mutating func countItem(_ call: Call, _ fileNames: [String]) {
    guard call.isSuccess else {
      counted.balance.failed += 1
      add(2, 1, call, at: call.record.time)
      return
    }
    counted.balance.items += 1
    add(0, call.record.items, call, at: call.record.time)
    add(1, 1, call, at: call.record.time)
    row(
      call, at: call.record.time, quantity: call.record.items, end: call.record.time, reason: "",
      messages: 1, failed: 0, notBillable: "", fileNames)
  }

  // MARK: - Output

  private mutating func add(_ column: Int, _ number: Int, _ call: Call, at time: Int64) {
    let date = call.contract.zone.date(of: Instant(microseconds: time))
    let key = [
      call.contract.number, call.licensee, date.description, call.module, call.scenario,
      call.meter.rawValue,
    ]
    totals[key, default: [0, 0, 0, 0]][column] += number
  }

  private mutating func row(
    _ call: Call, at time: Int64, quantity: Int, end: Int64, reason: String, messages: Int,
    failed: Int, notBillable: String, _ fileNames: [String]
  ) {
    let text = RowText(
      contract: call.contract.number, licensee: call.licensee,
      date: call.contract.zone.date(of: Instant(microseconds: time)), module: call.module,
      scenario: call.scenario, app: call.app, meter: call.meter, quantity: quantity,
      user: call.record.user, conversation: call.record.conversation,
      startedAt: call.record.time, endedAt: end, endedBy: reason, messages: messages,
      failed: failed, notBillable: notBillable)
    counted.rows.append(
      Counted.Row(
        text: text.bytes, source: "\(fileNames[call.place.file]):\(call.place.number)"))
  }
}

extension Reference.Call {
  fileprivate var idle: Int64 { rule.idleTimeout.microseconds }
}
