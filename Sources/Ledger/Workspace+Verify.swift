internal import Files
internal import GRDB

/// Something that is not as a run left it.
public struct WorkspaceProblem: Sendable, Hashable, CustomStringConvertible {
  /// From the workspace's folder.
  public var path: String
  public var what: String
  public var remedy: String
  /// Whether the workspace can no longer be relied on; else it is only worth knowing.
  public var isError: Bool

  public init(path: String, what: String, remedy: String, isError: Bool) {
    self.path = path
    self.what = what
    self.remedy = remedy
    self.isError = isError
  }

  public var description: String { "\(path): \(what); \(remedy)" }
}

extension Workspace {
  /// Checks everything: the database's structure, its rows against the digests of the last commit, the
  /// audit log's chain, and every file that the ledger refers to by its size and SHA-256.
  ///
  /// - Returns: all that was found, errors first; without any error the workspace is what the last
  ///   finished run left.
  /// - Throws: ``WorkspaceError`` where the checking itself is not possible.
  public func verify() throws(WorkspaceError) -> [WorkspaceProblem] {
    var problems = try surviving { () throws(WorkspaceError) in try structureProblems() }
    problems += try surviving { () throws(WorkspaceError) in try contentProblems() }
    problems += try surviving { () throws(WorkspaceError) in try digestFileProblems() }
    problems += try surviving { () throws(WorkspaceError) in try fileProblems() }
    problems += try surviving { () throws(WorkspaceError) in try leftovers() }
    var seen: Set<WorkspaceProblem> = []
    problems = problems.filter { seen.insert($0).inserted }
    return problems.filter(\.isError) + problems.filter { !$0.isError }
  }

  /// A page that cannot be read stops one check, and the others go on.
  private func surviving(
    _ check: () throws(WorkspaceError) -> [WorkspaceProblem]
  ) throws(WorkspaceError) -> [WorkspaceProblem] {
    do throws(WorkspaceError) {
      return try check()
    } catch {
      guard case .corrupt(_, let detail) = error else { throw error }
      return [.ledger(detail)]
    }
  }

  /// SQLite's own check of pages, indexes and references.
  private func structureProblems() throws(WorkspaceError) -> [WorkspaceProblem] {
    try ledger.read { state throws(WorkspaceError) in
      try state.query { database in
        try database.execute(sql: "PRAGMA cell_size_check = ON")
        let found = try String.fetchAll(database, sql: "PRAGMA integrity_check")
        let orphans = try database.rows("PRAGMA foreign_key_check") { row in
          let table: String = try row.required("table")
          let parent: String = try row.required("parent")
          return "a row of \(table) refers to one of \(parent) that is not there"
        }
        return found.filter { $0 != "ok" }.map(WorkspaceProblem.ledger)
          + orphans.map(WorkspaceProblem.ledger)
      }
    }
  }

  /// The audit log's chain, and the tables as it says that the last commit left them.
  private func contentProblems() throws(WorkspaceError) -> [WorkspaceProblem] {
    try ledger.read { state throws(WorkspaceError) in
      var problems = try LedgerSeal.changedTables(state).map {
        WorkspaceProblem.ledger("table \($0) is not what the last commit left")
      }
      if let broken = try state.verifyAudit() { problems.append(.ledger("\(broken)")) }
      return problems
    }
  }

  /// The file beside the ledger, and the ledger's own bytes where nothing was committed since.
  private func digestFileProblems() throws(WorkspaceError) -> [WorkspaceProblem] {
    guard let text = FileContent.text("\(path)/\(WorkspaceFolder.digestName)") else {
      // One killed between the commits that make a ledger, its first entries, and the file: nothing to cut off.
      let entries = try ledger.read { state throws(WorkspaceError) in try state.auditEntries() }
      if entries.allSatisfy({ LedgerSchema.actions.contains($0.action) }) {
        return [
          WorkspaceProblem(
            path: WorkspaceFolder.digestName, what: "is not written yet",
            remedy: "the next run writes it", isError: false)
        ]
      }
      return [.digestFile("is missing, so that entries cut off the audit log's end cannot be told")]
    }
    guard let digest = LedgerDigestFile(text: text) else {
      return [.digestFile("is not what was written")]
    }
    let entries = try ledger.read { state throws(WorkspaceError) in try state.auditEntries() }
    guard let entry = entries.first(where: { $0.id == digest.auditID }) else {
      return [.ledger("audit entry \(digest.auditID) was there and is missing")]
    }
    guard entry.hash.hexadecimal == digest.auditHash else {
      return [.ledger("audit entry \(digest.auditID) is another than was written")]
    }
    guard entry.id == entries.last?.id, let expected = digest.fileSHA256,
      FileContent.sha256(folder.ledgerPath)?.sha256.hexadecimal != expected
    else { return [] }
    // A commit since then changes the file rightly.
    let last = try ledger.read { state throws(WorkspaceError) in try state.lastAuditEntry() }
    guard last?.id == entry.id else { return [] }
    return [.ledger("its bytes are not what the last commit left")]
  }

  /// Every file that the ledger refers to.
  private func fileProblems() throws(WorkspaceError) -> [WorkspaceProblem] {
    try ledger.read { state throws(WorkspaceError) in try state.referencedFiles() }
      .compactMap { file in
        let path = path(of: file)
        guard FileDescriptor.kind(path) != nil else { return .file(file, "is missing") }
        guard let content = FileContent.sha256(path) else { return .file(file, "cannot be read") }
        if content.bytes != file.bytes {
          return .file(file, "has \(content.bytes) bytes, expected \(file.bytes)")
        }
        return content.sha256 == file.sha256 ? nil : .file(file, "is not what was written")
      }
  }

  private func leftovers() throws(WorkspaceError) -> [WorkspaceProblem] {
    let unlocked = WorkspaceProblem(
      path: WorkspaceFolder.readersName,
      what: "could not be locked where all can only be read; someone may have written meanwhile",
      remedy: "verify again where a problem is found", isError: false)
    return try unreferencedFiles().map {
      WorkspaceProblem(
        path: $0, what: "belongs to no run", remedy: "the next run removes it", isError: false)
    } + (folder.isLocked ? [] : [unlocked])
  }
}

extension WorkspaceProblem {
  fileprivate static func ledger(_ what: String) -> WorkspaceProblem {
    WorkspaceProblem(
      path: WorkspaceFolder.ledgerName, what: what,
      remedy: "restore the workspace from a copy, or begin a new one from the logs", isError: true)
  }

  fileprivate static func digestFile(_ what: String) -> WorkspaceProblem {
    WorkspaceProblem(
      path: WorkspaceFolder.digestName, what: what,
      remedy: "compare the ledger with a copy; the next run writes the file anew", isError: true)
  }

  fileprivate static func file(_ file: StoredFile, _ what: String) -> WorkspaceProblem {
    WorkspaceProblem(
      path: file.path, what: what,
      remedy: "restore it from a copy of the workspace, or begin a new workspace from the logs",
      isError: true)
  }
}
