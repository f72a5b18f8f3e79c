public import CivilTime
public import Decoding

/// What a set of logs says together: what each is, and what is missing or there twice among them.
public struct CheckReport: Sendable {
  public let logs: [CheckedLog]
  /// Logs that could not be opened.
  public let failures: [InputError]
  public let zone: Zone
  /// Logs of equal text, by their numbers; of each such group the first is the first by name.
  public let equalLogs: [[Int]]
  /// Stretches of whole hours, between the first and the last record of all, without any record.
  public let silences: [Silence]
  /// Names that are missing in a sequence of names.
  public let missingNames: [String]

  /// Whole hours without a record.
  public struct Silence: Sendable, Hashable {
    /// Names with their dates and numbers taken out, where only these logs are silent; `nil`: all.
    public var series: String?
    public var from: Instant
    public var to: Instant
    /// Records that the other logs have in that time.
    public var othersRecords: Int
  }

  /// - Parameters:
  ///   - logs: sorted by path.
  ///   - zone: for days and hours.
  public init(logs: [CheckedLog], failures: [InputError], zone: Zone) {
    self.logs = logs
    self.failures = failures
    self.zone = zone
    equalLogs = Self.equal(logs)
    let series = Series.all(logs.map(\.file.path))
    silences = Self.silences(logs, series)
    missingNames = series.flatMap(\.missingNames)
  }

  /// What must be looked at before the logs are counted.
  public var concerns: [String] {
    var concerns: [String] = []
    func add(_ count: Int, _ one: String, _ many: String) {
      if count > 0 { concerns.append(count == 1 ? "1 \(one)" : "\(count) \(many)") }
    }
    add(failures.count, "log cannot be opened", "logs cannot be opened")
    add(logs.count { $0.isUnknown }, "log is of no known format", "logs are of no known format")
    add(
      logs.count { $0.isIgnored }, "log has no record that counts, by the rules of its format",
      "logs have no record that counts, by the rules of their formats")
    add(logs.count { !$0.damages.isEmpty }, "log is damaged", "logs are damaged")
    add(
      logs.count { $0.quarantined > 0 && !$0.isUnknown }, "log has lines that cannot be read",
      "logs have lines that cannot be read")
    add(
      equalLogs.reduce(0) { $0 + $1.count - 1 }, "log has the text of another one",
      "logs have the text of another one")
    add(
      missingNames.count, "log is missing in a sequence of names",
      "logs are missing in sequences of names")
    return concerns
  }

  private static func equal(_ logs: [CheckedLog]) -> [[Int]] {
    var groups: [[UInt64]: [Int]] = [:]
    for (index, log) in logs.enumerated() where log.textBytes > 0 {
      groups[[UInt64(log.textBytes)] + log.digests, default: []].append(index)
    }
    return groups.values.filter { $0.count > 1 }.sorted { $0[0] < $1[0] }
  }

  // MARK: - Silences

  private static func silences(_ logs: [CheckedLog], _ series: [Series]) -> [Silence] {
    var all: [Int64: Int] = [:]
    for log in logs { all.merge(log.hours) { $0 + $1 } }
    var found = silences(all, series: nil, others: [:])
    guard series.count > 1 else { return found }
    for one in series {
      var hours: [Int64: Int] = [:]
      for index in one.logs { hours.merge(logs[index].hours) { $0 + $1 } }
      found += silences(hours, series: one.pattern, others: all)
    }
    return found
  }

  /// - Parameter others: where a series is looked at, the records of all logs: it is silent only
  ///   where others are not.
  private static func silences(
    _ hours: [Int64: Int], series: String?, others: [Int64: Int]
  ) -> [Silence] {
    guard let first = hours.keys.min(), let last = hours.keys.max(), last - first < 1_000_000 else {
      return []
    }
    func instant(_ hour: Int64) -> Instant { Instant(microseconds: hour * 3_600_000_000) }
    var silences: [Silence] = []
    var start: Int64?
    var records = 0
    for hour in first...last {
      let isSilent = hours[hour] == nil && (series == nil || others[hour] ?? 0 >= quietRecordsMax)
      if isSilent {
        start = start ?? hour
        records += others[hour] ?? 0
      } else if let begin = start {
        silences.append(
          Silence(
            series: series, from: instant(begin), to: instant(hour), othersRecords: records))
        start = nil
        records = 0
      }
    }
    return silences
  }

  /// Of an hour with fewer records in all, no series is expected to have one.
  private static let quietRecordsMax = 20
}

/// Logs whose names differ in a date or a number alone: one gateway's days, or a rotated log.
struct Series {
  /// The name with `*` for what differs.
  var pattern: String
  var logs: [Int]
  var missingNames: [String]

  static func all(_ paths: [String]) -> [Series] {
    var groups: [String: [(log: Int, name: SeriesName)]] = [:]
    var order: [String] = []
    for (index, path) in paths.enumerated() {
      let name = SeriesName(path)
      if groups[name.pattern] == nil { order.append(name.pattern) }
      groups[name.pattern, default: []].append((index, name))
    }
    return order.map { pattern in
      let members = groups[pattern] ?? []
      return Series(
        pattern: pattern, logs: members.map(\.log),
        missingNames: SeriesName.missing(members.map(\.name)))
    }
  }
}

/// A path taken apart at its last date or, without one, its last number.
private struct SeriesName {
  var before: String
  var after: String
  /// Days since 1970, or the number; `nil` where the name has neither.
  var position: Int?
  private var isDate = false
  private var digits = 0
  private var separator = ""
  private static let missingMax = 100

  var pattern: String { position == nil ? before : before + "*" + after }

  init(_ path: String) {
    let name = path.split(separator: "/").last.map(String.init) ?? path
    let folder = String(path.dropLast(name.count))
    let characters = Array(name)
    before = path
    after = ""
    if let (range, day, separator) = Self.date(characters) {
      position = day
      isDate = true
      self.separator = separator
      before = folder + String(characters[..<range.lowerBound])
      after = String(characters[range.upperBound...])
    } else if let range = Self.rotation(characters), let number = Int(String(characters[range])) {
      position = number
      digits = range.count
      before = folder + String(characters[..<range.lowerBound])
      after = String(characters[range.upperBound...])
    }
  }

  /// The last `2025-12-01` or `20251201`.
  private static func date(_ characters: [Character]) -> (Range<Int>, Int, String)? {
    for (length, separator) in [(10, "-"), (8, "")] where characters.count >= length {
      for start in (0...(characters.count - length)).reversed() {
        let text = String(characters[start..<(start + length)])
        let isAlone =
          (start == 0 || !characters[start - 1].isNumber)
          && (start + length == characters.count || !characters[start + length].isNumber)
        let dashed =
          separator == "-" || text.contains("-")
          ? text : "\(text.prefix(4))-\(text.dropFirst(4).prefix(2))-\(text.suffix(2))"
        guard isAlone, let date = CivilDate(text: dashed),
          (2000..<2200).contains(date.components.year)
        else {
          continue
        }
        return (start..<(start + length), Int(date.daysSinceEpoch), separator)
      }
    }
    return nil
  }

  /// The number behind `.log` or the like, as rotation puts it: `access.log.12.gz`.
  private static func rotation(_ characters: [Character]) -> Range<Int>? {
    var end = characters.count
    while end > 0 {
      guard let dot = characters[..<end].lastIndex(of: ".") else { return nil }
      let part = characters[(dot + 1)..<end]
      if !part.isEmpty && part.count <= 6 && part.allSatisfy({ $0.isASCII && $0.isNumber }) {
        return (dot + 1)..<end
      }
      end = dot
    }
    return nil
  }

  static func missing(_ names: [SeriesName]) -> [String] {
    let positions = Set(names.compactMap(\.position))
    guard let first = positions.min(), let last = positions.max(), let model = names.first,
      last - first < 10_000
    else { return [] }
    return (first...last).filter { !positions.contains($0) }.prefix(missingMax).map { position in
      model.before + model.text(of: position) + model.after
    }
  }

  private func text(of position: Int) -> String {
    if isDate {
      let text = "\(CivilDate(daysSinceEpoch: Int32(position)))"
      return separator.isEmpty ? text.filter { $0 != "-" } : text
    }
    let number = String(position)
    return String(repeating: "0", count: max(digits - number.count, 0)) + number
  }
}
