import CivilTime
import Foundation
import Simulation

/// A slow count of written logs by the options' rule: parses every line with Foundation, sorts
/// each user's calls and scans them.
struct Recount {
  struct Call {
    var time: Int64
    var request: String
    var event: String
    var module: String
    var scenario: String
    var status: Int
    var items: Int
    var app: String
    var date: CivilDate
  }
  struct Key: Hashable {
    var licensee: String
    var date: CivilDate
    var module: String
    var scenario: String
  }
  struct Sum: Equatable {
    var quantity = 0
    var messages = 0
  }

  var lines = 0
  var blank = 0
  var quarantined = 0
  var records = 0
  var messages = 0
  var items = 0
  var ignored = 0
  var failed = 0
  var duplicates = 0
  var outside = 0
  var unplaced = 0
  var sums: [Key: Sum] = [:]
  var appRecords: [String: Int] = [:]
  var scenarioRecords: [String: Int] = [:]
  var originRecords: [String: Int] = [:]
  var disorder = 0
  var secondsOfDay: [Int] = []
  var questions: [String: Int] = [:]

  /// By licensee and user, as they were read.
  private(set) var calls: [[String]: [Call]] = [:]
  private let minMessages: Int

  init(directory: String, truth: Truth, options: SimulationOptions) throws {
    minMessages = options.minMessages
    let bound = Set(options.licensees.filter { $0.contract != nil }.map(\.name))
    for file in truth.files {
      let text = try logText(directory + "/" + file)
      var last = Int64.min
      var parts = text.split(separator: 0x0A, omittingEmptySubsequences: false)
      if let end = parts.last, end.isEmpty { parts.removeLast() }
      for line in parts {
        read(line, bound: bound, zone: options.zone, last: &last)
      }
    }
    let itemModules = Set(
      options.licensees.flatMap(\.modules).filter { $0.meter == .item }.map(\.name))
    let idle = options.idleTimeout.microseconds
    for (identity, calls) in calls {
      count(deduplicated(calls), licensee: identity[0], itemModules: itemModules, idle: idle)
    }
  }

  private mutating func read(
    _ line: Data, bound: Set<String>, zone: Zone, last: inout Int64
  ) {
    lines += 1
    guard !line.isEmpty else {
      blank += 1
      return
    }
    var reader = TimestampReader()
    guard let object = try? JSONSerialization.jsonObject(with: line) as? [String: Any],
      let text = object["time"] as? String,
      let time = reader.instant(text: Array(text.utf8).span)
    else {
      quarantined += 1
      return
    }
    records += 1
    if time.microseconds < last { disorder += 1 }
    last = time.microseconds
    let licensee = object["licensee"] as? String ?? ""
    guard bound.contains(licensee) else {
      outside += 1
      return
    }
    let app = object["app"] as? String ?? ""
    let scenario = object["scenario"] as? String ?? ""
    appRecords[app, default: 0] += 1
    scenarioRecords[scenario, default: 0] += 1
    originRecords[object["origin"] as? String ?? "", default: 0] += 1
    if let question = object["question"] as? String { questions[question, default: 0] += 1 }
    let day = zone.day(of: time)
    secondsOfDay.append(Int((time - day.start).microseconds / 1_000_000))
    let user: String
    switch object["user"] {
    case let text as String: user = text
    case let number as Int: user = String(number)
    default:
      unplaced += 1
      return
    }
    calls[[licensee, user], default: []].append(
      Call(
        time: time.microseconds, request: object["request_id"] as? String ?? "",
        event: object["event"] as? String ?? "message", module: object["module"] as? String ?? "",
        scenario: scenario, status: object["status"] as? Int ?? 200,
        items: object["items"] as? Int ?? 1, app: app, date: day.date))
  }

  private mutating func deduplicated(_ calls: [Call]) -> [Call] {
    var kept: [Call] = []
    for same in Dictionary(grouping: calls, by: \.request).values {
      var rest = same.sorted { $0.time < $1.time }[...]
      while let first = rest.first {
        let group = rest.prefix { $0.time - first.time <= 3_600_000_000 }
        kept.append(group.first { (200...299).contains($0.status) } ?? first)
        duplicates += group.count - 1
        rest = rest.dropFirst(group.count)
      }
    }
    return kept.sorted { ($0.time, $0.request) < ($1.time, $1.request) }
  }

  private mutating func count(
    _ calls: [Call], licensee: String, itemModules: Set<String>, idle: Int64
  ) {
    var open: Key?
    var talk = 0
    var last: Int64 = 0
    for call in calls {
      if call.event == "ping" {
        ignored += 1
        continue
      }
      guard (200...299).contains(call.status) else {
        failed += 1
        continue
      }
      let key = Key(
        licensee: licensee, date: call.date, module: call.module, scenario: call.scenario)
      if itemModules.contains(call.module) {
        items += 1
        sums[key, default: Sum()].quantity += call.items
        sums[key, default: Sum()].messages += 1
        continue
      }
      if open != nil, call.time - last > idle { open = nil }
      if call.event == "close", open == nil {
        ignored += 1
        continue
      }
      messages += 1
      if open == nil || call.event == "open" {
        open = key
        talk = 0
      }
      last = call.time
      guard let row = open else { continue }
      sums[row, default: Sum()].messages += 1
      if call.event == "message" {
        talk += 1
        if talk == minMessages { sums[row, default: Sum()].quantity += 1 }
      }
      if call.event == "close" { open = nil }
    }
  }
}
