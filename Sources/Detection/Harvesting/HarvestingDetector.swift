internal import Shuffling

/// Looks for users who ask much and hardly anything twice.
///
/// The first calls of a user's day are only noted: of the most users there are no more, and nothing
/// is made of them. Questions of the others are counted one by one, up to ``SeenHashes/entriesMaxUsual``
/// different ones, and from a sample of them beyond. A call costs a look into a table that is as large
/// as the user's day, and an addition. What is kept between users is used again.
struct HarvestingDetector: UserDetector {
  /// A day with fewer calls says nothing about repeats.
  static let callsTallied = 16
  /// A user of fewer is no harvester's, or of more repeats than this share.
  private static let callsMin = 24
  private static let repeatsPerCalls = 10

  /// One of the first calls.
  private struct Early: BitwiseCopyable {
    var question: UInt64
    var time: Int64
    var source: UInt64
  }

  private let early = PlainTable(
    repeating: Early(question: 0, time: 0, source: 0), count: callsTallied)
  private var seen = SeenHashes<UInt32>()
  private let pauses = PlainTable<UInt32>(repeating: 0, count: Cadence.binsMax)
  /// The bins of which there are pauses: a bit each.
  private let pauseBins = PlainTable<UInt64>(repeating: 0, count: Cadence.binsMax / 64)
  private var mixed: [UInt64] = []
  private var calls = 0
  private var items = 0
  private var follows = 0
  private var lastTime: Int64 = 0
  private var lastConversation: UInt32 = 0
  private(set) var days: [HarvestingOfDay] = []

  init(places: [PlaceKey]) {}

  mutating func begin(_ user: ObservedUser) {
    while days.count <= user.day { days.append(HarvestingOfDay()) }
    guard calls > 0 else { return }
    if !seen.entries.isEmpty { seen.removeAll() }
    removePauses()
    calls = 0
    items = 0
    follows = 0
    lastConversation = 0
  }

  @inline(__always)
  mutating func take(_ call: ObservedCall) {
    guard Self.counts(call) else { return }
    note(conversation: call.conversation, isItem: call.isItem)
    if calls < Self.callsTallied {
      early[calls] = Early(question: call.question, time: call.time, source: call.source)
      calls += 1
      lastTime = call.time
      if calls == Self.callsTallied { countEarly() }
      return
    }
    calls += 1
    count(call.question, pause: call.time - lastTime)
    lastTime = call.time
  }

  @inline(__always)
  private func count(pause: Int64) {
    let bin = Cadence.bin(microseconds: pause)
    pauses[bin] += 1
    pauseBins[bin / 64] |= 1 << UInt64(bin % 64)
  }

  /// Calls `body` with each bin of which there are pauses, ascending.
  @inline(__always)
  private func forEachPauseBin(_ body: (Int) -> Void) {
    for index in pauseBins.indices {
      var bits = pauseBins[index]
      while bits != 0 {
        body(index * 64 + bits.trailingZeroBitCount)
        bits &= bits &- 1
      }
    }
  }

  private func removePauses() {
    forEachPauseBin { pauses[$0] = 0 }
    for index in pauseBins.indices { pauseBins[index] = 0 }
  }

  @inline(__always)
  private mutating func count(_ question: UInt64, pause: Int64) {
    count(pause: pause)
    if let (place, _) = seen.place(of: question, new: 0) { seen[place] += 1 }
  }

  @inline(never)
  private mutating func countEarly() {
    if let (place, _) = seen.place(of: early[0].question, new: 0) { seen[place] += 1 }
    for index in 1..<Self.callsTallied {
      count(early[index].question, pause: early[index].time - early[index - 1].time)
    }
  }

  mutating func end(_ user: ObservedUser) {
    guard calls >= Self.callsTallied, user.isNamed else { return }
    tally(user, pausesOf: nil)
  }

  /// Looks at all calls of a user's day behind `begin`, as `take` and `end` do, but for what only few of them need.
  mutating func takeAll(_ all: PlainTable<ObservedCall>, of user: ObservedUser) {
    guard user.isNamed else { return }
    for index in all.indices where Self.counts(all[index]) {
      if calls < Self.callsTallied {
        early[calls] = Early(
          question: all[index].question, time: all[index].time, source: all[index].source)
      }
      note(conversation: all[index].conversation, isItem: all[index].isItem)
      calls += 1
      if let (place, _) = seen.place(of: all[index].question, new: 0) { seen[place] += 1 }
    }
    guard calls >= Self.callsTallied else { return }
    tally(user, pausesOf: all)
  }

  @inline(__always)
  private static func counts(_ call: ObservedCall) -> Bool {
    call.isSuccess && call.question != 0 && !call.isDuplicate && !call.isEvent
  }

  @inline(__always)
  private mutating func note(conversation: UInt32, isItem: Bool) {
    if conversation != 0 && conversation == lastConversation && calls > 0 { follows += 1 }
    lastConversation = conversation
    if isItem { items += 1 }
  }

  /// - Parameter all: calls whose pauses are not counted yet, which is done where they are kept.
  @inline(never)
  private mutating func tally(_ user: ObservedUser, pausesOf all: PlainTable<ObservedCall>?) {
    // Where all were looked at, as many as have an entry were new.
    var repeats = calls - seen.entries.count
    if seen.level > 0 {
      // Else as many as those tell that were.
      var seenCalls = 0
      for entry in seen.entries { seenCalls += Int(entry.value) }
      guard seenCalls > 0 else { return }
      repeats = Int(
        (Double(seenCalls - seen.entries.count) / Double(seenCalls) * Double(calls)).rounded())
    }
    let level = 63 - UInt64(calls).leadingZeroBitCount
    let tally = RepeatTally(users: 1, calls: calls, repeats: repeats)
    days[user.day].add(tally, level: level, licensee: user.licensee)
    guard calls >= Self.callsMin, repeats * Self.repeatsPerCalls <= calls,
      days[user.day].rows.mayKeep(hash: user.hash)
    else { return }
    if let all { countPauses(all) }
    days[user.day].rows.add(row(tally, level), of: UserKey(user))
  }

  private func countPauses(_ all: PlainTable<ObservedCall>) {
    var last: Int64?
    for index in all.indices where Self.counts(all[index]) {
      let time = all[index].time
      if let last { count(pause: time - last) }
      last = time
    }
  }

  private mutating func row(_ tally: RepeatTally, _ level: Int) -> HarvestRow {
    var row = HarvestRow()
    row.calls = calls
    row.repeats = tally.repeats
    row.items = items
    row.follows = follows
    row.tallies.add(tally, level: level)
    row.pauses.reserve(pauseBins.reduce(0) { $0 + $1.nonzeroBitCount })
    forEachPauseBin { row.pauses.append(key: UInt64($0), count: Int(pauses[$0])) }
    if seen.level > 0 { row.limit = UInt64.max >> UInt64(min(63, seen.level)) }
    mixed.removeAll(keepingCapacity: true)
    for entry in seen.entries { mixed.append(Mixing.mixed(entry.hash)) }
    mixed.sort()
    // One more than are kept, so that it is known whether that is all.
    row.questions = SortedCounts(ascending: mixed.prefix(HarvestRow.questionsMax + 1))
    row.bound()
    row.showing = EvidenceLines(
      ascending: early.lazy.map { EvidenceLine(time: $0.time, source: $0.source) })
    return row
  }
}
