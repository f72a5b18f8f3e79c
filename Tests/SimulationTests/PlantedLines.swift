import CivilTime
import Foundation
import Simulation

/// A line of a written log, as far as the tests of what is planted look at it.
struct PlantedLine: Hashable {
  /// Microseconds since the epoch.
  var time: Int64
  var user: String
  var request: String
  var question: String
  var app: String
  var module: String
  var event: String
  var path: String
  var address: String
  var agent: String
  var status: Int
  var latency: Int
  var bytesIn: Int
  /// The whole line.
  var text: Data

  var isSuccess: Bool { status == 200 }
}

/// What `plants` make of two weeks of a licensee, by time.
struct PlantedLogs {
  let truth: Truth
  let lines: [PlantedLine]
  let options: SimulationOptions

  /// - Parameter change: of what the preset has otherwise.
  init(
    _ plants: [String] = [], seed: UInt64 = 1, questionsPerDay: Int = 500,
    change: (inout SimulationOptions) -> Void = { _ in }
  ) throws {
    var options = try SimulationOptions.conduct()
    options.seed = seed
    options.questionsPerDay = questionsPerDay
    // Times of all lines by one clock.
    options.clockSkews = [0]
    options.plants = try plants.map { text throws(SimulationError) in try Plant(text: text) }
    change(&options)
    self.options = options
    let scratch = Scratch()
    truth = try simulate(options, into: scratch.path)
    var lines: [PlantedLine] = []
    for file in truth.files {
      for line in try logText(scratch.path + "/" + file).split(separator: 0x0A) {
        lines.append(try PlantedLine(line))
      }
    }
    self.lines = lines.sorted { ($0.time, $0.request) < ($1.time, $1.request) }
  }

  /// The first planted thing.
  var planted: Truth.Planted { truth.planted[0] }

  /// Days from the first, from 0.
  func day(_ line: PlantedLine) -> Int {
    let date = options.zone.date(of: Instant(microseconds: line.time))
    return Int(date.daysSinceEpoch - options.from.daysSinceEpoch)
  }

  func hour(_ line: PlantedLine) -> Int {
    let instant = Instant(microseconds: line.time)
    return Int((instant - options.zone.day(of: instant).start).microseconds / 3_600_000_000)
  }

  func lines(of users: [String]) -> [PlantedLine] {
    let users = Set(users)
    return lines.filter { users.contains($0.user) }
  }
}

extension PlantedLine {
  fileprivate init(_ text: Data) throws {
    let object = try JSONSerialization.jsonObject(with: text) as? [String: Any] ?? [:]
    func string(_ name: String) -> String { object[name] as? String ?? "" }
    func number(_ name: String) -> Int { object[name] as? Int ?? -1 }
    var reader = TimestampReader()
    time = reader.instant(text: Array(string("time").utf8).span)?.microseconds ?? 0
    user = (object["user"] as? Int).map(String.init) ?? string("user")
    request = string("request_id")
    question = string("question")
    app = string("app")
    module = string("module")
    event = string("event")
    path = string("path")
    address = string("client_ip")
    agent = string("user_agent")
    status = number("status")
    latency = number("latency_ms")
    bytesIn = number("bytes_in")
    self.text = text
  }
}

let minute: Int64 = 60_000_000
let hour: Int64 = 3_600_000_000
