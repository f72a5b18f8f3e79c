import CivilTime
import Foundation
import GRDB
import Testing

@testable import Ledger

@Suite struct TamperingTests {
  private let folder: TestFolder

  init() throws {
    folder = try TestFolder()
    let workspace = try openToWrite(folder.workspace)
    try workspace.takeIn("one", name: "a", days: [firstDay, firstDay + 1])
    try workspace.takeIn("two", name: "b")
  }

  private var ledgerPath: String { folder.workspace + "/ledger.sqlite" }

  /// Errors of the workspace as it is on the disk.
  private func errors() throws -> [WorkspaceProblem] {
    try openToRead(folder.workspace).verify().filter(\.isError)
  }

  /// Changes the ledger as someone with SQLite can, and puts its log into the file.
  private func change(_ sql: String) throws {
    let queue = try DatabaseQueue(path: ledgerPath)
    try queue.writeWithoutTransaction { database in
      try database.execute(sql: "PRAGMA foreign_keys = OFF")
      try database.execute(sql: sql)
    }
    try queue.close()
  }

  @Test func aFlippedByteInAFileIsFound() throws {
    let file = try #require(
      try openToRead(folder.workspace).ledger.read { state throws(WorkspaceError) in
        try state.referencedFiles().first { $0.path.hasPrefix("segments/") }
      })
    let path = folder.workspace + "/" + file.path
    try flip(path, at: 1)
    #expect(try errors().map(\.path) == [file.path])
    try flip(path, at: 1)
    #expect(try errors().isEmpty)
    try FileManager.default.removeItem(atPath: path)
    #expect(try errors().map(\.what) == ["is missing"])
    try Data("longer".utf8).write(to: URL(fileURLWithPath: path))
    #expect(try errors().map(\.what) == ["has 6 bytes, expected 3"])
  }

  @Test func aFlippedByteAnywhereInTheDatabaseIsFound() throws {
    let size = try Data(contentsOf: URL(fileURLWithPath: ledgerPath)).count
    var generator = SystemRandomNumberGenerator()
    // All of the header, and some of every page.
    var offsets = Array(0..<100)
    for page in stride(from: 0, to: size, by: 4_096) {
      offsets += [page, page + 3, page + 5, page + 8]
      offsets.append(Int.random(in: page..<page + 4_096, using: &generator))
    }
    for offset in offsets {
      try flip(ledgerPath, at: offset)
      do {
        let found = try errors()
        #expect(
          found.contains { $0.path == "ledger.sqlite" }, "byte \(offset) of \(size)")
      } catch is WorkspaceError {
        // It cannot even be opened.
      }
      try flip(ledgerPath, at: offset)
    }
    #expect(try errors().isEmpty)
  }

  @Test func aChangedRowIsFoundAndItsTableNamed() throws {
    try change("UPDATE log_file SET records = 6, quarantined = 3 WHERE id = 1")
    let found = try errors().map(\.what)
    #expect(found.contains("table log_file is not what the last commit left"))
    // A commit would seal what was changed.
    #expect(throws: WorkspaceError.self) { _ = try openToWrite(folder.workspace) }
    try change("UPDATE log_file SET records = 7, quarantined = 2 WHERE id = 1")
    #expect(try !errors().map(\.what).contains { $0.hasPrefix("table") })
  }

  @Test func aChangedSchemaIsFound() throws {
    try change("DROP TRIGGER audit_no_delete")
    #expect(
      try errors().map(\.what).contains("table (schema) is not what the last commit left"))
  }

  @Test(arguments: [
    ("UPDATE audit SET actor = 'other' WHERE id = 3", Int64(3), "was changed after it was written"),
    ("UPDATE audit SET at = at + 1 WHERE id = 1", 1, "was changed after it was written"),
    ("DELETE FROM audit WHERE id = 2", 2, "is missing"),
    (
      "UPDATE audit SET previous_hash = (SELECT hash FROM audit WHERE id = 6) WHERE id = 4", 4,
      "does not follow the entry before it"
    ),
  ])
  func aChangedAuditLogIsFoundAtItsFirstBrokenEntry(
    sql: String, id: Int64, what: String
  ) throws {
    try change("DROP TRIGGER audit_no_update; DROP TRIGGER audit_no_delete; \(sql)")
    let broken = try openToRead(folder.workspace).ledger.read { state throws(WorkspaceError) in
      try state.verifyAudit()
    }
    #expect(broken == AuditBreak(id: id, what: what))
    #expect(try errors().map(\.what).contains("audit entry \(id) \(what)"))
  }

  @Test func entriesCutOffTheAuditLogsEndAreMissed() throws {
    try change("DROP TRIGGER audit_no_delete; DELETE FROM audit WHERE id = 6")
    #expect(try errors().map(\.what).contains("audit entry 6 was there and is missing"))
  }

  @Test func anEarlierCopyOfTheDatabaseIsFound() throws {
    let copy = try Data(contentsOf: URL(fileURLWithPath: ledgerPath))
    try openToWrite(folder.workspace).takeIn("three", name: "c")
    try copy.write(to: URL(fileURLWithPath: ledgerPath))
    #expect(try errors().map(\.what) == ["audit entry 8 was there and is missing"])
  }

  @Test func theHashOfAnEntryIsThatOfItsText() {
    let entry = AuditEntry(
      id: 7, at: Instant(microseconds: 1_000), actor: "王", action: "period.close", detail: "{}",
      previousHash: .zero, hash: .zero)
    let zeros = String(repeating: "0", count: 64)
    let text = "duizhang audit entry 1\n7\n1000\n3:王\n12:period.close\n2:{}\n\(zeros)\n"
    #expect(entry.expectedHash == digest(text))
  }
}
