extension Traffic {
  /// An `open`, `close` or `ping`: never fails, never tried again.
  mutating func event(_ kind: LogEvent.Kind, _ user: Int, at time: Int64) {
    var event = makeEvent(user, at: time, gateway: drawGateway(user), kind: kind)
    nextRequest(&event)
    event.latency = Int32(3 + random.below(40))
    event.bytesIn = Int32(96 + random.below(40))
    event.bytesOut = Int32(kind == .ping ? 2 : 120 + random.below(60))
    users[user].lastTime = time
    if log(event, at: time) {
      truth.count(event, isSuccess: true, repeats: 0, isBoundary: false, state: &users[user].count)
    }
    if isStaged {
      callCount &+= 1
      stage(event, kept: 0, keptSucceeded: true, from: time, answeredAt: nil)
    }
  }

  /// A call with its attempts: again with the same request id, again with a new one, or given up.
  mutating func call(_ user: Int, at start: Int64, isBoundary: Bool) {
    let isItem = catalogue.modules[Int(users[user].module)].isItem
    let gateway = isBoundary ? Int(users[user].count.lastGateway) : drawGateway(user)
    var event = makeEvent(user, at: start, gateway: gateway, kind: .message)
    if random.happens(moduleSwitch) && !isBoundary { switchModule(&event, user) }
    if isItem { event.items = UInt16(max(0, random.below(24) - 3)) }
    ask(&event)
    callCount &+= 1
    var time = start
    for round in 0..<3 {
      nextRequest(&event)
      let roundStart = time
      var keptNumber = 0
      var kept = event
      var keptSucceeded = false
      var logged = 0
      var failed = false
      var attempt = 0
      while true {
        let isSafe = isBoundary && round == 0 && attempt == 0
        let isDown = contains(outagesNear, time)
        failed =
          isDown || users[user].isDoomed
          || !isSafe && random.happens(failure(attempt: attempt, at: time))
        respond(&event, at: time, failed: failed, isDown: isDown)
        users[user].lastTime = time
        if log(event, at: time) {
          if logged == 0 || (!keptSucceeded && !failed) {
            kept = event
            keptSucceeded = !failed
            keptNumber = logged
          }
          logged += 1
        }
        attempt += 1
        guard attempt < 4,
          failed ? random.unit() < options.retriesWithSameID : random.happens(repeated)
        else { break }
        time += Self.callSpacingMin + Int64(random.below(8_000))
      }
      if logged > 0 && acting == nil {
        truth.count(
          kept, isSuccess: keptSucceeded, repeats: logged - 1, isBoundary: isBoundary,
          state: &users[user].count)
      }
      if isStaged {
        stage(
          event, kept: keptNumber, keptSucceeded: keptSucceeded, from: roundStart,
          answeredAt: failed ? nil : time, isBoundary: isBoundary)
      }
      // Of those that were not tried again with the same id.
      let share = options.retriesWithNewID / max(1e-9, 1 - options.retriesWithSameID)
      guard failed, round < 2, random.unit() < share else { break }
      time += Self.callSpacingMin + Int64(random.below(15_000))
    }
    if random.happens(unplaced), !isItem, event.misuse == .none, acting == nil {
      logUnplaced(like: event, at: start)
    }
  }

  @inline(__always)
  private func failure(attempt: Int, at time: Int64) -> Chance {
    if let disturbed = disturbedFailure(at: time) { return disturbed }
    return attempt == 0 ? failure : retryFailure
  }

  mutating func drawGateway(_ user: Int) -> Int {
    random.happens(otherGateway) ? gatewayTable.draw(&random) : Int(users[user].gateway)
  }

  func makeEvent(
    _ user: Int, at time: Int64, gateway: Int, kind: LogEvent.Kind
  ) -> LogEvent {
    let state = users[user]
    return LogEvent(
      time: time + skews[gateway], order: time, requestHigh: 0, requestLow: 0,
      conversation: state.conversation, question: 0, answer: 0, user: Int32(user),
      person: Int32(user), latency: 0,
      bytesIn: 0, bytesOut: 0, status: 200, items: 0, module: state.module,
      scenario: state.scenario, app: state.app, licensee: state.licensee, gateway: UInt8(gateway),
      kind: kind, misuse: state.misuse)
  }

  /// The bot hands over to another: the conversation stays one.
  mutating func switchModule(_ event: inout LogEvent, _ user: Int) {
    let licensee = catalogue.licensees[Int(event.licensee)]
    guard event.misuse == .none, !catalogue.modules[Int(event.module)].isItem, acting == nil
    else { return }
    let module = licensee.conversationModules[licensee.conversationModuleTable.draw(&random)]
    event.module = UInt16(module)
    event.scenario = UInt16(catalogue.modules[module].scenarios[0])
  }

  /// As random as a UUID and never the same twice: the lower half is the call's number, stirred.
  @inline(__always)
  mutating func nextRequest(_ event: inout LogEvent) {
    event.requestHigh = random.next()
    if acting != nil {
      plantedRequestCount &+= 1
      event.requestLow = Random.mix(plantedRequestCount)
      return
    }
    requestCount &+= 1
    event.requestLow = Random.mix(requestCount)
  }

  @inline(__always)
  mutating func ask(_ event: inout LogEvent) {
    if let acting {
      acting.ask(&event)
      if acting.isContentFree { event.bytesIn = Int32(2 + random.below(7)) }
    } else {
      askedCount += 1
      var rank = questionTable.draw(&random)
      if isStaged { rank = plantedRank(rank, &event) }
      event.question = question(rank, module: event.module)
    }
    if event.question != 0 { event.bytesIn = Int32(180 + event.question % 300) }
  }

  /// The fingerprint of a question, by its popularity's rank.
  @inline(__always)
  func question(_ rank: Int, module: UInt16) -> UInt64 {
    Random.mix(options.seed &+ UInt64(rank) << 8 &+ UInt64(module) << 40) | 1
  }

  @inline(__always)
  mutating func respond(
    _ event: inout LogEvent, at time: Int64, failed: Bool, isDown: Bool
  ) {
    event.time = time + skews[Int(event.gateway)]
    event.latency = Int32(latencyTable.draw(&random))
    let answer = Random.mix(event.question) | 1
    event.answer = failed || !options.writesAnswers ? 0 : answer
    guard failed else {
      event.status = 200
      event.bytesOut = Int32(300 + answer % 1_500)
      return
    }
    event.bytesOut = Int32(80 + random.below(40))
    if isDown {
      event.status = 503
      return
    }
    switch random.below(10) {
    case 0..<4: event.status = 500
    case 4..<6: event.status = 502
    case 6..<8:
      event.status = 504
      event.latency = 30_000
    case 8: event.status = 429
    default: event.status = 400
    }
  }

  /// - Returns: whether a gateway wrote it down.
  @inline(__always)
  mutating func log(_ event: LogEvent, at time: Int64) -> Bool {
    guard time < rhythm.end, !contains(gapsNear, time) else { return false }
    var event = event
    event.order = time
    if random.happens(outOfOrder) { event.order += 200 + Int64(random.below(20_000)) }
    guard isStaged else {
      truth.sawRecord(event)
      events.append(event)
      return true
    }
    if acting == nil { truth.sawRecord(event) }
    markPlanted(&event, at: time)
    attempts.append(event)
    return true
  }

  mutating func logUnplaced(like event: LogEvent, at time: Int64) {
    var stray = event
    stray.user = -1
    stray.person = -1
    stray.misuse = .none
    stray.conversation = 0
    nextRequest(&stray)
    respond(&stray, at: time, failed: false, isDown: false)
    _ = log(stray, at: time)
    if isStaged {
      callCount &+= 1
      stage(stray, kept: 0, keptSucceeded: true, from: time, answeredAt: time)
    }
  }
}
