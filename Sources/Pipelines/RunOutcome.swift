public import CivilTime
public import Reports

/// What a run came to: the sets of reports that it wrote, and with a workspace what the night brought.
public struct RunOutcome: Sendable {
  public let pipeline: PipelineFile
  /// One for each set of reports that was written; with a workspace, one for each month that changed.
  public let parts: [RangeOutcome]
  /// `nil` without a workspace.
  public internal(set) var night: Night?

  /// What is told of a night, and stands in no report, since these do not depend on when what came.
  public struct Night: Sendable {
    /// Logs that were taken in.
    public var taken: [String]
    /// Logs whose text was known, and the name that it is known by.
    public var repeated: [(path: String, name: String)]
    /// Logs that took the place of a part of them.
    public var extended: [String]
    /// Days that were counted anew.
    public var dayCount: Int
    /// Months that are as they were reported before, with what needs a person in them.
    public var unchanged: [(month: CivilMonth, concerns: [String])] = []
    /// The last month that is closed.
    public var closed: CivilMonth?
    /// What came for closed months tonight.
    public var late: [BookedAdjustment] = []
    /// Logs with records of sealed days, and how many of these: they are not counted.
    public var uncounted: [(path: String, records: Int)] = []
    /// The last day that is sealed, in UTC, and how many were tonight.
    public var sealedUntil: CivilDate?
    public var sealedDayCount = 0
    /// What the workspace holds now.
    public var held = Held()

    /// What a workspace holds.
    public struct Held: Sendable, Hashable {
      public var lines = 0
      public var records = 0
      public var quarantined = 0
      public var logs = 0
      public var damagedLogs = 0
      public var lastRecord: Instant?
      public var lastMonth: CivilMonth?
    }
  }

  /// What needs a person; none: the exit status is 0.
  public var concerns: [RunConcern] {
    guard let night else { return parts.flatMap(\.concerns) }
    let found = parts.flatMap { part in
      part.concerns.map { concern in
        part.month.map { RunConcern.ofMonth($0, "\(concern)") } ?? concern
      }
    }
    let earlier = night.unchanged.flatMap { month, texts in
      texts.map { RunConcern.ofMonth(month, $0) }
    }
    let late = Set(night.late.map(\.closed)).sorted().map { month in
      RunConcern.lateRecords(month, rows: night.late.count { $0.closed == month })
    }
    let sealed = night.uncounted.map {
      RunConcern.sealedRecords(path: $0.path, records: $0.records)
    }
    return found + earlier + late + sealed
  }

  public var needsPerson: Bool { !concerns.isEmpty }

  // MARK: - Text

  /// Rows of a list that the page shows.
  private static let shownMax = 20

  /// The page that a person reads in the morning.
  public var text: String {
    nightText + parts.dropLast(Self.pagesMax).map(Self.line).joined()
      + (parts.count > Self.pagesMax ? "\n" : "")
      + parts.suffix(Self.pagesMax).map(\.text).joined(separator: "\n") + unchangedText
  }

  /// Months whose page is shown as a whole, the last ones; the others are a line.
  private static let pagesMax = 2

  private static func line(_ part: RangeOutcome) -> String {
    let count = part.concerns.count
    return "\(name(part)): "
      + (count == 0 ? "nothing needs a person" : "needs a person")
      + "; reports in \(part.folder)\n"
      + part.concerns.map { "  \($0)\n" }.joined()
  }

  private var nightText: String {
    guard let night else { return "" }
    func counted(_ count: Int, _ one: String) -> String {
      "\(MeteringSummary.grouped(count)) \(one)\(count == 1 ? "" : "s")"
    }
    var text =
      "\(pipeline.name): taken in: \(counted(night.taken.count, "log")); counted anew: "
      + "\(counted(night.dayCount, "day")); reports written: "
      + (parts.isEmpty
        ? "none, since nothing changed"
        : parts.map { Self.name($0) }.joined(separator: ", "))
      + (night.closed.map { "; closed up to \($0)" } ?? "") + "\n"
    func list(_ title: String, _ lines: [String]) {
      guard !lines.isEmpty else { return }
      text += title + ":\n" + lines.prefix(Self.shownMax).map { "  \($0)\n" }.joined()
      if lines.count > Self.shownMax { text += "  and \(lines.count - Self.shownMax) more\n" }
    }
    list(
      "known already, under another name, and not counted again",
      night.repeated.map { "\($0.path) as \($0.name)" })
    list("whole now, in place of what was taken in of them before", night.extended)
    if night.sealedDayCount > 0, let day = night.sealedUntil {
      text +=
        "sealed, since they are older than 'keep_segments': "
        + "\(counted(night.sealedDayCount, "day")) up to \(day) (UTC)\n"
    }
    list(
      "came for sealed days, and is not counted",
      night.uncounted.map { "\($0.path): \(counted($0.records, "record"))" })
    list("came for closed months, and is booked as adjustments", night.late.map(\.text))
    return text + "\n"
  }

  private static func name(_ part: RangeOutcome) -> String {
    part.month.map { "\($0)" } ?? part.folder
  }

  private var unchangedText: String {
    guard let night else { return "" }
    let lines = night.unchanged.flatMap { month, texts in texts.map { "  \(month): \($0)\n" } }
    return lines.isEmpty
      ? "" : "needs a person still, in months that did not change:\n" + lines.joined()
  }

  // MARK: - JSON

  /// For programs; without a workspace, what `run-summary.json` says.
  public var json: JSONValue {
    guard let night else { return parts.first?.json ?? .null }
    return [
      "pipeline": .string(pipeline.name),
      "needs_person": .array(concerns.map { .string("\($0)") }),
      "taken": .array(night.taken.map { .string($0) }),
      "repeated": .array(
        night.repeated.map { ["file": .string($0.path), "known_as": .string($0.name)] }),
      "extended": .array(night.extended.map { .string($0) }),
      "days_counted": .number(night.dayCount),
      "closed": night.closed.map { .string("\($0)") } ?? .null,
      "late": .array(night.late.map(\.json)),
      "uncounted": .array(
        night.uncounted.map { ["file": .string($0.path), "records": .number($0.records)] }),
      "sealed_until": night.sealedUntil.map { .string("\($0)") } ?? .null,
      "days_sealed": .number(night.sealedDayCount),
      "unchanged": .array(night.unchanged.map { .string("\($0.month)") }),
      "reports": .array(parts.map(\.json)),
    ]
  }
}
