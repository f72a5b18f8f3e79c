internal import CivilTime
public import Ledger
public import Reports

/// The audit log of a workspace, with what its runs took in and came to: who ran what, on which input, with which
/// result.
public enum AuditTrail {
  static let columns = [
    "entry", "time", "actor", "action", "run", "command", "program_version", "outcome", "detail",
    "hash",
  ]

  /// All entries, the first one first.
  public static func table(_ workspace: Workspace) throws(WorkspaceError) -> CSVTable {
    let (entries, runs) = try workspace.ledger.read { state throws(WorkspaceError) in
      (try state.auditEntries(), try state.runs())
    }
    let byNumber = Dictionary(runs.map { ($0.id.number, $0) }) { first, _ in first }
    return CSVTable(
      columns: columns,
      rows: entries.map { entry in
        let number = runNumber(entry)
        let run = number.flatMap { byNumber[Int64($0)] }
        let isEnd = entry.action == "run.commit" || entry.action == "run.abandon"
        return [
          .number(Int(entry.id)), .plain(entry.at.rfc3339(in: .utc)), .text(entry.actor),
          .plain(entry.action), number.map { .number($0) } ?? .empty,
          run.map { .text($0.start.command) } ?? .empty,
          run.map { .text($0.start.programVersion) } ?? .empty,
          isEnd ? .optional(run?.outcome.rawValue) : .empty,
          // Of a commit, what the run did; the digests of tables are for 'workspace verify'.
          number == nil
            ? .text(entry.detail) : isEnd ? run.map { .text($0.summary) } ?? .empty : .empty,
          .plain(entry.hash.hexadecimal),
        ]
      })
  }

  /// The run that an entry seals; `nil` for any other entry.
  private static func runNumber(_ entry: AuditEntry) -> Int? {
    guard case .object(let members)? = try? JSONValue.read(Array(entry.detail.utf8)),
      case .number(let number)? = members.first(where: { $0.name == "run" })?.value
    else { return nil }
    return number
  }
}
