/// Looks for calls without content that bridge pauses in which a conversation would have ended.
///
/// Keeps a few numbers of the user at hand; a call costs some comparisons.
struct KeptAliveDetector: UserDetector {
  /// Pauses shorter than this share of the idle timeout bridge nothing worth while.
  private static let pauseMin = KeptAliveRow.binsMax / 4
  /// So many calls without content after such pauses are something to keep.
  static let pausesMin = 3

  private var isLooking = false
  private var row = KeptAliveRow()
  private var piece = KeptAliveRow.Piece(first: 0, last: 0)
  private var hasCalls = false
  private var pauseCount = 0
  /// Since the last call with content, or the first call.
  private var isBroken = false
  private var freeSince = 0
  /// Whether the conversation at hand has more than calls without content.
  private var hasContent = false
  private(set) var days: [KeptAliveOfDay] = []

  init(places: [PlaceKey]) {}

  mutating func begin(_ user: ObservedUser) {
    isLooking = user.isNamed
    hasCalls = false
    while days.count <= user.day { days.append(KeptAliveOfDay()) }
  }

  private mutating func start(_ time: Int64) {
    hasCalls = true
    pauseCount = 0
    isBroken = false
    freeSince = 0
    if !row.pauses.isEmpty || !row.pieces.isEmpty { row = KeptAliveRow() }
    row.content = 0
    row.free = 0
    row.saved = 0
    row.empty = 0
    hasContent = false
    row.idleTimeout = 0
    if !row.showing.sources.isEmpty { row.showing = EvidenceLines() }
    piece = KeptAliveRow.Piece(first: time, last: time)
  }

  @inline(__always)
  mutating func take(_ call: ObservedCall) {
    guard isLooking, call.isSuccess, !call.isItem, !call.isDuplicate else { return }
    if !hasCalls { start(call.time) }
    let pause = call.time - piece.last
    piece.last = call.time
    if pause > call.idleTimeout { endConversation() }
    if call.isEvent {
      isBroken = true
      hasContent = true
      return
    }
    if call.question == 0 {
      takeFree(call, pause)
    } else {
      takeContent(call)
    }
  }

  private mutating func endConversation() {
    isBroken = true
    if !piece.endsFirst {
      piece.endsFirst = true
      piece.firstHasContent = hasContent
    } else if !hasContent {
      row.empty += 1
    }
    hasContent = false
  }

  private mutating func takeFree(_ call: ObservedCall, _ pause: Int64) {
    row.free += 1
    freeSince += 1
    row.idleTimeout = max(row.idleTimeout, call.idleTimeout)
    guard pause <= call.idleTimeout, call.idleTimeout > 0 else { return }
    let bin = min(
      KeptAliveRow.binsMax - 1,
      Int(
        pause.multipliedReportingOverflow(by: Int64(KeptAliveRow.binsMax)).partialValue
          / call.idleTimeout))
    guard bin >= Self.pauseMin else { return }
    row.pauses[bin, default: 0] += 1
    pauseCount += 1
    row.showing.add(time: call.time, source: call.source)
  }

  @inline(__always)
  private mutating func takeContent(_ call: ObservedCall) {
    row.content += 1
    hasContent = true
    if let content = piece.content {
      if freeSince > 0, !isBroken, call.time - content.last > call.idleTimeout {
        row.saved += 1
        row.showing.add(time: call.time, source: call.source)
      }
      piece.content?.last = call.time
    } else {
      piece.content = .init(first: call.time, last: call.time)
      piece.isBrokenBefore = isBroken
      piece.freeBefore = freeSince
    }
    isBroken = false
    freeSince = 0
  }

  mutating func end(_ user: ObservedUser) {
    guard isLooking, hasCalls, pauseCount >= Self.pausesMin else { return }
    if piece.content == nil {
      piece.isBrokenBefore = isBroken
      piece.freeBefore = freeSince
    } else {
      piece.isBrokenAfter = isBroken
      piece.freeAfter = freeSince
    }
    if !piece.endsFirst { piece.firstHasContent = hasContent }
    piece.lastHasContent = hasContent
    row.pieces = [piece]
    days[user.day].rows.add(row, of: UserKey(user))
  }
}
