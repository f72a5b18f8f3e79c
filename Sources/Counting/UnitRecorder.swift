internal import CivilTime
internal import Contracts
internal import Shuffling

/// What a thread's reduce leaves beside the usage rows. Merges add up.
public struct ReduceSummary: Sendable {
  public var balance = Balance()
  public var totals = LineTotals()
  /// Billable units by day and by what the contracts' lists speak of.
  public var units: [Dated<UseKey>: Int] = [:]
  /// The first conflicting duplicates.
  public var conflicts = FirstSources()
  /// What other definitions come to, where that was asked for.
  public var rivals = RivalTotals()

  public init() {}

  public mutating func merge(_ other: ReduceSummary) {
    balance.merge(other.balance)
    totals.merge(other.totals)
    units.merge(other.units) { $0 + $1 }
    conflicts.merge(other.conflicts)
    rivals.merge(other.rivals)
  }
}

/// Records what a scan finds: totals, and rows of the usage detail where they are wanted.
struct UnitRecorder: ConversationSink {
  private let order: MessageOrder
  private let terms: Terms
  private let rows: ExternalSorter<UsageOrder>?
  private var zones: [ZoneCursor]
  private let days: ClosedRange<Int32>
  private var units: [UnitKey: Int] = [:]
  /// Counts by other definitions, where that is asked for.
  var sweep: TimeoutSweep?
  private(set) var summary = ReduceSummary()
  private(set) var failure: SpillError?

  private struct UnitKey: Hashable {
    var attribution: UInt32
    var term: TermPosition
    var day: Int32
  }

  init(
    order: MessageOrder, terms: Terms, rows: ExternalSorter<UsageOrder>?,
    rivals: RivalCounting? = nil
  ) {
    self.order = order
    sweep = rivals.map { TimeoutSweep(order: order, terms: terms, counting: $0) }
    self.terms = terms
    self.rows = rows
    zones = terms.contracts.map { ZoneCursor($0.zone) }
    days = terms.reportedDays
  }

  @inline(__always)
  private mutating func day(_ contract: Int32, _ time: Int64) -> Int32 {
    zones[Int(contract)].day(of: Instant(microseconds: time)).date.daysSinceEpoch
  }

  // MARK: - Conversations

  mutating func countMessage() { summary.balance.messages += 1 }

  mutating func countFailure() { summary.balance.failed += 1 }

  mutating func take(_ conversation: Conversation, ending: Ending) {
    sweep?.take(conversation)
    let first = conversation.first
    let entry = order.entry(first)
    let rule = order.attributions.rules[Int(entry.rule)]
    let isBillable = conversation.contentMessages >= rule.minMessages
    let notBillable: NotBillable =
      isBillable ? .no : conversation.contentMessages == 0 ? .onlyOpenedAndClosed : .tooFewMessages
    let countedTime = rule.countedIn == .start ? first.time : conversation.lastTime
    let day = day(entry.contract, countedTime)
    guard days.contains(day) else { return }
    let quantity = isBillable ? 1 : 0
    summary.totals.update(line: entry.line, day: day) {
      $0.quantity += quantity
      $0.messages += conversation.messages
      $0.failedMessages += conversation.failedMessages
    }
    countUnits(quantity, first, day)
    guard rows != nil else { return }
    append(
      first, day: day, quantity: UInt32(quantity), endedAt: conversation.lastTime,
      messages: conversation.messages, failedMessages: conversation.failedMessages,
      endingCode: ending.rawValue, notBillable: notBillable)
  }

  mutating func takeStrayFailure(_ message: MessageReference) {
    summary.balance.failed += 1
    let entry = order.entry(message)
    let day = day(entry.contract, message.time)
    guard days.contains(day) else { return }
    summary.totals.update(line: entry.line, day: day) {
      $0.failedMessages += 1
    }
  }

  mutating func takeStrayClose(_ message: MessageReference) { summary.balance.ignored += 1 }

  // MARK: - Items and duplicates

  /// A record of a module priced by item, no duplicate (rule 11).
  mutating func takeItem(_ message: MessageReference) {
    guard message.isSuccess else {
      takeStrayFailure(message)
      return
    }
    summary.balance.items += 1
    let entry = order.entry(message)
    let day = day(entry.contract, message.time)
    guard days.contains(day) else { return }
    summary.totals.update(line: entry.line, day: day) {
      $0.quantity += Int(message.items)
      $0.messages += 1
    }
    countUnits(Int(message.items), message, day)
    guard rows != nil else { return }
    append(
      message, day: day, quantity: message.items, endedAt: message.time, messages: 1,
      failedMessages: 0, endingCode: .max, notBillable: .no)
  }

  mutating func takeDuplicate(_ message: MessageReference) {
    summary.balance.duplicates += 1
    let entry = order.entry(message)
    let day = day(entry.contract, message.time)
    guard days.contains(day) else { return }
    summary.totals.update(line: entry.line, day: day) {
      $0.duplicates += 1
    }
  }

  mutating func takeConflict(_ duplicate: MessageReference) {
    summary.balance.conflicts += 1
    summary.conflicts.add(duplicate.source)
  }

  // MARK: - Output

  private mutating func countUnits(
    _ quantity: Int, _ first: MessageReference, _ day: Int32
  ) {
    guard terms.hasContracts else { return }
    let contract = Int(order.entry(first).contract)
    let term = terms.position(of: first.instant, inContract: contract)
    let key = UnitKey(attribution: UInt32(first.attribution), term: term, day: day)
    units[key, default: 0] += quantity
  }

  private mutating func append(
    _ first: MessageReference, day: Int32, quantity: UInt32, endedAt: Int64, messages: Int,
    failedMessages: Int, endingCode: UInt8, notBillable: NotBillable
  ) {
    let message = first.value
    let row = UsageRow(
      startedAt: message.time, endedAt: endedAt, user: message.user,
      conversation: message.conversation, source: message.source, quantity: quantity,
      messages: UInt32(clamping: messages), failedMessages: UInt32(clamping: failedMessages),
      tag: message.tag, day: day, endingCode: endingCode, notBillableCode: notBillable.rawValue)
    do throws(SpillError) {
      try rows?.append(row, textsIn: first.chunk)
    } catch {
      failure = failure ?? error
    }
  }

  /// The summary; to be called once, after the last unit.
  mutating func finish() -> ReduceSummary {
    if let sweep { summary.rivals = sweep.totals }
    for (key, quantity) in units {
      let attribution = order.attributions.all[Int(key.attribution)]
      let use = UseKey(
        contract: terms.contracts[attribution.contract].number, licensee: attribution.licensee,
        module: attribution.module, scenario: attribution.scenario, app: attribution.app,
        term: key.term)
      summary.units[Dated(use, day: key.day), default: 0] += quantity
    }
    return summary
  }
}
