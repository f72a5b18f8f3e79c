internal import Shuffling

/// Looks for users who are at several places with several devices at once.
///
/// Keeps the 16 faces of a user that spoke last. A call of the face that spoke before, which nearly
/// all are, costs a comparison; one of another face, a look at each.
struct MergedUsersDetector: UserDetector {
  private struct Face {
    var number: UInt64
    /// When its last call began, and until when its calls were in flight.
    var last: Int64
    var flightEnd: Int64
    var lastSource: UInt64
    /// Of its conversation.
    var begin: Int64
    var isHeldCounted: Bool
    var hasReturned: Bool

    /// Where a call's time in flight is unknown, and the longest that is believed, in microseconds.
    private static let flightUnknown: Int64 = 1_000_000
    private static let flightMax: Int64 = 60_000_000

    @inline(__always)
    mutating func goOn(_ call: ObservedCall) {
      if call.time - last > call.idleTimeout { start(call) }
      speak(call)
    }

    /// Begins a conversation.
    mutating func start(_ call: ObservedCall) {
      begin = call.time
      hasReturned = false
      // What an event opens is counted whoever else talks.
      isHeldCounted = call.isEvent || call.isItem
    }

    @inline(__always)
    mutating func speak(_ call: ObservedCall) {
      let flight =
        call.latency > 0
        ? min(Int64(call.latency) * 1_000, Self.flightMax) : Self.flightUnknown
      last = call.time
      lastSource = call.source
      flightEnd = max(flightEnd, call.time + flight)
    }
  }

  /// Calls of a day below which nothing can be shown.
  private static let callsMin = 3

  private var isLooking = false
  private var faces: [Face] = []
  private var row = MergedUserRow()
  private var callCount = 0
  private var kept: [MergedUsersOfDay] = []
  private let licensees: [String]
  /// Users who were looked at, by day and licensee.
  private let looked = PlainTable<Int>()

  init(places: [PlaceKey]) { licensees = places.licensees }

  mutating func begin(_ user: ObservedUser) {
    // Calls without a user are of anybody.
    isLooking = user.isNamed
    faces.removeAll(keepingCapacity: true)
    callCount = 0
    while kept.count <= user.day {
      kept.append(MergedUsersOfDay())
      for _ in licensees { looked.append(0) }
    }
  }

  @inline(__always)
  mutating func take(_ call: ObservedCall) {
    guard isLooking, call.isSuccess, !call.isDuplicate, call.client != 0, call.device != 0
    else { return }
    callCount += 1
    let number = Faces.number(client: call.client, device: call.device)
    if faces.count == 1, faces[0].number == number {
      faces[0].goOn(call)
      return
    }
    takeOther(call, number)
  }

  /// Takes all calls of a user's day that has one address and device: they show nothing, but are looked at.
  mutating func takeOneFace(calls: Int) { callCount += calls }

  private mutating func takeOther(_ call: ObservedCall, _ number: UInt64) {
    if faces.isEmpty { row = MergedUserRow() }
    let known = faces.firstIndex { $0.number == number }
    let isGoingOn = known.map { call.time - faces[$0].last <= call.idleTimeout } ?? false
    let place = known ?? add(number, call)
    if !faces.isEmpty { lookAround(call, place, isGoingOn: isGoingOn) }
    if !isGoingOn { faces[place].start(call) }
    faces[place].speak(call)
  }

  /// A face that is new, in the place of the one that has been silent longest where all are taken.
  private mutating func add(_ number: UInt64, _ call: ObservedCall) -> Int {
    let face = Face(
      number: number, last: .min / 2, flightEnd: .min / 2, lastSource: call.source,
      begin: call.time, isHeldCounted: false, hasReturned: false)
    Faces.insert(number, into: &row.faces)
    row.showing.add(time: call.time, source: call.source)
    if faces.count < MergedUserRow.facesMax {
      faces.append(face)
      return faces.count - 1
    }
    let oldest = faces.indices.min { faces[$0].last < faces[$1].last } ?? 0
    faces[oldest] = face
    return oldest
  }

  /// What disjoint faces were doing when a face spoke.
  private mutating func lookAround(_ call: ObservedCall, _ place: Int, isGoingOn: Bool) {
    let number = faces[place].number
    let lastOwn = faces[place].last
    var overlapped: Int?
    var isOpen = false
    var isInterrupted = false
    for other in faces.indices where Faces.areDisjoint(faces[other].number, number) {
      if faces[other].flightEnd > call.time { overlapped = overlapped ?? other }
      guard call.time - faces[other].last <= call.idleTimeout else { continue }
      isOpen = true
      guard isGoingOn, faces[other].last > lastOwn else { continue }
      isInterrupted = true
      if faces[other].begin > lastOwn, !faces[other].isHeldCounted {
        faces[other].isHeldCounted = true
        row.heldWithin += 1
      }
    }
    if let overlapped { note(overlapped, call, number) }
    if !isGoingOn && isOpen && !call.isEvent && !call.isItem { row.begunWithin += 1 }
    guard isInterrupted else { return }
    row.returns += 1
    faces[place].hasReturned = true
    row.sessionsMax = max(
      row.sessionsMax,
      disjoint(from: number) { $0.hasReturned && call.time - $0.last <= call.idleTimeout })
  }

  private mutating func note(_ overlapped: Int, _ call: ObservedCall, _ number: UInt64) {
    row.overlaps += 1
    row.overlapping.add(time: faces[overlapped].last, source: faces[overlapped].lastSource)
    row.overlapping.add(time: call.time, source: call.source)
    row.inFlightMax = max(
      row.inFlightMax, disjoint(from: number) { $0.flightEnd > call.time })
  }

  /// A face and others that do something, disjoint from it and each other: as many at least.
  private func disjoint(from number: UInt64, _ isMeant: (Face) -> Bool) -> Int {
    var chosen = [number]
    for face in faces where isMeant(face) {
      if chosen.allSatisfy({ Faces.areDisjoint($0, face.number) }) { chosen.append(face.number) }
    }
    return chosen.count
  }

  mutating func end(_ user: ObservedUser) {
    guard isLooking, callCount >= Self.callsMin else { return }
    looked[user.day * licensees.count + user.licenseeNumber] += 1
    guard faces.count > 1 else { return }
    row.calls = callCount
    guard
      row.overlaps > 0 || row.returns >= 3 || Faces.areDisjoint(row.faces, atLeast: 3)
    else { return }
    kept[user.day].rows.add(row, of: UserKey(user))
  }

  var days: [MergedUsersOfDay] {
    kept.enumerated().map { number, day in
      var day = day
      for (place, licensee) in licensees.enumerated() {
        let users = looked[number * licensees.count + place]
        if users > 0 { day.users[licensee] = users }
      }
      return day
    }
  }
}
