/// Looks for requests that come again, with the same question, beyond the dedupe window.
///
/// Within a user's day it is exact up to ``SeenHashes/entriesMax`` requests, and told from a sample
/// of them beyond. A call costs a look into a table that is as large as the user's day.
struct ReplayedCallsDetector: UserDetector {
  private struct Seen {
    /// Of the call that was counted.
    var time: Int64
    var question: UInt64
    var source: UInt64
    var replays: UInt32 = 0
    var reuses: UInt32 = 0
    var replayTime: Int64 = 0
    var replaySource: UInt64 = 0
    var firstTime: Int64 = 0
    var firstSource: UInt64 = 0
  }
  private struct Place {
    var licensee: String
    var row = ReplayedCallsRow()
  }

  private var user: ObservedUser?
  private var seen = SeenHashes<Seen>()
  private var comesAgain = false
  /// Of each day, its licensees.
  private var places: [[Place]] = []
  private var day = 0
  private var place = 0

  init(places: [PlaceKey]) {}

  mutating func begin(_ user: ObservedUser) {
    self.user = user
    day = user.day
    while places.count <= day { places.append([]) }
    if let known = places[day].firstIndex(where: { $0.licensee == user.licensee }) {
      place = known
    } else {
      place = places[day].count
      places[day].append(Place(licensee: user.licensee))
    }
    if !seen.entries.isEmpty { seen.removeAll() }
    comesAgain = false
  }

  @inline(__always)
  mutating func take(_ call: ObservedCall) {
    guard call.request != 0, call.isSuccess, !call.isDuplicate, let user else { return }
    places[day][place].row.calls += 1
    if places[day][place].row.dedupeWindow < call.dedupeWindow {
      places[day][place].row.dedupeWindow = call.dedupeWindow
    }
    places[day][place].row.requests.add(
      request: call.request, user: user.hash, question: call.question, time: call.time,
      source: call.source)
    guard
      let (index, isNew) = seen.place(
        of: call.request,
        new: Seen(time: call.time, question: call.question, source: call.source)),
      !isNew
    else { return }
    again(call, index)
  }

  private mutating func again(_ call: ObservedCall, _ index: Int) {
    guard call.time - seen[index].time > call.dedupeWindow else { return }
    comesAgain = true
    if seen[index].question == call.question {
      if seen[index].replays == 0 {
        seen[index].firstTime = seen[index].time
        seen[index].firstSource = seen[index].source
        seen[index].replayTime = call.time
        seen[index].replaySource = call.source
      }
      seen[index].replays += 1
    } else {
      seen[index].reuses += 1
    }
    seen[index].time = call.time
    seen[index].source = call.source
  }

  mutating func end(_ user: ObservedUser) {
    guard comesAgain else { return }
    let unit = 1 << min(seen.level, 40)
    var replays = 0
    for entry in seen.entries where entry.value.replays > 0 || entry.value.reuses > 0 {
      replays += Int(entry.value.replays)
      places[day][place].row.reuses += unit * Int(entry.value.reuses)
      guard entry.value.replays > 0 else { continue }
      places[day][place].row.showing.add(
        time: entry.value.firstTime, source: entry.value.firstSource)
      places[day][place].row.showing.add(
        time: entry.value.replayTime, source: entry.value.replaySource)
    }
    places[day][place].row.replays += unit * replays
    if replays > 0 { places[day][place].row.users += 1 }
  }

  var days: [ReplayedCallsOfDay] {
    places.map { places in
      var day = ReplayedCallsOfDay()
      for place in places where place.row.calls > 0 { day.licensees[place.licensee] = place.row }
      return day
    }
  }
}
