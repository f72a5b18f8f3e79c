import CivilTime
import Foundation
import Testing

@testable import Simulation

/// What is planted can be seen in the lines, and the truth says so.
struct PlantTests {
  static let everything = [
    "answer-cache:ttl=1h,app=web", "permanent-copy:app=app-android,from=9", "keep-alive:users=4",
    "merged-users:people=12,users=2", "harvesting:accounts=2,questions=300,pace=human,rate=40",
    "harvesting:items=true,questions=200", "probing:paths=40", "replay:calls=80",
    "volume-shift:app=web,factor=2", "lost-host:gateway=2,day=3", "pollers:users=2,every=20m",
    "office:users=20", "retries", "faq-buttons:share=0.2", "campaign:factor=5", "outages:count=2",
    "popularity-drift", "licensor-cache", "roaming", "night-shift:flat=0.3",
  ]

  @Test(arguments: [1, 8, 2_026] as [UInt64])
  func theTruthIsWhatASlowCountFindsWhateverIsPlanted(seed: UInt64) throws {
    let scratch = Scratch()
    var options = try SimulationOptions.conduct()
    options.seed = seed
    options.plants = try Self.everything.map { text throws(SimulationError) in
      try Plant(text: text)
    }
    if seed == 8 { options.drawnLogGaps = 2 }
    if seed == 2_026 {
      options.gateways = 5
      options.rotatesDaily = true
      options.minMessages = 2
      options.repeatedAnswers = 0.03
    }
    let truth = try simulate(options, into: scratch.path)
    let count = try Recount(directory: scratch.path, truth: truth, options: options)
    #expect(truth.lines == count.lines)
    #expect(truth.messages == count.messages)
    #expect(truth.items == count.items)
    #expect(truth.ignored == count.ignored)
    #expect(truth.failed == count.failed)
    #expect(truth.duplicates == count.duplicates)
    #expect(truth.unplaced == count.unplaced)
    var sums: [Recount.Key: Recount.Sum] = [:]
    for row in truth.rows {
      sums[
        .init(licensee: row.licensee, date: row.date, module: row.module, scenario: row.scenario)] =
        .init(quantity: row.quantity, messages: row.messages)
    }
    #expect(sums == count.sums)
    #expect(truth.planted.map(\.name) == options.plants.map(\.name.rawValue))
  }

  @Test func equalOptionsGiveEqualBytesOnAnyNumberOfThreads() throws {
    var all: [[String: Data]] = []
    for threads in [1, 2, 5] {
      let scratch = Scratch()
      var options = try SimulationOptions.conduct()
      options.threads = threads
      options.plants = try Self.everything.map { text throws(SimulationError) in
        try Plant(text: text)
      }
      try simulate(options, into: scratch.path)
      all.append(try scratch.contents())
    }
    #expect(all[0].count == 4)
    #expect(all.allSatisfy { $0 == all[0] })
  }

  /// FNV-1a over names and texts.
  private func fingerprint(_ options: SimulationOptions) throws -> String {
    let scratch = Scratch()
    try simulate(options, into: scratch.path)
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    for name in try scratch.contents().keys.sorted() {
      for byte in Array(name.utf8) + Array(try logText(scratch.path + "/" + name)) {
        hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3
      }
    }
    return String(hash, radix: 16)
  }

  @Test func whereNothingIsPlantedNothingHasChanged() throws {
    let scratch = Scratch()
    try simulate(try .sample(), into: scratch.path)
    let samples = URL(filePath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent().appending(path: "sample-logs")
    let names = try scratch.contents().keys
    #expect(names.count == 24)
    for name in names {
      let expected = try logText(samples.path + "/" + name)
      let found = try logText(scratch.path + "/" + name)
      #expect(found == expected, "\(name)")
    }
    // As they were before anything could be planted.
    var options = try SimulationOptions.month()
    options.records = 5_000
    let month = try fingerprint(options)
    #expect(month == "67bb4bbc0aaeaf8")
    let benchmark = try fingerprint(.benchmark(records: 5_000))
    #expect(benchmark == "6f88e314aff75acb")
  }

  @Test(arguments: [
    ("nothing", "answer-cache"), ("answer-cache:lifetime=1h", "ttl"),
    ("answer-cache:ttl=1s", "10s to 7d"), ("answer-cache:ttl=1h,ttl=2h", "twice"),
    ("answer-cache:", "ttl"), ("answer-cache:ttl", "ttl"),
    ("answer-cache:kind=random", "fixed, sliding, lru"), ("answer-cache:capacity=9", "kind=lru"),
    ("answer-cache:app=ios", "app-ios, web, app-android, all"), ("pollers:app=all", "app-android"),
    ("answer-cache:from=15", "1 to 14"), ("answer-cache:from=0", "from 1"),
    ("office:licensee=umbrella", "acme"), ("replay:after=30m", "1h1m"),
    ("lost-host:gateway=3", "1 to 2"), ("keep-alive:hours=22-8", "8-22"),
    ("merged-users:people=300,users=3", "at most"), ("small:questions=0", "1 to 100000"),
    ("volume-shift:factor=nan", "0.05 to 20"), ("harvesting:items=true,session=call", "sessions"),
    ("campaign:factor=0.5", "1.1 to 100"),
  ])
  func whatCannotBePlantedIsRefusedWithWhatCan(text: String, expected: String) throws {
    do throws(SimulationError) {
      var options = try SimulationOptions.conduct()
      options.plants = [try Plant(text: text)]
      try options.validate()
      Issue.record("\(text) is not refused")
    } catch {
      guard case .option(let name, let problem) = error else { throw error }
      #expect(name == "plant")
      #expect(problem.contains(expected), "\(problem)")
    }
  }

  @Test func whatCannotBeTogetherIsRefused() throws {
    var options = try SimulationOptions.conduct()
    options.plants = [try Plant(text: "keep-alive")]
    options.idleTimeout = Interval(seconds: 65)
    #expect(throws: SimulationError.self) { try options.validate() }
    options.plants = [try Plant(text: "keep-alive:period=59s")]
    try options.validate()
    options.plants = [try Plant(text: "small"), try Plant(text: "small")]
    #expect(throws: SimulationError.self) { try options.validate() }
    options.plants = try (0..<65).map { _ throws(SimulationError) in try Plant(text: "pollers") }
    #expect(throws: SimulationError.self) { try options.validate() }
  }

  @Test func whoCallsBesidesChangesNoOtherLine() throws {
    let open = try PlantedLogs()
    for plant in ["pollers", "harvesting", "probing", "campaign", "keep-alive", "replay"] {
      let logs = try PlantedLogs([plant])
      #expect(Set(open.lines).isSubset(of: logs.lines), "\(plant)")
      #expect(logs.lines.count - open.lines.count == logs.planted.lines, "\(plant)")
      #expect(logs.planted.sum(\.conversationsWithout) == open.truth.conversations)
      #expect(logs.planted.sum(\.conversationsWith) == logs.truth.conversations)
    }
  }

  // MARK: - Misuse

  @Test func mergedUsersAreSeveralPeopleUnderOneID() throws {
    let logs = try PlantedLogs(["merged-users:people=6,users=2"])
    for user in logs.planted.users {
      #expect(Set(logs.lines(of: [user]).map(\.address)).count == 6)
    }
    #expect(logs.planted.users.count == 2)
    #expect(Set(logs.planted.addresses) == Set(logs.lines(of: logs.planted.users).map(\.address)))
    #expect(logs.lines(of: logs.planted.users).count == logs.planted.lines)
    #expect(logs.planted.sum(\.conversationsWith) < logs.planted.sum(\.conversationsWithout))
    let open = try PlantedLogs()
    #expect(Set(open.lines.map(\.request)) == Set(logs.lines.map(\.request)))
  }

  @Test func keptAliveConversationsHaveAMachinesBeat() throws {
    let logs = try PlantedLogs(["keep-alive:users=3,jitter=1s,hours=8-22"])
    let empty = logs.lines.filter { $0.event == "message" && $0.question.isEmpty }
    #expect(empty.count == logs.planted.lines)
    #expect(Set(empty.map(\.user)) == Set(logs.planted.users))
    #expect(empty.allSatisfy { $0.bytesIn < 10 && (8...22).contains(logs.hour($0)) })
    for user in logs.planted.users {
      let times = empty.filter { $0.user == user }.map(\.time)
      let onBeat = zip(times, times.dropFirst()).filter {
        abs($1 - $0 - 29 * minute) < 10_000_000
      }
      #expect(onBeat.count > times.count * 8 / 10)
    }
    let full = try PlantedLogs(["keep-alive:users=3,period=5m"]) { $0.failures = 0 }
    #expect(full.planted.sum(\.conversationsWith) < full.planted.sum(\.conversationsWithout))
  }

  @Test(arguments: ["machine", "human"])
  func harvestersAskNothingTwice(pace: String) throws {
    let logs = try PlantedLogs([
      "harvesting:accounts=3,questions=400,rate=20,pace=\(pace),session=call"
    ])
    let lines = logs.lines(of: logs.planted.users)
    #expect(lines.count == logs.planted.lines)
    let requests = Dictionary(grouping: lines, by: \.question)
    #expect(requests.count == 400)
    #expect(requests.values.allSatisfy { Set($0.map(\.user)).count == 1 })
    for user in logs.planted.users {
      let times = lines.filter { $0.user == user && $0.isSuccess }.map(\.time)
      let gaps = zip(times, times.dropFirst()).map { $1 - $0 }
      let even = gaps.filter { abs($0 - 3 * minute) < 5_000_000 }.count
      #expect((even > gaps.count * 8 / 10) == (pace == "machine"))
      // Twenty an hour, whether evenly or by day.
      let hours = Double((times.last ?? 0) - (times.first ?? 0)) / Double(hour)
      #expect((3...16).contains(hours), "\(pace): \(hours) hours")
    }
  }

  @Test func itemsAreWalkedInTheirOrder() throws {
    let logs = try PlantedLogs(["harvesting:items=true,accounts=1,questions=100"])
    let ids = logs.lines(of: logs.planted.users).filter(\.isSuccess).compactMap {
      Int($0.path.split(separator: "/").last ?? "")
    }
    #expect(ids.count > 95)
    #expect(zip(ids, ids.dropFirst()).allSatisfy { (0...2).contains($1 - $0) })
    // Others call items too, by no order.
    #expect(logs.lines.filter { $0.path.hasPrefix("/v1/kb/kb-qa/items/") }.count > 400)
  }

  @Test func probersTryManyPathsFromFewAddresses() throws {
    let logs = try PlantedLogs(["probing:paths=80,bursts=2,addresses=4,attacks=0.5,minutes=5"])
    let lines = logs.lines.filter { [401, 403, 404, 405].contains($0.status) }
    #expect(lines.count == 160 && logs.planted.lines == 160)
    #expect(Set(lines.map(\.address)) == Set(logs.planted.addresses))
    #expect(logs.planted.addresses.count == 4)
    #expect(Set(lines.map(\.agent)).count == 1)
    for burst in [lines.prefix(80), lines.suffix(80)] {
      #expect(Set(burst.map(\.path)).count == 80)
      #expect((burst.last?.time ?? 0) - (burst.first?.time ?? 0) < 10 * minute)
      #expect(burst.contains { $0.path.contains("${jndi:") })
      #expect(burst.contains { $0.path.contains("..") })
    }
  }

  @Test func callsAreReplayedAsTheyWere() throws {
    let logs = try PlantedLogs(["replay:calls=40,after=3h"])
    let calls = Dictionary(grouping: logs.lines, by: \.request).values.compactMap { lines in
      let late = lines.filter { $0.time - lines[0].time > hour }
      return late.isEmpty ? nil : (first: lines.last { !late.contains($0) }, late: late)
    }
    #expect(calls.count == logs.planted.lines && (30...40).contains(calls.count))
    for call in calls {
      let again = call.late[0]
      let gap = again.time - (call.first?.time ?? 0)
      #expect(call.late.count == 1 && (3 * hour...3 * hour + minute).contains(gap))
      #expect(again.question == call.first?.question && again.address == call.first?.address)
      #expect(again.bytesIn == call.first?.bytesIn && again.user == call.first?.user)
    }
  }

  @Test(arguments: [0.25, 3])
  func volumeShiftsByItsFactor(factor: Double) throws {
    let logs = try PlantedLogs(["volume-shift:app=web,factor=\(factor)"], questionsPerDay: 3_000)
    func ratio(_ app: String) -> Double {
      let days = logs.lines.filter { $0.app == app && !$0.question.isEmpty }.map(logs.day)
      return Double(days.filter { $0 >= 7 }.count) / Double(days.filter { $0 < 7 }.count)
    }
    #expect(abs(ratio("web") / factor - 1) < 0.15, "\(ratio("web"))")
    #expect(abs(ratio("app-android") - 1) < 0.2, "\(ratio("app-android"))")
    let open = try PlantedLogs(questionsPerDay: 3_000)
    let early = { (line: PlantedLine, logs: PlantedLogs) in logs.day(line) < 7 }
    #expect(
      open.lines.filter { early($0, open) }.map(\.text)
        == logs.lines.filter { early($0, logs) }.map(\.text))
  }

  @Test func aLostHostHasNoLinesOfTheDay() throws {
    let open = try PlantedLogs()
    let logs = try PlantedLogs(["lost-host:gateway=2,day=4"])
    let missing = Set(open.lines).subtracting(logs.lines)
    #expect(missing.count == logs.planted.sum(\.hiddenLines) && missing.count > 100)
    #expect(missing.allSatisfy { open.day($0) == 3 })
    let scratch = Scratch()
    var options = logs.options
    options.rotatesDaily = true
    try simulate(options, into: scratch.path)
    let file = try logText(scratch.path + "/gateway-02-2025-12-04.ndjson.lz4")
    #expect(file.count < 5_000)
  }

  // MARK: - Honest use

  @Test func pollersAskOneQuestionAtOneInterval() throws {
    let logs = try PlantedLogs(["pollers:users=2,every=7m"])
    for user in logs.planted.users {
      let lines = logs.lines(of: [user])
      #expect(Set(lines.map(\.question)).count == 1)
      let first = lines.filter(\.isSuccess).map(\.time)
      let gaps = zip(first, first.dropFirst()).filter { abs($1 - $0 - 7 * minute) < 1_000_000 }
      #expect(gaps.count > first.count * 9 / 10)
      #expect(first.count > 2_800)
    }
  }

  @Test func anOfficeIsManyUsersBehindOneAddress() throws {
    let logs = try PlantedLogs(["office:users=40,app=web"])
    let lines = logs.lines(of: logs.planted.users)
    #expect(Set(lines.map(\.address)).count == 1 && Set(lines.map(\.agent)).count == 1)
    #expect(Set(lines.map(\.user)).count > 25 && Set(lines.map(\.app)) == ["web"])
    #expect(lines.count == logs.planted.lines)
  }

  @Test func retriesComeInBurstsWithOldAndNewIDs() throws {
    let logs = try PlantedLogs(
      ["retries:bursts=20,minutes=20,failures=0.6"], questionsPerDay: 1_000)
    let failed = logs.lines.filter { !$0.isSuccess }
    let within = failed.filter { line in
      logs.planted.windows.contains {
        ($0.from.microseconds..<$0.to.microseconds).contains(line.time)
      }
    }
    #expect(within.count > 150 && within.count * 3 > failed.count)
    let times = Dictionary(grouping: within, by: \.request).values.map(\.count)
    #expect(times.contains { $0 > 1 } && times.contains(1))
  }

  @Test func buttonsAreAShareOfAllQuestions() throws {
    let open = try PlantedLogs()
    let logs = try PlantedLogs(["faq-buttons:share=0.4,questions=8"])
    let asked = logs.lines.filter { !$0.question.isEmpty }
    let usual = Set(open.lines.map(\.question))
    let tapped = asked.filter { !usual.contains($0.question) }
    #expect(abs(Double(tapped.count) / Double(asked.count) - 0.4) < 0.05)
    #expect(tapped.count == logs.planted.lines)
    let common = Dictionary(grouping: tapped.filter { $0.module == "text-bot" }, by: \.question)
    #expect(common.count == 8)
  }

  @Test func aCampaignIsHoursOfTenTimesTheTraffic() throws {
    let logs = try PlantedLogs(["campaign:day=6,hour=19,hours=2,factor=10,questions=4"])
    func count(_ day: Int) -> Int {
      logs.lines.filter {
        logs.day($0) == day && (19..<21).contains(logs.hour($0)) && !$0.question.isEmpty
      }.count
    }
    let usual = Double([2, 3, 4, 9, 10, 11].reduce(0) { $0 + count($1) }) / 6
    // The sixth is a Saturday, and so quieter.
    #expect((6...11).contains(Double(count(5)) / usual), "\(count(5)) and \(usual)")
    let hot = Dictionary(
      grouping: logs.lines.filter { logs.day($0) == 5 && !$0.question.isEmpty }, by: \.question)
    #expect(hot.values.filter { $0.count > 60 }.count >= 4)
  }

  @Test func outagesFailEveryCall() throws {
    let logs = try PlantedLogs(["outages:count=4,minutes=30"], questionsPerDay: 2_000)
    let within = logs.lines.filter { line in
      logs.planted.windows.contains {
        ($0.from.microseconds..<$0.to.microseconds).contains(line.time)
      }
    }
    #expect(logs.planted.windows.count == 4 && within.count > 100)
    #expect(within.allSatisfy { $0.status == 503 } && within.count == logs.planted.lines)
  }

  @Test func popularityDriftsFromDayToDay() throws {
    func top(_ logs: PlantedLogs, _ days: ClosedRange<Int>) -> Set<String> {
      let lines = logs.lines.filter { days.contains(logs.day($0)) && !$0.question.isEmpty }
      let counts = Dictionary(grouping: lines, by: \.question).mapValues(\.count)
      return Set(counts.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.prefix(12).map(\.key))
    }
    let open = try PlantedLogs(questionsPerDay: 2_000)
    let logs = try PlantedLogs(["popularity-drift:rate=0.4"], questionsPerDay: 2_000)
    let usual = top(open, 0...2).intersection(top(open, 11...13)).count
    let drifted = top(logs, 0...2).intersection(top(logs, 11...13)).count
    #expect(usual >= 9 && drifted <= usual - 3, "\(usual) and \(drifted) of 12")
    #expect(top(logs, 0...0) == top(open, 0...0))
  }

  @Test func theLicensorsCacheAnswersAtOnceAndHidesNothing() throws {
    let open = try PlantedLogs()
    let logs = try PlantedLogs(["licensor-cache:latency=5"])
    #expect(logs.lines.map(\.request) == open.lines.map(\.request))
    let fast = logs.lines.filter { !$0.question.isEmpty && $0.latency <= 6 }
    #expect(fast.count == logs.planted.lines && fast.count > 500)
  }

  @Test func roamingUsersHaveTwoDevicesAndSeldomBoth() throws {
    let logs = try PlantedLogs(["roaming:users=4"])
    for user in logs.planted.users {
      let lines = logs.lines(of: [user])
      #expect((2...5).contains(Set(lines.map(\.address)).count))
      #expect(Set(lines.map(\.app)) == ["app-ios", "web"])
      let changes = zip(lines, lines.dropFirst()).filter {
        $1.time - $0.time < 10 * minute && $0.address != $1.address
      }
      #expect(changes.count * 10 < lines.count)
    }
  }

  @Test func nightsCanBeAsBusyAsDaysAndLicenseesSmall() throws {
    let flat = try PlantedLogs(["night-shift"])
    let night = flat.lines.filter { flat.hour($0) < 6 }.count
    #expect(abs(Double(night) / Double(flat.lines.count) - 0.25) < 0.04)
    let small = try PlantedLogs(["small:questions=20"])
    let asked = small.lines.filter { !$0.question.isEmpty }.count
    #expect((260...310).contains(asked), "\(asked)")
  }

  @Test func questionsADayAreWhatIsAsked() throws {
    for wanted in [50, 500, 2_000] {
      let logs = try PlantedLogs(questionsPerDay: wanted) { $0.failures = 0 }
      let asked = Set(logs.lines.filter { !$0.question.isEmpty && !$0.user.isEmpty }.map(\.request))
      #expect(abs(asked.count - wanted * 14) <= 30, "\(asked.count) of \(wanted * 14)")
    }
  }
}
