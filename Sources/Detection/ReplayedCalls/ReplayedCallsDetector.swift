/// Looks for requests that come again, with the same question, beyond the dedupe window.
///
/// Within a user's day it is exact up to ``SeenHashes/entriesMaxUsual`` requests, and told from a sample
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
  /// The user's hash, mixed.
  private var user: UInt64 = 0
  private var seen = SeenHashes<Seen>()
  /// Of requests that came again, whether or not their hashes are kept still.
  private var again: [Again] = []
  private let licensees: [String]
  /// By day and licensee, but for the row at hand, which is taken out.
  private var rows: [ReplayedCallsRow] = []
  private var row = ReplayedCallsRow()
  private var rowNumber = 0

  init(places: [PlaceKey]) { licensees = places.licensees }

  mutating func begin(_ user: ObservedUser) {
    self.user = RequestSample.mixed(user: user.hash)
    let number = user.day * licensees.count + user.licenseeNumber
    while rows.count < (user.day + 1) * licensees.count { rows.append(ReplayedCallsRow()) }
    if number != rowNumber {
      swap(&row, &rows[rowNumber])
      rowNumber = number
      swap(&row, &rows[rowNumber])
    }
    if !seen.entries.isEmpty { seen.removeAll() }
    again.removeAll(keepingCapacity: true)
  }

  /// Takes a call; whether its request id has come in the user's day before is left to ``lookAgain(_:)``.
  @inline(__always)
  mutating func takeFirst(_ call: ObservedCall) {
    guard call.request != 0, call.isSuccess, !call.isDuplicate else { return }
    row.calls += 1
    row.dedupeWindow = max(row.dedupeWindow, call.dedupeWindow)
    row.requests.add(
      request: call.request, mixedUser: user, question: call.question, time: call.time,
      source: call.source)
  }

  @inline(__always)
  mutating func take(_ call: ObservedCall) {
    takeFirst(call)
    lookAgain(call)
  }

  @inline(__always)
  mutating func lookAgain(_ call: ObservedCall) {
    guard call.request != 0, call.isSuccess, !call.isDuplicate,
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
    guard !licensees.isEmpty else { return [] }
    var rows = rows
    if !rows.isEmpty { rows[rowNumber] = row }
    return (0..<(rows.count / licensees.count)).map { number in
      var day = ReplayedCallsOfDay()
      for (place, licensee) in licensees.enumerated() {
        let row = rows[number * licensees.count + place]
        if row.calls > 0 { day.licensees[licensee] = row }
      }
      return day
    }
  }
}
