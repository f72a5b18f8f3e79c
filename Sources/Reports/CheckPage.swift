public import Checking
internal import CivilTime
internal import Decoding
internal import Formats
internal import Parsing

/// What `duizhang check` found, as a page for people, as a table and as JSON.
public struct CheckPage: Sendable {
  private let report: CheckReport
  /// Things of one kind that the page shows.
  private static let shownMax = 10
  private static let textShown = 120

  public init(_ report: CheckReport) { self.report = report }

  // MARK: - Text

  public var text: String { page.printable }

  private var page: String {
    var text = table
    text += unknown
    text += understood
    text += section("Damaged", report.logs.flatMap { log in log.damages.map { (log, $0) } }) {
      "\($0.file.path): \($1.fullText)"
    }
    text += section("Quarantined", rejections) { "\($0.file.path):\($1): \($2.reason)" }
    text += section("Cannot be opened", report.failures) { "\($0)" }
    text += section("The same text", report.equalLogs) { group in
      group.map { report.logs[$0].file.path }.joined(separator: " = ")
    }
    text += section("Missing in a sequence of names", report.missingNames) { $0 }
    text += section("Hours without a record", report.silences) { silence in
      let hours = (silence.to.microseconds - silence.from.microseconds) / 3_600_000_000
      let span = "\(time(silence.from)) to \(time(silence.to)), \(hours) h"
      guard let series = silence.series else { return span }
      return "\(series): \(span), in which the others have \(silence.othersRecords) records"
    }
    let concerns = report.concerns
    text +=
      concerns.isEmpty
      ? "\nNothing stands against counting these logs.\n"
      : "\nTo be looked at: \(concerns.joined(separator: "; ")).\n"
    return text
  }

  private func time(_ instant: Instant) -> String { instant.rfc3339(in: report.zone) }

  /// A line for each log.
  private var table: String {
    var rows = [["log", "stored", "format", "lines", "records", "quarantined", "from", "to"]]
    for log in report.logs {
      let encoding = log.encoding.flatMap { $0 == .utf8 ? nil : " (\($0.name))" } ?? ""
      rows.append([
        log.file.path, log.codec?.rawValue ?? "-",
        (log.formatName ?? (log.isUnknown ? "unknown" : "-")) + encoding,
        "\(log.counts.lines)", "\(log.records)", "\(log.quarantined)",
        log.first.map(time) ?? "-", log.last.map(time) ?? "-",
      ])
    }
    let widths = rows[0].indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
    return rows.map { row in
      let cells = row.indices.map { column in
        let padding = String(repeating: " ", count: widths[column] - row[column].count)
        return (3...5).contains(column) ? padding + row[column] : row[column] + padding
      }
      return String(cells.joined(separator: "  ").reversed().drop { $0 == " " }.reversed()) + "\n"
    }.joined()
  }

  private func section<Element>(
    _ title: String, _ elements: [Element], _ line: (Element) -> String
  ) -> String {
    if elements.isEmpty { return "" }
    var text = "\n\(title):\n"
    for element in elements.prefix(Self.shownMax) { text += "  \(line(element))\n" }
    if elements.count > Self.shownMax { text += "  and \(elements.count - Self.shownMax) more\n" }
    return text
  }

  private var rejections: [(CheckedLog, Int, Rejection)] {
    report.logs.filter { !$0.isUnknown }.flatMap { log in
      log.rejections.map { (log, $0.line, $0.rejection) }
    }
  }

  private var unknown: String {
    var text = ""
    for log in report.logs.filter(\.isUnknown).prefix(Self.shownMax) {
      text += "\n\(log.file.path) is of no known format.\n"
      guard let misfit = log.recognition?.misfit else {
        text += """
            Its first lines are like those of none. If it is a log, describe it, starting from a \
          format that is like it ('duizhang formats' lists them):
              duizhang formats nginx-combined > ours.yaml
              duizhang check --format ours.yaml \(log.file.path)

          """
        continue
      }
      if misfit.isEncoding {
        text += "  Its text looks like \(misfit.format), which must be said:\n"
        text += "    duizhang check --encoding \(misfit.format) \(log.file.path)\n"
        continue
      }
      text += "  Closest is \(misfit.format): \(misfit.detail).\n"
      text += steps(log, misfit.format, misfit.remedy)
    }
    return text
  }

  /// How to come from a format to one for a log.
  private func steps(_ log: CheckedLog, _ format: String, _ change: String) -> String {
    guard BuiltInFormats.files.contains(where: { $0.name == format }) else {
      return "  To read it, change the file of \(format): \(change).\n"
    }
    return """
        To read it, describe it, starting from that format:
          duizhang formats \(format) > \(format)-ours.yaml
          (\(change))
          duizhang check --format \(format)-ours.yaml \(log.file.path)

      """
  }

  /// Of each format three records of the first log that has it.
  private var understood: String {
    var text = ""
    var seen: Set<String> = []
    for log in report.logs {
      guard let name = log.formatName, let trial = log.recognition?.trial else { continue }
      guard seen.insert(name).inserted else { continue }
      text += "\n\(log.file.path) is \(name) (\(trial.plan.format.title)): \(trial.records) of its "
      text += "first \(trial.lines) lines are records of it, with "
      text += "\(average(trial.fields, trial.records)) fields each.\n"
      let others = log.recognition?.alike ?? []
      if !others.isEmpty {
        text += "  \(others.joined(separator: ", ")) has lines of the same form.\n"
      }
      if log.isIgnored { text += none(log, name, trial.firstIgnored) }
      for sample in log.samples { text += "  line \(sample.line): \(line(sample))\n" }
    }
    return text
  }

  /// Of a log whose format is known, and whose calls are not.
  private func none(_ log: CheckedLog, _ name: String, _ request: String?) -> String {
    "  None of its records counts: no rule of the format is for \(request ?? "them").\n"
      + steps(
        log, name,
        "say under 'rules' which requests are calls of the bot, and under 'fields' where their "
          + "licensee and user stand")
  }

  private func average(_ sum: Int, _ count: Int) -> String {
    let tenths = count == 0 ? 0 : (sum * 10 + count / 2) / count
    return "\(tenths / 10).\(tenths % 10)"
  }

  private func line(_ sample: SampleRecord) -> String {
    var parts = ["time=\(time(sample.time))"]
    for field in Field.allCases {
      guard let value = sample.texts[field] else { continue }
      let shown = value.count > Self.textShown ? value.prefix(Self.textShown) + "…" : value[...]
      // One line a record, whatever is in it.
      parts.append("\(field.name)=\(shown.replacing("\n", with: "\u{FFFD}"))")
    }
    parts.append("status=\(sample.status)")
    if sample.items != 1 { parts.append("items=\(sample.items)") }
    return parts.joined(separator: " ")
  }

  // MARK: - CSV

  public static let columns = [
    "file", "codec", "encoding", "format", "stored_bytes", "lost_bytes", "text_bytes", "lines",
    "records", "blank", "quarantined", "from", "to", "damages", "same_text_as",
  ]

  public var csv: CSVTable {
    var firsts: [Int: String] = [:]
    for group in report.equalLogs {
      for index in group.dropFirst() { firsts[index] = report.logs[group[0]].file.path }
    }
    return CSVTable(
      columns: Self.columns,
      rows: report.logs.enumerated().map { index, log in
        [
          .text(log.file.path), .optional(log.codec?.rawValue), .optional(log.encoding?.name),
          .text(log.formatName ?? (log.isUnknown ? "unknown" : "")), .number(log.file.sizeBytes),
          .number(log.lostBytes), .number(log.textBytes), .number(log.counts.lines),
          .number(log.records), .number(log.counts.blank), .number(log.quarantined),
          .optional(log.first.map(time)), .optional(log.last.map(time)),
          .number(log.damages.count), firsts[index].map { .text($0) } ?? .empty,
        ]
      })
  }

  // MARK: - JSON

  public var json: JSONValue {
    [
      "logs": .array(report.logs.map(json)),
      "failures": .array(
        report.failures.map { ["file": .string($0.path), "detail": .string("\($0)")] }),
      "same_text": .array(
        report.equalLogs.map { group in
          .array(group.map { .string(report.logs[$0].file.path) })
        }),
      "missing": .array(report.missingNames.map { .string($0) }),
      "silences": .array(
        report.silences.map { silence in
          [
            "series": silence.series.map { .string($0) } ?? .null,
            "from": .string(time(silence.from)), "to": .string(time(silence.to)),
            "others_records": .number(silence.othersRecords),
          ]
        }),
      "concerns": .array(report.concerns.map { .string($0) }),
    ]
  }

  private func json(_ log: CheckedLog) -> JSONValue {
    func optional(_ text: String?) -> JSONValue { text.map { .string($0) } ?? .null }
    return [
      "file": .string(log.file.path), "codec": optional(log.codec?.rawValue),
      "encoding": optional(log.encoding?.name), "format": optional(log.formatName),
      "stored_bytes": .number(log.file.sizeBytes), "lost_bytes": .number(log.lostBytes),
      "text_bytes": .number(log.textBytes), "lines": .number(log.counts.lines),
      "records": .number(log.records), "ignored": .number(log.counts.ignored),
      "blank": .number(log.counts.blank), "quarantined": .number(log.quarantined),
      "from": optional(log.first.map(time)), "to": optional(log.last.map(time)),
      "damages": .array(
        log.damages.map { damage in
          [
            "byte_offset": .number(damage.byteOffset),
            "byte_count": damage.byteCount.map { .number($0) } ?? .null,
            "detail": .string(damage.detail),
            "untrusted_text_bytes": .number(damage.distrust?.textBytes ?? 0),
            "untrusted_is_quarantined": damage.distrust.map { .bool($0.isApplied) } ?? .null,
          ]
        }),
      "first_quarantined": .array(
        log.rejections.map { line, rejection in
          ["line": .number(line), "reason": .string(rejection.reason)]
        }),
      "understood": .array(
        log.samples.map { sample in
          .object(
            [
              .init("line", .number(sample.line)), .init("time", .string(time(sample.time))),
              .init("status", .number(sample.status)), .init("items", .number(sample.items)),
            ]
              + Field.allCases.compactMap { field in
                sample.texts[field].map { .init(field.name, .string($0)) }
              })
        }),
      "closest_format": optional(log.recognition?.misfit?.format),
      "misfit": optional(log.recognition?.misfit?.detail),
    ]
  }
}
