public import CivilTime
internal import Contracts
public import Counting

/// Calls by number of a slot of time. Merges are sums.
public struct SlotCounts: DetectorSummary, Hashable {
  /// Beyond any that a record can be of.
  static let slotsMax: Int64 = 1 << 30

  public private(set) var counts: [Int32: UInt32] = [:]

  public init() {}

  public var isEmpty: Bool { counts.isEmpty }

  mutating func add(_ calls: UInt32, slot: Int32) {
    guard calls > 0 else { return }
    let (sum, isOver) = counts[slot, default: 0].addingReportingOverflow(calls)
    counts[slot] = isOver ? .max : sum
  }

  public mutating func merge(_ other: SlotCounts) {
    for (slot, calls) in other.counts { add(calls, slot: slot) }
  }

  /// Those of some slots.
  func keeping(_ isKept: (Int32) -> Bool) -> SlotCounts {
    var kept = self
    kept.counts = counts.filter { isKept($0.key) }
    return kept
  }

  var total: Int { counts.values.reduce(0) { $0 + Int($1) } }

  public func write(to writer: inout SummaryWriter) {
    writer.count(counts.count)
    var last: Int32 = 0
    for slot in counts.keys.sorted() {
      writer.signed(Int64(slot) - Int64(last))
      writer.number(UInt64(counts[slot] ?? 0))
      last = slot
    }
  }

  public init(from reader: inout SummaryReader) throws(SummaryError) {
    var last: Int64 = 0
    for index in 0..<(try reader.length()) {
      let step = try reader.signed()
      guard index == 0 || step > 0 else { throw reader.error("slots are in no order") }
      let (slot, isOver) = last.addingReportingOverflow(step)
      guard !isOver, slot >= 0, slot < Self.slotsMax, let number = Int32(exactly: slot) else {
        throw reader.error("no such slot")
      }
      last = slot
      let calls = try reader.number(atMost: UInt64(UInt32.max))
      guard calls > 0 else { throw reader.error("a slot without calls") }
      counts[number] = UInt32(calls)
    }
  }
}

/// The first and the last call of slots of time. Merges keep the first and the last of both.
public struct SlotLines: DetectorSummary, Hashable {
  struct Lines: Sendable, Hashable {
    var first: EvidenceLine
    var last: EvidenceLine
  }

  private(set) var lines: [Int32: Lines] = [:]

  public init() {}

  public var isEmpty: Bool { lines.isEmpty }

  mutating func add(_ other: Lines, slot: Int32) {
    guard var own = lines[slot] else {
      lines[slot] = other
      return
    }
    own.first = min(own.first, other.first)
    own.last = max(own.last, other.last)
    lines[slot] = own
  }

  /// Those of some slots.
  func keeping(_ isKept: (Int32) -> Bool) -> SlotLines {
    var kept = self
    kept.lines = lines.filter { isKept($0.key) }
    return kept
  }

  /// Keeps slots beside which there is one without calls.
  mutating func bound(_ counts: SlotCounts) {
    lines = lines.filter {
      counts.counts[$0.key - 1] == nil || counts.counts[$0.key &+ 1] == nil
    }
  }

  public mutating func merge(_ other: SlotLines) {
    for (slot, lines) in other.lines { add(lines, slot: slot) }
  }

  public func write(to writer: inout SummaryWriter) {
    writer.entries(lines) { slot, lines, writer in
      writer.signed(Int64(slot))
      for line in [lines.first, lines.last] {
        writer.signed(line.time)
        writer.source(line.source)
      }
    }
  }

  public init(from reader: inout SummaryReader) throws(SummaryError) {
    lines = try reader.entries { reader throws(SummaryError) in
      guard let slot = Int32(exactly: try reader.signed()), slot >= 0, slot < SlotCounts.slotsMax
      else { throw reader.error("no such slot") }
      let first = EvidenceLine(time: try reader.signed(), source: try reader.source())
      let last = EvidenceLine(time: try reader.signed(), source: try reader.source())
      return (slot, Lines(first: first, last: last))
    }
  }
}

/// How many calls there were on a day: 24 numbers a place and 288 a host at most.
public struct TrafficOfDay: DetectorSummary, Hashable {
  /// By hours from the start of the day in the contract's zone.
  public var places: [PlaceKey: SlotCounts] = [:]
  /// Of the day of no contract alone: by the gateway's host, and five minutes since 1970, all contracts' calls.
  public var hosts: [String: SlotCounts] = [:]
  /// Likewise, the first and last calls of the five minutes before and after a silence.
  public var lines: [String: SlotLines] = [:]

  public init() {}

  public var isEmpty: Bool { places.isEmpty && hosts.isEmpty && lines.isEmpty }

  public mutating func merge(_ other: TrafficOfDay) {
    places.merge(other.places) { $0.merged(with: $1) }
    hosts.merge(other.hosts) { $0.merged(with: $1) }
    lines.merge(other.lines) { $0.merged(with: $1) }
  }

  public func write(to writer: inout SummaryWriter) {
    writer.entries(places) { place, counts, writer in
      writer.place(place)
      counts.write(to: &writer)
    }
    writer.entries(hosts) { host, counts, writer in
      writer.text(host)
      counts.write(to: &writer)
    }
    writer.entries(lines) { host, lines, writer in
      writer.text(host)
      lines.write(to: &writer)
    }
  }

  public init(from reader: inout SummaryReader) throws(SummaryError) {
    places = try reader.entries { reader throws(SummaryError) in
      (try reader.place(), try SlotCounts(from: &reader))
    }
    hosts = try reader.entries { reader throws(SummaryError) in
      (try reader.text(), try SlotCounts(from: &reader))
    }
    lines = try reader.entries { reader throws(SummaryError) in
      (try reader.text(), try SlotLines(from: &reader))
    }
  }
}

extension DetectorSummary {
  func merged(with other: Self) -> Self {
    var sum = self
    sum.merge(other)
    return sum
  }
}

extension DetectionSummary {
  private static let hour: Int64 = 3_600_000_000

  /// Adds how many calls there were.
  ///
  /// - Parameter logs: the names of the logs, by the numbers that `traffic` has of them.
  public mutating func add(
    _ traffic: TrafficCounts, _ attributions: Attributions, _ terms: Terms, logs: [String]
  ) {
    let hosts = logs.map { HostName.of(log: $0) }
    var zones = terms.contracts.map { ZoneCursor($0.zone) }
    var common = ZoneCursor(terms.strangersZone)
    var hour = HourOfPlace()
    traffic.forEachAttribution { attribution, slot, calls in
      let time = slot * TrafficCounts.slotMicroseconds
      let day = zones[attributions.all[attribution].contract].day(of: Instant(microseconds: time))
      let next = HourOfPlace(
        attribution: attribution, day: day.date.daysSinceEpoch,
        hour: Int32(clamping: (time - day.start.microseconds) / Self.hour))
      // Slots of an hour come one after the other.
      if next.isSame(as: hour) {
        hour.calls += calls
      } else {
        add(hour, attributions, terms)
        hour = next
        hour.calls = calls
      }
    }
    add(hour, attributions, terms)
    var ofHosts: [ContractDay: TrafficOfDay] = [:]
    traffic.forEachLog { log, slot, calls, first, last in
      guard log < hosts.count else { return }
      let instant = Instant(microseconds: slot * TrafficCounts.slotMicroseconds)
      let key = ContractDay(contract: "", day: common.day(of: instant).date.daysSinceEpoch)
      ofHosts[key, default: TrafficOfDay()].add(
        UInt32(clamping: calls), slot: Int32(clamping: slot), host: hosts[log],
        SlotLines.Lines(
          first: EvidenceLine(time: first.time, source: first.source),
          last: EvidenceLine(time: last.time, source: last.source)))
    }
    for (key, var traffic) in ofHosts {
      traffic.bound()
      days[key, default: DetectionDay()].traffic.merge(traffic)
    }
  }

  /// An hour's calls of an attribution.
  private struct HourOfPlace {
    var attribution = 0
    var day: Int32 = 0
    var hour: Int32 = 0
    var calls = 0

    func isSame(as other: HourOfPlace) -> Bool {
      attribution == other.attribution && day == other.day && hour == other.hour
    }
  }

  private mutating func add(_ hour: HourOfPlace, _ attributions: Attributions, _ terms: Terms) {
    guard hour.calls > 0 else { return }
    let entry = attributions.all[hour.attribution]
    let key = ContractDay(contract: terms.contracts[entry.contract].number, day: hour.day)
    let place = PlaceKey(licensee: entry.licensee, app: entry.app, module: entry.module)
    days[key, default: DetectionDay()].traffic.places[place, default: SlotCounts()].add(
      UInt32(clamping: hour.calls), slot: hour.hour)
  }
}

extension TrafficOfDay {
  mutating func add(_ calls: UInt32, slot: Int32, host: String, _ own: SlotLines.Lines) {
    hosts[host, default: SlotCounts()].add(calls, slot: slot)
    lines[host, default: SlotLines()].add(own, slot: slot)
  }

  /// Keeps lines beside silences.
  mutating func bound() {
    for host in lines.keys {
      lines[host]?.bound(hosts[host] ?? SlotCounts())
      if lines[host]?.isEmpty == true { lines[host] = nil }
    }
  }
}

extension DetectionSummary {
  /// Leaves the days of a range.
  ///
  /// Hosts have days of one zone, and calls of all contracts together. Where contracts have several zones, the times at
  /// the range's ends that are not of it in all of them are left out of hosts' calls: there one run has seen those calls
  /// alone that are of the range in their own zone, and a workspace has all, or nothing of the day.
  public mutating func limit(to range: ClosedRange<CivilDate>, _ terms: Terms) {
    days = days.filter { range.contains(CivilDate(daysSinceEpoch: $0.key.day)) }
    let zones = Set(terms.contracts.map(\.zone))
    guard zones.count > 1 else { return }
    let starts = zones.map { $0.start(of: range.lowerBound).microseconds }
    let ends = zones.map { $0.start(of: range.upperBound + 1).microseconds }
    let (first, end) = (starts.max() ?? 0, ends.min() ?? 0)
    let slot = TrafficCounts.slotMicroseconds
    for (key, day) in days where !day.traffic.hosts.isEmpty {
      var day = day
      day.traffic.hosts = day.traffic.hosts.compactMapValues { counts in
        let kept = counts.keeping { Int64($0) * slot >= first && Int64($0) * slot + slot <= end }
        return kept.isEmpty ? nil : kept
      }
      // Of the outermost slots it is not known whether there is a silence beside them.
      day.traffic.lines = day.traffic.lines.compactMapValues { lines in
        let kept = lines.keeping {
          Int64($0) * slot >= first + slot && Int64($0) * slot + 2 * slot <= end
        }
        return kept.isEmpty ? nil : kept
      }
      days[key] = day.isEmpty ? nil : day
    }
  }
}

/// The host that wrote a log, from the log's name.
enum HostName {
  /// The file's name without date, part number and extensions: `gateway-02` of
  /// `logs/gateway-02-2025-12-01.ndjson.gz`; where nothing is left, that of its folder.
  static func of(log path: String) -> String {
    let parts = path.utf8.split(separator: UInt8(ascii: "/")).suffix(3)
    for part in parts.reversed() {
      let name = stem(Array(part))
      if !name.isEmpty { return String(decoding: name, as: UTF8.self) }
    }
    return "log"
  }

  private static let extensions: Set<String> = [
    "gz", "lz4", "zst", "zstd", "zz", "ndjson", "json", "jsonl", "log", "txt", "csv", "tsv", "out",
    "old",
  ]

  private static func isDigit(_ byte: UInt8) -> Bool { byte >= 0x30 && byte <= 0x39 }

  private static func isMark(_ byte: UInt8) -> Bool {
    byte == 0x2D || byte == 0x5F || byte == 0x2E || byte == 0x2B || byte == 0x3A
  }

  private static func stem(_ name: [UInt8]) -> [UInt8] {
    var name = trimmed(withoutDate(name))
    while let (rest, last) = divided(name) {
      let isNumber = last.allSatisfy(isDigit)
      // `access.log.1`, but not `10.0.0.7`.
      guard isExtension(last) || isNumber && divided(rest).map({ isExtension($0.1) }) ?? false
      else { break }
      name = trimmed(rest)
    }
    // An extension that stood behind a date alone, or a folder of a year or month.
    if isExtension(name) { return [] }
    return name.allSatisfy { isDigit($0) || isMark($0) } && name.count < 7 ? [] : name
  }

  private static func isExtension(_ text: [UInt8]) -> Bool {
    extensions.contains(String(decoding: text, as: UTF8.self).lowercased())
  }

  private static func divided(_ name: [UInt8]) -> ([UInt8], [UInt8])? {
    name.lastIndex(of: UInt8(ascii: ".")).map { (Array(name[..<$0]), Array(name[($0 + 1)...])) }
  }

  private static func trimmed(_ name: [UInt8]) -> [UInt8] {
    var name = name
    while let last = name.last, isMark(last) { name.removeLast() }
    while let first = name.first, isMark(first) { name.removeFirst() }
    return name
  }

  /// Without `2025-12-01`, `20251201` and a time of day behind it.
  private static func withoutDate(_ name: [UInt8]) -> [UInt8] {
    for start in name.indices where start == 0 || !isDigit(name[start - 1]) {
      guard var end = dateEnd(name, start) else { continue }
      // `T13`, `-1300`, `_13-00-05`: digits in twos behind a mark.
      while end < name.count {
        var next = end
        if next < name.count, isMark(name[next]) || name[next] | 0x20 == UInt8(ascii: "t") {
          next += 1
        }
        let digits = name[next...].prefix(while: isDigit).count
        guard digits == 2 || digits == 4 || digits == 6 else { break }
        end = next + digits
      }
      if end < name.count, name[end] | 0x20 == UInt8(ascii: "z") { end += 1 }
      return Array(name[..<start]) + Array(name[end...])
    }
    return name
  }

  private static func dateEnd(_ name: [UInt8], _ start: Int) -> Int? {
    let digits = name[start...].prefix(while: isDigit).count
    func number(_ range: Range<Int>) -> Int? {
      guard range.upperBound <= name.count, name[range].allSatisfy(isDigit) else { return nil }
      return name[range].reduce(0) { $0 * 10 + Int($1 - 0x30) }
    }
    func isDate(_ year: Int?, _ month: Int?, _ day: Int?) -> Bool {
      guard let year, let month, let day else { return false }
      return year >= 1_990 && year <= 2_399 && month >= 1 && month <= 12 && day >= 1 && day <= 31
    }
    if digits >= 8,
      isDate(
        number(start..<start + 4), number(start + 4..<start + 6), number(start + 6..<start + 8))
    {
      return digits == 8 || digits == 10 || digits == 12 || digits == 14 ? start + digits : nil
    }
    guard digits == 4, start + 10 <= name.count, isMark(name[start + 4]),
      name[start + 7] == name[start + 4],
      isDate(
        number(start..<start + 4), number(start + 5..<start + 7), number(start + 8..<start + 10)),
      start + 10 == name.count || !isDigit(name[start + 10])
    else { return nil }
    return start + 10
  }
}
