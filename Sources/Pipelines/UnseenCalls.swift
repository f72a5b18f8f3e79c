internal import CivilTime
internal import Metering
internal import Reports

/// Of what days of a workspace nobody has looked for misuse, or could not wholly: what a reader of findings must know,
/// to whom no finding of a day would otherwise seem to say that it was clean.
struct UnseenCalls: Sendable {
  /// Days in UTC that were counted before calls were looked at, and of which no records are kept.
  private let unseen: [CivilDate]
  /// Days in UTC with logs that were taken in before questions, devices, paths and latencies were kept.
  private let seenInPart: [CivilDate]

  init(_ result: MeteringResult) {
    unseen = result.unseenDays
    seenInPart = result.daysSeenInPart
  }

  /// A line each; none where all was looked at.
  var notes: [String] {
    var notes: [String] = []
    if !unseen.isEmpty {
      notes.append(
        "nobody has looked for misuse on \(Self.text(unseen)) (UTC), counted before this was done and not kept"
      )
    }
    if !seenInPart.isEmpty {
      notes.append(
        "on \(Self.text(seenInPart)) (UTC) only what addresses and times show was looked for: logs were taken in "
          + "before questions, devices, paths and latencies were kept")
    }
    return notes.isEmpty
      ? []
      : notes + [
        "that these days have few findings says nothing of them; 'duizhang detect' over their raw logs looks at all, "
          + "and so does a new workspace (docs/workspace.md, Rebuilding it)"
      ]
  }

  var json: JSONValue {
    func dates(_ days: [CivilDate]) -> JSONValue { .array(days.map { .string("\($0)") }) }
    return ["days": dates(unseen), "days_in_part": dates(seenInPart)]
  }

  /// `3 days: 2025-11-01 to 2025-11-02, 2025-11-05`.
  private static func text(_ days: [CivilDate]) -> String {
    var runs: [(first: CivilDate, last: CivilDate)] = []
    for day in days.sorted() {
      if let last = runs.last?.last, last + 1 == day {
        runs[runs.count - 1].last = day
      } else {
        runs.append((day, day))
      }
    }
    let words = runs.map { $0.first == $0.last ? "\($0.first)" : "\($0.first) to \($0.last)" }
    return "\(days.count) day\(days.count == 1 ? "" : "s"), \(words.joined(separator: ", "))"
  }
}
