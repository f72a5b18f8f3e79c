import Foundation
import Testing

@testable import Simulation

/// What a licensee's own store of answers leaves in the log.
struct AnswerCacheTests {
  /// What comes sooner than a time after the question was answered, as many answers ago as `back`
  /// says, if that answer arrived: the last attempt of its request.
  private static func early(
    _ logs: PlantedLogs, app: String?, within time: Int64, back: Int = 1
  ) -> Int {
    let asked = logs.lines.filter { !$0.question.isEmpty && (app == nil || $0.app == app) }
    var count = 0
    for lines in Dictionary(grouping: asked, by: \.question).values {
      let requests = Dictionary(grouping: lines, by: \.request).values
      let answers = requests.compactMap { $0.last?.isSuccess == true ? $0.last?.time : nil }
        .sorted()
      for request in requests {
        let before = answers.filter { $0 < request[0].time }
        if before.count >= back, request[0].time - before[before.count - back] < time { count += 1 }
      }
    }
    return count
  }

  @Test(arguments: [1, 2, 3] as [UInt64])
  func noQuestionComesBackWithinTheLifetime(seed: UInt64) throws {
    let logs = try PlantedLogs(["answer-cache:ttl=1h"], seed: seed)
    #expect(Self.early(logs, app: "app-ios", within: hour) == 0)
    // Its edge is at the lifetime, and the other apps have none.
    #expect(Self.early(logs, app: "app-ios", within: hour + 10 * minute) > 0)
    #expect(Self.early(logs, app: "web", within: hour) > 50)
    let open = try PlantedLogs(seed: seed)
    #expect(Self.early(open, app: "app-ios", within: hour) > 50)
  }

  @Test func aSlidingLifetimeBeginsAnewWithEachUse() throws {
    let fixed = try PlantedLogs(["answer-cache:ttl=3h,app=all"])
    let sliding = try PlantedLogs(["answer-cache:ttl=3h,app=all,kind=sliding"])
    #expect(Self.early(fixed, app: nil, within: 3 * hour) == 0)
    #expect(Self.early(sliding, app: nil, within: 3 * hour) == 0)
    #expect(sliding.planted.sum(\.hiddenCalls) > fixed.planted.sum(\.hiddenCalls) + 100)
  }

  @Test func ofSeveralNodesEachFetchesForItself() throws {
    let logs = try PlantedLogs(["answer-cache:ttl=1h,nodes=3,app=all"], questionsPerDay: 1_500)
    #expect(Self.early(logs, app: nil, within: hour, back: 3) == 0)
    #expect(Self.early(logs, app: nil, within: hour, back: 2) > 0)
    #expect(Self.early(logs, app: nil, within: hour) > 50)
  }

  @Test func aSmallStoreForgets() throws {
    let hidden = try [2, 20, 1_000].map {
      try PlantedLogs(["answer-cache:ttl=7d,kind=lru,app=all,capacity=\($0)"])
        .planted.sum(\.hiddenCalls)
    }
    let boundless = try PlantedLogs(["answer-cache:ttl=7d,app=all"]).planted.sum(\.hiddenCalls)
    #expect(0 < hidden[0] && hidden[0] * 2 < hidden[1] && hidden[1] * 5 < hidden[2] * 4)
    #expect(hidden[2] < boundless)
  }

  @Test(arguments: [
    "answer-cache:ttl=1h,app=all", "answer-cache:ttl=10m,nodes=2,app=web,from=5",
    "permanent-copy:app=all,history=true",
  ])
  func whatIsHiddenIsWhatTheLogHasLess(plant: String) throws {
    let open = try PlantedLogs()
    let logs = try PlantedLogs([plant])
    let missing = Set(open.lines).subtracting(logs.lines)
    #expect(Set(logs.lines).isSubset(of: open.lines))
    #expect(missing.count == open.lines.count - logs.lines.count)
    #expect(missing.count == logs.planted.sum(\.hiddenLines) && !missing.isEmpty)
    #expect(missing.allSatisfy { !$0.question.isEmpty })
    if plant.contains("web") { #expect(missing.allSatisfy { $0.app == "web" }) }
    #expect(missing.allSatisfy { open.day($0) >= (plant.contains("from=5") ? 4 : 0) })
    // Calls are those that have a request id for the first time, less what was tried again anew.
    let requests = Set(missing.map(\.request)).count
    let calls = logs.planted.sum(\.hiddenCalls)
    #expect(calls <= requests && requests <= calls + calls / 20)
    #expect(logs.planted.sum(\.conversationsWithout) == open.truth.conversations)
    #expect(logs.planted.sum(\.conversationsWith) == logs.truth.conversations)
    for (number, day) in logs.planted.days.enumerated() {
      #expect(missing.filter { open.day($0) == number }.count == day.hiddenLines)
      #expect(
        open.truth.rows.filter { $0.date == day.date && $0.unit == "item" }
          .reduce(0) { $0 + $1.quantity } == day.itemsWithout)
    }
  }

  @Test func aPermanentCopyEndsAllRepeats() throws {
    let logs = try PlantedLogs(["permanent-copy:app=web,from=5"])
    let late = logs.lines.filter {
      $0.app == "web" && logs.day($0) >= 4 && $0.isSuccess && !$0.question.isEmpty
    }
    let requests = Dictionary(grouping: late, by: \.question).mapValues { Set($0.map(\.request)) }
    #expect(requests.count > 200)
    #expect(requests.values.allSatisfy { $0.count == 1 })
    let before = Set(logs.lines.filter { logs.day($0) < 4 && $0.app == "web" }.map(\.question))
    #expect(!before.isDisjoint(with: requests.keys))
    // With what it had learnt before it began, not even once.
    let old = try PlantedLogs(["permanent-copy:app=web,from=5,history=true"])
    let known = Set(
      old.lines.filter { old.day($0) < 4 && $0.app == "web" && $0.isSuccess }.map(\.question))
    #expect(
      old.lines.allSatisfy {
        old.day($0) < 4 || $0.app != "web" || $0.question.isEmpty || !known.contains($0.question)
      })
  }

  @Test func whatIsHiddenByOneIsNotHiddenByTheNext() throws {
    let open = try PlantedLogs()
    let logs = try PlantedLogs(["answer-cache:app=web", "answer-cache:app=all,ttl=10m"])
    let hidden = logs.truth.planted.map { $0.sum(\.hiddenLines) }
    #expect(hidden.allSatisfy { $0 > 0 })
    #expect(hidden.reduce(0, +) == open.lines.count - logs.lines.count)
    #expect(
      logs.truth.planted[0].sum(\.conversationsWith)
        == logs.truth.planted[1].sum(\.conversationsWithout))
  }
}
