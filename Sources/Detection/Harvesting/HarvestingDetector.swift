/// Looks for users who ask much and hardly anything twice.
///
/// Questions of a user's day are counted one by one, up to ``SeenHashes/entriesMax`` different ones,
/// and from a sample of them beyond. A call costs a look into a table that is as large as the user's
/// day, and an addition.
struct HarvestingDetector: UserDetector {
  /// A day with fewer calls says nothing about repeats.
  private static let callsTallied = 16
  /// A user of fewer is no harvester's, or of more repeats than this share.
  private static let callsMin = 24
  private static let repeatsPerCalls = 10

  private var seen = SeenHashes<UInt32>()
  private var pauses = [UInt32](repeating: 0, count: Cadence.binsMax)
  private var calls = 0
  private var items = 0
  private var follows = 0
  private var lastTime: Int64 = 0
  private var lastConversation: UInt32 = 0
  private var showing = EvidenceLines()
  private(set) var days: [HarvestingOfDay] = []

  init(places: [PlaceKey]) {}

  mutating func begin(_ user: ObservedUser) {
    while days.count <= user.day { days.append(HarvestingOfDay()) }
    guard calls > 0 else { return }
    seen.removeAll()
    if calls > 1 { for bin in pauses.indices { pauses[bin] = 0 } }
    calls = 0
    items = 0
    follows = 0
    lastConversation = 0
    showing = EvidenceLines()
  }

  @inline(__always)
  mutating func take(_ call: ObservedCall) {
    guard call.isSuccess, call.question != 0, !call.isDuplicate, !call.isEvent else { return }
    if calls > 0 {
      pauses[Cadence.bin(microseconds: call.time - lastTime)] += 1
      if call.conversation != 0 && call.conversation == lastConversation { follows += 1 }
    }
    calls += 1
    lastTime = call.time
    lastConversation = call.conversation
    if call.isItem { items += 1 }
    if calls <= EvidenceLines.countMax { showing.add(time: call.time, source: call.source) }
    if let (place, _) = seen.place(of: call.question, new: 0) { seen[place] += 1 }
  }

  mutating func end(_ user: ObservedUser) {
    guard calls >= Self.callsTallied, !user.user.isEmpty else { return }
    var seenCalls = 0
    for entry in seen.entries { seenCalls += Int(entry.value) }
    guard seenCalls > 0 else { return }
    // Where not all were looked at, as many as those tell.
    var repeats = seenCalls - seen.entries.count
    if seen.level > 0 {
      repeats = Int((Double(repeats) / Double(seenCalls) * Double(calls)).rounded())
    }
    let level = 63 - UInt64(calls).leadingZeroBitCount
    let tally = RepeatTally(users: 1, calls: calls, repeats: repeats)
    days[user.day].tallies[user.licensee, default: [:]][level, default: RepeatTally()].add(tally)
    guard calls >= Self.callsMin, repeats * Self.repeatsPerCalls <= calls else { return }
    days[user.day].rows.add(row(tally, level), of: UserKey(user))
  }

  private func row(_ tally: RepeatTally, _ level: Int) -> HarvestRow {
    var row = HarvestRow()
    row.calls = calls
    row.repeats = tally.repeats
    row.items = items
    row.follows = follows
    row.tallies[level] = tally
    for bin in pauses.indices where pauses[bin] > 0 { row.pauses[bin] = Int(pauses[bin]) }
    if seen.level > 0 { row.limit = UInt64.max >> UInt64(min(63, seen.level)) }
    for question in smallest() { row.questions[question] = 1 }
    row.bound()
    row.showing = showing
    return row
  }

  /// One more than are kept, so that it is known whether that is all.
  private func smallest() -> ArraySlice<UInt64> {
    seen.entries.map { Mixing.mixed($0.hash) }.sorted().prefix(HarvestRow.questionsMax + 1)
  }
}
