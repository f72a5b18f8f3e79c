public import CivilTime
public import Contracts
public import Counting
internal import Decoding
internal import Formats
public import Metering
internal import Parsing
public import Reports

/// What a run says of its input: where every line went, what could not be read, and what belongs to
/// no one.
public struct MeteringSummary: Sendable {
  private let result: MeteringResult
  /// Share of lines that may be quarantined before a person must look.
  private let quarantinedShare: Money
  /// Lines that the text shows of a list.
  private static let shownMax = 10

  public init(_ result: MeteringResult, quarantinedShare: Money) {
    self.result = result
    self.quarantinedShare = quarantinedShare
  }

  /// Whether more lines are quarantined than the allowed share.
  public var exceedsQuarantinedShare: Bool {
    let balance = result.balance
    return Money(balance.quarantined) > quarantinedShare * balance.lines
  }

  /// Whether a person must look at the input: damage, or too much quarantined.
  public var needsPerson: Bool { !concerns.isEmpty }

  /// Where every line went.
  public var balance: Balance { result.balance }

  /// Logs that the count is of.
  public var logCount: Int { result.files.count }

  /// Logs that could not be read as a whole.
  public var damagedLogCount: Int { Set(result.damages.map(\.file.path)).count }

  /// The time of the last record.
  public var inputEnd: Instant? { result.inputEnd }

  /// What about the input needs a person.
  public var concerns: [RunConcern] {
    var concerns: [RunConcern] = []
    if damagedLogCount > 0 { concerns.append(.damagedFiles(damagedLogCount)) }
    if exceedsQuarantinedShare {
      concerns.append(
        .quarantined(
          lines: result.balance.quarantined, of: result.balance.lines,
          allowedPercent: "\(quarantinedShare * 100)"))
    }
    return concerns
  }

  /// Logs that no format reads.
  private var unknown: [InputFile] {
    zip(result.files, result.formats).filter { $1.map { $0.name == nil } ?? false }.map { $0.0 }
  }

  /// Logs whose format is known, and of whose first records none counts.
  private var ignored: [(InputFile, format: String)] {
    zip(result.files, result.formats).compactMap { file, format in
      guard let format, let name = format.name, format.ignoresAll else { return nil }
      return (file, name)
    }
  }

  // MARK: - Text

  /// The summary as lines for people.
  public var text: String {
    let balance = result.balance
    var text = """
      \(Self.grouped(balance.lines)) lines = \(Self.grouped(balance.records)) records \
      + \(Self.grouped(balance.blank)) blank + \(Self.grouped(balance.quarantined)) quarantined
      \(Self.grouped(balance.records)) records = \(Self.grouped(balance.messages)) messages \
      + \(Self.grouped(balance.items)) items + \(Self.grouped(balance.ignored)) ignored \
      + \(Self.grouped(balance.failed)) failed + \(Self.grouped(balance.duplicates)) duplicates \
      + \(Self.grouped(balance.outsideContract)) outside the contract \
      + \(Self.grouped(balance.unplaced)) unplaced\(otherDaysText)

      """
    if !balance.isBalanced || !result.bytes.isBalanced {
      text += "error: these sums do not agree; please report this\n"
    }
    text += list("quarantined", result.quarantined, total: balance.quarantined) {
      "\(result.sources.text(of: $0.source)): \($0.rejection.reason)"
    }
    text += list("damaged", result.damages, total: result.damages.count) {
      "\($0.file.path): \($0.damage.fullText)"
        + ($0.damage.distrust == nil ? "; what is readable before and behind it is counted" : "")
    }
    text += distrustText
    text += list("of no known format", unknown, total: unknown.count) {
      "\($0.path): no line of its beginning is a record; 'duizhang check' says what comes closest"
    }
    text += list("without a call", ignored, total: ignored.count) { file, format in
      "\(file.path): the rules of the format \(format) are for none of its first requests; "
        + "'duizhang check' says what to do"
    }
    text += list("of no contract", outside, total: balance.outsideContract) { licensee, tally in
      "licensee '\(licensee)': \(Self.grouped(tally.records)) records, which may be unbilled use"
        + (tally.evidence.first.map { ", first at \($0.source)" } ?? "")
    }
    text += list("unplaced", unplaced, total: balance.unplaced) { owner, sources in
      "\(owner.contract.isEmpty ? "" : "contract \(owner.contract), ")licensee "
        + "'\(owner.licensee)': \(Self.grouped(sources.total)) records lack a field of the "
        + "identity, at \(locations(sources))"
    }
    if balance.conflicts > 0 {
      text += "conflicts: \(Self.grouped(balance.conflicts)) duplicates differ from the record "
      text += "kept in event, module, scenario, app, items or conversation, at "
      text += "\(locations(result.conflicts))\n"
    }
    return text
  }

  private var otherDaysText: String {
    let records = result.balance.otherDays
    return records == 0 ? "" : " + \(Self.grouped(records)) on other days"
  }

  /// What to do about lines that nothing vouches for.
  private var distrustText: String {
    let found = Set(result.damages.compactMap(\.damage.distrust?.isApplied))
    var text = ""
    if found.contains(true) {
      text += "  get whole copies; or look at the lines quarantined for a damage (--quarantine DIR "
      text += "keeps them, and run always), and give those that are right as another log\n"
    }
    if found.contains(false) {
      text += "  lines that pass for right count, and may be wrong; give all logs as files, not by "
      text += "standard input or pipes, and they are quarantined\n"
    }
    return text
  }

  private var outside: [(String, Tally)] { result.outside.sorted { $0.key < $1.key } }

  private var unplaced: [(UsageOwner, FirstSources)] {
    result.unplaced.sorted {
      ($0.key.contract, $0.key.licensee) < ($1.key.contract, $1.key.licensee)
    }
  }

  private func locations(_ sources: FirstSources) -> String {
    sources.numbers.map(result.sources.text(of:)).joined(separator: ", ")
      + (sources.total > sources.numbers.count ? ", …" : "")
  }

  private func list<Element>(
    _ title: String, _ elements: [Element], total: Int, _ line: (Element) -> String
  ) -> String {
    guard !elements.isEmpty else { return "" }
    var text = "\(title):\n"
    for element in elements.prefix(Self.shownMax) { text += "  \(line(element))\n" }
    let rest = (elements.first is Quarantined ? total : elements.count) - Self.shownMax
    if rest > 0 { text += "  and \(Self.grouped(rest)) more\n" }
    return text
  }

  /// `1,234,567`.
  public static func grouped(_ number: Int) -> String {
    var digits = String(number.magnitude)
    var groups: [String] = []
    while digits.count > 3 {
      groups.insert(String(digits.suffix(3)), at: 0)
      digits.removeLast(3)
    }
    return (number < 0 ? "-" : "") + ([digits] + groups).joined(separator: ",")
  }

  // MARK: - JSON

  /// The summary for programs.
  public var json: JSONValue {
    let end = result.inputEnd?.rfc3339(in: .utc)
    return [
      "balance": balanceJSON,
      "bytes": bytesJSON,
      "conflict_evidence": .array(
        result.conflicts.numbers.map { .string(result.sources.text(of: $0)) }),
      "input_end": end.map { .string($0) } ?? .null,
      "files": .array(result.files.map { .string($0.path) }),
      "formats": .array(
        result.formats.map { format in
          format.map { .string($0.name ?? "unknown") } ?? .null
        }),
      "file_bytes": .array(zip(result.files, result.fileBytes).map(Self.json)),
      "damaged": .array(
        result.damages.map {
          [
            "file": .string($0.file.path), "byte_offset": .number($0.damage.byteOffset),
            "byte_count": $0.damage.byteCount.map { .number($0) } ?? .null,
            "detail": .string($0.damage.detail),
            "untrusted_text_bytes": .number($0.damage.distrust?.textBytes ?? 0),
            "untrusted_is_quarantined": $0.damage.distrust.map { .bool($0.isApplied) } ?? .null,
          ]
        }),
      "outside": .array(
        outside.map { licensee, tally in
          [
            "licensee": .string(licensee), "records": .number(tally.records),
            "evidence": .array(tally.evidence.map { .string($0.source) }),
          ]
        }),
      "unplaced": .array(
        unplaced.map { owner, sources in
          [
            "contract": .string(owner.contract), "licensee": .string(owner.licensee),
            "records": .number(sources.total),
            "evidence": .array(sources.numbers.map { .string(result.sources.text(of: $0)) }),
          ]
        }),
    ]
  }

  private var balanceJSON: JSONValue {
    let balance = result.balance
    return [
      "lines": .number(balance.lines), "records": .number(balance.records),
      "blank": .number(balance.blank), "quarantined": .number(balance.quarantined),
      "messages": .number(balance.messages), "items": .number(balance.items),
      "ignored": .number(balance.ignored), "failed": .number(balance.failed),
      "duplicates": .number(balance.duplicates),
      "outside_contract": .number(balance.outsideContract),
      "unplaced": .number(balance.unplaced), "other_days": .number(balance.otherDays),
      "conflicts": .number(balance.conflicts),
      "balanced": .bool(balance.isBalanced),
    ]
  }

  private var bytesJSON: JSONValue {
    let bytes = result.bytes
    return [
      "text_bytes": .number(bytes.text), "record_bytes": .number(bytes.records),
      "blank_bytes": .number(bytes.blank), "quarantined_bytes": .number(bytes.quarantined),
      "added_line_ends": .number(bytes.addedLineEnds), "balanced": .bool(bytes.isBalanced),
    ]
  }

  private static func json(_ file: InputFile, _ bytes: FileBytes) -> JSONValue {
    [
      "file": .string(file.path), "stored_bytes": .number(bytes.stored),
      "read_bytes": bytes.lost.map { .number(bytes.stored - $0) } ?? .null,
      "lost_bytes": bytes.lost.map { .number($0) } ?? .null,
      "text_bytes": .number(bytes.text),
    ]
  }

  var hasQuarantined: Bool { result.balance.quarantined > 0 }

  /// Quarantined lines that `quarantine.csv` has no room for.
  public var quarantinedBeyondTable: Int {
    result.balance.quarantined - result.quarantined.count
  }

  /// The first quarantined lines, as `quarantine.csv`.
  public var quarantineTable: CSVTable {
    CSVTable(
      columns: ["file", "line", "reason"],
      rows: result.quarantined.map {
        let (file, line) = result.sources.location(of: $0.source)
        return [
          .text(result.sources.name(ofFile: file)), .number(line), .text($0.rejection.reason),
        ]
      })
  }
}
