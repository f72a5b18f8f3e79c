/// Looks for requests that come again, with the same question, beyond the dedupe window.
///
/// Within a user's day it is exact up to ``SeenHashes/entriesMax`` requests, and told from a sample
/// of them beyond. A call costs a look into a table that is as large as the user's day.
struct ReplayedCallsDetector: UserDetector {
  private struct Seen {
    /// Of the call that was counted.
    var time: Int64
    var source: UInt64
    var question: UInt64
    /// The place of what came again; −1 where nothing did.
    var again: Int32 = -1
  }
  private struct Again {
    var replays = 0
    var reuses = 0
    /// Of the first replay, and of the call that it repeats.
    var replayTime: Int64 = 0
    var replaySource: UInt64 = 0
    var firstTime: Int64 = 0
    var firstSource: UInt64 = 0
  }
  private struct Place {
    var licensee: String
    var row = ReplayedCallsRow()
  }

  private var user: UInt64 = 0
  private var seen = SeenHashes<Seen>()
  /// Of requests that came again, whether or not their hashes are kept still.
  private var again: [Again] = []
  /// Of each day, its licensees.
  private var places: [[Place]] = []
  private var day = 0
  private var place = 0
  /// That of the place at hand, taken out while a user is.
  private var row = ReplayedCallsRow()

  init(places: [PlaceKey]) {}

  mutating func begin(_ user: ObservedUser) {
    self.user = user.hash
    day = user.day
    while places.count <= day { places.append([]) }
    if let known = places[day].firstIndex(where: { $0.licensee == user.licensee }) {
      place = known
    } else {
      place = places[day].count
      places[day].append(Place(licensee: user.licensee))
    }
    swap(&row, &places[day][place].row)
    if !seen.entries.isEmpty { seen.removeAll() }
    again.removeAll(keepingCapacity: true)
  }

  /// Takes a call whose request id comes once in the user's day.
  ///
  /// - Returns: whether it is one that counts.
  @inline(__always)
  @discardableResult
  mutating func takeFirst(_ call: ObservedCall) -> Bool {
    guard call.request != 0, call.isSuccess, !call.isDuplicate else { return false }
    row.calls += 1
    row.dedupeWindow = max(row.dedupeWindow, call.dedupeWindow)
    row.requests.add(
      request: call.request, user: user, question: call.question, time: call.time,
      source: call.source)
    return true
  }

  @inline(__always)
  mutating func take(_ call: ObservedCall) {
    guard takeFirst(call),
      let (index, isNew) = seen.place(
        of: call.request,
        new: Seen(time: call.time, source: call.source, question: call.question)),
      !isNew
    else { return }
    takeAgain(call, index)
  }

  @inline(never)
  private mutating func takeAgain(_ call: ObservedCall, _ index: Int) {
    let first = seen[index]
    guard call.time - first.time > call.dedupeWindow else { return }
    if first.again < 0 {
      seen[index].again = Int32(again.count)
      again.append(Again())
    }
    let place = Int(seen[index].again)
    if first.question == call.question {
      if again[place].replays == 0 {
        again[place].firstTime = first.time
        again[place].firstSource = first.source
        again[place].replayTime = call.time
        again[place].replaySource = call.source
      }
      again[place].replays += 1
    } else {
      again[place].reuses += 1
    }
    seen[index].time = call.time
    seen[index].source = call.source
  }

  mutating func end(_ user: ObservedUser) {
    defer { swap(&row, &places[day][place].row) }
    guard !again.isEmpty else { return }
    let unit = 1 << min(seen.level, 40)
    var replays = 0
    for entry in seen.entries where entry.value.again >= 0 {
      let again = again[Int(entry.value.again)]
      replays += again.replays
      row.reuses += unit * again.reuses
      guard again.replays > 0 else { continue }
      row.showing.add(time: again.firstTime, source: again.firstSource)
      row.showing.add(time: again.replayTime, source: again.replaySource)
    }
    row.replays += unit * replays
    if replays > 0 { row.users += 1 }
  }

  var days: [ReplayedCallsOfDay] {
    places.map { places in
      var day = ReplayedCallsOfDay()
      for place in places where place.row.calls > 0 { day.licensees[place.licensee] = place.row }
      return day
    }
  }
}
